/* Room on instances: bookings and their sum. */
#include "base/text.h"
#include "plan/plan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static struct plan_booking *booking_on(const struct plan_booking_vec *bookings, size_t instance)
{
    for (size_t i = 0; i < bookings->len; i++)
        if (bookings->items[i].instance == instance)
            return &bookings->items[i];
    return NULL;
}

static struct plan_booking *booking_made(struct plan_booking_vec *bookings, size_t instance)
{
    struct plan_booking *booking = booking_on(bookings, instance);
    if (booking)
        return booking;
    vector_reserve(bookings, 1); /* nearly always the only one */
    vector_push(bookings, (struct plan_booking){.instance = instance});
    return &bookings->items[bookings->len - 1];
}

const struct plan_pieces *plan_booking_pieces(const struct plan_booking *booking)
{
    static const struct plan_pieces none;
    assert(booking);
    return booking->pieces ? booking->pieces : &none;
}

struct plan_pieces *plan_booking_pieces_made(struct plan_booking *booking)
{
    assert(booking);
    if (!booking->pieces)
        booking->pieces = NEW(struct plan_pieces);
    return booking->pieces;
}

static void add_ids(struct string_vec *ids, const struct string_vec *more)
{
    for (size_t i = 0; i < more->len; i++)
        vector_push(ids, memory_strdup(more->items[i]));
}

static void take_ids(struct string_vec *ids, const struct string_vec *less)
{
    for (size_t i = 0; i < less->len; i++) {
        size_t at = 0;
        while (at < ids->len && !text_equal(ids->items[at], less->items[i]))
            at++;
        assert(at < ids->len && "a GPU is given back that was taken");
        free(ids->items[at]);
        vector_remove(ids, at);
    }
}

static bool same_ids(const struct string_vec *left, const struct string_vec *right)
{
    for (size_t i = 0; i < left->len && i < right->len; i++)
        if (!text_equal(left->items[i], right->items[i]))
            return false;
    return left->len == right->len;
}

struct plan_gpu_refs plan_gpus_free(const struct plan_instance *instance,
                                    const struct container_instance *declared)
{
    assert(instance);
    struct plan_gpu_refs found = {0};
    for (size_t i = 0; declared && i < declared->gpus.len; i++)
        if (!string_vec_has(&instance->gpu_ids, declared->gpus.items[i]))
            vector_push(&found, declared->gpus.items[i]);
    return found;
}

int plan_gpu_holders(const struct plan_instance *instance, const char *id)
{
    assert(instance);
    assert(id);
    int holders = 0;
    for (size_t i = 0; i < instance->gpu_ids.len; i++)
        holders += text_equal(instance->gpu_ids.items[i], id);
    return holders;
}

void plan_booking_add(struct plan_booking_vec *bookings, size_t instance, const struct container_spec *spec,
                      const char *holder)
{
    assert(bookings);
    assert(spec);
    struct plan_booking *booking = booking_made(bookings, instance);
    booking->cpu_units += spec->cpu_units;
    booking->memory_mib += spec->memory_mib;
    if (spec->gpu_ids.len)
        add_ids(&plan_booking_pieces_made(booking)->gpu_ids, &spec->gpu_ids);
    else if (spec->gpus)
        plan_booking_pieces_made(booking)->gpus += spec->gpus;
    for (size_t i = 0; i < spec->ports.len; i++)
        if (spec->ports.items[i].host_port)
            vector_push(&plan_booking_pieces_made(booking)->ports,
                        (struct plan_port){spec->ports.items[i].host_port, spec->ports.items[i].udp, holder});
}

void plan_booking_add_task(struct plan_booking_vec *bookings, size_t instance, const char *holder)
{
    assert(bookings);
    assert(holder);
    struct plan_booking *booking = booking_made(bookings, instance);
    booking->group.holder = holder;
    booking->group.tasks++;
}

static void add_tasks(struct plan_group_vec *groups, const struct plan_group *group)
{
    for (size_t i = 0; i < groups->len; i++) {
        if (groups->items[i].holder != group->holder)
            continue;
        groups->items[i].tasks += group->tasks;
        return;
    }
    vector_push(groups, *group);
}

static void take_tasks(struct plan_group_vec *groups, const struct plan_group *group)
{
    for (size_t i = 0; i < groups->len; i++) {
        if (groups->items[i].holder != group->holder)
            continue;
        assert(groups->items[i].tasks >= group->tasks);
        groups->items[i].tasks -= group->tasks;
        if (groups->items[i].tasks == 0)
            groups->items[i] = groups->items[--groups->len];
        return;
    }
    assert(!"a task is given back that was counted");
}

void plan_room_take(struct plan_instance_vec *instances, const struct plan_booking_vec *bookings)
{
    assert(instances);
    assert(bookings);
    for (size_t i = 0; i < bookings->len; i++) {
        const struct plan_booking *booking = &bookings->items[i];
        const struct plan_pieces *pieces = plan_booking_pieces(booking);
        assert(booking->instance < instances->len);
        struct plan_instance *instance = &instances->items[booking->instance];
        instance->cpu_units_free -= booking->cpu_units;
        instance->memory_mib_free -= booking->memory_mib;
        instance->gpus_promised += pieces->gpus;
        add_ids(&instance->gpu_ids, &pieces->gpu_ids);
        if (booking->group.tasks)
            add_tasks(&instance->groups, &booking->group);
        for (size_t p = 0; p < pieces->ports.len; p++)
            vector_push(&instance->ports, pieces->ports.items[p]);
    }
}

/* From the end: what was booked last is most often what is given back. */
static void free_port(struct plan_port_vec *ports, const struct plan_port *port)
{
    for (size_t i = ports->len; i-- > 0;) {
        if (ports->items[i].port != port->port || ports->items[i].udp != port->udp ||
            ports->items[i].holder != port->holder)
            continue;
        ports->items[i] = ports->items[--ports->len];
        return;
    }
    assert(!"a port is given back that was taken");
}

void plan_room_give(struct plan_instance_vec *instances, const struct plan_booking_vec *bookings)
{
    assert(instances);
    assert(bookings);
    for (size_t i = 0; i < bookings->len; i++) {
        const struct plan_booking *booking = &bookings->items[i];
        const struct plan_pieces *pieces = plan_booking_pieces(booking);
        assert(booking->instance < instances->len);
        struct plan_instance *instance = &instances->items[booking->instance];
        instance->cpu_units_free += booking->cpu_units;
        instance->memory_mib_free += booking->memory_mib;
        instance->gpus_promised -= pieces->gpus;
        take_ids(&instance->gpu_ids, &pieces->gpu_ids);
        if (booking->group.tasks)
            take_tasks(&instance->groups, &booking->group);
        for (size_t p = 0; p < pieces->ports.len; p++)
            free_port(&instance->ports, &pieces->ports.items[p]);
    }
}

static bool has_port(const struct plan_pieces *pieces, const struct plan_port *port)
{
    for (size_t i = 0; i < pieces->ports.len; i++)
        if (pieces->ports.items[i].port == port->port && pieces->ports.items[i].udp == port->udp)
            return true;
    return false;
}

static bool same_pieces(const struct plan_pieces *a, const struct plan_pieces *b)
{
    if (a->gpus != b->gpus || !same_ids(&a->gpu_ids, &b->gpu_ids) || a->ports.len != b->ports.len)
        return false;
    for (size_t i = 0; i < a->ports.len; i++)
        if (a->ports.items[i].port != b->ports.items[i].port ||
            a->ports.items[i].udp != b->ports.items[i].udp)
            return false;
    return true;
}

static bool same_booking(const struct plan_booking *a, const struct plan_booking *b)
{
    return a->instance == b->instance && a->cpu_units == b->cpu_units && a->memory_mib == b->memory_mib &&
           a->group.holder == b->group.holder && a->group.tasks == b->group.tasks &&
           a->group.daemon == b->group.daemon && same_pieces(plan_booking_pieces(a), plan_booking_pieces(b));
}

bool plan_booking_same(const struct plan_booking_vec *before, const struct plan_booking_vec *after)
{
    assert(before);
    assert(after);
    if (before->len != after->len)
        return false;
    for (size_t i = 0; i < before->len; i++)
        if (!same_booking(&before->items[i], &after->items[i]))
            return false;
    return true;
}

static int64_t gpus_of(const struct plan_pieces *pieces)
{
    return pieces->gpus + (int64_t)pieces->gpu_ids.len;
}

/* Whether `now` lacks some of them. */
static bool pieces_freed(const struct plan_pieces *old, const struct plan_pieces *now)
{
    if (gpus_of(now) < gpus_of(old))
        return true;
    for (size_t p = 0; p < old->ports.len; p++)
        if (!has_port(now, &old->ports.items[p]))
            return true;
    return false;
}

bool plan_booking_freed(const struct plan_booking_vec *before, const struct plan_booking_vec *after)
{
    assert(before);
    assert(after);
    for (size_t i = 0; i < before->len; i++) {
        const struct plan_booking *old = &before->items[i];
        const struct plan_booking *now = booking_on(after, old->instance);
        if (!now || now->cpu_units < old->cpu_units || now->memory_mib < old->memory_mib ||
            pieces_freed(plan_booking_pieces(old), plan_booking_pieces(now)))
            return true;
    }
    for (size_t i = 0; i < after->len; i++) {
        const struct plan_booking *old = booking_on(before, after->items[i].instance);
        if (after->items[i].group.tasks != (old ? old->group.tasks : 0) ||
            (old && after->items[i].group.daemon != old->group.daemon))
            return true;
    }
    return false;
}

void plan_booking_vec_deinit(struct plan_booking_vec *bookings)
{
    assert(bookings);
    for (size_t i = 0; i < bookings->len; i++) {
        struct plan_pieces *pieces = bookings->items[i].pieces;
        if (!pieces)
            continue;
        string_vec_deinit(&pieces->gpu_ids);
        vector_deinit(&pieces->ports);
        free(pieces);
    }
    vector_deinit(bookings);
}

void plan_instances_index(struct plan_instance_vec *instances)
{
    assert(instances);
    assert(instances->by_name.len == 0);
    for (size_t i = instances->len; i-- > 0;)
        map_put(&instances->by_name, instances->items[i].name, (void *)(uintptr_t)(i + 1));
}

size_t plan_instance_index(const struct plan_instance_vec *instances, const char *name)
{
    assert(instances);
    if (!name)
        return instances->len;
    if (instances->by_name.len) {
        size_t at = (size_t)(uintptr_t)map_get(&instances->by_name, name);
        return at ? at - 1 : instances->len;
    }
    size_t i = 0;
    while (i < instances->len && !text_equal(instances->items[i].name, name))
        i++;
    return i;
}

static void instance_deinit(struct plan_instance *instance)
{
    string_vec_deinit(&instance->gpu_ids);
    vector_deinit(&instance->ports);
    vector_deinit(&instance->groups);
}

void plan_instance_vec_deinit(struct plan_instance_vec *instances)
{
    assert(instances);
    for (size_t i = 0; i < instances->len; i++)
        instance_deinit(&instances->items[i]);
    map_deinit(&instances->by_name);
    vector_deinit(instances);
}
