/* What a container's `davit: {imagePolicy: ...}` makes of the tags that its repository has: which image it is
 * to name. It never changes what runs: whoever asks writes a commit (davit update-images). Pure.
 *
 *  policy            | the tag that is chosen
 *  ------------------|--------------------------------------------------------------------------------------
 *  semver: "1.x"     | the highest version in the range (model/semver.h). Of a tag that is a version itself
 *                    | the form stays: 1.27 becomes 1.28 and not 1.28.1, nor 1. Of spellings of one version
 *                    | the one with or without "v" as before, else the longest
 *  pattern: '^v(.+)$'| of those that the regular expression (PCRE2) matches somewhere, the one whose first
 *                    | group, or else the whole tag, comes last: digits are compared as numbers, all else as
 *                    | bytes, a number before any text. Where groups are the same, whole tags are compared
 *  digest: true      | the tag stays as it is
 *
 * A tag that the policy allows already is left only for a later one: an answer in which tags are missing
 * never leads back. A tag that the policy does not allow is left for one that it does, in either direction.
 *
 * A digest is pinned ("nginx:1.27@sha256:...") with `digest`, and where the image names one already.
 */
#pragma once

#include "base/error.h"
#include "base/memory.h"
#include "base/vector.h"

#include <jansson.h>
#include <stdbool.h>

struct image_policy; /* immutable */

/* Of the object {"semver": ...}, which keeps to the schema. ERROR_INVALID or ERROR_LIMIT, with *ret_member
 * (may be NULL): the member that is wrong, static. */
int image_policy_compile(const json_t *json, struct image_policy **ret_policy, const char **ret_member,
                         struct error *err);
void image_policy_free(struct image_policy *policy); /* NULL is fine */
DEFINE_CLEANUP(struct image_policy, image_policy_free)

/* Whether the tags of the repository matter. */
bool image_policy_wants_tags(const struct image_policy *policy);
/* Whether the digest of the chosen tag matters, where the image names `digest` (NULL: none). */
bool image_policy_wants_digest(const struct image_policy *policy, const char *digest);
/* *ret_tag is one of `tags`, or `tag`, the present one, when none comes later. ERROR_NOT_FOUND: the policy
 * allows none. ERROR_INVALID: the present tag has a suffix ("1.27-alpine"), which to semver is a prerelease,
 * and the range takes none. ERROR_LIMIT: the pattern takes too many steps. */
int image_policy_choose(const struct image_policy *policy, const char *tag, const struct string_vec *tags,
                        const char **ret_tag, struct error *err);
