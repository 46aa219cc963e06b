#include "core/steady.h"

#include <assert.h>

static const struct deployment *primary_of(const struct view_service *view)
{
    return view->ledger ? service_ledger_primary(view->ledger) : NULL;
}

bool view_service_is_steady(const struct view_service *view)
{
    assert(view);
    const struct deployment *primary = primary_of(view);
    return view->desired && !view->delayed && !view->crash_looping && primary &&
           primary->state == DEPLOYMENT_COMPLETED && view->leaving_count == 0 &&
           digest_equal(&primary->digest, &view->desired->digest) && view->pending_count == 0 &&
           view->stopping_count == 0 && view->running_count == view->desired->desired_count &&
           view->healthy_count == view->desired->desired_count;
}

bool view_service_has_failed(const struct view_service *view)
{
    assert(view);
    /* what failed and is known bad no more is about to be tried again, D10 */
    return view->desired && primary_of(view) &&
           service_ledger_known_bad(view->ledger, &view->desired->digest);
}
