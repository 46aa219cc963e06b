/* Services that a commit calls otherwise: it removes one and adds another in the same cluster with the same
 * content, service.digest. Where several that are removed have that content, or several that are added, they
 * pair in the order of their names, for as long as there are pairs. One with davit.prune disabled is not
 * removed, it is left: it has no new name.
 */
#pragma once

#include "model/desired.h"

/* A service that is gone, or one that has come; all of it is borrowed. */
struct service_content {
    const char *cluster;
    const char *name;
    struct digest digest;
};
struct service_content_vec VECTOR_OF(struct service_content);

struct service_rename {
    const char *cluster; /* borrowed, as the names */
    const char *from;
    const char *to;
};
struct service_rename_vec VECTOR_OF(struct service_rename);

/* Sorts both. Caller deinits all three vectors. */
void service_renames_pair(struct service_content_vec *gone, struct service_content_vec *come,
                          struct service_rename_vec *ret_renames);
/* From one commit to the other; both are sealed. Caller deinits the vector. */
void service_renames_between(const struct desired *old, const struct desired *next,
                             struct service_rename_vec *ret_renames);
/* Of the service that had the name, or has it now; NULL: none. Borrowed. */
const struct service_rename *service_rename_from(const struct service_rename_vec *renames,
                                                 const char *cluster, const char *name);
const struct service_rename *service_rename_to(const struct service_rename_vec *renames, const char *cluster,
                                               const char *name);
