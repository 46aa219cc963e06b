/* Environments: `davit.yaml` at the manifest root. Pure.
 *
 *   extends: [../base]               # directories that belong to it, relative to this file
 *   variables: {TAG: "1.27", N: 4}   # for ${NAME} in strings
 *   patches:                         # JSON Merge Patch (RFC 7386)
 *     - {kind: Service, name: web, merge: {desiredCount: "${N}"}}
 *
 * What is decided:
 *
 *  of         | is decided
 *  -----------|----------------------------------------------------------------------------------------------
 *  extends    | depth first, in the order given, own files last: the layers. A directory that is met twice
 *             | counts once, where it is met first. A file belongs to the layer with the longest directory.
 *             | Refused at its place: a cycle, with its path; a directory that holds the file's own; an
 *             | absolute path; a directory without manifests. What lies outside the root is asked for:
 *             | manifest_ask().
 *  variables  | one set for all layers. A later layer's value overrides an earlier one's, so the root's wins.
 *             | Values are strings, integers and booleans (1.10 without quotes is no version) and taken as
 *             | they are: a reference in a value is refused.
 *  ${NAME}    | replaced in the strings of all layers' manifests and in the name and merge of patches, never
 *             | in keys, in extends or in values of variables. Only where some davit.yaml of the layers
 *             | declares `variables`, be it {}: elsewhere it stays as it is, since shells and real task
 *             | definitions use it, with a warning where no shell comes by. $${ stands for ${. An undefined
 *             | name, and ${ that begins no reference, are errors at the string. A string that is nothing but
 *             | ${NAME} takes the value with its type; where the schema wants a string there, the value's
 *             | text. Validation sees the values, never the references.
 *  patches    | of the layers in order, each on the result of the one before. A patch selects by the name
 *             | that the object has in its own file, references replaced, whatever patches have changed. null
 *             | as a whole removes the object. Refused: a patch that matches nothing; a service's bare name
 *             | that two clusters have; a change of `kind`.
 *  duplicates | a layer that declares an object again is the error that it is in one directory: change it by
 *             | a patch.
 *  davit.yaml | below the root, and not where `extends` leads: an error, since its objects would be read
 *             | without it.
 *  places     | a value of a patch is reported in its davit.yaml, all else in the file that has it; a
 *             | replaced string where it stands.
 *  bad        | a davit.yaml with a fault: only that is reported, for nobody knows what the manifests mean.
 *  bounds     | LIMIT_ENVIRONMENT_* of base/limits.h.
 *
 * A commit that changes davit.yaml reads again the files whose meaning changes: those with references when
 * the variables changed, those with patched objects when a davit.yaml with patches for them did.
 */
#pragma once

#include "base/digest.h"
#include "base/map.h"
#include "manifest/document.h"
#include "manifest/kind.h"
#include "model/diagnostic.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define ENVIRONMENT_FILE "davit.yaml"

struct manifest;

/* A directory of the environment. */
struct environment_layer {
    char *directory;          /* from the manifest root: "", "base", "../base" */
    char *file;               /* its davit.yaml; NULL without one */
    struct document document; /* of that file; no value without one */
    struct digest content;    /* of that file's text */
    struct string_vec typed;  /* as in struct environment_use, of its patches */
    char *by;                 /* where it is extended: a file and ... */
    struct position at;       /* ... a place in it; NULL for the root */
    bool has_files;           /* set and read by environment_check() */
};
struct environment_layer_vec VECTOR_OF(struct environment_layer *);

struct environment_patch {
    const struct environment_layer *layer;
    size_t index; /* in the layer's list */
    enum kind kind;
    const char *name; /* borrowed from the layer's document, as `merge` */
    const json_t *merge;
    size_t bytes; /* of `merge` as text */
};
struct environment_patch_vec VECTOR_OF(struct environment_patch);

struct environment {
    struct environment_layer_vec layers; /* in order; the root is the last */
    bool substitutes;                    /* some layer declares variables */
    struct map variables;                /* name -> json_t, borrowed from the layers */
    struct digest variables_digest;
    struct environment_patch_vec patches; /* in order */
    struct map targets;                   /* "Service demo/web", "Service web" -> struct environment_target */
    struct string_vec missing;            /* directories outside the root that have not come */
    struct string_vec too_large;          /* ... that have come as too large to be read */
    struct diagnostics diagnostics;       /* of the davit.yaml files */
};

/* The patches that say one name. */
struct environment_target {
    struct index_vec VECTOR_OF(size_t) patches;
    struct digest digest; /* of the files that they stand in */
    char *match;    /* the first object of that name, as declared; set and read by environment_check() */
    bool ambiguous; /* likewise */
};

/* Reads the davit.yaml files among the manifest's. NULL when the root has none. */
struct environment *environment_new(const struct manifest *manifest);
void environment_free(struct environment *environment);
DEFINE_CLEANUP(struct environment, environment_free)

/* Whether manifests can be read under it: no fault in a davit.yaml and no directory missing. */
bool environment_is_usable(const struct environment *environment);
/* The layer that a file belongs to, or NULL. */
struct environment_layer *environment_layer_of(const struct environment *environment, const char *path);
/* Appends the directories outside the root as roots of manifest_set_roots(), come or not. */
void environment_roots(const struct environment *environment, struct string_vec *ret_roots);
/* True for "davit.yaml" in any directory. */
bool environment_is_file(const char *path);
/* "Service web" of "Service demo/web", NULL of what has no cluster. Caller frees. */
char *environment_bare_name(const char *declared);
/* A file's digest changes when it is to be read again. `declared` as kind_read() fills it. */
struct digest environment_digest(const struct environment *environment, bool uses_variables,
                                 const struct string_vec *declared);
/* What can be told only when all files are read: patches and directories without use. False when manifests
 * are missing, so that references to them are no errors. */
bool environment_check(struct manifest *manifest, struct diagnostics *diagnostics);

/* --- references ----------------------------------------------------------------------------------------- */

struct environment_use {
    bool uses_variables;     /* a reference or an escape stood there */
    struct string_vec typed; /* pointers to strings that became something else */
    size_t bytes;            /* of strings that were replaced, and of patches, in one file */
    size_t max_bytes;
};

void environment_use_deinit(struct environment_use *use);
/* Replaces the references inside the object or array at `pointer` of the document, which is changed; a string
 * there stays. ERROR_INVALID or ERROR_LIMIT with diagnostics that have pointers and no places. */
int environment_substitute(const struct environment *environment, struct document *document,
                           const char *pointer, struct environment_use *use, struct diagnostics *diagnostics);
/* Warns of "${NAME}" in strings of a document that nothing is replaced in, but where something in the
 * container may: commands, variables, labels. Pointers and no places. */
void environment_warn_left(const struct document *document, struct diagnostics *diagnostics);
/* Gives a member that is an integer or a boolean its text. */
void environment_make_text(json_t *object, const char *member);
/* Gives those values below the root that are told to be no string ("type") their text. Whether there were
 * any. */
bool environment_untype(const struct environment_use *use, json_t *root, const char *base,
                        const struct diagnostics *faults);

/* --- patches -------------------------------------------------------------------------------------------- */

/* Where the values of a patched object come from: what was put at `pointer` stands at `from` in the patch's
 * file. The last one that holds a pointer counts. */
struct environment_step {
    char *pointer;
    const struct environment_layer *layer;
    char *from;
};
struct environment_trace VECTOR_OF(struct environment_step);

void environment_trace_deinit(struct environment_trace *trace);
struct environment_object {
    const char *declared; /* "Service demo/web" */
    const char *base;     /* pointer to it in its document */
    json_t *value;        /* to be changed */
};

/* 1; 0 when a patch removes the object; ERROR_LIMIT when the patches come to more than the use allows. */
int environment_patch(const struct environment *environment, const struct environment_object *object,
                      struct environment_use *use, struct environment_trace *trace);
/* The step that put the value at the pointer there, or NULL; its place in the patch's file (*ret_pointer: the
 * caller's). */
const struct environment_step *environment_trace_find(const struct environment_trace *trace,
                                                      const char *pointer, char **ret_pointer);
/* Gives file, place and pointer to those diagnostics without file whose value came by a patch. */
void environment_trace_place(const struct environment_trace *trace, struct diagnostics *diagnostics);
