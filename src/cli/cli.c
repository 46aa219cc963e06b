#include "cli/cli.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/vector.h"

#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <unistd.h>

struct names VECTOR_OF(const char *);

int cli_fail(const struct cli *cli, const char *format, ...)
{
    char text[LIMIT_ERROR_CHARS];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    char *printable CLEANUP_FREE = text_printable(text);
    fprintf(cli->err, "davit: %s\n", printable);
    return CLI_ERROR;
}

int cli_usage(const struct cli *cli, const char *format, ...)
{
    char text[LIMIT_ERROR_CHARS];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    char *printable CLEANUP_FREE = text_printable(text);
    fprintf(cli->err, "davit: %s\nSee: davit help%s%s\n", printable, cli->command ? " " : "",
            cli->command ? cli->command->name : "");
    return CLI_ERROR;
}

/* --- values of flags ------------------------------------------------------------------------------------ */

static const struct cli_flag *flag_by_name(const struct command *command, const char *name)
{
    for (const struct cli_flag *flag = command->flags; flag && flag->name; flag++)
        if (text_equal(flag->name, name))
            return flag;
    return NULL;
}

static const struct cli_flag *flag_by_letter(const struct command *command, char letter)
{
    for (const struct cli_flag *flag = command->flags; flag && flag->name; flag++)
        if (flag->letter && flag->letter == letter)
            return flag;
    return NULL;
}

/* Caller frees. */
static char *variable_of(const char *flag)
{
    char *variable = memory_printf("DAVIT_%s", flag);
    for (char *c = variable; *c; c++)
        *c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
    return variable;
}

static const char *from_environment(const char *flag)
{
    char *variable CLEANUP_FREE = variable_of(flag);
    return getenv(variable);
}

static bool is_choice(const char *choices, const char *value)
{
    size_t len = strlen(value);
    for (const char *at = choices; len && !strchr(value, ' ') && (at = strstr(at, value)); at++)
        if ((at == choices || at[-1] == ' ') && (at[len] == ' ' || !at[len]))
            return true;
    return false;
}

const char *cli_value(const struct cli *cli, const char *name)
{
    const struct cli_flag *flag = flag_by_name(cli->command, name);
    const char *given = map_get(&cli->flags, name);
    if (!given)
        given = from_environment(name);
    if (given && flag && flag->choices && !map_get(&cli->flags, name) && !is_choice(flag->choices, given))
        given = NULL; /* the environment is for all commands, and this one has no such choice */
    return given ? given : flag ? flag->fallback : NULL;
}

const char *cli_nth_value(const struct cli *cli, const char *flag, size_t n)
{
    for (size_t i = 0; i < cli->given.len; i++)
        if (text_equal(cli->given.items[i].flag, flag) && n-- == 0)
            return cli->given.items[i].value;
    return n == 0 && !map_get(&cli->flags, flag) ? cli_value(cli, flag) : NULL;
}

bool cli_is_on(const struct cli *cli, const char *flag)
{
    const char *value = cli_value(cli, flag);
    return value && value[0] && !text_equal(value, "0") && !text_equal(value, "false") &&
           !text_equal(value, "no");
}

int cli_duration_ms(const struct cli *cli, const char *flag, int64_t *ret_ms)
{
    const char *value = cli_value(cli, flag);
    if (value && text_to_duration_ms(value, ret_ms) < 0)
        return cli_usage(cli, "--%s: \"%s\" is no duration such as 30s, 5m or 1h30m", flag, value);
    return 0;
}

int cli_target(const struct cli *cli, const char *text, char **ret_cluster, char **ret_service)
{
    const char *slash = strchr(text, '/');
    const char *cluster = cli_value(cli, "cluster");
    const char *service = slash ? slash + 1 : text;
    if (!service[0] || slash == text || strchr(service, '/'))
        return cli_usage(cli, "\"%s\" is not CLUSTER/SERVICE", text);
    *ret_cluster =
        slash ? memory_strndup(text, (size_t)(slash - text)) : memory_strdup(cluster ? cluster : "default");
    *ret_service = memory_strdup(service);
    return 0;
}

/* --- parsing -------------------------------------------------------------------------------------------- */

struct parser {
    struct cli *cli;
    int argc;
    char **argv;
    int at;
    struct names operands;
    bool help;
};

static int check_choice(const struct cli *cli, const struct cli_flag *flag, const char *value)
{
    if (!flag->choices || !value || is_choice(flag->choices, value))
        return 0;
    return cli_usage(cli, "--%s: \"%s\" is none of: %s", flag->name, value, flag->choices);
}

/* The environment is for all commands: what one of them takes passes here. */
static int check_environment(const struct cli *cli, const struct cli_flag *flag)
{
    const char *value = from_environment(flag->name);
    if (!flag->choices || !value || !value[0] || map_get(&cli->flags, flag->name))
        return 0;
    for (size_t i = 0; i < cli->commands_len; i++) {
        const struct cli_flag *same = flag_by_name(cli->commands[i], flag->name);
        if (same && (!same->choices || is_choice(same->choices, value)))
            return 0;
    }
    char *variable CLEANUP_FREE = variable_of(flag->name);
    return cli_usage(cli, "%s: \"%s\" is none of: %s", variable, value, flag->choices);
}

static int unknown_flag(const struct cli *cli, const char *name)
{
    struct names names = {0};
    for (const struct cli_flag *flag = cli->command->flags; flag && flag->name; flag++)
        vector_push(&names, flag->name);
    const char *nearest = text_nearest(name, names.items, names.len);
    int r = nearest
                ? cli_usage(cli, "%s has no flag --%s; did you mean --%s?", cli->command->name, name, nearest)
                : cli_usage(cli, "%s has no flag --%s", cli->command->name, name);
    vector_deinit(&names);
    return r;
}

/* attached: the value that stands in the same word, or NULL. */
static int take_flag(struct parser *parser, const struct cli_flag *flag, const char *attached)
{
    struct cli *cli = parser->cli;
    const char *value = attached;
    if (!flag->value) {
        map_put(&cli->flags, flag->name, (void *)(uintptr_t)(value ? value : "1"));
        return 0;
    }
    if (!value && parser->at < parser->argc)
        value = parser->argv[parser->at++];
    if (!value)
        return cli_usage(cli, "--%s needs a value (%s)", flag->name, flag->value);
    map_put(&cli->flags, flag->name, (void *)(uintptr_t)value);
    vector_push(&cli->given, (struct cli_given){flag->name, value});
    return 0;
}

static int take_long(struct parser *parser, const char *word)
{
    const char *equals = strchr(word, '=');
    char *name CLEANUP_FREE = equals ? memory_strndup(word, (size_t)(equals - word)) : memory_strdup(word);
    const struct cli_flag *flag = flag_by_name(parser->cli->command, name);
    if (!flag && text_equal(name, "help")) {
        parser->help = true;
        return 0;
    }
    return flag ? take_flag(parser, flag, equals ? equals + 1 : NULL) : unknown_flag(parser->cli, name);
}

static int take_short(struct parser *parser, const char *letters)
{
    for (; *letters; letters++) {
        const struct cli_flag *flag = flag_by_letter(parser->cli->command, *letters);
        if (!flag && *letters == 'h') {
            parser->help = true;
            continue;
        }
        if (!flag)
            return cli_usage(parser->cli, "%s has no flag -%c", parser->cli->command->name, *letters);
        bool equals = letters[1] == '=';
        if (flag->value || equals)
            return take_flag(parser, flag, letters[1] ? letters + 1 + equals : NULL);
        take_flag(parser, flag, NULL);
    }
    return 0;
}

static int parse(struct parser *parser)
{
    bool only_operands = false;
    size_t others = (size_t)parser->cli->command->args_others;
    while (parser->at < parser->argc) {
        char *word = parser->argv[parser->at++];
        int r = 0;
        if (only_operands || word[0] != '-' || !word[1]) {
            vector_push(&parser->operands, word);
            only_operands |= others && parser->operands.len > others;
        } else if (text_equal(word, "--"))
            only_operands = true;
        else
            r = word[1] == '-' ? take_long(parser, word + 2) : take_short(parser, word + 1);
        if (r)
            return r;
    }
    return 0;
}

static int check(const struct cli *cli)
{
    const struct command *command = cli->command;
    for (const struct cli_flag *flag = command->flags; flag && flag->name; flag++)
        if (check_environment(cli, flag) || check_choice(cli, flag, cli_value(cli, flag->name)))
            return CLI_ERROR;
    if (cli->argc < command->args_min)
        return cli_usage(cli, "%s needs %s", command->name, command->args);
    if (command->args_max >= 0 && cli->argc > command->args_max)
        return cli_usage(cli, "%s does not take \"%s\"", command->name, cli->argv[command->args_max]);
    return 0;
}

static int run_help(struct cli *cli, const char *name)
{
    char *argv[] = {(char *)(uintptr_t)name, NULL};
    cli->argc = name ? 1 : 0;
    cli->argv = argv;
    cli->command = &cli_help;
    return cli_help.run(cli);
}

static int run_command(struct cli *cli, int argc, char **argv)
{
    if (cli->command->raw) {
        cli->argc = argc;
        cli->argv = argv;
        return cli->command->run(cli);
    }
    struct parser parser = {.cli = cli, .argc = argc, .argv = argv, .at = 1};
    int r = parse(&parser);
    cli->argc = (int)parser.operands.len;
    vector_push(&parser.operands, NULL);
    cli->argv = (char **)(uintptr_t)parser.operands.items;
    if (!r && parser.help)
        r = run_help(cli, cli->command->name);
    else if (!r && !(r = check(cli)))
        r = cli->command->run(cli);
    vector_deinit(&parser.operands);
    return r;
}

static int unknown_command(struct cli *cli, const char *name)
{
    struct names names = {0};
    for (size_t i = 0; i < cli->commands_len; i++)
        if (!cli->commands[i]->hidden)
            vector_push(&names, cli->commands[i]->name);
    const char *nearest = text_nearest(name, names.items, names.len);
    int r = nearest ? cli_usage(cli, "there is no command \"%s\"; did you mean \"%s\"?", name, nearest)
                    : cli_usage(cli, "there is no command \"%s\"", name);
    vector_deinit(&names);
    return r;
}

/* A flag where the command should stand: say where it belongs. */
static int early_flag(struct cli *cli, int argc, char **argv)
{
    for (int i = 2; i < argc; i++)
        for (size_t k = 0; k < cli->commands_len; k++)
            if (text_equal(cli->commands[k]->name, argv[i]))
                return cli_usage(cli, "flags come after the command: davit %s %s ...", argv[i], argv[1]);
    return cli_usage(cli, "flags come after a command: davit COMMAND %s ...", argv[1]);
}

/* The program's own flags are spellings of commands. */
static const char *command_name(const char *word)
{
    if (text_equal(word, "--help") || text_equal(word, "-h"))
        return "help";
    if (text_equal(word, "--version") || text_equal(word, "-V"))
        return "version";
    return word;
}

int cli_run(struct cli *cli, int argc, char **argv)
{
    assert(cli && cli->commands && cli->out && cli->err);
    if (argc < 2) {
        run_help(cli, NULL);
        return CLI_ERROR;
    }
    const char *name = command_name(argv[1]);
    for (size_t i = 0; i < cli->commands_len && !cli->command; i++)
        if (text_equal(cli->commands[i]->name, name))
            cli->command = cli->commands[i];
    int r = cli->command     ? run_command(cli, argc - 1, argv + 1)
            : name[0] == '-' ? early_flag(cli, argc, argv)
                             : unknown_command(cli, name);
    map_deinit(&cli->flags);
    vector_deinit(&cli->given);
    if (fflush(cli->out) || ferror(cli->out))
        return cli_fail(cli, "cannot write the output");
    return r;
}

int cli_main(const struct command *const *commands, size_t n, int argc, char **argv)
{
    const char *no_colour = getenv("NO_COLOR");
    setvbuf(stdout, NULL, _IOLBF, 0); /* where both streams are one, each line stays where it was said */
    struct cli cli = {.commands = commands,
                      .commands_len = n,
                      .ends = true,
                      .out = stdout,
                      .err = stderr,
                      .out_is_terminal = isatty(STDOUT_FILENO) == 1,
                      .err_is_terminal = isatty(STDERR_FILENO) == 1};
    cli.colour = cli.out_is_terminal && !(no_colour && no_colour[0]);
    return cli_run(&cli, argc, argv);
}
