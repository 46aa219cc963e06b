#include "base/memory.h"
#include "base/text.h"
#include "base/vector.h"
#include "cli/cli.h"
#include "cli/schema_check.h"
#include "manifest/manifest.h"

static int unknown(const struct cli *cli, const char *name)
{
    const char *const *kinds = manifest_schema_kinds();
    size_t len = 0;
    while (kinds[len])
        len++;
    const char *nearest = text_nearest(name, kinds, len);
    if (nearest)
        return cli_usage(cli, "there is no kind \"%s\"; did you mean %s?", name, nearest);
    return cli_usage(cli, "there is no kind \"%s\"; \"davit schema\" lists them", name);
}

static int run(const struct cli *cli)
{
    if (!cli->argc) {
        for (const char *const *kind = manifest_schema_kinds(); *kind; kind++)
            fprintf(cli->out, "%s\n", *kind);
        return CLI_OK;
    }
    if (text_equal(cli->argv[0], "check"))
        return cli_schema_check(cli);
    if (cli->argc > 1)
        return cli_usage(cli, "schema does not take \"%s\"", cli->argv[1]);
    const char *schema = manifest_schema(cli->argv[0]);
    if (!schema)
        return unknown(cli, cli->argv[0]);
    fputs(schema, cli->out);
    if (!text_ends_with(schema, "\n"))
        fputc('\n', cli->out);
    return CLI_OK;
}

static const struct cli_flag flags[] = {CLI_FLAG_TEXT, CLI_FLAG_END};

static const char *const examples[] = {
    "for an editor that knows JSON Schema",
    "davit schema Service > service.schema.json",
    "any schema, any files",
    "davit schema check my.schema.json a.yaml b.json",
    "manifests of one kind",
    "davit schema check TaskDefinition apps/*/task.json",
    "whether a schema is one",
    "davit schema check https://json-schema.org/draft/2020-12/schema my.schema.json",
    NULL,
};

static const struct cli_exit exits[] = {
    {CLI_OK, "printed; every file is valid"},
    {CLI_NO, "a file is not valid"},
    {CLI_ERROR, "the schema is none, a file cannot be read, or the usage is wrong"},
    {0, NULL}};

const struct command cli_schema = {
    .name = "schema",
    .summary = "print the JSON Schema of a kind of manifest, or check files against a schema",
    .args = "[KIND | check SCHEMA FILE...]",
    .description =
        "Without a kind it lists them.\n\ncheck takes any JSON Schema of 2020-12 or draft-07 ($schema says "
        "which): "
        "a file, a kind, or the URI\nof either meta-schema. Files are JSON or YAML, which may hold several "
        "documents. References lead to files of\nthe schema's directory and never to a network. format is "
        "asserted. Diagnostics are printed as file:line:column\nwith what was found and what was expected.",
    .flags = flags,
    .examples = examples,
    .exits = exits,
    .words = "check CapacityProvider Cluster Configuration Environment Listener RunTask ScheduledTask "
             "Service TargetGroup "
             "TaskDefinition",
    .before_files = "check",
    .args_max = -1,
    .run = run,
};
