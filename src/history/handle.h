/* What the files of the ledger share. */
#pragma once

#include "history/git_store.h"
#include "history/ledger.h"

#include <stdbool.h>
#include <stddef.h>

struct history {
    struct history_store store;
    struct history_options options; /* defaults filled in; path is not kept */
    struct history_ref ref;         /* as last seen or written */
    bool has_head;
    git_oid head;                 /* the state in use: what the ref says, unless that is damaged */
    struct history_report damage; /* found when opened */
    size_t commits;               /* first-parent ones from head; 0: not counted yet, nor are packs */
    size_t packs;                 /* small ones */
    size_t tidy_packs;            /* the next tidying is due with more */
    size_t tidy_commits;
};

/* Adds the first damage's text; later ones are only counted, by the caller. */
void history_report_add(struct history_report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Finds head and fills damage. ERROR_UNSUPPORTED: the layout's number is not ours. */
int history_recover(struct history *history, struct error *err);

#define HISTORY_FORMAT "1\n"

/* Commits along first parents from head, head included, at most max. */
size_t history_trim_count(struct history *history, size_t max);
/* Makes the newest `retention` commits again on a new root and moves the ref there. */
int history_trim(struct history *history, struct error *err);
