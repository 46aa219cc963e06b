#include "history/handle.h"
#include "history/layout.h"

/* The blob at path in a commit; zero when there is none. */
static git_oid blob_at(const git_commit *commit, const char *path)
{
    git_oid oid = {{0}};
    git_tree *root CLEANUP(git_tree_freep) = NULL;
    git_tree_entry *entry CLEANUP(git_tree_entry_freep) = NULL;
    if (commit && git_commit_tree(&root, commit) == 0 && git_tree_entry_bypath(&entry, root, path) == 0)
        git_oid_cpy(&oid, git_tree_entry_id(entry));
    return oid;
}

static int emit(const git_commit *commit, const struct history_log_query *query)
{
    struct history_log_entry entry = {.time_ms = (int64_t)git_commit_time(commit) * 1000,
                                      .message = git_commit_message(commit)};
    git_oid_tostr(entry.oid, sizeof entry.oid, git_commit_id(commit));
    return query->on_entry(query->data, &entry);
}

int history_log(struct history *history, const struct history_log_query *query, struct error *err)
{
    char *path CLEANUP_FREE = NULL;
    int status = query->service ? history_layout_path(LEDGER_SERVICE, query->service, &path, err) : 0;
    if (status < 0 || !history->has_head)
        return status;
    git_commit *commit CLEANUP(git_commit_freep) = NULL;
    if (git_commit_lookup(&commit, history->store.repo, &history->head) < 0)
        return history_store_error(history->store.path, "cannot read the state", err);
    git_oid here = path ? blob_at(commit, path) : (git_oid){{0}};
    for (size_t emitted = 0; commit && (query->limit == 0 || emitted < query->limit);) {
        git_commit *parent CLEANUP(git_commit_freep) = NULL;
        if (git_commit_parentcount(commit) > 0 && git_commit_parent(&parent, commit, 0) < 0)
            parent = NULL;
        git_oid before = path ? blob_at(parent, path) : (git_oid){{0}};
        bool concerns = !path || !git_oid_equal(&here, &before);
        status = concerns ? emit(commit, query) : 0;
        if (status < 0)
            return status;
        emitted += concerns;
        here = before;
        git_commit_free(commit);
        commit = TAKE(parent);
    }
    return 0;
}
