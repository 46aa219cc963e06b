/* Files of a commit, and the places of the repository that they name. A walk over commits that need more than
 * source was asked for is taken in to its end, so that all of it is asked for at once; then it comes again.
 * Questions are numbered: what answers an older one is not looked at.
 */
#include "base/text.h"
#include "core/state.h"

#include <assert.h>
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
                                  .size_bytes = file->size_bytes,
                                  .executable = file->executable};
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
                              .size_bytes = file->size_bytes,
                              .executable = file->executable};
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

/* What was taken in is forgotten: with what comes again it is numbered in its order. */
static void ask(struct core *core, struct effect_vec *effects)
{
    struct effect effect = {.kind = EFFECT_ROOTS, .generation = ++core->generation};
    for (size_t i = 0; i < core->roots.len; i++)
        vector_push(&effect.roots, memory_strdup(core->roots.items[i]));
    memcpy(effect.since, core->numbered, sizeof effect.since);
    vector_push(effects, effect);
    core->approved_deletions = 0;
    manifest_free(core->manifest);
    core->manifest = manifest_new();
}

bool core_take_files(struct core *core, struct event *event, struct effect_vec *effects)
{
    assert(core);
    struct event_file_vec *from = &event->commit.files;
    if (event->commit.generation != core->generation)
        return false; /* was under way when they were asked for */
    if (core->desired && !event->commit.head && text_equal(event->commit.commit.oid, core->numbered))
        return false; /* told once more, for who has nothing to go on with; what it names need not be there */
    struct manifest_file *files CLEANUP_FREE = memory_calloc(from->len, sizeof *files);
    for (size_t i = 0; i < from->len; i++) {
        files[i] = manifest_file_of(&from->items[i]);
        from->items[i].content = NULL;
    }
    manifest_set_roots(core->manifest, &core->roots, event->commit.levels);
    manifest_take(core->manifest, event->commit.full, files, from->len);
    manifest_note_needs(core->manifest, event->commit.head, &core->needs);
    if (!event->commit.head)
        return !core->needs.missing;
    if (manifest_ask(core->manifest, &core->needs, &core->roots)) {
        ask(core, effects);
        return false;
    }
    memcpy(core->numbered, event->commit.commit.oid, sizeof core->numbered);
    return true;
}
