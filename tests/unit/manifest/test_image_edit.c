#include "base/text.h"
#include "manifest/image_edit.h"
#include "manifest_fixture.h"

#define HEAD                                                                                                 \
    "kind: TaskDefinition\nfamily: web\ncontainerDefinitions:\n  - name: app\n    memory: 16\n    davit: "   \
    "{imagePolicy: {semver: 1.x}}\n"

static void find(struct fixture *fixture, struct image_edit_vec *edits)
{
    if (fixture_build(fixture) < 0) {
        char *text CLEANUP_FREE = diagnostic_to_text(&fixture->diagnostics.list.items[0]);
        fail_msg("%s", text);
    }
    image_edit_find(fixture->manifest, edits);
}

/* The file with every image that has a policy replaced by app:2. */
static int replace(const char *file, const char *content, char **ret_text, struct error *err)
{
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
    struct image_edit_vec edits CLEANUP(image_edit_vec_deinit) = {0};
    fixture_put(fixture, file, content);
    find(fixture, &edits);
    assert_true(edits.len > 0);
    for (size_t i = 0; i < edits.len; i++)
        edits.items[i].replacement = memory_strdup("app:2");
    return image_edit_apply(fixture->manifest, file, &edits, ret_text, err);
}

/* Each has app:1 once, and gets app:2 there and nothing else. */
static void test_only_the_image_changes(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        const char *content;
    } cases[] = {
        {"a.yaml", HEAD "    image: app:1\n"},
        {"a.yaml", HEAD "    image: app:1"},
        {"a.yaml", HEAD "    image:   app:1   # why: this one\n    cpu: 1\n"},
        {"a.yaml", HEAD "    image: 'app:1' # x\n"},
        {"a.yaml", HEAD "    image: \"app:1\"\n"},
        {"a.yaml", HEAD "    image: &i app:1\n"},
        {"a.yaml", HEAD "    image: !!str &i 'app:1'\n"},
        {"a.yaml", HEAD "    image:\n      app:1\n"},
        {"a.yaml", HEAD "    'image': app:1\r\n    cpu: 1\r\n"},
        {"a.yaml",
         "# \xC3\xBC\n" HEAD "    dockerLabels: {\"\xC3\xBC\": \"\xE2\x82\xAC\"}\n    image: app:1\n"},
        {"a.yaml", "kind: TaskDefinition\nfamily: web\ncontainerDefinitions: [{name: a, dockerLabels: {x: "
                   "'\xC3\xBC'}, memory: 16, "
                   "image: app:1, davit: {imagePolicy: {digest: true}}}]\n"
                   "# app: not this one\n"},
        {"a.yaml",
         "---\n# nothing\n---\nkind: Cluster\nclusterName: c\n...\n---\n" HEAD "    image: app:1\n"},
        {"a.json", "{\"kind\":\"TaskDefinition\",\n\t\"family\":\"web\",\"containerDefinitions\":[{\"name\":"
                   "\"a\",\"dockerLabels\":{\"\xC3\xBC\":\"\xC3\xBC\"},\"image\" : "
                   "\"app:1\" ,\"memory\":16,\"davit\":{\"imagePolicy\":{\"pattern\":\"^a\"}}}]}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text CLEANUP_FREE = NULL;
        char *expected CLEANUP_FREE = memory_strdup(cases[i].content);
        struct error err = ERROR_INIT;
        *(strstr(expected, "app:1") + strlen("app:")) = '2';
        if (replace(cases[i].file, cases[i].content, &text, &err) < 0)
            fail_msg("%s: %s", cases[i].content, err.message);
        assert_string_equal(text, expected);
    }
}

static void test_many_in_one_file(void **state)
{
    (void)state;
    static const char content[] =
        "kind: TaskDefinition\nfamily: web\ncontainerDefinitions:\n"
        "  - &c {name: a, memory: 16, image: 'app:1', davit: {imagePolicy: {digest: true}}}\n"
        "  - {name: b, memory: 16, image: \"app:1\"} # app:1 as it is\n"
        "---\nkind: TaskDefinition\nfamily: api\ncontainerDefinitions:\n"
        "  - {name: c, memory: 16, davit: {imagePolicy: {digest: true}}, image: app:1}\n";
    static const char expected[] =
        "kind: TaskDefinition\nfamily: web\ncontainerDefinitions:\n"
        "  - &c {name: a, memory: 16, image: 'app:2', davit: {imagePolicy: {digest: true}}}\n"
        "  - {name: b, memory: 16, image: \"app:1\"} # app:1 as it is\n"
        "---\nkind: TaskDefinition\nfamily: api\ncontainerDefinitions:\n"
        "  - {name: c, memory: 16, davit: {imagePolicy: {digest: true}}, image: app:2}\n";
    char *text CLEANUP_FREE = NULL;
    struct error err = ERROR_INIT;
    if (replace("a.yaml", content, &text, &err) < 0)
        fail_msg("%s", err.message);
    assert_string_equal(text, expected);
}

/* An alias is right when all that it stands for has the policy. */
static void test_aliases(void **state)
{
    (void)state;
    static const char whole[] =
        "kind: TaskDefinition\nfamily: web\nvolumes: &v []\ncontainerDefinitions: &c\n"
        "  - {name: a, memory: 16, image: app:1, davit: {imagePolicy: {digest: true}}}\n";
    static const char both[] =
        "kind: TaskDefinition\nfamily: web\ncontainerDefinitions:\n"
        "  - {name: a, memory: 16, image: &i app:1, davit: {imagePolicy: {digest: true}}}\n"
        "  - {name: b, memory: 16, image: *i, davit: {imagePolicy: {digest: true}}}\n";
    static const char one[] =
        "kind: TaskDefinition\nfamily: web\ncontainerDefinitions:\n"
        "  - {name: a, memory: 16, image: &i app:1, davit: {imagePolicy: {digest: true}}}\n"
        "  - {name: b, memory: 16, image: *i}\n";
    static const char other[] =
        "kind: TaskDefinition\nfamily: web\ncontainerDefinitions:\n"
        "  - {name: a, memory: 16, image: &i app:1}\n"
        "  - {name: b, memory: 16, image: *i, davit: {imagePolicy: {digest: true}}}\n";
    char *text CLEANUP_FREE = NULL;
    char *second CLEANUP_FREE = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(replace("a.yaml", whole, &text, &err), 0);
    assert_non_null(strstr(text, "image: app:2, davit"));
    assert_int_equal(replace("a.yaml", both, &second, &err), 0);
    assert_non_null(strstr(second, "image: &i app:2, davit"));
    assert_int_equal(replace("a.yaml", one, NULL, &err), ERROR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "a.yaml:4:34: another image there"));
    assert_int_equal(replace("a.yaml", other, NULL, &err), ERROR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "a.yaml:5:34: another image there"));
}

static void test_what_is_not_in_one_piece(void **state)
{
    (void)state;
    static const char *const images[] = {"\"a\\x70p:1\"", "\"app\\\n      :1\"", ">-\n      app:1",
                                         "|-\n      app:1"};
    for (size_t i = 0; i < ARRAY_LEN(images); i++) {
        char *content CLEANUP_FREE = memory_printf(HEAD "    image: %s\n", images[i]);
        struct error err = ERROR_INIT;
        assert_int_equal(replace("a.yaml", content, NULL, &err), ERROR_UNSUPPORTED);
        if (!strstr(err.message, "a.yaml:7:12: the image is written with escapes"))
            fail_msg("%s: %s", content, err.message);
    }
}

static void test_what_is_found(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
    struct image_edit_vec edits CLEANUP(image_edit_vec_deinit) = {0};
    fixture_put(fixture, "web.yaml",
                HEAD
                "    image: app:1\n    repositoryCredentials: {credentialsParameter: reg}\n  - {name: b, "
                "memory: 4, image: b}\n");
    fixture_put(fixture, "d.json",
                "{\"taskDefinition\": {\"family\": \"d\", \"containerDefinitions\": [{\"name\": \"x\", "
                "\"memory\": 4, "
                "\"image\": \"i\", \"davit\": {\"imagePolicy\": {\"digest\": true}}}]}}");
    fixture_put(fixture, "davit.yaml",
                "variables: {TAG: \"1\"}\npatches:\n  - kind: TaskDefinition\n    name: web\n    merge: "
                "{containerDefinitions: [{name: p, memory: 16, image: 'p:1', davit: {imagePolicy: {semver: "
                "1.x}}}]}\n");
    find(fixture, &edits);
    assert_int_equal(edits.len, 3);
    assert_string_equal(edits.items[0].file, "d.json");
    assert_string_equal(edits.items[0].family, "d");
    assert_string_equal(edits.items[0].pointer, "/taskDefinition/containerDefinitions/0");
    assert_string_equal(edits.items[1].file, "davit.yaml");
    assert_string_equal(edits.items[1].family, "web");
    assert_string_equal(edits.items[1].container, "p");
    assert_string_equal(edits.items[2].file, "web.yaml");
    assert_string_equal(edits.items[2].image, "app:1");
    assert_string_equal(edits.items[2].credentials, "reg");
    assert_int_equal(edits.items[2].at.line, 7);
}

/* What nobody deploys by is no content: a policy that comes or changes replaces no task. */
static void test_a_policy_is_no_content(void **state)
{
    (void)state;
    static const char *const with[] = {HEAD "    image: app:1\n",
                                       "kind: TaskDefinition\nfamily: web\ncontainerDefinitions:\n  - {name: "
                                       "app, memory: 16, image: 'app:1'}\n"};
    struct digest digests[2];
    for (size_t i = 0; i < 2; i++) {
        struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
        fixture_put(fixture, "web.yaml", with[i]);
        assert_int_equal(fixture_build(fixture), 0);
        digests[i] = fixture->desired->task_definitions.items[0]->digest;
    }
    assert_true(digest_equal(&digests[0], &digests[1]));
}

static void test_what_is_no_policy(void **state)
{
    (void)state;
    static const struct {
        const char *policy;
        const char *text;
    } cases[] = {
        {"{semver: soon}", "web.yaml:2:29: error: no image policy: \"soon\": a version such as"},
        {"{pattern: '('}", "web.yaml:2:30: error: no image policy: \"(\": missing closing parenthesis"},
        {"{}", "web.yaml:2:20: error: "},
        {"{semver: '1', digest: true}", "web.yaml:2:20: error: "},
        {"{digest: false}", "web.yaml:2:29: error: "},
        {"{semvre: '1'}", "web.yaml:2:21: error: unknown member \"semvre\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture *fixture CLEANUP(fixture_freep) = fixture_new();
        char *content CLEANUP_FREE =
            memory_printf("{kind: TaskDefinition, family: web, containerDefinitions: [{name: a, memory: 4, "
                          "image: a, davit: {\n"
                          "      imagePolicy: %s}}]}",
                          cases[i].policy);
        fixture_put(fixture, "web.yaml", content);
        assert_true(fixture_build(fixture) < 0);
        char *text CLEANUP_FREE = diagnostic_to_text(&fixture->diagnostics.list.items[0]);
        if (!text_starts_with(text, cases[i].text))
            fail_msg("%s: %s", cases[i].policy, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_only_the_image_changes),
                                       cmocka_unit_test(test_many_in_one_file),
                                       cmocka_unit_test(test_aliases),
                                       cmocka_unit_test(test_what_is_not_in_one_piece),
                                       cmocka_unit_test(test_what_is_found),
                                       cmocka_unit_test(test_a_policy_is_no_content),
                                       cmocka_unit_test(test_what_is_no_policy)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
