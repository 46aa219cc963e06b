#include "source/pace.h"

#include "base/limits.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

static void arm(struct source_pace *pace)
{
    const struct itimerspec span = {.it_value = {.tv_sec = (time_t)(pace->stall_ms / 1000),
                                                 .tv_nsec = (long)(pace->stall_ms % 1000) * 1000000}};
    timer_settime(pace->timer, 0, &span, NULL);
}

int source_pace_begin(struct source_pace *pace, int64_t stall_ms, struct error *err)
{
    assert(pace && !pace->stall_ms);
    assert(stall_ms > 0);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    if (timer_create(CLOCK_MONOTONIC, &event, &pace->timer) < 0)
        return error_set(err, ERROR_UNAVAILABLE, "cannot make a timer: %s", strerror(errno));
    pace->stall_ms = stall_ms;
    arm(pace);
    return 0;
}

void source_pace_note(struct source_pace *pace, const struct source_pace_news *news)
{
    assert(pace && pace->stall_ms);
    bool arrives = news->bytes >= pace->bytes + LIMIT_FETCH_STALL_BYTES;
    bool works = news->complete && news->steps > pace->steps;
    if (!arrives && !works)
        return;
    pace->bytes = news->bytes;
    pace->steps = news->steps;
    arm(pace);
}

void source_pace_note_word(struct source_pace *pace)
{
    assert(pace && pace->stall_ms);
    if (!pace->bytes)
        arm(pace);
}

void source_pace_end(struct source_pace *pace)
{
    assert(pace);
    if (pace->stall_ms)
        timer_delete(pace->timer);
    pace->stall_ms = 0;
}
