/* The text of a file that is being parsed: line breaks, positions, markers. Inner header of document*.c. */
#pragma once

#include "model/diagnostic.h"

#include <stdbool.h>
#include <stddef.h>

static inline bool document_text_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static inline bool document_text_is_break(char c)
{
    return c == '\n' || c == '\r';
}

/* Whether every byte is a character of ASCII. NUL is one. */
bool document_text_is_ascii(const char *from, const char *end);

/* The first byte in from..end that is no blank, or that is a break; end without one. */
const char *document_text_skip_blanks(const char *from, const char *end);
const char *document_text_line_end(const char *from, const char *end);
/* Where the line after that of `from` begins, or end. */
const char *document_text_next_line(const char *from, const char *end);

/* The word at a place, for the reader: at most 24 bytes. Caller frees. */
char *document_text_word(const char *at, const char *end);

/* Moves *position on from the place `from` to `to`: lines end with LF, CRLF or CR. */
void document_text_advance(struct position *position, const char *from, const char *to);

/* The next line of from..end that is YAML's document end marker, "..." and a blank or a break; `from` begins
 * a line. `end` when there is none. */
const char *document_text_end_marker(const char *from, const char *end);
