#include "cli/diff_commits.h"

#include "base/memory.h"
#include "base/text.h"
#include "cli/diff_base.h"
#include "cli/diff_rollout.h"
#include "core/core.h"
#include "model/diff.h"
#include "model/json.h"
#include "model/service_rename.h"

#include <assert.h>
#include <string.h>
#include <time.h>

static void compare_clusters(json_t *list, const struct desired *from, const struct desired *to)
{
    for (size_t side = 0; side < 2; side++) {
        const struct desired *desired = side ? from : to;
        for (size_t i = 0; i < desired->clusters.len; i++) {
            const struct cluster *one = desired->clusters.items[i];
            const struct cluster *other = desired_cluster(side ? to : from, one->name);
            if (side && other)
                continue; /* compared from the other side */
            const json_t *before = side ? one->json : other ? other->json : NULL;
            json_t *difference = diff_cluster(one->name, before, side ? NULL : one->json);
            if (difference)
                json_array_append_new(list, difference);
        }
    }
}

static struct diff_side side_of_definition(const struct task_definition *definition)
{
    return (struct diff_side){.digest = definition->digest,
                              .family = definition->family,
                              .revision = definition->revision,
                              .task_definition = definition->json};
}

const struct task_definition *cli_diff_started(const struct desired *desired, const struct scheduled_run *run)
{
    const char *family = model_string(run->request, "taskDefinition");
    return family && !strchr(family, ':') ? desired_task_definition(desired, family) : NULL;
}

static void compare_started(json_t **difference, const struct scheduled_task *task,
                            const struct desired *from, const struct desired *to)
{
    for (size_t i = 0; i < task->runs.len; i++) {
        const struct task_definition *before = cli_diff_started(from, &task->runs.items[i]);
        const struct task_definition *after = cli_diff_started(to, &task->runs.items[i]);
        if (!before || !after)
            continue;
        const struct diff_side sides[] = {side_of_definition(before), side_of_definition(after)};
        diff_scheduled_definition(difference, task->name, &sides[0], &sides[1]);
    }
}

/* Both are sorted: one walk. */
static void compare_schedules(json_t *list, const struct desired *from, const struct desired *to)
{
    const struct scheduled_task_vec *old = &from->scheduled_tasks;
    const struct scheduled_task_vec *now = &to->scheduled_tasks;
    for (size_t f = 0, t = 0; f < old->len || t < now->len;) {
        const struct scheduled_task *left = f < old->len ? old->items[f] : NULL;
        const struct scheduled_task *right = t < now->len ? now->items[t] : NULL;
        int order = !left ? 1 : !right ? -1 : strcmp(left->name, right->name);
        const struct scheduled_task *any = order <= 0 ? left : right;
        assert(any); /* the walk ends with the longer list */
        json_t *difference =
            diff_scheduled_task(any->name, order <= 0 ? left->json : NULL, order >= 0 ? right->json : NULL);
        if (order == 0)
            compare_started(&difference, right, from, to);
        if (difference)
            json_array_append_new(list, difference);
        f += order <= 0;
        t += order >= 0;
    }
}

/* A change waits for all windows that either commit has. */
static void add_window(json_t *difference, const struct service *const services[2],
                       const struct desired *const sides[2])
{
    struct change_gate gate = {0};
    for (size_t i = 0; i < 2 && difference; i++) {
        const struct cluster *cluster = desired_cluster(sides[i], model_string(difference, "cluster"));
        change_gate_add(&gate, cluster ? &cluster->windows : NULL);
        change_gate_add(&gate, services[i] ? &services[i]->windows : NULL);
    }
    diff_add_window(difference, &gate, (int64_t)time(NULL));
}

/* One service on its two sides, either may be NULL, as may the rename. */
static json_t *compare_service(const struct service *const services[2], const struct service_rename *rename,
                               const struct desired *const sides[2])
{
    const struct service *any = services[1] ? services[1] : services[0];
    struct diff_side states[2] = {0};
    for (size_t i = 0; i < 2; i++)
        if (services[i])
            states[i] = diff_side_of(services[i]);
    json_t *difference = diff_service(any->cluster, any->name, services[0] ? &states[0] : NULL,
                                      services[1] ? &states[1] : NULL);
    if (rename)
        diff_add_rename(&difference, rename);
    add_window(difference, services, sides);
    cli_diff_add_tasks(
        difference, &(struct diff_states){services[0], services[1], desired_cluster(sides[1], any->cluster)});
    return difference;
}

/* A file of either object is another than it was. */
static bool is_touched(const struct offline_side *sides, const struct service *service)
{
    const struct task_definition *definition = service->task_definition;
    const char *const files[] = {service->origin.file, definition ? definition->origin.file : NULL};
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (files[i] && !text_equal(map_get(&sides[0].blobs, files[i]), map_get(&sides[1].blobs, files[i])))
            return true;
    return false;
}

/* Both are sorted: one walk. */
static void compare_services(json_t *answer, const struct offline_side sides[2])
{
    const struct desired *const desired[] = {sides[0].desired, sides[1].desired};
    json_t *unchanged = json_array();
    struct service_rename_vec renames = {0};
    service_renames_between(desired[0], desired[1], &renames);
    json_object_set_new(answer, "unchanged", unchanged);
    for (size_t f = 0, t = 0; f < desired[0]->services.len || t < desired[1]->services.len;) {
        const struct service *left = f < desired[0]->services.len ? desired[0]->services.items[f] : NULL;
        const struct service *right = t < desired[1]->services.len ? desired[1]->services.items[t] : NULL;
        assert(left || right); /* the walk ends with the longer list */
        int order = !left ? 1 : !right ? -1 : service_compare(left, right);
        const struct service_rename *rename =
            order > 0 ? service_rename_to(&renames, right->cluster, right->name) : NULL;
        const struct service *before = rename ? desired_service(desired[0], rename->cluster, rename->from)
                                       : order <= 0 ? left
                                                    : NULL;
        const struct service *const services[] = {before, order >= 0 ? right : NULL};
        bool same = left == right || (order < 0 && service_rename_from(&renames, left->cluster, left->name));
        json_t *difference = same ? NULL : compare_service(services, rename, desired);
        if (difference) {
            json_array_append_new(json_object_get(answer, "differences"), difference);
        } else if (order == 0 && is_touched(sides, right)) {
            char *key CLEANUP_FREE = service_key(right->cluster, right->name);
            json_array_append_new(unchanged, json_string(key));
        }
        f += order <= 0;
        t += order >= 0;
    }
    vector_deinit(&renames);
}

static bool is_deployed(const json_t *difference)
{
    const char *change = model_string(difference, "change");
    return model_string(difference, "service") &&
           (text_equal(change, "create") || text_equal(change, "deploy"));
}

static void add_order(const json_t *differences, const struct desired *to)
{
    struct map deployed CLEANUP(map_deinit) = MAP_INIT(NULL);
    size_t i;
    json_t *difference;
    json_array_foreach ((json_t *)(uintptr_t)differences, i, difference) {
        if (!is_deployed(difference))
            continue;
        char *key CLEANUP_FREE =
            service_key(model_string(difference, "cluster"), model_string(difference, "service"));
        map_put(&deployed, key, difference);
    }
    json_array_foreach ((json_t *)(uintptr_t)differences, i, difference) {
        if (is_deployed(difference))
            cli_diff_add_order(
                difference,
                desired_service(to, model_string(difference, "cluster"), model_string(difference, "service")),
                &deployed);
    }
}

static void count(json_t *summary, const char *member, int64_t more)
{
    json_object_set_new(summary, member, json_integer(model_int(summary, member) + more));
}

static json_t *summarize(const json_t *differences)
{
    static const char *const members[] = {"rename",     "create",    "deploy",   "update",
                                          "remove",     "leave",     "clusters", "scheduledTasks",
                                          "tasksStart", "tasksStop", "uncounted"};
    json_t *summary = json_object();
    size_t i;
    json_t *difference;
    for (i = 0; i < ARRAY_LEN(members); i++)
        count(summary, members[i], 0);
    json_array_foreach ((json_t *)(uintptr_t)differences, i, difference) {
        const json_t *tasks = json_object_get(difference, "tasks");
        const char *change = model_string(difference, "change");
        bool is_service = model_string(difference, "service") != NULL;
        bool is_schedule = model_string(difference, "scheduledTask") != NULL;
        count(summary, is_service ? change : is_schedule ? "scheduledTasks" : "clusters", 1);
        count(summary, "tasksStart", model_int(tasks, "starts"));
        count(summary, "tasksStop", model_int(tasks, "stops"));
        count(summary, "uncounted",
              is_service && !tasks && !text_equal(change, "update") && !text_equal(change, "leave") &&
                  !text_equal(change, "rename"));
    }
    return summary;
}

/* As the daemon judges it that has no other deletionBudget. Caller frees; NULL: it is not held. */
static char *held_by_budget(const struct desired *from, const struct desired *to)
{
    struct core_removals removals CLEANUP(core_removals_deinit);
    core_removals_init(&removals);
    core_removals_add(&removals, from, to);
    return core_removals_judge(&removals, &CORE_DELETION_USUAL, to->commit.approved_deletions);
}

/* --- reading -------------------------------------------------------------------------------------------- */

static json_t *failure_of(const struct offline_side *side, const struct error *err, int r)
{
    if (side->diagnostics.errors) {
        char *text CLEANUP_FREE = memory_printf("%s is not valid", side->revision);
        return json_pack("{s:i,s:s,s:s,s:o}", "schemaVersion", 1, "error", text, "revision", side->revision,
                         "diagnostics", diagnostics_to_json(&side->diagnostics));
    }
    char *text CLEANUP_FREE =
        memory_printf("%s: %s", side->revision, err->message[0] ? err->message : error_code_name(r));
    return json_pack("{s:i,s:s,s:s}", "schemaVersion", 1, "error", text, "revision", side->revision);
}

static struct offline_query query_of(const struct cli *cli, const struct string_vec *clusters)
{
    return (struct offline_query){.other_clusters = clusters,
                                  .repository = cli_value(cli, "repo"),
                                  .sub_path = cli_value(cli, "path"),
                                  .command = cli->command->name,
                                  .ends = cli->ends};
}

int cli_diff_read(const struct cli *cli, const char *revision, struct desired **ret_desired,
                  json_t **ret_failure)
{
    struct offline_side side CLEANUP(offline_side_deinit) = OFFLINE_SIDE_INIT(revision);
    struct string_vec clusters = offline_other_clusters(cli);
    struct offline_query query = query_of(cli, &clusters);
    struct error err = ERROR_INIT;
    query.revision = revision;
    int r = offline_read(&query, &side.desired, &side.diagnostics, &err);
    vector_deinit(&clusters);
    if (r == 0)
        *ret_desired = TAKE(side.desired);
    else
        *ret_failure = failure_of(&side, &err, r);
    return r == 0 ? CLI_OK : CLI_ERROR;
}

json_t *cli_diff_answer(const struct offline_side sides[static 2])
{
    const struct desired *from = sides[0].desired;
    const struct desired *to = sides[1].desired;
    char *held CLEANUP_FREE = held_by_budget(from, to);
    json_t *differences = json_array();
    json_t *answer =
        json_pack("{s:i,s:o,s:o,s:o,s:s*}", "schemaVersion", 1, "from", commit_to_json(&from->commit), "to",
                  commit_to_json(&to->commit), "differences", differences, "held", held);
    compare_clusters(differences, from, to);
    compare_services(answer, sides);
    compare_schedules(differences, from, to);
    add_order(differences, to);
    json_object_set_new(answer, "summary", summarize(differences));
    return answer;
}

struct sides {
    struct offline_side list[2];
};

static void sides_deinit(struct sides *sides)
{
    for (size_t i = 0; i < ARRAY_LEN(sides->list); i++)
        offline_side_deinit(&sides->list[i]);
}

static int read_sides(const struct offline_query *query, struct offline_side sides[static 2],
                      size_t *ret_failed, struct error *err)
{
    struct offline_query one = *query;
    if (sides[0].revision)
        return offline_read_two(query, sides, ret_failed, err);
    sides[0].desired = desired_new();
    *ret_failed = 1;
    one.revision = sides[1].revision;
    one.blobs = &sides[1].blobs;
    return offline_read(&one, &sides[1].desired, &sides[1].diagnostics, err);
}

/* *answer is the failure of the first; the answer if there is something else to compare with. */
static int compare_instead(const struct offline_query *query, const char *oid, const char *to,
                           json_t **answer)
{
    struct sides sides CLEANUP(sides_deinit) = {{OFFLINE_SIDE_INIT(oid), OFFLINE_SIDE_INIT(to)}};
    struct error err = ERROR_INIT;
    json_t *fault CLEANUP(json_decrefp) = *answer;
    size_t failed = 0;
    int r = read_sides(query, sides.list, &failed, &err);
    *answer = r == 0 ? cli_diff_answer(sides.list) : failure_of(&sides.list[failed], &err, r);
    if (r < 0)
        return CLI_ERROR;
    json_object_del(fault, "schemaVersion");
    json_object_set(*answer, "insteadOf", fault);
    if (!oid)
        json_object_del(*answer, "from");
    return CLI_OK;
}

static int compare_commits(const struct offline_query *query, const char *const revisions[static 2],
                           json_t **ret_answer)
{
    struct sides sides CLEANUP(sides_deinit) = {
        {OFFLINE_SIDE_INIT(revisions[0]), OFFLINE_SIDE_INIT(revisions[1])}};
    struct error err = ERROR_INIT;
    char *base CLEANUP_FREE = NULL;
    size_t failed = 0;
    int r = read_sides(query, sides.list, &failed, &err);
    *ret_answer = r == 0 ? cli_diff_answer(sides.list) : failure_of(&sides.list[failed], &err, r);
    if (r == 0)
        return CLI_OK;
    if (failed == 1 || !cli_diff_find_base(query, revisions[0], r, &base))
        return CLI_ERROR;
    return compare_instead(query, base, revisions[1], ret_answer);
}

int cli_diff_commits(const struct cli *cli, const char *const revisions[static 2], json_t **ret_answer)
{
    struct string_vec clusters = offline_other_clusters(cli);
    const struct offline_query query = query_of(cli, &clusters);
    int r = compare_commits(&query, revisions, ret_answer);
    vector_deinit(&clusters);
    return r;
}
