#include "base/memory.h"
#include "base/text.h"
#include "base/vector.h"
#include "cli/cli.h"
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
    const char *schema = manifest_schema(cli->argv[0]);
    if (!schema)
        return unknown(cli, cli->argv[0]);
    fputs(schema, cli->out);
    if (!text_ends_with(schema, "\n"))
        fputc('\n', cli->out);
    return CLI_OK;
}

static const char *const examples[] = {
    "for an editor that knows JSON Schema",
    "davit schema Service > service.schema.json",
    NULL,
};

const struct command cli_schema = {
    .name = "schema",
    .summary = "print the JSON Schema of a kind of manifest",
    .args = "[KIND]",
    .description = "Without a kind it lists them.",
    .examples = examples,
    .words = "CapacityProvider Cluster Configuration Environment Listener RunTask ScheduledTask Service "
             "TargetGroup "
             "TaskDefinition",
    .args_max = 1,
    .run = run,
};
