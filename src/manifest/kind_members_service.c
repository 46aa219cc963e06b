/* The members of a service, see kind_members_table.h. */
#include "manifest/kind_members_table.h"

/* clang-format off */
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
    LIKEWISE_INSIDE("logConfiguration", kind_members_log_configuration),
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

static const struct kind_member ebs_volume[] = {
    LIKEWISE("encrypted"),
    LIKEWISE("kmsKeyId"),
    LIKEWISE("volumeType"),
    LIKEWISE("sizeInGiB"),
    LIKEWISE("snapshotId"),
    LIKEWISE("volumeInitializationRate"),
    LIKEWISE("iops"),
    LIKEWISE("throughput"),
    LIKEWISE_INSIDE("tagSpecifications", kind_members_ebs_tags),
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

static const struct kind_member davit_service[] = {
    INSIDE(  "changeWindows",         NULL, kind_members_change_window),
    HONOURED("crashLoop",             "fail",     NULL),
    INSIDE(  "dependsOn",             NULL, service_dependency),
    HONOURED("forceNewDeployment",    NULL,       NULL),
    HONOURED("minimumHealthySeconds", NULL,       NULL),
    HONOURED("preDeploy",             NULL,       NULL),
    HONOURED("prune",                 "enabled",  NULL),
    HONOURED("suspend",               "false",    NULL),
    END};

const struct kind_member kind_members_service[] = {
    META(    "$schema"),
    META(    "kind"),
    INSIDE(  "davit",                 NULL, davit_service),
    META_INSIDE("tags", kind_members_tag),
    REFUSED( "forceNewDeployment",    NULL,       "it is an order and no state: give davit.forceNewDeployment another value, or run davit redeploy CLUSTER/SERVICE"),
    HONOURED("cluster",               "default",  NULL),
    HONOURED("serviceName",           NULL,       NULL),
    HONOURED("taskDefinition",        NULL,       NULL),
    HONOURED("desiredCount",          NULL,       NULL),
    INSIDE(  "deploymentConfiguration", NULL, deployment_configuration),
    HONOURED("healthCheckGracePeriodSeconds", "0",        NULL),
    HONOURED("schedulingStrategy",    "REPLICA",  NULL),
    INSIDE(  "deploymentController",  NULL, deployment_controller),
    IGNORED( "launchType",            "EC2",      "tasks run on the instances that davit knows; but whatever it says, the cluster's default capacity provider strategy does not count beside it (ECS)"),
    HONOURED("availabilityZoneRebalancing", NULL, NULL),
    IGNORES( "loadBalancers",         "tasks are not added to a load balancer", load_balancer),
    IGNORES( "serviceRegistries",     "tasks are not added to service discovery", service_registry),
    META(    "clientToken"),
    {"capacityProviderStrategy", KIND_PARTLY, NULL, NULL, "where davit.containerInstances of the cluster name their capacityProvider, and not of a DAEMON; else tasks run on all instances that davit knows", NULL, kind_members_capacity_provider_strategy},
    IGNORED( "platformVersion",       "LATEST",   "there is no Fargate platform"),
    IGNORED( "role",                  NULL,       "tasks are not added to a load balancer"),
    INSIDE(  "placementConstraints",  NULL, kind_members_placement_constraint),
    INSIDE(  "placementStrategy",     NULL, kind_members_placement_strategy),
    INSIDE(  "networkConfiguration",  NULL, kind_members_network_configuration),
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
/* clang-format on */
