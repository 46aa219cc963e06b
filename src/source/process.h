/* A program that runs beside the loop: what uv_spawn(3) is for, which copies the page tables of the whole
 * process, and has every page that is written to next be taken anew. Of a daemon that holds 10,000 services
 * that is 25 ms in which its loop stands still; posix_spawn(3) shares them until the program has begun. */
#pragma once

#include "base/error.h"

#include <spawn.h>
#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

/* The exit status of what could not be begun, where that is not known at once (as under valgrind). */
#define SOURCE_PROCESS_NOT_STARTED 127

struct source_process {
    uv_signal_t handle; /* for uv_close(), once, whether the program was started or not */
    pid_t pid;          /* 0: none runs */
    void (*exited)(struct source_process *process, int status, int signal);
};

struct source_process_program {
    const char *path;
    char *const *argv;
    char *const *environment;
    int stdio[3];     /* descriptors, borrowed: above 2, or the number itself; -1: /dev/null */
    bool new_session; /* it and what it starts: kill(-pid) reaches all of them */
};

/* Signals as a program expects them: none blocked, and SIGPIPE, which the daemon ignores, ends it. The caller
 * destroys them. */
void source_process_attributes(posix_spawnattr_t *attributes, short flags);
/* handle.data is the caller's. */
void source_process_init(uv_loop_t *loop, struct source_process *process);
/* `exited` comes once, from the loop. ERROR_UNAVAILABLE: the program cannot be started, and it never comes.
 */
int source_process_start(struct source_process *process, const struct source_process_program *program,
                         void (*exited)(struct source_process *process, int status, int signal),
                         struct error *err);
/* A pipe from a program: the end to be read, and the number of the other, which the caller closes once the
 * program has it. ERROR_UNAVAILABLE. */
int source_process_pipe(uv_pipe_t *pipe, int *ret_end, struct error *err);
