/* The policies, on the objects of the mirror. */
#include "source/git.h"

#include "base/memory.h"
#include "base/text.h"
#include "odb/commit.h"
#include "odb/signed.h"
#include "source/signature.h"
#include "source/verifier.h"

#include <assert.h>
#include <errno.h>
#include <git2.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHOWN_CHARS 60 /* of an author, of a subject, of a tag's name */

DEFINE_CLEANUP(git_odb, git_odb_free)
DEFINE_CLEANUP(git_odb_object, git_odb_object_free)
DEFINE_CLEANUP(git_revwalk, git_revwalk_free)
DEFINE_CLEANUP(git_tag, git_tag_free)

/* One judging of a commit that is to be deployed. */
struct judging {
    struct source_verifier *verifier;
    git_repository *mirror;
    git_oid tip;
    struct source_judge judge;
    char *gpg_home;
    size_t judged;
    char *refusal; /* as source_refusal.text; NULL: nothing is said yet */
};

static void judging_deinit(struct judging *judging)
{
    source_judge_deinit(&judging->judge);
    free(judging->gpg_home);
    free(judging->refusal);
}

/* --- the memory ----------------------------------------------------------------------------------------- */

/* With other keys it is another question. */
static void forget_if_keys_changed(struct source_verifier *verifier)
{
    const char *const files[SOURCE_VERIFIER_FILES] = {verifier->verify.gpg_keyring_file,
                                                      verifier->verify.allowed_signers_file,
                                                      verifier->verify.revocation_file};
    for (size_t i = 0; i < SOURCE_VERIFIER_FILES; i++) {
        struct file_stamp now = file_stamp_of(files[i]);
        if (!file_stamp_equal(&now, &verifier->stamps[i]))
            map_clear(&verifier->good);
        verifier->stamps[i] = now;
    }
}

/* Before anything is judged: what is wrong with what the configuration names is no commit's doing. */
static int check_named(const struct source_verify *verify, git_repository *mirror, struct error *err)
{
    const struct {
        const char *member;
        const char *path;
    } files[SOURCE_VERIFIER_FILES] = {{"gpgKeyringFile", verify->gpg_keyring_file},
                                      {"allowedSignersFile", verify->allowed_signers_file},
                                      {"revocationFile", verify->revocation_file}};
    for (size_t i = 0; i < SOURCE_VERIFIER_FILES; i++)
        if (files[i].path && access(files[i].path, R_OK) < 0)
            return error_set(err, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_DENIED,
                             "source.verify.%s %s: %s; until it can be read no commit is judged",
                             files[i].member, files[i].path, strerror(errno));
    if (verify->since && !source_mirror_has_commit(mirror, verify->since))
        return error_set(
            err, ERROR_NOT_FOUND,
            "source.verify.since: there is no commit %.12s in the history of the branch; until it "
            "names one that is there no commit is judged",
            verify->since);
    return 0;
}

static bool is_known_good(const struct source_verifier *verifier, const git_oid *oid)
{
    char hex[COMMIT_OID_SIZE];
    return map_get(&verifier->good, git_oid_tostr(hex, sizeof hex, oid)) != NULL;
}

static void remember(struct source_verifier *verifier, const git_oid *oid)
{
    char hex[COMMIT_OID_SIZE];
    if (verifier->good.len >= 2 * LIMIT_VERIFY_COMMITS)
        map_clear(&verifier->good);
    map_put(&verifier->good, git_oid_tostr(hex, sizeof hex, oid), verifier);
}

void source_verifier_deinit(struct source_verifier *verifier)
{
    assert(verifier);
    source_verify_deinit(&verifier->verify);
    map_deinit(&verifier->good);
}

/* --- the words ------------------------------------------------------------------------------------------ */

/* Fit to be shown, and not all of it. Caller frees. */
static char *shown(const char *text, size_t chars)
{
    char *some CLEANUP_FREE = memory_strndup(text ? text : "", chars);
    text_mend_utf8(some);
    return text_printable(some);
}

/* Puts before the clause that err holds what it is about. */
static int say_which(struct judging *judging, const git_oid *oid, int rc, struct error *err)
{
    struct odb_commit commit CLEANUP(odb_commit_deinit) = {0};
    char hex[COMMIT_OID_SIZE];
    char tip[COMMIT_OID_SIZE];
    bool is_tip = git_oid_equal(oid, &judging->tip);
    git_oid_tostr(hex, sizeof hex, oid);
    git_oid_tostr(tip, sizeof tip, &judging->tip);
    free(judging->refusal);
    judging->refusal = is_tip ? memory_printf("refused: %s", error_text(err))
                              : memory_printf("refused for %.12s that it contains: %s", hex, error_text(err));
    if (odb_commit_read(judging->mirror, oid, &commit) < 0)
        return error_wrap(err, rc, "commit %.12s is refused", tip);
    char *author_text CLEANUP_FREE = odb_commit_author(&commit);
    char *subject_text CLEANUP_FREE = odb_commit_subject(&commit);
    char *author CLEANUP_FREE = shown(author_text, 2 * SHOWN_CHARS);
    char *subject CLEANUP_FREE = shown(subject_text, SHOWN_CHARS);
    if (is_tip)
        return error_wrap(err, rc, "commit %.12s (\"%s\") by %s is refused", hex, subject, author);
    return error_wrap(err, rc, "commit %.12s is refused for %.12s (\"%s\") by %s that it contains", tip, hex,
                      subject, author);
}

/* --- objects -------------------------------------------------------------------------------------------- */

static int check_size(size_t len, struct error *err)
{
    if (len <= LIMIT_SIGNED_BYTES)
        return 0;
    return error_set(err, ERROR_LIMIT,
                     "its signature is not judged: it is larger than %d bytes (LIMIT_SIGNED_BYTES)",
                     LIMIT_SIGNED_BYTES);
}

/* What lies below the tip is signed by no further commit. */
static int refuse_unsigned(const git_oid *oid, bool is_tip, struct error *err)
{
    char hex[COMMIT_OID_SIZE];
    if (is_tip)
        return error_set(err, ERROR_DENIED,
                         "it is not signed; git commit -S signs, and --amend -S what is there");
    return error_set(err, ERROR_DENIED,
                     "it is not signed; \"git rebase -r -f -S %.12s~\" signs it and what follows, push that "
                     "by force, or vouch for it by source.verify.since",
                     git_oid_tostr(hex, sizeof hex, oid));
}

static int judge_signature(struct judging *judging, const git_oid *oid, const struct odb_commit *commit,
                           struct error *err)
{
    struct odb_signed parts CLEANUP(odb_signed_deinit) = {0};
    int rc = check_size(git_odb_object_size(commit->object), err);
    if (rc < 0)
        return rc;
    switch (odb_signed_read(commit, &parts)) {
    case ODB_UNSIGNED:
        return refuse_unsigned(oid, git_oid_equal(oid, &judging->tip), err);
    case ODB_ODD:
        return error_set(err, ERROR_DENIED,
                         "its headers are not as git writes them, so that what is signed need not be what is "
                         "read; ask who pushed it, and leave it out");
    case ODB_SIGNED:
        break;
    }
    const struct source_signed object = {.payload = {parts.payload, strlen(parts.payload)},
                                         .signature = {parts.signature, strlen(parts.signature)},
                                         .time_s = commit->time_s};
    return source_judge_signature(&judging->judge, &object, err);
}

static int judge_commit(struct judging *judging, const git_oid *oid, struct error *err)
{
    struct odb_commit commit CLEANUP(odb_commit_deinit) = {0};
    if (is_known_good(judging->verifier, oid))
        return 0;
    if (++judging->judged > LIMIT_VERIFY_COMMITS)
        return error_set(
            err, ERROR_LIMIT,
            "more than %d commits would have to be judged (LIMIT_VERIFY_COMMITS): the policy head "
            "judges one",
            LIMIT_VERIFY_COMMITS);
    int rc = source_commit_read(judging->mirror, oid, &commit, err);
    if (rc < 0)
        return rc;
    rc = judge_signature(judging, oid, &commit, err);
    if (rc == 0)
        remember(judging->verifier, oid);
    return rc == 0 || rc == ERROR_IO ? rc : say_which(judging, oid, rc, err);
}

/* --- head, all ------------------------------------------------------------------------------------------ */

static bool is_vouched_for(const struct judging *judging, const git_oid *oid)
{
    char hex[COMMIT_OID_SIZE];
    return text_equal(git_oid_tostr(hex, sizeof hex, oid), judging->verifier->verify.since);
}

/* What these commits contain is left out: the deployed one, and the one that the operator vouches for. One
 * that the mirror does not have leaves out nothing. */
static void find_bases(const struct judging *judging, struct odb_commit_ids *ret_bases)
{
    const char *const bases[] = {judging->verifier->base, judging->verifier->verify.since};
    git_oid oid;
    for (size_t i = 0; i < ARRAY_LEN(bases); i++)
        if (bases[i] && source_mirror_has_commit(judging->mirror, bases[i]) &&
            git_oid_fromstr(&oid, bases[i]) == 0)
            vector_push(ret_bases, oid);
}

static int begin_walk(const struct judging *judging, const struct odb_commit_ids *bases,
                      git_revwalk **ret_walk)
{
    int rc = git_revwalk_new(ret_walk, judging->mirror);
    if (rc == 0)
        rc = git_revwalk_push(*ret_walk, &judging->tip);
    for (size_t i = 0; rc == 0 && i < bases->len; i++)
        rc = git_revwalk_hide(*ret_walk, &bases->items[i]);
    return rc;
}

static void ids_deinit(struct odb_commit_ids *ids)
{
    vector_deinit(ids);
}

/* Past malformed commits, where libgit2 ends. *ret_next is as of git_revwalk_next(). */
static int judge_listed(struct judging *judging, const struct odb_commit_ids *bases, int *ret_next,
                        struct error *err)
{
    struct odb_commit_ids ids CLEANUP(ids_deinit) = {0};
    *ret_next = odb_commit_added(judging->mirror, &judging->tip, bases, LIMIT_HISTORY_COMMITS, &ids);
    int rc = 0;
    for (size_t i = 0; *ret_next == 0 && rc == 0 && i < ids.len; i++)
        rc = judge_commit(judging, &ids.items[i], err);
    *ret_next = *ret_next == 0 ? GIT_ITEROVER : *ret_next;
    return rc;
}

static int judge_added(struct judging *judging, struct error *err)
{
    git_revwalk *walk CLEANUP(git_revwalk_freep) = NULL;
    struct odb_commit_ids bases CLEANUP(ids_deinit) = {0};
    const char *since = judging->verifier->verify.since;
    git_oid oid;
    if (!*judging->verifier->base && !since)
        return 0;
    find_bases(judging, &bases);
    int rc = 0;
    int next = begin_walk(judging, &bases, &walk);
    while (next == 0 && rc == 0 && (next = git_revwalk_next(&oid, walk)) == 0)
        rc = judge_commit(judging, &oid, err);
    if (rc == 0 && next != GIT_ITEROVER && next != GIT_ENOTFOUND)
        rc = judge_listed(judging, &bases, &next, err);
    if (rc < 0 || next == GIT_ITEROVER)
        return rc;
    if (next != GIT_ENOTFOUND)
        return source_git_error(err, next, "cannot walk the commits");
    error_set(err, ERROR_DENIED,
              "commits that it adds to the one deployed before are not there, as in a shallow clone, and the "
              "policy all wants to see each; fetch them (git fetch --unshallow)");
    return say_which(judging, &judging->tip, ERROR_DENIED, err);
}

/* --- tag ------------------------------------------------------------------------------------------------ */

/* Where the signature begins: at the last line that begins one, as in git. NULL: it is not signed. */
static const char *find_signature(const char *text, size_t len)
{
    static const char *const begins[] = {"-----BEGIN PGP SIGNATURE-----", "-----BEGIN PGP MESSAGE-----",
                                         "-----BEGIN SSH SIGNATURE-----", "-----BEGIN SIGNED MESSAGE-----"};
    const char *found = NULL;
    for (const char *line = text; line && line < text + len;) {
        size_t left = len - (size_t)(line - text);
        for (size_t i = 0; i < ARRAY_LEN(begins); i++)
            if (left >= strlen(begins[i]) && memcmp(line, begins[i], strlen(begins[i])) == 0)
                found = line;
        line = memchr(line, '\n', left);
        line = line ? line + 1 : NULL;
    }
    return found;
}

static int judge_tag_object(struct judging *judging, const git_oid *oid, int64_t time_s, struct error *err)
{
    git_odb *odb CLEANUP(git_odb_freep) = NULL;
    git_odb_object *object CLEANUP(git_odb_object_freep) = NULL;
    int rc = git_repository_odb(&odb, judging->mirror);
    if (rc == 0)
        rc = git_odb_read(&object, odb, oid);
    if (rc < 0)
        return source_git_error(err, rc, "cannot read a tag");
    const char *text = git_odb_object_data(object);
    size_t len = git_odb_object_size(object);
    rc = check_size(len, err);
    if (rc < 0)
        return rc;
    const char *begin = find_signature(text, len);
    if (!begin)
        return error_set(err, ERROR_DENIED, "it is not signed; git tag -s signs");
    size_t payload_len = (size_t)(begin - text);
    const struct source_signed parts = {{text, payload_len}, {begin, len - payload_len}, time_s};
    return source_judge_signature(&judging->judge, &parts, err);
}

static int judge_tag(struct judging *judging, const char *oid_hex, struct error *err)
{
    git_tag *tag CLEANUP(git_tag_freep) = NULL;
    git_oid oid;
    int rc = git_oid_fromstr(&oid, oid_hex);
    if (rc == 0)
        rc = git_tag_lookup(&tag, judging->mirror, &oid);
    if (rc < 0)
        return source_git_error(err, rc, "cannot read a tag");
    const git_signature *tagger = git_tag_tagger(tag);
    rc = judge_tag_object(judging, &oid, tagger ? tagger->when.time : 0, err);
    if (rc == 0 || rc == ERROR_IO)
        return rc;
    char *name CLEANUP_FREE = shown(git_tag_name(tag), SHOWN_CHARS);
    return error_wrap(err, rc, "its tag \"%s\"", name);
}

/* One that is good is enough; else what is wrong with the last one is told. */
static int judge_tags(struct judging *judging, struct error *err)
{
    struct source_tags tags CLEANUP(source_tags_deinit) = {0};
    char tip[COMMIT_OID_SIZE];
    if (is_known_good(judging->verifier, &judging->tip))
        return 0;
    source_tags_of(judging->mirror, git_oid_tostr(tip, sizeof tip, &judging->tip), &tags);
    int rc = tags.oids.len ? 0
                           : error_set(err, ERROR_DENIED,
                                       "no annotated tag points to it; git tag -s makes one, git push --tags "
                                       "pushes it");
    for (size_t i = 0; i < tags.oids.len; i++) {
        rc = judge_tag(judging, tags.oids.items[i], err);
        if (rc == 0 || rc == ERROR_IO || rc == ERROR_CANCELED)
            break;
    }
    if (rc < 0 && tags.left_out)
        error_wrap(err, rc,
                   "%zu tags point to it beside the first %d, which are all that is looked at "
                   "(LIMIT_SOURCE_TAGS): delete some that are not signed",
                   tags.left_out, LIMIT_SOURCE_TAGS);
    if (rc < 0)
        return rc == ERROR_IO ? rc : say_which(judging, &judging->tip, rc, err);
    if (err)
        *err = ERROR_INIT; /* of a tag before it */
    remember(judging->verifier, &judging->tip);
    return 0;
}

/* --- the policy ----------------------------------------------------------------------------------------- */

static int judge_tip(struct judging *judging, struct error *err)
{
    enum source_verify_policy policy = judging->verifier->verify.policy;
    if (policy == SOURCE_VERIFY_TAG)
        return judge_tags(judging, err);
    if (policy == SOURCE_VERIFY_ALL && is_vouched_for(judging, &judging->tip))
        return 0;
    int rc = judge_commit(judging, &judging->tip, err);
    return rc == 0 && policy == SOURCE_VERIFY_ALL ? judge_added(judging, err) : rc;
}

/* Beside the mirror: "/var/lib/davit/mirror.git.gnupg". */
static char *home_of(git_repository *mirror)
{
    char *path CLEANUP_FREE = memory_strdup(git_repository_path(mirror));
    for (size_t len = strlen(path); len > 1 && path[len - 1] == '/'; len--)
        path[len - 1] = '\0';
    return memory_printf("%s.gnupg", path);
}

/* Of what is not the commit's own doing the error is all there is to say. */
static void take_refusal(struct judging *judging, const struct error *err, struct source_refusal *ret_refusal)
{
    if (source_commit_describe(judging->mirror, &judging->tip, &ret_refusal->commit, NULL) < 0)
        git_oid_tostr(ret_refusal->commit.oid, sizeof ret_refusal->commit.oid, &judging->tip);
    ret_refusal->text =
        judging->refusal ? TAKE(judging->refusal) : memory_printf("refused: %s", error_text(err));
}

int source_verifier_check(struct source_verifier *verifier, struct git_repository *mirror, const char *oid,
                          struct source_refusal *ret_refusal, struct error *err)
{
    assert(verifier && mirror && oid);
    assert(ret_refusal && err);
    if (verifier->verify.policy == SOURCE_VERIFY_NONE)
        return 0;
    int rc = check_named(&verifier->verify, mirror, err);
    if (rc < 0)
        return rc;
    if (verifier->passed && text_equal(verifier->base, oid))
        return 0;
    struct judging judging CLEANUP(judging_deinit) = {
        .verifier = verifier, .mirror = mirror, .gpg_home = home_of(mirror)};
    judging.judge = (struct source_judge){
        .verify = &verifier->verify, .gpg_home = judging.gpg_home, .canceled = &verifier->canceled};
    rc = git_oid_fromstr(&judging.tip, oid);
    if (rc < 0)
        return source_git_error(err, rc, "\"%s\" is no commit", oid);
    forget_if_keys_changed(verifier);
    rc = judge_tip(&judging, err);
    if (rc < 0 && rc != ERROR_IO)
        take_refusal(&judging, err, ret_refusal);
    if (rc < 0)
        return rc;
    memcpy(verifier->base, oid, strlen(oid) + 1);
    verifier->passed = true;
    return 0;
}
