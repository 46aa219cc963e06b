#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/diff_commits.h"
#include "cli/diff_print.h"
#include "cli/output.h"
#include "model/json.h"

#include <string.h>

static json_t *service_json(const struct service *service)
{
    json_t *json = json_pack("{s:s,s:s,s:i}", "cluster", service->cluster, "name", service->name,
                             "desiredCount", service->desired_count);
    static const char *const members[] = {"davit", "schedulingStrategy", "placementConstraints",
                                          "placementStrategy", "deploymentConfiguration"};
    json_object_set_new(json, "davit", json_object());
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (json_object_get(service->json, members[i]))
            json_object_set(json, members[i], json_object_get(service->json, members[i]));
    model_set_bool(json, "countAbsent", service->count_absent);
    model_set_digest(json, "digest", &service->digest);
    if (service->task_definition) {
        model_set_string(json, "family", service->task_definition->family);
        model_set_int(json, "revision", service->task_definition->revision);
        json_object_set(json, "taskDefinition", service->task_definition->json);
    }
    return json;
}

static json_t *schedule_json(const struct desired *desired, const struct scheduled_task *task)
{
    json_t *definitions = json_array();
    for (size_t i = 0; i < task->runs.len; i++) {
        const struct task_definition *definition = cli_diff_started(desired, &task->runs.items[i]);
        if (!definition)
            continue;
        json_t *json = json_pack("{s:s,s:i,s:O}", "family", definition->family, "revision",
                                 definition->revision, "taskDefinition", definition->json);
        model_set_digest(json, "digest", &definition->digest);
        json_array_append_new(definitions, json);
    }
    return json_pack("{s:s,s:O,s:o}", "name", task->name, "manifest", task->json, "definitions", definitions);
}

static int ask(const struct cli *cli, const struct cli_request *request, json_t **ret_answer)
{
    struct error err = ERROR_INIT;
    if (cli_request(cli, request, ret_answer, &err) == 0)
        return CLI_OK;
    json_decref(*ret_answer);
    *ret_answer = json_pack("{s:i,s:s}", "schemaVersion", 1, "error", error_text(&err));
    return CLI_ERROR;
}

/* What runs against a commit of ours. */
static int ask_about(const struct cli *cli, const struct desired *desired, json_t **ret_answer)
{
    json_t *services = json_array();
    for (size_t i = 0; i < desired->services.len; i++)
        json_array_append_new(services, service_json(desired->services.items[i]));
    json_t *clusters = json_array();
    for (size_t i = 0; i < desired->clusters.len; i++)
        json_array_append(clusters, desired->clusters.items[i]->json);
    json_t *schedules = json_array();
    for (size_t i = 0; i < desired->scheduled_tasks.len; i++)
        json_array_append_new(schedules, schedule_json(desired, desired->scheduled_tasks.items[i]));
    json_t *body CLEANUP(json_decrefp) =
        json_pack("{s:o,s:o,s:o,s:i}", "services", services, "clusters", clusters, "scheduledTasks",
                  schedules, "approvedDeletions", desired->commit.approved_deletions);
    const char *source = cli_value(cli, "source");
    if (source)
        json_object_set_new(body, "source", json_string(source));
    struct cli_request request = {.method = "POST", .path = "/v1/diff", .body = body};
    return ask(cli, &request, ret_answer);
}

/* "A..B" as git has it, either may be absent: HEAD. False: it is one commit. Caller frees. */
static bool split_range(const char *text, char **ret_from, char **ret_to)
{
    const char *dots = strstr(text, "..");
    if (!dots || dots[2] == '.')
        return false;
    *ret_from = dots == text ? memory_strdup("HEAD") : memory_strndup(text, (size_t)(dots - text));
    *ret_to = memory_strdup(dots[2] ? dots + 2 : "HEAD");
    return true;
}

/* Which way round it is, for people. */
static void tell_direction(const struct cli *cli, const struct desired *desired)
{
    char *revision CLEANUP_FREE = text_printable(cli->argv[0]);
    if (text_equal(cli_value(cli, "output"), "text"))
        fprintf(cli->out, "from what runs to %s (%.12s)\n", revision, desired->commit.oid);
}

/* CLI_ERROR: *ret_answer is a failure. */
static int find_differences(const struct cli *cli, json_t **ret_answer)
{
    char *first CLEANUP_FREE = NULL;
    char *second CLEANUP_FREE = NULL;
    if (cli->argc == 0) {
        struct cli_request request = {.path = "/v1/diff"};
        return ask(cli, &request, ret_answer);
    }
    if (cli->argc == 2)
        return cli_diff_commits(cli, (const char *const[]){cli->argv[0], cli->argv[1]}, ret_answer);
    if (split_range(cli->argv[0], &first, &second))
        return cli_diff_commits(cli, (const char *const[]){first, second}, ret_answer);
    struct desired *desired CLEANUP(desired_unrefp) = NULL;
    int r = cli_diff_read(cli, cli->argv[0], &desired, ret_answer);
    if (!r)
        r = ask_about(cli, desired, ret_answer);
    if (!r)
        tell_direction(cli, desired);
    return r;
}

/* The newest commit is refused: what is compared is another, and no answer to what was asked. */
static void tell_refusal(const struct cli *cli, const json_t *answer)
{
    cli_fail(cli, "HEAD %.12s (%s) is refused:", cli_member_string(answer, "head.oid"),
             cli_member_string(answer, "head.subject"));
    cli_write_answer_diagnostics(cli->err, json_object_get(answer, "diagnostics"), "  ");
    fprintf(cli->err, "compared with what runs is %.12s (%s) instead, the last good commit\n",
            cli_member_string(answer, "commit.oid"), cli_member_string(answer, "commit.subject"));
}

static int tell_failure(const struct cli *cli, const json_t *failure)
{
    char *before CLEANUP_FREE = memory_printf("%s: ", cli_member_string(failure, "revision"));
    cli_write_answer_diagnostics(cli->err, json_object_get(failure, "diagnostics"), before);
    return cli_fail(cli, "%s", cli_member_string(failure, "error"));
}

static void tell_base(const struct cli *cli, const json_t *answer)
{
    const json_t *fault = json_object_get(answer, "insteadOf");
    if (!fault)
        return;
    tell_failure(cli, fault);
    if (json_object_get(answer, "from"))
        fprintf(cli->err, "compared with %.12s (%s) instead, the last good commit before it\n",
                cli_member_string(answer, "from.oid"), cli_member_string(answer, "from.subject"));
    else
        fputs("compared with nothing instead: this clone has no good commit before it\n", cli->err);
}

static int print(const struct cli *cli, json_t *answer, bool failed)
{
    bool any = json_array_size(json_object_get(answer, "differences")) > 0;
    bool refused = model_bool(answer, "refused");
    bool printed = cli_print_data(cli, answer);
    bool markdown = text_equal(cli_value(cli, "output"), "markdown");
    cli_make_printable(answer);
    if (markdown)
        cli_diff_print_markdown(cli, answer);
    if (failed)
        return tell_failure(cli, answer);
    int code = refused ? CLI_ERROR : any ? CLI_NO : CLI_OK;
    if (printed)
        return code;
    if (refused)
        tell_refusal(cli, answer);
    tell_base(cli, answer);
    if (!markdown)
        cli_diff_print_text(cli, answer);
    if (!any)
        fputs("no differences\n", cli->err);
    return code;
}

static int run(const struct cli *cli)
{
    json_t *answer CLEANUP(json_decrefp) = NULL;
    if (cli->argc && strstr(cli->argv[0], "..."))
        return cli_usage(cli,
                         "\"%s\": give the two commits, FROM and TO; the merge base of git's A...B is "
                         "$(git merge-base A B)",
                         cli->argv[0]);
    bool failed = find_differences(cli, &answer) != CLI_OK;
    return print(cli, answer, failed);
}

static const struct cli_flag flags[] = {
    {"output", 'o', "FORMAT", "text", "how to print", "text json yaml markdown"},
    CLI_FLAG_REPO,
    CLI_FLAG_PATH,
    OFFLINE_FLAG_CLUSTERS,
    {"source", 0, "NAME", NULL, "of several sources of the daemon, the one whose commit this is", NULL},
    CLI_FLAG_SOCKET,
    CLI_FLAG_END,
};

static const char *const examples[] = {
    "what davit still has to do",
    "davit diff",
    "what this branch would change",
    "davit diff HEAD",
    "what a merge would deploy, offline",
    "davit diff --path deploy origin/main HEAD",
    "the same as a comment for the pull request",
    "davit diff --path deploy -o markdown origin/main HEAD",
    NULL,
};

static const struct cli_exit exits[] = {{CLI_OK, "no differences"},
                                        {CLI_NO, "there are differences"},
                                        {CLI_ERROR, "it could not tell, as when the newest commit is "
                                                    "refused, or the usage is wrong"},
                                        {0, NULL}};

const struct command cli_diff = {
    .name = "diff",
    .summary = "show what a commit changes",
    .args = "[FROM [TO]]",
    .description =
        "Without a commit: from what runs to the last good commit; where the newest one is refused it says "
        "so, and why; a deployment of it that has not completed is a difference. With one: from what the "
        "newest deployments bring to that commit "
        "of "
        "the local\nrepository. With two, or FROM..TO: from one commit to the other, without the daemon.\n\n"
        "Formatting, comments and the order of files are no difference. Values of environment variables "
        "and of options of log and volume drivers are never shown. \"***\" stands for the login and the "
        "query of a "
        "URL, and in a text for all from the first value on that follows a name that says that it is secret: "
        "--password X, --api-key=X, TOKEN=X, Authorization: X, Bearer X, \"password\": \"X\"; so does it for "
        "the value of a label app.secret. What stands behind such a value in the same text is told as "
        "changed, and not how. Others are shown: what an argument without a name means is not known (-p X). "
        "Long values "
        "are cut around their first difference, but for -o json and yaml. Tasks "
        "of "
        "davit.preDeploy\nthat run first are told, until when a change would wait for its change window, and "
        "what "
        "davit rollback --hold keeps away. "
        "So is a commit "
        "that removes so much that it would be held for davit approve; between two commits by the usual "
        "deletionBudget, 3 and 50 percent.\n\n"
        "A service that only has another name, with the same content in the same cluster, goes on as it is: "
        "\"renamed from\". Containers keep their names until they are replaced.\n\n"
        "Between two commits it also says how many tasks start and stop, in how many rounds and between "
        "which bounds (as if every task became healthy and found a place), whether that is without downtime, "
        "and what waits for what. -o markdown is made for a comment of a pull request: no more than 60,000 "
        "bytes, and what manifests say stands in code. A diff that could not be computed says so in "
        "every format.",
    .flags = flags,
    .examples = examples,
    .exits = exits,
    .words = "",
    .args_max = 2,
    .run = run,
};
