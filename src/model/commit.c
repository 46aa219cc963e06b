#include "model/commit.h"

#include "base/error.h"
#include "base/memory.h"
#include "model/json.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void commit_deinit(struct commit *commit)
{
    assert(commit);
    free(commit->author);
    free(commit->subject);
    memset(commit, 0, sizeof *commit);
}

void commit_copy(const struct commit *commit, struct commit *ret_copy)
{
    assert(commit);
    assert(ret_copy);
    *ret_copy = *commit;
    ret_copy->author = memory_strdup(commit->author);
    ret_copy->subject = memory_strdup(commit->subject);
}

void commit_short(const char *oid, char ret_short[static COMMIT_SHORT_SIZE])
{
    assert(oid);
    snprintf(ret_short, COMMIT_SHORT_SIZE, "%.*s", COMMIT_SHORT_SIZE - 1, oid);
}

json_t *commit_to_json(const struct commit *commit)
{
    assert(commit);
    json_t *json = json_pack("{s:s}", "oid", commit->oid);
    model_set_string(json, "author", commit->author);
    model_set_string(json, "subject", commit->subject);
    model_set_int(json, "time", commit->time_ms);
    model_set_int(json, "approvedDeletions", commit->approved_deletions);
    return json;
}

int commit_from_json(const json_t *json, struct commit *ret_commit)
{
    assert(ret_commit);
    const char *oid = model_string(json, "oid");
    if (!oid || strlen(oid) >= COMMIT_OID_SIZE)
        return ERROR_INVALID;
    *ret_commit =
        (struct commit){.author = memory_strdup(model_string(json, "author")),
                        .subject = memory_strdup(model_string(json, "subject")),
                        .time_ms = model_int(json, "time"),
                        .approved_deletions = model_int_in(json, "approvedDeletions", 0, INT32_MAX)};
    memcpy(ret_commit->oid, oid, strlen(oid) + 1);
    return 0;
}
