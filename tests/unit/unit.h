/* cmocka wants these four first, in this order. */
#pragma once

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <stdio.h>
#include <stdlib.h>

/* How often a test repeats itself. DAVIT_TEST_MEMCHECK: under valgrind, where a round costs some fifty times
 * as much and finds faults of another kind, while the plain run does them all. */
static inline int unit_rounds(int all, int under_memcheck)
{
    return getenv("DAVIT_TEST_MEMCHECK") ? under_memcheck : all;
}

/* Makes a directory davit-NAME-XXXXXX where temporary files belong: the caller removes it. */
static inline void unit_make_dir(char *dir, size_t size, const char *name)
{
    const char *parent = getenv("TMPDIR");
    int len = snprintf(dir, size, "%s/davit-%s-XXXXXX", parent && parent[0] ? parent : "/tmp", name);
    assert_in_range(len, 0, (int)size - 1);
    assert_non_null(mkdtemp(dir));
}
