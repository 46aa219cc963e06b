/* Each case is a process of its own: what does not get on is ended by a signal. */
#include "source/pace.h"

#include "base/limits.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define STALL_MS 400
#define STEP_MS  20
#define STEPS    40 /* two spans */

/* What a fetch does in step n. */
typedef void step_fn(struct source_pace *pace, unsigned n);

static void pause_ms(long ms)
{
    const struct timespec span = {.tv_nsec = ms * 1000000};
    nanosleep(&span, NULL);
}

/* Returns the signal that ended it, 0: none. */
static int run(step_fn *step)
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct source_pace pace = {0};
        if (source_pace_begin(&pace, STALL_MS, NULL) < 0)
            _exit(1);
        for (unsigned n = 0; n < STEPS; n++) {
            pause_ms(STEP_MS);
            step(&pace, n);
        }
        source_pace_end(&pace);
        pause_ms(2 * STALL_MS);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status))
        assert_int_equal(WEXITSTATUS(status), 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void nothing(struct source_pace *pace, unsigned n)
{
    (void)pace;
    (void)n;
}

static void arrive(struct source_pace *pace, unsigned n)
{
    source_pace_note(pace,
                     &(struct source_pace_news){.bytes = (uint64_t)(n + 1) * LIMIT_FETCH_STALL_BYTES / 5});
}

static void drip(struct source_pace *pace, unsigned n)
{
    source_pace_note(pace, &(struct source_pace_news){.bytes = n, .steps = n});
}

static void work(struct source_pace *pace, unsigned n)
{
    source_pace_note(pace, &(struct source_pace_news){.bytes = 1000, .steps = n, .complete = true});
}

static void work_that_ends(struct source_pace *pace, unsigned n)
{
    work(pace, n < 5 ? n : 5);
}

static void speak(struct source_pace *pace, unsigned n)
{
    (void)n;
    source_pace_note_word(pace);
}

static void speak_in_the_pack(struct source_pace *pace, unsigned n)
{
    if (n == 0)
        source_pace_note(pace, &(struct source_pace_news){.bytes = LIMIT_FETCH_STALL_BYTES});
    source_pace_note_word(pace);
}

static void test_what_counts(void **state)
{
    (void)state;
    static const struct {
        step_fn *step;
        int signal;
    } cases[] = {
        {nothing, SIGALRM},
        {arrive, 0},
        {drip, SIGALRM},
        {work, 0},
        {speak, 0},
        {work_that_ends, SIGALRM},
        {speak_in_the_pack, SIGALRM},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (run(cases[i].step) != cases[i].signal)
            fail_msg("case %zu", i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_counts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
