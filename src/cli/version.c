#include "cli/cli.h"
#include "cli/output.h"

static int run(const struct cli *cli)
{
    json_t *json CLEANUP(json_decrefp) = json_pack("{s:i,s:s}", "schemaVersion", 1, "version", DAVIT_VERSION);
    if (!cli_print_data(cli, json))
        fputs("davit " DAVIT_VERSION "\n", cli->out);
    return CLI_OK;
}

static const struct cli_flag flags[] = {CLI_FLAG_TEXT, CLI_FLAG_END};

const struct command cli_version = {
    .name = "version",
    .summary = "print davit's version",
    .flags = flags,
    .words = "",
    .run = run,
};
