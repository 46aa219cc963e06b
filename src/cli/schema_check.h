/* davit schema check SCHEMA FILE... */
#pragma once

#include "cli/cli.h"

/* cli->argv[0] is "check". Returns an exit code. */
int cli_schema_check(const struct cli *cli);
