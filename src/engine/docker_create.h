/* From an ECS container definition to the body of POST /containers/create. Pure. */
#pragma once

#include "engine/engine.h"

/* The caller's, or NULL with err: ERROR_INVALID for a definition that contradicts itself. */
json_t *docker_create_body(const struct engine_create *create, struct error *err);
