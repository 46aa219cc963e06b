#include "base/text.h"
#include "history/handle.h"
#include "history/layout.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ROOT_LINE_SIZE 128

void history_report_add(struct history_report *report, const char *format, ...)
{
    if (report->text[0])
        return;
    va_list ap;
    va_start(ap, format);
    vsnprintf(report->text, sizeof report->text, format, ap);
    va_end(ap);
}

/* A state is usable when its root and the directory of services can be read; what is missing below is
 * skipped. */
static bool is_usable(const struct history_store *store, const git_commit *commit)
{
    git_tree *root CLEANUP(git_tree_freep) = NULL;
    git_tree *services CLEANUP(git_tree_freep) = NULL;
    if (git_commit_tree(&root, commit) < 0)
        return false;
    const git_tree_entry *entry = git_tree_entry_byname(root, history_layout_dir(LEDGER_SERVICE));
    return !entry || git_tree_lookup(&services, store->repo, git_tree_entry_id(entry)) == 0;
}

/* Follows first parents from *oid to a usable commit. */
static bool find_usable(struct history *history, git_oid *oid)
{
    for (;;) {
        git_commit *commit CLEANUP(git_commit_freep) = NULL;
        int status = git_commit_lookup(&commit, history->store.repo, oid);
        if (status == 0 && is_usable(&history->store, commit))
            return true;
        char hex[GIT_OID_HEXSZ + 1];
        git_oid_tostr(hex, sizeof hex, oid);
        history_report_add(&history->damage, "state %.12s cannot be read", hex);
        history->damage.commits_lost++;
        const git_oid *parent = status == 0 ? git_commit_parent_id(commit, 0) : NULL;
        if (!parent)
            return false;
        git_oid_cpy(oid, parent);
    }
}

static bool find_in_log(struct history *history, git_oid *ret_oid)
{
    struct oid_vec oids;
    history_store_log_read(&history->store, &oids);
    bool found = false;
    for (size_t i = 0; i < oids.len && !found; i++) {
        /* What the ref led to was tried, and the log may say it again. */
        if (history->ref.state == HISTORY_REF_AT && git_oid_equal(&oids.items[i], &history->ref.oid))
            continue;
        if (i > 0 && git_oid_equal(&oids.items[i], &oids.items[i - 1]))
            continue;
        *ret_oid = oids.items[i];
        found = find_usable(history, ret_oid);
    }
    if (!found && oids.len > 0)
        history_report_add(&history->damage, HISTORY_REF " is missing and no state in its log can be read");
    vector_deinit(&oids);
    return found;
}

/* A file at the root of a state, its first line, cut to what is looked at; "" without one that can be read.
 */
static void read_root_file(const struct history *history, const git_oid *state, const char *name,
                           char ret_line[static ROOT_LINE_SIZE])
{
    git_commit *commit CLEANUP(git_commit_freep) = NULL;
    git_tree *root CLEANUP(git_tree_freep) = NULL;
    git_odb_object *blob CLEANUP(git_odb_object_freep) = NULL;
    const git_tree_entry *entry;
    ret_line[0] = '\0';
    if (git_commit_lookup(&commit, history->store.repo, state) < 0 || git_commit_tree(&root, commit) < 0 ||
        !(entry = git_tree_entry_byname(root, name)) ||
        git_odb_read(&blob, history->store.odb, git_tree_entry_id(entry)) < 0)
        return;
    snprintf(ret_line, ROOT_LINE_SIZE, "%.*s", (int)git_odb_object_size(blob),
             (const char *)git_odb_object_data(blob));
    ret_line[strcspn(ret_line, "\n")] = '\0';
}

/* A format file that is damaged tells nothing; entries are checked one by one anyway. */
static int check_format(const struct history *history, const git_oid *state, struct error *err)
{
    char line[ROOT_LINE_SIZE];
    read_root_file(history, state, "format", line);
    if (!line[0] || strncmp(line, HISTORY_FORMAT, strlen(HISTORY_FORMAT) - 1) == 0)
        return 0;
    return error_set(err, ERROR_UNSUPPORTED, "history: %s has format %s; this davit knows %.1s", HISTORY_REF,
                     line, HISTORY_FORMAT);
}

int history_recover(struct history *history, struct error *err)
{
    history_store_ref(&history->store, &history->ref);
    history->head = history->ref.oid;
    if (history->ref.state == HISTORY_REF_DAMAGED)
        history_report_add(&history->damage, HISTORY_REF " is damaged");
    history->has_head = history->ref.state == HISTORY_REF_AT && find_usable(history, &history->head);
    if (!history->has_head) {
        history->has_head = find_in_log(history, &history->head);
        if (history->has_head)
            history_report_add(&history->damage, HISTORY_REF " is missing");
    }
    return history->has_head ? check_format(history, &history->head, err) : 0;
}

/* --- a state from elsewhere ----------------------------------------------------------------------------- */

bool history_is_new(const struct history *history)
{
    return history->ref.state == HISTORY_REF_ABSENT && !history->has_head && !history->damage.text[0];
}

static int check_foreign(const struct history *history, const git_oid *state, struct error *err)
{
    git_commit *commit CLEANUP(git_commit_freep) = NULL;
    char owner[ROOT_LINE_SIZE];
    char format[ROOT_LINE_SIZE];
    read_root_file(history, state, "format", format);
    if (!format[0] || git_commit_lookup(&commit, history->store.repo, state) < 0 ||
        !is_usable(&history->store, commit))
        return error_set(err, ERROR_INVALID, "it is no ledger, or damaged");
    read_root_file(history, state, "owner", owner);
    if (owner[0] && history->options.owner && strcmp(owner, history->options.owner) != 0)
        return error_set(err, ERROR_CONFLICT, "it is the ledger of owner %.64s, and this davit is %s", owner,
                         history->options.owner);
    return check_format(history, state, err);
}

int history_take(struct history *history, const char *ref, struct error *err)
{
    git_oid state;
    if (!history_is_new(history))
        return error_set(err, ERROR_CONFLICT, "there is a ledger already");
    if (git_reference_name_to_id(&state, history->store.repo, ref) < 0)
        return error_set(err, ERROR_NOT_FOUND, "there is no %s", ref);
    int status = check_foreign(history, &state, err);
    git_reference_remove(history->store.repo, ref);
    if (status < 0)
        return status;
    history->head = state;
    history->has_head = true;
    return 0;
}
