#include "secret/store.h"
#include "secret/name.h"

#include "base/buffer.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/wipe.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct secret_store *secret_store_new(const struct secret_options *options)
{
    assert(options);
    struct secret_store *store = NEW(struct secret_store);
    store->directory = memory_strdup(options->directory);
    store->credentials = memory_strdup(options->credentials);
    store->docker_config = memory_strdup(options->docker_config);
    store->getenv = options->getenv ? options->getenv : secret_getenv;
    for (size_t i = 0; options->environment && i < options->environment->len; i++)
        vector_push(&store->environment, memory_strdup(options->environment->items[i]));
    return store;
}

void secret_store_free(struct secret_store *store)
{
    if (!store)
        return;
    free(store->directory);
    free(store->credentials);
    free(store->docker_config);
    string_vec_deinit(&store->environment);
    free(store);
}

const char *secret_getenv(const char *name)
{
    return getenv(name);
}

static void close_fd(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static int check_file(int fd, const char *path, struct error *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return error_set(err, ERROR_IO, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return error_set(err, ERROR_INVALID, "%s is no regular file", path);
    if (st.st_mode & (S_IROTH | S_IWOTH))
        return error_set(err, ERROR_DENIED, "everybody may %s %s: chmod o= it",
                         st.st_mode & S_IROTH ? "read" : "change", path);
    if (st.st_size > LIMIT_SECRET_BYTES)
        return error_set(err, ERROR_LIMIT, "%s is larger than %d bytes (LIMIT_SECRET_BYTES)", path,
                         LIMIT_SECRET_BYTES);
    return 0;
}

int secret_read_file(const char *path, char **ret_text, struct error *err)
{
    int fd CLEANUP(close_fd) = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        int code = errno == ENOENT || errno == ENOTDIR ? ERROR_NOT_FOUND
                   : errno == EACCES                   ? ERROR_DENIED
                                                       : ERROR_IO;
        return error_set(err, code, "%s: %s", path, strerror(errno));
    }
    int r = check_file(fd, path, err);
    if (r < 0)
        return r;
    char *text CLEANUP(wipe_freep) = memory_calloc(LIMIT_SECRET_BYTES + 1, 1);
    size_t len = 0;
    ssize_t n = 0;
    while (len < LIMIT_SECRET_BYTES && (n = read(fd, text + len, LIMIT_SECRET_BYTES - len)) > 0)
        len += (size_t)n;
    if (n < 0)
        return error_set(err, ERROR_IO, "%s: %s", path, strerror(errno));
    if (len != strlen(text))
        return error_set(err, ERROR_INVALID, "%s has a NUL inside", path);
    if (len && text[len - 1] == '\n')
        text[--len] = '\0';
    *ret_text = TAKE(text);
    return 0;
}

/* --- places --------------------------------------------------------------------------------------------- */

static int read_below(const char *directory, const char *name, char **ret_value, struct error *err)
{
    if (!directory)
        return ERROR_NOT_FOUND;
    char *path CLEANUP_FREE = memory_printf("%s/%s", directory, name);
    return secret_read_file(path, ret_value, err);
}

/* "db/pass-word" with the prefix "APP_" is APP_DB_PASS_WORD. */
static char *variable_of(const char *prefix, const char *name)
{
    char *variable = memory_printf("%s%s", prefix, name);
    for (char *at = variable + strlen(prefix); *at; at++)
        *at = isalnum((unsigned char)*at) ? (char)toupper((unsigned char)*at) : '_';
    return variable;
}

static int read_variable(const struct secret_store *store, const char *name, char **ret_value)
{
    for (size_t i = 0; i < store->environment.len; i++) {
        char *variable CLEANUP_FREE = variable_of(store->environment.items[i], name);
        const char *value = store->getenv(variable);
        if (!value)
            continue;
        *ret_value = memory_strdup(value);
        return 0;
    }
    return ERROR_NOT_FOUND;
}

static int read_name(const struct secret_store *store, const char *name, char **ret_value, struct error *err)
{
    int r = read_below(store->directory, name, ret_value, err);
    if (r == ERROR_NOT_FOUND)
        r = read_below(store->credentials, name, ret_value, err);
    if (r == ERROR_NOT_FOUND)
        r = read_variable(store, name, ret_value);
    return r;
}

/* Where somebody may put it. */
static int fail_not_found(const struct secret_store *store, const char *name, struct error *err)
{
    struct buffer places CLEANUP(buffer_deinit) = BUFFER_INIT(LIMIT_ERROR_CHARS);
    if (store->directory)
        buffer_printf(&places, "; looked for the file %s/%s", store->directory, name);
    if (store->credentials)
        buffer_printf(&places, "; looked for the systemd credential %s", name);
    for (size_t i = 0; i < store->environment.len; i++) {
        char *variable CLEANUP_FREE = variable_of(store->environment.items[i], name);
        buffer_printf(&places, "; looked for the variable %s of davit", variable);
    }
    return error_set(err, ERROR_NOT_FOUND, "there is no such secret%s",
                     places.len
                         ? buffer_str(&places)
                         : ", and davit's configuration names no place for secrets: set secrets.directory "
                           "or secrets.environment");
}

/* The value becomes its member: a string as it is, anything else as JSON. */
static int take_member(char **value, const struct secret_name *name, struct error *err)
{
    json_t *object = json_loads(*value, 0, NULL);
    const json_t *member = json_object_get(object, name->key);
    char *text = json_is_string(member) ? memory_strdup(json_string_value(member))
                 : member               ? json_dumps(member, JSON_COMPACT | JSON_ENCODE_ANY)
                                        : NULL;
    bool is_object = json_is_object(object);
    json_decref(object);
    wipe_free(TAKE(*value));
    *value = text;
    if (text)
        return 0;
    return is_object
               ? error_set(err, ERROR_INVALID, "the secret %s has no member \"%s\"", name->name, name->key)
               : error_set(err, ERROR_INVALID, "the secret %s is no JSON object, so it has no member \"%s\"",
                           name->name, name->key);
}

int secret_read(const struct secret_store *store, const char *value_from, char **ret_value, struct error *err)
{
    assert(store && value_from && ret_value);
    struct secret_name name CLEANUP(secret_name_deinit) = {0};
    char *value CLEANUP(wipe_freep) = NULL;
    int r = secret_name_parse(value_from, &name, err);
    if (r < 0)
        return r;
    r = read_name(store, name.name, &value, err);
    if (r == ERROR_NOT_FOUND && name.pruned)
        r = read_name(store, name.pruned, &value, err);
    if (r == ERROR_NOT_FOUND)
        return fail_not_found(store, name.pruned ? name.pruned : name.name, err);
    if (r == 0 && name.key)
        r = take_member(&value, &name, err);
    if (r == 0)
        *ret_value = TAKE(value);
    return r;
}
