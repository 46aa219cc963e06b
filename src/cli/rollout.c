#include "cli/rollout.h"

#include "plan/plan.h"

#include <assert.h>

/* Tasks as they are between two steps. */
struct march {
    const struct rollout_question *question;
    struct rollout *rollout;
    int old;
    int fresh;
    int pending; /* of the fresh ones */
};

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* R1 */
static int start(struct march *march)
{
    int count =
        least(march->question->desired - march->fresh, march->rollout->upper - march->old - march->fresh);
    if (count <= 0)
        return 0;
    march->fresh += count;
    march->pending += count;
    march->rollout->starts += count;
    return count;
}

/* R3: down to what is desired, or where new ones lack room to the lower bound. R4, R11. */
static int stop(struct march *march)
{
    bool lacks_room =
        march->fresh < march->question->desired && march->old + march->fresh >= march->rollout->upper;
    int keep = lacks_room ? march->rollout->lower : march->question->desired;
    int surplus = march->fresh - march->question->desired;
    int old = least(march->old, march->old + march->fresh - march->pending - keep);
    old = old > 0 ? old : 0;
    surplus = surplus > 0 ? surplus : 0;
    march->old -= old;
    march->fresh -= surplus;
    march->rollout->stops += old + surplus;
    march->rollout->fewest = least(march->rollout->fewest, march->old + march->fresh - march->pending);
    return old + surplus;
}

/* As far as it gets before tasks have to become healthy. False: nothing was done. */
static bool step(struct march *march)
{
    int started = 0;
    bool any = false;
    for (bool goes_on = true; goes_on; any = any || goes_on) {
        int count = start(march);
        goes_on = stop(march) + count > 0;
        started += count;
    }
    march->pending = 0;
    march->rollout->rounds += started > 0;
    if (started > march->rollout->at_once)
        march->rollout->at_once = started;
    return any;
}

void rollout_compute(const struct rollout_question *question, struct rollout *ret_rollout)
{
    assert(question && ret_rollout);
    assert(question->before >= 0 && question->desired >= 0);
    struct march march = {.question = question, .rollout = ret_rollout};
    *ret_rollout =
        (struct rollout){.lower = plan_lower_bound(question->desired, question->minimum_healthy_percent),
                         .upper = plan_upper_bound(question->desired, question->maximum_percent),
                         .fewest = least(question->before, question->desired)};
    *(question->replaces ? &march.old : &march.fresh) = question->before;
    while (march.old > 0 || march.fresh != question->desired) {
        if (!step(&march)) {
            ret_rollout->stuck = true;
            return;
        }
    }
}
