/* Text that people write and read: names, numbers, durations, times. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* NULL equals NULL only. */
bool text_equal(const char *a, const char *b);
bool text_starts_with(const char *s, const char *prefix);
bool text_ends_with(const char *s, const char *suffix);
/* Well-formed UTF-8 without NUL, surrogates and overlong forms (RFC 3629). */
bool text_is_utf8(const char *s, size_t len);
/* Makes it so, in place: a byte that belongs to no character becomes '?', and half a character at the end,
 * where somebody cut, is dropped. */
void text_mend_utf8(char *s);

/* How many bytes from `s` on stand for themselves in a JSON string: up to the first quote, backslash or
 * control character. */
size_t text_plain_len(const char *s, size_t len);

/* Whole string, base 10. ERROR_INVALID or, out of [min, max], ERROR_LIMIT. */
int text_to_int64(const char *s, int64_t min, int64_t max, int64_t *ret_value);

/* What a counted noun ends in: "s", and "" for 1. */
const char *text_plural(int64_t count);

/* Go's durations as every tool of the field takes them: "1h30m", "250ms", "45s", and a bare number of
 * seconds. */
int text_to_duration_ms(const char *s, int64_t *ret_ms);
/* "1h30m", "45s", "250ms"; at most two units. Caller frees. */
char *text_from_duration_ms(int64_t ms);

#define TEXT_TIME_SIZE 25
/* "2026-01-31T23:59:59.123Z" of milliseconds since the epoch. */
void text_from_time_ms(int64_t unix_ms, char ret_text[static TEXT_TIME_SIZE]);
/* RFC 3339 in UTC or with an offset, fraction up to nanoseconds (cut to ms). ERROR_INVALID. */
int text_to_time_ms(const char *s, int64_t *ret_unix_ms);

/* Of `names` the one nearest to `name` by edits (insert, delete, replace, swap), ignoring case, or NULL when
 * none is near enough to be meant. Borrowed. */
const char *text_nearest(const char *name, const char *const *names, size_t names_len);

/* The text in one line that does nothing to a terminal: white space becomes a blank, other control characters
 * and those that turn the direction of writing become "\u001B", what is no UTF-8 becomes '?'. Caller frees.
 */
char *text_printable(const char *s);
