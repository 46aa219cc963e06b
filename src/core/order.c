/* davit.dependsOn: what a deployment waits for, and who is planned again when that changes. Rows R12. */
#include "base/text.h"
#include "core/state.h"
#include "core/steady.h"

#include <assert.h>
#include <stdlib.h>

/* Whether there is a deployment that may launch, or one is about to begin: only that waits. */
static bool deploys(const struct service_state *service)
{
    if (plan_begins(service->ledger, service->desired, service->completed))
        return true;
    const struct deployment *primary = service->ledger ? service_ledger_primary(service->ledger) : NULL;
    return primary && primary->state == DEPLOYMENT_IN_PROGRESS &&
           digest_equal(&primary->digest, &service->desired->digest); /* not when it is rolled back */
}

/* Tasks that have to be healthy: one that is only scaled out has them already. */
static int count_needed(const struct service_state *service)
{
    int settled = service->memory.settled_count;
    return settled && settled < service->desired->desired_count ? settled : service->desired->desired_count;
}

/* Of the content that is wanted: a survivor of an older one, whose instance was away, is none to rely on. */
static int count_healthy(const struct core *core, const struct service_state *service)
{
    struct task_vec tasks;
    int healthy = 0;
    core_view_tasks(core, service->cluster, service->name, core->now_ms, &tasks);
    for (size_t i = 0; i < tasks.len; i++)
        healthy += tasks.items[i].healthy &&
                   digest_equal(&tasks.items[i].digest, service_task_digest(service->desired));
    task_vec_deinit(&tasks);
    return healthy;
}

/* Why who depends on it has to wait, or NULL. Caller frees. */
static char *shortfall_of_work(const struct core *core, const struct service_state *service, bool complete)
{
    const struct deployment *primary = service->ledger ? service_ledger_primary(service->ledger) : NULL;
    if (service->ledger && service_ledger_known_bad(service->ledger, &service->desired->digest))
        return memory_strdup("its deployment failed");
    if (!primary || service->ledger->removed || !digest_equal(&primary->digest, &service->desired->digest))
        return memory_strdup("its deployment has not begun");
    if (primary->state != DEPLOYMENT_COMPLETED)
        return memory_strdup("its deployment is in progress");
    if (complete)
        return NULL;
    int needed = count_needed(service);
    int healthy = count_healthy(core, service);
    if (healthy >= needed)
        return NULL;
    struct view_service view;
    core_view_service(core, service->cluster, service->name, &view);
    return view.lost_count ? memory_printf("%d of %d tasks known to be healthy, instance %s does not answer",
                                           healthy, needed, view.lost_instance)
                           : memory_printf("%d of %d tasks healthy", healthy, needed);
}

/* Of one that is suspended nothing comes by itself: that is what has to be told. */
static char *shortfall(const struct core *core, const struct service_state *service, bool complete)
{
    char *why = shortfall_of_work(core, service, complete);
    if (!why || !core_is_suspended(core, service))
        return why;
    free(why);
    return memory_strdup("it is suspended");
}

/* A deployment that began before is not held up by a change that came after and waits for its window. */
static bool is_delayed_for(const struct service_state *service, const struct service_state *other)
{
    if (!other->delayed)
        return false;
    const struct deployment *primary = service->ledger ? service_ledger_primary(service->ledger) : NULL;
    return !primary || plan_begins(service->ledger, service->desired, service->completed) ||
           primary->created_ms >= other->delayed->since_ms;
}

static void wait_for(struct service_state *service, struct service_state *other)
{
    if (service->waits_for == other)
        return;
    if (service->waits_for)
        core_unlist(&service->waits_for->followers, service);
    service->waits_for = other;
    if (other)
        vector_push(&other->followers, service);
}

char *core_order(struct core *core, struct service_state *service)
{
    assert(core);
    assert(service);
    struct service_state *other = NULL;
    char *why = NULL;
    const struct service_dependency_vec *depends_on = service->desired ? &service->desired->depends_on : NULL;
    for (size_t i = 0; depends_on && i < depends_on->len && !why && deploys(service); i++) {
        other = map_get(&core->services, depends_on->items[i].service);
        assert((other && other->desired) || service->delayed); /* the manifests were checked */
        if (!other || !other->desired)
            continue; /* what goes on while a change waits may name services that are no more */
        why = is_delayed_for(service, other) ? memory_strdup(other->delayed->text)
                                             : shortfall(core, other, depends_on->items[i].complete);
    }
    wait_for(service, why ? other : NULL);
    char *reason = why ? memory_printf("waits for service %s: %s", other->key, why) : NULL;
    free(why);
    return reason;
}

bool core_is_blocked(const struct core *core, const struct service_state *service)
{
    assert(core);
    assert(service);
    const struct service_state *last = service;
    /* What goes on while a change waits may be in another order, so that there is a circle until all are
     * planned. */
    for (size_t i = 0; i < core->services.len && last->waits_for && !last->delayed; i++)
        last = last->waits_for;
    return core_is_suspended(core, last) || last->delayed ||
           (last != service && view_service_has_failed(
                                   &(struct view_service){.desired = last->desired, .ledger = last->ledger}));
}

void core_wait_for(struct core *core, struct service_state *service, const char *waits_for)
{
    assert(core);
    assert(service);
    wait_for(service, waits_for ? map_get(&core->services, waits_for) : NULL);
}

void core_mark_followers(struct core *core, const struct service_state *service)
{
    assert(core);
    assert(service);
    for (size_t i = 0; i < service->followers.len; i++)
        core_mark(core, service->followers.items[i]);
}

void core_leave_order(struct core *core, struct service_state *service)
{
    assert(core);
    assert(service);
    wait_for(service, NULL);
    core_mark_followers(core, service);
    while (service->followers.len)
        wait_for(service->followers.items[0], NULL);
    vector_deinit(&service->followers);
}
