/* EVENT_RETRY: a failure whose cause lies outside of git, a file's mode or an image that was missing, is
 * forgotten; row D10 does the rest. */
#include "core/state.h"

#include <assert.h>

static void save(struct core *core, struct service_state *service, struct effect_vec *effects)
{
    char commit[COMMIT_SHORT_SIZE];
    const struct task_definition *definition = service->desired->task_definition;
    commit_short(core_commit_of(core, service)->oid, commit);
    char *message CLEANUP_FREE = memory_printf("%s: %s:%d is to be tried again, commit %s", service->key,
                                               definition->family, definition->revision, commit);
    core_save(effects, LEDGER_SERVICE, service->key, service_ledger_to_json(service->ledger), message);
}

void core_on_retry(struct core *core, struct event *event, struct effect_vec *effects)
{
    assert(core);
    struct service_state *service =
        core_service_state(core, event->retry.cluster, event->retry.service, false);
    if (!service || !service->desired || !service->ledger ||
        !service_ledger_forget_known_bad(service->ledger, &service->desired->digest))
        return; /* a commit came in between, or another retry */
    save(core, service, effects);
    core_end_holds(core, service, INT64_MAX);
    map_clear(&service->troubles);
    core_mark(core, service);
}
