/* Commits of davit's own for a source that deploys signed ones alone. */
#pragma once

#include "cli/cli.h"

#include <jansson.h>

struct cli_signing {
    const json_t *source;  /* as /v1/source has it; NULL: nothing is known, and all is well */
    const char *directory; /* of the repository that is committed in */
    bool for_review;       /* on a branch that somebody merges */
    bool has_key;          /* one is given, whatever git says */
};
/* CLI_ERROR after a message: it would be refused, for nothing signs it. */
int cli_check_signing(const struct cli *cli, const struct cli_signing *signing);
