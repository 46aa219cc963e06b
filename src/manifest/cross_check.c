#include "manifest/kind_read.h"
#include "manifest/manifest_state.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/prefetch.h"
#include "base/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* So many hints are enough for a person, and cheap for ten thousand names. */
#define HINTS 20

struct cross {
    struct manifest *manifest;
    const struct map *families;
    struct diagnostics *diagnostics;
    struct cross_hints hints;
};

void cross_check_report(struct diagnostics *diagnostics, const struct kind_object *object,
                        const struct kind_place *at, struct kind_fault fault)
{
    assert(object);
    assert(at);
    char *pointer = at->pointer ? memory_strdup(at->pointer)
                                : memory_printf("%s%s", object->base ? object->base : "",
                                                fault.pointer ? fault.pointer : "");
    free(fault.pointer);
    struct diagnostic diagnostic = {.severity = fault.severity,
                                    .file = memory_strdup(at->file ? at->file : object->file),
                                    .at = at->at,
                                    .pointer = pointer,
                                    .code = memory_strdup(fault.code),
                                    .message = fault.message,
                                    .found = fault.found,
                                    .expected = fault.expected,
                                    .hint = fault.hint};
    diagnostics_add(diagnostics, &diagnostic);
}

/* The first object of that key, or NULL. */
static struct kind_object *find(const struct kind_object_vec *vec, const char *key)
{
    size_t at = manifest_lower_bound(vec, key);
    return at < vec->len && strcmp(vec->items[at]->key, key) == 0 ? vec->items[at] : NULL;
}

const struct cluster *cross_check_cluster(const struct manifest *manifest, const char *name)
{
    assert(manifest);
    assert(name);
    const struct kind_object *found = find(&manifest->objects[KIND_CLUSTER], name);
    if (found)
        return found->cluster;
    return manifest->elsewhere ? desired_cluster(manifest->elsewhere, name) : NULL;
}

char *cross_check_hint(struct cross_hints *hints, enum kind kind, const char *name)
{
    assert(hints);
    const struct kind_object_vec *vec = &hints->manifest->objects[kind];
    if (hints->left == 0 || vec->len == 0)
        return NULL;
    hints->left--;
    const char **names CLEANUP_FREE = memory_calloc(vec->len, sizeof *names);
    for (size_t i = 0; i < vec->len; i++)
        names[i] = vec->items[i]->key;
    const char *near = text_nearest(name, names, vec->len);
    return near ? memory_printf("did you mean \"%s\"?", near) : NULL;
}

/* --- duplicates ----------------------------------------------------------------------------------------- */

static const struct {
    const char *what;
    const char *member;
} declared[KIND_COUNT] = {
    [KIND_CAPACITY_PROVIDER] = {"capacity provider", "/name"},
    [KIND_CLUSTER] = {"cluster", "/clusterName"},
    [KIND_LISTENER] = {"listener", "/Port"},
    [KIND_RUN_TASK] = {NULL, NULL}, /* has no name */
    [KIND_SCHEDULED_TASK] = {"scheduled task", "/Name"},
    [KIND_SERVICE] = {"service", "/serviceName"},
    [KIND_TARGET_GROUP] = {"target group", "/Name"},
    [KIND_TASK_DEFINITION] = {"task definition", "/family"},
};

static bool report_duplicates(struct cross *cross, enum kind kind, const struct kind_object_vec *vec)
{
    const struct kind_object *first = NULL;
    bool found = false;
    for (size_t i = 0; i < vec->len; i++) {
        const struct kind_object *object = vec->items[i];
        if (!first || strcmp(first->key, object->key) != 0) {
            first = object;
            continue;
        }
        found = true;
        cross_check_report(
            cross->diagnostics, object, &(struct kind_place){.at = object->at},
            (struct kind_fault){.severity = SEVERITY_ERROR,
                                .code = "duplicate",
                                .pointer = memory_strdup(declared[kind].member),
                                .message = memory_printf("%s \"%s\" is declared twice: first at %s:%d:%d",
                                                         declared[kind].what, object->key, first->file,
                                                         first->at.line, first->at.column),
                                .hint = memory_strdup("remove one of them, or give it another name")});
    }
    return found;
}

static void check_duplicates(struct cross *cross, enum kind kind)
{
    struct manifest *manifest = cross->manifest;
    if (!declared[kind].what || (!manifest->duplicates[kind] && !manifest->with_errors))
        return;
    struct kind_object_vec all = manifest_all_of(manifest, kind);
    if (manifest->duplicates[kind] || all.len > manifest->objects[kind].len)
        manifest->duplicates[kind] = report_duplicates(cross, kind, &all);
    vector_deinit(&all);
}

/* --- clusters ------------------------------------------------------------------------------------------- */

static void check_cluster(struct cross *cross, struct kind_object *object)
{
    const char *name = object->service->cluster;
    bool elsewhere = cross->manifest->any_cluster ||
                     (cross->manifest->elsewhere && desired_cluster(cross->manifest->elsewhere, name));
    if (find(&cross->manifest->objects[KIND_CLUSTER], name) || elsewhere || text_equal(name, "default")) {
        object->cluster_known = true;
        return;
    }
    object->cluster_known = false;
    if (cross->manifest->unreadable)
        return; /* it may be declared there */
    cross_check_report(cross->diagnostics, object, &object->cluster_at,
                       (struct kind_fault){.severity = SEVERITY_ERROR,
                                           .code = "reference",
                                           .pointer = memory_strdup("/cluster"),
                                           .message = memory_printf("no cluster \"%s\" in this commit", name),
                                           .expected = memory_strdup("a declared cluster, or \"default\""),
                                           .hint = cross_check_hint(&cross->hints, KIND_CLUSTER, name)});
}

/* --- task definitions ----------------------------------------------------------------------------------- */

static void report_reference(struct cross *cross, const struct kind_object *object, char *message, char *hint)
{
    cross_check_report(cross->diagnostics, object, &object->task_definition_at,
                       (struct kind_fault){.severity = SEVERITY_ERROR,
                                           .code = "reference",
                                           .pointer = memory_strdup("/taskDefinition"),
                                           .message = message,
                                           .hint = hint});
}

/* Splits "web:3"; no revision is 0. Caller frees the family. */
static char *split(const char *text, int *ret_revision)
{
    const char *colon = strchr(text, ':');
    int64_t revision = 0;
    if (colon && text_to_int64(colon + 1, 1, INT32_MAX, &revision) < 0)
        revision = INT32_MAX; /* the schema allows nine digits, so this is for safety only */
    *ret_revision = (int)revision;
    return colon ? memory_strndup(text, (size_t)(colon - text)) : memory_strdup(text);
}

/* Borrowed from the cache of old revisions, or NULL after a report. */
static struct task_definition *old_revision(struct cross *cross, const struct kind_object *object,
                                            const char *family, int revision)
{
    const char *text = object->service->task_definition_text;
    struct task_definition *definition = map_get(&cross->manifest->old_revisions, text);
    if (definition)
        return definition;
    const struct family_ledger *entry = map_get(cross->families, family);
    const struct revision *old = entry ? family_ledger_revision(entry, revision) : NULL;
    if (!old) {
        size_t known = entry ? entry->revisions.len : 0;
        char *hint = known ? memory_printf("%zu %s known; write \"%s\" for the newest", known,
                                           known == 1 ? "revision is" : "revisions are", family)
                           : cross_check_hint(&cross->hints, KIND_TASK_DEFINITION, family);
        report_reference(cross, object,
                         memory_printf("no revision %d of task definition \"%s\"", revision, family), hint);
        return NULL;
    }
    if (kind_old_task_definition(kind_set_schema(&cross->manifest->kinds, KIND_TASK_DEFINITION), old->json,
                                 revision, &definition) < 0) {
        report_reference(
            cross, object,
            memory_printf("revision %d of task definition \"%s\" is not valid any more", revision, family),
            memory_printf("write \"%s\" for the newest", family));
        return NULL;
    }
    map_put(&cross->manifest->old_revisions, text, definition);
    return definition;
}

/* Borrowed, or NULL after a report; a definition that has errors of its own needs no second one. */
static struct task_definition *resolve(struct cross *cross, const struct kind_object *object,
                                       const char *family, int revision)
{
    const struct kind_object *found = find(&cross->manifest->objects[KIND_TASK_DEFINITION], family);
    struct task_definition *newest = found ? found->task_definition : NULL;
    if (newest && (revision == 0 || newest->revision == revision))
        return newest;
    if (revision && !(found && !newest))
        return old_revision(cross, object, family, revision);
    if (!found && !cross->manifest->unreadable)
        report_reference(cross, object, memory_printf("no task definition \"%s\" in this commit", family),
                         cross_check_hint(&cross->hints, KIND_TASK_DEFINITION, family));
    return NULL;
}

/* A task definition of davit.preDeploy; a new reference. NULL when there is none: reference_check() tells. */
static struct task_definition *find_definition(struct cross *cross, const char *text)
{
    int revision;
    char *family CLEANUP_FREE = split(text, &revision);
    const struct kind_object *found = find(&cross->manifest->objects[KIND_TASK_DEFINITION], family);
    struct task_definition *definition = found ? found->task_definition : NULL;
    if (revision == 0 || (definition && definition->revision == revision))
        return definition ? task_definition_ref(definition) : NULL;
    const struct family_ledger *entry = map_get(cross->families, family);
    const struct revision *old = entry ? family_ledger_revision(entry, revision) : NULL;
    definition = NULL;
    if (old && kind_old_task_definition(kind_set_schema(&cross->manifest->kinds, KIND_TASK_DEFINITION),
                                        old->json, revision, &definition) < 0)
        return NULL;
    return definition;
}

/* The task definitions that an object names beyond that of a service, which is told which revision "migrate"
 * is: only the manifest knows. References are counted. */
static void find_named(struct cross *cross, const struct kind_object *object,
                       struct task_definition_vec *ret_definitions)
{
    for (size_t i = 0; i < object->references.len; i++) {
        if (object->references.items[i].target != KIND_TASK_DEFINITION)
            continue;
        struct task_definition *definition = find_definition(cross, object->references.items[i].name);
        if (definition)
            vector_push(ret_definitions, definition);
    }
}

/* Of a service that stays with a task definition that stays nobody asks for it. */
static void settle(const struct cross *cross, const struct kind_object *object,
                   struct task_definition *definition, const struct task_definition_vec *pre_deploy)
{
    if (!definition || (!pre_deploy->len && manifest_stays(cross->manifest, object->file)))
        return;
    kind_task_definition_settle(definition);
    for (size_t i = 0; i < pre_deploy->len; i++)
        kind_task_definition_settle(pre_deploy->items[i]);
}

static struct digest digest_of(const struct task_definition *definition,
                               const struct task_definition_vec *pre_deploy)
{
    struct digest digest = definition ? definition->digest : (struct digest){0};
    for (size_t i = 0; definition && i < pre_deploy->len; i++)
        digest = digest_combine(&digest, &pre_deploy->items[i]->digest);
    return digest;
}

/* ECS's UpdateService with forceNewDeployment: another value is another deployment of the same. */
static void set_forced(struct service *service)
{
    const json_t *by = json_object_get(json_object_get(service->json, "davit"), "forceNewDeployment");
    char *text CLEANUP_FREE = by ? json_dumps(by, JSON_ENCODE_ANY) : NULL;
    service->forced = (struct digest){0};
    if (!text || !service->task_definition)
        return;
    struct digest digest = digest_of_bytes(text, strlen(text));
    service_force(service, &digest);
}

/* Takes the definitions over. */
static void set_pre_deploy(struct service *service, struct task_definition_vec *definitions)
{
    for (size_t i = 0; i < service->pre_deploy_definitions.len; i++)
        task_definition_unref(service->pre_deploy_definitions.items[i]);
    vector_deinit(&service->pre_deploy_definitions);
    service->pre_deploy_definitions = *definitions;
    if (definitions->len)
        string_vec_deinit(&service->pre_deploy);
    for (size_t i = 0; i < definitions->len; i++)
        vector_push(&service->pre_deploy,
                    memory_printf("%s:%d", definitions->items[i]->family, definitions->items[i]->revision));
}

/* A service that a sealed desired state holds is not touched: it gets a successor. */
static void bind(struct cross *cross, struct kind_object *object, struct task_definition *definition)
{
    struct task_definition_vec pre_deploy = {0};
    if (object->service->pre_deploy.len)
        find_named(cross, object, &pre_deploy);
    else if (object->service->task_definition == definition)
        return;
    if (object->service->refs > 1) {
        struct service *copy = service_copy(object->service);
        service_unref(object->service);
        object->service = copy;
    }
    struct service *service = object->service;
    task_definition_unref(service->task_definition);
    service->task_definition = definition ? task_definition_ref(definition) : NULL;
    settle(cross, object, definition, &pre_deploy);
    service->digest = digest_of(definition, &pre_deploy);
    set_forced(service);
    if (service->pre_deploy.len)
        set_pre_deploy(service, &pre_deploy);
}

static int compare_pointers(const void *a, const void *b)
{
    uintptr_t left = (uintptr_t) * (void *const *)a;
    uintptr_t right = (uintptr_t) * (void *const *)b;
    return (left > right) - (left < right);
}

static bool has_left(const struct task_definition_vec *left, struct task_definition *definition)
{
    return left->len && bsearch(&definition, left->items, left->len, sizeof(void *), compare_pointers);
}

static bool is_bound(const struct kind_object *object, const struct task_definition_vec *left)
{
    const struct service *service = object->service;
    if (!service->task_definition || has_left(left, service->task_definition))
        return false;
    if (!object->entangled)
        return true;
    if (service->pre_deploy.len != service->pre_deploy_definitions.len)
        return false;
    for (size_t i = 0; i < service->pre_deploy_definitions.len; i++)
        if (has_left(left, service->pre_deploy_definitions.items[i]))
            return false;
    return true;
}

static void bind_anew(struct cross *cross, struct kind_object *object)
{
    int revision;
    char *family CLEANUP_FREE = split(object->service->task_definition_text, &revision);
    bind(cross, object, resolve(cross, object, family, revision));
    diagnostics_deinit(&object->together);
    object->takes_ports = false;
    if (object->service->task_definition)
        service_check(object);
    object->entangled = object->references.len || object->service->windows.len || object->together.list.len ||
                        (object->service->task_definition && room_check_concerns(object->service));
}

/* The one walk over all services. Of most only the first bytes are read: in a large repository what an object
 * takes to come from memory is what a commit to another one costs. */
static void visit_services(struct cross *cross)
{
    struct manifest *manifest = cross->manifest;
    struct task_definition_vec *left = &manifest->left;
    const struct kind_object_vec *services = &manifest->objects[KIND_SERVICE];
    vector_sort(left, compare_pointers);
    manifest->entangled.len = 0;
    for (size_t i = 0; i < services->len; i++) {
        PREFETCH_MEMBER(services, i, service);
        struct kind_object *object = services->items[i];
        if (!object->cluster_known || manifest->clusters_left)
            check_cluster(cross, object);
        if (!is_bound(object, left))
            bind_anew(cross, object);
        if (object->entangled)
            vector_push(&manifest->entangled, object);
    }
    manifest->clusters_left = false;
    for (size_t i = 0; i < left->len; i++)
        task_definition_unref(left->items[i]);
    vector_deinit(left);
}

/* What they start is compared by content. */
static void settle_scheduled(struct cross *cross)
{
    const struct kind_object_vec *scheduled = &cross->manifest->objects[KIND_SCHEDULED_TASK];
    for (size_t i = 0; i < scheduled->len; i++) {
        struct task_definition_vec started = {0};
        find_named(cross, scheduled->items[i], &started);
        for (size_t j = 0; j < started.len; j++) {
            kind_task_definition_settle(started.items[j]);
            task_definition_unref(started.items[j]);
        }
        vector_deinit(&started);
    }
}

static void drop_old_revisions(struct map *revisions)
{
    map_for_each (revisions, slot)
        if (((struct task_definition *)slot->value)->refs == 1)
            map_remove(revisions, slot->key);
}

void cross_check(struct manifest *manifest, const struct map *families, struct diagnostics *diagnostics)
{
    assert(manifest);
    assert(families);
    assert(manifest->unnumbered.len == 0); /* "web:3" needs numbers */
    struct cross cross = {manifest, families, diagnostics, {manifest, HINTS}};
    for (int kind = 0; kind < KIND_COUNT; kind++)
        check_duplicates(&cross, (enum kind)kind);
    visit_services(&cross);
    settle_scheduled(&cross);
    reference_check(manifest, families, &cross.hints, diagnostics);
    order_check(manifest, diagnostics);
    port_check(manifest, diagnostics);
    provider_check(manifest, diagnostics);
    attribute_check(manifest, diagnostics);
    room_check(manifest, diagnostics);
    drop_old_revisions(&manifest->old_revisions);
}
