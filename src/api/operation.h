/* The table of operations and what its handlers share. Private to api/. */
#pragma once

#include "api/api.h"

#include <jansson.h>
#include <stdbool.h>

/* Why an operation refused: an HTTP status, ECS's exception name, and words for a person. */
struct api_fault {
    int status;
    const char *type;
    char message[LIMIT_ERROR_CHARS];
};

/* Each returns a negative error_code, so that `return api_fault_...()` reads as one step. */
int api_fault_invalid(struct api_fault *fault, const char *format, ...) __attribute__((format(printf, 2, 3)));
int api_fault_not_found(struct api_fault *fault, const char *type, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The client's fault in ECS's generic words (ClientException). */
int api_fault_client(struct api_fault *fault, const char *format, ...) __attribute__((format(printf, 2, 3)));
int api_fault_unavailable(struct api_fault *fault, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define API_REQUEST_ID_SIZE 37
/* A UUID that no other request of this process and moment has. */
void api_request_id(const struct http_exchange *exchange, int64_t now_ms,
                    char ret_id[static API_REQUEST_ID_SIZE]);
/* Answers in the native part's words; takes json. */
void api_reply_json(struct http_exchange *exchange, unsigned status, json_t *json);

struct api_stream_call {
    struct api *api;
    struct http_server *server;
    struct http_exchange *exchange;
    const json_t *input;
};

/* What an operation does. Who changes something may not come by TCP. */
enum api_change {
    API_READS,
    API_ASKS, /* for something to be done; it leaves nothing in the ledger, and is answered at once */
    API_KEEPS /* in the ledger what it asks for: the answer goes out when that is on disk */
};

struct api_operation {
    const char *name;       /* ECS: "ListClusters"; native: "/v1/clusters" */
    const char *method;     /* native: "GET" or "POST"; NULL: ECS */
    const char *parameters; /* native: names of the query's parameters, each between blanks */
    enum api_change changes;
    /* The input is the request's JSON; the query's parameters of a native operation are strings in it. */
    int (*answer)(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault);
    /* Answers by itself, later or without an end. On failure nothing is answered yet. */
    int (*stream)(const struct api_stream_call *call, struct api_fault *fault);
};

/* All of them; NULL name ends the table. */
extern const struct api_operation api_operations[];
/* NULL when there is none. method NULL: an ECS operation. */
const struct api_operation *api_operation_find(const char *method, const char *name);

/* An answer that is ready. */
struct api_reply {
    struct http_server *server;
    uint64_t id;    /* of the exchange */
    uint64_t saves; /* it goes out when so many have been saved */
    unsigned status;
    const char *type;
    json_t *json; /* owned */
};
struct api_reply_vec VECTOR_OF(struct api_reply);

struct api {
    const struct core *core;
    char *version;
    char *region;
    char *account;
    void *data;
    int64_t (*now_ms)(void *data);
    void (*post)(void *data, struct event *event);
    void (*poke_source)(void *data, const char *source);
    void (*looks)(void *data, const char *source, struct api_looks *ret_looks);
    void (*saves)(void *data, struct api_saves *ret_saves);
    json_t *(*notifications)(void *data);
    json_t *(*image_updates)(void *data);
    json_t *(*other_owners)(void *data);
    struct engine *(*engine)(void *data, const char *instance);
    struct map followers;   /* "server/stream" -> struct follower; events.c */
    struct map published;   /* service key -> id of the newest event that followers were told; events.c */
    struct map source_logs; /* name -> struct source_log; source_log.c */
    struct api_reply_vec replies; /* that wait for the ledger; api.c */
    struct map logs;              /* "server/stream" -> struct log_stream; logs.c */
};

/* --- names and ARNs; caller frees ----------------------------------------------------------------------- */
char *api_arn(const struct api *api, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *api_cluster_arn(const struct api *api, const char *cluster);
char *api_service_arn(const struct api *api, const char *cluster, const char *service);
char *api_task_arn(const struct api *api, const char *cluster, const char *task);
char *api_instance_arn(const struct api *api, const char *cluster, const char *instance);
char *api_task_definition_arn(const struct api *api, const char *family, int revision);
void api_set_owned(json_t *object, const char *key, char *value); /* takes value; NULL leaves it out */

/* A name out of a name or an ARN of this kind ("service"). Borrowed: the last part of the path. *ret_cluster
 * (may be NULL) is the cluster in it, owned by the caller, NULL when there is none. NULL: another kind's ARN.
 */
const char *api_name_of(const char *name_or_arn, const char *kind, char **ret_cluster);
/* The input's "cluster", as a name; "default" when there is none. Borrowed. ClusterNotFoundException. */
int api_input_cluster(const struct api *api, const json_t *input, const char **ret_cluster,
                      struct api_fault *fault);
bool api_cluster_exists(const struct api *api, const char *cluster);
/* Every cluster that is wanted or still has services, sorted, no duplicates. */
void api_clusters(const struct api *api, struct string_vec *ret_names);

/* --- pages and batches of ECS --------------------------------------------------------------------------- */
struct api_page {
    const char *key;   /* "serviceArns" */
    int default_items; /* most items of a page when the request does not say */
};
/* Takes items, an array of strings in the order of delivery. */
int api_page(const struct api_page *page, const json_t *input, json_t *items, json_t **ret_output,
             struct api_fault *fault);
/* The array of strings under key, 1 to max of them. */
int api_input_names(const json_t *input, const char *key, size_t max, struct api_fault *fault);
void api_add_missing(json_t *failures, char *arn);                   /* takes arn */
json_t *api_time(int64_t unix_ms);                                   /* seconds with a fraction */
void api_set_time(json_t *object, const char *key, int64_t unix_ms); /* nothing for 0 */

/* --- native answers ------------------------------------------------------------------------------------- */
/* {"schemaVersion":1, key: list}; takes list. */
json_t *api_list(const char *key, json_t *list);
/* Time as text, nothing for 0. */
void api_set_time_text(json_t *object, const char *key, int64_t unix_ms);
const char *api_parameter(const json_t *input, const char *name); /* NULL when absent or empty */
bool api_parameter_is_on(const json_t *input, const char *name);  /* "1", "true", "" */
/* Whether a service is meant by the parameters cluster and service (either may be absent). */
bool api_matches(const json_t *input, const char *cluster, const char *service);
/* The next service that is meant, from index *at on, which moves behind it. False when there is none. */
bool api_next_service(const struct api *api, const json_t *input, size_t *at, struct view_service *ret_view);
/* ServiceNotFoundException when parameters name a service or cluster that is not there. */
int api_check_target(const struct api *api, const json_t *input, struct api_fault *fault);

/* --- resources, one file each --------------------------------------------------------------------------- */
int api_list_clusters(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault);
int api_describe_clusters(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault);
int api_get_clusters(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault);

/* Whether the cluster has the instance: it declares it, or none at all. */
bool api_has_instance(const struct api *api, const char *cluster, const char *instance);
int api_list_container_instances(struct api *api, const json_t *input, json_t **ret_output,
                                 struct api_fault *fault);
int api_describe_container_instances(struct api *api, const json_t *input, json_t **ret_output,
                                     struct api_fault *fault);

int api_list_services(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault);
int api_describe_services(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault);
int api_get_services(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault);
json_t *api_service_json(const struct api *api, const struct view_service *view); /* native */
struct api_deployment_counts {
    int running;
    int pending;
    int living; /* not STOPPED */
};
struct api_deployment_counts api_count_deployment(const struct task_vec *tasks, const char *id);
/* The strategy that counts, in place of launchType. */
void api_set_capacity(const struct api *api, const struct view_service *view, json_t *json);
/* What the repository says, with ECS's defaults for what davit always does. */
void api_set_configuration(const struct service *desired, json_t *json);

int api_list_service_deployments(struct api *api, const json_t *input, json_t **ret_output,
                                 struct api_fault *fault);
int api_describe_service_deployments(struct api *api, const json_t *input, json_t **ret_output,
                                     struct api_fault *fault);
int api_describe_service_revisions(struct api *api, const json_t *input, json_t **ret_output,
                                   struct api_fault *fault);
/* currentServiceDeployment and currentServiceRevisions of ECS's Service. */
void api_set_current_deployment(const struct api *api, const struct view_service *view, json_t *json);

int api_list_tasks(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault);
int api_describe_tasks(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault);
int api_get_tasks(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault);

/* A standalone task by its id, or by the beginning of it (4 digits at least) that no other has. */
bool api_find_run(const struct api *api, const char *cluster, const char *given, struct view_run *ret_view);
/* Of a standalone task, as ECS's Task. */
json_t *api_run_json(struct api *api, const struct view_run *view);
int api_run_task(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault);
int api_stop_task(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault);

int api_list_task_definitions(struct api *api, const json_t *input, json_t **ret_output,
                              struct api_fault *fault);
int api_list_task_definition_families(struct api *api, const json_t *input, json_t **ret_output,
                                      struct api_fault *fault);
int api_describe_task_definition(struct api *api, const json_t *input, json_t **ret_output,
                                 struct api_fault *fault);
int api_get_revisions(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault);

int api_get_deployments(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault);
int api_get_diff(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault);
int api_post_diff(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault);

json_t *api_schedules_json(const struct api *api, bool with_runs);
int api_get_schedules(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault);
int api_get_instances(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault);
json_t *api_instances_json(const struct api *api);
int api_get_source(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault);
/* Of each, but of one that is gone only while something of it is left. */
json_t *api_sources_json(const struct api *api);
/* The source that the request names; without a name the only one. Borrowed. */
int api_check_source(const struct api *api, const json_t *input, const char **ret_source,
                     struct api_fault *fault);
int api_get_status(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault);
int api_get_health(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault);
int api_get_ready(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault);
int api_post_approve(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault);
int api_post_retry(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault);
int api_post_redeploy(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault);
int api_post_hold(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault);
int api_post_reconcile(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault);
int api_post_suspend(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault);
int api_post_resume(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault);

int api_get_events(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault);
int api_stream_events(const struct api_stream_call *call, struct api_fault *fault);
int api_stream_logs(const struct api_stream_call *call, struct api_fault *fault);
void api_events_init(struct api *api);
void api_events_deinit(struct api *api);
void api_logs_init(struct api *api);
void api_logs_deinit(struct api *api);
/* Containers that have started since are read for those who follow; of api_publish(). */
void api_logs_publish(struct api *api);
/* "server/stream": the key of what goes on beyond a request. Caller frees. */
char *api_stream_key(const struct http_server *server, uint64_t id);
