/* Days and months since 1970, as everybody in the west counts them. */
#pragma once

#include <stdint.h>

#define CALENDAR_DAY_S INT64_C(86400)

struct date {
    int year;
    int month; /* 1 is January */
    int day;
};

int calendar_days_in(int year, int month);
/* Days from 1970-01-01 to the first of that month. */
int64_t calendar_days_before(int year, int month);
/* 1 is Sunday, as EventBridge counts; of days since 1970. */
int calendar_weekday(int64_t days);
/* Of days since 1970, not negative. */
struct date calendar_date(int64_t days);
