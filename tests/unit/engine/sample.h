/* Task definitions and labels for the tests of engine/, from a few words. */
#pragma once

#include "engine/engine.h"

/* Everything that engine.create needs, of a task with one container. */
struct sample {
    struct task_labels labels;
    struct task_definition *definition;
    char *name;
    struct engine_create create; /* points into the rest */
};

/* `container` is the ECS container definition as JSON, single quotes allowed for double ones; `serial` makes
 * task and container name unique. Aborts on malformed JSON. */
void sample_init(struct sample *sample, int serial, const char *container);
void sample_deinit(struct sample *sample);
