/* What davit asks an engine to do: one step on one container. Made by plan/, run by act/, shown by api/.
 *
 * An action's end changes nothing by itself: its outcome is an observation, and the next plan starts from
 * there.
 */
#pragma once

#include "base/digest.h"
#include "base/vector.h"
#include "model/observed.h"

#include <jansson.h>
#include <stdint.h>

enum action_kind {
    ACTION_CREATE, /* pull the image unless it is there, create the container */
    ACTION_START,
    ACTION_STOP,    /* SIGTERM (or the image's STOPSIGNAL), SIGKILL after stop_timeout_s */
    ACTION_REMOVE,  /* the container and its anonymous volumes; named volumes stay */
    ACTION_RESOLVE, /* the digest that the image's tag means now, for all tasks of a deployment: ask its
                       registry, by a pull if need be, or take the copy that the instance has */
};

const char *action_kind_name(enum action_kind kind); /* "create" ... */

struct action {
    uint64_t id; /* given by core when the action is sent; 0 before */
    enum action_kind kind;
    char *instance;
    char *cluster;
    char *service;
    char task[ID_HEX_SIZE]; /* ACTION_RESOLVE: drawn for it, so that a failure can be counted */
    char *container;        /* name in the task definition */
    char *container_id;     /* the engine's; NULL for ACTION_CREATE */
    int stop_timeout_s;     /* ACTION_STOP */
    char *reason;           /* why, for people: "scale in", "replaced by ecs-svc/..." */
    char *image; /* ACTION_RESOLVE; ACTION_CREATE: in place of what the definition names, or NULL */
    char *name;  /* ACTION_CREATE: of the container on the engine */
    struct task_labels labels;               /* ACTION_CREATE; ACTION_RESOLVE: deployment and digest alone */
    struct task_definition *task_definition; /* owned reference; of these two kinds */
};
struct action_vec VECTOR_OF(struct action *);

struct action *action_new(enum action_kind kind);
void action_free(struct action *action);
DEFINE_CLEANUP(struct action, action_free)
struct action *action_copy(const struct action *action);
void action_vec_deinit(struct action_vec *actions); /* frees the actions as well */
/* Names the target: two actions with one key must not be under way together. "instance/task/container".
 * Caller frees. */
char *action_key(const struct action *action);
/* The image that ACTION_CREATE and ACTION_RESOLVE need; NULL of other actions. Borrowed. */
const char *action_image(const struct action *action);
json_t *action_to_json(const struct action *action);
/* All but task_definition, which only act/ needs. ERROR_INVALID. */
int action_from_json(const json_t *json, struct action **ret_action, struct error *err);

/* davit-<cluster>-<service or family>-<container>-<first 12 of task id>, characters Docker refuses left out.
 * Caller frees. */
char *action_container_name(const struct task_labels *labels);
/* davit-<owner>.<cluster>: the network of the tasks of a cluster on an engine, mode awsvpc. Caller frees. */
char *action_network_name(const struct task_labels *labels);
