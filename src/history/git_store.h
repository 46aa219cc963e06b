/* Objects and one ref of a bare repository, written so that they survive a power cut: objects are held in
 * memory (git_hold.h), and history_pack_put puts them on disk as a pack before the ref moves.
 */
#pragma once

#include "base/error.h"
#include "base/memory.h"
#include "base/vector.h"
#include "odb/pack.h"

#include <git2.h>
#include <stdbool.h>
#include <stddef.h>

struct history_store {
    git_repository *repo; /* for reading, and for the ref */
    git_odb *odb;
    git_repository *writer; /* for writing: NULL but between history_hold_begin and _drop */
    char *path;             /* of the repository, ends in a slash */
    struct oid_vec written; /* by the writer */
};

#define HISTORY_REF "refs/davit/state"

DEFINE_CLEANUP(git_tree, git_tree_free)
DEFINE_CLEANUP(git_commit, git_commit_free)
DEFINE_CLEANUP(git_config, git_config_free)
DEFINE_CLEANUP(git_repository, git_repository_free)
DEFINE_CLEANUP(git_odb, git_odb_free)
DEFINE_CLEANUP(git_odb_object, git_odb_object_free)
DEFINE_CLEANUP(git_tree_entry, git_tree_entry_free)
DEFINE_CLEANUP(git_treebuilder, git_treebuilder_free)
DEFINE_CLEANUP(git_signature, git_signature_free)
DEFINE_CLEANUP(git_packbuilder, git_packbuilder_free)
DEFINE_CLEANUP(git_revwalk, git_revwalk_free)
DEFINE_CLEANUP(git_reference_iterator, git_reference_iterator_free)

/* "history: what in path: cause", which is what libgit2 says of its last failure, or else errno. Returns
 * ERROR_IO. */
int history_store_error(const char *path, const char *what, struct error *err);

/* Opens, or with create makes. *store is zeroed on failure. */
int history_store_init(struct history_store *store, const char *path, bool create, struct error *err);
void history_store_deinit(struct history_store *store);
/* After packs went: libgit2 keeps the files of those it knows open for ever. */
int history_store_reopen(struct history_store *store, struct error *err);

int history_store_blob(struct history_store *store, const char *data, git_oid *ret_oid, struct error *err);
int history_store_tree(struct history_store *store, git_treebuilder *builder, git_oid *ret_oid,
                       struct error *err);

struct history_commit {
    const git_oid *tree;
    const git_oid *parent; /* NULL: a root */
    const char *message;
    git_time_t time_s;
};

/* By davit <davit@localhost>. */
int history_store_commit(struct history_store *store, const struct history_commit *commit, git_oid *ret_oid,
                         struct error *err);

/* What the ref says, as far as it can be told. */
enum history_ref_state { HISTORY_REF_ABSENT, HISTORY_REF_DAMAGED, HISTORY_REF_AT };

struct history_ref {
    enum history_ref_state state;
    git_oid oid; /* HISTORY_REF_AT */
};

void history_store_ref(const struct history_store *store, struct history_ref *ret_ref);
/* Compare and swap: ERROR_CONFLICT unless the ref still is as in *ref. Durable, and so are before it the
 * names of packs. Replaces a damaged ref. *ref follows the ref, also where it moved and could not be synced:
 * the next try starts from there. */
int history_store_move_ref(struct history_store *store, struct history_ref *ref, const git_oid *to,
                           struct error *err);
/* Takes away the lock of a writer that was killed. Only for who holds the history_lock. */
void history_store_break_lock(struct history_store *store);

/* The reflog, a spare for a ref that is lost. Not synced: the ref is. */
void history_store_log(struct history_store *store, const git_oid *from, const git_oid *to,
                       git_time_t time_s);
void history_store_log_clear(struct history_store *store);
/* Where the ref was lately, newest first. */
void history_store_log_read(const struct history_store *store, struct oid_vec *ret_oids);
