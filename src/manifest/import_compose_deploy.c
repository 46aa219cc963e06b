/* How often a Compose service runs, where, with how much, and what happens at its end. */
#include "base/text.h"
#include "manifest/import_compose.h"
#include "model/json.h"

#include <string.h>

void compose_replicas(const struct compose_member *member)
{
    if (!import_integer(member->value, &member->service->replicas) || member->service->replicas < 0 ||
        member->service->replicas > 5000) {
        member->service->replicas = 1;
        NOTE(member, IMPORT_DROPPED, "0 to 5000 is expected here");
    }
}

void compose_restart(const struct compose_member *member)
{
    static const char *const words[] = {"always", "unless-stopped", "on-failure", "no"};
    char *text CLEANUP_FREE = import_text(member->value);
    if (json_is_false(member->value) || text_equal(text, "none"))
        member->service->restart = "no";
    else if (text_equal(text, "any"))
        member->service->restart = "always";
    for (size_t i = 0; text && i < ARRAY_LEN(words); i++)
        if (text_starts_with(text, words[i]))
            member->service->restart = words[i];
    if (!member->service->restart)
        NOTE(member, IMPORT_DROPPED, "no, always, on-failure or unless-stopped is expected here");
    else if (text && strchr(text, ':'))
        NOTE(member, IMPORT_CHANGED,
             "the number of attempts is not carried over: davit tries on, ever more slowly");
}

void compose_memory(const struct compose_member *member)
{
    int64_t bytes;
    if (!import_bytes(member->value, &bytes)) {
        NOTE(member, IMPORT_DROPPED, "a size such as 512m is expected here");
        return;
    }
    if (!bytes) /* no limit */
        return;
    int64_t mib = (bytes + MIB - 1) / MIB;
    if (mib < 6)
        NOTE(member, IMPORT_CHANGED, "6 MiB is the least that ECS takes");
    json_object_set_new(member->service->container, member->target, json_integer(mib < 6 ? 6 : mib));
}

void compose_cpus(const struct compose_member *member)
{
    double cpus;
    if (!import_number(member->value, &cpus) || cpus < 0 || cpus > 256) {
        NOTE(member, IMPORT_DROPPED, "a number of CPUs is expected here");
        return;
    }
    json_object_set_new(member->service->container, "cpu", json_integer((json_int_t)(cpus * 1024)));
    NOTE(member, IMPORT_CHANGED, "it is a share and a reservation now, not a ceiling");
}

void compose_gpus(const struct compose_member *member)
{
    int64_t count = 1;
    import_integer(member->value, &count);
    json_object_set_new(member->service->container, "resourceRequirements",
                        json_pack("[{s:s,s:o}]", "type", "GPU", "value",
                                  json_sprintf("%lld", (long long)(count < 1 ? 1 : count))));
}

static const struct compose_rule limit_rules[] = {{"cpus", compose_cpus, NULL, NULL},
                                                  {"memory", compose_memory, "memory", NULL},
                                                  {"pids", compose_drop, NULL, NO_PLACE},
                                                  {NULL, NULL, NULL, NULL}};

static void on_reserved_devices(const struct compose_member *member)
{
    struct compose_member gpus = *member;
    char *text CLEANUP_FREE = json_dumps(member->value, JSON_COMPACT | JSON_ENCODE_ANY);
    gpus.value = json_object_get(json_array_get(member->value, 0), "count");
    if (text && strstr(text, "gpu"))
        compose_gpus(&gpus);
    else
        NOTE(member, IMPORT_DROPPED, "ECS knows GPUs only");
}

static const struct compose_rule reservation_rules[] = {{"cpus", compose_cpus, NULL, NULL},
                                                        {"memory", compose_memory, "memoryReservation", NULL},
                                                        {"devices", on_reserved_devices, NULL, NULL},
                                                        {"generic_resources", compose_drop, NULL, NO_PLACE},
                                                        {NULL, NULL, NULL, NULL}};

static void on_limits(const struct compose_member *member)
{
    compose_apply(limit_rules, member);
}

static void on_reservations(const struct compose_member *member)
{
    compose_apply(reservation_rules, member);
}

static const struct compose_rule resource_rules[] = {{"limits", on_limits, NULL, NULL},
                                                     {"reservations", on_reservations, NULL, NULL},
                                                     {NULL, NULL, NULL, NULL}};

static void on_resources(const struct compose_member *member)
{
    compose_apply(resource_rules, member);
}

static void on_mode(const struct compose_member *member)
{
    const char *mode = json_string_value(member->value);
    if (text_equal(mode, "global"))
        member->service->daemon = member->service->alone = true;
    else if (!text_equal(mode, "replicated"))
        NOTE(member, IMPORT_DROPPED, "replicated or global is expected here");
}

static void on_update_config(const struct compose_member *member)
{
    const char *order = model_string(member->value, "order");
    const char *action = model_string(member->value, "failure_action");
    json_t *configuration = import_object(member->service->service, "deploymentConfiguration");
    if (text_equal(order, "start-first") || text_equal(order, "stop-first")) {
        bool first = text_equal(order, "start-first");
        json_object_set_new(configuration, "minimumHealthyPercent", json_integer(first ? 100 : 0));
        json_object_set_new(configuration, "maximumPercent", json_integer(first ? 200 : 100));
    }
    if (text_equal(action, "rollback"))
        json_object_set_new(configuration, "deploymentCircuitBreaker",
                            json_pack("{s:b,s:b}", "enable", 1, "rollback", 1));
    const char *key;
    json_t *value;
    json_object_foreach (member->value, key, value) {
        char *pointer CLEANUP_FREE = import_pointer(member->pointer, key);
        if (!text_equal(key, "order") && !text_equal(key, "failure_action"))
            import_note(member->compose->run, IMPORT_DROPPED, pointer,
                        "deployments go by minimumHealthyPercent and maximumPercent");
    }
    if (!json_object_size(configuration))
        json_object_del(member->service->service, "deploymentConfiguration");
}

static void on_restart_policy(const struct compose_member *member)
{
    struct compose_member condition = *member;
    condition.value = json_object_get(member->value, "condition");
    if (condition.value)
        compose_restart(&condition);
    if (json_object_size(member->value) > (condition.value ? 1 : 0))
        NOTE(member, IMPORT_CHANGED, "delays and attempts are davit's own");
}

/* "node.labels.zone == a" */
static void on_placement(const struct compose_member *member)
{
    size_t i;
    json_t *item;
    json_t *constraints = json_object_get(member->value, "constraints");
    char *list CLEANUP_FREE = import_pointer(member->pointer, "constraints");
    json_array_foreach (constraints, i, item) {
        char *pointer CLEANUP_FREE = import_pointer_index(list, i);
        const char *text = json_is_string(item) ? json_string_value(item) : "";
        static const char label[] = "node.labels.";
        if (text_starts_with(text, label))
            json_array_append_new(import_list(member->service->service, "placementConstraints"),
                                  json_pack("{s:s,s:o}", "type", "memberOf", "expression",
                                            json_sprintf("attribute:%s", text + strlen(label))));
        else
            import_note(member->compose->run, IMPORT_DROPPED, pointer,
                        "davit has no managers; name an attribute");
    }
    if (json_object_size(member->value) > (constraints ? 1 : 0))
        NOTE(member, IMPORT_DROPPED, "only constraints can be carried over");
}

static const struct compose_rule deploy_rules[] = {
    {"endpoint_mode", compose_drop, NULL, "davit has no virtual addresses"},
    {"labels", compose_drop, NULL, "labels of the service are not labels of its containers"},
    {"mode", on_mode, NULL, NULL},
    {"placement", on_placement, NULL, NULL},
    {"replicas", compose_replicas, NULL, NULL},
    {"resources", on_resources, NULL, NULL},
    {"restart_policy", on_restart_policy, NULL, NULL},
    {"rollback_config", compose_drop, NULL, "a rollback goes as the deployment goes"},
    {"update_config", on_update_config, NULL, NULL},
    {NULL, NULL, NULL, NULL}};

void compose_deploy(const struct compose_member *member)
{
    compose_apply(deploy_rules, member);
}
