#include "engine/sim_state.h"

#include <assert.h>

void sim_event_free(struct sim_event *event)
{
    if (!event)
        return;
    free(event->action);
    free(event->container_id);
    free(event);
}

static bool before(const struct sim_entry *a, const struct sim_entry *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void swap(struct sim_entry *a, struct sim_entry *b)
{
    struct sim_entry held = *a;
    *a = *b;
    *b = held;
}

void sim_queue_push(struct sim_queue *queue, const struct sim_entry *entry)
{
    vector_push(queue, *entry);
    for (size_t i = queue->len - 1; i > 0 && before(&queue->items[i], &queue->items[(i - 1) / 2]);
         i = (i - 1) / 2)
        swap(&queue->items[i], &queue->items[(i - 1) / 2]);
}

struct sim_entry sim_queue_pop(struct sim_queue *queue)
{
    assert(queue->len > 0);
    struct sim_entry top = queue->items[0];
    queue->items[0] = queue->items[--queue->len];
    for (size_t i = 0;;) {
        size_t least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < queue->len; child++)
            if (before(&queue->items[child], &queue->items[least]))
                least = child;
        if (least == i)
            return top;
        swap(&queue->items[i], &queue->items[least]);
        i = least;
    }
}

void sim_queue_deinit(struct sim_queue *queue)
{
    for (size_t i = 0; i < queue->len; i++)
        sim_event_free(queue->items[i].event);
    vector_deinit(queue);
}
