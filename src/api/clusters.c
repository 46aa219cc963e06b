#include "api/operation.h"
#include "base/text.h"
#include "model/json.h"

struct cluster_counts {
    int services;
    int running;
    int pending;
};

static struct cluster_counts counts_of(const struct api *api, const char *cluster)
{
    struct cluster_counts counts = {0};
    struct view_service view;
    for (size_t i = 0; core_view_service_at(api->core, i, &view); i++) {
        if (!text_equal(view.cluster, cluster))
            continue;
        counts.services++;
        counts.running += view.running_count;
        counts.pending += view.pending_count;
    }
    struct view_run_vec runs;
    core_view_runs(api->core, &runs);
    for (size_t i = 0; i < runs.len; i++) {
        bool is_here = text_equal(runs.items[i].run->cluster, cluster);
        counts.running += is_here && runs.items[i].status == TASK_RUNNING;
        counts.pending += is_here && runs.items[i].status == TASK_PENDING;
    }
    vector_deinit(&runs);
    return counts;
}

int api_list_clusters(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault)
{
    struct string_vec names CLEANUP(string_vec_deinit);
    api_clusters(api, &names);
    json_t *arns = json_array();
    for (size_t i = 0; i < names.len; i++) {
        char *arn CLEANUP_FREE = api_cluster_arn(api, names.items[i]);
        json_array_append_new(arns, json_string(arn));
    }
    return api_page(&(struct api_page){"clusterArns", 100}, input, arns, ret_output, fault);
}

static int instances_of(const struct api *api, const char *name)
{
    int count = 0;
    for (size_t i = 0; i < core_instances_len(api->core); i++)
        count += api_has_instance(api, name, core_instance_name(api->core, i));
    return count;
}

/* As committed. */
static void set_providers(const struct api *api, const char *name, json_t *json)
{
    static const char *const members[] = {"capacityProviders", "defaultCapacityProviderStrategy"};
    const struct desired *desired = core_desired(api->core);
    const struct cluster *cluster = desired ? desired_cluster(desired, name) : NULL;
    for (size_t i = 0; cluster && i < ARRAY_LEN(members); i++)
        if (json_is_array(json_object_get(cluster->json, members[i])))
            json_object_set(json, members[i], json_object_get(cluster->json, members[i]));
}

static json_t *describe(const struct api *api, const char *name)
{
    struct cluster_counts counts = counts_of(api, name);
    json_t *json = json_object();
    api_set_owned(json, "clusterArn", api_cluster_arn(api, name));
    json_object_update_new(
        json,
        json_pack("{s:s,s:s,s:i,s:i,s:i,s:i,s:[],s:[],s:[],s:[],s:[]}", "clusterName", name, "status",
                  "ACTIVE", "registeredContainerInstancesCount", instances_of(api, name), "runningTasksCount",
                  counts.running, "pendingTasksCount", counts.pending, "activeServicesCount", counts.services,
                  "statistics", "tags", "settings", "capacityProviders", "defaultCapacityProviderStrategy"));
    set_providers(api, name, json);
    return json;
}

int api_describe_clusters(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault)
{
    json_t *only_default CLEANUP(json_decrefp) = json_pack("{s:[s]}", "clusters", "default");
    const json_t *from = json_array_size(json_object_get(input, "clusters")) ? input : only_default;
    int r = api_input_names(from, "clusters", 100, fault);
    if (r < 0)
        return r;
    json_t *clusters = json_array();
    json_t *failures = json_array();
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(from, "clusters"), i, item) {
        const char *given = json_string_value(item);
        const char *name = api_name_of(given, "cluster", NULL);
        if (name && api_cluster_exists(api, name))
            json_array_append_new(clusters, describe(api, name));
        else
            api_add_missing(failures, name ? api_cluster_arn(api, name) : memory_strdup(given));
    }
    *ret_output = json_pack("{s:o,s:o}", "clusters", clusters, "failures", failures);
    return 0;
}

int api_get_clusters(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault)
{
    (void)input;
    (void)fault;
    struct string_vec names CLEANUP(string_vec_deinit);
    api_clusters(api, &names);
    const struct desired *desired = core_desired(api->core);
    json_t *list = json_array();
    for (size_t i = 0; i < names.len; i++) {
        struct cluster_counts counts = counts_of(api, names.items[i]);
        const struct cluster *cluster = desired ? desired_cluster(desired, names.items[i]) : NULL;
        json_t *json =
            json_pack("{s:s,s:s,s:i,s:i,s:i}", "name", names.items[i], "status", "ACTIVE", "services",
                      counts.services, "running", counts.running, "pending", counts.pending);
        model_set_string(json, "file", cluster ? cluster->origin.file : NULL);
        json_array_append_new(list, json);
    }
    *ret_output = api_list("clusters", list);
    return 0;
}
