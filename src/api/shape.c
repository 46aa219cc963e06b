/* What the handlers share: faults, ARNs, pages, times. */
#include "api/operation.h"

#include "base/buffer.h"
#include "base/text.h"
#include "model/json.h"

#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 2, 0))) static void say(struct api_fault *fault, const char *format, va_list ap)
{
    vsnprintf(fault->message, sizeof fault->message, format, ap);
}

int api_fault_invalid(struct api_fault *fault, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    say(fault, format, ap);
    va_end(ap);
    fault->status = 400;
    fault->type = "InvalidParameterException";
    return ERROR_INVALID;
}

int api_fault_not_found(struct api_fault *fault, const char *type, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    say(fault, format, ap);
    va_end(ap);
    fault->status = 404;
    fault->type = type;
    return ERROR_NOT_FOUND;
}

int api_fault_client(struct api_fault *fault, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    say(fault, format, ap);
    va_end(ap);
    fault->status = 400;
    fault->type = "ClientException";
    return ERROR_INVALID;
}

int api_fault_unavailable(struct api_fault *fault, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    say(fault, format, ap);
    va_end(ap);
    fault->status = 503;
    fault->type = "ServerException";
    return ERROR_UNAVAILABLE;
}

char *api_arn(const struct api *api, const char *format, ...)
{
    struct buffer out = BUFFER_INIT(LIMIT_ERROR_CHARS);
    char tail[3 * LIMIT_NAME_CHARS];
    va_list ap;
    va_start(ap, format);
    vsnprintf(tail, sizeof tail, format, ap);
    va_end(ap);
    buffer_printf(&out, "arn:aws:ecs:%s:%s:%s", api->region, api->account, tail);
    return buffer_steal(&out);
}

char *api_cluster_arn(const struct api *api, const char *cluster)
{
    return api_arn(api, "cluster/%s", cluster);
}

char *api_service_arn(const struct api *api, const char *cluster, const char *service)
{
    return api_arn(api, "service/%s/%s", cluster, service);
}

char *api_task_arn(const struct api *api, const char *cluster, const char *task)
{
    return api_arn(api, "task/%s/%s", cluster, task);
}

char *api_instance_arn(const struct api *api, const char *cluster, const char *instance)
{
    return api_arn(api, "container-instance/%s/%s", cluster, instance);
}

char *api_task_definition_arn(const struct api *api, const char *family, int revision)
{
    return api_arn(api, "task-definition/%s:%d", family, revision);
}

void api_set_owned(json_t *object, const char *key, char *value)
{
    model_set_string(object, key, value);
    free(value);
}

/* What follows "arn:p:ecs:region:account:". */
static const char *arn_tail(const char *arn)
{
    for (int colons = 0; colons < 5; colons++) {
        arn = strchr(arn, ':');
        if (!arn)
            return "";
        arn++;
    }
    return arn;
}

const char *api_name_of(const char *name_or_arn, const char *kind, char **ret_cluster)
{
    const char *name = name_or_arn;
    size_t kind_len = strlen(kind);
    if (ret_cluster)
        *ret_cluster = NULL;
    if (text_starts_with(name, "arn:")) {
        name = arn_tail(name);
        if (strncmp(name, kind, kind_len) != 0 || name[kind_len] != '/')
            return NULL;
        name += kind_len + 1;
    }
    const char *slash = strrchr(name, '/');
    if (!slash)
        return name;
    if (ret_cluster)
        *ret_cluster = memory_strndup(name, (size_t)(slash - name));
    return slash + 1;
}

static int by_name(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

void api_clusters(const struct api *api, struct string_vec *ret_names)
{
    struct map names CLEANUP(map_deinit) = MAP_INIT(NULL);
    const struct desired *desired = core_desired(api->core);
    for (size_t i = 0; desired && i < desired->clusters.len; i++)
        map_put(&names, desired->clusters.items[i]->name, NULL);
    struct view_service view;
    for (size_t i = 0; core_view_service_at(api->core, i, &view); i++)
        map_put(&names, view.cluster, NULL);
    struct view_run_vec runs;
    core_view_runs(api->core, &runs);
    for (size_t i = 0; i < runs.len; i++)
        map_put(&names, runs.items[i].run->cluster, NULL);
    vector_deinit(&runs);
    *ret_names = (struct string_vec){0};
    map_for_each (&names, entry) {
        vector_push(ret_names, memory_strdup(entry->key));
    }
    vector_sort(ret_names, by_name);
}

bool api_cluster_exists(const struct api *api, const char *cluster)
{
    const struct desired *desired = core_desired(api->core);
    if (desired && desired_cluster(desired, cluster))
        return true;
    struct view_service view;
    for (size_t i = 0; core_view_service_at(api->core, i, &view); i++)
        if (text_equal(view.cluster, cluster))
            return true;
    struct view_run_vec runs;
    core_view_runs(api->core, &runs);
    bool found = false;
    for (size_t i = 0; i < runs.len; i++)
        found |= text_equal(runs.items[i].run->cluster, cluster);
    vector_deinit(&runs);
    return found;
}

static char *hint(const char *near)
{
    return near ? memory_printf("; did you mean %s?", near) : memory_strdup("");
}

/* The cluster that is nearest to the name. Caller frees. */
static char *hint_at_cluster(const struct api *api, const char *cluster)
{
    struct string_vec names CLEANUP(string_vec_deinit) = {0};
    const struct desired *desired = core_desired(api->core);
    for (size_t i = 0; desired && i < desired->clusters.len; i++)
        vector_push(&names, memory_strdup(desired->clusters.items[i]->name));
    return hint(text_nearest(cluster, (const char *const *)names.items, names.len));
}

int api_input_cluster(const struct api *api, const json_t *input, const char **ret_cluster,
                      struct api_fault *fault)
{
    const json_t *given = json_object_get(input, "cluster");
    const char *name = json_string_value(given);
    if (given && !json_is_null(given) && !name)
        return api_fault_invalid(fault, "cluster: expected a text, a cluster's name or ARN");
    name = name && name[0] ? api_name_of(name, "cluster", NULL) : "default";
    if (!name)
        return api_fault_invalid(fault, "Invalid identifier: expected a cluster's name or ARN.");
    if (!api_cluster_exists(api, name)) {
        char *near CLEANUP_FREE = hint_at_cluster(api, name);
        return api_fault_not_found(fault, "ClusterNotFoundException",
                                   "Cluster not found. There is no cluster \"%.255s\"%s", name, near);
    }
    *ret_cluster = name;
    return 0;
}

/* Tokens are the last delivered string in hex: a list that changes between two pages is still read in order.
 */
static char *token_of(const char *item)
{
    static const char digits[] = "0123456789abcdef";
    size_t len = strlen(item);
    char *token = memory_alloc(2 * len + 1);
    for (size_t i = 0; i < len; i++) {
        token[2 * i] = digits[(unsigned char)item[i] >> 4];
        token[2 * i + 1] = digits[(unsigned char)item[i] & 15];
    }
    token[2 * len] = '\0';
    return token;
}

/* Where the page after the token begins: behind its item, or where it would be. len: there is none. */
static size_t page_start(const json_t *items, const char *token)
{
    size_t i;
    json_t *item;
    json_array_foreach (items, i, item) {
        char *own CLEANUP_FREE = token_of(json_string_value(item));
        if (text_equal(own, token))
            return i + 1;
    }
    json_array_foreach (items, i, item) {
        char *own CLEANUP_FREE = token_of(json_string_value(item));
        if (strcmp(own, token) > 0)
            return i;
    }
    return json_array_size(items);
}

int api_page(const struct api_page *page, const json_t *input, json_t *items, json_t **ret_output,
             struct api_fault *fault)
{
    const json_t *max = json_object_get(input, "maxResults");
    const char *token = model_string(input, "nextToken");
    json_int_t wanted = json_is_integer(max) ? json_integer_value(max) : page->default_items;
    if (wanted < 1 || wanted > 100 || (token && strspn(token, "0123456789abcdef") != strlen(token))) {
        json_decref(items);
        return wanted < 1 || wanted > 100 ? api_fault_invalid(fault, "maxResults must be between 1 and 100.")
                                          : api_fault_invalid(fault, "Invalid token.");
    }
    size_t start = token && token[0] ? page_start(items, token) : 0;
    json_t *list = json_array();
    for (size_t i = start; i < json_array_size(items) && json_array_size(list) < (size_t)wanted; i++)
        json_array_append(list, json_array_get(items, i));
    size_t end = start + json_array_size(list);
    json_t *output = json_pack("{s:o}", page->key, list);
    if (end < json_array_size(items))
        api_set_owned(output, "nextToken", token_of(json_string_value(json_array_get(items, end - 1))));
    json_decref(items);
    *ret_output = output;
    return 0;
}

int api_input_names(const json_t *input, const char *key, size_t max, struct api_fault *fault)
{
    const json_t *names = json_object_get(input, key);
    if (!json_array_size(names))
        return api_fault_invalid(fault, "%c%s cannot be empty.", key[0] - 'a' + 'A', key + 1);
    if (json_array_size(names) > max)
        return api_fault_invalid(fault, "%s can have at most %zu items.", key, max);
    size_t i;
    json_t *name;
    json_array_foreach (names, i, name) {
        if (!json_is_string(name) || json_string_length(name) > LIMIT_ERROR_CHARS / 2)
            return api_fault_invalid(fault, "%s must be names or ARNs.", key);
    }
    return 0;
}

void api_add_missing(json_t *failures, char *arn)
{
    json_array_append_new(failures, json_pack("{s:s,s:s}", "arn", arn, "reason", "MISSING"));
    free(arn);
}

json_t *api_time(int64_t unix_ms)
{
    return json_real((double)unix_ms / 1000.0);
}

void api_set_time(json_t *object, const char *key, int64_t unix_ms)
{
    if (unix_ms)
        json_object_set_new(object, key, api_time(unix_ms));
}

json_t *api_list(const char *key, json_t *list)
{
    return json_pack("{s:i,s:o}", "schemaVersion", 1, key, list);
}

void api_set_time_text(json_t *object, const char *key, int64_t unix_ms)
{
    char text[TEXT_TIME_SIZE];
    if (!unix_ms)
        return;
    text_from_time_ms(unix_ms, text);
    model_set_string(object, key, text);
}

const char *api_parameter(const json_t *input, const char *name)
{
    const char *value = model_string(input, name);
    return value && value[0] ? value : NULL;
}

bool api_parameter_is_on(const json_t *input, const char *name)
{
    const char *value = model_string(input, name);
    return value && (!value[0] || text_equal(value, "1") || text_equal(value, "true"));
}

bool api_matches(const json_t *input, const char *cluster, const char *service)
{
    const char *want_cluster = api_parameter(input, "cluster");
    const char *want_service = api_parameter(input, "service");
    return (!want_cluster || text_equal(want_cluster, cluster)) &&
           (!want_service || text_equal(want_service, service));
}

bool api_next_service(const struct api *api, const json_t *input, size_t *at, struct view_service *ret_view)
{
    while (core_view_service_at(api->core, (*at)++, ret_view))
        if (api_matches(input, ret_view->cluster, ret_view->name))
            return true;
    return false;
}

/* Whoever names a cluster where a service is wanted. NULL: it is none. Caller frees. */
static char *hint_of_cluster(const struct api *api, const char *name)
{
    struct view_service view;
    if (!api_cluster_exists(api, name))
        return NULL;
    for (size_t i = 0; core_view_service_at(api->core, i, &view); i++)
        if (text_equal(view.cluster, name))
            return memory_printf("; %s is a cluster: name CLUSTER/SERVICE, such as %s/%s", name, name,
                                 view.name);
    return memory_printf("; %s is a cluster, and has no services", name);
}

/* Whoever names a scheduled task where a service is wanted. NULL: it is none. Caller frees. */
static char *hint_of_schedule(const struct api *api, const char *name)
{
    struct view_schedule view;
    for (size_t i = 0; core_view_schedule_at(api->core, i, &view); i++)
        if (text_equal(view.task->name, name))
            return memory_printf("; %s is a scheduled task: davit history %s names its tasks", name, name);
    return NULL;
}

/* The one service of this name, in whichever cluster, or what else is named so, or the service of the cluster
 * that is nearest to it. Caller frees. */
static char *hint_at(const struct api *api, const char *cluster, const char *service)
{
    struct view_service view;
    struct string_vec same CLEANUP(string_vec_deinit) = {0};
    struct string_vec others CLEANUP(string_vec_deinit) = {0};
    for (size_t i = 0; core_view_service_at(api->core, i, &view); i++) {
        if (text_equal(view.name, service))
            vector_push(&same, service_key(view.cluster, view.name));
        else if (text_equal(view.cluster, cluster))
            vector_push(&others, memory_strdup(view.name));
    }
    if (same.len)
        return hint(same.len == 1 ? same.items[0] : NULL);
    char *of_other = hint_of_cluster(api, service);
    if (!of_other)
        of_other = hint_of_schedule(api, service);
    if (of_other)
        return of_other;
    const char *near = text_nearest(service, (const char *const *)others.items, others.len);
    char *key CLEANUP_FREE = near ? service_key(cluster, near) : NULL;
    return hint(key);
}

/* Of what is no cluster: the one service of this name, or the cluster that is nearest. Caller frees. */
static char *hint_at_service(const struct api *api, const char *name)
{
    struct view_service view;
    struct string_vec same CLEANUP(string_vec_deinit) = {0};
    for (size_t i = 0; core_view_service_at(api->core, i, &view); i++)
        if (text_equal(view.name, name))
            vector_push(&same, service_key(view.cluster, view.name));
    return same.len == 1 ? hint(same.items[0]) : hint_at_cluster(api, name);
}

int api_check_target(const struct api *api, const json_t *input, struct api_fault *fault)
{
    const char *cluster = api_parameter(input, "cluster");
    const char *service = api_parameter(input, "service");
    bool has_cluster = !cluster || api_cluster_exists(api, cluster);
    struct view_service view;
    size_t at = 0;
    if (has_cluster && !service)
        return 0;
    if (cluster ? service && core_view_service(api->core, cluster, service, &view)
                : api_next_service(api, input, &at, &view))
        return 0;
    char *near CLEANUP_FREE = service ? hint_at(api, cluster, service) : hint_at_service(api, cluster);
    if (!has_cluster && service)
        return api_fault_not_found(fault, "ClusterNotFoundException",
                                   "there is no service \"%s/%s\", for there is no cluster \"%s\"%s", cluster,
                                   service, cluster, near);
    if (!has_cluster)
        return api_fault_not_found(fault, "ClusterNotFoundException", "there is no cluster \"%s\"%s", cluster,
                                   near);
    return api_fault_not_found(fault, "ServiceNotFoundException", "there is no service \"%s%s%s\"%s",
                               cluster ? cluster : "", cluster ? "/" : "", service, near);
}
