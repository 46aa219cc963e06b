/* Diagnostics as forges take them, so that they stand beside the line in a pull request: workflow commands of
 * GitHub Actions, GitLab's Code Quality report, and SARIF 2.1.0 (OASIS). */
#pragma once

#include "cli/cli.h"
#include "model/diagnostic.h"

#include <stdbool.h>

#define ANNOTATE_FORMATS "github gitlab sarif"

/* Whether the flag "output" asks for it. */
bool cli_annotates(const struct cli *cli);
/* Prints in the format of the flag "output" and returns true, or false when that is none of these.
 * `directory` is where in the repository the paths of the diagnostics begin, "" for its root: forges count
 * from there. */
bool cli_print_annotations(const struct cli *cli, const struct diagnostics *diagnostics,
                           const char *directory);
