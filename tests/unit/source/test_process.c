/* Programs beside the loop. */
#include "source/process.h"

#include "base/memory.h"
#include "unit.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OUTPUT_SIZE 128

struct child {
    struct source_process process;
    uv_pipe_t output;
    char text[OUTPUT_SIZE];
    size_t len;
    int exits;
    int status;
    int signal;
};

static void on_exited(struct source_process *process, int status, int signal)
{
    struct child *child = process->handle.data;
    child->exits++;
    child->status = status;
    child->signal = signal;
    uv_close((uv_handle_t *)&process->handle, NULL);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct child *child = handle->data;
    (void)suggested;
    *buf = uv_buf_init(child->text + child->len, (unsigned)(OUTPUT_SIZE - 1 - child->len));
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
    struct child *child = stream->data;
    (void)buf;
    if (len > 0)
        child->len += (size_t)len;
    else if (len < 0)
        uv_close((uv_handle_t *)stream, NULL);
}

/* The output is told apart from what the test itself writes. */
static int begin(uv_loop_t *loop, struct child *child, const char *path, const char *script)
{
    char *const argv[] = {(char *)"sh", (char *)"-c", (char *)script, NULL};
    char *const environment[] = {(char *)"PATH=/usr/bin:/bin", (char *)"GREETING=hello", NULL};
    int output;
    memset(child, 0, sizeof *child);
    source_process_init(loop, &child->process);
    uv_pipe_init(loop, &child->output, 0);
    child->process.handle.data = child->output.data = child;
    assert_int_equal(source_process_pipe(&child->output, &output, NULL), 0);
    const struct source_process_program program = {.path = path,
                                                   .argv = argv,
                                                   .environment = environment,
                                                   .stdio = {-1, output, STDERR_FILENO},
                                                   .new_session = true};
    struct error err = ERROR_INIT;
    int rc = source_process_start(&child->process, &program, on_exited, &err);
    close(output);
    uv_read_start((uv_stream_t *)&child->output, on_alloc, on_read);
    return rc;
}

static void end(uv_loop_t *loop)
{
    uv_run(loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(loop), 0);
}

static void test_what_it_gets_and_says(void **state)
{
    uv_loop_t loop;
    struct child child;
    (void)state;
    uv_loop_init(&loop);
    assert_int_equal(begin(&loop, &child, "/bin/sh", "printf \"$GREETING $HOME\"; cat; exit 3"), 0);
    assert_true(child.process.pid > 0);
    end(&loop);
    assert_string_equal(child.text, "hello ");
    assert_int_equal(child.exits, 1);
    assert_int_equal(child.status, 3);
    assert_int_equal(child.signal, 0);
    assert_int_equal(child.process.pid, 0);
}

/* The end of one is not taken for that of another, whoever is first. */
static void test_several(void **state)
{
    uv_loop_t loop;
    struct child children[4];
    (void)state;
    uv_loop_init(&loop);
    assert_int_equal(begin(&loop, &children[0], "/bin/sh", "sleep 0.2; exit 10"), 0);
    assert_int_equal(begin(&loop, &children[1], "/bin/sh", "exit 11"), 0);
    assert_int_equal(begin(&loop, &children[2], "/bin/sh", "exit 12"), 0);
    assert_int_equal(begin(&loop, &children[3], "/bin/sh", "sleep 0.1; exit 13"), 0);
    end(&loop);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(children[i].exits, 1);
        assert_int_equal(children[i].status, 10 + i);
    }
}

/* With all that it has started, which holds its output open. */
static void test_killed_with_its_session(void **state)
{
    uv_loop_t loop;
    struct child child;
    (void)state;
    uv_loop_init(&loop);
    assert_int_equal(begin(&loop, &child, "/bin/sh", "sleep 1000 & printf ready; wait"), 0);
    while (!strstr(child.text, "ready"))
        uv_run(&loop, UV_RUN_ONCE);
    kill(-child.process.pid, SIGKILL);
    end(&loop);
    assert_int_equal(child.exits, 1);
    assert_int_equal(child.signal, SIGKILL);
}

static void test_signals_are_as_a_program_expects_them(void **state)
{
    uv_loop_t loop;
    struct child child;
    (void)state;
    uv_loop_init(&loop);
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(
        begin(&loop, &child, "/bin/sh", "sed -n 's/^Sig\\(Blk\\|Ign\\):\\s*/0x/p' /proc/self/status"), 0);
    end(&loop);
    signal(SIGPIPE, SIG_DFL);
    char *rest = NULL;
    assert_int_equal(strtoull(child.text, &rest, 16), 0); /* blocked */
    assert_false(strtoull(rest, NULL, 16) >> (SIGPIPE - 1) & 1);
}

/* At once, or, where that cannot be known at once, by its exit status. */
static void test_no_such_program(void **state)
{
    uv_loop_t loop;
    struct child child;
    (void)state;
    uv_loop_init(&loop);
    int rc = begin(&loop, &child, "/nonexistent/sh", "");
    if (rc < 0)
        uv_close((uv_handle_t *)&child.process.handle, NULL);
    end(&loop);
    assert_true(rc == ERROR_UNAVAILABLE || child.status == SOURCE_PROCESS_NOT_STARTED);
    assert_int_equal(child.exits, rc == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_it_gets_and_says),
        cmocka_unit_test(test_several),
        cmocka_unit_test(test_killed_with_its_session),
        cmocka_unit_test(test_signals_are_as_a_program_expects_them),
        cmocka_unit_test(test_no_such_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
