/* Patterns by PCRE2, within bounds; the simplest of them without it. */
#include "base/text.h"
#include "manifest/schema_check.h"
#include "manifest/schema_node.h"

#include <assert.h>
#include <string.h>

/* Most matches take few steps; what needs more is tried again with more, and pays for it, so that not even
 * many hard matches add up to a stall. Each of PCRE2's steps may look at the whole text. */
static const uint32_t match_limits[] = {500, 5000, LIMIT_PATTERN_MATCH_STEPS};

/* Steps of the validation for a match: always, and by how much a character that PCRE2 looks at is cheaper. */
#define MATCH_STEPS     32
#define CHARS_IN_A_STEP 64

/* --- compiling ------------------------------------------------------------------------------------------ */

static int compile_code(const char *text, uint32_t more, pcre2_code **ret_code, struct error *err)
{
    const uint32_t options = more | PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_MATCH_UNSET_BACKREF |
                             PCRE2_ALLOW_EMPTY_CLASS | PCRE2_NEVER_BACKSLASH_C;
    int code;
    PCRE2_SIZE offset;
    *ret_code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, options, &code, &offset, NULL);
    if (*ret_code)
        return 0;
    PCRE2_UCHAR message[128];
    pcre2_get_error_message(code, message, sizeof message);
    return error_set(err, ERROR_INVALID, "%s", (const char *)message);
}

/* PCRE2 counts the steps from each start anew. Where a match may begin anywhere, it is led there by the
 * pattern itself, so that all starts are counted together. */
static int compile_counted(const char *text, pcre2_code **ret_code, struct error *err)
{
    uint32_t options = 0;
    int rc = compile_code(text, 0, ret_code, err);
    if (rc < 0 ||
        (pcre2_pattern_info(*ret_code, PCRE2_INFO_ALLOPTIONS, &options) == 0 && options & PCRE2_ANCHORED))
        return rc;
    pcre2_code_free(*ret_code);
    CLEANUP_FREE char *led = memory_printf("(?s:.)*?(?:%s)", text);
    return compile_code(led, PCRE2_ANCHORED, ret_code, err);
}

/* --- simple forms --------------------------------------------------------------------------------------- */

/* ^literal. */
static bool take_prefix(const char *source, size_t len, struct schema_pattern *pattern)
{
    static const char meaning[] = "^$\\.*+?()[]{}|";
    if (len < 2 || source[0] != '^')
        return false;
    for (size_t i = 1; i < len; i++)
        if (memchr(meaning, source[i], sizeof meaning)) /* a NUL as well */
            return false;
    pattern->form = SCHEMA_PATTERN_PREFIX;
    pattern->prefix = memory_strndup(source + 1, len - 1);
    pattern->prefix_len = len - 1;
    return true;
}

/* Length of one class at the start of the text, such as [a-z] or \w; 0 for anything else. */
static size_t class_len(const char *text)
{
    if (text[0] == '\\')
        return text[1] && strchr("dDsSwW", text[1]) ? 2 : 0;
    if (text[0] != '[')
        return 0;
    size_t len = text[1] == '^' ? 2 : 1;
    while (text[len] && text[len] != ']')
        len += text[len] == '\\' && text[len + 1] ? 2 : 1;
    return text[len] ? len + 1 : 0;
}

static bool take_count(const char **text, size_t *ret_count)
{
    size_t count = 0;
    const char *at = *text;
    while (*at >= '0' && *at <= '9' && count < LIMIT_PATTERN_BYTES)
        count = count * 10 + (size_t)(*at++ - '0');
    if (at == *text)
        return false;
    *text = at;
    *ret_count = count;
    return true;
}

/* How often, and then the end: +$, *$, $, {2}$, {2,}$, {2,3}$. */
static bool take_quantifier(const char *text, struct schema_pattern *pattern)
{
    pattern->min = *text != '*';
    pattern->max = *text == '+' || *text == '*' ? SIZE_MAX : 1;
    if (*text == '+' || *text == '*') {
        text++;
    } else if (*text == '{') {
        text++;
        if (!take_count(&text, &pattern->min))
            return false;
        pattern->max = pattern->min;
        if (*text == ',' && *++text == '}')
            pattern->max = SIZE_MAX;
        else if (text[-1] == ',' && !take_count(&text, &pattern->max))
            return false;
        if (*text++ != '}')
            return false;
    }
    return text[0] == '$' && text[1] == '\0' && pattern->min <= pattern->max;
}

/* Which ASCII characters are in a class, PCRE2 itself tells. */
static bool probe_class(const char *source, size_t len, struct schema_pattern *pattern)
{
    pcre2_code *code = NULL;
    CLEANUP_FREE char *text = NULL;
    if (schema_regex_translate(source, len, &text, NULL) < 0 || compile_code(text, 0, &code, NULL) < 0)
        return false;
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    for (unsigned c = 0; data && c < 128; c++) {
        unsigned char byte = (unsigned char)c;
        if (pcre2_match(code, &byte, 1, 0, 0, data, NULL) >= 0)
            pattern->class[c / 64] |= UINT64_C(1) << (c % 64);
    }
    pcre2_match_data_free(data);
    pcre2_code_free(code);
    return data != NULL;
}

/* ^[class]{min,max}$. The code stays, for text that is not ASCII. */
static bool take_class(const char *source, size_t len, struct schema_pattern *pattern)
{
    if (len < 2 || source[0] != '^' || strlen(source) != len)
        return false;
    size_t class = class_len(source + 1);
    if (class == 0 || !take_quantifier(source + 1 + class, pattern) ||
        !probe_class(source + 1, class, pattern))
        return false;
    pattern->form = SCHEMA_PATTERN_CLASS;
    return true;
}

int schema_pattern_compile(const char *source, size_t len, struct schema_pattern *ret_pattern,
                           struct error *err)
{
    assert(source);
    CLEANUP_FREE char *text = NULL;
    struct schema_pattern pattern = {.source = source};
    int rc = schema_regex_translate(source, len, &text, err);
    if (rc == 0)
        rc = compile_counted(text, &pattern.code, err);
    if (rc < 0)
        return error_wrap(err, rc, "pattern %.200s", source);
    if (!take_prefix(source, len, &pattern))
        take_class(source, len, &pattern);
    *ret_pattern = pattern;
    return 0;
}

void schema_pattern_deinit(struct schema_pattern *pattern)
{
    free(pattern->prefix);
    pcre2_code_free(pattern->code);
}

/* --- matching ------------------------------------------------------------------------------------------- */

static void prepare(struct schema_run *run)
{
    run->match_data = pcre2_match_data_create(1, NULL);
    run->match_context = pcre2_match_context_create(NULL);
    if (!run->match_data || !run->match_context)
        abort();
    pcre2_set_depth_limit(run->match_context, LIMIT_PATTERN_MATCH_STEPS);
    pcre2_set_heap_limit(run->match_context, LIMIT_PATTERN_HEAP_KIB);
}

/* Strings of jansson are well-formed UTF-8. */
static int match(struct schema_run *run, const pcre2_code *code, const char *text, size_t len, uint32_t limit)
{
    pcre2_set_match_limit(run->match_context, limit);
    return pcre2_match(code, (PCRE2_SPTR)text, len, 0, PCRE2_NO_UTF_CHECK, run->match_data,
                       run->match_context);
}

static bool matches_by_code(struct schema_run *run, const struct schema_pattern *pattern, const char *text,
                            size_t len)
{
    if (!run->match_data)
        prepare(run);
    int rc = PCRE2_ERROR_MATCHLIMIT;
    for (size_t i = 0; i < ARRAY_LEN(match_limits) && rc == PCRE2_ERROR_MATCHLIMIT; i++) {
        if (!schema_spend(run, MATCH_STEPS + match_limits[i] * len / CHARS_IN_A_STEP))
            return false;
        rc = match(run, pattern->code, text, len, match_limits[i]);
    }
    if (rc == PCRE2_ERROR_HEAPLIMIT)
        run->exhausted = "a pattern takes too much memory on a value (LIMIT_PATTERN_HEAP_KIB)";
    else if (rc < 0 && rc != PCRE2_ERROR_NOMATCH)
        run->exhausted = "a pattern takes too many steps on a value (LIMIT_PATTERN_MATCH_STEPS)";
    return rc >= 0;
}

bool schema_pattern_matches(struct schema_run *run, const struct schema_pattern *pattern, const char *text,
                            size_t len)
{
    assert(pattern->code);
    if (pattern->form == SCHEMA_PATTERN_PREFIX)
        return len >= pattern->prefix_len && memcmp(text, pattern->prefix, pattern->prefix_len) == 0;
    if (pattern->form == SCHEMA_PATTERN_CODE)
        return matches_by_code(run, pattern, text, len);
    schema_spend(run, len / 16);
    bool good = len >= pattern->min && len <= pattern->max;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 128)
            return matches_by_code(run, pattern, text, len);
        good = good && (pattern->class[c / 64] >> (c % 64) & 1);
    }
    return good;
}
