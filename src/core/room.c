/* Room on the instances: each service's bookings are what its tasks hold, and the sum is kept as services
 * change. As on ECS, a task holds the room of all its containers until all of it has stopped. */
#include "base/text.h"
#include "core/state.h"
#include "model/json.h"

#include <assert.h>
#include <stdlib.h>

/* A task of the service, as far as room goes. */
struct tenant {
    size_t instance;
    bool lives;  /* something of it has not stopped */
    bool over;   /* is to stop, or an essential container of it has stopped: nothing more is created */
    bool wanted; /* it has the desired content: what it lacks will be created */
    size_t containers_len;
    bool has[LIMIT_CONTAINERS_PER_TASK];
};

static bool holds_room(const struct core *core, const struct tenant *tenant)
{
    return tenant->instance < core->instances_len && (tenant->lives || !tenant->over);
}

static struct tenant *meet(const struct core *core, const struct service_state *service, struct map *tenants,
                           const struct task_labels *labels, const char *instance)
{
    const struct service *aim = core_aim(service);
    struct tenant *tenant = map_get(tenants, labels->task);
    if (!tenant) {
        tenant = NEW(struct tenant);
        tenant->instance = plan_instance_index(&core->rooms, instance);
        tenant->over = !aim || map_get(&service->memory.stopping, labels->task);
        tenant->wanted = aim && digest_equal(&labels->digest, service_task_digest(aim));
        map_put(tenants, labels->task, tenant);
    }
    if (!tenant->wanted || !aim)
        return tenant;
    const struct container_spec_vec *specs = &aim->task_definition->containers;
    for (size_t i = 0; i < specs->len && i < LIMIT_CONTAINERS_PER_TASK; i++)
        if (text_equal(specs->items[i].name, labels->spec->name))
            tenant->has[i] = true;
    return tenant;
}

/* Whether the container that an action is to create is there already: its room is taken then. */
static bool is_there(const struct service_state *service, const struct action *action)
{
    const struct container_vec *containers = &service->containers;
    for (size_t i = 0; i < containers->len; i++)
        if (text_equal(containers->items[i]->labels.task, action->task) &&
            text_equal(containers->items[i]->labels.spec->name, action->container))
            return true;
    return false;
}

/* A standalone task has its place before there is anything of it. */
static void meet_run(const struct core *core, const struct service_state *service, struct map *tenants)
{
    if (service->run->stop_code || map_get(tenants, service->run->id))
        return;
    struct tenant *tenant = NEW(struct tenant);
    tenant->instance = plan_instance_index(&core->rooms, service->run->instance);
    tenant->wanted = service->run->task_definition != NULL;
    map_put(tenants, service->run->id, tenant);
}

static void meet_all(const struct core *core, const struct service_state *service, struct map *tenants)
{
    for (size_t i = 0; i < service->containers.len; i++) {
        const struct container *container = service->containers.items[i];
        struct tenant *tenant = meet(core, service, tenants, &container->labels, container->instance);
        tenant->containers_len++;
        bool stops = map_get(&service->memory.stopping, container->labels.task);
        if (container->status != CONTAINER_STOPPED ||
            (!stops && plan_restarts(container, &service->memory.ran)))
            tenant->lives = true;
        else if (container->labels.spec->essential)
            tenant->over = true;
    }
    for (size_t i = 0; i < service->under_way.len; i++) {
        const struct action *action = service->under_way.items[i];
        if (action->kind == ACTION_CREATE)
            meet(core, service, tenants, &action->labels, action->instance)->lives = true;
    }
    if (service->run)
        meet_run(core, service, tenants);
}

static void collect(const struct core *core, const struct service_state *service, struct map *tenants,
                    struct plan_booking_vec *ret_bookings)
{
    for (size_t i = 0; i < service->containers.len; i++) {
        const struct container *container = service->containers.items[i];
        const struct tenant *tenant = map_get(tenants, container->labels.task);
        if (holds_room(core, tenant))
            plan_booking_add(ret_bookings, tenant->instance, container->labels.spec, service->key);
    }
    for (size_t i = 0; i < service->under_way.len; i++) {
        const struct action *action = service->under_way.items[i];
        if (action->kind != ACTION_CREATE)
            continue;
        const struct tenant *tenant = map_get(tenants, action->task);
        bool counted = tenant->containers_len && is_there(service, action);
        if (!counted && holds_room(core, tenant))
            plan_booking_add(ret_bookings, tenant->instance, action->labels.spec, service->key);
    }
    map_for_each (tenants, entry) {
        const struct tenant *tenant = entry->value;
        if (holds_room(core, tenant))
            plan_booking_add_task(ret_bookings, tenant->instance, service->key);
        if (tenant->over || !tenant->wanted || !holds_room(core, tenant))
            continue;
        const struct container_spec_vec *specs = &core_aim(service)->task_definition->containers;
        for (size_t i = 0; i < specs->len; i++)
            if (!tenant->has[i])
                plan_booking_add(ret_bookings, tenant->instance, &specs->items[i], service->key);
    }
}

void core_lend_kept(struct core *core)
{
    assert(core);
    for (size_t i = 0; i < core->keepers.len; i++)
        plan_room_give(&core->rooms, &core->keepers.items[i]->kept);
}

void core_keep_again(struct core *core)
{
    assert(core);
    for (size_t i = 0; i < core->keepers.len; i++)
        plan_room_take(&core->rooms, &core->keepers.items[i]->kept);
}

void core_keep(struct core *core, struct service_state *service, struct plan_booking_vec *kept)
{
    assert(core);
    assert(service);
    assert(kept);
    bool freed = plan_booking_freed(&service->kept, kept);
    if (service->kept.len)
        core_unlist(&core->keepers, service);
    plan_booking_vec_deinit(&service->kept);
    service->kept = *kept;
    *kept = (struct plan_booking_vec){0};
    if (service->kept.len)
        vector_push(&core->keepers, service);
    if (freed)
        core_mark_awaiting_room(core);
}

json_t *core_kept_out(const struct service_state *service)
{
    json_t *list = json_array();
    for (size_t i = 0; i < service->kept.len; i++) {
        const struct plan_booking *booking = &service->kept.items[i];
        const struct plan_pieces *pieces = plan_booking_pieces(booking);
        json_t *ports = json_array();
        for (size_t p = 0; p < pieces->ports.len; p++)
            json_array_append_new(ports, json_pack("{s:i,s:b}", "port", pieces->ports.items[p].port, "udp",
                                                   pieces->ports.items[p].udp));
        json_array_append_new(list, json_pack("{s:I,s:I,s:I,s:I,s:o}", "on", (json_int_t)booking->instance,
                                              "cpu", (json_int_t)booking->cpu_units, "memory",
                                              (json_int_t)booking->memory_mib, "gpus",
                                              (json_int_t)pieces->gpus, "ports", ports));
    }
    return list;
}

void core_kept_in(struct core *core, struct service_state *service, const json_t *json)
{
    struct plan_booking_vec kept = {0};
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)(uintptr_t)json, i, item) {
        struct plan_booking booking = {.instance = (size_t)model_int(item, "on"),
                                       .cpu_units = model_int(item, "cpu"),
                                       .memory_mib = model_int(item, "memory")};
        int64_t gpus = model_int(item, "gpus");
        size_t p;
        json_t *port;
        if (booking.instance >= core->instances_len)
            continue;
        if (gpus)
            plan_booking_pieces_made(&booking)->gpus = gpus;
        json_array_foreach (json_object_get(item, "ports"), p, port)
            vector_push(&plan_booking_pieces_made(&booking)->ports,
                        (struct plan_port){model_int_in(port, "port", 0, UINT16_MAX), model_bool(port, "udp"),
                                           service->key});
        vector_push(&kept, booking);
    }
    core_keep(core, service, &kept);
    plan_room_take(&core->rooms, &service->kept);
}

/* E7: a DAEMON, and what is left as it is (D12), which never goes. */
static bool stays_to_the_last(const struct service_state *service)
{
    if (service->desired)
        return service->desired->daemon;
    return service->ledger && service->ledger->prune_disabled;
}

static void give_back(struct core *core, struct service_state *service)
{
    plan_room_give(&core->rooms, &service->booked);
    plan_booking_vec_deinit(&service->booked);
}

bool core_book(struct core *core, struct service_state *service)
{
    assert(core);
    assert(service);
    struct plan_booking_vec now = {0};
    struct map tenants = MAP_INIT(free);
    meet_all(core, service, &tenants);
    collect(core, service, &tenants, &now);
    map_deinit(&tenants);
    for (size_t i = 0; i < now.len; i++) {
        now.items[i].group.name = service->group;
        now.items[i].group.daemon = stays_to_the_last(service);
    }
    if (plan_booking_same(&service->booked, &now)) { /* nearly always, and an instance may hold thousands */
        plan_booking_vec_deinit(&now);
        return false;
    }
    bool freed = plan_booking_freed(&service->booked, &now);
    give_back(core, service);
    for (size_t i = 0; i < now.len; i++)
        if (now.items[i].pieces)
            vector_trim(&now.items[i].pieces->ports);
    vector_trim(&now);
    service->booked = now;
    plan_room_take(&core->rooms, &service->booked);
    return freed;
}

void core_vacate(struct core *core, struct service_state *service)
{
    assert(core);
    assert(service);
    give_back(core, service);
    if (service->kept.len == 0)
        return;
    plan_room_give(&core->rooms, &service->kept);
    core_unlist(&core->keepers, service);
    plan_booking_vec_deinit(&service->kept);
}

void core_book_marked(struct core *core)
{
    assert(core);
    for (size_t i = 0; i < core->marked.len; i++)
        core_book(core, core->marked.items[i]);
}

void core_room_capacity(struct core *core, const struct instance_state *instance,
                        const struct instance_info *before)
{
    assert(core);
    assert(instance);
    assert(before);
    struct plan_instance *room = &core->rooms.items[instance - core->instances];
    room->cpu_units = instance->info.cpu_units;
    room->memory_mib = instance->info.memory_mib;
    room->cpu_units_free += instance->info.cpu_units - before->cpu_units;
    room->memory_mib_free += instance->info.memory_mib - before->memory_mib;
    if (!text_equal(instance->info.arch, before->arch) || !text_equal(instance->info.os, before->os))
        map_clear(&core->fleets);
}

/* What plans of one cluster share. */
struct fleet {
    struct cluster
        *cluster; /* owned reference: what it declares is borrowed; NULL: of those that declare none */
    struct plan_fleet *plan; /* owned */
};

void fleet_free(struct fleet *fleet)
{
    if (!fleet)
        return;
    plan_fleet_free(fleet->plan);
    cluster_unref(fleet->cluster);
    free(fleet);
}

struct plan_fleet *core_fleet(struct core *core, struct cluster *cluster)
{
    assert(core);
    struct cluster *declares = cluster && cluster->instances.len ? cluster : NULL;
    const char *name = declares ? declares->name : ""; /* all that declare none have the same */
    struct fleet *fleet = map_get(&core->fleets, name);
    if (fleet) {
        assert(fleet->cluster == declares); /* core_drop_fleets() follows each commit */
        return fleet->plan;
    }
    fleet = NEW(struct fleet);
    fleet->cluster = declares ? cluster_ref(declares) : NULL;
    fleet->plan = plan_fleet_new(&core->rooms, declares ? &declares->instances : NULL);
    map_put(&core->fleets, name, fleet);
    return fleet->plan;
}

void core_drop_fleets(struct core *core)
{
    assert(core);
    map_for_each (&core->fleets, entry) {
        const struct fleet *fleet = entry->value;
        if (fleet->cluster && desired_cluster(core->desired, entry->key) != fleet->cluster)
            map_remove(&core->fleets, entry->key);
    }
}

void core_room_refresh(struct core *core)
{
    assert(core);
    for (size_t i = 0; i < core->instances_len; i++) {
        const struct instance_state *instance = &core->instances[i];
        struct plan_instance *room = &core->rooms.items[i];
        room->usable = instance->connected && instance->listed;
        room->reason = instance->message;
        room->arch = instance->info.arch;
        room->os = instance->info.os;
        room->lost_ms = instance->lost_ms;
    }
}
