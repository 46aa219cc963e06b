#include "model/calendar.h"

#include <assert.h>
#include <stdbool.h>

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int calendar_days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    assert(month >= 1 && month <= 12);
    return days[month - 1] + (month == 2 && is_leap(year));
}

int64_t calendar_days_before(int year, int month)
{
    int64_t past = year - 1;
    int64_t days = past * 365 + past / 4 - past / 100 + past / 400 - 719162;
    for (int m = 1; m < month; m++)
        days += calendar_days_in(year, m);
    return days;
}

int calendar_weekday(int64_t days)
{
    return (int)((days % 7 + 7 + 4) % 7) + 1; /* 1970-01-01 was a Thursday */
}

struct date calendar_date(int64_t days)
{
    assert(days >= 0);
    struct date date = {.year = (int)(1970 + days / 366), .month = 1};
    while (calendar_days_before(date.year + 1, 1) <= days)
        date.year++;
    while (date.month < 12 && calendar_days_before(date.year, date.month + 1) <= days)
        date.month++;
    date.day = (int)(days - calendar_days_before(date.year, date.month)) + 1;
    return date;
}
