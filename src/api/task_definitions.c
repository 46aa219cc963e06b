#include "api/operation.h"
#include "base/text.h"
#include "model/json.h"

#include <stdio.h>

static void families_deinit(struct view_family_vec *families)
{
    vector_deinit(families);
}

/* A family in the repository stands for the revision that is wanted there, which after a revert is not the
 * one with the highest number. */
static int current_revision(const struct api *api, const struct family_ledger *family)
{
    const struct desired *desired = core_desired(api->core);
    const struct task_definition *definition =
        desired ? desired_task_definition(desired, family->family) : NULL;
    return definition && definition->revision ? definition->revision : (int)family->revisions.len;
}

static void append_arns(const struct api *api, const struct family_ledger *family, json_t *arns)
{
    for (size_t i = 0; i < family->revisions.len; i++) {
        char *arn CLEANUP_FREE =
            api_task_definition_arn(api, family->family, family->revisions.items[i].number);
        json_array_append_new(arns, json_string(arn));
    }
}

static bool wants_active(const json_t *input)
{
    const char *status = model_string(input, "status");
    return !status || text_equal(status, "ACTIVE") || text_equal(status, "ALL");
}

static json_t *reversed(json_t *list)
{
    json_t *out = json_array();
    for (size_t i = json_array_size(list); i-- > 0;)
        json_array_append(out, json_array_get(list, i));
    json_decref(list);
    return out;
}

int api_list_task_definitions(struct api *api, const json_t *input, json_t **ret_output,
                              struct api_fault *fault)
{
    const char *prefix = model_string(input, "familyPrefix"); /* ECS: the whole name of a family */
    json_t *arns = json_array();
    struct view_family_vec all CLEANUP(families_deinit);
    core_view_families(api->core, &all);
    for (size_t i = 0; wants_active(input) && i < all.len; i++) {
        const struct family_ledger *family = all.items[i];
        if (!prefix || text_equal(prefix, family->family))
            append_arns(api, family, arns);
    }
    if (text_equal(model_string(input, "sort"), "DESC"))
        arns = reversed(arns);
    return api_page(&(struct api_page){"taskDefinitionArns", 100}, input, arns, ret_output, fault);
}

int api_list_task_definition_families(struct api *api, const json_t *input, json_t **ret_output,
                                      struct api_fault *fault)
{
    const char *prefix = model_string(input, "familyPrefix");
    json_t *families = json_array();
    struct view_family_vec all CLEANUP(families_deinit);
    core_view_families(api->core, &all);
    for (size_t i = 0; wants_active(input) && i < all.len; i++) {
        const struct family_ledger *family = all.items[i];
        if (!prefix || text_starts_with(family->family, prefix))
            json_array_append_new(families, json_string(family->family));
    }
    return api_page(&(struct api_page){"families", 100}, input, families, ret_output, fault);
}

/* "family", "family:3" or an ARN. NULL when there is none. */
static const struct revision *find(const struct api *api, const char *given, const char **ret_family)
{
    const char *name = api_name_of(given, "task-definition", NULL);
    const char *colon = name ? strrchr(name, ':') : NULL;
    char *family CLEANUP_FREE =
        name ? memory_strndup(name, colon ? (size_t)(colon - name) : strlen(name)) : NULL;
    const struct family_ledger *ledger = family ? core_family(api->core, family) : NULL;
    int64_t number = 0;
    if (!ledger || (colon && text_to_int64(colon + 1, 1, INT32_MAX, &number) < 0))
        return NULL;
    *ret_family = ledger->family;
    return family_ledger_revision(ledger, colon ? (int)number : current_revision(api, ledger));
}

/* ECS returns empty lists where nothing was given; clients rely on it. */
static void set_default(json_t *object, const char *key, json_t *value)
{
    if (!json_object_get(object, key))
        json_object_set_new(object, key, value);
    else
        json_decref(value);
}

static void set_container_defaults(json_t *definition)
{
    static const char *const lists[] = {"portMappings", "environment", "mountPoints", "volumesFrom",
                                        "systemControls"};
    size_t i;
    json_t *container;
    json_array_foreach (json_object_get(definition, "containerDefinitions"), i, container) {
        for (size_t k = 0; k < ARRAY_LEN(lists); k++)
            set_default(container, lists[k], json_array());
        set_default(container, "cpu", json_integer(0));
        set_default(container, "essential", json_true());
    }
}

static json_t *describe(const struct api *api, const char *family, const struct revision *revision)
{
    json_t *json = json_deep_copy(revision->json);
    json_object_del(json, "kind");
    json_object_del(json, "davit");
    json_t *tags CLEANUP(json_decrefp) = json_incref(json_object_get(json, "tags"));
    json_object_del(json, "tags"); /* a sibling in ECS's answer */
    set_container_defaults(json);
    set_default(json, "volumes", json_array());
    set_default(json, "placementConstraints", json_array());
    json_object_set_new(json, "compatibilities", json_pack("[s,s]", "EXTERNAL", "EC2"));
    model_set_string(json, "family", family);
    json_object_set_new(json, "revision", json_integer(revision->number));
    model_set_string(json, "status", "ACTIVE");
    api_set_owned(json, "taskDefinitionArn", api_task_definition_arn(api, family, revision->number));
    api_set_time(json, "registeredAt", revision->commit.time_ms);
    model_set_string(json, "registeredBy", revision->commit.author);
    return json_pack("{s:o,s:o}", "taskDefinition", json, "tags", tags ? json_incref(tags) : json_array());
}

int api_describe_task_definition(struct api *api, const json_t *input, json_t **ret_output,
                                 struct api_fault *fault)
{
    const char *given = model_string(input, "taskDefinition");
    if (!given)
        return api_fault_invalid(fault, "TaskDefinition can not be blank.");
    const char *family = NULL;
    const struct revision *revision = find(api, given, &family);
    if (!revision)
        return api_fault_client(fault, "Unable to describe task definition.");
    *ret_output = describe(api, family, revision);
    return 0;
}

int api_get_revisions(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault)
{
    const char *wanted = api_parameter(input, "family");
    if (wanted && !core_family(api->core, wanted))
        return api_fault_not_found(fault, "TaskDefinitionNotFoundException",
                                   "there is no task definition family \"%s\"", wanted);
    json_t *list = json_array();
    struct view_family_vec all CLEANUP(families_deinit);
    core_view_families(api->core, &all);
    for (size_t i = 0; i < all.len; i++) {
        const struct family_ledger *family = all.items[i];
        if (wanted && !text_equal(wanted, family->family))
            continue;
        int current = current_revision(api, family);
        for (size_t k = 0; k < family->revisions.len; k++) {
            const struct revision *revision = &family->revisions.items[k];
            json_t *json = json_pack("{s:s,s:i,s:b,s:o}", "family", family->family, "revision",
                                     revision->number, "current", revision->number == current, "commit",
                                     commit_to_json(&revision->commit));
            model_set_digest(json, "digest", &revision->digest);
            json_array_append_new(list, json);
        }
    }
    *ret_output = api_list("revisions", list);
    return 0;
}
