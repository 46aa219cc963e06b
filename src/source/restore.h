/* Commits in a repository of the user's: files as an earlier commit had them, or with contents of ours.
 * Blocking.
 *
 * Trees and history are read and written by libgit2. What goes by the user's own settings is left to his
 * git(1), in a child process: who writes the commit, how it is signed, his work tree, his
 * credentials. So nothing is different from a commit that he makes himself. A repository that git(1) does not
 * trust, of another owner, is refused by it, and nothing there is written by somebody else.
 *
 * Paths are those of the repository, without slashes at their ends.
 */
#pragma once

#include "base/error.h"
#include "base/memory.h"
#include "base/vector.h"
#include "model/commit.h"

#include <stdbool.h>
#include <stddef.h>

/* A branch of a repository that commits can be put on. */
struct source_branch {
    char *directory; /* of the repository: its work tree, or where a bare one is; no slash at the end */
    char *ref;       /* "refs/heads/main" */
    char *name;      /* "main" */
    char *remote;    /* where git push brings it, see source_push_check(); NULL: nowhere */
    char *upstream;  /* what it tracks there, "main"; NULL: nothing, or what it tracks is elsewhere */
    char tip[COMMIT_OID_SIZE];
    bool checked_out; /* in the work tree of `directory` */
};

void source_branch_deinit(struct source_branch *branch);
/* name: "main" or "refs/heads/main"; NULL: the branch that HEAD is on. ERROR_NOT_FOUND: no repository, no
 * such branch, or one without a commit. ERROR_CONFLICT: HEAD is on none, or another work tree has the branch.
 */
int source_branch_open(const char *repository_path, const char *name, struct source_branch *ret_branch,
                       struct error *err);
/* Whether the commit is the branch's tip or one that leads to it. One that is not in the repository at all is
 * not. */
int source_branch_has(const struct source_branch *branch, const char *oid, bool *ret_has, struct error *err);
/* Whether all that the branch has and `base`, a commit, has not was both written and committed by `author`,
 * "Name <mail>", as git commits for him: it leaves out what it takes for no part of a name or an address.
 * What somebody else amended or rebased is his. */
int source_branch_is_of(const struct source_branch *branch, const char *base, const char *author,
                        bool *ret_is, struct error *err);
/* Whether the changes of all that the branch has and `base`, a commit, has not are in `base` under other ids,
 * as after a squash merge or a rebase: by git's patch ids, of each commit or of them all together. False also
 * where git cannot tell. */
bool source_branch_is_picked(const struct source_branch *branch, const char *base);
/* The id of what git calls so, "HEAD~2", "v1", "4234fd4". ERROR_NOT_FOUND. */
int source_branch_resolve(const struct source_branch *branch, const char *revision,
                          char ret_oid[static COMMIT_OID_SIZE], struct error *err);

/* Commits of the first-parent line, one after the other, that have the same at the paths. */
struct source_run {
    char newest[COMMIT_OID_SIZE];
    char oldest[COMMIT_OID_SIZE]; /* the one that made it so, and ... */
    char subject[128];            /* ... the beginning of its subject */
};
struct source_run_vec VECTOR_OF(struct source_run);

#define SOURCE_RUNS 32 /* no more are told */

struct source_run_query {
    const struct source_branch *branch;
    const struct string_vec *paths;
    const char *end; /* the line ends with this commit; NULL: with its first */
};
/* From the tip on, newest first. */
int source_branch_runs(const struct source_run_query *query, struct source_run_vec *ret_runs,
                       struct error *err);

/* What the commit has in the file; NULL: it has no such file, or one of more than LIMIT_MANIFEST_BYTES.
 * ERROR_IO: the commit cannot be read. Caller frees. */
int source_branch_file(const struct source_branch *branch, const char *oid, const char *path, char **ret_text,
                       struct error *err);

struct source_restoration {
    const struct source_branch *branch; /* its tip is the parent */
    const char *target;                 /* oid of the commit whose content it is to be */
    const struct string_vec *paths;     /* files, or directories as a whole; what the target lacks goes */
};
struct source_restored {
    char commit[COMMIT_OID_SIZE]; /* unsigned, davit's, and on no branch: only to be looked at */
    struct string_vec changes;    /* "M web.yaml", by path; A, M, D as git has them; none: nothing changes */
    char *patch;                  /* as git diff prints it */
};

void source_restored_deinit(struct source_restored *restored);
/* No branch and no file changes; git removes what nobody refers to in its time. */
int source_restore(const struct source_restoration *restoration, struct source_restored *ret_restored,
                   struct error *err);

struct source_content {
    char *path; /* of a file that is there */
    char *text;
};
struct source_content_vec VECTOR_OF(struct source_content);
void source_content_vec_deinit(struct source_content_vec *contents);

struct source_rewriting {
    const struct source_branch *branch; /* of the repository */
    const char *parent;                 /* oid */
    const struct source_content_vec *contents;
};
/* As source_restore(), with the contents in place of those of their files. ERROR_NOT_FOUND: there is no such
 * file. */
int source_rewrite(const struct source_rewriting *rewriting, struct source_restored *ret_restored,
                   struct error *err);

struct source_publication {
    const struct source_branch *branch;
    const char *commit; /* of source_restored: its tree and parent */
    const char *message;
    const char *author;      /* "Name <mail>", of author and committer; NULL: who git says */
    const char *signing_key; /* file of an SSH key that it is signed with; NULL: as commit.gpgSign says */
    const char *new_branch;  /* made for it, in place of `branch`; NULL: none */
    const char *command;     /* for the reflog: "davit rollback" */
};
/* Whether git signs what is committed there: commit.gpgSign. */
int source_signs(const char *directory, bool *ret_signs, struct error *err);
/* Commits for good, signed where signing_key or commit.gpgSign says so, and moves the branch from its tip to
 * the commit, with its work tree where it is checked out; then the commit has to come after the tip.
 * ERROR_CONFLICT: git(1) refuses; the message has its words, as where the branch has moved, a file of the
 * work tree has changes, or it cannot sign. Then all is as it was. ERROR_EXISTS: new_branch is there already.
 * ERROR_INVALID: author, or name of the branch. */
int source_publish(const struct source_publication *publication, char ret_oid[static COMMIT_OID_SIZE],
                   struct error *err);

/* A commit that is to be pushed once it is made. By git-config(1) the remote is that of
 * branch.BASE.pushRemote, remote.pushDefault, branch.BASE.remote, else "origin"; and push.default=simple
 * brings the base to the branch that it tracks only where both have the same name. Branches for review go to
 * the same remote, to their own name. */
struct source_push {
    const struct source_branch *base;   /* that is deployed */
    const struct source_branch *review; /* pushed in its place, and there already; NULL: none is */
    const char *name;                   /* of the branch that is pushed: base's, review's, or a new one's */
    const char *parent;                 /* oid: of the commit that is to be made */
};
/* Whether a push would bring there that commit and nothing else, so that davit deploys nothing else, and a
 * reviewer is shown nothing else. The remote itself is asked (git ls-remote): what was fetched last may have
 * been forced away since, and what another remote has, or a local branch that is tracked, is not deployed.
 *
 *  pushed is           | the parent has to come after its tip there, and have nothing that is not in
 *  --------------------|------------------------------------------------------------------------------
 *  the base            | that tip; where there is none, as on a fresh fork, in what the base tracks
 *  a branch for review | that tip, the base there, or what the base tracks
 *
 * What the base tracks is a remote branch as it was fetched last. It does not count for a review where it is
 * the base there, and what that has now is in the repository. It does on a fork, whose own base is mostly
 * behind, and where others have pushed to the base since.
 *
 * So the parent of what is pushed to the base itself is the base's tip there. remote.NAME.pushurl has to be
 * the same repository; in another, the lease of source_push() replaces nothing. ret_there: the branch's tip
 * there, for source_push(); empty: it has no such branch. ERROR_CONFLICT: git would not push it, the remote
 * does not answer, it has what the repository lacks, or the parent would bring along commits, with the first
 * of them. */
int source_push_check(const struct source_push *push, char ret_there[static COMMIT_OID_SIZE],
                      struct error *err);
/* What git push is to be given, behind the remote: "main", or "main:prod". Caller frees. */
char *source_branch_refspec(const struct source_branch *branch);
/* git push of that commit alone, without tags or submodules, and only where the branch is still `there`; what
 * git says goes to this process's stderr. ERROR_CONFLICT: it was not pushed, and the commit stays on the
 * local branch. */
int source_push(const struct source_push *push, const char *commit, const char *there, struct error *err);
