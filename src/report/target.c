#include "report/target.h"

#include "base/credential.h"
#include "base/digest.h"
#include "base/memory.h"
#include "base/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const kinds[] = {
    [REPORT_GITHUB] = "github",       [REPORT_GITLAB] = "gitlab",   [REPORT_GITEA] = "gitea",
    [REPORT_BITBUCKET] = "bitbucket", [REPORT_WEBHOOK] = "webhook", [REPORT_SLACK] = "slack",
};

const char *report_kind_name(enum report_kind kind)
{
    assert((size_t)kind < ARRAY_LEN(kinds));
    return kinds[kind];
}

int report_kind_parse(const char *name, enum report_kind *ret_kind)
{
    assert(ret_kind);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (text_equal(name, kinds[i])) {
            *ret_kind = (enum report_kind)i;
            return 0;
        }
    }
    return ERROR_NOT_FOUND;
}

bool report_kind_is_forge(enum report_kind kind)
{
    return kind != REPORT_WEBHOOK && kind != REPORT_SLACK;
}

bool report_target_is_of_one_repository(const struct report_target *a, const struct report_target *b)
{
    assert(a && b);
    return a->kind == b->kind && report_kind_is_forge(a->kind) && text_equal(a->url, b->url) &&
           strcasecmp(a->repository, b->repository) == 0; /* forges do not tell names apart by case */
}

void report_target_deinit(struct report_target *target)
{
    assert(target);
    free(target->url);
    free(target->url_file);
    free(target->repository);
    free(target->token_file);
    free(target->secret_file);
    free(target->ca_file);
    free(target->link);
    free(target->source);
    *target = (struct report_target){0};
}

void report_target_copy(const struct report_target *target, struct report_target *ret_copy)
{
    assert(target);
    assert(ret_copy);
    *ret_copy = *target;
    ret_copy->url = memory_strdup(target->url);
    ret_copy->url_file = memory_strdup(target->url_file);
    ret_copy->repository = memory_strdup(target->repository);
    ret_copy->token_file = memory_strdup(target->token_file);
    ret_copy->secret_file = memory_strdup(target->secret_file);
    ret_copy->ca_file = memory_strdup(target->ca_file);
    ret_copy->link = memory_strdup(target->link);
    ret_copy->source = memory_strdup(target->source);
}

int report_target_check(const struct report_target *target, struct error *err)
{
    assert(target);
    char *name CLEANUP_FREE = report_target_name(target);
    if (!target->url == !target->url_file && !report_kind_is_forge(target->kind))
        return error_set(err, ERROR_INVALID, "notifications: %s: either url or urlFile is wanted", name);
    if (target->token_file && target->url && !credential_is_private(target->url))
        return error_set(err, ERROR_INVALID,
                         "notifications: %s: a token is not sent over http://, where anybody can read it: "
                         "use https://",
                         name);
    return 0;
}

/* "https://host:port" of a URL. Caller frees. */
static char *origin_of(const char *url)
{
    const char *scheme_end = strstr(url, "://");
    const char *host = scheme_end ? scheme_end + strlen("://") : url;
    return memory_strndup(url, (size_t)(host - url) + strcspn(host, "/?#"));
}

char *report_target_name(const struct report_target *target)
{
    assert(target);
    const char *kind = report_kind_name(target->kind);
    if (target->repository)
        return memory_printf("%s %s", kind, target->repository);
    if (!target->url)
        return memory_printf("%s %s", kind, target->url_file ? target->url_file : "");
    char *origin CLEANUP_FREE = origin_of(target->url);
    return memory_printf("%s %s", kind, origin);
}

char *report_target_key(const struct report_target *target)
{
    assert(target);
    json_t *json =
        json_pack("{s:s, s:s?, s:s?, s:s?, s:i, s:b}", "kind", report_kind_name(target->kind), "url",
                  target->url, "urlFile", target->url_file, "repository", target->repository, "events",
                  (int)target->events, "perService", target->per_service);
    if (target->source)
        json_object_set_new(json, "source", json_string(target->source));
    struct digest digest = digest_of_json(json);
    char hex[DIGEST_HEX_SIZE];
    digest_to_hex(&digest, hex);
    json_decref(json);
    return memory_printf("%s %.16s", report_kind_name(target->kind), hex);
}
