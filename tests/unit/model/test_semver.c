#include "model/semver.h"

#include "base/memory.h"
#include "base/text.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static struct semver_range *range_of(const char *text)
{
    struct semver_range *range = NULL;
    struct error err = ERROR_INIT;
    if (semver_range_compile(text, &range, &err) < 0)
        fail_msg("%s: %s", text, err.message);
    return range;
}

static void test_versions(void **state)
{
    (void)state;
    static const char *const good[] = {
        "1",     "1.2",        "1.2.3",    "v1.2.3",          "V1",         "0.0.0",         "1.2-rc",
        "1-a.b", "1.2.3-rc.1", "1.2.3+b5", "1.2.3-0-x.7+a.b", "2024.01.15", "20240115120000"};
    static const char *const bad[] = {
        "",       "v",    "latest", "1.",  "1..2", "1.2.3.4", "1.2.3-",  "1.2.3-a..b",         "1.2.3-a.",
        "1.2.3+", "1.2 ", " 1",     "vv1", "1.x",  "-1",      "1.2.3_4", "1234567890123456789"};
    struct semver version;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        if (!semver_parse(good[i], &version))
            fail_msg("%s is a version", good[i]);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (semver_parse(bad[i], &version))
            fail_msg("%s is no version", bad[i]);
    assert_true(semver_parse("v1.2-rc.1+5", &version));
    assert_int_equal(version.count, 2);
    assert_true(version.prefixed);
    assert_int_equal(version.prerelease_len, 4);
}

/* semver.org, 11: each comes before the next. */
static void test_order(void **state)
{
    (void)state;
    static const char *const rising[] = {"0.9.9",      "1.0.0-alpha",  "1.0.0-alpha.1", "1.0.0-alpha.beta",
                                         "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",
                                         "1.0.0",      "1.0.1",        "1.2.0",         "1.10.0",
                                         "2.0.0-0",    "2.0.0"};
    for (size_t i = 0; i < ARRAY_LEN(rising); i++)
        for (size_t k = 0; k < ARRAY_LEN(rising); k++) {
            struct semver a;
            struct semver b;
            assert_true(semver_parse(rising[i], &a) && semver_parse(rising[k], &b));
            int order = semver_compare(&a, &b);
            if ((order > 0) - (order < 0) != (i > k) - (i < k))
                fail_msg("%s and %s: %d", rising[i], rising[k], order);
        }
    struct semver a;
    struct semver b;
    assert_true(semver_parse("1.2", &a) && semver_parse("v1.02.0+x", &b));
    assert_int_equal(semver_compare(&a, &b), 0);
}

static void test_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *range;
        const char *in; /* between blanks */
        const char *out;
    } cases[] = {
        {"1.2.3", "1.2.3 v1.2.3 1.2.3+b", "1.2.2 1.2.4 1.2.3-rc.1"},
        {"=1.2.3", "1.2.3", "1.2.4"},
        {"==1.2.3", "1.2.3", "1.2.4"},
        {"!=1.2.3", "1.2.4 0.1.0", "1.2.3 1.2.4-rc"},
        {"1.2", "1.2.0 1.2.9", "1.1.9 1.3.0 1.3.0-rc.1 1.2.5-rc"},
        {"1.2.x", "1.2.0 1.2.9", "1.3.0"},
        {"1.2.*", "1.2.0 1.2.9", "1.3.0"},
        {"1", "1.0.0 1.99.0 1", "0.9.9 2.0.0 2"},
        {"1.x", "1.0.0 1.99.0", "2.0.0 2.0.0-0"},
        {"1.X.x", "1.0.0 1.99.0", "2.0.0"},
        {"v1.x", "1.0.0 v1.99.0", "2.0.0"},
        {"*", "0.0.0 99.0.0", "1.0.0-rc.1"},
        {"x", "0.0.0 99.0.0", "1.0.0-rc.1"},
        {">1.2.3", "1.2.4 2.0.0", "1.2.3 1.2.4-rc"},
        {">1.2", "1.3.0", "1.2.9"},
        {">1", "2.0.0", "1.9.9"},
        {">=1.2", "1.2.0 5.0.0", "1.1.9"},
        {"<1.2", "1.1.9", "1.2.0"},
        {"<=1.2", "1.2.9", "1.3.0"},
        {"<=1.2.3", "1.2.3", "1.2.4"},
        {"<=*", "5.0.0", "5.0.0-rc"},
        {"~1.2.3", "1.2.3 1.2.9", "1.2.2 1.3.0"},
        {"~>1.2.3", "1.2.9", "1.3.0"},
        {"~1.2", "1.2.0 1.2.9", "1.3.0"},
        {"~1", "1.0.0 1.9.0", "2.0.0"},
        {"^1.2.3", "1.2.3 1.9.0", "1.2.2 2.0.0 2.0.0-rc"},
        {"^ 1.2", "1.2.0 1.9.0", "2.0.0"},
        {"^0.2.3", "0.2.3 0.2.9", "0.3.0"},
        {"^0.0.3", "0.0.3", "0.0.4"},
        {"^0.0", "0.0.9", "0.1.0"},
        {"^0", "0.9.0", "1.0.0"},
        {">=1.2 <2", "1.2.0 1.9.9", "1.1.0 2.0.0"},
        {">=1.2, <2", "1.9.9", "2.0.0"},
        {">= 1.2 , != 1.5.0", "1.5.1", "1.5.0"},
        {"1.2 - 2.3", "1.2.0 2.3.9", "1.1.9 2.4.0"},
        {"1.2.3 - 2.3.4", "1.2.3 2.3.4", "1.2.2 2.3.5"},
        {"1.x || >=3 <4", "1.5.0 3.5.0", "2.0.0 4.0.0"},
        {"2||1", "2.0.0 1.0.0", "3.0.0"},
        {">=1.3.0-0", "1.3.0-rc.1 1.3.0 2.0.0-alpha", "1.2.9"},
        {"^1.3.0-beta", "1.3.0-beta 1.3.0-rc 1.4.0-alpha", "1.3.0-alpha 2.0.0-0"},
        {"1.x || >=2.0.0-0", "2.0.0-rc", "1.5.0-rc"},
        {"1.2.3-rc.1", "1.2.3-rc.1", "1.2.3"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct semver_range *range = range_of(cases[i].range);
        for (int in = 0; in < 2; in++) {
            char *list CLEANUP_FREE = memory_strdup(in ? cases[i].in : cases[i].out);
            char *rest = NULL;
            for (char *word = strtok_r(list, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
                struct semver version;
                assert_true(semver_parse(word, &version));
                if (semver_range_has(range, &version) != (in == 1))
                    fail_msg("%s in \"%s\"", word, cases[i].range);
            }
        }
        semver_range_free(range);
    }
}

static void test_what_is_no_range(void **state)
{
    (void)state;
    static const struct {
        const char *range;
        const char *words;
    } cases[] = {
        {"", "ends where a version"},
        {">=", "ends where a version"},
        {"latest", "at character 1, \"latest\""},
        {"1.2.3.4", "at character 6"},
        {"1.x.3", "at character 5"},
        {"1.", "ends where a version"},
        {"1 |", "\"|\""},
        {"1 | 2", "|| is wanted"},
        {"1 ||", "ends where a version"},
        {"|| 1", "at character 1"},
        {"1,", "ends where a version"},
        {">*", "greater than all"},
        {"!=1.2", "three numbers"},
        {"1.2-rc", "behind three"},
        {"1.2.3-", "a prerelease such as"},
        {"1.2.3-a..b", "prerelease"},
        {"1 -2", "at character 3"},
        {"=>1", "at character 2"},
        {"1.2.3 beta", "\"beta\""},
        {"12345678901234567890", "a version"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct semver_range *range = NULL;
        struct error err = ERROR_INIT;
        if (semver_range_compile(cases[i].range, &range, &err) != ERROR_INVALID || range)
            fail_msg("\"%s\" is a range", cases[i].range);
        if (!strstr(err.message, cases[i].words))
            fail_msg("\"%s\": %s", cases[i].range, err.message);
    }
    char *much CLEANUP_FREE = memory_calloc(LIMIT_SEMVER_RANGE_CHARS + 2, 1);
    memset(much, '1', LIMIT_SEMVER_RANGE_CHARS + 1);
    struct semver_range *range = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(semver_range_compile(much, &range, &err), ERROR_LIMIT);
}

static void test_who_takes_prereleases(void **state)
{
    (void)state;
    static const struct {
        const char *range;
        bool takes;
    } cases[] = {{"1.x", false}, {"^1.2", false}, {">=1.0.0-0", true}, {"1.x || 2.0.0-rc", true}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct semver_range *range = range_of(cases[i].range);
        assert_int_equal(semver_range_has_prereleases(range), cases[i].takes);
        semver_range_free(range);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_versions), cmocka_unit_test(test_order),
                                       cmocka_unit_test(test_ranges), cmocka_unit_test(test_what_is_no_range),
                                       cmocka_unit_test(test_who_takes_prereleases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
