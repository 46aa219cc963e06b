#include "manifest/manifest_state.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/text.h"
#include "manifest/environment_path.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* So many files are worth the threads, which compile schemas of their own. */
#define READ_APART 512

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

void manifest_entry_refuse(const struct manifest_entry *entry, struct diagnostics *diagnostics)
{
    assert((size_t)entry->kind < ARRAY_LEN(refusals));
    assert(refusals[entry->kind].code);
    struct diagnostic diagnostic = {.severity = SEVERITY_ERROR,
                                    .file = memory_strdup(entry->path),
                                    .at = {1, 1},
                                    .pointer = memory_strdup(""),
                                    .code = memory_strdup(refusals[entry->kind].code),
                                    .message = memory_strdup(refusals[entry->kind].message),
                                    .hint = memory_strdup(refusals[entry->kind].hint)};
    diagnostics_add(diagnostics, &diagnostic);
}

/* Its environment is the root's. */
static void refuse_environment(struct manifest_entry *entry)
{
    struct diagnostic diagnostic = {
        .severity = SEVERITY_ERROR,
        .file = memory_strdup(entry->path),
        .at = {1, 1},
        .pointer = memory_strdup(""),
        .code = memory_strdup("environment"),
        .message = memory_strdup("a davit.yaml below the manifest root, and nothing extends this directory"),
        .hint = memory_strdup("let davit read this directory itself (--path, source.path), or name it under "
                              "extends in the root's davit.yaml")};
    diagnostics_add(&entry->diagnostics, &diagnostic);
    entry->unreadable = true;
}

/* Of what turns out to be no manifest nothing is told. */
static void read_plain_document(struct manifest_entry *entry, struct kind_set *kinds,
                                struct kind_source *source)
{
    struct diagnostics left CLEANUP(diagnostics_deinit) = {0};
    size_t known = entry->objects.len + entry->broken.len;
    if (strstr(entry->text, "${")) { /* faster than a look at every value */
        environment_warn_left(source->document, &left);
        document_place(source->document, entry->path, &left);
    }
    kind_read(kinds, source, &entry->objects, &entry->diagnostics);
    if (entry->objects.len + entry->broken.len > known)
        diagnostics_append(&entry->diagnostics, &left);
}

/* Each document by itself: what is wrong with one is no reason to be silent about the others. */
static void read_document(struct manifest_entry *entry, struct kind_set *kinds, struct kind_source *source)
{
    if (!source->environment || !source->environment->substitutes) {
        read_plain_document(entry, kinds, source);
        return;
    }
    struct diagnostics found CLEANUP(diagnostics_deinit) = {0};
    int r = environment_substitute(source->environment, source->document, "", source->use, &found);
    document_place(source->document, entry->path, &found);
    diagnostics_append(&entry->diagnostics, &found);
    if (r < 0)
        entry->unreadable = true;
    else
        kind_read(kinds, source, &entry->objects, &entry->diagnostics);
}

static void read_documents(struct kind_set *kinds, struct manifest_entry *entry,
                           const struct kind_source *prototype)
{
    struct document_vec documents = {0};
    const struct document_input input = {entry->path, entry->text, entry->len};
    bool well_formed = document_parse_for_faults(&input, &documents, &entry->diagnostics) == 0;
    entry->unreadable |= !well_formed;
    for (size_t i = 0; i < documents.len; i++) {
        struct kind_source source = *prototype;
        source.document = &documents.items[i];
        source.broken = &entry->broken;
        read_document(entry, kinds, &source);
        if (source.use) /* pointers count within one document */
            string_vec_deinit(&source.use->typed);
    }
    document_vec_deinit(&documents);
    for (size_t i = 0; i < entry->objects.len; i++)
        entry->objects.items[i]->uncounted = !well_formed;
}

static void read_plain(struct kind_set *kinds, struct manifest_entry *entry,
                       const struct kind_visitor *visitor)
{
    const struct kind_source source = {.file = entry->path, .visitor = visitor};
    if (entry->kind == MANIFEST_FILE) {
        read_documents(kinds, entry, &source);
        return;
    }
    manifest_entry_refuse(entry, &entry->diagnostics);
    entry->unreadable = true;
}

/* One by one: how much it may make of variables depends on what those before have made. */
static void read_under(struct manifest *manifest, struct manifest_entry *entry,
                       const struct kind_visitor *visitor)
{
    const struct environment *environment = manifest->environment;
    struct environment_reading *reading = entry->reading = NEW(struct environment_reading);
    if (entry->kind != MANIFEST_FILE) {
        read_plain(&manifest->kinds, entry, NULL);
        return;
    }
    size_t left = visitor ? LIMIT_MANIFEST_BYTES : LIMIT_ENVIRONMENT_BYTES - manifest->environment_bytes;
    struct environment_use use CLEANUP(environment_use_deinit) = {
        .max_bytes = left < LIMIT_MANIFEST_BYTES ? left : LIMIT_MANIFEST_BYTES};
    const struct kind_source source = {.file = entry->path,
                                       .environment = environment,
                                       .use = &use,
                                       .declared = &reading->declared,
                                       .visitor = visitor};
    read_documents(&manifest->kinds, entry, &source);
    reading->uses_variables = use.uses_variables;
    reading->bytes = use.bytes < use.max_bytes ? use.bytes : use.max_bytes;
    reading->digest = environment_digest(environment, use.uses_variables, &reading->declared);
    manifest->environment_bytes += visitor ? 0 : reading->bytes;
}

static bool is_of_a_layer(const struct environment *environment, const struct manifest_entry *entry)
{
    return environment ? environment_layer_of(environment, entry->path) != NULL
                       : !environment_path_is_outside(entry->path);
}

static void read_entry(struct manifest *manifest, struct kind_set *kinds, struct manifest_entry *entry,
                       const struct kind_visitor *visitor)
{
    const struct environment *environment = manifest->environment;
    if (!is_of_a_layer(environment, entry) || (environment && !environment_is_usable(environment)))
        return;
    if (!environment_is_file(entry->path)) {
        if (environment)
            read_under(manifest, entry, visitor);
        else
            read_plain(kinds, entry, visitor);
        return;
    }
    const struct environment_layer *layer =
        environment ? environment_layer_of(environment, entry->path) : NULL;
    if (!layer || !text_equal(layer->file, entry->path))
        refuse_environment(entry);
}

/* Each worker compiles schemas, and shares values among what it reads, by itself. */
struct reading_all {
    struct manifest *manifest;
    const struct manifest_entry_vec *entries;
    struct kind_set *others; /* of the workers after the first, which has the manifest's */
};

static void read_step(void *data, size_t worker, size_t i)
{
    const struct reading_all *all = data;
    read_entry(all->manifest, worker ? &all->others[worker - 1] : &all->manifest->kinds,
               all->entries->items[i], NULL);
}

void manifest_entries_read(struct manifest *manifest, const struct manifest_entry_vec *entries)
{
    assert(manifest);
    assert(entries);
    bool apart = !manifest->environment && entries->len >= READ_APART;
    size_t workers = apart ? parallel_workers() : 1;
    struct kind_set *others CLEANUP_FREE = memory_calloc(workers, sizeof *others);
    struct reading_all all = {manifest, entries, others};
    for (size_t i = 0; i + 1 < workers; i++)
        kind_set_init(&others[i]);
    parallel_each(entries->len, workers, read_step, &all);
    for (size_t i = 0; i + 1 < workers; i++)
        kind_set_deinit(&others[i]);
}

void manifest_entry_visit(struct manifest *manifest, const struct manifest_entry *entry,
                          const struct kind_visitor *visitor)
{
    assert(visitor);
    if (entry->kind != MANIFEST_FILE)
        return;
    char *text = memory_alloc(entry->len + 1); /* which may hold NUL bytes */
    memcpy(text, entry->text, entry->len);
    text[entry->len] = '\0';
    struct manifest_entry *copy = manifest_entry_new(&(struct manifest_file){
        .path = entry->path, .kind = entry->kind, .content = text, .len = entry->len});
    read_entry(manifest, &manifest->kinds, copy, visitor);
    manifest_entry_free(copy);
}

struct manifest_entry *manifest_entry_new(const struct manifest_file *file)
{
    assert(file);
    struct manifest_entry *entry = NEW(struct manifest_entry);
    entry->path = memory_strdup(file->path);
    entry->kind = file->kind;
    if (file->kind == MANIFEST_FILE) {
        entry->text = (char *)file->content;
        entry->len = file->len;
    }
    return entry;
}

struct manifest_entry *manifest_entry_renew(struct manifest_entry *entry)
{
    assert(entry);
    struct manifest_entry *renewed = NEW(struct manifest_entry);
    renewed->path = memory_strdup(entry->path);
    renewed->kind = entry->kind;
    renewed->text = TAKE(entry->text);
    renewed->len = entry->len;
    renewed->listed = entry->listed;
    return renewed;
}

void manifest_entry_free(struct manifest_entry *entry)
{
    if (!entry)
        return;
    for (size_t i = 0; i < entry->objects.len; i++)
        kind_object_free(entry->objects.items[i]);
    for (size_t i = 0; i < entry->broken.len; i++)
        kind_object_free(entry->broken.items[i]);
    vector_deinit(&entry->objects);
    vector_deinit(&entry->broken);
    diagnostics_deinit(&entry->diagnostics);
    if (entry->reading)
        string_vec_deinit(&entry->reading->declared);
    free(entry->reading);
    free(entry->path);
    free(entry->text);
    free(entry);
}
