/* What is no kind of ECS's: documents that are no manifests, and all that davit adds to those that are. */
#pragma once

#include "cli/cli.h"
#include "cli/explain_member.h"

/* {"kind", "path", "effect", "description"} of each document, appended. */
void explain_documents(json_t *list);
/* Prints what the path ("environment.patches", of any case) of such a document is. False, and nothing is
 * printed, where its beginning names none; else *ret_exit is the exit code. */
bool explain_document(const struct cli *cli, const char *path, int *ret_exit);
/* Prints the members below davit: of all kinds. */
int explain_additions(const struct cli *cli, const struct explanation *explanation);
