/* What waits to be told to one receiver, and what it was told: pure, time comes in.
 *
 * Messages leave in their order, one at a time. What fails is tried again, after 5 s, then twice as long, up
 * to LIMIT_REPORT_BACKOFF_MS, a part of it by chance, or as long as the receiver asks for; for a day. What is
 * set aside is tried again likewise, but holds nobody up: what is new goes first, and one of those that are
 * aside is tried at a time, the one that was tried longest ago. What is refused is dropped, and what comes
 * after it goes on. A newer state of a commit takes the place of an older one that has not left: a receiver
 * that was down for an hour is told how things stand, and each event once.
 *
 *  row| seen                                                       | then
 *  ---|------------------------------------------------------------|--------------------------------------
 *  Q1 | same context, subject, state and reason as told last       | not told again, over restarts too
 *  Q2 | another state of a commit whose last has not left          | takes its place
 *  Q3 | likewise, and that one is under way                        | comes after it, or instead if it fails
 *  Q4 | LIMIT_REPORT_QUEUE messages wait                           | one that is aside makes way, else the
 *     |                                                            | oldest
 *  Q5 | it has waited for LIMIT_REPORT_AGE_MS                      | dropped
 *  Q6 | a context that was not looked at again, its commit pending | handed out, to be told superseded
 *  Q7 | a context that was not looked at again, else               | forgotten
 *  Q8 | the clock went back                                        | no pause is longer than it can be
 *  Q9 | Q1, but that state of a commit was dropped                 | told again by a look after a restart, or
 *     |                                                            | LIMIT_REPORT_AGE_MS later
 *
 * Delivery is at least once: what had left when davit was killed may leave again, an event with the same id.
 */
#pragma once

#include "base/vector.h"
#include "report/message.h"

#include <stddef.h>

struct report_queue;

struct report_queue *report_queue_new(void);
void report_queue_free(struct report_queue *queue);
DEFINE_CLEANUP(struct report_queue, report_queue_free)

/* --- a look at how things stand: everything that is worth telling is pushed, what is not is forgotten ----
 */

/* Of what was told of a context, or is about to be. Borrowed, valid until the next change. */
struct report_told {
    const char *subject;
    const char *state;
};

/* Q9 */
void report_queue_look_begin(struct report_queue *queue, int64_t now_ms);
/* Whether a push would be for nothing, Q1; then it counts as looked at. */
bool report_queue_knows(struct report_queue *queue, const struct report_message *message);
/* Of a context and a commit, or an event's with NULL; false: nothing was told of it. It counts as looked at.
 */
bool report_queue_told(struct report_queue *queue, const char *context, const char *commit,
                       struct report_told *ret_told);
/* Takes the message over. False, Q1: it is dropped. */
bool report_queue_push(struct report_queue *queue, struct report_message *message, int64_t now_ms);
/* As if it had been told. Takes the message over. */
void report_queue_note(struct report_queue *queue, struct report_message *message);
/* Q6, Q7. What is to be told superseded: context, subject, context, ...; caller deinits. */
void report_queue_look_end(struct report_queue *queue, struct string_vec *ret_superseded);

/* --- delivery ------------------------------------------------------------------------------------------- */

/* The message to send now, which counts as under way until report_queue_settle(); NULL: none. Borrowed. */
const struct report_message *report_queue_next(struct report_queue *queue, int64_t now_ms);
/* When to ask for the next again; INT64_MAX: when something is pushed or settled. */
int64_t report_queue_due_ms(const struct report_queue *queue);

enum report_verdict {
    REPORT_DELIVERED,
    REPORT_REFUSED,   /* it will not be taken another time either */
    REPORT_FAILED,    /* worth a retry; the next would fail as well */
    REPORT_SET_ASIDE, /* worth a retry; the next may well be taken. Not for events, which have an order */
};

struct report_outcome {
    enum report_verdict verdict;
    int64_t pause_ms;   /* of a retry: as the receiver asks for; 0: it does not */
    unsigned chance;    /* likewise: any number, for the length of the pause */
    const char *why;    /* not with REPORT_DELIVERED; one line, kept for report_queue_trouble() */
    int64_t backoff_ms; /* of a retry: the first pause, the next are longer; 0: 5 s */
};

/* What became of the message under way. Whether that is news: the first that fails or is refused, and the
 * first that is delivered after it. */
bool report_queue_settle(struct report_queue *queue, const struct report_outcome *outcome, int64_t now_ms);

/* What hindered may be mended: the next is due now. */
void report_queue_hurry(struct report_queue *queue, int64_t now_ms);

/* --- how it does ---------------------------------------------------------------------------------------- */

size_t report_queue_len(const struct report_queue *queue);
uint64_t report_queue_delivered(const struct report_queue *queue);  /* since the start, as the next */
uint64_t report_queue_dropped(const struct report_queue *queue);    /* Q4, Q5, REPORT_REFUSED */
const char *report_queue_trouble(const struct report_queue *queue); /* NULL: the last one was delivered, and
                                                                       none is aside */
/* Counts what is kept: another number, something to save. */
uint64_t report_queue_changes(const struct report_queue *queue);

json_t *report_queue_to_json(const struct report_queue *queue);
/* What is not readable is left out. NULL is the empty queue. */
struct report_queue *report_queue_from_json(const json_t *json);
/* Whether it was ever looked at: a new receiver is not told what is over. */
bool report_queue_is_new(const struct report_queue *queue);
