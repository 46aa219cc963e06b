#include "history/ledger.h"

#include "base/buffer.h"
#include "history/git_hold.h"
#include "history/git_pack.h"
#include "history/git_tree.h"
#include "history/handle.h"
#include "history/layout.h"
#include "history/merge.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define SUBJECT_NAMES 2 /* named in the subject of a commit of several changes */

static const char readme[] =
    "What davit knows beyond the manifests and the engines: deployments, their failures, revision numbers.\n"
    "\n"
    "One commit for every turn in which something changed; `git log -p refs/davit/state` is the history of\n"
    "deployments. davit alone writes here.\n"
    "\n"
    "  services/<ab>/<cluster>/<service>.json\n"
    "  families/<ab>/<family>.json\n"
    "  sources/<name>.json\n"
    "  suspensions/<ab>/<cluster>.json\n"
    "  tasks/<ab>/<cluster>/<task id>.json\n"
    "\n"
    "<ab> is the first byte of the SHA-256 of \"<cluster>/<service>\", \"<family>\", \"<cluster>\" or\n"
    "\"<cluster>/<task id>\", in hex.\n";

/* --- the handle ----------------------------------------------------------------------------------------- */

int history_open(const struct history_options *options, struct history **ret_history, struct error *err)
{
    struct history *history CLEANUP(history_freep) = NEW(struct history);
    history->options = *options;
    history->options.path = NULL;
    history->options.owner = memory_strdup(options->owner);
    if (options->retention == 0)
        history->options.retention = HISTORY_RETENTION;
    if (options->pack_threshold == 0)
        history->options.pack_threshold = HISTORY_PACK_THRESHOLD;
    git_libgit2_init();
    int status = history_store_init(&history->store, options->path, !options->read_only, err);
    if (status < 0)
        return status;
    if (!options->read_only)
        history_store_break_lock(&history->store);
    status = history_recover(history, err);
    if (status < 0)
        return status;
    *ret_history = TAKE(history);
    return 0;
}

void history_free(struct history *history)
{
    if (!history)
        return;
    history_store_deinit(&history->store);
    free((char *)(uintptr_t)history->options.owner);
    git_libgit2_shutdown();
    free(history);
}

/* --- edits ---------------------------------------------------------------------------------------------- */

struct planned {
    char *path;
    const struct ledger_change *change; /* NULL: content is text */
    const char *text;                   /* NULL as well: the path goes */
    size_t order;
};

struct planned_vec VECTOR_OF(struct planned);

static void planned_vec_deinit(struct planned_vec *planned)
{
    for (size_t i = 0; i < planned->len; i++)
        free(planned->items[i].path);
    vector_deinit(planned);
}

static void edit_vec_deinit(struct history_edit_vec *edits)
{
    vector_deinit(edits);
}

static int compare_planned(const void *a, const void *b)
{
    const struct planned *x = a, *y = b;
    int order = strcmp(x->path, y->path);
    return order ? order : (x->order > y->order) - (x->order < y->order);
}

/* All changes by path; a new history begins with its README. */
static int plan_edits(const struct history *history, const struct ledger_change_vec *changes,
                      struct planned_vec *planned, struct error *err)
{
    for (size_t i = 0; i < changes->len; i++) {
        char *path = NULL;
        int status = history_layout_path(changes->items[i].kind, changes->items[i].name, &path, err);
        if (status < 0)
            return status;
        vector_push(planned, (struct planned){.path = path, .change = &changes->items[i], .order = i});
        if (!changes->items[i].former)
            continue;
        status = history_layout_path(changes->items[i].kind, changes->items[i].former, &path, err);
        if (status < 0)
            return status;
        vector_push(planned, (struct planned){.path = path, .order = i});
    }
    if (!history->has_head) {
        vector_push(planned, (struct planned){.path = memory_strdup("README"), .text = readme});
        vector_push(planned, (struct planned){.path = memory_strdup("format"), .text = HISTORY_FORMAT});
        if (history->options.owner)
            vector_push(planned,
                        (struct planned){.path = memory_strdup("owner"), .text = history->options.owner});
    }
    vector_sort(planned, compare_planned);
    return 0;
}

static int write_entry(struct history *history, const struct ledger_change *change, git_oid *ret_blob,
                       struct error *err)
{
    char *text CLEANUP_FREE = json_dumps(change->entry, JSON_SORT_KEYS | JSON_INDENT(2));
    if (!text || !json_is_object(change->entry))
        return error_set(err, ERROR_INVALID, "ledger: the entry of %s is not a JSON object", change->name);
    char *line CLEANUP_FREE = memory_printf("%s\n", text);
    if (strlen(line) > LIMIT_LEDGER_ENTRY_BYTES)
        return error_set(err, ERROR_LIMIT,
                         "ledger: the entry of %s has %zu bytes, over LIMIT_LEDGER_ENTRY_BYTES (%d)",
                         change->name, strlen(line), LIMIT_LEDGER_ENTRY_BYTES);
    return history_store_blob(&history->store, line, ret_blob, err);
}

static int write_edits(struct history *history, const struct planned_vec *planned,
                       struct history_edit_vec *edits, struct error *err)
{
    for (size_t i = 0; i < planned->len; i++) {
        const struct planned *one = &planned->items[i];
        if (i + 1 < planned->len && strcmp(one->path, one[1].path) == 0)
            continue; /* the last word counts */
        struct history_edit edit = {.path = one->path};
        int status = 0;
        if (one->text)
            status = history_store_blob(&history->store, one->text, &edit.blob, err);
        else if (one->change && one->change->entry)
            status = write_entry(history, one->change, &edit.blob, err);
        else
            edit.remove = true;
        if (status < 0)
            return status;
        vector_push(edits, edit);
    }
    return 0;
}

/* --- message -------------------------------------------------------------------------------------------- */

/* One line: what came from git or an engine may hold control characters, which `git log` would hand to a
 * terminal. */
static void append_line(struct buffer *message, const struct ledger_change *change)
{
    size_t start = message->len;
    if (change->message && change->message[0])
        buffer_append_str(message, change->message);
    else
        buffer_printf(message, "%s: %s", change->name, change->entry ? "saved" : "removed");
    for (size_t i = start; i < message->len; i++)
        if (iscntrl((unsigned char)message->data[i]))
            message->data[i] = ' ';
    buffer_append_str(message, "\n");
}

static void append_subject(struct buffer *message, const struct ledger_change_vec *changes)
{
    buffer_printf(message, "%zu changes:", changes->len);
    size_t named = changes->len > SUBJECT_NAMES ? SUBJECT_NAMES : changes->len;
    for (size_t i = 0; i < named; i++)
        buffer_printf(message, "%s %s", i ? "," : "", changes->items[i].name);
    if (changes->len > named)
        buffer_printf(message, " and %zu more", changes->len - named);
    buffer_append_str(message, "\n\n");
}

static char *make_message(const struct ledger_change_vec *changes)
{
    struct buffer message = BUFFER_INIT(SIZE_MAX / 2); /* the caller's own lines, bounded by their number */
    if (changes->len > 1)
        append_subject(&message, changes);
    for (size_t i = 0; i < changes->len; i++)
        append_line(&message, &changes->items[i]);
    return buffer_steal(&message);
}

/* --- save ----------------------------------------------------------------------------------------------- */

static int head_tree(const struct history *history, git_oid *ret_tree, struct error *err)
{
    git_commit *commit CLEANUP(git_commit_freep) = NULL;
    if (git_commit_lookup(&commit, history->store.repo, &history->head) < 0)
        return history_store_error(history->store.path, "cannot read the state", err);
    git_oid_cpy(ret_tree, git_commit_tree_id(commit));
    return 0;
}

static int write_tree(struct history *history, const struct ledger_change_vec *changes, const git_oid *base,
                      git_oid *ret_tree, struct error *err)
{
    struct planned_vec planned CLEANUP(planned_vec_deinit) = {0};
    struct history_edit_vec edits CLEANUP(edit_vec_deinit) = {0};
    int status = plan_edits(history, changes, &planned, err);
    if (status == 0)
        status = write_edits(history, &planned, &edits, err);
    if (status == 0)
        status = history_tree_edit(&history->store, base, &edits, ret_tree, err);
    return status;
}

static int commit_tree(struct history *history, const git_oid *tree, const char *message, int64_t now_ms,
                       struct error *err)
{
    struct history_commit commit = {.tree = tree,
                                    .parent = history->has_head ? &history->head : NULL,
                                    .message = message,
                                    .time_s = now_ms / 1000};
    git_oid oid;
    int status = history_store_commit(&history->store, &commit, &oid, err);
    if (status == 0)
        status = history_pack_put(&history->store, err);
    if (status == 0)
        status = history_store_move_ref(&history->store, &history->ref, &oid, err);
    if (status < 0)
        return status;
    history_store_log(&history->store, commit.parent, &oid, commit.time_s);
    history->head = oid;
    history->has_head = true;
    if (history->commits > 0) {
        history->commits++;
        history->packs++;
    }
    return 0;
}

static int save(struct history *history, const struct ledger_change_vec *changes, int64_t now_ms,
                struct error *err)
{
    git_oid base;
    git_oid tree;
    int status = history->has_head ? head_tree(history, &base, err) : 0;
    if (status == 0)
        status = write_tree(history, changes, history->has_head ? &base : NULL, &tree, err);
    if (status < 0)
        return status;
    bool in_place = history->ref.state == HISTORY_REF_AT && git_oid_equal(&history->ref.oid, &history->head);
    if (history->has_head && in_place && git_oid_equal(&base, &tree))
        return 0;
    char *message CLEANUP_FREE = make_message(changes);
    return commit_tree(history, &tree, message, now_ms, err);
}

int history_save(struct history *history, const struct ledger_change_vec *changes, int64_t now_ms,
                 struct error *err)
{
    if (history->options.read_only)
        return error_set(err, ERROR_DENIED, "history: opened for reading only");
    if (changes->len == 0)
        return 0;
    git_error_clear(); /* of whoever used this thread before */
    int status = history_hold_begin(&history->store, err);
    if (status == 0)
        status = save(history, changes, now_ms, err);
    history_hold_drop(&history->store);
    return status;
}

/* --- tidying -------------------------------------------------------------------------------------------- */

static int tidy_commits(struct history *history, struct error *err)
{
    history->tidy_commits = history->commits + history->options.retention;
    int status = history_trim(history, err);
    if (status == 0)
        status = history_pack_only(&history->store, &history->head, err);
    if (status == 0)
        history->tidy_commits = 2 * history->options.retention;
    history->packs = history_merge_count(history);
    history->tidy_packs = history->packs + history->options.pack_threshold;
    return status;
}

int history_tidy(struct history *history, struct error *err)
{
    if (history->options.read_only || !history->has_head)
        return 0;
    git_error_clear();
    if (history->commits == 0) {
        history->tidy_commits = 2 * history->options.retention;
        history->commits = history_trim_count(history, history->tidy_commits + 1);
        history->packs = history_merge_count(history);
        history->tidy_packs = history->options.pack_threshold;
    }
    return history->commits > history->tidy_commits ? tidy_commits(history, err) : 0;
}
