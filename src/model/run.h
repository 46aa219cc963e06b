/* A standalone task: what RunTask started, outside of any service (ECS 12). The ledger has it from before its
 * first container until it is forgotten. */
#pragma once

#include "base/digest.h"
#include "base/vector.h"
#include "model/commit.h"
#include "model/desired.h"
#include "model/observed.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* ECS: stopCode */
#define STOP_CODE_FAILED_TO_START  "TaskFailedToStart"
#define STOP_CODE_ESSENTIAL_EXITED "EssentialContainerExited"
#define STOP_CODE_USER             "UserInitiated"
#define STOP_CODE_INFRASTRUCTURE   "InfrastructureHealth"

/* What is left of a container once its task has stopped. */
struct run_exit {
    char *container;
    char *image;
    bool essential;
    bool has_exit_code; /* a container that never ran has none */
    int exit_code;
    bool oom_killed;
    char *reason;        /* the engine's; NULL without one */
    int64_t finished_ms; /* 0: it never ran */
};
struct run_exit_vec VECTOR_OF(struct run_exit);

struct run {
    char *cluster;
    char id[ID_HEX_SIZE];
    char *group;           /* "family:web" */
    char *started_by;      /* NULL: nobody said */
    char *client_token;    /* NULL: none */
    struct digest request; /* of the RunTask that gave the token */
    char *family;
    int revision;
    struct task_definition *task_definition; /* overrides applied; owned reference. NULL once nothing of it is
                                                to be created: it has stopped, or T13 */
    json_t *overrides;                       /* as given; shared, never changed; NULL: none */
    char *instance;                          /* where it is for good */
    char commit[COMMIT_OID_SIZE];            /* that the definition was taken from */
    int64_t created_ms;
    struct string_vec started; /* containers that were told to start: they are not created again */
    char *stop_code;           /* NULL: it is to run */
    char *stop_reason;
    int64_t stopping_ms; /* when it was to stop; 0: it is not */
    int64_t started_ms;  /* these three once it has stopped. 0: not all of it had started */
    int64_t stopped_ms;  /* 0: it has not */
    struct run_exit_vec exits;
};

void run_free(struct run *run);
DEFINE_CLEANUP(struct run, run_free)
struct run *run_copy(const struct run *run);
json_t *run_to_json(const struct run *run);
/* All but task_definition, which is in "taskDefinition" as {"json": its json} for manifest/ to read. */
int run_from_json(const json_t *json, struct run **ret_run);
/* Of a container's labels, T13. */
struct run *run_of_container(const struct container *container);
/* What it is to run, as plan/ takes it: the content of a service, that has no name and wants one task. Its
 * digest is zero when nothing is to be created. The caller owns it. */
struct service *run_content(const struct run *run);

bool run_has_started(const struct run *run, const char *container);
/* From here on it is to stop. The first reason stays. */
void run_stop(struct run *run, const char *code, const char *reason, int64_t now_ms);
/* The essential container that ended first, and the task with it; NULL: none has, or not by itself. Borrowed.
 */
const struct run_exit *run_decisive(const struct run *run);
/* Whether it has stopped by itself, and well: the decisive container exited with 0. */
bool run_succeeded(const struct run *run);
/* Why it did not, for people: "container web exited with code 3", or its stop_reason. Caller frees. */
char *run_failure(const struct run *run);
