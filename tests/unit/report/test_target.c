/* Receivers as the configuration has them. */
#include "base/memory.h"
#include "base/text.h"
#include "report/target.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#define GITEA   .kind = REPORT_GITEA, .repository = (char *)"o/r", .token_file = (char *)"/t"
#define TEXT(s) ((char *)(s))

static void test_names_tell_no_secret(void **state)
{
    (void)state;
    static const struct {
        struct report_target target;
        const char *name;
    } cases[] = {
        {{GITEA, .url = TEXT("https://git.example.org/api/v1")}, "gitea o/r"},
        {{.kind = REPORT_SLACK, .url = TEXT("https://hooks.slack.com/services/T0/B0/XXXX")},
         "slack https://hooks.slack.com"},
        {{.kind = REPORT_WEBHOOK, .url = TEXT("http://10.0.0.1:80?token=XXXX")},
         "webhook http://10.0.0.1:80"},
        {{.kind = REPORT_SLACK, .url_file = TEXT("/etc/davit/slack-url")}, "slack /etc/davit/slack-url"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *name CLEANUP_FREE = report_target_name(&cases[i].target);
        char *key CLEANUP_FREE = report_target_key(&cases[i].target);
        assert_string_equal(name, cases[i].name);
        assert_null(strstr(key, "XXXX"));
    }
}

static void test_keys_tell_receivers_apart(void **state)
{
    (void)state;
    static const struct report_target targets[] = {
        {GITEA, .url = TEXT("https://a")},
        {GITEA, .url = TEXT("https://b")},
        {GITEA, .url = TEXT("https://a"), .per_service = true},
        {GITEA, .url = TEXT("https://a"), .source = TEXT("shop")},
        {.kind = REPORT_WEBHOOK, .url = TEXT("https://a"), .events = REPORT_COMMITS},
        {.kind = REPORT_WEBHOOK, .url = TEXT("https://a"), .events = REPORT_SERVICES},
        {.kind = REPORT_WEBHOOK, .url_file = TEXT("https://a"), .events = REPORT_SERVICES},
    };
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        struct report_target copy;
        report_target_copy(&targets[i], &copy);
        for (size_t k = 0; k < ARRAY_LEN(targets); k++) {
            char *one CLEANUP_FREE = report_target_key(&copy);
            char *two CLEANUP_FREE = report_target_key(&targets[k]);
            assert_int_equal(text_equal(one, two), i == k);
        }
        report_target_deinit(&copy);
    }
}

static void test_what_the_schema_cannot_say(void **state)
{
    (void)state;
    static const struct {
        struct report_target target;
        const char *word; /* NULL: it is fine */
    } cases[] = {
        {{GITEA, .url = TEXT("https://git.example.org")}, NULL},
        {{GITEA, .url = TEXT("http://localhost:3000/api/v1")}, NULL},
        {{GITEA, .url = TEXT("http://git.example.org")}, "gitea o/r: a token is not sent over http://"},
        {{.kind = REPORT_WEBHOOK, .url = TEXT("http://a")}, NULL},
        {{.kind = REPORT_WEBHOOK}, "either url or urlFile"},
        {{.kind = REPORT_SLACK, .url = TEXT("http://a"), .url_file = TEXT("/u")}, "either url or urlFile"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct error err = ERROR_INIT;
        assert_int_equal(report_target_check(&cases[i].target, &err), cases[i].word ? ERROR_INVALID : 0);
        if (cases[i].word)
            assert_non_null(strstr(err.message, cases[i].word));
    }
    enum report_kind kind;
    assert_int_equal(report_kind_parse("gitlab", &kind), 0);
    assert_int_equal(kind, REPORT_GITLAB);
    assert_int_equal(report_kind_parse("pager", &kind), ERROR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_tell_no_secret),
        cmocka_unit_test(test_keys_tell_receivers_apart),
        cmocka_unit_test(test_what_the_schema_cannot_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
