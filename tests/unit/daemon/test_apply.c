/* `davit apply`, as a process: a signal ends it in order. Its engine is one that is not there. */
#include "base/memory.h"
#include "base/text.h"
#include "base/vector.h"

#include "../unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *davit;
static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

/* ignored: a signal, or 0. */
static pid_t start(const char *dir, int ignored)
{
    char *state CLEANUP_FREE = memory_printf("%s/state", dir);
    char *host CLEANUP_FREE = memory_printf("unix://%s/no.sock", dir);
    char *err CLEANUP_FREE = memory_printf("%s/err", dir);
    pid_t child = fork();
    if (child == 0) {
        for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
            signal(numbers[i], numbers[i] == ignored ? SIG_IGN : SIG_DFL);
        setenv("DOCKER_HOST", host, 1);
        if (!freopen(err, "w", stderr))
            _exit(126);
        execl(davit, davit, "apply", dir, "--state-directory", state, "--timeout", "50s", NULL);
        _exit(127);
    }
    return child;
}

/* The program does, once it is that: what runs this test may be valgrind, which handles all signals. */
static bool handles(pid_t pid, int number)
{
    char path[64];
    char line[256];
    bool is_davit = false;
    unsigned long long caught = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        is_davit |= text_equal(line, "Name:\tdavit\n");
        if (text_starts_with(line, "SigCgt:"))
            caught = strtoull(line + strlen("SigCgt:"), NULL, 16);
    }
    fclose(file);
    return is_davit && caught >> (number - 1) & 1;
}

/* Until then a signal just ends it. */
static void wait_for_handlers(pid_t pid, int ignored)
{
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        for (int j = 0; j < 1200 && numbers[i] != ignored && !handles(pid, numbers[i]); j++)
            usleep(50000);
}

/* By that signal; takes the directory away. */
static void end(const char *dir, pid_t child, int number)
{
    int status = 0;
    kill(child, number);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 3);
    char *check CLEANUP_FREE =
        memory_printf("grep -q 'ended by %s' %s/err && rm -rf %s", strsignal(number), dir, dir);
    assert_int_equal(system(check), 0);
}

static void test_signals_end_it_in_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        char dir[] = "/tmp/davit-apply-XXXXXX";
        assert_non_null(mkdtemp(dir));
        pid_t child = start(dir, 0);
        wait_for_handlers(child, 0);
        end(dir, child, numbers[i]);
    }
}

/* As nohup starts it. */
static void test_a_signal_that_was_ignored_stays_so(void **state)
{
    (void)state;
    static const int ignored[] = {SIGINT, SIGHUP};
    for (size_t i = 0; i < ARRAY_LEN(ignored); i++) {
        char dir[] = "/tmp/davit-apply-XXXXXX";
        assert_non_null(mkdtemp(dir));
        pid_t child = start(dir, ignored[i]);
        wait_for_handlers(child, ignored[i]);
        kill(child, ignored[i]);
        usleep(300000);
        assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
        end(dir, child, SIGTERM);
    }
}

static void test_it_says_whom_it_asks_first(void **state)
{
    static const char manifest[] =
        "printf 'family: web\\ncontainerDefinitions: [{name: a, image: i, memory: 9}]\\n---\\n"
        "serviceName: web\\ntaskDefinition: web\\n---\\nclusterName: default\\n' > %s/web.yaml";
    static const char found[] = "grep -qx 'looking at what runs on local' %s/err";
    (void)state;
    char dir[] = "/tmp/davit-apply-XXXXXX";
    assert_non_null(mkdtemp(dir));
    char *write CLEANUP_FREE = memory_printf(manifest, dir);
    char *check CLEANUP_FREE = memory_printf(found, dir);
    char *none CLEANUP_FREE = memory_printf("! grep -q healthy %s/err", dir);
    assert_int_equal(system(write), 0);
    pid_t child = start(dir, 0);
    for (int i = 0; i < 2400 && system(check); i++)
        usleep(50000);
    assert_int_equal(system(check), 0);
    assert_int_equal(system(none), 0);
    end(dir, child, SIGTERM);
}

static void test_it_counts_one_error(void **state)
{
    (void)state;
    int status = 0;
    char dir[] = "/tmp/davit-apply-XXXXXX";
    assert_non_null(mkdtemp(dir));
    char *write CLEANUP_FREE = memory_printf("echo 'clusterName: [x]' > %s/cluster.yaml", dir);
    char *check CLEANUP_FREE =
        memory_printf("grep -q 'is refused: 1 error; nothing was changed' %s/err && rm -rf %s", dir, dir);
    assert_int_equal(system(write), 0);
    pid_t child = start(dir, 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_int_equal(system(check), 0);
}

int main(int argc, char **argv)
{
    assert_int_equal(argc, 2);
    davit = argv[1];
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_signals_end_it_in_order),
                                       cmocka_unit_test(test_a_signal_that_was_ignored_stays_so),
                                       cmocka_unit_test(test_it_says_whom_it_asks_first),
                                       cmocka_unit_test(test_it_counts_one_error)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
