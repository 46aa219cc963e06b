/* Bytes in JSON: base64 as of RFC 4648, with padding. */
#pragma once

#include <stddef.h>

/* Caller frees. */
char *base64_encode(const void *data, size_t len);
/* *ret_data ends in a NUL that ret_len does not count; caller frees. ERROR_INVALID. */
int base64_decode(const char *text, char **ret_data, size_t *ret_len);
