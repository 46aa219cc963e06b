/* RFC 3986 as far as schema references need it. */
#include "base/buffer.h"
#include "base/memory.h"
#include "manifest/schema_node.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

struct span {
    const char *at;
    size_t len;
    bool given;
};

struct uri_parts {
    struct span scheme, authority, path, query, fragment;
};

static struct span span_until(const char **s, const char *stop)
{
    struct span span = {*s, strcspn(*s, stop), true};
    *s += span.len;
    return span;
}

static struct uri_parts split(const char *uri)
{
    struct uri_parts parts = {0};
    const char *s = uri;
    size_t scheme = strcspn(s, ":/?#");
    if (s[scheme] == ':' && isalpha((unsigned char)s[0])) {
        parts.scheme = (struct span){s, scheme, true};
        s += scheme + 1;
    }
    if (strncmp(s, "//", 2) == 0) {
        s += 2;
        parts.authority = span_until(&s, "/?#");
    }
    parts.path = span_until(&s, "?#");
    if (*s == '?') {
        s++;
        parts.query = span_until(&s, "#");
    }
    if (*s == '#') {
        s++;
        parts.fragment = (struct span){s, strlen(s), true};
    }
    return parts;
}

bool schema_uri_is_absolute(const char *uri)
{
    assert(uri);
    return split(uri).scheme.given;
}

char *schema_uri_document(const char *uri)
{
    return memory_strndup(uri, strcspn(uri, "#"));
}

int schema_uri_check(const char *uri, struct error *err)
{
    if (strcspn(uri, "#") <= LIMIT_SCHEMA_URI_BYTES)
        return 0;
    return error_set(err, ERROR_LIMIT, "schema URI %.100s... has more than %d bytes (LIMIT_SCHEMA_URI_BYTES)",
                     uri, LIMIT_SCHEMA_URI_BYTES);
}

/* Cuts the last segment and its slash off. */
static void cut_segment(char *path, size_t *len)
{
    while (*len > 0 && path[*len - 1] != '/')
        (*len)--;
    if (*len > 0)
        (*len)--;
}

/* 5.2.4, in place; the result is never longer. */
static void remove_dot_segments(char *path)
{
    size_t out = 0;
    const char *in = path;
    while (*in) {
        const char *start = in;
        size_t slash = *in == '/';
        size_t len = strcspn(in + slash, "/");
        const char *segment = in + slash;
        in = segment + len;
        bool dot = len == 1 && segment[0] == '.';
        bool dots = len == 2 && segment[0] == '.' && segment[1] == '.';
        if (dots)
            cut_segment(path, &out);
        if (dot || dots) {
            if (!*in && slash)
                path[out++] = '/';
            continue;
        }
        memmove(path + out, start, slash + len);
        out += slash + len;
    }
    path[out] = '\0';
}

/* 5.2.3. Caller frees. */
static char *merge_paths(const struct uri_parts *base, struct span path)
{
    size_t directory = base->path.len;
    while (directory > 0 && base->path.at[directory - 1] != '/')
        directory--;
    if (path.len > 0 && path.at[0] == '/')
        return memory_strndup(path.at, path.len);
    if (base->authority.given && base->path.len == 0)
        return memory_printf("/%.*s", (int)path.len, path.at);
    return memory_printf("%.*s%.*s", (int)directory, base->path.at, (int)path.len, path.at);
}

static void append_span(struct buffer *out, const char *before, struct span span, const char *after)
{
    if (!span.given)
        return;
    buffer_append_str(out, before);
    buffer_append(out, span.at, span.len);
    buffer_append_str(out, after);
}

char *schema_uri_resolve(const char *base, const char *reference)
{
    assert(base);
    assert(reference);
    struct uri_parts from = split(base);
    struct uri_parts to = split(reference);
    struct buffer out = BUFFER_INIT(LIMIT_MANIFEST_BYTES);
    CLEANUP_FREE char *path = NULL;
    if (to.scheme.given || to.authority.given) {
        path = memory_strndup(to.path.at, to.path.len);
    } else if (to.path.len == 0) {
        path = memory_strndup(from.path.at, from.path.len);
        to.query = to.query.given ? to.query : from.query;
    } else {
        path = merge_paths(&from, to.path);
    }
    if (!to.scheme.given) {
        to.authority = to.authority.given ? to.authority : from.authority;
        to.scheme = from.scheme;
    }
    if (path[0] == '/')
        remove_dot_segments(path);
    append_span(&out, "", to.scheme, ":");
    append_span(&out, "//", to.authority, "");
    buffer_append_str(&out, path);
    append_span(&out, "?", to.query, "");
    append_span(&out, "#", to.fragment, "");
    return buffer_steal(&out);
}

void schema_uri_decode(char *text)
{
    assert(text);
    char *to = text;
    for (const char *from = text; *from; from++) {
        char hex[3] = {0};
        if (*from == '%' && isxdigit((unsigned char)from[1]) && isxdigit((unsigned char)from[2])) {
            memcpy(hex, from + 1, 2);
            from += 2;
            *to++ = (char)strtol(hex, NULL, 16);
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
}
