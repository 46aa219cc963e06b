#include "model/json.h"

#include <assert.h>
#include <string.h>

const char *model_string(const json_t *object, const char *key)
{
    assert(key);
    return json_string_value(json_object_get(object, key));
}

int64_t model_int(const json_t *object, const char *key)
{
    assert(key);
    return json_integer_value(json_object_get(object, key));
}

int model_int_in(const json_t *object, const char *key, int min, int max)
{
    assert(min <= max);
    int64_t value = model_int(object, key);
    return value < min ? min : value > max ? max : (int)value;
}

bool model_bool(const json_t *object, const char *key)
{
    assert(key);
    return json_is_true(json_object_get(object, key));
}

void model_string_into(const json_t *object, const char *key, char *buffer, size_t size)
{
    assert(buffer);
    assert(size > 0);
    const char *value = model_string(object, key);
    size_t len = value ? strlen(value) : 0;
    if (len >= size)
        len = 0;
    if (len)
        memcpy(buffer, value, len);
    buffer[len] = '\0';
}

struct digest model_digest(const json_t *object, const char *key)
{
    struct digest digest = {0};
    const char *hex = model_string(object, key);
    if (hex)
        digest_from_hex(hex, &digest);
    return digest;
}

void model_set_string(json_t *object, const char *key, const char *value)
{
    assert(object);
    if (value)
        json_object_set_new(object, key, json_string(value));
}

void model_set_int(json_t *object, const char *key, int64_t value)
{
    assert(object);
    if (value)
        json_object_set_new(object, key, json_integer(value));
}

void model_set_bool(json_t *object, const char *key, bool value)
{
    assert(object);
    if (value)
        json_object_set_new(object, key, json_true());
}

void model_set_digest(json_t *object, const char *key, const struct digest *digest)
{
    assert(object);
    assert(digest);
    char hex[DIGEST_HEX_SIZE];
    if (digest_is_zero(digest))
        return;
    digest_to_hex(digest, hex);
    model_set_string(object, key, hex);
}

void model_strings_from_json(const json_t *array, struct string_vec *ret_strings)
{
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)array, i, item)
        if (json_is_string(item))
            vector_push(ret_strings, memory_strdup(json_string_value(item)));
}

json_t *model_strings_to_json(const struct string_vec *strings)
{
    json_t *array = json_array();
    for (size_t i = 0; i < strings->len; i++)
        json_array_append_new(array, json_string(strings->items[i]));
    return array;
}
