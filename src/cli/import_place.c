/* Files of an import: the one that is named, and what stands beside it. */
#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/import.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_stream(FILE *stream, const char *path, struct buffer *content, struct error *err)
{
    char block[65536];
    size_t len;
    while ((len = fread(block, 1, sizeof block, stream)) > 0)
        if (buffer_append(content, block, len) < 0)
            return error_set(err, ERROR_LIMIT, "%s has more than %d bytes (LIMIT_MANIFEST_BYTES)", path,
                             LIMIT_MANIFEST_BYTES);
    return ferror(stream) ? error_set(err, ERROR_IO, "%s cannot be read: %s", path, strerror(errno)) : 0;
}

/* Only regular files and pipes: a directory or device is no file to import. */
static int open_file(const char *path, FILE **ret_stream, struct error *err)
{
    struct stat st;
    FILE *stream = fopen(path, "re");
    if (!stream)
        return error_set(err, ERROR_NOT_FOUND, "%s: %s", path, strerror(errno));
    if (fstat(fileno(stream), &st) < 0 || S_ISDIR(st.st_mode)) {
        fclose(stream);
        return error_set(err, ERROR_INVALID, "%s is a directory", path);
    }
    *ret_stream = stream;
    return 0;
}

int cli_import_read(const char *path, char **ret_content, size_t *ret_len, struct error *err)
{
    struct buffer content CLEANUP(buffer_deinit) = BUFFER_INIT(LIMIT_MANIFEST_BYTES);
    bool standard = text_equal(path, "-");
    FILE *stream = stdin;
    int r = standard ? 0 : open_file(path, &stream, err);
    if (r < 0)
        return r;
    r = read_stream(stream, path, &content, err);
    if (!standard)
        fclose(stream);
    if (r < 0)
        return r;
    *ret_len = content.len;
    *ret_content = buffer_steal(&content);
    return 0;
}

/* --- what stands beside it ------------------------------------------------------------------------------ */

static const char *from_environment(void *data, const char *name)
{
    (void)data;
    return getenv(name);
}

static int read_env(struct cli_place *place, struct error *err)
{
    static const struct import_world world = {.variable = from_environment};
    char *path CLEANUP_FREE = memory_printf("%s/.env", place->directory);
    char *content CLEANUP_FREE = NULL;
    size_t len = 0;
    size_t bytes_left = LIMIT_IMPORT_BYTES;
    if (access(path, R_OK) < 0 || cli_import_read(path, &content, &len, NULL) < 0)
        return 0;
    place->env = import_env_file(&world, content, &bytes_left);
    return place->env ? 0
                      : error_set(err, ERROR_LIMIT, "%s grows over %d bytes (LIMIT_IMPORT_BYTES)", path,
                                  LIMIT_IMPORT_BYTES);
}

int cli_place_init(struct cli_place *place, const char *path, struct error *err)
{
    char resolved[PATH_MAX];
    char *directory CLEANUP_FREE = memory_strdup(path);
    char *slash = strrchr(directory, '/');
    if (slash)
        slash[slash == directory] = '\0';
    if (!realpath(slash ? directory : ".", resolved))
        return error_set(err, ERROR_IO, "%s: %s", path, strerror(errno));
    *place = (struct cli_place){.directory = memory_strdup(resolved)};
    place->fallback = memory_strdup(strrchr(resolved, '/') + 1);
    return read_env(place, err);
}

void cli_place_deinit(struct cli_place *place)
{
    free(place->directory);
    free(place->fallback);
    json_decref(place->env);
    memset(place, 0, sizeof *place);
}

static const char *variable(void *data, const char *name)
{
    const struct cli_place *place = data;
    const char *value = getenv(name);
    return value ? value : json_string_value(json_object_get(place->env, name));
}

static char *read_file(void *data, const char *path)
{
    const struct cli_place *place = data;
    struct error err = ERROR_INIT;
    char *content = NULL;
    size_t len = 0;
    char *whole CLEANUP_FREE =
        path[0] == '/' ? memory_strdup(path) : memory_printf("%s/%s", place->directory, path);
    if (cli_import_read(whole, &content, &len, &err) < 0)
        return NULL;
    if (text_is_utf8(content, len))
        return content;
    free(content);
    return NULL;
}

void cli_place_fill(struct cli_place *place, struct import_world *world)
{
    world->directory = place->directory;
    world->fallback = place->fallback;
    world->data = place;
    world->variable = variable;
    world->read_file = read_file;
}
