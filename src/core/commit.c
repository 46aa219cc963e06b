/* Commits and the ledger: what is desired, and what was decided before. */
#include "base/text.h"
#include "core/state.h"
#include "model/json.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

void core_on_ledger(struct core *core, struct event *event, struct effect_vec *effects)
{
    assert(core);
    (void)effects;
    if (event->ledger.kind == LEDGER_SERVICE) {
        struct service_ledger *entry = NULL;
        if (service_ledger_from_json(event->ledger.entry, &entry, NULL) < 0)
            return; /* unreadable: rebuilt from labels, rows L */
        struct service_state *service = core_service_state(core, entry->cluster, entry->service, true);
        core_set_ledger(service, entry);
        core_index_adopted(core, service);
        core_mark(core, service);
    } else if (event->ledger.kind == LEDGER_FAMILY) {
        struct family_ledger *entry = NULL;
        if (family_ledger_from_json(event->ledger.entry, &entry, NULL) == 0)
            map_put(&core->families, entry->family, entry);
    } else if (event->ledger.kind == LEDGER_TASK) {
        struct run *run = core_run_of_json(event->ledger.entry);
        if (run) /* else its containers are adopted, T13 */
            core_mark(core, core_put_run(core, run));
    } else if (event->ledger.kind == LEDGER_SCHEDULE && event->ledger.name) {
        core_load_schedule(core, event->ledger.name, event->ledger.entry);
    } else if (event->ledger.kind == LEDGER_SUSPENSION && event->ledger.name) {
        core_load_suspensions(core, event->ledger.name, event->ledger.entry);
    } else {
        model_string_into(json_object_get(event->ledger.entry, "deployed"), "oid", core->deployed,
                          sizeof core->deployed);
        memcpy(core->numbered, core->deployed, sizeof core->numbered);
        string_vec_deinit(&core->roots);
        model_strings_from_json(json_object_get(event->ledger.entry, "roots"), &core->roots);
    }
}

/* The revisions of one commit, thousands in a first one, share its JSON. */
static void share_commit(json_t *entry, const struct commit *commit, json_t *shared)
{
    const json_t *revisions = json_object_get(entry, "revisions");
    json_t *newest = json_array_get(revisions, json_array_size(revisions) - 1);
    if (text_equal(model_string(json_object_get(newest, "commit"), "oid"), commit->oid))
        json_object_set(newest, "commit", shared);
}

static void save_families(struct core *core, const struct commit *because, struct string_vec *changed,
                          struct effect_vec *effects)
{
    json_t *shared = commit_to_json(because);
    for (size_t i = 0; i < changed->len; i++) {
        const struct family_ledger *family = map_get(&core->families, changed->items[i]);
        if (!family || family->revisions.len == 0)
            continue;
        const struct revision *newest = &family->revisions.items[family->revisions.len - 1];
        char commit[COMMIT_SHORT_SIZE];
        commit_short(newest->commit.oid, commit);
        char *message CLEANUP_FREE =
            memory_printf("%s:%d: registered, commit %s", family->family, newest->number, commit);
        json_t *entry = family_ledger_to_json(family);
        share_commit(entry, because, shared);
        core_save(effects, LEDGER_FAMILY, family->family, entry, message);
    }
    json_decref(shared);
    string_vec_deinit(changed);
}

/* By value: after a snapshot was restored, equal services are different objects. */
static bool same_content(const struct service *left, const struct service *right)
{
    return left && right && digest_equal(&left->digest, &right->digest) &&
           json_equal(left->json, right->json);
}

/* Without desiredCount git does not own the count: it stays as it is, and is the default's at first. Returns
 * a reference. */
static struct service *with_count(const struct service_state *service, struct service *desired)
{
    const struct deployment *primary = service->ledger ? service_ledger_primary(service->ledger) : NULL;
    if (!desired->count_absent || (!service->desired && !primary))
        return service_ref(desired);
    int count = service->desired ? service->desired->desired_count : primary->desired_count;
    if (count == desired->desired_count)
        return service_ref(desired);
    struct service *copy = service_copy(desired);
    copy->desired_count = count;
    return copy;
}

void core_set_count(struct service_state *service, int desired_count)
{
    assert(service);
    assert(desired_count >= 0);
    if (!service->desired || service->desired->desired_count == desired_count)
        return;
    struct service *copy = service_copy(service->desired);
    copy->desired_count = desired_count;
    service_unref(service->desired);
    service->desired = copy;
}

/* From here on only the entry knows the count, over a restart too: U1 may not have noted it. */
static void keep_count(struct service_state *service, const struct service *next, struct effect_vec *effects)
{
    struct deployment *primary = service->ledger ? service_ledger_primary(service->ledger) : NULL;
    if (!next || !next->count_absent || !service->desired || !primary ||
        primary->desired_count == service->desired->desired_count)
        return;
    primary->desired_count = service->desired->desired_count;
    char *message CLEANUP_FREE = memory_printf("%s: desired count %d", service->key, primary->desired_count);
    core_save(effects, LEDGER_SERVICE, service->key, service_ledger_to_json(service->ledger), message);
}

struct adoption {
    struct core *core;
    const struct desired *wanted;
    bool again; /* after a start: an earlier life had deployed it */
    struct effect_vec *effects;
    struct effect_vec *later; /* after the commit is noted as deployed */
};

/* D12 asks the entry, and the service may leave before it was planned once. */
static void keep_prune(struct service_state *service, const struct service *next, struct effect_vec *effects)
{
    if (next || !service->desired || !service->ledger || service->ledger->removed ||
        service->ledger->prune_disabled == service->desired->prune_disabled)
        return;
    service->ledger->prune_disabled = service->desired->prune_disabled;
    char *message CLEANUP_FREE = memory_printf("%s: prune %s", service->key,
                                               service->desired->prune_disabled ? "disabled" : "enabled");
    core_save(effects, LEDGER_SERVICE, service->key, service_ledger_to_json(service->ledger), message);
}

void core_adopt_service(struct core *core, struct service_state *service, struct service *desired,
                        struct effect_vec *effects)
{
    assert(core);
    assert(service);
    if (service->desired == desired)
        return;
    core_keep_completed(service, desired, effects);
    keep_prune(service, desired, effects);
    keep_count(service, desired, effects);
    if (!same_content(service->desired, desired)) {
        core_mark(core, service);
        core_mark_awaiting_room(
            core); /* what the old content had still to create is no longer kept room for */
    }
    struct service *next = desired ? with_count(service, desired) : NULL;
    service_unref(service->desired);
    service->desired = next;
}

static void set_desired(const struct adoption *adoption, const char *cluster, const char *name,
                        struct service *desired)
{
    struct service_state *service = core_service_state(adoption->core, cluster, name, true);
    struct service *next = desired ? core_redeployed(service, desired) : NULL;
    const struct core_change change = {next, adoption->wanted, adoption->again};
    bool waited = service->delayed != NULL;
    struct effect_vec own = {0};
    bool waits = core_window_delays(adoption->core, service, &change, &own);
    if (!waits)
        core_adopt_service(adoption->core, service, next, &own);
    service_unref(next);
    /* What waits is noted before the commit that makes it wait, what waits no more after the one that ends
     * it. */
    for (size_t i = 0; i < own.len; i++)
        vector_push(waited && !waits ? adoption->later : adoption->effects, own.items[i]);
    vector_deinit(&own);
}

/* One that has another name by now is found under that. */
static void leave(const struct adoption *adoption, const struct service *service)
{
    if (core_service_state(adoption->core, service->cluster, service->name, false))
        set_desired(adoption, service->cluster, service->name, NULL);
}

/* Where they stand in the order of a desired state; one that is missing stands behind all others. */
static int compare_places(const struct service *left, const struct service *right)
{
    if (left == right) /* nearly all are the same object, whose names need not be fetched from memory */
        return 0;
    if (!left || !right)
        return left ? -1 : 1;
    return service_compare(left, right);
}

/* Where its tasks may run, and what the instances are. */
static void mark_changed_clusters(struct core *core, const struct desired *old, const struct desired *next)
{
    for (size_t i = 0; i < next->clusters.len; i++) {
        const struct cluster *now = next->clusters.items[i];
        const struct cluster *before = desired_cluster(old, now->name);
        if (now == before || (before && json_equal(before->json, now->json)))
            continue;
        map_for_each (&core->services, entry) {
            struct service_state *service = entry->value;
            if (text_equal(service->cluster, now->name))
                core_mark(core, service);
        }
        core_mark_awaiting_room(core); /* a standalone task whose container waits for a GPU */
    }
}

/* Both are sorted: one walk finds what came, what changed and what went. */
static void adopt(struct core *core, struct desired *next, struct effect_vec *effects,
                  struct effect_vec *later)
{
    bool first = core->desired == NULL;
    const struct adoption adoption = {core, next, first && text_equal(next->commit.oid, core->deployed),
                                      effects, later};
    static const struct desired none;
    const struct desired *old = core->desired ? core->desired : &none;
    size_t o = 0;
    size_t n = 0;
    core_rename_services(core, next, effects);
    while (o < old->services.len || n < next->services.len) {
        const struct service *left = o < old->services.len ? old->services.items[o] : NULL;
        struct service *right = n < next->services.len ? next->services.items[n] : NULL;
        int order = compare_places(left, right);
        if (left && order < 0)
            leave(&adoption, left);
        else if (right && left != right)
            set_desired(&adoption, right->cluster, right->name, right);
        o += order <= 0;
        n += order >= 0;
    }
    mark_changed_clusters(core, old, next);
    core_mark_suspensions(core, next);
    if (first)
        core_recall_removals(core, next, adoption.again, effects);
    desired_unref(core->desired);
    core->desired = next;
    core->schedules_changed = true;
    core->dirty |= next->scheduled_tasks.len + core->schedules.len > 0;
    core_drop_fleets(core);
    if (first)
        core_mark_all(core); /* what the ledger or the engines know and the repository does not */
}

/* A later life begins with the roots that are of use now. */
static json_t *source_entry(const struct core *core)
{
    struct string_vec roots CLEANUP(string_vec_deinit) = {0};
    json_t *entry = json_pack("{s:o}", "deployed", commit_to_json(&core->head));
    manifest_wanted_roots(core->manifest, &roots);
    if (roots.len)
        json_object_set_new(entry, "roots", model_strings_to_json(&roots));
    return entry;
}

static void deploy(struct core *core, struct desired *next, struct effect_vec *effects)
{
    char commit[COMMIT_SHORT_SIZE];
    commit_short(core->head.oid, commit);
    char *message CLEANUP_FREE =
        memory_printf("commit %s: %s", commit, core->head.subject ? core->head.subject : "(no subject)");
    core->approved_deletions = 0;
    struct effect_vec later = {0};
    adopt(core, next, effects, &later);
    /* A later life that knows the commit for deployed must know what of it waits. */
    core_save(effects, LEDGER_SOURCE, "default", source_entry(core), message);
    for (size_t i = 0; i < later.len; i++)
        vector_push(effects, later.items[i]);
    vector_deinit(&later);
}

/* Deployed, refused or held, and always as a whole: else what runs stays. */
static void judge_head(struct core *core, struct effect_vec *effects)
{
    struct desired *next = NULL;
    struct string_vec changed = {0};
    struct manifest_numbering numbering = {&core->families, &changed};
    free(core->held);
    core->held = NULL;
    diagnostics_deinit(&core->diagnostics);
    core->diagnostics = (struct diagnostics){0};
    int r = manifest_build(core->manifest, &core->head, &numbering, &next, &core->diagnostics);
    save_families(core, &core->head, &changed, effects);
    if (r == 0)
        core->held = core_over_budget(core, next);
    if (core->held)
        desired_unref(next);
    else if (r == 0)
        deploy(core, next, effects);
}

int core_sum_of_deletions(int a, int b)
{
    return a > INT_MAX - b ? INT_MAX : a + b;
}

/* What an earlier life had deployed is desired again, without a word: the head may be one that is refused. */
static void deploy_again(struct core *core, const struct commit *commit,
                         const struct manifest_numbering *numbering, struct effect_vec *effects)
{
    struct desired *next = NULL;
    struct diagnostics diagnostics = {0};
    if (manifest_build(core->manifest, commit, numbering, &next, &diagnostics) == 0)
        adopt(core, next, effects, effects);
    diagnostics_deinit(&diagnostics);
}

void core_on_commit(struct core *core, struct event *event, struct effect_vec *effects)
{
    assert(core);
    core_remember_commit(core, &event->commit.commit);
    if (!core_take_files(core, event, effects))
        return;
    core->approved_deletions =
        core_sum_of_deletions(core->approved_deletions, event->commit.commit.approved_deletions);
    if (event->commit.head) {
        commit_deinit(&core->head);
        core->head = event->commit.commit;
        memset(&event->commit.commit, 0, sizeof event->commit.commit);
        core->head_ms = core->now_ms;
        judge_head(core, effects);
        return;
    }
    struct string_vec changed = {0};
    struct manifest_numbering numbering = {&core->families, &changed};
    if (!core->desired && event->commit.full && text_equal(event->commit.commit.oid, core->deployed))
        deploy_again(core, &event->commit.commit, &numbering, effects);
    else
        manifest_number(core->manifest, &event->commit.commit, &numbering);
    save_families(core, &event->commit.commit, &changed, effects);
}

void core_on_approve(struct core *core, struct event *event, struct effect_vec *effects)
{
    assert(core);
    if (!core->held) {
        core_approve_changes(core, event->approve.oid, effects);
        return;
    }
    if (!text_equal(event->approve.oid, core->head.oid))
        return; /* another commit came in between */
    core->approved_deletions = INT_MAX;
    judge_head(core, effects);
}
