#include "base/text.h"
#include "plan/plan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void plan_memory_deinit(struct plan_memory *memory)
{
    assert(memory);
    memory->stopping.free_value = free;
    map_deinit(&memory->stopping);
    map_deinit(&memory->counted);
    map_deinit(&memory->announced);
    map_deinit(&memory->ran);
    memset(memory, 0, sizeof *memory);
}

json_t *plan_memory_to_json(const struct plan_memory *memory)
{
    assert(memory);
    json_t *stopping = json_object();
    json_t *counted = json_array();
    json_t *announced = json_array();
    json_t *ran = json_array();
    map_for_each (&memory->stopping, entry) {
        json_object_set_new(stopping, entry->key, json_string(entry->value));
    }
    map_for_each (&memory->counted, entry) {
        json_array_append_new(counted, json_string(entry->key));
    }
    map_for_each (&memory->announced, entry) {
        json_array_append_new(announced, json_string(entry->key));
    }
    map_for_each (&memory->ran, entry) {
        json_array_append_new(ran, json_string(entry->key));
    }
    return json_pack("{s:b,s:o,s:o,s:o,s:o,s:i,s:I,s:b}", "seen", memory->seen, "stopping", stopping,
                     "counted", counted, "announced", announced, "ran", ran, "failuresInRow",
                     memory->failures_in_row, "lastFailure", (json_int_t)memory->last_failure_ms, "steady",
                     memory->steady);
}

void plan_memory_from_json(const json_t *json, struct plan_memory *ret_memory)
{
    assert(ret_memory);
    const char *key;
    json_t *value;
    size_t i;
    *ret_memory = (struct plan_memory){
        .seen = json_is_true(json_object_get(json, "seen")),
        .stopping = MAP_INIT(free),
        .failures_in_row = (int)json_integer_value(json_object_get(json, "failuresInRow")),
        .last_failure_ms = json_integer_value(json_object_get(json, "lastFailure")),
        .steady = json_is_true(json_object_get(json, "steady"))};
    json_object_foreach (json_object_get(json, "stopping"), key, value) {
        if (json_is_string(value))
            map_put(&ret_memory->stopping, key, memory_strdup(json_string_value(value)));
    }
    json_array_foreach (json_object_get(json, "counted"), i, value) {
        if (json_is_string(value))
            map_put(&ret_memory->counted, json_string_value(value), (void *)1);
    }
    json_array_foreach (json_object_get(json, "announced"), i, value) {
        if (json_is_string(value))
            map_put(&ret_memory->announced, json_string_value(value), (void *)1);
    }
    json_array_foreach (json_object_get(json, "ran"), i, value) {
        if (json_is_string(value))
            map_put(&ret_memory->ran, json_string_value(value), (void *)1);
    }
}
