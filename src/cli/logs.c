#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/output.h"
#include "model/json.h"

#include <string.h>

#define TOLD_MAX 256 /* containers of which it is known what has come */

struct reading {
    const struct cli *cli;
    bool failed;  /* the daemon could read nothing at all */
    bool any;     /* a line, or why there is none, has come */
    char *query;  /* without "tail" */
    char *again;  /* the query when it is asked for again */
    json_t *told; /* "task/container" -> {"stdout": {"at", "nth"}, ..}, those last that wrote last */
    json_t *body; /* of a request that goes on */
    char since[TEXT_TIME_SIZE];
};

/* Notes what is the newest line of its container and stream. */
static void note(struct reading *reading, const json_t *line)
{
    const char *at = model_string(line, "at");
    if (!at)
        return;
    char *key CLEANUP_FREE =
        memory_printf("%s/%s", cli_member_string(line, "task"), cli_member_string(line, "container"));
    json_t *position = json_incref(json_object_get(reading->told, key));
    json_object_del(reading->told, key);
    if (!position)
        position = json_object();
    json_object_set_new(position, cli_member_string(line, "stream"),
                        json_pack("{s:s,s:I}", "at", at, "nth", (json_int_t)model_int(line, "nth")));
    if (json_object_size(reading->told) >= TOLD_MAX)
        json_object_del(reading->told, json_object_iter_key(json_object_iter(reading->told)));
    json_object_set_new(reading->told, key, position);
}

/* Says which lines are here already, in place of how many are wanted. */
static void again(void *data, struct cli_request *request)
{
    struct reading *reading = data;
    json_decref(reading->body);
    reading->body = json_pack("{s:O,s:s}", "told", reading->told, "since", reading->since);
    if (!reading->again)
        reading->again = cli_query_add(memory_strdup(reading->query), "tail", "all");
    request->method = "POST";
    request->query = reading->again;
    request->body = reading->body;
}

static int on_line(void *data, const json_t *line)
{
    struct reading *reading = data;
    const struct cli *cli = reading->cli;
    const char *error = model_string(line, "error");
    reading->any = true;
    if (error && !model_string(line, "task")) {
        reading->failed = true;
        cli_fail(cli, "%s", error);
        return 0;
    }
    if (error) {
        cli_fail(cli, "%.12s/%s: %s", cli_member_string(line, "task"), cli_member_string(line, "container"),
                 error);
        return 0;
    }
    note(reading, line);
    /* The container's own line, its colours with it. */
    fprintf(cli->out, "%s%.12s/%s%s | %s\n", cli_tone(cli, CLI_STRONG), cli_member_string(line, "task"),
            cli_member_string(line, "container"), cli_tone(cli, CLI_PLAIN), cli_member_string(line, "line"));
    fflush(cli->out);
    return ferror(cli->out) ? ERROR_CANCELED : 0;
}

/* Of a service: those that run have written nothing, or none does, and what stopped is read by its id. */
static void tell_stopped(const struct cli *cli, const char *target)
{
    json_t *answer CLEANUP(json_decrefp) = NULL;
    const json_t *newest = NULL;
    struct error err = ERROR_INIT;
    size_t i;
    json_t *task;
    if (cli_request(cli, &(struct cli_request){.path = "/v1/tasks", .query = target}, &answer, &err) < 0)
        return;
    json_array_foreach (json_object_get(answer, "tasks"), i, task) {
        if (!text_equal(cli_member_string(task, "status"), "STOPPED"))
            return;
        if (!newest ||
            strcmp(cli_member_string(task, "createdAt"), cli_member_string(newest, "createdAt")) > 0)
            newest = task;
    }
    if (newest)
        fprintf(cli->err, "no task of %s/%s runs; of those that stopped: davit logs %s/%s --task %.12s\n",
                cli_member_string(newest, "cluster"), cli_member_string(newest, "service"),
                cli_member_string(newest, "cluster"), cli_member_string(newest, "service"),
                cli_member_string(newest, "id"));
}

/* An exit code, or what the daemon refused. task: only this one; NULL: of all. */
static int read_logs(const struct cli *cli, const char *target, const char *task, struct error *err)
{
    const char *tail = cli_value(cli, "tail");
    struct reading reading = {.cli = cli, .query = memory_strdup(target), .told = json_object()};
    reading.query = cli_query_add(reading.query, "task", task);
    reading.query = cli_query_add(reading.query, "container", cli_value(cli, "container"));
    reading.query = cli_query_add(reading.query, "follow", cli_is_on(cli, "follow") ? "1" : NULL);
    reading.query = cli_query_add(reading.query, "timestamps", cli_is_on(cli, "timestamps") ? "1" : NULL);
    char *query CLEANUP_FREE = cli_query_add(memory_strdup(reading.query), "tail", tail);
    struct cli_request request = {.path = "/v1/logs", .query = query, .on_line = on_line, .data = &reading};
    struct cli_follow follow = {.request = request, .again = again};
    text_from_time_ms(cli_now_ms(), reading.since);
    int r = cli_is_on(cli, "follow") ? cli_follow(cli, &follow, err) : cli_request(cli, &request, NULL, err);
    if (r >= 0 && !reading.any && !task && !cli_is_on(cli, "follow"))
        tell_stopped(cli, target);
    json_decref(reading.told);
    json_decref(reading.body);
    free(reading.query);
    free(reading.again);
    return r < 0 ? r : reading.failed ? CLI_ERROR : CLI_OK;
}

#define ID_MIN 4 /* digits that name a task */

/* What is no service may be the beginning of a task's id. The caller's; NULL: it is none. cluster NULL: of
 * any.
 */
static json_t *find_tasks(const struct cli *cli, const char *cluster, const char *id)
{
    char *query CLEANUP_FREE = cli_query_add(cli_query_add(NULL, "cluster", cluster), "task", id);
    json_t *answer CLEANUP(json_decrefp) = NULL;
    struct error err = ERROR_INIT;
    if (strlen(id) < ID_MIN || strspn(id, "0123456789abcdef") != strlen(id) ||
        cli_request(cli, &(struct cli_request){.path = "/v1/tasks", .query = query}, &answer, &err) < 0)
        return NULL;
    json_t *tasks = json_object_get(answer, "tasks");
    return json_array_size(tasks) ? json_incref(tasks) : NULL;
}

static int read_task(const struct cli *cli, const json_t *tasks, struct error *err)
{
    const json_t *task = json_array_get(tasks, 0);
    const json_t *other = json_array_get(tasks, 1);
    const char *id = cli_member_string(task, "id");
    const char *service = model_string(task, "service"); /* a standalone task takes its place */
    if (cli_value(cli, "task"))
        return cli_usage(cli, "--task is for a service, and %s is a task already", id);
    if (other)
        return cli_fail(cli, "%zu tasks begin so, %s/%s and %s/%s among them: give more of the id",
                        json_array_size(tasks), cli_member_string(task, "cluster"), id,
                        cli_member_string(other, "cluster"), cli_member_string(other, "id"));
    const json_t *containers = json_object_get(task, "containers");
    const char *reason = model_string(task, "stopReason");
    if (containers && !json_array_size(containers))
        return cli_fail(cli, "task %.12s has no container that could have written anything%s%s", id,
                        reason ? ": " : "", reason ? reason : "");
    char *target CLEANUP_FREE = cli_query_target(cli_member_string(task, "cluster"), service ? service : id);
    return read_logs(cli, target, id, err);
}

static int run(const struct cli *cli)
{
    char *cluster CLEANUP_FREE = NULL;
    char *service CLEANUP_FREE = NULL;
    json_t *tasks CLEANUP(json_decrefp) = NULL;
    struct error err = ERROR_INIT;
    const char *tail = cli_value(cli, "tail");
    int64_t lines;
    if (cli_target(cli, cli->argv[0], &cluster, &service))
        return CLI_ERROR;
    if (!text_equal(tail, "all") && text_to_int64(tail, 0, INT32_MAX, &lines) < 0)
        return cli_usage(cli, "--tail: \"%s\" is neither a number of lines nor all", tail);
    char *target CLEANUP_FREE = cli_query_target(cluster, service);
    int r = read_logs(cli, target, cli_value(cli, "task"), &err);
    bool any = !strchr(cli->argv[0], '/') && !cli_value(cli, "cluster");
    if (r == ERROR_NOT_FOUND && (tasks = find_tasks(cli, any ? NULL : cluster, service))) {
        err = ERROR_INIT;
        r = read_task(cli, tasks, &err);
    }
    return r < 0 ? cli_fail(cli, "%s", error_text(&err)) : r;
}

static const struct cli_flag flags[] = {
    {"follow", 'f', NULL, NULL, "go on with what is written from now on, also by tasks that start", NULL},
    {"tail", 0, "LINES", "100", "lines of each container, or all", NULL},
    {"task", 't', "ID", NULL, "only this task, stopped or not; the beginning of its id will do", NULL},
    {"container", 'c', "NAME", NULL, "only containers of this name", NULL},
    {"timestamps", 0, NULL, NULL, "begin lines with their time", NULL},
    CLI_FLAG_CLUSTER,
    CLI_FLAG_SOCKET,
    CLI_FLAG_END,
};

static const char *const examples[] = {
    "the last lines of all its tasks, and on",
    "davit logs -f default/web",
    "why a task stopped",
    "davit logs default/web --task 4f2a --tail all",
    "what one task wrote, stopped or not, in whichever cluster it is",
    "davit logs 4f2a91c07d3e",
    NULL,
};

const struct command cli_logs = {
    .name = "logs",
    .summary = "print the logs of the containers of a service or a task",
    .args = "CLUSTER/SERVICE|[CLUSTER/]TASK",
    .description =
        "Each line begins with its task and container. Tasks that have stopped are read when they are "
        "named: TASK is the beginning of an id, of a service's task or a standalone one, of any cluster "
        "where none is named.\n\n"
        "With --follow new tasks of the service are read from their first line, and the first one is waited "
        "for; it goes on until it is interrupted, also when davit is restarted meanwhile: no line is missed "
        "or "
        "comes twice. Of a task that is named it ends when that has stopped.",
    .flags = flags,
    .examples = examples,
    .words = "",
    .takes_services = true,
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
