/* What a Compose project has in other places: `extends`, in this file or another, and `include`. */
#include "base/limits.h"
#include "base/text.h"
#include "manifest/import_compose.h"
#include "model/json.h"

#include <string.h>

#define DEPTH_MAX  16
#define FILE_STEPS 1000 /* what reading a file costs, so that those that name each other come to an end */

/* --- one over another ----------------------------------------------------------------------------------- */

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
        char *equals = text ? import_cut(text, '=') : NULL;
        if (text)
            json_object_set_new(map, text, equals ? json_string(equals) : json_null());
    }
    return map;
}

/* Where an entry of volumes is mounted. Caller frees; NULL when it does not say. */
static char *target_of(const json_t *volume)
{
    char *text CLEANUP_FREE = import_text(volume);
    char *rest = text ? import_cut(text, ':') : NULL;
    if (!text)
        return memory_strdup(model_string(volume, "target"));
    if (rest)
        import_cut(rest, ':');
    return memory_strdup(rest ? rest : text);
}

static bool is_mounted_in(json_t *volumes, const json_t *volume)
{
    char *target CLEANUP_FREE = target_of(volume);
    size_t i;
    json_t *other;
    json_array_foreach (volumes, i, other) {
        char *there CLEANUP_FREE = target_of(other);
        if (target && text_equal(target, there))
            return true;
    }
    return false;
}

static json_t *overlay_list(const char *key, json_t *base, json_t *over)
{
    json_t *list = json_array();
    size_t i;
    json_t *item;
    json_array_foreach (base, i, item)
        if (!text_equal(key, "volumes") || !is_mounted_in(over, item))
            json_array_append(list, item);
    json_array_extend(list, over);
    return list;
}

/* `over` wins. New value, with its parts shared. The depth is bounded by the documents'. */
static json_t *overlay(const char *key, json_t *base, json_t *over)
{
    if (is_replaced(key) || !base || json_is_null(base))
        return json_incref(over);
    if (json_is_array(base) && json_is_array(over))
        return overlay_list(key, base, over);
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

/* --- relative paths ------------------------------------------------------------------------------------- */

/* Puts the directory before a relative path that stands in the string. */
static void rebase_path(json_t *string, const char *directory)
{
    const char *path = json_string_value(string);
    if (!path || !path[0] || path[0] == '/' || path[0] == '~')
        return;
    char *whole CLEANUP_FREE = memory_printf("%s/%s", directory, path);
    json_string_set(string, whole);
}

/* One path, or a list of paths; a path may stand in an object. */
static void rebase_paths(json_t *value, const char *member, const char *directory)
{
    size_t i;
    json_t *item;
    json_array_foreach (value, i, item)
        rebase_paths(item, member, directory);
    rebase_path(value, directory);
    json_t *inner = json_object_get(value, member);
    if (inner)
        rebase_paths(inner, member, directory);
}

/* A source that begins with a dot is a path, and has to stay one; without it it is a volume's name. */
static void rebase_volume(json_t *volume, const char *directory)
{
    char *rooted CLEANUP_FREE =
        directory[0] == '/' ? memory_strdup(directory) : memory_printf("./%s", directory);
    const char *source = model_string(volume, "source");
    bool bind = text_equal(model_string(volume, "type"), "bind") || (source && source[0] == '.');
    if (json_is_string(volume) && json_string_value(volume)[0] == '.' &&
        strchr(json_string_value(volume), ':'))
        rebase_path(volume, rooted);
    else if (bind)
        rebase_path(json_object_get(volume, "source"), rooted);
}

/* What the file names is beside the file. */
static void rebase(json_t *root, const char *directory)
{
    static const char *const lists[] = {"secrets", "configs"};
    const char *name;
    json_t *item;
    size_t i;
    json_t *volume;
    json_object_foreach (json_object_get(root, "services"), name, item) {
        rebase_paths(json_object_get(item, "env_file"), "path", directory);
        rebase_path(json_object_get(json_object_get(item, "extends"), "file"), directory);
        json_array_foreach (json_object_get(item, "volumes"), i, volume)
            rebase_volume(volume, directory);
    }
    for (size_t k = 0; k < ARRAY_LEN(lists); k++)
        json_object_foreach (json_object_get(root, lists[k]), name, item)
            rebase_path(json_object_get(item, "file"), directory);
    rebase_paths(json_object_get(root, "include"), "path", directory);
}

/* --- another file --------------------------------------------------------------------------------------- */

/* A file, where what it names lies, and the variables that the world does not have. */
struct other {
    const char *file;
    const char *directory; /* NULL: beside it */
    const json_t *variables;
    const char *pointer; /* where it is asked for */
};

/* The file's content, with variables done and its paths as this file would write them. New, or NULL after a
 * note. */
static json_t *load(struct compose *compose, const struct other *other)
{
    const struct import_world *world = compose->run->source->world;
    char *content CLEANUP_FREE = world->read_file ? world->read_file(world->data, other->file) : NULL;
    struct document_vec documents CLEANUP(document_vec_deinit) = {0};
    struct diagnostics diagnostics CLEANUP(diagnostics_deinit) = {0};
    struct document_input input = {
        .name = other->file, .content = content, .len = content ? strlen(content) : 0};
    if (!import_spend(compose->run, FILE_STEPS + input.len / 16))
        return NULL;
    if (!content || document_parse_foreign(&input, &documents, &diagnostics) < 0 || !documents.len ||
        !json_is_object(documents.items[0].value)) {
        import_note(compose->run, IMPORT_DROPPED, other->pointer, "%.200s cannot be read", other->file);
        return NULL;
    }
    if (!import_afford(compose->run, documents.items[0].value))
        return NULL;
    json_t *root = json_deep_copy(documents.items[0].value); /* aliases share what is rebased here */
    import_merge(root);
    compose_drop_tags(root);
    import_interpolate(compose->run, root, other->pointer, other->variables);
    const char *slash = strrchr(other->file, '/');
    char *beside CLEANUP_FREE = slash ? memory_strndup(other->file, (size_t)(slash - other->file)) : NULL;
    const char *directory = other->directory ? other->directory : beside;
    if (directory)
        rebase(root, directory[0] ? directory : "/");
    return root;
}

/* --- extends ------------------------------------------------------------------------------------------- */

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
    if (!name || depth == DEPTH_MAX) {
        import_note(compose->run, IMPORT_DROPPED, at,
                    name ? "it extends itself" : "it does not say which service it extends");
        return json_incref(service);
    }
    json_t *root CLEANUP(json_decrefp) =
        file ? load(compose, &(struct other){.file = file, .pointer = at}) : NULL;
    json_t *others = file ? json_object_get(root, "services") : services;
    json_t *base = json_object_get(others, name);
    if ((root || !file) && !base)
        import_note(compose->run, IMPORT_DROPPED, at, "there is no service %.200s to extend", name);
    json_t *whole = base ? extended(compose, others, base, pointer, depth + 1) : json_object();
    json_t *own = json_copy(service);
    json_object_del(own, "extends");
    json_t *result = overlay("", whole, own);
    json_decref(own);
    json_decref(whole);
    return result;
}

json_t *compose_extended(struct compose *compose, json_t *services, json_t *service, const char *pointer)
{
    return extended(compose, services, service, pointer, 0);
}

/* --- include ------------------------------------------------------------------------------------------- */

/* Takes over what `from` has and `root` does not. */
static void merge(struct compose *compose, json_t *root, const json_t *from, const struct other *other)
{
    static const char *const lists[] = {"services", "volumes", "secrets", "configs", "networks"};
    const char *name;
    json_t *value;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        json_object_foreach (json_object_get(from, lists[i]), name, value) {
            json_t *list = import_object(root, lists[i]);
            json_t *there = json_object_get(list, name);
            char *pointer CLEANUP_FREE = memory_printf("/%s", lists[i]);
            char *at CLEANUP_FREE = import_pointer(pointer, name);
            if (!there && json_object_set(list, name, value) == 0)
                map_put(&compose->origins, at, memory_strdup(other->file));
            else if (!json_equal(there, value))
                import_note(compose->run, IMPORT_DROPPED, other->pointer,
                            "%.200s has another %.100s among its %s, and this file's own is kept",
                            other->file, name, lists[i]);
        }
}

/* The variables of its env_file, or of .env where it lies. New. */
static json_t *variables_of(struct compose *compose, const json_t *entry, const struct other *other)
{
    const struct import_world *world = compose->run->source->world;
    const char *slash = strrchr(other->file, '/');
    int len = slash ? (int)(slash - other->file) : 1;
    char *beside CLEANUP_FREE = other->directory ? memory_printf("%s/.env", other->directory)
                                                 : memory_printf("%.*s/.env", len, slash ? other->file : ".");
    json_t *named = json_object_get(entry, "env_file");
    json_t *files = json_is_array(named)    ? json_incref(named)
                    : json_is_string(named) ? json_pack("[O]", named)
                                            : json_pack("[s]", beside);
    json_t *all = json_object();
    size_t i;
    json_t *file;
    json_array_foreach (files, i, file) {
        const char *path = json_string_value(file);
        char *content CLEANUP_FREE = path && world->read_file ? world->read_file(world->data, path) : NULL;
        json_t *map = content ? import_env_file(world, content, &compose->run->bytes_left) : NULL;
        if (named && !content)
            import_note(compose->run, IMPORT_DROPPED, other->pointer,
                        "%.200s cannot be read: its variables are missing", path ? path : "env_file");
        compose->run->over = compose->run->over || (content && !map);
        json_object_update(all, map);
        json_decref(map);
    }
    json_decref(files);
    return all;
}

static void include(struct compose *compose, json_t *root, const char *pointer, int depth);

/* One entry: a file, or several that are laid one over another. */
static void include_entry(struct compose *compose, json_t *root, json_t *entry, struct other other, int depth)
{
    json_t *paths = json_is_string(entry) ? entry : json_object_get(entry, "path");
    size_t len = json_is_array(paths) ? json_array_size(paths) : 1;
    json_t *whole = NULL;
    other.directory = model_string(entry, "project_directory");
    for (size_t i = 0; i < len && !compose->run->over; i++) {
        other.file = json_string_value(json_is_array(paths) ? json_array_get(paths, i) : paths);
        if (!other.file) {
            import_note(compose->run, IMPORT_DROPPED, other.pointer, "the path of a file is expected here");
            continue;
        }
        json_t *variables = variables_of(compose, entry, &other);
        other.variables = variables;
        json_t *next = load(compose, &other);
        json_decref(variables);
        if (next)
            include(compose, next, other.pointer, depth + 1);
        json_t *over = next ? overlay("", whole, next) : json_incref(whole);
        json_decref(next);
        json_decref(whole);
        whole = over;
    }
    if (whole)
        merge(compose, root, whole, &other);
    json_decref(whole);
}

/* Notes are told at the pointer, for each entry when the depth is 0. */
static void include(struct compose *compose, json_t *root, const char *pointer, int depth)
{
    json_t *entries = json_incref(json_object_get(root, "include"));
    size_t i;
    json_t *entry;
    json_object_del(root, "include");
    if (entries && depth == DEPTH_MAX)
        import_note(compose->run, IMPORT_DROPPED, pointer, "it includes itself");
    json_array_foreach (entries, i, entry) {
        char *at CLEANUP_FREE = depth ? memory_strdup(pointer) : import_pointer_index(pointer, i);
        if (depth < DEPTH_MAX && !compose->run->over)
            include_entry(compose, root, entry, (struct other){.pointer = at}, depth);
    }
    json_decref(entries);
}

void compose_include(struct compose *compose)
{
    include(compose, compose->root, "/include", 0);
}
