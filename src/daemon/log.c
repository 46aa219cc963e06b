#include "daemon/log.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static enum log_level log_level = LOG_LEVEL_INFO;

static const struct {
    const char *name;
    const char *prefix; /* sd-daemon(3) */
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", "<3>"},
    [LOG_LEVEL_WARNING] = {"warning", "<4>"},
    [LOG_LEVEL_INFO] = {"info", "<6>"},
    [LOG_LEVEL_DEBUG] = {"debug", "<7>"},
};

void log_set_level(enum log_level level)
{
    assert((size_t)level < ARRAY_LEN(levels));
    log_level = level;
}

int log_level_parse(const char *name, enum log_level *ret_level)
{
    assert(ret_level);
    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        if (text_equal(name, levels[i].name)) {
            *ret_level = (enum log_level)i;
            return 0;
        }
    }
    return ERROR_INVALID;
}

void log_message(enum log_level level, const char *format, ...)
{
    assert((size_t)level < ARRAY_LEN(levels));
    if (level > log_level)
        return;
    char *text CLEANUP_FREE = NULL;
    va_list ap;
    va_start(ap, format);
    int n = vasprintf(&text, format, ap);
    va_end(ap);
    if (n < 0)
        abort();
    char *line CLEANUP_FREE = text_printable(text); /* one entry, one line */
    if (getenv("JOURNAL_STREAM"))
        fprintf(stderr, "%s%s\n", levels[level].prefix, line);
    else
        fprintf(stderr, "davit: %s: %s\n", levels[level].name, line);
}
