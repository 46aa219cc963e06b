/* From an ECS container definition to the body of POST /containers/create. Pure. */
#pragma once

#include "base/vector.h"
#include "engine/engine.h"

/* What davit's configuration says about an engine beyond the definitions. */
struct docker_settings {
    json_t *log_drivers; /* by ECS's name: {"driver", "options"} to use instead; NULL: none */
    char *region;        /* of EFS file systems; NULL: none is known */
};

/* The caller's, or NULL with err: ERROR_INVALID for a definition that contradicts itself, or that needs a
 * setting that is not there. *ret_warning (the caller's as well) tells what is left out; NULL: nothing. */
json_t *docker_create_body(const struct engine_create *create, const struct docker_settings *settings,
                           char **ret_warning, struct error *err);
/* Appends the volumes that must exist before the container is created: shared, and not for davit to make. */
void docker_create_needs_volumes(const struct engine_create *create, struct string_vec *ret_names);
