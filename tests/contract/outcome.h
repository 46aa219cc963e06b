/* Runs operations of an engine to their end, and keeps what became of them. */
#pragma once

#include "engine/engine.h"
#include "sample.h"
#include "unit.h"
#include "world.h"

#define PATIENCE_MS 120000 /* only what hangs comes to it */

/* What became of an operation, copied out of the reply. */
struct outcome {
    int done;
    int code;
    int exit_code;
    char message[LIMIT_ERROR_CHARS];
    struct container *container;
    struct container_vec list;
    struct instance_info info;
    char *api;
    char *output;
    char *warning;
    char *image_digest;
    struct string_vec names; /* of networks; tags of images */
};

void outcome_deinit(struct outcome *outcome);
/* engine_call.done: copies the reply into the struct outcome behind data. */
void outcome_take(void *data, const struct engine_reply *reply);

/* Removes all containers of the owner. */
void contract_remove_all(struct contract_world *world, const char *owner);
/* Creates and starts; leaves the container's id in *ret_id (caller frees). */
void contract_run(struct contract_world *world, const struct sample *sample, char **ret_id);

/* Lets time pass until the condition holds; the test fails when patience ends. */
#define until(world, condition)                                                                              \
    do {                                                                                                     \
        int64_t end_ms_ = (world)->now_ms(world) + PATIENCE_MS;                                              \
        while (!(condition)) {                                                                               \
            if ((world)->now_ms(world) > end_ms_)                                                            \
                fail_msg("waited in vain for %s", #condition);                                               \
            (world)->turn(world);                                                                            \
        }                                                                                                    \
    } while (0)

/* Runs an operation to its end. */
#define DO(world, outcome, op, ...)                                                                          \
    do {                                                                                                     \
        outcome_deinit(outcome);                                                                             \
        const struct engine_call call_ = {.done = outcome_take, .data = (outcome)};                          \
        uint64_t id_ = (world)->engine->ops->op((world)->engine, ##__VA_ARGS__, &call_);                     \
        assert_true(id_ != 0);                                                                               \
        assert_int_equal((outcome)->done, 0);                                                                \
        until(world, (outcome)->done);                                                                       \
        assert_int_equal((outcome)->done, 1);                                                                \
        assert_true((outcome)->code == 0 || (outcome)->message[0]);                                          \
    } while (0)

#define DO_WELL(world, outcome, op, ...)                                                                     \
    do {                                                                                                     \
        DO(world, outcome, op, ##__VA_ARGS__);                                                               \
        if ((outcome)->code)                                                                                 \
            fail_msg("%s: %s", #op, (outcome)->message);                                                     \
    } while (0)
