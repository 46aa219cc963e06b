/* The cluster query language: what an expression means, and what is none. */
#include "unit.h"

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/vector.h"
#include "model/query.h"

#include <string.h>

static const struct {
    const char *subject;
    const char *value;
} instance_values[] = {
    {"attribute:ecs.instance-type", "t2.small"},
    {"attribute:ecs.availability-zone", "local-1a"},
    {"attribute:disks", "4"},
    {"attribute:gpu", ""},
    {"attribute:site", "north hall"},
    {"agentConnected", "true"},
    {"agentVersion", "1.10.2"},
    {"ec2InstanceId", "i-1"},
    {"registeredAt", "2026-06-18T22:28:28Z"},
    {"runningTasksCount", "7"},
    {"task:group", "service:web"},
    {"task:group", "service:database"},
};

static bool values(const void *data, const char *subject, bool (*take)(const void *, const char *),
                   const void *taker)
{
    assert_string_equal(data, "the instance");
    for (size_t i = 0; i < ARRAY_LEN(instance_values); i++)
        if (text_equal(instance_values[i].subject, subject) && take(taker, instance_values[i].value))
            return true;
    return false;
}

static const struct query_instance instance = {values, "the instance"};

static void assert_judges(const char *text, bool expected)
{
    struct query *query = NULL;
    struct error err = ERROR_INIT;
    size_t offset;
    if (query_compile(text, &query, &offset, &err) < 0)
        fail_msg("%s: %zu: %s", text, offset, err.message);
    if (query_matches(query, &instance) != expected)
        fail_msg("%s is %s", text, expected ? "false" : "true");
    query_free(query);
}

static void test_true(void **state)
{
    (void)state;
    static const char *const expressions[] = {
        "attribute:ecs.instance-type == t2.small",
        "attribute:ecs.instance-type equals t2.small",
        "attribute:ecs.instance-type==t2.small",
        "attribute:ecs.instance-type =~ t2.*",
        "attribute:ecs.instance-type matches 't2\\.(small|large)'",
        "attribute:ecs.instance-type !~ t2",
        "attribute:ecs.instance-type != t2.large",
        "attribute:ecs.instance-type in [t2.large, t2.small]",
        "attribute:ecs.instance-type in [ 't2.small' ]",
        "attribute:ecs.availability-zone not_in [local-1b,local-1c]",
        "attribute:site == 'north hall'",
        "attribute:gpu exists",
        "attribute:arm !exists",
        "attribute:arm not_exists",
        "attribute:arm != v8",
        "attribute:arm !in [v8]",
        "attribute:arm !~ v.*",
        "attribute:disks > 3.5",
        "attribute:disks >= 4 and attribute:disks <= 4",
        "attribute:disks less_than 10",
        "agentConnected == true",
        "ec2InstanceId in ['i-2', 'i-1']",
        "agentVersion > 1.9",
        "agentVersion < 1.10.10",
        "agentVersion >= 1.10.2 && agentVersion == 1.10.2",
        "registeredAt > 2026-06-18",
        "registeredAt < 2026-06-18T22:28:29",
        "registeredAt >= 2026-06-19T00:28:28+02:00",
        "runningTasksCount <= 7",
        "task:group == service:web",
        "task:group == service:database",
        "task:group != service:cache",
        "not(task:group == service:cache)",
        "!(task:group == service:cache)",
        "task:group =~ service:.*",
        "attribute:arm exists or attribute:gpu exists",
        "attribute:arm exists || attribute:gpu exists && agentConnected == true",
        "(attribute:gpu exists or attribute:arm exists) and (agentConnected == true)",
        "not (attribute:arm exists and attribute:gpu exists)",
        " agentConnected\t==\ntrue ",
    };
    for (size_t i = 0; i < ARRAY_LEN(expressions); i++)
        assert_judges(expressions[i], true);
}

static void test_false(void **state)
{
    (void)state;
    static const char *const expressions[] = {
        "attribute:ecs.instance-type == T2.small",
        "attribute:ecs.instance-type =~ 2.small",
        "attribute:ecs.instance-type =~ t2",
        "attribute:arm == v8",
        "attribute:arm in [v8]",
        "attribute:arm =~ .*",
        "attribute:arm < 1",
        "attribute:arm >= 1",
        "attribute:site > 1",
        "attribute:gpu > 1",
        "agentVersion > 1.10.2",
        "agentVersion < 1.10.2.0",
        "task:group != service:web",
        "not(task:group == service:web)",
        "attribute:gpu exists and attribute:arm exists",
        "(attribute:gpu exists or attribute:arm exists) and agentConnected == false",
        "attribute:site =~ '(n|o|r|t|h| |a|l)*(n|o|r|t|h| |a|l)*(n|o|r|t|h| |a|l)*(n|o|r|t|h| |a|l)*!'",
    };
    for (size_t i = 0; i < ARRAY_LEN(expressions); i++)
        assert_judges(expressions[i], false);
}

static const struct {
    const char *text;
    size_t offset;
    const char *message;
} refused[] = {
    {"", 0, "something is missing here"},
    {"attribute: == a", 0, "nothing is called \"attribute:\""},
    {"attributes:a == a", 0, "nothing is called \"attributes:a\""},
    {"attribute:a", 11, "an operator is missing after \"attribute:a\""},
    {"attribute:a = a", 12, "an operator is missing"},
    {"attribute:a == ", 15, "a value is missing"},
    {"attribute:a == 'b", 15, "the quote is not closed"},
    {"attribute:a in b", 15, "a list is missing"},
    {"attribute:a in [b", 17, "the list is not closed"},
    {"attribute:a in [b,]", 18, "a value is missing"},
    {"attribute:a == b c", 17, "\"and\" or \"or\" is missing"},
    {"attribute:a exists b", 19, "\"and\" or \"or\" is missing"},
    {"attribute:a == b and", 20, "something is missing here"},
    {"attribute:a == b)", 16, "\"and\" or \"or\" is missing"},
    {"(attribute:a == b", 17, "\")\" is missing"},
    {"not attribute:a == b", 4, "\"(\" is missing after \"not\""},
    {"attribute:a > b", 14, "\"b\" is no number"},
    {"attribute:a > nan", 14, "\"nan\" is no number"},
    {"agentVersion > 1.", 15, "\"1.\" is no version"},
    {"registeredAt > yesterday", 15, "\"yesterday\" is no time"},
    {"agentConnected > 1", 15, "\"agentConnected\" is never asked for with \">\""},
    {"agentConnected exists", 15, "never asked for with \"exists\""},
    {"runningTasksCount =~ 1", 18, "never asked for with \"=~\""},
    {"attribute:a =~ a[", 15, "pattern a[: missing terminating ]"},
};

static void assert_refuses(const char *text, int code, size_t offset, const char *message)
{
    struct query *query = NULL;
    struct error err = ERROR_INIT;
    size_t found = 0;
    assert_int_equal(query_compile(text, &query, &found, &err), code);
    assert_null(query);
    if (found != offset || !strstr(err.message, message))
        fail_msg("%s: %zu: %s", text, found, err.message);
}

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        assert_refuses(refused[i].text, ERROR_INVALID, refused[i].offset, refused[i].message);
}

static void test_bounds(void **state)
{
    (void)state;
    char text[LIMIT_QUERY_CHARS + 2];
    memset(text, '(', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_refuses(text, ERROR_LIMIT, 0, "2000 characters");
    text[LIMIT_QUERY_DEPTH + 1] = '\0';
    assert_refuses(text, ERROR_LIMIT, LIMIT_QUERY_DEPTH + 1, "LIMIT_QUERY_DEPTH");
    query_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_true), cmocka_unit_test(test_false),
                                       cmocka_unit_test(test_refused), cmocka_unit_test(test_bounds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
