#include "base/text.h"
#include "model/json.h"
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
    map_deinit(&memory->up);
    map_deinit(&memory->lost);
    map_deinit(&memory->given_up);
    map_deinit(&memory->proven);
    memory->back_offs.free_value = free;
    map_deinit(&memory->back_offs);
    free(memory->crash);
    memset(memory, 0, sizeof *memory);
}

static json_t *keys_to_json(const struct map *map)
{
    json_t *keys = json_array();
    map_for_each (map, entry) {
        json_array_append_new(keys, json_string(entry->key));
    }
    return keys;
}

static void keys_from_json(const json_t *keys, struct map *ret_map)
{
    size_t i;
    json_t *key;
    json_array_foreach (keys, i, key) {
        if (json_is_string(key))
            map_put(ret_map, json_string_value(key), (void *)1);
    }
}

static json_t *back_offs_to_json(const struct map *back_offs)
{
    json_t *json = json_object();
    map_for_each (back_offs, entry) {
        const struct plan_back_off *back_off = entry->value;
        json_object_set_new(json, entry->key,
                            json_pack("{s:i,s:i,s:b,s:I}", "rounds", back_off->rounds, "owed", back_off->owed,
                                      "launched", back_off->launched, "last", (json_int_t)back_off->last_ms));
    }
    return json;
}

static void back_offs_from_json(const json_t *json, struct map *ret_back_offs)
{
    const char *place;
    json_t *item;
    *ret_back_offs = MAP_INIT(free);
    json_object_foreach ((json_t *)json, place, item) {
        struct plan_back_off *back_off = NEW(struct plan_back_off);
        *back_off = (struct plan_back_off){.rounds = model_int_in(item, "rounds", 0, INT32_MAX),
                                           .owed = model_int_in(item, "owed", 0, INT32_MAX),
                                           .launched = json_is_true(json_object_get(item, "launched")),
                                           .last_ms = model_int(item, "last")};
        map_put(ret_back_offs, place, back_off);
    }
}

json_t *plan_memory_to_json(const struct plan_memory *memory)
{
    assert(memory);
    json_t *stopping = json_object();
    map_for_each (&memory->stopping, entry) {
        json_object_set_new(stopping, entry->key, json_string(entry->value));
    }
    json_t *json = json_pack("{s:b,s:o,s:o,s:o,s:o,s:o,s:o,s:b,s:i}", "seen", memory->seen, "stopping",
                             stopping, "counted", keys_to_json(&memory->counted), "announced",
                             keys_to_json(&memory->announced), "ran", keys_to_json(&memory->ran), "up",
                             keys_to_json(&memory->up), "givenUp", keys_to_json(&memory->given_up), "steady",
                             memory->steady, "settled", memory->settled_count);
    if (memory->back_offs.len)
        json_object_set_new(json, "backOffs", back_offs_to_json(&memory->back_offs));
    if (memory->lost.len)
        json_object_set_new(json, "lost", keys_to_json(&memory->lost));
    model_set_int(json, "noPlace", memory->no_place_ms);
    model_set_int(json, "stuck", memory->stuck_ms);
    model_set_bool(json, "rebalancing", memory->rebalancing);
    if (memory->proven.len)
        json_object_set_new(json, "proven", keys_to_json(&memory->proven));
    model_set_int(json, "crashes", memory->crashes_in_row);
    model_set_int(json, "relapses", memory->relapses_in_row);
    model_set_int(json, "lastCrash", memory->last_crash_ms);
    model_set_string(json, "crash", memory->crash);
    return json;
}

void plan_memory_from_json(const json_t *json, struct plan_memory *ret_memory)
{
    assert(ret_memory);
    const char *key;
    json_t *value;
    *ret_memory =
        (struct plan_memory){.seen = json_is_true(json_object_get(json, "seen")),
                             .stopping = MAP_INIT(free),
                             .no_place_ms = json_integer_value(json_object_get(json, "noPlace")),
                             .stuck_ms = json_integer_value(json_object_get(json, "stuck")),
                             .rebalancing = json_is_true(json_object_get(json, "rebalancing")),
                             .steady = json_is_true(json_object_get(json, "steady")),
                             .settled_count = (int)json_integer_value(json_object_get(json, "settled")),
                             .crashes_in_row = model_int_in(json, "crashes", 0, INT32_MAX),
                             .relapses_in_row = model_int_in(json, "relapses", 0, INT32_MAX),
                             .last_crash_ms = model_int(json, "lastCrash"),
                             .crash = memory_strdup(model_string(json, "crash"))};
    json_object_foreach (json_object_get(json, "stopping"), key, value) {
        if (json_is_string(value))
            map_put(&ret_memory->stopping, key, memory_strdup(json_string_value(value)));
    }
    back_offs_from_json(json_object_get(json, "backOffs"), &ret_memory->back_offs);
    keys_from_json(json_object_get(json, "counted"), &ret_memory->counted);
    keys_from_json(json_object_get(json, "announced"), &ret_memory->announced);
    keys_from_json(json_object_get(json, "ran"), &ret_memory->ran);
    keys_from_json(json_object_get(json, "up"), &ret_memory->up);
    keys_from_json(json_object_get(json, "lost"), &ret_memory->lost);
    keys_from_json(json_object_get(json, "givenUp"), &ret_memory->given_up);
    keys_from_json(json_object_get(json, "proven"), &ret_memory->proven);
}
