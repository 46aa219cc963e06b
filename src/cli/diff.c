#include "model/diff.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/offline.h"
#include "cli/output.h"
#include "core/core.h"
#include "model/json.h"
#include "model/service_rename.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

/* --- the two sides -------------------------------------------------------------------------------------- */

static int read_commit(const struct cli *cli, const char *revision, struct desired **ret_desired)
{
    struct offline_query query = {.repository = cli_value(cli, "repo"),
                                  .revision = revision,
                                  .sub_path = cli_value(cli, "path"),
                                  .command = cli->command->name};
    struct diagnostics diagnostics CLEANUP(diagnostics_deinit) = {0};
    struct error err = ERROR_INIT;
    int r = offline_read(&query, ret_desired, &diagnostics, &err);
    if (r == 0)
        return CLI_OK;
    if (!diagnostics.errors)
        return cli_fail(cli, "%s: %s", revision, err.message[0] ? err.message : error_code_name(r));
    char *before CLEANUP_FREE = memory_printf("%s: ", revision);
    cli_write_diagnostics(cli->err, &diagnostics, before);
    return cli_fail(cli, "%s is not valid", revision);
}

static int compare(const struct service *a, const struct service *b)
{
    int r = strcmp(a->cluster, b->cluster);
    return r ? r : strcmp(a->name, b->name);
}

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

/* The newest revision that a target starts, as the commit has it; NULL where it names a number. */
static const struct task_definition *started_by(const struct desired *desired,
                                                const struct scheduled_run *run)
{
    const char *family = model_string(run->request, "taskDefinition");
    return family && !strchr(family, ':') ? desired_task_definition(desired, family) : NULL;
}

static void compare_started(json_t **difference, const struct scheduled_task *task,
                            const struct desired *from, const struct desired *to)
{
    for (size_t i = 0; i < task->runs.len; i++) {
        const struct task_definition *before = started_by(from, &task->runs.items[i]);
        const struct task_definition *after = started_by(to, &task->runs.items[i]);
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

/* Of one service: left is as it was, and right as it will be, or NULL. */
static void compare_services(json_t *list, const struct service *left, const struct service *right,
                             const struct service_rename *rename, const struct desired *const sides[2])
{
    const struct service *any = right ? right : left;
    struct diff_side before = left ? diff_side_of(left) : (struct diff_side){0};
    struct diff_side after = right ? diff_side_of(right) : (struct diff_side){0};
    json_t *difference = diff_service(any->cluster, any->name, left ? &before : NULL, right ? &after : NULL);
    if (rename)
        diff_add_rename(&difference, rename);
    add_window(difference, (const struct service *[]){left, right}, sides);
    if (difference)
        json_array_append_new(list, difference);
}

/* Both are sorted: one walk. */
static json_t *compare_commits(const struct desired *from, const struct desired *to)
{
    json_t *list = json_array();
    const struct desired *const sides[] = {from, to};
    struct service_rename_vec renames = {0};
    compare_clusters(list, from, to);
    service_renames_between(from, to, &renames);
    size_t f = 0;
    size_t t = 0;
    while (f < from->services.len || t < to->services.len) {
        const struct service *left = f < from->services.len ? from->services.items[f] : NULL;
        const struct service *right = t < to->services.len ? to->services.items[t] : NULL;
        int order = !left ? 1 : !right ? -1 : compare(left, right);
        assert(left || right); /* the walk ends with the longer list */
        const struct service_rename *rename =
            order > 0 ? service_rename_to(&renames, right->cluster, right->name) : NULL;
        if (rename)
            left = desired_service(from, rename->cluster, rename->from);
        if (order >= 0)
            compare_services(list, order == 0 || rename ? left : NULL, right, rename, sides);
        else if (!service_rename_from(&renames, left->cluster, left->name))
            compare_services(list, left, NULL, NULL, sides);
        f += order <= 0;
        t += order >= 0;
    }
    vector_deinit(&renames);
    compare_schedules(list, from, to);
    return list;
}

static json_t *service_json(const struct service *service)
{
    json_t *json = json_pack("{s:s,s:s,s:i}", "cluster", service->cluster, "name", service->name,
                             "desiredCount", service->desired_count);
    static const char *const members[] = {"davit", "schedulingStrategy", "placementConstraints",
                                          "placementStrategy", "deploymentConfiguration"};
    json_object_set_new(json, "davit", json_object());
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (json_object_get(service->json, members[i]))
            json_object_set(json, members[i], json_object_get(service->json, members[i]));
    model_set_bool(json, "countAbsent", service->count_absent);
    model_set_digest(json, "digest", &service->digest);
    if (service->task_definition) {
        model_set_string(json, "family", service->task_definition->family);
        model_set_int(json, "revision", service->task_definition->revision);
        json_object_set(json, "taskDefinition", service->task_definition->json);
    }
    return json;
}

static json_t *schedule_json(const struct desired *desired, const struct scheduled_task *task)
{
    json_t *definitions = json_array();
    for (size_t i = 0; i < task->runs.len; i++) {
        const struct task_definition *definition = started_by(desired, &task->runs.items[i]);
        if (!definition)
            continue;
        json_t *json = json_pack("{s:s,s:i,s:O}", "family", definition->family, "revision",
                                 definition->revision, "taskDefinition", definition->json);
        model_set_digest(json, "digest", &definition->digest);
        json_array_append_new(definitions, json);
    }
    return json_pack("{s:s,s:O,s:o}", "name", task->name, "manifest", task->json, "definitions", definitions);
}

/* What runs against a commit of ours. */
static int ask_about(const struct cli *cli, const struct desired *desired, json_t **ret_answer)
{
    json_t *services = json_array();
    for (size_t i = 0; i < desired->services.len; i++)
        json_array_append_new(services, service_json(desired->services.items[i]));
    json_t *clusters = json_array();
    for (size_t i = 0; i < desired->clusters.len; i++)
        json_array_append(clusters, desired->clusters.items[i]->json);
    json_t *schedules = json_array();
    for (size_t i = 0; i < desired->scheduled_tasks.len; i++)
        json_array_append_new(schedules, schedule_json(desired, desired->scheduled_tasks.items[i]));
    json_t *body CLEANUP(json_decrefp) =
        json_pack("{s:o,s:o,s:o,s:i}", "services", services, "clusters", clusters, "scheduledTasks",
                  schedules, "approvedDeletions", desired->commit.approved_deletions);
    struct cli_request request = {.method = "POST", .path = "/v1/diff", .body = body};
    struct error err = ERROR_INIT;
    if (cli_request(cli, &request, ret_answer, &err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    return CLI_OK;
}

/* As the daemon judges it that has no other deletionBudget. Caller frees; NULL: it is not held. */
static char *held_by_budget(const struct desired *from, const struct desired *to)
{
    struct core_removals removals CLEANUP(core_removals_deinit);
    core_removals_init(&removals);
    core_removals_add(&removals, from, to);
    return core_removals_judge(&removals, &CORE_DELETION_USUAL, to->commit.approved_deletions);
}

/* "A..B" as git has it, either may be absent: HEAD. False: it is one commit. Caller frees. */
static bool split_range(const char *text, char **ret_from, char **ret_to)
{
    const char *dots = strstr(text, "..");
    if (!dots || dots[2] == '.')
        return false;
    *ret_from = dots == text ? memory_strdup("HEAD") : memory_strndup(text, (size_t)(dots - text));
    *ret_to = memory_strdup(dots[2] ? dots + 2 : "HEAD");
    return true;
}

static int find_differences(const struct cli *cli, json_t **ret_answer)
{
    struct desired *from CLEANUP(desired_unrefp) = NULL;
    struct desired *to CLEANUP(desired_unrefp) = NULL;
    struct error err = ERROR_INIT;
    if (cli->argc == 0) {
        struct cli_request request = {.path = "/v1/diff"};
        return cli_request(cli, &request, ret_answer, &err) < 0 ? cli_fail(cli, "%s", error_text(&err))
                                                                : CLI_OK;
    }
    char *first CLEANUP_FREE = NULL;
    char *second CLEANUP_FREE = NULL;
    bool is_range = cli->argc == 1 && split_range(cli->argv[0], &first, &second);
    if (strstr(cli->argv[0], "..."))
        return cli_usage(cli,
                         "\"%s\": give the two commits, FROM and TO; the merge base of git's A...B is "
                         "$(git merge-base A B)",
                         cli->argv[0]);
    int r = read_commit(cli, is_range ? first : cli->argv[0], &from);
    if (r)
        return r;
    if (cli->argc == 1 && !is_range)
        return ask_about(cli, from, ret_answer);
    r = read_commit(cli, is_range ? second : cli->argv[1], &to);
    if (r)
        return r;
    char *held CLEANUP_FREE = held_by_budget(from, to);
    *ret_answer = json_pack("{s:i,s:o,s:s*}", "schemaVersion", 1, "differences", compare_commits(from, to),
                            "held", held);
    return CLI_OK;
}

/* --- in words ------------------------------------------------------------------------------------------- */

#define SHOWN_BYTES  200 /* of a value */
#define COMMON_BYTES 40  /* of these, before the first difference */

static size_t character_begin(const char *text, size_t at)
{
    while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80)
        at--;
    return at;
}

/* At most SHOWN_BYTES from `begin` on, and dots for what is cut. Caller frees. */
static char *cut(const char *text, size_t begin)
{
    size_t len = strlen(text + begin);
    bool whole = len <= SHOWN_BYTES;
    if (!whole)
        len = character_begin(text, begin + SHOWN_BYTES) - begin;
    return memory_printf("%s%.*s%s", begin ? "..." : "", (int)len, text + begin, whole ? "" : "...");
}

/* Long values are cut around the first difference, so that what is left of two is never the same. Either may
 * be NULL. */
static void cut_values(char **from, char **to)
{
    size_t begin = 0;
    bool is_long = (*from && strlen(*from) > SHOWN_BYTES) || (*to && strlen(*to) > SHOWN_BYTES);
    if (!is_long)
        return;
    while (*from && *to && (*from)[begin] && (*from)[begin] == (*to)[begin])
        begin++;
    begin = begin > COMMON_BYTES ? character_begin(*from ? *from : *to, begin - COMMON_BYTES) : 0;
    char *const whole[] = {*from, *to};
    *from = whole[0] ? cut(whole[0], begin) : NULL;
    *to = whole[1] ? cut(whole[1], begin) : NULL;
    free(whole[0]);
    free(whole[1]);
}

static void print_detail(const struct cli *cli, const json_t *detail)
{
    char *from CLEANUP_FREE = cli_text(json_object_get(detail, "from"));
    char *to CLEANUP_FREE = cli_text(json_object_get(detail, "to"));
    cut_values(&from, &to);
    const char *change = model_string(detail, "change");
    fprintf(cli->out, "  %s", cli_member_string(detail, "what"));
    if (change)
        fprintf(cli->out, " %s\n", change);
    else if (from && to)
        fprintf(cli->out, ": %s -> %s\n", from, to);
    else if (to)
        fprintf(cli->out, ": added %s\n", to);
    else
        fprintf(cli->out, ": removed\n");
}

static bool is_scale(const json_t *detail)
{
    return text_equal(model_string(detail, "what"), "desiredCount") && !model_string(detail, "change");
}

/* What comes before the change: tasks of davit.preDeploy, and its change window. */
static void print_before(const struct cli *cli, const json_t *difference)
{
    const json_t *first = json_object_get(difference, "preDeploy");
    const char *waits = model_string(difference, "waits");
    size_t i;
    json_t *name;
    json_array_foreach ((json_t *)(uintptr_t)first, i, name)
        fprintf(cli->out, "%s%s", i ? ", then " : "  runs first: ", json_string_value(name));
    if (json_array_size(first))
        fputs(" (davit.preDeploy)\n", cli->out);
    if (waits)
        fprintf(cli->out, "  waits %s\n", waits);
}

static void print_rollout(const struct cli *cli, const json_t *rollout)
{
    if (!rollout)
        return;
    int64_t wanted = model_int(rollout, "wantedTasks");
    bool failed = text_equal(model_string(rollout, "state"), "FAILED");
    fprintf(cli->out, "  deployment %s %s: %" PRId64 " of %" PRId64 " task%s %s new\n",
            cli_member_string(rollout, "deployment"), failed ? "failed" : "in progress",
            model_int(rollout, "newTasks"), wanted, text_plural(wanted), wanted == 1 ? "is" : "are");
}

static void print_rename(const struct cli *cli, const json_t *difference)
{
    const char *from = model_string(difference, "renamedFrom");
    if (from)
        fprintf(
            cli->out,
            "  renamed from %s: its tasks go on; their containers have that in their names until they are "
            "replaced\n",
            from);
}

static void print_difference(const struct cli *cli, const json_t *difference)
{
    static const char *const words[][2] = {{"create", "new service"},
                                           {"remove", "removed"},
                                           {"leave", "left; its tasks stay (davit.prune: disabled)"},
                                           {"deploy", "new deployment"},
                                           {"update", "changed in place"},
                                           {"rollout", "not all of it is deployed"},
                                           {"rename", "has a new name, nothing restarts"}};
    const char *change = cli_member_string(difference, "change");
    const char *service = model_string(difference, "service");
    const char *schedule = model_string(difference, "scheduledTask");
    char *name CLEANUP_FREE = schedule ? memory_printf("scheduled task %s", schedule)
                              : service
                                  ? service_key(cli_member_string(difference, "cluster"), service)
                                  : memory_printf("cluster %s", cli_member_string(difference, "cluster"));
    const json_t *details = json_object_get(difference, "details");
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (text_equal(words[i][0], change))
            fprintf(cli->out, "%s%s%s: %s\n", cli_tone(cli, CLI_STRONG), name, cli_tone(cli, CLI_PLAIN),
                    schedule && i == 0 ? "new" : words[i][1]);
    size_t i;
    json_t *detail;
    json_array_foreach ((json_t *)(uintptr_t)details, i, detail) {
        if (is_scale(detail))
            fprintf(cli->out, "  scale %" JSON_INTEGER_FORMAT " -> %" JSON_INTEGER_FORMAT "\n",
                    (json_int_t)model_int(detail, "from"), (json_int_t)model_int(detail, "to"));
        else
            print_detail(cli, detail);
    }
    print_rename(cli, difference);
    print_before(cli, difference);
    print_rollout(cli, json_object_get(difference, "rollout"));
}

static void print_held(const struct cli *cli, const char *held)
{
    if (held)
        fprintf(cli->out,
                "%sheld%s: the commit %s; what runs stays until davit approve COMMIT, or a commit with the "
                "trailer \"" COMMIT_APPROVAL ": N\"\n",
                cli_tone(cli, CLI_BAD), cli_tone(cli, CLI_PLAIN), held);
}

/* The newest commit is refused: what is compared is another, and no answer to what was asked. */
static void tell_refusal(const struct cli *cli, const json_t *answer)
{
    cli_fail(cli, "HEAD %.12s (%s) is refused:", cli_member_string(answer, "head.oid"),
             cli_member_string(answer, "head.subject"));
    cli_write_answer_diagnostics(cli->err, json_object_get(answer, "diagnostics"), "  ");
    fprintf(cli->err, "compared with what runs is %.12s (%s) instead, the last good commit\n",
            cli_member_string(answer, "commit.oid"), cli_member_string(answer, "commit.subject"));
}

static int run(const struct cli *cli)
{
    json_t *answer CLEANUP(json_decrefp) = NULL;
    int r = find_differences(cli, &answer);
    if (r)
        return r;
    const json_t *differences = json_object_get(answer, "differences");
    bool any = json_array_size(differences) > 0;
    int code = model_bool(answer, "refused") ? CLI_ERROR : any ? CLI_NO : CLI_OK;
    if (cli_print_data(cli, answer))
        return code;
    cli_make_printable(answer);
    if (model_bool(answer, "refused"))
        tell_refusal(cli, answer);
    size_t i;
    json_t *difference;
    json_array_foreach ((json_t *)(uintptr_t)differences, i, difference) {
        print_difference(cli, difference);
    }
    print_held(cli, model_string(answer, "held"));
    if (!any)
        fputs("no differences\n", cli->err);
    return code;
}

static const struct cli_flag flags[] = {
    CLI_FLAG_TEXT, CLI_FLAG_REPO, CLI_FLAG_PATH, CLI_FLAG_SOCKET, CLI_FLAG_END,
};

static const char *const examples[] = {
    "what davit still has to do",
    "davit diff",
    "what this branch would change",
    "davit diff HEAD",
    "what a merge would deploy, offline",
    "davit diff --path deploy origin/main HEAD",
    NULL,
};

static const struct cli_exit exits[] = {{CLI_OK, "no differences"},
                                        {CLI_NO, "there are differences"},
                                        {CLI_ERROR, "it could not tell, as when the newest commit is "
                                                    "refused, or the usage is wrong"},
                                        {0, NULL}};

const struct command cli_diff = {
    .name = "diff",
    .summary = "show what a commit changes",
    .args = "[FROM [TO]]",
    .description =
        "Without a commit: from what runs to the last good commit; where the newest one is refused it says "
        "so, and why; a deployment of it that has not completed is a difference. With one: from what the "
        "newest deployments bring to that commit "
        "of "
        "the local\nrepository. With two, or FROM..TO: from one commit to the other, without the daemon.\n\n"
        "Formatting, comments and the order of files are no difference. Values of environment variables "
        "are never shown; long values are cut around their first difference, but for -o json and yaml. Tasks "
        "of "
        "davit.preDeploy\nthat run first are told, and until when a change would wait for its change window. "
        "So is a commit "
        "that removes so much that it would be held for davit approve; between two commits by the usual "
        "deletionBudget, 3 and 50 percent.\n\n"
        "A service that only has another name, with the same content in the same cluster, goes on as it is: "
        "\"renamed from\". Containers keep their names until they are replaced: who finds one by that name "
        "still does, and by the new one not before.",
    .flags = flags,
    .examples = examples,
    .exits = exits,
    .words = "",
    .args_max = 2,
    .run = run,
};
