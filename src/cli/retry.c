#include "cli/cli.h"
#include "cli/client.h"

static int run(const struct cli *cli)
{
    return cli_restart(cli, "/v1/retry", "tried again");
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
    .takes_services = true,
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
