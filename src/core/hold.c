/* EVENT_HOLD; the table is in core.h. */
#include "base/text.h"
#include "core/state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define REVISION_DIGITS 6 /* git takes no fewer than 7 for a commit that it shows */
#define COMMIT_DIGITS   7

/* --- which deployment ----------------------------------------------------------------------------------- */

/* Whether `to` means it: "3", "web:3", the beginning of its commit. */
static bool is_meant(const struct deployment *deployment, const char *to)
{
    const char *colon = strrchr(to, ':');
    const char *digits = colon ? colon + 1 : to;
    int64_t number;
    if (colon || strlen(digits) <= REVISION_DIGITS)
        return text_to_int64(digits, 1, INT32_MAX, &number) == 0 && number == deployment->revision &&
               (!colon || (strlen(deployment->family) == (size_t)(colon - to) &&
                           text_starts_with(to, deployment->family)));
    return strlen(to) >= COMMIT_DIGITS && text_starts_with(deployment->commit.oid, to);
}

static const struct revision *revision_of(const struct core *core, const struct service_state *service,
                                          const struct deployment *deployment)
{
    const struct core_source *source = core_source_of_service(core, service);
    const struct family_ledger *family =
        source && deployment->family ? map_get(&source->families, deployment->family) : NULL;
    return family ? family_ledger_revision(family, deployment->revision) : NULL;
}

/* H9: what is not known is no other image. */
static bool has_other_image(const struct service_ledger *ledger, const struct deployment *deployment,
                            const struct digest *bad)
{
    size_t at = 0;
    while (at < ledger->deployments.len && !digest_equal(&ledger->deployments.items[at].digest, bad))
        at++;
    for (size_t i = 0; at < ledger->deployments.len && i < deployment->images.len; i++) {
        const struct deployment_image *image = &deployment->images.items[i];
        const struct deployment_image *now = deployment_image(&ledger->deployments.items[at], image->image);
        if (image->digest && now && now->digest && !text_equal(image->digest, now->digest))
            return true;
    }
    return false;
}

/* Why the service cannot go back to it; NULL: it can. */
static const char *obstacle(const struct core *core, const struct service_state *service,
                            const struct deployment *deployment)
{
    if (digest_equal(&deployment->digest, &service->desired->digest))
        return "is what the repository asks for";
    if (deployment_has_content(service->ledger, deployment, &service->desired->digest) &&
        !has_other_image(service->ledger, deployment, &service->desired->digest))
        return "is what the repository asks for, and is not known to have had another image";
    if (service_ledger_known_bad(service->ledger, &deployment->digest))
        return "has failed itself";
    if (deployment->state != DEPLOYMENT_COMPLETED)
        return "never completed";
    if (!service_ledger_has_completed(service->ledger, &deployment->digest) &&
        !revision_of(core, service, deployment))
        return "is so old that the ledger has its content no more";
    return NULL;
}

static bool has_gone_back(const struct service_state *service)
{
    return core_aim(service) != service->desired &&
           service_ledger_primary(service->ledger)->state != DEPLOYMENT_FAILED;
}

static int refuse(const struct core_hold_request *request, const struct deployment *candidate,
                  const char *why, struct error *err)
{
    const char *to = request->to;
    if (to && candidate)
        return error_set(
            err, ERROR_CONFLICT,
            "%s:%d (%.12s) %s; \"davit rollback %s/%s --to COMMIT\" makes a commit of any that git "
            "has",
            candidate->family, candidate->revision, candidate->commit.oid, why, request->cluster,
            request->service);
    if (to)
        return error_set(err, ERROR_CONFLICT,
                         "no deployment of %s/%s that the ledger has is of %s, see davit history %s/%s; "
                         "\"davit rollback %s/%s --to %s\" makes a commit of any that git has",
                         request->cluster, request->service, to, request->cluster, request->service,
                         request->cluster, request->service, to);
    return error_set(
        err, ERROR_CONFLICT,
        "there is nothing that %s/%s could go back to: the ledger has no other content of it that "
        "completed, has not failed since and is still known%s; \"davit rollback %s/%s --to "
        "COMMIT\" makes a commit of any that git has",
        request->cluster, request->service, why ? why : "", request->cluster, request->service);
}

static int find(const struct core *core, const struct service_state *service,
                const struct core_hold_request *request, struct core_hold *ret_hold, struct error *err)
{
    const struct deployment_vec *all = &service->ledger->deployments;
    const struct deployment *first = NULL; /* that is meant, and why not */
    const char *why = NULL;
    assert(all->items);
    *ret_hold = (struct core_hold){.bad = service->desired, .to = &all->items[0]};
    ret_hold->holds = has_gone_back(service) && (!request->to || is_meant(ret_hold->to, request->to));
    if (ret_hold->holds)
        return 0;
    for (size_t i = 0; i < all->len; i++) {
        const struct deployment *deployment = &all->items[i];
        if (request->to && !is_meant(deployment, request->to))
            continue;
        const char *reason = obstacle(core, service, deployment);
        ret_hold->to = deployment;
        ret_hold->images_only =
            deployment_has_content(service->ledger, deployment, &service->desired->digest);
        if (!reason)
            return 0;
        why = first ? why : reason;
        first = first ? first : deployment;
    }
    return refuse(request, first, request->to ? why : NULL, err);
}

int core_find_hold(const struct core *core, const struct core_hold_request *request,
                   struct core_hold *ret_hold, struct error *err)
{
    assert(core);
    assert(request && request->cluster && request->service);
    assert(ret_hold);
    const char *cluster = request->cluster;
    const char *name = request->service;
    const struct service_state *service = core_service_state((struct core *)core, cluster, name, false);
    if (!service)
        return error_set(err, ERROR_NOT_FOUND, "there is no service %s/%s", cluster, name);
    char *suspended CLEANUP_FREE = core_suspended(core, service);
    if (suspended)
        return error_set(err, ERROR_CONFLICT, "%s/%s is left alone: %s; \"davit resume\" it first", cluster,
                         name, suspended);
    if (service->delayed && !service->delayed->known)
        return error_set(err, ERROR_CONFLICT, "%s/%s %s, and what it went on with is not known", cluster,
                         name, service->delayed->text);
    if (!service->desired)
        return error_set(err, ERROR_CONFLICT, "%s/%s is not in the repository any more", cluster, name);
    if (!service->ledger || service->ledger->removed || service->ledger->deployments.len == 0)
        return error_set(err, ERROR_CONFLICT, "%s/%s has not been deployed yet", cluster, name);
    return find(core, service, request, ret_hold, err);
}

void core_hold_event(const struct core_hold_request *request, const struct core_hold *hold,
                     struct event *ret_event)
{
    assert(request && hold && ret_event);
    *ret_event = (struct event){.kind = EVENT_HOLD};
    ret_event->hold.cluster = memory_strdup(request->cluster);
    ret_event->hold.service = memory_strdup(request->service);
    ret_event->hold.taken_back = hold->bad->digest;
    memcpy(ret_event->hold.deployment, hold->to->id, sizeof ret_event->hold.deployment);
}

/* --- going back ----------------------------------------------------------------------------------------- */

/* The content of that deployment, for what is of the task definition is all that makes a content. What the
 * service says besides is the repository's in any case, D11. NULL: the ledger has it no more. */
static struct service *content_of(const struct core *core, const struct service_state *service,
                                  const struct deployment *deployment)
{
    const struct revision *revision = revision_of(core, service, deployment);
    struct task_definition *definition = NULL;
    struct digest by;
    if (!revision || manifest_task_definition(revision->json, revision->number, &definition) < 0)
        return NULL;
    struct service *content = service_copy(service->desired);
    task_definition_unref(content->task_definition);
    content->task_definition = definition;
    content->digest = service_ledger_committed(service->ledger, &deployment->digest);
    content->forced = (struct digest){0};
    if (!digest_equal(&content->digest, &deployment->digest) &&
        service_ledger_forces(service->ledger, &content->digest, &by))
        service_force(content, &by); /* its tasks are known by that */
    return content;
}

/* Bad is bad from here on; what runs of it counts as old. */
static void take_back(const struct core *core, const struct service_state *service,
                      struct service_ledger *ledger)
{
    struct deployment *primary = service_ledger_primary(ledger);
    const struct commit *commit =
        service->delayed ? &service->delayed->commit : core_commit_of(core, service);
    struct deployment bad = {.digest = service->desired->digest};
    bool is_bad = digest_equal(&primary->digest, &bad.digest);
    memcpy(bad.commit.oid, is_bad ? primary->commit.oid : commit->oid, sizeof bad.commit.oid);
    service_ledger_hold(ledger, &bad, core->now_ms);
    bool ends = primary->state == DEPLOYMENT_IN_PROGRESS;
    if (!ends && !(is_bad && primary->state == DEPLOYMENT_COMPLETED))
        return;
    primary->state = is_bad ? DEPLOYMENT_FAILED : DEPLOYMENT_SUPERSEDED;
    primary->updated_ms = core->now_ms;
    if (ends)
        primary->ended_ms = core->now_ms;
    free(primary->reason);
    primary->reason = memory_strdup("taken back by davit rollback --hold");
}

/* A new PRIMARY like that one. */
static void begin(struct core *core, const struct service_state *service, struct service_ledger *ledger,
                  const struct deployment *like)
{
    struct deployment *deployment = service_ledger_add(ledger);
    char *id CLEANUP_FREE = memory_printf("ecs-svc/%" PRIu64, id_draw_number(&core->ids));
    assert(strlen(id) < sizeof deployment->id);
    memcpy(deployment->id, id, strlen(id) + 1);
    deployment->digest = like->digest;
    deployment->committed = like->committed;
    deployment->rollback_of = service->desired->digest;
    deployment->family = memory_strdup(like->family);
    deployment->revision = like->revision;
    commit_copy(&like->commit, &deployment->commit);
    deployment->state = DEPLOYMENT_IN_PROGRESS;
    deployment->reason =
        memory_printf("ECS deployment %s in progress: davit rollback --hold goes back to %s:%d.", id,
                      like->family, like->revision);
    deployment->desired_count = service->desired->desired_count;
    deployment->created_ms = deployment->updated_ms = core->now_ms;
    for (size_t i = 0; i < like->images.len; i++) {
        const struct deployment_image *image = &like->images.items[i];
        deployment_add_image(deployment, image->image);
        if (image->resolved)
            deployment_image_resolve(deployment_image(deployment, image->image), image->digest);
    }
}

/* As a new deployment of the planner begins: nothing of the old one's failures counts. */
static void begin_memory(struct service_state *service)
{
    map_clear(&service->memory.back_offs);
    service->memory.crashes_in_row = service->memory.relapses_in_row = 0;
    service->memory.steady = false;
}

static const struct deployment *find_deployment(const struct service_ledger *ledger, const char *id)
{
    for (size_t i = 0; i < ledger->deployments.len; i++)
        if (text_equal(ledger->deployments.items[i].id, id))
            return &ledger->deployments.items[i];
    return NULL;
}

static void tell(struct core *core, struct service_state *service, struct effect_vec *effects)
{
    const struct deployment *now = service_ledger_primary(service->ledger);
    const struct known_bad *bad = service_ledger_known_bad(service->ledger, &service->desired->digest);
    bool images_only = deployment_has_content(service->ledger, now, &bad->digest);
    char *message CLEANUP_FREE =
        memory_printf("%s: %s IN_PROGRESS, %s:%d, commit %.12s, by davit rollback --hold; %s %.12s is not "
                      "applied until the content changes",
                      service->key, now->id, now->family, now->revision, now->commit.oid,
                      images_only ? "the redeployment of" : "commit", bad->commit);
    core_save(effects, LEDGER_SERVICE, service->key, service_ledger_to_json(service->ledger), message);
    char *event CLEANUP_FREE = memory_printf(
        "(service %s) goes back to %s%s:%d by davit rollback --hold, as deployment %s.", service->name,
        images_only ? "the images of " : "", now->family, now->revision, now->id);
    core_add_event(core, service, event);
}

void core_on_hold(struct core *core, struct event *event, struct effect_vec *effects)
{
    assert(core);
    struct service_state *service = core_service_state(core, event->hold.cluster, event->hold.service, false);
    if (!service || !service->desired || !service->ledger || service->ledger->removed ||
        core_is_suspended(core, service) || (service->delayed && !service->delayed->known) ||
        !digest_equal(&service->desired->digest, &event->hold.taken_back))
        return; /* H6 */
    struct service_ledger *ledger = service_ledger_copy(service->ledger);
    const struct deployment *to = find_deployment(service->ledger, event->hold.deployment);
    bool known = to && service_ledger_has_completed(ledger, &to->digest);
    struct service *content = to && !known ? content_of(core, service, to) : NULL;
    if (!to || obstacle(core, service, to) || (!known && !content)) {
        service_ledger_free(ledger);
        return; /* the event is an older one's */
    }
    if (content)
        service_ledger_set_completed(ledger, service_to_json(content), &to->commit);
    service_unref(content);
    take_back(core, service, ledger);
    begin(core, service, ledger, to);
    core_set_ledger(service, ledger);
    begin_memory(service);
    tell(core, service, effects);
    core_end_holds(core, service, INT64_MAX);
    map_clear(&service->troubles);
    core_mark(core, service);
}
