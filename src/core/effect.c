#include "core/event.h"
#include "model/json.h"

#include <assert.h>
#include <stdlib.h>

void effect_vec_deinit(struct effect_vec *effects)
{
    assert(effects);
    for (size_t i = 0; i < effects->len; i++) {
        ledger_change_deinit(&effects->items[i].change);
        action_free(effects->items[i].action);
        free(effects->items[i].instance);
        free(effects->items[i].source);
        string_vec_deinit(&effects->items[i].roots);
    }
    vector_deinit(effects);
}

static json_t *effect_to_json(const struct effect *effect)
{
    json_t *json = json_object();
    switch (effect->kind) {
    case EFFECT_SAVE:
        model_set_string(json, "save", effect->change.name);
        model_set_string(json, "former", effect->change.former);
        model_set_string(json, "message", effect->change.message);
        json_object_set(json, "entry", effect->change.entry);
        break;
    case EFFECT_ACT:
        json_object_set_new(json, "act", action_to_json(effect->action));
        break;
    case EFFECT_LIST:
        model_set_string(json, "list", effect->instance);
        break;
    case EFFECT_WAKE:
        json_object_set_new(json, "wake", json_integer(effect->at_ms));
        break;
    case EFFECT_ROOTS:
        json_object_set_new(json, "roots", model_strings_to_json(&effect->roots));
        model_set_string(json, "source", effect->source);
        model_set_string(json, "since", effect->since);
        model_set_int(json, "generation", effect->generation);
        break;
    }
    return json;
}

json_t *effects_to_json(const struct effect_vec *effects)
{
    assert(effects);
    json_t *list = json_array();
    for (size_t i = 0; i < effects->len; i++)
        json_array_append_new(list, effect_to_json(&effects->items[i]));
    return list;
}
