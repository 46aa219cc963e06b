/* From the files of a commit to a sealed `desired`, or to diagnostics. Pure.
 *
 * A manifest remembers what each file parsed to, so that a commit that touches one file costs one file:
 * objects of the others are shared by reference with the desired state before. Revision numbers are counted
 * here too, because they follow from the same files: the n-th distinct content of a family along first-parent
 * history has number n.
 */
#pragma once

#include "base/map.h"
#include "model/desired.h"
#include "model/diagnostic.h"
#include "model/ledger.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum manifest_file_kind {
    MANIFEST_FILE,
    MANIFEST_DELETED,
    MANIFEST_SYMLINK,   /* refused: a link may leave the tree */
    MANIFEST_SUBMODULE, /* refused: its content is not in this repository */
    MANIFEST_TOO_LARGE, /* refused: over LIMIT_MANIFEST_BYTES; content is NULL. Of others a file over
                           LIMIT_FILE_BYTES, or with size 0 a root that is too large as a whole */
    MANIFEST_LFS,       /* `other` only: git-lfs has the content */
};

/* A file as the source hands it out; of manifests only names that end in .json, .yaml or .yml count.
 * Everything is borrowed. */
struct manifest_file {
    const char *path;
    enum manifest_file_kind kind;
    const char *content;
    size_t len;
    bool other;      /* no manifest, but what one may name: known by blob id and size. Content is looked into
                        where there is some and the name ends in .env, for warnings */
    const char *oid; /* of others */
    int64_t size_bytes;
    bool executable; /* of others */
};

struct manifest;

struct manifest *manifest_new(void);
void manifest_free(struct manifest *manifest);
DEFINE_CLEANUP(struct manifest, manifest_free)

/* For two commits that are compared: of the manifests of the first only those at these paths (borrowed) are
 * another, or gone, in the second, and it has no others besides. To be said before any file. Everything is
 * read and validated all the same; but of the rest, nothing is numbered, and a task definition has a digest
 * only where a file among these, or a scheduled task, names it: the others are equal on both sides.
 *
 *  a layer (environment.h) on either side | everything counts: another one is another meaning of all files
 *  a definition that names files          | counts: they may have changed, and it has not
 *  a service, its definition changes      | both contents of the definition have digests, so it has two
 *  a service that changes or is new       | its definition gets a digest, whoever else names it
 */
void manifest_set_changing(struct manifest *manifest, const struct map *paths);

/* Takes in the files of a commit: all that there are (full) or those that changed. Nothing is judged yet. */
void manifest_update(struct manifest *manifest, bool full, const struct manifest_file *files,
                     size_t files_len);
/* The same, but every content is the manifest's from now on: strings from the heap that end in a NUL, kept or
 * freed. */
void manifest_take(struct manifest *manifest, bool full, const struct manifest_file *files, size_t files_len);

/* --- places that manifests name ---------------------------------------------------------------------------
 *
 * A container's `davit: files:` and `environmentFiles` name files of the repository. They are not read here:
 * the blob id becomes part of the task definition, so that another content is another revision. `extends` of
 * a davit.yaml (manifest/environment.h) names directories with more manifests: "../base/". Which places of
 * the repository a manifest needs is known only when it is read: they are its roots, in the form of
 * source_options. As long as one is missing nothing is to be numbered or built, and what it brings may need
 * others. Manifests of a root have paths such as "../base/web.yaml"; those that no davit.yaml leads to are
 * passed over. */

/* The files that follow were read with these roots (copied; NULL: nobody looks for files, and none is missed)
 * and the manifests are `levels` directories below the repository's root. */
void manifest_set_roots(struct manifest *manifest, const struct string_vec *roots, int levels);
/* The files are of a directory in no repository, which counts as one. Where a manifest leads out of it the
 * message says so: what it is called, and as a hint what to do. Both are copied. To be said before any file.
 */
void manifest_set_directory(struct manifest *manifest, const char *name, const char *remedy);
/* Appends the roots that the manifests name (owned strings, sorted). */
void manifest_wanted_roots(struct manifest *manifest, struct string_vec *ret_roots);

/* Roots are asked for once a line of commits has been taken in to its last one, the one to be built:
 *
 *  of all of the line       | asked for
 *  -------------------------|-----------------------------------------------------------------------------
 *  nothing is missing       | nothing: roots that nobody names any more go with the next question
 *  something is missing     | exactly what some commit of the line names, so that every one can be numbered
 *  and LIMIT_SOURCE_ROOTS   | exactly what the last one names, until it is built: those before it are
 *  is not enough            |   numbered without what is not given, as if that had errors
 *  nor for the last one     | directories with manifests, then the first by name; what is over the limit is
 *                           |   an error where it is named
 *
 * Without the answer nothing is to be numbered or built. Every question of a line holds the one before, so
 * they end. */
struct manifest_needs {
    struct map roots; /* named so far */
    bool missing;     /* one of them was not given */
    bool too_many;    /* only the last commit counts */
};
void manifest_needs_deinit(struct manifest_needs *needs);
/* Notes what the manifests name now; `last`: this is the commit to be built. */
void manifest_note_needs(struct manifest *manifest, bool last, struct manifest_needs *needs);
/* After the last one. True: the line is to be read again from its start, with *roots, which is replaced. */
bool manifest_ask(struct manifest *manifest, struct manifest_needs *needs, struct string_vec *roots);

/* The files as they were taken in, in any order. */
void manifest_each_file(const struct manifest *manifest,
                        void (*visit)(void *data, const struct manifest_file *file), void *data);

/* What numbering reads and writes; the caller's. */
struct manifest_numbering {
    struct map *families;       /* family -> struct family_ledger; new contents and new families are added */
    struct string_vec *changed; /* the names of families that changed are appended (owned strings) */
};

/* Clusters that services and scheduled tasks may name although this commit does not declare them: those of
 * other repositories. Copied; sorted by name, as those of a desired state are. They are in force until the
 * next call. */
void manifest_set_clusters(struct manifest *manifest, const struct cluster_vec *clusters);

/* Any cluster that is named is one of other repositories: for who reads one of several, and is not to judge
 * it. From the first build on. */
void manifest_accept_clusters(struct manifest *manifest);

/* Numbers the task definitions of the files that changed since the last call. Definitions that do not
 * validate are passed over. */
void manifest_number(struct manifest *manifest, const struct commit *commit,
                     const struct manifest_numbering *numbering);

/* Validates everything and builds the desired state. Calls manifest_number first. Warnings go to *diagnostics
 * as well. ERROR_INVALID when there are errors: *ret_desired is not set then, and the manifest still holds
 * the files, so that the next commit may mend them. No manifest file at all is an error ("no-manifests"): an
 * emptied path deletes nothing. */
int manifest_build(struct manifest *manifest, const struct commit *commit,
                   const struct manifest_numbering *numbering, struct desired **ret_desired,
                   struct diagnostics *diagnostics);

/* One object of the last manifest_build, as it is after variables and patches and with all its members. */
struct manifest_object {
    const char *kind; /* "Cluster", "Service", "TaskDefinition" ... */
    const char *name; /* "web", of a service "demo/web"; "" of what has none */
    const json_t *value;
};
/* What others need first: clusters, then task definitions, then services; by name. All is borrowed for the
 * visit. Objects with errors are left out. Reads all files again. */
void manifest_each_object(struct manifest *manifest,
                          void (*visit)(void *data, const struct manifest_object *object), void *data);
/* What a service is made of, of the last manifest_build. Paths are as those of files; owned strings. */
struct manifest_places {
    struct string_vec
        own; /* files of it and its task definitions, and files or directories that these name */
    struct string_vec shared; /* davit.yaml of each layer: what they say may be for others too */
};
void manifest_places_deinit(struct manifest_places *places);
/* Appends. False: there is no such service. */
bool manifest_service_places(const struct manifest *manifest, const char *cluster, const char *service,
                             struct manifest_places *places);
/* What AWS's register-task-definition, create-service or create-cluster takes for the object: without davit's
 * members and what only describe-* prints; cpu and memory of a task as strings. The caller's. */
json_t *manifest_aws_input(const struct manifest_object *object);

/* Parses the task definition of an old revision (struct revision.json), as `family:revision` may name it. */
int manifest_task_definition(const json_t *json, int revision, struct task_definition **ret_definition);

/* The embedded JSON Schemas, for `davit schema` and editors. NULL when there is none of that name. */
const char *manifest_schema(const char *kind);
/* NULL-ended list of kinds: "Cluster", "Service", "TaskDefinition", "Configuration". */
const char *const *manifest_schema_kinds(void);
