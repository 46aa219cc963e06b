/* The table of each kind, and the tables that several kinds share, see kind_members_table.h. */
#include "manifest/kind_members_table.h"

#include <assert.h>

/* clang-format off */
const struct kind_member kind_members_tag[] = {
    META(    "key"),
    META(    "value"),
    END};

const struct kind_member kind_members_secret[] = {
    HONOURED("name",                  NULL,       NULL),
    HONOURED("valueFrom",             NULL,       NULL),
    END};

const struct kind_member kind_members_variable[] = {
    HONOURED("name",                  NULL,       NULL),
    HONOURED("value",                 NULL,       NULL),
    END};

const struct kind_member kind_members_environment_file[] = {
    PARTLY(  "value",                 NULL,       "a path of the repository; what an ARN of S3 names is not read", NULL),
    HONOURED("type",                  NULL,       NULL),
    END};

const struct kind_member kind_members_log_configuration[] = {
    PARTLY(  "logDriver",             NULL,       "an engine may lack the driver, and none has awsfirelens: logDrivers in davit's configuration names another", "HostConfig.LogConfig.Type"),
    PARTLY(  "options",               NULL,       "those of a driver that gives way to another are dropped, but for what all drivers have", "HostConfig.LogConfig.Config"),
    INSIDE(  "secretOptions",         "HostConfig.LogConfig.Config", kind_members_secret),
    END};

const struct kind_member kind_members_resource_requirement[] = {
    HONOURED("value",                 NULL,       NULL),
    PARTLY(  "type",                  NULL,       "GPU; of the others a warning says that there are none", NULL),
    END};

const struct kind_member kind_members_placement_constraint[] = {
    HONOURED("type",                  NULL,       NULL),
    PARTLY(  "expression",            NULL,       "ec2InstanceId is the instance's name; there is no agentVersion and no registeredAt", NULL),
    END};

/* Of the kinds that nothing is run of. */
const struct kind_member kind_members_unused_constraint[] = {
    LIKEWISE("type"),
    LIKEWISE("expression"),
    END};

const struct kind_member kind_members_accelerator[] = {
    LIKEWISE("deviceName"),
    LIKEWISE("deviceType"),
    END};

const struct kind_member kind_members_ephemeral_storage[] = {
    LIKEWISE("sizeInGiB"),
    END};

const struct kind_member kind_members_capacity_provider_strategy[] = {
    LIKEWISE("capacityProvider"),
    LIKEWISE("weight"),
    LIKEWISE("base"),
    END};

const struct kind_member kind_members_placement_strategy[] = {
    HONOURED("type",                  NULL,       NULL),
    HONOURED("field",                 NULL,       NULL),
    END};

/* Of the kinds that nothing is run of. */
const struct kind_member kind_members_unused_strategy[] = {
    LIKEWISE("type"),
    LIKEWISE("field"),
    END};

const struct kind_member kind_members_awsvpc[] = {
    IGNORED( "subnets",               NULL,       "tasks get their addresses from the network that davit makes for their cluster on each instance"),
    IGNORED( "securityGroups",        NULL,       "nothing filters the traffic between tasks"),
    IGNORED( "assignPublicIp",        "DISABLED", "an address of a task is reached from its instance and no farther"),
    END};

const struct kind_member kind_members_network_configuration[] = {
    INSIDE(  "awsvpcConfiguration",   NULL, kind_members_awsvpc),
    END};

const struct kind_member kind_members_ebs_tags[] = {
    LIKEWISE("resourceType"),
    LIKEWISE_INSIDE("tags", kind_members_tag),
    LIKEWISE("propagateTags"),
    END};

const struct kind_member kind_members_change_window[] = {
    HONOURED("kind", NULL, NULL), HONOURED("schedule", NULL, NULL), HONOURED("durationMinutes", NULL, NULL),
    HONOURED("timezone", "UTC", NULL),
    END};

const struct kind_member kind_members_aws_tag[] = {
    LIKEWISE("Key"), LIKEWISE("Value"),
    END};
/* clang-format on */

const struct kind_member *kind_members(enum kind kind)
{
    static const struct kind_member *const tables[KIND_COUNT] = {
        [KIND_CAPACITY_PROVIDER] = kind_members_capacity_provider,
        [KIND_CLUSTER] = kind_members_cluster,
        [KIND_LISTENER] = kind_members_listener,
        [KIND_RUN_TASK] = kind_members_run_task,
        [KIND_SCHEDULED_TASK] = kind_members_scheduled_task,
        [KIND_SERVICE] = kind_members_service,
        [KIND_TARGET_GROUP] = kind_members_target_group,
        [KIND_TASK_DEFINITION] = kind_members_task_definition,
    };
    assert(kind < KIND_COUNT);
    return tables[kind];
}

const char *kind_unused(enum kind kind)
{
    static const char *const reasons[KIND_COUNT] = {
        [KIND_CAPACITY_PROVIDER] = "tasks run on the instances that davit knows",
        [KIND_LISTENER] = "nothing listens for requests",
        [KIND_RUN_TASK] = "the task is not started",
        [KIND_TARGET_GROUP] = "tasks are not added to it",
    };
    assert(kind < KIND_COUNT);
    return reasons[kind];
}
