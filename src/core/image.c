/* What an image's tag means for the tasks of a deployment, rows I of the planner: asked for once, noted
 * before a task is made of it. */
#include "base/text.h"
#include "core/state.h"

#include <assert.h>

/* The entry that waits for it; NULL: the deployment was replaced meanwhile, or another instance was faster.
 */
static const struct deployment_image *awaited(const struct service_state *service,
                                              const struct action *action)
{
    const struct deployment *primary = service->ledger ? service_ledger_primary(service->ledger) : NULL;
    if (!primary || !text_equal(primary->id, action->labels.deployment))
        return NULL;
    const struct deployment_image *image = deployment_image(primary, action->image);
    return image && !image->resolved ? image : NULL;
}

/* What an instance has may have been built there: another instance may get that digest from nowhere, unless a
 * registry has given it for an earlier deployment. */
static const char *digest_of(const struct service_state *service, const struct event *event,
                             const char *image)
{
    const char *digest = event->action.image_digest;
    const struct deployment_vec *all = &service->ledger->deployments;
    if (!digest || !event->action.image_is_copy)
        return digest;
    for (size_t i = 0; i < all->len; i++) {
        const struct deployment_image *known = deployment_image(&all->items[i], image);
        if (known && text_equal(known->digest, digest))
            return digest;
    }
    return NULL;
}

static void tell(struct core *core, struct service_state *service, const struct event *event)
{
    if (!event->action.message)
        return;
    char *text CLEANUP_FREE = memory_printf("(service %s) %s.", service->name, event->action.message);
    core_add_event(core, service, text);
}

void core_image_resolved(struct core *core, const struct flight *flight, const struct event *event,
                         struct effect_vec *effects)
{
    assert(core);
    assert(flight && flight->action->kind == ACTION_RESOLVE);
    struct service_state *service = flight->service;
    const struct action *action = flight->action;
    if (!awaited(service, action))
        return;
    const char *digest = digest_of(service, event, action->image);
    struct service_ledger *ledger = service_ledger_copy(service->ledger);
    deployment_image_resolve(deployment_image(service_ledger_primary(ledger), action->image), digest);
    char *message CLEANUP_FREE =
        memory_printf("%s: %s: image %s is %s", service->key, action->labels.deployment, action->image,
                      digest ? digest : "what each instance has");
    core_save(effects, LEDGER_SERVICE, service->key, service_ledger_to_json(ledger), message);
    core_set_ledger(service, ledger);
    tell(core, service, event);
}
