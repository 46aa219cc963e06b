/* The table of formats, and the small ones. */
#include "manifest/schema_format.h"

#include "base/text.h"
#include "manifest/schema_node.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

static bool is_hex(char c)
{
    return isxdigit((unsigned char)c) != 0;
}

/* RFC 4122. */
static bool holds_uuid(const char *text, size_t len)
{
    for (size_t i = 0; i < len && len == 36; i++) {
        bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        if (hyphen ? text[i] != '-' : !is_hex(text[i]))
            return false;
    }
    return len == 36;
}

static bool holds_regex(const char *text, size_t len)
{
    struct schema_pattern pattern;
    if (schema_pattern_compile(text, len, &pattern, NULL) < 0)
        return false;
    schema_pattern_deinit(&pattern);
    return true;
}

/* RFC 6901. */
static bool holds_json_pointer(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] == '~' && (i + 1 == len || (text[i + 1] != '0' && text[i + 1] != '1')))
            return false;
    return len == 0 || text[0] == '/';
}

/* A number without leading zeros, and then a pointer or #. */
static bool holds_relative_json_pointer(const char *text, size_t len)
{
    size_t digits = 0;
    while (digits < len && text[digits] >= '0' && text[digits] <= '9')
        digits++;
    if (digits == 0 || (digits > 1 && text[0] == '0'))
        return false;
    return (len == digits + 1 && text[digits] == '#') || holds_json_pointer(text + digits, len - digits);
}

static const struct schema_format formats[] = {
    {"date-time", schema_format_date_time, "a date and time such as 2026-01-31T23:59:59Z"},
    {"date", schema_format_date, "a date such as 2026-01-31"},
    {"time", schema_format_time, "a time with its offset such as 23:59:59Z"},
    {"duration", schema_format_duration, "a duration such as PT1H30M"},
    {"email", schema_format_email, "an e-mail address"},
    {"hostname", schema_format_hostname, "a host name"},
    {"ipv4", schema_format_ipv4, "an IPv4 address"},
    {"ipv6", schema_format_ipv6, "an IPv6 address"},
    {"uri", schema_format_uri, "an URI such as https://example.com/"},
    {"uri-reference", schema_format_uri_reference, "an URI or a relative reference"},
    {"iri", schema_format_iri, "an IRI such as https://example.com/"},
    {"iri-reference", schema_format_iri_reference, "an IRI or a relative reference"},
    {"uuid", holds_uuid, "an UUID such as 123e4567-e89b-12d3-a456-426614174000"},
    {"regex", holds_regex, "a regular expression"},
    {"json-pointer", holds_json_pointer, "a JSON pointer such as /a/0"},
    {"relative-json-pointer", holds_relative_json_pointer, "a relative JSON pointer such as 1/a"},
};

const struct schema_format *schema_format_by_name(const char *name)
{
    assert(name);
    for (size_t i = 0; i < ARRAY_LEN(formats); i++)
        if (text_equal(formats[i].name, name))
            return &formats[i];
    return NULL;
}
