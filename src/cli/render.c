#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/offline.h"
#include "cli/output.h"
#include "manifest/manifest.h"

#include <ctype.h>
#include <string.h>

/* A KIND/NAME of the command line. */
struct wanted {
    const char *text;
    bool found;
};

struct rendering {
    const struct cli *cli;
    struct wanted *wanted;
    size_t wanted_len;
    size_t printed;
};

/* "TaskDefinition", "taskdefinition" and "task-definition" are one kind. */
static bool is_kind(const char *text, size_t len, const char *kind)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '-')
            continue;
        if (tolower((unsigned char)text[i]) != tolower((unsigned char)*kind))
            return false;
        kind++;
    }
    return !*kind;
}

/* A service goes by its bare name too. */
static bool is_meant(const char *text, const struct manifest_object *object)
{
    const char *slash = strchr(text, '/');
    const char *bare = strchr(object->name, '/');
    return slash && is_kind(text, (size_t)(slash - text), object->kind) &&
           (text_equal(slash + 1, object->name) || (bare && text_equal(slash + 1, bare + 1)));
}

static bool is_wanted(struct rendering *rendering, const struct manifest_object *object)
{
    bool wanted = rendering->wanted_len == 0;
    for (size_t i = 0; i < rendering->wanted_len; i++) {
        if (!is_meant(rendering->wanted[i].text, object))
            continue;
        rendering->wanted[i].found = true;
        wanted = true;
    }
    return wanted;
}

/* Known by `kind`, also where the file left it to the shape. */
static json_t *with_kind(const struct manifest_object *object)
{
    json_t *value = json_pack("{s:s}", "kind", object->kind);
    json_object_update(value, (json_t *)(uintptr_t)object->value);
    return value;
}

static void print(void *data, const struct manifest_object *object)
{
    struct rendering *rendering = data;
    const struct cli *cli = rendering->cli;
    const char *format = cli_value(cli, "output");
    if (!is_wanted(rendering, object))
        return;
    json_t *value CLEANUP(json_decrefp) =
        text_equal(format, "aws") ? manifest_aws_input(object) : with_kind(object);
    if (text_equal(format, "yaml")) {
        fputs(rendering->printed ? "---\n" : "", cli->out);
        cli_write_yaml(cli->out, value);
    } else {
        char *text CLEANUP_FREE = json_dumps(value, JSON_INDENT(2));
        fprintf(cli->out, "%s\n", text);
    }
    rendering->printed++;
}

static void render(void *data, struct manifest *manifest)
{
    manifest_each_object(manifest, print, data);
}

static int complain(const struct cli *cli, const struct rendering *rendering)
{
    int code = CLI_OK;
    for (size_t i = 0; i < rendering->wanted_len; i++) {
        if (rendering->wanted[i].found)
            continue;
        cli_fail(cli, "there is no %s", rendering->wanted[i].text);
        code = CLI_NO;
    }
    return code;
}

static int run(const struct cli *cli)
{
    size_t wanted_len = cli->argc > 1 ? (size_t)cli->argc - 1 : 0;
    struct wanted *wanted CLEANUP_FREE = memory_calloc(wanted_len, sizeof *wanted);
    for (size_t i = 0; i < wanted_len; i++) {
        wanted[i].text = cli->argv[i + 1];
        if (!strchr(wanted[i].text, '/'))
            return cli_usage(cli, "\"%s\" is not KIND/NAME, such as TaskDefinition/web", wanted[i].text);
    }
    struct rendering rendering = {cli, wanted, wanted_len, 0};
    struct string_vec clusters = offline_other_clusters(cli);
    struct offline_query query = {.other_clusters = &clusters,
                                  .repository = cli->argc ? cli->argv[0] : ".",
                                  .revision = cli_value(cli, "revision"),
                                  .sub_path = cli_value(cli, "path"),
                                  .command = cli->command->name,
                                  .on_manifest = render,
                                  .data = &rendering};
    struct desired *desired CLEANUP(desired_unrefp) = NULL;
    struct diagnostics diagnostics CLEANUP(diagnostics_deinit) = {0};
    struct error err = ERROR_INIT;
    int r = offline_read(&query, &desired, &diagnostics, &err);
    vector_deinit(&clusters);
    if (r < 0 && !diagnostics.errors)
        return cli_fail(cli, "%s", err.message[0] ? err.message : error_code_name(r));
    if (desired)
        return complain(cli, &rendering);
    diagnostics_sort(&diagnostics);
    cli_write_diagnostics(cli->err, &diagnostics, "");
    return CLI_NO;
}

static const struct cli_flag flags[] = {
    {"output", 'o', "FORMAT", "yaml", "how to print", "yaml json aws"},
    CLI_FLAG_PATH,
    OFFLINE_FLAG_CLUSTERS,
    CLI_FLAG_REVISION,
    CLI_FLAG_END,
};

static const char *const examples[] = {
    "what an environment comes to",
    "davit render environments/prod",
    "between two of them",
    "diff <(davit render environments/staging) <(davit render environments/prod)",
    "for AWS",
    "davit render environments/prod TaskDefinition/web -o aws > web.json",
    NULL,
};

static const struct cli_exit exits[] = {{CLI_OK, "printed"},
                                        {CLI_NO, "the manifests are not valid, or a NAME is not there"},
                                        {CLI_ERROR, "it could not look, or the usage is wrong"},
                                        {0, NULL}};

const struct command cli_render = {
    .name = "render",
    .summary = "print manifests as they are after extends, variables and patches",
    .args = "[PATH [KIND/NAME..]]",
    .description = "PATH is a repository, a directory or one file; the current directory when absent. What "
                   "davit.yaml in it says is carried out. KIND is CapacityProvider, Cluster, TaskDefinition, "
                   "Service or ScheduledTask, NAME the object's name, of a service also CLUSTER/NAME; all "
                   "objects when absent. They come in that order.\n\n"
                   "One document an object: yaml separates them by ---, json and aws print one JSON text "
                   "after the other, as jq "
                   "reads them.\nyaml and json are manifests that davit reads back to the same. aws is what "
                   "register-task-definition, create-service\nand create-cluster take as --cli-input-json: "
                   "without davit's own "
                   "members and without those that only describe-* prints.",
    .flags = flags,
    .examples = examples,
    .exits = exits,
    .args_max = -1,
    .run = run,
};
