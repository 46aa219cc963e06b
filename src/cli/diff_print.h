/* A diff in words: one value (diff_commits.h), two printers; -o json and yaml are the value itself. */
#pragma once

#include "cli/cli.h"

#include <jansson.h>

/* The answer, made printable. */
void cli_diff_print_text(const struct cli *cli, const json_t *answer);
/* What a pull request shows as a comment, a failure too. What a manifest says stands in code, so that it can
 * neither end the table nor bring markup, a link or a mention. */
void cli_diff_print_markdown(const struct cli *cli, const json_t *answer);

/* --- diff_words.c: what both say. Callers free. --------------------------------------------------------- */

/* "a new deployment"; of a difference. Borrowed. */
const char *cli_diff_change(const json_t *difference);
/* "from" and "to" of a detail, NULL where there is none: cut around the first difference where one is longer
 * than that. */
void cli_diff_values(const json_t *detail, size_t max_bytes, char **ret_from, char **ret_to);
/* Detail of desiredCount with numbers. */
bool cli_diff_is_scale(const json_t *detail);
/* "4 tasks in 2 rounds, 2 at a time; at least 4 of 4 healthy, at most 6 at once"; NULL: no task starts or
 * stops. */
char *cli_diff_tasks(const json_t *difference);
/* "without downtime", "downtime is possible: ..."; NULL: nothing is replaced. */
char *cli_diff_downtime(const json_t *difference);
/* "1 new service, 2 new deployments; 6 tasks start, 7 stop"; NULL: the answer has no summary or it is empty.
 */
char *cli_diff_summary(const json_t *answer);
/* The strings of an array with this between them; "" of none. */
char *cli_diff_join(const json_t *strings, const char *between);
/* What to do about a commit that is held. */
extern const char cli_diff_held_remedy[];
