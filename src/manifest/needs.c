/* Which places of the repository a line of commits names. */
#include "base/limits.h"
#include "base/text.h"
#include "manifest/manifest_state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void manifest_needs_deinit(struct manifest_needs *needs)
{
    map_deinit(&needs->roots);
}

static bool lacks_some(const struct manifest *manifest)
{
    if (manifest->environment && manifest->environment->missing.len)
        return true;
    map_for_each (&manifest->wanted, slot)
        if (!map_get(&manifest->roots, slot->key))
            return true;
    return false;
}

static void note(struct manifest_needs *needs, const char *root)
{
    if (!map_get(&needs->roots, root))
        map_put(&needs->roots, root, needs);
}

void manifest_note_needs(struct manifest *manifest, bool last, struct manifest_needs *needs)
{
    assert(manifest && needs);
    bool too_many = needs->too_many || needs->roots.len > LIMIT_SOURCE_ROOTS;
    if (!manifest->looks_for_files || (too_many && !last))
        return;
    file_resolve(manifest);
    needs->missing |= lacks_some(manifest);
    if (last && !needs->missing)
        return; /* nothing will be asked for */
    struct string_vec directories CLEANUP(string_vec_deinit) = {0};
    if (manifest->environment)
        environment_roots(manifest->environment, &directories);
    for (size_t i = 0; i < directories.len; i++)
        note(needs, directories.items[i]);
    map_for_each (&manifest->wanted, slot)
        note(needs, slot->key);
}

/* Directories with manifests first: what else is named is known only with them. */
static int compare(const void *a, const void *b)
{
    const char *left = *(char *const *)a;
    const char *right = *(char *const *)b;
    int order = text_ends_with(right, "/") - text_ends_with(left, "/");
    return order ? order : strcmp(left, right);
}

static void choose(const struct manifest_needs *needs, struct string_vec *ret_roots)
{
    map_for_each (&needs->roots, slot)
        vector_push(ret_roots, memory_strdup(slot->key));
    vector_sort(ret_roots, compare);
    while (ret_roots->len > LIMIT_SOURCE_ROOTS)
        free(ret_roots->items[--ret_roots->len]);
}

static bool are_given(const struct manifest *manifest, const struct string_vec *roots)
{
    for (size_t i = 0; i < roots->len; i++)
        if (!map_get(&manifest->roots, roots->items[i]))
            return false;
    return roots->len == manifest->roots.len;
}

bool manifest_ask(struct manifest *manifest, struct manifest_needs *needs, struct string_vec *roots)
{
    assert(manifest && needs && roots);
    bool cut = needs->roots.len > LIMIT_SOURCE_ROOTS && !needs->too_many;
    if (cut) { /* what was missing before may have kept some from being numbered: it comes again */
        needs->too_many = true;
        map_clear(&needs->roots);
        manifest_note_needs(manifest, true, needs);
    }
    struct string_vec chosen CLEANUP(string_vec_deinit) = {0};
    if (needs->missing)
        choose(needs, &chosen);
    bool asks = cut || (needs->missing && !are_given(manifest, &chosen));
    map_clear(&needs->roots);
    needs->missing = false;
    needs->too_many &= asks;
    if (!asks)
        return false;
    string_vec_deinit(roots);
    *roots = chosen;
    chosen = (struct string_vec){0};
    return true;
}
