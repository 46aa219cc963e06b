/* Which commits may be deployed: those that carry a signature of somebody who is trusted.
 *
 * A signature is judged as git-verify-commit(1) and git-verify-tag(1) do it, by gpg(1) and ssh-keygen(1),
 * with the files that are named here and nothing of a user's: no other key ring, no key server. They are read
 * anew for each commit that is not judged yet; at one that cannot be read, or a `since` that is not there,
 * the source has trouble, whatever the commit is: it is nobody's fault who commits. So a GPG key that has
 * expired since, or was revoked, is refused whenever it signed; of an SSH key the time in the commit counts
 * (valid-after and valid-before in the file), or where that is 0 the time of the judging. Stricter than git
 * in one: a commit whose headers are not as git writes them is refused, however it is signed (odb/signed.h).
 *
 *  policy | a commit is deployed when
 *  -------|------------------------------------------------------------------------------------------
 *  none   | it is on the branch
 *  head   | it is signed itself
 *  all    | so are it and all that it adds, by any parent, to the commit deployed before and to `since`,
 *         | the operator's word for it and what is below; merge commits too, so that of a forge's web UI
 *         | wants the forge's key. With nothing deployed, as after the state directory was lost, and without
 *         | `since`: as head. One that is not signed blocks the branch until it is made anew, or `since`
 *         | has it, which may be newer than what is deployed
 *  tag    | an annotated, signed tag points to it, of whatever name, one of the first LIMIT_SOURCE_TAGS that
 *         | do
 */
#pragma once

#include "base/error.h"
#include "model/commit.h"

#include <stdbool.h>

enum source_verify_policy { SOURCE_VERIFY_NONE, SOURCE_VERIFY_HEAD, SOURCE_VERIFY_ALL, SOURCE_VERIFY_TAG };

/* NULL in place of a file: signatures of that kind are not believed. */
struct source_verify {
    enum source_verify_policy policy;
    char *gpg_keyring_file;     /* public keys as `gpg --export` writes them, with --armor or without */
    char *allowed_signers_file; /* as of ssh-keygen(1), and git's gpg.ssh.allowedSignersFile */
    char *revocation_file;      /* revoked SSH keys: a KRL or a list of public keys; none */
    char *since; /* of the policy all: a commit, whole oid, that with all below it needs no signature; none */
};

/* A commit that may not be deployed, and why, for whoever looks at it: the words do not name it again. */
struct source_refusal {
    struct commit commit; /* oid empty: none is refused */
    char *text; /* one line: "refused: it is not signed; ...", "refused for ID that it contains: ..." */
};

/* *ret_copy is overwritten, not freed. */
void source_refusal_copy(const struct source_refusal *refusal, struct source_refusal *ret_copy);
void source_refusal_deinit(struct source_refusal *refusal);

struct source_verify source_verify_copy(const struct source_verify *verify);
void source_verify_deinit(struct source_verify *verify);
/* ERROR_INVALID: no policy has that name. */
int source_verify_policy_parse(const char *name, enum source_verify_policy *ret_policy);
const char *source_verify_policy_name(enum source_verify_policy policy);
/* Whether a commit that davit makes has to be signed to be deployed: not where somebody tags it first, and
 * with `head` not where it waits on a branch for review, for what is merged then is another's. */
bool source_verify_wants_signed(enum source_verify_policy policy, bool for_review);
/* What can be known at a start. ERROR_INVALID: a policy without any keys, `since` of another policy than all,
 * or an origin that is a plain directory now. */
int source_verify_check(const struct source_verify *verify, const char *origin, struct error *err);
