/* The tables of kind_members.h. "has no effect yet: " stands before a reason of an ignored member. */
#include "manifest/kind_members.h"

/* clang-format off */
#define HONOURED(name)                        {name, KIND_HONOURED, NULL, NULL, NULL, NULL}
#define USUAL(name, usual)                    {name, KIND_HONOURED, usual, NULL, NULL, NULL}
#define REFUSES(name, usual, refused, reason) {name, KIND_HONOURED, usual, refused, reason, NULL}
#define INSIDE(name, inside)                  {name, KIND_HONOURED, NULL, NULL, NULL, inside}
#define IGNORED(name, usual, reason)          {name, KIND_IGNORED, usual, NULL, reason, NULL}
#define OUTPUT(name)                          {name, KIND_OUTPUT, NULL, NULL, NULL, NULL}
#define META(name)                            {name, KIND_META, NULL, NULL, NULL, NULL}
#define END                                   {NULL, KIND_HONOURED, NULL, NULL, NULL, NULL}

static const struct kind_member port_mapping[] = {
    HONOURED("containerPort"),
    USUAL("hostPort", "0"),
    USUAL("protocol", "tcp"),
    IGNORED("name", NULL, "Service Connect is not there to use it"),
    IGNORED("appProtocol", NULL, "Service Connect is not there to use it"),
    IGNORED("containerPortRange", NULL, "the ports of the range are not published"),
    END};

static const struct kind_member mount_point[] = {
    HONOURED("sourceVolume"),
    HONOURED("containerPath"),
    USUAL("readOnly", "false"),
    END};

static const struct kind_member health_check[] = {
    HONOURED("command"),
    USUAL("interval", "30"),
    USUAL("timeout", "5"),
    USUAL("retries", "3"),
    USUAL("startPeriod", "0"),
    END};

static const struct kind_member log_configuration[] = {
    HONOURED("logDriver"),
    HONOURED("options"),
    IGNORED("secretOptions", NULL, "the log driver starts without these options"),
    END};

static const struct kind_member restart_policy[] = {
    USUAL("enabled", "false"),
    HONOURED("ignoredExitCodes"),
    USUAL("restartAttemptPeriod", "300"),
    END};

static const struct kind_member container[] = {
    HONOURED("name"),
    HONOURED("image"),
    USUAL("cpu", "0"),
    HONOURED("memory"),
    HONOURED("memoryReservation"),
    INSIDE("portMappings", port_mapping),
    USUAL("essential", "true"),
    HONOURED("entryPoint"),
    HONOURED("command"),
    HONOURED("environment"),
    INSIDE("mountPoints", mount_point),
    HONOURED("dependsOn"),
    HONOURED("startTimeout"),
    USUAL("stopTimeout", "30"),
    HONOURED("user"),
    HONOURED("workingDirectory"),
    USUAL("privileged", "false"),
    USUAL("readonlyRootFilesystem", "false"),
    HONOURED("dockerLabels"),
    HONOURED("ulimits"),
    INSIDE("logConfiguration", log_configuration),
    INSIDE("healthCheck", health_check),
    IGNORED("repositoryCredentials", NULL, "the image is pulled without this login"),
    IGNORED("links", NULL, "the container does not get these names and variables"),
    INSIDE("restartPolicy", restart_policy),
    IGNORED("environmentFiles", NULL, "the container starts without these variables"),
    IGNORED("volumesFrom", NULL, "the container starts without these volumes"),
    IGNORED("linuxParameters", NULL, "capabilities, devices, init, tmpfs and swap stay as the engine has them"),
    IGNORED("secrets", NULL, "the container starts without these variables"),
    IGNORED("versionConsistency", "disabled", "the tag is resolved by each instance for itself"),
    IGNORED("hostname", NULL, "the engine chooses the host name"),
    IGNORED("disableNetworking", "false", "the container keeps its network"),
    IGNORED("dnsServers", NULL, "the container asks the engine's DNS servers"),
    IGNORED("dnsSearchDomains", NULL, "the container searches the engine's domains"),
    IGNORED("extraHosts", NULL, "these names are not added to /etc/hosts"),
    IGNORED("dockerSecurityOptions", NULL, "the engine's own security options hold"),
    IGNORED("interactive", "false", "standard input stays closed"),
    IGNORED("pseudoTerminal", "false", "the container gets no terminal"),
    IGNORED("systemControls", NULL, "these kernel parameters are not set"),
    IGNORED("resourceRequirements", NULL, "the container gets no GPU or other device"),
    IGNORED("firelensConfiguration", NULL, "the container is no log router"),
    IGNORED("credentialSpecs", NULL, "the container gets no gMSA credentials"),
    END};

static const struct kind_member docker_volume[] = {
    USUAL("scope", "task"),
    USUAL("autoprovision", "false"),
    USUAL("driver", "local"),
    HONOURED("driverOpts"),
    HONOURED("labels"),
    END};

static const struct kind_member host_volume[] = {
    HONOURED("sourcePath"),
    END};

static const struct kind_member volume[] = {
    HONOURED("name"),
    INSIDE("host", host_volume),
    INSIDE("dockerVolumeConfiguration", docker_volume),
    IGNORED("efsVolumeConfiguration", NULL, "the volume is an empty one of the task"),
    IGNORED("s3filesVolumeConfiguration", NULL, "the volume is an empty one of the task"),
    IGNORED("fsxWindowsFileServerVolumeConfiguration", NULL, "the volume is an empty one of the task"),
    IGNORED("configuredAtLaunch", "false", "the volume is an empty one of the task"),
    END};

static const struct kind_member runtime_platform[] = {
    IGNORED("cpuArchitecture", NULL, "the engine takes the image's own platform"),
    IGNORED("operatingSystemFamily", "LINUX", "the engine takes the image's own platform"),
    END};

static const struct kind_member task_definition[] = {
    META("$schema"),
    META("kind"),
    META("davit"),
    META("tags"),
    HONOURED("family"),
    INSIDE("containerDefinitions", container),
    INSIDE("volumes", volume),
    USUAL("networkMode", "bridge"),
    HONOURED("cpu"),
    HONOURED("memory"),
    IGNORED("taskRoleArn", NULL, "the containers get no AWS credentials"),
    IGNORED("executionRoleArn", NULL, "pulls and logs use the instance's own access"),
    IGNORED("placementConstraints", NULL, "tasks may run on every instance"),
    IGNORED("requiresCompatibilities", "EC2", "tasks run on the instances that davit knows"),
    HONOURED("pidMode"),
    HONOURED("ipcMode"),
    IGNORED("proxyConfiguration", NULL, "traffic goes past the proxy"),
    IGNORED("inferenceAccelerators", NULL, "the task gets no accelerator"),
    IGNORED("ephemeralStorage", NULL, "the engine's own storage holds"),
    INSIDE("runtimePlatform", runtime_platform),
    IGNORED("enableFaultInjection", "false", "there are no fault injection endpoints"),
    OUTPUT("taskDefinitionArn"),
    OUTPUT("revision"),
    OUTPUT("status"),
    OUTPUT("requiresAttributes"),
    OUTPUT("compatibilities"),
    OUTPUT("registeredAt"),
    OUTPUT("deregisteredAt"),
    OUTPUT("deleteRequestedAt"),
    OUTPUT("registeredBy"),
    END};

static const struct kind_member circuit_breaker[] = {
    IGNORED("enable", "false", "davit's own rule says when a deployment has failed"),
    IGNORED("rollback", "false", "a deployment that failed is not rolled back"),
    IGNORED("resetOnHealthyTask", NULL, "davit's own rule says when a deployment has failed"),
    IGNORED("thresholdConfiguration", NULL, "davit's own rule says when a deployment has failed"),
    END};

static const struct kind_member alarms[] = {
    IGNORED("alarmNames", NULL, "alarms do not stop a deployment"),
    IGNORED("rollback", "false", "alarms do not stop a deployment"),
    IGNORED("enable", "false", "alarms do not stop a deployment"),
    END};

static const struct kind_member deployment_configuration[] = {
    USUAL("minimumHealthyPercent", "100"),
    USUAL("maximumPercent", "200"),
    INSIDE("deploymentCircuitBreaker", circuit_breaker),
    INSIDE("alarms", alarms),
    IGNORED("strategy", "ROLLING", "davit rolls the update"),
    IGNORED("bakeTimeInMinutes", "0", "the deployment ends when its tasks are healthy"),
    IGNORED("lifecycleHooks", NULL, "no hook is called"),
    IGNORED("linearConfiguration", NULL, "davit rolls the update"),
    IGNORED("canaryConfiguration", NULL, "davit rolls the update"),
    END};

static const struct kind_member deployment_controller[] = {
    IGNORED("type", "ECS", "davit rolls the update itself"),
    END};

static const struct kind_member service_connect[] = {
    IGNORED("enabled", "false", "tasks do not join Service Connect"),
    OUTPUT("namespace"), /* these say nothing unless it is enabled */
    OUTPUT("services"),
    OUTPUT("logConfiguration"),
    OUTPUT("accessLogConfiguration"),
    END};

static const struct kind_member awsvpc_configuration[] = {
    IGNORED("subnets", NULL, "tasks get their addresses from the network that davit makes for their cluster on each instance"),
    IGNORED("securityGroups", NULL, "nothing filters the traffic between tasks"),
    IGNORED("assignPublicIp", "DISABLED", "an address of a task is reached from its instance and no farther"),
    END};

static const struct kind_member network_configuration[] = {
    INSIDE("awsvpcConfiguration", awsvpc_configuration),
    END};

static const struct kind_member service[] = {
    META("$schema"),
    META("kind"),
    HONOURED("davit"),
    META("tags"),
    HONOURED("cluster"),
    HONOURED("serviceName"),
    HONOURED("taskDefinition"),
    HONOURED("desiredCount"),
    INSIDE("deploymentConfiguration", deployment_configuration),
    USUAL("healthCheckGracePeriodSeconds", "0"),
    REFUSES("schedulingStrategy", "REPLICA", "DAEMON",
            "davit cannot yet run one task on every instance; REPLICA keeps desiredCount tasks"),
    INSIDE("deploymentController", deployment_controller),
    IGNORED("launchType", "EC2", "tasks run on the instances that davit knows"),
    IGNORED("availabilityZoneRebalancing", "DISABLED", "running tasks are not moved"),
    IGNORED("loadBalancers", NULL, "tasks are not added to a load balancer"),
    IGNORED("serviceRegistries", NULL, "tasks are not added to service discovery"),
    META("clientToken"),
    IGNORED("capacityProviderStrategy", NULL, "tasks run on the instances that davit knows"),
    IGNORED("platformVersion", "LATEST", "there is no Fargate platform"),
    IGNORED("role", NULL, "tasks are not added to a load balancer"),
    IGNORED("placementConstraints", NULL, "tasks may run on every instance"),
    IGNORED("placementStrategy", NULL, "davit spreads tasks over the instances"),
    INSIDE("networkConfiguration", network_configuration),
    IGNORED("enableECSManagedTags", "false", "tasks get no tags"),
    IGNORED("propagateTags", "NONE", "tasks get no tags"),
    IGNORED("enableExecuteCommand", "false", "there is no ECS Exec"),
    INSIDE("serviceConnectConfiguration", service_connect),
    IGNORED("volumeConfigurations", NULL, "no EBS volume is made"),
    IGNORED("vpcLatticeConfigurations", NULL, "tasks are not added to VPC Lattice"),
    IGNORED("monitoring", NULL, "no CloudWatch metrics are written"),
    OUTPUT("serviceArn"),
    HONOURED("clusterArn"), /* the cluster, where `cluster` is absent */
    OUTPUT("status"),
    OUTPUT("runningCount"),
    OUTPUT("pendingCount"),
    OUTPUT("platformFamily"),
    OUTPUT("taskSets"),
    OUTPUT("deployments"),
    OUTPUT("roleArn"),
    OUTPUT("events"),
    OUTPUT("createdAt"),
    OUTPUT("currentServiceDeployment"),
    OUTPUT("currentServiceRevisions"),
    OUTPUT("createdBy"),
    OUTPUT("resourceManagementType"),
    END};

static const struct kind_member cluster[] = {
    META("$schema"),
    META("kind"),
    META("davit"),
    META("tags"),
    HONOURED("clusterName"),
    IGNORED("settings", NULL, "there is no Container Insights"),
    IGNORED("configuration", NULL, "there is no ECS Exec and no managed storage"),
    IGNORED("capacityProviders", NULL, "tasks run on the instances that davit knows"),
    IGNORED("defaultCapacityProviderStrategy", NULL, "tasks run on the instances that davit knows"),
    IGNORED("serviceConnectDefaults", NULL, "services do not join Service Connect"),
    OUTPUT("clusterArn"),
    OUTPUT("status"),
    OUTPUT("registeredContainerInstancesCount"),
    OUTPUT("runningTasksCount"),
    OUTPUT("pendingTasksCount"),
    OUTPUT("activeServicesCount"),
    OUTPUT("statistics"),
    OUTPUT("attachments"),
    OUTPUT("attachmentsStatus"),
    END};
/* clang-format on */

const struct kind_member *kind_members(enum kind kind)
{
    static const struct kind_member *const tables[KIND_COUNT] = {cluster, service, task_definition};
    return tables[kind];
}
