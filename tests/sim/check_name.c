/* (x) New names: what a commit calls otherwise is the same service, with the same tasks. Who has which task
 * is what core says of it, as long as no service loses one by a commit that changes no more than its name.
 */
#include "base/text.h"

#include "world.h"

#include <stdlib.h>

const char *check_owner(const struct world *world, const struct task_labels *labels)
{
    const char *owner = labels->service ? map_get(&world->checker.owners, labels->task) : NULL;
    return owner ? owner : labels->service;
}

void name_note_owners(struct world *world)
{
    struct view_service view;
    map_clear(&world->checker.owners);
    for (size_t i = 0; core_view_service_at(world->davit.core, i, &view); i++)
        for (size_t t = 0; view.ledger && t < view.ledger->adopted.len; t++)
            map_put(&world->checker.owners, view.ledger->adopted.items[t], memory_strdup(view.name));
}

/* Its tasks, and which of them are to stop. Caller frees. */
static char *tasks_of(const struct world *world, const char *service)
{
    struct task_vec tasks;
    char *text = memory_strdup("");
    core_view_tasks(world->davit.core, "c", service, world->now_ms, &tasks);
    for (size_t i = 0; i < tasks.len; i++) {
        char *longer = memory_printf("%s %s%s", text, tasks.items[i].id, tasks.items[i].stop ? "!" : "");
        free(text);
        text = longer;
    }
    task_vec_deinit(&tasks);
    return text;
}

void name_note(struct world *world, int number)
{
    struct was *was = &world->checker.was[number];
    const struct desired *desired = core_desired(world->davit.core);
    struct name name = repo_name_now(world, number);
    struct name other = repo_name_of(number, name.text[0] == 's');
    const struct service *service = desired ? desired_service(desired, "c", name.text) : NULL;
    struct view_service view;
    free(was->tasks);
    *was = (struct was){.name = name,
                        .wanted = service && !service->prune_disabled,
                        .new_is_there = core_view_service(world->davit.core, "c", other.text, &view),
                        .tasks = tasks_of(world, name.text)};
    if (was->wanted)
        was->digest = service->digest;
}

/* Who has the same content under another name has the same tasks, and nobody else has the old name. */
void name_check(struct world *world, int number)
{
    const struct was *was = &world->checker.was[number];
    struct name name = repo_name_now(world, number);
    const struct service *service = desired_service(core_desired(world->davit.core), "c", name.text);
    struct view_service view;
    if (!was->wanted || !service || was->new_is_there || text_equal(name.text, was->name.text) ||
        !digest_equal(&service->digest, &was->digest))
        return;
    char *tasks CLEANUP_FREE = tasks_of(world, name.text);
    world_trace(world, "%s is %s by now:%s", was->name.text, name.text, tasks);
    if (!text_equal(tasks, was->tasks))
        world_fail(world, "(x) %s has another name, and had the tasks%s", name.text, was->tasks);
    if (core_view_service(world->davit.core, "c", was->name.text, &view))
        world_fail(world, "(x) %s has another name, and is still there", was->name.text);
    int to = name.text[0] == 'r';
    int *floors = &world->checker.floors[number * NAMES_MAX];
    floors[to] = floors[!to];
}

void name_deinit(struct checker *checker)
{
    map_deinit(&checker->owners);
    for (int s = 0; s < SERVICES_MAX; s++)
        free(checker->was[s].tasks);
}
