/* RFC 8259, strictly, with positions. A state machine over tokens; nesting lives in the builder. */
#include "base/buffer.h"
#include "base/error.h"
#include "base/text.h"
#include "manifest/document_build.h"
#include "manifest/document_scalar.h"
#include "manifest/document_text.h"

#include <assert.h>
#include <string.h>

struct json_text {
    struct document_builder *builder;
    const char *at;
    const char *end;
    struct position position; /* of `at` */
    struct buffer scratch;    /* the string that was read last */
};

enum json_state {
    JSON_VALUE,         /* a value must come */
    JSON_FIRST_ELEMENT, /* a value or ] */
    JSON_FIRST_KEY,     /* a key or } */
    JSON_KEY,           /* a key must come */
    JSON_COLON,
    JSON_AFTER_VALUE, /* a comma or the end of the container; at depth 0 the end of the file */
    JSON_DONE,
};

static void skip(struct json_text *text, size_t len)
{
    for (; len > 0; len--, text->at++) {
        if (*text->at == '\n')
            text->position = (struct position){text->position.line + 1, 1};
        else if (((unsigned char)*text->at & 0xC0) != 0x80)
            text->position.column++;
    }
}

/* The same over text without a line's end. */
static void skip_plain(struct json_text *text, size_t len)
{
    int columns = 0;
    for (size_t i = 0; i < len; i++)
        columns += ((unsigned char)text->at[i] & 0xC0) != 0x80;
    text->at += len;
    text->position.column += columns;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static void skip_space(struct json_text *text)
{
    while (text->at < text->end && is_space(*text->at)) {
        bool is_end = *text->at++ == '\n';
        text->position.line += is_end;
        text->position.column = is_end ? 1 : text->position.column + 1;
    }
}

static bool looks_at(const struct json_text *text, const char *word)
{
    size_t len = strlen(word);
    return (size_t)(text->end - text->at) >= len && memcmp(text->at, word, len) == 0;
}

/* What people write who take JSON for JavaScript, Python or a template. The last that fits counts. */
static const struct {
    const char *word;
    const char *hint;
} habits[] = {
    {"//", "JSON has no comments; YAML has"},
    {"/*", "JSON has no comments; YAML has"},
    {"#", "JSON has no comments; YAML has"},
    {"'", "JSON quotes with \" only"},
    {"NaN", "JSON has no NaN"},
    {"Infinity", "JSON has no infinity"},
    {"-Infinity", "JSON has no infinity"},
    {"True", "write true"},
    {"False", "write false"},
    {"None", "write null"},
    {"undefined", "write null or leave the member out"},
    {"TRUE", "write true"},
    {"FALSE", "write false"},
    {"+", "numbers have no + before them"},
    {".", "numbers begin with a digit"},
    {"...", "write out what the dots stand for"},
    {"\xE2\x80\xA6", "write out what the dots stand for"},
    {"$", "placeholders must be filled in before they are committed"},
    {"<", "placeholders must be filled in before they are committed"},
    {"{{", "templates must be rendered before they are committed"},
    {"{%", "templates must be rendered before they are committed"},
    {"<%", "templates must be rendered before they are committed"},
    {"<<<<<<<", "these are git's conflict markers: settle the conflict"},
};

static int unexpected(struct json_text *text, const char *expected, const char *hint)
{
    CLEANUP_FREE char *found = document_text_word(text->at, text->end);
    CLEANUP_FREE char *message = text->at == text->end ? memory_strdup("the file ends too early")
                                                       : memory_printf("unexpected %s", found);
    for (size_t i = 0; i < ARRAY_LEN(habits); i++)
        if (looks_at(text, habits[i].word))
            hint = habits[i].hint;
    return document_builder_fault(
        text->builder,
        &(struct document_fault){
            .at = text->position, .code = "syntax", .message = message, .expected = expected, .hint = hint});
}

static int syntax(struct json_text *text, const char *message, const char *hint)
{
    return document_builder_fault(
        text->builder,
        &(struct document_fault){.at = text->position, .code = "syntax", .message = message, .hint = hint});
}

static int hex4(const struct json_text *text, uint32_t *ret_unit)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    if (text->end - text->at < 6)
        return ERROR_INVALID;
    *ret_unit = 0;
    for (int i = 2; i < 6; i++) {
        const char *digit = memchr(digits, text->at[i], sizeof digits - 1);
        if (!digit)
            return ERROR_INVALID;
        *ret_unit = *ret_unit * 16 + (uint32_t)((digit - digits) % 16);
    }
    return 0;
}

static void append_utf8(struct buffer *out, uint32_t c)
{
    unsigned char bytes[4];
    size_t len;
    if (c < 0x80) {
        bytes[0] = (unsigned char)c;
        len = 1;
    } else if (c < 0x800) {
        bytes[0] = (unsigned char)(0xC0 | c >> 6);
        len = 2;
    } else if (c < 0x10000) {
        bytes[0] = (unsigned char)(0xE0 | c >> 12);
        len = 3;
    } else {
        bytes[0] = (unsigned char)(0xF0 | c >> 18);
        len = 4;
    }
    for (size_t i = 1; i < len; i++)
        bytes[i] = (unsigned char)(0x80 | (c >> (6 * (len - 1 - i)) & 0x3F));
    buffer_append(out, bytes, len);
}

/* At \u. */
static int unicode_escape(struct json_text *text)
{
    uint32_t c;
    uint32_t low;
    if (hex4(text, &c) < 0)
        return syntax(text, "\\u wants four hex digits", NULL);
    if (c == 0)
        return document_builder_fail(text->builder, text->position, "unsupported",
                                     "\\u0000 in a string: no name, path or variable can hold it");
    if (c >= 0xDC00 && c <= 0xDFFF)
        return syntax(text, "the second half of a surrogate pair without the first", NULL);
    struct json_text second = *text;
    second.at += 6;
    if (c >= 0xD800 && c <= 0xDBFF) {
        if (!looks_at(&second, "\\u") || hex4(&second, &low) < 0 || low < 0xDC00 || low > 0xDFFF)
            return syntax(text, "the first half of a surrogate pair without the second", NULL);
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
        skip(text, 6);
    }
    skip(text, 6);
    append_utf8(&text->scratch, c);
    return 0;
}

/* At a backslash. */
static int escape(struct json_text *text)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    if (text->end - text->at < 2)
        return syntax(text, "the file ends inside a string", NULL);
    if (text->at[1] == 'u')
        return unicode_escape(text);
    const char *letter = memchr(letters, text->at[1], sizeof letters - 1);
    if (!letter)
        return syntax(text, "JSON has no such escape", "a backslash itself is written \\\\");
    buffer_append(&text->scratch, &meanings[letter - letters], 1);
    skip(text, 2);
    return 0;
}

/* At the opening quote. The content goes to text->scratch. */
static int read_string(struct json_text *text)
{
    struct position start = text->position;
    buffer_clear(&text->scratch);
    skip(text, 1);
    for (;;) {
        size_t plain = text_plain_len(text->at, (size_t)(text->end - text->at));
        buffer_append(&text->scratch, text->at, plain);
        skip_plain(text, plain);
        if (text->at == text->end || *text->at == '\n' || *text->at == '\r') {
            text->position = start;
            return syntax(text, "the string that begins here is not closed on its line",
                          "write \\n for a line break");
        }
        if (*text->at == '"') {
            skip(text, 1);
            return 0;
        }
        if (*text->at != '\\')
            return syntax(text, "a control character in a string", "write it as an escape, a tab as \\t");
        int rc = escape(text);
        if (rc < 0)
            return rc;
    }
}

static size_t digits_len(const char *s, const char *end)
{
    size_t len = 0;
    while (s + len < end && s[len] >= '0' && s[len] <= '9')
        len++;
    return len;
}

/* Length of the number at the cursor by RFC 8259's grammar, 0 when it is none. */
static size_t number_len(const struct json_text *text)
{
    const char *s = text->at + (*text->at == '-');
    size_t digits = digits_len(s, text->end);
    if (digits == 0 || (digits > 1 && *s == '0'))
        return 0;
    s += digits;
    if (s < text->end && *s == '.') {
        digits = digits_len(s + 1, text->end);
        if (digits == 0)
            return 0;
        s += 1 + digits;
    }
    if (s < text->end && (*s == 'e' || *s == 'E')) {
        s++;
        if (s < text->end && (*s == '+' || *s == '-'))
            s++;
        digits = digits_len(s, text->end);
        if (digits == 0)
            return 0;
        s += digits;
    }
    return (size_t)(s - text->at);
}

static int read_number(struct json_text *text)
{
    json_t *value;
    size_t len = number_len(text);
    if (len == 0)
        return unexpected(text, "a number",
                          "numbers have no leading zeros or +, and digits around the point");
    CLEANUP_FREE char *lexeme = memory_strndup(text->at, len);
    int rc = document_scalar_number(lexeme, &value);
    if (rc < 0)
        return document_builder_fail(text->builder, text->position, "number", "%.*s is %s", 40, lexeme,
                                     DOCUMENT_NUMBER_RANGE);
    struct position start = text->position;
    skip(text, len);
    return document_builder_scalar(text->builder, start, value);
}

static int read_literal(struct json_text *text)
{
    static const char *const words[] = {"null", "true", "false"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (!looks_at(text, words[i]))
            continue;
        struct position start = text->position;
        skip(text, strlen(words[i]));
        return document_builder_scalar(text->builder, start, i == 0 ? json_null() : json_boolean(i == 1));
    }
    return unexpected(text, "a value", NULL);
}

static int open_container(struct json_text *text)
{
    bool object = *text->at == '{';
    if (looks_at(text, "{{"))
        return unexpected(text, "a value", NULL);
    int rc = document_builder_open(text->builder, text->position, object ? json_object() : json_array());
    skip(text, 1);
    return rc < 0 ? rc : object ? JSON_FIRST_KEY : JSON_FIRST_ELEMENT;
}

/* Each step returns the next state or a negative code. */
static int step_value(struct json_text *text)
{
    int rc;
    if (text->at == text->end)
        return unexpected(text, "a value", NULL);
    char c = *text->at;
    if (c == '{' || c == '[')
        return open_container(text);
    if (c == '"') {
        struct position start = text->position;
        rc = read_string(text);
        if (rc == 0)
            rc = document_builder_scalar(text->builder, start,
                                         json_stringn_nocheck(buffer_str(&text->scratch), text->scratch.len));
    } else if ((c >= '0' && c <= '9') || (c == '-' && !looks_at(text, "-Infinity"))) {
        rc = read_number(text);
    } else {
        rc = read_literal(text);
    }
    return rc < 0 ? rc : JSON_AFTER_VALUE;
}

static int step_first_element(struct json_text *text)
{
    return text->at < text->end && *text->at == ']' ? JSON_AFTER_VALUE : step_value(text);
}

static int step_key(struct json_text *text)
{
    if (text->at == text->end || *text->at != '"')
        return unexpected(text, "a member name in double quotes",
                          text->at < text->end && *text->at == '}' ? "JSON allows no comma before }" : NULL);
    struct position start = text->position;
    int rc = read_string(text);
    if (rc == 0)
        rc = document_builder_key(text->builder, start, buffer_str(&text->scratch));
    return rc < 0 ? rc : JSON_COLON;
}

static int step_first_key(struct json_text *text)
{
    return text->at < text->end && *text->at == '}' ? JSON_AFTER_VALUE : step_key(text);
}

static int step_colon(struct json_text *text)
{
    if (text->at == text->end || *text->at != ':')
        return unexpected(text, "a colon after the member name", NULL);
    skip(text, 1);
    return JSON_VALUE;
}

static int step_after_value(struct json_text *text)
{
    struct document_builder *builder = text->builder;
    if (builder->depth == 0)
        return text->at == text->end ? JSON_DONE
                                     : unexpected(text, "the end of the file",
                                                  "a JSON file holds one value; YAML may hold several");
    bool object = json_is_object(builder->frames[builder->depth - 1].container);
    char c = text->at < text->end ? *text->at : '\0';
    if (c == (object ? '}' : ']')) {
        document_builder_close(builder);
        skip(text, 1);
        return JSON_AFTER_VALUE;
    }
    if (c != ',')
        return unexpected(text, object ? "a comma or }" : "a comma or ]",
                          c == '"' ? "a comma is missing before it" : NULL);
    skip(text, 1);
    skip_space(text);
    if (!object && text->at < text->end && *text->at == ']')
        return unexpected(text, "a value", "JSON allows no comma before ]");
    return object ? JSON_KEY : JSON_VALUE;
}

static int (*const steps[])(struct json_text *) = {
    [JSON_VALUE] = step_value,         [JSON_FIRST_ELEMENT] = step_first_element,
    [JSON_FIRST_KEY] = step_first_key, [JSON_KEY] = step_key,
    [JSON_COLON] = step_colon,         [JSON_AFTER_VALUE] = step_after_value,
};

int document_parse_json(struct document_builder *builder, const struct document_input *input,
                        struct document_vec *documents)
{
    assert(builder);
    struct json_text text = {.builder = builder,
                             .at = input->content,
                             .end = input->content + input->len,
                             .position = {1, 1},
                             .scratch = BUFFER_INIT(LIMIT_MANIFEST_BYTES)};
    int state = JSON_VALUE;
    while (state >= 0 && state != JSON_DONE) {
        skip_space(&text);
        state = steps[state](&text);
    }
    buffer_deinit(&text.scratch);
    if (state < 0)
        return state;
    vector_push(documents, document_builder_take(builder));
    return 0;
}
