#include "registry/header.h"

#include "base/memory.h"
#include "base/text.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define RETRY_MAX_S 86400

void registry_challenge_deinit(struct registry_challenge *challenge)
{
    free(challenge->realm);
    free(challenge->service);
    memset(challenge, 0, sizeof *challenge);
}

static const char *skip(const char *at, const char *set)
{
    return at + strspn(at, set);
}

/* A value in quotes, or a token. NULL: its quote does not end. Caller frees. */
static char *take_value(const char **at)
{
    if (**at != '"') {
        size_t len = strcspn(*at, ", \t");
        char *token = memory_strndup(*at, len);
        *at += len;
        return token;
    }
    char *value = memory_alloc(strlen(*at) + 1);
    char *to = value;
    const char *from = *at + 1;
    while (*from && *from != '"') {
        from += *from == '\\' && from[1];
        *to++ = *from++;
    }
    *to = '\0';
    *at = from + (*from == '"');
    if (*from == '"')
        return value;
    free(value);
    return NULL;
}

static enum registry_scheme scheme_of(const char *word, size_t len)
{
    if (len == strlen("Basic") && strncasecmp(word, "Basic", len) == 0)
        return REGISTRY_BASIC;
    if (len == strlen("Bearer") && strncasecmp(word, "Bearer", len) == 0)
        return REGISTRY_BEARER;
    return REGISTRY_OTHER;
}

/* name=value; *ret_value is the caller's. */
static bool take_parameter(const char **at, const char **ret_name, size_t *ret_len, char **ret_value)
{
    *ret_name = *at;
    *ret_len = strcspn(*at, "=, \t\"");
    *at = skip(*at + *ret_len, " \t");
    if (*ret_len == 0 || **at != '=')
        return false;
    *at = skip(*at + 1, " \t");
    *ret_value = take_value(at);
    return *ret_value != NULL;
}

static void keep(char **slot, char **value)
{
    if (!*slot)
        *slot = TAKE(*value);
}

bool registry_challenge_parse(const char *header, struct registry_challenge *ret_challenge)
{
    assert(header);
    struct registry_challenge challenge CLEANUP(registry_challenge_deinit) = {0};
    const char *at = skip(header, " \t,");
    size_t len = strcspn(at, " \t,");
    challenge.scheme = scheme_of(at, len);
    at = skip(at + len, " \t");
    while (*at) {
        const char *name;
        char *value CLEANUP_FREE = NULL;
        const char *before = at;
        if (!take_parameter(&at, &name, &len, &value)) {
            if (value || before == header || *at == '=')
                return false;
            break; /* the next challenge, or what is no parameter */
        }
        if (len == strlen("realm") && strncasecmp(name, "realm", len) == 0)
            keep(&challenge.realm, &value);
        else if (len == strlen("service") && strncasecmp(name, "service", len) == 0)
            keep(&challenge.service, &value);
        at = skip(at, " \t,");
    }
    if (challenge.scheme == REGISTRY_OTHER || (challenge.scheme == REGISTRY_BEARER && !challenge.realm))
        return false;
    *ret_challenge = challenge;
    memset(&challenge, 0, sizeof challenge);
    return true;
}

/* Whether the link's parameters, from a semicolon on, say that it is the next one; *at is behind them. */
static bool is_next(const char **at)
{
    bool next = false;
    while (*(*at = skip(*at, " \t")) == ';') {
        const char *name;
        size_t len;
        char *value CLEANUP_FREE = NULL;
        *at = skip(*at + 1, " \t");
        if (!take_parameter(at, &name, &len, &value))
            return false;
        next |= len == strlen("rel") && strncasecmp(name, "rel", len) == 0 && strcasecmp(value, "next") == 0;
    }
    return next;
}

char *registry_link_next(const char *header)
{
    assert(header);
    const char *at = header;
    while (*(at = skip(at, " \t,")) == '<') {
        const char *target = at + 1;
        size_t len = strcspn(target, ">");
        if (!target[len])
            return NULL;
        at = target + len + 1;
        if (is_next(&at))
            return memory_strndup(target, len);
    }
    return NULL;
}

static bool is_plain(const char *text)
{
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7F)
            return false;
    return true;
}

int registry_resolve(const char *base, const char *reference, char **ret_base, char **ret_path,
                     struct error *err)
{
    assert(base);
    assert(reference);
    size_t len = strcspn(reference, "#");
    char *text CLEANUP_FREE = memory_strndup(reference, len);
    bool is_path = *text == '/' && text[1] != '/';
    bool is_url = strncasecmp(text, "https://", 8) == 0 || strncasecmp(text, "http://", 7) == 0;
    const char *host = is_url ? strstr(text, "://") + 3 : text;
    size_t host_chars = strcspn(host, "/?");
    if (!is_plain(text) || (!is_path && !is_url) ||
        (is_url && (host_chars == 0 || memchr(host, '@', host_chars))))
        return error_set(err, ERROR_INVALID, "\"%.200s\" is no address that davit follows", reference);
    if (is_path) {
        *ret_base = memory_strdup(base);
        *ret_path = TAKE(text);
        return 0;
    }
    const char *path = host + host_chars;
    *ret_base = memory_printf("%s%.*s", strncasecmp(text, "https:", 6) == 0 ? "https://" : "http://",
                              (int)host_chars, host);
    *ret_path = memory_printf("%s%s", *path == '/' ? "" : "/", path);
    return 0;
}

int64_t registry_retry_after_ms(const char *header)
{
    int64_t seconds;
    if (!header || text_to_int64(header, 0, RETRY_MAX_S, &seconds) < 0)
        return -1;
    return seconds * 1000;
}

char *registry_encode(const char *text)
{
    static const char digits[] = "0123456789ABCDEF";
    char *out = memory_alloc(strlen(text) * 3 + 1);
    char *to = out;
    for (const char *c = text; *c; c++) {
        unsigned char byte = (unsigned char)*c;
        if (isalnum(byte) || strchr("-._~", *c)) {
            *to++ = *c;
            continue;
        }
        *to++ = '%';
        *to++ = digits[byte >> 4];
        *to++ = digits[byte & 15];
    }
    *to = '\0';
    return out;
}
