/* Which file of the tree holds an entry. */
#pragma once

#include "base/error.h"
#include "model/ledger.h"

#include <stddef.h>

#define HISTORY_KINDS 6
#define HISTORY_DEPTH 4 /* components of the longest path: services/ab/cluster/service.json */

/* The directory of a kind at the root of the tree. Static storage. */
const char *history_layout_dir(enum ledger_change_kind kind);

/* The entry's path, caller frees. ERROR_INVALID: a name that is not of the kind's form, or has characters
 * other than A-Z a-z 0-9 _ -, or a part that is empty or too long: nothing else may become a path. */
int history_layout_path(enum ledger_change_kind kind, const char *name, char **ret_path, struct error *err);

/* The name of the entry at a path of that kind, caller frees. ERROR_INVALID where history_layout_path would
 * not put it. */
int history_layout_name(enum ledger_change_kind kind, const char *path, char **ret_name);
