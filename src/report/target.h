/* One receiver of notifications, as an entry of `notifications` in the configuration has it. */
#pragma once

#include "base/error.h"

#include <stdbool.h>

enum report_kind {
    REPORT_GITHUB,
    REPORT_GITLAB,
    REPORT_GITEA, /* Forgejo too */
    REPORT_BITBUCKET,
    REPORT_WEBHOOK,
    REPORT_SLACK,
};

/* What it is told of. A forge: REPORT_COMMITS alone. */
enum report_events {
    REPORT_COMMITS = 1,     /* what becomes of a commit */
    REPORT_DEPLOYMENTS = 2, /* "ECS Deployment State Change" */
    REPORT_SERVICES = 4,    /* "ECS Service Action" */
    REPORT_SOURCES = 8,     /* what happens to where commits come from */
};

struct report_target {
    enum report_kind kind;
    char *url;         /* a forge: base of its API; else where to post. NULL: the forge's own, or url_file */
    char *url_file;    /* webhook, slack: its first line is the URL, which is a secret by itself; NULL: url */
    char *repository;  /* a forge: "owner/name", GitLab: "group/project" or its number */
    char *token_file;  /* a forge: its first line is the token */
    char *secret_file; /* webhook: its first line signs; NULL: nothing is signed */
    char *ca_file;     /* PEM, in place of the system's authorities; NULL: these */
    char *link;        /* a forge: where a status leads to; NULL: nowhere */
    char *source;      /* whose commits and services it is told of; NULL: those of the only one */
    unsigned events;   /* enum report_events */
    bool per_service;  /* a forge: a context a service */
    bool shared;       /* a forge is told of the same repository's commits for another source too: contexts
                          name the source */
};

void report_target_deinit(struct report_target *target);
void report_target_copy(const struct report_target *target, struct report_target *ret_copy);
const char *report_kind_name(enum report_kind kind);
/* ERROR_NOT_FOUND. */
int report_kind_parse(const char *name, enum report_kind *ret_kind);
bool report_kind_is_forge(enum report_kind kind);
/* Whether commit statuses of both are of one repository. */
bool report_target_is_of_one_repository(const struct report_target *a, const struct report_target *b);
/* What the schema cannot say. ERROR_INVALID, with the target's name. */
int report_target_check(const struct report_target *target, struct error *err);
/* For people: "github owner/name", "slack https://hooks.slack.com": nothing of a URL that may be secret.
 * Caller frees. */
char *report_target_name(const struct report_target *target);
/* What its state is kept under: other words in the configuration, another receiver. Caller frees. */
char *report_target_key(const struct report_target *target);
