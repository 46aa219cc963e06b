/* A diff as a comment of a pull request, and as text. */
#include "cli/diff_print.h"

#include "base/memory.h"
#include "base/text.h"
#include "cli/output.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

typedef void print_fn(const struct cli *cli, const json_t *answer);

/* Not inlined: gcc would take what strstr() finds for a pointer into this frame. */
__attribute__((noinline)) static char *printed(print_fn *print, const json_t *answer)
{
    char *text = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&text, &len);
    const struct cli cli = {.out = file};
    assert_non_null(file);
    print(&cli, answer);
    fclose(file);
    return text;
}

static json_t *parsed(const char *text)
{
    json_error_t error;
    json_t *json = json_loads(text, 0, &error);
    if (!json)
        fail_msg("%d:%d: %s", error.line, error.column, error.text);
    cli_make_printable(json);
    return json;
}

static char *markdown(const char *answer)
{
    json_t *json CLEANUP(json_decrefp) = parsed(answer);
    return printed(cli_diff_print_markdown, json);
}

static void expect(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("no \"%s\" in:\n%s", part, text);
}

static void expect_not(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("\"%s\" is in:\n%s", part, text);
}

#define DEPLOY                                                                                               \
    "{\"cluster\":\"demo\",\"service\":\"web\",\"change\":\"deploy\",\"details\":[{\"what\":\"container "    \
    "\\\"web\\\" "                                                                                           \
    "image\",\"from\":\"a:1\",\"to\":\"a:2\"},{\"what\":\"desiredCount\",\"from\":2,\"to\":4}],"             \
    "\"preDeploy\":["                                                                                        \
    "\"migrate\",\"seed\"],\"dependsOn\":[\"demo/db\"],\"waits\":\"for its change window, which opens at "   \
    "2026-01-01 02:00 "                                                                                      \
    "UTC\",\"tasks\":{\"before\":2,\"after\":4,\"starts\":4,\"stops\":2,\"rounds\":2,\"atOnce\":"            \
    "2,\"minimumHealthy\":4,\"maximum\":6},\"downtime\":{\"expected\":\"none\",\"reasons\":[]}}"
#define OTHERS                                                                                               \
    "{\"cluster\":\"demo\",\"change\":\"update\",\"details\":[{\"what\":\"davit suspend\",\"to\":true}]},"   \
    "{\"cluster\":\"demo\",\"service\":\"new\",\"change\":\"create\",\"details\":[{\"what\":"                \
    "\"desiredCount\","                                                                                      \
    "\"from\":0,\"to\":2}],\"tasks\":{\"starts\":2}},"                                                       \
    "{\"cluster\":\"demo\",\"service\":\"old\",\"change\":\"remove\",\"details\":[],\"tasks\":{\"stops\":3}" \
    "},"                                                                                                     \
    "{\"cluster\":\"demo\",\"service\":\"kept\",\"change\":\"leave\",\"details\":[]},"                       \
    "{\"cluster\":\"demo\",\"service\":\"stuck\",\"change\":\"deploy\",\"details\":[],\"tasks\":{\"after\":" \
    "1,"                                                                                                     \
    "\"minimumHealthy\":1,\"maximum\":1,\"stuck\":true}},"                                                   \
    "{\"cluster\":\"edge\",\"service\":\"agent\",\"change\":\"deploy\",\"schedulingStrategy\":\"DAEMON\","   \
    "\"details\":[],\"downtime\":{\"expected\":\"certain\",\"reasons\":[\"one by "                           \
    "one\"]},\"suspended\":true},"                                                                           \
    "{\"scheduledTask\":\"nightly\",\"change\":\"create\",\"details\":[]}"

static void test_each_kind_of_change(void **state)
{
    (void)state;
    char *text CLEANUP_FREE = markdown(
        "{\"differences\":[" DEPLOY "," OTHERS "],\"unchanged\":[\"demo/note\"],\"held\":\"removes 3 of 4 "
        "services (c/a, c/b_b)\",\"from\":{\"oid\":\"0123456789abcdef\",\"subject\":\"one\"},\"to\":{"
        "\"oid\":\"fedcba9876543210\",\"subject\":\"@all\"},\"summary\":{\"create\":1,\"deploy\":3,"
        "\"remove\":1,\"tasksStart\":6,\"tasksStop\":1,\"uncounted\":1}}");
    expect(text,
           "### davit: what this deploys\n\n**1 new service, 3 new deployments, 1 service removed; 6 tasks "
           "start, 1 stops, without those of 1 service whose count is not in git**\n");
    expect(text, "\nFrom `0123456789ab` `one` to `fedcba987654` `@all`\n");
    expect(
        text,
        "\n> **Held** by the deletion budget: the commit `removes 3 of 4 services (c/a, c/b_b)`; what runs "
        "stays until davit approve COMMIT, or");
    expect(
        text,
        "\nCluster `demo`\n\n| service | what happens | because | how |\n|---|---|---|---|\n"
        "| `web` | new deployment, scale 2 → 4 | `container \"web\" image` `a:1` → `a:2` | waits for its "
        "change window, which opens at 2026-01-01 02:00 UTC<br>waits until healthy: demo/db<br>runs first: "
        "migrate, then seed<br>4 tasks in 2 rounds, 2 at a time; at least 4 of 4 healthy, at most 6 at "
        "once<br>without downtime |\n");
    expect(
        text,
        "\n| what | what happens | because | how |\n|---|---|---|---|\n| cluster `demo` | changed in place | "
        "`davit suspend` added `yes` |  |\n");
    expect(text, "\n| `new` | new service |  | starts 2 tasks |\n| `old` | removed |  | stops 3 tasks |\n"
                 "| `kept` | left; its tasks stay (davit.prune: disabled) |  |  |\n| `stuck` | new "
                 "deployment |  | stuck: "
                 "with at least 1 of 1 healthy and at most 1 at once no task may start");
    expect(
        text,
        "\nCluster `edge`\n\n| service | what happens | because | how |\n|---|---|---|---|\n| `agent` | new "
        "deployment |  | suspended: nothing happens until that ends<br>one task on every "
        "instance<br>downtime: "
        "one by one |\n");
    expect(text, "| scheduled task `nightly` | new |  |  |\n");
    expect(text, "\nOnly comments, order or formatting changed, so nothing happens: `demo/note`\n");
    expect(
        text,
        "\n<details><summary>Every change</summary>\n\n- `demo/web`: new deployment\n  - `container \"web\" "
        "image` `a:1` → `a:2`\n  - `desiredCount` `2` → `4`\n");
    assert_true(text_ends_with(text, "\n</details>\n"));
}

static void test_nothing_to_do(void **state)
{
    (void)state;
    char *text CLEANUP_FREE = markdown("{\"differences\":[],\"unchanged\":[],\"summary\":{}}");
    assert_string_equal(text,
                        "### davit: what this deploys\n\n**No differences**: nothing is deployed, started or "
                        "stopped.\n");
}

/* Of a table with four columns, in code throughout. */
static void expect_one_row(const char *text)
{
    const char *row = strstr(text, "\n| <code>");
    const char *foot = strstr(text, "</details>");
    int cells = 0;
    assert_non_null(row);
    assert_non_null(foot);
    for (const char *c = row + 1; *c != '\n'; c++) {
        assert_true(!strchr("`@#\\![]", *c) || (*c == '#' && c[-1] == '&'));
        cells += *c == '|';
    }
    assert_int_equal(cells, 5);
    expect_not(text, "<img");
    expect_not(text, "<!--");
    expect_not(foot + 1, "</details>");
}

/* What a manifest says can neither end a cell nor bring markup, links or mentions: all of it stands in code,
 * with every sign that means something as a reference where a code span would not hold it. */
static void test_markup_stays_text(void **state)
{
    (void)state;
    static const char *const hostile[] = {
        "a | b",          "`x`",       "``",  "\\\\|",         "<img src=x>`",
        "</details>|",    "@octocat|", "#1`", "x\\u000a| y |", "![i](http://e.org)`",
        "<!-- davit -->|"};
    for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
        char *answer CLEANUP_FREE =
            memory_printf("{\"differences\":[{\"cluster\":\"c\",\"service\":\"%s\",\"change\":\"deploy\","
                          "\"details\":[{\"what\":"
                          "\"%s\",\"from\":\"%s\",\"to\":\"%s\"}],\"dependsOn\":[\"%s\"],\"preDeploy\":[\"%"
                          "s\"]}],\"held\":\"%s\"}",
                          hostile[i], hostile[i], hostile[i], hostile[i], hostile[i], hostile[i], hostile[i]);
        char *text CLEANUP_FREE = markdown(answer);
        expect_one_row(text);
    }
}

/* In a code span these are text as they are. */
static void test_plain_code(void **state)
{
    (void)state;
    char *text CLEANUP_FREE =
        markdown("{\"differences\":[{\"cluster\":\"c\",\"service\":\"w\",\"change\":\"update\",\"details\":[{"
                 "\"what\":\"davit x\",\"from\":\"\",\"to\":\"@octocat <b>*_#1 http://e.org\"}]}]}");
    expect(text, "`davit x` <code></code> → `@octocat <b>*_#1 http://e.org` |");
}

static void test_a_sentence_with_a_name_is_code(void **state)
{
    (void)state;
    char *text CLEANUP_FREE = markdown(
        "{\"differences\":[{\"cluster\":\"c\",\"service\":\"w\",\"change\":\"deploy\",\"details\":[],"
        "\"downtime\":{\"expected\":\"possible\",\"reasons\":[\"container \\\"a_b_\\\" has no "
        "healthCheck\"]}}]}");
    expect(text, "| `downtime is possible: container \"a_b_\" has no healthCheck` |");
}

static json_t *many(size_t services, size_t details)
{
    json_t *differences = json_array();
    for (size_t i = 0; i < services; i++) {
        char name[32];
        snprintf(name, sizeof name, "service-%05zu", i);
        json_t *list = json_array();
        for (size_t j = 0; j < details; j++)
            json_array_append_new(list, json_pack("{s:s,s:s,s:s}", "what", "container \"web\" image", "from",
                                                  "registry.example.org/web:1", "to",
                                                  "registry.example.org/web:2"));
        json_array_append_new(differences, json_pack("{s:s,s:s,s:s,s:o}", "cluster", "demo", "service", name,
                                                     "change", "deploy", "details", list));
    }
    return json_pack("{s:o}", "differences", differences);
}

/* GitHub refuses a comment of more than 65,536 characters. */
static void test_the_cap(void **state)
{
    (void)state;
    static const size_t sizes[][2] = {{10000, 1}, {400, 40}, {1, 5000}, {200, 3}};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        json_t *json CLEANUP(json_decrefp) = many(sizes[i][0], sizes[i][1]);
        char *text CLEANUP_FREE = printed(cli_diff_print_markdown, json);
        assert_true(strlen(text) <= 60000);
        assert_true(text_ends_with(text, "\n</details>\n"));
        expect(text, "and ");
        expect(text, " more");
    }
    json_t *json CLEANUP(json_decrefp) = many(10000, 1);
    char *text CLEANUP_FREE = printed(cli_diff_print_markdown, json);
    size_t rows = 0;
    for (const char *at = text; (at = strstr(at, "\n| `service-")); at++)
        rows++;
    char *more CLEANUP_FREE = memory_printf("**and %zu more changes**", 10000 - rows);
    assert_true(rows > 100);
    expect(text, more);
}

/* A row is whole however long its parts are. */
static void test_long_parts(void **state)
{
    (void)state;
    char *long_text CLEANUP_FREE = memory_calloc(20001, 1);
    for (size_t i = 0; i < 20000; i++)
        long_text[i] = i % 2 ? '|' : '_';
    json_t *change = json_pack("{s:s,s:s,s:s}", "what", long_text, "from", "|", "to", long_text);
    json_t *json CLEANUP(json_decrefp) = json_pack(
        "{s:s,s:[{s:s,s:s,s:s,s:[o,O,O,O],s:[s],s:[s],s:[s],s:s,s:{s:s,s:[s]}}]}", "held", long_text,
        "differences", "cluster", long_text, "service", long_text, "change", "deploy", "details", change,
        change, change, change, "dependsOn", long_text, "preDeploy", long_text, "needs", long_text, "waits",
        long_text, "downtime", "expected", "certain", "reasons", long_text);
    assert_non_null(json);
    char *text CLEANUP_FREE = printed(cli_diff_print_markdown, json);
    assert_true(strlen(text) <= 60000);
    expect_one_row(text);
    expect(text, "</code>... |\n");
    expect(text, "  - and 3 more\n");
}

static void test_what_could_not_be_computed(void **state)
{
    (void)state;
    char *text CLEANUP_FREE = markdown(
        "{\"error\":\"HEAD is not valid\",\"revision\":\"HEAD\",\"diagnostics\":{\"errors\":1,"
        "\"diagnostics\":[{\"severity\":\"error\",\"file\":\"a.yaml\",\"line\":8,\"column\":5,\"code\":"
        "\"syntax\",\"message\":\"no such `thing`\"}]}}");
    assert_string_equal(
        text, "### davit: the diff could not be computed\n\n> **What this would deploy is not known**: "
              "`HEAD is not valid`\n\n- <code>a&#46;yaml&#58;8&#58;5&#58; error&#58; no such "
              "&#96;thing&#96;</code>\n");
}

static void test_text_says_the_same(void **state)
{
    (void)state;
    json_t *json CLEANUP(json_decrefp) = parsed("{\"differences\":[" DEPLOY "," OTHERS
                                                "],\"unchanged\":[\"demo/note\"],\"summary\":{\"deploy\":1,"
                                                "\"tasksStart\":1,\"tasksStop\":2}}");
    char *text CLEANUP_FREE = printed(cli_diff_print_text, json);
    expect(text,
           "demo/web: new deployment\n  container \"web\" image: a:1 -> a:2\n  scale 2 -> 4\n  runs first: "
           "migrate, then seed (davit.preDeploy)\n  waits until demo/db is deployed and healthy "
           "(davit.dependsOn)\n  waits for its change window, which opens at 2026-01-01 02:00 UTC\n  4 tasks "
           "in 2 "
           "rounds, 2 at a time; at least 4 of 4 healthy, at most 6 at once\n  without downtime\n");
    expect(text, "demo/old: removed\n  stops 3 tasks\n");
    expect(
        text,
        "edge/agent: new deployment\n  suspended: nothing of it happens until that ends\n  one task on every "
        "instance\n  downtime: one by one\n");
    expect(text, "demo/note: only comments, order or formatting changed: nothing happens\n");
    expect(text, "\n1 new deployment; 1 task starts, 2 stop\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_of_change),
        cmocka_unit_test(test_nothing_to_do),
        cmocka_unit_test(test_markup_stays_text),
        cmocka_unit_test(test_plain_code),
        cmocka_unit_test(test_a_sentence_with_a_name_is_code),
        cmocka_unit_test(test_the_cap),
        cmocka_unit_test(test_long_parts),
        cmocka_unit_test(test_what_could_not_be_computed),
        cmocka_unit_test(test_text_says_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
