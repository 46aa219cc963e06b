/* davit import and davit init: files that are read and written, and what is printed where. */
#include "cli/cli.h"

#include "base/memory.h"
#include "base/text.h"
#include "unit.h"

#include <jansson.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

struct world {
    char dir[128];
    char *out;
    char *err;
    size_t out_len;
    size_t err_len;
};

static int begin(void **state)
{
    struct world *world = NEW(struct world);
    unit_make_dir(world->dir, sizeof world->dir, "import");
    assert_int_equal(chdir(world->dir), 0);
    unsetenv("DOCKER_HOST");
    *state = world;
    return 0;
}

static void forget(struct world *world)
{
    free(world->out);
    free(world->err);
    world->out = world->err = NULL;
}

static int end(void **state)
{
    struct world *world = *state;
    char *command CLEANUP_FREE = memory_printf("rm -rf '%s'", world->dir);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(system(command), 0);
    forget(world);
    free(world);
    return 0;
}

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static char *get(const char *path)
{
    char *text = memory_calloc(65536, 1);
    FILE *file = fopen(path, "r");
    if (file) {
        size_t len = fread(text, 1, 65535, file);
        text[len] = '\0';
        fclose(file);
    }
    return text;
}

/* Words between blanks. */
static int davit(struct world *world, const char *line)
{
    static const struct command *const commands[] = {&cli_import, &cli_init, &cli_validate, &cli_help};
    char *copy CLEANUP_FREE = memory_strdup(line);
    char *argv[16] = {(char *)"davit"};
    int argc = 1;
    for (char *word = strtok(copy, " "); word && argc < 15; word = strtok(NULL, " "))
        argv[argc++] = word;
    forget(world);
    struct cli cli = {.commands = commands, .commands_len = ARRAY_LEN(commands)};
    cli.out = open_memstream(&world->out, &world->out_len);
    cli.err = open_memstream(&world->err, &world->err_len);
    int r = cli_run(&cli, argc, argv);
    fclose(cli.out);
    fclose(cli.err);
    return r;
}

static void test_to_standard_output(void **state)
{
    struct world *world = *state;
    put("compose.yml", "name: demo\nservices:\n  web:\n    image: \"nginx:${TAG}\"\n    build: .\n");
    put(".env", "# versions\nTAG=\"1.27\"\n");
    assert_int_equal(davit(world, "import compose compose.yml"), CLI_OK);
    assert_string_equal(world->out,
                        "kind: Cluster\nclusterName: demo\n---\nkind: TaskDefinition\nfamily: web\n"
                        "networkMode: bridge\ncontainerDefinitions:\n- name: web\n  image: nginx:1.27\n"
                        "---\nkind: Service\nserviceName: web\ntaskDefinition: web\ncluster: demo\n"
                        "desiredCount: 1\n");
    assert_string_equal(world->err,
                        "compose.yml:5:12: warning: dropped: davit does not build: build the image, push it, "
                        "and name it at /services/web/build\n"
                        "imported: 3 objects, 1 of 2 values carried over, 1 note above\n");
    assert_int_equal(davit(world, "import compose -o json compose.yml"), CLI_OK);
    json_t *list = json_loads(world->out, 0, NULL);
    assert_int_equal(json_array_size(list), 3);
    json_decref(list);
}

static void test_to_a_directory(void **state)
{
    struct world *world = *state;
    put("compose.yml", "services: {web: {image: a}, db: {image: b}}\n");
    assert_int_equal(davit(world, "import compose compose.yml --directory out --name demo"), CLI_OK);
    assert_string_equal(world->out, "");
    static const char *const files[] = {"out/demo.cluster.yaml", "out/web.service.yaml",
                                        "out/web.task-definition.yaml", "out/db.service.yaml",
                                        "out/db.task-definition.yaml"};
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        assert_int_equal(access(files[i], F_OK), 0);
    assert_int_equal(davit(world, "validate out"), CLI_OK);
    /* what is there stays, and nothing else is written */
    put("out/web.service.yaml", "mine\n");
    assert_int_equal(unlink("out/db.service.yaml"), 0);
    assert_int_equal(davit(world, "import compose compose.yml --directory out --name demo"), CLI_ERROR);
    assert_non_null(strstr(world->err, "out/web.service.yaml is there already; --force replaces it"));
    assert_int_not_equal(access("out/db.service.yaml", F_OK), 0);
    char *kept CLEANUP_FREE = get("out/web.service.yaml");
    assert_string_equal(kept, "mine\n");
    assert_int_equal(davit(world, "import compose compose.yml --directory out --name demo --force"), CLI_OK);
    assert_int_equal(davit(world, "validate out"), CLI_OK);
}

/* A name from a file leads nowhere outside of the directory. */
static void test_names_of_files(void **state)
{
    struct world *world = *state;
    put("ecs.json", "{\"clusters\": [{\"clusterName\": \"../../up\"}, {\"clusterName\": \"a\"}, "
                    "{\"clusterName\": \"a\"}]}");
    assert_int_equal(davit(world, "import ecs ecs.json --directory out -o json"), CLI_OK);
    assert_int_equal(access("out/-.-..-up.cluster.json", F_OK), 0);
    assert_int_equal(access("out/a.cluster.json", F_OK), 0);
    assert_int_equal(access("out/a-2.cluster.json", F_OK), 0);
}

static void test_parameters(void **state)
{
    struct world *world = *state;
    put("stack.yaml",
        "Parameters: {Name: {Type: String}}\nResources: {C: {Type: AWS::ECS::Cluster, Properties: "
        "{ClusterName: !Ref Name}}}\n");
    put("one.json", "[{\"ParameterKey\": \"Name\", \"ParameterValue\": \"prod\"}]");
    put("two.yaml", "Name: staging\n");
    assert_int_equal(davit(world, "import cloudformation stack.yaml --parameters one.json"), CLI_OK);
    assert_string_equal(world->out, "kind: Cluster\nclusterName: prod\n");
    assert_int_equal(davit(world, "import cloudformation stack.yaml --parameters two.yaml"), CLI_OK);
    assert_string_equal(world->out, "kind: Cluster\nclusterName: staging\n");
    assert_int_equal(davit(world, "import cloudformation stack.yaml"), CLI_OK);
    assert_non_null(
        strstr(world->err, "stack.yaml:2:68: warning: unresolved: Name is a parameter without value"));
}

static void test_failures(void **state)
{
    struct world *world = *state;
    put("bad.yml", "services: [\n");
    put("other.yml", "a: b\n");
    put("empty.yml", "");
    put("none.yml", "services: {}\n");
    assert_int_equal(davit(world, "import compose bad.yml"), CLI_NO);
    assert_non_null(strstr(world->err, "bad.yml:2:1: error: "));
    assert_int_equal(davit(world, "import compose other.yml"), CLI_NO);
    assert_int_equal(davit(world, "import compose empty.yml"), CLI_NO);
    assert_int_equal(davit(world, "import compose none.yml"), CLI_NO);
    assert_int_equal(davit(world, "import compose gone.yml"), CLI_ERROR);
    assert_non_null(strstr(world->err, "gone.yml: No such file or directory"));
    assert_int_equal(davit(world, "import compose ."), CLI_ERROR);
    assert_int_equal(davit(world, "import terraform x.tf"), CLI_ERROR);
    assert_non_null(strstr(world->err, "\"terraform\" is none of: compose cloudformation ecs docker"));
    assert_int_equal(davit(world, "import compose"), CLI_ERROR);
}

/* --- containers ----------------------------------------------------------------------------------------- */

static const struct {
    const char *request;
    const char *status;
    const char *body;
} answers[] = {
    {"GET /containers/web/json ", "200 OK",
     "{\"Id\":\"abc\",\"Name\":\"/"
     "web\",\"Image\":\"sha256:1\",\"Config\":{\"Image\":\"nginx:1\",\"Env\":[\"P=1\",\"A=2\"]},"
     "\"HostConfig\":{}}"},
    {"GET /images/sha256:1/json ", "200 OK", "{\"Config\":{\"Env\":[\"P=1\"]}}"},
    {"", "404 Not Found", "{\"message\":\"No such container: nobody\"}"},
};

static void serve(const char *socket_path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    snprintf(address.sun_path, sizeof address.sun_path, "engine.new");
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(rename("engine.new", socket_path), 0); /* it is there when it listens */
    for (;;) {
        char request[8192] = "";
        int fd = accept(listener, NULL, NULL);
        size_t i = 0;
        if (read(fd, request, sizeof request - 1) <= 0)
            continue;
        while (!text_starts_with(request, answers[i].request))
            i++;
        dprintf(fd, "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s", answers[i].status,
                strlen(answers[i].body), answers[i].body);
        close(fd);
    }
}

static void test_docker(void **state)
{
    struct world *world = *state;
    pid_t engine = fork();
    if (engine == 0)
        serve("engine");
    while (access("engine", F_OK) < 0)
        usleep(1000);
    char *line CLEANUP_FREE =
        memory_printf("import docker --engine unix://%s/engine --name c web", world->dir);
    assert_int_equal(davit(world, line), CLI_OK);
    assert_string_equal(world->out,
                        "kind: Cluster\nclusterName: c\n---\nkind: TaskDefinition\nfamily: web\n"
                        "networkMode: bridge\ncontainerDefinitions:\n- name: web\n  image: nginx:1\n"
                        "  environment:\n  - name: A\n    value: \"2\"\n---\nkind: Service\n"
                        "serviceName: web\ntaskDefinition: web\ncluster: c\ndesiredCount: 1\n");
    char *address CLEANUP_FREE = memory_printf("unix://%s/engine", world->dir);
    setenv("DOCKER_HOST", address, 1);
    assert_int_equal(davit(world, "import docker nobody"), CLI_ERROR);
    assert_string_equal(world->err, "davit: nobody: No such container: nobody\n");
    kill(engine, SIGKILL);
    waitpid(engine, NULL, 0);
    assert_int_equal(unlink("engine"), 0);
    assert_int_equal(davit(world, "import docker web"), CLI_ERROR);
    assert_non_null(strstr(world->err, "name it by --engine or DOCKER_HOST"));
    unsetenv("DOCKER_HOST");
}

/* --- init ------------------------------------------------------------------------------------------------
 */

static void test_init(void **state)
{
    struct world *world = *state;
    assert_int_equal(davit(world, "init infra"), CLI_OK);
    assert_non_null(strstr(world->out, "infra/.github/workflows/davit.yaml\n"));
    assert_non_null(strstr(world->err, "git init -b main"));
    static const char *const kinds[] = {"Cluster", "Environment", "ScheduledTask", "Service",
                                        "TaskDefinition"};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        char *path CLEANUP_FREE = memory_printf("infra/.davit/schemas/%s.json", kinds[i]);
        char *schema CLEANUP_FREE = get(path);
        assert_non_null(strstr(schema, "json-schema.org/draft/2020-12"));
    }
    assert_int_equal(davit(world, "validate infra"), CLI_OK);
    assert_string_equal(world->out, ""); /* not even a warning */
    assert_non_null(strstr(world->err, "valid: 1 cluster, 1 service, 1 task definition"));
    /* what is there stays */
    put("infra/mine.txt", "mine\n");
    put("infra/cluster.yaml", "mine\n");
    assert_int_equal(davit(world, "init infra"), CLI_ERROR);
    assert_non_null(strstr(world->err, "infra is not empty; --force writes into it"));
    char *kept CLEANUP_FREE = get("infra/cluster.yaml");
    assert_string_equal(kept, "mine\n");
    assert_int_equal(davit(world, "init infra --force"), CLI_OK);
    char *others CLEANUP_FREE = get("infra/mine.txt");
    assert_string_equal(others, "mine\n");
    assert_int_equal(davit(world, "validate infra"), CLI_OK);
}

static void test_init_in_a_fresh_clone(void **state)
{
    struct world *world = *state;
    assert_int_equal(mkdir(".git", 0777), 0);
    assert_int_equal(davit(world, "init"), CLI_OK);
    assert_null(strstr(world->err, "git init"));
    assert_int_equal(access("cluster.yaml", F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_to_standard_output, begin, end),
        cmocka_unit_test_setup_teardown(test_to_a_directory, begin, end),
        cmocka_unit_test_setup_teardown(test_names_of_files, begin, end),
        cmocka_unit_test_setup_teardown(test_parameters, begin, end),
        cmocka_unit_test_setup_teardown(test_failures, begin, end),
        cmocka_unit_test_setup_teardown(test_docker, begin, end),
        cmocka_unit_test_setup_teardown(test_init, begin, end),
        cmocka_unit_test_setup_teardown(test_init_in_a_fresh_clone, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
