#include "report/queue.h"

#include "base/limits.h"
#include "base/map.h"
#include "base/text.h"
#include "base/vector.h"
#include "model/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define BACKOFF_FIRST_MS 5000

struct told {
    char *context;
    char *subject;
    char *state;
    char *reason; /* or NULL */
    bool is_status;
    unsigned look;                  /* that saw it last */
    int64_t lost_ms;                /* Q9: when it was dropped; 0: it was not */
    struct report_message *waiting; /* borrowed: in the queue, has not left and may be replaced; NULL: none */
};

struct report_queue {
    /* The first may be under way; those that are aside are last. */
    struct report_message_vec VECTOR_OF(struct report_message *) messages;
    size_t aside;     /* how many are */
    bool is_again;    /* what is under way was aside before */
    int aside_in_row; /* failures of those that are aside */
    int64_t aside_ms; /* not before */
    char *aside_why;  /* the last of them */
    struct map told;  /* key_of() -> struct told, owned */
    unsigned look;
    bool is_new;
    bool under_way;
    int failures_in_row;
    int64_t next_ms; /* not before */
    uint64_t delivered;
    uint64_t dropped;
    uint64_t changes;
    char *trouble;
};

static void told_free(struct told *told)
{
    free(told->context);
    free(told->subject);
    free(told->state);
    free(told->reason);
    free(told);
}

struct report_queue *report_queue_new(void)
{
    struct report_queue *queue = NEW(struct report_queue);
    queue->told = MAP_INIT(told_free);
    queue->is_new = true;
    return queue;
}

void report_queue_free(struct report_queue *queue)
{
    if (!queue)
        return;
    for (size_t i = 0; i < queue->messages.len; i++)
        report_message_free(queue->messages.items[i]);
    vector_deinit(&queue->messages);
    map_deinit(&queue->told);
    free(queue->aside_why);
    free(queue->trouble);
    free(queue);
}

/* --- what was told -------------------------------------------------------------------------------------- */

/* Two commits have a status each, of events the last is what counts. Caller frees. */
static char *key_of(bool is_status, const char *context, const char *subject)
{
    return memory_printf("%s\n%s", context, is_status ? subject : "");
}

static struct told *told_of(const struct report_queue *queue, const struct report_message *message)
{
    char *key CLEANUP_FREE = key_of(message->is_status, message->context, message->subject);
    return map_get(&queue->told, key);
}

static bool is_same(const struct told *told, const struct report_message *message)
{
    return told && text_equal(told->subject, message->subject) && text_equal(told->state, message->state) &&
           text_equal(told->reason, message->reason);
}

static struct told *tell(struct report_queue *queue, const struct report_message *message)
{
    struct told *told = NEW(struct told);
    *told = (struct told){.context = memory_strdup(message->context),
                          .subject = memory_strdup(message->subject),
                          .state = memory_strdup(message->state),
                          .reason = memory_strdup(message->reason),
                          .is_status = message->is_status,
                          .look = queue->look};
    char *key CLEANUP_FREE = key_of(message->is_status, message->context, message->subject);
    map_put(&queue->told, key, told);
    queue->changes++;
    return told;
}

void report_queue_look_begin(struct report_queue *queue, int64_t now_ms)
{
    assert(queue);
    queue->look++;
    map_for_each (&queue->told, entry) {
        const struct told *told = entry->value;
        if (told->lost_ms && now_ms - told->lost_ms >= LIMIT_REPORT_AGE_MS)
            map_remove(&queue->told, entry->key);
    }
}

bool report_queue_knows(struct report_queue *queue, const struct report_message *message)
{
    assert(queue);
    struct told *told = told_of(queue, message);
    if (told)
        told->look = queue->look;
    return is_same(told, message);
}

bool report_queue_told(struct report_queue *queue, const char *context, const char *commit,
                       struct report_told *ret_told)
{
    assert(queue);
    char *key CLEANUP_FREE = key_of(commit != NULL, context, commit);
    struct told *told = map_get(&queue->told, key);
    if (!told)
        return false;
    told->look = queue->look;
    *ret_told = (struct report_told){told->subject, told->state};
    return true;
}

void report_queue_note(struct report_queue *queue, struct report_message *message)
{
    assert(queue);
    if (!report_queue_knows(queue, message))
        tell(queue, message);
    report_message_free(message);
}

void report_queue_look_end(struct report_queue *queue, struct string_vec *ret_superseded)
{
    assert(queue);
    *ret_superseded = (struct string_vec){0};
    queue->changes += queue->is_new;
    queue->is_new = false;
    map_for_each (&queue->told, entry) {
        const struct told *told = entry->value;
        if (told->look == queue->look)
            continue;
        if (told->is_status && text_equal(told->state, REPORT_PENDING)) {
            vector_push(ret_superseded, memory_strdup(told->context));
            vector_push(ret_superseded, memory_strdup(told->subject));
        } else {
            map_remove(&queue->told, entry->key);
            queue->changes++;
        }
    }
}

/* --- what waits ----------------------------------------------------------------------------------------- */

/* Index of the first that is aside. */
static size_t fresh_len(const struct report_queue *queue)
{
    return queue->messages.len - queue->aside;
}

static struct report_message *pull(struct report_queue *queue, size_t index)
{
    struct report_message *message = queue->messages.items[index];
    queue->aside -= index >= fresh_len(queue);
    vector_remove(&queue->messages, index);
    return message;
}

static void put(struct report_queue *queue, size_t index, struct report_message *message)
{
    struct report_message **items;
    vector_push(&queue->messages, message);
    items = queue->messages.items;
    memmove(&items[index + 1], &items[index],
            (queue->messages.len - 1 - index) * sizeof(struct report_message *));
    items[index] = message;
}

static void take_out(struct report_queue *queue, size_t index)
{
    struct report_message *message = pull(queue, index);
    struct told *told = told_of(queue, message);
    if (told && told->waiting == message)
        told->waiting = NULL;
    report_message_free(message);
    queue->changes++;
}

static void set_trouble(char **trouble, const char *why)
{
    free(*trouble);
    *trouble = memory_strdup(why);
}

/* What comes of events goes by the last that was told of: of these nothing is told again. */
static void drop(struct report_queue *queue, size_t index, int64_t now_ms, const char *why)
{
    const struct report_message *message = queue->messages.items[index];
    struct told *told = message->is_status ? told_of(queue, message) : NULL;
    if (is_same(told, message))
        told->lost_ms = now_ms;
    take_out(queue, index);
    queue->dropped++;
    set_trouble(&queue->trouble, why);
}

/* Q2: it keeps its place in the order; one that is aside is new again. */
static void replace(struct report_queue *queue, struct report_message *waiting,
                    struct report_message *message)
{
    struct report_message old = *waiting;
    *waiting = *message;
    *message = old;
    report_message_free(message);
    for (size_t i = fresh_len(queue); i < queue->messages.len; i++)
        if (queue->messages.items[i] == waiting) {
            pull(queue, i);
            put(queue, fresh_len(queue), waiting);
            return;
        }
}

/* Q4 */
static void make_way(struct report_queue *queue, int64_t now_ms)
{
    size_t index = queue->aside ? fresh_len(queue) : queue->under_way ? 1 : 0;
    drop(queue, index, now_ms, "messages are dropped: too many wait (LIMIT_REPORT_QUEUE)");
}

bool report_queue_push(struct report_queue *queue, struct report_message *message, int64_t now_ms)
{
    assert(queue);
    assert(message && message->context && message->subject && message->state && message->text);
    if (report_queue_knows(queue, message)) {
        report_message_free(message);
        return false;
    }
    message->push_ms = now_ms;
    const struct told *before = told_of(queue, message);
    struct report_message *waiting = before ? before->waiting : NULL;
    struct told *told = tell(queue, message);
    if (waiting) {
        replace(queue, waiting, message);
        told->waiting = waiting;
        return true;
    }
    if (queue->messages.len >= LIMIT_REPORT_QUEUE)
        make_way(queue, now_ms);
    put(queue, fresh_len(queue), message);
    told->waiting = message->is_status ? message : NULL;
    return true;
}

/* --- delivery ------------------------------------------------------------------------------------------- */

/* Q8 */
static void bound_pause(int64_t *due_ms, int64_t now_ms)
{
    if (*due_ms > now_ms + LIMIT_REPORT_PAUSE_MS)
        *due_ms = now_ms;
}

/* Q5; returns whether it was. */
static bool drop_old(struct report_queue *queue, size_t index, int64_t now_ms)
{
    if (now_ms - queue->messages.items[index]->push_ms < LIMIT_REPORT_AGE_MS)
        return false;
    drop(queue, index, now_ms,
         "messages are dropped: they could not be delivered for a day (LIMIT_REPORT_AGE_MS)");
    return true;
}

/* False: none of those that are aside is due. */
static bool fetch_aside(struct report_queue *queue, int64_t now_ms)
{
    if (now_ms < queue->aside_ms)
        return false;
    for (size_t i = queue->messages.len; i > 0; i--)
        drop_old(queue, i - 1, now_ms);
    if (!queue->aside)
        return false;
    queue->aside--;
    return true;
}

const struct report_message *report_queue_next(struct report_queue *queue, int64_t now_ms)
{
    assert(queue);
    if (queue->under_way)
        return NULL;
    bound_pause(&queue->next_ms, now_ms);
    bound_pause(&queue->aside_ms, now_ms);
    while (fresh_len(queue) && drop_old(queue, 0, now_ms))
        ;
    if (!queue->messages.len || now_ms < queue->next_ms)
        return NULL;
    queue->is_again = !fresh_len(queue);
    if (queue->is_again && !fetch_aside(queue, now_ms))
        return NULL;
    struct told *told = told_of(queue, queue->messages.items[0]);
    if (told && told->waiting == queue->messages.items[0])
        told->waiting = NULL;
    queue->under_way = true;
    return queue->messages.items[0];
}

int64_t report_queue_due_ms(const struct report_queue *queue)
{
    assert(queue);
    if (queue->under_way || !queue->messages.len)
        return INT64_MAX;
    return fresh_len(queue) || queue->next_ms > queue->aside_ms ? queue->next_ms : queue->aside_ms;
}

void report_queue_hurry(struct report_queue *queue, int64_t now_ms)
{
    assert(queue);
    queue->next_ms = queue->next_ms < now_ms ? queue->next_ms : now_ms;
    queue->aside_ms = queue->aside_ms < now_ms ? queue->aside_ms : now_ms;
}

static int64_t pause_of(int failures, const struct report_outcome *outcome)
{
    int64_t pause_ms = outcome->backoff_ms ? outcome->backoff_ms : BACKOFF_FIRST_MS;
    for (int i = 1; i < failures && pause_ms < LIMIT_REPORT_BACKOFF_MS; i++)
        pause_ms *= 2;
    if (pause_ms > LIMIT_REPORT_BACKOFF_MS)
        pause_ms = LIMIT_REPORT_BACKOFF_MS;
    pause_ms = pause_ms / 2 + (int64_t)(outcome->chance % (unsigned)(pause_ms / 2 + 1));
    int64_t asked_ms = outcome->pause_ms > LIMIT_REPORT_PAUSE_MS ? LIMIT_REPORT_PAUSE_MS : outcome->pause_ms;
    return asked_ms > pause_ms ? asked_ms : pause_ms;
}

/* Q3: a newer state has come meanwhile, or this one may still be replaced. Whether it stays. */
static bool put_back(struct report_queue *queue)
{
    struct report_message *message = queue->messages.items[0];
    struct told *told = message->is_status ? told_of(queue, message) : NULL;
    if (told && told->waiting) {
        take_out(queue, 0);
        return false;
    }
    if (is_same(told, message))
        told->waiting = message;
    return true;
}

/* One that is new may be taken in a moment, so it is not to wait as long as those that are there. */
static void set_aside(struct report_queue *queue, const struct report_outcome *outcome, int64_t now_ms)
{
    queue->aside_in_row = queue->is_again ? queue->aside_in_row + 1 : 1;
    queue->aside_ms = now_ms + pause_of(queue->aside_in_row, outcome);
    if (!put_back(queue))
        return;
    struct report_message *message = pull(queue, 0);
    put(queue, queue->is_again ? queue->messages.len : fresh_len(queue), message);
    queue->aside++;
}

static void fail(struct report_queue *queue, const struct report_outcome *outcome, int64_t now_ms)
{
    queue->failures_in_row++;
    queue->next_ms = now_ms + pause_of(queue->failures_in_row, outcome);
    put_back(queue);
}

bool report_queue_settle(struct report_queue *queue, const struct report_outcome *outcome, int64_t now_ms)
{
    assert(queue && queue->under_way && queue->messages.len);
    assert(outcome->verdict == REPORT_DELIVERED || outcome->why);
    bool was_well = !report_queue_trouble(queue);
    queue->under_way = false;
    if (outcome->verdict == REPORT_FAILED) {
        set_trouble(&queue->trouble, outcome->why);
        fail(queue, outcome, now_ms);
        return was_well;
    }
    queue->failures_in_row = 0;
    memory_freep(&queue->trouble);
    if (outcome->verdict == REPORT_DELIVERED) {
        queue->delivered++;
        take_out(queue, 0);
        return !was_well && !report_queue_trouble(queue);
    }
    if (outcome->verdict == REPORT_REFUSED) {
        drop(queue, 0, now_ms, outcome->why);
        return was_well || queue->is_again;
    }
    set_trouble(&queue->aside_why, outcome->why);
    set_aside(queue, outcome, now_ms);
    return was_well;
}

/* --- how it does ---------------------------------------------------------------------------------------- */

size_t report_queue_len(const struct report_queue *queue)
{
    assert(queue);
    return queue->messages.len;
}

uint64_t report_queue_delivered(const struct report_queue *queue)
{
    assert(queue);
    return queue->delivered;
}

uint64_t report_queue_dropped(const struct report_queue *queue)
{
    assert(queue);
    return queue->dropped;
}

const char *report_queue_trouble(const struct report_queue *queue)
{
    assert(queue);
    bool is_aside = queue->aside || (queue->under_way && queue->is_again);
    return queue->trouble || !is_aside ? queue->trouble : queue->aside_why;
}

uint64_t report_queue_changes(const struct report_queue *queue)
{
    assert(queue);
    return queue->changes;
}

bool report_queue_is_new(const struct report_queue *queue)
{
    assert(queue);
    return queue->is_new;
}

json_t *report_queue_to_json(const struct report_queue *queue)
{
    assert(queue);
    json_t *told = json_array();
    json_t *waiting = json_array();
    map_for_each (&queue->told, entry) {
        const struct told *one = entry->value;
        if (one->lost_ms) /* Q9 */
            continue;
        json_t *json = json_object();
        model_set_bool(json, "status", one->is_status);
        model_set_string(json, "context", one->context);
        model_set_string(json, "subject", one->subject);
        model_set_string(json, "state", one->state);
        model_set_string(json, "reason", one->reason);
        json_array_append_new(told, json);
    }
    for (size_t i = 0; i < queue->messages.len; i++)
        json_array_append_new(waiting, report_message_to_json(queue->messages.items[i]));
    return json_pack("{s:b, s:o, s:o}", "looked", !queue->is_new, "told", told, "waiting", waiting);
}

struct report_queue *report_queue_from_json(const json_t *json)
{
    struct report_queue *queue = report_queue_new();
    size_t i;
    const json_t *item;
    queue->is_new = !model_bool(json, "looked");
    json_array_foreach (json_object_get(json, "told"), i, item) {
        struct report_message *message CLEANUP(report_message_freep) = report_message_from_json(item);
        if (message)
            tell(queue, message);
    }
    json_array_foreach (json_object_get(json, "waiting"), i, item) {
        struct report_message *message = report_message_from_json(item);
        if (!message)
            continue;
        if (queue->messages.len >= LIMIT_REPORT_QUEUE) {
            report_message_free(message);
            break;
        }
        vector_push(&queue->messages, message);
        struct told *told = message->is_status ? told_of(queue, message) : NULL;
        if (is_same(told, message))
            told->waiting = message;
    }
    queue->changes = 0;
    return queue;
}
