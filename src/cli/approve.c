#include "base/memory.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/output.h"
#include "model/json.h"

static int run(const struct cli *cli)
{
    char *query CLEANUP_FREE = cli_query_add(NULL, "commit", cli->argv[0]);
    struct cli_request request = {.method = "POST", .path = "/v1/approve", .query = query, .keeps = true};
    struct error err = ERROR_INIT;
    json_t *answer CLEANUP(json_decrefp) = NULL;
    if (cli_request(cli, &request, &answer, &err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    cli_make_printable(answer);
    const char *subject = cli_member_string(answer, "commit.subject"); /* "": of a source that left */
    fprintf(cli->err, "commit %.12s%s%s%s is approved; \"davit wait\" shows how it gets on\n",
            cli_member_string(answer, "commit.oid"), *subject ? " (" : "", subject, *subject ? ")" : "");
    return CLI_OK;
}

static const struct cli_flag flags[] = {CLI_FLAG_SOCKET, CLI_FLAG_END};

static const char *const examples[] = {
    "\"davit status\" names the commit, what it removes, and what waits",
    "davit approve 3f2a91c",
    "whatever the newest commit of the source is",
    "davit approve HEAD",
    NULL,
};

const struct command cli_approve = {
    .name = "approve",
    .summary = "deploy a commit that is held, or waits for a change window",
    .args = "COMMIT",
    .description =
        "COMMIT is the beginning of its id, or HEAD or the branch: the newest commit that davit has of its "
        "source, which need not be that of a local clone. Of several sources the one is meant that waits.\n\n"
        "A commit that removes more than half of the services, and three or more, is held, and what runs "
        "stays: a wrong path is likelier than the wish. A commit whose message ends in the trailer "
        "\"Davit-Approve-Deletions: N\" may remove N services without being held. The configuration's "
        "deletionBudget sets other bounds. Scheduled tasks are counted likewise, by themselves. A service "
        "that "
        "only has another name, with the same content in the same cluster, is not removed.\n\n"
        "A change that waits for its window (davit.changeWindows) is let through at once when the commit "
        "that davit status calls wanted is approved, also while a newer one is held; an event of the "
        "service tells it. That is the way as well where a commit has "
        "taken the window away: what began to wait before goes on to wait for the windows that were in force "
        "then, for no commit opens its own. Of a commit that is held, the windows hold "
        "after the first approval.",
    .flags = flags,
    .examples = examples,
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
