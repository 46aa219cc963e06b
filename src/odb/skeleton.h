/* Malformed commits reduced to what leads from one to the next, for the walks of a fetch and a push: libgit2
 * goes through the commits that are there to tell the remote of them, or to leave out what the remote has,
 * and gives up at one with a malformed author or committer (see commit.h), each time anew. */
#pragma once

#include <git2.h>
#include <stdbool.h>

struct odb_skeleton;

/* Belongs to the repository's objects from then on, and does nothing until it is shown. 0 or libgit2's code.
 */
int odb_skeleton_add(git_repository *repository, struct odb_skeleton **ret_skeleton);
/* While it is, a commit that libgit2 refuses is read as tree, parents, time and nobody, and objects are not
 * hashed in this process, for its id is not of that. To be ended before anything is made of such a commit, as
 * a thin pack is; it is in no pack for a remote that has it. */
void odb_skeleton_show(struct odb_skeleton *skeleton, bool shown);
