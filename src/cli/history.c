#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/output.h"
#include "model/json.h"

#include <inttypes.h>
#include <string.h>

static char *revision(const json_t *row, int64_t now_ms)
{
    (void)now_ms;
    return memory_printf("%s:%" PRId64, cli_member_string(row, "family"), model_int(row, "revision"));
}

static char *started(const json_t *row, int64_t now_ms)
{
    char *age CLEANUP_FREE = cli_age(model_string(row, "createdAt"), now_ms);
    return age && model_bool(row, "rebuilt") ? memory_printf("~%s", age) : TAKE(age);
}

static char *duration(const json_t *row, int64_t now_ms)
{
    (void)now_ms;
    int64_t ms = model_int(row, "durationMs");
    return ms ? cli_duration(ms) : NULL; /* not known, or content that is known to fail: not even tried */
}

static const struct cli_column columns[] = {
    {"DEPLOYMENT", "id", false, NULL},          {"REVISION", NULL, false, revision},
    {"COMMIT", NULL, false, cli_column_commit}, {"AUTHOR", NULL, false, cli_column_author},
    {"STARTED", NULL, false, started},          {"DURATION", NULL, false, duration},
    {"RESULT", "state", false, NULL},           {"SUPERSEDED BY", "supersededBy", false, NULL},
    {"SUBJECT", "commit.subject", false, NULL}, {"FAILED TASKS", "failedTasks", true, NULL},
    {"REASON", "reason", true, NULL},           {NULL, NULL, false, NULL}};

/* --- of a scheduled task -------------------------------------------------------------------------------- */

static char *tasks_of_run(const json_t *row, int64_t now_ms)
{
    struct buffer out = BUFFER_INIT(LIMIT_ERROR_CHARS);
    size_t i;
    json_t *task;
    (void)now_ms;
    json_array_foreach (json_object_get(row, "tasks"), i, task) {
        buffer_printf(&out, "%s%s", i ? "," : "", json_string_value(task));
    }
    return out.len ? buffer_steal(&out) : NULL;
}

static const struct cli_column run_columns[] = {{"DUE", "dueAt", false, NULL},
                                                {"STARTED", "startedAt", false, NULL},
                                                {"RESULT", "result", false, NULL},
                                                {"TASKS", NULL, false, tasks_of_run},
                                                {NULL, NULL, false, NULL}};

/* Names of scheduled tasks are of the whole repository: one without a cluster is that of any. */
static bool is_named(const json_t *schedule, const char *cluster, const char *name)
{
    size_t i;
    json_t *own;
    if (!text_equal(model_string(schedule, "name"), name))
        return false;
    json_array_foreach (json_object_get(schedule, "clusters"), i, own) {
        if (!cluster || text_equal(json_string_value(own), cluster))
            return true;
    }
    return false;
}

/* NULL cluster: any. Whether there is such a scheduled task, then *ret_exit is the exit code. */
static bool print_schedule(const struct cli *cli, const char *cluster, const char *name, int *ret_exit)
{
    static const struct cli_table table = {run_columns, "runs", "it was not due yet"};
    json_t *answer CLEANUP(json_decrefp) = NULL;
    struct error err = ERROR_INIT;
    size_t i;
    json_t *schedule;
    if (cli_request(cli, &(struct cli_request){.path = "/v1/scheduled-tasks"}, &answer, &err) < 0)
        return false;
    json_array_foreach (json_object_get(answer, "scheduledTasks"), i, schedule) {
        if (!is_named(schedule, cluster, name))
            continue;
        json_t *runs CLEANUP(json_decrefp) =
            json_pack("{s:O?,s:s,s:O?}", "schemaVersion", json_object_get(answer, "schemaVersion"),
                      "scheduledTask", name, "runs", json_object_get(schedule, "runs"));
        *ret_exit = cli_print(cli, runs, &table);
        return true;
    }
    return false;
}

static int run(const struct cli *cli)
{
    static const struct cli_table table = {columns, "deployments", "no deployments yet"};
    const char *target = cli->argv[0];
    char *cluster CLEANUP_FREE = NULL;
    char *service CLEANUP_FREE = NULL;
    if (cli_target(cli, target, &cluster, &service))
        return CLI_ERROR;
    char *query CLEANUP_FREE = cli_query_target(cluster, service);
    json_t *answer CLEANUP(json_decrefp) = NULL;
    struct error err = ERROR_INIT;
    int r = cli_request(cli, &(struct cli_request){.path = "/v1/deployments", .query = query}, &answer, &err);
    bool any = !strchr(target, '/') && !cli_value(cli, "cluster");
    int exit_code;
    if (r == ERROR_NOT_FOUND && print_schedule(cli, any ? NULL : cluster, service, &exit_code))
        return exit_code;
    if (r == ERROR_NOT_FOUND)
        return cli_fail(cli, "%s; of one that was removed the ledger tells, see davit help history",
                        error_text(&err));
    if (r < 0)
        return cli_fail(cli, "%s", error_text(&err));
    return cli_print(cli, answer, &table);
}

static const struct cli_flag flags[] = {CLI_FLAG_OUTPUT, CLI_FLAG_CLUSTER, CLI_FLAG_SOCKET, CLI_FLAG_END};

static const char *const examples[] = {
    "which commit was deployed when, and how it went",
    "davit history default/web",
    "how a scheduled task went the last times that it was due",
    "davit history default/nightly-report",
    "what the ledger tells of a service that was removed",
    "git --git-dir /var/lib/davit/ledger.git log -p refs/davit/state -- 'services/*/default/web.json'",
    NULL,
};

const struct command cli_history = {
    .name = "history",
    .summary = "list the deployments of a service, or the runs of a scheduled task",
    .args = "CLUSTER/SERVICE|SCHEDULED-TASK",
    .description =
        "Newest first; SUPERSEDED BY is the deployment that took its place, which one that failed did "
        "not, but from one that was under way. To go back to an earlier commit: "
        "git "
        "revert, or davit rollback.\n\n"
        "A scheduled task is named by itself or with the cluster of one of its targets; a service of "
        "that name comes before it. Its last 10 times that were due are kept, in UTC, those too at "
        "which nothing was started.\n\n"
        "A service that was removed is forgotten by the daemon when its tasks have gone; the ledger in its "
        "state directory has the deployments, as far as it reaches back.\n\n"
        "After the state directory was lost, the deployments of what runs are rebuilt from the labels of "
        "containers: ids, revisions and commits are those of before. ~ is when the oldest container left of "
        "it "
        "was created; when it ended, and deployments without a container, nobody knows. Where the "
        "configuration has ledger.push, the whole history comes back from the remote.",
    .flags = flags,
    .examples = examples,
    .words = "",
    .takes_services = true,
    .takes_schedules = true,
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
