/* Files of the repository that a task definition names: a container's `davit: files:` and `environmentFiles`.
 * Pure. */
#pragma once

#include "base/digest.h"
#include "manifest/document.h"
#include "model/diagnostic.h"

enum file_use { FILE_CONFIG, FILE_ENVIRONMENT };

struct file_reference {
    enum file_use use;
    size_t container; /* index in containerDefinitions */
    size_t index;     /* in the list of its use */
    char *path;       /* relative to the manifests' directory, begins with "../" outside of it */
    char *pointer;    /* from the document's root */
    struct position at;
};
struct file_reference_vec VECTOR_OF(struct file_reference);

struct file_references {
    struct file_reference_vec list;
    json_t *definition;        /* as written; NULL when it has errors */
    struct diagnostics faults; /* of the files; this and the rest is as of the last file_resolve() */
    bool pending;              /* a root is missing: nobody knows */
    struct digest found;       /* of the files */
};

/* What a valid definition names; NULL when that is nothing. `file` is the manifest's path, `base` the pointer
 * to the definition; pointers of *diagnostics count from the definition. */
struct file_references *file_references_read(const struct document *document, const char *base,
                                             const json_t *definition, const char *file,
                                             struct diagnostics *diagnostics);
void file_references_free(struct file_references *references);
