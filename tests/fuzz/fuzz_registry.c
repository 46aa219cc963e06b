/* Answers of a registry and of its token service, in place of those from the network: a line with a status
 * and which headers it has, header lines, an empty line, the body up to a line with a dot. Whatever they say,
 * a login goes where it may go, and what comes of them is tags and digests. */
#include "base/credential.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "registry/session.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BASIC   "Authorization: Basic "
#define ANSWERS 64 /* then nobody answers: a loop of a thousand pages teaches nothing */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is left of the input; of one question at a time. */
struct script {
    char *rest;
    int answers;
    const char *base; /* of the registry */
};

static char *line_of(char **rest)
{
    char *line = *rest;
    size_t len = strcspn(line, "\n");
    *rest = line + len + (line[len] == '\n');
    return memory_strndup(line, len);
}

static void take_header(char *line, struct registry_answer *answer)
{
    const struct {
        const char *name;
        char **value;
    } headers[] = {{"WWW-Authenticate: ", &answer->challenge},
                   {"Link: ", &answer->link},
                   {"Location: ", &answer->location},
                   {"Docker-Content-Digest: ", &answer->digest},
                   {"Retry-After: ", &answer->retry_after}};
    for (size_t i = 0; i < ARRAY_LEN(headers); i++)
        if (text_starts_with(line, headers[i].name) && !*headers[i].value)
            *headers[i].value = memory_strdup(line + strlen(headers[i].name));
}

static void take_body(char **rest, struct registry_answer *answer)
{
    char *end = strstr(*rest, "\n.\n");
    size_t len = end ? (size_t)(end - *rest) : strlen(*rest);
    answer->body = memory_strndup(*rest, len);
    answer->body_len = len;
    *rest += len + (end ? strlen("\n.\n") : 0);
}

static void check_request(const struct script *script, const struct registry_request *request)
{
    for (const char *const *header = request->headers; *header; header++) {
        if (!text_starts_with(*header, "Authorization: "))
            continue;
        assert(credential_is_private(request->base) || !text_starts_with(*header, BASIC));
        assert(text_starts_with(*header, BASIC) || text_equal(request->base, script->base));
    }
    assert(*request->path == '/' && !strpbrk(request->path, " \r\n"));
    assert(!strpbrk(request->base, " \r\n@"));
}

/* In the place of the one that asks the network. */
int registry_send(struct registry *registry, const struct registry_request *request,
                  struct registry_answer *ret_answer, struct error *err)
{
    struct script *script = registry->options.data;
    check_request(script, request);
    if (!*script->rest || script->answers++ == ANSWERS)
        return error_set(err, ERROR_UNAVAILABLE, "nobody answers");
    char *status CLEANUP_FREE = line_of(&script->rest);
    ret_answer->status = (int)(strtoul(status, NULL, 10) % 600);
    for (;;) {
        char *line CLEANUP_FREE = line_of(&script->rest);
        if (!*line)
            break;
        take_header(line, ret_answer);
    }
    take_body(&script->rest, ret_answer);
    return 0;
}

void registry_answer_deinit(struct registry_answer *answer)
{
    free(answer->body);
    free(answer->challenge);
    free(answer->link);
    free(answer->location);
    free(answer->digest);
    free(answer->retry_after);
    memset(answer, 0, sizeof *answer);
}

void registry_pause(struct registry *registry, int64_t ms)
{
    (void)registry;
    assert(ms >= 0 && ms <= LIMIT_REGISTRY_PAUSE_MS);
}

static int on_login(void *data, const char *image, const char *credentials, struct registry_login *ret_login,
                    struct error *err)
{
    (void)data;
    (void)image;
    (void)err;
    if (text_equal(credentials, "token")) {
        ret_login->token = memory_strdup("t0ken");
    } else {
        ret_login->user = memory_strdup("user");
        ret_login->password = memory_strdup("s3cret");
    }
    return 0;
}

static void ask(const struct registry_question *question, const char *base, const char *input)
{
    char *text CLEANUP_FREE = memory_strdup(input);
    struct script script = {.rest = text, .base = base};
    struct string_vec insecure = {0};
    struct string_vec tags CLEANUP(string_vec_deinit) = {0};
    char *digest CLEANUP_FREE = NULL;
    struct error err = ERROR_INIT;
    vector_push(&insecure, (char *)(uintptr_t) "plain.example");
    const struct registry_options options = {.insecure = &insecure, .data = &script, .login = on_login};
    struct registry *registry = registry_new(&options);
    int r = registry_tags(registry, question, &tags, &err);
    assert((r < 0) == (err.message[0] != '\0') && (r == 0 || !tags.len));
    for (size_t i = 0; i < tags.len; i++)
        assert(registry_is_tag(tags.items[i]));
    assert(strstr(input, "s3cret") || !strstr(err.message, "s3cret"));
    assert(strstr(input, "t0ken") || !strstr(err.message, "t0ken"));
    registry_free(registry);
    script = (struct script){.rest = memory_strdup(input), .base = base};
    char *again CLEANUP_FREE = script.rest;
    registry = registry_new(&options);
    r = registry_digest(registry, question, "1", &digest, &err);
    assert((r < 0) == !digest && (!digest || registry_is_digest(digest)));
    registry_free(registry);
    (void)again;
    vector_deinit(&insecure);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *input CLEANUP_FREE = memory_strndup((const char *)data, size);
    ask(&(struct registry_question){"r.example/a/b:1", NULL}, "https://r.example", input);
    ask(&(struct registry_question){"plain.example/a/b:1", "token"}, "http://plain.example", input);
    return 0;
}
