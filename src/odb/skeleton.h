/* Commits reduced to what leads from one to the next, for the negotiation of a fetch: libgit2 walks the
 * commits that are there to tell the remote of them, and gives up at one with a malformed author or committer
 * (see commit.h), in each fetch anew. */
#pragma once

#include <git2.h>
#include <stdbool.h>

struct odb_skeleton;

/* Belongs to the repository's objects from then on, and does nothing until it is shown. 0 or libgit2's code.
 */
int odb_skeleton_add(git_repository *repository, struct odb_skeleton **ret_skeleton);
/* While it is, every commit is read as tree, parents, time and nobody, and objects are not hashed in this
 * process, for their ids are not of that. To be ended before anything is made of commits that are read, as a
 * thin pack is. */
void odb_skeleton_show(struct odb_skeleton *skeleton, bool shown);
