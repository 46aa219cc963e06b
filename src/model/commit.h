/* A git commit as davit speaks of it: the cause of every revision and deployment. */
#pragma once

#include <jansson.h>
#include <stdint.h>

#define COMMIT_OID_SIZE   65 /* hex of SHA-1 or SHA-256, and the NUL */
#define COMMIT_SHORT_SIZE 13 /* what people read: the first 12 digits */

struct commit {
    char oid[COMMIT_OID_SIZE];
    char *author;  /* "Name <mail>" */
    char *subject; /* first line of the message */
    int64_t time_ms;
    int approved_deletions; /* of the trailer COMMIT_APPROVAL of its message; 0: none */
};

/* "Davit-Approve-Deletions: 5": whoever wrote the commit knows that it removes so many services. */
#define COMMIT_APPROVAL "Davit-Approve-Deletions"

void commit_deinit(struct commit *commit);
/* *ret_copy is overwritten, not freed. */
void commit_copy(const struct commit *commit, struct commit *ret_copy);
void commit_short(const char *oid, char ret_short[static COMMIT_SHORT_SIZE]);
json_t *commit_to_json(const struct commit *commit);
/* Absent members stay empty. ERROR_INVALID when it is not an object with a string `oid`. */
int commit_from_json(const json_t *json, struct commit *ret_commit);
