/* ECMA-262 patterns by PCRE2. */
#include "base/buffer.h"
#include "manifest/schema_node.h"

#include <assert.h>
#include <string.h>

/* General categories that ECMA-262 also knows by a long name and PCRE2 does not. */
static const struct {
    const char *name;
    const char *code;
} categories[] = {
    {"Letter}", "L}"},
    {"Lowercase_Letter}", "Ll}"},
    {"Uppercase_Letter}", "Lu}"},
    {"Mark}", "M}"},
    {"Number}", "N}"},
    {"Decimal_Number}", "Nd}"},
    {"digit}", "Nd}"},
    {"Punctuation}", "P}"},
    {"punct}", "P}"},
    {"Symbol}", "S}"},
    {"Separator}", "Z}"},
    {"Other}", "C}"},
};

/* Caller frees. */
static char *translate(const char *source)
{
    struct buffer out = BUFFER_INIT(LIMIT_MANIFEST_BYTES);
    while (*source) {
        size_t len = *source == '\\' && source[1] ? 2 : 1;
        buffer_append(&out, source, len);
        bool category = len == 2 && (source[1] == 'p' || source[1] == 'P') && source[2] == '{';
        source += len;
        if (!category)
            continue;
        buffer_append(&out, source++, 1);
        for (size_t i = 0; i < ARRAY_LEN(categories); i++) {
            size_t name_len = strlen(categories[i].name);
            if (strncmp(source, categories[i].name, name_len) != 0)
                continue;
            buffer_append_str(&out, categories[i].code);
            source += name_len;
            break;
        }
    }
    return buffer_steal(&out);
}

int schema_pattern_compile(const char *source, struct schema_pattern *ret_pattern, struct error *err)
{
    assert(source);
    const uint32_t options = PCRE2_UTF | PCRE2_ALT_BSUX | PCRE2_DOLLAR_ENDONLY | PCRE2_MATCH_UNSET_BACKREF |
                             PCRE2_ALLOW_EMPTY_CLASS | PCRE2_NEVER_BACKSLASH_C;
    CLEANUP_FREE char *text = translate(source);
    int code;
    PCRE2_SIZE offset;
    pcre2_code *compiled =
        pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, options, &code, &offset, NULL);
    if (!compiled) {
        PCRE2_UCHAR message[128];
        pcre2_get_error_message(code, message, sizeof message);
        return error_set(err, ERROR_INVALID, "pattern %.200s: %s", source, (const char *)message);
    }
    *ret_pattern = (struct schema_pattern){.source = source, .code = compiled};
    return 0;
}
