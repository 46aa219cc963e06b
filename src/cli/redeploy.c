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
    struct cli_request request = {.method = "POST", .path = "/v1/redeploy", .query = query, .keeps = true};
    struct error err = ERROR_INIT;
    json_t *answer CLEANUP(json_decrefp) = NULL;
    if (cli_request(cli, &request, &answer, &err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    if (json_object_get(answer, "suspended"))
        fprintf(cli->err, "%s/%s will be deployed anew once it is resumed: it is suspended\n", cluster,
                service);
    else
        fprintf(cli->err, "%s/%s is deployed anew; \"davit wait %s/%s\" shows how it gets on\n", cluster,
                service, cluster, service);
    return CLI_OK;
}

static const struct cli_flag flags[] = {CLI_FLAG_SOCKET, CLI_FLAG_END};

static const char *const examples[] = {
    "its image was pushed again under the same tag",
    "davit redeploy default/web && davit wait default/web",
    NULL,
};

const struct command cli_redeploy = {
    .name = "redeploy",
    .summary = "replace every task of a service, with what its image tags mean now",
    .args = "CLUSTER/SERVICE",
    .description =
        "Begins a new deployment of the content that the repository has, as UpdateService of ECS does with "
        "forceNewDeployment: every task is replaced within minimumHealthyPercent and maximumPercent, tags of "
        "images are resolved anew, tasks of davit.preDeploy run again, and what had failed is tried again. "
        "It does not wait for a change window. A commit does the same by another value of "
        "davit.forceNewDeployment.",
    .flags = flags,
    .examples = examples,
    .words = "",
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
