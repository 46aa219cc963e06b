#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/output.h"
#include "model/commit.h"
#include "model/json.h"

#include <inttypes.h>

/* --- columns -------------------------------------------------------------------------------------------- */

static char *age_of_task(const json_t *row, int64_t now_ms)
{
    return cli_age(model_string(row, "createdAt"), now_ms);
}

static char *age_of_deployment(const json_t *row, int64_t now_ms)
{
    return cli_age(model_string(json_object_get(row, "deployment"), "createdAt"), now_ms);
}

static char *short_commit(const json_t *commit)
{
    char text[COMMIT_SHORT_SIZE];
    const char *oid = model_string(commit, "oid");
    if (!oid)
        return NULL;
    commit_short(oid, text);
    return memory_strdup(text);
}

static char *commit_of_row(const json_t *row, int64_t now_ms)
{
    (void)now_ms;
    return short_commit(json_object_get(row, "commit"));
}

static char *commit_of_deployment(const json_t *row, int64_t now_ms)
{
    (void)now_ms;
    return short_commit(json_object_get(json_object_get(row, "deployment"), "commit"));
}

/* "web:2", or "web:2,web:1" in a rollout; wanted is another after a failed one. */
static char *revisions_of_service(const json_t *row, int64_t now_ms)
{
    (void)now_ms;
    struct buffer out = BUFFER_INIT(LIMIT_ERROR_CHARS);
    size_t i;
    json_t *revision;
    json_array_foreach (json_object_get(row, "revisions"), i, revision) {
        if (model_int(revision, "running") > 0)
            buffer_printf(&out, "%s%s:%" PRId64, out.len ? "," : "", cli_member_string(revision, "family"),
                          model_int(revision, "revision"));
    }
    return buffer_steal(&out);
}

/* ECS says UNKNOWN for all three of: nothing to check, nothing checked yet, nobody there to ask. */
static char *health_of_task(const json_t *row, int64_t now_ms)
{
    const char *health = cli_member_string(row, "health");
    char *lost CLEANUP_FREE = cli_age(model_string(row, "lostAt"), now_ms);
    if (model_bool(row, "lost"))
        return memory_printf("unknown%s%s", lost ? " for " : "", lost ? lost : "");
    if (!model_bool(row, "hasHealthCheck") || text_equal(cli_member_string(row, "status"), "STOPPED"))
        return NULL;
    return memory_strdup(text_equal(health, "UNKNOWN") ? "starting" : health);
}

static char *id_of_task(const json_t *row, int64_t now_ms)
{
    (void)now_ms;
    return memory_printf("%.12s", cli_member_string(row, "id"));
}

/* A standalone task has a group in place of a service. */
static char *owner_of_task(const json_t *row, int64_t now_ms)
{
    (void)now_ms;
    const char *service = model_string(row, "service");
    return memory_strdup(service ? service : cli_member_string(row, "group"));
}

static const struct cli_column cluster_columns[] = {{"NAME", "name", false, NULL},
                                                    {"STATUS", "status", false, NULL},
                                                    {"SERVICES", "services", false, NULL},
                                                    {"RUNNING", "running", false, NULL},
                                                    {"PENDING", "pending", false, NULL},
                                                    {"FILE", "file", true, NULL},
                                                    {NULL, NULL, false, NULL}};

static const struct cli_column service_columns[] = {{"CLUSTER", "cluster", false, NULL},
                                                    {"NAME", "name", false, NULL},
                                                    {"STATE", "state", false, NULL},
                                                    {"DESIRED", "desiredCount", false, NULL},
                                                    {"RUNNING", "running", false, NULL},
                                                    {"HEALTHY", "healthy", false, NULL},
                                                    {"PENDING", "pending", true, NULL},
                                                    {"WANTED", "taskDefinition", false, NULL},
                                                    {"RUNS", NULL, false, revisions_of_service},
                                                    {"COMMIT", NULL, false, commit_of_deployment},
                                                    {"AGE", NULL, false, age_of_deployment},
                                                    {"DEPLOYMENT", "deployment.id", true, NULL},
                                                    {"FILE", "file", true, NULL},
                                                    {"WAITING", "waiting", true, NULL},
                                                    {NULL, NULL, false, NULL}};

static const struct cli_column task_columns[] = {{"CLUSTER", "cluster", false, NULL},
                                                 {"SERVICE", NULL, false, owner_of_task},
                                                 {"TASK", NULL, false, id_of_task},
                                                 {"STATUS", "status", false, NULL},
                                                 {"HEALTH", NULL, false, health_of_task},
                                                 {"TASK DEFINITION", "taskDefinition", false, NULL},
                                                 {"INSTANCE", "instance", false, NULL},
                                                 {"AGE", NULL, false, age_of_task},
                                                 {"DEPLOYMENT", "deployment", true, NULL},
                                                 {"ID", "id", true, NULL},
                                                 {"ADDRESS", "address", true, NULL},
                                                 {"STARTED BY", "startedBy", true, NULL},
                                                 {"EXIT CODE", "exitCode", true, NULL},
                                                 {"REASON", "stopReason", false, NULL},
                                                 {NULL, NULL, false, NULL}};

static const struct cli_column revision_columns[] = {
    {"FAMILY", "family", false, NULL},          {"REVISION", "revision", false, NULL},
    {"CURRENT", "current", false, NULL},        {"COMMIT", NULL, false, commit_of_row},
    {"SUBJECT", "commit.subject", false, NULL}, {"AUTHOR", "commit.author", true, NULL},
    {"DIGEST", "digest", true, NULL},           {NULL, NULL, false, NULL}};

static const struct cli_column instance_columns[] = {{"NAME", "name", false, NULL},
                                                     {"STATUS", "status", false, NULL},
                                                     {"CONNECTED", "connected", false, NULL},
                                                     {"ENGINE", "engine", false, NULL},
                                                     {"RUNNING", "runningTasks", false, NULL},
                                                     {"PENDING", "pendingTasks", false, NULL},
                                                     {"CPU FREE", "cpuUnitsFree", false, NULL},
                                                     {"MEMORY FREE (MIB)", "memoryMibFree", false, NULL},
                                                     {"ARCH", "arch", true, NULL},
                                                     {"API", "apiVersion", true, NULL},
                                                     {"MESSAGE", "message", true, NULL},
                                                     {NULL, NULL, false, NULL}};

static const struct cli_column schedule_columns[] = {{"NAME", "name", false, NULL},
                                                     {"SCHEDULE", "schedule", false, NULL},
                                                     {"STATE", "state", false, NULL},
                                                     {"LAST DUE", "lastDueAt", false, NULL},
                                                     {"RESULT", "result", false, NULL},
                                                     {"NEXT", "nextAt", false, NULL},
                                                     {"TIME ZONE", "timezone", true, NULL},
                                                     {"CONCURRENCY", "concurrencyPolicy", true, NULL},
                                                     {"LAST RUN", "lastRunAt", true, NULL},
                                                     {"MESSAGE", "message", true, NULL},
                                                     {NULL, NULL, false, NULL}};

/* --- resources ------------------------------------------------------------------------------------------ */

static const struct resource {
    const char *name;
    const char *path;
    const char *key;     /* member that NAME arguments select by */
    const char *cluster; /* member that --cluster selects by; NULL: has none */
    struct cli_table table;
} resources[] = {
    {"clusters", "/v1/clusters", "name", "name", {cluster_columns, "clusters", "no clusters"}},
    {"services", "/v1/services", "name", "cluster", {service_columns, "services", "no services"}},
    {"tasks", "/v1/tasks", "service", "cluster", {task_columns, "tasks", "no tasks"}},
    {"revisions", "/v1/revisions", "family", NULL, {revision_columns, "revisions", "no revisions"}},
    {"instances", "/v1/instances", "name", NULL, {instance_columns, "instances", "no container instances"}},
    {"scheduled-tasks",
     "/v1/scheduled-tasks",
     "name",
     NULL,
     {schedule_columns, "scheduledTasks", "no scheduled tasks"}},
};

static const struct resource *find(const struct cli *cli, const char *name)
{
    const char *names[ARRAY_LEN(resources)];
    for (size_t i = 0; i < ARRAY_LEN(resources); i++) {
        names[i] = resources[i].name;
        size_t len = strlen(names[i]);
        if (text_equal(names[i], name) || (strlen(name) == len - 1 && strncmp(names[i], name, len - 1) == 0))
            return &resources[i];
    }
    struct buffer all = BUFFER_INIT(LIMIT_ERROR_CHARS);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        buffer_printf(&all, "%s%s", i == 0 ? "" : i + 1 < ARRAY_LEN(names) ? ", " : " and ", names[i]);
    const char *nearest = text_nearest(name, names, ARRAY_LEN(names));
    char *hint CLEANUP_FREE = nearest ? memory_printf("did you mean %s? ", nearest) : memory_strdup("");
    cli_usage(cli, "there are no \"%s\"; %sdavit has %s", name, hint, buffer_str(&all));
    buffer_deinit(&all);
    return NULL;
}

/* NAME may be the name, CLUSTER/NAME, and for tasks the beginning of an id. */
static bool is_named(const struct resource *resource, const json_t *row, const char *name)
{
    const char *own = cli_member_string(row, resource->key);
    char *full CLEANUP_FREE = memory_printf("%s/%s", cli_member_string(row, "cluster"), own);
    return text_equal(own, name) || text_equal(full, name) ||
           (strlen(name) >= 4 && text_starts_with(cli_member_string(row, "id"), name));
}

static bool is_wanted(const struct cli *cli, const struct resource *resource, const json_t *row)
{
    const char *cluster = cli_value(cli, "cluster");
    if (cluster && resource->cluster && !text_equal(model_string(row, resource->cluster), cluster))
        return false;
    for (int i = 1; i < cli->argc; i++)
        if (is_named(resource, row, cli->argv[i]))
            return true;
    return cli->argc == 1;
}

/* The first NAME that none of the rows has, or NULL. */
static const char *missing(const struct cli *cli, const struct resource *resource, const json_t *rows)
{
    for (int i = 1; i < cli->argc; i++) {
        bool found = false;
        for (size_t k = 0; k < json_array_size(rows) && !found; k++)
            found = is_named(resource, json_array_get(rows, k), cli->argv[i]);
        if (!found)
            return cli->argv[i];
    }
    return NULL;
}

static bool has_cluster(const json_t *clusters, const char *name)
{
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)(uintptr_t)clusters, i, item) {
        if (text_equal(model_string(item, "name"), name))
            return true;
    }
    return false;
}

/* A cluster that is not there is refused, by the daemon where it is asked for what is in a cluster. */
static int ask(const struct cli *cli, const struct resource *resource, json_t **ret_answer)
{
    const char *cluster = resource->cluster ? cli_value(cli, "cluster") : NULL;
    bool in_cluster = text_equal(resource->cluster, "cluster");
    char *query CLEANUP_FREE = in_cluster ? cli_query_add(NULL, "cluster", cluster) : NULL;
    struct cli_request request = {.path = resource->path, .query = query};
    struct error err = ERROR_INIT;
    if (cli_request(cli, &request, ret_answer, &err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    if (!cluster || in_cluster || has_cluster(json_object_get(*ret_answer, resource->table.list), cluster))
        return CLI_OK;
    return cli_fail(cli, "there is no cluster \"%s\"", cluster);
}

static int run(const struct cli *cli)
{
    const struct resource *resource = find(cli, cli->argv[0]);
    if (!resource)
        return CLI_ERROR;
    json_t *answer CLEANUP(json_decrefp) = NULL;
    if (ask(cli, resource, &answer))
        return CLI_ERROR;
    json_t *kept = json_array();
    size_t i;
    json_t *row;
    json_array_foreach (json_object_get(answer, resource->table.list), i, row) {
        if (is_wanted(cli, resource, row))
            json_array_append(kept, row);
    }
    json_object_set_new(answer, resource->table.list, kept);
    int r = cli_print(cli, answer, &resource->table);
    const char *name = missing(cli, resource, kept);
    if (!name)
        return r;
    cli_fail(cli, "there is no \"%s\" among the %s", name, resource->name);
    return CLI_NO;
}

static const struct cli_flag flags[] = {CLI_FLAG_OUTPUT, CLI_FLAG_CLUSTER, CLI_FLAG_SOCKET, CLI_FLAG_END};

static const char *const examples[] = {
    "all services",
    "davit get services",
    "the tasks of one",
    "davit get tasks default/web",
    "for a script",
    "davit get services -o json | jq '.services[] | select(.steady | not) | .name'",
    NULL,
};

static const struct cli_exit exits[] = {{CLI_OK, "done"},
                                        {CLI_NO, "a NAME is not there"},
                                        {CLI_ERROR, "it failed, or the usage is wrong"},
                                        {0, NULL}};

const struct command cli_get = {
    .name = "get",
    .summary = "list clusters, services, tasks, revisions, instances or scheduled tasks",
    .args = "clusters|services|tasks|revisions|instances|scheduled-tasks [NAME..]",
    .description = "NAME is a name or CLUSTER/NAME; for tasks their service or the beginning of a task's id, "
                   "for revisions "
                   "the family.\n\n"
                   "HEALTH of a task is what its health checks say, and - without any: such a task counts as "
                   "healthy once it has run for minimumHealthySeconds. It is unknown while the instance does "
                   "not answer. REASON is why it stops or has stopped. RUNS is what a service's tasks are "
                   "made of, WANTED what the repository says.",
    .flags = flags,
    .examples = examples,
    .exits = exits,
    .words = "clusters services tasks revisions instances scheduled-tasks",
    .args_min = 1,
    .args_max = -1,
    .run = run,
};
