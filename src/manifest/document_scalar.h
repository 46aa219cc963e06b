/* Scalars of JSON and of YAML's core schema. Inner header of document*.c. */
#pragma once

#include <jansson.h>

#define DOCUMENT_NUMBER_RANGE "out of range: integers have 64 bits, reals are IEEE doubles"

/* What a plain YAML scalar is by the core schema (YAML 1.2.2, 10.3.2). */
enum document_scalar_kind {
    DOCUMENT_SCALAR_STRING,
    DOCUMENT_SCALAR_NULL,
    DOCUMENT_SCALAR_BOOL,
    DOCUMENT_SCALAR_INT,
    DOCUMENT_SCALAR_FLOAT,
    DOCUMENT_SCALAR_NOT_FINITE, /* .inf and .nan, which JSON lacks */
};

enum document_scalar_kind document_scalar_kind(const char *text);
/* Of a scalar of any kind but NOT_FINITE, in UTF-8; the caller's. ERROR_LIMIT for a number out of range. */
int document_scalar_value(const char *text, enum document_scalar_kind kind, json_t **ret_value);

/* A decimal integer, or a real if there is a point or an exponent; the text is well-formed. ERROR_LIMIT. */
int document_scalar_number(const char *text, json_t **ret_value);
