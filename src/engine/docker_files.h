/* What a container gets besides its definition, and how files get into it before it starts. Pure. */
#pragma once

#include "base/buffer.h"
#include "engine/engine.h"

#include <stdbool.h>

/* Puts the resolved environment into the body of POST /containers/create. */
void docker_files_apply(const struct engine_create *create, json_t *body);
/* The files as a tar archive to be unpacked at "/". Owners stay numbers. ERROR_LIMIT. */
int docker_files_tar(const struct engine_create *create, struct buffer *tar, struct error *err);

/* A container that is to have files is made under another name and gets its own with the last of them: under
 * its own name it is never without. Caller frees. */
char *docker_files_draft_name(const char *name);
bool docker_files_is_draft(const char *name);
