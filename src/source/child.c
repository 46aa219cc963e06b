#include "source/child.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "source/process.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GLANCE_MS 50 /* how often a wait looks whether it is canceled */

struct run {
    const struct source_child *child;
    pid_t pid;
    int input;
    int file;
    int complaint;
    int output[2];
    int64_t end_ms;
};

static void run_deinit(struct run *run)
{
    const int fds[] = {run->input, run->file, run->complaint, run->output[0], run->output[1]};
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    if (run->pid > 0) {
        kill(run->pid, SIGKILL);
        while (waitpid(run->pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
}

void source_child_result_deinit(struct source_child_result *result)
{
    assert(result);
    free(result->output);
    result->output = NULL;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* In memory, to be read from its beginning. */
static int file_of(const char *name, const struct source_child_bytes *bytes)
{
    int fd = memfd_create(name, MFD_CLOEXEC);
    const char *at = bytes->data;
    for (size_t left = bytes->len; fd >= 0 && left;) {
        ssize_t n = write(fd, at, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            close(fd);
            return -1;
        }
        at += n;
        left -= (size_t)n;
    }
    if (fd >= 0)
        lseek(fd, 0, SEEK_SET);
    return fd;
}

static int open_files(struct run *run, struct error *err)
{
    run->input = file_of("input", &run->child->input);
    run->file = file_of("file", &run->child->file);
    run->complaint = memfd_create("complaint", MFD_CLOEXEC);
    if (run->input < 0 || run->file < 0 || run->complaint < 0 || pipe2(run->output, O_CLOEXEC) < 0)
        return error_set(err, ERROR_UNAVAILABLE, "cannot start %s: %s", run->child->argv[0], strerror(errno));
    return 0;
}

/* The numbers 0 to 3 are free or the process's own: what is put there is none of them, but for 3. */
static int start(struct run *run, char *const *environment)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, run->input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, run->output[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, run->complaint, STDERR_FILENO);
    posix_spawn_file_actions_adddup2(&actions, run->file, 3);
    source_process_attributes(&attributes, 0);
    pid_t pid = 0;
    int rc = posix_spawnp(&pid, run->child->argv[0], &actions, &attributes, (char *const *)run->child->argv,
                          environment);
    run->pid = rc == 0 ? pid : 0;
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

static int fail_to_start(const struct run *run, int number, struct error *err)
{
    return error_set(err, number == ENOENT ? ERROR_NOT_FOUND : ERROR_UNAVAILABLE, "cannot start %s: %s",
                     run->child->argv[0], strerror(number));
}

/* Words in English, so that they can be told apart; times as the machine has them, as git has it. */
static int start_clean(struct run *run, struct error *err)
{
    const char *path = getenv("PATH");
    const char *zone = getenv("TZ");
    char *own_path CLEANUP_FREE = memory_printf("PATH=%s", path ? path : "/usr/local/bin:/usr/bin:/bin");
    char *own_zone CLEANUP_FREE = zone ? memory_printf("TZ=%s", zone) : NULL;
    char language[] = "LC_ALL=C";
    char *const environment[] = {own_path, language, own_zone, NULL};
    int rc = start(run, environment);
    close(run->output[1]);
    run->output[1] = -1;
    return rc == 0 ? 0 : fail_to_start(run, rc, err);
}

/* What ends a wait before its time. */
static int look_around(const struct run *run, struct error *err)
{
    if (run->child->canceled && atomic_load(run->child->canceled))
        return error_set(err, ERROR_CANCELED, "%s was not waited for", run->child->argv[0]);
    if (now_ms() >= run->end_ms)
        return error_set(err, ERROR_TIMEOUT, "%s took longer than %lld ms", run->child->argv[0],
                         (long long)run->child->deadline_ms);
    return 0;
}

static int read_output(const struct run *run, struct buffer *output, struct error *err)
{
    char bytes[4096];
    for (;;) {
        int rc = look_around(run, err);
        if (rc < 0)
            return rc;
        struct pollfd fd = {.fd = run->output[0], .events = POLLIN};
        if (poll(&fd, 1, GLANCE_MS) <= 0)
            continue;
        ssize_t len = read(run->output[0], bytes, sizeof bytes);
        if (len < 0 && errno == EINTR)
            continue;
        if (len <= 0)
            return 0;
        if (buffer_append(output, bytes, (size_t)len) < 0)
            return error_set(err, ERROR_LIMIT, "%s wrote more than %d bytes", run->child->argv[0],
                             SOURCE_CHILD_OUTPUT_BYTES);
    }
}

/* It has closed its output: what is left to wait for is short. */
static int await_end(struct run *run, int *ret_status, struct error *err)
{
    const struct timespec moment = {.tv_nsec = 200000};
    for (;;) {
        int status = 0;
        pid_t pid = waitpid(run->pid, &status, WNOHANG);
        if (pid == run->pid) {
            run->pid = 0;
            *ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
            return 0;
        }
        if (pid < 0 && errno != EINTR) {
            run->pid = 0;
            return error_set(err, ERROR_UNAVAILABLE, "%s: %s", run->child->argv[0], strerror(errno));
        }
        int rc = look_around(run, err);
        if (rc < 0)
            return rc;
        nanosleep(&moment, NULL);
    }
}

static void read_complaint(const struct run *run, char text[static SOURCE_CHILD_COMPLAINT_BYTES])
{
    off_t size = lseek(run->complaint, 0, SEEK_END);
    off_t most = SOURCE_CHILD_COMPLAINT_BYTES - 1;
    ssize_t len = pread(run->complaint, text, (size_t)most, size > most ? size - most : 0);
    text[len > 0 ? len : 0] = '\0';
}

int source_child_run(const struct source_child *child, struct source_child_result *ret_result,
                     struct error *err)
{
    assert(child && child->argv && child->argv[0]);
    assert(ret_result);
    struct run run CLEANUP(run_deinit) = {.child = child,
                                          .input = -1,
                                          .file = -1,
                                          .complaint = -1,
                                          .output = {-1, -1},
                                          .end_ms = now_ms() + child->deadline_ms};
    struct buffer output CLEANUP(buffer_deinit) = BUFFER_INIT(SOURCE_CHILD_OUTPUT_BYTES);
    int rc = open_files(&run, err);
    if (rc == 0)
        rc = start_clean(&run, err);
    if (rc == 0)
        rc = read_output(&run, &output, err);
    if (rc == 0)
        rc = await_end(&run, &ret_result->status, err);
    if (rc == 0 && ret_result->status == SOURCE_PROCESS_NOT_STARTED)
        rc = fail_to_start(&run, ENOENT, err);
    if (rc < 0)
        return rc;
    read_complaint(&run, ret_result->complaint);
    ret_result->output = buffer_steal(&output);
    return 0;
}
