#include "report/message.h"

#include "model/json.h"

#include <assert.h>
#include <stdlib.h>

void report_message_free(struct report_message *message)
{
    if (!message)
        return;
    free(message->context);
    free(message->subject);
    free(message->state);
    free(message->reason);
    free(message->text);
    json_decref(message->event);
    free(message);
}

json_t *report_message_to_json(const struct report_message *message)
{
    assert(message);
    json_t *json = json_object();
    model_set_bool(json, "status", message->is_status);
    model_set_string(json, "context", message->context);
    model_set_string(json, "subject", message->subject);
    model_set_string(json, "state", message->state);
    model_set_string(json, "reason", message->reason);
    model_set_string(json, "text", message->text);
    model_set_int(json, "at", message->at_ms);
    model_set_int(json, "pushed", message->push_ms);
    if (message->event)
        json_object_set(json, "event", message->event);
    return json;
}

struct report_message *report_message_from_json(const json_t *json)
{
    const char *context = model_string(json, "context");
    const char *subject = model_string(json, "subject");
    const char *state = model_string(json, "state");
    if (!context || !subject || !state)
        return NULL;
    const char *text = model_string(json, "text");
    json_t *event = json_object_get(json, "event");
    struct report_message *message = NEW(struct report_message);
    *message = (struct report_message){.is_status = model_bool(json, "status"),
                                       .context = memory_strdup(context),
                                       .subject = memory_strdup(subject),
                                       .state = memory_strdup(state),
                                       .reason = memory_strdup(model_string(json, "reason")),
                                       .text = memory_strdup(text ? text : ""),
                                       .at_ms = model_int(json, "at"),
                                       .push_ms = model_int(json, "pushed"),
                                       .event = json_is_object(event) ? json_incref(event) : NULL};
    return message;
}
