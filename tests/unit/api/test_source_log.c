/* What `davit events` tells of sources: the table of api/source_log.h. */
#include "base/text.h"
#include "fixture.h"
#include "model/json.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int setup(void **state)
{
    struct fixture *fixture = NEW(struct fixture);
    fixture_init(fixture);
    *state = fixture;
    return 0;
}

static int setup_two(void **state)
{
    static const struct core_source_options sources[] = {{"infra", NULL}, {"shop", NULL}};
    struct fixture *fixture = NEW(struct fixture);
    fixture_init_with(fixture, sources, 2);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    fixture_deinit(*state);
    free(*state);
    return 0;
}

static void source_is(struct fixture *fixture, const char *trouble)
{
    fixture->now_ms += 1000;
    struct event event = {.kind = EVENT_SOURCE, .now_ms = fixture->now_ms, .seed = 1};
    struct effect_vec effects = {0};
    event.source.ok = !trouble;
    event.source.message = memory_strdup(trouble);
    event.source.origin = memory_strdup("/srv/manifests");
    event.source.branch = memory_strdup("main");
    core_step(fixture->core, &event, &effects);
    event_deinit(&event);
    effect_vec_deinit(&effects);
    api_publish(fixture->api);
}

/* Messages of sources that `davit events` has, oldest first; what each begins with. */
static void expect_events(struct fixture *fixture, const char *const *expected, size_t len)
{
    json_t *answer = fixture_ask(fixture, "GET", "/v1/events", NULL);
    size_t seen = 0;
    size_t i;
    json_t *event;
    json_array_foreach (json_object_get(answer, "events"), i, event) {
        const char *message = model_string(event, "message");
        if (!json_object_get(event, "source"))
            continue;
        if (seen == len || !text_starts_with(message, expected[seen]))
            fail_msg("%s", message);
        assert_null(json_object_get(event, "cluster"));
        seen++;
    }
    assert_int_equal(seen, len);
    json_decref(answer);
}

static const char rewritten[] = "(source default) main was rewritten, from 0ld to f00d, which does not "
                                "contain it; they have no commit in common";

/* What status says of a source, once each time that it begins to say it; of a cluster it is not. */
static void test_events_of_a_source(void **state)
{
    struct fixture *fixture = *state;
    static const char *const expected[] = {
        rewritten,
        "(source default) has trouble: cannot connect",
        "(source default) has trouble: the remote has no branch refs/heads/main",
        "(source default) has recovered.",
        "(source default) refused commit b4db4db4db4d, with 2 errors: demo.yaml:1:1: error: ",
    };
    source_is(fixture, NULL);
    source_is(fixture, "cannot connect");
    source_is(fixture, "cannot connect");
    source_is(fixture, "the remote has no branch refs/heads/main");
    source_is(fixture, NULL);
    fixture_commit(fixture, "b4d", "kind: Service\nserviceName: 3\n");
    source_is(fixture, NULL);
    expect_events(fixture, expected, ARRAY_LEN(expected));
    size_t i;
    for (i = 0; i < LIMIT_SERVICE_EVENTS; i++)
        source_is(fixture, i % 2 ? NULL : "again");
    json_t *answer = fixture_ask(fixture, "GET", "/v1/events", NULL);
    const json_t *first = json_array_get(json_object_get(answer, "events"), 0);
    for (i = 0; !json_object_get(first, "source"); i++)
        first = json_array_get(json_object_get(answer, "events"), i);
    assert_string_equal(model_string(first, "message"), "(source default) has trouble: again");
    json_decref(answer);
}

static void test_the_head_of_the_origin_is_moved(void **state)
{
    static const char *const expected[] = {
        "(source default) HEAD of the origin is now trunk (was main); \"branch: main\" of the source stays",
        rewritten,
    };
    struct fixture *fixture = *state;
    fixture->move = (struct api_move){"main", "trunk", 1000};
    source_is(fixture, NULL);
    source_is(fixture, NULL);
    expect_events(fixture, expected, ARRAY_LEN(expected));
    char *text CLEANUP_FREE =
        api_rewrite_text("main", &(struct api_rewrite){"0ld", "f00d", "f0rk", 1000, "trunk"});
    assert_string_equal(text, "trunk, which HEAD was moved to, does not contain 0ld, which was deployed: now "
                              "f00d; both have f0rk");
}

#define CLUSTER "kind: Cluster\nclusterName: demo\n"
#define MORE    "---\nkind: Service\ncluster: demo\nserviceName: db\ntaskDefinition: web\n"

/* Once for each commit that is held, however often it is looked at; that it was approved is told, once too.
 */
static void test_a_held_commit(void **state)
{
    static const char *const expected[] = {
        rewritten,
        "(source default) holds commit e5e5e5e5e5e5: it removes 2 of 2 services (demo/db, demo/web); davit "
        "approve e5e5e5e5e5e5",
        "(source default) holds commit f6f6f6f6f6f6: it removes 2 of 2 services (demo/db, demo/web); davit "
        "approve f6f6f6f6f6f6",
        "(source default) deploys commit f6f6f6f6f6f6, which was approved: it removes 2 of 2 services "
        "(demo/db, "
        "demo/web)",
    };
    struct fixture *fixture = *state;
    char yaml[2048];
    snprintf(yaml, sizeof yaml, FIXTURE_MANIFEST MORE, "nginx:1");
    fixture_commit(fixture, "a1", yaml);
    source_is(fixture, NULL);
    fixture_commit(fixture, "e5", CLUSTER);
    source_is(fixture, NULL);
    source_is(fixture, NULL);
    expect_events(fixture, expected, 2);
    fixture_commit(fixture, "f6", CLUSTER);
    source_is(fixture, NULL);
    json_decref(fixture_ask(fixture, "POST", "/v1/approve", "{'commit':'f6f6f6f6'}"));
    source_is(fixture, NULL);
    source_is(fixture, NULL);
    expect_events(fixture, expected, ARRAY_LEN(expected));
}

/* Who it is that is refused, and that the next one is not; the other reason of the same commit too. */
static void test_a_commit_that_is_not_signed(void **state)
{
#define B2 "commit b2b2b2b2b2b2 (\"two\") by Ada <ada@example.org> is refused: "
    static const char *const expected[] = {
        rewritten,
        "(source default) has trouble: " B2 "it is not signed",
        "(source default) has trouble: " B2 "its key has expired",
        "(source default) has recovered.",
        "(source default) refused commit c3c3c3c3c3c3, with 2 errors: demo.yaml:1:1: error: ",
    };
    struct fixture *fixture = *state;
    fixture_deploy(fixture, "a1", "nginx:1");
    source_is(fixture, NULL);
    source_is(fixture, B2 "it is not signed; git commit -S signs");
    source_is(fixture, B2 "it is not signed; git commit -S signs");
    source_is(fixture, B2 "its key has expired");
    fixture_commit(fixture, "c3", "kind: Service\nserviceName: 3\n"); /* signed, and not valid */
    source_is(fixture, NULL);
    source_is(fixture, NULL);
    expect_events(fixture, expected, ARRAY_LEN(expected));
}

/* Each has its own: what the one is told of does not keep the other from it. */
static void test_two_sources(void **state)
{
    static const char *const expected[] = {
        "(source infra) main was rewritten",
        "(source shop) the branch was rewritten",
        "(source infra) refused commit b4b4b4b4b4b4, with 2 errors: ",
        "(source shop) refused commit b4b4b4b4b4b4, with 2 errors: ",
    };
    struct fixture *fixture = *state;
    source_is(fixture, NULL);
    fixture_commit_to(fixture, "infra", "b4", "kind: Service\nserviceName: 3\n");
    source_is(fixture, NULL);
    fixture_commit_to(fixture, "shop", "b4", "kind: Service\nserviceName: 3\n");
    source_is(fixture, NULL);
    expect_events(fixture, expected, ARRAY_LEN(expected));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_head_of_the_origin_is_moved, setup, teardown),
        cmocka_unit_test_setup_teardown(test_events_of_a_source, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_held_commit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_commit_that_is_not_signed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_sources, setup_two, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
