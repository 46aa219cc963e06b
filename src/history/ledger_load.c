#include "history/handle.h"
#include "history/layout.h"

#include <string.h>

struct load {
    struct history *history;
    const struct history_visitor *visitor;
    struct history_report *report;
    enum ledger_change_kind kind;
};

static int skip(struct load *load, const char *path, const char *why)
{
    load->report->entries_skipped++;
    history_report_add(load->report, "%s %s", path, why);
    return 0;
}

static int load_entry(struct load *load, const char *path, const git_oid *oid)
{
    char *name CLEANUP_FREE = NULL;
    git_odb_object *blob CLEANUP(git_odb_object_freep) = NULL;
    size_t len;
    git_object_t type;
    if (history_layout_name(load->kind, path, &name) < 0)
        return skip(load, path, "is not a path of the ledger");
    if (git_odb_read_header(&len, &type, load->history->store.odb, oid) < 0)
        return skip(load, path, "cannot be read");
    if (len > LIMIT_LEDGER_ENTRY_BYTES)
        return skip(load, path, "is larger than LIMIT_LEDGER_ENTRY_BYTES");
    if (git_odb_read(&blob, load->history->store.odb, oid) < 0)
        return skip(load, path, "cannot be read");
    json_t *entry =
        json_loadb(git_odb_object_data(blob), git_odb_object_size(blob), JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(entry)) {
        json_decref(entry);
        return skip(load, path, "is not a JSON object");
    }
    int status = load->visitor->on_entry(load->visitor->data, load->kind, name, entry);
    json_decref(entry);
    return status < 0 ? status : 0;
}

/* Recursion ends at HISTORY_DEPTH, the longest path there is. */
static int load_tree(struct load *load, const char *path, const git_oid *oid, int depth)
{
    git_tree *tree CLEANUP(git_tree_freep) = NULL;
    if (depth >= HISTORY_DEPTH)
        return skip(load, path, "is not a path of the ledger");
    if (git_tree_lookup(&tree, load->history->store.repo, oid) < 0)
        return skip(load, path, "cannot be read");
    int status = 0;
    for (size_t i = 0; i < git_tree_entrycount(tree) && status == 0; i++) {
        const git_tree_entry *entry = git_tree_entry_byindex(tree, i);
        char *below CLEANUP_FREE = memory_printf("%s/%s", path, git_tree_entry_name(entry));
        if (git_tree_entry_type(entry) == GIT_OBJECT_TREE)
            status = load_tree(load, below, git_tree_entry_id(entry), depth + 1);
        else
            status = load_entry(load, below, git_tree_entry_id(entry));
    }
    return status;
}

int history_load(struct history *history, const struct history_visitor *visitor,
                 struct history_report *ret_report, struct error *err)
{
    *ret_report = history->damage;
    if (!history->has_head)
        return 0;
    git_commit *commit CLEANUP(git_commit_freep) = NULL;
    git_tree *root CLEANUP(git_tree_freep) = NULL;
    if (git_commit_lookup(&commit, history->store.repo, &history->head) < 0 ||
        git_commit_tree(&root, commit) < 0)
        return history_store_error(history->store.path, "cannot read the state", err);
    struct load load = {.history = history, .visitor = visitor, .report = ret_report};
    int status = 0;
    for (int kind = 0; kind < HISTORY_KINDS && status == 0; kind++) {
        load.kind = (enum ledger_change_kind)kind;
        const git_tree_entry *entry = git_tree_entry_byname(root, history_layout_dir(load.kind));
        if (entry)
            status = load_tree(&load, history_layout_dir(load.kind), git_tree_entry_id(entry), 1);
    }
    return status < 0 ? error_wrap(err, status, "history") : 0;
}
