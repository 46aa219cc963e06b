/* Patterns and formats: the input is a pattern, a line end, and a text. A pattern that is matched without
 * PCRE2 says the same as with it. */
#include "base/limits.h"
#include "base/memory.h"
#include "manifest/schema.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ERROR_UNSUPPORTED for what is no schema. Takes the value of the keyword. */
static int judge(const char *keyword, json_t *value, const json_t *text)
{
    struct schema CLEANUP(schema_freep) *schema = NULL;
    json_t *document = json_pack("{so}", keyword, value);
    int rc = schema_compile(NULL, document, &schema, NULL);
    json_decref(document);
    return rc < 0 ? ERROR_UNSUPPORTED : schema_validate(schema, text, NULL);
}

static void match(const char *pattern, size_t len, const json_t *text)
{
    CLEANUP_FREE char *grouped = memory_printf("(?:%.*s)", (int)len, pattern);
    int plain = judge("pattern", json_stringn(pattern, len), text);
    int by_pcre2 = judge("pattern", json_string(grouped), text);
    assert(plain == by_pcre2 || plain == ERROR_LIMIT || by_pcre2 == ERROR_LIMIT ||
           plain == ERROR_UNSUPPORTED);
}

static void check_formats(const json_t *text)
{
    static const char *const formats[] = {
        "date-time",     "date",     "time",          "duration",
        "email",         "hostname", "ipv4",          "ipv6",
        "uri",           "iri",      "uri-reference", "uuid",
        "iri-reference", "regex",    "json-pointer",  "relative-json-pointer"};
    for (size_t i = 0; i < ARRAY_LEN(formats); i++)
        judge("format", json_string(formats[i]), text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *line_end = size ? memchr(data, '\n', size) : NULL;
    size_t len = line_end ? (size_t)(line_end - data) : size;
    size_t skipped = line_end ? len + 1 : size;
    json_t *pattern = json_stringn((const char *)data, len);
    json_t *text = json_stringn((const char *)data + skipped, size - skipped);
    if (pattern && text && !memchr(data, '\0', len)) {
        match(json_string_value(pattern), len, text);
        check_formats(text);
    }
    json_decref(pattern);
    json_decref(text);
    return 0;
}
