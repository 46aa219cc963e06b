#include "secret/name.h"

#include "base/memory.h"
#include "base/text.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define RANDOM_CHARS 6 /* Secrets Manager: name-AbCdEf */

void secret_name_deinit(struct secret_name *name)
{
    free(name->name);
    free(name->pruned);
    free(name->key);
    *name = (struct secret_name){0};
}

/* What comes after so many colons; NULL when there are fewer. */
static const char *after_colons(const char *text, int count)
{
    for (; text && count; count--) {
        text = strchr(text, ':');
        text = text ? text + 1 : NULL;
    }
    return text;
}

/* arn:partition:service:region:account:secret:NAME[:key[:stage[:version]]] or ...:parameter/NAME. */
static const char *name_of_arn(const char *arn)
{
    const char *service = after_colons(arn, 2);
    const char *resource = after_colons(arn, 5);
    if (!resource)
        return NULL;
    if (text_starts_with(service, "ssm:") && text_starts_with(resource, "parameter/"))
        return resource + strlen("parameter/");
    if (text_starts_with(service, "secretsmanager:") && text_starts_with(resource, "secret:"))
        return resource + strlen("secret:");
    return NULL;
}

static bool is_path(const char *name)
{
    const char *part = name;
    for (const char *at = name;; at++) {
        if ((unsigned char)*at < ' ' && *at)
            return false;
        if (*at && *at != '/')
            continue;
        if (at == part || *part == '.') /* hidden ones and ".." among them */
            return false;
        if (!*at)
            return true;
        part = at + 1;
    }
}

static char *prune(const char *name)
{
    size_t len = strlen(name);
    if (len < RANDOM_CHARS + 2 || name[len - RANDOM_CHARS - 1] != '-')
        return NULL;
    for (size_t i = len - RANDOM_CHARS; i < len; i++)
        if (!isalnum((unsigned char)name[i]))
            return NULL;
    return memory_strndup(name, len - RANDOM_CHARS - 1);
}

int secret_name_parse(const char *value_from, struct secret_name *ret_name, struct error *err)
{
    assert(value_from && ret_name);
    bool is_arn = text_starts_with(value_from, "arn:");
    const char *text = is_arn ? name_of_arn(value_from) : value_from;
    struct secret_name name = {0};
    while (text && *text == '/') /* parameters of SSM begin with one */
        text++;
    size_t len = text ? strcspn(text, ":") : 0;
    name.name = memory_strndup(text ? text : "", len);
    const char *key = len && text[len] == ':' ? text + len + 1 : NULL;
    if (key && strcspn(key, ":"))
        name.key = memory_strndup(key, strcspn(key, ":"));
    name.pruned = is_arn ? prune(name.name) : NULL;
    if (!is_path(name.name)) {
        secret_name_deinit(&name);
        return error_set(err, ERROR_INVALID,
                         "\"%s\" names no secret: a name, or the ARN of a secret or parameter, is expected",
                         value_from);
    }
    *ret_name = name;
    return 0;
}
