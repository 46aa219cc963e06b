#include "cli/import.h"

#include "base/memory.h"
#include "base/text.h"
#include "cli/output.h"

#include <string.h>

static const struct format {
    const char *name;
    import_function *import;
    bool inspects; /* containers of an engine, not files */
} formats[] = {
    {"compose", import_compose, false},
    {"cloudformation", import_cloudformation, false},
    {"ecs", import_ecs, false},
    {"docker", import_docker, true},
};

static const struct format *format_named(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(formats); i++)
        if (text_equal(formats[i].name, name))
            return &formats[i];
    return NULL;
}

/* What the files of one run came to. */
struct outcome {
    json_t *objects;
    struct diagnostics notes;
    size_t members;
    size_t lost;
    bool failed;
};

static void print_diagnostics(const struct cli *cli, const struct diagnostics *diagnostics)
{
    cli_write_diagnostics(cli->err, diagnostics, "");
    size_t all = diagnostics->errors + diagnostics->warnings;
    if (all > diagnostics->list.len)
        fprintf(cli->err, "and %zu more\n", all - diagnostics->list.len);
}

static void add(struct outcome *outcome, struct import *import)
{
    json_array_extend(outcome->objects, import->objects);
    diagnostics_append(&outcome->notes, &import->notes);
    outcome->members += import->members;
    outcome->lost += import->lost;
    import_deinit(import);
}

static int import_document(const struct cli *cli, const struct format *format,
                           const struct import_source *source, struct outcome *outcome)
{
    struct diagnostics diagnostics CLEANUP(diagnostics_deinit) = {0};
    struct import import;
    int r = format->import(source, &import, &diagnostics);
    if (r == 0)
        add(outcome, &import);
    print_diagnostics(cli, &diagnostics);
    return r < 0 ? CLI_NO : CLI_OK;
}

static enum import_tasks tasks_of(const struct cli *cli)
{
    const char *tasks = cli_value(cli, "tasks");
    return text_equal(tasks, "each")  ? IMPORT_TASKS_EACH
           : text_equal(tasks, "one") ? IMPORT_TASKS_ONE
                                      : IMPORT_TASKS_LINKED;
}

static int parse(const struct cli *cli, const struct document_input *input,
                 struct document_vec *ret_documents)
{
    struct diagnostics diagnostics CLEANUP(diagnostics_deinit) = {0};
    int r = document_parse_foreign(input, ret_documents, &diagnostics);
    print_diagnostics(cli, &diagnostics);
    if (r == 0 && !ret_documents->len)
        fprintf(cli->err, "davit: %s has no content\n", input->name);
    return r < 0 || !ret_documents->len ? CLI_NO : CLI_OK;
}

/* {"Name": value}, or CloudFormation's own [{"ParameterKey": ..., "ParameterValue": ...}]. */
static int read_parameters(const struct cli *cli, struct document_vec *ret_documents, json_t **ret_parameters)
{
    const char *path = cli_value(cli, "parameters");
    struct error err = ERROR_INIT;
    char *content CLEANUP_FREE = NULL;
    size_t len = 0;
    if (!path)
        return CLI_OK;
    if (cli_import_read(path, &content, &len, &err) < 0)
        return cli_fail(cli, "--parameters: %s", error_text(&err));
    if (parse(cli, &(struct document_input){path, content, len}, ret_documents))
        return CLI_ERROR;
    json_t *value = ret_documents->items[0].value;
    json_t *inner = json_object_get(value, "Parameters");
    json_t *parameters = json_object();
    size_t i;
    json_t *item;
    if (json_is_object(value))
        json_object_update(parameters, json_is_object(inner) ? inner : value);
    json_array_foreach (json_is_array(inner) ? inner : value, i, item) {
        const char *key = json_string_value(json_object_get(item, "ParameterKey"));
        json_t *given = json_object_get(item, "ParameterValue");
        if (key && given)
            json_object_set(parameters, key, given);
    }
    *ret_parameters = parameters;
    return CLI_OK;
}

static int import_content(const struct cli *cli, const struct format *format,
                          const struct document_input *input, struct import_world *world,
                          struct outcome *outcome)
{
    struct document_vec documents CLEANUP(document_vec_deinit) = {0};
    int r = parse(cli, input, &documents);
    for (size_t i = 0; i < documents.len && r == CLI_OK; i++) {
        struct import_source source = {.file = input->name, .document = &documents.items[i], .world = world};
        r = import_document(cli, format, &source, outcome);
    }
    return r;
}

static int import_file(const struct cli *cli, const struct format *format, const char *path,
                       struct import_world world, struct outcome *outcome)
{
    struct cli_place place CLEANUP(cli_place_deinit) = {0};
    struct error err = ERROR_INIT;
    char *content CLEANUP_FREE = NULL;
    size_t len = 0;
    if (cli_import_read(path, &content, &len, &err) < 0 || cli_place_init(&place, path, &err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    cli_place_fill(&place, &world);
    const char *name = text_equal(path, "-") ? "standard input" : path;
    return import_content(cli, format, &(struct document_input){name, content, len}, &world, outcome);
}

static int import_containers(const struct cli *cli, const struct format *format, struct import_world world,
                             struct outcome *outcome)
{
    struct error err = ERROR_INIT;
    struct document document = {0};
    struct import_source source = {.file = "docker", .document = &document, .world = &world};
    if (cli_import_inspect(cli, cli->argv + 1, (size_t)cli->argc - 1, &document.value, &err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    int r = import_document(cli, format, &source, outcome);
    json_decref(document.value);
    return r;
}

static void summarise(const struct cli *cli, const struct outcome *outcome)
{
    size_t carried = outcome->members - outcome->lost;
    fprintf(cli->err, "imported: %zu object%s, %zu of %zu values carried over",
            json_array_size(outcome->objects), text_plural((int64_t)json_array_size(outcome->objects)),
            carried, outcome->members);
    if (outcome->notes.warnings)
        fprintf(cli->err, ", %zu note%s above", outcome->notes.warnings,
                text_plural((int64_t)outcome->notes.warnings));
    fputc('\n', cli->err);
}

static int finish(const struct cli *cli, struct outcome *outcome)
{
    diagnostics_sort(&outcome->notes);
    print_diagnostics(cli, &outcome->notes);
    int r = CLI_OK;
    if (json_array_size(outcome->objects))
        r = cli_import_write(cli, outcome->objects);
    summarise(cli, outcome);
    if (r == CLI_OK && !json_array_size(outcome->objects))
        r = CLI_NO;
    return r;
}

static int run(const struct cli *cli)
{
    const struct format *format = format_named(cli->argv[0]);
    if (!format)
        return cli_usage(cli, "\"%s\" is none of: %s", cli->argv[0], cli->command->words);
    struct outcome outcome = {.objects = json_array()};
    struct document_vec documents CLEANUP(document_vec_deinit) = {0};
    json_t *parameters CLEANUP(json_decrefp) = NULL;
    int r = read_parameters(cli, &documents, &parameters);
    struct import_world world = {.project = cli_value(cli, "name"),
                                 .profiles = cli_value(cli, "profiles"),
                                 .tasks = tasks_of(cli),
                                 .parameters = parameters};
    if (r == CLI_OK && format->inspects)
        r = import_containers(cli, format, world, &outcome);
    for (int i = 1; i < cli->argc && r == CLI_OK && !format->inspects; i++)
        r = import_file(cli, format, cli->argv[i], world, &outcome);
    if (r == CLI_OK)
        r = finish(cli, &outcome);
    json_decref(outcome.objects);
    diagnostics_deinit(&outcome.notes);
    return r;
}

static const struct cli_flag flags[] = {
    {"output", 'o', "FORMAT", "yaml", "how to write manifests", "yaml json"},
    {"directory", 'd', "DIRECTORY", NULL, "write one file an object there, instead of all to standard output",
     NULL},
    {"force", 'f', NULL, NULL, "replace files that are there", NULL},
    {"name", 0, "NAME", NULL,
     "compose: the project; cloudformation: the stack; ecs: a service without name; docker: the cluster",
     NULL},
    {"tasks", 0, "WHICH", "linked",
     "compose: the services that share a task: those that need each other's names (linked), none (each), all "
     "(one)",
     "linked each one"},
    {"profiles", 0, "NAMES", NULL, "compose: profiles that are on, between commas; * is all", NULL},
    {"parameters", 0, "FILE", NULL, "cloudformation: values of parameters, JSON or YAML", NULL},
    {"engine", 0, "ADDRESS", NULL, "docker: unix:///path or tcp://host:port; DOCKER_HOST when absent", NULL},
    CLI_FLAG_END,
};

static const char *const examples[] = {
    "a Compose project, to look at",
    "davit import compose docker-compose.yml",
    "a stack, as files of a repository",
    "davit import cloudformation --directory demo stack.yaml --parameters prod.json",
    "what runs on AWS now",
    "aws ecs describe-services --cluster demo --services web | davit import ecs -",
    "containers that were started by hand",
    "davit import docker --directory demo web db",
    NULL,
};

static const struct cli_exit exits[] = {
    {CLI_OK, "there are manifests; what could not be carried over is listed"},
    {CLI_NO, "there is nothing to import in it"},
    {CLI_ERROR, "it could not read or write, or the usage is wrong"},
    {0, NULL}};

const struct command cli_import = {
    .name = "import",
    .summary = "write manifests of what runs elsewhere",
    .args = "compose|cloudformation|ecs|docker FILE|CONTAINER...",
    .description =
        "Manifests go to standard output or into --directory; what could not be carried over is listed on "
        "standard\n"
        "error, each with its place: \"dropped\" is gone, \"unresolved\" has a placeholder instead of its "
        "value,\n"
        "\"changed\" is there and means something else. FILE - is standard input.\n\n"
        "compose: variables come from the environment and from .env beside the file, extends and include are "
        "followed.\n"
        "Services that need each other's names (depends_on, links, names in variables) share a task, where "
        "links make\n"
        "the names resolve; between tasks depends_on becomes davit.dependsOn or davit.preDeploy.\n"
        "Several files are several projects; of files that are laid one over another:\n"
        "\"docker compose config | davit import compose -\".\n\n"
        "cloudformation: the resources of AWS::ECS and what belongs to them. Functions are worked out as far "
        "as\n"
        "parameters have values; ${NAME} stands for what is not known.\n\n"
        "ecs: what \"aws ecs describe-*\" prints or \"register-*\" and \"create-*\" take.\n\n"
        "docker: containers of an engine, by name or id, without what comes from their images.",
    .flags = flags,
    .examples = examples,
    .exits = exits,
    .words = "compose cloudformation ecs docker",
    .before_files = "compose cloudformation ecs",
    .before_containers = "docker",
    .args_min = 2,
    .args_max = -1,
    .run = run,
};
