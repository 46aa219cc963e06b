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
    char *path;       /* from the manifests' directory, begins with "../" outside of it */
    char *file;       /* where it stands: the manifest, or a davit.yaml whose patch says so */
    char *pointer;    /* from that file's document's root */
    struct position at;
};
struct file_reference_vec VECTOR_OF(struct file_reference);

struct file_references {
    struct file_reference_vec list;
    json_t *definition;        /* as written; NULL when it has errors */
    struct diagnostics faults; /* of the files; this and the rest is as of the last file_resolve() */
    struct digest found;       /* of the files */
};

struct environment_trace;

/* Where a definition stands: in the file at pointer `base`, but for what patches have put into it. */
struct file_reference_source {
    const struct document *document;
    const char *file;
    const char *base;
    const struct environment_trace *trace;
};

/* What a valid definition names, relative to the file that says so; NULL when that is nothing. Pointers of
 * *diagnostics count from the definition. */
struct file_references *file_references_read(const struct file_reference_source *source,
                                             const json_t *definition, struct diagnostics *diagnostics);
struct kind_fault;
/* Whether the container would not have a file that is put at the path before it starts: then *ret_fault has
 * code, message (about `target`) and hint, which the caller owns. */
bool file_reference_is_lost(const json_t *container, const char *path, const char *target,
                            struct kind_fault *ret_fault);
/* A path for what a directory would hold there; what is lost of it is told by file_references_read(). Caller
 * frees. */
char *file_reference_below(const char *target);
void file_references_free(struct file_references *references);
