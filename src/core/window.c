/* Change windows: which changes wait, what goes on meanwhile, and what ends the wait. The table (W) is in
 * core.h. */
#include "base/text.h"
#include "core/state.h"
#include "model/json.h"

#include <assert.h>
#include <stdlib.h>

#define LOOK_AGAIN_MS INT64_C(86400000) /* where no opening is in sight: the calendar may have changed */

void delayed_change_free(struct delayed_change *delayed)
{
    if (!delayed)
        return;
    service_unref(delayed->next);
    json_decref(delayed->cluster_windows);
    vector_deinit(&delayed->windows);
    commit_deinit(&delayed->commit);
    free(delayed->text);
    free(delayed);
}

/* --- what differs --------------------------------------------------------------------------------------- */

/* As committed, without what is no deployment: W2. Caller unrefs. */
static json_t *content_of(const struct service *service)
{
    json_t *json = json_copy(service->json);
    json_t *davit = json_copy(json_object_get(json, "davit"));
    json_object_del(davit, "changeWindows");
    json_object_del(davit, "suspend");
    json_object_del(json, "davit");
    if (json_object_size(davit))
        json_object_set(json, "davit", davit);
    json_decref(davit);
    return json;
}

static bool is_change(const struct service *now, const struct service *next)
{
    if (!now || !next)
        return now != next;
    if (now == next)
        return false;
    json_t *left = content_of(now);
    json_t *right = content_of(next);
    bool same = digest_equal(&now->digest, &next->digest) && json_equal(left, right);
    json_decref(left);
    json_decref(right);
    return !same;
}

/* --- the gate ------------------------------------------------------------------------------------------- */

static json_t *windows_of(const struct cluster *cluster)
{
    json_t *windows =
        cluster ? json_object_get(json_object_get(cluster->json, "davit"), "changeWindows") : NULL;
    return windows ? json_pack("{s:{s:O}}", "davit", "changeWindows", windows) : NULL;
}

static struct delayed_change *delayed_new(struct service *next, json_t *cluster_windows)
{
    struct delayed_change *delayed = NEW(struct delayed_change);
    delayed->next = next ? service_ref(next) : NULL;
    delayed->cluster_windows = cluster_windows;
    change_windows_from_json(cluster_windows, &delayed->windows);
    return delayed;
}

static void fill_gate(const struct service_state *service, const struct delayed_change *delayed,
                      const struct desired *wanted, struct change_gate *ret_gate)
{
    const struct cluster *cluster = wanted ? desired_cluster(wanted, service->cluster) : NULL;
    *ret_gate = (struct change_gate){0};
    change_gate_add(ret_gate, &delayed->windows);
    if (delayed->known)
        change_gate_add(ret_gate, &service->desired->windows);
    if (cluster)
        change_gate_add(ret_gate, &cluster->windows);
    if (delayed->next)
        change_gate_add(ret_gate, &delayed->next->windows);
}

/* Which of the windows are shut: "its change window" as the newest commit has it, or only the one that was in
 * force when the change began to wait, which no manifest shows any more. Caller frees. */
static char *window_name(int64_t now_s, const struct service_state *service,
                         const struct delayed_change *delayed, const struct desired *wanted)
{
    struct change_gate newest = {0};
    char oid[COMMIT_SHORT_SIZE];
    const struct cluster *cluster = wanted ? desired_cluster(wanted, service->cluster) : NULL;
    if (cluster)
        change_gate_add(&newest, &cluster->windows);
    if (delayed->next)
        change_gate_add(&newest, &delayed->next->windows);
    if (!change_gate_is_open(&newest, now_s) || !delayed->commit.oid[0])
        return memory_strdup("its change window");
    commit_short(delayed->commit.oid, oid);
    return memory_printf("the change window of commit %s, in force when it began to wait", oid);
}

/* Whether it may begin now; else until when it waits. */
static bool judge(const struct core *core, const struct service_state *service,
                  struct delayed_change *delayed, const struct desired *wanted)
{
    struct change_gate gate;
    int64_t opens_s;
    fill_gate(service, delayed, wanted, &gate);
    int64_t now_s = core_wall_ms(core) / 1000;
    if (change_gate_is_open(&gate, now_s))
        return true;
    bool found = change_gate_next(&gate, now_s, &opens_s);
    const char *what = delayed->next ? "waits" : "removes it, which waits";
    char *at CLEANUP_FREE = found ? change_gate_time(&gate, opens_s) : NULL;
    char *window CLEANUP_FREE = window_name(now_s, service, delayed, wanted);
    free(delayed->text);
    delayed->text = found
                        ? memory_printf("%s for %s, which opens at %s", what, window, at)
                        : memory_printf("%s for %s, which does not open as far as can be seen", what, window);
    delayed->judged_ms = core->now_ms;
    delayed->opens = found;
    delayed->opens_ms = found ? core_time_of_wall(core, opens_s * 1000) : core->now_ms + LOOK_AGAIN_MS;
    return false;
}

/* --- the ledger ----------------------------------------------------------------------------------------- */

static void save(struct service_state *service, json_t *entry, const char *what, struct effect_vec *effects)
{
    const json_t *before = service->ledger ? service->ledger->delayed : NULL;
    if (json_equal(before, entry) || (!before && !entry)) {
        json_decref(entry);
        return;
    }
    if (!service->ledger)
        core_set_ledger(service, service_ledger_new(service->cluster, service->name)); /* W4, W8 */
    struct service_ledger *ledger = service->ledger;
    json_decref(ledger->delayed);
    ledger->delayed = entry;
    char *message CLEANUP_FREE = memory_printf("%s: %s", service->key, what);
    core_save(effects, LEDGER_SERVICE, service->key, service_ledger_to_json(ledger), message);
}

json_t *core_prepared_service_to_json(const struct service *service)
{
    assert(service);
    json_t *json = service_to_json(service);
    json_t *list = service->pre_deploy_definitions.len ? json_array() : NULL;
    for (size_t i = 0; i < service->pre_deploy_definitions.len; i++) {
        const struct task_definition *definition = service->pre_deploy_definitions.items[i];
        json_array_append_new(
            list, json_pack("{s:i,s:O}", "revision", definition->revision, "json", definition->json));
    }
    if (list)
        json_object_set_new(json, "preDeployDefinitions", list);
    return json;
}

static json_t *entry_of(const struct service_state *service, const struct delayed_change *delayed)
{
    json_t *entry = delayed->known ? core_prepared_service_to_json(service->desired) : json_object();
    if (delayed->known && service->desired->daemon)
        json_object_del(entry, "desiredCount"); /* E1: it is counted, and nobody writes it */
    if (delayed->cluster_windows)
        json_object_set(entry, "clusterWindows", delayed->cluster_windows);
    if (delayed->commit.oid[0])
        json_object_set_new(entry, "commit", commit_to_json(&delayed->commit));
    model_set_int(entry, "since", delayed->since_ms);
    return entry;
}

/* W8: what an earlier life knew of it. NULL when nothing waited. */
static struct delayed_change *recall(struct core *core, struct service_state *service, struct service *next)
{
    const json_t *entry = service->ledger ? service->ledger->delayed : NULL;
    if (!entry || service->desired)
        return NULL;
    struct delayed_change *delayed = delayed_new(next, json_incref(json_object_get(entry, "clusterWindows")));
    service->desired = core_service_of_json(entry);
    delayed->known = service->desired != NULL;
    delayed->since_ms = model_int(entry, "since");
    if (commit_from_json(json_object_get(entry, "commit"), &delayed->commit) < 0)
        delayed->commit = (struct commit){0};
    core_mark(core, service);
    return delayed;
}

/* --- a commit ------------------------------------------------------------------------------------------- */

static const struct deployment *primary_of(const struct service_state *service)
{
    return service->ledger && !service->ledger->removed ? service_ledger_primary(service->ledger) : NULL;
}

static bool is_deployed(const struct service_state *service, const struct service *next)
{
    const struct deployment *primary = primary_of(service);
    return primary && next && digest_equal(&primary->digest, &next->digest);
}

/* Without a word of the ledger that it waited, what an earlier life had deployed was let through, W8; so was
 * what has the content of its deployment. */
static bool was_let_through(const struct service_state *service, const struct core_change *change)
{
    if (service->desired) /* and nothing of it waits: it may be suspended, and not have begun */
        return change->next && !primary_of(service) && !is_change(service->desired, change->next);
    return primary_of(service) && (change->again || is_deployed(service, change->next));
}

/* Of a new service the ledger knows no more than that it waits. */
static bool has_begun(const struct service_state *service)
{
    return (service->ledger && service->ledger->deployments.len) ||
           service->containers.len + service->under_way.len > 0;
}

static void put(struct core *core, struct service_state *service, struct delayed_change *delayed)
{
    core->delayed_len += (delayed != NULL) - (size_t)(service->delayed != NULL);
    service->delayed = delayed;
}

static struct delayed_change *take(struct core *core, struct service_state *service)
{
    struct delayed_change *delayed = service->delayed;
    put(core, service, NULL);
    return delayed;
}

/* The change as one that may have to wait; NULL when there is none, or it needs not. */
static struct delayed_change *delay(struct core *core, struct service_state *service,
                                    const struct core_change *change)
{
    struct delayed_change *before = take(core, service);
    struct delayed_change *delayed = before ? before : recall(core, service, change->next);
    if (delayed) {
        service_unref(delayed->next);
        delayed->next = change->next ? service_ref(change->next) : NULL;
        return delayed;
    }
    if (was_let_through(service, change) || (!change->next && !service->desired && !has_begun(service)))
        return NULL;
    const struct cluster *cluster = core->desired ? desired_cluster(core->desired, service->cluster) : NULL;
    delayed = delayed_new(change->next, windows_of(cluster));
    delayed->since_ms = core->now_ms;
    delayed->known = service->desired && primary_of(service);
    const struct core_source *source = core_source_of_service(core, service);
    if (source && source->desired)
        commit_copy(&source->desired->commit, &delayed->commit);
    return delayed;
}

/* What is new and goes again before it began leaves nothing to wait for. */
static bool changes(const struct service_state *service, const struct delayed_change *delayed,
                    const struct service *next)
{
    if (!delayed)
        return false;
    if (delayed->known)
        return is_change(service->desired, next);
    return next ? !is_deployed(service, next) : has_begun(service);
}

static void tell(struct core *core, struct service_state *service, const struct core_change *change)
{
    char commit[COMMIT_SHORT_SIZE];
    commit_short(change->wanted->commit.oid, commit);
    char *message CLEANUP_FREE =
        memory_printf("(service %s) commit %s %s.", service->name, commit, service->delayed->text);
    core_add_event(core, service, message);
}

bool core_window_delays(struct core *core, struct service_state *service, const struct core_change *change,
                        struct effect_vec *effects)
{
    assert(core);
    assert(service);
    assert(change && change->wanted);
    bool began = service->delayed != NULL;
    if (began && core_same_service(service->delayed->next, change->next)) /* its window opens in a turn */
        return service->delayed->known;
    struct delayed_change *delayed = delay(core, service, change);
    if (!changes(service, delayed, change->next) || judge(core, service, delayed, change->wanted)) {
        delayed_change_free(delayed);
        save(service, NULL, "no change of it waits any more", effects);
        if (began)
            core_mark(core, service); /* and whoever waits for it */
        return false;
    }
    put(core, service, delayed);
    if (!began)
        tell(core, service, change);
    save(service, entry_of(service, delayed), delayed->text, effects);
    core_mark(core, service);
    return delayed->known;
}

/* Only the ledger knows the service. Its removal waited; or it had begun with the commit that was deployed
 * last; or it is news, because that could not be built. */
static bool is_removal(const struct service_state *service)
{
    const struct service_ledger *ledger = service->ledger;
    return !service->desired && !service->delayed && ledger &&
           (ledger->delayed || (!ledger->removed && ledger->deployments.len));
}

void core_recall_removals(struct core *core, const struct core_source *source, const struct desired *wanted,
                          bool again, struct effect_vec *effects)
{
    assert(core);
    map_for_each (&core->services, entry) {
        struct service_state *service = entry->value;
        const struct core_change removal = {.wanted = wanted, .again = again};
        if (is_removal(service) && core_source_of_service(core, service) == source &&
            !core_window_delays(core, service, &removal, effects))
            core_adopt_service(core, service, NULL, effects);
    }
}

/* --- the end of the wait -------------------------------------------------------------------------------- */

static void let_through(struct core *core, struct service_state *service, struct effect_vec *effects)
{
    struct delayed_change *delayed = take(core, service);
    core_adopt_service(core, service, delayed->next, effects);
    delayed_change_free(delayed);
    save(service, NULL, "no change of it waits any more", effects);
    core_mark(core, service);
}

void core_window_was_open(struct core *core, struct service_state *service, const struct digest *begun,
                          struct effect_vec *effects)
{
    assert(core && service && begun);
    const struct delayed_change *delayed = service->delayed;
    if (delayed && delayed->known && delayed->next && digest_equal(service_task_digest(delayed->next), begun))
        let_through(core, service, effects);
}

void core_doubt_window(struct core *core, struct service_state *service)
{
    assert(core);
    assert(service);
    if (!service->delayed)
        return;
    service->delayed->opens_ms = core->now_ms;
    core_mark(core, service);
}

void core_doubt_windows(struct core *core)
{
    assert(core);
    if (core->delayed_len == 0)
        return;
    map_for_each (&core->services, entry) {
        core_doubt_window(core, entry->value);
    }
}

void core_open_windows(struct core *core, struct effect_vec *effects)
{
    assert(core);
    if (core->delayed_len == 0)
        return;
    map_for_each (&core->services, entry) {
        struct service_state *service = entry->value;
        struct delayed_change *delayed = service->delayed;
        if (!delayed || (core->now_ms < delayed->opens_ms && core->now_ms >= delayed->judged_ms))
            continue; /* a clock that was put back is asked again */
        if (judge(core, service, delayed, core->desired))
            let_through(core, service, effects);
        else
            core_mark(core, service);
    }
}

void core_approve_changes(struct core *core, const struct core_source *source, const char *oid,
                          struct effect_vec *effects)
{
    assert(core);
    assert(source);
    assert(oid);
    char commit[COMMIT_SHORT_SIZE];
    if (!source->desired || !text_equal(source->desired->commit.oid, oid))
        return;
    commit_short(oid, commit);
    map_for_each (&core->services, entry) {
        struct service_state *service = entry->value;
        if (!service->delayed || core_source_of_service(core, service) != source)
            continue;
        char *message CLEANUP_FREE =
            memory_printf("(service %s) commit %s was approved: its change did not wait for its window.",
                          service->name, commit);
        core_add_event(core, service, message);
        let_through(core, service, effects);
    }
}

bool core_stands_still(const struct core *core, const struct service_state *service)
{
    assert(core);
    assert(service);
    const struct delayed_change *delayed = service->delayed;
    bool has_cluster = core->desired && desired_cluster(core->desired, service->cluster);
    return delayed && !(delayed->known && has_cluster);
}

void core_tell_delay(struct service_state *service)
{
    assert(service);
    const struct delayed_change *delayed = service->delayed;
    if (!delayed || text_equal(service->waiting, delayed->text))
        return;
    char *meanwhile = service->waiting;
    service->waiting = meanwhile ? memory_printf("%s; meanwhile: %s", delayed->text, meanwhile)
                                 : memory_strdup(delayed->text);
    free(meanwhile);
}

/* --- snapshots ------------------------------------------------------------------------------------------ */

json_t *core_delay_out(const struct service_state *service)
{
    assert(service);
    const struct delayed_change *delayed = service->delayed;
    json_t *json = json_pack("{s:b,s:b,s:I,s:I,s:s}", "known", delayed->known, "inSight", delayed->opens,
                             "opens", (json_int_t)delayed->opens_ms, "judged", (json_int_t)delayed->judged_ms,
                             "text", delayed->text);
    json_object_set_new(json, "entry", entry_of(service, delayed));
    if (delayed->known)
        model_set_int(json, "count", service->desired->desired_count);
    if (delayed->next)
        json_object_set_new(json, "next", core_prepared_service_to_json(delayed->next));
    return json;
}

void core_delay_in(struct core *core, struct service_state *service, const json_t *json)
{
    assert(core);
    assert(service);
    const json_t *entry = json_object_get(json, "entry");
    struct service *next = core_service_of_json(json_object_get(json, "next"));
    struct delayed_change *delayed = delayed_new(next, json_incref(json_object_get(entry, "clusterWindows")));
    service_unref(next);
    delayed->known = model_bool(json, "known");
    delayed->since_ms = model_int(entry, "since");
    delayed->opens = model_bool(json, "inSight");
    delayed->opens_ms = model_int(json, "opens");
    delayed->judged_ms = model_int(json, "judged");
    delayed->text = memory_strdup(model_string(json, "text"));
    if (commit_from_json(json_object_get(entry, "commit"), &delayed->commit) < 0)
        delayed->commit = (struct commit){0};
    if (delayed->known) {
        service_unref(service->desired);
        service->desired = core_service_of_json(entry);
        core_set_count(service, model_int_in(json, "count", 0, LIMIT_DESIRED_COUNT));
    }
    delayed_change_free(take(core, service));
    put(core, service, delayed);
}
