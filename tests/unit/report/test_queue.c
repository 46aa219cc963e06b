/* The queue of one receiver, in virtual time. */
#include "base/limits.h"
#include "model/json.h"
#include "report/queue.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#define MINUTE_MS 60000LL
#define HOUR_MS   (60 * MINUTE_MS)
#define BEGIN_MS  1700000000000LL

static struct report_message *message_of(bool is_status, const char *context, const char *subject,
                                         const char *state)
{
    struct report_message *message = NEW(struct report_message);
    *message = (struct report_message){.is_status = is_status,
                                       .context = memory_strdup(context),
                                       .subject = memory_strdup(subject),
                                       .state = memory_strdup(state),
                                       .text = memory_strdup(state)};
    return message;
}

static bool push(struct report_queue *queue, const char *subject, const char *state, int64_t now_ms)
{
    return report_queue_push(queue, message_of(true, "davit/demo", subject, state), now_ms);
}

static bool push_event(struct report_queue *queue, const char *subject, const char *state, int64_t now_ms)
{
    return report_queue_push(queue, message_of(false, "deployment demo/web", subject, state), now_ms);
}

static bool settle(struct report_queue *queue, enum report_verdict verdict, int64_t now_ms)
{
    const struct report_outcome outcome = {.verdict = verdict,
                                           .chance = (unsigned)now_ms,
                                           .why = verdict == REPORT_DELIVERED ? NULL : "it is down"};
    return report_queue_settle(queue, &outcome, now_ms);
}

/* "subject state" of what leaves, and it is delivered. */
static void expect_delivery(struct report_queue *queue, const char *subject, const char *state,
                            int64_t now_ms)
{
    const struct report_message *message = report_queue_next(queue, now_ms);
    assert_non_null(message);
    assert_string_equal(message->subject, subject);
    assert_string_equal(message->state, state);
    settle(queue, REPORT_DELIVERED, now_ms);
}

static void test_each_state_is_told_once(void **state)
{
    (void)state;
    struct report_queue *queue CLEANUP(report_queue_freep) = report_queue_new();
    assert_true(push(queue, "c1", REPORT_PENDING, BEGIN_MS));
    assert_false(push(queue, "c1", REPORT_PENDING, BEGIN_MS));
    expect_delivery(queue, "c1", REPORT_PENDING, BEGIN_MS);
    assert_false(push(queue, "c1", REPORT_PENDING, BEGIN_MS));
    assert_true(push(queue, "c1", REPORT_FAILURE, BEGIN_MS));
    assert_true(push(queue, "c2", REPORT_PENDING, BEGIN_MS)); /* of another commit */
    expect_delivery(queue, "c1", REPORT_FAILURE, BEGIN_MS);
    expect_delivery(queue, "c2", REPORT_PENDING, BEGIN_MS);
    assert_true(push(queue, "c1", REPORT_PENDING, BEGIN_MS)); /* davit retry */
    expect_delivery(queue, "c1", REPORT_PENDING, BEGIN_MS);
    assert_null(report_queue_next(queue, BEGIN_MS));
    assert_int_equal(report_queue_due_ms(queue), INT64_MAX);
}

static void test_a_newer_state_takes_the_place(void **state)
{
    (void)state;
    struct report_queue *queue CLEANUP(report_queue_freep) = report_queue_new();
    push(queue, "c1", REPORT_PENDING, BEGIN_MS);
    push(queue, "c2", REPORT_PENDING, BEGIN_MS);
    push(queue, "c1", REPORT_SUCCESS, BEGIN_MS);
    assert_int_equal(report_queue_len(queue), 2);
    expect_delivery(queue, "c1", REPORT_SUCCESS, BEGIN_MS);
    expect_delivery(queue, "c2", REPORT_PENDING, BEGIN_MS);
    assert_null(report_queue_next(queue, BEGIN_MS));
}

static bool refuse(struct report_queue *queue, const char *reason)
{
    struct report_message *message = message_of(true, "davit/demo", "c1", REPORT_FAILURE);
    message->reason = memory_strdup(reason);
    return report_queue_push(queue, message, BEGIN_MS);
}

static void test_each_reason_is_told_once(void **state)
{
    (void)state;
    struct report_queue *queue CLEANUP(report_queue_freep) = report_queue_new();
    struct report_told told;
    assert_true(refuse(queue, "it is not signed"));
    assert_false(refuse(queue, "it is not signed"));
    expect_delivery(queue, "c1", REPORT_FAILURE, BEGIN_MS);
    assert_true(refuse(queue, "its key has expired"));
    json_t *json CLEANUP(json_decrefp) = report_queue_to_json(queue);
    struct report_queue *again CLEANUP(report_queue_freep) = report_queue_from_json(json);
    assert_false(refuse(again, "its key has expired"));
    assert_true(refuse(again, "it is not signed")); /* in the place of the one that waits, as in Q2 */
    assert_true(refuse(again, "its key has expired"));
    assert_int_equal(report_queue_len(again), 1);
    expect_delivery(again, "c1", REPORT_FAILURE, BEGIN_MS);
    assert_false(refuse(again, "its key has expired"));
    assert_true(refuse(again, "it is not signed"));
    assert_true(report_queue_told(again, "davit/demo", "c1", &told));
    assert_string_equal(told.state, REPORT_FAILURE);
    assert_false(report_queue_told(again, "davit/demo", "c2", &told));
    assert_false(report_queue_told(again, "davit/demo", NULL, &told)); /* it is no event */
}

/* It is as young as its state, and one that has failed may be replaced as well. */
static void test_a_newer_state_after_a_failure(void **state)
{
    (void)state;
    struct report_queue *queue CLEANUP(report_queue_freep) = report_queue_new();
    push(queue, "c1", REPORT_PENDING, BEGIN_MS);
    report_queue_next(queue, BEGIN_MS);
    settle(queue, REPORT_FAILED, BEGIN_MS);
    push(queue, "c1", REPORT_SUCCESS, BEGIN_MS + HOUR_MS);
    assert_int_equal(report_queue_len(queue), 1);
    expect_delivery(queue, "c1", REPORT_SUCCESS, BEGIN_MS + LIMIT_REPORT_AGE_MS);
}

/* Q3: what is under way is not changed; pending never comes after failure. */
static void test_a_newer_state_while_one_is_under_way(void **state)
{
    (void)state;
    for (int fails = 0; fails < 2; fails++) {
        struct report_queue *queue CLEANUP(report_queue_freep) = report_queue_new();
        push(queue, "c1", REPORT_PENDING, BEGIN_MS);
        const struct report_message *message = report_queue_next(queue, BEGIN_MS);
        push(queue, "c1", REPORT_FAILURE, BEGIN_MS);
        assert_string_equal(message->state, REPORT_PENDING);
        assert_null(report_queue_next(queue, BEGIN_MS)); /* one at a time */
        settle(queue, fails ? REPORT_FAILED : REPORT_DELIVERED, BEGIN_MS);
        assert_int_equal(report_queue_len(queue), 1);
        expect_delivery(queue, "c1", REPORT_FAILURE, BEGIN_MS + HOUR_MS);
        assert_null(report_queue_next(queue, BEGIN_MS + HOUR_MS));
    }
}

/* The receiver is down for an hour: what came meanwhile arrives once, in order, soon after. */
static void test_down_for_an_hour(void **state)
{
    (void)state;
    struct report_queue *queue CLEANUP(report_queue_freep) = report_queue_new();
    int64_t now_ms = BEGIN_MS;
    int tries = 0;
    int news = 0;
    int64_t longest_ms = 0;
    push(queue, "c1", REPORT_PENDING, now_ms);
    while (now_ms < BEGIN_MS + HOUR_MS) {
        if (tries == 3) {
            push(queue, "c1", REPORT_FAILURE, now_ms);
            push(queue, "c2", REPORT_PENDING, now_ms);
            push_event(queue, "d1", "IN_PROGRESS", now_ms);
            push_event(queue, "d1", "COMPLETED", now_ms);
            push(queue, "c2", REPORT_SUCCESS, now_ms);
        }
        assert_non_null(report_queue_next(queue, now_ms));
        news += settle(queue, REPORT_FAILED, now_ms);
        assert_string_equal(report_queue_trouble(queue), "it is down");
        tries++;
        int64_t due_ms = report_queue_due_ms(queue);
        assert_true(due_ms > now_ms);
        assert_null(report_queue_next(queue, due_ms - 1));
        longest_ms = due_ms - now_ms > longest_ms ? due_ms - now_ms : longest_ms;
        now_ms = due_ms;
    }
    assert_in_range(tries, 10, 30);
    assert_in_range(longest_ms, LIMIT_REPORT_BACKOFF_MS / 2, LIMIT_REPORT_BACKOFF_MS);
    assert_int_equal(news, 1);
    assert_non_null(report_queue_next(queue, now_ms));
    assert_true(settle(queue, REPORT_DELIVERED, now_ms)); /* it works again: that is news */
    assert_null(report_queue_trouble(queue));
    expect_delivery(queue, "c2", REPORT_SUCCESS, now_ms);
    expect_delivery(queue, "d1", "IN_PROGRESS", now_ms);
    expect_delivery(queue, "d1", "COMPLETED", now_ms);
    assert_null(report_queue_next(queue, now_ms));
    assert_int_equal(report_queue_delivered(queue), 4);
    assert_int_equal(report_queue_dropped(queue), 0);
}

static void test_pauses_that_are_asked_for(void **state)
{
    (void)state;
    static const struct {
        int64_t asked_ms;
        int64_t min_ms;
        int64_t max_ms;
    } cases[] = {{0, 2500, 5000},
                 {120000, 120000, 120000},
                 {90 * HOUR_MS, LIMIT_REPORT_PAUSE_MS, LIMIT_REPORT_PAUSE_MS}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct report_queue *queue CLEANUP(report_queue_freep) = report_queue_new();
        push(queue, "c1", REPORT_PENDING, BEGIN_MS);
        report_queue_next(queue, BEGIN_MS);
        report_queue_settle(queue,
                            &(struct report_outcome){.verdict = REPORT_FAILED,
                                                     .pause_ms = cases[i].asked_ms,
                                                     .chance = 4711,
                                                     .why = "it answers 429"},
                            BEGIN_MS);
        assert_in_range(report_queue_due_ms(queue) - BEGIN_MS, cases[i].min_ms, cases[i].max_ms);
    }
}

static void test_what_is_refused_is_dropped(void **state)
{
    (void)state;
    struct report_queue *queue CLEANUP(report_queue_freep) = report_queue_new();
    push(queue, "c1", REPORT_PENDING, BEGIN_MS);
    push(queue, "c2", REPORT_PENDING, BEGIN_MS);
    report_queue_next(queue, BEGIN_MS);
    assert_true(settle(queue, REPORT_REFUSED, BEGIN_MS));
    assert_int_equal(report_queue_dropped(queue), 1);
    assert_false(push(queue, "c1", REPORT_PENDING, BEGIN_MS)); /* not again */
    assert_non_null(report_queue_next(queue, BEGIN_MS));       /* without a pause */
    assert_false(settle(queue, REPORT_REFUSED, BEGIN_MS));     /* one warning */
    push(queue, "c1", REPORT_SUCCESS, BEGIN_MS);
    report_queue_next(queue, BEGIN_MS);
    assert_true(settle(queue, REPORT_DELIVERED, BEGIN_MS));
}

/* What may never be taken holds up nobody, and is not forgotten. */
static void test_what_is_aside_lets_others_pass(void **state)
{
    (void)state;
    struct report_queue *queue CLEANUP(report_queue_freep) = report_queue_new();
    push(queue, "c1", REPORT_PENDING, BEGIN_MS);
    push(queue, "c2", REPORT_PENDING, BEGIN_MS);
    report_queue_next(queue, BEGIN_MS);
    assert_true(settle(queue, REPORT_SET_ASIDE, BEGIN_MS));
    report_queue_next(queue, BEGIN_MS);
    assert_false(settle(queue, REPORT_DELIVERED, BEGIN_MS)); /* nor does it work again with that */
    assert_null(report_queue_next(queue, BEGIN_MS));
    assert_string_equal(report_queue_trouble(queue), "it is down"); /* one waits on */
    push(queue, "c2", REPORT_SUCCESS, BEGIN_MS);
    expect_delivery(queue, "c2", REPORT_SUCCESS, BEGIN_MS);
    assert_in_range(report_queue_due_ms(queue), BEGIN_MS + 2500, BEGIN_MS + 5000);
    expect_delivery(queue, "c1", REPORT_PENDING, BEGIN_MS + 5000);
    assert_null(report_queue_trouble(queue));
    assert_int_equal(report_queue_dropped(queue), 0);
}

/* It is told once, also while it is tried again, and so is its end. */
static void test_what_is_aside_is_told_once(void **state)
{
    (void)state;
    struct report_queue *queue CLEANUP(report_queue_freep) = report_queue_new();
    int64_t now_ms = BEGIN_MS;
    push(queue, "c1", REPORT_PENDING, now_ms);
    report_queue_next(queue, now_ms);
    assert_true(settle(queue, REPORT_SET_ASIDE, now_ms));
    for (int i = 0; i < 3; i++) {
        now_ms = report_queue_due_ms(queue);
        assert_non_null(report_queue_next(queue, now_ms));
        assert_string_equal(report_queue_trouble(queue), "it is down");
        assert_false(settle(queue, REPORT_SET_ASIDE, now_ms));
    }
    now_ms = report_queue_due_ms(queue);
    assert_non_null(report_queue_next(queue, now_ms));
    assert_true(settle(queue, REPORT_DELIVERED, now_ms));
    assert_null(report_queue_trouble(queue));
    push(queue, "c2", REPORT_PENDING, now_ms);
    report_queue_next(queue, now_ms);
    assert_true(settle(queue, REPORT_SET_ASIDE, now_ms));
    now_ms = report_queue_due_ms(queue);
    report_queue_next(queue, now_ms);
    assert_true(settle(queue, REPORT_REFUSED, now_ms)); /* for good */
}

/* Each in its turn, less and less often, whatever else is delivered. */
static void test_those_aside_take_turns(void **state)
{
    (void)state;
    struct report_queue *queue CLEANUP(report_queue_freep) = report_queue_new();
    int64_t now_ms = BEGIN_MS;
    char last[8] = "";
    int tries = 0;
    for (int i = 0; i < 2; i++) {
        push(queue, i ? "c2" : "c1", REPORT_PENDING, now_ms);
        report_queue_next(queue, now_ms);
        settle(queue, REPORT_SET_ASIDE, now_ms);
    }
    while ((now_ms = report_queue_due_ms(queue)) < BEGIN_MS + HOUR_MS) {
        const struct report_message *message = report_queue_next(queue, now_ms);
        assert_non_null(message);
        assert_string_not_equal(message->subject, last);
        snprintf(last, sizeof last, "%s", message->subject);
        settle(queue, REPORT_SET_ASIDE, now_ms);
        char other[32];
        snprintf(other, sizeof other, "other %d", tries++);
        push(queue, other, REPORT_SUCCESS, now_ms);
        expect_delivery(queue, other, REPORT_SUCCESS, now_ms);
    }
    assert_in_range(tries, 10, 30);
    assert_int_equal(report_queue_len(queue), 2);
    push(queue, "c3", REPORT_PENDING, now_ms); /* may be taken in a moment */
    report_queue_next(queue, now_ms);
    settle(queue, REPORT_SET_ASIDE, now_ms);
    assert_in_range(report_queue_due_ms(queue) - now_ms, 2500, 5000);
}

static void test_what_is_aside_is_replaced_expires_and_makes_way(void **state)
{
    (void)state;
    struct report_queue *queue CLEANUP(report_queue_freep) = report_queue_new();
    char subject[32];
    for (int i = 0; i < 3; i++) {
        snprintf(subject, sizeof subject, "c%d", i);
        push(queue, subject, REPORT_PENDING, BEGIN_MS);
        report_queue_next(queue, BEGIN_MS);
        settle(queue, REPORT_SET_ASIDE, BEGIN_MS);
    }
    push(queue, "c1", REPORT_SUCCESS, BEGIN_MS);
    assert_int_equal(report_queue_len(queue), 3);
    expect_delivery(queue, "c1", REPORT_SUCCESS, BEGIN_MS); /* it is new, so at once */
    push(queue, "c3", REPORT_PENDING, BEGIN_MS + HOUR_MS);
    assert_int_equal(report_queue_len(queue), 3);
    report_queue_next(queue, BEGIN_MS + HOUR_MS);
    settle(queue, REPORT_SET_ASIDE, BEGIN_MS + HOUR_MS);
    expect_delivery(queue, "c3", REPORT_PENDING, BEGIN_MS + LIMIT_REPORT_AGE_MS);
    assert_int_equal(report_queue_dropped(queue), 2); /* c0 and c2, a day old */
    assert_int_equal(report_queue_len(queue), 0);
    push(queue, "c4", REPORT_PENDING, BEGIN_MS);
    report_queue_next(queue, BEGIN_MS);
    settle(queue, REPORT_SET_ASIDE, BEGIN_MS);
    for (int i = 0; i < LIMIT_REPORT_QUEUE; i++) {
        snprintf(subject, sizeof subject, "d%d", i);
        push_event(queue, subject, "COMPLETED", BEGIN_MS);
    }
    assert_int_equal(report_queue_dropped(queue), 3);
    expect_delivery(queue, "d0", "COMPLETED", BEGIN_MS);
}

static void test_a_mended_token_is_tried_at_once(void **state)
{
    (void)state;
    struct report_queue *queue CLEANUP(report_queue_freep) = report_queue_new();
    push(queue, "c1", REPORT_PENDING, BEGIN_MS);
    report_queue_next(queue, BEGIN_MS);
    settle(queue, REPORT_SET_ASIDE, BEGIN_MS);
    push(queue, "c2", REPORT_PENDING, BEGIN_MS);
    report_queue_next(queue, BEGIN_MS);
    settle(queue, REPORT_FAILED, BEGIN_MS);
    assert_null(report_queue_next(queue, BEGIN_MS + 1));
    report_queue_hurry(queue, BEGIN_MS + 1);
    expect_delivery(queue, "c2", REPORT_PENDING, BEGIN_MS + 1);
    expect_delivery(queue, "c1", REPORT_PENDING, BEGIN_MS + 1);
}

static struct report_queue *restart(struct report_queue *queue)
{
    json_t *json CLEANUP(json_decrefp) = report_queue_to_json(queue);
    return report_queue_from_json(json);
}

/* Q9 */
static void test_what_was_dropped_is_told_again_once(void **state)
{
    (void)state;
    struct report_queue *queue CLEANUP(report_queue_freep) = report_queue_new();
    push(queue, "c1", REPORT_PENDING, BEGIN_MS);
    expect_delivery(queue, "c1", REPORT_PENDING, BEGIN_MS);
    push(queue, "c1", REPORT_SUCCESS, BEGIN_MS);
    push_event(queue, "d1", "COMPLETED", BEGIN_MS);
    report_queue_next(queue, BEGIN_MS);
    settle(queue, REPORT_REFUSED, BEGIN_MS);
    report_queue_next(queue, BEGIN_MS);
    settle(queue, REPORT_REFUSED, BEGIN_MS);
    struct report_queue *again CLEANUP(report_queue_freep) = restart(queue);
    assert_false(push_event(again, "d1", "COMPLETED", BEGIN_MS)); /* what follows goes by it */
    assert_true(push(again, "c1", REPORT_SUCCESS, BEGIN_MS));
    assert_false(push(again, "c1", REPORT_SUCCESS, BEGIN_MS));
    report_queue_look_begin(queue, BEGIN_MS + LIMIT_REPORT_AGE_MS - 1);
    assert_false(push(queue, "c1", REPORT_SUCCESS, BEGIN_MS));
    report_queue_look_begin(queue, BEGIN_MS + LIMIT_REPORT_AGE_MS);
    assert_true(push(queue, "c1", REPORT_SUCCESS, BEGIN_MS));
    expect_delivery(queue, "c1", REPORT_SUCCESS, BEGIN_MS);
    struct report_queue *last CLEANUP(report_queue_freep) = restart(queue);
    assert_false(push(last, "c1", REPORT_SUCCESS, BEGIN_MS));
}

static void test_a_day_is_enough(void **state)
{
    (void)state;
    struct report_queue *queue CLEANUP(report_queue_freep) = report_queue_new();
    push(queue, "c1", REPORT_SUCCESS, BEGIN_MS);
    push(queue, "c2", REPORT_SUCCESS, BEGIN_MS + HOUR_MS);
    report_queue_next(queue, BEGIN_MS);
    settle(queue, REPORT_FAILED, BEGIN_MS);
    expect_delivery(queue, "c2", REPORT_SUCCESS, BEGIN_MS + LIMIT_REPORT_AGE_MS);
    assert_int_equal(report_queue_dropped(queue), 1);
}

static void test_the_oldest_make_way(void **state)
{
    (void)state;
    struct report_queue *queue CLEANUP(report_queue_freep) = report_queue_new();
    char subject[32];
    for (int i = 0; i <= LIMIT_REPORT_QUEUE + 1; i++) {
        snprintf(subject, sizeof subject, "d%d", i);
        push_event(queue, subject, "COMPLETED", BEGIN_MS);
        if (i == 0)
            report_queue_next(queue, BEGIN_MS); /* what is under way stays */
    }
    assert_int_equal(report_queue_len(queue), LIMIT_REPORT_QUEUE);
    assert_int_equal(report_queue_dropped(queue), 2);
    json_t *json CLEANUP(json_decrefp) = report_queue_to_json(queue);
    const json_t *first = json_array_get(json_object_get(json, "waiting"), 0);
    assert_string_equal(model_string(first, "subject"), "d0");
    settle(queue, REPORT_DELIVERED, BEGIN_MS);
    expect_delivery(queue, "d3", "COMPLETED", BEGIN_MS);
}

/* Q6, Q7 */
static void test_a_look_ends_what_it_did_not_see(void **state)
{
    (void)state;
    struct report_queue *queue CLEANUP(report_queue_freep) = report_queue_new();
    struct string_vec superseded;
    struct report_told told;
    assert_true(report_queue_is_new(queue));
    report_queue_look_begin(queue, BEGIN_MS);
    push(queue, "c1", REPORT_PENDING, BEGIN_MS);
    push(queue, "c0", REPORT_SUCCESS, BEGIN_MS);
    push_event(queue, "d1", "IN_PROGRESS", BEGIN_MS);
    report_queue_look_end(queue, &superseded);
    assert_int_equal(superseded.len, 0);
    assert_false(report_queue_is_new(queue));
    report_queue_look_begin(queue, BEGIN_MS);
    push(queue, "c2", REPORT_PENDING, BEGIN_MS);
    report_queue_look_end(queue, &superseded);
    assert_int_equal(superseded.len, 2);
    assert_string_equal(superseded.items[0], "davit/demo");
    assert_string_equal(superseded.items[1], "c1");
    string_vec_deinit(&superseded);
    assert_false(report_queue_told(queue, "deployment demo/web", NULL, &told)); /* forgotten */
    push(queue, "c1", REPORT_SUPERSEDED, BEGIN_MS);
    expect_delivery(queue, "c1", REPORT_SUPERSEDED, BEGIN_MS); /* in the place of pending */
    for (int i = 0; i < 2; i++) {
        report_queue_look_begin(queue, BEGIN_MS);
        push(queue, "c2", REPORT_PENDING, BEGIN_MS);
        report_queue_look_end(queue, &superseded);
        assert_int_equal(superseded.len, 0); /* told once */
    }
}

static void test_a_restart_forgets_nothing(void **state)
{
    (void)state;
    struct report_queue *queue CLEANUP(report_queue_freep) = report_queue_new();
    struct string_vec superseded;
    report_queue_look_begin(queue, BEGIN_MS);
    push(queue, "c1", REPORT_PENDING, BEGIN_MS);
    expect_delivery(queue, "c1", REPORT_PENDING, BEGIN_MS);
    push(queue, "c1", REPORT_FAILURE, BEGIN_MS);
    push_event(queue, "d1", "IN_PROGRESS", BEGIN_MS);
    report_queue_note(queue, message_of(false, "deployment demo/db", "d0", "COMPLETED"));
    report_queue_look_end(queue, &superseded);
    report_queue_next(queue, BEGIN_MS); /* under way when davit is killed */
    json_t *json CLEANUP(json_decrefp) = report_queue_to_json(queue);
    struct report_queue *again CLEANUP(report_queue_freep) = report_queue_from_json(json);
    struct report_told told;
    assert_false(report_queue_is_new(again));
    assert_false(push(again, "c1", REPORT_FAILURE, BEGIN_MS));
    assert_true(report_queue_told(again, "deployment demo/db", NULL, &told));
    assert_string_equal(told.subject, "d0");
    expect_delivery(again, "c1", REPORT_FAILURE, BEGIN_MS);
    expect_delivery(again, "d1", "IN_PROGRESS", BEGIN_MS);
    assert_null(report_queue_next(again, BEGIN_MS));
    assert_false(push(again, "c1", REPORT_FAILURE, BEGIN_MS));
}

static void test_a_file_that_is_damaged(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{}", "[]", "{\"told\": 1, \"waiting\": {}}",
        "{\"told\": [1, {}, {\"context\": 1}], \"waiting\": [null, {\"subject\": "
        "\"x\"}]}"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        json_t *json CLEANUP(json_decrefp) = json_loads(texts[i], 0, NULL);
        struct report_queue *queue CLEANUP(report_queue_freep) = report_queue_from_json(json);
        assert_int_equal(report_queue_len(queue), 0);
        assert_true(push(queue, "c1", REPORT_PENDING, BEGIN_MS));
    }
    struct report_queue *queue CLEANUP(report_queue_freep) = report_queue_from_json(NULL);
    assert_true(report_queue_is_new(queue));
    json_t *waiting = json_array();
    for (int i = 0; i <= LIMIT_REPORT_QUEUE; i++)
        json_array_append_new(waiting,
                              json_pack("{s:s,s:s,s:s}", "context", "c", "subject", "s", "state", "x"));
    json_t *long_one CLEANUP(json_decrefp) = json_pack("{s:o}", "waiting", waiting);
    struct report_queue *full CLEANUP(report_queue_freep) = report_queue_from_json(long_one);
    assert_int_equal(report_queue_len(full), LIMIT_REPORT_QUEUE);
}

/* Q8 */
static void test_the_clock_goes_back(void **state)
{
    (void)state;
    struct report_queue *queue CLEANUP(report_queue_freep) = report_queue_new();
    push(queue, "c1", REPORT_PENDING, BEGIN_MS);
    report_queue_next(queue, BEGIN_MS);
    settle(queue, REPORT_FAILED, BEGIN_MS);
    expect_delivery(queue, "c1", REPORT_PENDING, BEGIN_MS - 2 * HOUR_MS);
    push(queue, "c2", REPORT_PENDING, BEGIN_MS);
    report_queue_next(queue, BEGIN_MS);
    settle(queue, REPORT_SET_ASIDE, BEGIN_MS);
    expect_delivery(queue, "c2", REPORT_PENDING, BEGIN_MS - 2 * HOUR_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_state_is_told_once),
        cmocka_unit_test(test_each_reason_is_told_once),
        cmocka_unit_test(test_a_newer_state_takes_the_place),
        cmocka_unit_test(test_a_newer_state_after_a_failure),
        cmocka_unit_test(test_a_newer_state_while_one_is_under_way),
        cmocka_unit_test(test_down_for_an_hour),
        cmocka_unit_test(test_pauses_that_are_asked_for),
        cmocka_unit_test(test_what_is_refused_is_dropped),
        cmocka_unit_test(test_what_is_aside_lets_others_pass),
        cmocka_unit_test(test_what_is_aside_is_told_once),
        cmocka_unit_test(test_those_aside_take_turns),
        cmocka_unit_test(test_what_is_aside_is_replaced_expires_and_makes_way),
        cmocka_unit_test(test_a_mended_token_is_tried_at_once),
        cmocka_unit_test(test_what_was_dropped_is_told_again_once),
        cmocka_unit_test(test_a_day_is_enough),
        cmocka_unit_test(test_the_oldest_make_way),
        cmocka_unit_test(test_a_look_ends_what_it_did_not_see),
        cmocka_unit_test(test_a_restart_forgets_nothing),
        cmocka_unit_test(test_a_file_that_is_damaged),
        cmocka_unit_test(test_the_clock_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
