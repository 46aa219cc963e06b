/* Short hands for values that are read from and written to JSON: absent, null and wrong types read as empty.
 */
#pragma once

#include "base/digest.h"
#include "base/vector.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* NULL unless it is a string. Borrowed. */
const char *model_string(const json_t *object, const char *key);
/* 0 unless it is an integer. */
int64_t model_int(const json_t *object, const char *key);
/* As model_int, held to [min, max]. */
int model_int_in(const json_t *object, const char *key, int min, int max);
bool model_bool(const json_t *object, const char *key);
/* Copies a string that fits, else leaves the empty string. */
void model_string_into(const json_t *object, const char *key, char *buffer, size_t size);
/* Zero unless it is a digest in hex. */
struct digest model_digest(const json_t *object, const char *key);

/* Appends the strings of an array; what is no string is passed over. NULL is an empty one. */
void model_strings_from_json(const json_t *array, struct string_vec *ret_strings);
json_t *model_strings_to_json(const struct string_vec *strings);

/* Empty values (NULL, 0, false, zero digest) are left out. */
void model_set_string(json_t *object, const char *key, const char *value);
void model_set_int(json_t *object, const char *key, int64_t value);
void model_set_bool(json_t *object, const char *key, bool value);
void model_set_digest(json_t *object, const char *key, const struct digest *digest);
