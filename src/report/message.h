/* What is told to one receiver: a value that outlives a restart. */
#pragma once

#include "base/memory.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* States of a commit. */
#define REPORT_PENDING    "pending"
#define REPORT_SUCCESS    "success"
#define REPORT_FAILURE    "failure"
#define REPORT_SUPERSEDED "superseded" /* another commit came before this one was deployed */

/* Of one context and subject the same state is told once, with a reason once for each. */
struct report_message {
    bool is_status;  /* of a commit: a newer state makes an older one needless. Else each event counts */
    char *context;   /* "davit/demo", "davit/demo/web"; of an event "deployment demo/web" */
    char *subject;   /* id of the commit; of an event, of the deployment */
    char *state;     /* REPORT_PENDING ...; of an event "IN_PROGRESS" ... */
    char *reason;    /* for another one the same state is told again; NULL: it is not */
    char *text;      /* one line for people */
    int64_t at_ms;   /* when it came to be; the wall clock */
    int64_t push_ms; /* when it was queued */
    json_t *event;   /* EventBridge's envelope; NULL where only forges and people are told */
};

void report_message_free(struct report_message *message);
DEFINE_CLEANUP(struct report_message, report_message_free)
json_t *report_message_to_json(const struct report_message *message);
/* NULL when it is not readable. */
struct report_message *report_message_from_json(const json_t *json);
