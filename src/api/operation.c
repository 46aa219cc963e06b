#include "api/operation.h"

#include "base/text.h"

const struct api_operation api_operations[] = {
    /* ECS */
    {.name = "ListClusters", .answer = api_list_clusters},
    {.name = "DescribeClusters", .answer = api_describe_clusters},
    {.name = "ListContainerInstances", .answer = api_list_container_instances},
    {.name = "DescribeContainerInstances", .answer = api_describe_container_instances},
    {.name = "ListServices", .answer = api_list_services},
    {.name = "DescribeServices", .answer = api_describe_services},
    {.name = "ListServiceDeployments", .answer = api_list_service_deployments},
    {.name = "DescribeServiceDeployments", .answer = api_describe_service_deployments},
    {.name = "DescribeServiceRevisions", .answer = api_describe_service_revisions},
    {.name = "ListTasks", .answer = api_list_tasks},
    {.name = "DescribeTasks", .answer = api_describe_tasks},
    {.name = "RunTask", .changes = API_KEEPS, .answer = api_run_task},
    {.name = "StopTask", .changes = API_KEEPS, .answer = api_stop_task},
    {.name = "ListTaskDefinitions", .answer = api_list_task_definitions},
    {.name = "ListTaskDefinitionFamilies", .answer = api_list_task_definition_families},
    {.name = "DescribeTaskDefinition", .answer = api_describe_task_definition},
    /* native */
    {"/healthz", "GET", NULL, API_READS, api_get_health, NULL},
    {"/readyz", "GET", NULL, API_READS, api_get_ready, NULL},
    {"/v1/status", "GET", NULL, API_READS, api_get_status, NULL},
    {"/v1/source", "GET", NULL, API_READS, api_get_source, NULL},
    {"/v1/clusters", "GET", NULL, API_READS, api_get_clusters, NULL},
    {"/v1/services", "GET", " cluster service ", API_READS, api_get_services, NULL},
    {"/v1/tasks", "GET", " cluster service task ", API_READS, api_get_tasks, NULL},
    {"/v1/revisions", "GET", " family ", API_READS, api_get_revisions, NULL},
    {"/v1/instances", "GET", NULL, API_READS, api_get_instances, NULL},
    {"/v1/scheduled-tasks", "GET", NULL, API_READS, api_get_schedules, NULL},
    {"/v1/deployments", "GET", " cluster service ", API_READS, api_get_deployments, NULL},
    {"/v1/diff", "GET", " cluster service ", API_READS, api_get_diff, NULL},
    {"/v1/diff", "POST", NULL, API_READS, api_post_diff, NULL},
    {"/v1/events", "GET", " cluster service follow ", API_READS, api_get_events, api_stream_events},
    {"/v1/logs", "GET", " cluster service task container follow tail timestamps since ", API_READS, NULL,
     api_stream_logs},
    {"/v1/logs", "POST", " cluster service task container follow tail timestamps since ", API_READS, NULL,
     api_stream_logs},
    {"/v1/reconcile", "POST", " cluster service source ", API_ASKS, api_post_reconcile, NULL},
    {"/v1/approve", "POST", " commit ", API_KEEPS, api_post_approve, NULL},
    {"/v1/retry", "POST", " cluster service ", API_KEEPS, api_post_retry, NULL},
    {"/v1/redeploy", "POST", " cluster service ", API_KEEPS, api_post_redeploy, NULL},
    {"/v1/hold", "POST", " cluster service to ", API_KEEPS, api_post_hold, NULL},
    {"/v1/suspend", "POST", " cluster service ", API_KEEPS, api_post_suspend, NULL},
    {"/v1/resume", "POST", " cluster service ", API_KEEPS, api_post_resume, NULL},
    {.name = NULL},
};

const struct api_operation *api_operation_find(const char *method, const char *name)
{
    for (const struct api_operation *operation = api_operations; operation->name; operation++)
        if (text_equal(operation->name, name) && text_equal(operation->method, method))
            return operation;
    return NULL;
}
