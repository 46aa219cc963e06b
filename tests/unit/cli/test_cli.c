/* Parsing, help, man pages and completion, on a table of its own. */
#include "cli/cli.h"

#include "base/memory.h"
#include "base/text.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

/* What the last run was given. */
static struct {
    int runs;
    int argc;
    char first[32];
    char last[32];
    char output[32];
    char timeout[32];
    bool follow;
} seen;

static int run(const struct cli *cli)
{
    seen.runs++;
    seen.argc = cli->argc;
    snprintf(seen.first, sizeof seen.first, "%s", cli->argc ? cli->argv[0] : "");
    snprintf(seen.last, sizeof seen.last, "%s", cli->argc ? cli->argv[cli->argc - 1] : "");
    const char *output = cli_value(cli, "output");
    const char *timeout = cli_value(cli, "timeout");
    snprintf(seen.output, sizeof seen.output, "%s", output ? output : "");
    snprintf(seen.timeout, sizeof seen.timeout, "%s", timeout ? timeout : "");
    seen.follow = cli_is_on(cli, "follow");
    fputs("ran\n", cli->out);
    int64_t ms = 0;
    return cli_duration_ms(cli, "timeout", &ms);
}

static const struct cli_flag flags[] = {
    {"output", 'o', "FORMAT", "table", "how to print", "table json"},
    {"timeout", 0, "DURATION", NULL, "give up after this", NULL},
    {"follow", 'f', NULL, NULL, "go on", NULL},
    CLI_FLAG_END,
};

static const char *const examples[] = {"look at it", "davit show -f 'it''s'", NULL};

static const struct command show = {
    .name = "show",
    .summary = "show a thing, it's simple",
    .args = "THING",
    .description = "First paragraph.\n\n.Second - one.",
    .flags = flags,
    .examples = examples,
    .words = "this that",
    .args_min = 1,
    .args_max = 1,
    .run = run,
};

static int run_raw(const struct cli *cli)
{
    seen.argc = cli->argc;
    return 7;
}

static const struct command helper = {.name = "helper", .hidden = true, .raw = true, .run = run_raw};

static const struct cli_flag wide_flags[] = {
    {"output", 'o', "FORMAT", "table", "how to print", "table wide"},
    CLI_FLAG_END,
};

static const struct command lister = {.name = "lister", .hidden = true, .flags = wide_flags, .run = run};

/* THING [COMMAND...] */
static const struct command runner = {
    .name = "runner", .hidden = true, .flags = flags, .args_max = -1, .args_others = 1, .run = run};

static const struct command *const commands[] = {&show,     &helper,         &lister,     &runner,
                                                 &cli_help, &cli_completion, &cli_version};

struct result {
    int code;
    char *out;
    char *err;
};

/* Words between blanks. */
static struct result run_line(const char *line)
{
    struct result result = {0};
    size_t out_len;
    size_t err_len;
    char *argv[16] = {(char[]){"davit"}};
    int argc = 1;
    char *copy CLEANUP_FREE = memory_strdup(line);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    struct cli cli = {.commands = commands, .commands_len = ARRAY_LEN(commands)};
    cli.out = open_memstream(&result.out, &out_len);
    cli.err = open_memstream(&result.err, &err_len);
    memset(&seen, 0, sizeof seen);
    result.code = cli_run(&cli, argc, argv);
    fclose(cli.out);
    fclose(cli.err);
    return result;
}

static void expect(const char *line, int code, const char *in_out, const char *in_err)
{
    struct result result = run_line(line);
    if (result.code != code)
        fail_msg("%s: exit code %d, not %d: %s", line, result.code, code, result.err);
    if (in_out && !strstr(result.out, in_out))
        fail_msg("%s: no \"%s\" in the output: %s", line, in_out, result.out);
    if (in_err && !strstr(result.err, in_err))
        fail_msg("%s: no \"%s\" among the errors: %s", line, in_err, result.err);
    free(result.out);
    free(result.err);
}

static void test_flags_and_arguments(void **state)
{
    (void)state;
    expect("show a", 0, "ran\n", NULL);
    assert_string_equal(seen.first, "a");
    assert_string_equal(seen.output, "table");
    assert_false(seen.follow);
    expect("show -fo json a", 0, NULL, NULL);
    assert_true(seen.follow);
    assert_string_equal(seen.output, "json");
    expect("show a -ojson --timeout=5m", 0, NULL, NULL);
    assert_string_equal(seen.output, "json");
    assert_string_equal(seen.timeout, "5m");
    expect("show --follow --timeout 5m -- -f", 0, NULL, NULL);
    assert_string_equal(seen.first, "-f");
    expect("show -o=json -f=no a", 0, NULL, NULL);
    assert_string_equal(seen.output, "json");
    assert_false(seen.follow);
    expect("show -", 0, NULL, NULL);
    assert_string_equal(seen.first, "-");
}

static void test_words_of_a_command_that_is_run(void **state)
{
    static const char *const lines[] = {"runner a -o json sh -f", "runner -o json a sh -f",
                                        "runner a -o json -- sh -f"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        expect(lines[i], 0, NULL, NULL);
        assert_int_equal(seen.argc, 3);
        assert_string_equal(seen.output, "json");
        assert_string_equal(seen.last, "-f");
        assert_false(seen.follow);
    }
    expect("runner a sh -- -f", 0, NULL, NULL);
    assert_int_equal(seen.argc, 4); /* -- is a word of sh */
    expect("runner a -f", 0, NULL, NULL);
    assert_true(seen.follow);
    expect("runner a sh --unknown --help", 0, NULL, NULL);
    assert_string_equal(seen.last, "--help");
}

static void test_environment(void **state)
{
    (void)state;
    setenv("DAVIT_OUTPUT", "json", 1);
    setenv("DAVIT_FOLLOW", "1", 1);
    expect("show a", 0, NULL, NULL);
    assert_string_equal(seen.output, "json");
    assert_true(seen.follow);
    expect("show -o table a", 0, NULL, NULL);
    assert_string_equal(seen.output, "table");
    setenv("DAVIT_OUTPUT", "wide", 1); /* of another command */
    setenv("DAVIT_FOLLOW", "0", 1);
    expect("show a", 0, NULL, NULL);
    assert_string_equal(seen.output, "table");
    assert_false(seen.follow);
    setenv("DAVIT_OUTPUT", "jsno", 1); /* of none */
    expect("show a", CLI_ERROR, NULL, "davit: DAVIT_OUTPUT: \"jsno\" is none of: table json\n");
    expect("show -o json a", 0, NULL, NULL);
    setenv("DAVIT_OUTPUT", "", 1);
    expect("show a", 0, NULL, NULL);
    unsetenv("DAVIT_OUTPUT");
    unsetenv("DAVIT_FOLLOW");
    char *spaced[] = {(char[]){"davit"}, (char[]){"show"}, (char[]){"a"}, (char[]){"--output=table json"},
                      NULL};
    struct cli cli = {
        .commands = commands, .commands_len = ARRAY_LEN(commands), .out = stdout, .err = stderr};
    assert_int_equal(cli_run(&cli, 4, spaced), CLI_ERROR);
}

static void test_wrong_usage(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"shwo a", "there is no command \"shwo\"; did you mean \"show\"?"},
        {"helpr", "did you mean \"help\"?"},
        {"zzzzzz", "there is no command \"zzzzzz\"\n"},
        {"-o json show a", "flags come after the command: davit show -o ..."},
        {"--verbose", "flags come after a command: davit COMMAND --verbose ..."},
        {"show --folow a", "did you mean --follow?"},
        {"show -x a", "show has no flag -x"},
        {"show", "show needs THING"},
        {"show a b", "show does not take \"b\""},
        {"show a --timeout", "--timeout needs a value (DURATION)"},
        {"show a -o xml", "\"xml\" is none of: table json"},
        {"show a -o tab", "\"tab\" is none of: table json"},
        {"show a --timeout soon", "is no duration"},
        {"help nothing", "there is no command \"nothing\""},
        {"completion tcsh", "not for \"tcsh\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        expect(cases[i][0], CLI_ERROR, NULL, cases[i][1]);
    expect("", CLI_ERROR, "Usage: davit COMMAND", NULL);
}

static void test_raw_commands_get_everything(void **state)
{
    (void)state;
    expect("helper --anything -x", 7, NULL, NULL);
    assert_int_equal(seen.argc, 3);
}

static const char help_of_show[] =
    "show a thing, it's simple\n"
    "\n"
    "Usage: davit show [FLAGS] THING\n"
    "\n"
    "First paragraph.\n"
    "\n"
    ".Second - one.\n"
    "\n"
    "Flags:\n"
    "  -o, --output FORMAT     how to print: one of table json (default table)\n"
    "      --timeout DURATION  give up after this\n"
    "  -f, --follow            go on\n"
    "Each flag can be set in the environment as well: --output is DAVIT_OUTPUT.\n"
    "\n"
    "Examples:\n"
    "  # look at it\n"
    "  davit show -f 'it''s'\n"
    "\n"
    "Exit codes:\n"
    "  0  done\n"
    "  2  it failed, or the usage is wrong\n";

static void test_help(void **state)
{
    (void)state;
    static const char *const lines[] = {"help show", "show --help", "show -h", "show a -f --help"};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct result result = run_line(lines[i]);
        assert_int_equal(result.code, 0);
        assert_string_equal(result.out, help_of_show);
        assert_int_equal(seen.runs, 0);
        free(result.out);
        free(result.err);
    }
    struct result result = run_line("--help");
    assert_non_null(strstr(result.out, "  show         show a thing"));
    assert_null(strstr(result.out, "helper"));
    assert_null(strstr(result.out, "lister:"));
    free(result.out);
    free(result.err);
    expect("--version", 0, "davit ", NULL);
}

static void test_man(void **state)
{
    (void)state;
    expect("help --man show", 0, ".TH DAVIT-SHOW 1 \"20", NULL);
    expect("help --man", 0, ".TH DAVIT 1 \"20", NULL);
    expect("help --man show", 0, ".fi\n.RE\n.SH SEE ALSO\n", NULL);
    expect("help --man show", 0, "First paragraph.\n.PP\n\\&.Second \\- one.\n", NULL);
    expect("help --man show", 0, ".B \\-o, \\-\\-output FORMAT\n", NULL);
    expect("help --man show", 0, "in the environment as well: \\-\\-output is DAVIT_OUTPUT.\n", NULL);
    expect("help --man", 0, ".BR davit\\-show (1)\n", NULL);
}

static void test_completion(void **state)
{
    (void)state;
    expect("completion bash", 0, "show) flags='--output -o --timeout --follow -f --help' words='this that'",
           NULL);
    expect("completion bash", 0, "show:--output|show:-o)", NULL);
    expect("completion zsh", 0, "'show:show a thing, it'\\''s simple'", NULL);
    expect("completion fish", 0, "-a show -d 'show a thing, it\\'s simple'", NULL);
    struct result result = run_line("completion bash");
    assert_null(strstr(result.out, "helper"));
    FILE *bash = popen("bash -n", "w");
    assert_non_null(bash);
    fputs(result.out, bash);
    assert_int_equal(pclose(bash), 0);
    free(result.out);
    free(result.err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flags_and_arguments),
        cmocka_unit_test(test_words_of_a_command_that_is_run),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_wrong_usage),
        cmocka_unit_test(test_raw_commands_get_everything),
        cmocka_unit_test(test_help),
        cmocka_unit_test(test_man),
        cmocka_unit_test(test_completion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
