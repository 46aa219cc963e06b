#include "act/supply.h"

#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/wipe.h"
#include "model/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CAUSE "ResourceInitializationError"

void supply_deinit(struct supply *supply)
{
    for (size_t i = 0; i < supply->environment.len; i++)
        wipe_free(supply->environment.items[i]);
    vector_deinit(&supply->environment);
    for (size_t i = 0; i < supply->files.len; i++)
        free((char *)supply->files.items[i].content);
    vector_deinit(&supply->files);
    json_decref(supply->log_options);
    mask_deinit(&supply->secrets);
    *supply = (struct supply){0};
}

static const json_t *container_of(const struct action *action)
{
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(action->task_definition->json, "containerDefinitions"), i, item)
        if (text_equal(model_string(item, "name"), action->container))
            return item;
    return NULL;
}

const char *supply_credentials(const struct action *action)
{
    assert(action);
    if (!action->task_definition)
        return NULL;
    return model_string(json_object_get(container_of(action), "repositoryCredentials"),
                        "credentialsParameter");
}

/* What went wrong is known and nothing was done: to callers it is not the engine's failure. */
static int fail(struct error *err, const char *what, const char *name)
{
    err->code = ERROR_INVALID;
    return error_wrap(err, ERROR_INVALID, CAUSE ": unable to get %s %s", what, name);
}

/* --- files ---------------------------------------------------------------------------------------------- */

static int read_blob(const struct act_stores *stores, const json_t *item, const char *name,
                     struct engine_file *file, struct error *err)
{
    const char *oid = model_string(item, "blob");
    char *content = NULL;
    if (!oid || !stores->blob)
        error_set(err, ERROR_NOT_FOUND, "it is of no commit");
    else if (stores->blob(stores->data, oid, &content, &file->len, err) == 0) {
        file->content = content;
        return 0;
    }
    return fail(err, "the file", name);
}

static int gather_files(const struct act_stores *stores, const json_t *container, struct supply *supply,
                        struct error *err)
{
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(json_object_get(container, "davit"), "files"), i, item) {
        const char *mode = model_string(item, "mode");
        const char *user = model_string(item, "user");
        char *group = NULL;
        struct engine_file file = {.target = model_string(item, "target")};
        file.mode = mode ? (unsigned)strtoul(mode, NULL, 8) : 0644;
        file.uid = user ? (unsigned)strtoul(user, &group, 10) : 0;
        file.gid = group && *group == ':' ? (unsigned)strtoul(group + 1, NULL, 10) : 0;
        int r = read_blob(stores, item, model_string(item, "source"), &file, err);
        if (r < 0)
            return r;
        vector_push(&supply->files, file);
    }
    return 0;
}

/* --- variables ------------------------------------------------------------------------------------------ */

#define NO_TEXT                                                                                              \
    "it is no UTF-8 text, which variables and options are to the engine; encode it, as base64 for example"

/* What the engine's JSON and a variable can hold. */
static bool is_text(const char *bytes, size_t len)
{
    return bytes && !memchr(bytes, '\0', len) && text_is_utf8(bytes, len);
}

/* VARIABLE=VALUE lines; others and comments are passed over, as the ECS agent does. */
static void parse_variables(char *text, struct map *variables)
{
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        size_t len = strlen(line);
        if (len && line[len - 1] == '\r')
            line[len - 1] = '\0';
        char *equals = strchr(line, '=');
        if (line[0] == '#' || !equals || equals == line)
            continue;
        *equals = '\0';
        map_put(variables, line, memory_strdup(equals + 1));
    }
}

/* What the manifest's file was when it was committed; NULL: nobody knows. */
static const json_t *content_of(const json_t *container, const char *value)
{
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(json_object_get(container, "davit"), "environmentFiles"), i, item)
        if (text_equal(model_string(item, "value"), value))
            return item;
    return NULL;
}

/* An earlier file wins over a later one. */
static int gather_environment_files(const struct act_stores *stores, const json_t *container,
                                    struct map *variables, struct error *err)
{
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(container, "environmentFiles"), i, item) {
        struct engine_file file = {0};
        const char *name = model_string(item, "value");
        if (text_starts_with(name, "arn:")) /* a warning of its own says that it is not read */
            continue;
        int r = read_blob(stores, content_of(container, name), name, &file, err);
        if (r < 0)
            return r;
        if (!is_text(file.content, file.len)) {
            free((char *)file.content);
            error_set(err, ERROR_INVALID, NO_TEXT);
            return fail(err, "the file", name);
        }
        struct map found CLEANUP(map_deinit) = MAP_INIT(free);
        parse_variables((char *)file.content, &found);
        free((char *)file.content);
        map_for_each (&found, entry)
            if (!map_get(variables, entry->key))
                map_put(variables, entry->key, TAKE(entry->value));
    }
    return 0;
}

static int read_secret(const struct act_stores *stores, const json_t *item, char **ret_value,
                       struct error *err)
{
    const char *from = model_string(item, "valueFrom");
    if (!stores->secret)
        error_set(err, ERROR_NOT_FOUND, "no secrets are configured");
    else if (stores->secret(stores->data, from, ret_value, err) == 0) {
        if (is_text(*ret_value, strlen(*ret_value)))
            return 0;
        wipe_free(*ret_value);
        *ret_value = NULL;
        error_set(err, ERROR_INVALID, NO_TEXT);
    }
    return fail(err, "the secret", from);
}

static int gather_secrets(const struct act_stores *stores, const json_t *container, struct mask *secrets,
                          struct map *variables, struct error *err)
{
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(container, "secrets"), i, item) {
        char *value = NULL;
        int r = read_secret(stores, item, &value, err);
        if (r < 0)
            return r;
        mask_add(secrets, value);
        map_put(variables, model_string(item, "name"), value);
    }
    return 0;
}

static void take_plain(const json_t *container, struct map *variables)
{
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(container, "environment"), i, item) {
        const char *value = model_string(item, "value");
        if (model_string(item, "name"))
            map_put(variables, model_string(item, "name"), memory_strdup(value ? value : ""));
    }
}

static int gather_environment(const struct act_stores *stores, const json_t *container, struct supply *supply,
                              struct error *err)
{
    struct map variables CLEANUP(map_deinit) = MAP_INIT(wipe_free);
    supply->has_environment = json_array_size(json_object_get(container, "environmentFiles")) ||
                              json_array_size(json_object_get(container, "secrets"));
    if (!supply->has_environment)
        return 0;
    int r = gather_environment_files(stores, container, &variables, err);
    if (r < 0)
        return r;
    take_plain(container, &variables);
    r = gather_secrets(stores, container, &supply->secrets, &variables, err);
    map_for_each (&variables, entry) {
        char *name CLEANUP_FREE = memory_printf("%s=", entry->key);
        vector_push(&supply->environment, wipe_join(name, entry->value));
    }
    return r;
}

/* --- the rest ------------------------------------------------------------------------------------------- */

static int gather_log_options(const struct act_stores *stores, const json_t *container, struct supply *supply,
                              struct error *err)
{
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(json_object_get(container, "logConfiguration"), "secretOptions"), i,
                        item) {
        char *value CLEANUP(wipe_freep) = NULL;
        int r = read_secret(stores, item, &value, err);
        if (r < 0)
            return r;
        mask_add(&supply->secrets, value);
        if (!supply->log_options)
            supply->log_options = json_object();
        json_object_set_new(supply->log_options, model_string(item, "name"), json_string(value));
    }
    return 0;
}

int supply_gather(const struct act_stores *stores, const struct action *action, struct supply *ret_supply,
                  struct error *err)
{
    assert(stores && action && ret_supply && err);
    const json_t *container = container_of(action);
    int r = gather_files(stores, container, ret_supply, err);
    if (r == 0)
        r = gather_environment(stores, container, ret_supply, err);
    if (r == 0)
        r = gather_log_options(stores, container, ret_supply, err);
    return r;
}
