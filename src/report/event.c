#include "report/event.h"

#include "base/digest.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/json.h"
#include "report/message.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* What identifies an event gives its id, so that one that is told twice has one id. As a UUID of version 8
 * (RFC 9562), for content of one's own making. */
static json_t *id_of(const json_t *envelope)
{
    struct digest digest = digest_of_json(envelope);
    uint8_t *b = digest.bytes;
    b[6] = (uint8_t)((b[6] & 0x0fU) | 0x80U);
    b[8] = (uint8_t)((b[8] & 0x3fU) | 0x80U);
    char text[37];
    snprintf(text, sizeof text, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
             b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
    return json_string(text);
}

static char *arn_of(const struct report_place *place, const char *service)
{
    return memory_printf("arn:aws:ecs:%s:%s:%s/%s%s%s", place->region, place->account,
                         service ? "service" : "cluster", place->cluster, service ? "/" : "",
                         service ? service : "");
}

static void set_time(json_t *object, const char *key, int64_t at_ms)
{
    char text[TEXT_TIME_SIZE];
    text_from_time_ms(at_ms, text);
    json_object_set_new(object, key, json_string(text));
}

struct kind {
    const char *source;
    const char *detail_type;
};

/* Takes detail over. */
static json_t *envelope(const struct report_place *place, struct kind kind, json_t *detail, int64_t at_ms)
{
    char time[TEXT_TIME_SIZE];
    text_from_time_ms(at_ms / 1000 * 1000, time);
    memcpy(time + strlen("2026-01-31T23:59:59"), "Z", 2); /* EventBridge's has no fraction */
    char *arn CLEANUP_FREE = place->cluster ? arn_of(place, place->service) : NULL;
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:[s*], s:o}", "version", "0", "detail-type",
                             kind.detail_type, "source", kind.source, "account", place->account, "time", time,
                             "region", place->region, "resources", arn, "detail", detail);
    json_object_set_new(json, "id", id_of(json));
    return json;
}

static json_t *own_of(const struct report_place *place)
{
    json_t *own = json_object();
    model_set_string(own, "cluster", place->cluster);
    model_set_string(own, "service", place->service);
    return own;
}

json_t *report_event_deployment(const struct report_place *place, const struct deployment *deployment,
                                enum deployment_state state)
{
    assert(place && place->service);
    assert(deployment && state != DEPLOYMENT_SUPERSEDED);
    const char *reason = deployment->state == state ? deployment->reason : NULL; /* else it is of another */
    char *usual CLEANUP_FREE = memory_printf("ECS deployment %s %s.", deployment->id,
                                             state == DEPLOYMENT_IN_PROGRESS ? "in progress"
                                             : state == DEPLOYMENT_COMPLETED ? "completed"
                                                                             : "failed");
    char *name CLEANUP_FREE = memory_printf("SERVICE_DEPLOYMENT_%s", deployment_state_name(state));
    int64_t at_ms = state == DEPLOYMENT_IN_PROGRESS ? deployment->created_ms
                    : deployment->ended_ms          ? deployment->ended_ms
                                                    : deployment->updated_ms;
    json_t *detail =
        json_pack("{s:s, s:s, s:s, s:s}", "eventType", state == DEPLOYMENT_FAILED ? "ERROR" : "INFO",
                  "eventName", name, "deploymentId", deployment->id, "reason", reason ? reason : usual);
    set_time(detail, "updatedAt", at_ms);
    json_t *own = own_of(place);
    char *revision CLEANUP_FREE = memory_printf("%s:%d", deployment->family, deployment->revision);
    json_object_set_new(own, "taskDefinition", json_string(revision));
    json_object_set_new(own, "commit", commit_to_json(&deployment->commit));
    model_set_bool(own, "rollback", !digest_is_zero(&deployment->rollback_of));
    json_object_set_new(detail, "davit", own);
    return envelope(place, (struct kind){"aws.ecs", "ECS Deployment State Change"}, detail, at_ms);
}

static const struct {
    const char *words; /* of the message */
    const char *name;
    const char *type;
} actions[] = {
    {"has reached a steady state.", "SERVICE_STEADY_STATE", "INFO"},
    {"was unable to place a task", "SERVICE_TASK_PLACEMENT_FAILURE", "ERROR"},
};

const char *report_action_name(const char *message)
{
    assert(message);
    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        if (strstr(message, actions[i].words))
            return actions[i].name;
    return NULL;
}

static const char *action_type(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        if (text_equal(name, actions[i].name))
            return actions[i].type;
    return "INFO";
}

json_t *report_event_action(const struct report_place *place, const struct report_action *action)
{
    assert(place && place->service);
    assert(action && action->name);
    char *cluster CLEANUP_FREE = arn_of(place, NULL);
    json_t *detail = json_pack("{s:s, s:s, s:s, s:s}", "eventType", action_type(action->name), "eventName",
                               action->name, "clusterArn", cluster, "reason", action->message);
    set_time(detail, "createdAt", action->at_ms);
    json_t *own = own_of(place);
    model_set_string(own, "deploymentId", action->deployment);
    json_object_set_new(detail, "davit", own);
    return envelope(place, (struct kind){"aws.ecs", "ECS Service Action"}, detail, action->at_ms);
}

json_t *report_event_commit(const struct report_place *place, const struct report_commit *commit)
{
    assert(place);
    assert(commit && commit->commit);
    json_t *detail = own_of(place);
    model_set_string(detail, "source", commit->source);
    model_set_string(detail, "context", commit->context);
    model_set_string(detail, "state", commit->state);
    model_set_string(detail, "description", commit->text);
    json_object_set_new(detail, "commit", commit_to_json(commit->commit));
    return envelope(place, (struct kind){"davit", "davit Commit State Change"}, detail, commit->at_ms);
}

static const char *source_event_type(const char *event)
{
    return text_equal(event, REPORT_SOURCE_RECOVERED) ? "INFO" : "WARN";
}

json_t *report_event_source(const struct report_place *place, const struct report_source *source)
{
    assert(place && !place->cluster);
    assert(source && source->event && source->name);
    json_t *detail = json_pack("{s:s, s:s, s:s}", "eventType", source_event_type(source->event), "eventName",
                               source->event, "reason", source->reason);
    set_time(detail, "createdAt", source->at_ms);
    json_t *own = json_object();
    model_set_string(own, "source", source->name);
    model_set_string(own, "origin", source->origin);
    model_set_string(own, "branch", source->branch);
    model_set_string(own, "from", source->from);
    model_set_string(own, "to", source->to);
    model_set_string(own, "fork", source->fork && source->fork[0] ? source->fork : NULL);
    json_object_set_new(detail, "davit", own);
    return envelope(place, (struct kind){"davit", "davit Source State Change"}, detail, source->at_ms);
}
