/* Variables in strings, by the rules of the Compose specification: $NAME, ${NAME}, ${NAME:-default},
 * ${NAME-default}, ${NAME:?message}, ${NAME?message}, ${NAME:+other}, ${NAME+other}, $$. */
#include "base/buffer.h"
#include "base/limits.h"
#include "base/text.h"
#include "manifest/import_run.h"

#include <string.h>

#define NAME_FIRST "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
#define NAME_REST  NAME_FIRST "0123456789"

#define NESTED_MAX 16

struct expansion {
    const struct import_lookup *lookup;
    struct import_run *run; /* NULL: what has no value is nothing, without a note */
    const char *pointer;
    struct buffer out;
    int depth;
    bool over;
};

static void expand(struct expansion *expansion, const char *text, size_t len);

static void put(struct expansion *expansion, const char *text, size_t len)
{
    size_t *left = expansion->lookup->bytes_left;
    if (len > *left || buffer_append(&expansion->out, text, len) < 0) {
        expansion->over = true;
        return;
    }
    *left -= len;
}

/* The end of what "${" at `text` begins, behind the brace; 0 when it stays open. */
static size_t braced_len(const char *text, size_t len)
{
    int open = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '$' && i + 1 < len && text[i + 1] == '{') {
            open++;
            i++;
        } else if (text[i] == '}' && --open == 0) {
            return i + 1;
        }
    }
    return 0;
}

/* Borrowed until the next call; NULL when there is none. */
static const char *value_of(const struct import_lookup *lookup, const char *name)
{
    const struct import_world *world = lookup->world;
    const char *value = world->variable ? world->variable(world->data, name) : NULL;
    return value ? value : json_string_value(json_object_get(lookup->more, name));
}

/* `whole` stands there and `name` has no value. */
static void leave(struct expansion *expansion, const char *name, const char *whole, size_t whole_len)
{
    if (!expansion->run)
        return;
    put(expansion, whole, whole_len);
    import_note(expansion->run, IMPORT_UNRESOLVED, expansion->pointer,
                "%.100s has no value: set it in .env or in the environment, or replace it in the manifest",
                name);
}

static void replace(struct expansion *expansion, const char *text, size_t len)
{
    const char *inner = text + 2;
    size_t name_len = strspn(inner, NAME_REST);
    char *name CLEANUP_FREE = memory_strndup(inner, name_len);
    const char *word = inner + name_len;
    const char *end = text + len - 1;
    bool colon = *word == ':';
    char operator= word[colon];
    const char *value = value_of(expansion->lookup, name);
    bool set = value && (value[0] || !colon);
    word += colon + 1;
    size_t word_len = word < end ? (size_t)(end - word) : 0;
    if (operator== '+') {
        if (set)
            expand(expansion, word, word_len);
    } else if (set || (value && operator== '}')) {
        put(expansion, value, strlen(value));
    } else if (operator== '-') {
        expand(expansion, word, word_len);
    } else {
        leave(expansion, name, text, len);
    }
}

/* Length of what stands for a variable at the dollar sign, 0 when it is only a dollar sign. */
static size_t expand_one(struct expansion *expansion, const char *text, size_t len)
{
    if (len > 1 && text[1] == '$') {
        put(expansion, "$", 1);
        return 2;
    }
    if (len > 2 && text[1] == '{' && strchr(NAME_FIRST, text[2])) {
        size_t name_len = strspn(text + 2, NAME_REST);
        size_t braced = braced_len(text, len);
        const char *after = text + 2 + name_len;
        bool known = braced && (*after == '}' || strchr("-?+", after[*after == ':']));
        if (known)
            replace(expansion, text, braced);
        return known ? braced : 0;
    }
    size_t name_len = len > 1 && strchr(NAME_FIRST, text[1]) ? strspn(text + 1, NAME_REST) : 0;
    if (!name_len)
        return 0;
    name_len = name_len > len - 1 ? len - 1 : name_len;
    char *braced CLEANUP_FREE = memory_printf("${%.*s}", (int)name_len, text + 1);
    replace(expansion, braced, strlen(braced));
    return name_len + 1;
}

static void expand(struct expansion *expansion, const char *text, size_t len)
{
    if (++expansion->depth > NESTED_MAX)
        expansion->over = true;
    for (size_t i = 0; i < len && !expansion->over;) {
        const char *dollar = memchr(text + i, '$', len - i);
        size_t plain = dollar ? (size_t)(dollar - text) - i : len - i;
        put(expansion, text + i, plain);
        i += plain;
        if (i == len)
            break;
        size_t taken = expand_one(expansion, text + i, len - i);
        if (!taken)
            put(expansion, "$", 1);
        i += taken ? taken : 1;
    }
    expansion->depth--;
}

char *import_expand(const struct import_lookup *lookup, const char *text)
{
    struct expansion expansion = {.lookup = lookup, .out = BUFFER_INIT(LIMIT_IMPORT_BYTES)};
    expand(&expansion, text, strlen(text));
    char *value CLEANUP_FREE = buffer_steal(&expansion.out);
    return expansion.over ? NULL : TAKE(value);
}

/* Where variables are replaced: what they are, and what is told. */
struct interpolation {
    struct import_run *run;
    struct import_lookup lookup;
};

static json_t *expanded(const struct interpolation *interpolation, const char *text, const char *pointer)
{
    struct expansion expansion = {.lookup = &interpolation->lookup,
                                  .run = interpolation->run,
                                  .pointer = pointer,
                                  .out = BUFFER_INIT(LIMIT_IMPORT_BYTES)};
    expand(&expansion, text, strlen(text));
    interpolation->run->over = interpolation->run->over || expansion.over;
    json_t *value = json_string(buffer_str(&expansion.out));
    buffer_deinit(&expansion.out);
    return value ? value : json_string(""); /* a variable that is not UTF-8 */
}

/* The string with its variables replaced, or the value as it is after its parts are done. New. */
static json_t *interpolated(const struct interpolation *interpolation, json_t *value, const char *pointer)
{
    size_t i;
    const char *key;
    json_t *child;
    if (json_is_string(value) && strchr(json_string_value(value), '$'))
        return expanded(interpolation, json_string_value(value), pointer);
    json_array_foreach (value, i, child) {
        char *at CLEANUP_FREE = import_pointer_index(pointer, i);
        json_array_set_new(value, i, interpolated(interpolation, child, at));
    }
    json_object_foreach (value, key, child) {
        char *at CLEANUP_FREE = import_pointer(pointer, key);
        json_object_set_new(value, key, interpolated(interpolation, child, at));
    }
    return json_incref(value);
}

void import_interpolate(struct import_run *run, json_t *value, const char *pointer, const json_t *more)
{
    struct interpolation interpolation = {
        .run = run, .lookup = {.world = run->source->world, .more = more, .bytes_left = &run->bytes_left}};
    json_decref(interpolated(&interpolation, value, pointer));
}
