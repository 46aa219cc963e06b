#include "source/process.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void source_process_init(uv_loop_t *loop, struct source_process *process)
{
    assert(loop && process);
    uv_signal_init(loop, &process->handle);
    process->pid = 0;
    process->exited = NULL;
}

/* Some child has ended: not always this one. */
static void on_child(uv_signal_t *handle, int number)
{
    struct source_process *process = (struct source_process *)handle;
    int status = 0;
    (void)number;
    if (process->pid == 0 || waitpid(process->pid, &status, WNOHANG) != process->pid)
        return;
    process->pid = 0;
    uv_signal_stop(handle);
    process->exited(process, WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                    WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

static void set_stdio(posix_spawn_file_actions_t *actions, const int stdio[static 3])
{
    for (int i = 0; i < 3; i++) {
        assert(stdio[i] == -1 || stdio[i] == i || stdio[i] > 2);
        if (stdio[i] == -1)
            posix_spawn_file_actions_addopen(actions, i, "/dev/null", O_RDWR, 0);
        else
            posix_spawn_file_actions_adddup2(actions, stdio[i], i);
    }
}

void source_process_attributes(posix_spawnattr_t *attributes, short flags)
{
    sigset_t signals;
    posix_spawnattr_init(attributes);
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(attributes, &signals);
    sigaddset(&signals, SIGPIPE);
    posix_spawnattr_setsigdefault(attributes, &signals);
    posix_spawnattr_setflags(attributes, (short)(flags | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK));
}

int source_process_start(struct source_process *process, const struct source_process_program *program,
                         void (*exited)(struct source_process *process, int status, int signal),
                         struct error *err)
{
    assert(process && process->pid == 0);
    assert(program && exited);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    process->exited = exited;
    int failed = -uv_signal_start(&process->handle, on_child, SIGCHLD); /* before there is one to end */
    if (failed)
        return error_set(err, ERROR_UNAVAILABLE, "cannot watch for the end of %s: %s", program->path,
                         strerror(failed));
    posix_spawn_file_actions_init(&actions);
    set_stdio(&actions, program->stdio);
    source_process_attributes(&attributes, program->new_session ? POSIX_SPAWN_SETSID : 0);
    failed =
        posix_spawn(&process->pid, program->path, &actions, &attributes, program->argv, program->environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (failed == 0)
        return 0;
    process->pid = 0;
    uv_signal_stop(&process->handle);
    return error_set(err, ERROR_UNAVAILABLE, "%s", strerror(failed));
}

int source_process_pipe(uv_pipe_t *pipe, int *ret_end, struct error *err)
{
    int ends[2];
    assert(pipe && ret_end);
    if (pipe2(ends, O_CLOEXEC) < 0)
        return error_set(err, ERROR_UNAVAILABLE, "cannot make a pipe: %s", strerror(errno));
    int failed = uv_pipe_open(pipe, ends[0]);
    if (failed < 0) {
        close(ends[0]);
        close(ends[1]);
        return error_set(err, ERROR_UNAVAILABLE, "cannot make a pipe: %s", uv_strerror(failed));
    }
    *ret_end = ends[1];
    return 0;
}
