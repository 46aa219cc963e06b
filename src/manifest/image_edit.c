#include "manifest/image_edit.h"

#include "base/buffer.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "manifest/document_pointer.h"
#include "manifest/document_text.h"
#include "manifest/environment_path.h"
#include "manifest/manifest_state.h"
#include "model/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define POLICY "imagePolicy"

void image_edit_deinit(struct image_edit *edit)
{
    free(edit->file);
    free(edit->pointer);
    free(edit->family);
    free(edit->container);
    free(edit->image);
    json_decref(edit->policy);
    free(edit->credentials);
    free(edit->replacement);
    memset(edit, 0, sizeof *edit);
}

void image_edit_vec_deinit(struct image_edit_vec *edits)
{
    for (size_t i = 0; i < edits->len; i++)
        image_edit_deinit(&edits->items[i]);
    vector_deinit(edits);
}

/* --- finding -------------------------------------------------------------------------------------------- */

/* A walk through one document. */
struct walk {
    const char *file;
    const struct document *document;
    size_t number;
    struct buffer pointer; /* of what is looked at */
    struct image_edit_vec *edits;
};

static const char *text_of(const json_t *object, const char *member)
{
    const char *text = model_string(object, member);
    return text ? text : "";
}

static void take_container(struct walk *walk, const json_t *container, const char *family)
{
    json_t *policy = json_object_get(json_object_get(container, "davit"), POLICY);
    const char *image = model_string(container, "image");
    if (!json_is_object(policy) || !image)
        return;
    char *pointer = memory_strdup(buffer_str(&walk->pointer));
    char *at CLEANUP_FREE = memory_printf("%s/image", pointer);
    vector_push(walk->edits,
                (struct image_edit){
                    .file = memory_strdup(walk->file),
                    .document = walk->number,
                    .pointer = pointer,
                    .family = memory_strdup(family),
                    .container = memory_strdup(text_of(container, "name")),
                    .image = memory_strdup(image),
                    .policy = json_incref(policy),
                    .credentials = memory_strdup(model_string(
                        json_object_get(container, "repositoryCredentials"), "credentialsParameter")),
                    .at = document_position(walk->document, at, DOCUMENT_VALUE),
                });
}

static void look(struct walk *walk, const json_t *value, const char *family, bool is_container);

static void look_at_list(struct walk *walk, const json_t *list, const char *family, bool of_containers)
{
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)list, i, item) {
        size_t len = walk->pointer.len;
        document_pointer_append_index(&walk->pointer, i);
        look(walk, item, family, of_containers);
        walk->pointer.len = len;
        walk->pointer.data[len] = '\0';
    }
}

static void look_at_object(struct walk *walk, const json_t *object, const char *family)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)object, key, value) {
        size_t len = walk->pointer.len;
        document_pointer_append_key(&walk->pointer, key);
        if (json_is_array(value))
            look_at_list(walk, value, family, text_equal(key, "containerDefinitions"));
        else
            look(walk, value, family, false);
        walk->pointer.len = len;
        walk->pointer.data[len] = '\0';
    }
}

/* As deep as LIMIT_DOCUMENT_DEPTH at most. */
static void look(struct walk *walk, const json_t *value, const char *family, bool is_container)
{
    if (is_container)
        take_container(walk, value, family);
    else if (json_is_array(value))
        look_at_list(walk, value, family, false);
    else if (json_is_object(value))
        look_at_object(walk, value,
                       *text_of(value, "family")                              ? text_of(value, "family")
                       : text_equal(text_of(value, "kind"), "TaskDefinition") ? text_of(value, "name")
                                                                              : family);
}

static int parse(const char *file, const char *text, size_t len, struct document_vec *ret_documents)
{
    struct diagnostics ignored CLEANUP(diagnostics_deinit) = {0};
    struct document_input input = {file, text, len};
    return document_parse(&input, ret_documents, &ignored);
}

void image_edit_find_in(const char *file, const char *text, size_t len, struct image_edit_vec *ret_edits)
{
    struct document_vec documents CLEANUP(document_vec_deinit) = {0};
    assert(file);
    assert(ret_edits);
    if (!memmem(text, len, POLICY, strlen(POLICY)) || parse(file, text, len, &documents) < 0)
        return;
    for (size_t i = 0; i < documents.len; i++) {
        struct walk walk = {.file = file,
                            .document = &documents.items[i],
                            .number = i,
                            .pointer = BUFFER_INIT((size_t)LIMIT_MANIFEST_BYTES * 2),
                            .edits = ret_edits};
        buffer_append(&walk.pointer, "", 0);
        look(&walk, documents.items[i].value, "", false);
        buffer_deinit(&walk.pointer);
    }
}

static bool is_read(const struct manifest *manifest, const struct manifest_entry *entry)
{
    bool is_inside = manifest->environment ? environment_layer_of(manifest->environment, entry->path) != NULL
                                           : !environment_path_is_outside(entry->path);
    return entry->kind == MANIFEST_FILE && is_inside && !map_get(&manifest->data, entry->path);
}

static int by_place(const void *a, const void *b)
{
    const struct image_edit *left = a;
    const struct image_edit *right = b;
    int order = strcmp(left->file, right->file);
    if (!order)
        order = (left->document > right->document) - (left->document < right->document);
    return order ? order : strcmp(left->pointer, right->pointer);
}

void image_edit_find(const struct manifest *manifest, struct image_edit_vec *ret_edits)
{
    assert(manifest);
    assert(ret_edits);
    map_for_each (&manifest->files, item) {
        const struct manifest_entry *entry = item->value;
        if (is_read(manifest, entry))
            image_edit_find_in(entry->path, entry->text, entry->len, ret_edits);
    }
    vector_sort(ret_edits, by_place);
}

/* --- replacing ------------------------------------------------------------------------------------------ */

/* Bytes of the text that make way. */
struct splice {
    size_t at;
    const struct image_edit *edit;
};
struct splice_vec VECTOR_OF(struct splice);

/* Where the line and the column, which counts characters, are in the text. */
static const char *find_place(struct position at, const char *text, const char *end)
{
    const char *place = text;
    for (int line = 1; line < at.line; line++)
        place = document_text_next_line(place, end);
    for (int column = 1; column < at.column && place < end; column++)
        do
            place++;
        while (place < end && ((unsigned char)*place & 0xC0) == 0x80);
    return place;
}

/* Past an anchor and a tag. */
static const char *skip_properties(const char *place, const char *end)
{
    while (place < end && (*place == '&' || *place == '!')) {
        while (place < end && !document_text_is_blank(*place) && !document_text_is_break(*place))
            place++;
        place = document_text_skip_blanks(place, end);
    }
    return place;
}

static int refuse(const struct image_edit *edit, const char *why, struct error *err)
{
    return error_set(err, ERROR_UNSUPPORTED, "%s:%d:%d: %s", edit->file, edit->at.line, edit->at.column, why);
}

/* An alias has no text of its own: what stands at its anchor is replaced, if its container has a policy too,
 * and in the end all of them have to be right. */
static int add_splice(const struct manifest_entry *entry, const struct image_edit *edit,
                      struct splice_vec *splices, struct error *err)
{
    const char *end = entry->text + entry->len;
    const char *place = skip_properties(find_place(edit->at, entry->text, end), end);
    size_t len = strlen(edit->image);
    if (place < end && *place == '*')
        return 0;
    bool is_quoted = place < end && (*place == '"' || *place == '\'');
    char quote = is_quoted ? *place++ : '\0';
    if ((size_t)(end - place) < len + is_quoted || memcmp(place, edit->image, len) != 0 ||
        (is_quoted && place[len] != quote))
        return refuse(edit, "the image is written with escapes or over several lines: write it in one piece",
                      err);
    vector_push(splices, (struct splice){(size_t)(place - entry->text), edit});
    return 0;
}

static int by_offset(const void *a, const void *b)
{
    const struct splice *left = a;
    const struct splice *right = b;
    return (left->at > right->at) - (left->at < right->at);
}

/* Containers behind one anchor share their text, and are replaced once. Caller frees. */
static char *splice_all(const struct manifest_entry *entry, const struct splice_vec *splices)
{
    struct buffer out = BUFFER_INIT((size_t)LIMIT_MANIFEST_BYTES * 2);
    size_t from = 0;
    for (size_t i = 0; i < splices->len; i++) {
        const struct splice *splice = &splices->items[i];
        if (splice->at < from)
            continue;
        buffer_append(&out, entry->text + from, splice->at - from);
        buffer_append_str(&out, splice->edit->replacement);
        from = splice->at + strlen(splice->edit->image);
    }
    buffer_append(&out, entry->text + from, entry->len - from);
    return buffer_steal(&out);
}

static json_t *value_at(json_t *value, const char *pointer)
{
    while (value && *pointer) {
        char *token CLEANUP_FREE = document_pointer_next(&pointer);
        size_t index = 0;
        if (!token)
            return NULL;
        value = json_is_object(value)                      ? json_object_get(value, token)
                : document_pointer_to_index(token, &index) ? json_array_get(value, index)
                                                           : NULL;
    }
    return value;
}

static bool is_of(const struct image_edit *edit, const struct manifest_entry *entry)
{
    return edit->replacement && text_equal(edit->file, entry->path);
}

/* Reads both texts: the new one says what the old one says, with the replacements. */
static int prove(const struct manifest_entry *entry, const struct image_edit_vec *edits, const char *text,
                 struct error *err)
{
    struct document_vec before CLEANUP(document_vec_deinit) = {0};
    struct document_vec after CLEANUP(document_vec_deinit) = {0};
    const struct image_edit *last = NULL;
    bool same = parse(entry->path, entry->text, entry->len, &before) == 0 &&
                parse(entry->path, text, strlen(text), &after) == 0 && before.len == after.len;
    for (size_t i = 0; same && i < edits->len; i++) {
        const struct image_edit *edit = &edits->items[i];
        if (!is_of(edit, entry))
            continue;
        last = edit;
        json_t *container = value_at(before.items[edit->document].value, edit->pointer);
        same = json_object_set_new(container, "image", json_string(edit->replacement)) == 0;
    }
    for (size_t i = 0; same && i < before.len; i++)
        same = json_equal(before.items[i].value, after.items[i].value);
    if (same)
        return 0;
    if (!last)
        return error_set(err, ERROR_UNSUPPORTED, "%s cannot be read again with the new image", entry->path);
    return refuse(
        last,
        "another image there, or in another place of this file, would change more than the images of "
        "the containers that have this policy: write the image out, without an alias",
        err);
}

int image_edit_apply(const struct manifest *manifest, const char *file, const struct image_edit_vec *edits,
                     char **ret_text, struct error *err)
{
    assert(manifest);
    assert(file);
    const struct manifest_entry *entry = map_get(&manifest->files, file);
    struct splice_vec splices = {0};
    int rc = 0;
    if (!entry || entry->kind != MANIFEST_FILE)
        return error_set(err, ERROR_NOT_FOUND, "there is no manifest %s", file);
    for (size_t i = 0; rc == 0 && i < edits->len; i++)
        if (is_of(&edits->items[i], entry))
            rc = add_splice(entry, &edits->items[i], &splices, err);
    vector_sort(&splices, by_offset);
    char *text CLEANUP_FREE = rc == 0 ? splice_all(entry, &splices) : NULL;
    vector_deinit(&splices);
    if (rc == 0)
        rc = prove(entry, edits, text, err);
    if (rc == 0)
        *ret_text = TAKE(text);
    return rc;
}
