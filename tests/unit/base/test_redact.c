#include "base/redact.h"

#include "base/buffer.h"
#include "base/digest.h"
#include "base/memory.h"
#include "unit.h"

#include <string.h>

static void test_urls(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"https://ada:pw@h/a.git", "https://***@h/a.git"},
        {"https://token@h/a", "https://***@h/a"},
        {"mysql://u:p@ss:hunter1@h/db", "mysql://***@h/db"},
        {"amqp://u:hunter1/x@h", "amqp://***@h"},
        {"amqp://u:hunt#er@h/v", "amqp://***@h/v"},
        {"http://u:p@h/a@b", "http://***@b"},
        {"redis://:pw@h:6379/0", "redis://***@h:6379/0"},
        {"http://h/a?token=pw", "http://h/a?***"},
        {"http://u:p@h/a?token=pw", "http://***@h/a?***"},
        {"http://u:p?w@h/a", "http://***"},
        {"http://h/a?to=a@b&token=pw", "http://***"},
        {"ssh://git:pw@h/a", "ssh://git:***@h/a"},
        {"SSH://git@h:22/a", "SSH://git@h:22/a"},
        {"git+ssh://git@h/a", "git+ssh://git@h/a"},
        {"https://h/a", "https://h/a"},
        {"git@h:a/b", "git@h:a/b"},
        {"r/a@sha256:ab?", "r/a@sha256:ab?"},
        {"", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *shown CLEANUP_FREE = redact_url(cases[i][0], strlen(cases[i][0]));
        assert_string_equal(shown, cases[i][1]);
    }
}

static void test_one_argument(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"--dsn=mysql://u:p@ss:hunter1@h/db", "--dsn=mysql://***@h/db"},
        {"curl 'http://u:p@h/a' http://x?k=v \"amqp://u:p/w@h\"; id@h",
         "curl 'http://***@h/a' http://x?*** \"amqp://***@h\"; id@h"},
        {"--password=hunter1", "--password=***"},
        {"--password=a b", "--password=***"},
        {"mysql --password hunter1 ping", "mysql --password ***"},
        {"mysql -h db --db-password 'a b' x", "mysql -h db --db-password '***"},
        {"PGPASSWORD=hunter1 psql", "PGPASSWORD=***"},
        {"PGPASSWORD=a\\ b psql", "PGPASSWORD=***"},
        {"PASSWORD=", "PASSWORD="},
        {"--password=+=x", "--password=***"},
        {"--password ]:x", "--password ***"},
        {"PASSWORD = x", "PASSWORD = ***"},
        {"PASSWORD := x", "PASSWORD :***"},
        {"-Da=b -Dkey.storePass=x", "-Da=b -Dkey.storePass=***"},
        {"ro,username=u,password=x,y", "ro,username=u,password=***"},
        {"user[name]=u&user[password]=x", "user[name]=u&user[password]=***"},
        {"PASSWORD=http://h?a\\ b", "PASSWORD=***"},
        {"sh -c \"redis-cli --pass x ping\"", "sh -c \"redis-cli --pass ***"},
        {"--token --password x", "--token ***"},
        {"--token-file /run/t --token /run/t", "--token-file /run/t --token ***"},
        {"--token \"x", "--token \"***"},
        {"TOKEN2=x", "TOKEN2=***"},
        {"API_KEY_1: x", "API_KEY_1: ***"},
        {"PASSWORD_=x", "PASSWORD_=***"},
        {"passwordprofile=x", "passwordprofile=***"},
        {"passwordFile=x PASSWORD_FILE=x passwordfile=x PASSWORDFILE2=x SecretParameter=x",
         "passwordFile=x PASSWORD_FILE=x passwordfile=x PASSWORDFILE2=x SecretParameter=x"},
        {"max_tokens_2=5 sha256=x file=x", "max_tokens_2=5 sha256=x file=x"},
        {"--max-tokens 5 --tokenizer=x a=b=c", "--max-tokens 5 --tokenizer=x a=b=c"},
        {"password x > y", "password x > y"},
        {"basic-x bearers b", "basic-x bearers b"},
        {"curl -u basic dXNlcjpwdw==", "curl -u basic ***"},
        {" a  'b ' ", " a  'b ' "},
        {"", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bool announced = false;
        char *shown CLEANUP_FREE = redact_argument(cases[i][0], &announced);
        assert_string_equal(shown, cases[i][1]);
        assert_false(announced);
    }
}

static void assert_shown(const char *text, const char *expected)
{
    bool announced = false;
    char *shown CLEANUP_FREE = redact_argument(text, &announced);
    assert_string_equal(shown, expected);
}

static void test_headers(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"Authorization: Bearer x", "Authorization: ***"},
        {"Authorization:Bearer x", "Authorization:***"},
        {"Authorization: token ghp_x", "Authorization: ***"},
        {"proxy-authorization: Digest a=\"b\", c=d", "proxy-authorization: ***"},
        {"X-Api-Key:x", "X-Api-Key:***"},
        {"call with bearer x", "call with bearer ***"},
        {"-H 'X-Auth-Token: x'", "-H 'X-Auth-Token: ***"},
        {"sh -c \"curl -H 'Authorization: Bearer A' -H 'X-Auth-Token: B' https://h\"",
         "sh -c \"curl -H 'Authorization: ***"},
        {"-H \"X-Api-Key: A\" -H \"X-Auth-Token: B\"", "-H \"X-Api-Key: ***"},
        {"\"password: A\" \"token: B\" 'secret: C'", "\"password: ***"},
        {"sh -c 'curl -H \"Cookie: c\" -H \"X-Auth-Token: A\" --pass B' c", //
         "sh -c 'curl -H \"Cookie: c\" -H \"X-Auth-Token: ***"},
        {"echo it's; x --password 'a b' --token c", "echo it's; x --password '***"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_shown(cases[i][0], cases[i][1]);
}

static void test_json_in_an_argument(void **state)
{
    (void)state;
    assert_shown("{\"user\": \"u\", \"password\": \"x\"}", "{\"user\": \"u\", \"password\": \"***");
    assert_shown("{\"password\":\"x\",\"token\":\"y\"}", "{\"password\":\"***");
    assert_shown("\"{\\\"password\\\" : \\\"x\\\"}\"", "\"{\\\"password\\\" : ***");
    assert_shown("{'token' => 'x'}", "{'token' =***");
    assert_shown("{\"user\": \"password\"}", "{\"user\": \"password\"}");
}

/* --- any text ------------------------------------------------------------------------------------------- */

#define ROUNDS 5000

static const char *one_of(struct id_source *ids, const char *const *list, size_t len)
{
    return list[id_draw_number(ids) % len];
}
#define ONE_OF(ids, list) one_of(ids, list, ARRAY_LEN(list))

static const char *const harmless[] = {"",     " ",  "sh -c ", "-H ",  "'",        "\"",
                                       "`",    "\\", "\\\"",   "it's", "{\"a\": ", "[",
                                       "a=b ", "\n", "-p 1 ",  "$(",   "name: ",   "\"b\","};
static const char *const bounds[] = {" ", "'", "\"", "\\\"", "{", ",", "\t", "&"};
static const char *const names[] = {"password",  "X-Auth-Token",  "DB_PASSWORD", "api.key",
                                    "-Dsecret",  "Authorization", "--token",     "PGPASSWORD",
                                    "X-Api-Key", "--db-password"};
static const char *const gaps[] = {"=",   ":",     ": ", " = ", "\": \"",    "\":\"",  "='",
                                   ": '", "=\\\"", ":=", "]=",  "\\\":\\\"", "' => '", "=`"};
static const char *const values[] = {"LEAK",     "a LEAK",      "\\\"LEAK",  "a' LEAK",
                                     "b\" LEAK", "Bearer LEAK", "token LEAK"};

/* Returns the length up to the end of the first name. */
static size_t draw_text(struct id_source *ids, struct buffer *text)
{
    size_t first = 0;
    for (int i = 0; i < 4; i++)
        buffer_append_str(text, ONE_OF(ids, harmless));
    for (int i = 1; i <= 3; i++) {
        buffer_append_str(text, ONE_OF(ids, bounds));
        buffer_append_str(text, ONE_OF(ids, names));
        first = first ? first : text->len;
        buffer_append_str(text, ONE_OF(ids, gaps));
        buffer_append_str(text, ONE_OF(ids, values));
        buffer_append_str(text, (const char *[]){"1", "2", "3"}[i - 1]);
        buffer_append_str(text, ONE_OF(ids, harmless));
    }
    return first;
}

/* Whatever the quotes around them and within them: all up to the first name is shown, and no secret. */
static void test_any_text(void **state)
{
    (void)state;
    struct id_source ids = {.seed = 7};
    for (int i = 0; i < ROUNDS; i++) {
        struct buffer out = BUFFER_INIT(SIZE_MAX);
        size_t first = draw_text(&ids, &out);
        char *text CLEANUP_FREE = buffer_steal(&out);
        bool announced = false;
        char *shown CLEANUP_FREE = redact_argument(text, &announced);
        if (strstr(shown, "LEAK") || strncmp(shown, text, first) != 0)
            fail_msg("%s\nis shown as\n%s", text, shown);
        assert_false(announced);
    }
}

static void test_any_harmless_text_is_shown(void **state)
{
    (void)state;
    struct id_source ids = {.seed = 8};
    for (int i = 0; i < ROUNDS; i++) {
        struct buffer out = BUFFER_INIT(SIZE_MAX);
        for (int j = 0; j < 8; j++)
            buffer_append_str(&out, ONE_OF(&ids, harmless));
        char *text CLEANUP_FREE = buffer_steal(&out);
        assert_shown(text, text);
    }
}

/* --- arguments ------------------------------------------------------------------------------------------ */

static void test_an_option_and_its_value(void **state)
{
    (void)state;
    static const char *const arguments[][2] = {
        {"--user", "--user"},
        {"ada", "ada"},
        {"--password", "--password"},
        {"a b", "***"},
        {"c", "c"},
        {"--token", "--token"},
        {"--secret", "--secret"},
        {"d", "***"},
        {"-H", "-H"},
        {"X-Api-Key:", "X-Api-Key:"},
        {"--e=f", "***"},
        {"TOKEN=", "TOKEN="},
        {"g", "g"},
        {"Authorization:", "Authorization:"},
        {"Bearer", "Bearer"},
        {"h", "***"},
        {"Authorization:Bearer i", "Authorization:***"},
        {"j", "j"},
    };
    bool announced = false;
    for (size_t i = 0; i < ARRAY_LEN(arguments); i++) {
        char *shown CLEANUP_FREE = redact_argument(arguments[i][0], &announced);
        assert_string_equal(shown, arguments[i][1]);
    }
}

static bool is_secret(const char *name)
{
    return redact_is_secret_name(name, strlen(name));
}

static void test_names(void **state)
{
    (void)state;
    static const char *const secret[] = {
        "DB_PASSWORD",         "password",       "PASSWD_1",    "client-secret", "splunk-token",
        "x.api_key",           "AccessKey",      "mysql_pwd",   "keystore.pass", "credentials.user",
        "Proxy-Authorization", "KEY_PASSPHRASE", "private-key", "BASIC_AUTH"};
    static const char *const open[] = {"", "user", "PASSWORD_FILE", "credentialsParameter", "key", "tokens"};
    for (size_t i = 0; i < ARRAY_LEN(secret); i++)
        assert_true(is_secret(secret[i]));
    for (size_t i = 0; i < ARRAY_LEN(open); i++)
        assert_false(is_secret(open[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_one_argument),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_json_in_an_argument),
        cmocka_unit_test(test_any_text),
        cmocka_unit_test(test_any_harmless_text_is_shown),
        cmocka_unit_test(test_an_option_and_its_value),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
