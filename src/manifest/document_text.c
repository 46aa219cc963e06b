#include "manifest/document_text.h"

#include "base/memory.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#define MARKER     "..."
#define MARKER_LEN (sizeof MARKER - 1)

/* Without a way out of the loop, so that it runs over many bytes at once. */
bool document_text_is_ascii(const char *from, const char *end)
{
    unsigned char bits = 0;
    for (; from < end; from++)
        bits |= (unsigned char)*from;
    return bits < 0x80;
}

const char *document_text_skip_blanks(const char *from, const char *end)
{
    while (from < end && document_text_is_blank(*from))
        from++;
    return from;
}

const char *document_text_line_end(const char *from, const char *end)
{
    while (from < end && !document_text_is_break(*from))
        from++;
    return from;
}

static const char *after_break(const char *at, const char *end)
{
    bool crlf = end - at >= 2 && at[0] == '\r' && at[1] == '\n';
    return at == end ? end : at + 1 + crlf;
}

const char *document_text_next_line(const char *from, const char *end)
{
    return after_break(document_text_line_end(from, end), end);
}

static bool ends_word(char c)
{
    return (unsigned char)c <= ' ' || c == '\x7F' || strchr(",:[]{}\"", c);
}

char *document_text_word(const char *at, const char *end)
{
    static const size_t most = 24;
    if (at >= end)
        return memory_strdup("the end of the file");
    if ((unsigned char)*at < ' ' || *at == '\x7F')
        return memory_printf("U+%04X", (unsigned)*at);
    bool is_bracket = *at != '"' && ends_word(*at); /* {{ is one word, of a template */
    size_t len = 1;
    while (at + len < end && len < most && (is_bracket ? at[len] == at[0] : !ends_word(at[len])))
        len++;
    while (at + len < end && ((unsigned char)at[len] & 0xC0) == 0x80)
        len++;
    return memory_strndup(at, len);
}

void document_text_advance(struct position *position, const char *from, const char *to)
{
    assert(position);
    while (from < to) {
        if (document_text_is_break(*from)) {
            from = after_break(from, to);
            *position = (struct position){position->line + 1, 1};
            continue;
        }
        position->column += ((unsigned char)*from & 0xC0) != 0x80;
        from++;
    }
}

const char *document_text_end_marker(const char *from, const char *end)
{
    const char *line = from;
    for (;;) {
        const char *marker = memmem(from, (size_t)(end - from), MARKER, MARKER_LEN);
        if (!marker)
            return end;
        const char *after = marker + MARKER_LEN;
        bool begins = marker == line || document_text_is_break(marker[-1]);
        if (begins && (after == end || document_text_is_blank(*after) || document_text_is_break(*after)))
            return marker;
        from = marker + 1;
    }
}
