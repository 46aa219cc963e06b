/* Files of variables, .env and env_file, as Compose reads them: NAME=VALUE or NAME: VALUE a line. Variables
 * are replaced in bare values and in "..." (which has escapes), in '...' nothing is; quoted values may go
 * over several lines; " #" ends a bare one. A name alone is taken from the environment. */
#include "base/buffer.h"
#include "base/limits.h"
#include "base/text.h"
#include "manifest/import_run.h"

#include <string.h>

#define BLANKS " \t"

/* What stands for the escapes of a value in double quotes, before variables are replaced. Caller frees. */
static char *unescaped(const char *text, size_t len)
{
    static const char from[] = "nrt\"\\";
    static const char to[] = "\n\r\t\"\\";
    struct buffer out = BUFFER_INIT(2 * len + 1);
    for (size_t i = 0; i < len; i++) {
        const char *escape = text[i] == '\\' && i + 1 < len ? strchr(from, text[i + 1]) : NULL;
        bool dollar = text[i] == '\\' && i + 1 < len && text[i + 1] == '$';
        if (escape)
            buffer_append(&out, to + (escape - from), 1);
        else
            buffer_append(&out, dollar ? "$$" : text + i, dollar ? 2 : 1);
        i += escape || dollar;
    }
    return buffer_steal(&out);
}

/* The closing quote of the value that begins with one, NULL when it stays open. */
static const char *closing(const char *value)
{
    const char *at = value + 1;
    while (*at && *at != *value)
        at += *value == '"' && *at == '\\' && at[1] ? 2 : 1;
    return *at ? at : NULL;
}

/* The length of a bare value: up to a comment, without the blanks before it. */
static size_t bare_len(const char *value, size_t line_len)
{
    size_t len = 0;
    while (len < line_len && !(value[len] == '#' && (len == 0 || strchr(BLANKS, value[len - 1]))))
        len++;
    while (len && strchr(BLANKS "\r", value[len - 1]))
        len--;
    return len;
}

/* The value at *text, and moves *text behind it. Caller frees; NULL when there is no room for it. */
static char *take_value(struct import_lookup *lookup, const char **text)
{
    const char *value = *text + strspn(*text, BLANKS);
    bool quoted = value[0] == '"' || value[0] == '\'';
    const char *end = quoted ? closing(value) : NULL;
    size_t len = end ? (size_t)(end - value) - 1 : bare_len(value, strcspn(value, "\n"));
    *text = end ? end + 1 : value;
    if (end && value[0] == '\'')
        return memory_strndup(value + 1, len);
    char *plain CLEANUP_FREE = end ? unescaped(value + 1, len) : memory_strndup(value, len);
    return import_expand(lookup, plain);
}

/* The variable of the line at *text, and moves *text behind it. False when there is no room for it. */
static bool take_line(struct import_lookup *lookup, json_t *map, const char **text)
{
    *text += text_starts_with(*text, "export ") ? strlen("export ") : 0;
    size_t len = strcspn(*text, "=:\r\n");
    char mark = (*text)[len];
    size_t name_len = len;
    while (name_len && strchr(BLANKS, (*text)[name_len - 1]))
        name_len--;
    char *name CLEANUP_FREE = memory_strndup(*text, name_len);
    *text += len;
    if (mark == '=' || mark == ':') {
        ++*text;
        char *value CLEANUP_FREE = take_value(lookup, text);
        if (!value)
            return false;
        text_mend_utf8(value);
        if (name[0])
            json_object_set_new(map, name, json_string(value));
    } else {
        const struct import_world *world = lookup->world;
        const char *value = world->variable ? world->variable(world->data, name) : NULL;
        if (value)
            json_object_set_new(map, name, json_string(value));
    }
    return true;
}

json_t *import_env_file(const struct import_world *world, const char *content, size_t *bytes_left)
{
    json_t *map = json_object();
    struct import_lookup lookup = {.world = world, .more = map, .bytes_left = bytes_left};
    while (*content) {
        content += strspn(content, BLANKS "\r\n");
        if (*content && *content != '#' && !take_line(&lookup, map, &content)) {
            json_decref(map);
            return NULL;
        }
        content += strcspn(content, "\n");
    }
    return map;
}
