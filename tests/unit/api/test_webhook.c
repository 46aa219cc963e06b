/* Webhooks as the forges of webhooks/ send them, and what becomes of each when it is tampered with. */
#include "api/webhook.h"

#include "base/buffer.h"
#include "base/limits.h"
#include "base/text.h"
#include "http/client.h"
#include "http/server.h"
#include "unit.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SECRET   "It's a Secret to Everybody"
#define STANDARD "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define HEADERS  24

static const char *directory;

/* Which sources it is a look for. */
enum looks {
    FOR_NONE,
    FOR_TAGS, /* those that look for tags */
    FOR_MAIN, /* those of the branch main */
};

static const struct sample {
    const char *file;
    const char *secret;
    enum looks looks;
} samples[] = {
    {"github-documentation", SECRET, FOR_MAIN},
    {"github-push", SECRET, FOR_MAIN},
    {"github-branch", SECRET, FOR_NONE},
    {"github-tag", SECRET, FOR_TAGS},
    {"github-ping", SECRET, FOR_NONE},
    {"github-create", SECRET, FOR_MAIN}, /* a bare name: in doubt */
    {"github-form", SECRET, FOR_MAIN},
    {"github-form-branch", SECRET, FOR_NONE},
    {"gitlab-token", SECRET, FOR_MAIN},
    {"gitlab-branch", SECRET, FOR_NONE},
    {"gitlab-tag", SECRET, FOR_TAGS},
    {"gitlab-signed", STANDARD, FOR_MAIN},
    {"standard-webhooks", STANDARD, FOR_MAIN},
    {"gitea-push", SECRET, FOR_MAIN},
    {"gitea-tag", SECRET, FOR_TAGS},
    {"forgejo-push", SECRET, FOR_MAIN},
    {"gogs-push", SECRET, FOR_MAIN},
    {"bitbucket-documentation", SECRET, FOR_MAIN},
    {"bitbucket-cloud-push", SECRET, FOR_MAIN},
    {"bitbucket-cloud-deleted", SECRET, FOR_MAIN},
    {"bitbucket-cloud-others", SECRET, FOR_TAGS},
    {"bitbucket-cloud-unknown", SECRET, FOR_MAIN},
    {"bitbucket-data-center-push", SECRET, FOR_MAIN},
    {"bitbucket-data-center-branch", SECRET, FOR_NONE},
    {"bitbucket-data-center-tag", SECRET, FOR_TAGS},
    {"bitbucket-data-center-ping", SECRET, FOR_NONE},
    {"generic-empty", SECRET, FOR_MAIN},
};

/* A request that can be changed. */
struct post {
    char *names[HEADERS];
    char *values[HEADERS];
    size_t headers_len;
    char *body;
    size_t len;
};

static unsigned find(const void *data, const char *name, const char **ret_first)
{
    const struct post *post = data;
    unsigned count = 0;
    *ret_first = NULL;
    for (size_t i = 0; i < post->headers_len; i++) {
        if (strcasecmp(post->names[i], name) != 0)
            continue;
        if (!count++)
            *ret_first = post->values[i];
    }
    return count;
}

static struct webhook_request request_of(const struct post *post)
{
    return (struct webhook_request){post->body, post->len, find, post};
}

static void add_header(struct post *post, const char *name, const char *value)
{
    assert_true(post->headers_len < HEADERS);
    post->names[post->headers_len] = memory_strdup(name);
    post->values[post->headers_len++] = memory_strdup(value);
}

static void set_body(struct post *post, const char *body, size_t len)
{
    free(post->body);
    post->body = memory_strndup(body, len);
    post->len = len;
}

static void post_deinit(struct post *post)
{
    for (size_t i = 0; i < post->headers_len; i++) {
        free(post->names[i]);
        free(post->values[i]);
    }
    free(post->body);
    *post = (struct post){0};
}

static struct post load(const char *name)
{
    struct post post = {0};
    char line[1024];
    char text[65536];
    char *path CLEANUP_FREE = memory_printf("%s/%s.http", directory, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) && line[0] != '\n') {
        char *colon = strstr(line, ": ");
        assert_non_null(colon);
        line[strcspn(line, "\n")] = '\0';
        *colon = '\0';
        add_header(&post, line, colon + 2);
    }
    set_body(&post, text, fread(text, 1, sizeof text, file));
    fclose(file);
    return post;
}

static bool is_genuine(const struct post *post, const char *secret)
{
    struct error err = ERROR_INIT;
    struct webhook_request request = request_of(post);
    int r = webhook_authenticate(&request, secret, &err);
    assert_true((r < 0) == (err.message[0] != '\0'));
    assert_true(!secret[0] || !strstr(err.message, secret));
    return r == 0;
}

static bool asks_for_look(const struct post *post, const struct webhook_followed *followed, struct error *why)
{
    struct webhook_request request = request_of(post);
    struct webhook_push push CLEANUP(webhook_push_deinit);
    webhook_push_read(&request, &push);
    return webhook_push_asks_for_look(&push, followed, why);
}

static void test_genuine(void **state)
{
    (void)state;
    static const struct webhook_followed branch = {"main", false};
    static const struct webhook_followed with_tags = {"main", true};
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        struct post post CLEANUP(post_deinit) = load(samples[i].file);
        struct error why = ERROR_INIT;
        if (!is_genuine(&post, samples[i].secret))
            fail_msg("%s is refused", samples[i].file);
        if (asks_for_look(&post, &branch, &why) != (samples[i].looks == FOR_MAIN))
            fail_msg("%s: %s", samples[i].file, error_text(&why));
        if (asks_for_look(&post, &with_tags, NULL) != (samples[i].looks != FOR_NONE))
            fail_msg("%s: another answer where tags count", samples[i].file);
        assert_true((samples[i].looks == FOR_MAIN) == (why.message[0] == '\0'));
    }
}

/* --- tampering ------------------------------------------------------------------------------------------ */

static unsigned refused;

static void expect_refused(const struct post *post, const char *secret, const char *file, const char *how)
{
    if (is_genuine(post, secret))
        fail_msg("%s is taken with %s", file, how);
    refused++;
}

static bool has_header(const struct post *post, const char *name)
{
    const char *value;
    return find(post, name, &value) > 0;
}

static void tamper_with_body(const struct sample *sample)
{
    struct post post CLEANUP(post_deinit) = load(sample->file);
    char *good CLEANUP_FREE = memory_strndup(post.body, post.len);
    size_t len = post.len;
    char *longer CLEANUP_FREE = memory_printf("%s\n", good);
    char *marked CLEANUP_FREE = memory_printf("\xef\xbb\xbf%s", good);
    if (has_header(&post, "X-Gitlab-Token")) /* says nothing of the body */
        return;
    for (size_t at = 0; at < len; at += 1 + len / 7) {
        post.body[at] ^= 1;
        expect_refused(&post, sample->secret, sample->file, "a flipped bit in the body");
        post.body[at] ^= 1;
    }
    set_body(&post, longer, len + 1);
    expect_refused(&post, sample->secret, sample->file, "a line end behind the body");
    set_body(&post, marked, len + 3);
    expect_refused(&post, sample->secret, sample->file, "a byte order mark");
    set_body(&post, longer, len);
    post.len++; /* and the NUL behind it */
    expect_refused(&post, sample->secret, sample->file, "a NUL behind the body");
    if (!len)
        return;
    set_body(&post, good, len - 1);
    expect_refused(&post, sample->secret, sample->file, "a body without its last byte");
    set_body(&post, "", 0);
    expect_refused(&post, sample->secret, sample->file, "no body");
}

static void tamper_with_secret(const struct sample *sample)
{
    struct post post CLEANUP(post_deinit) = load(sample->file);
    char *longer CLEANUP_FREE = memory_printf("%s\n", sample->secret);
    char *shorter CLEANUP_FREE = memory_strndup(sample->secret, strlen(sample->secret) - 1);
    char *other CLEANUP_FREE = memory_strdup(sample->secret);
    other[strlen(other) / 2] ^= 1;
    expect_refused(&post, longer, sample->file, "a secret with a line end");
    expect_refused(&post, shorter, sample->file, "a secret without its last byte");
    expect_refused(&post, other, sample->file, "another secret");
    expect_refused(&post, "0123456789abcdef", sample->file, "a stranger's secret");
}

/* Takes value. */
static void try_value(struct post *post, size_t at, char *value, const struct sample *sample)
{
    char *good = post->values[at];
    post->values[at] = value;
    char *how CLEANUP_FREE = memory_printf("%s: %s", post->names[at], value);
    expect_refused(post, sample->secret, sample->file, how);
    post->values[at] = good;
    free(value);
}

static void tamper_with_hex(struct post *post, size_t at, const struct sample *sample)
{
    const char *good = post->values[at];
    const char *hex = strrchr(good, '=') ? strrchr(good, '=') + 1 : good;
    int prefix_len = (int)(hex - good);
    char *upper = memory_strdup(good);
    for (char *c = upper + prefix_len; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    try_value(post, at, upper, sample);
    char *no_hex = memory_strdup(good);
    no_hex[strlen(no_hex) - 1] = 'g';
    try_value(post, at, no_hex, sample);
    try_value(post, at, memory_printf("sha1=%s", hex), sample);
    try_value(post, at, memory_printf("sha512=%s", hex), sample);
    try_value(post, at, memory_printf("SHA256=%s", hex), sample);
    try_value(post, at, memory_printf("sha256:%s", hex), sample);
    try_value(post, at, memory_printf("sha256=sha256=%s", hex), sample);
    try_value(post, at, memory_printf("%s", prefix_len ? hex : "sha256="), sample);
    try_value(post, at, memory_printf("%.*s0x%s", prefix_len, good, hex), sample);
    try_value(post, at, memory_printf("%.*s%.40s", prefix_len, good, hex), sample);
    try_value(post, at, memory_printf("%.*s%064d", prefix_len, good, 0), sample);
    try_value(post, at, memory_printf("%s,%s", good, good), sample);
    try_value(post, at, memory_printf(" %s", good), sample);
    try_value(post, at, memory_printf("%s ", good), sample);
}

static void tamper_with_value(struct post *post, size_t at, const struct sample *sample)
{
    const char *good = post->values[at];
    char *flipped = memory_strdup(good);
    size_t middle = strlen(good) / 2;
    flipped[middle] = flipped[middle] == '0' ? '1' : '0';
    try_value(post, at, flipped, sample);
    try_value(post, at, memory_strdup(""), sample);
    try_value(post, at, memory_strdup(" "), sample);
    try_value(post, at, memory_strndup(good, strlen(good) - 1), sample);
    try_value(post, at, memory_printf("%s0", good), sample);
    try_value(post, at, memory_printf("%s\n", good), sample);
    try_value(post, at, memory_printf("\"%s\"", good), sample);
    add_header(post, post->names[at], good);
    expect_refused(post, sample->secret, sample->file, "a header that is there twice");
    post->headers_len--;
    free(post->names[post->headers_len]);
    free(post->values[post->headers_len]);
}

static void tamper_with_headers(const struct sample *sample)
{
    struct post post CLEANUP(post_deinit) = load(sample->file);
    for (size_t i = 0; i < post.headers_len; i++) {
        const char *name = post.names[i];
        bool is_ours = text_ends_with(name, "-Signature") || text_ends_with(name, "-signature") ||
                       text_ends_with(name, "-256") || text_ends_with(name, "-Token");
        if (!is_ours || text_starts_with(post.values[i], "sha1="))
            continue;
        tamper_with_value(&post, i, sample);
        if (text_ends_with(name, "-Signature") || text_ends_with(name, "-256"))
            tamper_with_hex(&post, i, sample);
        char *good = post.names[i];
        post.names[i] = memory_strdup("X-Signature-Of-Nobody");
        if (!has_header(&post, "X-Hub-Signature-256") && !has_header(&post, "X-Gitea-Signature") &&
            !has_header(&post, "X-Gogs-Signature"))
            expect_refused(&post, sample->secret, sample->file, "its signature under another name");
        free(post.names[i]);
        post.names[i] = good;
    }
}

static void test_tampered(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        unsigned before = refused;
        tamper_with_body(&samples[i]);
        tamper_with_secret(&samples[i]);
        tamper_with_headers(&samples[i]);
        assert_true(refused - before >= 10);
    }
    print_message("%u tampered webhooks are refused\n", refused);
    assert_true(refused > 500);
}

/* --- single rules --------------------------------------------------------------------------------------- */

/* A wrong signature of any kind is not saved by a right one of another. */
static void test_all_have_to_be_right(void **state)
{
    (void)state;
    static const char *const names[] = {"X-Hub-Signature-256", "X-Hub-Signature",  "X-Gitea-Signature",
                                        "X-Forgejo-Signature", "X-Gogs-Signature", "X-Signature",
                                        "webhook-signature"};
    char wrong[] = "sha256=0000000000000000000000000000000000000000000000000000000000000000";
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct post token CLEANUP(post_deinit) = load("gitlab-token");
        bool bare = strstr(names[i], "Gitea") || strstr(names[i], "Forgejo") || strstr(names[i], "Gogs");
        assert_true(is_genuine(&token, SECRET));
        add_header(&token, names[i], bare ? wrong + strlen("sha256=") : wrong);
        expect_refused(&token, SECRET, "gitlab-token", names[i]);
    }
    struct post push CLEANUP(post_deinit) = load("github-push");
    add_header(&push, "X-Gitlab-Token", SECRET);
    assert_true(is_genuine(&push, SECRET));
    push.values[push.headers_len - 1][0] ^= 1;
    expect_refused(&push, SECRET, "github-push", "a wrong token");
}

/* SHA-1 of old receivers proves nothing, and is in nobody's way. */
static void test_sha1_alone(void **state)
{
    (void)state;
    struct post push CLEANUP(post_deinit) = load("github-push");
    for (size_t i = 0; i < push.headers_len; i++)
        if (text_equal(push.names[i], "X-Hub-Signature-256"))
            push.names[i][0] = 'Y';
    expect_refused(&push, SECRET, "github-push", "SHA-1 alone");
}

static void test_nothing_at_all(void **state)
{
    (void)state;
    struct post empty CLEANUP(post_deinit) = {.body = memory_strdup("")};
    expect_refused(&empty, SECRET, "nothing", "no header");
    add_header(&empty, "X-Gitlab-Token", "");
    expect_refused(&empty, SECRET, "nothing", "an empty token");
}

/* Standard Webhooks: one of several is right, while a key is changed; what is signed has three parts. */
static void test_standard(void **state)
{
    (void)state;
    struct post post CLEANUP(post_deinit) = load("standard-webhooks");
    char *good = post.values[2];
    static const char other[] = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    char *both CLEANUP_FREE = memory_printf("%s v1a,xyz %s", other, good);
    char *version CLEANUP_FREE = memory_printf("v2%s", good + 2);
    char *both_again CLEANUP_FREE = memory_printf("%s %s", good, other);
    static const char longer[] = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OF4"; /* a byte more */
    const char *const wrong[] = {other, "v1,", version, "v1,====", good + 3, "v1", longer};
    post.values[2] = both;
    assert_true(is_genuine(&post, STANDARD));
    post.values[2] = both_again;
    assert_true(is_genuine(&post, STANDARD));
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        post.values[2] = memory_strdup(wrong[i]);
        expect_refused(&post, STANDARD, "standard-webhooks", wrong[i]);
        free(post.values[2]);
    }
    post.values[2] = good;
    for (size_t i = 0; i < 2; i++) {
        post.values[i][4] ^= 1;
        expect_refused(&post, STANDARD, "standard-webhooks", "another id or time");
        post.values[i][4] ^= 1;
        post.names[i][0] ^= 1;
        expect_refused(&post, STANDARD, "standard-webhooks", "no id or time");
        post.names[i][0] ^= 1;
    }
    assert_true(is_genuine(&post, STANDARD));
}

/* The border between time and body cannot be moved: "1.7" and "x" sign as "1" and "7.x" do. */
static void test_standard_border(void **state)
{
    (void)state;
    struct post post CLEANUP(post_deinit) = {0};
    set_body(&post, "7.x", 3);
    add_header(&post, "webhook-id", "a");
    add_header(&post, "webhook-timestamp", "1");
    add_header(&post, "webhook-signature", "v1,8UeP5UA+W+3NvI//VMPAc5iJO2Vdcq7Vb6q52CmCpM0=");
    assert_true(is_genuine(&post, STANDARD));
    set_body(&post, "x", 1);
    free(post.values[1]);
    post.values[1] = memory_strdup("1.7");
    expect_refused(&post, STANDARD, "the border", "another timestamp");
}

static void expect_secret(const char *secret, bool good)
{
    struct error err = ERROR_INIT;
    struct post post CLEANUP(post_deinit) = {.body = memory_strdup("")};
    add_header(&post, "X-Gitlab-Token", secret);
    assert_int_equal(webhook_check_secret(secret, &err), good ? 0 : ERROR_INVALID);
    assert_true(good || strstr(err.message, "openssl rand -hex 32"));
    assert_int_equal(is_genuine(&post, secret), good);
}

static void test_short_secrets(void **state)
{
    (void)state;
    expect_secret("", false);
    expect_secret("0123456789abcde", false);
    expect_secret("0123456789abcdef", true);
    expect_secret("whsec_", false);
    expect_secret("whsec_MDEyMzQ1Njc4OWFiY2Rl", false); /* 15 bytes */
    expect_secret("whsec_MDEyMzQ1Njc4OWFiY2RlZg==", true);
    expect_secret("whsec_is-no-base64", true); /* so it is a key as it stands */
}

/* --- looks ---------------------------------------------------------------------------------------------- */

static bool asks(const char *body, const char *branch)
{
    struct post post CLEANUP(post_deinit) = {0};
    set_body(&post, body, strlen(body));
    return asks_for_look(&post, &(struct webhook_followed){branch, false}, NULL);
}

static void test_in_doubt_it_looks(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "hello",
        "[]",
        "{}",
        "{\"ref\":",
        "{\"ref\":null}",
        "{\"ref\":7}",
        "{\"ref\":\"other\"}",
        "{\"push\":{\"changes\":[]}}",
        "{\"push\":{\"changes\":7}}",
        "{\"push\":{\"changes\":[null]}}",
        "{\"push\":{\"changes\":[{\"new\":{\"type\":\"branch\"},\"old\":null}]}}",
        "{\"push\":{\"changes\":[{\"new\":{\"type\":\"branch\",\"name\":\"other\"},\"old\":{\"type\":"
        "\"bookmark\"}}]}}",
        "{\"changes\":[]}",
        "{\"changes\":[7]}",
        "{\"changes\":[{\"ref\":{\"id\":\"refs/heads/other\"}},{}]}",
        "payload=",
        "payload=%7B",
        "payload=%",
        "payload=%7B%22ref%22%3A%22refs%2Fheads%2Fmain%22%7D&more=1",
    };
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
        if (!asks(bodies[i], "main"))
            fail_msg("no look for %s", bodies[i]);
}

static void test_branches(void **state)
{
    (void)state;
    static const char push[] = "{\"ref\":\"refs/heads/release/1\"}";
    assert_true(asks(push, "release/1"));
    assert_true(asks(push, "refs/heads/release/1"));
    assert_true(asks(push, NULL));
    assert_false(asks(push, "1"));
    assert_false(asks(push, "release"));
    assert_false(asks(push, "refs/tags/release/1"));
    assert_false(asks("payload=%7b+%22ref%22:+%22refs%2Fheads%2Fb%22%7d", "a"));
    assert_true(asks("{\"ref\":\"refs/tags/v1\"}", "refs/tags/v1"));
}

/* --- repositories --------------------------------------------------------------------------------------- */

static void test_addresses(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"https://git.example.org/infra/web.git", "git.example.org/infra/web"},
        {"https://git.example.org/infra/web", "git.example.org/infra/web"},
        {"https://git.example.org/infra/web/", "git.example.org/infra/web"},
        {"https://git.example.org/infra/web.git/", "git.example.org/infra/web"},
        {"https://git.example.org//infra/web", "git.example.org/infra/web"},
        {"https://ada:p@w@git.example.org/infra/web.git", "git.example.org/infra/web"},
        {"https://git.example.org:8443/infra/web.git", "git.example.org/infra/web"},
        {"https://git.example.org/infra/web.git?token=x", "git.example.org/infra/web"},
        {"HTTPS://GIT.example.org/Infra/Web.git", "git.example.org/infra/web"},
        {"http://git.example.org/infra/web", "git.example.org/infra/web"},
        {"git://git.example.org/infra/web.git", "git.example.org/infra/web"},
        {"ssh://git@git.example.org/infra/web.git", "git.example.org/infra/web"},
        {"ssh://git@git.example.org:2222/infra/web.git", "git.example.org/infra/web"},
        {"git@git.example.org:infra/web.git", "git.example.org/infra/web"},
        {"git@git.example.org:/infra/web.git", "git.example.org/infra/web"},
        {"git.example.org:infra/web", "git.example.org/infra/web"},
        {"ssh://git@[::1]:2222/infra/web.git", "[::1]/infra/web"},
        {"git@[::1]:infra/web.git", "[::1]/infra/web"},
        {"https://git.example.org/a:b@c/web.git", "git.example.org/a:b@c/web"},
        {"https://git.example.org/infra/web.github", "git.example.org/infra/web.github"},
        {"https://git.example.org/", NULL},
        {"https://git.example.org", NULL},
        {"https:///infra/web", NULL},
        {"https://", NULL},
        {"https://git.example.org/.git", NULL},
        {"git@git.example.org:", NULL},
        {"file:///srv/git/web.git", NULL},
        {"/srv/git/web.git", NULL},
        {"/srv/git:x/web.git", NULL},
        {"./a:b", NULL},
        {"web", NULL},
        {":", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *address CLEANUP_FREE = webhook_address(cases[i][0]);
        if (!text_equal(address, cases[i][1]))
            fail_msg("%s: %s", cases[i][0], address ? address : "none");
    }
}

/* As the forges name it, whichever of its addresses a source has. */
static void test_repositories(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{\"repository\":{\"clone_url\":\"https://git.example.org/infra/web.git\"}}",
        "{\"repository\":{\"ssh_url\":\"git@git.example.org:infra/web.git\"}}",
        "{\"repository\":{\"git_url\":\"git://git.example.org/infra/web.git\"}}",
        "{\"repository\":{\"html_url\":\"https://git.example.org/infra/web\"}}",
        "{\"project\":{\"git_http_url\":\"https://git.example.org/infra/web.git\"}}",
        "{\"project\":{\"git_ssh_url\":\"ssh://git@git.example.org:2222/infra/web.git\"}}",
        "{\"project\":{\"web_url\":\"https://git.example.org/infra/web\"},\"repository\":7}",
        "{\"repository\":{\"links\":{\"html\":{\"href\":\"https://git.example.org/infra/web\"}}}}",
        "{\"repository\":{\"links\":{\"clone\":[{\"href\":\"ssh://git@git.example.org:7999/infra/web.git\"},"
        "null]}}}",
    };
    static const char *const ours[] = {"https://davit:token@git.example.org/infra/web.git",
                                       "ssh://git@git.example.org:2222/infra/web",
                                       "git@git.example.org:infra/web"};
    static const char *const others[] = {"https://git.example.org/infra/web2.git",
                                         "https://example.org/infra/web.git",
                                         "https://git.example.org/web.git", "/infra/web"};
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct post post CLEANUP(post_deinit) = {0};
        struct webhook_push push CLEANUP(webhook_push_deinit);
        set_body(&post, bodies[i], strlen(bodies[i]));
        struct webhook_request request = request_of(&post);
        webhook_push_read(&request, &push);
        assert_int_equal(push.repositories.len, 1);
        for (size_t k = 0; k < ARRAY_LEN(ours); k++)
            if (!webhook_push_is_of(&push, ours[k]))
                fail_msg("%s is not %s", bodies[i], ours[k]);
        for (size_t k = 0; k < ARRAY_LEN(others); k++)
            if (webhook_push_is_of(&push, others[k]))
                fail_msg("%s is %s", bodies[i], others[k]);
    }
}

/* --- who guesses ---------------------------------------------------------------------------------------- */

/* A webhook behind a server, by a clock of the test's. */
struct guarded {
    uv_loop_t loop;
    struct webhook *webhook;
    struct http_server *server;
    struct http_client *client;
    int64_t now_ms;
    unsigned reports;
    unsigned untold;
    bool done;
    int status;
};

static int64_t guarded_now(void *data)
{
    return ((const struct guarded *)data)->now_ms;
}

static int guarded_secret(void *data, char **ret_secret, struct error *err)
{
    (void)data;
    (void)err;
    *ret_secret = memory_strdup(SECRET);
    return 0;
}

static struct webhook_source guarded_source(void *data, size_t index)
{
    (void)data;
    (void)index;
    return (struct webhook_source){"infra", "https://git.example.org/infra.git", {"main", false}};
}

static void guarded_look(void *data, size_t index)
{
    (void)data;
    (void)index;
}

static void guarded_report(void *data, const struct webhook_report *report)
{
    struct guarded *guarded = data;
    guarded->reports++;
    guarded->untold += report->untold;
}

static void guarded_done(void *data, const struct http_reply *reply)
{
    struct guarded *guarded = data;
    guarded->done = true;
    guarded->status = reply->status;
}

static void guess(struct guarded *guarded, int times, int status)
{
    static const char *const headers[] = {"X-Gitlab-Token: guess", NULL};
    struct http_endpoint endpoint;
    assert_int_equal(http_endpoint_init(&endpoint, http_server_address(guarded->server), NULL), 0);
    const struct http_request request = {.endpoint = &endpoint,
                                         .method = "POST",
                                         .path = "/v1/webhook",
                                         .headers = headers,
                                         .body = "{}",
                                         .body_len = 2,
                                         .deadline_ms = 30000,
                                         .data = guarded,
                                         .done = guarded_done};
    for (int i = 0; i < times; i++) {
        guarded->done = false;
        http_request(guarded->client, &request);
        while (!guarded->done)
            uv_run(&guarded->loop, UV_RUN_ONCE);
        assert_int_equal(guarded->status, status);
    }
    http_endpoint_deinit(&endpoint);
}

/* Each minute has as many, whichever way the clock goes, and what was not told is told as a number, once. */
static void test_guesses_of_a_minute(void **state)
{
    (void)state;
    struct guarded guarded = {.now_ms = 1700000000000};
    struct error err = ERROR_INIT;
    assert_int_equal(uv_loop_init(&guarded.loop), 0);
    guarded.webhook = webhook_new(&(struct webhook_options){.data = &guarded,
                                                            .now_ms = guarded_now,
                                                            .secret = guarded_secret,
                                                            .sources_len = 1,
                                                            .source = guarded_source,
                                                            .look = guarded_look,
                                                            .report = guarded_report});
    const struct http_server_options options = {
        .listen = "127.0.0.1:0", .authenticates = true, .data = guarded.webhook, .handle = webhook_handle};
    if (http_server_new(&guarded.loop, &options, &guarded.server, &err) < 0)
        fail_msg("%s", error_text(&err));
    guarded.client = http_client_new(&guarded.loop, NULL);
    guess(&guarded, LIMIT_WEBHOOK_REFUSALS, 401);
    guarded.now_ms += LIMIT_WEBHOOK_REFUSALS_MS - 1;
    guess(&guarded, 3, 429);
    guarded.now_ms++;
    guess(&guarded, LIMIT_WEBHOOK_REFUSALS, 401);
    guess(&guarded, 1, 429);
    assert_int_equal(guarded.reports, 2 * LIMIT_WEBHOOK_REFUSALS);
    assert_int_equal(guarded.untold, 3);
    guarded.now_ms -= 10 * LIMIT_WEBHOOK_REFUSALS_MS;
    guess(&guarded, LIMIT_WEBHOOK_REFUSALS, 401);
    assert_int_equal(guarded.untold, 4);
    http_client_free(guarded.client);
    http_server_free(guarded.server);
    uv_run(&guarded.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&guarded.loop), 0);
    webhook_free(guarded.webhook);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_genuine),
        cmocka_unit_test(test_tampered),
        cmocka_unit_test(test_all_have_to_be_right),
        cmocka_unit_test(test_sha1_alone),
        cmocka_unit_test(test_nothing_at_all),
        cmocka_unit_test(test_standard),
        cmocka_unit_test(test_standard_border),
        cmocka_unit_test(test_short_secrets),
        cmocka_unit_test(test_in_doubt_it_looks),
        cmocka_unit_test(test_branches),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_repositories),
        cmocka_unit_test(test_guesses_of_a_minute),
    };
    directory = argc > 1 ? argv[1] : "webhooks";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
