#include "fixture.h"
#include "unit.h"

#include <git2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Saves n, n+1, ... and says each on the pipe once it is acknowledged. Tidies all the time, to be killed
 * there too. */
static void save_until_killed(struct fixture *f, int n, int pipe_fd)
{
    f->history = NULL;
    f->options.pack_threshold = 3;
    f->options.retention = 15;
    if (history_open(&f->options, &f->history, NULL) < 0)
        _exit(1);
    for (;; n++) {
        if (fixture_save(f, "prod/web", n, NULL) < 0 || write(pipe_fd, &n, sizeof n) != sizeof n)
            _exit(2);
        if (fixture_tidy(f, NULL) < 0)
            _exit(3);
    }
}

/* The last n that a child acknowledged before it was killed: at least n. */
static int run_and_kill(struct fixture *f, int n, long after_us)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0)
        save_until_killed(f, n, fds[1]);
    close(fds[1]);
    int acknowledged = n - 1;
    assert_int_equal(read(fds[0], &acknowledged, sizeof acknowledged), sizeof acknowledged);
    nanosleep(&(struct timespec){.tv_nsec = after_us * 1000}, NULL);
    kill(child, SIGKILL);
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status));
    for (int got; read(fds[0], &got, sizeof got) == sizeof got;)
        acknowledged = got;
    close(fds[0]);
    return acknowledged;
}

static void test_kill_loses_no_acknowledged_save(void **state)
{
    struct fixture *f = *state;
    int last = 0;
    srand(1);
    assert_int_equal(fixture_save(f, "prod/web", 0, NULL), 0);
    int rounds = unit_rounds(200, 20);
    for (int round = 0; round < rounds; round++) {
        int acknowledged = run_and_kill(f, last + 1, rand() % 40000);
        struct history_report report;
        fixture_reopen(f);
        last = fixture_load(f, "prod/web", &report);
        /* The save that was under way may have come through. */
        assert_in_range(last, acknowledged, acknowledged + 1);
        assert_string_equal(report.text, "");
    }
    print_message("%d saves in %d killed processes\n", last, rounds);
    assert_true(last >= rounds);
    free(fixture_run(f, "git fsck --strict --no-dangling"));
}

/* In a child, for the limit cannot be taken back. */
static int save_with_file_limit(struct fixture *f, rlim_t bytes)
{
    pid_t child = fork();
    if (child == 0) {
        struct error err = ERROR_INIT;
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){bytes, bytes});
        int status = fixture_save(f, "prod/web", 2, &err);
        _exit(status == ERROR_IO &&
                      (strstr(err.message, "File too large") || strstr(err.message, "disk full"))
                  ? 42
              : status == 0 ? 0
                            : 1);
    }
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void fill_the_disk(struct fixture *f, rlim_t step_bytes)
{
    assert_int_equal(fixture_save(f, "prod/web", 1, NULL), 0);
    int failed = 0;
    for (rlim_t bytes = 0;; bytes += step_bytes) {
        int status = save_with_file_limit(f, bytes);
        assert_true(status == 42 || status == 0);
        failed += status == 42;
        struct history_report report;
        fixture_reopen(f);
        assert_int_equal(fixture_load(f, "prod/web", &report), status == 42 ? 1 : 2);
        assert_string_equal(report.text, "");
        if (status == 0)
            break;
    }
    assert_true(failed > 5);
    assert_int_equal(fixture_save(f, "prod/web", 3, NULL), 0);
    assert_int_equal(fixture_load(f, "prod/web", NULL), 3);
    free(fixture_run(f, "git fsck --strict --no-dangling"));
}

static void test_a_full_disk_is_an_error_and_harms_nothing(void **state)
{
    struct fixture *f = *state;
    fill_the_disk(f, 50);
    free(fixture_run(
        f, "test -z \"$(git count-objects | grep -v '^0 ')\" && test -z \"$(ls objects/pack-davit)\""));
}

int main(void)
{
    git_libgit2_init(); /* once for all: its start reads every certificate, and costs more than a round */
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_kill_loses_no_acknowledged_save),
        TEST(test_a_full_disk_is_an_error_and_harms_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
