/* A warning where a change window opens no more: nothing would be deployed any longer, and nobody would know
 * before a change waits; and where a scheduled task is due no more. Seen from the time of the commit, or
 * where there is none from now. */
#include "manifest/manifest_state.h"

#include "base/memory.h"

#include <assert.h>

#define WARNINGS 20 /* a search without end takes long, and so many are enough for a person */

struct search {
    const struct manifest *manifest;
    int64_t now_s;
    int warnings;
    struct diagnostics *diagnostics;
};

static void check(struct search *search, const struct kind_object *object, const struct change_gate *gate)
{
    int64_t opens_s;
    if (gate->len == 0 || search->warnings == WARNINGS || change_gate_next(gate, search->now_s, &opens_s))
        return;
    search->warnings++;
    cross_check_report(
        search->diagnostics, object, &(struct kind_place){.at = object->at},
        (struct kind_fault){
            .severity = SEVERITY_WARNING,
            .code = "never-open",
            .pointer = memory_strdup("/davit/changeWindows"),
            .message =
                memory_printf("no change window of %s opens any more, as far as can be seen", object->key),
            .hint = memory_strdup("give an allow another time, or a deny an end; `davit approve COMMIT` lets "
                                  "a commit through")});
}

/* A one-time schedule that is over is no error: it stays in git until somebody removes it. */
static void check_schedules(const struct search *search)
{
    int64_t at_s;
    const struct kind_object_vec *scheduled = &search->manifest->objects[KIND_SCHEDULED_TASK];
    for (size_t i = 0; i < scheduled->len; i++) {
        const struct kind_object *object = scheduled->items[i];
        const struct scheduled_task *task = object->scheduled_task;
        if (!task || task->disabled || scheduled_task_next(task, search->now_s, search->now_s, &at_s))
            continue;
        cross_check_report(search->diagnostics, object, &(struct kind_place){.at = object->at},
                           (struct kind_fault){.severity = SEVERITY_WARNING,
                                               .code = "never-due",
                                               .pointer = memory_strdup("/ScheduleExpression"),
                                               .message = memory_printf(
                                                   "scheduled task %s is never due any more", object->key),
                                               .hint = memory_strdup("remove it, or give it another time")});
    }
}

void window_check(const struct manifest *manifest, const struct commit *commit,
                  struct diagnostics *diagnostics)
{
    assert(manifest);
    assert(commit);
    struct search search = {manifest, commit->time_ms / 1000, 0, diagnostics};
    if (search.now_s <= 0)
        return;
    check_schedules(&search);
    for (size_t i = 0; i < manifest->objects[KIND_CLUSTER].len; i++) {
        const struct kind_object *object = manifest->objects[KIND_CLUSTER].items[i];
        struct change_gate gate = {0};
        if (object->cluster)
            change_gate_add(&gate, &object->cluster->windows);
        check(&search, object, &gate);
    }
    for (size_t i = 0; i < manifest->entangled.len; i++) {
        const struct kind_object *object = manifest->entangled.items[i];
        struct change_gate gate = {0};
        if (object->service->windows.len == 0)
            continue;
        change_gate_add(&gate, &object->service->windows);
        const struct cluster *cluster = cross_check_cluster(manifest, object->service->cluster);
        change_gate_add(&gate, cluster ? &cluster->windows : NULL);
        check(&search, object, &gate);
    }
}
