#include "source/child.h"

#include "base/memory.h"
#include "base/text.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static int run(const char *script, struct source_child child, struct source_child_result *ret_result,
               struct error *err)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    child.argv = argv;
    child.deadline_ms = child.deadline_ms ? child.deadline_ms : 60000;
    *err = ERROR_INIT;
    return source_child_run(&child, ret_result, err);
}

static void test_files_output_complaint_and_status(void **state)
{
    (void)state;
    struct error err;
    struct source_child_result result = {0};
    const struct source_child child = {.input = {"in", 2}, .file = {"other", 5}};
    assert_int_equal(run("cat - " SOURCE_CHILD_FILE "; echo why >&2; exit 3", child, &result, &err), 0);
    assert_string_equal(result.output, "inother");
    assert_string_equal(result.complaint, "why\n");
    assert_int_equal(result.status, 3);
    source_child_result_deinit(&result);
    assert_int_equal(run("kill -9 $$", child, &result, &err), 0);
    assert_int_equal(result.status, -1);
    source_child_result_deinit(&result);
}

/* Of a complaint the end; nothing of our environment but the path and the time zone. */
static void test_long_complaints_and_a_clean_environment(void **state)
{
    (void)state;
    struct error err;
    struct source_child_result result = {0};
    setenv("SECRET", "s3cret", 1);
    assert_int_equal(run("yes | head -c 100000 >&2; echo the end >&2; env; ls /proc/$$/fd | wc -l",
                         (struct source_child){0}, &result, &err),
                     0);
    assert_int_equal(strlen(result.complaint), SOURCE_CHILD_COMPLAINT_BYTES - 1);
    assert_true(text_ends_with(result.complaint, "the end\n"));
    assert_null(strstr(result.output, "s3cret"));
    assert_non_null(strstr(result.output, "PATH="));
    assert_non_null(strstr(result.output, "LC_ALL=C"));
    source_child_result_deinit(&result);
}

static void test_what_ends_it_before_its_time(void **state)
{
    (void)state;
    struct error err;
    struct source_child_result result = {0};
    atomic_bool canceled = true;
    time_t begin = time(NULL);
    assert_int_equal(run("exec sleep 1000", (struct source_child){.deadline_ms = 100}, &result, &err),
                     ERROR_TIMEOUT);
    assert_non_null(strstr(err.message, "sh took longer than 100 ms"));
    assert_int_equal(
        run("exec >&- 2>&-; sleep 1000", (struct source_child){.deadline_ms = 100}, &result, &err),
        ERROR_TIMEOUT);
    assert_int_equal(run("exec sleep 1000", (struct source_child){.canceled = &canceled}, &result, &err),
                     ERROR_CANCELED);
    assert_int_equal(run("yes", (struct source_child){0}, &result, &err), ERROR_LIMIT);
    assert_true(time(NULL) - begin < 500);
    const char *const absent[] = {"davit-no-such-program", NULL};
    const struct source_child child = {.argv = absent, .deadline_ms = 1000};
    assert_int_equal(source_child_run(&child, &result, &err), ERROR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_output_complaint_and_status),
        cmocka_unit_test(test_long_complaints_and_a_clean_environment),
        cmocka_unit_test(test_what_ends_it_before_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
