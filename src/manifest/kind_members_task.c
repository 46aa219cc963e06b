/* The members of what RunTask takes, and of a scheduled task, see kind_members_table.h. */
#include "manifest/kind_members_table.h"

/* clang-format off */
static const struct kind_member container_override[] = {
    LIKEWISE("name"), LIKEWISE("command"), LIKEWISE_INSIDE("environment", kind_members_variable),
    LIKEWISE_INSIDE("environmentFiles", kind_members_environment_file), LIKEWISE("cpu"), LIKEWISE("memory"),
    LIKEWISE("memoryReservation"), LIKEWISE_INSIDE("resourceRequirements", kind_members_resource_requirement),
    END};

static const struct kind_member task_override[] = {
    LIKEWISE_INSIDE("containerOverrides", container_override), LIKEWISE("cpu"),
    LIKEWISE_INSIDE("inferenceAcceleratorOverrides", kind_members_accelerator), LIKEWISE("executionRoleArn"),
    LIKEWISE("memory"), LIKEWISE("taskRoleArn"), LIKEWISE_INSIDE("ephemeralStorage", kind_members_ephemeral_storage),
    END};

static const struct kind_member termination_policy[] = {
    LIKEWISE("deleteOnTermination"),
    END};

static const struct kind_member task_ebs_volume[] = {
    LIKEWISE("encrypted"), LIKEWISE("kmsKeyId"), LIKEWISE("volumeType"), LIKEWISE("sizeInGiB"),
    LIKEWISE("snapshotId"), LIKEWISE("volumeInitializationRate"), LIKEWISE("iops"), LIKEWISE("throughput"),
    LIKEWISE_INSIDE("tagSpecifications", kind_members_ebs_tags), LIKEWISE("roleArn"),
    LIKEWISE_INSIDE("terminationPolicy", termination_policy), LIKEWISE("filesystemType"),
    END};

static const struct kind_member task_volume_configuration[] = {
    LIKEWISE("name"), LIKEWISE_INSIDE("managedEBSVolume", task_ebs_volume),
    END};

const struct kind_member kind_members_run_task[] = {
    META("$schema"), META("kind"), META("davit"), META_INSIDE("tags", kind_members_tag), META("clientToken"),
    LIKEWISE_INSIDE("capacityProviderStrategy", kind_members_capacity_provider_strategy), LIKEWISE("cluster"),
    LIKEWISE("count"), LIKEWISE("enableECSManagedTags"), LIKEWISE("enableExecuteCommand"),
    LIKEWISE("group"), LIKEWISE("launchType"),
    LIKEWISE_INSIDE("networkConfiguration", kind_members_network_configuration),
    LIKEWISE_INSIDE("overrides", task_override),
    LIKEWISE_INSIDE("placementConstraints", kind_members_unused_constraint),
    LIKEWISE_INSIDE("placementStrategy", kind_members_unused_strategy), LIKEWISE("platformVersion"),
    LIKEWISE("propagateTags"), LIKEWISE("referenceId"), LIKEWISE("startedBy"), LIKEWISE("taskDefinition"),
    LIKEWISE_INSIDE("volumeConfigurations", task_volume_configuration),
    END};

static const struct kind_member input_transformer[] = {
    LIKEWISE("InputPathsMap"), LIKEWISE("InputTemplate"),
    END};

static const struct kind_member schedule_awsvpc[] = {
    LIKEWISE("Subnets"), LIKEWISE("SecurityGroups"), LIKEWISE("AssignPublicIp"),
    END};

static const struct kind_member schedule_network[] = {
    LIKEWISE_INSIDE("awsvpcConfiguration", schedule_awsvpc),
    END};

static const struct kind_member ecs_parameters[] = {
    HONOURED("TaskDefinitionArn", NULL, NULL), HONOURED("TaskCount", "1", NULL), HONOURED("Group", NULL, NULL),
    IGNORED( "LaunchType",            "EC2",      "tasks run on the instances that davit knows; but whatever it says, the cluster's default capacity provider strategy does not count beside it (ECS)"),
    IGNORES( "NetworkConfiguration",  "tasks get their addresses from the network that davit makes for their cluster on each instance", schedule_network),
    IGNORED( "PlatformVersion",       "LATEST",   "there is no Fargate platform"),
    {"CapacityProviderStrategy", KIND_PARTLY, NULL, NULL, "where davit.containerInstances of the cluster name their capacityProvider; else tasks run on all instances that davit knows", NULL, kind_members_capacity_provider_strategy},
    IGNORED( "EnableECSManagedTags",  "false",    "tasks get no tags"),
    IGNORED( "EnableExecuteCommand",  "false",    "there is no ECS Exec"),
    INSIDE("PlacementConstraints", NULL, kind_members_placement_constraint), INSIDE("PlacementStrategy", NULL, kind_members_placement_strategy),
    IGNORED( "PropagateTags", NULL, "tasks get no tags"), IGNORED("Tags", NULL, "tasks get no tags"),
    IGNORED( "ReferenceId",           NULL,       "nothing shows it"),
    END};

static const struct kind_member dead_letter_config[] = {
    LIKEWISE("Arn"),
    END};

static const struct kind_member retry_policy[] = {
    HONOURED("MaximumRetryAttempts", "185", NULL), HONOURED("MaximumEventAgeInSeconds", "86400", NULL),
    END};

static const struct kind_member rule_target[] = {
    HONOURED("Id", NULL, NULL), HONOURED("Arn", NULL, NULL), HONOURED("Input", NULL, NULL),
    IGNORED( "RoleArn",               NULL,       "davit starts the tasks itself"),
    IGNORED( "InputPath",             NULL,       "there is no event whose part it could be: Input has the overrides"),
    IGNORES( "InputTransformer",      "there is no event whose parts it could take: Input has the overrides", input_transformer),
    INSIDE(  "EcsParameters",         NULL, ecs_parameters),
    IGNORES( "DeadLetterConfig",      "there is no queue: davit get scheduled-tasks says what was not started", dead_letter_config),
    INSIDE(  "RetryPolicy",           NULL, retry_policy),
    END};

static const struct kind_member flexible_time_window[] = {
    HONOURED("Mode",                  NULL,       NULL),
    PARTLY(  "MaximumWindowInMinutes", NULL,      "a task starts at the beginning of its window", NULL),
    END};

static const struct kind_member schedule_target[] = {
    HONOURED("Arn", NULL, NULL), HONOURED("Input", NULL, NULL),
    IGNORED( "RoleArn",               NULL,       "davit starts the tasks itself"),
    INSIDE(  "EcsParameters",         NULL, ecs_parameters),
    IGNORES( "DeadLetterConfig",      "there is no queue: davit get scheduled-tasks says what was not started", dead_letter_config),
    INSIDE(  "RetryPolicy",           NULL, retry_policy),
    END};

static const struct kind_member davit_scheduled_task[] = {
    HONOURED("concurrencyPolicy",     "Allow",    NULL),
    END};

const struct kind_member kind_members_scheduled_task[] = {
    META("$schema"), META("kind"), META_INSIDE("Tags", kind_members_aws_tag), META("ClientToken"), META("Description"),
    META("EventBusName"), META("GroupName"),
    INSIDE(  "davit",                 NULL, davit_scheduled_task),
    HONOURED("Name", NULL, NULL), HONOURED("ScheduleExpression", NULL, NULL), HONOURED("State", "ENABLED", NULL),
    IGNORED( "EventPattern",          NULL,       "davit waits for no events, it goes by the clock"),
    IGNORED( "RoleArn",               NULL,       "davit starts the tasks itself"),
    INSIDE(  "Targets",               NULL, rule_target),
    HONOURED("ScheduleExpressionTimezone", "UTC", NULL), HONOURED("StartDate", NULL, NULL), HONOURED("EndDate", NULL, NULL),
    INSIDE(  "FlexibleTimeWindow",    NULL, flexible_time_window),
    IGNORED( "ActionAfterCompletion", "NONE",     "the manifest stays in git"),
    IGNORED( "KmsKeyArn",             NULL,       "nothing of it is encrypted"),
    INSIDE(  "Target",                NULL, schedule_target),
    OUTPUT("Arn"), OUTPUT("CreatedBy"), OUTPUT("CreationDate"), OUTPUT("LastModificationDate"),
    OUTPUT("ManagedBy"),
    END};
/* clang-format on */
