#include "source/signature.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/vector.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PACKAGE    "openssh-client"
#define PRINCIPALS 16   /* of one key that are tried */
#define LAST_YEAR  9999 /* that ssh-keygen reads */

/* "-Overify-time=20260131235959", by the local clock, as git has it. For a time that is 0 or not there git
 * gives no such option, which means now; ssh-keygen takes no 0. */
static int time_option(int64_t time_s, char text[static 40], struct error *err)
{
    time_t seconds = time_s > 0 ? (time_t)time_s : time(NULL);
    struct tm broken = {0};
    if (!localtime_r(&seconds, &broken) || broken.tm_year + 1900 > LAST_YEAR)
        return error_set(
            err, ERROR_DENIED,
            "its SSH signature cannot be judged, as its time is after the year %d; set the clock, "
            "and sign it anew",
            LAST_YEAR);
    strftime(text, 40, "-Overify-time=%Y%m%d%H%M%S", &broken);
    return 0;
}

/* What is asked of ssh-keygen about one signature. */
struct question {
    const struct source_judge *judge;
    const struct source_signed *object;
    char time[40];
};

static int ask(const struct question *question, const char *const *argv,
               struct source_child_result *ret_result, struct error *err)
{
    const struct source_child child = {
        .argv = argv, .input = question->object->payload, .file = question->object->signature};
    return source_judge_run(question->judge, &child, PACKAGE, ret_result, err);
}

static int find_principals(const struct question *question, struct source_child_result *ret_result,
                           struct error *err)
{
    const char *const argv[] = {"ssh-keygen",
                                "-Y",
                                "find-principals",
                                "-f",
                                question->judge->verify->allowed_signers_file,
                                "-s",
                                SOURCE_CHILD_FILE,
                                question->time,
                                NULL};
    return ask(question, argv, ret_result, err);
}

/* *ret_result of the last asking. */
static int verify(const struct question *question, const char *principal, bool looks_at_revoked,
                  struct source_child_result *ret_result, struct error *err)
{
    const struct source_verify *files = question->judge->verify;
    const char *const argv[] = {"ssh-keygen",
                                "-Y",
                                "verify",
                                "-n",
                                "git",
                                "-f",
                                files->allowed_signers_file,
                                "-I",
                                principal,
                                "-s",
                                SOURCE_CHILD_FILE,
                                question->time,
                                looks_at_revoked && files->revocation_file ? "-r" : NULL,
                                files->revocation_file,
                                NULL};
    source_child_result_deinit(ret_result);
    return ask(question, argv, ret_result, err);
}

/* "ED25519 key SHA256:..." of what ssh-keygen says of a good signature; NULL: it is not. Caller frees. */
static char *key_of(const struct source_child_result *result)
{
    const char *with = result->status == 0 ? strstr(result->output, " with ") : NULL;
    if (!with)
        return NULL;
    with += strlen(" with ");
    char *key CLEANUP_FREE = memory_strndup(with, strcspn(with, "\n"));
    return text_printable(key);
}

/* The key is nobody's whom the file names, or not at that time. */
static int deny_stranger(const struct question *question, const struct source_child_result *found,
                         struct error *err)
{
    const char *const argv[] = {
        "ssh-keygen", "-Y", "check-novalidate", "-n", "git", "-s", SOURCE_CHILD_FILE, question->time, NULL};
    const char *file = question->judge->verify->allowed_signers_file;
    struct source_child_result result CLEANUP(source_child_result_deinit) = {0};
    const char *const times[] = {"key has expired", "key is not yet valid"};
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        const char *at = strstr(found->complaint, times[i]);
        if (!at)
            continue;
        char *words CLEANUP_FREE = memory_strndup(at, strcspn(at, "\r\n"));
        char *shown CLEANUP_FREE = text_printable(words);
        return error_set(err, ERROR_DENIED,
                         "it is signed with an SSH key that was not valid at its time, by allowedSignersFile "
                         "%s (%s); sign it anew with one that is",
                         file, shown);
    }
    int rc = ask(question, argv, &result, err);
    if (rc < 0)
        return rc;
    char *key CLEANUP_FREE = key_of(&result);
    if (key)
        return error_set(err, ERROR_DENIED,
                         "it is signed with the SSH %s, which is not in allowedSignersFile %s; sign it with "
                         "one that is, or add that key if it is to be trusted",
                         key, file);
    char *complaint CLEANUP_FREE = source_judge_complaint(&result);
    return error_set(err, ERROR_DENIED, "its SSH signature is damaged (%s); sign it anew", complaint);
}

/* The key is known, and its signature is not taken all the same. */
static int deny_known(const struct question *question, const char *principal,
                      struct source_child_result *result, struct error *err)
{
    const char *revoked = question->judge->verify->revocation_file;
    char *complaint CLEANUP_FREE = source_judge_complaint(result);
    char *name CLEANUP_FREE = text_printable(principal);
    int rc = revoked ? verify(question, principal, false, result, err) : 0;
    if (rc < 0)
        return rc;
    if (revoked && result->status == 0)
        return error_set(
            err, ERROR_DENIED,
            "it is signed with an SSH key of %.80s that is revoked by revocationFile %s (or that "
            "is no such file); sign it anew with another key",
            name, revoked);
    return error_set(
        err, ERROR_DENIED,
        "its SSH signature by a key of %.80s is not of it: it was changed after it was signed, or "
        "the signature was made for something else (%s); sign it anew",
        name, complaint);
}

int source_judge_ssh(struct source_judge *judge, const struct source_signed *object, struct error *err)
{
    assert(judge);
    assert(object);
    const struct source_verify *files = judge->verify;
    struct question question = {.judge = judge, .object = object};
    struct source_child_result found CLEANUP(source_child_result_deinit) = {0};
    struct source_child_result result CLEANUP(source_child_result_deinit) = {0};
    if (!files->allowed_signers_file)
        return error_set(
            err, ERROR_DENIED,
            "it is signed with an SSH key, and source.verify has no allowedSignersFile; name one, "
            "or sign it with a GPG key");
    int rc = time_option(object->time_s, question.time, err);
    if (rc == 0)
        rc = find_principals(&question, &found, err);
    if (rc < 0)
        return rc;
    assert(found.output);
    if (found.status != 0 || !found.output[strspn(found.output, "\n")])
        return deny_stranger(&question, &found, err);
    char *rest = NULL;
    const char *principal = strtok_r(found.output, "\n", &rest);
    const char *last = principal;
    for (int i = 0; principal && i < PRINCIPALS; i++, principal = strtok_r(NULL, "\n", &rest)) {
        last = principal;
        rc = verify(&question, principal, true, &result, err);
        if (rc < 0 || result.status == 0)
            return rc;
    }
    return deny_known(&question, last, &result, err);
}
