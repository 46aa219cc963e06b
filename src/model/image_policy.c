#define PCRE2_CODE_UNIT_WIDTH 8

#include "model/image_policy.h"

#include "base/text.h"
#include "model/json.h"
#include "model/semver.h"

#include <assert.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

struct image_policy {
    struct semver_range *range;
    pcre2_code *pattern; /* neither: the digest */
    char *text;          /* for messages: of range or pattern */
};

/* A part of a tag. */
struct key {
    const char *text;
    size_t len;
};

/* What one tag is compared by. */
struct candidate {
    const char *tag;
    struct semver version;
    struct key key;
};

/* A choice under way. */
struct choice {
    const struct image_policy *policy;
    struct candidate present; /* no tag: it is none that the policy allows */
    struct semver form;       /* of the present tag; count 0: it is no version */
    struct candidate best;
    pcre2_match_data *data;
    pcre2_match_context *context;
};

/* --- reading -------------------------------------------------------------------------------------------- */

static int compile_pattern(const char *text, pcre2_code **ret_code, struct error *err)
{
    const uint32_t options = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C;
    int code;
    PCRE2_SIZE offset;
    PCRE2_UCHAR message[128];
    *ret_code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, options, &code, &offset, NULL);
    if (*ret_code)
        return 0;
    pcre2_get_error_message(code, message, sizeof message);
    return error_set(err, ERROR_INVALID, "\"%.200s\": %s, at character %zu", text, (const char *)message,
                     (size_t)offset + 1);
}

int image_policy_compile(const json_t *json, struct image_policy **ret_policy, const char **ret_member,
                         struct error *err)
{
    assert(json_is_object(json));
    assert(ret_policy);
    const char *semver = model_string(json, "semver");
    const char *pattern = model_string(json, "pattern");
    struct image_policy *policy CLEANUP(image_policy_freep) = NEW(struct image_policy);
    int rc = 0;
    if (ret_member)
        *ret_member = semver ? "semver" : pattern ? "pattern" : "digest";
    if (semver)
        rc = semver_range_compile(semver, &policy->range, err);
    else if (pattern)
        rc = compile_pattern(pattern, &policy->pattern, err);
    if (rc < 0)
        return rc;
    policy->text = memory_strdup(semver ? semver : pattern);
    *ret_policy = TAKE(policy);
    return 0;
}

void image_policy_free(struct image_policy *policy)
{
    if (!policy)
        return;
    semver_range_free(policy->range);
    pcre2_code_free(policy->pattern);
    free(policy->text);
    free(policy);
}

bool image_policy_wants_tags(const struct image_policy *policy)
{
    assert(policy);
    return policy->range || policy->pattern;
}

bool image_policy_wants_digest(const struct image_policy *policy, const char *digest)
{
    return !image_policy_wants_tags(policy) || digest != NULL;
}

/* --- by version ----------------------------------------------------------------------------------------- */

static bool allows_version(const struct choice *choice, const char *tag, struct candidate *ret_candidate)
{
    struct candidate candidate = {.tag = tag};
    if (!semver_parse(tag, &candidate.version) ||
        (choice->form.count && candidate.version.count != choice->form.count) ||
        !semver_range_has(choice->policy->range, &candidate.version))
        return false;
    *ret_candidate = candidate;
    return true;
}

static int compare_versions(const struct choice *choice, const struct candidate *a, const struct candidate *b)
{
    int order = semver_compare(&a->version, &b->version);
    if (order)
        return order;
    if (a->version.prefixed != b->version.prefixed)
        return a->version.prefixed == choice->form.prefixed ? 1 : -1;
    if (a->version.count != b->version.count)
        return a->version.count - b->version.count;
    return strcmp(a->tag, b->tag);
}

/* --- by pattern ----------------------------------------------------------------------------------------- */

/* 1: it matches; 0: it does not; ERROR_LIMIT. */
static int match(const struct choice *choice, const char *tag, struct key *ret_key, struct error *err)
{
    int rc = pcre2_match(choice->policy->pattern, (PCRE2_SPTR)tag, strlen(tag), 0, 0, choice->data,
                         choice->context);
    if (rc == PCRE2_ERROR_NOMATCH)
        return 0;
    if (rc < 0)
        return error_set(err, ERROR_LIMIT,
                         "the pattern \"%.200s\" takes too many steps on the tag %.128s "
                         "(LIMIT_IMAGE_PATTERN_STEPS): write a simpler one",
                         choice->policy->text, tag);
    const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(choice->data);
    bool grouped = rc > 1 && ends[2] != PCRE2_UNSET && ends[2] <= ends[3];
    *ret_key = grouped ? (struct key){tag + ends[2], ends[3] - ends[2]} : (struct key){tag, strlen(tag)};
    return 1;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t digits_len(const struct key *key)
{
    size_t len = 0;
    while (len < key->len && is_digit(key->text[len]))
        len++;
    return len;
}

static void skip(struct key *key, size_t len)
{
    key->text += len;
    key->len -= len;
}

/* Takes the digits at the front of both off. */
static int compare_digits(struct key *a, struct key *b)
{
    while (a->len > 1 && *a->text == '0' && is_digit(a->text[1]))
        skip(a, 1);
    while (b->len > 1 && *b->text == '0' && is_digit(b->text[1]))
        skip(b, 1);
    size_t a_len = digits_len(a);
    size_t b_len = digits_len(b);
    int order = a_len != b_len ? (a_len < b_len ? -1 : 1) : memcmp(a->text, b->text, a_len);
    skip(a, a_len);
    skip(b, b_len);
    return order;
}

static int compare_keys(struct key a, struct key b)
{
    while (a.len && b.len) {
        int order = 0;
        if (is_digit(*a.text) && is_digit(*b.text)) {
            order = compare_digits(&a, &b);
        } else {
            order = is_digit(*a.text) != is_digit(*b.text) ? (is_digit(*a.text) ? -1 : 1)
                                                           : (unsigned char)*a.text - (unsigned char)*b.text;
            skip(&a, 1);
            skip(&b, 1);
        }
        if (order)
            return order;
    }
    return (a.len != 0) - (b.len != 0);
}

static int compare_matches(const struct candidate *a, const struct candidate *b)
{
    int order = compare_keys(a->key, b->key);
    if (order)
        return order;
    order = compare_keys((struct key){a->tag, strlen(a->tag)}, (struct key){b->tag, strlen(b->tag)});
    return order ? order : strcmp(a->tag, b->tag);
}

/* --- choosing ------------------------------------------------------------------------------------------- */

/* 1: the policy allows the tag; 0: it does not; ERROR_LIMIT. */
static int allows(const struct choice *choice, const char *tag, struct candidate *ret_candidate,
                  struct error *err)
{
    if (choice->policy->range)
        return allows_version(choice, tag, ret_candidate);
    struct candidate candidate = {.tag = tag};
    int rc = match(choice, tag, &candidate.key, err);
    if (rc == 1)
        *ret_candidate = candidate;
    return rc;
}

static bool is_later(const struct choice *choice, const struct candidate *a, const struct candidate *b)
{
    if (!b->tag)
        return true;
    return (choice->policy->range ? compare_versions(choice, a, b) : compare_matches(a, b)) > 0;
}

/* Another spelling of the present version is no reason for a commit. */
static bool is_same(const struct choice *choice, const struct candidate *a, const struct candidate *b)
{
    return choice->policy->range && b->tag && semver_compare(&a->version, &b->version) == 0;
}

/* What stands behind the numbers is a prerelease to a version, and often a variant to its author: 1.27-alpine
 * must not become 1.28 unseen. */
static int check_form(struct choice *choice, const char *tag, struct error *err)
{
    if (!choice->policy->range || !semver_parse(tag, &choice->form) || !choice->form.prerelease_len ||
        semver_range_has_prereleases(choice->policy->range))
        return 0;
    return error_set(err, ERROR_INVALID,
                     "the tag %.128s is a prerelease to semver, and \"%.200s\" allows none: write a range "
                     "such as \">=1.0.0-0\", or keep what follows the numbers with a pattern such as "
                     "\"^([0-9.]+)-%.64s$\"",
                     tag, choice->policy->text, choice->form.prerelease);
}

static int choose(struct choice *choice, const char *tag, const struct string_vec *tags, struct error *err)
{
    int rc = check_form(choice, tag, err);
    if (rc == 0)
        rc = allows(choice, tag, &choice->present, err);
    choice->best = choice->present;
    for (size_t i = 0; rc >= 0 && i < tags->len; i++) {
        struct candidate candidate = {0};
        rc = allows(choice, tags->items[i], &candidate, err);
        if (rc == 1 && !is_same(choice, &candidate, &choice->present) &&
            is_later(choice, &candidate, &choice->best))
            choice->best = candidate;
    }
    if (rc < 0)
        return rc;
    if (choice->best.tag)
        return 0;
    return error_set(err, ERROR_NOT_FOUND, "none of its %zu tag%s is one that %s \"%.200s\" allows",
                     tags->len, text_plural((int64_t)tags->len), choice->policy->range ? "semver" : "pattern",
                     choice->policy->text);
}

int image_policy_choose(const struct image_policy *policy, const char *tag, const struct string_vec *tags,
                        const char **ret_tag, struct error *err)
{
    assert(policy);
    assert(tag);
    assert(tags);
    struct choice choice = {.policy = policy};
    *ret_tag = tag;
    if (!image_policy_wants_tags(policy))
        return 0;
    if (policy->pattern) {
        choice.data = pcre2_match_data_create(2, NULL);
        choice.context = pcre2_match_context_create(NULL);
        if (!choice.data || !choice.context)
            abort();
        pcre2_set_match_limit(choice.context, LIMIT_IMAGE_PATTERN_STEPS);
        pcre2_set_depth_limit(choice.context, LIMIT_IMAGE_PATTERN_STEPS);
        pcre2_set_heap_limit(choice.context, LIMIT_PATTERN_HEAP_KIB);
    }
    int rc = choose(&choice, tag, tags, err);
    pcre2_match_data_free(choice.data);
    pcre2_match_context_free(choice.context);
    if (rc == 0)
        *ret_tag = choice.best.tag;
    return rc;
}
