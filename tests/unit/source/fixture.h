/* Repositories made by git(1) in a directory of their own, and a source on a real loop that is run until
 * something is so. */
#pragma once

#include "source/source.h"

#include "unit.h"

struct seen {
    struct commit commit;
    bool head;
    bool full;
    bool rewritten;
    char fork[COMMIT_OID_SIZE];
    char *files; /* "web.yaml=one;old.yaml-;" */
    bool too_large;
    int64_t generation;
};

struct fixture {
    char dir[64];
    uv_loop_t loop;
    uv_timer_t deadline;
    bool late;
    struct source *source;
    struct source_options options;
    char *origin;
    char *mirror;
    struct seen_vec VECTOR_OF(struct seen) seen;
    struct string_vec errors; /* of status calls; "" is ok */
    size_t told_away;         /* how many calls there were with the first that said away; 0: none */
    bool free_in_update;
};

int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Runs a script with sh -e in the fixture's directory; fails the test when it fails. */
void fixture_sh(struct fixture *fixture, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The first line a script prints. Caller frees. */
char *fixture_ask(struct fixture *fixture, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Commits what is in the work tree, with lines of author and committer that git reads and libgit2 does not.
 */
void fixture_commit_malformed(struct fixture *fixture, const char *directory);
/* "repo" with one commit of web.yaml=one; origin is it. */
void fixture_repository(struct fixture *fixture);

void fixture_start(struct fixture *fixture);
void fixture_stop(struct fixture *fixture);
/* Each runs the loop until it is so, and fails the test after a minute. */
void fixture_await_updates(struct fixture *fixture, size_t count);
void fixture_await_head(struct fixture *fixture, const char *files);
void fixture_await_error(struct fixture *fixture, const char *part);
void fixture_await_errors(struct fixture *fixture, size_t count);
void fixture_await_failures(struct fixture *fixture, size_t count); /* in a row */
void fixture_await_ok(struct fixture *fixture);
/* Drops what was seen so far. */
void fixture_forget(struct fixture *fixture);
/* Runs the loop for a while in which nothing is to happen. */
void fixture_idle(struct fixture *fixture, int ms);
const struct seen *fixture_last(struct fixture *fixture);
