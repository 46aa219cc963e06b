/* What a failed transfer means, in words for a person. */
#pragma once

#include "base/error.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

struct http_failure {
    CURL *easy;
    CURLcode code;
    const char *detail;  /* curl's own message, may be "" */
    const char *name;    /* of the endpoint */
    int64_t deadline_ms; /* 0: none */
    bool began;          /* bytes of a reply have come */
};

/* Sets *err, always to an error. */
void http_failure_explain(const struct http_failure *failure, struct error *err);
