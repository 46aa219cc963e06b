/* Files of a commit, and the places of the repository that they name. A walk over commits that need more than
 * source was asked for is taken in to its end, so that all of it is asked for at once; then it comes again.
 */
#include "base/text.h"
#include "core/state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const enum manifest_file_kind manifest_kinds[] = {[EVENT_FILE] = MANIFEST_FILE,
                                                         [EVENT_FILE_DELETED] = MANIFEST_DELETED,
                                                         [EVENT_FILE_SYMLINK] = MANIFEST_SYMLINK,
                                                         [EVENT_FILE_SUBMODULE] = MANIFEST_SUBMODULE,
                                                         [EVENT_FILE_TOO_LARGE] = MANIFEST_TOO_LARGE,
                                                         [EVENT_FILE_LFS] = MANIFEST_LFS};

static struct manifest_file manifest_file_of(const struct event_file *file)
{
    return (struct manifest_file){.path = file->path,
                                  .kind = manifest_kinds[file->kind],
                                  .content = file->content,
                                  .len = file->len,
                                  .other = file->other,
                                  .oid = file->oid,
                                  .size_bytes = file->size_bytes};
}

struct visit {
    void (*visit)(void *data, const struct event_file *file);
    void *data;
};

static void visit_file(void *data, const struct manifest_file *file)
{
    const struct visit *visit = data;
    struct event_file copy = {.path = (char *)file->path,
                              .content = (char *)file->content,
                              .len = file->len,
                              .other = file->other,
                              .size_bytes = file->size_bytes};
    while (manifest_kinds[copy.kind] != file->kind)
        copy.kind++;
    if (file->other)
        memcpy(copy.oid, file->oid, sizeof copy.oid);
    visit->visit(visit->data, &copy);
}

void core_visit_files(const struct core *core, void (*visit)(void *data, const struct event_file *file),
                      void *data)
{
    assert(core);
    struct visit visitor = {visit, data};
    manifest_each_file(core->manifest, visit_file, &visitor);
}

void core_restore_file(struct core *core, struct event_file *file)
{
    assert(core);
    const struct manifest_file one = manifest_file_of(file);
    manifest_update(core->manifest, false, &one, 1);
}

static bool has(const struct string_vec *vec, const char *string)
{
    for (size_t i = 0; i < vec->len; i++)
        if (text_equal(vec->items[i], string))
            return true;
    return false;
}

static void note_missing(struct core *core)
{
    struct string_vec missing CLEANUP(string_vec_deinit) = {0};
    manifest_missing_roots(core->manifest, &missing);
    for (size_t i = 0; i < missing.len; i++)
        if (!has(&core->missing, missing.items[i]))
            vector_push(&core->missing, TAKE(missing.items[i]));
}

/* What was taken in is forgotten: with what comes again it is numbered in its order. */
static void ask(struct core *core, struct effect_vec *effects)
{
    struct effect effect = {.kind = EFFECT_ROOTS};
    for (size_t i = 0; i < core->missing.len; i++)
        vector_push(&core->roots, TAKE(core->missing.items[i]));
    string_vec_deinit(&core->missing);
    for (size_t i = 0; i < core->roots.len; i++)
        vector_push(&effect.roots, memory_strdup(core->roots.items[i]));
    memcpy(effect.since, core->numbered, sizeof effect.since);
    vector_push(effects, effect);
    manifest_free(core->manifest);
    core->manifest = manifest_new();
}

bool core_take_files(struct core *core, struct event *event, struct effect_vec *effects)
{
    assert(core);
    struct event_file_vec *from = &event->commit.files;
    if (event->commit.roots < core->roots.len)
        return false; /* was under way when they were asked for */
    struct manifest_file *files CLEANUP_FREE = memory_calloc(from->len, sizeof *files);
    for (size_t i = 0; i < from->len; i++) {
        files[i] = manifest_file_of(&from->items[i]);
        from->items[i].content = NULL;
    }
    manifest_set_roots(core->manifest, &core->roots, event->commit.levels);
    manifest_take(core->manifest, event->commit.full, files, from->len);
    if (core->roots.len + core->missing.len < LIMIT_SOURCE_ROOTS)
        note_missing(core);
    if (core->missing.len) {
        if (event->commit.head)
            ask(core, effects);
        return false;
    }
    if (event->commit.head)
        memcpy(core->numbered, event->commit.commit.oid, sizeof core->numbered);
    return true;
}
