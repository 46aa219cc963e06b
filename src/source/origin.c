#include "source/origin.h"

#include "base/memory.h"
#include "base/text.h"
#include "source/source.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MASK        "***"
#define FILE_SCHEME "file://"

bool source_origin_is_remote(const char *origin)
{
    assert(origin);
    if (strstr(origin, "://"))
        return true;
    const char *colon = strchr(origin, ':');
    const char *slash = strchr(origin, '/');
    return colon && colon != origin && colon[1] && (!slash || colon < slash);
}

const char *source_origin_path(const char *origin)
{
    assert(origin);
    if (!source_origin_is_remote(origin))
        return origin;
    if (!text_starts_with(origin, FILE_SCHEME))
        return NULL;
    const char *path = origin + strlen(FILE_SCHEME);
    return text_starts_with(path, "localhost/") ? path + strlen("localhost") : path;
}

char *source_origin_ref(const char *branch)
{
    assert(branch);
    return text_starts_with(branch, "refs/") ? memory_strdup(branch) : memory_printf("refs/heads/%s", branch);
}

/* The part of a URL's "user:password@" that nobody may see: over HTTP a token often stands in the user's
 * place. */
struct secret {
    const char *start;
    size_t len;
};

static struct secret find_secret(const char *origin)
{
    const char *scheme_end = strstr(origin, "://");
    if (!scheme_end)
        return (struct secret){0};
    const char *authority = scheme_end + 3;
    const char *end = authority + strcspn(authority, "/?#");
    const char *at = memrchr(authority, '@', (size_t)(end - authority));
    if (!at) /* a password with a slash in it is no valid URL, and a secret all the same */
        at = strchr(authority, '@');
    if (!at)
        return (struct secret){0};
    const char *start = authority;
    if (!text_starts_with(origin, "http")) {
        const char *colon = memchr(authority, ':', (size_t)(at - authority));
        start = colon ? colon + 1 : at;
    }
    return (struct secret){start, (size_t)(at - start)};
}

char *source_redact(const char *origin)
{
    assert(origin);
    struct secret secret = find_secret(origin);
    const char *rest = secret.len ? secret.start + secret.len : origin;
    const char *query = strstr(origin, "://") ? strchr(rest, '?') : NULL;
    int rest_len = query ? (int)(query + 1 - rest) : (int)strlen(rest);
    return memory_printf("%.*s%s%.*s%s", secret.len ? (int)(secret.start - origin) : 0, origin,
                         secret.len ? MASK : "", rest_len, rest, query ? MASK : "");
}

static void replace_all(struct error *err, const char *what, size_t what_len)
{
    struct error clean = {.code = err->code};
    size_t used = 0;
    for (const char *p = err->message; *p && used + sizeof MASK < sizeof clean.message;) {
        if (strncmp(p, what, what_len) == 0) {
            memcpy(clean.message + used, MASK, sizeof MASK - 1);
            used += sizeof MASK - 1;
            p += what_len;
        } else {
            clean.message[used++] = *p++;
        }
    }
    *err = clean;
}

void source_origin_redact_error(const char *origin, struct error *err)
{
    assert(origin);
    assert(err);
    struct secret secret = find_secret(origin);
    if (!secret.len)
        return;
    replace_all(err, secret.start, secret.len);
    const char *colon = memchr(secret.start, ':', secret.len);
    size_t password_len = colon ? secret.len - (size_t)(colon + 1 - secret.start) : 0;
    if (password_len)
        replace_all(err, colon + 1, password_len);
}
