#include "history/git_hold.h"
#include "history/git_pack.h"
#include "history/handle.h"

#define ROOT_MESSAGE "Earlier history was trimmed\n"

static void oids_deinit(struct oid_vec *oids)
{
    vector_deinit(oids);
}

/* Ids along first parents from head, newest first, at most max. Ends where a commit cannot be read. */
static void chain(struct history *history, size_t max, struct oid_vec *ret_oids)
{
    *ret_oids = (struct oid_vec){0};
    git_oid oid = history->head;
    while (history->has_head && ret_oids->len < max) {
        git_commit *commit CLEANUP(git_commit_freep) = NULL;
        if (git_commit_lookup(&commit, history->store.repo, &oid) < 0)
            return;
        vector_push(ret_oids, oid);
        if (git_commit_parentcount(commit) == 0)
            return;
        git_oid_cpy(&oid, git_commit_parent_id(commit, 0));
    }
}

size_t history_trim_count(struct history *history, size_t max)
{
    struct oid_vec oids CLEANUP(oids_deinit);
    chain(history, max, &oids);
    return oids.len;
}

/* The commit `oid` made again on *parent, with its own message or another. *parent moves on to it. */
static int remake(struct history *history, const git_oid *oid, const char *message, git_oid *parent,
                  struct error *err)
{
    git_commit *commit CLEANUP(git_commit_freep) = NULL;
    if (git_commit_lookup(&commit, history->store.repo, oid) < 0)
        return history_store_error(history->store.path, "cannot read a state to keep", err);
    struct history_commit again = {.tree = git_commit_tree_id(commit),
                                   .parent = git_oid_is_zero(parent) ? NULL : parent,
                                   .message = message ? message : git_commit_message(commit),
                                   .time_s = git_commit_time(commit)};
    return history_store_commit(&history->store, &again, parent, err);
}

int history_trim(struct history *history, struct error *err)
{
    struct oid_vec oids CLEANUP(oids_deinit);
    chain(history, history->options.retention + 1, &oids);
    if (oids.len < 2)
        return 0;
    git_oid tip = {{0}};
    int status = history_hold_begin(&history->store, err);
    if (status == 0)
        status = remake(history, &oids.items[oids.len - 1], ROOT_MESSAGE, &tip, err);
    for (size_t i = oids.len - 1; i-- > 0 && status == 0;)
        status = remake(history, &oids.items[i], NULL, &tip, err);
    if (status == 0)
        status = history_pack_put(&history->store, err);
    if (status == 0)
        status = history_store_move_ref(&history->store, &history->ref, &tip, err);
    history_hold_drop(&history->store);
    if (status < 0)
        return status;
    history->head = tip;
    history->commits = oids.len;
    history_store_log_clear(&history->store);
    history_store_log(&history->store, NULL, &tip, 0);
    return 0;
}
