/* A webhook: header lines, an empty line, the raw body. What one secret signs is refused with another, and in
 * doubt the source is looked at. */
#include "api/webhook.h"
#include "base/memory.h"
#include "base/text.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#define SECRET  "It's a Secret to Everybody"
#define ANOTHER "It's a Secret to Everyone."
#define HEADERS 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct post {
    char *names[HEADERS]; /* each in the input's copy */
    char *values[HEADERS];
    size_t len;
};

static unsigned find(const void *data, const char *name, const char **ret_first)
{
    const struct post *post = data;
    unsigned count = 0;
    *ret_first = NULL;
    for (size_t i = 0; i < post->len; i++) {
        if (strcasecmp(post->names[i], name) != 0)
            continue;
        if (!count++)
            *ret_first = post->values[i];
    }
    return count;
}

/* Returns where the body begins. */
static char *read_headers(char *text, struct post *post)
{
    for (;;) {
        char *end = strchr(text, '\n');
        char *colon = strstr(text, ": ");
        if (!end)
            return text;
        *end = '\0';
        if (end == text)
            return end + 1;
        if (colon && colon < end && post->len < HEADERS) {
            *colon = '\0';
            post->names[post->len] = text;
            post->values[post->len++] = colon + 2;
        }
        text = end + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text CLEANUP_FREE = memory_alloc(size + 1);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    struct post post = {0};
    char *body = read_headers(text, &post);
    const struct webhook_request request = {body, (size_t)(text + size - body), find, &post};
    struct error err = ERROR_INIT;
    struct error why = ERROR_INIT;
    int r = webhook_authenticate(&request, SECRET, &err);
    assert((r < 0) == (err.message[0] != '\0'));
    assert(r == 0 || r == ERROR_DENIED);
    assert(r < 0 || post.len > 0);
    assert(r < 0 || webhook_authenticate(&request, ANOTHER, NULL) == ERROR_DENIED);
    static const struct webhook_followed main_branch = {"main", false};
    static const struct webhook_followed with_tags = {"main", true};
    static const struct webhook_followed unknown = {NULL, false};
    struct webhook_push push CLEANUP(webhook_push_deinit);
    webhook_push_read(&request, &push);
    bool looks = webhook_push_asks_for_look(&push, &main_branch, &why);
    assert(looks == (why.message[0] == '\0'));
    assert(!looks || webhook_push_asks_for_look(&push, &with_tags, NULL));
    assert(!looks || webhook_push_asks_for_look(&push, &unknown, NULL));
    return 0;
}
