/* Tables, JSON and YAML on the output. */
#pragma once

#include "base/vector.h"
#include "cli/cli.h"
#include "model/diagnostic.h"

#include <jansson.h>

/* A column of a table over JSON objects. Ids are shortened, but for -o wide. */
struct cli_column {
    const char *title;                                /* "RUNNING" */
    const char *member;                               /* of the object, "commit.subject" for nested ones */
    bool wide;                                        /* only with -o wide */
    char *(*text)(const json_t *row, int64_t now_ms); /* NULL: the member as text; caller frees */
};

struct cli_table {
    const struct cli_column *columns; /* ends with a NULL title */
    const char *list;                 /* member of the answer that holds the rows */
    const char *empty;                /* said on err when there are none */
};

/* The answer in the format of the flag "output". Returns an exit code. */
int cli_print(const struct cli *cli, const json_t *answer, const struct cli_table *table);
/* True when the format is json or yaml and the value has been printed in it. */
bool cli_print_data(const struct cli *cli, const json_t *value);
void cli_write_yaml(FILE *file, const json_t *value);

/* Cells of rows that are put together by hand; the strings are owned. */
struct cli_grid {
    size_t columns;
    struct string_vec cells;
};
void cli_grid_add(struct cli_grid *grid, char *cell); /* takes cell; NULL is "-" */
void cli_grid_print(const struct cli_grid *grid, FILE *file);
void cli_grid_deinit(struct cli_grid *grid);

/* The member at a path of names, "a.b"; NULL when absent. */
const json_t *cli_member(const json_t *object, const char *path);
const char *cli_member_string(const json_t *object, const char *path); /* "" when absent */
/* A scalar as text; NULL for none. Caller frees. */
char *cli_text(const json_t *value);
/* text_printable() for every string of an answer that is to be printed as text: a repository, an engine or a
 * container has written some of them. */
void cli_make_printable(json_t *value);
/* "5m": the age of an RFC 3339 time, NULL when it is none. Caller frees. */
char *cli_age(const char *time, int64_t now_ms);
/* "340ms", "3.4s", "34s", "5m3s": at most two units, as fine as a person reads it. Caller frees. */
char *cli_duration(int64_t ms);
/* The name of "Name <mail>", or all of it where there is no name. Caller frees. */
char *cli_author(const char *author);
/* `text` of columns over rows with a "commit": the first digits of its id, the name of its author. */
char *cli_column_commit(const json_t *row, int64_t now_ms);
char *cli_column_author(const json_t *row, int64_t now_ms);
/* The text with long ids cut to what tells them apart, 12 characters: of tasks, deployments, digests. Caller
 * frees. */
char *cli_short_ids(const char *text);
/* One line each, behind what begins it. */
void cli_write_diagnostics(FILE *file, const struct diagnostics *diagnostics, const char *before);
/* The same for those of an answer. */
void cli_write_answer_diagnostics(FILE *file, const json_t *diagnostics, const char *before);
/* One line for each, in colour. */
void cli_print_diagnostics(const struct cli *cli, const struct diagnostics *diagnostics);
/* Characters of UTF-8 text, as a terminal counts columns for the scripts that we print. */
size_t cli_width(const char *text);
int64_t cli_now_ms(void);

enum cli_tone { CLI_PLAIN, CLI_GOOD, CLI_BAD, CLI_BUSY, CLI_STRONG };
/* Escape sequences that begin and end a tone; "" without colour. */
const char *cli_tone(const struct cli *cli, enum cli_tone tone);
