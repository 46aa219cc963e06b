/* What counts is read off the timer, which has an hour; what it does then, in a process of its own. */
#include "source/pace.h"

#include "base/limits.h"
#include "base/vector.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define HOUR_MS 3600000

static void pause_ms(long ms)
{
    const struct timespec span = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&span, NULL);
}

static int64_t left_ns(const struct source_pace *pace)
{
    struct itimerspec left;
    assert_int_equal(timer_gettime(pace->timer, &left), 0);
    return left.it_value.tv_sec * INT64_C(1000000000) + left.it_value.tv_nsec;
}

/* Whether the span begins anew; NULL: at a word of the remote. */
static bool counts(struct source_pace *pace, const struct source_pace_news *news)
{
    int64_t left = left_ns(pace);
    pause_ms(1);
    assert_true(left_ns(pace) < left);
    if (news)
        source_pace_note(pace, news);
    else
        source_pace_note_word(pace);
    return left_ns(pace) > left;
}

static void test_what_counts(void **state)
{
    enum { MANY = LIMIT_FETCH_STALL_BYTES };
    (void)state;
    static const struct {
        bool word;
        struct source_pace_news news;
        bool counts;
    } steps[] = {
        {.word = true, .counts = true}, /* the remote packs */
        {.word = true, .counts = true},
        {.news = {.bytes = MANY - 1, .steps = 1}},
        {.news = {.bytes = MANY}, .counts = true},
        {.word = true},                                /* not in the pack */
        {.news = {.bytes = 2 * MANY - 1, .steps = 2}}, /* a drip: since what counted last */
        {.news = {.bytes = 2 * MANY}, .counts = true},
        {.news = {.bytes = 2 * MANY, .steps = 3}},
        {.news = {.bytes = 2 * MANY, .steps = 3, .complete = true}, .counts = true},
        {.news = {.bytes = 2 * MANY, .steps = 3, .complete = true}},
        {.news = {.bytes = 2 * MANY, .steps = 4, .complete = true}, .counts = true},
    };
    struct source_pace pace = {0};
    assert_int_equal(source_pace_begin(&pace, HOUR_MS, NULL), 0);
    assert_in_range(left_ns(&pace), INT64_C(1000000) * HOUR_MS / 2, INT64_C(1000000) * HOUR_MS);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        if (counts(&pace, steps[i].word ? NULL : &steps[i].news) != steps[i].counts)
            fail_msg("step %zu", i);
    source_pace_end(&pace);
}

/* The signal that ends a process that waits for twice the span, 0: none. */
static int run(int64_t stall_ms, bool ends)
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct source_pace pace = {0};
        if (source_pace_begin(&pace, stall_ms, NULL) < 0)
            _exit(1);
        if (ends)
            source_pace_end(&pace);
        pause_ms(2 * stall_ms);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status))
        assert_int_equal(WEXITSTATUS(status), 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void test_what_does_not_get_on_is_ended(void **state)
{
    (void)state;
    assert_int_equal(run(100, false), SIGALRM);
    assert_int_equal(run(1500, true), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_counts),
                                       cmocka_unit_test(test_what_does_not_get_on_is_ended)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
