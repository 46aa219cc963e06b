#include "model/ledger.h"

#include "base/error.h"
#include "base/json_text.h"
#include "base/limits.h"
#include "base/text.h"
#include "model/desired.h"
#include "model/image.h"
#include "model/json.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const state_names[] = {"IN_PROGRESS", "COMPLETED", "FAILED", "SUPERSEDED"};

const char *deployment_state_name(enum deployment_state state)
{
    assert((size_t)state < ARRAY_LEN(state_names));
    return state_names[state];
}

static void failures_deinit(struct task_failure_vec *failures)
{
    for (size_t i = 0; i < failures->len; i++)
        free(failures->items[i].reason);
    vector_deinit(failures);
}

static void images_deinit(struct deployment_image_vec *images)
{
    for (size_t i = 0; i < images->len; i++) {
        free(images->items[i].image);
        free(images->items[i].digest);
    }
    vector_deinit(images);
}

struct deployment_image *deployment_image(const struct deployment *deployment, const char *image)
{
    assert(deployment);
    for (size_t i = 0; i < deployment->images.len; i++)
        if (text_equal(deployment->images.items[i].image, image))
            return &deployment->images.items[i];
    return NULL;
}

void deployment_add_image(struct deployment *deployment, const char *image)
{
    assert(deployment);
    assert(image);
    if (!deployment_image(deployment, image))
        vector_push(&deployment->images, (struct deployment_image){.image = memory_strdup(image)});
}

const char *deployment_image_name(const struct deployment *deployment, const char *created_of)
{
    assert(deployment);
    const char *digest = created_of ? image_digest(created_of) : NULL;
    for (size_t i = 0; digest && i < deployment->images.len; i++) {
        const struct deployment_image *image = &deployment->images.items[i];
        if (text_equal(image->digest, digest) && image_is_of(image->image, created_of))
            return image->image;
    }
    return created_of;
}

void deployment_image_resolve(struct deployment_image *image, const char *digest)
{
    assert(image && !image->resolved);
    image->digest = memory_strdup(digest);
    image->resolved = true;
}

json_t *deployment_images_to_json(const struct deployment *deployment)
{
    assert(deployment);
    json_t *list = deployment->images.len ? json_array() : NULL;
    for (size_t i = 0; i < deployment->images.len; i++) {
        const struct deployment_image *image = &deployment->images.items[i];
        json_t *item = json_pack("{s:s,s:s*}", "image", image->image, "digest", image->digest);
        model_set_bool(item, "resolved", image->resolved);
        json_array_append_new(list, item);
    }
    return list;
}

static void images_from_json(const json_t *json, struct deployment *deployment)
{
    size_t i;
    const json_t *item;
    json_array_foreach (json, i, item) {
        if (i >= LIMIT_CONTAINERS_PER_TASK || !model_string(item, "image"))
            break;
        deployment_add_image(deployment, model_string(item, "image"));
        struct deployment_image *image = deployment_image(deployment, model_string(item, "image"));
        if (model_bool(item, "resolved") && !image->resolved)
            deployment_image_resolve(image, model_string(item, "digest"));
    }
}

void deployment_deinit(struct deployment *deployment)
{
    assert(deployment);
    free(deployment->family);
    free(deployment->reason);
    commit_deinit(&deployment->commit);
    failures_deinit(&deployment->failures);
    images_deinit(&deployment->images);
    memset(deployment, 0, sizeof *deployment);
}

void deployment_add_failure(struct deployment *deployment, const char *task, int64_t at_ms,
                            const char *reason)
{
    assert(deployment);
    struct error cut = ERROR_INIT; /* an engine may have said a lot */
    error_set(&cut, ERROR_INTERNAL, "%s", reason ? reason : "");
    struct task_failure failure = {.at_ms = at_ms, .reason = memory_strdup(reason ? cut.message : NULL)};
    snprintf(failure.task, sizeof failure.task, "%s", task);
    if (deployment->failures.len == LIMIT_FAILED_TASKS_KEPT) {
        free(deployment->failures.items[0].reason);
        vector_remove(&deployment->failures, 0);
    }
    vector_push(&deployment->failures, failure);
    deployment->failed_tasks += deployment->failed_tasks < INT32_MAX;
}

void deployment_clear_failures(struct deployment *deployment)
{
    assert(deployment);
    for (size_t i = 0; i < deployment->failures.len; i++)
        free(deployment->failures.items[i].reason);
    deployment->failures.len = 0;
    deployment->failed_tasks = 0;
}

static void deployment_copy(const struct deployment *from, struct deployment *ret_copy)
{
    *ret_copy = *from;
    ret_copy->family = memory_strdup(from->family);
    ret_copy->reason = memory_strdup(from->reason);
    commit_copy(&from->commit, &ret_copy->commit);
    memset(&ret_copy->failures, 0, sizeof ret_copy->failures);
    for (size_t i = 0; i < from->failures.len; i++) {
        struct task_failure failure = from->failures.items[i];
        failure.reason = memory_strdup(failure.reason);
        vector_push(&ret_copy->failures, failure);
    }
    memset(&ret_copy->images, 0, sizeof ret_copy->images);
    for (size_t i = 0; i < from->images.len; i++) {
        struct deployment_image image = from->images.items[i];
        image.image = memory_strdup(image.image);
        image.digest = memory_strdup(image.digest);
        vector_push(&ret_copy->images, image);
    }
}

json_t *deployment_to_json(const struct deployment *deployment)
{
    assert(deployment);
    json_t *json = json_object();
    model_set_string(json, "id", deployment->id);
    model_set_digest(json, "digest", &deployment->digest);
    model_set_digest(json, "committed", &deployment->committed);
    model_set_digest(json, "rollbackOf", &deployment->rollback_of);
    model_set_string(json, "family", deployment->family);
    model_set_int(json, "revision", deployment->revision);
    json_object_set_new(json, "commit", commit_to_json(&deployment->commit));
    model_set_string(json, "state", deployment_state_name(deployment->state));
    model_set_string(json, "reason", deployment->reason);
    model_set_int(json, "desiredCount", deployment->desired_count);
    model_set_int(json, "created", deployment->created_ms);
    model_set_int(json, "updated", deployment->updated_ms);
    model_set_int(json, "ended", deployment->ended_ms);
    model_set_int(json, "failedTasks", deployment->failed_tasks);
    if (deployment->failures.len) {
        json_t *list = json_array();
        for (size_t i = 0; i < deployment->failures.len; i++) {
            json_t *failure = json_pack("{s:s,s:I}", "task", deployment->failures.items[i].task, "at",
                                        (json_int_t)deployment->failures.items[i].at_ms);
            model_set_string(failure, "reason", deployment->failures.items[i].reason);
            json_array_append_new(list, failure);
        }
        json_object_set_new(json, "failures", list);
    }
    if (deployment->images.len)
        json_object_set_new(json, "images", deployment_images_to_json(deployment));
    model_set_bool(json, "rebuilt", deployment->rebuilt);
    return json;
}

static int deployment_from_json(const json_t *json, struct deployment *ret_deployment)
{
    size_t state = 0;
    while (state < ARRAY_LEN(state_names) && !text_equal(state_names[state], model_string(json, "state")))
        state++;
    struct commit commit = {0};
    if (state == ARRAY_LEN(state_names) || !model_string(json, "id") ||
        commit_from_json(json_object_get(json, "commit"), &commit) < 0)
        return ERROR_INVALID;
    struct deployment deployment = {.digest = model_digest(json, "digest"),
                                    .committed = model_digest(json, "committed"),
                                    .rollback_of = model_digest(json, "rollbackOf"),
                                    .family = memory_strdup(model_string(json, "family")),
                                    .revision = model_int_in(json, "revision", 0, INT32_MAX),
                                    .commit = commit,
                                    .state = (enum deployment_state)state,
                                    .reason = memory_strdup(model_string(json, "reason")),
                                    .desired_count =
                                        model_int_in(json, "desiredCount", 0, LIMIT_DESIRED_COUNT),
                                    .created_ms = model_int(json, "created"),
                                    .updated_ms = model_int(json, "updated"),
                                    .ended_ms = model_int(json, "ended"),
                                    .rebuilt = model_bool(json, "rebuilt")};
    model_string_into(json, "id", deployment.id, sizeof deployment.id);
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(json, "failures"), i, item) {
        if (i >= LIMIT_FAILED_TASKS_KEPT)
            break;
        struct task_failure failure = {.at_ms = model_int(item, "at"),
                                       .reason = memory_strdup(model_string(item, "reason"))};
        model_string_into(item, "task", failure.task, sizeof failure.task);
        vector_push(&deployment.failures, failure);
    }
    images_from_json(json_object_get(json, "images"), &deployment);
    deployment.failed_tasks = /* what an older davit wrote has only the list */
        model_int_in(json, "failedTasks", (int)deployment.failures.len, INT32_MAX);
    *ret_deployment = deployment;
    return 0;
}

struct service_ledger *service_ledger_new(const char *cluster, const char *service)
{
    assert(cluster);
    assert(service);
    struct service_ledger *entry = NEW(struct service_ledger);
    entry->cluster = memory_strdup(cluster);
    entry->service = memory_strdup(service);
    return entry;
}

void service_ledger_free(struct service_ledger *entry)
{
    if (!entry)
        return;
    free(entry->cluster);
    free(entry->service);
    for (size_t i = 0; i < entry->deployments.len; i++)
        deployment_deinit(&entry->deployments.items[i]);
    vector_deinit(&entry->deployments);
    vector_deinit(&entry->known_bad);
    vector_deinit(&entry->prepared);
    json_decref(entry->completed);
    json_decref(entry->delayed);
    free(entry->source);
    free(entry->renamed_from);
    string_vec_deinit(&entry->adopted);
    free(entry);
}

struct service_ledger *service_ledger_copy(const struct service_ledger *entry)
{
    assert(entry);
    struct service_ledger *copy = service_ledger_new(entry->cluster, entry->service);
    copy->removed = entry->removed;
    copy->completed = json_incref(entry->completed);
    copy->delayed = json_incref(entry->delayed);
    copy->prune_disabled = entry->prune_disabled;
    copy->source = memory_strdup(entry->source);
    copy->renamed_from = memory_strdup(entry->renamed_from);
    for (size_t i = 0; i < entry->adopted.len; i++)
        vector_push(&copy->adopted, memory_strdup(entry->adopted.items[i]));
    copy->redeployed = entry->redeployed;
    for (size_t i = 0; i < entry->deployments.len; i++) {
        struct deployment deployment;
        deployment_copy(&entry->deployments.items[i], &deployment);
        vector_reserve(&copy->deployments, 1);
        vector_push(&copy->deployments, deployment);
    }
    for (size_t i = 0; i < entry->known_bad.len; i++)
        vector_push(&copy->known_bad, entry->known_bad.items[i]);
    for (size_t i = 0; i < entry->prepared.len; i++)
        vector_push(&copy->prepared, entry->prepared.items[i]);
    return copy;
}

struct service_ledger *service_ledger_renamed(const struct service_ledger *entry, const char *service)
{
    assert(entry);
    assert(service);
    struct service_ledger *copy = service_ledger_copy(entry);
    json_t **services[] = {&copy->completed, &copy->delayed};
    for (size_t i = 0; i < ARRAY_LEN(services); i++) {
        json_t *before = *services[i];
        if (!model_string(before, "name"))
            continue;
        *services[i] = service_json_renamed(before, service);
        json_decref(before);
    }
    free(copy->renamed_from);
    copy->renamed_from = copy->service;
    copy->service = memory_strdup(service);
    return copy;
}

json_t *service_ledger_to_json(const struct service_ledger *entry)
{
    assert(entry);
    json_t *deployments = json_array();
    for (size_t i = 0; i < entry->deployments.len; i++)
        json_array_append_new(deployments, deployment_to_json(&entry->deployments.items[i]));
    json_t *json = json_pack("{s:s,s:s,s:o}", "cluster", entry->cluster, "service", entry->service,
                             "deployments", deployments);
    model_set_bool(json, "removed", entry->removed);
    if (entry->completed)
        json_object_set(json, "completed", entry->completed);
    if (entry->delayed)
        json_object_set(json, "delayed", entry->delayed);
    model_set_bool(json, "pruneDisabled", entry->prune_disabled);
    model_set_string(json, "source", entry->source);
    model_set_string(json, "renamedFrom", entry->renamed_from);
    if (entry->adopted.len)
        json_object_set_new(json, "adopted", model_strings_to_json(&entry->adopted));
    model_set_digest(json, "redeployed", &entry->redeployed.digest);
    model_set_int(json, "redeployedAt", entry->redeployed.at_ms);
    if (entry->known_bad.len) {
        json_t *list = json_array();
        for (size_t i = 0; i < entry->known_bad.len; i++) {
            const struct known_bad *bad = &entry->known_bad.items[i];
            json_t *item = json_pack("{s:s,s:I}", "commit", bad->commit, "at", (json_int_t)bad->at_ms);
            model_set_digest(item, "digest", &bad->digest);
            model_set_bool(item, "held", bad->held);
            json_array_append_new(list, item);
        }
        json_object_set_new(json, "knownBad", list);
    }
    json_t *prepared = entry->prepared.len ? json_array() : NULL;
    for (size_t i = 0; i < entry->prepared.len; i++) {
        json_t *item = json_pack("{s:i}", "steps", entry->prepared.items[i].steps);
        model_set_digest(item, "digest", &entry->prepared.items[i].digest);
        json_array_append_new(prepared, item);
    }
    if (prepared)
        json_object_set_new(json, "prepared", prepared);
    return json;
}

int service_ledger_from_json(const json_t *json, struct service_ledger **ret_entry, struct error *err)
{
    assert(ret_entry);
    const char *cluster = model_string(json, "cluster");
    const char *service = model_string(json, "service");
    if (!cluster || !service)
        return error_set(err, ERROR_INVALID, "ledger entry without cluster or service");
    struct service_ledger *entry CLEANUP(service_ledger_freep) = service_ledger_new(cluster, service);
    entry->removed = model_bool(json, "removed");
    entry->completed = json_incref(json_object_get(json, "completed"));
    entry->delayed = json_incref(json_object_get(json, "delayed"));
    entry->prune_disabled = model_bool(json, "pruneDisabled");
    entry->source = memory_strdup(model_string(json, "source"));
    entry->renamed_from = memory_strdup(model_string(json, "renamedFrom"));
    model_strings_from_json(json_object_get(json, "adopted"), &entry->adopted);
    entry->redeployed =
        (struct redeployment){model_digest(json, "redeployed"), model_int(json, "redeployedAt")};
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(json, "deployments"), i, item) {
        struct deployment deployment;
        if (deployment_from_json(item, &deployment) < 0)
            return error_set(err, ERROR_INVALID, "ledger entry %s/%s: deployment %zu is not readable",
                             cluster, service, i);
        vector_reserve(&entry->deployments, 1);
        vector_push(&entry->deployments, deployment);
    }
    json_array_foreach (json_object_get(json, "knownBad"), i, item) {
        struct known_bad bad = {.digest = model_digest(item, "digest"),
                                .at_ms = model_int(item, "at"),
                                .held = model_bool(item, "held")};
        model_string_into(item, "commit", bad.commit, sizeof bad.commit);
        if (i < LIMIT_KNOWN_BAD_DIGESTS)
            vector_push(&entry->known_bad, bad);
    }
    json_array_foreach (json_object_get(json, "prepared"), i, item) {
        const struct prepared prepared = {.digest = model_digest(item, "digest"),
                                          .steps = model_int_in(item, "steps", 0, LIMIT_PRE_DEPLOY_TASKS)};
        if (i < LIMIT_PREPARED_DIGESTS)
            vector_push(&entry->prepared, prepared);
    }
    *ret_entry = TAKE(entry);
    return 0;
}

struct deployment *service_ledger_primary(const struct service_ledger *entry)
{
    assert(entry);
    return entry->deployments.len ? &entry->deployments.items[0] : NULL;
}

bool service_ledger_has_deployment(const struct service_ledger *entry, const char *id)
{
    assert(entry);
    for (size_t i = 0; i < entry->deployments.len; i++)
        if (text_equal(entry->deployments.items[i].id, id))
            return true;
    return false;
}

struct deployment *service_ledger_add(struct service_ledger *entry)
{
    assert(entry);
    if (entry->deployments.len == LIMIT_DEPLOYMENTS_KEPT)
        deployment_deinit(&entry->deployments.items[--entry->deployments.len]);
    vector_reserve(&entry->deployments, 1);
    vector_push(&entry->deployments, (struct deployment){0});
    assert(entry->deployments.items);
    memmove(&entry->deployments.items[1], &entry->deployments.items[0],
            (entry->deployments.len - 1) * sizeof *entry->deployments.items);
    memset(&entry->deployments.items[0], 0, sizeof *entry->deployments.items);
    return &entry->deployments.items[0];
}

/* An index, the length when it is not among them. */
static size_t find_prepared(const struct service_ledger *entry, const struct digest *digest)
{
    size_t i = 0;
    while (i < entry->prepared.len && !digest_equal(&entry->prepared.items[i].digest, digest))
        i++;
    return i;
}

int service_ledger_prepared(const struct service_ledger *entry, const struct digest *digest)
{
    assert(entry);
    assert(digest);
    size_t i = find_prepared(entry, digest);
    return i < entry->prepared.len ? entry->prepared.items[i].steps : 0;
}

void service_ledger_add_prepared(struct service_ledger *entry, const struct digest *digest)
{
    assert(entry);
    assert(digest);
    size_t i = find_prepared(entry, digest);
    if (i < entry->prepared.len) {
        entry->prepared.items[i].steps++;
        return;
    }
    if (entry->prepared.len == LIMIT_PREPARED_DIGESTS)
        vector_remove(&entry->prepared, 0);
    vector_push(&entry->prepared, (struct prepared){.digest = *digest, .steps = 1});
}

static size_t find_known_bad(const struct service_ledger *entry, const struct digest *digest)
{
    size_t i = 0;
    while (i < entry->known_bad.len && !digest_equal(&entry->known_bad.items[i].digest, digest))
        i++;
    return i;
}

const struct known_bad *service_ledger_known_bad(const struct service_ledger *entry,
                                                 const struct digest *digest)
{
    assert(entry);
    assert(digest);
    size_t i = find_known_bad(entry, digest);
    return i < entry->known_bad.len ? &entry->known_bad.items[i] : NULL;
}

void service_ledger_add_known_bad(struct service_ledger *entry, const struct deployment *failed,
                                  int64_t now_ms)
{
    assert(entry);
    assert(failed);
    if (find_known_bad(entry, &failed->digest) < entry->known_bad.len)
        return;
    const struct deployment *primary = service_ledger_primary(entry);
    size_t oldest =
        0; /* but not what PRIMARY stands in for, D11 asks for it; nor PRIMARY's own, as D8 does */
    while (primary && oldest < entry->known_bad.len &&
           (digest_equal(&entry->known_bad.items[oldest].digest, &primary->rollback_of) ||
            digest_equal(&entry->known_bad.items[oldest].digest, &primary->digest)))
        oldest++;
    if (entry->known_bad.len == LIMIT_KNOWN_BAD_DIGESTS)
        vector_remove(&entry->known_bad, oldest);
    struct known_bad bad = {.digest = failed->digest, .at_ms = now_ms};
    memcpy(bad.commit, failed->commit.oid, sizeof bad.commit);
    vector_push(&entry->known_bad, bad);
}

void service_ledger_hold(struct service_ledger *entry, const struct deployment *taken_back, int64_t now_ms)
{
    assert(entry);
    assert(taken_back);
    service_ledger_add_known_bad(entry, taken_back, now_ms);
    struct known_bad *bad = &entry->known_bad.items[find_known_bad(entry, &taken_back->digest)];
    bad->held = true;
    bad->at_ms = now_ms;
}

bool service_ledger_has_completed(const struct service_ledger *entry, const struct digest *digest)
{
    assert(entry);
    assert(digest);
    struct digest completed = model_digest(entry->completed, "digest");
    return digest_equal(&completed, digest);
}

void service_ledger_set_completed(struct service_ledger *entry, json_t *service, const struct commit *commit)
{
    assert(entry);
    assert(service);
    json_object_set_new(service, "commit", commit_to_json(commit));
    json_decref(entry->completed);
    entry->completed = service;
}

bool service_ledger_is_rolled_back(const struct service_ledger *entry, const struct digest *asked)
{
    assert(entry);
    assert(asked);
    const struct deployment *primary = service_ledger_primary(entry);
    return primary && !digest_is_zero(&primary->rollback_of) && digest_equal(&primary->rollback_of, asked) &&
           service_ledger_known_bad(entry, asked);
}

bool service_ledger_forces(const struct service_ledger *entry, const struct digest *digest,
                           struct digest *ret_by)
{
    assert(entry && digest && ret_by);
    if (digest_is_zero(digest) || !digest_equal(&entry->redeployed.digest, digest))
        return false;
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, entry->redeployed.at_ms);
    *ret_by = digest_of_bytes(text, strlen(text));
    return true;
}

struct digest service_ledger_committed(const struct service_ledger *entry, const struct digest *digest)
{
    assert(entry && digest);
    struct digest by;
    if (!service_ledger_forces(entry, &entry->redeployed.digest, &by))
        return *digest;
    struct digest forced = digest_combine(&entry->redeployed.digest, &by);
    return digest_equal(&forced, digest) ? entry->redeployed.digest : *digest;
}

struct digest deployment_committed(const struct service_ledger *entry, const struct deployment *deployment)
{
    assert(entry && deployment);
    return digest_is_zero(&deployment->committed) ? service_ledger_committed(entry, &deployment->digest)
                                                  : deployment->committed;
}

bool deployment_has_content(const struct service_ledger *entry, const struct deployment *deployment,
                            const struct digest *digest)
{
    const struct digest mine = deployment_committed(entry, deployment);
    const struct digest other = service_ledger_committed(entry, digest);
    return digest_equal(&mine, &other);
}

void service_ledger_redeploy(struct service_ledger *entry, const struct digest *digest, int64_t now_ms)
{
    assert(entry && digest);
    struct deployment failed = {.digest = entry->redeployed.digest};
    int64_t at_ms = 0;
    for (size_t i = 0; i < entry->known_bad.len; i++) {
        const struct known_bad *bad = &entry->known_bad.items[i];
        struct digest committed = service_ledger_committed(entry, &bad->digest);
        if (digest_equal(&committed, &bad->digest))
            continue;
        memcpy(failed.commit.oid, bad->commit, sizeof bad->commit);
        at_ms = bad->at_ms;
    }
    if (at_ms)
        service_ledger_add_known_bad(entry, &failed, at_ms);
    for (size_t i = 0; i < entry->deployments.len; i++) {
        struct deployment *deployment = &entry->deployments.items[i];
        struct digest committed = service_ledger_committed(entry, &deployment->digest);
        if (!digest_equal(&committed, &deployment->digest))
            deployment->committed = committed;
    }
    entry->redeployed = (struct redeployment){*digest, now_ms};
}

bool service_ledger_forget_known_bad(struct service_ledger *entry, const struct digest *digest)
{
    assert(entry);
    assert(digest);
    size_t i = find_known_bad(entry, digest);
    if (i == entry->known_bad.len)
        return false;
    vector_remove(&entry->known_bad, i);
    return true;
}

struct family_ledger *family_ledger_new(const char *family)
{
    assert(family);
    struct family_ledger *entry = NEW(struct family_ledger);
    entry->family = memory_strdup(family);
    return entry;
}

static void drop_content(struct revision *revision)
{
    json_decref(revision->json);
    free(revision->text);
    revision->json = NULL;
    revision->text = NULL;
    revision->json_bytes = 0;
}

static bool has_content(const struct revision *revision)
{
    return revision->json || revision->text;
}

/* Caller's reference. */
static json_t *content_of(const struct revision *revision)
{
    if (revision->json)
        return json_incref(revision->json);
    json_t *json = json_loads(revision->text, 0, NULL);
    assert(json); /* it was dumped by set_text() */
    return json;
}

void family_ledger_free(struct family_ledger *entry)
{
    if (!entry)
        return;
    for (size_t i = 0; i < entry->revisions.len; i++) {
        commit_deinit(&entry->revisions.items[i].commit);
        drop_content(&entry->revisions.items[i]);
    }
    vector_deinit(&entry->revisions);
    free(entry->family);
    free(entry);
}

json_t *family_ledger_to_json(const struct family_ledger *entry)
{
    assert(entry);
    json_t *list = json_array();
    for (size_t i = 0; i < entry->revisions.len; i++) {
        const struct revision *revision = &entry->revisions.items[i];
        json_t *item = json_pack("{s:i}", "revision", revision->number);
        model_set_digest(item, "digest", &revision->digest);
        if (has_content(revision)) {
            json_object_set_new(item, "commit", commit_to_json(&revision->commit));
            json_object_set_new(item, "taskDefinition", content_of(revision));
        }
        json_array_append_new(list, item);
    }
    return json_pack("{s:s,s:o}", "family", entry->family, "revisions", list);
}

static void share_content(struct revision *revision, const json_t *json)
{
    free(TAKE(revision->text));
    revision->json = json_incref((json_t *)json); /* never changed */
}

static void set_content(struct revision *revision, const json_t *json)
{
    share_content(revision, json);
    revision->json_bytes = json_text_write(json, false, &(struct json_text_sink){0});
}

/* Most that is read at a start is never asked for, and a tree takes ten times the memory of its text. */
static void set_text(struct revision *revision, const json_t *json)
{
    revision->text = json_dumps(json, JSON_COMPACT);
    assert(revision->text);
    revision->json_bytes = strlen(revision->text);
}

/* Numbers and digests stay for ever: the same content has the same number. */
static void drop_old_contents(struct family_ledger *entry)
{
    size_t bytes = 0;
    for (size_t i = entry->revisions.len; i-- > 0;) {
        struct revision *revision = &entry->revisions.items[i];
        bytes += revision->json_bytes;
        if (!has_content(revision) || bytes <= LIMIT_FAMILY_CONTENT_BYTES)
            continue;
        commit_deinit(&revision->commit);
        drop_content(revision);
    }
}

int family_ledger_from_json(const json_t *json, struct family_ledger **ret_entry, struct error *err)
{
    assert(ret_entry);
    const char *family = model_string(json, "family");
    if (!family)
        return error_set(err, ERROR_INVALID, "ledger entry without family");
    struct family_ledger *entry CLEANUP(family_ledger_freep) = family_ledger_new(family);
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(json, "revisions"), i, item) {
        struct revision revision = {.number = (int)i + 1, .digest = model_digest(item, "digest")};
        const json_t *content = json_object_get(item, "taskDefinition");
        if (model_int(item, "revision") != revision.number ||
            (content && (!json_is_object(content) ||
                         commit_from_json(json_object_get(item, "commit"), &revision.commit) < 0)))
            return error_set(err, ERROR_INVALID, "ledger entry %s: revision %zu is not readable", family,
                             i + 1);
        if (content)
            set_text(&revision, content);
        vector_reserve(&entry->revisions, 1); /* most families stay at one */
        vector_push(&entry->revisions, revision);
    }
    *ret_entry = TAKE(entry);
    return 0;
}

int family_ledger_number(struct family_ledger *entry, const struct digest *digest, const json_t *json,
                         const struct commit *commit, bool *ret_new)
{
    assert(entry);
    assert(digest);
    assert(ret_new);
    for (size_t i = 0; i < entry->revisions.len; i++) {
        struct revision *known = &entry->revisions.items[i];
        if (!digest_equal(&known->digest, digest))
            continue;
        *ret_new = false;
        if (!has_content(known)) { /* a content of long ago is back */
            set_content(known, json);
            commit_copy(commit, &known->commit);
        } else if (!known->json) { /* who wants it has the tree in any case */
            share_content(known, json);
        }
        return known->number;
    }
    struct revision revision = {.number = (int)entry->revisions.len + 1, .digest = *digest};
    set_content(&revision, json);
    commit_copy(commit, &revision.commit);
    vector_reserve(&entry->revisions, 1); /* most families stay at one */
    vector_push(&entry->revisions, revision);
    drop_old_contents(entry);
    *ret_new = true;
    return revision.number;
}

const struct revision *family_ledger_revision(const struct family_ledger *entry, int number)
{
    assert(entry);
    if (number < 1 || (size_t)number > entry->revisions.len)
        return NULL;
    struct revision *revision = &entry->revisions.items[number - 1];
    if (!has_content(revision))
        return NULL;
    if (revision->text) {
        revision->json = content_of(revision);
        free(TAKE(revision->text));
    }
    return revision;
}

void ledger_change_deinit(struct ledger_change *change)
{
    assert(change);
    free(change->name);
    free(change->former);
    free(change->message);
    json_decref(change->entry);
    memset(change, 0, sizeof *change);
}

void ledger_change_vec_deinit(struct ledger_change_vec *changes)
{
    assert(changes);
    for (size_t i = 0; i < changes->len; i++)
        ledger_change_deinit(&changes->items[i]);
    vector_deinit(changes);
}
