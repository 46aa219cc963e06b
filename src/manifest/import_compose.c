/* Compose files: the services, one by one, then together. */
#include "manifest/import_compose.h"

#include "base/buffer.h"
#include "base/limits.h"
#include "base/text.h"
#include "model/json.h"

#include <ctype.h>
#include <string.h>

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

/* --- reading ------------------------------------------------------------------------------------------- */

/* "!reset" and "!override" matter between several files only. */
void compose_drop_tags(json_t *value)
{
    const char *key;
    json_t *child;
    void *next;
    size_t i;
    json_array_foreach (value, i, child)
        compose_drop_tags(child);
    json_object_foreach_safe(value, next, key, child)
    {
        json_t *inner = json_object_get(child, "!override");
        if (json_object_get(child, "!reset")) {
            json_object_del(value, key);
            continue;
        }
        if (inner)
            json_object_set(value, key, inner);
        compose_drop_tags(json_object_get(value, key));
    }
}

/* A variable that Compose itself reads; NULL when it is empty. Borrowed until the next call. */
static const char *own_variable(const struct compose *compose, const char *name)
{
    const struct import_world *world = compose->run->source->world;
    const char *value = world->variable ? world->variable(world->data, name) : NULL;
    return value && value[0] ? value : NULL;
}

static bool profile_is_on(const struct compose *compose, const json_t *service)
{
    const json_t *profiles = json_object_get(service, "profiles");
    const struct import_world *world = compose->run->source->world;
    const char *on = world->profiles ? world->profiles : own_variable(compose, "COMPOSE_PROFILES");
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
        json_t *whole = compose_extended(compose, services, service, pointer);
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

/* Files that "docker compose" reads together with this one. */
static void note_other_files(struct compose *compose)
{
    static const char *const usual[] = {"compose.yaml", "compose.yml", "docker-compose.yaml",
                                        "docker-compose.yml"};
    static const char *const overrides[] = {"compose.override.yaml", "compose.override.yml",
                                            "docker-compose.override.yaml", "docker-compose.override.yml"};
    const struct import_source *source = compose->run->source;
    const char *slash = strrchr(source->file, '/');
    bool is_usual = false;
    for (size_t i = 0; i < ARRAY_LEN(usual); i++)
        is_usual = is_usual || text_equal(slash ? slash + 1 : source->file, usual[i]);
    for (size_t i = 0; i < ARRAY_LEN(overrides) && is_usual && source->world->read_file; i++) {
        char *content CLEANUP_FREE = source->world->read_file(source->world->data, overrides[i]);
        if (content)
            import_note(compose->run, IMPORT_DROPPED, "",
                        "%s beside it is not read: \"docker compose config\" prints both together",
                        overrides[i]);
    }
    const char *files = own_variable(compose, "COMPOSE_FILE");
    if (files && !text_equal(files, source->file))
        import_note(
            compose->run, IMPORT_DROPPED, "",
            "COMPOSE_FILE names %.200s, and this file alone is read: \"docker compose config\" prints all "
            "together",
            files);
}

/* The name of a directory as Compose makes a project's of it. Caller frees. */
static char *project_of_directory(const char *name)
{
    char *project = memory_calloc(strlen(name) + 1, 1);
    size_t len = 0;
    for (const char *c = name; *c; c++)
        if (isalnum((unsigned char)*c) || (len && strchr("_-", *c)))
            project[len++] = *c;
    return project;
}

/* As Compose names it: it is in the names of volumes and images. */
static void set_project(struct compose *compose)
{
    const struct import_world *world = compose->run->source->world;
    char *directory CLEANUP_FREE = world->fallback ? project_of_directory(world->fallback) : NULL;
    const char *name = world->project ? world->project : own_variable(compose, "COMPOSE_PROJECT_NAME");
    name = name ? name : model_string(compose->root, "name");
    name = name && name[0] ? name : directory;
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
    compose_drop_tags(compose->root);
    import_interpolate(compose->run, compose->root, "", NULL);
    compose_include(compose);
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
    note_other_files(compose);
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
    vector_deinit(&service->waits);
    string_vec_deinit(&service->aliases);
}

static void count_members(struct compose *compose)
{
    for (size_t i = 0; i < compose->services.len; i++)
        import_count(compose->run, compose->services.items[i].file, compose->services.items[i].pointer);
}

/* Notes on what came from another file name that one. */
static void name_origins(struct compose *compose)
{
    struct diagnostics *notes = &compose->run->import->notes;
    for (size_t i = 0; i < notes->list.len; i++) {
        struct diagnostic *note = &notes->list.items[i];
        char *service CLEANUP_FREE = memory_strdup(note->pointer);
        char *name = text_starts_with(service, "/services/") ? service + strlen("/services/") : NULL;
        if (name)
            name[strcspn(name, "/")] = '\0';
        const char *file = map_get(&compose->origins, service);
        if (file) {
            free(note->file);
            note->file = memory_strdup(file);
        }
    }
}

int import_compose(const struct import_source *source, struct import *ret_import,
                   struct diagnostics *diagnostics)
{
    struct import import;
    struct import_run run;
    import_run_init(&run, source, &import, diagnostics);
    struct compose compose = {.run = &run, .origins = MAP_INIT(free)};
    int r = compose_read(&compose);
    if (r == 0) {
        for (size_t i = 0; i < compose.services.len; i++)
            compose_service_convert(&compose, &compose.services.items[i]);
        if (source->world->tasks != IMPORT_TASKS_EACH)
            compose_mentions(&compose);
        compose_write(&compose);
        count_members(&compose);
        name_origins(&compose);
    }
    for (size_t i = 0; i < compose.services.len; i++)
        service_deinit(&compose.services.items[i]);
    vector_deinit(&compose.services);
    free(compose.project);
    map_deinit(&compose.origins);
    return import_run_finish(&run, r, ret_import);
}
