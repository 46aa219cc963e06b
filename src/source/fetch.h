/* One fetch of a remote, or one push, in a child process, with a deadline. libgit2 blocks while it talks, and
 * a hostile remote must not crash the daemon. */
#pragma once

#include "base/error.h"
#include "source/git.h"

#include <uv.h>

struct source_fetch;

struct source_fetch_request {
    const char *executable;
    struct source_fetch_order order; /* copied to the child */
    int64_t deadline_ms;
    /* Once, and never from within source_fetch_start(). error.code 0: the mirror has the branch, or the
     * errand of a ref is done. ERROR_LIMIT: the result has the tip that is too large. ERROR_TIMEOUT: the
     * deadline, or it did not get on. */
    void (*done)(void *data, const struct source_fetch_result *result, const struct error *error);
    void *data;
};

/* ERROR_UNAVAILABLE: the child does not start; then done does not come. */
int source_fetch_start(uv_loop_t *loop, const struct source_fetch_request *request,
                       struct source_fetch **ret_fetch, struct error *err);
/* done still comes. */
void source_fetch_kill(struct source_fetch *fetch);
