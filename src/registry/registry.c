#include "registry/registry.h"

#include "base/limits.h"
#include "base/text.h"
#include "registry/session.h"

#include <assert.h>
#include <jansson.h>
#include <string.h>

#define TAGS_A_PAGE 1000 /* asked for; registries give less as they like */

/* An index where there is one: its digest is the same on every architecture. */
#define MANIFESTS                                                                                            \
    "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, "   \
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"

struct registry *registry_new(const struct registry_options *options)
{
    assert(options);
    struct registry *registry = NEW(struct registry);
    registry->options = *options;
    if (uv_loop_init(&registry->loop) < 0)
        abort(); /* out of descriptors */
    uv_timer_init(&registry->loop, &registry->timer);
    registry->client = http_client_new(&registry->loop, NULL);
    return registry;
}

void registry_free(struct registry *registry)
{
    if (!registry)
        return;
    http_client_free(registry->client);
    uv_close((uv_handle_t *)&registry->timer, NULL);
    uv_run(&registry->loop, UV_RUN_DEFAULT);
    uv_loop_close(&registry->loop);
    string_vec_deinit(&registry->silent);
    free(registry);
}

/* --- tags ----------------------------------------------------------------------------------------------- */

static int take_page(const struct registry_answer *answer, struct string_vec *tags, struct error *err)
{
    json_t *page = json_loadb(answer->body, answer->body_len, 0, NULL);
    const json_t *list = json_object_get(page, "tags");
    bool is_list = json_is_array(list) || json_is_null(list); /* null: all were deleted */
    size_t i;
    json_t *item;
    int rc = is_list ? 0 : error_set(err, ERROR_PROTOCOL, "the registry's list of tags is none");
    json_array_foreach ((json_t *)(uintptr_t)list, i, item) {
        const char *tag = json_string_value(item);
        if (!tag || !registry_is_tag(tag))
            continue;
        if (tags->len == LIMIT_REGISTRY_TAGS) {
            rc = error_set(err, ERROR_LIMIT, "it has more than %d tags (LIMIT_REGISTRY_TAGS)",
                           LIMIT_REGISTRY_TAGS);
            break;
        }
        vector_push(tags, memory_strdup(tag));
    }
    json_decref(page);
    return rc;
}

/* Where the next page is; *ret_path is NULL behind the last one. */
static int find_next(const struct registry_session *session, const char *link, char **ret_path,
                     struct error *err)
{
    char *target CLEANUP_FREE = link ? registry_link_next(link) : NULL;
    char *base CLEANUP_FREE = NULL;
    char *path CLEANUP_FREE = NULL;
    *ret_path = NULL;
    if (!target)
        return 0;
    int rc = registry_resolve(session->base, target, &base, &path, err);
    if (rc < 0)
        return error_wrap(err, rc, "the next page of its tags");
    if (!text_equal(base, session->base))
        return error_set(err, ERROR_PROTOCOL, "the next page of its tags is said to be at %s", base);
    *ret_path = TAKE(path);
    return 0;
}

static int read_pages(struct registry_session *session, struct string_vec *tags, struct error *err)
{
    char *path CLEANUP_FREE = memory_printf("/v2/%s/tags/list?n=%d", session->name.repository, TAGS_A_PAGE);
    for (int page = 0; page < LIMIT_REGISTRY_PAGES; page++) {
        struct registry_answer answer CLEANUP(registry_answer_deinit) = {0};
        char *next = NULL;
        int rc = registry_session_ask(session, &(struct registry_ask){.method = "GET", .path = path}, &answer,
                                      err);
        if (rc < 0)
            return rc;
        rc = take_page(&answer, tags, err);
        if (rc == 0)
            rc = find_next(session, answer.link, &next, err);
        if (rc < 0)
            return error_wrap(err, rc, "%s of %s", session->name.repository, session->name.host);
        free(path);
        path = next;
        if (!path)
            return 0;
    }
    return error_set(err, ERROR_LIMIT, "%s of %s: its tags have more than %d pages (LIMIT_REGISTRY_PAGES)",
                     session->name.repository, session->name.host, LIMIT_REGISTRY_PAGES);
}

int registry_tags(struct registry *registry, const struct registry_question *question,
                  struct string_vec *ret_tags, struct error *err)
{
    assert(registry && question && ret_tags);
    struct registry_session session CLEANUP(registry_session_deinit) = {0};
    struct string_vec tags CLEANUP(string_vec_deinit) = {0};
    int rc = registry_session_init(&session, registry, question, err);
    if (rc == 0)
        rc = read_pages(&session, &tags, err);
    for (size_t i = 0; rc == 0 && i < tags.len; i++)
        vector_push(ret_tags, TAKE(tags.items[i]));
    return rc;
}

/* --- digests -------------------------------------------------------------------------------------------- */

int registry_digest(struct registry *registry, const struct registry_question *question, const char *tag,
                    char **ret_digest, struct error *err)
{
    assert(registry && question && tag && ret_digest);
    struct registry_session session CLEANUP(registry_session_deinit) = {0};
    struct registry_answer answer CLEANUP(registry_answer_deinit) = {0};
    int rc = registry_session_init(&session, registry, question, err);
    if (rc < 0)
        return rc;
    char *path CLEANUP_FREE = memory_printf("/v2/%s/manifests/%s", session.name.repository, tag);
    const struct registry_ask ask = {.method = "HEAD", .path = path, .accept = MANIFESTS};
    rc = registry_session_ask(&session, &ask, &answer, err);
    if (rc < 0)
        return rc;
    if (!answer.digest || !registry_is_digest(answer.digest))
        return error_set(err, ERROR_PROTOCOL, "%s of %s: the registry does not tell the digest of %s",
                         session.name.repository, session.name.host, tag);
    *ret_digest = TAKE(answer.digest);
    return 0;
}
