/* Commits that name more of the repository than was asked for. */
#include "fixture.h"

#include "base/buffer.h"
#include "base/limits.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define OID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct event commit(int number, bool head, const char *source)
{
    struct event event = {.kind = EVENT_COMMIT, .commit = {.head = head, .full = true, .levels = 1}};
    char *text =
        memory_printf("{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"i\","
                      "\"davit\":{\"files\":[{\"source\":\"%s\",\"target\":\"/a\"}]}}]}",
                      source);
    struct event_file file = {.path = memory_strdup("web.json"), .content = text, .len = strlen(text)};
    snprintf(event.commit.commit.oid, sizeof event.commit.commit.oid, "%040d", number);
    event.commit.commit.subject = memory_strdup("a change");
    vector_push(&event.commit.files, file);
    return event;
}

static struct event with_file(struct event event, int64_t generation, const char *path)
{
    struct event_file file = {.path = memory_strdup(path), .other = true, .oid = OID_A, .size_bytes = 1};
    event.commit.generation = generation;
    vector_push(&event.commit.files, file);
    return event;
}

static const struct family_ledger *web(const struct fixture *fixture)
{
    return core_family(fixture->core, "web");
}

static void test_a_walk_is_asked_for_again_with_all_that_it_names(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_step(fixture, commit(1, false, "../a"));
    assert_null(fixture_effect(fixture, EFFECT_ROOTS, 0));
    fixture_step(fixture, commit(2, true, "b"));
    const struct effect *effect = fixture_effect(fixture, EFFECT_ROOTS, 0);
    assert_non_null(effect);
    assert_int_equal(effect->roots.len, 2);
    assert_string_equal(effect->roots.items[0], "../a");
    assert_string_equal(effect->roots.items[1], "b");
    assert_string_equal(effect->since, "");
    assert_null(web(fixture)); /* nothing is numbered out of its order */
    fixture_step(fixture, commit(3, true, "b"));
    assert_null(fixture_effect(fixture, EFFECT_ROOTS, 0)); /* was under way, and comes again */
    assert_null(web(fixture));
    fixture_step(fixture, with_file(commit(1, false, "../a"), 1, "../a"));
    fixture_step(fixture, with_file(commit(2, true, "b"), 1, "b"));
    assert_int_equal(web(fixture)->revisions.len, 1); /* one content, at two places */
    assert_non_null(core_desired(fixture->core));
    const struct effect *save = fixture_effect(fixture, EFFECT_SAVE, 0);
    while (save && save->change.kind != LEDGER_SOURCE)
        save++;
    assert_int_equal(json_array_size(json_object_get(save->change.entry, "roots")), 1); /* of use now */
}

static void test_later_growth_begins_after_what_was_numbered(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    json_t *entry = json_pack("{s:{s:s},s:[s]}", "deployed", "oid", "d00d", "roots", "a");
    fixture_step(fixture, (struct event){.kind = EVENT_LEDGER,
                                         .ledger = {LEDGER_SOURCE, memory_strdup("default"), entry}});
    fixture_step(fixture, with_file(commit(1, true, "a"), 0, "a"));
    assert_non_null(core_desired(fixture->core)); /* a later life knows its roots */
    fixture_step(fixture, with_file(commit(2, true, "b"), 0, "a"));
    const struct effect *effect = fixture_effect(fixture, EFFECT_ROOTS, 0);
    assert_int_equal(effect->roots.len, 1); /* nobody names "a" any more */
    assert_string_equal(effect->roots.items[0], "b");
    char first[COMMIT_OID_SIZE];
    snprintf(first, sizeof first, "%040d", 1);
    assert_string_equal(effect->since, first);
}

static int join_part(void *data, const json_t *part)
{
    core_snapshot_join(data, part);
    return 0;
}

static void test_a_snapshot_waits_likewise(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    struct core *copy = NULL;
    json_t *snapshot = json_object();
    fixture_step(fixture, commit(1, false, "a"));
    assert_int_equal(core_snapshot(fixture->core, join_part, snapshot), 0);
    assert_int_equal(core_restore(snapshot, &copy, NULL), 0);
    json_decref(snapshot);
    core_free(fixture->core);
    fixture->core = copy;
    fixture_step(fixture, commit(2, true, "b"));
    assert_int_equal(fixture_effect(fixture, EFFECT_ROOTS, 0)->roots.len, 2);
    snapshot = json_object();
    assert_int_equal(core_snapshot(fixture->core, join_part, snapshot), 0);
    assert_int_equal(core_restore(snapshot, &copy, NULL), 0);
    json_decref(snapshot);
    core_free(fixture->core);
    fixture->core = copy;
    fixture_step(fixture, commit(2, true, "b"));
    assert_null(core_desired(fixture->core));
    fixture_step(fixture, with_file(commit(2, true, "b"), 1, "b"));
    assert_non_null(core_desired(fixture->core));
}

/* Roots that take turns: a question holds all that the walk names, or it would be asked for ever. */
static void test_what_is_given_and_not_missing_is_kept_for_the_walk(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    json_t *entry = json_pack("{s:{s:s},s:[s,s]}", "deployed", "oid", "d00d", "roots", "a", "x");
    fixture_step(fixture, (struct event){.kind = EVENT_LEDGER,
                                         .ledger = {LEDGER_SOURCE, memory_strdup("default"), entry}});
    fixture_step(fixture, with_file(commit(1, false, "a"), 0, "a"));
    fixture_step(fixture, commit(2, false, "c"));
    fixture_step(fixture, commit(3, true, "b"));
    const struct effect *effect = fixture_effect(fixture, EFFECT_ROOTS, 0);
    assert_int_equal(effect->generation, 1);
    assert_int_equal(effect->roots.len, 3); /* without "x" */
    assert_string_equal(effect->since, "d00d");
    fixture_step(fixture, with_file(commit(1, true, "a"), 0, "a")); /* an older answer */
    assert_null(fixture_effect(fixture, EFFECT_ROOTS, 0));
    assert_null(core_desired(fixture->core));
    fixture_step(fixture, with_file(commit(1, false, "a"), 1, "a"));
    fixture_step(fixture, with_file(commit(2, false, "c"), 1, "c"));
    fixture_step(fixture, with_file(commit(3, true, "b"), 1, "b"));
    assert_null(fixture_effect(fixture, EFFECT_ROOTS, 0));
    assert_non_null(core_desired(fixture->core));
}

/* What was deployed comes once more before the newest: it is neither deployed again nor asked for. */
static void test_what_was_numbered_before_needs_nothing(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_step(fixture, commit(1, true, "a"));
    fixture_step(fixture, with_file(commit(1, true, "a"), 1, "a"));
    assert_non_null(core_desired(fixture->core));
    fixture_step(fixture, with_file(commit(2, false, "b"), 1, "a"));
    fixture_step(fixture, with_file(commit(3, true, "c"), 1, "a"));
    assert_int_equal(fixture_effect(fixture, EFFECT_ROOTS, 0)->roots.len, 2);
    for (int i = 0; i < 2; i++) {
        fixture_step(fixture, with_file(commit(2, false, "b"), 2, "b"));
        fixture_step(fixture, with_file(commit(1, false, "a"), 2, "b"));
        assert_null(fixture_effect(fixture, EFFECT_ROOTS, 0));
    }
    fixture_step(fixture, with_file(commit(3, true, "c"), 2, "c"));
    assert_null(fixture_effect(fixture, EFFECT_ROOTS, 0));
    assert_int_equal(core_desired(fixture->core)->commit.oid[39], '3');
}

enum { PER_FILE = 64 }; /* references in a file: as many files as references would be slow under valgrind */

/* Of a head with so many references, from `first` on, to as many files. */
static struct event commit_of_many(int number, int first, int len)
{
    struct event event = {.kind = EVENT_COMMIT,
                          .commit = {.head = true, .full = true, .generation = number - 1, .levels = 1}};
    snprintf(event.commit.commit.oid, sizeof event.commit.commit.oid, "%040d", number);
    for (int i = first, end; i < first + len; i = end) {
        struct buffer text = BUFFER_INIT(LIMIT_MANIFEST_BYTES);
        buffer_printf(&text,
                      "{\"family\":\"f%d\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"i\","
                      "\"memory\":64,\"davit\":{\"files\":[",
                      i / PER_FILE);
        end = (i / PER_FILE + 1) * PER_FILE;
        end = end < first + len ? end : first + len;
        for (int j = i; j < end; j++)
            buffer_printf(&text, "%s\n{\"source\":\"%04d\",\"target\":\"/%d\"}", j > i ? "," : "", j, j);
        buffer_printf(&text, "]}}]}");
        struct event_file file = {.path = memory_printf("%d.json", i / PER_FILE), .len = text.len};
        file.content = buffer_steal(&text);
        vector_push(&event.commit.files, file);
    }
    return event;
}

static struct event with_their_files(struct event event, int generation, int first, int len)
{
    for (int i = first; i < first + len; i++) {
        char path[32];
        snprintf(path, sizeof path, "%04d", i);
        event = with_file(event, generation, path);
    }
    return event;
}

static void test_more_than_the_limit_is_told_where_it_is_named(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    const int most = LIMIT_SOURCE_ROOTS;
    fixture_step(fixture, commit_of_many(1, 0, most + 2));
    assert_int_equal(fixture_effect(fixture, EFFECT_ROOTS, 0)->roots.len, most);
    fixture_step(fixture, with_their_files(commit_of_many(1, 0, most + 2), 1, 0, most));
    assert_null(fixture_effect(fixture, EFFECT_ROOTS, 0));
    struct view_source source;
    core_view_source(fixture->core, &source);
    assert_int_equal(source.diagnostics->errors, 2);
    const struct diagnostic *first = &source.diagnostics->list.items[0];
    assert_string_equal(first->file, "64.json");
    assert_int_equal(first->at.line, 2);
    assert_true(first->at.column > 1);
    assert_string_equal(first->message, "\"4096\" is one file or directory too many");
    assert_non_null(strstr(first->expected, "LIMIT_SOURCE_ROOTS"));
    /* One is named no more, and another instead: each walk alone has too many for both. */
    fixture_step(fixture, with_their_files(commit_of_many(2, 2, most), 1, 2, most - 2));
    assert_int_equal(fixture_effect(fixture, EFFECT_ROOTS, 0)->roots.len, most);
    fixture_step(fixture, with_their_files(commit_of_many(2, 2, most), 2, 2, most));
    assert_non_null(core_desired(fixture->core));
}

/* The commits before the head have to do with what the head names, rather than wait for ever. */
static void test_a_walk_that_is_too_much_is_numbered_without(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    const int most = LIMIT_SOURCE_ROOTS;
    struct event before = commit_of_many(1, 1, most);
    before.commit.head = false;
    fixture_step(fixture, before);
    fixture_step(fixture, commit(2, true, "0000"));
    assert_int_equal(fixture_effect(fixture, EFFECT_ROOTS, 0)->roots.len, 1);
    before = commit_of_many(1, 1, most);
    before.commit.head = false;
    before.commit.generation = 1;
    fixture_step(fixture, before);
    assert_int_equal(core_families_len(fixture->core), 0);
    fixture_step(fixture, with_file(commit(2, true, "0000"), 1, "0000"));
    assert_non_null(core_desired(fixture->core));
    assert_int_equal(core_families_len(fixture->core), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_walk_is_asked_for_again_with_all_that_it_names),
        cmocka_unit_test(test_later_growth_begins_after_what_was_numbered),
        cmocka_unit_test(test_a_snapshot_waits_likewise),
        cmocka_unit_test(test_what_was_numbered_before_needs_nothing),
        cmocka_unit_test(test_what_is_given_and_not_missing_is_kept_for_the_walk),
        cmocka_unit_test(test_more_than_the_limit_is_told_where_it_is_named),
        cmocka_unit_test(test_a_walk_that_is_too_much_is_numbered_without),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
