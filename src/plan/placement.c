/* Rows P1 to P3, P6 and T1; site.c and strategy.c have the others. */
#include "base/buffer.h"
#include "base/text.h"
#include "plan/pass.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct need {
    int64_t cpu_units;
    int64_t memory_mib;
    int64_t gpus;
};

static const struct plan_port *holder_of(const struct plan_instance *instance,
                                         const struct port_mapping *port)
{
    for (size_t i = 0; i < instance->ports.len; i++)
        if (instance->ports.items[i].port == port->host_port && instance->ports.items[i].udp == port->udp)
            return &instance->ports.items[i];
    return NULL;
}

/* The port in use that the task wants as well, or NULL. */
static const struct plan_port *clash(const struct plan_instance *instance,
                                     const struct task_definition *definition)
{
    for (size_t c = 0; c < definition->containers.len; c++) {
        const struct port_mapping_vec *ports = &definition->containers.items[c].ports;
        for (size_t p = 0; p < ports->len; p++) {
            const struct plan_port *taken =
                ports->items[p].host_port ? holder_of(instance, &ports->items[p]) : NULL;
            if (taken)
                return taken;
        }
    }
    return NULL;
}

/* manifest/ lets in no other family. */
static bool has_system(const struct plan_instance *instance)
{
    return !instance->os || text_equal(instance->os, "linux");
}

static bool has_architecture(const struct plan_instance *instance, const char *wanted)
{
    static const struct {
        const char *ecs;
        const char *kernel;
        const char *go;
    } names[] = {{"X86_64", "x86_64", "amd64"}, {"ARM64", "aarch64", "arm64"}};
    for (size_t i = 0; wanted && instance->arch && i < ARRAY_LEN(names); i++)
        if (text_equal(wanted, names[i].ecs))
            return text_equal(instance->arch, names[i].kernel) || text_equal(instance->arch, names[i].go);
    return true;
}

/* What a task needs of an instance, and where to say what it lacks. */
struct search {
    struct pass *pass;
    struct need need;
    bool distinct;
    const char *provider;        /* V2; NULL: any instance will do */
    struct buffer *why;          /* NULL: nobody asks */
    struct plan_lack_vec *lacks; /* NULL: nobody asks */
};

/* `reason` is ECS's word for it. */
__attribute__((format(printf, 4, 5))) static bool tell(const struct search *search,
                                                       const struct plan_instance *instance,
                                                       const char *reason, const char *format, ...)
{
    if (!search->why && !search->lacks)
        return true;
    char *text CLEANUP_FREE = NULL;
    va_list ap;
    va_start(ap, format);
    if (vasprintf(&text, format, ap) < 0)
        abort();
    va_end(ap);
    if (search->lacks)
        vector_push(search->lacks, (struct plan_lack){instance->name, reason, memory_strdup(text)});
    if (search->why)
        buffer_printf(search->why, "%s%s: %s", search->why->len ? "; " : "", instance->name, text);
    return true;
}

/* Status, memberOf and what else does not change with the room there is. */
static bool is_unfit(const struct search *search, struct site *site, const struct plan_instance *instance)
{
    const char *wanted = search->pass->in->desired->task_definition->cpu_architecture;
    if (site->declared && site->declared->draining)
        return tell(search, instance, "INACTIVE", "is DRAINING");
    if (!instance->usable)
        return tell(search, instance, "AGENT", "%s", instance->reason ? instance->reason : "does not answer");
    if (!has_system(instance))
        return tell(search, instance, "ATTRIBUTE", "has ecs.os-type %s, not linux", instance->os);
    if (!has_architecture(instance, wanted))
        return tell(search, instance, "ATTRIBUTE", "has cpuArchitecture %s, not %s", instance->arch, wanted);
    if (search->provider &&
        !text_equal(site->declared ? site->declared->capacity_provider : NULL, search->provider))
        return tell(search, instance, "RESOURCE", "is not of capacity provider %s, whose turn it is",
                    search->provider);
    if (!site_is_member(search->pass, site))
        return tell(search, instance, "MemberOf placement constraint unsatisfied.",
                    "does not satisfy memberOf %s", site->failed);
    return false;
}

/* Who has the port, in words; of a task of its own also why that stays. Caller frees. */
static char *holder_text(const struct pass *pass, const struct plan_instance *instance,
                         const struct plan_port *port)
{
    const struct service *desired = pass->in->desired;
    const struct task *old = NULL;
    if (pass->in->run || !text_equal(port->holder, pass->in->key))
        return memory_strdup(port->holder);
    for (size_t i = 0; i < pass->tasks.len && !old; i++) {
        const struct task *task = &pass->tasks.items[i];
        if (task->status != TASK_STOPPED && text_equal(task->instance, instance->name) &&
            !pass_is_new(pass, task))
            old = task;
    }
    if (!old)
        return memory_strdup("another task of its own");
    if (old->stop || desired->minimum_healthy_percent == 0)
        return memory_strdup("its own old task");
    return memory_printf(
        "its own old task, which minimumHealthyPercent %d of desiredCount %d keeps; a lower one "
        "lets it stop first",
        desired->minimum_healthy_percent, desired->desired_count);
}

/* ALL is every one that it has, and at least one. */
static bool lacks_gpus(const struct search *search, const struct site *site,
                       const struct plan_instance *instance)
{
    if (search->need.gpus == 0)
        return false;
    int64_t all = site->declared && site->declared->gpus.len ? (int64_t)site->declared->gpus.len : 1;
    int64_t needed = search->need.gpus >= GPUS_ALL ? all : search->need.gpus;
    struct plan_gpu_refs unused = plan_gpus_free(instance, site->declared);
    int64_t rest = (int64_t)unused.len - instance->gpus_promised;
    vector_deinit(&unused);
    return needed > rest && tell(search, instance, "RESOURCE:GPU",
                                 "has insufficient GPU resource available (%lld free, %lld needed)",
                                 (long long)(rest > 0 ? rest : 0), (long long)needed);
}

static bool lacks(const struct search *search, struct site *site)
{
    const struct need *need = &search->need;
    const struct plan_instance *instance = &search->pass->in->instances->items[site->index];
    bool is_full = need->cpu_units > instance->cpu_units_free || need->memory_mib > instance->memory_mib_free;
    if (!search->why && !search->lacks && is_full)
        return true; /* what is asked first is the cheapest, what is told first the gravest */
    if (is_unfit(search, site, instance))
        return true;
    if (search->distinct && site->tasks)
        return tell(search, instance, "DistinctInstance placement constraint unsatisfied.",
                    "does not satisfy distinctInstance: it has a task of the %s",
                    search->pass->in->run ? "group" : "service");
    if (need->cpu_units > instance->cpu_units_free)
        return tell(search, instance, "RESOURCE:CPU",
                    "has insufficient CPU units available (%lld free, %lld needed)",
                    (long long)instance->cpu_units_free, (long long)need->cpu_units);
    if (need->memory_mib > instance->memory_mib_free)
        return tell(search, instance, "RESOURCE:MEMORY",
                    "has insufficient memory available (%lld MiB free, %lld MiB needed)",
                    (long long)instance->memory_mib_free, (long long)need->memory_mib);
    if (lacks_gpus(search, site, instance))
        return true;
    const struct plan_port *port = clash(instance, search->pass->in->desired->task_definition);
    if (!port)
        return false;
    if (!search->why && !search->lacks)
        return true;
    char *holder CLEANUP_FREE = holder_text(search->pass, instance, port);
    return tell(search, instance, port->udp ? "RESOURCE:PORTS_UDP" : "RESOURCE:PORTS",
                "is already using port %d/%s required by the task (held by %s)", port->port,
                port->udp ? "udp" : "tcp", holder);
}

/* The room of a whole task. */
static void book(const struct pass *pass, size_t instance)
{
    const struct container_spec_vec *specs = &pass->in->desired->task_definition->containers;
    struct plan_booking_vec task = {0};
    plan_booking_add_task(&task, instance, pass->in->key);
    for (size_t c = 0; c < specs->len; c++)
        plan_booking_add(&task, instance, &specs->items[c], pass->in->key);
    task.items[0].group.name = pass->in->run ? pass->in->run->group : NULL;
    plan_room_take(pass->in->instances, &task);
    for (size_t i = 0; i < task.len; i++)
        vector_push(&pass->out->booked, task.items[i]);
    vector_deinit(&task);
}

bool placement_choose_gpus(struct pass *pass, const char *instance, struct container_spec *spec)
{
    assert(pass);
    assert(spec);
    struct site *site = spec->gpus ? site_of(pass, instance) : NULL;
    if (!site)
        return spec->gpus == 0;
    struct plan_gpu_refs unused = plan_gpus_free(&pass->in->instances->items[site->index], site->declared);
    size_t all = site->declared ? site->declared->gpus.len : 0;
    size_t needed = spec->gpus >= GPUS_ALL ? all : (size_t)spec->gpus;
    bool found = needed > 0 && needed <= unused.len;
    for (size_t i = 0; found && i < needed; i++)
        vector_push(&spec->gpu_ids, memory_strdup(unused.items[i]));
    vector_deinit(&unused);
    if (!found)
        return false;
    struct plan_booking_vec chosen = {0};
    plan_booking_add(&chosen, site->index, &(struct container_spec){.gpu_ids = spec->gpu_ids}, pass->in->key);
    plan_room_take(pass->in->instances, &chosen);
    vector_push(&pass->out->booked, chosen.items[0]);
    vector_deinit(&chosen);
    return true;
}

static struct need need_of(const struct task_definition *definition)
{
    struct need need = {0};
    for (size_t c = 0; c < definition->containers.len; c++) {
        need.cpu_units += definition->containers.items[c].cpu_units;
        need.memory_mib += definition->containers.items[c].memory_mib;
        need.gpus += definition->containers.items[c].gpus;
    }
    return need;
}

static bool wants_distinct(const struct service *desired)
{
    for (size_t i = 0; i < desired->constraints.len; i++)
        if (!desired->constraints.items[i].expression)
            return true;
    return false;
}

/* Every instance with what it lacks, and those that the cluster declares and nobody knows here. */
static char *explain(struct search search)
{
    struct buffer why = BUFFER_INIT(LIMIT_ERROR_CHARS);
    const struct container_instance_vec *declared = search.pass->in->declared;
    struct site_vec *sites = pass_sites(search.pass);
    search.why = &why;
    if (sites->len == 0)
        buffer_append_str(&why, "No Container Instances were found in your cluster.");
    for (size_t i = 0; i < sites->len && why.len < why.max_bytes; i++)
        lacks(&search, &sites->items[i]);
    bool all_known = !declared || declared->len == sites->len;
    for (size_t i = 0; !all_known && i < declared->len && why.len < why.max_bytes; i++) {
        const char *name = declared->items[i].name;
        if (!placement_instance(search.pass->in->instances, name))
            buffer_printf(&why, "%s%s: is not in the daemon's configuration", sites->len || i ? "; " : " ",
                          name);
    }
    return buffer_steal(&why);
}

static struct search search_of(struct pass *pass)
{
    const struct service *desired = pass->in->desired;
    return (struct search){
        .pass = pass, .need = need_of(desired->task_definition), .distinct = wants_distinct(desired)};
}

bool placement_is_open(struct pass *pass, struct site *site)
{
    assert(pass);
    assert(site);
    const struct search search = {.pass = pass};
    return !is_unfit(&search, site, &pass->in->instances->items[site->index]);
}

/* The best site that lacks nothing, or NULL. */
static struct site *find_site(const struct search *search, const char *task)
{
    struct site_vec *sites = pass_sites(search->pass);
    struct site *best = NULL;
    struct strategy_search strategy;
    int64_t costs[LIMIT_PLACEMENT_STRATEGIES];
    strategy_begin(search->pass, task, &strategy);
    size_t at = strategy_next(&strategy, 0, costs);
    for (; at < sites->len; at = strategy_next(&strategy, at + 1, costs)) {
        if (lacks(search, &sites->items[at]))
            continue;
        best = &sites->items[at];
        if (strategy_settle(&strategy, costs))
            break;
    }
    return best;
}

static const char no_weight[] = "No capacity provider of the strategy has a weight above 0.";

/* V2 to V4: of the provider whose turn it is; *ret_reason says why of none, NULL: nobody asks. */
static struct site *find_by_turn(struct pass *pass, const char *task, char **ret_reason)
{
    struct search search = search_of(pass);
    struct site *best = NULL;
    char *reason CLEANUP_FREE = NULL;
    while (!best && provider_choose(pass, &search.provider)) {
        best = find_site(&search, task);
        if (!best && !reason && ret_reason)
            reason = explain(search);
        if (!best && !provider_pass_over(pass, search.provider))
            break;
    }
    if (best || !ret_reason)
        return best;
    if (!reason && pass->passed_over) { /* who is waited for, and not who has its share */
        pass->passed_over = 0;
        reason = provider_choose(pass, &search.provider) ? explain(search) : NULL;
    }
    *ret_reason = reason ? TAKE(reason) : memory_strdup(no_weight);
    return NULL;
}

struct site *placement_find(struct pass *pass, const char *task)
{
    assert(pass);
    assert(task);
    uint64_t passed_over = pass->passed_over;
    struct site *best = find_by_turn(pass, task, NULL);
    pass->passed_over = passed_over; /* it was but a question */
    return best;
}

const struct plan_instance *placement_take(struct pass *pass, struct site *site)
{
    assert(pass);
    assert(site);
    book(pass, site->index);
    site_add(pass, site);
    return &pass->in->instances->items[site->index];
}

const struct plan_instance *placement_choose(struct pass *pass, const char *task, char **ret_reason)
{
    assert(pass);
    assert(task);
    assert(ret_reason);
    struct site *best = find_by_turn(pass, task, ret_reason);
    if (best)
        return placement_take(pass, best);
    pass->out->no_place = true;
    return NULL;
}

void placement_lacks(struct pass *pass, struct plan_lack_vec *ret_lacks)
{
    assert(pass);
    assert(ret_lacks);
    const struct service *desired = pass->in->desired;
    struct search search = {.pass = pass,
                            .need = need_of(desired->task_definition),
                            .distinct = wants_distinct(desired),
                            .lacks = ret_lacks};
    pass->passed_over = 0; /* as find_by_turn(): who is waited for */
    bool any = provider_choose(pass, &search.provider);
    struct site_vec *sites = pass_sites(pass);
    for (size_t i = 0; i < sites->len; i++) {
        struct site *site = &sites->items[i];
        if (any)
            lacks(&search, site);
        else
            tell(&search, &pass->in->instances->items[site->index], "RESOURCE", "%s", no_weight);
    }
}

bool placement_runs(const struct plan_instance *instance, const struct task_definition *definition)
{
    assert(instance);
    assert(definition);
    return has_system(instance) && has_architecture(instance, definition->cpu_architecture);
}

bool placement_asks_for_tasks(const char *expression)
{
    assert(expression);
    return strstr(expression, "task:group") || strstr(expression, "runningTasksCount");
}

/* Whether an instance of the provider may take a task some day, for all that is known now. */
static bool may_come(const struct search *search)
{
    struct site_vec *sites = pass_sites(search->pass);
    for (size_t i = 0; i < sites->len; i++) {
        struct site *site = &sites->items[i];
        bool unfit = is_unfit(search, site, &search->pass->in->instances->items[site->index]);
        if (!unfit || (site->member == SITE_NO_MEMBER && placement_asks_for_tasks(site->failed)))
            return true;
    }
    return false;
}

char *placement_hopeless(struct pass *pass)
{
    assert(pass);
    struct search search = {.pass = pass, .need = need_of(pass->in->desired->task_definition)};
    uint64_t passed_over = pass->passed_over;
    pass->passed_over = 0;
    bool none = !provider_choose(pass, &search.provider);
    const char *first = search.provider; /* it is waited for; V3: others have shares of their own */
    for (bool more = !none; more; more = provider_choose(pass, &search.provider)) {
        if (may_come(&search)) {
            pass->passed_over = passed_over;
            return NULL;
        }
        if (!provider_pass_over(pass, search.provider))
            break;
    }
    pass->passed_over = passed_over;
    search.provider = first;
    pass->out->no_place |= !none;
    return none ? memory_strdup("No capacity provider of the strategy has a weight above 0.")
                : explain(search);
}

const struct plan_instance *placement_choose_at(struct pass *pass, struct site *site, char **ret_reason)
{
    assert(pass);
    assert(site);
    assert(ret_reason);
    struct buffer why = BUFFER_INIT(LIMIT_ERROR_CHARS);
    const struct search search = {
        .pass = pass, .need = need_of(pass->in->desired->task_definition), .why = &why};
    if (lacks(&search, site)) {
        pass->out->no_place = true;
        *ret_reason = buffer_steal(&why);
        return NULL;
    }
    buffer_deinit(&why);
    book(pass, site->index);
    site_add(pass, site);
    return &pass->in->instances->items[site->index];
}

const struct plan_instance *placement_instance(const struct plan_instance_vec *instances, const char *name)
{
    assert(instances);
    size_t i = plan_instance_index(instances, name);
    return i < instances->len ? &instances->items[i] : NULL;
}
