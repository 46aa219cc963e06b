/* (I) A tag means one image for all tasks of a deployment, whatever it means meanwhile. */
#include "base/text.h"
#include "model/image.h"
#include "world.h"

#include <stdlib.h>

/* The service that has the task's deployment, under whatever name; NULL ledger: nobody remembers it. */
static struct view_service service_of(const struct world *world, const struct task_labels *labels)
{
    struct view_service view;
    for (size_t i = 0; world->davit.core && core_view_service_at(world->davit.core, i, &view); i++)
        if (view.ledger && service_ledger_has_deployment(view.ledger, labels->deployment))
            return view;
    return (struct view_service){0};
}

/* I8: a task that was half made may be found by one who has forgotten its deployment. Or that goes by the
 * tag: it began while no registry answered, and what the instances have may be anything. */
static bool may_go_by_tag(const struct world *world, const struct container *container)
{
    const struct service_ledger *ledger = service_of(world, &container->labels).ledger;
    for (size_t d = 0; ledger && !world->fair && d < ledger->deployments.len; d++) {
        const struct deployment_image *image =
            deployment_image(&ledger->deployments.items[d], container->image);
        if (image && image->resolved && !image->digest)
            return true;
    }
    return !ledger;
}

/* A task that was half made is made up by a later deployment of its content, with the image of that. */
static bool is_of_primary(const struct world *world, const struct container *container)
{
    struct view_service view;
    const char *name = check_owner(world, &container->labels);
    const struct deployment *primary =
        name && world->davit.core && core_view_service(world->davit.core, "c", name, &view) && view.ledger
            ? service_ledger_primary(view.ledger)
            : NULL;
    for (size_t i = 0; primary && i < primary->images.len; i++)
        if (primary->images.items[i].digest &&
            text_equal(primary->images.items[i].digest, image_digest(container->image)))
            return !text_equal(primary->id, container->labels.deployment);
    return false;
}

static void check_one(struct world *world, const char *host, const struct container *container)
{
    const struct task_labels *labels = &container->labels;
    char *key CLEANUP_FREE = memory_printf("%s %s", labels->deployment, labels->spec->name);
    struct map *images = &world->checker.images;
    images->free_value = free;
    const char *known = map_get(images, key);
    if (!image_digest(container->image) && may_go_by_tag(world, container))
        return;
    if (!image_digest(container->image))
        world_fail(world, "(I) %s on %s was created by its tag: %s", container->name, host, container->image);
    else if (!known)
        map_put(images, key, memory_strdup(container->image));
    else if (!text_equal(known, container->image) && !is_of_primary(world, container))
        world_fail(world, "(I) %s on %s is of %s, others of %s of %s", container->name, host,
                   container->image, labels->deployment, known);
}

/* Once, while davit runs: what a deployment's tags meant is forgotten with its entry, and its containers
 * stay. */
static void check_new(struct world *world, const char *host, const struct container *container)
{
    char *key CLEANUP_FREE = memory_printf("%s on %s", container->id, host);
    if (map_get(&world->checker.judged, key))
        return;
    check_one(world, host, container);
    if (world->davit.core)
        map_put(&world->checker.judged, key, world);
}

void check_images(struct world *world, int host)
{
    const struct sim *sim = world->hosts[host].sim;
    for (size_t i = 0; i < sim_containers_len(sim) && !world->failed; i++) {
        const struct container *container = sim_container_at(sim, i);
        if (text_equal(container->labels.owner, OWNER) && container->labels.deployment &&
            !container_is_internal(container->labels.spec->name))
            check_new(world, world->hosts[host].name, container);
    }
}
