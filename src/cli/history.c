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

static char *commit(const json_t *row, int64_t now_ms)
{
    (void)now_ms;
    return memory_printf("%.12s", cli_member_string(row, "commit.oid"));
}

/* The name without the address, which json has. */
static char *author(const json_t *row, int64_t now_ms)
{
    (void)now_ms;
    const char *whole = cli_member_string(row, "commit.author");
    const char *address = strstr(whole, " <");
    return address && address > whole ? memory_strndup(whole, (size_t)(address - whole))
                                      : memory_strdup(whole);
}

static char *started(const json_t *row, int64_t now_ms)
{
    return cli_age(model_string(row, "createdAt"), now_ms);
}

static char *duration(const json_t *row, int64_t now_ms)
{
    (void)now_ms;
    int64_t ms = model_int(row, "durationMs");
    return ms ? cli_duration(ms) : NULL; /* content that is known to fail is not even tried */
}

static const struct cli_column columns[] = {{"DEPLOYMENT", "id", false, NULL},
                                            {"REVISION", NULL, false, revision},
                                            {"COMMIT", NULL, false, commit},
                                            {"AUTHOR", NULL, false, author},
                                            {"STARTED", NULL, false, started},
                                            {"DURATION", NULL, false, duration},
                                            {"RESULT", "state", false, NULL},
                                            {"SUBJECT", "commit.subject", false, NULL},
                                            {"FAILED TASKS", "failedTasks", true, NULL},
                                            {"REASON", "reason", true, NULL},
                                            {NULL, NULL, false, NULL}};

static int run(const struct cli *cli)
{
    static const struct cli_table table = {columns, "deployments", "no deployments yet"};
    char *cluster CLEANUP_FREE = NULL;
    char *service CLEANUP_FREE = NULL;
    if (cli_target(cli, cli->argv[0], &cluster, &service))
        return CLI_ERROR;
    char *query CLEANUP_FREE = cli_query_target(cluster, service);
    json_t *answer CLEANUP(json_decrefp) = NULL;
    struct error err = ERROR_INIT;
    if (cli_request(cli, &(struct cli_request){.path = "/v1/deployments", .query = query}, &answer, &err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    return cli_print(cli, answer, &table);
}

static const struct cli_flag flags[] = {CLI_FLAG_OUTPUT, CLI_FLAG_CLUSTER, CLI_FLAG_SOCKET, CLI_FLAG_END};

static const char *const examples[] = {
    "which commit was deployed when, and how it went",
    "davit history default/web",
    NULL,
};

const struct command cli_history = {
    .name = "history",
    .summary = "list the deployments of a service",
    .args = "CLUSTER/SERVICE",
    .description = "Newest first. To go back to an earlier commit: git revert.",
    .flags = flags,
    .examples = examples,
    .words = "",
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
