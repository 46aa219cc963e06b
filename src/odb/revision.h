/* What a person calls a commit: gitrevisions(7). */
#pragma once

#include <git2.h>

/* libgit2's answer, and where that fails over a malformed commit (see commit.h), the same for a branch, tag,
 * remote branch, (abbreviated) id or HEAD, with "~", "~N", "^" and "^N" behind. It need not be a commit.
 * GIT_ENOTFOUND: there is none; else libgit2's code. */
int odb_revision_find(git_repository *repository, const char *revision, git_oid *ret_oid);
