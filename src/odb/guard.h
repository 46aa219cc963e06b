/* Keeps damaged loose objects away from libgit2, which reads a truncated one forever (1.5) and takes it for
 * written. */
#pragma once

#include <git2.h>
#include <stdbool.h>

/* Puts the check before every read of a loose object; one that a pack has too is read from there. path: of
 * the repository, ends in a slash. 0 or libgit2's code. */
int odb_guard_add(git_odb *odb, const char *path);

/* Whether the file of a loose object is a complete zlib stream; also true when there is no file. */
bool odb_guard_is_whole(const char *path);

/* Where a loose object of the repository at path is. Caller frees. */
char *odb_guard_loose_path(const char *path, const git_oid *oid);
