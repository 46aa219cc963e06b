/* From the files that task definitions name to task definitions with blob ids. */
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "manifest/file_reference.h"
#include "manifest/kind_read.h"
#include "manifest/manifest_state.h"
#include "model/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct other_vec VECTOR_OF(const struct manifest_other *);

/* One object under way. */
struct resolution {
    struct manifest *manifest;
    struct kind_object *object;
    json_t *definition;            /* to be */
    const struct other_vec *found; /* of each reference */
};

static json_t *container_at(const struct resolution *resolution, size_t index)
{
    return json_array_get(json_object_get(resolution->definition, "containerDefinitions"), index);
}

static void report(const struct resolution *resolution, const struct file_reference *reference,
                   struct kind_fault fault)
{
    struct diagnostic diagnostic = {.severity = SEVERITY_ERROR,
                                    .file = memory_strdup(reference->file),
                                    .at = reference->at,
                                    .pointer = memory_strdup(reference->pointer),
                                    .code = memory_strdup(fault.code),
                                    .message = fault.message,
                                    .expected = fault.expected,
                                    .hint = fault.hint};
    diagnostics_add(&resolution->object->files->faults, &diagnostic);
}

/* --- one file ------------------------------------------------------------------------------------------- */

static const struct {
    const char *code;
    const char *what;
    const char *hint;
} refusals[] = {
    [MANIFEST_SYMLINK] = {"symlink", "is a symbolic link, which davit does not follow",
                          "commit the file itself, or name the file that the link points to"},
    [MANIFEST_SUBMODULE] = {"submodule", "is a submodule: its content is not in this repository",
                            "commit the files themselves"},
    [MANIFEST_LFS] = {"lfs-pointer", "is a pointer of git-lfs: its content is not in this repository",
                      "commit the file itself: git lfs untrack, then git add --renormalize"},
};

static void report_directory(const struct resolution *resolution, const struct file_reference *reference)
{
    report(resolution, reference,
           (struct kind_fault){
               .code = "limit",
               .message = memory_printf("the directory \"%s\" is more than a container can be given",
                                        reference->path),
               .expected = memory_printf(
                   "at most %d files (LIMIT_CONTAINER_FILES), all of which davit "
                   "may read, directories nested no deeper than %d (LIMIT_TREE_DEPTH) and %d entries "
                   "(LIMIT_TREE_ENTRIES) in all",
                   LIMIT_CONTAINER_FILES, LIMIT_TREE_DEPTH, LIMIT_TREE_ENTRIES),
               .hint = memory_strdup("name the files that it needs, or put large data into the image or a "
                                     "volume")});
}

/* Whether the file can be handed to a container; else a report. */
static bool is_usable(const struct resolution *resolution, const struct file_reference *reference,
                      const struct manifest_other *other)
{
    if (other->kind == MANIFEST_TOO_LARGE && !other->size_bytes) {
        report_directory(resolution, reference);
        return false;
    }
    if (other->size_bytes > LIMIT_FILE_BYTES || other->kind == MANIFEST_TOO_LARGE) {
        report(
            resolution, reference,
            (struct kind_fault){.code = "limit",
                                .message = memory_printf("the file \"%s\" has %lld bytes", other->path,
                                                         (long long)other->size_bytes),
                                .expected = memory_printf("at most %d (LIMIT_FILE_BYTES)", LIMIT_FILE_BYTES),
                                .hint = memory_strdup("put large data into the image or a volume")});
        return false;
    }
    if (other->kind == MANIFEST_FILE)
        return true;
    assert((size_t)other->kind < ARRAY_LEN(refusals) && refusals[other->kind].code);
    report(resolution, reference,
           (struct kind_fault){.code = refusals[other->kind].code,
                               .message = memory_printf("\"%s\" %s", other->path, refusals[other->kind].what),
                               .hint = memory_strdup(refusals[other->kind].hint)});
    return false;
}

static void set_blob(json_t *item, const struct manifest_other *other)
{
    json_object_set_new(item, "blob", json_string(other->oid));
    json_object_set_new(item, "size", json_integer(other->size_bytes));
}

/* --- from a path to files ------------------------------------------------------------------------------- */

static int levels_up(const char *path)
{
    int levels = 0;
    for (; text_starts_with(path, "../") || text_equal(path, ".."); path += path[2] ? 3 : 2)
        levels++;
    return levels;
}

/* What a reference may name, by the rule that source_root_path() has as well: what is of use is below some
 * directory of the repository that it goes up to.
 *
 *  path                     | manifests at a/b: it is | verdict
 *  -------------------------|-------------------------|----------------------------
 *  "x", "../x", "../b/x"    | a/b/x, a/x, a/b/x       | looked up
 *  "", "..", "../.."        | a/b, a, the repository  | refused: holds the manifests
 *  "../../..", "../../../x" | outside                 | refused: leads out
 */
enum refusal { REFUSAL_NONE, REFUSAL_OUTSIDE, REFUSAL_HOLDS };

static enum refusal refusal_of(const struct manifest *manifest, const char *path)
{
    if (levels_up(path) > manifest->levels)
        return REFUSAL_OUTSIDE;
    return !*path || text_equal(kind_arn_tail(path), "..") ? REFUSAL_HOLDS : REFUSAL_NONE;
}

static int compare_others(const void *a, const void *b)
{
    return strcmp((*(const struct manifest_other *const *)a)->path,
                  (*(const struct manifest_other *const *)b)->path);
}

/* The file of that path, or the files of the directory. */
static void find(const struct manifest *manifest, const char *path, struct other_vec *ret_found)
{
    const struct manifest_other *file = map_get(&manifest->others, path);
    if (file) {
        vector_push(ret_found, file);
        return;
    }
    char *prefix CLEANUP_FREE = memory_printf("%s/", path);
    map_for_each (&manifest->others, slot)
        if (text_starts_with(slot->key, prefix))
            vector_push(ret_found, slot->value);
    vector_sort(ret_found, compare_others);
}

/* The same for what is the same, and all that the outcome depends on. */
static struct digest digest_of_found(const struct manifest *manifest, const struct file_reference *reference,
                                     const struct other_vec *found)
{
    const char traits[] = {levels_up(reference->path) > manifest->levels,
                           map_get(&manifest->roots, reference->path) != NULL};
    struct digest digest = digest_of_bytes(traits, sizeof traits);
    for (size_t i = 0; i < found->len; i++) {
        const struct manifest_other *other = found->items[i];
        char *text CLEANUP_FREE = memory_printf("%s %d %s%s", other->path, other->kind, other->oid,
                                                other->executable ? " executable" : "");
        struct digest next = digest_of_bytes(text, strlen(text));
        digest = digest_combine(&digest, &next);
    }
    return digest;
}

/* Looks up the files of all references, and notes what that takes. Returns the digest of what was found. */
static struct digest look_up(struct manifest *manifest, const struct file_references *references,
                             struct other_vec *ret_found)
{
    struct digest all = {0};
    for (size_t i = 0; i < references->list.len; i++) {
        const struct file_reference *reference = &references->list.items[i];
        if (refusal_of(manifest, reference->path) == REFUSAL_NONE) {
            map_put(&manifest->wanted, reference->path, manifest);
            find(manifest, reference->path, &ret_found[i]);
        }
        for (size_t j = 0; j < ret_found[i].len; j++)
            map_put(&manifest->data, ret_found[i].items[j]->path, manifest);
        struct digest one = digest_of_found(manifest, reference, &ret_found[i]);
        all = digest_combine(&all, &one);
    }
    return all;
}

static void report_none(const struct resolution *resolution, const struct file_reference *reference,
                        enum refusal refusal)
{
    char *message;
    char *hint = NULL;
    if (refusal == REFUSAL_OUTSIDE)
        message = manifest_leads_out(resolution->manifest, "this", &hint);
    else if (refusal == REFUSAL_HOLDS)
        message = memory_strdup("this is a directory that holds the manifests themselves");
    else
        message = memory_printf("no file \"%s\" in this commit", reference->path);
    report(resolution, reference,
           (struct kind_fault){.code = "reference",
                               .message = message,
                               .expected = memory_strdup("a file or directory of the repository that davit "
                                                         "may read, relative to this manifest"),
                               .hint = hint});
}

/* Whether there are files to hand out; else there was a report. */
static bool check_found(const struct resolution *resolution, const struct file_reference *reference,
                        const struct other_vec *found)
{
    const struct manifest *manifest = resolution->manifest;
    struct file_references *files = resolution->object->files;
    size_t faults = files->faults.errors;
    enum refusal refusal = refusal_of(manifest, reference->path);
    if (refusal == REFUSAL_NONE && !map_get(&manifest->roots, reference->path)) {
        report(resolution, reference,
               (struct kind_fault){
                   .code = "limit",
                   .message = memory_printf("\"%s\" is one file or directory too many", reference->path),
                   .expected = memory_printf("at most %d of them in all manifests (LIMIT_SOURCE_ROOTS)",
                                             LIMIT_SOURCE_ROOTS),
                   .hint = memory_strdup("name a directory in place of its files")});
        return false;
    }
    for (size_t i = 0; i < found->len; i++)
        is_usable(resolution, reference, found->items[i]);
    if (!found->len)
        report_none(resolution, reference, refusal);
    return files->faults.errors == faults;
}

/* --- config files --------------------------------------------------------------------------------------- */

/* Four digits; the schema has checked the spelling. Without one, as git has the file. */
static json_t *normal_mode(const json_t *item, const struct manifest_other *other)
{
    const char *mode = model_string(item, "mode");
    if (!mode)
        return json_string(other->executable ? "0755" : "0644");
    return json_sprintf("%s%s", strlen(mode) == 3 ? "0" : "", mode);
}

static json_t *normal_user(const json_t *item)
{
    const char *user = model_string(item, "user");
    return user ? json_sprintf("%s%s", user, strchr(user, ':') ? "" : ":0") : json_string("0:0");
}

/* `below` is "" for the file itself, "/name" for one in the directory. */
static json_t *target_of(const char *target, const char *path, const char *below)
{
    if (!text_ends_with(target, "/"))
        return json_sprintf("%s%s", target, below);
    return json_sprintf("%s%s", target, *below ? below + 1 : kind_arn_tail(path));
}

/* One entry of the list becomes one a file: that of a directory gets a longer target. */
static void append_files(json_t *list, const json_t *item, const struct file_reference *reference,
                         const struct other_vec *found)
{
    const char *source = model_string(item, "source");
    const char *target = model_string(item, "target");
    for (size_t i = 0; i < found->len; i++) {
        const char *below = found->items[i]->path + strlen(reference->path);
        json_t *file = json_object();
        json_object_set_new(file, "source", json_sprintf("%s%s", source, below));
        json_object_set_new(file, "target", target_of(target, reference->path, below));
        json_object_set_new(file, "mode", normal_mode(item, found->items[i]));
        json_object_set_new(file, "user", normal_user(item));
        set_blob(file, found->items[i]);
        json_array_append_new(list, file);
    }
}

/* The engine could not put some of the files from `first` on, or the container would not have them. */
static bool are_lost(const struct resolution *resolution, const struct file_reference *reference,
                     const json_t *item, const json_t *list, size_t first)
{
    const json_t *container = container_at(resolution, reference->container);
    const char *asked = model_string(item, "target");
    char *below CLEANUP_FREE = file_reference_below(asked);
    struct kind_fault fault = {0};
    bool lost = file_reference_is_lost(container, below, asked, &fault); /* and told at the target */
    free(fault.message);
    free(fault.hint);
    for (size_t i = first; !lost && i < json_array_size(list); i++) {
        const char *target = model_string(json_array_get(list, i), "target");
        lost = file_reference_is_lost(container, target, target, &fault);
        if (lost)
            report(resolution, reference, fault);
    }
    return lost;
}

/* What the files from `first` on, those of the reference, do to the list as a whole. */
static void check_list(const struct resolution *resolution, const json_t *list, size_t first,
                       const struct file_reference *reference)
{
    struct map targets CLEANUP(map_deinit) = {0};
    int64_t bytes = 0;
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)list, i, item) {
        const char *target = model_string(item, "target");
        bytes += model_int(item, "size");
        if (i >= first && map_get(&targets, target)) {
            report(resolution, reference,
                   (struct kind_fault){.code = "duplicate",
                                       .message = memory_printf("two files have the target \"%s\"", target)});
            return;
        }
        map_put(&targets, target, item);
    }
    if (resolution->object->files->faults.errors)
        return;
    if (json_array_size(list) > LIMIT_CONTAINER_FILES || bytes > LIMIT_CONTAINER_FILES_BYTES)
        report(resolution, reference,
               (struct kind_fault){
                   .code = "limit",
                   .message = memory_printf("the container gets %zu files of %lld bytes in all",
                                            json_array_size(list), (long long)bytes),
                   .expected = memory_printf("at most %d (LIMIT_CONTAINER_FILES) of %d bytes "
                                             "(LIMIT_CONTAINER_FILES_BYTES)",
                                             LIMIT_CONTAINER_FILES, LIMIT_CONTAINER_FILES_BYTES)});
}

/* --- a definition --------------------------------------------------------------------------------------- */

/* What is written into a container's `davit`. */
struct resolved {
    json_t *files;
    json_t *environment_files;
};

static void resolve_one(const struct resolution *resolution, size_t at, const struct resolved *resolved)
{
    const struct file_reference *reference = &resolution->object->files->list.items[at];
    const struct other_vec *found = &resolution->found[at];
    const json_t *container = container_at(resolution, reference->container);
    if (!check_found(resolution, reference, found))
        return;
    if (reference->use == FILE_CONFIG) {
        const json_t *list = json_object_get(json_object_get(container, "davit"), "files");
        const json_t *item = json_array_get(list, reference->index);
        size_t first = json_array_size(resolved->files);
        append_files(resolved->files, item, reference, found);
        if (!are_lost(resolution, reference, item, resolved->files, first))
            check_list(resolution, resolved->files, first, reference);
    } else if (text_equal(found->items[0]->path, reference->path)) {
        const json_t *list = json_object_get(container, "environmentFiles");
        json_t *content = json_object();
        model_set_string(content, "value", model_string(json_array_get(list, reference->index), "value"));
        set_blob(content, found->items[0]);
        json_array_append_new(resolved->environment_files, content);
    } else {
        report(resolution, reference,
               (struct kind_fault){.code = "reference",
                                   .message = memory_printf("\"%s\" is a directory", reference->path),
                                   .expected = memory_strdup("a file of variables")});
    }
}

static void resolve_container(const struct resolution *resolution, size_t index)
{
    const struct file_reference_vec *list = &resolution->object->files->list;
    const struct resolved resolved = {json_array(), json_array()};
    for (size_t i = 0; i < list->len; i++)
        if (list->items[i].container == index)
            resolve_one(resolution, i, &resolved);
    json_t *davit = json_object();
    if (json_array_size(resolved.files))
        json_object_set(davit, "files", resolved.files);
    if (json_array_size(resolved.environment_files))
        json_object_set(davit, "environmentFiles", resolved.environment_files);
    if (json_object_size(davit))
        json_object_set(container_at(resolution, index), "davit", davit);
    json_decref(davit);
    json_decref(resolved.files);
    json_decref(resolved.environment_files);
}

static void replace(struct manifest *manifest, struct kind_object *object, struct task_definition *fresh)
{
    if (object->task_definition)
        manifest_leave_definition(manifest, object->task_definition);
    task_definition_unref(object->task_definition);
    object->task_definition = fresh;
    if (!fresh)
        return;
    fresh->origin.file = memory_strdup(object->file);
    fresh->origin.at = object->at;
    if (!object->uncounted)
        vector_push(&manifest->unnumbered, task_definition_ref(fresh));
}

static void make_definition(struct manifest *manifest, struct kind_object *object,
                            const struct other_vec *found)
{
    struct file_references *files = object->files;
    struct resolution resolution = {manifest, object, json_deep_copy(files->definition), found};
    size_t len = json_array_size(json_object_get(files->definition, "containerDefinitions"));
    diagnostics_deinit(&files->faults);
    for (size_t i = 0; i < len && manifest->looks_for_files; i++)
        resolve_container(&resolution, i);
    struct task_definition *fresh =
        !files->faults.errors ? kind_task_definition_new(resolution.definition) : NULL;
    json_decref(resolution.definition);
    if (fresh)
        kind_task_definition_settle(fresh);
    if (fresh && object->task_definition && digest_equal(&object->task_definition->digest, &fresh->digest))
        task_definition_unref(fresh);
    else
        replace(manifest, object, fresh);
}

static void resolve_object(struct manifest *manifest, struct kind_object *object)
{
    struct file_references *files = object->files;
    struct other_vec *found = memory_calloc(files->list.len, sizeof *found);
    struct digest digest = look_up(manifest, files, found);
    if (!digest_equal(&digest, &files->found))
        make_definition(manifest, object, found);
    files->found = digest;
    for (size_t i = 0; i < files->list.len; i++)
        vector_deinit(&found[i]);
    free(found);
}

void file_resolve(struct manifest *manifest)
{
    assert(manifest);
    if (!manifest->files_changed)
        return;
    manifest->files_changed = false;
    const struct kind_object_vec *definitions = &manifest->objects[KIND_TASK_DEFINITION];
    map_clear(&manifest->wanted);
    map_clear(&manifest->data);
    manifest->with_files.len = 0;
    for (size_t i = 0; i < definitions->len; i++) {
        struct kind_object *object = definitions->items[i];
        if (!object->files)
            continue;
        vector_push(&manifest->with_files, object);
        if (object->files->definition)
            resolve_object(manifest, object);
    }
}
