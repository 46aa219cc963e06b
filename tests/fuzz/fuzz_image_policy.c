/* Image policies: a letter (s: semver, p: pattern, d: digest) and what the policy says, the present tag, and
 * a tag a line. What is chosen is one of them, and stays when it is asked again. */
#include "base/memory.h"
#include "base/text.h"
#include "model/image_policy.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Up to the line end, which is overwritten; *rest is behind it. */
static char *line_of(char **rest)
{
    char *line = *rest;
    char *end = strchr(line, '\n');
    *rest = end ? end + 1 : line + strlen(line);
    if (end)
        *end = '\0';
    return line;
}

static json_t *policy_of(const char *line)
{
    switch (*line) {
    case 's':
        return json_pack("{s:o*}", "semver", json_string(line + 1));
    case 'p':
        return json_pack("{s:o*,s:b}", "pattern", json_string(line + 1), "digest", 1);
    default:
        return json_pack("{s:b}", "digest", 1);
    }
}

static void choose(const struct image_policy *policy, const char *tag, const struct string_vec *tags)
{
    const char *chosen = NULL;
    const char *again = NULL;
    struct error err = ERROR_INIT;
    int r = image_policy_choose(policy, tag, tags, &chosen, &err);
    assert((r < 0) == (err.message[0] != '\0'));
    if (r < 0)
        return;
    assert(text_equal(chosen, tag) || string_vec_has(tags, chosen));
    assert(image_policy_choose(policy, chosen, tags, &again, NULL) == 0);
    assert(text_equal(chosen, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text CLEANUP_FREE = memory_strndup((const char *)data, size);
    char *rest = text;
    json_t *json = policy_of(line_of(&rest));
    const char *tag = line_of(&rest);
    struct string_vec tags = {0};
    struct image_policy *policy = NULL;
    struct error err = ERROR_INIT;
    while (*rest)
        vector_push(&tags, line_of(&rest));
    int r = json_object_size(json) ? image_policy_compile(json, &policy, NULL, &err) : ERROR_INVALID;
    assert((r < 0) == !policy);
    if (policy && image_policy_wants_tags(policy))
        choose(policy, tag, &tags);
    image_policy_free(policy);
    vector_deinit(&tags);
    json_decref(json);
    return 0;
}
