/* The members of a cluster and of its capacity providers, see kind_members_table.h. */
#include "manifest/kind_members_table.h"

/* clang-format off */
static const struct kind_member exec_log[] = {
    LIKEWISE("cloudWatchLogGroupName"),
    LIKEWISE("cloudWatchEncryptionEnabled"),
    LIKEWISE("s3BucketName"),
    LIKEWISE("s3EncryptionEnabled"),
    LIKEWISE("s3KeyPrefix"),
    END};

static const struct kind_member exec_configuration[] = {
    LIKEWISE("kmsKeyId"),
    LIKEWISE("logging"),
    LIKEWISE_INSIDE("logConfiguration", exec_log),
    END};

static const struct kind_member managed_storage[] = {
    LIKEWISE("kmsKeyId"),
    LIKEWISE("fargateEphemeralStorageKmsKeyId"),
    END};

static const struct kind_member cluster_configuration[] = {
    IGNORES( "executeCommandConfiguration", "there is no ECS Exec", exec_configuration),
    IGNORES( "managedStorageConfiguration", "there is no managed storage", managed_storage),
    END};

static const struct kind_member cluster_setting[] = {
    LIKEWISE("name"),
    LIKEWISE("value"),
    END};

static const struct kind_member connect_defaults[] = {
    LIKEWISE("namespace"),
    END};

static const struct kind_member container_instance[] = {
    HONOURED("name",                  NULL,       NULL),
    HONOURED("attributes",            NULL,       NULL),
    HONOURED("capacityProvider",      NULL,       NULL),
    HONOURED("gpus",                  NULL,       NULL),
    HONOURED("status",                "ACTIVE",   NULL),
    REFUSED( "endpoint",              NULL,       "it is in the daemon's configuration, so that whoever may commit cannot point its credentials at another host"),
    END};

static const struct kind_member davit_cluster[] = {
    INSIDE(  "changeWindows",         NULL, kind_members_change_window),
    INSIDE(  "containerInstances",    NULL, container_instance),
    HONOURED("suspend",               "false",    NULL),
    END};

const struct kind_member kind_members_cluster[] = {
    META(    "$schema"),
    META(    "kind"),
    INSIDE(  "davit",                 NULL, davit_cluster),
    META_INSIDE("tags", kind_members_tag),
    HONOURED("clusterName",           NULL,       NULL),
    IGNORES( "settings",              "there is no Container Insights", cluster_setting),
    INSIDE(  "configuration",         NULL, cluster_configuration),
    IGNORED( "capacityProviders",     NULL,       "tasks run on the instances that davit knows"),
    {"defaultCapacityProviderStrategy", KIND_PARTLY, NULL, NULL, "where davit.containerInstances of the cluster name their capacityProvider, and not of a DAEMON; else tasks run on all instances that davit knows", NULL, kind_members_capacity_provider_strategy},
    IGNORES( "serviceConnectDefaults", "services do not join Service Connect", connect_defaults),
    OUTPUT(  "clusterArn"),
    OUTPUT(  "status"),
    OUTPUT(  "registeredContainerInstancesCount"),
    OUTPUT(  "runningTasksCount"),
    OUTPUT(  "pendingTasksCount"),
    OUTPUT(  "activeServicesCount"),
    OUTPUT(  "statistics"),
    OUTPUT(  "attachments"),
    OUTPUT(  "attachmentsStatus"),
    END};

static const struct kind_member managed_scaling[] = {
    LIKEWISE("status"), LIKEWISE("targetCapacity"), LIKEWISE("minimumScalingStepSize"),
    LIKEWISE("maximumScalingStepSize"), LIKEWISE("instanceWarmupPeriod"),
    END};

static const struct kind_member auto_scaling_group[] = {
    LIKEWISE("autoScalingGroupArn"), LIKEWISE_INSIDE("managedScaling", managed_scaling),
    LIKEWISE("managedTerminationProtection"), LIKEWISE("managedDraining"),
    END};

static const struct kind_member instance_network[] = {
    LIKEWISE("subnets"), LIKEWISE("securityGroups"),
    END};

static const struct kind_member instance_storage[] = {
    LIKEWISE("storageSizeGiB"),
    END};

static const struct kind_member instance_local_storage[] = {
    LIKEWISE("useLocalStorage"),
    END};

static const struct kind_member range[] = {
    LIKEWISE("min"), LIKEWISE("max"),
    END};

static const struct kind_member instance_requirements[] = {
    LIKEWISE_INSIDE("vCpuCount", range), LIKEWISE_INSIDE("memoryMiB", range), LIKEWISE("cpuManufacturers"),
    LIKEWISE_INSIDE("memoryGiBPerVCpu", range), LIKEWISE("excludedInstanceTypes"),
    LIKEWISE("instanceGenerations"), LIKEWISE("spotMaxPricePercentageOverLowestPrice"),
    LIKEWISE("onDemandMaxPricePercentageOverLowestPrice"), LIKEWISE("bareMetal"),
    LIKEWISE("burstablePerformance"), LIKEWISE("requireHibernateSupport"),
    LIKEWISE_INSIDE("networkInterfaceCount", range), LIKEWISE("localStorage"),
    LIKEWISE("localStorageTypes"), LIKEWISE_INSIDE("totalLocalStorageGB", range),
    LIKEWISE_INSIDE("baselineEbsBandwidthMbps", range), LIKEWISE("acceleratorTypes"),
    LIKEWISE_INSIDE("acceleratorCount", range), LIKEWISE("acceleratorManufacturers"),
    LIKEWISE("acceleratorNames"), LIKEWISE_INSIDE("acceleratorTotalMemoryMiB", range),
    LIKEWISE_INSIDE("networkBandwidthGbps", range), LIKEWISE("allowedInstanceTypes"),
    LIKEWISE("maxSpotPriceAsPercentageOfOptimalOnDemandPrice"),
    END};

static const struct kind_member capacity_reservations[] = {
    LIKEWISE("reservationGroupArn"), LIKEWISE("reservationPreference"),
    END};

static const struct kind_member instance_launch_template[] = {
    LIKEWISE("ec2InstanceProfileArn"), LIKEWISE_INSIDE("networkConfiguration", instance_network),
    LIKEWISE_INSIDE("storageConfiguration", instance_storage),
    LIKEWISE_INSIDE("localStorageConfiguration", instance_local_storage), LIKEWISE("monitoring"),
    LIKEWISE("capacityOptionType"), LIKEWISE("instanceMetadataTagsPropagation"),
    LIKEWISE_INSIDE("instanceRequirements", instance_requirements), LIKEWISE("fipsEnabled"),
    LIKEWISE_INSIDE("capacityReservations", capacity_reservations),
    END};

static const struct kind_member infrastructure_optimization[] = {
    LIKEWISE("scaleInAfter"),
    END};

static const struct kind_member auto_repair_configuration[] = {
    LIKEWISE("actionsStatus"),
    END};

static const struct kind_member managed_instances[] = {
    LIKEWISE("infrastructureRoleArn"), LIKEWISE_INSIDE("instanceLaunchTemplate", instance_launch_template),
    LIKEWISE("propagateTags"), LIKEWISE_INSIDE("infrastructureOptimization", infrastructure_optimization),
    LIKEWISE_INSIDE("autoRepairConfiguration", auto_repair_configuration),
    END};

const struct kind_member kind_members_capacity_provider[] = {
    META("$schema"), META("kind"), META("davit"), META_INSIDE("tags", kind_members_tag),
    LIKEWISE("name"), LIKEWISE("cluster"), LIKEWISE_INSIDE("autoScalingGroupProvider", auto_scaling_group),
    LIKEWISE_INSIDE("managedInstancesProvider", managed_instances),
    OUTPUT("capacityProviderArn"), OUTPUT("status"), OUTPUT("updateStatus"), OUTPUT("updateStatusReason"),
    OUTPUT("type"),
    END};
/* clang-format on */
