/* What davit rollback goes back to, and a commit as davit reads it. For rollback*.c. */
#pragma once

#include "base/error.h"
#include "cli/cli.h"
#include "model/desired.h"
#include "source/restore.h"

#include <jansson.h>

/* One run. */
struct rollback {
    const struct cli *cli;
    char *cluster;
    char *service;
    struct source_branch branch;
    char there[COMMIT_OID_SIZE]; /* what is to be pushed, at the remote; see source_push_check() */
    char *repository;            /* as offline_query has it, with ... */
    char *path;                  /* ... where in it the manifests are; NULL: its root */
    json_t *deployments;         /* of the service, newest first; NULL: none is known */
    json_t *daemon;              /* its source; NULL: no daemon answers, and ... */
    struct error silence;        /* ... why */
    struct error absence;        /* that the daemon does not know the service, if it does not */
};

/* A commit, with regard to the service. Paths are the repository's. */
struct rollback_view {
    char oid[COMMIT_OID_SIZE];
    struct desired *desired;       /* NULL: its manifests are not valid */
    const struct service *service; /* borrowed of it; NULL: it has none, or is not valid */
    char *fault;                   /* the first error, where it is not valid */
    struct string_vec own;         /* what the service is made of, and nothing else */
    struct string_vec shared;      /* davit.yaml: what it is made of with others */
};

void rollback_view_deinit(struct rollback_view *view);
/* CLI_ERROR after a message when the commit cannot be read; one that is not valid can. */
int rollback_read(const struct rollback *rollback, const char *oid, struct rollback_view *ret_view);
/* "web:2" of the view's service, by the daemon's count where it knows the content. Caller frees. */
char *rollback_revision_of(const struct rollback *rollback, const struct rollback_view *view);
/* For the end of a refusal, where the daemon may go back without a commit: that it may; else "". Caller
 * frees.
 */
char *rollback_hold_hint(const struct rollback *rollback, const struct rollback_view *tip);
/* What is another in `after`, but for the service and its task definitions: "service demo/api", sorted (owned
 * strings). */
void rollback_others(const struct rollback *rollback, const struct rollback_view *before,
                     const struct rollback_view *after, struct string_vec *ret_names);

/* Which commit it is to be as in: `to` as given on the command line, or NULL. `tip` is the branch's. CLI_NO
 * after a message when the tip asks for that content already, CLI_ERROR after one when there is none. */
int rollback_find(const struct rollback *rollback, const char *to, const struct rollback_view *tip,
                  struct rollback_view *ret_target);
/* --hold. An exit code. */
int rollback_hold(const struct cli *cli, const char *cluster, const char *service);
/* The newest deployment of that content that COMPLETED; NULL: none is known. Borrowed. */
const json_t *rollback_deployment(const struct rollback *rollback, const struct rollback_view *view);
