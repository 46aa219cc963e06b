/* What a create needs beyond the task definition: the bytes of files, the values of secrets. They are looked
 * up when a container is made and forgotten after; nothing of them is kept, recorded or logged. */
#pragma once

#include "act/act.h"
#include "act/mask.h"
#include "base/vector.h"

struct supply_file_vec VECTOR_OF(struct engine_file);

struct supply {
    bool has_environment; /* else the definition's own holds */
    struct string_vec environment;
    struct supply_file_vec files; /* targets are the definition's, contents are owned */
    json_t *log_options;          /* NULL: none */
    struct mask secrets;          /* values in them that nobody may see */
};

void supply_deinit(struct supply *supply);
/* Fails as the ECS agent does, "ResourceInitializationError: ...", with a code that does not look like the
 * engine's. The message never has a value in it. */
int supply_gather(const struct act_stores *stores, const struct action *action, struct supply *ret_supply,
                  struct error *err);
/* What the container definition names for its image, or NULL. Borrowed. */
const char *supply_credentials(const struct action *action);
