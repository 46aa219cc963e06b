/* Runs git(1). */
#pragma once

#include "base/error.h"

#include <stdbool.h>

struct source_git_call {
    const char *directory;        /* of the repository */
    const char *const *arguments; /* behind `git -C DIRECTORY`; NULL at the end */
    const char *const *settings;  /* "gpg.format=ssh", in place of git's own; NULL at the end; NULL: none */
    const char *input;            /* NULL: none */
    const char *name;             /* of author and committer, with `mail`; NULL: who git says */
    const char *mail;
    bool shown; /* it talks to this process's terminal */
    bool whole; /* all lines are the output, not the first alone */
};

/* Waits for its end. *ret_output is the first line that it printed, or with `whole`
 * the first 4 KiB, the caller's; NULL: nobody asks.
 * ERROR_CONFLICT: it exits with another status than 0; the message is what it said, in one line.
 * ERROR_UNAVAILABLE: it cannot be started. */
int source_git_child(const struct source_git_call *call, char **ret_output, struct error *err);
/* In a child that is to become git: the repository is the one that it is told, whatever a hook that this runs
 * in has set. */
void source_git_forget_repository(void);
