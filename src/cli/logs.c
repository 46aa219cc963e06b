#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/output.h"
#include "model/json.h"

struct reading {
    const struct cli *cli;
    bool failed; /* the daemon could read nothing at all */
};

static int on_line(void *data, const json_t *line)
{
    struct reading *reading = data;
    const struct cli *cli = reading->cli;
    const char *error = model_string(line, "error");
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
    /* The container's own line, its colours with it. */
    fprintf(cli->out, "%s%.12s/%s%s | %s\n", cli_tone(cli, CLI_STRONG), cli_member_string(line, "task"),
            cli_member_string(line, "container"), cli_tone(cli, CLI_PLAIN), cli_member_string(line, "line"));
    fflush(cli->out);
    return ferror(cli->out) ? ERROR_CANCELED : 0;
}

static int run(const struct cli *cli)
{
    char *cluster CLEANUP_FREE = NULL;
    char *service CLEANUP_FREE = NULL;
    if (cli_target(cli, cli->argv[0], &cluster, &service))
        return CLI_ERROR;
    const char *tail = cli_value(cli, "tail");
    int64_t lines;
    if (!text_equal(tail, "all") && text_to_int64(tail, 0, INT32_MAX, &lines) < 0)
        return cli_usage(cli, "--tail: \"%s\" is neither a number of lines nor all", tail);
    char *query CLEANUP_FREE = cli_query_target(cluster, service);
    query = cli_query_add(query, "task", cli_value(cli, "task"));
    query = cli_query_add(query, "container", cli_value(cli, "container"));
    query = cli_query_add(query, "tail", tail);
    query = cli_query_add(query, "follow", cli_is_on(cli, "follow") ? "1" : NULL);
    query = cli_query_add(query, "timestamps", cli_is_on(cli, "timestamps") ? "1" : NULL);
    struct reading reading = {.cli = cli};
    struct cli_request request = {.path = "/v1/logs", .query = query, .on_line = on_line, .data = &reading};
    struct error err = ERROR_INIT;
    if (cli_request(cli, &request, NULL, &err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    return reading.failed ? CLI_ERROR : CLI_OK;
}

static const struct cli_flag flags[] = {
    {"follow", 'f', NULL, NULL, "go on with what is written from now on", NULL},
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
    "what a task of \"davit run-task\" wrote, stopped or not",
    "davit logs default/4f2a91c07d3e",
    NULL,
};

const struct command cli_logs = {
    .name = "logs",
    .summary = "print the logs of a service's containers",
    .args = "CLUSTER/SERVICE",
    .description =
        "Each line begins with its task and container. Tasks that have stopped are read when they are named.",
    .flags = flags,
    .examples = examples,
    .words = "",
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
