/* A case file as the planner's input, and a small world in which the actions come true. */
#pragma once

#include "plan/plan.h"

#include <jansson.h>

#define CASE_NOW_MS 1700000000000LL

struct golden_case {
    const json_t *input; /* borrowed */
    int64_t now_ms;
    struct plan_options options;
    struct service *service; /* NULL: not in the repository */
    struct task_definition *definition;
    struct task_definition *completed_definition; /* of another digest, else the very same; NULL: none */
    struct commit commit;
    struct service_ledger *ledger;
    struct run *run; /* a standalone task in place of the service, which is its content then */
    char *key;       /* of the run; NULL: of the service */
    struct container_vec containers; /* owned */
    struct action_vec under_way;     /* owned */
    struct plan_failure_vec failures;
    struct plan_memory memory;
    struct id_source ids;
    struct map names; /* task id -> owned short name */
    int new_tasks;
    uint64_t last_container;
};

/* False after a message on stderr. */
bool case_init(struct golden_case *golden, const json_t *input);
void case_deinit(struct golden_case *golden);

/* One call of plan_service(), or plan_run(), with the case as it stands. */
void case_plan(struct golden_case *golden, struct plan_output *ret_output);
/* Takes over the output: what is started happens at once, what is stopped takes until the next round. */
void case_apply(struct golden_case *golden, struct plan_output *output);
/* What still stops has stopped. True when there was something. */
bool case_land(struct golden_case *golden);

/* "a1" of a written task, "n1", "n2" ... of the launched ones in order. Borrowed. */
const char *case_task_name(struct golden_case *golden, const char *id);
/* Digest of a content by its word. */
struct digest case_digest(const char *content);

/* case_text.c: the output in a form that people can check. */
json_t *case_output_to_json(struct golden_case *golden, const struct plan_output *output);
/* Rounds of planning and acting until nothing is left to do: one line a round. */
json_t *case_sequence(struct golden_case *golden);
