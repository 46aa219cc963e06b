/* Compose files: the services, one by one, then together. */
#include "manifest/import_compose.h"

#include "base/buffer.h"
#include "base/limits.h"
#include "base/text.h"
#include "model/json.h"

#include <ctype.h>
#include <string.h>

#define EXTENDS_MAX 16

struct compose_service *compose_find(const struct compose *compose, const char *name)
{
    for (size_t i = 0; i < compose->services.len; i++)
        if (text_equal(compose->services.items[i].name, name))
            return &compose->services.items[i];
    return NULL;
}

void compose_edge_add(struct compose_service *service, struct compose_edge edge)
{
    vector_push(&service->edges, edge);
}

/* --- extends ------------------------------------------------------------------------------------------ */

/* Lists that a service replaces instead of adding to. */
static bool is_replaced(const char *key)
{
    return text_equal(key, "command") || text_equal(key, "entrypoint") || text_equal(key, "test");
}

/* Lists of "A=B" and maps mean the same; a list and a map meet as a map. */
static json_t *as_map(json_t *value)
{
    if (json_is_object(value))
        return json_incref(value);
    json_t *map = json_object();
    size_t i;
    json_t *item;
    json_array_foreach (value, i, item) {
        char *text CLEANUP_FREE = import_text(item);
        char *equals = text ? strchr(text, '=') : NULL;
        if (equals)
            *equals = '\0';
        if (text)
            json_object_set_new(map, text, equals ? json_string(equals + 1) : json_null());
    }
    return map;
}

/* `over` wins. New value, with its parts shared. The depth is bounded by the documents'. */
static json_t *overlay(const char *key, json_t *base, json_t *over)
{
    bool lists = json_is_array(base) && json_is_array(over);
    if (is_replaced(key) || !base || json_is_null(base))
        return json_incref(over);
    if (lists) {
        json_t *list = json_copy(base);
        json_array_extend(list, over);
        return list;
    }
    bool maps =
        (json_is_object(base) || json_is_array(base)) && (json_is_object(over) || json_is_array(over));
    if (!maps)
        return json_incref(over);
    json_t *left = as_map(base);
    json_t *right = as_map(over);
    json_t *object = json_copy(left);
    const char *name;
    json_t *value;
    json_object_foreach (right, name, value)
        json_object_set_new(object, name, overlay(name, json_object_get(left, name), value));
    json_decref(left);
    json_decref(right);
    return object;
}

/* The services of another file. New, or NULL after a note. */
static json_t *other_services(struct compose *compose, const char *file, const char *pointer)
{
    const struct import_world *world = compose->run->source->world;
    char *content CLEANUP_FREE = world->read_file ? world->read_file(world->data, file) : NULL;
    struct document_vec documents CLEANUP(document_vec_deinit) = {0};
    struct diagnostics diagnostics CLEANUP(diagnostics_deinit) = {0};
    struct document_input input = {.name = file, .content = content, .len = content ? strlen(content) : 0};
    if (!content || document_parse_foreign(&input, &documents, &diagnostics) < 0 || !documents.len) {
        import_note(compose->run, IMPORT_DROPPED, pointer, "%.200s cannot be read", file);
        return NULL;
    }
    import_merge(documents.items[0].value);
    import_interpolate(compose->run, documents.items[0].value, pointer);
    return json_incref(json_object_get(documents.items[0].value, "services"));
}

/* The service with what it extends. New. `services` are those of its file. */
static json_t *extended(struct compose *compose, json_t *services, json_t *service, const char *pointer,
                        int depth)
{
    json_t *extends = json_object_get(service, "extends");
    char *at CLEANUP_FREE = import_pointer(pointer, "extends");
    const char *file = model_string(extends, "file");
    const char *name =
        json_is_string(extends) ? json_string_value(extends) : model_string(extends, "service");
    if (!extends || !json_is_object(service))
        return json_incref(service);
    if (!name || depth == EXTENDS_MAX) {
        import_note(compose->run, IMPORT_DROPPED, at,
                    name ? "it extends itself" : "it does not say which service it extends");
        return json_incref(service);
    }
    json_t *others = file ? other_services(compose, file, at) : json_incref(services);
    json_t *base = json_object_get(others, name);
    if (others && !base)
        import_note(compose->run, IMPORT_DROPPED, at, "there is no service %.200s to extend", name);
    json_t *whole = base ? extended(compose, others, base, pointer, depth + 1) : json_object();
    json_t *own = json_copy(service);
    json_object_del(own, "extends");
    json_t *result = overlay("", whole, own);
    json_decref(own);
    json_decref(whole);
    json_decref(others);
    return result;
}

/* --- reading ------------------------------------------------------------------------------------------- */

/* "!reset" and "!override" matter between several files only. */
static void drop_tags(json_t *value)
{
    const char *key;
    json_t *child;
    void *next;
    size_t i;
    json_array_foreach (value, i, child)
        drop_tags(child);
    json_object_foreach_safe(value, next, key, child)
    {
        json_t *inner = json_object_get(child, "!override");
        if (json_object_get(child, "!reset")) {
            json_object_del(value, key);
            continue;
        }
        if (inner)
            json_object_set(value, key, inner);
        drop_tags(json_object_get(value, key));
    }
}

static bool profile_is_on(const struct compose *compose, const json_t *service)
{
    const json_t *profiles = json_object_get(service, "profiles");
    const char *on = compose->run->source->world->profiles;
    size_t i;
    json_t *profile;
    if (!json_array_size(profiles))
        return true;
    json_array_foreach ((json_t *)profiles, i, profile) {
        const char *name = json_string_value(profile);
        size_t len = name ? strlen(name) : 0;
        for (const char *at = len && on ? strstr(on, name) : NULL; at; at = strstr(at + 1, name))
            if ((at == on || at[-1] == ',') && (!at[len] || at[len] == ','))
                return true;
        if (on && text_equal(on, "*"))
            return true;
    }
    return false;
}

/* Another service has this name in ECS already. */
static char *unique_name(const struct compose *compose, const char *name)
{
    char *legal CLEANUP_FREE = import_name(name);
    char *unique = memory_strdup(legal);
    for (size_t n = 2;; n++) {
        size_t i = 0;
        while (i < compose->services.len && !text_equal(compose->services.items[i].container_name, unique))
            i++;
        if (i == compose->services.len)
            return unique;
        free(unique);
        unique = memory_printf("%.240s-%zu", legal, n);
    }
}

static void add_service(struct compose *compose, const char *name, json_t *file, char *pointer)
{
    struct compose_service service = {.name = name,
                                      .file = file,
                                      .pointer = pointer,
                                      .container_name = unique_name(compose, name),
                                      .container = json_object(),
                                      .task = json_object(),
                                      .service = json_object(),
                                      .replicas = 1,
                                      .off = !profile_is_on(compose, file)};
    json_object_set_new(service.container, "name", json_string(service.container_name));
    vector_push(&compose->services, service);
}

static int read_services(struct compose *compose, json_t *services)
{
    const char *name;
    json_t *service;
    if (json_object_size(services) > LIMIT_IMPORT_SERVICES)
        return import_fail(compose->run, "/services", "more than %d services (LIMIT_IMPORT_SERVICES)",
                           LIMIT_IMPORT_SERVICES);
    json_t *done = json_object(); /* the originals stay while others may extend them */
    json_object_foreach (services, name, service) {
        char *pointer CLEANUP_FREE = import_pointer("/services", name);
        json_t *whole = extended(compose, services, service, pointer, 0);
        json_object_set_new(done, name, whole);
        if (!import_afford(compose->run, whole))
            break;
    }
    json_object_set_new(compose->root, "services", done);
    if (compose->run->over)
        return ERROR_LIMIT; /* reported at the end */
    json_object_foreach (done, name, service) {
        char *pointer = import_pointer("/services", name);
        if (json_is_object(service)) {
            add_service(compose, name, service, pointer);
            continue;
        }
        import_note(compose->run, IMPORT_DROPPED, pointer, "it has no content");
        free(pointer);
    }
    return 0;
}

static const struct {
    const char *name;
    const char *reason; /* NULL: nothing is lost */
} top_members[] = {
    {"version", NULL},
    {"name", NULL},
    {"services", NULL},
    {"volumes", NULL},
    {"secrets", NULL},
    {"configs", NULL},
    {"networks", "davit has no networks of its own: tasks share the engine's bridge"},
    {"include", "other files are imported by themselves"},
    {"models", "davit runs no models"},
};

static void check_top(struct compose *compose)
{
    const char *key;
    json_t *value;
    json_object_foreach (compose->root, key, value) {
        const char *reason = "Compose files have no such member";
        if (text_starts_with(key, "x-"))
            continue;
        for (size_t i = 0; i < ARRAY_LEN(top_members); i++)
            if (text_equal(key, top_members[i].name))
                reason = top_members[i].reason;
        char *pointer CLEANUP_FREE = import_pointer("", key);
        if (reason)
            import_note(compose->run, IMPORT_DROPPED, pointer, "%s", reason);
    }
}

/* As Compose names it: it is in the names of volumes and images. */
static void set_project(struct compose *compose)
{
    const struct import_world *world = compose->run->source->world;
    const char *name = world->project ? world->project : model_string(compose->root, "name");
    name = name && name[0] ? name : world->fallback;
    if (!name || !name[0])
        return;
    compose->project = import_name(name);
    for (char *c = compose->project; *c; c++)
        *c = (char)tolower((unsigned char)*c);
}

int compose_read(struct compose *compose)
{
    compose->root = compose->run->source->document->value;
    if (!json_is_object(compose->root))
        return import_fail(compose->run, "", "this is no Compose file: it has no members");
    import_merge(compose->root);
    drop_tags(compose->root);
    import_interpolate(compose->run, compose->root, "");
    json_t *services = json_object_get(compose->root, "services");
    bool version_1 = !services && !json_object_get(compose->root, "version") &&
                     !json_object_get(compose->root, "volumes") &&
                     !json_object_get(compose->root, "networks");
    if (version_1 && json_object_size(compose->root))
        return import_fail(compose->run, "",
                           "this is no Compose file: it has no services; services that stand at the top are "
                           "of version 1, put them below services:");
    if (services && !json_is_object(services) && !json_is_null(services))
        return import_fail(compose->run, "/services", "services is a map of names");
    set_project(compose);
    check_top(compose);
    return read_services(compose, services);
}

/* --- the whole ----------------------------------------------------------------------------------------- */

static void service_deinit(struct compose_service *service)
{
    free(service->pointer);
    free(service->container_name);
    json_decref(service->container);
    json_decref(service->task);
    json_decref(service->service);
    for (size_t i = 0; i < service->edges.len; i++) {
        free(service->edges.items[i].to);
        free(service->edges.items[i].alias);
        free(service->edges.items[i].pointer);
    }
    vector_deinit(&service->edges);
    string_vec_deinit(&service->aliases);
}

static void count_members(struct compose *compose)
{
    for (size_t i = 0; i < compose->services.len; i++)
        import_count(compose->run, compose->services.items[i].file, compose->services.items[i].pointer);
}

int import_compose(const struct import_source *source, struct import *ret_import,
                   struct diagnostics *diagnostics)
{
    struct import import;
    struct import_run run;
    import_run_init(&run, source, &import, diagnostics);
    struct compose compose = {.run = &run};
    int r = compose_read(&compose);
    if (r == 0) {
        for (size_t i = 0; i < compose.services.len; i++)
            compose_service_convert(&compose, &compose.services.items[i]);
        if (source->world->tasks != IMPORT_TASKS_EACH)
            compose_mentions(&compose);
        compose_write(&compose);
        count_members(&compose);
    }
    for (size_t i = 0; i < compose.services.len; i++)
        service_deinit(&compose.services.items[i]);
    vector_deinit(&compose.services);
    free(compose.project);
    int finished = import_run_finish(&run);
    r = r < 0 ? r : finished;
    if (r < 0)
        import_deinit(&import);
    else
        *ret_import = import;
    return r;
}
