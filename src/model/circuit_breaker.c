#include "model/circuit_breaker.h"

#include "base/memory.h"
#include "base/text.h"
#include "model/json.h"

#include <assert.h>

static const char *const type_names[] = {"BOUNDED_PERCENT", "UNBOUNDED_PERCENT", "COUNT"};

struct circuit_breaker circuit_breaker_from_json(const json_t *json)
{
    struct circuit_breaker breaker = CIRCUIT_BREAKER_DEFAULT;
    const json_t *threshold = json_object_get(json, "thresholdConfiguration");
    if (json_is_boolean(json_object_get(json, "enable")))
        breaker.enable = model_bool(json, "enable");
    breaker.rollback = model_bool(json, "rollback");
    if (json_is_boolean(json_object_get(json, "resetOnHealthyTask")))
        breaker.reset_on_healthy_task = model_bool(json, "resetOnHealthyTask");
    for (size_t i = 0; i < ARRAY_LEN(type_names); i++)
        if (text_equal(model_string(threshold, "type"), type_names[i]))
            breaker.threshold_type = (enum threshold_type)i;
    if (json_is_integer(json_object_get(threshold, "value")))
        breaker.threshold_value = model_int_in(threshold, "value", 1, INT32_MAX);
    return breaker;
}

json_t *circuit_breaker_to_json(const struct circuit_breaker *breaker)
{
    assert(breaker);
    assert((size_t)breaker->threshold_type < ARRAY_LEN(type_names));
    return json_pack("{s:b,s:b,s:b,s:{s:s,s:i}}", "enable", breaker->enable, "rollback", breaker->rollback,
                     "resetOnHealthyTask", breaker->reset_on_healthy_task, "thresholdConfiguration", "type",
                     type_names[breaker->threshold_type], "value", breaker->threshold_value);
}
