/* Values as JSON Schema compares them. */
#include "base/digest.h"
#include "base/memory.h"
#include "manifest/schema_node.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static const struct {
    const char *name;
    unsigned mask;
} types[] = {
    {"null", 1},    {"boolean", 2},      {"object", 4},   {"array", 8},
    {"string", 16}, {"number", 32 | 64}, {"integer", 64},
};

unsigned schema_type_by_name(const char *name)
{
    assert(name);
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (strcmp(types[i].name, name) == 0)
            return types[i].mask;
    return 0;
}

/* Long doubles hold every int64 and every double exactly, on all machines that davit is built for. */
static long double number_of(const json_t *value)
{
    return json_is_integer(value) ? (long double)json_integer_value(value)
                                  : (long double)json_real_value(value);
}

int schema_number_compare(const json_t *a, const json_t *b)
{
    assert(json_is_number(a));
    assert(json_is_number(b));
    long double x = number_of(a);
    long double y = number_of(b);
    return (x > y) - (x < y);
}

bool schema_number_is_multiple(const json_t *value, const json_t *factor)
{
    assert(json_is_number(value));
    assert(json_is_number(factor));
    if (json_is_integer(value) && json_is_integer(factor)) {
        json_int_t divisor = json_integer_value(factor);
        return divisor == 1 || json_integer_value(value) % divisor == 0;
    }
    /* Decimal fractions such as 0.01 are not exact in binary: what counts is how near the quotient is. */
    double quotient = json_number_value(value) / json_number_value(factor);
    if (!isfinite(quotient))
        return fmod(json_number_value(value), json_number_value(factor)) == 0;
    double nearest = rint(quotient);
    return fabs(quotient - nearest) <= fabs(quotient) * 4 * __DBL_EPSILON__;
}

size_t schema_string_characters(const json_t *string)
{
    const char *s = json_string_value(string);
    size_t len = json_string_length(string);
    size_t characters = 0;
    for (size_t i = 0; i < len; i++)
        characters += ((unsigned char)s[i] & 0xC0) != 0x80;
    return characters;
}

/* The recursion is bounded by the value's depth. */
size_t schema_value_size(const json_t *value)
{
    size_t size = 1;
    size_t i;
    const char *key;
    json_t *child;
    json_array_foreach ((json_t *)value, i, child) {
        size += schema_value_size(child);
    }
    json_object_foreach ((json_t *)value, key, child) {
        size += schema_value_size(child);
    }
    return size;
}

static bool objects_equal(const json_t *a, const json_t *b)
{
    const char *key;
    json_t *value;
    if (json_object_size(a) != json_object_size(b))
        return false;
    json_object_foreach ((json_t *)a, key, value) {
        const json_t *other = json_object_get(b, key);
        if (!other || !schema_value_equal(value, other))
            return false;
    }
    return true;
}

static bool arrays_equal(const json_t *a, const json_t *b)
{
    size_t i;
    json_t *value;
    if (json_array_size(a) != json_array_size(b))
        return false;
    json_array_foreach ((json_t *)a, i, value) {
        if (!schema_value_equal(value, json_array_get(b, i)))
            return false;
    }
    return true;
}

bool schema_value_equal(const json_t *a, const json_t *b)
{
    assert(a);
    assert(b);
    if (json_is_number(a) && json_is_number(b))
        return schema_number_compare(a, b) == 0;
    if (json_typeof(a) != json_typeof(b))
        return false;
    switch (json_typeof(a)) {
    case JSON_OBJECT:
        return objects_equal(a, b);
    case JSON_ARRAY:
        return arrays_equal(a, b);
    case JSON_STRING:
        return json_string_length(a) == json_string_length(b) &&
               memcmp(json_string_value(a), json_string_value(b), json_string_length(a)) == 0;
    default:
        return true;
    }
}

/* The same value with integral reals as integers, so that equal values have equal digests. */
static json_t *normalized(const json_t *value)
{
    size_t i;
    const char *key;
    json_t *child;
    json_t *out;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        out = json_object();
        json_object_foreach ((json_t *)value, key, child) {
            json_object_set_new(out, key, normalized(child));
        }
        return out;
    case JSON_ARRAY:
        out = json_array();
        json_array_foreach ((json_t *)value, i, child) {
            json_array_append_new(out, normalized(child));
        }
        return out;
    case JSON_REAL:
        if (schema_type_mask(value) == 64 && fabs(json_real_value(value)) < 0x1p63)
            return json_integer((json_int_t)json_real_value(value));
        return json_incref((json_t *)value);
    default:
        return json_incref((json_t *)value);
    }
}

struct element {
    struct digest digest;
    size_t index;
};

static int by_digest(const void *a, const void *b)
{
    const struct element *x = a;
    const struct element *y = b;
    int order = memcmp(&x->digest, &y->digest, sizeof x->digest);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* n log n, for arrays whose pairs are too many. */
static bool find_by_digest(const json_t *array, size_t *ret_first, size_t *ret_second)
{
    size_t len = json_array_size(array);
    CLEANUP_FREE struct element *elements = memory_calloc(len, sizeof *elements);
    for (size_t i = 0; i < len; i++) {
        json_t *value = normalized(json_array_get(array, i));
        elements[i] = (struct element){digest_of_json(value), i};
        json_decref(value);
    }
    qsort(elements, len, sizeof *elements, by_digest);
    for (size_t i = 1; i < len; i++) {
        if (!digest_equal(&elements[i - 1].digest, &elements[i].digest))
            continue;
        *ret_first = elements[i - 1].index;
        *ret_second = elements[i].index;
        return true;
    }
    return false;
}

bool schema_find_equal_elements(const json_t *array, size_t *ret_first, size_t *ret_second)
{
    assert(json_is_array(array));
    const size_t few = 32;
    size_t len = json_array_size(array);
    if (len > few)
        return find_by_digest(array, ret_first, ret_second);
    for (size_t i = 0; i < len; i++) {
        for (size_t j = i + 1; j < len; j++) {
            if (!schema_value_equal(json_array_get(array, i), json_array_get(array, j)))
                continue;
            *ret_first = i;
            *ret_second = j;
            return true;
        }
    }
    return false;
}
