#include "source/signature.h"

#include "base/memory.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define STATUS     "[GNUPG:] "
#define NAME_CHARS 80 /* of a key's user id, as it is shown */

/* Nothing of a user's configuration, no agent, no network. Whoever is in the key ring is trusted. */
#define GPG                                                                                                  \
    "gpg", "--no-options", "--homedir", judge->gpg_home, "--batch", "--no-tty", "--no-autostart",            \
        "--no-auto-check-trustdb", "--disable-dirmngr", "--no-auto-key-retrieve", "--trust-model", "always", \
        "--status-fd", "1"

static const struct verdict {
    const char *keyword;
    bool good;
    const char *before; /* the key, as "0123456789ABCDEF (Ada <ada@example.org>)" */
    const char *after;
} verdicts[] = {
    {"GOODSIG", true, NULL, NULL},
    {"BADSIG", false, "its GPG signature by the key",
     "is over other content: it was changed after it was signed; sign it anew"},
    {"EXPSIG", false, "its GPG signature by the key", "has expired; sign it anew"},
    {"EXPKEYSIG", false, "it is signed with the GPG key",
     "which has expired; sign it anew with another, or put that key with a later date of expiry into "
     "gpgKeyringFile"},
    {"REVKEYSIG", false, "it is signed with the GPG key", "which was revoked; sign it anew with another"},
    {"ERRSIG", false, "it is signed with the GPG key",
     "which is not in gpgKeyringFile; sign it with one that is, or add that key if it is to be trusted"},
};

/* What gpg has said about a signature. */
struct saying {
    const struct verdict *verdict;
    size_t verdicts_len;
    bool valid;   /* VALIDSIG */
    bool unknown; /* NO_PUBKEY */
    char *key;    /* id and name */
};

static void saying_deinit(struct saying *saying)
{
    free(saying->key);
}

/* "KEYID user id"; the user id is free text of whoever made the key. Of an ERRSIG numbers follow the id. */
static char *key_of(const char *rest, const struct verdict *verdict)
{
    size_t id_len = strcspn(rest, " ");
    char *id CLEANUP_FREE = memory_strndup(rest, id_len);
    if (!rest[id_len] || text_equal(verdict->keyword, "ERRSIG"))
        return text_printable(id);
    char *name CLEANUP_FREE = memory_strndup(rest + id_len + 1, NAME_CHARS);
    char *both CLEANUP_FREE = memory_printf("%s (%s)", id, name);
    return text_printable(both);
}

static void take_line(const char *line, struct saying *saying)
{
    size_t len = strcspn(line, " ");
    const char *rest = line[len] ? line + len + 1 : "";
    for (size_t i = 0; i < ARRAY_LEN(verdicts); i++) {
        if (strlen(verdicts[i].keyword) != len || memcmp(line, verdicts[i].keyword, len) != 0)
            continue;
        saying->verdict = &verdicts[i];
        saying->verdicts_len++;
        free(saying->key);
        saying->key = key_of(rest, &verdicts[i]);
    }
    saying->valid |= text_starts_with(line, "VALIDSIG ");
    saying->unknown |= text_starts_with(line, "NO_PUBKEY ");
}

static void take_output(char *output, struct saying *saying)
{
    char *rest = NULL;
    for (char *line = strtok_r(output, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        if (text_starts_with(line, STATUS))
            take_line(line + strlen(STATUS), saying);
}

static int decide(const struct saying *saying, const struct source_child_result *result, struct error *err)
{
    const struct verdict *verdict = saying->verdict;
    if (saying->verdicts_len > 1)
        return error_set(err, ERROR_DENIED, "it carries %zu GPG signatures in one; sign it with one key",
                         saying->verdicts_len);
    if (verdict && verdict->good && saying->valid && result->status == 0)
        return 0;
    if (verdict && !verdict->good && (!text_equal(verdict->keyword, "ERRSIG") || saying->unknown))
        return error_set(err, ERROR_DENIED, "%s %s %s", verdict->before, saying->key, verdict->after);
    char *complaint CLEANUP_FREE = source_judge_complaint(result);
    return error_set(err, ERROR_DENIED,
                     "its GPG signature is damaged or of an unknown kind (%s); sign it anew", complaint);
}

/* What an earlier life has left there was of other keys. */
static int make_home(struct source_judge *judge, struct error *err)
{
    source_judge_deinit(judge);
    if (mkdir(judge->gpg_home, 0700) < 0)
        return error_set(err, ERROR_UNAVAILABLE, "its signature cannot be judged: cannot make %s: %s",
                         judge->gpg_home, strerror(errno));
    judge->gpg_ready = true;
    return 0;
}

static int import(struct source_judge *judge, struct error *err)
{
    const char *file = judge->verify->gpg_keyring_file;
    struct source_child_result result CLEANUP(source_child_result_deinit) = {0};
    const char *const argv[] = {GPG, "--import", "--", file, NULL};
    int rc = make_home(judge, err);
    if (rc == 0)
        rc = source_judge_run(judge, &(struct source_child){.argv = argv}, "gpg", &result, err);
    if (rc < 0)
        return rc;
    assert(result.output);
    if (strstr(result.output, STATUS "IMPORT_OK "))
        return 0;
    char *complaint CLEANUP_FREE = source_judge_complaint(&result);
    return error_set(
        err, ERROR_INVALID,
        "its signature cannot be judged: gpgKeyringFile %s holds no public key that gpg can read "
        "(%s); gpg --export --armor KEY... writes one",
        file, complaint);
}

int source_judge_gpg(struct source_judge *judge, const struct source_signed *object, struct error *err)
{
    assert(judge);
    assert(object);
    struct source_child_result result CLEANUP(source_child_result_deinit) = {0};
    struct saying saying CLEANUP(saying_deinit) = {0};
    if (!judge->verify->gpg_keyring_file)
        return error_set(err, ERROR_DENIED,
                         "it is signed with a GPG key, and source.verify has no gpgKeyringFile; name one, or "
                         "sign it with an SSH key");
    int rc = judge->gpg_ready ? 0 : import(judge, err);
    if (rc < 0) {
        source_judge_deinit(judge);
        return rc;
    }
    const char *const argv[] = {GPG, "--verify", SOURCE_CHILD_FILE, "-", NULL};
    const struct source_child child = {.argv = argv, .input = object->payload, .file = object->signature};
    rc = source_judge_run(judge, &child, "gpg", &result, err);
    if (rc < 0)
        return rc;
    take_output(result.output, &saying);
    return decide(&saying, &result, err);
}
