/* The cluster query language: the input is an expression, a line end, and the value of every subject. What is
 * refused is refused within its text, and not(...) is the opposite. */
#include "base/limits.h"
#include "base/memory.h"
#include "model/query.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An attribute whose name begins with "no" is absent. */
static bool values(const void *data, const char *subject, bool (*take)(const void *, const char *),
                   const void *taker)
{
    return strncmp(subject, "attribute:no", strlen("attribute:no")) != 0 && take(taker, data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    size_t first = end ? (size_t)(end - data) : size;
    char *text CLEANUP_FREE = memory_strndup((const char *)data, first);
    char *value CLEANUP_FREE =
        end ? memory_strndup((const char *)end + 1, size - first - 1) : memory_strdup("");
    char *opposite CLEANUP_FREE = memory_printf("not(%s)", text);
    const struct query_instance instance = {values, value};
    struct query *query = NULL;
    struct query *negated = NULL;
    struct error err = ERROR_INIT;
    size_t offset = 0;
    int r = query_compile(text, &query, &offset, &err);
    assert(offset <= strlen(text));
    assert((r < 0) == !query && (r < 0) == (err.message[0] != '\0'));
    bool nested = query_compile(opposite, &negated, NULL, &err) == 0;
    assert(nested || !query || err.code == ERROR_LIMIT);
    if (query && negated)
        assert(query_matches(query, &instance) != query_matches(negated, &instance));
    query_free(query);
    query_free(negated);
    return 0;
}
