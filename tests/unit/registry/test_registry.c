/* The client against a server that says what a test wants, in a thread of its own: the client blocks. */
#include "registry/registry.h"

#include "base/buffer.h"
#include "base/text.h"
#include "unit.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* What is said to requests that begin with `request` and hold `holds` (NULL: any). A '%' in the answer is the
 * server's port. */
struct line {
    const char *request;
    const char *holds;
    const char *answer; /* status and headers, each with a line end, an empty line, the body */
};

struct world {
    const struct line *script; /* ends with a NULL request */
    int listener;
    int port;
    pthread_t thread;
    struct buffer seen; /* all requests */
    unsigned count;
    struct registry_options options;
    struct registry *registry;
    char image[64];
    bool has_login;
    const char *token;
};

/* And that it is the last: a client that took the connection for open would race with its end. */
static void say(const struct world *world, int fd, const char *answer)
{
    struct buffer out = BUFFER_INIT(65536);
    size_t status = text_starts_with(answer, "HTTP/1.1 ") ? strcspn(answer, "\n") + 1 : 0;
    if (status)
        buffer_printf(&out, "%.*s\r\nConnection: close\r\n", (int)status - 1, answer);
    for (const char *c = answer + status; *c; c++)
        if (*c == '%')
            buffer_printf(&out, "%d", world->port);
        else if (*c == '\n' && strstr(c, "\n\n"))
            buffer_append_str(&out, "\r\n");
        else if (*c == '\n')
            buffer_append_str(&out, c > answer && c[-1] == '\n' ? "\r\n" : "\n");
        else
            buffer_append(&out, c, 1);
    size_t at = 0;
    while (at < out.len) {
        ssize_t n = send(fd, out.data + at, out.len - at, MSG_NOSIGNAL);
        if (n <= 0)
            break;
        at += (size_t)n;
    }
    buffer_deinit(&out);
}

static void serve_one(struct world *world, int fd)
{
    char text[8192];
    size_t len = 0;
    const char *end = NULL;
    while (!end && len + 1 < sizeof text) {
        ssize_t n = recv(fd, text + len, sizeof text - 1 - len, 0);
        if (n <= 0)
            return;
        len += (size_t)n;
        text[len] = '\0';
        end = strstr(text, "\r\n\r\n");
    }
    const char *length = strcasestr(text, "Content-Length: ");
    while (length && end && (size_t)(text + len - end - 4) < strtoul(length + 16, NULL, 10)) {
        ssize_t n = recv(fd, text + len, sizeof text - 1 - len, 0);
        if (n <= 0)
            return;
        len += (size_t)n;
        text[len] = '\0';
    }
    buffer_append_str(&world->seen, text);
    world->count++;
    for (const struct line *line = world->script; line->request; line++)
        if (text_starts_with(text, line->request) && (!line->holds || strstr(text, line->holds))) {
            say(world, fd, line->answer);
            return;
        }
    say(world, fd, "HTTP/1.1 404 Not Found\nContent-Length: 0\n\n");
}

static void *serve(void *data)
{
    struct world *world = data;
    for (;;) {
        int fd = accept(world->listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        serve_one(world, fd);
        shutdown(fd, SHUT_RDWR);
        close(fd);
    }
}

static int login(void *data, const char *image, const char *credentials, struct registry_login *ret_login,
                 struct error *err)
{
    const struct world *world = data;
    assert_non_null(image);
    if (text_equal(credentials, "broken"))
        return error_set(err, ERROR_NOT_FOUND, "there is no secret broken");
    if (world->token)
        ret_login->token = memory_strdup(world->token);
    if (world->has_login) {
        ret_login->user = memory_strdup("user");
        ret_login->password = memory_strdup("pass:word");
    }
    return 0;
}

static void begin(struct world *world, const struct line *script)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    *world = (struct world){.script = script, .seen = BUFFER_INIT((size_t)1 << 22)};
    world->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(world->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(world->listener, 8), 0);
    assert_int_equal(getsockname(world->listener, (struct sockaddr *)&address, &size), 0);
    world->port = ntohs(address.sin_port);
    snprintf(world->image, sizeof world->image, "127.0.0.1:%d/a/b:1", world->port);
    assert_int_equal(pthread_create(&world->thread, NULL, serve, world), 0);
    world->options = (struct registry_options){.data = world, .login = login};
    world->registry = registry_new(&world->options);
}

static void end(struct world *world)
{
    registry_free(world->registry);
    shutdown(world->listener, SHUT_RDWR);
    pthread_join(world->thread, NULL);
    close(world->listener);
    buffer_deinit(&world->seen);
}

static int tags_of(struct world *world, struct string_vec *tags, struct error *err)
{
    const struct registry_question question = {world->image, NULL};
    *err = ERROR_INIT;
    return registry_tags(world->registry, &question, tags, err);
}

static void expect_tags(struct world *world, const char *expected)
{
    struct string_vec tags CLEANUP(string_vec_deinit) = {0};
    struct buffer out CLEANUP(buffer_deinit) = BUFFER_INIT(65536);
    struct error err;
    if (tags_of(world, &tags, &err) < 0)
        fail_msg("%s", err.message);
    for (size_t i = 0; i < tags.len; i++)
        buffer_printf(&out, "%s%s", i ? " " : "", tags.items[i]);
    assert_string_equal(buffer_str(&out), expected);
}

static void expect_error(struct world *world, int code, const char *words)
{
    struct string_vec tags CLEANUP(string_vec_deinit) = {0};
    struct error err;
    int rc = tags_of(world, &tags, &err);
    if (rc != code || !strstr(err.message, words))
        fail_msg("%d (not %d): %s (not %s)", rc, code, err.message, words);
    assert_int_equal(tags.len, 0);
    assert_null(strstr(err.message, "pass:word"));
    assert_null(strstr(err.message, "s3cret"));
}

#define OK "HTTP/1.1 200 OK\n"

static void test_pages(void **state)
{
    (void)state;
    static const struct line script[] = {
        {"GET /v2/a/b/tags/list?n=1000 ", NULL,
         OK "Link: </v2/a/b/tags/list?last=y&n=2>; rel=\"next\"\n\n{\"tags\": [\"x\", \"y\"]}"},
        {"GET /v2/a/b/tags/list?last=y&n=2 ", NULL,
         OK "Link: <http://127.0.0.1:%/v2/a/b/tags/list?last=z>; rel=\"next\"\n\n{\"tags\": [\"z\", "
            "\"-bad\", 5, \"a b\"]}"},
        {"GET /v2/a/b/tags/list?last=z ", NULL, OK "\n{\"name\": \"a/b\", \"tags\": null}"},
        {NULL, NULL, NULL}};
    struct world world;
    begin(&world, script);
    expect_tags(&world, "x y z");
    assert_int_equal(world.count, 3);
    assert_null(strstr(buffer_str(&world.seen), "Authorization"));
    end(&world);
}

static void test_digests(void **state)
{
    (void)state;
    static const struct line script[] = {
        {"HEAD /v2/a/b/manifests/1 ", "application/vnd.oci.image.index.v1+json",
         OK "Docker-Content-Digest: " DIGEST "\nContent-Length: 5\n\n"},
        {"HEAD /v2/a/b/manifests/2 ", NULL, OK "Docker-Content-Digest: latest\n\n"},
        {"HEAD /v2/a/b/manifests/3 ", NULL, OK "\n"},
        {NULL, NULL, NULL}};
    static const struct {
        const char *tag;
        int code;
        const char *words;
    } cases[] = {{"1", 0, ""},
                 {"2", ERROR_PROTOCOL, "does not tell the digest of 2"},
                 {"3", ERROR_PROTOCOL, "digest"},
                 {"4", ERROR_NOT_FOUND, "no such image"}};
    struct world world;
    begin(&world, script);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct registry_question question = {world.image, NULL};
        char *digest CLEANUP_FREE = NULL;
        struct error err = ERROR_INIT;
        assert_int_equal(registry_digest(world.registry, &question, cases[i].tag, &digest, &err),
                         cases[i].code);
        assert_non_null(strstr(err.message, cases[i].words));
        assert_true(text_equal(digest, cases[i].code ? NULL : DIGEST));
    }
    end(&world);
}

static void test_basic_login(void **state)
{
    (void)state;
    static const struct line script[] = {
        {"GET /v2/a/b/tags/list", "Authorization: Basic dXNlcjpwYXNzOndvcmQ=", OK "\n{\"tags\": [\"1\"]}"},
        {"GET /v2/a/b/tags/list", NULL, "HTTP/1.1 401 Unauthorized\nWWW-Authenticate: Basic realm=\"r\"\n\n"},
        {NULL, NULL, NULL}};
    struct world world;
    begin(&world, script);
    expect_error(&world, ERROR_DENIED, "wants a login, a user and a password");
    world.has_login = true;
    expect_tags(&world, "1");
    const struct registry_question question = {world.image, "broken"};
    struct string_vec tags = {0};
    struct error err = ERROR_INIT;
    assert_int_equal(registry_tags(world.registry, &question, &tags, &err), ERROR_NOT_FOUND);
    assert_non_null(strstr(err.message, "there is no secret broken"));
    end(&world);
}

static void test_refused_login(void **state)
{
    (void)state;
    static const struct line script[] = {
        {"GET /", NULL, "HTTP/1.1 401 Unauthorized\nWWW-Authenticate: Basic realm=\"r\"\n\npass:word"},
        {NULL, NULL, NULL}};
    struct world world;
    begin(&world, script);
    world.has_login = true;
    expect_error(&world, ERROR_DENIED, "a/b of 127.0.0.1:");
    expect_error(&world, ERROR_DENIED, "refuses the login");
    assert_int_equal(world.count, 4);
    end(&world);
}

#define CHALLENGE                                                                                            \
    "HTTP/1.1 401 Unauthorized\nWWW-Authenticate: Bearer "                                                   \
    "realm=\"http://127.0.0.1:%/token?x=y\",service=\"the service\",scope=\"repository:a/b:pull,push\"\n\n"

static void test_tokens(void **state)
{
    (void)state;
    static const struct line script[] = {
        {"GET /v2/a/b/tags/list", "Authorization: Bearer s3cret", OK "\n{\"tags\": [\"1\"]}"},
        {"GET /v2/a/b/tags/list", NULL, CHALLENGE},
        {"GET /token?x=y&service=the%20service&scope=repository%3Aa%2Fb%3Apull ", NULL,
         OK "\n{\"token\": \"s3cret\"}"},
        {"POST /token?x=y ", "refresh_token=t%2Bk", OK "\n{\"access_token\": \"s3cret\"}"},
        {NULL, NULL, NULL}};
    struct world world;
    begin(&world, script);
    expect_tags(&world, "1");
    assert_null(strstr(buffer_str(&world.seen), "Basic"));
    world.has_login = true;
    expect_tags(&world, "1");
    assert_non_null(strstr(buffer_str(&world.seen), "Authorization: Basic dXNlcjpwYXNzOndvcmQ="));
    world.token = "t+k";
    expect_tags(&world, "1");
    assert_non_null(
        strstr(buffer_str(&world.seen), "grant_type=refresh_token&client_id=davit&service=the%20service"));
    end(&world);
}

/* What a token service says, and what comes of it. */
static void test_answers_of_a_token_service(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        int code;
        const char *words;
    } cases[] = {
        {OK "\n{\"token\": \"\", \"access_token\": \"s3cret\"}", 0, ""},
        {OK "\n{\"token\": \"s3cret\\r\\nX-Injected: 1\"}", ERROR_PROTOCOL, "answered without a token"},
        {OK "\n{}", ERROR_PROTOCOL, "answered without a token"},
        {"HTTP/1.1 400 No\n\n", ERROR_DENIED, "its token service wants a login"},
        {"HTTP/1.1 404 No\n\n", ERROR_PROTOCOL, "its token service answered with status 404"},
        {"HTTP/1.1 429 No\n\n", ERROR_UNAVAILABLE, "its token service answered with status 429"},
        {OK "\n{\"token\": \"refused\"}", ERROR_DENIED, "may not be read without a login"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct line script[] = {
            {"GET /v2/a/b/tags/list", "Authorization: Bearer s3cret", OK "\n{\"tags\": [\"1\"]}"},
            {"GET /v2/a/b/tags/list", NULL, CHALLENGE},
            {"GET /token", NULL, cases[i].answer},
            {NULL, NULL, NULL}};
        struct world world;
        begin(&world, script);
        if (cases[i].code)
            expect_error(&world, cases[i].code, cases[i].words);
        else
            expect_tags(&world, "1");
        assert_true(world.count <= 3);
        end(&world);
    }
}

/* None of these may crash, hang, be followed or be believed. */
static void test_what_is_no_answer(void **state)
{
    (void)state;
    static const struct {
        struct line line;
        int code;
        const char *words;
    } cases[] = {
        {{"GET /", NULL, OK "\n"}, ERROR_PROTOCOL, "list of tags is none"},
        {{"GET /", NULL, OK "\n[]"}, ERROR_PROTOCOL, "list of tags is none"},
        {{"GET /", NULL, OK "\n{\"tags\": {}}"}, ERROR_PROTOCOL, "list of tags is none"},
        {{"GET /", NULL, OK "\n{\"tags\": [\"\\ud800\"]}"}, ERROR_PROTOCOL, "list of tags is none"},
        {{"GET /", NULL, "HTTP/1.1 500 No\n\npass:word"}, ERROR_UNAVAILABLE, "status 500"},
        {{"GET /", NULL, "HTTP/1.1 418 Tea\n\n"}, ERROR_PROTOCOL, "status 418"},
        {{"GET /", NULL, "HTTP/1.1 403 No\n\n"}, ERROR_DENIED, "403"},
        {{"GET /", NULL, "HTTP/1.1 404 No\n\n"}, ERROR_NOT_FOUND, "no such image"},
        {{"GET /", NULL, "HTTP/1.1 429 No\n\n"}, ERROR_UNAVAILABLE, "too many requests"},
        {{"GET /", NULL, "HTTP/1.1 429 No\nRetry-After: 9999\n\n"}, ERROR_UNAVAILABLE, "too many requests"},
        {{"GET /", NULL, "HTTP/1.1 429 No\nRetry-After: 0\n\n"}, ERROR_UNAVAILABLE, "too many requests"},
        {{"GET /", NULL, "HTTP/1.1 401 No\n\n"}, ERROR_DENIED, "of a kind that davit does not know"},
        {{"GET /", NULL, "HTTP/1.1 401 No\nWWW-Authenticate: Digest x\n\n"}, ERROR_DENIED, "of a kind"},
        {{"GET /", NULL, "HTTP/1.1 401 No\nWWW-Authenticate: Bearer realm=\"file:///etc/shadow\"\n\n"},
         ERROR_INVALID,
         "no address that davit follows"},
        {{"GET /", NULL, "HTTP/1.1 401 No\nWWW-Authenticate: Bearer realm=\"http://192.0.2.1/t\"\n\n"},
         ERROR_PROTOCOL,
         "by plain HTTP: that is not done"},
        {{"GET /", NULL, "HTTP/1.1 302 Found\nLocation: /again\n\n"},
         ERROR_PROTOCOL,
         "redirects more than 4 times"},
        {{"GET /", NULL, "HTTP/1.1 302 Found\n\n"}, ERROR_PROTOCOL, "redirect to nowhere"},
        {{"GET /", NULL, "HTTP/1.1 302 Found\nLocation: gopher://x/\n\n"},
         ERROR_INVALID,
         "no address that davit follows"},
        {{"GET /", NULL, OK "Link: </v2/a/b/tags/list?n=1000>; rel=next\n\n{\"tags\": []}"},
         ERROR_LIMIT,
         "LIMIT_REGISTRY_PAGES"},
        {{"GET /", NULL, OK "Link: <http://192.0.2.1/>; rel=next\n\n{\"tags\": []}"},
         ERROR_PROTOCOL,
         "is said to be at http://192.0.2.1"},
        {{"GET /", NULL, "what\n\n"}, ERROR_PROTOCOL, "a/b of"},
        {{"GET /", NULL, ""}, ERROR_UNAVAILABLE, "a/b of"},
        {{"GET /", NULL, OK "Content-Length: 9999999999\n\n{"}, ERROR_IO, "in the middle of the reply"},
        {{"GET /", NULL, OK "Content-Length: 50\n\n{"}, ERROR_IO, "a/b of"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct line script[] = {cases[i].line, {NULL, NULL, NULL}};
        struct world world;
        begin(&world, script);
        world.has_login = true;
        expect_error(&world, cases[i].code, cases[i].words);
        end(&world);
    }
}

/* A redirect elsewhere goes without the login, and a login that is wanted there is not given. */
static void test_redirects(void **state)
{
    (void)state;
    static const struct line script[] = {
        {"GET /v2/a/b/tags/list", "Authorization: Basic",
         "HTTP/1.1 307 Moved\nLocation: http://localhost:%/elsewhere\n\n"},
        {"GET /v2/a/b/tags/list", NULL, "HTTP/1.1 401 Unauthorized\nWWW-Authenticate: Basic realm=\"r\"\n\n"},
        {"GET /elsewhere", "Authorization", "HTTP/1.1 500 Leak\n\n"},
        {"GET /elsewhere", NULL, OK "\n{\"tags\": [\"1\"]}"},
        {NULL, NULL, NULL}};
    struct world world;
    begin(&world, script);
    world.has_login = true;
    expect_tags(&world, "1");
    end(&world);
}

/* Within the registry the login stays; what leads away and back has lost it. */
static void test_redirects_within_the_registry(void **state)
{
    (void)state;
    static const struct line script[] = {
        {"GET /v2/a/b/tags/list", "Authorization: Basic", "HTTP/1.1 308 Moved\nLocation: /moved\n\n"},
        {"GET /v2/a/b/tags/list", NULL, "HTTP/1.1 401 Unauthorized\nWWW-Authenticate: Basic realm=\"r\"\n\n"},
        {"GET /moved", "Authorization: Basic", OK "\n{\"tags\": [\"1\"]}"},
        {NULL, NULL, NULL}};
    static const struct line around[] = {
        {"GET /v2/a/b/tags/list", "Authorization: Basic",
         "HTTP/1.1 307 Moved\nLocation: http://localhost:%/away\n\n"},
        {"GET /v2/a/b/tags/list", NULL, "HTTP/1.1 401 Unauthorized\nWWW-Authenticate: Basic realm=\"r\"\n\n"},
        {"GET /away", NULL, "HTTP/1.1 307 Moved\nLocation: http://127.0.0.1:%/back\n\n"},
        {"GET /back", "Authorization", "HTTP/1.1 500 Leak\n\n"},
        {"GET /back", NULL, OK "\n{\"tags\": [\"1\"]}"},
        {NULL, NULL, NULL}};
    const struct line *const scripts[] = {script, around};
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        struct world world;
        begin(&world, scripts[i]);
        world.has_login = true;
        expect_tags(&world, "1");
        end(&world);
    }
}

static void test_each_kind_of_redirect(void **state)
{
    (void)state;
    static const char *const statuses[] = {"301", "302", "303", "307", "308"};
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        char *moved CLEANUP_FREE = memory_printf("HTTP/1.1 %s Moved\nLocation: /moved\n\n", statuses[i]);
        const struct line script[] = {{"GET /v2/a/b/tags/list", NULL, moved},
                                      {"GET /moved", NULL, OK "\n{\"tags\": [\"1\"]}"},
                                      {NULL, NULL, NULL}};
        struct world world;
        begin(&world, script);
        expect_tags(&world, "1");
        end(&world);
    }
}

/* Nor does a realm that is named there get one. */
static void test_a_login_that_is_wanted_elsewhere(void **state)
{
    (void)state;
    static const struct line script[] = {
        {"GET /v2/a/b/tags/list", NULL, "HTTP/1.1 307 Moved\nLocation: http://localhost:%/elsewhere\n\n"},
        {"GET /elsewhere", NULL,
         "HTTP/1.1 401 Unauthorized\nWWW-Authenticate: Bearer realm=\"http://127.0.0.1:%/token\"\n\n"},
        {"GET /token", NULL, OK "\n{\"token\": \"s3cret\"}"},
        {NULL, NULL, NULL}};
    struct world world;
    begin(&world, script);
    world.has_login = true;
    expect_error(&world, ERROR_DENIED, "does not allow it (status 403)");
    assert_null(strstr(buffer_str(&world.seen), "Authorization"));
    end(&world);
}

/* Pages of a thousand tags without end. */
static void test_tags_without_end(void **state)
{
    (void)state;
    struct buffer answer CLEANUP(buffer_deinit) = BUFFER_INIT(65536);
    buffer_append_str(&answer, OK "Link: </v2/a/b/tags/list?n=1000>; rel=next\n\n{\"tags\": [\"0\"");
    for (int i = 1; i < 1000; i++)
        buffer_printf(&answer, ", \"%d\"", i);
    buffer_append_str(&answer, "]}");
    const struct line script[] = {{"GET /", NULL, buffer_str(&answer)}, {NULL, NULL, NULL}};
    struct world world;
    begin(&world, script);
    expect_error(&world, ERROR_LIMIT, "more than 100000 tags (LIMIT_REGISTRY_TAGS)");
    assert_int_equal(world.count, 101);
    end(&world);
}

/* 0.0.0.0 leads to this machine and is not known to. */
static void expect_no_login(const char *challenge)
{
    const struct line script[] = {{"GET /", NULL, challenge}, {NULL, NULL, NULL}};
    struct string_vec insecure = {0};
    struct world world;
    begin(&world, script);
    world.has_login = true;
    snprintf(world.image, sizeof world.image, "0.0.0.0:%d/a/b:1", world.port);
    char *host CLEANUP_FREE = memory_printf("0.0.0.0:%d", world.port);
    vector_push(&insecure, host);
    registry_free(world.registry);
    world.options.insecure = &insecure;
    world.registry = registry_new(&world.options);
    expect_error(&world, ERROR_DENIED, "a login is not sent to http://0.0.0.0:");
    assert_null(strstr(buffer_str(&world.seen), "Authorization"));
    end(&world);
    vector_deinit(&insecure);
}

static void test_plain_http_sends_no_login(void **state)
{
    (void)state;
    expect_no_login("HTTP/1.1 401 No\nWWW-Authenticate: Basic realm=\"r\"\n\n");
    expect_no_login("HTTP/1.1 401 No\nWWW-Authenticate: Bearer realm=\"https://192.0.2.1/token\"\n\n");
}

static void test_the_other_side_is_not_asked_again(void **state)
{
    (void)state;
    static const struct line script[] = {{"GET /", NULL, ""}, {NULL, NULL, NULL}};
    struct world world;
    begin(&world, script);
    expect_error(&world, ERROR_UNAVAILABLE, "a/b of");
    unsigned count = world.count;
    expect_error(&world, ERROR_UNAVAILABLE, "is not asked again");
    assert_int_equal(world.count, count);
    end(&world);
}

static void test_a_place_that_is_away_is_not_the_registry(void **state)
{
    (void)state;
    static const struct line script[] = {
        {"GET /", NULL, "HTTP/1.1 307 Moved\nLocation: http://127.0.0.1:1/\n\n"}, {NULL, NULL, NULL}};
    struct world world;
    begin(&world, script);
    expect_error(&world, ERROR_UNAVAILABLE, "127.0.0.1:1");
    expect_error(&world, ERROR_UNAVAILABLE, "127.0.0.1:1");
    assert_int_equal(world.count, 2);
    end(&world);
}

/* One that asks for more patience than there is is not waited for. */
static void test_a_long_pause(void **state)
{
    (void)state;
    char *answer CLEANUP_FREE =
        memory_printf("HTTP/1.1 429 No\nRetry-After: %d\n\n", LIMIT_REGISTRY_PAUSE_MS / 1000 + 1);
    const struct line script[] = {{"GET /", NULL, answer}, {NULL, NULL, NULL}};
    struct world world;
    begin(&world, script);
    expect_error(&world, ERROR_UNAVAILABLE, "too many requests");
    assert_int_equal(world.count, 1);
    end(&world);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pages),
                                       cmocka_unit_test(test_digests),
                                       cmocka_unit_test(test_basic_login),
                                       cmocka_unit_test(test_refused_login),
                                       cmocka_unit_test(test_tokens),
                                       cmocka_unit_test(test_what_is_no_answer),
                                       cmocka_unit_test(test_redirects),
                                       cmocka_unit_test(test_the_other_side_is_not_asked_again),
                                       cmocka_unit_test(test_redirects_within_the_registry),
                                       cmocka_unit_test(test_tags_without_end),
                                       cmocka_unit_test(test_plain_http_sends_no_login),
                                       cmocka_unit_test(test_each_kind_of_redirect),
                                       cmocka_unit_test(test_a_login_that_is_wanted_elsewhere),
                                       cmocka_unit_test(test_answers_of_a_token_service),
                                       cmocka_unit_test(test_a_place_that_is_away_is_not_the_registry),
                                       cmocka_unit_test(test_a_long_pause)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
