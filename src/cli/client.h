/* Questions to the daemon. Blocking: a command asks one thing after the other. */
#pragma once

#include "cli/cli.h"

#include <jansson.h>

struct cli_request {
    const char *method; /* NULL: GET */
    const char *path;   /* "/v1/services" */
    const char *ecs;    /* in place of path: an operation of ECS, "RunTask" */
    const char *query;  /* "cluster=a&follow=1", already encoded; NULL: none */
    const json_t *body; /* NULL: none */
    bool keeps; /* it is answered when it is on disk: stderr is told after CLI_WAIT_TOLD_MS why it is not */
    int64_t deadline_ms; /* 0: CLI_REQUEST_MS; streams have none */
    /* Of a stream: called for each line of JSON as it comes. NULL: one answer. A negative return ends it. */
    int (*on_line)(void *data, const json_t *line);
    void (*on_begin)(void *data); /* of a stream: it was accepted, lines may come. NULL: nobody asks */
    void *data;
};

#define CLI_REQUEST_MS   30000

#define CLI_WAIT_TOLD_MS 2000

/* Asks the daemon of the flag "socket". *ret_answer is the caller's (NULL for streams; ret_answer may be
 * NULL). The error says what the daemon refused, or which socket does not answer and what to do.
 * ERROR_UNAVAILABLE: no daemon.
 */
int cli_request(const struct cli *cli, const struct cli_request *request, json_t **ret_answer,
                struct error *err);
/* A stream that breaks off, as when davit is restarted, is asked for again, and err is told. One that the
 * daemon ends has an end. */
struct cli_follow {
    struct cli_request request; /* data is that of the follower */
    /* Called before it is asked for again, to say what is had already. NULL: nothing to say. */
    void (*again)(void *data, struct cli_request *request);
};
/* Until it ends, or err says why it cannot go on. */
int cli_follow(const struct cli *cli, struct cli_follow *follow, struct error *err);
/* Appends "&name=value" (encoded) to a query and returns it; takes query, NULL begins one. NULL value: as it
 * was. */
char *cli_query_add(char *query, const char *name, const char *value);
/* The sources of an answer, of a davit that knows of one only its own. The caller's. */
json_t *cli_sources(const json_t *answer);
/* cluster=...&service=... of a target, either may be NULL. Caller frees. */
char *cli_query_target(const char *cluster, const char *service);
/* The same of the argument CLUSTER[/SERVICE]. NULL after a message when it is neither. Caller frees. */
char *cli_query_argument(const struct cli *cli);
/* Asks at that path for a new deployment of the service that the first argument names, and says so: it "is
 * tried again". The exit code. */
int cli_restart(const struct cli *cli, const char *path, const char *what);
