#include "manifest/environment_path.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/vector.h"

#include <assert.h>
#include <string.h>

static void push_parts(struct string_vec *parts, const char *path)
{
    char *copy CLEANUP_FREE = memory_strdup(path);
    char *rest = NULL;
    for (char *part = strtok_r(copy, "/", &rest); part; part = strtok_r(NULL, "/", &rest)) {
        if (text_equal(part, "."))
            continue;
        if (text_equal(part, "..") && parts->len && !text_equal(parts->items[parts->len - 1], ".."))
            free(parts->items[--parts->len]);
        else
            vector_push(parts, memory_strdup(part));
    }
}

char *environment_path_join(const char *directory, const char *relative)
{
    assert(directory);
    assert(relative);
    if (relative[0] == '/')
        return NULL;
    struct string_vec parts CLEANUP(string_vec_deinit) = {0};
    push_parts(&parts, directory);
    push_parts(&parts, relative);
    char *joined = memory_strdup("");
    for (size_t i = 0; i < parts.len; i++) {
        char *longer = memory_printf("%s%s%s", joined, i ? "/" : "", parts.items[i]);
        free(joined);
        joined = longer;
    }
    return joined;
}

bool environment_path_is_outside(const char *path)
{
    assert(path);
    return text_equal(path, "..") || text_starts_with(path, "../");
}

/* Takes off the "../" in front and counts them. */
static int climbs(const char **path)
{
    int n = 0;
    for (; environment_path_is_outside(*path); n++)
        *path += (*path)[2] ? 3 : 2;
    return n;
}

int environment_path_climbs(const char *path)
{
    assert(path);
    return climbs(&path);
}

bool environment_path_holds(const char *outer, const char *inner)
{
    assert(outer);
    assert(inner);
    int out = climbs(&outer);
    int in = climbs(&inner);
    if (out != in)
        return out > in && !*outer;
    size_t len = strlen(outer);
    return len == 0 || (strncmp(outer, inner, len) == 0 && (inner[len] == '/' || inner[len] == '\0'));
}
