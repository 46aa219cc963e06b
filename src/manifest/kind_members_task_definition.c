/* The members of a task definition, see kind_members_table.h. */
#include "manifest/kind_members_table.h"

/* clang-format off */
static const struct kind_member port_mapping[] = {
    HONOURED("containerPort",         NULL,       NULL),
    HONOURED("hostPort",              "0",        "HostConfig.PortBindings"),
    HONOURED("protocol",              "tcp",      NULL),
    IGNORED( "name",                  NULL,       "Service Connect is not there to use it"),
    IGNORED( "appProtocol",           NULL,       "Service Connect is not there to use it"),
    PARTLY(  "containerPortRange",    NULL,       "each port gets a host port that the engine chooses; they do not follow one another", "HostConfig.PortBindings"),
    END};

static const struct kind_member mount_point[] = {
    HONOURED("sourceVolume",          NULL,       NULL),
    HONOURED("containerPath",         NULL,       NULL),
    HONOURED("readOnly",              "false",    NULL),
    END};

static const struct kind_member volume_from[] = {
    HONOURED("sourceContainer",       NULL,       NULL),
    HONOURED("readOnly",              "false",    NULL),
    END};

static const struct kind_member dependency[] = {
    HONOURED("containerName",         NULL,       NULL),
    HONOURED("condition",             NULL,       NULL),
    END};

static const struct kind_member health_check[] = {
    HONOURED("command",               NULL,       "Config.Healthcheck.Test"),
    HONOURED("interval",              "30",       "Config.Healthcheck.Interval"),
    HONOURED("timeout",               "5",        "Config.Healthcheck.Timeout"),
    HONOURED("retries",               "3",        "Config.Healthcheck.Retries"),
    HONOURED("startPeriod",           "0",        "Config.Healthcheck.StartPeriod"),
    END};

static const struct kind_member ulimit[] = {
    HONOURED("name",                  NULL,       NULL),
    HONOURED("softLimit",             NULL,       NULL),
    HONOURED("hardLimit",             NULL,       NULL),
    END};

static const struct kind_member capabilities[] = {
    HONOURED("add",                   NULL,       "HostConfig.CapAdd"),
    HONOURED("drop",                  NULL,       "HostConfig.CapDrop"),
    END};

static const struct kind_member device[] = {
    HONOURED("hostPath",              NULL,       NULL),
    HONOURED("containerPath",         NULL,       NULL),
    HONOURED("permissions",           NULL,       NULL),
    END};

static const struct kind_member tmpfs[] = {
    HONOURED("containerPath",         NULL,       NULL),
    HONOURED("size",                  NULL,       NULL),
    HONOURED("mountOptions",          NULL,       NULL),
    END};

static const struct kind_member linux_parameters[] = {
    INSIDE(  "capabilities",          NULL, capabilities),
    INSIDE(  "devices",               "HostConfig.Devices", device),
    HONOURED("initProcessEnabled",    "false",    "HostConfig.Init"),
    HONOURED("sharedMemorySize",      NULL,       "HostConfig.ShmSize"),
    INSIDE(  "tmpfs",                 "HostConfig.Tmpfs", tmpfs),
    PARTLY(  "maxSwap",               NULL,       "the engine's kernel has to count swap", "HostConfig.MemorySwap"),
    PARTLY(  "swappiness",            NULL,       "an engine with cgroups v2 has no such setting", "HostConfig.MemorySwappiness"),
    END};

static const struct kind_member system_control[] = {
    HONOURED("namespace",             NULL,       NULL),
    HONOURED("value",                 NULL,       NULL),
    END};

static const struct kind_member firelens[] = {
    LIKEWISE("type"),
    LIKEWISE("options"),
    END};

static const struct kind_member repository_credentials[] = {
    HONOURED("credentialsParameter",  NULL,       NULL),
    END};

static const struct kind_member restart_policy[] = {
    HONOURED("enabled",               "false",    NULL),
    HONOURED("ignoredExitCodes",      NULL,       NULL),
    HONOURED("restartAttemptPeriod",  "300",      NULL),
    END};

static const struct kind_member host_entry[] = {
    HONOURED("hostname",              NULL,       NULL),
    HONOURED("ipAddress",             NULL,       NULL),
    END};

static const struct kind_member container_file[] = {
    META(    "source"), /* where a content lies in the repository is no content */
    HONOURED("target",                NULL,       NULL),
    HONOURED("mode",                  "0644",     NULL),
    HONOURED("user",                  "0:0",      NULL),
    HONOURED("blob",                  NULL,       NULL),
    HONOURED("size",                  NULL,       NULL),
    END};

static const struct kind_member environment_content[] = {
    HONOURED("value",                 NULL,       NULL),
    HONOURED("blob",                  NULL,       NULL),
    HONOURED("size",                  NULL,       NULL),
    END};

static const struct kind_member image_policy[] = {
    META(    "semver"),
    META(    "pattern"),
    META(    "digest"),
    END};

static const struct kind_member container_davit[] = {
    META_INSIDE("imagePolicy", image_policy), /* the image that it leads to is content */
    INSIDE(  "environmentFiles",      NULL, environment_content),
    INSIDE(  "files",                 NULL, container_file),
    END};

static const struct kind_member container[] = {
    HONOURED("name",                  NULL,       NULL),
    HONOURED("image",                 NULL,       "Config.Image"),
    HONOURED("cpu",                   "0",        "HostConfig.CpuShares"),
    HONOURED("memory",                NULL,       "HostConfig.Memory"),
    HONOURED("memoryReservation",     NULL,       "HostConfig.MemoryReservation"),
    INSIDE(  "portMappings",          "HostConfig.PortBindings", port_mapping),
    HONOURED("essential",             "true",     NULL),
    HONOURED("entryPoint",            NULL,       "Config.Entrypoint"),
    HONOURED("command",               NULL,       "Config.Cmd"),
    INSIDE(  "environment",           "Config.Env", kind_members_variable),
    INSIDE(  "mountPoints",           "HostConfig.Binds", mount_point),
    INSIDE(  "dependsOn",             NULL, dependency),
    HONOURED("startTimeout",          NULL,       NULL),
    HONOURED("stopTimeout",           "30",       "Config.StopTimeout"),
    HONOURED("user",                  NULL,       "Config.User"),
    HONOURED("workingDirectory",      NULL,       "Config.WorkingDir"),
    HONOURED("privileged",            "false",    "HostConfig.Privileged"),
    HONOURED("readonlyRootFilesystem", "false",    "HostConfig.ReadonlyRootfs"),
    HONOURED("dockerLabels",          NULL,       "Config.Labels"),
    INSIDE(  "ulimits",               "HostConfig.Ulimits", ulimit),
    INSIDE(  "logConfiguration",      "HostConfig.LogConfig", kind_members_log_configuration),
    INSIDE(  "healthCheck",           "Config.Healthcheck", health_check),
    INSIDE(  "repositoryCredentials", NULL, repository_credentials),
    INSIDE(  "davit",                 NULL, container_davit),
    HONOURED("links",                  NULL,       "HostConfig.Links"),
    INSIDE(  "restartPolicy",         NULL, restart_policy),
    INSIDE(  "environmentFiles",      "Config.Env", kind_members_environment_file),
    INSIDE(  "volumesFrom",           "HostConfig.VolumesFrom", volume_from),
    INSIDE(  "linuxParameters",       NULL, linux_parameters),
    INSIDE(  "secrets",               "Config.Env", kind_members_secret),
    HONOURED("versionConsistency",    "enabled",  NULL),
    HONOURED("hostname",               NULL,       "Config.Hostname"),
    HONOURED("disableNetworking",      "false",    "Config.NetworkDisabled"),
    HONOURED("dnsServers",             NULL,       "HostConfig.Dns"),
    HONOURED("dnsSearchDomains",       NULL,       "HostConfig.DnsSearch"),
    INSIDE(  "extraHosts",            "HostConfig.ExtraHosts", host_entry),
    HONOURED("dockerSecurityOptions",  NULL,       "HostConfig.SecurityOpt"),
    HONOURED("interactive",            "false",    "Config.OpenStdin"),
    HONOURED("pseudoTerminal",         "false",    "Config.Tty"),
    INSIDE(  "systemControls",        "HostConfig.Sysctls", system_control),
    INSIDE(  "resourceRequirements",  "HostConfig.DeviceRequests", kind_members_resource_requirement),
    IGNORES( "firelensConfiguration", "the container is no log router; logDrivers.awsfirelens in davit's configuration says where logs go instead", firelens),
    IGNORED( "credentialSpecs",       NULL,       "the container gets no gMSA credentials: they are for Windows domains"),
    END};

static const struct kind_member docker_volume[] = {
    HONOURED("scope",                 "task",     NULL),
    HONOURED("autoprovision",         "false",    NULL),
    HONOURED("driver",                "local",    "Volume.Driver"),
    HONOURED("driverOpts",            NULL,       "Volume.DriverOpts"),
    HONOURED("labels",                NULL,       "Volume.Labels"),
    END};

static const struct kind_member host_volume[] = {
    HONOURED("sourcePath",            NULL,       "HostConfig.Binds"),
    END};

static const struct kind_member efs_authorization[] = {
    REFUSED( "accessPointId",         "",         "without EFS's mount helper the task would get the root of the file system instead"),
    IGNORED( "iam",                   "DISABLED", "the file system is mounted without credentials"),
    END};

static const struct kind_member efs_volume[] = {
    HONOURED("fileSystemId",          NULL,       "Volume.DriverOpts.o"),
    HONOURED("rootDirectory",         "/",        "Volume.DriverOpts.device"),
    IGNORED( "transitEncryption",     "DISABLED", "the file system is mounted over plain NFS"),
    IGNORED( "transitEncryptionPort", NULL,       "the file system is mounted over plain NFS"),
    INSIDE(  "authorizationConfig",   NULL, efs_authorization),
    END};

static const struct kind_member s3files_volume[] = {
    LIKEWISE("fileSystemArn"),
    LIKEWISE("rootDirectory"),
    LIKEWISE("transitEncryptionPort"),
    LIKEWISE("accessPointArn"),
    END};

static const struct kind_member fsx_authorization[] = {
    LIKEWISE("credentialsParameter"),
    LIKEWISE("domain"),
    END};

static const struct kind_member fsx_volume[] = {
    LIKEWISE("fileSystemId"),
    LIKEWISE("rootDirectory"),
    LIKEWISE_INSIDE("authorizationConfig", fsx_authorization),
    END};

static const struct kind_member volume[] = {
    HONOURED("name",                  NULL,       NULL),
    INSIDE(  "host",                  "HostConfig.Binds", host_volume),
    INSIDE(  "dockerVolumeConfiguration", "HostConfig.Mounts", docker_volume),
    INSIDE(  "efsVolumeConfiguration", "HostConfig.Mounts", efs_volume),
    IGNORES( "s3filesVolumeConfiguration", "the volume is an empty one of the task", s3files_volume),
    IGNORES( "fsxWindowsFileServerVolumeConfiguration", "the volume is an empty one of the task", fsx_volume),
    IGNORED( "configuredAtLaunch",    "false",    "the volume is an empty one of the task"),
    END};

#define WINDOWS                                                                                                        \
    "WINDOWS_SERVER_2016_FULL WINDOWS_SERVER_2019_FULL WINDOWS_SERVER_2019_CORE WINDOWS_SERVER_2004_CORE "              \
    "WINDOWS_SERVER_20H2_CORE WINDOWS_SERVER_2022_FULL WINDOWS_SERVER_2022_CORE WINDOWS_SERVER_2025_FULL "              \
    "WINDOWS_SERVER_2025_CORE"

static const struct kind_member runtime_platform[] = {
    HONOURED("cpuArchitecture",       NULL,       NULL),
    REFUSES( "operatingSystemFamily", "LINUX",    WINDOWS, "davit runs Linux containers", NULL),
    END};

static const struct kind_member proxy[] = {
    LIKEWISE("type"),
    LIKEWISE("containerName"),
    LIKEWISE_INSIDE("properties", kind_members_variable),
    END};

static const struct kind_member required_attribute[] = {
    PARTLY(  "name",                  NULL,       "com.amazonaws.ecs.capability. and ecs.capability. are what ECS's own agent can do: they are not asked for", NULL),
    HONOURED("value",                 NULL,       NULL),
    OUTPUT(  "targetType"),
    OUTPUT(  "targetId"),
    END};

const struct kind_member kind_members_task_definition[] = {
    META(    "$schema"),
    META(    "kind"),
    META(    "davit"),
    META_INSIDE("tags", kind_members_tag),
    HONOURED("family",                NULL,       NULL),
    INSIDE(  "containerDefinitions",  NULL, container),
    INSIDE(  "volumes",               NULL, volume),
    HONOURED("networkMode",           "bridge",   "HostConfig.NetworkMode"),
    PARTLY(  "cpu",                   NULL,       "placement sets it aside, and each container is held to it; together they may use more", "HostConfig.CpuQuota"),
    PARTLY(  "memory",                NULL,       "placement sets it aside, and each container without a limit of its own is held to it; together they may use more", "HostConfig.Memory"),
    IGNORED( "taskRoleArn",           NULL,       "the containers get no AWS credentials"),
    IGNORED( "executionRoleArn",      NULL,       "pulls and logs use the instance's own access"),
    INSIDE(  "placementConstraints",  NULL, kind_members_placement_constraint),
    IGNORED( "requiresCompatibilities", "EC2",      "tasks run on the instances that davit knows"),
    HONOURED("pidMode",               NULL,       "HostConfig.PidMode"),
    HONOURED("ipcMode",               NULL,       "HostConfig.IpcMode"),
    REFUSED_INSIDE("proxyConfiguration", "traffic would go past the proxy: an engine does not route a container's traffic through another", proxy),
    IGNORES( "inferenceAccelerators", "the task gets no accelerator", kind_members_accelerator),
    IGNORES( "ephemeralStorage",      "the engine's disk is shared by its containers, and has the size that it has", kind_members_ephemeral_storage),
    INSIDE(  "runtimePlatform",       NULL, runtime_platform),
    INSIDE(  "requiresAttributes",    NULL, required_attribute),
    IGNORED( "enableFaultInjection",  "false",    "there are no fault injection endpoints"),
    OUTPUT(  "taskDefinitionArn"),
    OUTPUT(  "revision"),
    OUTPUT(  "status"),
    OUTPUT(  "compatibilities"),
    OUTPUT(  "registeredAt"),
    OUTPUT(  "deregisteredAt"),
    OUTPUT(  "deleteRequestedAt"),
    OUTPUT(  "registeredBy"),
    END};
/* clang-format on */
