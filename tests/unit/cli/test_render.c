/* davit render: selection, formats, and that what AWS is given is what was written. The last is tried on
 * files that people have written as well: DAVIT_CORPUS says where they are, without them that test is
 * skipped. */
#include "cli/cli.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/vector.h"
#include "manifest/document.h"
#include "unit.h"

#include <dirent.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct command *const commands[] = {&cli_render, &cli_validate};

struct answer {
    int code;
    char *out;
    char *err;
};

static void answer_deinit(struct answer *answer)
{
    free(answer->out);
    free(answer->err);
}

/* NULL-ended words. */
static struct answer run(const char *const *words)
{
    struct answer answer = {0};
    char *argv[16] = {(char[]){"davit"}};
    int argc = 1;
    size_t out_len;
    size_t err_len;
    struct string_vec copies CLEANUP(string_vec_deinit) = {0};
    for (size_t i = 0; words[i]; i++) {
        vector_push(&copies, memory_strdup(words[i]));
        argv[argc++] = copies.items[i];
    }
    struct cli cli = {.commands = commands, .commands_len = ARRAY_LEN(commands)};
    cli.out = open_memstream(&answer.out, &out_len);
    cli.err = open_memstream(&answer.err, &err_len);
    answer.code = cli_run(&cli, argc, argv);
    fclose(cli.out);
    fclose(cli.err);
    return answer;
}
#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL})

static void expect(struct answer answer, int code, const char *out, const char *err)
{
    if (answer.code != code || (out && !text_equal(answer.out, out)) || (err && !strstr(answer.err, err)))
        fail_msg("exit code %d, not %d:\n%s\n%s", answer.code, code, answer.out, answer.err);
    answer_deinit(&answer);
}

/* --- a directory of one's own --------------------------------------------------------------------------- */

static const char *const files[][2] = {
    {"davit.yaml", "variables: {TAG: '1.27', PORT: 80, N: 2}\n"
                   "patches: [{kind: Service, name: web, merge: {desiredCount: '${N}'}}]\n"},
    {"web.yaml", "family: web\ncpu: 256\nmemory: 0.5GB\nrevision: 3\ndavit: {}\nx-note: n\n"
                 "tags: [{key: a, value: b}]\n"
                 "containerDefinitions:\n- name: app\n  image: nginx:${TAG}\n"
                 "  dockerLabels: {davit: stays}\n"
                 "  environment: [{name: PORT, value: '${PORT}'}]\n"},
    {"service.yaml",
     "serviceName: web\ntaskDefinition: web\nclusterArn: "
     "arn:aws:ecs:eu-west-1:111122223333:cluster/demo\nrunningCount: 4\n---\nclusterName: demo\n"},
};

static char *path_of(const char *directory, const char *name)
{
    return memory_printf("%s/%s", directory, name);
}

static int setup(void **state)
{
    char *directory = memory_calloc(256, 1);
    unit_make_dir(directory, 256, "render");
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        char *path CLEANUP_FREE = path_of(directory, files[i][0]);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs(files[i][1], file);
        fclose(file);
    }
    *state = directory;
    return 0;
}

static int teardown(void **state)
{
    char *directory = *state;
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        char *path CLEANUP_FREE = path_of(directory, files[i][0]);
        unlink(path);
    }
    rmdir(directory);
    free(directory);
    return 0;
}

static void test_yaml(void **state)
{
    const char *directory = *state;
    expect(RUN("render", directory, "service/web", "Cluster/demo"), CLI_OK,
           "kind: Cluster\nclusterName: demo\n---\nkind: Service\nserviceName: web\ntaskDefinition: web\n"
           "clusterArn: arn:aws:ecs:eu-west-1:111122223333:cluster/demo\nrunningCount: 4\ndesiredCount: 2\n",
           NULL);
}

static void test_selection(void **state)
{
    const char *directory = *state;
    expect(RUN("render", directory, "Cluster/demo", "-o", "json"), CLI_OK,
           "{\n  \"kind\": \"Cluster\",\n  \"clusterName\": \"demo\"\n}\n", NULL);
    expect(RUN("render", directory, "service/demo/web", "-o", "aws"), CLI_OK,
           "{\n  \"serviceName\": \"web\",\n  \"taskDefinition\": \"web\",\n  \"desiredCount\": 2,\n"
           "  \"cluster\": \"arn:aws:ecs:eu-west-1:111122223333:cluster/demo\"\n}\n",
           NULL);
    expect(RUN("render", directory, "Service/default/web"), CLI_NO, "", "there is no Service/default/web");
    expect(RUN("render", directory, "TaskDefinitions/web"), CLI_NO, "", "there is no TaskDefinitions/web");
    expect(RUN("render", directory, "web"), CLI_ERROR, "", "\"web\" is not KIND/NAME");
    expect(RUN("render", "/nonexistent"), CLI_ERROR, "", "/nonexistent");
}

static void test_aws(void **state)
{
    const char *directory = *state;
    expect(
        RUN("render", directory, "task-definition/web", "-o", "aws"), CLI_OK,
        "{\n  \"family\": \"web\",\n  \"cpu\": \"256\",\n  \"memory\": \"0.5GB\",\n  \"tags\": [\n    {\n"
        "      \"key\": \"a\",\n      \"value\": \"b\"\n    }\n  ],\n  \"containerDefinitions\": [\n    {\n"
        "      \"name\": \"app\",\n      \"image\": \"nginx:1.27\",\n      \"dockerLabels\": {\n"
        "        \"davit\": \"stays\"\n      },\n      \"environment\": [\n        {\n"
        "          \"name\": \"PORT\",\n          \"value\": \"80\"\n        }\n      ]\n    }\n  ]\n}\n",
        NULL);
}

static void expect_remedy(struct answer answer, const char *remedy)
{
    char *text CLEANUP_FREE = memory_printf(
        "davit.yaml:1:11: error: \"../base\" leads out of \"prod\", which is taken as the root because it is "
        "in "
        "no git repository at /extends/0; run `davit %s`, or git init in a directory that holds both",
        remedy);
    if (answer.code != CLI_NO || (!strstr(answer.out, text) && !strstr(answer.err, text)))
        fail_msg("exit code %d, and not \"%s\":\n%s\n%s", answer.code, text, answer.out, answer.err);
    answer_deinit(&answer);
}

static void test_a_directory_in_no_repository_is_the_root(void **state)
{
    const char *directory = *state;
    char here[4096];
    char *prod CLEANUP_FREE = path_of(directory, "prod");
    char *slash CLEANUP_FREE = path_of(prod, "");
    char *path CLEANUP_FREE = path_of(prod, "davit.yaml");
    char *validate CLEANUP_FREE = memory_printf("validate %s --path prod", directory);
    char *render CLEANUP_FREE = memory_printf("render %s --path prod", directory);
    assert_int_equal(mkdir(prod, 0700), 0);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("extends: [../base]\n", file);
    fclose(file);
    expect_remedy(RUN("validate", prod), validate);
    expect_remedy(RUN("validate", slash), validate);
    expect_remedy(RUN("render", prod, "Service/web"), render);
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(prod), 0);
    expect_remedy(RUN("validate"), "validate .. --path prod");
    assert_int_equal(chdir(".."), 0);
    expect_remedy(RUN("validate", "prod"), "validate . --path prod");
    assert_int_equal(chdir(here), 0);
    unlink(path);
    rmdir(prod);
}

/* What is rendered is itself valid, and renders to itself. */
static void test_what_is_rendered_is_a_manifest(void **state)
{
    const char *directory = *state;
    struct answer first CLEANUP(answer_deinit) = RUN("render", directory);
    assert_int_equal(first.code, CLI_OK);
    char *path CLEANUP_FREE = path_of(directory, "rendered.yaml");
    FILE *file = fopen(path, "w");
    fputs(first.out, file);
    fclose(file);
    struct answer second CLEANUP(answer_deinit) = RUN("render", path);
    unlink(path);
    assert_int_equal(second.code, CLI_OK);
    assert_string_equal(second.out, first.out);
}

static void test_invalid(void **state)
{
    const char *directory = *state;
    char *path CLEANUP_FREE = path_of(directory, "bad.yaml");
    FILE *file = fopen(path, "w");
    fputs("clusterName: ${NAME}\n", file);
    fclose(file);
    struct answer answer CLEANUP(answer_deinit) = RUN("render", directory);
    unlink(path);
    assert_int_equal(answer.code, CLI_NO);
    assert_string_equal(answer.out, "");
    assert_non_null(strstr(answer.err, "bad.yaml:1:14: error: no variable \"NAME\" in this environment"));
}

/* The example of the repository, as README.md shows it. */
static void test_example(void **state)
{
    (void)state;
    static const struct {
        const char *environment;
        const char *object;
        const char *yaml;
    } cases[] = {
        {"prod", "Service/web",
         "kind: Service\ncluster: prod\nserviceName: web\ntaskDefinition: web\ndesiredCount: 4\n"
         "deploymentConfiguration:\n  minimumHealthyPercent: 75\n"},
        {"staging", "Service/web",
         "kind: Service\ncluster: staging\nserviceName: web\ntaskDefinition: web\ndesiredCount: 1\n"},
        {"staging", "TaskDefinition/web",
         "kind: TaskDefinition\nfamily: web\ncontainerDefinitions:\n- name: web\n  image: nginx:1.28\n"
         "  memory: 128\n  portMappings:\n  - containerPort: 8080\n  environment:\n  - name: PORT\n"
         "    value: \"8080\"\n  - name: STAGE\n    value: staging\n  healthCheck:\n    command:\n"
         "    - CMD-SHELL\n    - \"curl -f http://localhost:${PORT}/\"\n"},
        {"prod", "Service/prod/cleanup",
         "kind: Service\ncluster: prod\nserviceName: cleanup\ntaskDefinition: cleanup\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *path CLEANUP_FREE =
            memory_printf("%s/examples/environments/%s", SOURCE_ROOT, cases[i].environment);
        expect(RUN("render", path, cases[i].object), CLI_OK, cases[i].yaml, NULL);
        expect(RUN("validate", path), CLI_OK, NULL, "valid: 1 cluster");
    }
}

/* --- what ECS itself makes of a task definition --------------------------------------------------------- */

/* Printed by describe-task-definition and not taken by register-task-definition, and members of manifests
 * that are not for ECS. */
static const char *const not_input[] = {
    "taskDefinitionArn", "revision",     "status",       "requiresAttributes",
    "compatibilities",   "registeredAt", "registeredBy", "deregisteredAt",
    "deleteRequestedAt", "$schema",      "kind",         "davit",
};

/* Defaults that ECS fills in where a member is absent, by the path without indices. */
static const struct {
    const char *path;
    const char *value; /* as JSON */
} defaults[] = {
    {"/networkMode", "\"bridge\""},
    {"/containerDefinitions/cpu", "0"},
    {"/containerDefinitions/essential", "true"},
    {"/containerDefinitions/portMappings/hostPort", "0"},
    {"/containerDefinitions/portMappings/protocol", "\"tcp\""},
    {"/containerDefinitions/mountPoints/readOnly", "false"},
};

static bool is_default(const char *path, const json_t *value)
{
    for (size_t i = 0; i < ARRAY_LEN(defaults); i++) {
        if (!text_equal(defaults[i].path, path))
            continue;
        json_t *usual = json_loads(defaults[i].value, JSON_DECODE_ANY, NULL);
        bool same = json_equal(usual, value);
        json_decref(usual);
        return same;
    }
    return false;
}

/* Absent, null, empty and the default are one. */
static void normalise(json_t *value, const char *path)
{
    const char *name;
    json_t *item;
    size_t i;
    void *next;
    json_array_foreach (value, i, item)
        normalise(item, path);
    json_object_foreach_safe(value, next, name, item)
    {
        char *below CLEANUP_FREE = memory_printf("%s/%s", path, name);
        normalise(item, below);
        bool empty = json_is_null(item) || (json_is_array(item) && !json_array_size(item)) ||
                     (json_is_object(item) && !json_object_size(item));
        if (empty || is_default(below, item))
            json_object_del(value, name);
    }
}

/* ECS prints CPU units and MiB, as strings. */
static void normalise_amount(json_t *definition, const char *name, double unit)
{
    const json_t *value = json_object_get(definition, name);
    char *text CLEANUP_FREE =
        json_is_string(value) ? memory_strdup(json_string_value(value)) : json_dumps(value, JSON_ENCODE_ANY);
    if (!value || !text)
        return;
    char *end;
    double amount = strtod(text, &end);
    if (*end)
        amount *= unit;
    json_object_set_new(definition, name, json_sprintf("%.0f", amount));
}

static json_t *normal(const json_t *definition)
{
    json_t *copy = json_deep_copy(definition);
    const char *name;
    json_t *item;
    void *next;
    for (size_t i = 0; i < ARRAY_LEN(not_input); i++)
        json_object_del(copy, not_input[i]);
    json_object_foreach_safe(copy, next, name, item)
    {
        (void)item;
        if (text_starts_with(name, "x-"))
            json_object_del(copy, name);
    }
    normalise(copy, "");
    normalise_amount(copy, "cpu", 1024);
    normalise_amount(copy, "memory", 1024);
    return copy;
}

static json_t *load(const char *path)
{
    char *text CLEANUP_FREE = memory_alloc(LIMIT_MANIFEST_BYTES);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    struct document_vec documents CLEANUP(document_vec_deinit) = {0};
    struct diagnostics diagnostics CLEANUP(diagnostics_deinit) = {0};
    const struct document_input input = {path, text, fread(text, 1, LIMIT_MANIFEST_BYTES, file)};
    fclose(file);
    assert_int_equal(document_parse(&input, &documents, &diagnostics), 0);
    assert_int_equal(documents.len, 1);
    json_t *value = documents.items[0].value;
    json_t *wrapped = json_object_get(value, "taskDefinition");
    return json_deep_copy(json_is_object(wrapped) ? wrapped : value);
}

/* False when the file is not valid. */
static bool is_carried_through(const char *path)
{
    struct answer answer CLEANUP(answer_deinit) = RUN("render", path, "-o", "aws");
    if (answer.code == CLI_NO)
        return false;
    assert_int_equal(answer.code, CLI_OK);
    json_t *original = load(path);
    json_t *before = normal(original);
    json_t *rendered = json_loads(answer.out, 0, NULL);
    json_t *after = normal(rendered);
    if (!json_equal(before, after)) {
        char *wanted CLEANUP_FREE = json_dumps(before, JSON_INDENT(1) | JSON_SORT_KEYS);
        char *got CLEANUP_FREE = json_dumps(after, JSON_INDENT(1) | JSON_SORT_KEYS);
        fail_msg("%s: not\n%s\nbut\n%s", path, wanted, got);
    }
    for (size_t i = 0; i < ARRAY_LEN(not_input); i++)
        assert_null(json_object_get(rendered, not_input[i]));
    json_decref(original);
    json_decref(before);
    json_decref(rendered);
    json_decref(after);
    return true;
}

static void test_corpus(void **state)
{
    (void)state;
    const char *corpus = getenv("DAVIT_CORPUS");
    char *directory CLEANUP_FREE =
        path_of(corpus ? corpus : SOURCE_ROOT "/../shared/corpus", "task-definitions");
    DIR *dir = opendir(directory);
    if (!dir) {
        print_message("no manifests at %s: set DAVIT_CORPUS\n", directory);
        free(TAKE(directory)); /* skip() jumps over the cleanup */
        skip();
    }
    int most = unit_rounds(100000, 20);
    int seen = 0;
    int carried = 0;
    for (struct dirent *entry = readdir(dir); entry && seen < most; entry = readdir(dir)) {
        if (entry->d_name[0] == '.')
            continue;
        char *path CLEANUP_FREE = path_of(directory, entry->d_name);
        seen++;
        carried += is_carried_through(path);
    }
    closedir(dir);
    print_message("task-definitions: %d of %d carried through, %d not valid\n", carried, seen,
                  seen - carried);
    assert_true(carried > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_yaml, setup, teardown),
        cmocka_unit_test_setup_teardown(test_selection, setup, teardown),
        cmocka_unit_test_setup_teardown(test_aws, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_directory_in_no_repository_is_the_root, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_rendered_is_a_manifest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_invalid, setup, teardown),
        cmocka_unit_test(test_example),
        cmocka_unit_test(test_corpus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
