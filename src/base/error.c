#include "base/error.h"

#include "base/text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *err, int code, const char *format, ...)
{
    assert(code < 0);
    assert(format);
    if (!err)
        return code;
    va_list ap;
    va_start(ap, format);
    vsnprintf(err->message, sizeof err->message, format, ap);
    va_end(ap);
    text_mend_utf8(err->message);
    err->code = code;
    return code;
}

int error_wrap(struct error *err, int code, const char *format, ...)
{
    assert(code < 0);
    assert(format);
    if (!err)
        return code;
    char inner[LIMIT_ERROR_CHARS];
    memcpy(inner, err->message, sizeof inner);
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(err->message, sizeof err->message, format, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n + 3 < sizeof err->message && inner[0]) {
        int room = (int)sizeof err->message - n - 3; /* the rest of a long message is cut on purpose */
        snprintf(err->message + n, (size_t)room + 3, ": %.*s", room, inner);
    }
    text_mend_utf8(err->message);
    if (err->code == 0)
        err->code = code;
    return err->code;
}

const char *error_code_name(int code)
{
    switch (code) {
    case 0:
        return "ok";
    case ERROR_INVALID:
        return "invalid";
    case ERROR_NOT_FOUND:
        return "not-found";
    case ERROR_EXISTS:
        return "exists";
    case ERROR_CONFLICT:
        return "conflict";
    case ERROR_LIMIT:
        return "limit";
    case ERROR_IO:
        return "io";
    case ERROR_TIMEOUT:
        return "timeout";
    case ERROR_DENIED:
        return "denied";
    case ERROR_UNAVAILABLE:
        return "unavailable";
    case ERROR_PROTOCOL:
        return "protocol";
    case ERROR_CANCELED:
        return "canceled";
    case ERROR_UNSUPPORTED:
        return "unsupported";
    default:
        return "internal";
    }
}

const char *error_text(const struct error *err)
{
    assert(err);
    return err->message[0] ? err->message : error_code_name(err->code);
}
