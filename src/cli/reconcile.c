#include "base/memory.h"
#include "cli/cli.h"
#include "cli/client.h"

#include <string.h>

static int run(const struct cli *cli)
{
    char *cluster CLEANUP_FREE = NULL;
    char *service CLEANUP_FREE = NULL;
    if (cli->argc && !strchr(cli->argv[0], '/'))
        cluster = memory_strdup(cli->argv[0]);
    else if (cli->argc && cli_target(cli, cli->argv[0], &cluster, &service))
        return CLI_ERROR;
    char *query CLEANUP_FREE = cli_query_target(cluster, service);
    query = cli_query_add(query, "source", cli_value(cli, "source"));
    struct cli_request request = {.method = "POST", .path = "/v1/reconcile", .query = query};
    struct error err = ERROR_INIT;
    if (cli_request(cli, &request, NULL, &err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    fputs("davit looks again at the source and at what runs; \"davit wait\" shows how it gets on\n",
          cli->err);
    return CLI_OK;
}

static const struct cli_flag flags[] = {
    {"source", 0, "NAME", NULL, "of several sources look at this one alone", NULL},
    CLI_FLAG_SOCKET,
    CLI_FLAG_END,
};

static const char *const examples[] = {
    "do not wait for the next poll of the remote",
    "davit reconcile && davit wait",
    NULL,
};

const struct command cli_reconcile = {
    .name = "reconcile",
    .summary = "ask the daemon to look again now",
    .args = "[CLUSTER[/SERVICE]]",
    .description = "Each source is asked for new commits, and the services are planned again. Nothing is "
                   "restarted that is as "
                   "it should be.",
    .flags = flags,
    .examples = examples,
    .words = "",
    .takes_services = true,
    .takes_clusters = true,
    .args_max = 1,
    .run = run,
};
