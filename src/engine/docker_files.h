/* What a container gets besides its definition, and how files get into it before it starts. Pure. */
#pragma once

#include "base/buffer.h"
#include "base/vector.h"
#include "engine/engine.h"

#include <stdbool.h>

/* Puts the resolved environment into the body of POST /containers/create. */
void docker_files_apply(const struct engine_create *create, json_t *body);
struct docker_archive {
    char *path; /* of the directory to unpack it in */
    struct buffer tar;
};
struct docker_archive_vec VECTOR_OF(struct docker_archive);

void docker_archive_vec_deinit(struct docker_archive_vec *archives);
/* The files as tar archives, at least one: for the volumes that they lie in, and for "/". Owners stay
 * numbers. ERROR_LIMIT, and ERROR_INVALID for a file that the container would not have. */
int docker_files_archives(const struct engine_create *create, struct docker_archive_vec *ret_archives,
                          struct error *err);

/* A container that is to have files is made under another name and gets its own with the last of them: under
 * its own name it is never without. Caller frees. */
char *docker_files_draft_name(const char *name);
bool docker_files_is_draft(const char *name);
