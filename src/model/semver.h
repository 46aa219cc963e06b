/* Semantic versions (semver.org, 2.0.0) as tags of images have them, and ranges of them as npm's semver, Flux
 * and Argo CD Image Updater take them. Pure.
 *
 *  version        | "1.27.3", "v1.27.3", "1.27", "1": what is missing is 0; "-rc.1" makes a prerelease, which
 *                 | comes before its release; "+build" does not count. Zeros may lead: "2024.01.15"
 *
 *  range          | means
 *  ---------------|----------------------------------------------------------
 *  1.2.3  =1.2.3  | that one                              != 1.2.3   any other
 *  1.2  1.2.x     | >=1.2.0 <1.3.0                        1  1.x     >=1.0.0 <2.0.0       *  x   any
 *  >1.2  <=1.2    | >=1.3.0, <1.3.0
 *  ~1.2.3  ~1     | >=1.2.3 <1.3.0, >=1.0.0 <2.0.0
 *  ^1.2.3         | >=1.2.3 <2.0.0                        ^0.2.3     >=0.2.3 <0.3.0       ^0.0.3  that one
 *  1.2 - 2.3      | >=1.2.0 <2.4.0
 *  A B   A, B     | both                                  A || B     one of them
 *
 * A prerelease is in a range only where one of the comparators that it has to meet names a prerelease too
 * (">=1.3.0-0"), so that nobody gets one who has not asked for it.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrows from the text that it was read from. */
struct semver {
    uint64_t numbers[3];
    int count;              /* of the numbers that are written out: 1 to 3 */
    bool prefixed;          /* by a "v" */
    const char *prerelease; /* without its "-" */
    size_t prerelease_len;  /* 0: a release */
};

/* False: the text is no version. */
bool semver_parse(const char *text, struct semver *ret_version);
/* Below 0, 0 or above as in strcmp(), by precedence: 1.2 and v1.2.0+5 are the same. */
int semver_compare(const struct semver *a, const struct semver *b);

struct semver_range; /* immutable */

/* ERROR_INVALID or ERROR_LIMIT (LIMIT_SEMVER_RANGE_CHARS); the message tells the character where it went
 * wrong. */
int semver_range_compile(const char *text, struct semver_range **ret_range, struct error *err);
void semver_range_free(struct semver_range *range); /* NULL is fine */
bool semver_range_has(const struct semver_range *range, const struct semver *version);
/* Whether one of its alternatives takes prereleases. */
bool semver_range_has_prereleases(const struct semver_range *range);
