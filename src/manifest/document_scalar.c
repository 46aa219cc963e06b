#include "manifest/document_scalar.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *word;
    enum document_scalar_kind kind;
} words[] = {
    {"", DOCUMENT_SCALAR_NULL},           {"~", DOCUMENT_SCALAR_NULL},
    {"null", DOCUMENT_SCALAR_NULL},       {"Null", DOCUMENT_SCALAR_NULL},
    {"NULL", DOCUMENT_SCALAR_NULL},       {"true", DOCUMENT_SCALAR_BOOL},
    {"True", DOCUMENT_SCALAR_BOOL},       {"TRUE", DOCUMENT_SCALAR_BOOL},
    {"false", DOCUMENT_SCALAR_BOOL},      {"False", DOCUMENT_SCALAR_BOOL},
    {"FALSE", DOCUMENT_SCALAR_BOOL},      {".nan", DOCUMENT_SCALAR_NOT_FINITE},
    {".NaN", DOCUMENT_SCALAR_NOT_FINITE}, {".NAN", DOCUMENT_SCALAR_NOT_FINITE},
};

static const char *const infinities[] = {".inf", ".Inf", ".INF"};

static const char decimal_digits[] = "0123456789";

static bool is_prefixed(const char *text, const char *prefix, const char *digits)
{
    return text_starts_with(text, prefix) && text[2] && text[2 + strspn(text + 2, digits)] == '\0';
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static enum document_scalar_kind kind_of_number(const char *text)
{
    const char *s = text + (*text == '-' || *text == '+');
    size_t whole = strspn(s, decimal_digits);
    s += whole;
    if (whole && !*s)
        return DOCUMENT_SCALAR_INT;
    size_t fraction = 0;
    if (*s == '.') {
        fraction = strspn(s + 1, decimal_digits);
        s += 1 + fraction;
    }
    if (whole + fraction == 0)
        return DOCUMENT_SCALAR_STRING;
    if (*s == 'e' || *s == 'E') {
        s++;
        s += *s == '-' || *s == '+';
        size_t exponent = strspn(s, decimal_digits);
        if (exponent == 0)
            return DOCUMENT_SCALAR_STRING;
        s += exponent;
    }
    return *s ? DOCUMENT_SCALAR_STRING : DOCUMENT_SCALAR_FLOAT;
}

enum document_scalar_kind document_scalar_kind(const char *text)
{
    assert(text);
    if (*text && !strchr("~nNtTfF.+-0123456789", *text)) /* most scalars: nothing else begins so */
        return DOCUMENT_SCALAR_STRING;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(text, words[i].word) == 0)
            return words[i].kind;
    const char *unsigned_text = text + (*text == '-' || *text == '+');
    for (size_t i = 0; i < ARRAY_LEN(infinities); i++)
        if (strcmp(unsigned_text, infinities[i]) == 0)
            return DOCUMENT_SCALAR_NOT_FINITE;
    if (is_prefixed(text, "0o", "01234567") || is_prefixed(text, "0x", "0123456789abcdefABCDEF"))
        return DOCUMENT_SCALAR_INT;
    return kind_of_number(text);
}

static int integer_value(const char *text, int base, json_t **ret_value)
{
    errno = 0;
    long long value = strtoll(text, NULL, base);
    if (errno == ERANGE)
        return ERROR_LIMIT;
    *ret_value = json_integer(value);
    return 0;
}

int document_scalar_number(const char *text, json_t **ret_value)
{
    assert(text);
    assert(ret_value);
    if (!strpbrk(text, ".eE"))
        return integer_value(text, 10, ret_value);
    double value = strtod(text, NULL);
    if (!isfinite(value))
        return ERROR_LIMIT;
    *ret_value = json_real(value);
    return 0;
}

int document_scalar_value(const char *text, enum document_scalar_kind kind, json_t **ret_value)
{
    assert(text);
    assert(ret_value);
    assert(kind != DOCUMENT_SCALAR_NOT_FINITE);
    switch (kind) {
    case DOCUMENT_SCALAR_NULL:
        *ret_value = json_null();
        return 0;
    case DOCUMENT_SCALAR_BOOL:
        *ret_value = json_boolean(text[0] == 't' || text[0] == 'T');
        return 0;
    case DOCUMENT_SCALAR_INT:
        if (is_prefixed(text, "0o", "01234567"))
            return integer_value(text + 2, 8, ret_value);
        if (is_prefixed(text, "0x", "0123456789abcdefABCDEF"))
            return integer_value(text + 2, 16, ret_value);
        return integer_value(text, 10, ret_value);
    case DOCUMENT_SCALAR_FLOAT:
        return document_scalar_number(text, ret_value);
    default:
        *ret_value = json_string_nocheck(text);
        return 0;
    }
}
