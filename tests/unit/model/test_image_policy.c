#include "model/image_policy.h"

#include "base/memory.h"
#include "model/image.h"
#include "unit.h"

#include <string.h>

static struct image_policy *policy_of(const char *text)
{
    json_t *json = json_loads(text, 0, NULL);
    struct image_policy *policy = NULL;
    struct error err = ERROR_INIT;
    assert_non_null(json);
    if (image_policy_compile(json, &policy, NULL, &err) < 0)
        fail_msg("%s: %s", text, err.message);
    json_decref(json);
    return policy;
}

static void split(const char *words, struct string_vec *tags)
{
    char *list CLEANUP_FREE = memory_strdup(words);
    char *rest = NULL;
    for (char *word = strtok_r(list, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        vector_push(tags, memory_strdup(word));
}

static int choose(const char *policy_text, const char *tag, const char *tags_text, char **ret_tag,
                  struct error *err)
{
    struct image_policy *policy CLEANUP(image_policy_freep) = policy_of(policy_text);
    struct string_vec tags CLEANUP(string_vec_deinit) = {0};
    const char *chosen = NULL;
    split(tags_text, &tags);
    int rc = image_policy_choose(policy, tag, &tags, &chosen, err);
    *ret_tag = rc == 0 ? memory_strdup(chosen) : NULL;
    return rc;
}

static void test_choices(void **state)
{
    (void)state;
    static const struct {
        const char *policy;
        const char *tag;
        const char *tags;
        const char *chosen;
    } cases[] = {
        {"{'semver': '1.x'}", "1.27.0", "1.27.0 1.27.1 1.28.0 2.0.0", "1.28.0"},
        {"{'semver': '1.x'}", "1.27.0", "1.9.0 1.27.0", "1.27.0"},
        /* the form of the tag stays */
        {"{'semver': '1.x'}", "1.27.0", "1 1.28 1.28.0", "1.28.0"},
        {"{'semver': '1.x'}", "1.27", "1 1.28 1.28.1", "1.28"},
        {"{'semver': '>=1'}", "1", "1 1.28 2 2.1", "2"},
        {"{'semver': '>=1'}", "1.2.3", "20240115 1.2.3 1.2.4", "1.2.4"},
        {"{'semver': '1.x'}", "v1.2.3", "1.2.4 v1.2.4", "v1.2.4"},
        {"{'semver': '1.x'}", "1.2.3", "1.2.4 v1.2.4", "1.2.4"},
        {"{'semver': '1.x'}", "v1.2.3", "1.2.4", "1.2.4"},
        {"{'semver': '1.x'}", "1.2.3", "v1.2.3 01.2.3", "1.2.3"},
        {"{'semver': '1.x'}", "latest", "1 1.28 1.28.0 latest", "1.28.0"},
        {"{'semver': '1.x'}", "1.2.3", "1.2.4-rc.1 1.2.4-alpine", "1.2.3"},
        {"{'semver': '>=1.0.0-0'}", "1.2.3-rc.1", "1.2.3-rc.2 1.2.2", "1.2.3-rc.2"},
        {"{'semver': '>=1.0.0-0'}", "1.2.3-rc.1", "1.2.3-rc.2 1.2.3", "1.2.3"},
        /* what is missing never leads back; what the range does not allow is left */
        {"{'semver': '1.x'}", "1.28.0", "1.26.0 1.27.0", "1.28.0"},
        {"{'semver': '1.x'}", "2.0.0", "1.26.0 1.27.0", "1.27.0"},
        {"{'semver': '2.x'}", "1.0.0", "1.26.0 2.1.0", "2.1.0"},
        /* patterns */
        {"{'pattern': '^main-[0-9a-f]+-([0-9]+)$'}", "main-ab-9", "main-ff-10 main-00-11 dev-ff-99",
         "main-00-11"},
        {"{'pattern': '^main-[0-9a-f]+-([0-9]+)$'}", "main-ab-0009", "main-ff-8 main-ff-09", "main-ff-09"},
        {"{'pattern': '^([0-9.]+)-alpine$'}", "1.27-alpine", "1.28 1.28-alpine 1.9-alpine 1.29-bookworm",
         "1.28-alpine"},
        {"{'pattern': '^20'}", "20240101", "20240101 20240201 20231201", "20240201"},
        {"{'pattern': '^r([0-9]+)'}", "r1", "r99999999999999999999998 r99999999999999999999999",
         "r99999999999999999999999"},
        {"{'pattern': '^(a)|b'}", "b1", "b2 a1", "b2"},
        {"{'pattern': '^v(.*)$'}", "v1", "vb va v2", "vb"},
        {"{'pattern': '^v([0-9]+)-'}", "v1-x", "v2-b v2-a", "v2-b"},
        {"{'pattern': 'v[0-9]+'}", "v3", "v1 v2", "v3"},
        {"{'pattern': '^v[0-9]+$'}", "latest", "v1 v2 latest", "v2"},
        {"{'digest': true}", "1.27", "1.28", "1.27"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *policy CLEANUP_FREE = memory_strdup(cases[i].policy);
        for (char *c = policy; *c; c++)
            *c = *c == '\'' ? '"' : *c;
        char *chosen CLEANUP_FREE = NULL;
        struct error err = ERROR_INIT;
        if (choose(policy, cases[i].tag, cases[i].tags, &chosen, &err) < 0)
            fail_msg("%zu: %s", i, err.message);
        if (strcmp(chosen, cases[i].chosen) != 0)
            fail_msg("%s of %s: %s, not %s", cases[i].policy, cases[i].tags, chosen, cases[i].chosen);
    }
}

static void test_no_choice(void **state)
{
    (void)state;
    static const struct {
        const char *policy;
        const char *tag;
        const char *tags;
        int code;
        const char *words;
    } cases[] = {
        {"{\"semver\": \"3.x\"}", "1.0.0", "1.0.0 2.0.0", ERROR_NOT_FOUND,
         "none of its 2 tags is one that semver \"3.x\" allows"},
        {"{\"semver\": \"3.x\"}", "1.0.0", "", ERROR_NOT_FOUND, "none of its 0 tags"},
        {"{\"pattern\": \"^v\"}", "latest", "x", ERROR_NOT_FOUND,
         "none of its 1 tag is one that pattern \"^v\" allows"},
        {"{\"semver\": \"1.x\"}", "1.27-alpine", "1.28", ERROR_INVALID, "-alpine$"},
        {"{\"pattern\": \"^(a+)+$\"}", "x", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", ERROR_LIMIT,
         "LIMIT_IMAGE_PATTERN_STEPS"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *chosen CLEANUP_FREE = NULL;
        struct error err = ERROR_INIT;
        assert_int_equal(choose(cases[i].policy, cases[i].tag, cases[i].tags, &chosen, &err), cases[i].code);
        if (!strstr(err.message, cases[i].words))
            fail_msg("%s: %s", cases[i].policy, err.message);
    }
}

static void test_what_matters(void **state)
{
    (void)state;
    struct image_policy *digest CLEANUP(image_policy_freep) = policy_of("{\"digest\": true}");
    struct image_policy *semver CLEANUP(image_policy_freep) = policy_of("{\"semver\": \"1\"}");
    assert_false(image_policy_wants_tags(digest));
    assert_true(image_policy_wants_digest(digest, NULL));
    assert_true(image_policy_wants_tags(semver));
    assert_false(image_policy_wants_digest(semver, NULL));
    assert_true(image_policy_wants_digest(semver, "sha256:1"));
}

static void test_what_is_no_policy(void **state)
{
    (void)state;
    static const struct {
        const char *policy;
        const char *member;
        const char *words;
    } cases[] = {{"{\"semver\": \"soon\"}", "semver", "a version such as"},
                 {"{\"pattern\": \"^(v\"}", "pattern", "at character 4"},
                 {"{\"pattern\": \"\\\\C\"}", "pattern", "\\C"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *json = json_loads(cases[i].policy, 0, NULL);
        struct image_policy *policy = NULL;
        const char *member = NULL;
        struct error err = ERROR_INIT;
        assert_int_equal(image_policy_compile(json, &policy, &member, &err), ERROR_INVALID);
        assert_string_equal(member, cases[i].member);
        if (!strstr(err.message, cases[i].words))
            fail_msg("%s", err.message);
        json_decref(json);
    }
}

static void test_parts_of_a_reference(void **state)
{
    (void)state;
    static const struct {
        const char *reference;
        const char *repository;
        const char *tag;
    } cases[] = {{"nginx", "nginx", NULL},
                 {"nginx:1", "nginx", "1"},
                 {"r:5000/a", "r:5000/a", NULL},
                 {"r:5000/a:1@sha256:0", "r:5000/a", "1"},
                 {"nginx@sha256:0", "nginx", NULL}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *repository CLEANUP_FREE = image_repository(cases[i].reference);
        char *tag CLEANUP_FREE = image_tag(cases[i].reference);
        assert_string_equal(repository, cases[i].repository);
        assert_int_equal(tag == NULL, cases[i].tag == NULL);
        if (tag)
            assert_string_equal(tag, cases[i].tag);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choices), cmocka_unit_test(test_no_choice), cmocka_unit_test(test_what_matters),
        cmocka_unit_test(test_what_is_no_policy), cmocka_unit_test(test_parts_of_a_reference)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
