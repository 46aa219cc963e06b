/* Runs a program to its end: no shell, an environment of its own, a deadline. Blocks; for worker threads. */
#pragma once

#include "base/error.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define SOURCE_CHILD_OUTPUT_BYTES    65536 /* of standard output; more ends the program */
#define SOURCE_CHILD_COMPLAINT_BYTES 2048  /* of standard error, its end */

/* The path at which the program finds `file`. */
#define SOURCE_CHILD_FILE "/proc/self/fd/3"

struct source_child_bytes {
    const void *data;
    size_t len;
};

struct source_child {
    const char *const *argv; /* argv[0] is looked for in PATH; ends in NULL */
    struct source_child_bytes input;
    struct source_child_bytes file;
    int64_t deadline_ms;         /* what it may take */
    const atomic_bool *canceled; /* looked at all the time; NULL: never */
};

struct source_child_result {
    int status; /* of exit(3); -1: a signal ended it */
    char *output;
    char complaint[SOURCE_CHILD_COMPLAINT_BYTES];
};

void source_child_result_deinit(struct source_child_result *result);
/* 0 however the program ended by itself. ERROR_NOT_FOUND: there is no such program. ERROR_TIMEOUT and
 * ERROR_CANCELED: it was killed. ERROR_LIMIT: it wrote too much. ERROR_UNAVAILABLE: it cannot be started. */
int source_child_run(const struct source_child *child, struct source_child_result *ret_result,
                     struct error *err);
