/* What of a commit a signature is for: all of it but the signature, which git-commit(1) writes as a header
 * "gpgsig" with lines that go on after a blank. Who reads the commit must read what is signed, so only a
 * commit as git writes it has a signature here; libgit2 and git(1) find one in others too, whose readers
 * disagree.
 *
 *  the commit                                              | is
 *  --------------------------------------------------------|------------------------------------------------
 *  tree, parents, one author, one committer in this order, | signed by that gpgsig
 *  other headers, one gpgsig among these; no NUL anywhere  |
 *  likewise, without gpgsig                                | not signed, whatever its message holds
 *  has one of these five again, or elsewhere, as a gpgsig  | odd: some hide a parent from whom reads it, but
 *  before the committer; two gpgsig; a NUL                 | not from whom checks the signature
 *
 * Headers whose name begins with gpgsig, as gpgsig-sha256, are no part of what is signed, as in git. */
#pragma once

#include "odb/commit.h"

enum odb_signed_kind { ODB_UNSIGNED, ODB_SIGNED, ODB_ODD };

struct odb_signed {
    char *payload; /* text: there is no NUL in it */
    char *signature;
};

/* *ret_signed is set for ODB_SIGNED alone, and the caller's. */
enum odb_signed_kind odb_signed_read(const struct odb_commit *commit, struct odb_signed *ret_signed);
void odb_signed_deinit(struct odb_signed *signed_commit);
