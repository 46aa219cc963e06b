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
        core_source_recall(core, entry->source);
        core_set_ledger(service, entry);
        core_index_adopted(core, service);
        core_mark(core, service);
    } else if (event->ledger.kind == LEDGER_FAMILY) {
        struct family_ledger *entry = NULL;
        struct core_source *source = core_source(core, model_string(event->ledger.entry, "source"));
        if (source && family_ledger_from_json(event->ledger.entry, &entry, NULL) == 0)
            map_put(&source->families, entry->family, entry);
    } else if (event->ledger.kind == LEDGER_TASK) {
        struct run *run = core_run_of_json(event->ledger.entry);
        if (run) /* else its containers are adopted, T13 */
            core_mark(core, core_put_run(core, run));
    } else if (event->ledger.kind == LEDGER_SCHEDULE && event->ledger.name) {
        core_load_schedule(core, event->ledger.name, event->ledger.entry);
    } else if (event->ledger.kind == LEDGER_SUSPENSION && event->ledger.name) {
        core_load_suspensions(core, event->ledger.name, event->ledger.entry);
    } else {
        core_source_load(core, event->ledger.name, event->ledger.entry);
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

/* The ledger has one entry of a family: of the source that defines it. */
static bool has_family(const struct core *core, const struct core_source *source, const char *family)
{
    const struct core_source *owner = core->sources.len > 1 ? core_source_of_family(core, family) : source;
    return owner == source || owner->gone ||
           (owner->desired && !desired_task_definition(owner->desired, family));
}

static void save_family(const struct core_source *source, const struct commit *because, json_t *shared,
                        const char *name, struct effect_vec *effects)
{
    const struct family_ledger *family = map_get(&source->families, name);
    if (!family || family->revisions.len == 0)
        return;
    const struct revision *newest = &family->revisions.items[family->revisions.len - 1];
    char commit[COMMIT_SHORT_SIZE];
    commit_short(newest->commit.oid, commit);
    char *message CLEANUP_FREE =
        memory_printf("%s:%d: registered, commit %s", family->family, newest->number, commit);
    json_t *entry = family_ledger_to_json(family);
    share_commit(entry, because, shared);
    if (!core_source_is_default(source))
        model_set_string(entry, "source", source->name);
    core_save(effects, LEDGER_FAMILY, family->family, entry, message);
}

static void save_families(const struct core *core, const struct core_source *source,
                          const struct commit *because, struct string_vec *changed,
                          struct effect_vec *effects)
{
    json_t *shared = commit_to_json(because);
    for (size_t i = 0; i < changed->len; i++)
        if (has_family(core, source, changed->items[i]))
            save_family(source, because, shared, changed->items[i], effects);
    json_decref(shared);
    string_vec_deinit(changed);
}

bool core_same_service(const struct service *left, const struct service *right)
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
    struct core_source *source;
    const struct desired *wanted; /* of all sources */
    bool again;                   /* after a start: an earlier life had deployed it */
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
    if (!core_same_service(service->desired, desired)) {
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

static void mark_cluster(struct core *core, const char *cluster)
{
    map_for_each (&core->services, entry) {
        struct service_state *service = entry->value;
        if (!text_equal(service->cluster, cluster))
            continue;
        core_doubt_window(core, service); /* the cluster may have others by now */
        core_mark(core, service);
    }
    core_mark_awaiting_room(core); /* a standalone task whose container waits for a GPU */
}

/* Where its tasks may run, and what the instances are; M6. */
static void mark_changed_clusters(struct core *core, const struct desired *old, const struct desired *next)
{
    for (size_t i = 0; i < next->clusters.len; i++) {
        const struct cluster *now = next->clusters.items[i];
        const struct cluster *before = desired_cluster(old, now->name);
        if (now != before && !(before && json_equal(before->json, now->json)))
            mark_cluster(core, now->name);
    }
    for (size_t i = 0; core->sources.len > 1 && i < old->clusters.len; i++)
        if (!desired_cluster(next, old->clusters.items[i]->name))
            mark_cluster(core, old->clusters.items[i]->name);
}

/* M4: whose they are from now on. A later life that did not know would take them for what the other source
 * has left out. */
static void sign(const struct adoption *adoption, const struct desired *before)
{
    struct core *core = adoption->core;
    const struct desired *next = adoption->source->desired;
    for (size_t i = 0; core->sources.len > 1 && i < next->services.len; i++) {
        const struct service *service = next->services.items[i];
        const struct service_state *state = core_service_state(core, service->cluster, service->name, false);
        if (!state || !state->ledger || !core_source_sign(core, state, state->ledger))
            continue;
        char *message CLEANUP_FREE =
            memory_printf("%s: is of source %s now", state->key, adoption->source->name);
        core_save(adoption->effects, LEDGER_SERVICE, state->key, service_ledger_to_json(state->ledger),
                  message);
    }
    json_t *shared = commit_to_json(&next->commit);
    for (size_t i = 0; core->sources.len > 1 && i < next->task_definitions.len; i++) {
        const char *family = next->task_definitions.items[i]->family;
        bool news = !before || !desired_task_definition(before, family);
        for (size_t s = 0; news && s < core->sources.len; s++)
            if (core->sources.items[s] != adoption->source &&
                map_get(&core->sources.items[s]->families, family))
                save_family(adoption->source, &next->commit, shared, family, adoption->effects);
    }
    json_decref(shared);
}

/* From here on that is what all sources want together. */
static void set_sum(struct core *core, struct desired *sum)
{
    const struct desired none = {0};
    mark_changed_clusters(core, core->desired ? core->desired : &none, sum);
    core_mark_suspensions(core, sum);
    desired_unref(core->desired);
    core->desired = sum;
    core->schedules_changed = true;
    core->dirty |= sum->scheduled_tasks.len + core->schedules.len > 0;
    core_drop_fleets(core);
}

/* Both are sorted: one walk finds what came, what changed and what went. */
static void walk(const struct adoption *adoption, const struct desired *old, const struct desired *next)
{
    size_t o = 0;
    size_t n = 0;
    while (o < old->services.len || n < next->services.len) {
        const struct service *left = o < old->services.len ? old->services.items[o] : NULL;
        struct service *right = n < next->services.len ? next->services.items[n] : NULL;
        int order = compare_places(left, right);
        if (left && order < 0)
            leave(adoption, left);
        else if (right && left != right)
            set_desired(adoption, right->cluster, right->name, right);
        o += order <= 0;
        n += order >= 0;
    }
}

static bool saves_service(const struct effect_vec *effects, const char *name)
{
    for (size_t i = 0; i < effects->len; i++)
        if (effects->items[i].kind == EFFECT_SAVE && effects->items[i].change.kind == LEDGER_SERVICE &&
            text_equal(effects->items[i].change.name, name))
            return true;
    return false;
}

/* Takes them over. */
static void append(struct effect_vec *effects, struct effect_vec *more)
{
    for (size_t i = 0; i < more->len; i++)
        vector_push(effects, more->items[i]);
    vector_deinit(more);
    *more = (struct effect_vec){0};
}

/* New names are noted after the commit: who is killed in between knows the old ones, and finds the new ones
 * by it, N6; the other way round the commit before would give the old ones back, and who has one of them by
 * now would pass for new. Only what waits for its window is noted before its commit, and its name with it.
 * Others may save the same entries, as they are then. */
static void note_renames(const struct adoption *adoption, struct effect_vec *renames,
                         struct effect_vec *effects)
{
    bool waits = false;
    for (size_t i = 0; i < renames->len && !waits; i++)
        waits = saves_service(adoption->effects, renames->items[i].change.name);
    if (waits)
        append(effects, renames);
    append(effects, adoption->effects);
    append(renames, adoption->later);
    append(adoption->later, renames);
}

/* Takes `next` over. */
static void adopt(struct core *core, struct core_source *source, struct desired *next,
                  struct effect_vec *effects, struct effect_vec *later)
{
    static const struct desired none;
    bool first = source->desired == NULL;
    struct desired *sum = core_source_merge(core, source, next, &next->commit);
    struct effect_vec own = {0};
    struct effect_vec renames = {0};
    const struct adoption adoption = {
        core, source, sum, first && text_equal(next->commit.oid, source->deployed), &own, later};
    core_rename_services(core, source, next, &renames);
    walk(&adoption, source->desired ? source->desired : &none, next);
    if (first)
        core_recall_removals(core, source, sum, adoption.again, &own);
    struct desired *before = source->desired;
    source->desired = next;
    sign(&adoption, before);
    note_renames(&adoption, &renames, effects);
    desired_unref(before);
    set_sum(core, sum);
    if (first)
        core_mark_all(core); /* what the ledger or the engines know and the repository does not */
}

/* `approved`: for what it was held until somebody approved it, the one step outside of git that removes
 * services; or NULL. */
static void deploy(struct core *core, struct core_source *source, struct desired *next, const char *approved,
                   struct effect_vec *effects)
{
    char commit[COMMIT_SHORT_SIZE];
    commit_short(source->head.oid, commit);
    char *message CLEANUP_FREE = memory_printf(
        "commit %s: %s%s%s", commit, source->head.subject ? source->head.subject : "(no subject)",
        approved ? "; was held, and approved by hand: " : "", approved ? approved : "");
    source->approved_deletions = 0;
    source->approved[0] = '\0';
    core_release(core, source, next);
    struct effect_vec later = {0};
    adopt(core, source, next, effects, &later);
    /* A later life that knows the commit for deployed must know what of it waits. */
    core_save(effects, LEDGER_SOURCE, source->name, core_source_to_json(core, source), message);
    append(effects, &later);
}

struct judgement {
    const struct commit *commit; /* as the source's files are now */
    struct diagnostics *diagnostics;
    struct effect_vec *effects;
};

/* With the source's own numbers. ERROR_INVALID when it is refused. */
static int build(struct core *core, struct core_source *source, const struct judgement *judgement,
                 struct desired **ret_desired)
{
    struct desired *next CLEANUP(desired_unrefp) = NULL;
    struct string_vec changed = {0};
    struct manifest_numbering numbering = {&source->families, &changed};
    core_source_share_clusters(core, source);
    int r = manifest_build(source->manifest, judgement->commit, &numbering, &next, judgement->diagnostics);
    save_families(core, source, judgement->commit, &changed, judgement->effects);
    if (r < 0)
        return r;
    core_source_check(core, source, next, judgement->diagnostics);
    if (judgement->diagnostics->errors)
        return ERROR_INVALID;
    *ret_desired = TAKE(next);
    return 0;
}

/* Deployed, refused or held, and always as a whole: else what runs stays. Whether it was deployed. */
static bool judge_head(struct core *core, struct core_source *source, struct effect_vec *effects)
{
    struct desired *next = NULL;
    if (source->asks)
        return false;
    free(TAKE(source->held));
    diagnostics_deinit(&source->diagnostics);
    source->diagnostics = (struct diagnostics){0};
    const struct judgement judgement = {&source->head, &source->diagnostics, effects};
    source->refused = build(core, source, &judgement, &next) < 0;
    if (source->refused)
        return false;
    char *removes CLEANUP_FREE = core_over_budget(core, source, next);
    if (removes && !text_equal(source->head.oid, source->approved)) {
        source->held = TAKE(removes);
        desired_unref(next);
        return false;
    }
    deploy(core, source, next, removes, effects);
    return true;
}

/* M1: what was in the way of one may be gone. Each deployment ends a refusal, so this ends. */
static void judge_refused(struct core *core, struct effect_vec *effects)
{
    for (size_t i = 0; core->sources.len > 1 && i < core->sources.len; i++) {
        struct core_source *source = core->sources.items[i];
        if (source->refused && judge_head(core, source, effects))
            i = SIZE_MAX; /* from the first again */
    }
}

int core_sum_of_deletions(int a, int b)
{
    return a > INT_MAX - b ? INT_MAX : a + b;
}

/* What other sources go by when the next life cannot read this one, M2. */
static void note_clusters(const struct core *core, const struct core_source *source,
                          struct effect_vec *effects)
{
    const struct cluster_vec *now = &source->desired->clusters;
    const struct desired *noted = source->remembered;
    size_t same = 0;
    for (size_t i = 0; noted && i < now->len && i < noted->clusters.len; i++)
        same += json_equal(now->items[i]->json, noted->clusters.items[i]->json) != 0;
    if (core->sources.len == 1 || (same == now->len && same == (noted ? noted->clusters.len : 0)))
        return;
    char *message CLEANUP_FREE = memory_printf("source %s: its clusters are noted", source->name);
    core_save(effects, LEDGER_SOURCE, source->name, core_source_to_json(core, source), message);
}

/* What an earlier life had deployed is desired again, without a word: the head may be one that is refused.
 * Not if it is another by now, of a directory that somebody configured since, and removes too much. */
static void deploy_again(struct core *core, struct core_source *source, const struct commit *commit,
                         struct effect_vec *effects)
{
    struct desired *next = NULL;
    struct diagnostics diagnostics CLEANUP(diagnostics_deinit) = {0};
    const struct judgement judgement = {commit, &diagnostics, effects};
    if (build(core, source, &judgement, &next) < 0)
        return;
    char *held CLEANUP_FREE = core_over_budget(core, source, next);
    if (held) {
        desired_unref(next);
        return;
    }
    struct effect_vec later = {0};
    adopt(core, source, next, effects, &later);
    append(effects, &later);
    note_clusters(core, source, effects);
    judge_refused(core, effects);
}

static void number(struct core *core, struct core_source *source, const struct commit *commit,
                   struct effect_vec *effects)
{
    struct string_vec changed = {0};
    struct manifest_numbering numbering = {&source->families, &changed};
    manifest_number(source->manifest, commit, &numbering);
    save_families(core, source, commit, &changed, effects);
}

void core_on_commit(struct core *core, struct event *event, struct effect_vec *effects)
{
    assert(core);
    struct core_source *source = core_source_of_event(core, event->commit.source);
    if (!source)
        return;
    core_remember_commit(core, source, &event->commit.commit);
    const struct commit *commit = &event->commit.commit;
    bool again = text_equal(commit->oid, source->numbered);
    if (event->commit.rewritten)
        source->approved_deletions = source->approved_numbered = 0;
    if (!core_take_files(source, event, effects))
        return;
    if (!again) /* its own are in the sum, or used up by an earlier life */
        source->approved_deletions =
            core_sum_of_deletions(source->approved_deletions, commit->approved_deletions);
    if (event->commit.head) {
        commit_deinit(&source->head);
        source->head = event->commit.commit;
        memset(&event->commit.commit, 0, sizeof event->commit.commit);
        source->head_ms = core->now_ms;
        if (judge_head(core, source, effects))
            judge_refused(core, effects);
        source->approved_numbered = source->approved_deletions;
    } else if (!source->desired && event->commit.full && text_equal(commit->oid, source->deployed)) {
        deploy_again(core, source, commit, effects);
    } else {
        number(core, source, commit, effects);
    }
}

/* M5. */
static void remove_source(struct core *core, struct core_source *source, struct effect_vec *effects)
{
    source->removed = true;
    char *message CLEANUP_FREE =
        memory_printf("source %s: what it had may go, approved by hand", source->name);
    core_save(effects, LEDGER_SOURCE, source->name,
              json_pack("{s:b,s:{s:s}}", "removed", 1, "deployed", "oid", source->deployed), message);
    if (core->desired)
        set_sum(core, core_source_merge(core, NULL, NULL, &core->desired->commit));
    core_mark_all(core);
    judge_refused(core, effects);
}

void core_on_approve(struct core *core, struct event *event, struct effect_vec *effects)
{
    assert(core);
    const char *oid = event->approve.oid;
    for (size_t i = 0; i < core->sources.len; i++) {
        struct core_source *source = core->sources.items[i];
        if (source->gone && !source->removed && text_equal(source->deployed, oid)) {
            remove_source(core, source, effects);
        } else if (source->held && text_equal(source->head.oid, oid)) {
            memcpy(source->approved, oid, strlen(oid) + 1);
            if (judge_head(core, source, effects))
                judge_refused(core, effects);
        } else {
            core_approve_changes(core, source, oid, effects);
        }
    }
}
