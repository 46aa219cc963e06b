/* What names of a template stand for: parameters, pseudo parameters, resources. */
#include "manifest/import_cfn.h"

#include "base/text.h"
#include "manifest/import_shape.h"
#include "model/json.h"

#include <string.h>

#define FOLLOW_MAX         32
#define TARGET_GROUP_CHARS 32

/* Resources that have a name when a template gives them one, and its member. */
static const struct {
    const char *type;
    const char *member;
    bool always; /* the logical id serves where there is none */
} named[] = {
    {"AWS::ECS::Cluster", "ClusterName", true},
    {"AWS::ECS::TaskDefinition", "Family", true},
    {"AWS::ECS::Service", "ServiceName", true},
    {"AWS::ECS::CapacityProvider", "Name", true},
    {"AWS::ElasticLoadBalancingV2::TargetGroup", "Name", true},
    {"AWS::Events::Rule", "Name", true},
    {"AWS::Scheduler::Schedule", "Name", true},
    {"AWS::Logs::LogGroup", "LogGroupName", false},
    {"AWS::IAM::Role", "RoleName", false},
    {"AWS::S3::Bucket", "BucketName", false},
    {"AWS::SQS::Queue", "QueueName", false},
    {"AWS::SNS::Topic", "TopicName", false},
    {"AWS::DynamoDB::Table", "TableName", false},
    {"AWS::ECR::Repository", "RepositoryName", false},
    {"AWS::SSM::Parameter", "Name", false},
    {"AWS::SecretsManager::Secret", "Name", false},
    {"AWS::ServiceDiscovery::PrivateDnsNamespace", "Name", false},
    {"AWS::ElasticLoadBalancingV2::LoadBalancer", "Name", false},
};

/* Attributes that follow from the name. */
static const struct {
    const char *type;
    const char *attribute;
    const char *before;
    const char *after;
} attributes[] = {
    {"AWS::ECS::Cluster", "Arn", "", ""},
    {"AWS::ECS::Service", "Name", "", ""},
    {"AWS::ECS::TaskDefinition", "TaskDefinitionArn", "", ""},
    {"AWS::ElasticLoadBalancingV2::TargetGroup", "TargetGroupArn", "", ""},
    {"AWS::ElasticLoadBalancingV2::TargetGroup", "TargetGroupName", "", ""},
    {"AWS::IAM::Role", "Arn", "arn:aws:iam::000000000000:role/", ""},
    {"AWS::S3::Bucket", "Arn", "arn:aws:s3:::", ""},
    {"AWS::S3::Bucket", "DomainName", "", ".s3.amazonaws.com"},
    {"AWS::SQS::Queue", "QueueName", "", ""},
    {"AWS::SQS::Queue", "Arn", "arn:aws:sqs:us-east-1:000000000000:", ""},
};

/* What the same template has wherever it is deployed, or what stands for it. */
static const struct {
    const char *name;
    const char *value;
} pseudo[] = {
    {"AWS::Region", "us-east-1"},
    {"AWS::AccountId", "000000000000"},
    {"AWS::Partition", "aws"},
    {"AWS::URLSuffix", "amazonaws.com"},
};

json_t *cfn_unknown(struct cfn *cfn, const char *name, const char *pointer, const char *why)
{
    cfn->unresolved++;
    if (!cfn->quiet)
        import_note(cfn->run, IMPORT_UNRESOLVED, pointer, "%.200s %s", name, why);
    json_t *value = json_sprintf("${%s}", name);
    return value ? value : json_string("${}");
}

/* --- parameters ----------------------------------------------------------------------------------------- */

static json_t *split_list(const char *text)
{
    json_t *list = json_array();
    char *copy CLEANUP_FREE = memory_strdup(text);
    for (char *item = copy; item;) {
        char *next = import_cut(item, ',');
        item += strspn(item, " ");
        json_array_append_new(list, json_string(item));
        item = next;
    }
    return list;
}

static json_t *parameter(struct cfn *cfn, const char *name, const json_t *definition, const char *pointer)
{
    const json_t *given = json_object_get(cfn->run->source->world->parameters, name);
    const char *type = model_string(definition, "Type");
    bool stored = type && text_starts_with(type, "AWS::SSM::Parameter::Value");
    const json_t *value = given ? given : stored ? NULL : json_object_get(definition, "Default");
    char *text CLEANUP_FREE = import_text(value);
    if (!value || json_is_object(value))
        return cfn_unknown(cfn, name, pointer, "is a parameter without value: give it by --parameters");
    bool list = type && (text_starts_with(type, "List<") || text_equal(type, "CommaDelimitedList"));
    if (list && text)
        return split_list(text);
    return text ? json_string(text) : json_deep_copy(value);
}

/* --- resources ------------------------------------------------------------------------------------------ */

static const json_t *resource_named(const struct cfn *cfn, const char *id)
{
    return json_object_get(json_object_get(cfn->root, "Resources"), id);
}

/* The name that the template gives; NULL without. */
static char *given_name(struct cfn *cfn, const json_t *resource, const char *member, const char *pointer)
{
    const json_t *properties = json_object_get(resource, "Properties");
    const char *key;
    json_t *value;
    char *name = NULL;
    json_object_foreach ((json_t *)(uintptr_t)properties, key, value) {
        if (strcasecmp(key, member) != 0 || name || cfn->following == FOLLOW_MAX)
            continue;
        cfn->following++;
        cfn->quiet++;
        json_t *resolved = cfn_resolve(cfn, value, pointer);
        cfn->quiet--;
        cfn->following--;
        name = import_text(resolved);
        json_decref(resolved);
    }
    return name;
}

char *cfn_resource_name(struct cfn *cfn, const char *id, const char *pointer)
{
    const json_t *resource = resource_named(cfn, id);
    const char *type = model_string(resource, "Type");
    for (size_t i = 0; i < ARRAY_LEN(named); i++) {
        if (!text_equal(type, named[i].type))
            continue;
        char *name CLEANUP_FREE = given_name(cfn, resource, named[i].member, pointer);
        bool known = name && name[0] && !strstr(name, "${");
        if (!named[i].always)
            return known ? TAKE(name) : NULL;
        char *plain = name && name[0] ? import_plain_name(name) : import_name(id);
        if (text_equal(type, "AWS::ElasticLoadBalancingV2::TargetGroup") &&
            strlen(plain) > TARGET_GROUP_CHARS)
            plain[TARGET_GROUP_CHARS] = '\0';
        return plain;
    }
    return NULL;
}

json_t *cfn_attribute(struct cfn *cfn, const char *id, const char *attribute, const char *pointer)
{
    const char *type = model_string(resource_named(cfn, id), "Type");
    char *whole CLEANUP_FREE = memory_printf("%s.%s", id, attribute);
    for (size_t i = 0; i < ARRAY_LEN(attributes); i++) {
        if (!text_equal(type, attributes[i].type) || !text_equal(attribute, attributes[i].attribute))
            continue;
        char *name CLEANUP_FREE = cfn_resource_name(cfn, id, pointer);
        if (name)
            return json_sprintf("%s%s%s", attributes[i].before, name, attributes[i].after);
    }
    return cfn_unknown(cfn, whole, pointer, "is known to AWS only");
}

static json_t *pseudo_parameter(struct cfn *cfn, const char *name, const char *pointer)
{
    const struct import_world *world = cfn->run->source->world;
    if (text_equal(name, "AWS::NoValue"))
        return NULL;
    if (text_equal(name, "AWS::StackName"))
        return json_string(world->project ? world->project : world->fallback ? world->fallback : "stack");
    for (size_t i = 0; i < ARRAY_LEN(pseudo); i++)
        if (text_equal(name, pseudo[i].name))
            return json_string(pseudo[i].value);
    return cfn_unknown(cfn, name, pointer, "is known to AWS only");
}

json_t *cfn_reference(struct cfn *cfn, const char *name, const char *pointer)
{
    const json_t *definition = json_object_get(json_object_get(cfn->root, "Parameters"), name);
    if (text_starts_with(name, "AWS::"))
        return pseudo_parameter(cfn, name, pointer);
    if (definition)
        return parameter(cfn, name, definition, pointer);
    char *known CLEANUP_FREE = cfn_resource_name(cfn, name, pointer);
    if (known)
        return json_string(known);
    return cfn_unknown(cfn, name, pointer,
                       resource_named(cfn, name) ? "is a resource that davit does not have"
                                                 : "is neither parameter nor resource of the template");
}
