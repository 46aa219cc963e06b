/* davit schema check: what it says and how it ends. */
#include "base/memory.h"
#include "cli/cli.h"
#include "unit.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const names[] = {"port.json",       "old.json",       "a.json",         "b.yaml",
                                    "remote.json",     "outside.json",   "id.json",        "broken.json",
                                    "not-schema.json", "part/type.json", "../beside.json", "future.json"};

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int setup(void **state)
{
    char *dir = memory_alloc(256);
    unit_make_dir(dir, 200, "schema");
    assert_int_equal(chdir(dir), 0);
    assert_int_equal(mkdir("s", 0700) | mkdir("s/part", 0700), 0);
    assert_int_equal(chdir("s"), 0);
    write_file("port.json",
               "{\"type\": \"object\", \"properties\": {\"port\": {\"$ref\": \"part/type.json\"},\n"
               "\"from\": {\"format\": \"ipv4\"}}}");
    write_file("part/type.json", "{\"type\": \"integer\", \"maximum\": 65535}");
    write_file("old.json", "{\"$schema\": \"http://json-schema.org/draft-07/schema#\",\n"
                           "\"items\": [{\"type\": \"integer\"}], \"additionalItems\": false}");
    write_file("id.json", "{\"$id\": \"https://example.com/s/id.json\", \"$ref\": \"part/type.json\"}");
    write_file("remote.json", "{\"$ref\": \"https://example.com/other.json\"}");
    write_file("outside.json", "{\"$ref\": \"../beside.json\"}");
    write_file("future.json", "{\"$schema\": \"https://json-schema.org/draft/2030-01/schema\"}");
    write_file("../beside.json", "{}");
    write_file("broken.json", "{\"type\":");
    write_file("not-schema.json", "{\"properties\":\n {\"a\": {\"type\": \"int\"}}}");
    write_file("a.json", "{\"port\": 80}");
    write_file("b.yaml", "port: 80\n---\nfrom: 1.2.3.256\nport: \"81\"\n");
    *state = dir;
    return 0;
}

static int teardown(void **state)
{
    char *dir = *state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        unlink(names[i]);
    assert_int_equal(rmdir("part") | chdir("..") | rmdir("s") | chdir("/") | rmdir(dir), 0);
    free(dir);
    return 0;
}

static void expect(const char *line, int code, const char *in_out, const char *in_err)
{
    static const struct command *const commands[] = {&cli_schema, &cli_help};
    char *out = NULL;
    char *err = NULL;
    size_t out_len;
    size_t err_len;
    char *argv[16] = {(char[]){"davit"}, (char[]){"schema"}};
    int argc = 2;
    char *copy CLEANUP_FREE = memory_strdup(line);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    struct cli cli = {.commands = commands, .commands_len = ARRAY_LEN(commands)};
    cli.out = open_memstream(&out, &out_len);
    cli.err = open_memstream(&err, &err_len);
    int got = cli_run(&cli, argc, argv);
    fclose(cli.out);
    fclose(cli.err);
    if (got != code || !strstr(out, in_out) || !strstr(err, in_err))
        fail_msg("%s: exit code %d, not %d:\n%s%s", line, got, code, out, err);
    free(out);
    free(err);
}

static void test_valid(void **state)
{
    (void)state;
    expect("check port.json a.json", CLI_OK, "", "valid: 1 file, 1 document\n");
    expect("check https://json-schema.org/draft/2020-12/schema port.json a.json", CLI_OK, "",
           "valid: 2 files, 2 documents\n");
    expect("check http://json-schema.org/draft-07/schema# old.json", CLI_OK, "", "valid: 1 file");
    expect("check -o json port.json a.json", CLI_OK, "\"valid\": true", "");
}

static void test_not_valid(void **state)
{
    (void)state;
    expect("check port.json a.json b.yaml", CLI_NO,
           "b.yaml:3:7: error: the string has not the right format at /from; found the string \"1.2.3.256\", "
           "expected an IPv4 address\n"
           "b.yaml:4:7: error: wrong type at /port; found the string \"81\", expected an integer\n",
           "not valid: 2 errors in 1 of 2 files\n");
    expect("check -o json port.json b.yaml", CLI_NO, "\"pointer\": \"/from\"", "");
    expect("check -o yaml port.json b.yaml", CLI_NO, "valid: false", "");
    expect("check old.json a.json", CLI_OK, "", "valid"); /* items says nothing about objects */
    expect("check port.json broken.json", CLI_NO, "broken.json:1:9: error: ", "not valid: 1 error");
    expect("check TaskDefinition a.json", CLI_NO, "a.json:1:1: error: member \"family\" is missing", "");
}

static void test_references(void **state)
{
    (void)state;
    write_file("a.json", "99999");
    expect("check id.json a.json", CLI_NO, "expected at most 65535", "");
    expect("check remote.json a.json", CLI_ERROR, "", "never fetched over a network");
    expect("check outside.json a.json", CLI_ERROR, "", "the directory of the schema");
    expect("check https://example.com/schema a.json", CLI_ERROR, "", "never fetched over a network");
}

static void test_what_it_cannot_look_at(void **state)
{
    (void)state;
    expect("check absent.json a.json", CLI_ERROR, "",
           "absent.json: No such file or directory; it is neither");
    expect("check port.json absent.json a.json", CLI_ERROR, "", "absent.json: No such file or directory");
    expect("check port.json part", CLI_ERROR, "", "part: Is a directory");
    expect("check broken.json a.json", CLI_ERROR, "", "broken.json:1:9: error: ");
    expect(
        "check not-schema.json a.json", CLI_ERROR, "",
        "not-schema.json:2:17: error: not an allowed value at /properties/a/type; found the string \"int\"");
    expect("check b.yaml a.json", CLI_ERROR, "", "b.yaml: a schema is one document, not 2");
    expect("check future.json a.json", CLI_ERROR, "", "2030-01/schema is unknown; known are");
    expect("check port.json", CLI_ERROR, "", "schema check needs SCHEMA FILE...");
    expect("Service more", CLI_ERROR, "", "schema does not take \"more\"");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_valid),
        CASE(test_not_valid),
        CASE(test_references),
        CASE(test_what_it_cannot_look_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
