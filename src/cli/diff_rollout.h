/* What a difference of a service means for its tasks: the members "tasks" to "suspended" of diff_commits.h.
 * Pure. */
#pragma once

#include "base/map.h"
#include "model/desired.h"

#include <jansson.h>

struct diff_states {
    const struct service *from;    /* NULL: it is new */
    const struct service *to;      /* NULL: it is removed */
    const struct cluster *cluster; /* of `to`; may be NULL */
};

/* `difference` may be NULL: nothing is added then. */
void cli_diff_add_tasks(json_t *difference, const struct diff_states *states);
/* "dependsOn", of those among the keys ("cluster/service") of `deployed`. */
void cli_diff_add_order(json_t *difference, const struct service *to, const struct map *deployed);
