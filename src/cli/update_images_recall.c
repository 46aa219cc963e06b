/* What git says of images that the policies ask for: those that were taken out again are left out. */
#include "base/text.h"
#include "cli/update_images.h"
#include "model/image.h"
#include "source/roots.h"

#include <string.h>

/* What a container had, newest first; NULL where it was not there. As many as the runs. */
struct past {
    struct source_run_vec runs;
    struct string_vec images;
};

static void past_deinit(struct past *past)
{
    vector_deinit(&past->runs);
    string_vec_deinit(&past->images);
}

/* The image that the same container has in a text of old, under the same policy: with another one it is asked
 * for anew. NULL: none. Caller frees. */
static char *image_in(const char *text, const struct image_edit *edit)
{
    struct image_edit_vec edits CLEANUP(image_edit_vec_deinit) = {0};
    image_edit_find_in(edit->file, text, strlen(text), &edits);
    for (size_t i = 0; i < edits.len; i++)
        if (text_equal(edits.items[i].family, edit->family) &&
            text_equal(edits.items[i].container, edit->container) &&
            json_equal(edits.items[i].policy, edit->policy))
            return TAKE(edits.items[i].image);
    return NULL;
}

static int read_past(const struct image_update *update, const struct image_edit *edit, struct past *past,
                     struct error *err)
{
    struct string_vec paths CLEANUP(string_vec_deinit) = {0};
    char *path = source_root_path(update->directory, edit->file);
    if (!path)
        return 0; /* it is not replaced either */
    vector_push(&paths, path);
    const struct source_branch *branch =
        update->parent == update->review.tip ? &update->review : &update->base;
    const struct source_run_query query = {branch, &paths, NULL};
    int rc = source_branch_runs(&query, &past->runs, err);
    for (size_t i = 0; rc == 0 && i < past->runs.len; i++) {
        char *text CLEANUP_FREE = NULL;
        rc = source_branch_file(branch, past->runs.items[i].newest, path, &text, err);
        vector_push(&past->images, text ? image_in(text, edit) : NULL);
    }
    return rc;
}

/* The one before it that is there, and is another. NULL: none is known. */
static const char *older(const struct past *past, size_t from)
{
    const char *image = past->images.items[from];
    for (size_t i = from; i < past->images.len; i++)
        if (past->images.items[i] && !text_equal(past->images.items[i], image))
            return past->images.items[i];
    return NULL;
}

static bool has_same_tag(const char *a, const char *b)
{
    char *tag CLEANUP_FREE = image_tag(a);
    char *other CLEANUP_FREE = image_tag(b);
    return text_equal(tag, other);
}

/* The run with the commit that took the image out; NULL: none did. */
static const struct source_run *find_removal(const struct past *past, const char *image)
{
    for (size_t i = 1; i < past->images.len; i++) {
        const char *newer = past->images.items[i - 1];
        if (!text_equal(past->images.items[i], image) || !newer)
            continue;
        if (has_same_tag(newer, image) && !text_equal(newer, older(past, i)))
            return NULL;
        return &past->runs.items[i - 1];
    }
    return NULL;
}

void image_update_recall(struct image_update *update)
{
    for (size_t i = 0; i < update->edits.len; i++) {
        struct image_edit *edit = &update->edits.items[i];
        struct past past CLEANUP(past_deinit) = {0};
        struct error err = ERROR_INIT;
        if (!edit->replacement)
            continue;
        if (read_past(update, edit, &past, &err) < 0) {
            image_update_fail(update, i, memory_strdup(error_text(&err)));
            free(TAKE(edit->replacement));
            continue;
        }
        const struct source_run *removal = find_removal(&past, edit->replacement);
        if (!removal)
            continue;
        struct image_refusal refusal = {.edit = i, .subject = memory_strdup(removal->subject)};
        refusal.image = TAKE(edit->replacement);
        memcpy(refusal.commit, removal->oldest, sizeof refusal.commit);
        vector_push(&update->refusals, refusal);
    }
}
