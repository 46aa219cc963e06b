/* Completion for bash, zsh and fish, out of the command table. */
#include "base/text.h"
#include "cli/cli.h"

#include <string.h>

/* A shell's command for the names of containers. */
#define CONTAINERS "docker ps -a --format '{{.Names}}' 2>/dev/null"

/* A shell's commands for names. No single quotes: they stand between such. */
#define SERVICES  "davit get services 2>/dev/null | awk \"NR > 1 { print \\$1 \\\"/\\\" \\$2 }\""
#define CLUSTERS  "davit get clusters 2>/dev/null | awk \"NR > 1 { print \\$1 }\""
#define SCHEDULES "davit get scheduled-tasks 2>/dev/null | awk \"NR > 1 { print \\$1 }\""

static void write_names(const struct cli *cli, const char *separator)
{
    const char *before = "";
    for (size_t i = 0; i < cli->commands_len; i++) {
        if (cli->commands[i]->hidden)
            continue;
        fprintf(cli->out, "%s%s", before, cli->commands[i]->name);
        before = separator;
    }
}

static void write_flag_words(const struct cli *cli, const struct command *command)
{
    for (const struct cli_flag *flag = command->flags; flag && flag->name; flag++) {
        fprintf(cli->out, "--%s ", flag->name);
        if (flag->letter)
            fprintf(cli->out, "-%c ", flag->letter);
    }
    fputs("--help", cli->out);
}

/* What the first argument may be: given words, for help the commands. */
static void write_words(const struct cli *cli, const struct command *command)
{
    if (text_equal(command->name, "help"))
        write_names(cli, " ");
    else
        fputs(command->words ? command->words : "", cli->out);
}

/* Of what the arguments may name. */
static void write_targets(const struct cli *cli, const struct command *command)
{
    fprintf(cli->out, "%s%s%s", SERVICES, command->takes_clusters ? "; " CLUSTERS : "",
            command->takes_schedules ? "; " SCHEDULES : "");
}

/* --- bash ----------------------------------------------------------------------------------------------- */

static void bash_choices(const struct cli *cli, const struct command *command)
{
    for (const struct cli_flag *flag = command->flags; flag && flag->name; flag++) {
        if (!flag->choices)
            continue;
        fprintf(cli->out, "    %s:--%s", command->name, flag->name);
        if (flag->letter)
            fprintf(cli->out, "|%s:-%c", command->name, flag->letter);
        fprintf(cli->out, ") COMPREPLY=($(compgen -W '%s' -- \"$word\")); return ;;\n", flag->choices);
    }
}

/* "-o --output": the flags whose value may be the next word. */
static void bash_valued(const struct cli *cli, const struct command *command)
{
    for (const struct cli_flag *flag = command->flags; flag && flag->name; flag++) {
        if (!flag->value)
            continue;
        fprintf(cli->out, "--%s ", flag->name);
        if (flag->letter)
            fprintf(cli->out, "-%c ", flag->letter);
    }
}

/* The value of a flag is anything, or a file, which is bash's default. Behind the first argument there are
 * files too, or what stands here. */
static void bash_rest(const struct cli *cli)
{
    fputs("  [[ $previous != -* || \" $valued\" != *\" $previous \"* ]] || return\n"
          "  local i first= skip=\n"
          "  for ((i = 2; i < COMP_CWORD; i++)); do\n"
          "    case \"${COMP_WORDS[i]}\" in\n"
          "      =) skip=1 ;;\n"
          "      *) if [ -n \"$skip\" ]; then\n        skip=\n"
          "        elif [[ ${COMP_WORDS[i]} == -* ]]; then\n"
          "          [[ \" $valued\" != *\" ${COMP_WORDS[i]} \"* ]] || skip=1\n"
          "        else\n          first=${COMP_WORDS[i]}\n          words=\n          break\n        fi ;;\n"
          "    esac\n  done\n"
          "  case \" $containers \" in\n"
          "    *\" ${first:-.} \"*) words=$(" CONTAINERS ") ;;\n  esac\n"
          "  [[ $word == -* ]] || for i in $targets; do\n"
          "    case $i in\n"
          "      services) words=$(" SERVICES ") ;;\n"
          "      clusters) words+=\" $(" CLUSTERS ")\" ;;\n"
          "      schedules) words+=\" $(" SCHEDULES ")\" ;;\n"
          "    esac\n  done\n",
          cli->out);
}

static void bash(const struct cli *cli)
{
    fputs("# bash completion for davit\n_davit() {\n"
          "  local word=\"${COMP_WORDS[COMP_CWORD]}\" previous=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
          "  local command=\"${COMP_WORDS[1]}\" flags= words= valued= containers= targets=\n"
          "  COMPREPLY=()\n"
          "  [[ $word != = ]] || word=\n" /* bash parts --flag=value in three */
          "  [[ $previous != = ]] || previous=\"${COMP_WORDS[COMP_CWORD-2]}\"\n"
          "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n    COMPREPLY=($(compgen -W '",
          cli->out);
    write_names(cli, " ");
    fputs("' -- \"$word\"))\n    return\n  fi\n  case \"$command:$previous\" in\n", cli->out);
    for (size_t i = 0; i < cli->commands_len; i++)
        if (!cli->commands[i]->hidden)
            bash_choices(cli, cli->commands[i]);
    fputs("  esac\n  case \"$command\" in\n", cli->out);
    for (size_t i = 0; i < cli->commands_len; i++) {
        if (cli->commands[i]->hidden)
            continue;
        fprintf(cli->out, "    %s) flags='", cli->commands[i]->name);
        write_flag_words(cli, cli->commands[i]);
        fputs("' words='", cli->out);
        write_words(cli, cli->commands[i]);
        fputs("' valued='", cli->out);
        bash_valued(cli, cli->commands[i]);
        fprintf(cli->out, "' containers='%s' targets='%s%s%s' ;;\n",
                cli->commands[i]->before_containers ? cli->commands[i]->before_containers : "",
                cli->commands[i]->takes_services ? "services" : "",
                cli->commands[i]->takes_clusters ? " clusters" : "",
                cli->commands[i]->takes_schedules ? " schedules" : "");
    }
    fputs("  esac\n", cli->out);
    bash_rest(cli);
    fputs("  case \"$word\" in\n"
          "    -*) COMPREPLY=($(compgen -W \"$flags\" -- \"$word\")) ;;\n"
          "    *) COMPREPLY=($(compgen -W \"$words\" -- \"$word\")) ;;\n"
          "  esac\n}\ncomplete -o default -F _davit davit\n",
          cli->out);
}

/* --- zsh ------------------------------------------------------------------------------------------------ */

/* Within single quotes of zsh; brackets and colons mean something to _arguments and _describe. */
static void write_zsh(const struct cli *cli, const char *text)
{
    for (; *text; text++) {
        if (strchr("[]:\\", *text))
            fputc('\\', cli->out);
        fputs(*text == '\'' ? "'\\''" : (char[]){*text, '\0'}, cli->out);
    }
}

static void zsh_spec(const struct cli *cli, const char *dashes, const struct cli_flag *flag)
{
    bool is_long = dashes[1] != '\0';
    if (is_long)
        fprintf(cli->out, "        '--%s%s[", flag->name, flag->value ? "=" : "");
    else
        fprintf(cli->out, "        '-%c[", flag->letter);
    write_zsh(cli, flag->summary);
    fputc(']', cli->out);
    if (flag->value)
        fprintf(cli->out, ":%s:%s%s%s", flag->value, flag->choices ? "(" : "_files",
                flag->choices ? flag->choices : "", flag->choices ? ")" : "");
    fputs("' \\\n", cli->out);
}

/* What stands behind the first argument; an action in braces is evaluated. */
static void zsh_rest(const struct cli *cli, const struct command *command)
{
    fputs(" \\\n        '*:argument:", cli->out);
    if (command->before_containers)
        fprintf(cli->out,
                "{ if (( ${words[(Ie)%s]} )); then compadd -- ${(f)\"$(docker ps -a --format \"{{.Names}}\" "
                "2>/dev/null)\"}; else _files; fi }'",
                command->before_containers);
    else
        fputs("_files'", cli->out);
}

static void zsh_command(const struct cli *cli, const struct command *command)
{
    fprintf(cli->out, "      %s)\n        _arguments \\\n", command->name);
    for (const struct cli_flag *flag = command->flags; flag && flag->name; flag++) {
        zsh_spec(cli, "--", flag);
        if (flag->letter)
            zsh_spec(cli, "-", flag);
    }
    bool words = (command->words && command->words[0]) || text_equal(command->name, "help");
    bool rest = command->before_files || command->before_containers;
    fputs("        '--help[explain the command]' \\\n", cli->out);
    if (command->takes_services) {
        fputs("        '*:service:{ compadd -- ${(f)\"$(", cli->out);
        write_targets(cli, command);
        fputs(")\"} }' ;;\n", cli->out);
        return;
    }
    fprintf(cli->out, "        '%s:argument:", rest ? "1" : "*");
    fputs(words ? "(" : "_files", cli->out);
    write_words(cli, command);
    fputs(words ? ")'" : "'", cli->out);
    if (rest)
        zsh_rest(cli, command);
    fputs(" ;;\n", cli->out);
}

static void zsh(const struct cli *cli)
{
    fputs("#compdef davit\n_davit() {\n  local -a commands\n  commands=(\n", cli->out);
    for (size_t i = 0; i < cli->commands_len; i++) {
        if (cli->commands[i]->hidden)
            continue;
        fprintf(cli->out, "    '%s:", cli->commands[i]->name);
        write_zsh(cli, cli->commands[i]->summary);
        fputs("'\n", cli->out);
    }
    fputs("  )\n  if (( CURRENT == 2 )); then\n    _describe command commands\n  else\n"
          "    local command=${words[2]}\n    shift words\n    (( CURRENT-- ))\n    case $command in\n",
          cli->out);
    for (size_t i = 0; i < cli->commands_len; i++)
        if (!cli->commands[i]->hidden)
            zsh_command(cli, cli->commands[i]);
    fputs("    esac\n  fi\n}\nif [ \"$funcstack[1]\" = _davit ]; then _davit \"$@\"; else compdef _davit "
          "davit; fi\n",
          cli->out);
}

/* --- fish ----------------------------------------------------------------------------------------------- */

static void write_fish(const struct cli *cli, const char *text)
{
    fputc('\'', cli->out);
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            fputc('\\', cli->out);
        fputc(*text, cli->out);
    }
    fputc('\'', cli->out);
}

static void fish_command(const struct cli *cli, const struct command *command)
{
    fprintf(cli->out, "complete -c davit -n __fish_use_subcommand -f -a %s -d ", command->name);
    write_fish(cli, command->summary);
    fputc('\n', cli->out);
    for (const struct cli_flag *flag = command->flags; flag && flag->name; flag++) {
        fprintf(cli->out, "complete -c davit -n '__fish_seen_subcommand_from %s' -l %s", command->name,
                flag->name);
        if (flag->letter)
            fprintf(cli->out, " -s %c", flag->letter);
        if (flag->value)
            fputs(" -r", cli->out);
        if (flag->choices)
            fprintf(cli->out, " -f -a '%s'", flag->choices);
        fputs(" -d ", cli->out);
        write_fish(cli, flag->summary);
        fputc('\n', cli->out);
    }
    if (command->takes_services) {
        fprintf(cli->out, "complete -c davit -n '__fish_seen_subcommand_from %s' -f -a '(", command->name);
        write_targets(cli, command);
        fputs(")'\n", cli->out);
    }
    bool words = (command->words && command->words[0]) || text_equal(command->name, "help");
    if (!words)
        return;
    bool rest = command->before_files || command->before_containers;
    fprintf(cli->out, "complete -c davit -n '__fish_seen_subcommand_from %s%s%s' -f -a '", command->name,
            rest ? "; and not __fish_seen_subcommand_from " : "", rest ? command->words : "");
    write_words(cli, command);
    fputs("'\n", cli->out);
    if (command->before_files)
        fprintf(
            cli->out,
            "complete -c davit -n '__fish_seen_subcommand_from %s; and __fish_seen_subcommand_from %s' -F\n",
            command->name, command->before_files);
    if (command->before_containers)
        fprintf(
            cli->out,
            "complete -c davit -n '__fish_seen_subcommand_from %s; and __fish_seen_subcommand_from %s' -f -a "
            "\"(" CONTAINERS ")\"\n",
            command->name, command->before_containers);
}

static void fish(const struct cli *cli)
{
    fputs("# fish completion for davit\n", cli->out);
    for (size_t i = 0; i < cli->commands_len; i++)
        if (!cli->commands[i]->hidden)
            fish_command(cli, cli->commands[i]);
}

/* --- the command ---------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*write)(const struct cli *cli);
} shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};

static int run(const struct cli *cli)
{
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++) {
        if (text_equal(shells[i].name, cli->argv[0])) {
            shells[i].write(cli);
            return CLI_OK;
        }
    }
    return cli_usage(cli, "completion is for bash, zsh and fish, not for \"%s\"", cli->argv[0]);
}

static const char *const examples[] = {
    "for this shell",
    "source <(davit completion bash)",
    "for good, fish",
    "davit completion fish > ~/.config/fish/completions/davit.fish",
    NULL,
};

const struct command cli_completion = {
    .name = "completion",
    .summary = "print completion for a shell",
    .args = "bash|zsh|fish",
    .examples = examples,
    .words = "bash zsh fish",
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
