#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/init_files.h"
#include "manifest/manifest.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* Whether there is anything but git's own directory; nothing at all when the directory is not there. */
static bool is_empty(const char *path)
{
    DIR *directory = opendir(path);
    bool empty = true;
    if (!directory)
        return errno == ENOENT;
    for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory))
        empty = empty && (text_equal(entry->d_name, ".") || text_equal(entry->d_name, "..") ||
                          text_equal(entry->d_name, ".git"));
    closedir(directory);
    return empty;
}

/* The directories above a file. */
static void make_directories(const char *path)
{
    char *part CLEANUP_FREE = memory_strdup(path);
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(part, 0777); /* what fails here fails at the file */
        *slash = '/';
    }
}

static int write_file(const struct cli *cli, const char *directory, const struct init_file *file)
{
    char *path CLEANUP_FREE = memory_printf("%s/%s", directory, file->path);
    make_directories(path);
    FILE *stream = fopen(path, "we");
    if (!stream)
        return cli_fail(cli, "%s: %s", path, strerror(errno));
    fputs(file->content ? file->content : manifest_schema(file->kind), stream);
    bool failed = ferror(stream) != 0;
    failed = fclose(stream) != 0 || failed;
    if (failed)
        return cli_fail(cli, "%s cannot be written: %s", path, strerror(errno));
    fprintf(cli->out, "%s\n", path);
    return CLI_OK;
}

static void say_next_steps(const struct cli *cli, const char *directory)
{
    char *git CLEANUP_FREE = memory_printf("%s/.git", directory);
    struct stat st;
    bool here = text_equal(directory, ".");
    fputs("\nNext:\n", cli->err);
    if (!here)
        fprintf(cli->err, "  cd %s\n", directory);
    if (stat(git, &st) < 0)
        fputs("  git init -b main\n", cli->err);
    fputs("  davit validate\n"
          "  edit the pipeline of your forge (DAVIT_GIT_URL), remove the others\n"
          "  git add -A && git commit -m \"web: first version\"\n"
          "  sudo davit daemon --source .    # or davit apply, without a daemon\n"
          "  davit wait demo/web\n",
          cli->err);
}

static int run(const struct cli *cli)
{
    const char *directory = cli->argc ? cli->argv[0] : ".";
    int r = CLI_OK;
    if (!cli_is_on(cli, "force") && !is_empty(directory))
        return cli_fail(cli, "%s is not empty; --force writes into it, and replaces files of the same names",
                        directory);
    for (const struct init_file *file = init_files; file->path && r == CLI_OK; file++)
        r = write_file(cli, directory, file);
    if (r == CLI_OK)
        say_next_steps(cli, directory);
    return r;
}

static const struct cli_flag flags[] = {
    {"force", 'f', NULL, NULL, "write into a directory that is not empty", NULL},
    CLI_FLAG_END,
};

static const char *const examples[] = {
    "a new repository",
    "davit init infra",
    NULL,
};

const struct command cli_init = {
    .name = "init",
    .summary = "write a starter repository",
    .args = "[DIRECTORY]",
    .description = "A cluster, a service and its task definition that validate as they are, schemas for the "
                   "editor, and\n"
                   "pipelines for GitHub, GitLab, Gitea and Forgejo that check a merge request and say on it "
                   "what its merge\n"
                   "deploys; they build davit from where DAVIT_GIT_URL says. The names of the files go to "
                   "standard output.",
    .flags = flags,
    .examples = examples,
    .args_max = 1,
    .run = run,
};
