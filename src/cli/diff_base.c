#include "cli/diff_base.h"

#include "base/memory.h"

#include <assert.h>

static bool can_be_read(const struct offline_query *query, const char *oid)
{
    struct offline_side side CLEANUP(offline_side_deinit) = OFFLINE_SIDE_INIT(oid);
    struct offline_query one = *query;
    one.revision = oid;
    return offline_read(&one, &side.desired, &side.diagnostics, NULL) == 0;
}

bool cli_diff_find_base(const struct offline_query *query, const char *from, int failure, char **ret_oid)
{
    struct string_vec oids CLEANUP(string_vec_deinit) = {0};
    struct offline_query line = *query;
    assert(failure < 0);
    line.revision = from;
    if ((failure != ERROR_INVALID && failure != ERROR_NOT_FOUND) ||
        offline_changes(&line, DIFF_BASES + 1, &oids, NULL) < 0)
        return false;
    for (size_t i = 0; i < oids.len && i < DIFF_BASES; i++) {
        if (can_be_read(query, oids.items[i])) {
            *ret_oid = memory_strdup(oids.items[i]);
            return true;
        }
    }
    *ret_oid = NULL;
    return oids.len <= DIFF_BASES;
}
