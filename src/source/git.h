/* What the rest of source/ sees of libgit2. Object ids are hex strings here; git2.h is included by git_*
 * only. All of it blocks and runs on a worker thread, in the fetch helper or in an offline command. */
#pragma once

#include "base/digest.h"
#include "base/error.h"
#include "source/access.h"
#include "source/source.h"

struct git_repository;
struct git_tree;
struct git_oid;
struct odb_commit;

#define SOURCE_MIRROR_PACKS 50   /* small ones; with more the mirror is tidied, */
#define SOURCE_MIRROR_LOOSE 2000 /* as it is with about so many loose objects */

/* The ref of the mirror that source/ writes; it keeps what was delivered alive. */
#define SOURCE_MIRROR_REF "refs/davit/source"
/* And where the tags that point to its commit are, from 0 to LIMIT_SOURCE_TAGS - 1, if anybody wants them. */
#define SOURCE_MIRROR_TAG "refs/davit/tag/%zu"
/* A blob with the number of those that are left out; missing: none is. */
#define SOURCE_MIRROR_TAGS_LEFT_OUT "refs/davit/tags-left-out"

#define SOURCE_BATCH                64 /* updates read before they are delivered */
#define SOURCE_BATCH_BYTES          (16LL * 1024 * 1024)

#define SOURCE_STILL_MS             250 /* a directory is committed when nothing has changed for so long */

struct source_update_vec VECTOR_OF(struct source_update);
void source_update_vec_deinit(struct source_update_vec *updates);

void source_git_repository_free(struct git_repository *repository);
DEFINE_CLEANUP(struct git_repository, source_git_repository_free)

/* Sets the message followed by libgit2's own text and returns the code that fits rc (ERROR_IO by default). */
int source_git_error(struct error *err, int rc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with a code of the caller's choice: ERROR_UNAVAILABLE for writing, since ERROR_IO says that the
 * mirror is broken, and a full disk is no reason to make it anew. */
int source_git_error_as(struct error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Why libgit2 cannot open the repository: of a kind that is not read (ERROR_UNSUPPORTED), or its words with
 * `code`. */
int source_git_open_error(const char *path, int code, struct error *err);
/* To be called for every repository that is opened: a truncated object becomes an error (ERROR_IO). */
int source_git_guard(struct git_repository *repository, struct error *err);
/* The one that the directory is in. ERROR_NOT_FOUND, ERROR_UNSUPPORTED, ERROR_IO. */
int source_git_open_around(const char *path, struct git_repository **ret_repository, struct error *err);
/* The one of a "file://" URL, to copy from: libgit2's transport walks all branches that are there, and ends
 * at the first malformed commit. ERROR_UNSUPPORTED: also where the URL is another; ERROR_IO. */
int source_git_open_url(const char *url, struct git_repository **ret_repository, struct error *err);
/* A copy as text_mend_utf8() leaves it; "" of NULL. Caller frees. */
char *source_git_text(const char *text);
/* Says which commit it is that libgit2's code is about. */
int source_commit_error(const struct git_oid *oid, int rc, struct error *err);
/* As odb/commit.h reads it. */
int source_commit_read(struct git_repository *repository, const struct git_oid *oid,
                       struct odb_commit *ret_commit, struct error *err);
/* Of a commit; the caller's. libgit2's code. */
int source_tree_of(struct git_repository *repository, const char *oid, struct git_tree **ret_tree);
/* Whether one can be come by from `tip` over parents, `tip` itself included; nothing can from what is not
 * there. */
bool source_commit_contains(struct git_repository *repository, const struct git_oid *tip,
                            const struct git_oid *ancestor);
/* ".json", ".yaml", ".yml" at the end of something that does not begin with a dot. */
bool source_is_manifest_name(const char *name);
/* What git-lfs commits in the place of a file. */
bool source_is_lfs_pointer(const char *content, size_t len);
#define SOURCE_LFS_POINTER_BYTES 1024 /* none is larger */

/* --- the mirror ----------------------------------------------------------------------------------------- */

/* Opens it, or makes an empty one with its parent directories. ERROR_IO: what is there is no repository. */
int source_mirror_open(const char *path, struct git_repository **ret_mirror, struct error *err);
/* As source_mirror_open(), and what is no repository is rebuilt. */
int source_mirror_mend(const char *path, struct git_repository **ret_mirror, struct error *err);
/* Puts what is there aside as "<path>.broken" and makes an empty mirror, into which the other refs/davit/
 * refs (the ledger) are copied as far as they can be read. */
int source_mirror_rebuild(const char *path, struct error *err);
/* Once there are many, small packs and loose objects become one pack: every commit of a local repository
 * leaves a few, every fetch a pack. For the one that writes to the mirror, when it has nothing else to do. */
int source_mirror_tidy(struct git_repository *mirror, struct error *err);
/* Empty when there is none. */
int source_mirror_tip(struct git_repository *mirror, char ret_oid[static COMMIT_OID_SIZE], struct error *err);
int source_mirror_set_tip(struct git_repository *mirror, const char *oid, struct error *err);
bool source_mirror_has_commit(struct git_repository *mirror, const char *oid);

/* Copies a commit with all its history, as far as `to` lacks it. What `to` has is complete: an object is
 * written after the objects it names. ERROR_IO: an object of `from` cannot be read, or `to` not be written.
 */
int source_copy(struct git_repository *from, struct git_repository *to, const char *oid, struct error *err);

/* --- annotated tags of one commit, for the policy "tag" of verify.h ---------------------------------------
 */

struct source_tags {
    struct string_vec oids; /* of the tag objects, at most LIMIT_SOURCE_TAGS */
    size_t left_out;        /* how many more there are */
};

void source_tags_deinit(struct source_tags *tags);
/* Those of the mirror that point to `commit`: what was set last and is there. */
void source_tags_of(struct git_repository *mirror, const char *commit, struct source_tags *ret_tags);
bool source_tags_are_there(struct git_repository *mirror, const struct source_tags *tags);
/* In place of those set before; their objects are there. */
int source_tags_set(struct git_repository *mirror, const struct source_tags *tags, struct error *err);
/* Finds them in a local repository, by name, copies them and sets them. */
int source_tags_copy(struct git_repository *from, struct git_repository *mirror, const char *commit,
                     struct error *err);

/* --- a local repository as origin ----------------------------------------------------------------------- */

struct source_local {
    struct git_repository *repository;
    char *git_dir;    /* ends in a slash, as common_dir */
    char *common_dir; /* where the branches are: another one in a linked work tree */
    char *ref;        /* NULL when HEAD is detached */
    char tip[COMMIT_OID_SIZE];
};

void source_local_deinit(struct source_local *local);
/* Fills *local as far as it gets, also on failure: what is known can be watched. A NULL branch is HEAD's.
 * ERROR_NOT_FOUND: no such branch, or one without a commit. */
int source_local_open(const char *path, const char *branch, struct source_local *local, struct error *err);

/* --- trees ---------------------------------------------------------------------------------------------- */

struct source_tree_diff {
    struct git_repository *repository;
    const struct git_oid *old_tree; /* NULL: everything is new */
    const struct git_oid *new_tree; /* NULL: everything is deleted */
    const char *prefix;             /* of the paths, ends in a slash; NULL: none */
    bool measured;                  /* neither is too large: no bound is looked at */
};

/* The manifests that differ, sorted by path, with contents. ERROR_LIMIT, ERROR_IO. */
int source_tree_diff(const struct source_tree_diff *diff, struct source_file_vec *ret_files,
                     struct error *err);
struct source_root_diff {
    struct git_repository *repository;
    const struct git_oid *old_commit; /* NULL: everything is new */
    const struct git_oid *new_commit;
    const char *sub_path;
    const char *root; /* as in source_options */
};

struct source_root_change {
    struct source_file_vec *files; /* what differs of what the root names is appended */
    /* Set when it was too large (see source_options) and is not, or the other way round: nothing is appended.
     */
    bool turned;
};

/* Errors as source_tree_diff. */
int source_root_diff(const struct source_root_diff *diff, struct source_root_change *change,
                     struct error *err);

struct source_tree_measure {
    struct git_repository *repository;
    const struct git_tree *tree; /* that a root names; NULL is not too large */
    bool others;                 /* not of manifests */
};

/* Goes by this tree alone: a file is there or not whatever the commit is compared with. ERROR_IO. */
int source_tree_is_too_large(const struct source_tree_measure *measure, bool *ret_too_large,
                             struct error *err);
/* The tree at sub_path (NULL: the root itself) below a commit's tree; *ret_tree is zero when there is no such
 * directory. ERROR_IO. */
int source_tree_enter(struct git_repository *repository, const struct git_oid *root, const char *sub_path,
                      struct git_oid *ret_tree, struct error *err);
int64_t source_files_bytes(const struct source_file_vec *files);
void source_file_vec_deinit(struct source_file_vec *files);
/* Sorts by path, bytewise. */
void source_file_vec_sort(struct source_file_vec *files);

/* --- first-parent lines as updates ---------------------------------------------------------------------- */

/* Its texts bounded by LIMIT_COMMIT_TEXT_BYTES. The caller deinits. ERROR_IO. */
int source_commit_describe(struct git_repository *repository, const struct git_oid *oid,
                           struct commit *ret_commit, struct error *err);

struct source_walk_plan {
    struct git_repository *repository; /* borrowed, outlives the walk */
    const char *tip;
    const char *base;               /* delivered before; empty: nothing */
    const char *sub_path;           /* NULL: the root; borrowed, outlives the walk */
    const struct string_vec *roots; /* NULL: none; borrowed likewise */
    int64_t generation;             /* of the roots */
    bool head_full;                 /* and before it the base once more, unless they are the same */
    bool leaps; /* one update, from the base to the tip, however they are related; the base is there */
};

struct source_walk;

int source_walk_new(const struct source_walk_plan *plan, struct source_walk **ret_walk, struct error *err);
void source_walk_free(struct source_walk *walk);
DEFINE_CLEANUP(struct source_walk, source_walk_free)
bool source_walk_is_done(const struct source_walk *walk);
/* Appends one batch to *updates, at least one update. ERROR_NOT_FOUND: the newest commit lacks the sub-path.
 * ERROR_IO: an object cannot be read. */
int source_walk_read(struct source_walk *walk, struct source_update_vec *updates, struct error *err);

/* --- a directory as commits ----------------------------------------------------------------------------- */

struct source_snapshot {
    struct digest
        content; /* of what was read; in: of the look before, with the tip that it led to (zero: none) */
    struct string_vec directories; /* that were read, absolute: what to watch */
    struct string_vec extra;       /* in: paths below the directory that count besides the manifests */
    bool busy;                     /* something changed a moment ago: try again; nothing was committed */
    char tip[COMMIT_OID_SIZE];
};

void source_snapshot_deinit(struct source_snapshot *snapshot);
/* Commits the manifests below `directory`, and what the roots name, on top of the mirror's tip, unless they
 * are the same. `patient` gives up on files that changed a moment ago. *snapshot is filled as far as it gets;
 * given content and tip of the look before, a directory that is as it was writes nothing. ERROR_NOT_FOUND:
 * there is no manifest. ERROR_IO: the mirror is broken. ERROR_UNAVAILABLE: nothing can be read or written
 * now. */
int source_snapshot_take(struct git_repository *mirror, const char *directory, bool patient,
                         struct source_snapshot *snapshot, struct error *err);

/* --- a remote, in the fetch helper ---------------------------------------------------------------------- */

enum source_errand { SOURCE_FETCH_BRANCH, SOURCE_FETCH_REF, SOURCE_PUSH_REF };

struct source_fetch_order {
    const char *url;
    const char *branch;     /* NULL: the remote's HEAD; the errands of a ref: the remote's, "refs/..." */
    const char *mirror_dir; /* the errands of a ref: a bare repository that is there */
    const char *too_large;  /* a commit that an earlier fetch refused with ERROR_LIMIT; NULL: none */
    const char *local_ref;  /* the errands of a ref: the one in mirror_dir */
    const char *expected;   /* SOURCE_PUSH_REF: what was pushed last, see source_git_push(); NULL: nothing */
    enum source_errand errand;
    int64_t max_bytes;
    int64_t stall_ms; /* see pace.h */
    struct source_access access;
    bool tags; /* also those that point to the branch's commit */
};

struct source_fetch_result {
    char tip[COMMIT_OID_SIZE];
    char *ref; /* caller frees */
};

/* Lists the remote's refs and fetches the branch when the mirror's tip is another. On failure ret_result is
 * filled as far as it was known. ERROR_LIMIT: more than max_bytes, which is counted as it arrives, since git
 * tells no sizes before; with the tip that was wanted, so that nobody needs to ask for it again. */
int source_git_fetch(const struct source_fetch_order *order, struct source_fetch_result *ret_result,
                     struct error *err);
/* Fetches the remote's ref. ERROR_NOT_FOUND: it has none, and nothing else was amiss. */
int source_git_fetch_ref(const struct source_fetch_order *order, struct source_fetch_result *ret_result,
                         struct error *err);
/* Makes the remote's ref what the local one is, whatever history lies between, by git's protocol also where
 * the remote is on this machine: the other side compares and swaps, and its hooks have a say. ERROR_CONFLICT:
 * somebody else wrote the remote's: it is neither `expected` nor in the repository. ERROR_LIMIT: more than
 * max_bytes would be sent. ERROR_DENIED: the remote does not take it, or is another user's directory. */
int source_git_push(const struct source_fetch_order *order, struct source_fetch_result *ret_result,
                    struct error *err);
