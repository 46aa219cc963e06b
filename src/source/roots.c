#include "source/roots.h"

#include "base/memory.h"
#include "base/text.h"

#include <assert.h>
#include <string.h>

/* Appends the parts of `path` to a path that has room for them. False: there is no parent to go to, or it
 * leads into what git keeps for itself, which no tree holds. */
static bool append_parts(char *out, const char *path)
{
    char *copy CLEANUP_FREE = memory_strdup(path ? path : "");
    char *rest = NULL;
    for (char *part = strtok_r(copy, "/", &rest); part; part = strtok_r(NULL, "/", &rest)) {
        if (strcmp(part, ".") == 0)
            continue;
        size_t len = strlen(out);
        if (strcasecmp(part, ".git") == 0)
            return false;
        if (strcmp(part, "..") == 0) {
            char *slash = strrchr(out, '/');
            if (!len)
                return false;
            *(slash ? slash : out) = '\0';
            continue;
        }
        if (len)
            out[len++] = '/';
        memcpy(out + len, part, strlen(part) + 1);
    }
    return true;
}

static char *join(const char *sub_path, const char *root)
{
    char *path CLEANUP_FREE = memory_calloc(strlen(sub_path ? sub_path : "") + strlen(root) + 2, 1);
    if (!append_parts(path, sub_path) || !append_parts(path, root))
        return NULL;
    return TAKE(path);
}

/* "..", "a/.." and "" are directories that others are in. */
static bool has_name(const char *root)
{
    const char *slash = strrchr(root, '/');
    const char *name = slash ? slash + 1 : root;
    return *name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

char *source_root_path(const char *sub_path, const char *root)
{
    assert(root);
    return source_root_has_manifests(root) || has_name(root) ? join(sub_path, root) : NULL;
}

int source_path_levels(const char *sub_path)
{
    char *path CLEANUP_FREE = join(sub_path, "");
    int levels = path && *path ? 1 : 0;
    for (const char *at = path; at && *at; at++)
        levels += *at == '/';
    return levels;
}

bool source_root_has_manifests(const char *root)
{
    return text_ends_with(root, "/");
}

void source_root_paths(const char *sub_path, const struct string_vec *roots, struct string_vec *ret_paths)
{
    assert(ret_paths);
    for (size_t i = 0; roots && i < roots->len; i++) {
        char *path =
            source_root_has_manifests(roots->items[i]) ? NULL : source_root_path(sub_path, roots->items[i]);
        if (path)
            vector_push(ret_paths, path);
    }
}
