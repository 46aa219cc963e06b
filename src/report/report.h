/* Tells one receiver: the queue, driven by the loop over HTTP. Nothing here delays or fails a deployment.
 *
 * Secrets are read anew for each delivery, so that a new token needs no restart: what waits for another try
 * is tried some seconds after a file of secrets has changed. They are in no log, error or state. TLS is
 * verified, redirects are refused: a token goes to the host that was named and to no other.
 */
#pragma once

#include "report/queue.h"
#include "report/target.h"

#include <uv.h>

struct report;

struct report_options {
    uv_loop_t *loop;
    const struct report_target *target; /* copied */
    const json_t *state;                /* of report_to_json(), borrowed; NULL: it is new */
    void *data;
    int64_t (*now_ms)(void *data); /* as the messages' times */
    /* One line for the log, which names the receiver. */
    void (*say)(void *data, bool is_warning, const char *line);
    /* What report_to_json() gives is another. Not from within a function of this header. */
    void (*changed)(void *data);
};

struct report *report_new(const struct report_options *options);
/* What waits is kept in report_to_json(), to be called before. The loop must be run on. */
void report_close(struct report *report);

const struct report_target *report_get_target(const struct report *report);
/* To look and push; report_go() afterwards. Borrowed. */
struct report_queue *report_get_queue(struct report *report);
void report_go(struct report *report);
json_t *report_to_json(const struct report *report);
/* For `davit status`. */
json_t *report_status_json(const struct report *report);
