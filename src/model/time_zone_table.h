/* The time zones of the IANA, and the rule of each as POSIX writes it in TZ. Private to time_zone.c. */
#pragma once

struct time_zone_row {
    const char *name;
    const char *rule; /* "CET-1CEST,M3.5.0,M10.5.0/3": of now and later, not of the past */
};

#define TIME_ZONE_ROWS 597
extern const struct time_zone_row time_zone_rows[TIME_ZONE_ROWS]; /* by name */
