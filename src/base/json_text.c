#include "base/json_text.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/vector.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct writer {
    const struct json_text_sink *sink;
    bool sorted;
    size_t bytes; /* of the whole text */
    size_t len;   /* of what the sink has not got yet */
    char piece[1024];
};

static void flush(struct writer *writer)
{
    if (writer->len && writer->sink->take)
        writer->sink->take(writer->sink->data, writer->piece, writer->len);
    writer->len = 0;
}

static void put(struct writer *writer, const char *text, size_t len)
{
    writer->bytes += len;
    if (len > sizeof writer->piece - writer->len)
        flush(writer);
    if (len > sizeof writer->piece) {
        if (writer->sink->take)
            writer->sink->take(writer->sink->data, text, len);
        return;
    }
    memcpy(writer->piece + writer->len, text, len);
    writer->len += len;
}

static void put_char(struct writer *writer, char c)
{
    if (writer->len == sizeof writer->piece)
        flush(writer);
    writer->bytes++;
    writer->piece[writer->len++] = c;
}

static void put_escaped(struct writer *writer, unsigned char c)
{
    static const char letters[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r', ['"'] = '"', ['\\'] = '\\'};
    char text[sizeof "\\u0000"];
    int len = letters[c] ? snprintf(text, sizeof text, "\\%c", letters[c])
                         : snprintf(text, sizeof text, "\\u%04X", c);
    put(writer, text, (size_t)len);
}

static void put_string(struct writer *writer, const char *text, size_t len)
{
    size_t from = 0;
    put_char(writer, '"');
    for (size_t i = text_plain_len(text, len); i < len; i += 1 + text_plain_len(text + i + 1, len - i - 1)) {
        unsigned char c = (unsigned char)text[i];
        put(writer, text + from, i - from);
        put_escaped(writer, c);
        from = i + 1;
    }
    put(writer, text + from, len - from);
    put_char(writer, '"');
}

static void put_integer(struct writer *writer, json_int_t number)
{
    char text[sizeof "-9223372036854775808"];
    char *end = text + sizeof text;
    char *at = end;
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
    do
        *--at = (char)('0' + rest % 10);
    while (rest /= 10);
    if (number < 0)
        *--at = '-';
    put(writer, at, (size_t)(end - at));
}

/* They are rare, and their digits are jansson's choice. */
static void put_real(struct writer *writer, const json_t *value)
{
    char text[64];
    size_t len = json_dumpb(value, text, sizeof text, JSON_ENCODE_ANY);
    assert(len > 0 && len <= sizeof text);
    put(writer, text, len);
}

struct member {
    const char *name;
    const json_t *value;
};
struct member_vec VECTOR_OF(struct member);

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct member *)a)->name, ((const struct member *)b)->name);
}

static void put_value(struct writer *writer, const json_t *value);

static void put_member(struct writer *writer, const struct member *member, bool first)
{
    if (!first)
        put_char(writer, ',');
    put_string(writer, member->name, strlen(member->name));
    put_char(writer, ':');
    put_value(writer, member->value);
}

static void put_sorted(struct writer *writer, json_t *object)
{
    struct member_vec members = {0};
    const char *name;
    json_t *value;
    vector_reserve(&members, json_object_size(object));
    json_object_foreach (object, name, value)
        vector_push(&members, (struct member){name, value});
    vector_sort(&members, compare);
    for (size_t i = 0; i < members.len; i++)
        put_member(writer, &members.items[i], i == 0);
    vector_deinit(&members);
}

static void put_object(struct writer *writer, json_t *object)
{
    const char *name;
    json_t *value;
    bool first = true;
    put_char(writer, '{');
    if (writer->sorted)
        put_sorted(writer, object);
    else
        json_object_foreach (object, name, value) {
            put_member(writer, &(struct member){name, value}, first);
            first = false;
        }
    put_char(writer, '}');
}

static void put_array(struct writer *writer, const json_t *array)
{
    put_char(writer, '[');
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (i)
            put_char(writer, ',');
        put_value(writer, json_array_get(array, i));
    }
    put_char(writer, ']');
}

static void put_value(struct writer *writer, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        put_object(writer, (json_t *)(uintptr_t)value);
        break;
    case JSON_ARRAY:
        put_array(writer, value);
        break;
    case JSON_STRING:
        put_string(writer, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        put_integer(writer, json_integer_value(value));
        break;
    case JSON_REAL:
        put_real(writer, value);
        break;
    case JSON_TRUE:
        put(writer, "true", 4);
        break;
    case JSON_FALSE:
        put(writer, "false", 5);
        break;
    case JSON_NULL:
        put(writer, "null", 4);
        break;
    }
}

size_t json_text_write(const json_t *value, bool sorted, const struct json_text_sink *sink)
{
    assert(value);
    assert(sink);
    struct writer writer; /* the piece needs no beginning */
    writer.sink = sink;
    writer.sorted = sorted;
    writer.bytes = writer.len = 0;
    put_value(&writer, value);
    flush(&writer);
    explicit_bzero(writer.piece, writer.bytes < sizeof writer.piece ? writer.bytes : sizeof writer.piece);
    return writer.bytes;
}

/* As if every byte were a control character. */
static size_t string_bound(size_t len)
{
    return len * (sizeof "\\u0000" - 1) + 2;
}

size_t json_text_bound(const json_t *value)
{
    size_t bytes = 64; /* of any number and literal, and of brackets */
    size_t i;
    json_t *item;
    if (json_is_string(value))
        return string_bound(json_string_length(value));
    json_array_foreach (value, i, item)
        bytes += json_text_bound(item) + 1;
    json_t *object = (json_t *)(uintptr_t)value;
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at))
        bytes +=
            string_bound(strlen(json_object_iter_key(at))) + json_text_bound(json_object_iter_value(at)) + 2;
    return bytes;
}
