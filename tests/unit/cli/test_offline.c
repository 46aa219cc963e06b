/* Two revisions are read together where they can be: the same comes of it as of each by itself, over commits
 * with random edits. */
#include "cli/diff_commits.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#define SERVICES    8
#define COMMITS     32
#define EDITS       3  /* of a commit, at most */
#define BROKEN_OF   12 /* one edit of so many breaks something */
#define MAX_VERSION 3

enum fault { SOUND, NO_JSON, NO_COUNT, NO_DEFINITION, TWICE, FAULTS };

struct subject {
    bool present;
    int directory;
    int definition_directory;
    int version;
    int count;
    int spelling; /* of no consequence */
    int pinned;   /* revision; 0: the newest */
    int depends;  /* on the service of that number; itself: on none */
    int uses;     /* the task definition of that number */
    bool has_file;
    enum fault fault;
};

struct world {
    struct subject subjects[SERVICES];
    int layers; /* 0: no davit.yaml, 1: one that extends base, 2: with a patch for web-0 */
    int tag;
    int file; /* its content */
    bool has_file;
    int cluster; /* 0: not declared */
    bool plain;  /* no layers and no numbers: all is read together, and what stays is not looked into */
    int starts;  /* a scheduled task the definition of that number */
};

static const char *const directories[] = {"prod/", "prod/one/", "prod/two/", "base/"};

static void put_file(struct buffer *stream, const char *path, const char *text)
{
    assert_int_equal(buffer_printf(stream, "M 644 inline %s\ndata %zu\n%s\n", path, strlen(text), text), 0);
}

static void put_service(struct buffer *stream, const struct world *world, int number)
{
    const struct subject *subject = &world->subjects[number];
    char *path CLEANUP_FREE = memory_printf("%sweb-%d.service.json", directories[subject->directory], number);
    char *pinned CLEANUP_FREE = memory_printf(":%d", subject->pinned);
    char *depends CLEANUP_FREE =
        memory_printf(", \"davit\": {\"dependsOn\": [{\"service\": \"web-%d\"}]}", subject->depends);
    char *text CLEANUP_FREE = memory_printf(
        "{%.*s\"serviceName\": \"web-%d\", \"cluster\": \"demo\", \"taskDefinition\": \"%s-%d%s\", "
        "\"desiredCount\": %s%d%s}%s",
        subject->spelling, "  ", number, subject->fault == NO_DEFINITION ? "lost" : "web", subject->uses,
        subject->pinned ? pinned : "", subject->fault == NO_COUNT ? "-" : "", subject->count + 1,
        subject->depends == number ? "" : depends, subject->fault == NO_JSON ? "," : "");
    put_file(stream, path, text);
}

static void put_definition(struct buffer *stream, const struct world *world, int number, int directory)
{
    const struct subject *subject = &world->subjects[number];
    char *path CLEANUP_FREE = memory_printf("%sweb-%d.task.json", directories[directory], number);
    const char *up = directory == 0 || directory == 3 ? "../" : "../../";
    char *files CLEANUP_FREE = memory_printf(
        ", \"davit\": {\"files\": [{\"source\": \"%sconfig/app.conf\", \"target\": \"/app.conf\"}]}", up);
    char *text CLEANUP_FREE = memory_printf(
        "{\"family\": \"web-%d\", \"containerDefinitions\": [{\"name\": \"web\", \"image\": \"app:%d%s\", "
        "\"memory\": 64%s}]}",
        number, subject->version, world->layers && number % 2 ? "-${TAG}" : "",
        subject->has_file ? files : "");
    put_file(stream, path, text);
}

static void put_layers(struct buffer *stream, const struct world *world)
{
    char *text CLEANUP_FREE = memory_printf(
        "extends: [../base]\nvariables: {TAG: t%d}\n%s", world->tag,
        world->layers < 2 ? "" : "patches:\n- {kind: Service, name: demo/web-0, merge: {desiredCount: 7}}\n");
    if (world->layers)
        put_file(stream, "prod/davit.yaml", text);
}

static void put_tree(struct buffer *stream, const struct world *world)
{
    char *config CLEANUP_FREE = memory_printf("file %d\n", world->file);
    char *cluster CLEANUP_FREE = memory_printf("{\"clusterName\": \"demo\", \"davit\": {\"suspend\": %s}}",
                                               world->cluster == 2 ? "true" : "false");
    put_layers(stream, world);
    put_file(stream, "base/other.json", "{\"clusterName\": \"other\"}");
    if (world->has_file)
        put_file(stream, "config/app.conf", config);
    if (world->cluster)
        put_file(stream, "prod/demo.json", cluster);
    char *nightly CLEANUP_FREE = memory_printf(
        "{\"Name\": \"nightly\", \"ScheduleExpression\": \"cron(0 3 * * ? *)\", \"FlexibleTimeWindow\": "
        "{\"Mode\": \"OFF\"}, \"Target\": {\"Arn\": \"demo\", \"RoleArn\": \"arn:aws:iam::1:role/r\", "
        "\"EcsParameters\": {\"TaskDefinitionArn\": \"web-%d\"}}}",
        world->starts);
    if (world->plain && world->cluster && world->subjects[world->starts].present)
        put_file(stream, "prod/nightly.json", nightly);
    for (int i = 0; i < SERVICES; i++) {
        const struct subject *subject = &world->subjects[i];
        if (!subject->present)
            continue;
        put_service(stream, world, i);
        put_definition(stream, world, i, subject->definition_directory);
        if (subject->fault == TWICE)
            put_definition(stream, world, i, (subject->definition_directory + 1) % 3);
    }
}

/* What lies in base is read only as long as a layer extends it. */
static int random_directory(const struct world *world)
{
    return rand() % (world->layers ? 4 : 3);
}

static void edit_subject(struct world *world)
{
    int number = rand() % SERVICES;
    struct subject *subject = &world->subjects[number];
    switch (rand() % 11) {
    case 10:
        subject->uses = rand() % 2 ? number : rand() % SERVICES;
        break;
    case 0:
        subject->present = !subject->present;
        break;
    case 1:
        subject->directory = random_directory(world);
        break;
    case 2:
        subject->definition_directory = random_directory(world);
        break;
    case 3:
        subject->count = rand() % 4;
        break;
    case 4:
        subject->spelling = !subject->spelling;
        break;
    case 5:
        subject->pinned = rand() % 3 || world->plain ? 0 : 1;
        break;
    case 6:
        subject->depends = rand() % 2 ? number : rand() % (number + 1);
        break;
    case 7:
        subject->has_file = !subject->has_file;
        break;
    default:
        subject->version = rand() % MAX_VERSION;
    }
}

/* Most of what is broken is mended by the next commit. */
static void mend(struct world *world)
{
    for (int i = 0; i < SERVICES; i++) {
        struct subject *subject = &world->subjects[i];
        if (rand() % 8 == 0)
            continue;
        subject->fault = SOUND;
        if (!world->subjects[subject->depends].present)
            subject->depends = i;
        if (!world->subjects[subject->uses].present)
            subject->uses = i;
        if (!world->layers && (subject->directory == 3 || subject->definition_directory == 3))
            subject->directory = subject->definition_directory = 0;
        subject->has_file &= world->has_file;
        world->cluster += world->cluster == 0;
    }
    if (!world->subjects[0].present && world->layers == 2)
        world->layers = 1;
}

static void edit(struct world *world)
{
    if (rand() % BROKEN_OF == 0)
        world->subjects[rand() % SERVICES].fault = (enum fault)(rand() % FAULTS);
    switch (rand() % 12) {
    case 0:
        world->layers = rand() % 8 && !world->plain ? rand() % 2 + 1 : 0;
        world->starts = rand() % SERVICES;
        break;
    case 1:
        world->tag = rand() % 3;
        break;
    case 2:
        world->file++;
        break;
    case 3:
        world->has_file = rand() % 4 != 0;
        break;
    case 4:
        world->cluster = rand() % 6 ? rand() % 2 + 1 : 0;
        break;
    case 5: /* a directory goes */
        for (int i = 0, gone = rand() % 4; i < SERVICES; i++)
            if (world->subjects[i].directory == gone && rand() % 2)
                world->subjects[i].present = false;
        break;
    default:
        edit_subject(world);
    }
}

/* Commits 1 to COMMITS, each with a branch of its number. */
static void make_repository(const char *directory, bool plain)
{
    struct world world = {.layers = !plain, .has_file = true, .cluster = 1, .plain = plain};
    struct buffer stream CLEANUP(buffer_deinit) = BUFFER_INIT(SIZE_MAX);
    char *command CLEANUP_FREE =
        memory_printf("git init -q --bare -b main %s && git -C %s fast-import --quiet", directory, directory);
    for (int i = 0; i < SERVICES; i++)
        world.subjects[i] =
            (struct subject){.present = true, .directory = i % (plain ? 3 : 4), .depends = i, .uses = i};
    for (int commit = 1; commit <= COMMITS; commit++) {
        mend(&world);
        for (int n = rand() % EDITS + 1; n > 0; n--)
            edit(&world);
        buffer_printf(&stream, "commit refs/heads/main\ncommitter A <a@example.org> %d +0000\ndata 1\nx\n",
                      1700000000 + commit);
        buffer_append_str(&stream, "deleteall\n");
        put_tree(&stream, &world);
        buffer_printf(&stream, "\nreset refs/heads/c%d\nfrom refs/heads/main\n\n", commit);
    }
    FILE *git = popen(command, "w");
    assert_non_null(git);
    assert_int_equal(fwrite(stream.data, 1, stream.len, git), stream.len);
    assert_int_equal(pclose(git), 0);
}

struct outcome {
    struct offline_side sides[2];
    size_t failed;
    int code;
};

static void outcome_deinit(struct outcome *outcome)
{
    offline_side_deinit(&outcome->sides[0]);
    offline_side_deinit(&outcome->sides[1]);
}

static void read_together(const struct offline_query *query, struct outcome *outcome)
{
    struct error err = ERROR_INIT;
    outcome->code = offline_read_two(query, outcome->sides, &outcome->failed, &err);
}

static void read_apart(const struct offline_query *query, struct outcome *outcome)
{
    struct error err = ERROR_INIT;
    for (size_t i = 0; i < 2 && outcome->code == 0; i++) {
        struct offline_query one = *query;
        one.revision = outcome->sides[i].revision;
        one.blobs = &outcome->sides[i].blobs;
        outcome->failed = i;
        outcome->code = offline_read(&one, &outcome->sides[i].desired, &outcome->sides[i].diagnostics, &err);
    }
}

/* Warnings are not asked for of two. */
static char *text_of(struct outcome *outcome)
{
    json_t *json = outcome->code == 0 ? cli_diff_answer(outcome->sides)
                                      : diagnostics_to_json(&outcome->sides[outcome->failed].diagnostics);
    char *text = json_dumps(json, JSON_INDENT(1) | JSON_SORT_KEYS);
    json_decref(json);
    return text;
}

struct tally {
    int same;
    int differ;
    int fail;
};

struct way {
    bool plain; /* see struct world */
    bool ends;  /* see struct offline_query */
};

static void expect_same(const struct offline_query *query, int from, int to, struct tally *tally)
{
    char *first CLEANUP_FREE = memory_printf("c%d", from);
    char *second CLEANUP_FREE = memory_printf("c%d", to);
    struct outcome together CLEANUP(outcome_deinit) = {
        {OFFLINE_SIDE_INIT(first), OFFLINE_SIDE_INIT(second)}, 0, 0};
    struct outcome apart CLEANUP(outcome_deinit) = {
        {OFFLINE_SIDE_INIT(first), OFFLINE_SIDE_INIT(second)}, 0, 0};
    read_together(query, &together);
    read_apart(query, &apart);
    if (together.code != apart.code || (apart.code < 0 && together.failed != apart.failed))
        fail_msg("%s to %s: together %d of side %zu, apart %d of side %zu", first, second, together.code,
                 together.failed, apart.code, apart.failed);
    char *expected CLEANUP_FREE = text_of(&apart);
    char *text CLEANUP_FREE = text_of(&together);
    if (!text_equal(text, expected))
        fail_msg("%s to %s, apart:\n%s\ntogether:\n%s", first, second, expected, text);
    tally->fail += apart.code < 0;
    tally->differ += apart.code == 0 && strstr(text, "\"change\"") != NULL;
    tally->same += apart.code == 0 && !strstr(text, "\"change\"");
}

static void expect_together_as_apart(struct way way)
{
    char directory[128];
    struct tally tally = {0};
    unit_make_dir(directory, sizeof directory, "offline");
    char *repository CLEANUP_FREE = memory_printf("%s/repo.git", directory);
    char *remove CLEANUP_FREE = memory_printf("rm -rf %s", directory);
    srand(getenv("DAVIT_TEST_SEED") ? (unsigned)atoi(getenv("DAVIT_TEST_SEED")) : 1);
    make_repository(repository, way.plain);
    const struct offline_query query = {
        .repository = repository, .sub_path = "prod", .command = "diff", .ends = way.ends};
    int rounds = unit_rounds(COMMITS, 4);
    for (int to = 2; to <= rounds; to++) {
        expect_same(&query, to - 1, to, &tally);
        expect_same(&query, rand() % COMMITS + 1, to, &tally);
    }
    assert_int_equal(system(remove), 0);
    if (rounds < COMMITS)
        return;
    print_message("%d without a difference, %d with some, %d with errors\n", tally.same, tally.differ,
                  tally.fail);
    /* None of the three outcomes is rare, or the edits have become dull. */
    assert_in_range(tally.same, 5, 2 * COMMITS);
    assert_in_range(tally.differ, 15, 2 * COMMITS);
    assert_in_range(tally.fail, 5, 2 * COMMITS);
}

static void test_two_together_are_as_two_apart(void **state)
{
    (void)state;
    expect_together_as_apart((struct way){0});
}

static void test_what_stays_has_no_say_in_the_difference(void **state)
{
    (void)state;
    expect_together_as_apart((struct way){.plain = true});
}

/* What is left makes no other answer, and leak checkers have no complaint. */
static void test_what_is_left_to_the_system_changes_nothing(void **state)
{
    (void)state;
    expect_together_as_apart((struct way){.plain = true, .ends = true});
}

/* Its mode is no content of a manifest: the service is not among those that are touched and unchanged. */
static void test_a_mode_touches_nothing(void **state)
{
    (void)state;
    char directory[128];
    unit_make_dir(directory, sizeof directory, "offline");
    char *make CLEANUP_FREE = memory_printf(
        "cd %s && git init -q . && printf 'family: web\\ncontainerDefinitions: [{name: a, image: i, memory: "
        "8}]\\n' >t.yaml && "
        "printf 'serviceName: web\\ntaskDefinition: web\\ndesiredCount: 1\\n' >s.yaml && git add . && "
        "git -c user.name=A -c user.email=a@example.org commit -qm one && chmod +x s.yaml && "
        "git -c user.name=A -c user.email=a@example.org commit -qam two",
        directory);
    char *remove CLEANUP_FREE = memory_printf("rm -rf %s", directory);
    assert_int_equal(system(make), 0);
    const struct offline_query query = {.repository = directory, .command = "diff"};
    struct outcome together CLEANUP(outcome_deinit) = {
        {OFFLINE_SIDE_INIT("HEAD~1"), OFFLINE_SIDE_INIT("HEAD")}, 0, 0};
    read_together(&query, &together);
    assert_int_equal(together.code, 0);
    json_t *answer = cli_diff_answer(together.sides);
    assert_int_equal(json_array_size(json_object_get(answer, "differences")), 0);
    assert_int_equal(json_array_size(json_object_get(answer, "unchanged")), 0);
    json_decref(answer);
    assert_int_equal(system(remove), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_mode_touches_nothing),
                                       cmocka_unit_test(test_two_together_are_as_two_apart),
                                       cmocka_unit_test(test_what_stays_has_no_say_in_the_difference),
                                       cmocka_unit_test(test_what_is_left_to_the_system_changes_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
