#include "base/text.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool text_equal(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool text_starts_with(const char *s, const char *prefix)
{
    assert(s);
    assert(prefix);
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool text_ends_with(const char *s, const char *suffix)
{
    assert(s);
    assert(suffix);
    size_t len = strlen(s);
    size_t tail = strlen(suffix);
    return len >= tail && strcmp(s + len - tail, suffix) == 0;
}

/* Length of the sequence that starts at s, or 0 when it is malformed. */
static size_t utf8_sequence(const unsigned char *s, size_t left)
{
    unsigned char c = s[0];
    if (c == 0)
        return 0;
    if (c < 0x80)
        return 1;
    size_t n = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
    if (c < 0xC2 || c > 0xF4 || left < n)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    if ((c == 0xE0 && s[1] < 0xA0) || (c == 0xED && s[1] > 0x9F) || (c == 0xF0 && s[1] < 0x90) ||
        (c == 0xF4 && s[1] > 0x8F))
        return 0;
    return n;
}

/* Whether none of the next eight bytes is NUL or beyond ASCII. */
static bool are_ascii(const char *s)
{
    uint64_t bytes;
    memcpy(&bytes, s, sizeof bytes);
    return ((bytes | (bytes - UINT64_C(0x0101010101010101))) & UINT64_C(0x8080808080808080)) == 0;
}

bool text_is_utf8(const char *s, size_t len)
{
    assert(s || len == 0);
    for (size_t i = 0; i < len;) {
        if (len - i >= 8 && are_ascii(s + i)) {
            i += 8;
            continue;
        }
        size_t n = utf8_sequence((const unsigned char *)s + i, len - i);
        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

static uint64_t eight(char c)
{
    return (unsigned char)c * UINT64_C(0x0101010101010101);
}

/* A bit in the high end of a byte that is 0, if there is one; false ones are above it only. */
static uint64_t zero_bytes(uint64_t word)
{
    return (word - eight(1)) & ~word & eight('\x80');
}

static bool are_plain(const char *s)
{
    uint64_t word;
    memcpy(&word, s, sizeof word);
    uint64_t control = (word - eight(' ')) & ~word & eight('\x80');
    return !(control | zero_bytes(word ^ eight('"')) | zero_bytes(word ^ eight('\\')));
}

size_t text_plain_len(const char *s, size_t len)
{
    assert(s || len == 0);
    size_t i = 0;
    while (len - i >= sizeof(uint64_t) && are_plain(s + i))
        i += sizeof(uint64_t);
    while (i < len && (unsigned char)s[i] >= ' ' && s[i] != '"' && s[i] != '\\')
        i++;
    return i;
}

/* The string ends within the character that begins at s. */
static bool is_half(const unsigned char *s, size_t left)
{
    size_t n = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
    if (s[0] < 0xC2 || s[0] > 0xF4 || left >= n)
        return false;
    for (size_t i = 1; i < left; i++)
        if ((s[i] & 0xC0) != 0x80)
            return false;
    return true;
}

void text_mend_utf8(char *s)
{
    assert(s);
    size_t len = strlen(s);
    for (size_t i = 0; i < len;) {
        size_t n = utf8_sequence((const unsigned char *)s + i, len - i);
        if (n == 0 && is_half((const unsigned char *)s + i, len - i)) {
            s[i] = '\0';
            return;
        }
        if (n == 0)
            s[i] = '?';
        i += n ? n : 1;
    }
}

/* The character at s, which is UTF-8 of n bytes, when a terminal acts on it instead of showing it; else 0. */
static uint32_t control_at(const unsigned char *s, size_t n)
{
    uint32_t c = n == 1   ? s[0]
                 : n == 2 ? (s[0] & 0x1FU) << 6 | (s[1] & 0x3FU)
                 : n == 3 ? (s[0] & 0x0FU) << 12 | (s[1] & 0x3FU) << 6 | (s[2] & 0x3FU)
                          : 'x';
    bool control = c < 0x20 || (c >= 0x7F && c < 0xA0);
    bool turns = (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
    return control || turns ? c : 0;
}

char *text_printable(const char *s)
{
    assert(s);
    size_t len = strlen(s);
    struct buffer out = BUFFER_INIT(len * strlen("\\u001B") + 1);
    for (size_t i = 0; i < len;) {
        size_t n = utf8_sequence((const unsigned char *)s + i, len - i);
        uint32_t control = control_at((const unsigned char *)s + i, n);
        if (n == 0)
            buffer_append(&out, "?", 1);
        else if (n == 1 && isspace((unsigned char)s[i]))
            buffer_append(&out, " ", 1);
        else if (control)
            buffer_printf(&out, "\\u%04" PRIX32, control);
        else
            buffer_append(&out, s + i, n);
        i += n ? n : 1;
    }
    return buffer_steal(&out);
}

const char *text_plural(int64_t count)
{
    return count == 1 ? "" : "s";
}

int text_to_int64(const char *s, int64_t min, int64_t max, int64_t *ret_value)
{
    assert(s);
    assert(ret_value);
    if (!isdigit((unsigned char)s[0]) && !(s[0] == '-' && isdigit((unsigned char)s[1])))
        return ERROR_INVALID;
    char *end;
    errno = 0;
    long long value = strtoll(s, &end, 10);
    if (*end)
        return ERROR_INVALID;
    if (errno == ERANGE || value < min || value > max)
        return ERROR_LIMIT;
    *ret_value = value;
    return 0;
}

static const struct {
    const char *name;
    int64_t ms;
} duration_units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};

/* Reads one "<number><unit>" and moves *s past it. */
static int duration_part(const char **s, int64_t *total_ms)
{
    char *end;
    errno = 0;
    long long number = strtoll(*s, &end, 10);
    if (end == *s || errno == ERANGE || number < 0)
        return ERROR_INVALID;
    size_t unit_len = 0;
    while (isalpha((unsigned char)end[unit_len]))
        unit_len++;
    for (size_t i = 0; i < ARRAY_LEN(duration_units); i++) {
        if (strlen(duration_units[i].name) != unit_len || strncmp(duration_units[i].name, end, unit_len) != 0)
            continue;
        int64_t part;
        if (__builtin_mul_overflow(number, duration_units[i].ms, &part) ||
            __builtin_add_overflow(*total_ms, part, total_ms))
            return ERROR_INVALID;
        *s = end + unit_len;
        return 0;
    }
    return ERROR_INVALID;
}

int text_to_duration_ms(const char *s, int64_t *ret_ms)
{
    assert(s);
    assert(ret_ms);
    int64_t seconds;
    if (text_to_int64(s, 0, INT64_MAX / 1000, &seconds) == 0) {
        *ret_ms = seconds * 1000;
        return 0;
    }
    int64_t total = 0;
    const char *at = s;
    if (!isdigit((unsigned char)*at))
        return ERROR_INVALID;
    while (*at) {
        if (!isdigit((unsigned char)*at) || duration_part(&at, &total) < 0)
            return ERROR_INVALID;
    }
    *ret_ms = total;
    return 0;
}

char *text_from_duration_ms(int64_t ms)
{
    if (ms < 0)
        ms = 0;
    if (ms < 1000)
        return memory_printf("%dms", (int)ms);
    int64_t s = ms / 1000;
    if (s < 60)
        return memory_printf("%ds", (int)s);
    if (s < 3600)
        return s % 60 ? memory_printf("%dm%ds", (int)(s / 60), (int)(s % 60))
                      : memory_printf("%dm", (int)(s / 60));
    int64_t m = s / 60;
    if (m < 24 * 60)
        return m % 60 ? memory_printf("%dh%dm", (int)(m / 60), (int)(m % 60))
                      : memory_printf("%dh", (int)(m / 60));
    int64_t h = m / 60;
    return h % 24 ? memory_printf("%lldd%dh", (long long)(h / 24), (int)(h % 24))
                  : memory_printf("%lldd", (long long)(h / 24));
}

/* Civil calendar from days since 1970-01-01 and back: proleptic Gregorian, eras of 400 years. */
static void civil_from_days(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t doe = days - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    *day = (int)(doy - (153 * mp + 2) / 5 + 1);
    *month = (int)(mp < 10 ? mp + 3 : mp - 9);
    *year = yoe + era * 400 + (*month <= 2);
}

static int64_t days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t yoe = year - era * 400;
    int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

void text_from_time_ms(int64_t unix_ms, char ret_text[static TEXT_TIME_SIZE])
{
    const int64_t day_ms = 86400000;
    /* Four-digit years only, the range of RFC 3339. */
    if (unix_ms < -62167219200000LL)
        unix_ms = -62167219200000LL;
    if (unix_ms > 253402300799999LL)
        unix_ms = 253402300799999LL;
    int64_t days = (unix_ms >= 0 ? unix_ms : unix_ms - (day_ms - 1)) / day_ms;
    int64_t rest = unix_ms - days * day_ms;
    int64_t year;
    int month;
    int day;
    civil_from_days(days, &year, &month, &day);
    char text[80];
    snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (int)year, month, day,
             (int)(rest / 3600000), (int)(rest / 60000 % 60), (int)(rest / 1000 % 60), (int)(rest % 1000));
    memcpy(ret_text, text, TEXT_TIME_SIZE - 1);
    ret_text[TEXT_TIME_SIZE - 1] = '\0';
}

/* Exactly `digits` digits at *s. */
static int digits_at(const char **s, int digits, int max, int *ret)
{
    int value = 0;
    for (int i = 0; i < digits; i++) {
        if (!isdigit((unsigned char)(*s)[i]))
            return ERROR_INVALID;
        value = value * 10 + ((*s)[i] - '0');
    }
    if (value > max)
        return ERROR_INVALID;
    *s += digits;
    *ret = value;
    return 0;
}

static int literal_at(const char **s, const char *set)
{
    if (!**s || !strchr(set, **s))
        return ERROR_INVALID;
    (*s)++;
    return 0;
}

static int zone_at(const char **s, int *ret_minutes)
{
    int hours;
    int minutes;
    char sign = **s;
    if (sign == 'Z' || sign == 'z') {
        (*s)++;
        *ret_minutes = 0;
        return 0;
    }
    if (literal_at(s, "+-") < 0 || digits_at(s, 2, 23, &hours) < 0 || literal_at(s, ":") < 0 ||
        digits_at(s, 2, 59, &minutes) < 0)
        return ERROR_INVALID;
    *ret_minutes = (sign == '-' ? -1 : 1) * (hours * 60 + minutes);
    return 0;
}

int text_to_time_ms(const char *s, int64_t *ret_unix_ms)
{
    assert(s);
    assert(ret_unix_ms);
    static const int month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day, hour, minute, second, offset;
    if (digits_at(&s, 4, 9999, &year) < 0 || literal_at(&s, "-") < 0 || digits_at(&s, 2, 12, &month) < 0 ||
        literal_at(&s, "-") < 0 || digits_at(&s, 2, 31, &day) < 0 || literal_at(&s, "Tt ") < 0 ||
        digits_at(&s, 2, 23, &hour) < 0 || literal_at(&s, ":") < 0 || digits_at(&s, 2, 59, &minute) < 0 ||
        literal_at(&s, ":") < 0 || digits_at(&s, 2, 60, &second) < 0)
        return ERROR_INVALID;
    if (month < 1 || day < 1 || day > month_days[month - 1])
        return ERROR_INVALID;
    int ms = 0;
    if (*s == '.') {
        int scale = 100;
        for (s++; isdigit((unsigned char)*s); s++, scale /= 10)
            ms += (*s - '0') * scale;
    }
    if (zone_at(&s, &offset) < 0 || *s)
        return ERROR_INVALID;
    int64_t days = days_from_civil(year, month, day);
    *ret_unix_ms = ((days * 24 + hour) * 60 + minute - offset) * 60000 + second * 1000LL + ms;
    return 0;
}

#define NEAREST_MAX_CHARS 64

/* Optimal string alignment distance, ignoring case; both at most NEAREST_MAX_CHARS long. */
static size_t distance(const char *a, const char *b)
{
    size_t la = strlen(a);
    size_t lb = strlen(b);
    size_t d[NEAREST_MAX_CHARS + 1][NEAREST_MAX_CHARS + 1];
    for (size_t i = 0; i <= la; i++)
        d[i][0] = i;
    for (size_t j = 0; j <= lb; j++)
        d[0][j] = j;
    for (size_t i = 1; i <= la; i++) {
        for (size_t j = 1; j <= lb; j++) {
            int x = tolower((unsigned char)a[i - 1]);
            int y = tolower((unsigned char)b[j - 1]);
            size_t best = d[i - 1][j - 1] + (x != y);
            if (d[i - 1][j] + 1 < best)
                best = d[i - 1][j] + 1;
            if (d[i][j - 1] + 1 < best)
                best = d[i][j - 1] + 1;
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
                tolower((unsigned char)a[i - 2]) == y && d[i - 2][j - 2] + 1 < best)
                best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    }
    return d[la][lb];
}

const char *text_nearest(const char *name, const char *const *names, size_t names_len)
{
    assert(name);
    assert(names || names_len == 0);
    size_t len = strlen(name);
    const char *best = NULL;
    size_t best_distance = len / 3 + 1;
    if (len > NEAREST_MAX_CHARS)
        return NULL;
    for (size_t i = 0; i < names_len; i++) {
        if (strlen(names[i]) > NEAREST_MAX_CHARS)
            continue;
        size_t d = distance(name, names[i]);
        if (d <= best_distance && (!best || d < best_distance)) {
            best = names[i];
            best_distance = d;
        }
    }
    return best;
}
