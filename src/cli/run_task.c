#include "base/buffer.h"
#include "base/digest.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/output.h"
#include "model/json.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>

#define POLL_MS    500
#define RETRY_MS   2000
#define LOST_TRIES 15 /* after an answer was lost: half a minute, in which a daemon starts anew */

static int ask(const struct cli *cli, const char *operation, const json_t *input, json_t **ret_answer)
{
    struct error err = ERROR_INIT;
    if (cli_request(cli,
                    &(struct cli_request){
                        .ecs = operation, .body = input, .keeps = text_equal(operation, "StopTask")},
                    ret_answer, &err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    return CLI_OK;
}

/* --- what is asked for ---------------------------------------------------------------------------------- */

/* The container that command and variables are for: the one that is named, or the first that is essential. */
static int find_container(const struct cli *cli, char **ret_name)
{
    const char *name = cli_value(cli, "container");
    json_t *input CLEANUP(json_decrefp) = json_pack("{s:s}", "taskDefinition", cli->argv[1]);
    json_t *answer CLEANUP(json_decrefp) = NULL;
    size_t i;
    json_t *container;
    if (name) {
        *ret_name = memory_strdup(name);
        return CLI_OK;
    }
    int r = ask(cli, "DescribeTaskDefinition", input, &answer);
    if (r != CLI_OK)
        return r;
    json_array_foreach (json_object_get(json_object_get(answer, "taskDefinition"), "containerDefinitions"), i,
                        container) {
        if (json_is_false(json_object_get(container, "essential")))
            continue;
        *ret_name = memory_strdup(cli_member_string(container, "name"));
        return CLI_OK;
    }
    return cli_fail(cli, "%s has no essential container", cli->argv[1]);
}

static int read_variables(const struct cli *cli, json_t *override)
{
    json_t *list = json_array();
    const char *given;
    for (size_t n = 0; (given = cli_nth_value(cli, "env", n)); n++) {
        const char *equals = strchr(given, '=');
        if (!equals || equals == given) {
            json_decref(list);
            return cli_usage(cli, "--env: \"%s\" is not NAME=VALUE", given);
        }
        char *name CLEANUP_FREE = memory_strndup(given, (size_t)(equals - given));
        json_array_append_new(list, json_pack("{s:s,s:s}", "name", name, "value", equals + 1));
    }
    if (json_array_size(list))
        json_object_set(override, "environment", list);
    json_decref(list);
    return CLI_OK;
}

static int set_overrides(const struct cli *cli, json_t *request)
{
    char *container CLEANUP_FREE = NULL;
    json_t *override CLEANUP(json_decrefp) = json_object();
    int r = read_variables(cli, override);
    if (r != CLI_OK)
        return r;
    if (cli->argc == 3 && !cli->argv[2][0])
        return cli_usage(cli, "COMMAND is empty; leave it out for the one of the task definition");
    json_t *command = json_array();
    for (int i = 2; i < cli->argc; i++)
        json_array_append_new(command, json_string(cli->argv[i]));
    if (json_array_size(command))
        json_object_set(override, "command", command);
    json_decref(command);
    if (json_object_size(override) == 0)
        return CLI_OK;
    r = find_container(cli, &container);
    if (r != CLI_OK)
        return r;
    json_object_set_new(override, "name", json_string(container));
    json_object_set_new(request, "overrides", json_pack("{s:[O]}", "containerOverrides", override));
    return CLI_OK;
}

/* One for an invocation, so that asking again after an answer was lost starts nothing twice. */
static void set_token(json_t *request)
{
    struct id_source ids = {0};
    char token[ID_HEX_SIZE];
    while (getrandom(&ids.seed, sizeof ids.seed, 0) != sizeof ids.seed)
        ; /* a signal came */
    id_draw_hex(&ids, token);
    json_object_set_new(request, "clientToken", json_string(token));
}

static int make_request(const struct cli *cli, json_t **ret_request)
{
    int64_t count;
    if (text_to_int64(cli_value(cli, "count"), 1, LIMIT_RUN_COUNT, &count) < 0)
        return cli_usage(cli, "--count: \"%s\" is not 1 to %d", cli_value(cli, "count"), LIMIT_RUN_COUNT);
    json_t *request CLEANUP(json_decrefp) = json_pack(
        "{s:s,s:s,s:I}", "cluster", cli->argv[0], "taskDefinition", cli->argv[1], "count", (json_int_t)count);
    model_set_string(request, "startedBy", cli_value(cli, "started-by"));
    model_set_string(request, "group", cli_value(cli, "group"));
    set_token(request);
    int r = set_overrides(cli, request);
    if (r == CLI_OK)
        *ret_request = TAKE(request);
    return r;
}

/* Who answers before and then does not may have started it: asked again with the same token, it says what. */
static int ask_to_run(const struct cli *cli, const json_t *request, json_t **ret_answer)
{
    const struct cli_request http = {.ecs = "RunTask", .body = request, .keeps = true};
    struct error err = ERROR_INIT;
    if (cli_request(cli, &(struct cli_request){.path = "/healthz"}, NULL, &err) == ERROR_UNAVAILABLE)
        return cli_fail(cli, "%s", error_text(&err));
    for (int tries = 0;; tries++) {
        err = (struct error)ERROR_INIT;
        int r = cli_request(cli, &http, ret_answer, &err);
        if (r == 0)
            return CLI_OK;
        bool lost = r == ERROR_UNAVAILABLE || r == ERROR_IO || r == ERROR_TIMEOUT;
        if (!lost || tries == LOST_TRIES)
            return cli_fail(cli, "%s", error_text(&err));
        if (tries == 0)
            cli_fail(cli, "the answer was lost (%s); asking again, which starts nothing twice",
                     error_text(&err));
        nanosleep(&(struct timespec){.tv_sec = RETRY_MS / 1000}, NULL);
    }
}

/* --- what became of it ---------------------------------------------------------------------------------- */

static const char *id_of(const char *arn)
{
    const char *slash = strrchr(arn, '/');
    return slash ? slash + 1 : arn;
}

static int tell_failures(const struct cli *cli, const json_t *answer)
{
    size_t i;
    json_t *failure;
    json_t *failures = json_object_get(answer, "failures");
    json_array_foreach (failures, i, failure) {
        const char *reason = cli_member_string(failure, "reason");
        bool is_said = text_equal(reason, "INACTIVE"); /* by the detail: it is DRAINING */
        cli_fail(cli, "no place on %s: %s%s%s", id_of(cli_member_string(failure, "arn")),
                 is_said ? "" : reason, is_said ? "" : ": ", cli_member_string(failure, "detail"));
    }
    return json_array_size(failures) ? CLI_NO : CLI_OK;
}

/* A task that is waited for. */
struct awaited {
    const char *id;
    char *told; /* its state as it was told last */
    bool lost;  /* it has been told that the daemon does not answer */
    int code;   /* -1: it goes on */
};
struct awaited_vec VECTOR_OF(struct awaited);

static char *state_text(const json_t *task)
{
    const char *status = cli_member_string(task, "status");
    const char *waiting = model_string(task, "waiting");
    if (!text_equal(status, "STOPPED"))
        return memory_printf("%s on %s%s%s", status, cli_member_string(task, "instance"), waiting ? ", " : "",
                             waiting ? waiting : "");
    if (!json_object_get(task, "exitCode"))
        return memory_printf("STOPPED, %s: %s", cli_member_string(task, "stopCode"),
                             cli_member_string(task, "stopReason"));
    return memory_printf("STOPPED, %s exited with code %lld", cli_member_string(task, "exitedContainer"),
                         (long long)model_int(task, "exitCode"));
}

/* The exit code of the container that ended it; CLI_NO when it did not end by itself, or not with one. */
static int code_of(const json_t *task)
{
    if (!text_equal(cli_member_string(task, "status"), "STOPPED"))
        return -1;
    if (!json_object_get(task, "exitCode"))
        return CLI_NO;
    return (int)(model_int(task, "exitCode") & 255);
}

/* One whose image could not be pulled has no container, and so no output. */
static bool has_output(const json_t *task)
{
    return json_object_get(task, "exitCode") || json_array_size(json_object_get(task, "containers"));
}

static int look(const struct cli *cli, struct awaited *awaited)
{
    struct error err = ERROR_INIT;
    json_t *answer CLEANUP(json_decrefp) = NULL;
    char *query CLEANUP_FREE =
        cli_query_add(cli_query_add(NULL, "cluster", cli->argv[0]), "task", awaited->id);
    int r = cli_request(cli, &(struct cli_request){.path = "/v1/tasks", .query = query}, &answer, &err);
    if (r == ERROR_UNAVAILABLE && awaited->told) { /* the task goes on while davit is away */
        if (!awaited->lost)
            cli_fail(cli, "%s; waiting for it", error_text(&err));
        awaited->lost = true;
        return CLI_OK;
    }
    if (r < 0)
        return cli_fail(cli, "%s", error_text(&err));
    awaited->lost = false;
    const json_t *task = json_array_get(json_object_get(answer, "tasks"), 0);
    if (!task)
        return cli_fail(cli, "task %s/%s is forgotten", cli->argv[0], awaited->id);
    char *text = state_text(task);
    if (!text_equal(text, awaited->told))
        fprintf(cli->err, "%s/%.12s: %s\n", cli->argv[0], awaited->id, text);
    free(awaited->told);
    awaited->told = text;
    awaited->code = code_of(task);
    if (awaited->code > 0 && has_output(task))
        fprintf(cli->err, "its output: davit logs %s/%.12s\n", cli->argv[0], awaited->id);
    return CLI_OK;
}

/* One look at each that goes on. -1: wait on; else the first code that is not 0. */
static int look_at_all(const struct cli *cli, struct awaited_vec *all)
{
    int result = CLI_OK;
    bool busy = false;
    for (size_t i = 0; i < all->len; i++) {
        struct awaited *awaited = &all->items[i];
        int r = awaited->code < 0 ? look(cli, awaited) : CLI_OK;
        if (r != CLI_OK)
            return r;
        busy |= awaited->code < 0;
        if (result == CLI_OK && awaited->code > 0)
            result = awaited->code;
    }
    return busy ? -1 : result;
}

static int wait_for(const struct cli *cli, const json_t *tasks)
{
    int64_t timeout_ms = INT64_MAX;
    struct awaited_vec all = {0};
    size_t i;
    json_t *task;
    if (cli_duration_ms(cli, "timeout", &timeout_ms))
        return CLI_ERROR;
    json_array_foreach (tasks, i, task)
        vector_push(&all, (struct awaited){.id = id_of(cli_member_string(task, "taskArn")), .code = -1});
    int r = look_at_all(cli, &all);
    for (int64_t waited_ms = 0; r < 0 && waited_ms < timeout_ms; waited_ms += POLL_MS) {
        nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
        r = look_at_all(cli, &all);
    }
    for (i = 0; i < all.len; i++)
        free(all.items[i].told);
    vector_deinit(&all);
    if (r >= 0)
        return r;
    cli_fail(cli, "not STOPPED after %s; what runs goes on", cli_value(cli, "timeout"));
    return CLI_TIMEOUT;
}

static int run(const struct cli *cli)
{
    json_t *request CLEANUP(json_decrefp) = NULL;
    json_t *answer CLEANUP(json_decrefp) = NULL;
    size_t i;
    json_t *task;
    int r = make_request(cli, &request);
    if (r == CLI_OK)
        r = ask_to_run(cli, request, &answer);
    if (r != CLI_OK)
        return r;
    const json_t *tasks = json_object_get(answer, "tasks");
    json_array_foreach (tasks, i, task)
        fprintf(cli->out, "%s/%s\n", cli->argv[0], id_of(cli_member_string(task, "taskArn")));
    fflush(cli->out);
    int failed = tell_failures(cli, answer);
    r = cli_is_on(cli, "wait") ? wait_for(cli, tasks) : CLI_OK;
    return r == CLI_OK ? failed : r;
}

static const struct cli_flag run_flags[] = {
    {"count", 0, "N", "1", "tasks to start, 1 to 10", NULL},
    {"env", 'e', "NAME=VALUE", NULL, "a variable more, or another value; may be given several times", NULL},
    {"container", 'c', "NAME", NULL, "whose command and variables these are; the first essential one", NULL},
    {"started-by", 0, "WORD", NULL, "startedBy: who or what wants it, to be found by", NULL},
    {"group", 0, "NAME", NULL, "its task group, in place of family:FAMILY", NULL},
    {"wait", 'w', NULL, NULL, "wait until it has stopped, and exit with its code", NULL},
    {"timeout", 0, "DURATION", NULL, "with --wait: wait no longer", NULL},
    CLI_FLAG_SOCKET,
    CLI_FLAG_END,
};

static const struct cli_exit run_exits[] = {
    {CLI_OK, "started; with --wait: the essential container that ended it exited with 0"},
    {CLI_NO, "not all of them found a place; with --wait also: it failed to start or was stopped"},
    {CLI_ERROR, "wrong usage, or refused"},
    {CLI_TIMEOUT, "with --wait and --timeout: it goes on"},
    {0, NULL},
};

static const char *const run_examples[] = {
    "run the family as it is in the repository, once, and see how it ends",
    "davit run-task prod migrate --wait",
    "another command, with a variable more",
    "davit run-task prod web -e LOG=debug sh -c \"rake db:migrate\"",
    NULL,
};

const struct command cli_run_task = {
    .name = "run-task",
    .summary = "run a task once, outside of any service",
    .args = "CLUSTER FAMILY[:REVISION] [COMMAND...]",
    .description =
        "ECS's RunTask. The task starts at once where there is room, or not at all: then it says what each "
        "container instance lacks. It is never started again, is left alone when its family changes or "
        "leaves "
        "the repository, and is forgotten some hours after it has stopped (stoppedTaskRetention). Prints "
        "CLUSTER/TASK.\n\n"
        "With --wait the exit code of the essential container that ended it becomes davit's own, which then "
        "may be any from 0 to 255. The task goes on when davit is restarted meanwhile, and so does the "
        "waiting.\n\n"
        "Flags stand before COMMAND: from its first word on, or after --, all belongs to it.\n\n"
        "The command and the variables are kept with the task in the ledger, where they can be read: what is "
        "secret belongs into the secrets of the task definition.",
    .flags = run_flags,
    .examples = run_examples,
    .exits = run_exits,
    .words = "",
    .args_min = 2,
    .args_max = -1,
    .args_others = 2,
    .run = run,
};

/* --- stop-task ------------------------------------------------------------------------------------------ */

static int stop(const struct cli *cli)
{
    char *cluster CLEANUP_FREE = NULL;
    char *task CLEANUP_FREE = NULL;
    if (cli_target(cli, cli->argv[0], &cluster, &task))
        return CLI_ERROR;
    json_t *input CLEANUP(json_decrefp) = json_pack("{s:s,s:s}", "cluster", cluster, "task", task);
    json_t *answer CLEANUP(json_decrefp) = NULL;
    model_set_string(input, "reason", cli_value(cli, "reason"));
    int r = ask(cli, "StopTask", input, &answer);
    if (r == CLI_OK)
        fprintf(cli->err, "%s/%.12s is %s: %s\n", cluster, id_of(cli_member_string(answer, "task.taskArn")),
                cli_member_string(answer, "task.lastStatus"),
                cli_member_string(answer, "task.stoppedReason"));
    return r;
}

static const struct cli_flag stop_flags[] = {
    {"reason", 0, "TEXT", NULL, "why, for whoever looks at the task later", NULL},
    CLI_FLAG_CLUSTER,
    CLI_FLAG_SOCKET,
    CLI_FLAG_END,
};

static const char *const stop_examples[] = {
    "its containers get SIGTERM, and SIGKILL after their stopTimeout",
    "davit stop-task prod/4f2a91c07d3e --reason \"the wrong database\"",
    NULL,
};

const struct command cli_stop_task = {
    .name = "stop-task",
    .summary = "stop a standalone task, or one of davit.preDeploy",
    .args = "CLUSTER/TASK",
    .description =
        "ECS's StopTask. TASK is the id or the beginning of it. Tasks of a service are the service's: they "
        "are not stopped one by one.",
    .flags = stop_flags,
    .examples = stop_examples,
    .words = "",
    .args_min = 1,
    .args_max = 1,
    .run = stop,
};
