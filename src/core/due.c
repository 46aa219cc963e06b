/* Which services are to be planned: those marked, and those whose time has come. */
#include "core/state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void core_mark(struct core *core, struct service_state *service)
{
    assert(core);
    assert(service);
    core->dirty = true;
    if (service->dirty)
        return;
    service->dirty = true;
    vector_push(&core->marked, service);
}

void core_mark_all(struct core *core)
{
    assert(core);
    map_for_each (&core->services, entry) {
        core_mark(core, entry->value);
    }
    map_for_each (&core->runs, entry) {
        core_mark(core, entry->value);
    }
}

void core_await_room(struct core *core, struct service_state *service, bool waits)
{
    assert(core);
    assert(service);
    if (waits && !service->awaits_room)
        vector_push(&core->awaiting_room, service);
    else if (!waits && service->awaits_room)
        core_unlist(&core->awaiting_room, service);
    service->awaits_room = waits;
}

void core_mark_daemons(struct core *core)
{
    assert(core);
    map_for_each (&core->services, entry) {
        struct service_state *service = entry->value;
        if (service->desired && service->desired->daemon)
            core_mark(core, service);
    }
}

bool core_goes_first(const struct service_state *service)
{
    assert(service);
    return service->kept.len || (service->desired && service->desired->daemon);
}

void core_mark_awaiting_room(struct core *core)
{
    assert(core);
    for (size_t i = 0; i < core->awaiting_room.len; i++)
        core_mark(core, core->awaiting_room.items[i]);
}

void core_unlist(struct service_state_vec *list, const struct service_state *service)
{
    assert(list);
    for (size_t i = 0; i < list->len; i++) {
        if (list->items[i] != service)
            continue;
        list->items[i] = list->items[--list->len];
        return;
    }
}

/* --- a binary heap by wake_ms, the earliest first ------------------------------------------------------- */

static void place(struct service_state_vec *heap, size_t at, struct service_state *service)
{
    heap->items[at] = service;
    service->wake_at = at + 1;
}

static void sift_up(struct service_state_vec *heap, size_t at)
{
    struct service_state *service = heap->items[at];
    while (at > 0 && heap->items[(at - 1) / 2]->wake_ms > service->wake_ms) {
        place(heap, at, heap->items[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    place(heap, at, service);
}

static void sift_down(struct service_state_vec *heap, size_t at)
{
    struct service_state *service = heap->items[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= heap->len)
            break;
        if (child + 1 < heap->len && heap->items[child + 1]->wake_ms < heap->items[child]->wake_ms)
            child++;
        if (heap->items[child]->wake_ms >= service->wake_ms)
            break;
        place(heap, at, heap->items[child]);
        at = child;
    }
    place(heap, at, service);
}

void core_wake_at(struct core *core, struct service_state *service, int64_t at_ms)
{
    assert(core);
    assert(service);
    struct service_state_vec *heap = &core->sleeping;
    service->wake_ms = at_ms;
    if (at_ms && !service->wake_at) {
        vector_push(heap, service);
        sift_up(heap, heap->len - 1);
    } else if (at_ms) {
        size_t at = service->wake_at - 1;
        sift_up(heap, at);
        sift_down(heap, service->wake_at - 1);
    } else if (service->wake_at) {
        size_t at = service->wake_at - 1;
        struct service_state *last = heap->items[--heap->len];
        service->wake_at = 0;
        if (last == service)
            return;
        place(heap, at, last);
        sift_up(heap, at);
        sift_down(heap, last->wake_at - 1);
    }
}

static int compare_turns(const void *a, const void *b)
{
    const struct service_state *left = *(struct service_state *const *)a;
    const struct service_state *right = *(struct service_state *const *)b;
    bool first = core_goes_first(left);
    return first == core_goes_first(right) ? strcmp(left->key, right->key) : first ? -1 : 1;
}

void core_take_due(struct core *core, struct service_state_vec *ret_due)
{
    assert(core);
    assert(ret_due);
    while (core->sleeping.len && core->sleeping.items[0]->wake_ms <= core->now_ms) {
        struct service_state *service = core->sleeping.items[0];
        core_wake_at(core, service, 0);
        core_mark(core, service);
    }
    *ret_due = core->marked;
    core->marked = (struct service_state_vec){0};
    core->dirty = false;
    for (size_t i = 0; i < ret_due->len; i++)
        ret_due->items[i]->dirty = false;
    /* By key, so that what happened on the way here does not decide who is first. */
    vector_sort(ret_due, compare_turns);
}
