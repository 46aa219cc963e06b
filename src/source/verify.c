#include "source/verify.h"

#include "base/memory.h"
#include "base/text.h"
#include "source/look.h"
#include "source/origin.h"

#include <assert.h>
#include <stdlib.h>

static const char *const policies[] = {[SOURCE_VERIFY_NONE] = "none",
                                       [SOURCE_VERIFY_HEAD] = "head",
                                       [SOURCE_VERIFY_ALL] = "all",
                                       [SOURCE_VERIFY_TAG] = "tag"};

void source_refusal_copy(const struct source_refusal *refusal, struct source_refusal *ret_copy)
{
    assert(refusal);
    assert(ret_copy);
    *ret_copy = (struct source_refusal){.text = memory_strdup(refusal->text)};
    commit_copy(&refusal->commit, &ret_copy->commit);
}

void source_refusal_deinit(struct source_refusal *refusal)
{
    assert(refusal);
    commit_deinit(&refusal->commit);
    memory_freep(&refusal->text);
}

struct source_verify source_verify_copy(const struct source_verify *verify)
{
    assert(verify);
    return (struct source_verify){.policy = verify->policy,
                                  .gpg_keyring_file = memory_strdup(verify->gpg_keyring_file),
                                  .allowed_signers_file = memory_strdup(verify->allowed_signers_file),
                                  .revocation_file = memory_strdup(verify->revocation_file),
                                  .since = memory_strdup(verify->since)};
}

void source_verify_deinit(struct source_verify *verify)
{
    assert(verify);
    free(verify->gpg_keyring_file);
    free(verify->allowed_signers_file);
    free(verify->revocation_file);
    free(verify->since);
    *verify = (struct source_verify){0};
}

int source_verify_policy_parse(const char *name, enum source_verify_policy *ret_policy)
{
    assert(name);
    assert(ret_policy);
    for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
        if (!text_equal(policies[i], name))
            continue;
        *ret_policy = (enum source_verify_policy)i;
        return 0;
    }
    return ERROR_INVALID;
}

const char *source_verify_policy_name(enum source_verify_policy policy)
{
    assert((size_t)policy < ARRAY_LEN(policies));
    return policies[policy];
}

bool source_verify_wants_signed(enum source_verify_policy policy, bool for_review)
{
    return policy == SOURCE_VERIFY_ALL || (policy == SOURCE_VERIFY_HEAD && !for_review);
}

int source_verify_check(const struct source_verify *verify, const char *origin, struct error *err)
{
    assert(verify);
    assert(origin);
    if (verify->since && verify->policy != SOURCE_VERIFY_ALL)
        return error_set(err, ERROR_INVALID,
                         "source.verify: since says from where on the policy \"all\" looks; with \"%s\" it "
                         "would not be heeded: remove it, or use the policy all",
                         source_verify_policy_name(verify->policy));
    if (verify->policy == SOURCE_VERIFY_NONE)
        return 0;
    if (!verify->gpg_keyring_file && !verify->allowed_signers_file)
        return error_set(err, ERROR_INVALID,
                         "source.verify: the policy \"%s\" wants keys: name a gpgKeyringFile, an "
                         "allowedSignersFile, or both",
                         source_verify_policy_name(verify->policy));
    enum source_kind kind = SOURCE_REMOTE;
    if (source_origin_is_remote(origin) || source_look_kind(origin, &kind, NULL) < 0 ||
        kind != SOURCE_DIRECTORY)
        return 0;
    return source_look_refuse_directory(origin, err);
}
