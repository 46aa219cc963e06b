#include "base/memory.h"
#include "base/text.h"
#include "cli/annotate.h"
#include "cli/cli.h"
#include "cli/offline.h"
#include "cli/output.h"

static void print_count(const struct cli *cli, const char *before, size_t count, const char *word)
{
    fprintf(cli->err, "%s%zu %s%s", before, count, word, text_plural((int64_t)count));
}

static void print_summary(const struct cli *cli, const struct diagnostics *diagnostics,
                          const struct desired *desired)
{
    if (desired) {
        print_count(cli, "valid: ", desired->clusters.len, "cluster");
        print_count(cli, ", ", desired->services.len, "service");
        print_count(cli, ", ", desired->task_definitions.len, "task definition");
        if (desired->scheduled_tasks.len)
            print_count(cli, ", ", desired->scheduled_tasks.len, "scheduled task");
    } else {
        print_count(cli, "not valid: ", diagnostics->errors, "error");
    }
    if (diagnostics->warnings)
        print_count(cli, ", ", diagnostics->warnings, "warning");
    fputc('\n', cli->err);
}

static void print(const struct cli *cli, const struct diagnostics *diagnostics, const struct desired *desired,
                  const char *directory)
{
    json_t *json CLEANUP(json_decrefp) = diagnostics_to_json(diagnostics);
    json_object_set_new(json, "schemaVersion", json_integer(1));
    json_object_set_new(json, "valid", json_boolean(desired != NULL));
    if (cli_print_data(cli, json))
        return;
    if (!cli_print_annotations(cli, diagnostics, directory))
        cli_print_diagnostics(cli, diagnostics);
    print_summary(cli, diagnostics, desired);
}

static int run(const struct cli *cli)
{
    char *directory CLEANUP_FREE = NULL;
    struct string_vec clusters = offline_other_clusters(cli);
    struct offline_query query = {.other_clusters = &clusters,
                                  .repository = cli->argc ? cli->argv[0] : ".",
                                  .revision = cli_value(cli, "revision"),
                                  .sub_path = cli_value(cli, "path"),
                                  .from_root = cli_annotates(cli),
                                  .command = cli->command->name,
                                  .ret_directory = &directory,
                                  .ends = cli->ends};
    struct desired *desired CLEANUP(desired_unrefp) = NULL;
    struct diagnostics diagnostics CLEANUP(diagnostics_deinit) = {0};
    struct error err = ERROR_INIT;
    int r = offline_read(&query, &desired, &diagnostics, &err);
    vector_deinit(&clusters);
    if (r < 0 && !diagnostics.errors)
        return cli_fail(cli, "%s", err.message[0] ? err.message : error_code_name(r));
    diagnostics_sort(&diagnostics);
    print(cli, &diagnostics, desired, directory ? directory : "");
    return desired ? CLI_OK : CLI_NO;
}

static const struct cli_flag flags[] = {
    {"output", 'o', "FORMAT", "text", "how to print", "text json yaml " ANNOTATE_FORMATS},
    CLI_FLAG_PATH,
    OFFLINE_FLAG_CLUSTERS,
    CLI_FLAG_REVISION,
    CLI_FLAG_END,
};

static const char *const examples[] = {
    "before a commit",
    "davit validate",
    "beside the lines of a pull request, in GitHub Actions",
    "davit validate -o github --path deploy",
    "and in GitLab CI",
    "davit validate -o gitlab --path deploy > gl-code-quality-report.json",
    "what is on a branch",
    "davit validate --revision origin/main .",
    NULL,
};

static const struct cli_exit exits[] = {{CLI_OK, "valid"},
                                        {CLI_NO, "not valid"},
                                        {CLI_ERROR, "it could not look, or the usage is wrong"},
                                        {0, NULL}};

const struct command cli_validate = {
    .name = "validate",
    .summary = "check manifests without the daemon",
    .args = "[PATH]",
    .description =
        "PATH is a repository, a directory or one file; the current directory when absent. Diagnostics are "
        "printed as\nfile:line:column with what was found and what was expected.\n\n"
        "For a pipeline, with paths from the root of the repository on: -o github prints workflow commands "
        "of GitHub "
        "Actions, -o gitlab a Code Quality report, -o sarif SARIF 2.1.0.",
    .flags = flags,
    .examples = examples,
    .exits = exits,
    .args_max = 1,
    .run = run,
};
