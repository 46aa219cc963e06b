#include "source/origin.h"

#include "base/memory.h"
#include "base/redact.h"
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

char *source_redact(const char *origin)
{
    assert(origin);
    return redact_url(origin, strlen(origin));
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
    struct redact_login login = redact_login(origin, strlen(origin));
    /* A library may have read another end of the login. */
    while (login.len) {
        const char *colon = memchr(login.start, ':', login.len);
        size_t password_len = colon ? login.len - (size_t)(colon + 1 - login.start) : 0;
        replace_all(err, login.start, login.len);
        if (password_len)
            replace_all(err, colon + 1, password_len);
        const char *at = memrchr(login.start, '@', login.len);
        login.len = at ? (size_t)(at - login.start) : 0;
    }
}
