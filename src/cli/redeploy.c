#include "cli/cli.h"
#include "cli/client.h"

static int run(const struct cli *cli)
{
    return cli_restart(cli, "/v1/redeploy", "deployed anew");
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
    .takes_services = true,
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
