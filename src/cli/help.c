/* Help on the terminal and man pages, both out of the command table. */
#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/output.h"

#include <ctype.h>
#include <string.h>

#define DATE "2026-11-23" /* of man pages */

static const struct cli_exit plain_exits[] = {
    {CLI_OK, "done"}, {CLI_ERROR, "it failed, or the usage is wrong"}, {0, NULL}};

static const struct cli_exit *exits_of(const struct command *command)
{
    return command->exits ? command->exits : plain_exits;
}

static const struct command *find(const struct cli *cli, const char *name)
{
    for (size_t i = 0; i < cli->commands_len; i++)
        if (text_equal(cli->commands[i]->name, name))
            return cli->commands[i];
    return NULL;
}

/* "-o, --output FORMAT". Caller frees. */
static char *spelling(const struct cli_flag *flag)
{
    char letter[5] = "";
    if (flag->letter)
        snprintf(letter, sizeof letter, "-%c, ", flag->letter);
    return memory_printf("%s--%s%s%s", letter, flag->name, flag->value ? " " : "",
                         flag->value ? flag->value : "");
}

/* "how to print: one of table wide json yaml (default table)". Caller frees. */
static char *flag_text(const struct cli_flag *flag)
{
    return memory_printf("%s%s%s%s%s%s", flag->summary, flag->choices ? ": one of " : "",
                         flag->choices ? flag->choices : "", flag->fallback ? " (default " : "",
                         flag->fallback ? flag->fallback : "", flag->fallback ? ")" : "");
}

/* "--log-level is DAVIT_LOG_LEVEL" of the command's first flag. Caller frees. */
static char *variable_text(const struct command *command)
{
    char *variable CLEANUP_FREE = memory_printf("DAVIT_%s", command->flags[0].name);
    for (char *c = variable; *c; c++)
        *c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
    return memory_printf("Each flag can be set in the environment as well: --%s is %s.",
                         command->flags[0].name, variable);
}

/* --- help ----------------------------------------------------------------------------------------------- */

static void print_overview(const struct cli *cli)
{
    fputs("davit runs Amazon ECS's model on your own Docker engines, driven by git.\n\n"
          "Usage: davit COMMAND [FLAGS] [ARGUMENTS]\n\nCommands:\n",
          cli->out);
    for (size_t i = 0; i < cli->commands_len; i++)
        if (!cli->commands[i]->hidden)
            fprintf(cli->out, "  %-12s %s\n", cli->commands[i]->name, cli->commands[i]->summary);
    fputs("\nMore about one of them: davit help COMMAND\n", cli->out);
}

static void print_flags(const struct cli *cli, const struct command *command)
{
    int width = 0;
    for (const struct cli_flag *flag = command->flags; flag && flag->name; flag++) {
        char *text CLEANUP_FREE = spelling(flag);
        int len = (int)strlen(text) + (flag->letter ? 0 : 4);
        width = len > width ? len : width;
    }
    if (width)
        fputs("\nFlags:\n", cli->out);
    for (const struct cli_flag *flag = command->flags; flag && flag->name; flag++) {
        char *text CLEANUP_FREE = spelling(flag);
        char *what CLEANUP_FREE = flag_text(flag);
        int indent = flag->letter ? 2 : 6;
        fprintf(cli->out, "%*s%-*s  %s\n", indent, "", width + 2 - indent, text, what);
    }
    if (width) {
        char *variable CLEANUP_FREE = variable_text(command);
        fprintf(cli->out, "%s\n", variable);
    }
}

#define TEXT_COLUMNS 96

/* Paragraphs at a width that reads well. */
static void print_text(FILE *file, const char *text)
{
    int column = 0;
    for (const char *at = text; *at;) {
        size_t word = strcspn(at, " \n");
        if (column && column + 1 + (int)word > TEXT_COLUMNS) {
            fputc('\n', file);
            column = 0;
        }
        column += fprintf(file, "%s%.*s", column ? " " : "", (int)word, at);
        at += word;
        size_t gap = strspn(at, " \n");
        if (gap >= 2 &&
            strncmp(at, "\n\n", 2) == 0) { /* a paragraph's end; one line break alone is a blank */
            fputs("\n\n", file);
            column = 0;
        }
        at += gap;
    }
    fputc('\n', file);
}

static void print_command(const struct cli *cli, const struct command *command)
{
    fprintf(cli->out, "%s\n\nUsage: davit %s%s%s%s\n", command->summary, command->name,
            command->flags ? " [FLAGS]" : "", command->args ? " " : "", command->args ? command->args : "");
    if (command->description) {
        fputc('\n', cli->out);
        print_text(cli->out, command->description);
    }
    print_flags(cli, command);
    if (command->examples)
        fputs("\nExamples:\n", cli->out);
    for (const char *const *example = command->examples; example && *example; example += 2)
        fprintf(cli->out, "  # %s\n  %s\n", example[0], example[1]);
    fputs("\nExit codes:\n", cli->out);
    for (const struct cli_exit *exit = exits_of(command); exit->meaning; exit++)
        fprintf(cli->out, "  %d  %s\n", exit->code, exit->meaning);
}

/* --- man pages ------------------------------------------------------------------------------------------ */

/* Text for roff: backslashes, dashes and what stands first in a line. */
static void write_roff(FILE *file, const char *text)
{
    bool first = true;
    for (; *text; text++) {
        if (first && (*text == '.' || *text == '\''))
            fputs("\\&", file);
        if (*text == '\\')
            fputs("\\e", file);
        else if (*text == '-')
            fputs("\\-", file);
        else if (*text == '\n' && text[1] == '\n')
            fputs("\n.PP", file);
        else if (*text != '\n' || text[1])
            fputc(*text, file);
        first = *text == '\n';
    }
    fputc('\n', file);
}

static void man_flags(FILE *file, const struct command *command)
{
    if (command->flags)
        fputs(".SH OPTIONS\n", file);
    for (const struct cli_flag *flag = command->flags; flag && flag->name; flag++) {
        char *text CLEANUP_FREE = spelling(flag);
        char *what CLEANUP_FREE = flag_text(flag);
        fputs(".TP\n.B ", file);
        write_roff(file, text);
        write_roff(file, what);
    }
    if (command->flags) {
        char *variable CLEANUP_FREE = variable_text(command);
        fputs(".PP\n", file);
        write_roff(file, variable);
    }
}

static void man_command(FILE *file, const struct command *command)
{
    char *title CLEANUP_FREE = memory_printf("DAVIT-%s", command->name);
    for (char *c = title; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    fprintf(file, ".TH %s 1 \"" DATE "\" \"davit " DAVIT_VERSION "\" \"davit\"\n.SH NAME\n", title);
    fprintf(file, "davit\\-%s \\- ", command->name);
    write_roff(file, command->summary);
    fprintf(file, ".SH SYNOPSIS\n.B davit %s\n", command->name);
    char *args CLEANUP_FREE =
        memory_printf("%s%s", command->flags ? "[FLAGS] " : "", command->args ? command->args : "");
    if (args[0])
        write_roff(file, args);
    fputs(".SH DESCRIPTION\n", file);
    write_roff(file, command->description ? command->description : command->summary);
    man_flags(file, command);
    fputs(".SH EXIT STATUS\n", file);
    for (const struct cli_exit *exit = exits_of(command); exit->meaning; exit++) {
        fprintf(file, ".TP\n.B %d\n", exit->code);
        write_roff(file, exit->meaning);
    }
    if (command->examples)
        fputs(".SH EXAMPLES\n", file);
    for (const char *const *example = command->examples; example && *example; example += 2) {
        write_roff(file, example[0]);
        fputs(".RS\n.nf\n", file);
        write_roff(file, example[1]);
        fputs(example[2] ? ".fi\n.RE\n.PP\n" : ".fi\n.RE\n", file);
    }
    fputs(".SH SEE ALSO\n.BR davit (1)\n", file);
}

static void man_overview(const struct cli *cli)
{
    fputs(".TH DAVIT 1 \"" DATE "\" \"davit " DAVIT_VERSION "\" \"davit\"\n.SH NAME\n"
          "davit \\- Amazon ECS's model on your own Docker engines, driven by git\n"
          ".SH SYNOPSIS\n.B davit\n.I COMMAND\n[FLAGS] [ARGUMENTS]\n.SH COMMANDS\n",
          cli->out);
    for (size_t i = 0; i < cli->commands_len; i++) {
        if (cli->commands[i]->hidden)
            continue;
        fprintf(cli->out, ".TP\n.BR davit\\-%s (1)\n", cli->commands[i]->name);
        write_roff(cli->out, cli->commands[i]->summary);
    }
    fputs(
        ".SH ENVIRONMENT\nEvery flag can be given as DAVIT_ and its name in capitals, dashes as underscores: "
        "DAVIT_SOCKET. A flag goes before the environment.\n.PP\n"
        "NO_COLOR, when not empty, turns colours off.\n",
        cli->out);
}

/* --- the command ---------------------------------------------------------------------------------------- */

static int run(const struct cli *cli)
{
    bool man = cli_is_on(cli, "man");
    const struct command *command = cli->argc ? find(cli, cli->argv[0]) : NULL;
    if (cli->argc && !command)
        return cli_usage(cli, "there is no command \"%s\"", cli->argv[0]);
    if (command && man)
        man_command(cli->out, command);
    else if (command)
        print_command(cli, command);
    else if (man)
        man_overview(cli);
    else
        print_overview(cli);
    return CLI_OK;
}

static const struct cli_flag flags[] = {
    {"man", 0, NULL, NULL, "print a man page (roff) instead", NULL},
    CLI_FLAG_END,
};

static const char *const examples[] = {
    "read a man page that is not installed",
    "davit help --man validate | man -l -",
    NULL,
};

const struct command cli_help = {
    .name = "help",
    .summary = "explain davit or one of its commands",
    .args = "[COMMAND]",
    .description = "Without a command it lists them all. COMMAND --help says the same.",
    .flags = flags,
    .examples = examples,
    .words = "",
    .args_max = 1,
    .run = run,
};
