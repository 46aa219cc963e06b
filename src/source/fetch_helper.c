#include "source/git.h"
#include "source/source.h"

#include "base/memory.h"
#include "base/text.h"
#include "source/fetch_order.h"
#include "source/origin.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static int (*const errands[])(const struct source_fetch_order *order, struct source_fetch_result *ret_result,
                              struct error *err) = {[SOURCE_FETCH_BRANCH] = source_git_fetch,
                                                    [SOURCE_FETCH_REF] = source_git_fetch_ref,
                                                    [SOURCE_PUSH_REF] = source_git_push};

static int run(char *lines[static SOURCE_ORDER_LINES], struct source_fetch_result *ret_result,
               struct error *err)
{
    struct source_fetch_order order = {0};
    int rc = source_order_read(stdin, lines, &order, err);
    if (rc == 0)
        rc = source_library_init(err);
    if (rc < 0)
        return rc;
    rc = source_library_configure(err);
    if (rc == 0)
        rc = errands[order.errand](&order, ret_result, err);
    source_origin_redact_error(order.url, err);
    source_library_deinit();
    return rc;
}

int source_fetch_helper_main(int argc, char **argv)
{
    int64_t deadline_ms = LIMIT_FETCH_MS;
    if (argc > 1)
        text_to_int64(argv[1], 1, INT64_MAX / 2, &deadline_ms);
    prctl(PR_SET_PDEATHSIG, SIGKILL);          /* the mirror is the next daemon's, when this one has died */
    alarm((unsigned)(deadline_ms / 1000 + 5)); /* should it have died before */

    char *lines[SOURCE_ORDER_LINES] = {0};
    struct source_fetch_result result = {0};
    struct error error = ERROR_INIT;
    int rc = run(lines, &result, &error);
    for (char *p = error.message; *p; p++)
        *p = *p == '\n' ? ' ' : *p;
    if (rc == 0)
        printf("ok\n%s\n%s\n", result.tip, result.ref);
    else
        printf("error\n%d\n%s\n%s\n", error.code, error_text(&error), result.tip);
    free(result.ref);
    for (int i = 0; i < SOURCE_ORDER_LINES; i++)
        free(lines[i]);
    return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
