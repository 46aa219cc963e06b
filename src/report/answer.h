/* What a receiver's answer means for the message: a value in, a value out.
 *
 *  row | answer                                   | a forge               | webhook, slack
 *  ----|------------------------------------------|-----------------------|---------------
 *  A1  | 2xx                                      | delivered             | delivered
 *  A2  | none, cut off; 408, 5xx; Retry-After     | failed                | failed
 *  A3  | 429; 403 of a rate limit                 | failed, pause below   | failed, pause below
 *  A4  | 401, 403: the token                      | failed                | refused
 *  A5  | 404, 422: the commit is not there (yet), | set aside             | refused
 *      | or nothing that the token may see        |                       |
 *  A6  | 400 of GitLab: it is in that state       | delivered             |
 *  A7  | any other                                | refused               | refused
 *
 * A forge's status is of a commit that stays, under a token that is mended or a commit that arrives: what is
 * true now is worth telling later. Whoever takes webhooks has said with 4xx that it does not want this one.
 *
 *  row | a rate limit's words                                                   | pause
 *  ----|------------------------------------------------------------------------|--------------------------------
 *  L1  | Retry-After                                                            | until then
 *  L2  | X-RateLimit-Remaining: 0 and X-RateLimit-Reset; as GitLab has them,    | until then
 *      | without X-; 403 with the first of them is a rate limit                 |
 *  L3  | none; 403 is one if it speaks of a "secondary rate limit"              | a minute, then longer
 *
 * A6 says "Cannot transition status via :enqueue from :pending": the state is that of another description, or
 * of a message whose answer was lost. https://gitlab.com/gitlab-org/gitlab-foss/-/issues/25807
 *
 * https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
 * https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api
 * https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/
 */
#pragma once

#include "http/client.h"
#include "report/queue.h"
#include "report/target.h"

#include <stdint.h>

struct report_answer {
    enum report_verdict verdict;
    int64_t pause_ms; /* as in report_outcome, as the next */
    int64_t backoff_ms;
    const char *remedy; /* for the end of a message: "; look at ..." or ""; static */
};

struct report_answer report_answer_of(const struct report_target *target, const struct http_reply *reply,
                                      int64_t now_ms);
