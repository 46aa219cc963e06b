/* The command line: one const entry a command, from which help, man pages, completion and parsing come.
 *
 * Data goes to `out`, everything else to `err`. Every flag is DAVIT_<FLAG> in the environment as well; flag
 * before environment before default. A value there that no command takes is refused, one that another takes
 * passes. Exit codes: 0 done, 1 no (invalid, different, failed), 2 could not tell or wrong usage, 3 time is
 * up.
 */
#pragma once

#include "base/error.h"
#include "base/map.h"
#include "base/vector.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { CLI_OK = 0, CLI_NO = 1, CLI_ERROR = 2, CLI_TIMEOUT = 3 };

struct cli_flag {
    const char *name;     /* "timeout": --timeout, DAVIT_TIMEOUT */
    char letter;          /* 0: none */
    const char *value;    /* what is to be given, for help: "DURATION"; NULL: a switch */
    const char *fallback; /* NULL: none */
    const char *summary;
    const char *choices; /* the only values, between blanks: "text json"; NULL: any */
};

struct cli_exit {
    int code;
    const char *meaning;
};

struct cli;

struct command {
    const char *name;
    const char *summary;           /* one line, no full stop */
    const char *args;              /* "[FROM [TO]]"; NULL: none */
    const char *description;       /* paragraphs for help and man page */
    const struct cli_flag *flags;  /* ends with a NULL name; NULL: none */
    const char *const *examples;   /* pairs of what for and command line, NULL at the end; NULL: none */
    const struct cli_exit *exits;  /* ends with a NULL meaning; NULL: 0 and 2 */
    const char *words;             /* what completion offers as the first argument; NULL: files */
    const char *before_files;      /* those of the words that files follow; NULL: nothing does */
    const char *before_containers; /* the one that containers of an engine follow; NULL: none */
    bool takes_services;           /* the arguments name services: completion asks the daemon for them */
    bool takes_clusters;           /* or clusters */
    bool takes_schedules;          /* or scheduled tasks */
    int args_min;
    int args_max;    /* -1: no bound */
    int args_others; /* after so many arguments come words of somebody else's, flags too; 0: never */
    bool hidden;     /* not for people: not in help, man and completion */
    bool raw;        /* takes argv as it is, flags included (cli->argc, cli->argv) */
    int (*run)(const struct cli *cli);
};

/* As given on the command line; borrowed. */
struct cli_given {
    const char *flag;
    const char *value;
};
struct cli_given_vec VECTOR_OF(struct cli_given);

/* One run. */
struct cli {
    const struct command *command;
    const struct command *const *commands;
    size_t commands_len;
    int argc; /* arguments without flags; argv[argc] is NULL */
    char **argv;
    struct map flags;           /* name -> borrowed value as given; see cli_value() */
    struct cli_given_vec given; /* each time that one was */
    FILE *out;
    FILE *err;
    bool out_is_terminal;
    bool err_is_terminal;
    bool colour; /* of out: a terminal, and no NO_COLOR */
    bool ends;   /* the process does, with this run */
};

/* main() of the program. commands in the order of help. */
int cli_main(const struct command *const *commands, size_t n, int argc, char **argv);
/* The same with files of the caller's: cli holds commands, commands_len, out, err and what is a terminal. */
int cli_run(struct cli *cli, int argc, char **argv);

/* The flag's value: given, or of the environment, or the default; NULL without any. Borrowed. */
const char *cli_value(const struct cli *cli, const char *flag);
/* The n-th value of a flag that may be given several times, from 0; NULL when there are no more. Borrowed. */
const char *cli_nth_value(const struct cli *cli, const char *flag, size_t n);
bool cli_is_on(const struct cli *cli, const char *flag); /* of a switch */
/* CLI_ERROR after a message that names the flag when the value is not one; 0 with *ret_ms untouched without a
 * value. */
int cli_duration_ms(const struct cli *cli, const char *flag, int64_t *ret_ms);

/* "davit: message", on err. Returns CLI_ERROR. */
int cli_fail(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Wrong usage: the same, and where to read more. Returns CLI_ERROR. */
int cli_usage(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* CLUSTER/SERVICE, or SERVICE of the flag "cluster" ("default" without it). Strings are the caller's.
 * CLI_ERROR after a message when it is neither. */
int cli_target(const struct cli *cli, const char *text, char **ret_cluster, char **ret_service);

/* Flags that several commands have, for their tables. */
#define CLI_FLAG_SOCKET                                                                                      \
    {                                                                                                        \
        "socket", 0, "ADDRESS", "/run/davit/davit.sock", "where the daemon listens: a path, or HOST:PORT",   \
            NULL                                                                                             \
    }
#define CLI_FLAG_CLUSTER                                                                                     \
    {                                                                                                        \
        "cluster", 'n', "NAME", NULL, "only this cluster", NULL                                              \
    }
#define CLI_FLAG_OUTPUT                                                                                      \
    {                                                                                                        \
        "output", 'o', "FORMAT", "table", "how to print", "table wide json yaml"                             \
    }
#define CLI_FLAG_TEXT                                                                                        \
    {                                                                                                        \
        "output", 'o', "FORMAT", "text", "how to print", "text json yaml"                                    \
    }
#define CLI_FLAG_REPO                                                                                        \
    {                                                                                                        \
        "repo", 0, "PATH", ".", "the local repository", NULL                                                 \
    }
#define CLI_FLAG_PATH                                                                                        \
    {                                                                                                        \
        "path", 0, "DIRECTORY", NULL, "where in the repository the manifests are", NULL                      \
    }
#define CLI_FLAG_REVISION                                                                                    \
    {                                                                                                        \
        "revision", 'r', "REVISION", NULL, "a commit, branch or tag instead of the files as they lie there", \
            NULL                                                                                             \
    }
#define CLI_FLAG_END                                                                                         \
    {                                                                                                        \
        NULL, 0, NULL, NULL, NULL, NULL                                                                      \
    }

/* The commands of this directory; those of the daemon are its own. */
extern const struct command cli_validate;
extern const struct command cli_diff;
extern const struct command cli_status;
extern const struct command cli_get;
extern const struct command cli_history;
extern const struct command cli_blame;
extern const struct command cli_logs;
extern const struct command cli_events;
extern const struct command cli_wait;
extern const struct command cli_reconcile;
extern const struct command cli_approve;
extern const struct command cli_redeploy;
extern const struct command cli_retry;
extern const struct command cli_rollback;
extern const struct command cli_update_images;
extern const struct command cli_update_images_remote;
extern const struct command cli_run_task;
extern const struct command cli_stop_task;
extern const struct command cli_suspend;
extern const struct command cli_resume;
extern const struct command cli_explain;
extern const struct command cli_schema;
extern const struct command cli_render;
extern const struct command cli_import;
extern const struct command cli_init;
extern const struct command cli_replay;
extern const struct command cli_version;
extern const struct command cli_help;
extern const struct command cli_completion;
