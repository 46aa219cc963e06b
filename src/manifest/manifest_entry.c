#include "manifest/manifest_state.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Entries that git has and davit does not follow. */
static const struct {
    const char *code;
    const char *message;
    const char *hint;
} refusals[] = {
    [MANIFEST_SYMLINK] = {"symlink", "this is a symbolic link, which davit does not follow",
                          "commit the file itself, or move the link out of the path that davit reads"},
    [MANIFEST_SUBMODULE] =
        {"submodule", "this is a submodule: its content is not in this repository",
         "commit the files themselves, or move the submodule out of the path that davit reads"},
    [MANIFEST_TOO_LARGE] = {"limit",
                            "the file is larger than a manifest may be (LIMIT_MANIFEST_BYTES, 4 MiB)",
                            "split it into several files, or move it out of the path that davit reads"},
};

static void refuse(struct manifest_entry *entry, enum manifest_file_kind kind)
{
    assert((size_t)kind < ARRAY_LEN(refusals));
    assert(refusals[kind].code);
    struct diagnostic diagnostic = {.severity = SEVERITY_ERROR,
                                    .file = memory_strdup(entry->path),
                                    .at = {1, 1},
                                    .pointer = memory_strdup(""),
                                    .code = memory_strdup(refusals[kind].code),
                                    .message = memory_strdup(refusals[kind].message),
                                    .hint = memory_strdup(refusals[kind].hint)};
    diagnostics_add(&entry->diagnostics, &diagnostic);
    entry->unreadable = true;
}

static void read_documents(struct manifest_entry *entry, struct kind_set *kinds,
                           const struct manifest_file *file)
{
    struct document_vec documents = {0};
    const struct document_input input = {entry->path, file->content, file->len};
    entry->content = digest_of_bytes(file->content, file->len);
    if (document_parse(&input, &documents, &entry->diagnostics) < 0) {
        entry->unreadable = true;
        return;
    }
    for (size_t i = 0; i < documents.len; i++)
        kind_read(kinds, &documents.items[i], entry->path, &entry->objects, &entry->diagnostics);
    document_vec_deinit(&documents);
}

struct manifest_entry *manifest_entry_new(struct kind_set *kinds, const struct manifest_file *file)
{
    assert(kinds);
    assert(file);
    struct manifest_entry *entry = NEW(struct manifest_entry);
    entry->path = memory_strdup(file->path);
    entry->kind = file->kind;
    if (file->kind == MANIFEST_FILE) {
        entry->text = (char *)file->content;
        entry->len = file->len;
        read_documents(entry, kinds, file);
    } else {
        refuse(entry, file->kind);
    }
    return entry;
}

void manifest_entry_free(struct manifest_entry *entry)
{
    if (!entry)
        return;
    for (size_t i = 0; i < entry->objects.len; i++)
        kind_object_free(entry->objects.items[i]);
    vector_deinit(&entry->objects);
    diagnostics_deinit(&entry->diagnostics);
    free(entry->path);
    free(entry->text);
    free(entry);
}
