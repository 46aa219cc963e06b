/* Tables, YAML, ages and the progress of rollouts. */
#include "cli/output.h"

#include "base/memory.h"
#include "base/text.h"
#include "cli/progress.h"
#include "manifest/document.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

struct text {
    FILE *file;
    char *data;
    size_t len;
};

/* Opens on first use: the addresses must be those of the caller's variable. */
static FILE *file_of(struct text *text)
{
    if (!text->file)
        text->file = open_memstream(&text->data, &text->len);
    return text->file;
}

static void expect(struct text *text, const char *expected)
{
    fclose(file_of(text));
    assert_string_equal(text->data, expected);
    free(text->data);
}

static void test_columns_are_aligned(void **state)
{
    (void)state;
    struct text text = {0};
    struct cli_grid grid = {.columns = 3};
    static const char *const cells[] = {"NAME",
                                        "N",
                                        "LAST",
                                        "w\xc3\xa9"
                                        "b",
                                        "10",
                                        "a\nb",
                                        "",
                                        "1",
                                        NULL};
    for (size_t i = 0; i < ARRAY_LEN(cells); i++)
        cli_grid_add(&grid, memory_strdup(cells[i]));
    cli_grid_print(&grid, file_of(&text));
    cli_grid_deinit(&grid);
    expect(&text, "NAME  N   LAST\n"
                  "w\xc3\xa9"
                  "b   10  a b\n"
                  "-     1   -\n");
}

static void expect_yaml(const char *json, const char *yaml)
{
    struct text text = {0};
    json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    cli_write_yaml(file_of(&text), value);
    json_decref(value);
    expect(&text, yaml);
}

static void test_yaml(void **state)
{
    (void)state;
    expect_yaml("{\"a\":1,\"b\":[{\"c\":\"x\",\"d\":[1,2]},{}],\"e\":{\"f\":null},\"g\":[]}", "a: 1\n"
                                                                                              "b:\n"
                                                                                              "- c: x\n"
                                                                                              "  d:\n"
                                                                                              "  - 1\n"
                                                                                              "  - 2\n"
                                                                                              "- {}\n"
                                                                                              "e:\n"
                                                                                              "  f: null\n"
                                                                                              "g: []\n");
    expect_yaml(
        "[\"true\",\"No\",\"1.5\",\"\",\" x\",\"x \",\"a: b\",\"a:b\",\"a #b\",\"- a\",\"two words\",true]",
        "- \"true\"\n- \"No\"\n- \"1.5\"\n- \"\"\n- \" x\"\n- \"x \"\n- \"a: b\"\n- a:b\n- \"a #b\"\n"
        "- \"- a\"\n- two words\n- true\n");
    expect_yaml("{\"k: x\":\"a\\nb\"}", "\"k: x\": |-\n  a\n  b\n");
    expect_yaml("{\"a\":[\"x\\n\\n y\\n\",{\"b\":\"#\\n\"}],\"c\":\"x \\n\",\"d\":\"x\\n\\n\"}",
                "a:\n- |\n  x\n\n   y\n- b: |\n    #\nc: \"x \\n\"\nd: \"x\\n\\n\"\n");
    expect_yaml("[\"\\u007f\\u0085\\u2028\\\\\\\"\\t\"]", "- \"\\u007F\\u0085\\u2028\\\\\\\"\\t\"\n");
    expect_yaml("[[1,[2]],[]]", "-\n  - 1\n  -\n    - 2\n- []\n");
}

/* --- what is written is read back ----------------------------------------------------------------------- */

static const char *const pieces[] = {"a",
                                     "no",
                                     "No",
                                     "true",
                                     "null",
                                     "~",
                                     "1",
                                     "0x1f",
                                     "1e3",
                                     ".5",
                                     ".inf",
                                     "-",
                                     ":",
                                     ": ",
                                     " ",
                                     "#",
                                     " #",
                                     "\n",
                                     "\n\n",
                                     "\t",
                                     "\r",
                                     "'",
                                     "\"",
                                     "\\",
                                     "{",
                                     "}",
                                     "[",
                                     "]",
                                     ",",
                                     "&a",
                                     "*a",
                                     "!t",
                                     "|",
                                     ">",
                                     "%",
                                     "@",
                                     "`",
                                     "---",
                                     "...",
                                     "? ",
                                     "<<",
                                     "=",
                                     "é",
                                     "日本",
                                     "🚢",
                                     "\x7f",
                                     "\x01",
                                     "\xc2\x85",
                                     "\xe2\x80\xa8",
                                     "\xef\xbb\xbf",
                                     "${A}",
                                     "$${",
                                     "\x1b",
                                     "\xc2\xa0",
                                     "\xef\xbf\xbf",
                                     "2026-01-01",
                                     "/",
                                     "a/b",
                                     "=b",
                                     "012",
                                     "0o7",
                                     "+1",
                                     "-.5",
                                     "y",
                                     "on",
                                     "null "};

static char *random_text(unsigned *seed)
{
    char *text = memory_strdup("");
    int n = rand_r(seed) % 5;
    if (rand_r(seed) % 64 == 0)
        n += 300; /* longer than a simple key may be */
    for (int i = 0; i < n; i++) {
        char *longer = memory_printf("%s%s", text, pieces[(size_t)rand_r(seed) % ARRAY_LEN(pieces)]);
        free(text);
        text = longer;
    }
    return text;
}

static json_t *random_scalar(unsigned *seed)
{
    static const double reals[] = {0.0, -0.5, 1.0, 1e300, 1e-300, 1e20, 123456.789, 0.1};
    char *text CLEANUP_FREE = random_text(seed);
    switch (rand_r(seed) % 6) {
    case 0:
        return json_integer(rand_r(seed) % 2 ? INT64_MIN : rand_r(seed));
    case 1:
        return json_real(reals[(size_t)rand_r(seed) % ARRAY_LEN(reals)]);
    case 2:
        return rand_r(seed) % 2 ? json_null() : json_boolean(rand_r(seed) % 2);
    default:
        return json_string(text);
    }
}

static json_t *random_value(unsigned *seed, int depth)
{
    int kind = depth > 4 ? 0 : rand_r(seed) % 3;
    int n = rand_r(seed) % 4;
    if (kind == 0)
        return random_scalar(seed);
    json_t *value = kind == 1 ? json_array() : json_object();
    for (int i = 0; i < n; i++) {
        char *key CLEANUP_FREE = random_text(seed);
        json_t *item = random_value(seed, depth + 1);
        if (kind == 1)
            json_array_append_new(value, item);
        else
            json_object_set_new(value, text_equal(key, "<<") ? "a" : key, item); /* merge keys are refused */
    }
    return value;
}

static void expect_same(const json_t *value, unsigned seed)
{
    struct text text = {0};
    struct document_vec documents CLEANUP(document_vec_deinit) = {0};
    struct diagnostics diagnostics CLEANUP(diagnostics_deinit) = {0};
    cli_write_yaml(file_of(&text), value);
    fclose(text.file);
    char *yaml CLEANUP_FREE = text.data;
    const struct document_input input = {"t.yaml", yaml, text.len};
    int r = document_parse(&input, &documents, &diagnostics);
    if (r < 0) {
        char *why CLEANUP_FREE = diagnostic_to_text(&diagnostics.list.items[0]);
        fail_msg("seed %u: %s in\n%s", seed, why, yaml);
    }
    if (documents.len != 1 || !json_equal(documents.items[0].value, value))
        fail_msg("seed %u: another value comes back of\n%s", seed, yaml);
}

static void test_yaml_is_read_back(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= (unsigned)unit_rounds(20000, 200); i++) {
        unsigned seed = i;
        json_t *value = json_pack("{s:o}", "value", random_value(&seed, 0));
        expect_same(value, i);
        json_decref(value);
    }
}

static void expect_age(int64_t ms, const char *expected)
{
    char *age = cli_age("2026-01-01T00:00:00.000Z", 1767225600000 + ms);
    assert_string_equal(age, expected);
    free(age);
}

static void test_ages(void **state)
{
    (void)state;
    expect_age(-5000, "0s");
    expect_age(59000, "59s");
    expect_age(119000, "119s");
    expect_age(5 * 60000, "5m");
    expect_age(3 * 3600000, "3h");
    expect_age(49 * 3600000, "2d");
    assert_null(cli_age("never", 0));
    assert_null(cli_age(NULL, 0));
}

static void expect_duration(int64_t ms, const char *expected)
{
    char *text = cli_duration(ms);
    assert_string_equal(text, expected);
    free(text);
}

static void test_durations(void **state)
{
    (void)state;
    expect_duration(7, "7ms");
    expect_duration(999, "999ms");
    expect_duration(1000, "1.0s");
    expect_duration(3449, "3.4s");
    expect_duration(9999, "9.9s");
    expect_duration(10000, "10s");
    expect_duration(34999, "34s");
    expect_duration(303000, "5m3s");
    expect_duration(3900000, "1h5m");
}

static void expect_short(const char *text, const char *expected)
{
    char *got = cli_short_ids(text);
    assert_string_equal(got, expected);
    free(got);
}

static void test_ids_are_cut(void **state)
{
    (void)state;
    expect_short("", "");
    expect_short("(service web) (task 0123456789abcdef0123456789abcdef) failed",
                 "(service web) (task 0123456789ab) failed");
    expect_short("(deployment ecs-svc/4712261678819166757) done", "(deployment ecs-svc/471226167881) done");
    expect_short("ecs-svc/123, 4712261678819166757 bytes", "ecs-svc/123, 4712261678819166757 bytes");
    expect_short("x0123456789abcdef0123456789abcdef", "x0123456789abcdef0123456789abcdef");
    expect_short("w\xc3\xa9"
                 "b",
                 "w\xc3\xa9"
                 "b");
}

static const struct progress_service busy = {.cluster = "demo",
                                             .name = "web",
                                             .word = "deploying",
                                             .desired = 4,
                                             .healthy = 3,
                                             .family = "web",
                                             .revision = 2,
                                             .commit = "abc1234567890",
                                             .waiting = "3 of 4 tasks healthy"};

static void expect_line(struct progress_service service, const char *expected)
{
    char *line = progress_line(&service, 0);
    assert_string_equal(line, expected);
    free(line);
}

static void test_progress_lines(void **state)
{
    (void)state;
    struct progress_service service = busy;
    expect_line(service, "demo/web  [#######...] 3/4 healthy  deploying web:2 (abc1234)  "
                         "waiting: 3 of 4 tasks healthy");
    service.waiting = NULL;
    service.pulling = "nginx:1";
    expect_line(service, "demo/web  [#######...] 3/4 healthy  deploying web:2 (abc1234)  pulling nginx:1");
    service.pulled_bytes = 12345678;
    service.pull_bytes = 45000000;
    expect_line(service, "demo/web  [#######...] 3/4 healthy  deploying web:2 (abc1234)  "
                         "pulling nginx:1 12.3/45.0 MB");
    service.pull_failure = "connection refused; tried again in 1.1s (2 of 5)";
    expect_line(service, "demo/web  [#######...] 3/4 healthy  deploying web:2 (abc1234)  "
                         "pulling nginx:1: connection refused; tried again in 1.1s (2 of 5)");
    expect_line(
        (struct progress_service){
            .cluster = "c", .name = "n", .word = "removing", .left = 2, .removing = true},
        "c/n  [----------] 2 tasks left  removing");
    service = busy;
    service.word = "stopping";
    service.waiting = NULL;
    service.left = 6;
    expect_line(service, "demo/web  [#######...] 3/4 healthy  stopping web:2 (abc1234)  "
                         "waiting: 2 tasks more than wanted, being stopped");
    service.left = 5;
    expect_line(service, "demo/web  [#######...] 3/4 healthy  stopping web:2 (abc1234)  "
                         "waiting: 1 task more than wanted, being stopped");
}

static void test_lines_of_what_is_left_alone(void **state)
{
    (void)state;
    struct progress_service service = busy;
    service.word = "suspended";
    service.suspended = true;
    service.waiting = "suspended by git";
    static const enum progress_state states[] = {PROGRESS_FAILED, PROGRESS_STEADY, PROGRESS_BLOCKED};
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        service.state = states[i];
        expect_line(service, "demo/web  [#######...] 3/4 healthy  suspended web:2 (abc1234)  "
                             "suspended by git");
    }
    service.suspended = false;
    service.word = "blocked";
    service.waiting = "waits for service demo/db: its deployment failed";
    expect_line(service, "demo/web  [#######...] 3/4 healthy  blocked web:2 (abc1234)  "
                         "waits for service demo/db: its deployment failed");
}

static void test_lines_tell_revisions_apart(void **state)
{
    (void)state;
    struct progress_service service = busy;
    service.waiting = NULL;
    service.revisions[0] = (struct view_revision){"web", 2, 2, 1};
    service.revisions[1] = (struct view_revision){"web", 1, 2, 2};
    service.revisions_len = 2;
    expect_line(service, "demo/web  [#######...] 3/4 healthy (1 web:2, 2 web:1)  deploying web:2 (abc1234)");
    service.revisions[0].healthy_count = 0;
    service.state = PROGRESS_FAILED;
    service.word = "failed";
    service.reason = "tasks failed to start";
    expect_line(service, "demo/web  [#######...] 3/4 healthy on web:1  failed web:2 (abc1234)  "
                         "tasks failed to start");
    service.revisions[0].healthy_count = 3;
    service.revisions_len = 1;
    expect_line(service, "demo/web  [#######...] 3/4 healthy  failed web:2 (abc1234)  tasks failed to start");
}

static void test_lines_name_the_instance_that_is_lost(void **state)
{
    (void)state;
    struct progress_service service = busy;
    service.word = "unknown";
    service.waiting = NULL;
    service.lost = 1;
    service.lost_instance = "edge-1";
    expect_line(service, "demo/web  [#######...] 3/4 healthy  unknown web:2 (abc1234)  "
                         "1 task unknown: instance edge-1 does not answer");
    service.lost_ms = 1767225600123;
    expect_line(service, "demo/web  [#######...] 3/4 healthy  unknown web:2 (abc1234)  "
                         "1 task unknown: instance edge-1 does not answer since 2026-01-01T00:00:00Z");
}

static void test_a_line_for_each_change(void **state)
{
    (void)state;
    struct text text = {0};
    struct cli cli = {.err = file_of(&text)};
    struct progress *progress = progress_new(&cli);
    struct progress_service service = busy;
    progress_show(progress, &service, 1);
    service.pulling = "nginx:1";
    service.pull_bytes = 10;
    progress_show(progress, &service, 1);
    service.pulled_bytes = 10;
    progress_show(progress, &service, 1);
    service.healthy = 4;
    service.state = PROGRESS_STEADY;
    service.word = "steady";
    progress_show(progress, &service, 1);
    progress_free(progress);
    expect(&text, "demo/web  [#######...] 3/4 healthy  deploying web:2 (abc1234)  "
                  "waiting: 3 of 4 tasks healthy\n"
                  "demo/web  [#######...] 3/4 healthy  deploying web:2 (abc1234)  pulling nginx:1  "
                  "waiting: 3 of 4 tasks healthy\n"
                  "demo/web  [##########] 4/4 healthy  steady web:2 (abc1234)\n");
}

static void test_a_terminal_is_redrawn(void **state)
{
    (void)state;
    struct text text = {0};
    struct cli cli = {.err = file_of(&text), .err_is_terminal = true};
    struct progress *progress = progress_new(&cli);
    struct progress_service service = {.cluster = "c",
                                       .name = "n",
                                       .word = "deploying",
                                       .desired = 1,
                                       .waiting = "a reason that is too long for 80 columns of a terminal"};
    progress_show(progress, &service, 1);
    service.healthy = 1;
    progress_show(progress, &service, 1);
    service.state = PROGRESS_FAILED;
    service.word = "failed";
    service.reason = service.waiting;
    progress_finish(progress, &service, 1);
    progress_free(progress);
    expect(&text,
           "c/n  [..........] 0/1 healthy  deploying  waiting: a reason that is too long\033[K\n"
           "  for 80 columns of a terminal\033[K\n\033[J"
           "\033[2Ac/n  [##########] 1/1 healthy  deploying  waiting: a reason that is too long\033[K\n"
           "  for 80 columns of a terminal\033[K\n\033[J"
           "\033[2A\033[Jc/n  [##########] 1/1 healthy  failed  "
           "a reason that is too long for 80 columns of a terminal\n");
}

#define WORDS      " of ten"
#define TEN_WORDS  WORDS WORDS WORDS WORDS WORDS WORDS WORDS WORDS WORDS WORDS
#define MANY_WORDS TEN_WORDS TEN_WORDS TEN_WORDS TEN_WORDS TEN_WORDS TEN_WORDS
#define SERVICES   22 /* the lines of a terminal that does not say its size, less two */

/* A long reason takes the lines that other services leave, and says where it is cut. */
static void test_a_terminal_has_room_for_so_many_lines(void **state)
{
    (void)state;
    for (size_t others = SERVICES - 2; others <= SERVICES; others++) {
        struct text text = {0};
        struct cli cli = {.err = file_of(&text), .err_is_terminal = true};
        struct progress *progress = progress_new(&cli);
        struct progress_service services[SERVICES + 1];
        for (size_t i = 0; i <= others; i++)
            services[i] = (struct progress_service){.cluster = "c", .name = "n", .word = "deploying"};
        services[0].waiting = "\xc3\xa4" MANY_WORDS;
        progress_show(progress, services, others + 1);
        progress_free(progress);
        fclose(cli.err);
        size_t lines = 0;
        for (const char *c = text.data; *c; c++)
            lines += *c == '\n';
        assert_int_equal(lines, others == SERVICES ? SERVICES + 1 : SERVICES);
        assert_int_equal(strstr(text.data, "...\033[K") != NULL, 1);
        assert_int_equal(strstr(text.data, "and 1 more") != NULL, others == SERVICES);
        free(text.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_are_aligned),
        cmocka_unit_test(test_yaml),
        cmocka_unit_test(test_yaml_is_read_back),
        cmocka_unit_test(test_ages),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_ids_are_cut),
        cmocka_unit_test(test_progress_lines),
        cmocka_unit_test(test_lines_of_what_is_left_alone),
        cmocka_unit_test(test_lines_tell_revisions_apart),
        cmocka_unit_test(test_lines_name_the_instance_that_is_lost),
        cmocka_unit_test(test_a_line_for_each_change),
        cmocka_unit_test(test_a_terminal_is_redrawn),
        cmocka_unit_test(test_a_terminal_has_room_for_so_many_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
