/* What each receiver is sent, as its documentation has it. */
#include "base/digest.h"
#include "base/text.h"
#include "model/json.h"
#include "report/request.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#define SHA "21d64bd2934c5e7f0a1b2c3d4e5f60718293a4b5"

static struct report_message status = {.is_status = true,
                                       .context = (char *)"davit/demo",
                                       .subject = (char *)SHA,
                                       .state = (char *)REPORT_FAILURE,
                                       .text = (char *)"web: tasks failed to start"};

static bool has_header(const struct report_request *request, const char *line)
{
    for (size_t i = 0; request->headers.items[i]; i++)
        if (text_equal(request->headers.items[i], line))
            return true;
    return false;
}

static void test_forges(void **state)
{
    (void)state;
    static const struct {
        enum report_kind kind;
        const char *url;
        const char *repository;
        const char *token;
        const char *base;
        const char *path;
        const char *header;
        const char *body;
    } cases[] = {
        {REPORT_GITHUB, NULL, "o/r", "t1", "https://api.github.com", "/repos/o/r/statuses/" SHA,
         "Authorization: Bearer t1",
         "{\"state\":\"failure\",\"context\":\"davit/demo\",\"description\":\"web: tasks failed to start\"}"},
        {REPORT_GITHUB, "https://ghe.example.org/api/v3/", "o/r", "t1", "https://ghe.example.org/api/v3",
         "/repos/o/r/statuses/" SHA, "X-GitHub-Api-Version: 2022-11-28", NULL},
        {REPORT_GITLAB, NULL, "group/sub/project", "t1", "https://gitlab.com/api/v4",
         "/projects/group%2Fsub%2Fproject/statuses/" SHA, "PRIVATE-TOKEN: t1",
         "{\"state\":\"failed\",\"name\":\"davit/demo\",\"description\":\"web: tasks failed to start\"}"},
        {REPORT_GITLAB, NULL, "42", "t1", "https://gitlab.com/api/v4", "/projects/42/statuses/" SHA,
         "PRIVATE-TOKEN: t1", NULL},
        {REPORT_GITEA, "https://git.example.org/api/v1", "o/r b", "t1", "https://git.example.org/api/v1",
         "/repos/o/r%20b/statuses/" SHA, "Authorization: token t1",
         "{\"state\":\"failure\",\"context\":\"davit/demo\",\"description\":\"web: tasks failed to start\"}"},
        {REPORT_BITBUCKET, NULL, "ws/r", "t1", "https://api.bitbucket.org/2.0",
         "/repositories/ws/r/commit/" SHA "/statuses/build", "Authorization: Bearer t1",
         "{\"state\":\"FAILED\",\"key\":\"davit/demo\",\"description\":\"web: tasks failed to "
         "start\",\"name\":"
         "\"davit/demo\",\"url\":\"https://bitbucket.org/ws/r/commits/" SHA "\"}"},
        {REPORT_BITBUCKET, NULL, "ws/r", "ali:open sesame", "https://api.bitbucket.org/2.0",
         "/repositories/ws/r/commit/" SHA "/statuses/build", "Authorization: Basic YWxpOm9wZW4gc2VzYW1l",
         NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct report_request request CLEANUP(report_request_deinit);
        const struct report_target target = {.kind = cases[i].kind,
                                             .url = (char *)cases[i].url,
                                             .repository = (char *)cases[i].repository,
                                             .token_file = (char *)"/token"};
        const struct report_secrets secrets = {.token = cases[i].token};
        assert_int_equal(report_request_make(&target, &status, &secrets, 0, &request), 0);
        assert_string_equal(request.base, cases[i].base);
        assert_string_equal(request.path, cases[i].path);
        assert_true(has_header(&request, cases[i].header));
        if (cases[i].body)
            assert_string_equal(request.body, cases[i].body);
    }
}

static void test_states(void **state)
{
    (void)state;
    static const struct {
        const char *state;
        const char *words[4]; /* in order of the kinds */
    } cases[] = {
        {REPORT_PENDING, {"pending", "pending", "pending", "INPROGRESS"}},
        {REPORT_SUCCESS, {"success", "success", "success", "SUCCESSFUL"}},
        {REPORT_FAILURE, {"failure", "failed", "failure", "FAILED"}},
        {REPORT_SUPERSEDED, {"error", "canceled", "warning", "STOPPED"}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (int kind = REPORT_GITHUB; kind <= REPORT_BITBUCKET; kind++) {
            struct report_request request CLEANUP(report_request_deinit);
            struct report_message message = status;
            message.state = (char *)cases[i].state;
            const struct report_target target = {.kind = (enum report_kind)kind,
                                                 .url = (char *)"https://forge.example.org",
                                                 .repository = (char *)"o/r",
                                                 .link = (char *)"https://board.example.org"};
            assert_int_equal(report_request_make(&target, &message, &(struct report_secrets){0}, 0, &request),
                             0);
            json_t *body CLEANUP(json_decrefp) = json_loads(request.body, 0, NULL);
            assert_string_equal(model_string(body, "state"), cases[i].words[kind]);
            assert_string_equal(model_string(body, kind == REPORT_BITBUCKET ? "url" : "target_url"),
                                "https://board.example.org");
        }
    }
}

/* A refusal has its reason in front: a subject and an author may be long. */
static void test_each_forge_gets_the_beginning_of_a_refusal(void **state)
{
    (void)state;
    struct report_message message = status;
    char *text CLEANUP_FREE = memory_printf("refused: it is not signed; %0300d", 0);
    message.text = text;
    for (int kind = REPORT_GITHUB; kind <= REPORT_BITBUCKET; kind++) {
        struct report_request request CLEANUP(report_request_deinit);
        const struct report_target target = {.kind = (enum report_kind)kind,
                                             .url = (char *)"https://forge.example.org",
                                             .repository = (char *)"o/r"};
        assert_int_equal(report_request_make(&target, &message, &(struct report_secrets){0}, 0, &request), 0);
        assert_non_null(strstr(request.path, SHA));
        json_t *body CLEANUP(json_decrefp) = json_loads(request.body, 0, NULL);
        const char *description = model_string(body, "description");
        assert_true(text_starts_with(description, "refused: it is not signed; 000"));
        assert_int_equal(strlen(description), REPORT_TEXT_CHARS + 2); /* the ellipsis has three bytes */
    }
}

static void test_webhook(void **state)
{
    (void)state;
    struct report_request request CLEANUP(report_request_deinit);
    json_t *event CLEANUP(json_decrefp) = json_pack("{s:s, s:s}", "id", "4711", "source", "davit");
    struct report_message message = status;
    message.event = event;
    const struct report_target target = {.kind = REPORT_WEBHOOK,
                                         .url = (char *)"http://hooks.example.org/a/?b=c"};
    const struct report_secrets secrets = {.signer = "It's a Secret"};
    assert_true(report_request_fits(&target, &message));
    assert_false(report_request_fits(&target, &status));
    assert_int_equal(report_request_make(&target, &message, &secrets, 1700000000999, &request), 0);
    assert_string_equal(request.base, "http://hooks.example.org");
    assert_string_equal(request.path, "/a/?b=c");
    assert_string_equal(request.body, "{\"id\":\"4711\",\"source\":\"davit\"}");
    assert_true(has_header(&request, "webhook-id: 4711"));
    assert_true(has_header(&request, "webhook-timestamp: 1700000000"));
    /* printf '4711.1700000000.{"id":...}' | openssl dgst -sha256 -hmac "It's a Secret" -binary | base64 */
    assert_true(has_header(&request, "webhook-signature: v1,pN/8R0rNTspZGxdY6EEPbP1qlVhwiXhkB2gC/c7uRkk="));
    /* printf '{"id":"4711","source":"davit"}' | openssl dgst -sha256 -hmac "It's a Secret" */
    assert_true(has_header(
        &request,
        "X-Davit-Signature-256: sha256=cda824c8704316be266a779d57bce229ce5b7bfbb099ddfb522aae98d5e866f8"));
}

static void test_slack(void **state)
{
    (void)state;
    struct report_request request CLEANUP(report_request_deinit);
    struct report_message message = status;
    message.text = (char *)"web: <b> & \"c\"";
    const struct report_target target = {.kind = REPORT_SLACK, .url_file = (char *)"/url"};
    const struct report_secrets secrets = {.url = "https://hooks.slack.com/services/T0/B0/XXXX"};
    assert_int_equal(report_request_make(&target, &message, &secrets, 0, &request), 0);
    assert_string_equal(request.base, "https://hooks.slack.com");
    assert_string_equal(request.path, "/services/T0/B0/XXXX");
    assert_string_equal(request.body, "{\"text\":\"davit/demo 21d64bd2934c: failure: web: &lt;b&gt; &amp; "
                                      "\\\"c\\\"\"}");
}

static void test_secrets_stay_private(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        struct report_secrets secrets;
        int r;
    } cases[] = {
        {"https://git.example.org", {.token = "t1"}, 0},
        {"http://127.0.0.1:3000", {.token = "t1"}, 0},
        {"http://git.example.org", {.token = "t1"}, ERROR_INVALID},
        {"https://git.example.org", {.token = "t1\x01"}, ERROR_INVALID},
        {"https://git.example.org", {.token = "t1\x7f"}, ERROR_INVALID},
        {NULL, {.url = "http://git.example.org/secret"}, ERROR_INVALID},
        {NULL, {.url = "gopher://git.example.org/secret"}, ERROR_INVALID},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct report_request request CLEANUP(report_request_deinit) = {0};
        const struct report_target target = {.kind = cases[i].url ? REPORT_GITEA : REPORT_SLACK,
                                             .url = (char *)cases[i].url,
                                             .repository = (char *)"o/r"};
        assert_int_equal(report_request_make(&target, &status, &cases[i].secrets, 0, &request), cases[i].r);
    }
}

static void test_lengths(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t chars;
        const char *expected;
    } cases[] = {{"abc", 3, "abc"},
                 {"abcd", 3, "ab\xe2\x80\xa6"},
                 {"", 3, ""},
                 {"\xc3\xa4\xc3\xb6\xc3\xbc", 3, "\xc3\xa4\xc3\xb6\xc3\xbc"},
                 {"\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f", 3, "\xc3\xa4\xc3\xb6\xe2\x80\xa6"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text CLEANUP_FREE = report_shorten(cases[i].text, cases[i].chars);
        assert_string_equal(text, cases[i].expected);
    }
    struct report_request request CLEANUP(report_request_deinit);
    struct report_message message = status;
    char context[300];
    memset(context, 'x', sizeof context - 1);
    context[sizeof context - 1] = '\0';
    message.context = context;
    message.text = context;
    const struct report_target target = {.kind = REPORT_BITBUCKET, .repository = (char *)"ws/r"};
    assert_int_equal(report_request_make(&target, &message, &(struct report_secrets){0}, 0, &request), 0);
    json_t *body CLEANUP(json_decrefp) = json_loads(request.body, 0, NULL);
    assert_int_equal(strlen(model_string(body, "key")), 40);
    assert_int_equal(strlen(model_string(body, "name")), 255);
    assert_int_equal(strlen(model_string(body, "description")), REPORT_TEXT_CHARS + 2);
    struct report_request odd CLEANUP(report_request_deinit);
    for (size_t i = 0; i + 2 < sizeof context; i += 2)
        memcpy(context + i, "\xc3\xa4", 2); /* is cut in the middle of one */
    assert_int_equal(report_request_make(&target, &message, &(struct report_secrets){0}, 0, &odd), 0);
    json_t *odd_body CLEANUP(json_decrefp) = json_loads(odd.body, 0, NULL);
    assert_true(text_starts_with(model_string(odd_body, "key"), "\xc3\xa4\xc3\xa4"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forges),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_webhook),
        cmocka_unit_test(test_slack),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_secrets_stay_private),
        cmocka_unit_test(test_each_forge_gets_the_beginning_of_a_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
