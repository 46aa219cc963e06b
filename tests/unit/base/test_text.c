#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static void test_numbers_are_whole_strings(void **state)
{
    (void)state;
    int64_t value = 0;
    assert_int_equal(text_to_int64("-12", -20, 20, &value), 0);
    assert_int_equal(value, -12);
    assert_int_equal(text_to_int64("12x", 0, 20, &value), ERROR_INVALID);
    assert_int_equal(text_to_int64(" 12", 0, 20, &value), ERROR_INVALID);
    assert_int_equal(text_to_int64("", 0, 20, &value), ERROR_INVALID);
    assert_int_equal(text_to_int64("21", 0, 20, &value), ERROR_LIMIT);
    assert_int_equal(text_to_int64("99999999999999999999", 0, INT64_MAX, &value), ERROR_LIMIT);
}

static void test_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"30", 30000},  {"250ms", 250},    {"1h30m", 5400000},
                {"45s", 45000}, {"2d", 172800000}, {"0", 0}};
    static const char *const bad[] = {"", "s", "1x", "-1s", "1h-3m", "1.5h", "9999999999999999999d"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        int64_t ms = -1;
        assert_int_equal(text_to_duration_ms(good[i].text, &ms), 0);
        assert_int_equal(ms, good[i].ms);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t ms = -1;
        assert_true(text_to_duration_ms(bad[i], &ms) < 0);
        assert_int_equal(ms, -1);
    }
    char *text = text_from_duration_ms(5400000);
    assert_string_equal(text, "1h30m");
    free(text);
    text = text_from_duration_ms(90000);
    assert_string_equal(text, "1m30s");
    free(text);
}

static void test_times_go_both_ways(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {{"1970-01-01T00:00:00.000Z", 0},
                 {"2000-02-29T12:00:00.500Z", 951825600500},
                 {"2026-11-21T02:30:00.001Z", 1795228200001},
                 {"1969-12-31T23:59:59.999Z", -1}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[TEXT_TIME_SIZE];
        int64_t ms = 0;
        text_from_time_ms(cases[i].ms, text);
        assert_string_equal(text, cases[i].text);
        assert_int_equal(text_to_time_ms(text, &ms), 0);
        assert_int_equal(ms, cases[i].ms);
    }
    int64_t ms = 0;
    assert_int_equal(text_to_time_ms("2026-11-21T03:30:00.001999999+01:00", &ms), 0);
    assert_int_equal(ms, 1795228200001);
    assert_true(text_to_time_ms("2026-13-21T03:30:00Z", &ms) < 0);
    assert_true(text_to_time_ms("2026-02-30T03:30:00Z", &ms) < 0);
    assert_true(text_to_time_ms("2026-11-21T03:30:00", &ms) < 0);
    assert_true(text_to_time_ms("yesterday", &ms) < 0);
}

static void test_utf8(void **state)
{
    (void)state;
    static const char *const good[] = {"", "plain", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    static const char *const bad[] = {"\x80",     "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                      "\xe2\x82", "\xff"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(text_is_utf8(good[i], strlen(good[i])));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(text_is_utf8(bad[i], strlen(bad[i])));
    assert_false(text_is_utf8("a\0b", 3));
    assert_false(text_is_utf8("abcdefg\0h", 9));
    assert_false(text_is_utf8("abcdefgh\0", 9));
    assert_false(text_is_utf8("abcd\xff"
                              "efghij",
                              11));
    assert_true(text_is_utf8("abcdefg\xc3\xa9hijklmn", 16));
}

static void test_mended_text_is_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *mended;
    } cases[] = {{"", ""},         {"caf\xc3\xa9", "caf\xc3\xa9"}, {"caf\xc3", "caf"},
                 {"\xe2\x82", ""}, {"a\xf0\x9f\x98", "a"},         {"a\xe9t\xe9!", "a?t?!"},
                 {"a\xff", "a?"},  {"\x80\xed\xa0\x80", "????"},   {"\xc3(\xe2\x82\xac", "?(\xe2\x82\xac"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text CLEANUP_FREE = memory_strdup(cases[i].text);
        text_mend_utf8(text);
        assert_string_equal(text, cases[i].mended);
    }
}

/* What a terminal would act on is seen instead; what it shows stays. */
static void test_printable(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *printable;
    } cases[] = {{"", ""},
                 {"caf\xc3\xa9 \\ \xf0\x9f\x98\x80", "caf\xc3\xa9 \\ \xf0\x9f\x98\x80"},
                 {"a\nb\tc\r\n", "a b c  "},
                 {"\033[31mred\007\177", "\\u001B[31mred\\u0007\\u007F"},
                 {"\xc2\x9b"
                  "2J",
                  "\\u009B2J"},
                 {"a\xe2\x80\xae"
                  "b\xe2\x81\xa6\xe2\x80\xa8",
                  "a\\u202Eb\\u2066\\u2028"},
                 {"a\xff\033", "a?\\u001B"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text CLEANUP_FREE = text_printable(cases[i].text);
        assert_string_equal(text, cases[i].printable);
    }
}

static void test_nearest_name(void **state)
{
    (void)state;
    static const char *const names[] = {"cpu",          "image",    "memory", "memoryReservation",
                                        "portMappings", "essential"};
    assert_string_equal(text_nearest("memroy", names, 6), "memory");
    assert_string_equal(text_nearest("portMapping", names, 6), "portMappings");
    assert_string_equal(text_nearest("Image", names, 6), "image");
    assert_null(text_nearest("volumesFrom", names, 6));
    assert_null(text_nearest("x", names, 0));
}

static void test_plural(void **state)
{
    (void)state;
    assert_string_equal(text_plural(0), "s");
    assert_string_equal(text_plural(1), "");
    assert_string_equal(text_plural(2), "s");
}

/* Every byte at every place of what is looked at eight bytes at a time, and with every byte before it. */
static void test_what_is_plain_in_a_string(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++)
        for (size_t at = 0; at < 20; at++) {
            char text[20];
            memset(text, "a\x80!#["[at % 5], sizeof text);
            text[at] = (char)c;
            bool plain = c >= ' ' && c != '"' && c != '\\';
            assert_int_equal(text_plain_len(text, sizeof text), plain ? sizeof text : at);
            assert_int_equal(text_plain_len(text, at), at);
        }
    assert_int_equal(text_plain_len("", 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_plain_in_a_string),
        cmocka_unit_test(test_plural),
        cmocka_unit_test(test_numbers_are_whole_strings),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_times_go_both_ways),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_mended_text_is_utf8),
        cmocka_unit_test(test_nearest_name),
        cmocka_unit_test(test_printable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
