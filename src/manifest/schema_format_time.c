/* RFC 3339: dates, times and durations, by its grammar. */
#include "manifest/schema_format.h"

#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Two digits at a place, up to a maximum; -1 for anything else. */
static int two(const char *text, int max)
{
    int value = is_digit(text[0]) && is_digit(text[1]) ? (text[0] - '0') * 10 + text[1] - '0' : -1;
    return value > max ? -1 : value;
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

bool schema_format_date(const char *text, size_t len)
{
    if (len != 10 || text[4] != '-' || text[7] != '-')
        return false;
    int century = two(text, 99);
    int year = two(text + 2, 99);
    int month = two(text + 5, 12);
    int day = two(text + 8, 31);
    return century >= 0 && year >= 0 && month > 0 && day > 0 && day <= days_in(century * 100 + year, month);
}

/* Minutes east of UTC of the offset that fills the text. */
static bool take_offset(const char *text, size_t len, int *ret_minutes)
{
    *ret_minutes = 0;
    if (len == 1)
        return text[0] == 'Z' || text[0] == 'z';
    if (len != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':')
        return false;
    int hours = two(text + 1, 23);
    int minutes = two(text + 4, 59);
    *ret_minutes = (hours * 60 + minutes) * (text[0] == '-' ? -1 : 1);
    return hours >= 0 && minutes >= 0;
}

bool schema_format_time(const char *text, size_t len)
{
    int offset;
    size_t fraction = 0;
    if (len < 9 || text[2] != ':' || text[5] != ':')
        return false;
    int hour = two(text, 23);
    int minute = two(text + 3, 59);
    int second = two(text + 6, 60);
    if (hour < 0 || minute < 0 || second < 0)
        return false;
    if (text[8] == '.') {
        for (fraction = 1; 8 + fraction < len && is_digit(text[8 + fraction]);)
            fraction++;
        if (fraction == 1)
            return false;
    }
    if (!take_offset(text + 8 + fraction, len - 8 - fraction, &offset))
        return false;
    /* A leap second is the last one of a day in UTC. */
    int utc = (hour * 60 + minute - offset + 2 * 1440) % 1440;
    return second < 60 || utc == 1439;
}

bool schema_format_date_time(const char *text, size_t len)
{
    return len > 11 && schema_format_date(text, 10) && (text[10] == 'T' || text[10] == 't') &&
           schema_format_time(text + 11, len - 11);
}

/* Numbers with units, each the one after the last in `units`, as RFC 3339's appendix A nests them. Returns
 * where it ends; NULL when there is none. */
static const char *skip_units(const char *at, const char *end, const char *units)
{
    const char *last = NULL;
    while (at < end && is_digit(*at)) {
        while (at < end && is_digit(*at))
            at++;
        const char *unit = at < end && *at ? strchr(units, *at) : NULL;
        if (!unit || (last && unit != last + 1))
            return NULL;
        last = unit;
        at++;
    }
    return last ? at : NULL;
}

bool schema_format_duration(const char *text, size_t len)
{
    const char *end = text + len;
    const char *at = text + 1;
    if (len < 2 || text[0] != 'P')
        return false;
    if (*at != 'T') {
        const char *weeks = skip_units(at, end, "W");
        at = skip_units(at, end, "YMD");
        if (weeks && !at)
            return weeks == end;
    }
    if (at && at < end && *at == 'T')
        at = skip_units(at + 1, end, "HMS");
    return at == end;
}
