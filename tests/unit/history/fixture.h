/* A repository in a directory of its own, and short words for what the tests do with it. */
#pragma once

#include "history/ledger.h"

#include <stdbool.h>
#include <stddef.h>

struct fixture {
    char dir[64];
    char repo[128];
    struct history_options options;
    struct history *history;
};

int fixture_setup(void **state);
int fixture_teardown(void **state);
/* As a new process would see it. */
void fixture_reopen(struct fixture *f);

/* Borrows the strings, which nobody changes. */
struct ledger_change fixture_change(enum ledger_change_kind kind, const char *name, json_t *entry,
                                    const char *message);
/* Saves {"n": n, ...} as cluster/service. Returns what history_save returns. */
int fixture_save(struct fixture *f, const char *service, int n, struct error *err);
int fixture_save_change(struct fixture *f, const struct ledger_change *change, int64_t now_ms,
                        struct error *err);
/* As the daemon does it between saves. */
int fixture_tidy(struct fixture *f, struct error *err);
/* n of a service as a load gives it; -1 when it is not there. */
int fixture_load(struct fixture *f, const char *service, struct history_report *ret_report);
size_t fixture_count(struct fixture *f);

/* Runs a command in the repository; its output, caller frees. Fails the test when the command fails. */
char *fixture_run(const struct fixture *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
