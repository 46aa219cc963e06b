/* Services that wait for each other in a circle would wait for ever. */
#include "manifest/manifest_state.h"

#include "base/buffer.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"

#include <assert.h>

enum visit { UNSEEN, ON_PATH, DONE };

struct step {
    size_t service;
    size_t next; /* of its references: to be looked at */
};

/* Depth first, with a path of its own: thousands of services may stand in one row. */
struct walk {
    const struct kind_object_vec *services;
    struct diagnostics *diagnostics;
    unsigned char *visits; /* enum visit, one a service */
    struct step_vec VECTOR_OF(struct step) path;
};

/* The path from `first` on, and back to it. Caller frees. */
static char *name_circle(const struct walk *walk, size_t first)
{
    struct buffer text = BUFFER_INIT(LIMIT_ERROR_CHARS);
    size_t i = 0;
    while (walk->path.items[i].service != first)
        i++;
    for (; i < walk->path.len; i++)
        buffer_printf(&text, "%s -> ", walk->services->items[walk->path.items[i].service]->key);
    buffer_append_str(&text, walk->services->items[first]->key);
    return buffer_steal(&text);
}

static void report(const struct walk *walk, size_t first, const struct kind_reference *reference)
{
    const struct kind_object *object = walk->services->items[walk->path.items[walk->path.len - 1].service];
    bool alone = text_equal(object->key, reference->name);
    char *circle CLEANUP_FREE = name_circle(walk, first);
    cross_check_report(
        walk->diagnostics, object, &reference->at,
        (struct kind_fault){
            .severity = SEVERITY_ERROR,
            .code = "order",
            .pointer = memory_strdup(reference->pointer),
            .message = alone ? memory_printf("service \"%s\" depends on itself", object->key)
                             : memory_printf("these services wait for each other for ever: %s", circle),
            .hint = memory_strdup(alone ? "take it out of its own dependsOn"
                                        : "take one of them out of the dependsOn of another")});
}

static void enter(struct walk *walk, size_t service)
{
    walk->visits[service] = ON_PATH;
    vector_push(&walk->path, (struct step){.service = service});
}

/* Who is not there is reported as an unknown reference. */
static void follow(struct walk *walk, const struct kind_reference *reference)
{
    const struct kind_object_vec *services = walk->services;
    size_t at = manifest_lower_bound(services, reference->name);
    if (at == services->len || !text_equal(services->items[at]->key, reference->name))
        return;
    if (walk->visits[at] == UNSEEN)
        enter(walk, at);
    else if (walk->visits[at] == ON_PATH)
        report(walk, at, reference);
}

static void walk_from(struct walk *walk, size_t service)
{
    enter(walk, service);
    while (walk->path.len) {
        struct step *step = &walk->path.items[walk->path.len - 1];
        const struct kind_reference_vec *references = &walk->services->items[step->service]->references;
        if (step->next == references->len) {
            walk->visits[step->service] = DONE;
            walk->path.len--;
        } else if (references->items[step->next++].target == KIND_SERVICE) {
            follow(walk, &references->items[step->next - 1]);
        }
    }
}

static size_t place_of(const struct kind_object_vec *services, const struct kind_object *object)
{
    size_t at = manifest_lower_bound(services, object->key);
    while (services->items[at] != object)
        at++; /* of the same key */
    return at;
}

static bool waits(const struct kind_object *object)
{
    for (size_t i = 0; i < object->references.len; i++)
        if (object->references.items[i].target == KIND_SERVICE)
            return true;
    return false;
}

static void walk_all(struct walk *walk, const struct kind_object_vec *objects)
{
    for (size_t i = 0; i < objects->len; i++) {
        const struct kind_object *object = objects->items[i];
        size_t at = waits(object) ? place_of(walk->services, object) : walk->services->len;
        if (at < walk->services->len && walk->visits[at] == UNSEEN)
            walk_from(walk, at);
    }
}

/* Those with errors wait as well. */
void order_check(const struct manifest *manifest, struct diagnostics *diagnostics)
{
    assert(manifest);
    assert(diagnostics);
    struct kind_object_vec all = {0};
    if (manifest->with_errors)
        all = manifest_all_of(manifest, KIND_SERVICE);
    const struct kind_object_vec *services = all.len ? &all : &manifest->objects[KIND_SERVICE];
    unsigned char *visits CLEANUP_FREE = memory_calloc(services->len, sizeof *visits);
    struct walk walk = {.services = services, .diagnostics = diagnostics, .visits = visits};
    walk_all(&walk, all.len ? &all : &manifest->entangled);
    vector_deinit(&walk.path);
    vector_deinit(&all);
}
