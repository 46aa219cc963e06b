/* The namespaces of a task: the pause container that owns those which its containers share, and what the
 * others say to join them. Pure. */
#pragma once

#include "engine/engine.h"

/* The body of POST /containers/create for PAUSE_CONTAINER. The caller's. */
json_t *docker_pause_body(const struct engine_create *create);
/* Sets NetworkMode, PidMode and IpcMode in the body of another container, and takes out what is the pause
 * container's to have. */
void docker_pause_join(const struct engine_create *create, json_t *body);
