/* Rows I1 to I7: a tag is resolved to a digest once per deployment (ECS 4.8). */
#include "model/image.h"
#include "base/text.h"
#include "plan/rolling.h"

#include <assert.h>
#include <string.h>

/* I2: whether a task of that content is of the deployment. */
static bool has_live_task(const struct pass *pass, const struct deployment *deployment,
                          const struct service *content)
{
    for (size_t i = 0; i < pass->tasks.len; i++) {
        const struct task *task = &pass->tasks.items[i];
        if (task_is_live(task) && text_equal(task->deployment, deployment->id) &&
            digest_equal(&task->digest, service_task_digest(content)))
            return true;
    }
    return false;
}

static bool is_resolved(const struct deployment *deployment)
{
    for (size_t i = 0; i < deployment->images.len; i++)
        if (!deployment->images.items[i].resolved)
            return false;
    return true;
}

/* F12: what COMPLETED is what it was rolled back to; another deployment of that content may have begun since,
 * of what its tags meant by then. */
static bool is_rolled_back_to(const struct deployment *primary, const struct deployment *deployment)
{
    return !digest_is_zero(&primary->rollback_of) && deployment->state == DEPLOYMENT_COMPLETED &&
           digest_equal(&deployment->digest, &primary->digest) && deployment->images.len &&
           is_resolved(deployment);
}

/* I2: what is rolled back to, or the newest whose tasks are adopted; NULL: there is none. */
static const struct deployment *predecessor(const struct pass *pass, const struct service *content)
{
    const struct deployment_vec *all = &pass->ledger->deployments;
    for (size_t i = 1; i < all->len; i++)
        if (is_rolled_back_to(pass_primary(pass), &all->items[i]))
            return &all->items[i];
    for (size_t i = 1; i < all->len; i++)
        if (has_live_task(pass, &all->items[i], content))
            return &all->items[i];
    return NULL;
}

void image_begin(const struct service *content, struct deployment *deployment)
{
    assert(content && content->task_definition);
    assert(deployment && deployment->images.len == 0);
    const struct container_spec_vec *specs = &content->task_definition->containers;
    for (size_t i = 0; i < specs->len; i++) {
        const char *image = image_to_resolve(content->task_definition, specs->items[i].name);
        if (image)
            deployment_add_image(deployment, image);
    }
}

/* I2: what a container of a task that is adopted was created of; NULL: of a tag, or there is none. */
static const char *digest_of_adopted(const struct pass *pass, const char *image)
{
    const struct task_definition *definition = pass->in->desired->task_definition;
    for (size_t i = 0; i < pass->tasks.len; i++) {
        const struct task *task = &pass->tasks.items[i];
        for (size_t c = 0; task_is_live(task) && pass_is_new(pass, task) && c < task->containers_len; c++) {
            const struct container *container = task->containers[c];
            if (text_equal(image_to_resolve(definition, container->labels.spec->name), image) &&
                container->image && image_is_of(image, container->image))
                return image_digest(container->image);
        }
    }
    return NULL;
}

/* I2, of a deployment that the ledger knows. */
static void take_over(struct pass *pass, const struct deployment *before)
{
    for (size_t i = 0; i < before->images.len; i++) {
        const struct deployment_image *known = &before->images.items[i];
        const struct deployment_image *image = deployment_image(pass_primary(pass), known->image);
        if (!image || image->resolved || !known->resolved)
            continue;
        size_t at = (size_t)(before - pass->ledger->deployments.items);
        struct service_ledger *edit = pass_edit(pass, "image %s as of %s", known->image, before->id);
        before = &edit->deployments.items[at];
        deployment_image_resolve(
            deployment_image(service_ledger_primary(edit), before->images.items[i].image),
            before->images.items[i].digest);
    }
}

void pass_images(struct pass *pass)
{
    assert(pass);
    const struct deployment *primary = pass_primary(pass);
    if (!pass->in->desired || !primary || is_resolved(primary))
        return;
    const struct deployment *before = predecessor(pass, pass->in->desired);
    if (before)
        take_over(pass, before);
    for (size_t i = 0; i < pass_primary(pass)->images.len; i++) {
        const struct deployment_image *image = &pass_primary(pass)->images.items[i];
        const char *digest = image->resolved ? NULL : digest_of_adopted(pass, image->image);
        if (!digest)
            continue;
        struct service_ledger *edit = pass_edit(pass, "image %s as of its tasks", image->image);
        deployment_image_resolve(&service_ledger_primary(edit)->images.items[i], digest);
    }
}

char *image_of_task(const struct pass *pass, const char *container)
{
    assert(pass);
    const struct deployment *primary = pass_primary(pass);
    const char *image = primary ? image_to_resolve(pass->in->desired->task_definition, container) : NULL;
    const struct deployment_image *known = image ? deployment_image(primary, image) : NULL;
    return known && known->digest ? image_at(image, known->digest) : NULL;
}

static const struct plan_instance *instance_at(const struct pass *pass, const struct site *site)
{
    return &pass->in->instances->items[site->index];
}

struct open_vec VECTOR_OF(const struct site *);

/* I3: where the next task would go, or could go if there was room; after k failures the k-th of them after
 * that. NULL: nowhere. */
static const struct plan_instance *choose(struct pass *pass, const char *task, int failures)
{
    struct site_vec *sites = pass_sites(pass);
    const struct site *best = placement_find(pass, task);
    struct open_vec open = {0};
    size_t first = 0;
    for (size_t i = 0; i < sites->len; i++) {
        if (!placement_is_open(pass, &sites->items[i]))
            continue;
        if (&sites->items[i] == best)
            first = open.len;
        vector_push(&open, &sites->items[i]);
    }
    const struct plan_instance *chosen =
        open.len ? instance_at(pass, open.items[(first + (size_t)failures) % open.len]) : NULL;
    vector_deinit(&open);
    return chosen;
}

static bool is_asked(const struct pass *pass, const struct action *action)
{
    return action->kind == ACTION_RESOLVE && text_equal(action->labels.deployment, pass_primary(pass)->id);
}

/* I4. On an instance that does not answer nothing comes of it. */
static const char *asked_on(const struct pass *pass, const char *image)
{
    const struct plan_input *in = pass->in;
    for (size_t i = 0; i < in->under_way_len; i++) {
        const struct action *action = in->under_way[i];
        if (!is_asked(pass, action) || !text_equal(action->image, image))
            continue;
        const struct plan_instance *instance = placement_instance(in->instances, action->instance);
        if (instance && instance->usable)
            return instance->name;
    }
    return NULL;
}

/* I6: the task that other images are asked for already, unless it has failed. */
static void find_task(const struct pass *pass, char *ret_id)
{
    for (size_t i = 0; i < pass->in->under_way_len; i++) {
        const struct action *action = pass->in->under_way[i];
        if (is_asked(pass, action) && !failure_is_noted(pass, action->task))
            memcpy(ret_id, action->task, sizeof action->task);
    }
}

static const char *container_with(const struct task_definition *definition, const char *image)
{
    for (size_t i = 0; i < definition->containers.len; i++)
        if (text_equal(image_to_resolve(definition, definition->containers.items[i].name), image))
            return definition->containers.items[i].name;
    return NULL;
}

/* I3. The task that a failure is counted for, as if its create had failed, is one that will never be: the
 * same for all images that are asked for together, `task_id`, drawn by the first of them. */
static const char *ask(struct pass *pass, const char *image, char *task_id)
{
    struct task task = {0};
    struct task_definition *definition = pass->in->desired->task_definition;
    const struct deployment *primary = pass_primary(pass);
    if (!task_id[0])
        id_draw_hex(pass->in->ids, task_id);
    memcpy(task.id, task_id, sizeof task.id);
    const struct plan_instance *instance = choose(pass, task.id, back_off_rounds(pass, NULL));
    const char *container = container_with(definition, image);
    if (!instance || !container)
        return NULL;
    back_off_launch(pass, NULL);
    task.instance = instance->name;
    struct action *action = life_act(pass, &task, ACTION_RESOLVE, container);
    action->image = memory_strdup(image);
    action->labels.deployment = memory_strdup(primary->id);
    action->labels.digest = *service_task_digest(pass->in->desired);
    action->task_definition = task_definition_ref(definition);
    return instance->name;
}

void image_count_failure(struct pass *pass)
{
    assert(pass);
    const struct deployment *primary = pass_primary(pass);
    int others = pass->in->desired->desired_count - 1;
    for (size_t i = 0; i < pass->tasks.len; i++)
        others -= task_is_live(&pass->tasks.items[i]) && pass_is_new(pass, &pass->tasks.items[i]);
    bool again = back_off_rounds(pass, NULL) > 1;
    if (!again || !primary || primary->state != DEPLOYMENT_IN_PROGRESS || others <= 0)
        return;
    struct deployment *edit =
        service_ledger_primary(pass_edit(pass, "and %d more without their image", others));
    edit->failed_tasks += others < INT32_MAX - edit->failed_tasks ? others : 0;
}

bool image_gate(struct pass *pass)
{
    assert(pass);
    const struct deployment *primary = pass_primary(pass);
    char task_id[ID_HEX_SIZE] = "";
    bool waits = false;
    find_task(pass, task_id);
    for (size_t i = 0; primary->state != DEPLOYMENT_FAILED && i < primary->images.len; i++) {
        const struct deployment_image *image = &primary->images.items[i];
        if (image->resolved)
            continue;
        if (!waits && back_off_held(pass, NULL))
            return true;
        const char *instance = asked_on(pass, image->image);
        if (!instance)
            instance = ask(pass, image->image, task_id);
        if (!instance) /* P2 says what each of them lacks */
            return false;
        waits = true;
        pass_waiting(pass, "resolves image %s to a digest for all tasks of the deployment, on instance %s",
                     image->image, instance);
    }
    return waits;
}
