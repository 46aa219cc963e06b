#include "base/memory.h"
#include "cli/cli.h"
#include "cli/client.h"

static int run(const struct cli *cli)
{
    char *cluster CLEANUP_FREE = NULL;
    char *service CLEANUP_FREE = NULL;
    if (cli_target(cli, cli->argv[0], &cluster, &service))
        return CLI_ERROR;
    char *query CLEANUP_FREE = cli_query_target(cluster, service);
    struct cli_request request = {.method = "POST", .path = "/v1/retry", .query = query, .keeps = true};
    struct error err = ERROR_INIT;
    json_t *answer CLEANUP(json_decrefp) = NULL;
    if (cli_request(cli, &request, &answer, &err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    if (json_object_get(answer, "suspended"))
        fprintf(cli->err, "%s/%s will be tried again once it is resumed: it is suspended\n", cluster,
                service);
    else
        fprintf(cli->err, "%s/%s is tried again; \"davit wait %s/%s\" shows how it gets on\n", cluster,
                service, cluster, service);
    return CLI_OK;
}

static const struct cli_flag flags[] = {CLI_FLAG_SOCKET, CLI_FLAG_END};

static const char *const examples[] = {
    "its secret could not be read, and now it can",
    "davit retry default/web && davit wait default/web",
    NULL,
};

const struct command cli_retry = {
    .name = "retry",
    .summary = "try a service again that has failed",
    .args = "CLUSTER/SERVICE",
    .description =
        "What failed is not tried again until its content changes, by a fix or by git revert. Where the "
        "cause "
        "lies outside of the repository, a secret's file or an image that was missing, there is nothing to "
        "commit: this forgets the failure and starts a new deployment of the same content. Tasks that are "
        "healthy stay, and as long as there are any, the images that they were made of: for a tag that was "
        "pushed again there is davit redeploy.",
    .flags = flags,
    .examples = examples,
    .words = "",
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
