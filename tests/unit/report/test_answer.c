/* What an answer means, by kind of receiver. */
#include "base/limits.h"
#include "report/answer.h"
#include "unit.h"

#include <string.h>

#define NOW_MS  1700000000000LL
#define MINUTES 60000LL

/* headers: "Name\0value\0...\0" */
#define REPLY(number, text, list)                                                                            \
    (&(struct http_reply){.status = (number),                                                                \
                          .body = (text),                                                                    \
                          .body_len = strlen(text),                                                          \
                          .headers = (list),                                                                 \
                          .headers_len = sizeof(list) - 1})

static const struct report_target forge = {
    .kind = REPORT_GITHUB, .repository = (char *)"o/r", .token_file = (char *)"token"};
static const struct report_target webhook = {.kind = REPORT_WEBHOOK, .url = (char *)"https://example.org"};
static const struct report_target slack = {.kind = REPORT_SLACK, .url_file = (char *)"url"};

static struct report_answer answer_of(const struct report_target *target, const struct http_reply *reply)
{
    return report_answer_of(target, reply, NOW_MS);
}

/* A1 to A5, A7 */
static void test_each_status(void **state)
{
    (void)state;
    static const struct {
        int status;
        enum report_verdict forge;
        enum report_verdict other;
    } cases[] = {{200, REPORT_DELIVERED, REPORT_DELIVERED}, {201, REPORT_DELIVERED, REPORT_DELIVERED},
                 {301, REPORT_REFUSED, REPORT_REFUSED},     {400, REPORT_REFUSED, REPORT_REFUSED},
                 {401, REPORT_FAILED, REPORT_REFUSED},      {403, REPORT_FAILED, REPORT_REFUSED},
                 {404, REPORT_SET_ASIDE, REPORT_REFUSED},   {408, REPORT_FAILED, REPORT_FAILED},
                 {410, REPORT_REFUSED, REPORT_REFUSED},     {422, REPORT_SET_ASIDE, REPORT_REFUSED},
                 {429, REPORT_FAILED, REPORT_FAILED},       {500, REPORT_FAILED, REPORT_FAILED},
                 {503, REPORT_FAILED, REPORT_FAILED}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct http_reply *reply = REPLY(cases[i].status, "{}", "");
        assert_int_equal(answer_of(&forge, reply).verdict, cases[i].forge);
        assert_int_equal(answer_of(&webhook, reply).verdict, cases[i].other);
        assert_int_equal(answer_of(&slack, reply).verdict, cases[i].other);
    }
    assert_int_equal(answer_of(&webhook, REPLY(400, "", "Retry-After\0007\0")).verdict, REPORT_FAILED);
    assert_non_null(strstr(answer_of(&forge, REPLY(401, "", "")).remedy, "the token"));
    assert_non_null(strstr(answer_of(&forge, REPLY(422, "", "")).remedy, "the commit"));
}

#define CANNOT "{\"message\": \"Cannot transition status via "

/* A6 */
static void test_gitlab_is_in_that_state(void **state)
{
    (void)state;
    static const struct report_target gitlab = {
        .kind = REPORT_GITLAB, .repository = (char *)"g/p", .token_file = (char *)"token"};
    static const struct {
        const char *body;
        enum report_verdict verdict;
    } cases[] = {
        {CANNOT ":enqueue from :pending (Reason(s): Status cannot transition via \\\"enqueue\\\")\"}",
         REPORT_DELIVERED},
        {CANNOT ":success from :success\"}", REPORT_DELIVERED},
        {CANNOT ":drop from :failed\"}", REPORT_DELIVERED},
        {CANNOT ":cancel from :canceled\"}", REPORT_DELIVERED},
        {CANNOT ":enqueue from :running\"}", REPORT_REFUSED},
        {CANNOT ":run from :success\"}", REPORT_REFUSED},
        {"{\"message\": \"state does not have a valid value\"}", REPORT_REFUSED},
        {"", REPORT_REFUSED},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(answer_of(&gitlab, REPLY(400, cases[i].body, "")).verdict, cases[i].verdict);
    assert_int_equal(answer_of(&gitlab, REPLY(409, cases[0].body, "")).verdict, REPORT_REFUSED);
    assert_int_equal(answer_of(&forge, REPLY(400, cases[0].body, "")).verdict, REPORT_REFUSED);
}

static void test_no_answer(void **state)
{
    (void)state;
    struct http_reply reply = {.body = ""};
    error_set(&reply.error, ERROR_TIMEOUT, "no answer");
    assert_int_equal(answer_of(&forge, &reply).verdict, REPORT_FAILED);
    error_set(&reply.error, ERROR_INVALID, "cannot be sent");
    assert_int_equal(answer_of(&forge, &reply).verdict, REPORT_REFUSED);
    error_set(&reply.error, ERROR_LIMIT, "too large");
    assert_int_equal(answer_of(&forge, &reply).verdict, REPORT_FAILED);
    reply.status = 201; /* whatever else it has to say */
    assert_int_equal(answer_of(&forge, &reply).verdict, REPORT_DELIVERED);
}

#define SECONDARY "{\"message\": \"You have exceeded a secondary rate limit. Please wait a few minutes.\"}"
#define USED_UP   "X-RateLimit-Remaining\0000\0"

/* L1 to L3 */
static void test_rate_limits(void **state)
{
    (void)state;
    const struct {
        const struct http_reply *reply;
        int64_t pause_ms;
        int64_t backoff_ms;
    } cases[] = {
        {REPLY(403, SECONDARY, "Retry-After\00030\0"), 30000, 0},
        {REPLY(403, SECONDARY, "X-RateLimit-Remaining\0004990\0X-RateLimit-Reset\0001700003000\0"), 0,
         2 * MINUTES},
        {REPLY(429, SECONDARY, ""), 0, 2 * MINUTES},
        {REPLY(429, "{}", ""), 0, 2 * MINUTES},
        {REPLY(403, "{}", USED_UP "X-RateLimit-Reset\0001700000600\0"), 10 * MINUTES, 0},
        {REPLY(403, "{}", USED_UP "X-RateLimit-Reset\0001699999999\0"), 0, 2 * MINUTES}, /* past */
        {REPLY(403, "{}", USED_UP), 0, 2 * MINUTES},
        {REPLY(403, "{}", USED_UP "X-RateLimit-Reset\0001700000600\0Retry-After\00030\0"), 30000, 0},
        {REPLY(429, "{}", "RateLimit-Remaining\0000\0RateLimit-Reset\0001700000060\0"), MINUTES, 0},
        {REPLY(429, "{}", "RateLimit-Remaining\0000\0RateLimit-Reset\00060\0"), MINUTES, 0},
        {REPLY(429, "{}", "Retry-After\0Tue, 14 Nov 2023 22:14:20 GMT\0"), MINUTES, 0},
        {REPLY(429, "{}", "Retry-After\0-1\0"), 0, 2 * MINUTES},
        {REPLY(429, "{}", "Retry-After\00099999999999999999999\0"), 0, 2 * MINUTES},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct report_answer answer = answer_of(&forge, cases[i].reply);
        assert_int_equal(answer.verdict, REPORT_FAILED);
        assert_int_equal(answer.pause_ms, cases[i].pause_ms);
        assert_int_equal(answer.backoff_ms, cases[i].backoff_ms);
        assert_non_null(strstr(answer.remedy, "rate limit"));
        assert_null(strstr(answer.remedy, "token"));
    }
    struct report_answer answer = answer_of(&forge, REPLY(403, "{}", "X-RateLimit-Remaining\00012\0"));
    assert_int_equal(answer.backoff_ms, 0);
    assert_non_null(strstr(answer.remedy, "token"));
}

/* GitHub: a minute at least, then longer and longer. */
static void test_a_limit_without_a_time(void **state)
{
    (void)state;
    for (unsigned chance = 0; chance < 200000; chance += 4711) {
        struct report_queue *queue CLEANUP(report_queue_freep) = report_queue_new();
        struct report_message *message = NEW(struct report_message);
        *message = (struct report_message){.is_status = true,
                                           .context = memory_strdup("davit"),
                                           .subject = memory_strdup("c1"),
                                           .state = memory_strdup(REPORT_SUCCESS),
                                           .text = memory_strdup("")};
        report_queue_push(queue, message, NOW_MS);
        struct report_answer answer = answer_of(&forge, REPLY(403, SECONDARY, ""));
        int64_t now_ms = NOW_MS;
        for (int64_t least_ms = MINUTES; least_ms <= 4 * MINUTES; least_ms *= 2) {
            assert_non_null(report_queue_next(queue, now_ms));
            const struct report_outcome outcome = {.verdict = answer.verdict,
                                                   .pause_ms = answer.pause_ms,
                                                   .backoff_ms = answer.backoff_ms,
                                                   .chance = chance,
                                                   .why = "it answers 403"};
            report_queue_settle(queue, &outcome, now_ms);
            int64_t due_ms = report_queue_due_ms(queue);
            assert_in_range(due_ms - now_ms, least_ms, 2 * least_ms);
            now_ms = due_ms;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_status),
        cmocka_unit_test(test_gitlab_is_in_that_state),
        cmocka_unit_test(test_no_answer),
        cmocka_unit_test(test_rate_limits),
        cmocka_unit_test(test_a_limit_without_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
