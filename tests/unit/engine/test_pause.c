/* The program of the pause container, run outside of one: it reaps as PID 1 does when it is a subreaper. */
#include "base/memory.h"
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 120000

static void turn(int64_t *waited_ms)
{
    const struct timespec moment = {.tv_nsec = 5000000};
    nanosleep(&moment, NULL);
    *waited_ms += 5;
    assert_true(*waited_ms < PATIENCE_MS);
}

/* The rest of the line of /proc/PID/status that begins with `key`. Caller frees; NULL when it is gone. */
static char *status_of(pid_t pid, const char *key)
{
    char path[64];
    char line[256];
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, key, strlen(key)) != 0)
            continue;
        fclose(file);
        return memory_strdup(line + strlen(key));
    }
    if (file)
        fclose(file);
    return NULL;
}

static bool status_is(pid_t pid, const char *key, const char *wanted)
{
    char *status CLEANUP_FREE = status_of(pid, key);
    return status && strncmp(status, wanted, strlen(wanted)) == 0;
}

/* With an orphan, which ends at a byte from `hold` or its end, and whose id goes to *ret_orphan. */
static pid_t run_pause(const char *program, const int hold[static 2], pid_t *ret_orphan)
{
    int tell[2];
    assert_int_equal(pipe(tell), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(hold[1]);
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves none */
        if (fork() == 0) {
            pid_t orphan = fork();
            if (orphan > 0) {
                ssize_t len = write(tell[1], &orphan, sizeof orphan);
                _exit(len == sizeof orphan ? 0 : 1);
            }
            char byte;
            while (read(hold[0], &byte, 1) < 0 && errno == EINTR)
                continue;
            _exit(0);
        }
        execl(program, program, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(read(tell[0], ret_orphan, sizeof *ret_orphan), sizeof *ret_orphan);
    close(tell[0]);
    close(tell[1]);
    int64_t waited_ms = 0; /* until it waits for signals: it sleeps nowhere else */
    while (!status_is(pid, "Name:\t", "pause\n") || !status_is(pid, "State:\t", "S"))
        turn(&waited_ms);
    return pid;
}

static const char *program_of(void **state)
{
    return *state;
}

static void test_reaps_and_ends_at_signals(void **state)
{
    static const int signals[] = {SIGTERM, SIGINT};
    for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
        int hold[2];
        pid_t orphan;
        int status;
        int64_t waited_ms = 0;
        assert_int_equal(pipe(hold), 0);
        signal(SIGPIPE, SIG_IGN);
        pid_t pid = run_pause(program_of(state), hold, &orphan);
        while (!status_is(orphan, "State:\t", "S"))
            turn(&waited_ms);
        assert_int_equal(write(hold[1], "x", 1), 1); /* the orphan ends */
        while (status_is(orphan, "Name:\t", ""))
            turn(&waited_ms);
        assert_int_equal(kill(pid, signals[i]), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        close(hold[0]);
        close(hold[1]);
    }
}

static void test_other_signals_do_not_end_it(void **state)
{
    int hold[2];
    pid_t orphan;
    int status;
    assert_int_equal(pipe(hold), 0);
    pid_t pid = run_pause(program_of(state), hold, &orphan);
    assert_int_equal(kill(pid, SIGCHLD), 0);
    assert_int_equal(kill(pid, SIGCHLD), 0);
    assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    close(hold[0]);
    close(hold[1]);
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reaps_and_ends_at_signals),
        cmocka_unit_test(test_other_signals_do_not_end_it),
    };
    for (size_t i = 0; argc == 2 && i < ARRAY_LEN(tests); i++)
        tests[i].initial_state = argv[1];
    return argc == 2 ? cmocka_run_group_tests(tests, NULL, NULL) : 2;
}
