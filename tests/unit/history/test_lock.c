#include "fixture.h"

#include "history/lock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_the_second_is_told_who_has_it(void **state)
{
    struct fixture *f = *state;
    struct history_lock *lock = NULL;
    struct history_lock *second = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(history_lock_take(f->dir, &lock, &err), 0);
    assert_int_equal(history_lock_take(f->dir, &second, &err), ERROR_CONFLICT);
    char *pid CLEANUP_FREE = memory_printf("held by process %d:", (int)getpid());
    assert_non_null(strstr(err.message, pid));
    history_lock_free(lock);
    assert_int_equal(history_lock_take(f->dir, &lock, &err), 0);
    history_lock_free(lock);
}

static void test_death_releases(void **state)
{
    struct fixture *f = *state;
    struct history_lock *lock = NULL;
    pid_t child = fork();
    if (child == 0)
        _exit(history_lock_take(f->dir, &lock, NULL) == 0 ? 0 : 1);
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    assert_int_equal(history_lock_take(f->dir, &lock, NULL), 0);
    history_lock_free(lock);
    assert_int_equal(history_lock_take("/nowhere", &lock, NULL), ERROR_IO);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_the_second_is_told_who_has_it),
        TEST(test_death_releases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
