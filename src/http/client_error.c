#include "http/client_error.h"

#include "base/memory.h"
#include "base/text.h"
#include "http/client.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static void explain_connect(const struct http_failure *failure, struct error *err)
{
    long os_errno = 0;
    curl_easy_getinfo(failure->easy, CURLINFO_OS_ERRNO, &os_errno);
    int code = os_errno == EACCES || os_errno == EPERM ? ERROR_DENIED : ERROR_UNAVAILABLE;
    error_set(err, code, "cannot connect to %s: %s", failure->name,
              os_errno ? strerror((int)os_errno) : failure->detail);
}

static void explain_timeout(const struct http_failure *failure, struct error *err)
{
    curl_off_t connected_us = 0;
    curl_off_t sent_us = 0;
    curl_easy_getinfo(failure->easy, CURLINFO_CONNECT_TIME_T, &connected_us);
    curl_easy_getinfo(failure->easy, CURLINFO_PRETRANSFER_TIME_T, &sent_us);
    bool is_connected = connected_us > 0 && sent_us > 0;
    int64_t ms = failure->deadline_ms;
    if (!is_connected && (ms == 0 || ms > LIMIT_HTTP_CONNECT_MS))
        ms = LIMIT_HTTP_CONNECT_MS;
    char *within CLEANUP_FREE = text_from_duration_ms(ms);
    if (!is_connected)
        error_set(err, ERROR_TIMEOUT, "cannot connect to %s within %s", failure->name, within);
    else if (!failure->began)
        error_set(err, ERROR_TIMEOUT, "no answer from %s within %s", failure->name, within);
    else
        error_set(err, ERROR_TIMEOUT, "the reply of %s was not complete within %s", failure->name, within);
}

static void explain_tls(const struct http_failure *failure, struct error *err)
{
    error_set(err, ERROR_DENIED, "%s: TLS failed: %s", failure->name, failure->detail);
}

static void explain_lost(const struct http_failure *failure, struct error *err)
{
    if (strstr(failure->detail, " alert ")) /* TLS 1.3 refuses a client certificate after the handshake */
        explain_tls(failure, err);
    else if (failure->began)
        error_set(err, ERROR_IO, "%s closed the connection in the middle of the reply", failure->name);
    else
        error_set(err, ERROR_UNAVAILABLE, "%s closed the connection without an answer%s%s", failure->name,
                  failure->detail[0] ? ": " : "", failure->detail);
}

static void explain_nothing(const struct http_failure *failure, struct error *err)
{
    error_set(err, ERROR_UNAVAILABLE, "%s closed the connection without an answer", failure->name);
}

static void explain_not_http(const struct http_failure *failure, struct error *err)
{
    error_set(err, ERROR_PROTOCOL, "the reply of %s is not HTTP", failure->name);
}

static void explain_url(const struct http_failure *failure, struct error *err)
{
    error_set(err, ERROR_INVALID, "%s: the request's path is not a valid URL path", failure->name);
}

static void explain_other(const struct http_failure *failure, struct error *err)
{
    error_set(err, ERROR_UNAVAILABLE, "%s: %s", failure->name, failure->detail);
}

static const struct {
    CURLcode code;
    void (*explain)(const struct http_failure *failure, struct error *err);
} EXPLANATIONS[] = {
    {CURLE_COULDNT_CONNECT, explain_connect},
    {CURLE_OPERATION_TIMEDOUT, explain_timeout},
    {CURLE_OK, explain_lost}, /* curl takes the end of the connection for the end of the headers */
    {CURLE_GOT_NOTHING, explain_nothing},
    {CURLE_PARTIAL_FILE, explain_lost},
    {CURLE_RECV_ERROR, explain_lost},
    {CURLE_SEND_ERROR, explain_lost},
    {CURLE_UNSUPPORTED_PROTOCOL, explain_not_http}, /* what curl says to HTTP/0.9 */
    {CURLE_WEIRD_SERVER_REPLY, explain_not_http},
    {CURLE_URL_MALFORMAT, explain_url},
    {CURLE_SSL_CONNECT_ERROR, explain_tls},
    {CURLE_SSL_CERTPROBLEM, explain_tls},
    {CURLE_SSL_CIPHER, explain_tls},
    {CURLE_SSL_CACERT_BADFILE, explain_tls},
    {CURLE_SSL_ISSUER_ERROR, explain_tls},
    {CURLE_PEER_FAILED_VERIFICATION, explain_tls},
};

void http_failure_explain(const struct http_failure *failure, struct error *err)
{
    assert(failure && failure->name && failure->detail);
    for (size_t i = 0; i < ARRAY_LEN(EXPLANATIONS); i++) {
        if (EXPLANATIONS[i].code == failure->code) {
            EXPLANATIONS[i].explain(failure, err);
            return;
        }
    }
    struct http_failure other = *failure;
    if (!other.detail[0])
        other.detail = curl_easy_strerror(other.code);
    explain_other(&other, err);
}
