#include "report/answer.h"

#include "base/text.h"

#include <assert.h>
#include <string.h>
#include <time.h>

#define DELAY_SECONDS_MAX                                                                                    \
    1000000000            /* a number above is a time since the epoch: RateLimit-Reset may be both */
#define LIMITED_MS 120000 /* L3: half of it is by chance */

/* 0: it is none, or past. */
static int64_t until_ms(const char *value, int64_t now_ms)
{
    int64_t seconds;
    struct tm tm = {0};
    if (!value)
        return 0;
    if (text_to_int64(value, 0, INT64_MAX / 1000, &seconds) < 0) {
        if (!strptime(value, "%a, %d %b %Y %H:%M:%S GMT", &tm)) /* RFC 9110, 10.2.3 */
            return 0;
        seconds = timegm(&tm);
    } else if (seconds < DELAY_SECONDS_MAX) {
        return seconds * 1000;
    }
    int64_t pause_ms = seconds * 1000 - now_ms;
    return pause_ms > 0 ? pause_ms : 0;
}

static bool is_used_up(const struct http_reply *reply, const char **ret_reset)
{
    static const char *const names[][2] = {{"X-RateLimit-Remaining", "X-RateLimit-Reset"},
                                           {"RateLimit-Remaining", "RateLimit-Reset"}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        *ret_reset = http_reply_header(reply, names[i][1]);
        if (text_equal(http_reply_header(reply, names[i][0]), "0"))
            return true;
    }
    *ret_reset = NULL;
    return false;
}

/* A3 */
static bool is_rate_limit(const struct http_reply *reply, struct report_answer *answer, int64_t now_ms)
{
    const char *reset = NULL;
    bool is_used = is_used_up(reply, &reset);
    bool is_limit = reply->status == 429 ||
                    (reply->status == 403 && (is_used || strcasestr(reply->body, "secondary rate limit")));
    if (!is_limit)
        return false;
    if (!answer->pause_ms)
        answer->pause_ms = until_ms(reset, now_ms);
    answer->backoff_ms = answer->pause_ms ? 0 : LIMITED_MS;
    answer->remedy = "; that is its rate limit, it is asked again later";
    return true;
}

/* A6: GitLab's names of the changes that lead to a state, and of the state. */
static bool is_there_already(const struct report_target *target, const struct http_reply *reply)
{
    static const char *const words[] = {":enqueue from :pending", ":run from :running",
                                        ":success from :success", ":drop from :failed",
                                        ":cancel from :canceled"};
    if (target->kind != REPORT_GITLAB || reply->status != 400)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strstr(reply->body, words[i]))
            return true;
    return false;
}

static enum report_verdict verdict_of(bool is_forge, int status, bool asks_for_pause)
{
    if (status >= 500 || status == 408 || (status >= 400 && asks_for_pause))
        return REPORT_FAILED;
    if (is_forge && (status == 401 || status == 403))
        return REPORT_FAILED;
    return is_forge && (status == 404 || status == 422) ? REPORT_SET_ASIDE : REPORT_REFUSED;
}

static const char *remedy_of(const struct report_target *target, int status)
{
    bool is_forge = report_kind_is_forge(target->kind);
    if (status >= 300 && status < 400)
        return "; redirects are not followed: name the place itself";
    if (status == 401 || status == 403)
        return target->token_file ? "; look at the token and its permissions" : "";
    if (status == 404)
        return is_forge
                   ? "; look at url and repository, whether the token may see it, and whether it has the "
                     "commit"
                   : "; look at the url";
    return status == 422 && is_forge ? "; look whether it has the commit" : "";
}

struct report_answer report_answer_of(const struct report_target *target, const struct http_reply *reply,
                                      int64_t now_ms)
{
    assert(target && reply);
    struct report_answer answer = {.verdict = REPORT_FAILED, .remedy = ""};
    int error = reply->error.code;
    bool is_taken = reply->status >= 200 && reply->status < 300;
    if ((is_taken && (!error || error == ERROR_LIMIT)) /* whatever else it has to say */
        || (!error && is_there_already(target, reply))) {
        answer.verdict = REPORT_DELIVERED;
    } else if (error) {
        answer.verdict = error == ERROR_INVALID ? REPORT_REFUSED : REPORT_FAILED;
    } else {
        const char *retry_after = http_reply_header(reply, "Retry-After");
        answer.pause_ms = until_ms(retry_after, now_ms);
        if (is_rate_limit(reply, &answer, now_ms))
            return answer;
        answer.verdict = verdict_of(report_kind_is_forge(target->kind), reply->status, retry_after != NULL);
        answer.remedy = remedy_of(target, reply->status);
    }
    return answer;
}
