/* Images that have a policy (model/image_policy.h), where manifests write them, and a manifest's text with
 * other images in their places. Pure.
 *
 * What is found is what the files say, before variables and patches: a container's object with its
 * `davit: {imagePolicy: ...}` and its `image`, in a task definition or in a patch of a davit.yaml.
 *
 * Of the text nothing changes but the bytes of the image inside its quotes: comments, white space, anchors
 * and line ends stay. The result is read again and has to be the same value but for the images; where it is
 * not, as for an anchor whose alias stands elsewhere, the text is refused.
 */
#pragma once

#include "base/error.h"
#include "manifest/document.h"
#include "manifest/manifest.h"

struct image_edit {
    char *file;         /* as the manifest calls it: "web.yaml", "../base/web.yaml" */
    size_t document;    /* of the file, from 0 */
    char *pointer;      /* to the container's object */
    char *family;       /* of the task definition, or what a patch is for; as written */
    char *container;    /* its name, "" without one */
    char *image;        /* as written; never NULL */
    json_t *policy;     /* counted */
    char *credentials;  /* repositoryCredentials.credentialsParameter; NULL: none */
    struct position at; /* of the image */
    char *replacement;  /* for image_edit_apply(): NULL, as image_edit_find() leaves it, changes nothing */
};
struct image_edit_vec VECTOR_OF(struct image_edit);

void image_edit_deinit(struct image_edit *edit);
void image_edit_vec_deinit(struct image_edit_vec *edits);
/* Appends those of all files that the manifest reads, by file and place. What does not parse has none. */
void image_edit_find(const struct manifest *manifest, struct image_edit_vec *ret_edits);
/* Those of one text, as one of old: `file` is what they call it. */
void image_edit_find_in(const char *file, const char *text, size_t len, struct image_edit_vec *ret_edits);
/* The text of the file that `edits` (those of other files are passed over) are of, with their replacements.
 * ERROR_NOT_FOUND: the manifest has no such file. ERROR_UNSUPPORTED: an image cannot be replaced there, with
 * its place and the remedy. Caller frees. */
int image_edit_apply(const struct manifest *manifest, const char *file, const struct image_edit_vec *edits,
                     char **ret_text, struct error *err);
