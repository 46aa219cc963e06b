/* `davit rollback --hold`: (u). */
#include "world.h"

/* What the service goes back from by hand, though the repository asks for it; NULL: nothing. */
static const struct digest *taken_back(const struct service_ledger *entry)
{
    const struct deployment *primary = entry->deployments.len ? service_ledger_primary(entry) : NULL;
    const struct known_bad *bad = primary && !entry->removed && !digest_is_zero(&primary->rollback_of)
                                      ? service_ledger_known_bad(entry, &primary->rollback_of)
                                      : NULL;
    return bad && bad->held ? &primary->rollback_of : NULL;
}

/* (u) The hold is there when its step is over, and what it goes back to has not failed. */
void hold_check_begun(struct world *world, const char *name, const struct digest *to)
{
    struct view_service view;
    if (!core_view_service(world->davit.core, "c", name, &view) || !view.held ||
        !digest_equal(&service_ledger_primary(view.ledger)->digest, to) ||
        !digest_equal(&view.aim->digest, to) || service_ledger_known_bad(view.ledger, to))
        world_fail(world, "(u) %s does not go back", name);
}

/* (u) A hold ends with other content, or when what it took back is forgiven, and not in another way. */
void hold_check_saved(struct world *world, const struct service_ledger *before,
                      const struct service_ledger *now)
{
    const struct digest *bad = taken_back(before);
    if (bad && now->deployments.len && digest_equal(&service_ledger_primary(now)->digest, bad) &&
        service_ledger_known_bad(now, bad))
        world_fail(world, "(u) %s is not held any more", now->service);
}

/* (u) Nor does it end by being forgotten: what is to run is what it went back to, unless that failed too. */
void hold_check_goal(struct world *world, const struct view_service *view)
{
    const struct digest *bad = taken_back(view->ledger);
    if (!bad || !digest_equal(bad, &view->desired->digest))
        return;
    world_trace(world, "%s is held", view->name);
    if (view->aim == view->desired || !view->held)
        world_fail(world, "(u) %s is held, and what it went back to is not known", view->name);
}
