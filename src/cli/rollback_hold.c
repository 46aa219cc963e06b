/* davit rollback --hold: asks the daemon; nothing is committed. */
#include "base/memory.h"
#include "base/text.h"
#include "cli/client.h"
#include "cli/output.h"
#include "cli/rollback.h"
#include "model/json.h"

static const char *commit_flag(const struct cli *cli)
{
    static const char *const switches[] = {"push", "dry-run", "force"};
    static const char *const values[] = {"branch", "author", "path"};
    for (size_t i = 0; i < ARRAY_LEN(switches); i++)
        if (cli_is_on(cli, switches[i]))
            return switches[i];
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        if (cli_value(cli, values[i]))
            return values[i];
    return NULL;
}

char *rollback_hold_hint(const struct rollback *rollback, const struct rollback_view *tip)
{
    if (!tip->service || json_array_size(rollback->deployments) < 2)
        return memory_strdup("");
    return memory_printf("; \"davit rollback %s/%s --hold\" goes back at once and without a commit",
                         rollback->cluster, rollback->service);
}

int rollback_hold(const struct cli *cli, const char *cluster, const char *service)
{
    const char *flag = commit_flag(cli);
    if (flag)
        return cli_usage(cli, "--hold makes no commit, so that --%s says nothing to it", flag);
    char *query CLEANUP_FREE = cli_query_add(cli_query_target(cluster, service), "to", cli_value(cli, "to"));
    struct cli_request request = {.method = "POST", .path = "/v1/hold", .query = query, .keeps = true};
    struct error err = ERROR_INIT;
    json_t *answer CLEANUP(json_decrefp) = NULL;
    if (cli_request(cli, &request, &answer, &err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    cli_make_printable(answer);
    const json_t *to = json_object_get(answer, "to");
    char *revision CLEANUP_FREE =
        memory_printf("%s:%d (commit %.12s)", cli_member_string(to, "family"), (int)model_int(to, "revision"),
                      cli_member_string(to, "commit.oid"));
    if (model_bool(answer, "already")) {
        fprintf(cli->err, "%s/%s has gone back to %s already; davit status says why\n", cluster, service,
                revision);
        return CLI_OK;
    }
    const char *what = model_bool(answer, "imagesOnly") ? "the images of " : "";
    fprintf(cli->err,
            "%s/%s goes back to %s%s, until its content in the repository changes or \"davit retry %s/%s\"; "
            "\"davit status\" shows how it gets on\n",
            cluster, service, what, revision, cluster, service);
    return CLI_OK;
}
