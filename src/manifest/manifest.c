#include "manifest/manifest.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/wipe.h"
#include "manifest/file_reference.h"
#include "manifest/manifest_state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* So few objects are put in or taken out one by one; for more the whole is gone through. */
#define CHANGED_SINGLY 64

static void other_free(struct manifest_other *other)
{
    if (!other)
        return;
    diagnostics_deinit(&other->lines);
    free(other->path);
    free(other);
}

struct manifest *manifest_new(void)
{
    struct manifest *manifest = NEW(struct manifest);
    kind_set_init(&manifest->kinds);
    manifest->files = MAP_INIT_BORROWING(manifest_entry_free);
    manifest->old_revisions = MAP_INIT(task_definition_unref);
    manifest->others = MAP_INIT(other_free);
    return manifest;
}

static void drop_references(struct task_definition_vec *vec)
{
    for (size_t i = 0; i < vec->len; i++)
        task_definition_unref(vec->items[i]);
    vector_deinit(vec);
}

void manifest_free(struct manifest *manifest)
{
    if (!manifest)
        return;
    drop_references(&manifest->unnumbered);
    drop_references(&manifest->left);
    for (size_t i = 0; i < KIND_COUNT; i++)
        vector_deinit(&manifest->objects[i]);
    vector_deinit(&manifest->entangled);
    vector_deinit(&manifest->with_files);
    map_deinit(&manifest->files);
    map_deinit(&manifest->old_revisions);
    map_deinit(&manifest->others);
    map_deinit(&manifest->roots);
    map_deinit(&manifest->wanted);
    map_deinit(&manifest->data);
    cluster_unref(manifest->default_cluster);
    desired_unref(manifest->elsewhere);
    environment_free(manifest->environment);
    kind_set_deinit(&manifest->kinds);
    free(manifest->outside);
    free(manifest->remedy);
    free(manifest);
}

/* .json, .yaml or .yml, and no hidden file or directory on the way. */
static bool counts(const char *path)
{
    while (text_starts_with(path, "../"))
        path += 3;
    if (path[0] == '.' || strstr(path, "/."))
        return false;
    const char *dot = strrchr(kind_arn_tail(path), '.');
    return dot &&
           (strcasecmp(dot, ".json") == 0 || strcasecmp(dot, ".yaml") == 0 || strcasecmp(dot, ".yml") == 0);
}

static int rank(char c)
{
    return c == '\0' ? 0 : c == '/' ? 1 : (unsigned char)c + 1;
}

/* "a/web" is before "a-b/api": the order of struct desired, which goes by cluster, then name. */
static int compare_keys(const char *left, const char *right)
{
    while (*left && *left == *right)
        left++, right++;
    return rank(*left) - rank(*right);
}

static int compare_objects(const void *a, const void *b)
{
    const struct kind_object *left = *(struct kind_object *const *)a;
    const struct kind_object *right = *(struct kind_object *const *)b;
    int r = compare_keys(left->key, right->key);
    if (!r)
        r = strcmp(left->file, right->file);
    if (!r)
        r = left->at.line - right->at.line;
    return r ? r : left->at.column - right->at.column;
}

size_t manifest_lower_bound(const struct kind_object_vec *vec, const char *key)
{
    assert(vec);
    assert(key);
    size_t low = 0;
    size_t high = vec->len;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (compare_keys(vec->items[middle]->key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void push_broken(const struct manifest_entry *entry, enum kind kind, struct kind_object_vec *vec)
{
    for (size_t i = 0; i < entry->broken.len; i++)
        if (entry->broken.items[i]->kind == kind && entry->broken.items[i]->key)
            vector_push(vec, entry->broken.items[i]);
}

struct kind_object_vec manifest_all_of(const struct manifest *manifest, enum kind kind)
{
    assert(manifest);
    assert(kind < KIND_COUNT);
    struct kind_object_vec all = {0};
    for (size_t i = 0; i < manifest->objects[kind].len; i++)
        vector_push(&all, manifest->objects[kind].items[i]);
    map_for_each (&manifest->files, slot)
        if (manifest->with_errors)
            push_broken(slot->value, kind, &all);
    if (all.len > manifest->objects[kind].len)
        vector_sort(&all, compare_objects);
    return all;
}

static void drop_gone(struct kind_object_vec *vec)
{
    size_t kept = 0;
    for (size_t i = 0; i < vec->len; i++)
        if (!vec->items[i]->gone)
            vec->items[kept++] = vec->items[i];
    vec->len = kept;
}

static void take_out(struct kind_object_vec *vec, const struct kind_object *object)
{
    size_t at = manifest_lower_bound(vec, object->key);
    while (at < vec->len && vec->items[at] != object && strcmp(vec->items[at]->key, object->key) == 0)
        at++;
    if (at < vec->len && vec->items[at] == object) /* else its path was listed twice */
        vector_remove(vec, at);
}

static bool has_key(const struct kind_object_vec *vec, size_t at, const char *key)
{
    return at < vec->len && strcmp(vec->items[at]->key, key) == 0;
}

/* Returns whether another one has its key. */
static bool insert(struct kind_object_vec *vec, struct kind_object *object)
{
    size_t at = manifest_lower_bound(vec, object->key);
    while (at < vec->len && compare_objects(&vec->items[at], &object) < 0)
        at++; /* of the same key */
    vector_push(vec, object);
    memmove(&vec->items[at + 1], &vec->items[at], (vec->len - 1 - at) * sizeof *vec->items);
    vec->items[at] = object;
    return has_key(vec, at + 1, object->key) || (at && has_key(vec, at - 1, object->key));
}

/* Returns whether some may have the same key. */
static bool merge(struct kind_object_vec *vec, const struct kind_object_vec *fresh)
{
    bool shared = false;
    for (size_t i = 0; i < fresh->len && fresh->len <= CHANGED_SINGLY; i++)
        shared |= insert(vec, fresh->items[i]);
    if (fresh->len <= CHANGED_SINGLY)
        return shared;
    for (size_t i = 0; i < fresh->len; i++)
        vector_push(vec, fresh->items[i]);
    vector_sort(vec, compare_objects);
    return true;
}

/* An update under way. */
struct change {
    struct manifest *manifest;
    struct manifest_entry_vec gone; /* owned */
    size_t gone_objects;
    struct manifest_entry_vec unread;         /* borrowed */
    struct kind_object_vec fresh[KIND_COUNT]; /* objects that come */
    bool environment;                         /* some davit.yaml came or went */
};

void manifest_leave_definition(struct manifest *manifest, struct task_definition *definition)
{
    /* A service may be bound to it; not so when nobody else holds it, or when it was never numbered. */
    if (definition->revision && definition->refs > 1)
        vector_push(&manifest->left, task_definition_ref(definition));
}

static void let_go(struct manifest *manifest, struct kind_object *object)
{
    object->gone = true;
    manifest->files_changed |= object->kind == KIND_TASK_DEFINITION && object->files;
    manifest->clusters_left |= object->kind == KIND_CLUSTER;
    if (object->kind == KIND_TASK_DEFINITION && object->task_definition)
        manifest_leave_definition(manifest, object->task_definition);
}

static void leave(struct change *change, struct manifest_entry *entry)
{
    struct manifest *manifest = change->manifest;
    for (size_t i = 0; i < entry->objects.len; i++)
        let_go(manifest, entry->objects.items[i]);
    change->gone_objects += entry->objects.len;
    manifest->unreadable -= entry->unreadable;
    manifest->with_errors -= entry->diagnostics.errors > 0;
    manifest->with_warnings -= entry->diagnostics.warnings > 0;
    manifest->environment_bytes -= entry->reading ? entry->reading->bytes : 0;
    change->environment |= environment_is_file(entry->path);
    entry->gone = true;
    vector_push(&change->gone, entry);
}

static void enter(struct change *change, struct manifest_entry *entry)
{
    change->environment |= environment_is_file(entry->path);
    vector_push(&change->unread, entry);
    map_put(&change->manifest->files, entry->path, entry);
}

static void note_entry(struct change *change, const struct manifest_entry *entry)
{
    struct manifest *manifest = change->manifest;
    for (size_t i = 0; i < entry->objects.len; i++) {
        struct kind_object *object = entry->objects.items[i];
        vector_push(&change->fresh[object->kind], object);
        manifest->files_changed |= object->kind == KIND_TASK_DEFINITION && object->files;
        if (object->kind == KIND_TASK_DEFINITION && object->task_definition && !object->uncounted &&
            !manifest_stays(manifest, entry->path))
            vector_push(&manifest->unnumbered, task_definition_ref(object->task_definition));
    }
    manifest->unreadable += entry->unreadable;
    manifest->with_errors += entry->diagnostics.errors > 0;
    manifest->with_warnings += entry->diagnostics.warnings > 0;
}

static bool has_text(const struct manifest_entry *entry, const struct manifest_file *file)
{
    return file->kind == MANIFEST_FILE && entry->kind == MANIFEST_FILE && entry->len == file->len &&
           (file->len == 0 || (file->content && memcmp(entry->text, file->content, file->len) == 0));
}

/* Takes the content over. */
static void take_file(struct change *change, const struct manifest_file *file)
{
    struct map *files = &change->manifest->files;
    struct manifest_entry *old = map_get(files, file->path);
    if (old && has_text(old, file)) {
        old->listed = true;
        free((char *)file->content);
        return;
    }
    if (old)
        leave(change, map_take(files, file->path));
    if (file->kind == MANIFEST_DELETED)
        return;
    struct manifest_entry *entry = manifest_entry_new(file);
    entry->listed = true;
    enter(change, entry);
}

static void take_other(struct manifest *manifest, const struct manifest_file *file)
{
    manifest->files_changed = true;
    manifest->roots_changed |= text_ends_with(file->path, "/");
    if (file->kind == MANIFEST_DELETED) {
        map_remove(&manifest->others, file->path);
        return;
    }
    struct manifest_other *other = map_get(&manifest->others, file->path);
    if (!other) {
        other = NEW(struct manifest_other);
        other->path = memory_strdup(file->path);
        map_put(&manifest->others, file->path, other);
    }
    other->kind = file->kind;
    other->size_bytes = file->size_bytes;
    other->executable = file->executable;
    other->listed = true;
    diagnostics_deinit(&other->lines);
    if (file->content && text_ends_with(file->path, ".env"))
        variable_file_check(file->path, file->content, file->len, &other->lines);
    other->oid[0] = '\0';
    if (file->oid && strlen(file->oid) < sizeof other->oid)
        memcpy(other->oid, file->oid, strlen(file->oid) + 1);
}

static void drop_unlisted_others(struct manifest *manifest)
{
    map_for_each (&manifest->others, slot) {
        const struct manifest_other *other = slot->value;
        if (other->listed)
            continue;
        manifest->roots_changed |= text_ends_with(slot->key, "/");
        map_remove(&manifest->others, slot->key);
        manifest->files_changed = true;
    }
}

static void drop_unlisted(struct change *change)
{
    struct map *files = &change->manifest->files;
    map_for_each (files, slot) {
        struct manifest_entry *entry = slot->value;
        if (!entry->listed)
            leave(change, map_take(files, entry->path));
    }
    drop_unlisted_others(change->manifest);
}

static bool is_read_again(const struct manifest *manifest, const struct manifest_entry *entry,
                          const struct environment *old)
{
    const struct environment *environment = manifest->environment;
    if (!environment || !old || environment->substitutes != old->substitutes ||
        !environment_is_usable(environment) || !environment_is_usable(old) ||
        environment_is_file(entry->path) ||
        !entry->reading != !environment_layer_of(environment, entry->path))
        return true;
    if (!entry->reading)
        return false;
    struct digest digest =
        environment_digest(environment, entry->reading->uses_variables, &entry->reading->declared);
    return !digest_equal(&digest, &entry->reading->digest);
}

/* Files whose meaning another environment changes are read again. */
static void change_environment(struct change *change)
{
    struct manifest *manifest = change->manifest;
    struct environment *old = manifest->environment;
    struct manifest_entry_vec again = {0};
    manifest->environment = environment_new(manifest);
    manifest->roots_changed = false;
    map_for_each (&manifest->files, slot)
        if ((old || manifest->environment) && is_read_again(manifest, slot->value, old))
            vector_push(&again, slot->value);
    for (size_t i = 0; i < again.len; i++) {
        struct manifest_entry *entry = map_take(&manifest->files, again.items[i]->path);
        leave(change, entry);
        enter(change, manifest_entry_renew(entry));
    }
    vector_deinit(&again);
    environment_free(old);
}

static void read_all(struct change *change)
{
    if (change->environment || change->manifest->roots_changed)
        change_environment(change);
    struct manifest_entry_vec entries = {0};
    for (size_t i = 0; i < change->unread.len; i++)
        if (!change->unread.items[i]->gone)
            vector_push(&entries, change->unread.items[i]);
    manifest_entries_read(change->manifest, &entries);
    for (size_t i = 0; i < entries.len; i++)
        note_entry(change, entries.items[i]);
    vector_deinit(&entries);
    vector_deinit(&change->unread);
}

/* Takes what is gone out of the sorted objects, then puts in what is new. */
static void sort_out(struct change *change)
{
    struct manifest *manifest = change->manifest;
    for (size_t i = 0; i < change->gone.len && change->gone_objects <= CHANGED_SINGLY; i++)
        for (size_t j = 0; j < change->gone.items[i]->objects.len; j++) {
            struct kind_object *object = change->gone.items[i]->objects.items[j];
            take_out(&manifest->objects[object->kind], object);
        }
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (change->gone_objects > CHANGED_SINGLY)
            drop_gone(&manifest->objects[i]);
        drop_gone(&change->fresh[i]); /* of a path that was listed twice */
        manifest->duplicates[i] |= merge(&manifest->objects[i], &change->fresh[i]);
        vector_deinit(&change->fresh[i]);
    }
}

static struct manifest_file with_copy(const struct manifest_file *file)
{
    char *content = NULL;
    if (file->kind == MANIFEST_FILE && (!file->other || file->content)) {
        content = memory_alloc(file->len + 1);
        memcpy(content, file->content, file->len);
        content[file->len] = '\0';
    }
    struct manifest_file copy = *file;
    copy.content = content;
    return copy;
}

void manifest_update(struct manifest *manifest, bool full, const struct manifest_file *files,
                     size_t files_len)
{
    assert(files || files_len == 0);
    struct manifest_file *copies CLEANUP_FREE = memory_calloc(files_len, sizeof *copies);
    for (size_t i = 0; i < files_len; i++)
        copies[i] = with_copy(&files[i]);
    manifest_take(manifest, full, copies, files_len);
}

static void unlist(struct manifest *manifest)
{
    map_for_each (&manifest->files, slot)
        ((struct manifest_entry *)slot->value)->listed = false;
    map_for_each (&manifest->others, slot)
        ((struct manifest_other *)slot->value)->listed = false;
}

void manifest_take(struct manifest *manifest, bool full, const struct manifest_file *files, size_t files_len)
{
    assert(manifest);
    assert(files || files_len == 0);
    struct change change = {.manifest = manifest};
    if (full)
        unlist(manifest);
    for (size_t i = 0; i < files_len; i++) {
        if (files[i].other)
            take_other(manifest, &files[i]);
        bool counted = !files[i].other && counts(files[i].path);
        if (files[i].other && files[i].content) /* it may hold secrets */
            wipe_free((char *)files[i].content);
        else if (!counted || files[i].kind != MANIFEST_FILE)
            free((char *)files[i].content);
        if (counted)
            take_file(&change, &files[i]);
    }
    if (full)
        drop_unlisted(&change);
    read_all(&change);
    sort_out(&change);
    for (size_t i = 0; i < change.gone.len; i++)
        manifest_entry_free(change.gone.items[i]);
    vector_deinit(&change.gone);
    kind_pool_sweep(&manifest->kinds.pool);
}

void manifest_each_file(const struct manifest *manifest,
                        void (*visit)(void *data, const struct manifest_file *file), void *data)
{
    assert(manifest);
    assert(visit);
    map_for_each (&manifest->files, slot) {
        const struct manifest_entry *entry = slot->value;
        const struct manifest_file file = {
            .path = entry->path, .kind = entry->kind, .content = entry->text, .len = entry->len};
        visit(data, &file);
    }
    map_for_each (&manifest->others, slot) {
        const struct manifest_other *other = slot->value;
        const struct manifest_file file = {.path = other->path,
                                           .kind = other->kind,
                                           .other = true,
                                           .oid = other->oid,
                                           .size_bytes = other->size_bytes,
                                           .executable = other->executable};
        visit(data, &file);
    }
}

void manifest_set_roots(struct manifest *manifest, const struct string_vec *roots, int levels)
{
    assert(manifest);
    size_t len = roots ? roots->len : 0;
    bool same = len == manifest->roots.len && (roots != NULL) == manifest->looks_for_files &&
                levels == manifest->levels;
    for (size_t i = 0; same && i < len; i++)
        same = map_get(&manifest->roots, roots->items[i]);
    if (same)
        return;
    map_clear(&manifest->roots);
    for (size_t i = 0; i < len; i++)
        map_put(&manifest->roots, roots->items[i], manifest);
    manifest->looks_for_files = roots != NULL;
    manifest->levels = levels;
    manifest->files_changed = true;
    manifest->roots_changed = true;
}

void manifest_set_changing(struct manifest *manifest, const struct map *paths)
{
    assert(manifest && paths);
    assert(manifest->files.len == 0);
    map_for_each (paths, slot)
        if (environment_is_file(slot->key))
            return;
    manifest->changing = paths;
}

bool manifest_stays(const struct manifest *manifest, const char *path)
{
    assert(manifest && path);
    return manifest->changing && !manifest->environment && !map_get(manifest->changing, path);
}

void manifest_set_directory(struct manifest *manifest, const char *name, const char *remedy)
{
    assert(manifest);
    assert(name && remedy);
    free(manifest->outside);
    free(manifest->remedy);
    manifest->outside =
        memory_printf("\"%s\", which is taken as the root because it is in no git repository", name);
    manifest->remedy = memory_strdup(remedy);
}

char *manifest_leads_out(const struct manifest *manifest, const char *what, char **ret_hint)
{
    assert(manifest);
    *ret_hint = memory_strdup(manifest->remedy);
    return memory_printf("%s leads out of %s", what,
                         manifest->outside ? manifest->outside : "the repository");
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void manifest_wanted_roots(struct manifest *manifest, struct string_vec *ret_roots)
{
    assert(manifest && ret_roots);
    size_t first = ret_roots->len;
    file_resolve(manifest);
    map_for_each (&manifest->wanted, slot)
        vector_push(ret_roots, memory_strdup(slot->key));
    if (manifest->environment)
        environment_roots(manifest->environment, ret_roots);
    if (ret_roots->len > first + 1)
        qsort(ret_roots->items + first, ret_roots->len - first, sizeof *ret_roots->items, compare_strings);
}

void manifest_number(struct manifest *manifest, const struct commit *commit,
                     const struct manifest_numbering *numbering)
{
    assert(manifest);
    assert(commit);
    assert(numbering && numbering->families && numbering->changed);
    file_resolve(manifest);
    revision_number(manifest, commit, numbering);
}

int manifest_task_definition(const json_t *json, int revision, struct task_definition **ret_definition)
{
    assert(json);
    assert(ret_definition);
    struct schema *schema CLEANUP(schema_freep) = kind_schema_new(KIND_TASK_DEFINITION);
    return kind_old_task_definition(schema, json, revision, ret_definition);
}

const char *manifest_schema(const char *kind)
{
    assert(kind);
    for (size_t i = 0; i < KIND_SCHEMAS; i++)
        if (text_equal(kind, kind_names[i]))
            return kind_schemas[i];
    return NULL;
}

const char *const *manifest_schema_kinds(void)
{
    return kind_names;
}

static bool same_clusters(const struct desired *before, const struct cluster_vec *now)
{
    size_t len = before ? before->clusters.len : 0;
    for (size_t i = 0; i < len && len == now->len; i++)
        if (before->clusters.items[i] != now->items[i])
            return false;
    return len == now->len;
}

void manifest_accept_clusters(struct manifest *manifest)
{
    assert(manifest);
    manifest->any_cluster = true;
}

void manifest_set_clusters(struct manifest *manifest, const struct cluster_vec *clusters)
{
    assert(manifest);
    assert(clusters);
    if (same_clusters(manifest->elsewhere, clusters))
        return;
    desired_unref(manifest->elsewhere);
    manifest->elsewhere = desired_new();
    for (size_t i = 0; i < clusters->len; i++)
        vector_push(&manifest->elsewhere->clusters, cluster_ref(clusters->items[i]));
    manifest->clusters_left = true;
}
