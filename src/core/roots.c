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

void core_visit_files(const struct core_source *source,
                      void (*visit)(void *data, const struct event_file *file), void *data)
{
    assert(source);
    struct visit visitor = {visit, data};
    manifest_each_file(source->manifest, visit_file, &visitor);
}

void core_restore_file(struct core_source *source, struct event_file *file)
{
    assert(source);
    const struct manifest_file one = manifest_file_of(file);
    manifest_update(source->manifest, false, &one, 1);
}

/* What was taken in is forgotten: with what comes again it is numbered in its order. */
static void ask(struct core_source *source, struct effect_vec *effects)
{
    struct effect effect = {.kind = EFFECT_ROOTS, .generation = ++source->generation};
    if (!core_source_is_default(source))
        effect.source = memory_strdup(source->name);
    for (size_t i = 0; i < source->roots.len; i++)
        vector_push(&effect.roots, memory_strdup(source->roots.items[i]));
    memcpy(effect.since, source->numbered, sizeof effect.since);
    vector_push(effects, effect);
    source->approved_deletions = source->approved_numbered;
    source->asks = true;
    manifest_free(source->manifest);
    source->manifest = manifest_new();
}

bool core_take_files(struct core_source *source, struct event *event, struct effect_vec *effects)
{
    assert(source);
    struct event_file_vec *from = &event->commit.files;
    if (event->commit.generation != source->generation)
        return false; /* was under way when they were asked for */
    if (source->desired && !event->commit.head && text_equal(event->commit.commit.oid, source->numbered))
        return false; /* told once more, for who has nothing to go on with; what it names need not be there */
    struct manifest_file *files CLEANUP_FREE = memory_calloc(from->len, sizeof *files);
    for (size_t i = 0; i < from->len; i++) {
        files[i] = manifest_file_of(&from->items[i]);
        from->items[i].content = NULL;
    }
    manifest_set_roots(source->manifest, &source->roots, event->commit.levels);
    manifest_take(source->manifest, event->commit.full, files, from->len);
    manifest_note_needs(source->manifest, event->commit.head, &source->needs);
    if (!event->commit.head)
        return !source->needs.missing;
    source->asks = false;
    if (manifest_ask(source->manifest, &source->needs, &source->roots)) {
        ask(source, effects);
        return false;
    }
    memcpy(source->numbered, event->commit.commit.oid, sizeof source->numbered);
    return true;
}
