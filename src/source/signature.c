#include "source/signature.h"

#include "base/memory.h"
#include "base/text.h"

#include <assert.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *begin;
    int (*judge)(struct source_judge *, const struct source_signed *, struct error *);
} kinds[] = {
    {"-----BEGIN PGP SIGNATURE-----", source_judge_gpg},
    {"-----BEGIN PGP MESSAGE-----", source_judge_gpg},
    {"-----BEGIN SSH SIGNATURE-----", source_judge_ssh},
};

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void source_judge_deinit(struct source_judge *judge)
{
    assert(judge);
    nftw(judge->gpg_home, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    judge->gpg_ready = false;
}

int source_judge_run(const struct source_judge *judge, const struct source_child *child, const char *package,
                     struct source_child_result *ret_result, struct error *err)
{
    struct source_child bounded = *child;
    bounded.deadline_ms = LIMIT_VERIFY_MS;
    bounded.canceled = judge->canceled;
    int rc = source_child_run(&bounded, ret_result, err);
    if (rc == ERROR_NOT_FOUND)
        return error_set(err, ERROR_UNSUPPORTED,
                         "its signature cannot be judged: %s is not installed (apt-get install %s)",
                         child->argv[0], package);
    return rc < 0 ? error_wrap(err, rc, "its signature cannot be judged") : 0;
}

char *source_judge_complaint(const struct source_child_result *result)
{
    size_t len = strlen(result->complaint);
    while (len && strchr("\r\n ", result->complaint[len - 1]))
        len--;
    char *text CLEANUP_FREE = memory_strndup(result->complaint, len);
    const char *last = strrchr(text, '\n');
    return text_printable(last ? last + 1 : *text ? text : "it ended without a word");
}

int source_judge_signature(struct source_judge *judge, const struct source_signed *object, struct error *err)
{
    assert(judge && judge->verify);
    assert(object);
    const char *text = object->signature.data;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        size_t len = strlen(kinds[i].begin);
        if (object->signature.len >= len && memcmp(text, kinds[i].begin, len) == 0)
            return kinds[i].judge(judge, object, err);
    }
    return error_set(err, ERROR_DENIED,
                     "its signature is neither of GPG nor of SSH, and davit judges no other kind (X.509): "
                     "sign it with such a key");
}
