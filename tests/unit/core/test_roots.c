/* Commits that name more of the repository than was asked for. */
#include "fixture.h"

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

static struct event with_file(struct event event, size_t roots, const char *path)
{
    struct event_file file = {.path = memory_strdup(path), .other = true, .oid = OID_A, .size_bytes = 1};
    event.commit.roots = roots;
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
    fixture_step(fixture, with_file(commit(1, false, "../a"), 2, "../a"));
    fixture_step(fixture, with_file(commit(2, true, "b"), 2, "b"));
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
    fixture_step(fixture, with_file(commit(1, true, "a"), 1, "a"));
    assert_non_null(core_desired(fixture->core)); /* a later life knows its roots */
    fixture_step(fixture, with_file(commit(2, true, "b"), 1, "a"));
    const struct effect *effect = fixture_effect(fixture, EFFECT_ROOTS, 0);
    assert_int_equal(effect->roots.len, 2);
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
    fixture_step(fixture, with_file(commit(2, true, "b"), 2, "b"));
    assert_non_null(core_desired(fixture->core));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_walk_is_asked_for_again_with_all_that_it_names),
        cmocka_unit_test(test_later_growth_begins_after_what_was_numbered),
        cmocka_unit_test(test_a_snapshot_waits_likewise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
