/* The tables of kind_members.h. "has no effect yet: " stands before a reason of an ignored member, "is not
 * supported yet: " before that of a refused one. The last column of what has an effect is the Docker field.
 */
#include "manifest/kind_members.h"

#include <assert.h>

/* clang-format off */
/* Done as ECS does it. */
#define HONOURED(name, usual, docker)                 {name, KIND_HONOURED, usual, NULL, NULL, docker, NULL}
/* Done as far as the reason says; no warning. */
#define PARTLY(name, usual, reason, docker)           {name, KIND_PARTLY, usual, NULL, reason, docker, NULL}
/* Done, but for the values that are refused (with spaces between them). */
#define REFUSES(name, usual, values, reason, docker)  {name, KIND_PARTLY, usual, values, reason, docker, NULL}
/* What the members of the object are, or of each object in the list. */
#define INSIDE(name, docker, inside)                  {name, KIND_HONOURED, NULL, NULL, NULL, docker, inside}
/* Accepted with a warning. */
#define IGNORED(name, usual, reason)                  {name, KIND_IGNORED, usual, NULL, reason, NULL, NULL}
/* Likewise as a whole: nothing is said of what is inside. */
#define IGNORES(name, reason, inside)                 {name, KIND_IGNORED, NULL, NULL, reason, NULL, inside}
/* An error. */
#define REFUSED(name, usual, reason)                  {name, KIND_REFUSED, usual, NULL, reason, NULL, NULL}
#define REFUSED_INSIDE(name, reason, inside)          {name, KIND_REFUSED, NULL, NULL, reason, NULL, inside}
/* No effect, and the object or a neighbour says so. */
#define LIKEWISE(name)                                {name, KIND_LIKEWISE, NULL, NULL, NULL, NULL, NULL}
#define LIKEWISE_INSIDE(name, inside)                 {name, KIND_LIKEWISE, NULL, NULL, NULL, NULL, inside}
/* Printed by describe-*, register-* and create-*; not read. */
#define OUTPUT(name)                                  {name, KIND_OUTPUT, NULL, NULL, NULL, NULL, NULL}
/* About the document. */
#define META(name)                                    {name, KIND_META, NULL, NULL, NULL, NULL, NULL}
#define META_INSIDE(name, inside)                     {name, KIND_META, NULL, NULL, NULL, NULL, inside}
#define END                                           {NULL, KIND_HONOURED, NULL, NULL, NULL, NULL, NULL}

static const struct kind_member tag[] = {
    META(    "key"),
    META(    "value"),
    END};

static const struct kind_member secret[] = {
    HONOURED("name",                  NULL,       NULL),
    HONOURED("valueFrom",             NULL,       NULL),
    END};

static const struct kind_member variable[] = {
    HONOURED("name",                  NULL,       NULL),
    HONOURED("value",                 NULL,       NULL),
    END};

static const struct kind_member environment_file[] = {
    PARTLY(  "value",                 NULL,       "a path of the repository; what an ARN of S3 names is not read", NULL),
    HONOURED("type",                  NULL,       NULL),
    END};

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

static const struct kind_member log_configuration[] = {
    PARTLY(  "logDriver",             NULL,       "an engine may lack the driver, and none has awsfirelens: logDrivers in davit's configuration names another", "HostConfig.LogConfig.Type"),
    PARTLY(  "options",               NULL,       "those of a driver that gives way to another are dropped, but for what all drivers have", "HostConfig.LogConfig.Config"),
    INSIDE(  "secretOptions",         "HostConfig.LogConfig.Config", secret),
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

static const struct kind_member resource_requirement[] = {
    PARTLY(  "value",                 NULL,       "a GPU is not set aside: the engine may give it to two containers", NULL),
    PARTLY(  "type",                  NULL,       "GPU; of the others a warning says that there are none", NULL),
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

static const struct kind_member container_davit[] = {
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
    INSIDE(  "environment",           "Config.Env", variable),
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
    INSIDE(  "logConfiguration",      "HostConfig.LogConfig", log_configuration),
    INSIDE(  "healthCheck",           "Config.Healthcheck", health_check),
    INSIDE(  "repositoryCredentials", NULL, repository_credentials),
    INSIDE(  "davit",                 NULL, container_davit),
    HONOURED("links",                  NULL,       "HostConfig.Links"),
    INSIDE(  "restartPolicy",         NULL, restart_policy),
    INSIDE(  "environmentFiles",      "Config.Env", environment_file),
    INSIDE(  "volumesFrom",           "HostConfig.VolumesFrom", volume_from),
    INSIDE(  "linuxParameters",       NULL, linux_parameters),
    INSIDE(  "secrets",               "Config.Env", secret),
    IGNORED( "versionConsistency",    "disabled", "the tag is resolved by each instance for itself"),
    HONOURED("hostname",               NULL,       "Config.Hostname"),
    HONOURED("disableNetworking",      "false",    "Config.NetworkDisabled"),
    HONOURED("dnsServers",             NULL,       "HostConfig.Dns"),
    HONOURED("dnsSearchDomains",       NULL,       "HostConfig.DnsSearch"),
    INSIDE(  "extraHosts",            "HostConfig.ExtraHosts", host_entry),
    HONOURED("dockerSecurityOptions",  NULL,       "HostConfig.SecurityOpt"),
    HONOURED("interactive",            "false",    "Config.OpenStdin"),
    HONOURED("pseudoTerminal",         "false",    "Config.Tty"),
    INSIDE(  "systemControls",        "HostConfig.Sysctls", system_control),
    INSIDE(  "resourceRequirements",  "HostConfig.DeviceRequests", resource_requirement),
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

static const struct kind_member placement_constraint[] = {
    HONOURED("type",                  NULL,       NULL),
    PARTLY(  "expression",            NULL,       "ec2InstanceId is the instance's name; there is no agentVersion and no registeredAt", NULL),
    END};

/* Of the kinds that nothing is run of. */
static const struct kind_member unused_constraint[] = {
    LIKEWISE("type"),
    LIKEWISE("expression"),
    END};

static const struct kind_member proxy[] = {
    LIKEWISE("type"),
    LIKEWISE("containerName"),
    LIKEWISE_INSIDE("properties", variable),
    END};

static const struct kind_member accelerator[] = {
    LIKEWISE("deviceName"),
    LIKEWISE("deviceType"),
    END};

static const struct kind_member ephemeral_storage[] = {
    LIKEWISE("sizeInGiB"),
    END};

static const struct kind_member task_definition[] = {
    META(    "$schema"),
    META(    "kind"),
    META(    "davit"),
    META_INSIDE("tags", tag),
    HONOURED("family",                NULL,       NULL),
    INSIDE(  "containerDefinitions",  NULL, container),
    INSIDE(  "volumes",               NULL, volume),
    HONOURED("networkMode",           "bridge",   "HostConfig.NetworkMode"),
    PARTLY(  "cpu",                   NULL,       "placement sets it aside, and each container is held to it; together they may use more", "HostConfig.CpuQuota"),
    PARTLY(  "memory",                NULL,       "placement sets it aside, and each container without a limit of its own is held to it; together they may use more", "HostConfig.Memory"),
    IGNORED( "taskRoleArn",           NULL,       "the containers get no AWS credentials"),
    IGNORED( "executionRoleArn",      NULL,       "pulls and logs use the instance's own access"),
    INSIDE(  "placementConstraints",  NULL, placement_constraint),
    IGNORED( "requiresCompatibilities", "EC2",      "tasks run on the instances that davit knows"),
    HONOURED("pidMode",               NULL,       "HostConfig.PidMode"),
    HONOURED("ipcMode",               NULL,       "HostConfig.IpcMode"),
    REFUSED_INSIDE("proxyConfiguration", "traffic would go past the proxy: an engine does not route a container's traffic through another", proxy),
    IGNORES( "inferenceAccelerators", "the task gets no accelerator", accelerator),
    IGNORES( "ephemeralStorage",      "the engine's disk is shared by its containers, and has the size that it has", ephemeral_storage),
    INSIDE(  "runtimePlatform",       NULL, runtime_platform),
    IGNORED( "enableFaultInjection",  "false",    "there are no fault injection endpoints"),
    OUTPUT(  "taskDefinitionArn"),
    OUTPUT(  "revision"),
    OUTPUT(  "status"),
    OUTPUT(  "requiresAttributes"),
    OUTPUT(  "compatibilities"),
    OUTPUT(  "registeredAt"),
    OUTPUT(  "deregisteredAt"),
    OUTPUT(  "deleteRequestedAt"),
    OUTPUT(  "registeredBy"),
    END};

static const struct kind_member threshold[] = {
    HONOURED("type",                  "BOUNDED_PERCENT", NULL),
    HONOURED("value",                 "50",       NULL),
    END};

static const struct kind_member circuit_breaker[] = {
    PARTLY(  "enable",                "true",     "of a service without a circuit breaker what fails is contained as well: false turns it off", NULL),
    HONOURED("rollback",              "false",    NULL),
    HONOURED("resetOnHealthyTask",    "true",     NULL),
    INSIDE(  "thresholdConfiguration", NULL, threshold),
    END};

static const struct kind_member alarms[] = {
    IGNORED( "alarmNames",            NULL,       "alarms do not stop a deployment"),
    IGNORED( "rollback",              "false",    "alarms do not stop a deployment"),
    IGNORED( "enable",                "false",    "alarms do not stop a deployment"),
    END};

static const struct kind_member hook_timeout[] = {
    LIKEWISE("timeoutInMinutes"),
    LIKEWISE("action"),
    END};

static const struct kind_member lifecycle_hook[] = {
    LIKEWISE("targetType"),
    LIKEWISE("hookTargetArn"),
    LIKEWISE("roleArn"),
    LIKEWISE("lifecycleStages"),
    LIKEWISE("hookDetails"),
    LIKEWISE_INSIDE("timeoutConfiguration", hook_timeout),
    END};

static const struct kind_member linear[] = {
    LIKEWISE("stepPercent"),
    LIKEWISE("stepBakeTimeInMinutes"),
    END};

static const struct kind_member canary[] = {
    LIKEWISE("canaryPercent"),
    LIKEWISE("canaryBakeTimeInMinutes"),
    END};

static const struct kind_member deployment_configuration[] = {
    HONOURED("minimumHealthyPercent", "100",      NULL),
    HONOURED("maximumPercent",        "200",      NULL),
    INSIDE(  "deploymentCircuitBreaker", NULL, circuit_breaker),
    INSIDE(  "alarms",                NULL, alarms),
    IGNORED( "strategy",              "ROLLING",  "davit rolls the update"),
    IGNORED( "bakeTimeInMinutes",     "0",        "the deployment ends when its tasks are healthy"),
    IGNORES( "lifecycleHooks",        "no hook is called", lifecycle_hook),
    IGNORES( "linearConfiguration",   "davit rolls the update", linear),
    IGNORES( "canaryConfiguration",   "davit rolls the update", canary),
    END};

static const struct kind_member deployment_controller[] = {
    IGNORED( "type",                  "ECS",      "davit rolls the update itself"),
    END};

static const struct kind_member header_match[] = {
    LIKEWISE("exact"),
    END};

static const struct kind_member header_rules[] = {
    LIKEWISE("name"),
    LIKEWISE_INSIDE("value", header_match),
    END};

static const struct kind_member test_traffic[] = {
    LIKEWISE_INSIDE("header", header_rules),
    END};

static const struct kind_member client_alias[] = {
    LIKEWISE("port"),
    LIKEWISE("dnsName"),
    LIKEWISE_INSIDE("testTrafficRules", test_traffic),
    END};

static const struct kind_member connect_timeout[] = {
    LIKEWISE("idleTimeoutSeconds"),
    LIKEWISE("perRequestTimeoutSeconds"),
    END};

static const struct kind_member certificate_authority[] = {
    LIKEWISE("awsPcaAuthorityArn"),
    END};

static const struct kind_member connect_tls[] = {
    LIKEWISE_INSIDE("issuerCertificateAuthority", certificate_authority),
    LIKEWISE("kmsKey"),
    LIKEWISE("roleArn"),
    END};

static const struct kind_member connect_service[] = {
    LIKEWISE("portName"),
    LIKEWISE("discoveryName"),
    LIKEWISE_INSIDE("clientAliases", client_alias),
    LIKEWISE("ingressPortOverride"),
    LIKEWISE_INSIDE("timeout", connect_timeout),
    LIKEWISE_INSIDE("tls", connect_tls),
    END};

static const struct kind_member access_log[] = {
    LIKEWISE("format"),
    LIKEWISE("includeQueryParameters"),
    END};

static const struct kind_member service_connect[] = {
    IGNORED( "enabled",               "false",    "tasks do not join Service Connect"),
    LIKEWISE("namespace"),
    LIKEWISE_INSIDE("services", connect_service),
    LIKEWISE_INSIDE("logConfiguration", log_configuration),
    LIKEWISE_INSIDE("accessLogConfiguration", access_log),
    END};

static const struct kind_member load_balancer_advanced[] = {
    LIKEWISE("alternateTargetGroupArn"),
    LIKEWISE("productionListenerRule"),
    LIKEWISE("testListenerRule"),
    LIKEWISE("roleArn"),
    END};

static const struct kind_member load_balancer[] = {
    LIKEWISE("targetGroupArn"),
    LIKEWISE("loadBalancerName"),
    LIKEWISE("containerName"),
    LIKEWISE("containerPort"),
    LIKEWISE_INSIDE("advancedConfiguration", load_balancer_advanced),
    END};

static const struct kind_member service_registry[] = {
    LIKEWISE("registryArn"),
    LIKEWISE("port"),
    LIKEWISE("containerName"),
    LIKEWISE("containerPort"),
    END};

static const struct kind_member capacity_provider_strategy[] = {
    LIKEWISE("capacityProvider"),
    LIKEWISE("weight"),
    LIKEWISE("base"),
    END};

static const struct kind_member placement_strategy[] = {
    HONOURED("type",                  NULL,       NULL),
    HONOURED("field",                 NULL,       NULL),
    END};

/* Of the kinds that nothing is run of. */
static const struct kind_member unused_strategy[] = {
    LIKEWISE("type"),
    LIKEWISE("field"),
    END};

static const struct kind_member awsvpc[] = {
    IGNORED( "subnets",               NULL,       "tasks get their addresses from the network that davit makes for their cluster on each instance"),
    IGNORED( "securityGroups",        NULL,       "nothing filters the traffic between tasks"),
    IGNORED( "assignPublicIp",        "DISABLED", "an address of a task is reached from its instance and no farther"),
    END};

static const struct kind_member network_configuration[] = {
    INSIDE(  "awsvpcConfiguration",   NULL, awsvpc),
    END};

static const struct kind_member ebs_tags[] = {
    LIKEWISE("resourceType"),
    LIKEWISE_INSIDE("tags", tag),
    LIKEWISE("propagateTags"),
    END};

static const struct kind_member ebs_volume[] = {
    LIKEWISE("encrypted"),
    LIKEWISE("kmsKeyId"),
    LIKEWISE("volumeType"),
    LIKEWISE("sizeInGiB"),
    LIKEWISE("snapshotId"),
    LIKEWISE("volumeInitializationRate"),
    LIKEWISE("iops"),
    LIKEWISE("throughput"),
    LIKEWISE_INSIDE("tagSpecifications", ebs_tags),
    LIKEWISE("roleArn"),
    LIKEWISE("filesystemType"),
    END};

static const struct kind_member volume_configuration[] = {
    LIKEWISE("name"),
    LIKEWISE_INSIDE("managedEBSVolume", ebs_volume),
    END};

static const struct kind_member lattice[] = {
    LIKEWISE("roleArn"),
    LIKEWISE("targetGroupArn"),
    LIKEWISE("portName"),
    END};

static const struct kind_member metric[] = {
    LIKEWISE("metricNames"),
    LIKEWISE("resolutionSeconds"),
    END};

static const struct kind_member monitoring[] = {
    LIKEWISE_INSIDE("metricConfigurations", metric),
    END};

static const struct kind_member service_dependency[] = {
    HONOURED("service",               NULL,       NULL),
    HONOURED("condition",             "HEALTHY",  NULL),
    END};

static const struct kind_member change_window[] = {
    HONOURED("kind", NULL, NULL), HONOURED("schedule", NULL, NULL), HONOURED("durationMinutes", NULL, NULL),
    HONOURED("timezone", "UTC", NULL),
    END};

static const struct kind_member davit_service[] = {
    INSIDE(  "changeWindows",         NULL, change_window),
    HONOURED("crashLoop",             "fail",     NULL),
    INSIDE(  "dependsOn",             NULL, service_dependency),
    HONOURED("minimumHealthySeconds", NULL,       NULL),
    HONOURED("preDeploy",             NULL,       NULL),
    HONOURED("prune",                 "enabled",  NULL),
    HONOURED("suspend",               "false",    NULL),
    END};

static const struct kind_member service[] = {
    META(    "$schema"),
    META(    "kind"),
    INSIDE(  "davit",                 NULL, davit_service),
    META_INSIDE("tags", tag),
    HONOURED("cluster",               "default",  NULL),
    HONOURED("serviceName",           NULL,       NULL),
    HONOURED("taskDefinition",        NULL,       NULL),
    HONOURED("desiredCount",          NULL,       NULL),
    INSIDE(  "deploymentConfiguration", NULL, deployment_configuration),
    HONOURED("healthCheckGracePeriodSeconds", "0",        NULL),
    HONOURED("schedulingStrategy",    "REPLICA",  NULL),
    INSIDE(  "deploymentController",  NULL, deployment_controller),
    IGNORED( "launchType",            "EC2",      "tasks run on the instances that davit knows"),
    HONOURED("availabilityZoneRebalancing", NULL, NULL),
    IGNORES( "loadBalancers",         "tasks are not added to a load balancer", load_balancer),
    IGNORES( "serviceRegistries",     "tasks are not added to service discovery", service_registry),
    META(    "clientToken"),
    {"capacityProviderStrategy", KIND_PARTLY, NULL, NULL, "where davit.containerInstances of the cluster name their capacityProvider, and not of a DAEMON; else tasks run on all instances that davit knows", NULL, capacity_provider_strategy},
    IGNORED( "platformVersion",       "LATEST",   "there is no Fargate platform"),
    IGNORED( "role",                  NULL,       "tasks are not added to a load balancer"),
    INSIDE(  "placementConstraints",  NULL, placement_constraint),
    INSIDE(  "placementStrategy",     NULL, placement_strategy),
    INSIDE(  "networkConfiguration",  NULL, network_configuration),
    IGNORED( "enableECSManagedTags",  "false",    "tasks get no tags"),
    IGNORED( "propagateTags",         "NONE",     "tasks get no tags"),
    IGNORED( "enableExecuteCommand",  "false",    "there is no ECS Exec"),
    INSIDE(  "serviceConnectConfiguration", NULL, service_connect),
    IGNORES( "volumeConfigurations",  "no EBS volume is made", volume_configuration),
    IGNORES( "vpcLatticeConfigurations", "tasks are not added to VPC Lattice", lattice),
    IGNORES( "monitoring",            "no CloudWatch metrics are written", monitoring),
    OUTPUT(  "serviceArn"),
    HONOURED("clusterArn",            NULL,       NULL),
    OUTPUT(  "status"),
    OUTPUT(  "runningCount"), OUTPUT(  "pendingCount"),
    OUTPUT(  "platformFamily"),
    OUTPUT(  "taskSets"),
    OUTPUT(  "deployments"),
    OUTPUT(  "roleArn"),
    OUTPUT(  "events"),
    OUTPUT(  "createdAt"), OUTPUT(  "currentServiceDeployment"),
    OUTPUT(  "currentServiceRevisions"),
    OUTPUT(  "createdBy"),
    OUTPUT(  "resourceManagementType"),
    END};

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
    HONOURED("status",                "ACTIVE",   NULL),
    REFUSED( "endpoint",              NULL,       "it is in the daemon's configuration, so that whoever may commit cannot point its credentials at another host"),
    END};

static const struct kind_member davit_cluster[] = {
    INSIDE(  "changeWindows",         NULL, change_window),
    INSIDE(  "containerInstances",    NULL, container_instance),
    HONOURED("suspend",               "false",    NULL),
    END};

static const struct kind_member cluster[] = {
    META(    "$schema"),
    META(    "kind"),
    INSIDE(  "davit",                 NULL, davit_cluster),
    META_INSIDE("tags", tag),
    HONOURED("clusterName",           NULL,       NULL),
    IGNORES( "settings",              "there is no Container Insights", cluster_setting),
    INSIDE(  "configuration",         NULL, cluster_configuration),
    IGNORED( "capacityProviders",     NULL,       "tasks run on the instances that davit knows"),
    {"defaultCapacityProviderStrategy", KIND_PARTLY, NULL, NULL, "where davit.containerInstances of the cluster name their capacityProvider, and not of a DAEMON; else tasks run on all instances that davit knows", NULL, capacity_provider_strategy},
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

/* --- kinds that nothing is run of: the object says so, see kind_unused() ------------------------------- */

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

static const struct kind_member capacity_provider[] = {
    META("$schema"), META("kind"), META("davit"), META_INSIDE("tags", tag),
    LIKEWISE("name"), LIKEWISE("cluster"), LIKEWISE_INSIDE("autoScalingGroupProvider", auto_scaling_group),
    LIKEWISE_INSIDE("managedInstancesProvider", managed_instances),
    OUTPUT("capacityProviderArn"), OUTPUT("status"), OUTPUT("updateStatus"), OUTPUT("updateStatusReason"),
    OUTPUT("type"),
    END};

static const struct kind_member container_override[] = {
    LIKEWISE("name"), LIKEWISE("command"), LIKEWISE_INSIDE("environment", variable),
    LIKEWISE_INSIDE("environmentFiles", environment_file), LIKEWISE("cpu"), LIKEWISE("memory"),
    LIKEWISE("memoryReservation"), LIKEWISE_INSIDE("resourceRequirements", resource_requirement),
    END};

static const struct kind_member task_override[] = {
    LIKEWISE_INSIDE("containerOverrides", container_override), LIKEWISE("cpu"),
    LIKEWISE_INSIDE("inferenceAcceleratorOverrides", accelerator), LIKEWISE("executionRoleArn"),
    LIKEWISE("memory"), LIKEWISE("taskRoleArn"), LIKEWISE_INSIDE("ephemeralStorage", ephemeral_storage),
    END};

static const struct kind_member termination_policy[] = {
    LIKEWISE("deleteOnTermination"),
    END};

static const struct kind_member task_ebs_volume[] = {
    LIKEWISE("encrypted"), LIKEWISE("kmsKeyId"), LIKEWISE("volumeType"), LIKEWISE("sizeInGiB"),
    LIKEWISE("snapshotId"), LIKEWISE("volumeInitializationRate"), LIKEWISE("iops"), LIKEWISE("throughput"),
    LIKEWISE_INSIDE("tagSpecifications", ebs_tags), LIKEWISE("roleArn"),
    LIKEWISE_INSIDE("terminationPolicy", termination_policy), LIKEWISE("filesystemType"),
    END};

static const struct kind_member task_volume_configuration[] = {
    LIKEWISE("name"), LIKEWISE_INSIDE("managedEBSVolume", task_ebs_volume),
    END};

static const struct kind_member run_task[] = {
    META("$schema"), META("kind"), META("davit"), META_INSIDE("tags", tag), META("clientToken"),
    LIKEWISE_INSIDE("capacityProviderStrategy", capacity_provider_strategy), LIKEWISE("cluster"),
    LIKEWISE("count"), LIKEWISE("enableECSManagedTags"), LIKEWISE("enableExecuteCommand"),
    LIKEWISE("group"), LIKEWISE("launchType"),
    LIKEWISE_INSIDE("networkConfiguration", network_configuration),
    LIKEWISE_INSIDE("overrides", task_override),
    LIKEWISE_INSIDE("placementConstraints", unused_constraint),
    LIKEWISE_INSIDE("placementStrategy", unused_strategy), LIKEWISE("platformVersion"),
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
    IGNORED( "LaunchType",            "EC2",      "tasks run on the instances that davit knows"),
    IGNORES( "NetworkConfiguration",  "tasks get their addresses from the network that davit makes for their cluster on each instance", schedule_network),
    IGNORED( "PlatformVersion",       "LATEST",   "there is no Fargate platform"),
    IGNORES( "CapacityProviderStrategy", "tasks run on the instances that davit knows", capacity_provider_strategy),
    IGNORED( "EnableECSManagedTags",  "false",    "tasks get no tags"),
    IGNORED( "EnableExecuteCommand",  "false",    "there is no ECS Exec"),
    INSIDE("PlacementConstraints", NULL, placement_constraint), INSIDE("PlacementStrategy", NULL, placement_strategy),
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

static const struct kind_member aws_tag[] = {
    LIKEWISE("Key"), LIKEWISE("Value"),
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

static const struct kind_member scheduled_task[] = {
    META("$schema"), META("kind"), META_INSIDE("Tags", aws_tag), META("ClientToken"), META("Description"),
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

static const struct kind_member matcher[] = {
    LIKEWISE("HttpCode"), LIKEWISE("GrpcCode"),
    END};

static const struct kind_member attribute[] = {
    LIKEWISE("Key"), LIKEWISE("Value"),
    END};

static const struct kind_member target_group[] = {
    META("$schema"), META("kind"), META("davit"), META_INSIDE("Tags", aws_tag),
    LIKEWISE("Name"), LIKEWISE("Protocol"), LIKEWISE("ProtocolVersion"), LIKEWISE("Port"),
    LIKEWISE("VpcId"), LIKEWISE("TargetType"), LIKEWISE("IpAddressType"), LIKEWISE("HealthCheckEnabled"),
    LIKEWISE("HealthCheckProtocol"), LIKEWISE("HealthCheckPort"), LIKEWISE("HealthCheckPath"),
    LIKEWISE("HealthCheckIntervalSeconds"), LIKEWISE("HealthCheckTimeoutSeconds"),
    LIKEWISE("HealthyThresholdCount"), LIKEWISE("UnhealthyThresholdCount"),
    LIKEWISE_INSIDE("Matcher", matcher), LIKEWISE("TargetControlPort"),
    LIKEWISE_INSIDE("Attributes", attribute), LIKEWISE("TargetGroupName"),
    OUTPUT("TargetGroupArn"), OUTPUT("LoadBalancerArns"),
    END};

static const struct kind_member certificate[] = {
    LIKEWISE("CertificateArn"), LIKEWISE("IsDefault"),
    END};

static const struct kind_member target_group_tuple[] = {
    LIKEWISE("TargetGroupArn"), LIKEWISE("Weight"),
    END};

static const struct kind_member target_group_stickiness_config[] = {
    LIKEWISE("Enabled"), LIKEWISE("DurationSeconds"),
    END};

static const struct kind_member forward_config[] = {
    LIKEWISE_INSIDE("TargetGroups", target_group_tuple),
    LIKEWISE_INSIDE("TargetGroupStickinessConfig", target_group_stickiness_config),
    END};

static const struct kind_member redirect_config[] = {
    LIKEWISE("Protocol"), LIKEWISE("Port"), LIKEWISE("Host"), LIKEWISE("Path"), LIKEWISE("Query"),
    LIKEWISE("StatusCode"),
    END};

static const struct kind_member fixed_response_config[] = {
    LIKEWISE("MessageBody"), LIKEWISE("StatusCode"), LIKEWISE("ContentType"),
    END};

static const struct kind_member authenticate_oidc_config[] = {
    LIKEWISE("Issuer"), LIKEWISE("AuthorizationEndpoint"), LIKEWISE("TokenEndpoint"),
    LIKEWISE("UserInfoEndpoint"), LIKEWISE("ClientId"), LIKEWISE("ClientSecret"),
    LIKEWISE("UseExistingClientSecret"), LIKEWISE("SessionCookieName"), LIKEWISE("Scope"),
    LIKEWISE("SessionTimeout"), LIKEWISE("AuthenticationRequestExtraParams"),
    LIKEWISE("OnUnauthenticatedRequest"),
    END};

static const struct kind_member authenticate_cognito_config[] = {
    LIKEWISE("UserPoolArn"), LIKEWISE("UserPoolClientId"), LIKEWISE("UserPoolDomain"),
    LIKEWISE("SessionCookieName"), LIKEWISE("Scope"), LIKEWISE("SessionTimeout"),
    LIKEWISE("AuthenticationRequestExtraParams"), LIKEWISE("OnUnauthenticatedRequest"),
    END};

static const struct kind_member jwt_claim[] = {
    LIKEWISE("Name"), LIKEWISE("Format"), LIKEWISE("Values"),
    END};

static const struct kind_member jwt_validation_config[] = {
    LIKEWISE("JwksEndpoint"), LIKEWISE("Issuer"), LIKEWISE_INSIDE("AdditionalClaims", jwt_claim),
    END};

static const struct kind_member action[] = {
    LIKEWISE("Type"), LIKEWISE("Order"), LIKEWISE("TargetGroupArn"),
    LIKEWISE_INSIDE("ForwardConfig", forward_config), LIKEWISE_INSIDE("RedirectConfig", redirect_config),
    LIKEWISE_INSIDE("FixedResponseConfig", fixed_response_config),
    LIKEWISE_INSIDE("AuthenticateOidcConfig", authenticate_oidc_config),
    LIKEWISE_INSIDE("AuthenticateCognitoConfig", authenticate_cognito_config),
    LIKEWISE_INSIDE("JwtValidationConfig", jwt_validation_config),
    END};

static const struct kind_member mutual_authentication[] = {
    LIKEWISE("Mode"), LIKEWISE("TrustStoreArn"), LIKEWISE("IgnoreClientCertificateExpiry"),
    LIKEWISE("TrustStoreAssociationStatus"), LIKEWISE("AdvertiseTrustStoreCaNames"),
    END};

static const struct kind_member listener[] = {
    META("$schema"), META("kind"), META("davit"), META_INSIDE("Tags", aws_tag),
    LIKEWISE("LoadBalancerArn"), LIKEWISE("Protocol"), LIKEWISE("Port"), LIKEWISE("SslPolicy"),
    LIKEWISE_INSIDE("Certificates", certificate), LIKEWISE("AlpnPolicy"),
    LIKEWISE_INSIDE("DefaultActions", action),
    LIKEWISE_INSIDE("MutualAuthentication", mutual_authentication),
    OUTPUT("ListenerArn"),
    END};
/* clang-format on */

const struct kind_member *kind_members(enum kind kind)
{
    static const struct kind_member *const tables[KIND_COUNT] = {
        [KIND_CAPACITY_PROVIDER] = capacity_provider,
        [KIND_CLUSTER] = cluster,
        [KIND_LISTENER] = listener,
        [KIND_RUN_TASK] = run_task,
        [KIND_SCHEDULED_TASK] = scheduled_task,
        [KIND_SERVICE] = service,
        [KIND_TARGET_GROUP] = target_group,
        [KIND_TASK_DEFINITION] = task_definition,
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
