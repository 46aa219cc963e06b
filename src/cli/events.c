#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/output.h"

static char *age(const json_t *row, int64_t now_ms)
{
    return cli_age(cli_member_string(row, "at"), now_ms);
}

static const struct cli_column columns[] = {
    {"AGE", NULL, false, age},           {"CLUSTER", "cluster", false, NULL},
    {"SERVICE", "service", false, NULL}, {"MESSAGE", "message", false, NULL},
    {"TIME", "at", true, NULL},          {NULL, NULL, false, NULL}};

static int on_line(void *data, const json_t *line)
{
    const struct cli *cli = data;
    if (text_equal(cli_value(cli, "output"), "json")) {
        char *text CLEANUP_FREE = json_dumps(line, JSON_COMPACT);
        fprintf(cli->out, "%s\n", text ? text : "null");
    } else {
        const char *message = cli_member_string(line, "message");
        char *text CLEANUP_FREE =
            text_equal(cli_value(cli, "output"), "wide") ? memory_strdup(message) : cli_short_ids(message);
        char *whole CLEANUP_FREE =
            memory_printf("%s  %s/%s  %s", cli_member_string(line, "at"), cli_member_string(line, "cluster"),
                          cli_member_string(line, "service"), text);
        char *printable CLEANUP_FREE = text_printable(whole);
        fprintf(cli->out, "%s\n", printable);
    }
    fflush(cli->out);
    return ferror(cli->out) ? ERROR_CANCELED : 0;
}

static int run(const struct cli *cli)
{
    static const struct cli_table table = {columns, "events", "no events"};
    char *cluster CLEANUP_FREE = memory_strdup(cli_value(cli, "cluster"));
    char *service CLEANUP_FREE = NULL;
    char *of CLEANUP_FREE = NULL;
    if (cli->argc && cli_target(cli, cli->argv[0], &of, &service))
        return CLI_ERROR;
    char *query CLEANUP_FREE = cli_query_target(of ? of : cluster, service);
    bool watch = cli_is_on(cli, "watch");
    query = cli_query_add(query, "follow", watch ? "1" : NULL);
    struct cli_request request = {.path = "/v1/events", .query = query, .data = (void *)(uintptr_t)cli};
    if (watch)
        request.on_line = on_line;
    json_t *answer CLEANUP(json_decrefp) = NULL;
    struct error err = ERROR_INIT;
    if (cli_request(cli, &request, &answer, &err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    return watch ? CLI_OK : cli_print(cli, answer, &table);
}

static const struct cli_flag flags[] = {
    {"watch", 'w', NULL, NULL, "go on with what happens from now on", NULL},
    CLI_FLAG_OUTPUT,
    CLI_FLAG_CLUSTER,
    CLI_FLAG_SOCKET,
    CLI_FLAG_END,
};

static const char *const examples[] = {
    "what happens everywhere",
    "davit events -w",
    "to feed another program",
    "davit events -w -o json default/web",
    NULL,
};

const struct command cli_events = {
    .name = "events",
    .summary = "list what happened to services",
    .args = "[CLUSTER/SERVICE]",
    .description = "Oldest first, in ECS's words, since the daemon's start: they are kept in memory. With "
                   "--watch and -o json each line is one JSON object. Ids are cut to "
                   "their first 12 characters, but for -o wide, json and yaml.",
    .flags = flags,
    .examples = examples,
    .words = "",
    .args_max = 1,
    .run = run,
};
