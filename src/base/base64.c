#include "base/base64.h"

#include "base/error.h"
#include "base/memory.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

char *base64_encode(const void *data, size_t len)
{
    assert(data || len == 0);
    size_t size = sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL);
    char *text = memory_alloc(size);
    return sodium_bin2base64(text, size, data, len, sodium_base64_VARIANT_ORIGINAL);
}

int base64_decode(const char *text, char **ret_data, size_t *ret_len)
{
    assert(text);
    assert(ret_data);
    assert(ret_len);
    size_t max = strlen(text);
    size_t len = 0;
    char *data CLEANUP_FREE = memory_calloc(max + 1, 1);
    if (sodium_base642bin((unsigned char *)data, max, text, max, NULL, &len, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0) {
        sodium_memzero(data, max); /* it may be half a password */
        return ERROR_INVALID;
    }
    data[len] = '\0';
    *ret_data = TAKE(data);
    *ret_len = len;
    return 0;
}
