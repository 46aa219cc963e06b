/* Tables, YAML, ages and the progress of rollouts. */
#include "cli/output.h"

#include "base/memory.h"
#include "cli/progress.h"
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
    expect_yaml("{\"k: x\":\"a\\nb\"}", "\"k: x\": \"a\\nb\"\n");
    expect_yaml("[[1,[2]],[]]", "-\n  - 1\n  -\n    - 2\n- []\n");
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

static const struct progress_service busy = {.cluster = "demo",
                                             .name = "web",
                                             .desired = 4,
                                             .healthy = 3,
                                             .deployment = "ecs-svc/123",
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
    expect_line(service, "demo/web  [#######...] 3/4 healthy  deploying ecs-svc/123 web:2 (abc1234)  "
                         "waiting: 3 of 4 tasks healthy");
    service.state = PROGRESS_FAILED;
    service.reason = "tasks failed to start";
    expect_line(service, "demo/web  [#######...] 3/4 healthy  failed ecs-svc/123 web:2 (abc1234)  "
                         "tasks failed to start");
    expect_line((struct progress_service){.cluster = "c", .name = "n", .removing = true},
                "c/n  [##########] 0/0 healthy  removing");
}

static void test_a_line_for_each_change(void **state)
{
    (void)state;
    struct text text = {0};
    struct cli cli = {.err = file_of(&text)};
    struct progress *progress = progress_new(&cli);
    struct progress_service service = busy;
    progress_show(progress, &service, 1);
    progress_show(progress, &service, 1);
    service.healthy = 4;
    service.state = PROGRESS_STEADY;
    progress_show(progress, &service, 1);
    progress_free(progress);
    expect(&text, "demo/web  [#######...] 3/4 healthy  deploying ecs-svc/123 web:2 (abc1234)  "
                  "waiting: 3 of 4 tasks healthy\n"
                  "demo/web  [##########] 4/4 healthy  steady ecs-svc/123 web:2 (abc1234)\n");
}

static void test_a_terminal_is_redrawn(void **state)
{
    (void)state;
    struct text text = {0};
    struct cli cli = {.err = file_of(&text), .err_is_terminal = true};
    struct progress *progress = progress_new(&cli);
    struct progress_service service = {.cluster = "c", .name = "n", .desired = 1};
    progress_show(progress, &service, 1);
    service.healthy = 1;
    progress_show(progress, &service, 1);
    progress_free(progress);
    expect(&text, "c/n  [..........] 0/1 healthy  deploying\033[K\n\033[J"
                  "\033[1Ac/n  [##########] 1/1 healthy  deploying\033[K\n\033[J");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_are_aligned),
        cmocka_unit_test(test_yaml),
        cmocka_unit_test(test_ages),
        cmocka_unit_test(test_progress_lines),
        cmocka_unit_test(test_a_line_for_each_change),
        cmocka_unit_test(test_a_terminal_is_redrawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
