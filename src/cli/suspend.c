#include "base/memory.h"
#include "cli/cli.h"
#include "cli/client.h"

static int ask(const struct cli *cli, const char *path, json_t **ret_answer)
{
    char *query CLEANUP_FREE = cli_query_argument(cli);
    struct error err = ERROR_INIT;
    if (!query)
        return CLI_ERROR;
    if (cli_request(cli, &(struct cli_request){.method = "POST", .path = path, .query = query, .keeps = true},
                    ret_answer, &err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    return CLI_OK;
}

static int suspend(const struct cli *cli)
{
    int r = ask(cli, "/v1/suspend", NULL);
    if (r == CLI_OK)
        fprintf(cli->err, "%s is left alone, until \"davit resume %s\"\n", cli->argv[0], cli->argv[0]);
    return r;
}

static int resume(const struct cli *cli)
{
    json_t *answer CLEANUP(json_decrefp) = NULL;
    int r = ask(cli, "/v1/resume", &answer);
    const char *by = json_string_value(json_object_get(answer, "suspended"));
    if (r == CLI_OK && by)
        fprintf(cli->err, "%s is resumed by hand, and still suspended %s\n", cli->argv[0], by);
    else if (r == CLI_OK)
        fprintf(cli->err, "%s is resumed; \"davit wait\" shows how it gets on\n", cli->argv[0]);
    return r;
}

static const struct cli_flag flags[] = {CLI_FLAG_SOCKET, CLI_FLAG_END};

static const char *const suspend_examples[] = {
    "look into a service by hand, without davit healing it meanwhile",
    "davit suspend prod/web",
    "nothing of a cluster, whatever is committed",
    "davit suspend prod",
    NULL,
};

const struct command cli_suspend = {
    .name = "suspend",
    .summary = "leave a service or a cluster alone",
    .args = "CLUSTER[/SERVICE]",
    .description =
        "Nothing is done any more for the service, or for all services of the cluster: no deployment, no "
        "healing, no removal; a cluster also refuses davit run-task, and its scheduled tasks are not "
        "started. What is under way ends, and what runs is left as it is. It outlives restarts "
        "of "
        "davit; \"davit resume\" ends it. In git, \"davit: {suspend: true}\" of a service or a cluster does "
        "the same.",
    .flags = flags,
    .examples = suspend_examples,
    .words = "",
    .takes_services = true,
    .takes_clusters = true,
    .args_min = 1,
    .args_max = 1,
    .run = suspend,
};

static const char *const resume_examples[] = {
    "davit brings it to where the repository wants it",
    "davit resume prod/web && davit wait prod/web",
    NULL,
};

const struct command cli_resume = {
    .name = "resume",
    .summary = "end what \"davit suspend\" began",
    .args = "CLUSTER[/SERVICE]",
    .description =
        "A service that was suspended by itself stays so when its cluster is resumed, and the other "
        "way round. What git suspends, git resumes.",
    .flags = flags,
    .examples = resume_examples,
    .words = "",
    .takes_services = true,
    .takes_clusters = true,
    .args_min = 1,
    .args_max = 1,
    .run = resume,
};
