/* Commit objects read as they are stored. libgit2 refuses a commit whose author or committer line is
 * malformed, and with it all that stands on top; git(1) reads it, and so does this: as split_ident_line() of
 * git, who is not to be made out is unknown, and a time likewise is 0. The format is that of git-commit(1),
 * git-hash-object(1): "tree ID", "parent ID" ..., "author NAME <EMAIL> SECONDS ZONE", "committer" likewise,
 * other headers ("encoding NAME", see i18n.commitEncoding in git-config(1)), an empty line, the message. */
#pragma once

#include "base/vector.h"

#include <git2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct odb_commit {
    git_odb_object *object; /* NULL: none is read */
    git_oid tree;
    size_t parents_len;
    int64_t time_s;      /* the committer's; never negative */
    const char *message; /* as it is stored, from its first line on; borrowed of the object, as the rest */
    const char *parents; /* their lines */
    const char *headers; /* and all between them and the empty line */
    const char *headers_end;
};

/* What it returns is 0 or libgit2's code, with its message: GIT_ENOTFOUND where there is no such object. The
 * commit is the caller's; what it held before is not released. */
int odb_commit_read(git_repository *repository, const git_oid *oid, struct odb_commit *ret_commit);
void odb_commit_deinit(struct odb_commit *commit);

/* n < parents_len, from 0. */
git_oid odb_commit_parent(const struct odb_commit *commit, size_t n);

/* In UTF-8, converted from the commit's encoding where iconv(3) knows it; other bytes become '?'. Caller
 * frees. */
char *odb_commit_author(const struct odb_commit *commit); /* "NAME <EMAIL>", "unknown <>" */
char *odb_commit_committer(const struct odb_commit *commit);
char *odb_commit_subject(const struct odb_commit *commit); /* the first paragraph, in one line */

/* The commit that an object is, or that a tag (also one of a tag) points to. As odb_commit_read(). */
int odb_commit_peel(git_repository *repository, const git_oid *oid, git_oid *ret_commit);

/* Whether one can be come by from `tip` over parents, `tip` itself included. False also where that takes more
 * than `most` commits to tell, and where the history is not there. */
bool odb_commit_contains(git_repository *repository, const git_oid *tip, const git_oid *ancestor,
                         size_t most);

struct odb_commit_ids VECTOR_OF(git_oid);
/* `tip` and what it contains but for `bases` and what they contain, of either at most so many, newest first
 * but for what was merged. GIT_ENOTFOUND: one of them is not there; what the bases lack hides nothing. The
 * caller deinits the vector. */
int odb_commit_added(git_repository *repository, const git_oid *tip, const struct odb_commit_ids *bases,
                     size_t most, struct odb_commit_ids *ret_ids);
