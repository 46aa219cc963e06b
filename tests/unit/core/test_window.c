/* Change windows, rows W of core.h. It is a Tuesday, 22:13 UTC, when a fixture begins. */
#include "fixture.h"

#include "base/text.h"
#include "model/json.h"

#include <stdlib.h>
#include <string.h>

#define NIGHT                                                                                                \
    "\"davit\":{\"changeWindows\":[{\"kind\":\"allow\",\"schedule\":\"cron(0 2 * * ? *)\","                  \
    "\"durationMinutes\":120}]}"
#define FROZEN                                                                                               \
    "\"davit\":{\"changeWindows\":[{\"kind\":\"deny\",\"schedule\":\"at(2023-11-14T00:00:00)\","             \
    "\"durationMinutes\":2880,\"timezone\":\"Europe/Berlin\"}]}"
#define CLUSTER(davit) "{\"clusterName\":\"c\"," davit "}"
#define PLAIN          "{\"clusterName\":\"c\"}"
#define SERVICE(name, more)                                                                                  \
    "{\"cluster\":\"c\",\"serviceName\":\"" name "\",\"taskDefinition\":\"" name "\"" more "}"
#define WAITS         "waits for its change window, which opens at 2023-11-15 02:00 UTC"

#define DEPLOYED      "00000000000000000000000000000000000000ff"
#define TO_OPENING_MS 13600000 /* 02:00 UTC */

static void settle(struct fixture *fixture)
{
    for (int i = 0; i < 4; i++) {
        fixture_run(fixture);
        fixture_after(fixture, 10000);
    }
    fixture_run(fixture);
}

/* "web" with two tasks of nginx, steady, in a cluster whose window is shut by now. */
static struct fixture *fixture_of_web(const char *cluster)
{
    struct fixture *fixture = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "nginx", 2, 0);
    settle(fixture);
    fixture_file(fixture, "cluster.json", cluster);
    fixture_run(fixture);
    return fixture;
}

static int count_of(const struct fixture *fixture, const char *service, int revision)
{
    struct task_vec tasks;
    int count = 0;
    core_view_tasks(fixture->core, "c", service, fixture->now_ms, &tasks);
    for (size_t i = 0; i < tasks.len; i++)
        if (tasks.items[i].status == TASK_RUNNING)
            count += tasks.items[i].revision == revision;
    task_vec_deinit(&tasks);
    return count;
}

static void expect_state(const struct fixture *fixture, const char *service, const char *state)
{
    struct view_service view = fixture_view(fixture, service);
    assert_string_equal(view_service_state(&view), state);
}

static void expect_waits(struct fixture *fixture, const char *text)
{
    fixture_run(fixture);
    struct view_service view = fixture_view(fixture, "web");
    assert_string_equal(view_service_state(&view), "waiting");
    assert_string_equal(view.waiting, text);
    assert_true(view.delayed && view.blocked);
    assert_int_equal(view_service_rollout(&view), DEPLOYMENT_IN_PROGRESS);
    assert_int_equal(count_of(fixture, "web", 1), 2);
}

static void ends(struct fixture *fixture, const char *service)
{
    struct task_vec tasks;
    core_view_tasks(fixture->core, "c", service, fixture->now_ms, &tasks);
    struct container *container = container_copy(tasks.items[0].containers[0]);
    task_vec_deinit(&tasks);
    container->status = CONTAINER_STOPPED;
    container->has_exit_code = true;
    container->exit_code = 1;
    container->finished_ms = fixture->now_ms;
    fixture_step(fixture, (struct event){.kind = EVENT_CONTAINER,
                                         .engine = {.instance = memory_strdup(container->instance),
                                                    .container = container}});
}

/* The commit that is wanted, as it was before the last change or as it is. */
static void wanted(const struct fixture *fixture, struct event *event)
{
    struct view_source view;
    core_view_source(fixture->core, &view);
    *event = (struct event){.kind = EVENT_APPROVE};
    memcpy(event->approve.oid, view.wanted->oid, sizeof event->approve.oid);
}

/* A later life that knows the commit for deployed would let through what it does not know to wait. */
static void expect_saved_before_the_commit(const struct fixture *fixture)
{
    bool waits = false;
    for (size_t i = 0; fixture_effect(fixture, EFFECT_SAVE, i); i++) {
        const struct ledger_change *change = &fixture_effect(fixture, EFFECT_SAVE, i)->change;
        waits |= change->kind == LEDGER_SERVICE && json_object_get(change->entry, "delayed");
        if (change->kind == LEDGER_SOURCE)
            assert_true(waits);
    }
    assert_true(waits);
}

/* A later life that does not know the commit for deployed would wait anew for what waits no more. */
static void expect_saved_after_the_commit(const struct fixture *fixture)
{
    bool deployed = false;
    bool told = false;
    for (size_t i = 0; fixture_effect(fixture, EFFECT_SAVE, i); i++) {
        const struct ledger_change *change = &fixture_effect(fixture, EFFECT_SAVE, i)->change;
        deployed |= change->kind == LEDGER_SOURCE;
        if (change->kind != LEDGER_SERVICE)
            continue;
        assert_true(deployed);
        assert_null(json_object_get(change->entry, "delayed"));
        told = true;
    }
    assert_true(told);
}

static void test_what_runs_is_kept_up(void **state) /* W3, W5 */
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web(CLUSTER(NIGHT));
    expect_state(fixture, "web", "steady");
    fixture_change(fixture, "web", "nginx:2");
    expect_saved_before_the_commit(fixture);
    fixture_file(fixture, "web-service.json", SERVICE("web", ",\"desiredCount\":3"));
    expect_waits(fixture, WAITS);
    ends(fixture, "web");
    settle(fixture);
    expect_waits(fixture, WAITS);
    assert_int_equal(fixture_view(fixture, "web").desired->desired_count, 2);
    fixture_after(fixture, TO_OPENING_MS);
    settle(fixture);
    assert_int_equal(count_of(fixture, "web", 2), 3);
    assert_int_equal(count_of(fixture, "web", 1), 0);
    expect_state(fixture, "web", "steady");
    assert_null(fixture_view(fixture, "web").ledger->delayed);
    assert_false(core_any_delayed(fixture->core, NULL));
}

static void test_it_wakes_at_the_opening(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web(CLUSTER(NIGHT));
    fixture_change(fixture, "web", "nginx:2");
    fixture_turn(fixture);
    const struct effect *wake = fixture_effect(fixture, EFFECT_WAKE, 0);
    assert_non_null(wake);
    int64_t opens_ms = wake->at_ms;
    assert_int_equal(opens_ms, FIRST_MS + TO_OPENING_MS);
    fixture_run(fixture);
    fixture_after(fixture, opens_ms - fixture->now_ms - 1);
    expect_waits(fixture, WAITS);
    fixture_after(fixture, 1);
    fixture_turn(fixture);
    assert_non_null(fixture_action(fixture, 0));
}

/* A commit that comes when the window is open by now leaves the change to the turn. */
static void test_it_begins_in_a_turn(void **state) /* W5 */
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web(CLUSTER(NIGHT));
    fixture_change(fixture, "web", "nginx:2");
    expect_waits(fixture, WAITS);
    fixture_after(fixture, TO_OPENING_MS);
    fixture_file(fixture, "web-service.json", " " SERVICE("web", ",\"desiredCount\":2"));
    assert_true(fixture_view(fixture, "web").delayed);
    for (size_t i = 0; fixture_effect(fixture, EFFECT_SAVE, i); i++)
        assert_string_not_equal(fixture_effect(fixture, EFFECT_SAVE, i)->change.name, "c/web");
    settle(fixture);
    assert_int_equal(count_of(fixture, "web", 2), 2);
}

/* What would be deployed anew is not what was asked for: `davit redeploy` has come too late. */
static void test_a_redeployment_does_not_pass_it(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web(CLUSTER(NIGHT));
    fixture_change(fixture, "web", "nginx:2");
    expect_waits(fixture, WAITS);
    size_t deployments = fixture_view(fixture, "web").ledger->deployments.len;
    struct event event = {.kind = EVENT_REDEPLOY};
    event.retry.cluster = memory_strdup("c");
    event.retry.service = memory_strdup("web");
    fixture_step(fixture, event);
    assert_null(fixture_effect(fixture, EFFECT_SAVE, 0));
    settle(fixture);
    expect_waits(fixture, WAITS);
    assert_int_equal(fixture_view(fixture, "web").ledger->deployments.len, deployments);
}

static void test_a_rollout_that_has_begun_ends(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web(PLAIN);
    fixture_change(fixture, "web", "nginx:2");
    fixture_file(fixture, "cluster.json", CLUSTER(NIGHT));
    expect_state(fixture, "web", "deploying");
    settle(fixture);
    settle(fixture);
    expect_state(fixture, "web", "steady");
    assert_int_equal(count_of(fixture, "web", 2), 2);
}

static void test_only_where_it_is_shut(void **state) /* W1 */
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web(PLAIN);
    fixture_commit(fixture, "api", "nginx", 1, 0);
    settle(fixture);
    fixture_file(fixture, "api-service.json", SERVICE("api", "," NIGHT));
    fixture_change(fixture, "api", "nginx:2");
    fixture_change(fixture, "web", "nginx:2");
    settle(fixture);
    expect_state(fixture, "web", "steady");
    expect_state(fixture, "api", "waiting");
    assert_int_equal(count_of(fixture, "web", 2), 2);
    assert_int_equal(count_of(fixture, "api", 1), 1);
}

static void test_windows_and_suspend_do_not_wait(void **state) /* W2 */
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web(CLUSTER(NIGHT));
    fixture_file(fixture, "web-service.json", SERVICE("web", ",\"desiredCount\":2," FROZEN));
    fixture_run(fixture);
    expect_state(fixture, "web", "steady");
    fixture_file(fixture, "web-service.json",
                 SERVICE("web", ",\"desiredCount\":2,\"davit\":{\"suspend\":true}"));
    fixture_run(fixture);
    expect_state(fixture, "web", "suspended");
    fixture_file(fixture, "web-service.json", SERVICE("web", ",\"desiredCount\":2"));
    fixture_run(fixture);
    expect_state(fixture, "web", "steady");
    fixture_file(fixture, "web-service.json",
                 SERVICE("web", ",\"desiredCount\":3,\"davit\":{\"suspend\":true}"));
    ends(fixture, "web");
    fixture_run(fixture);
    expect_state(fixture, "web", "suspended");
    assert_int_equal(fixture_view(fixture, "web").healthy_count, 1);
}

static void test_no_commit_opens_its_own_window(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web(CLUSTER(NIGHT));
    fixture_commit(fixture, "web", "nginx:2", 2, 0); /* with a cluster.json without windows */
    expect_waits(fixture,
                 "waits for the change window of commit 000000000000, in force when it began to wait, "
                 "which opens at 2023-11-15 02:00 UTC");
    fixture_file(fixture, "cluster.json", CLUSTER(FROZEN));
    fixture_after(fixture, TO_OPENING_MS); /* open as it was, and shut as it is */
    fixture_turn(fixture);
    expect_waits(fixture, "waits for its change window, which opens at 2023-11-16 02:00 UTC");
    fixture_after(fixture, INT64_C(86400000));
    settle(fixture);
    assert_int_equal(count_of(fixture, "web", 2), 2);
}

/* The commit has nothing of the service: it waits for the cluster's new windows all the same, and at once. */
static void test_new_windows_of_the_cluster(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web(CLUSTER(NIGHT));
    fixture_file(fixture, "web-service.json", SERVICE("web", ",\"desiredCount\":3"));
    expect_waits(fixture, WAITS);
    fixture_file(fixture, "cluster.json", CLUSTER(FROZEN));
    expect_waits(fixture, "waits for its change window, which opens at 2023-11-16 02:00 UTC");
}

static void test_a_service_has_its_own(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web(CLUSTER(NIGHT));
    fixture_file(fixture, "web-service.json", SERVICE("web", ",\"desiredCount\":3," FROZEN));
    expect_waits(fixture, "waits for its change window, which opens at 2023-11-16 02:00 UTC");
}

static void test_a_new_service_waits(void **state) /* W4 */
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web(CLUSTER(NIGHT));
    fixture_file(
        fixture, "api-definition.json",
        "{\"family\":\"api\",\"containerDefinitions\":[{\"name\":\"a\",\"image\":\"n\",\"memory\":64}]}");
    fixture_file(fixture, "api-service.json", SERVICE("api", ""));
    fixture_turn(fixture);
    expect_state(fixture, "api", "waiting");
    assert_int_equal(fixture_view(fixture, "api").ledger->deployments.len, 0);
    fixture_file(fixture, "api-service.json", NULL);
    fixture_turn(fixture);
    struct view_service view;
    assert_false(core_view_service(fixture->core, "c", "api", &view)); /* nothing is left to wait for */
    assert_false(core_any_delayed(fixture->core, NULL));
    fixture_file(fixture, "api-service.json", SERVICE("api", ""));
    fixture_after(fixture, TO_OPENING_MS);
    settle(fixture);
    expect_state(fixture, "api", "steady");
}

static void test_a_new_service_prepares_nothing(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web(CLUSTER(NIGHT));
    fixture_file(fixture, "api-service.json",
                 "{\"cluster\":\"c\",\"serviceName\":\"api\",\"taskDefinition\":\"web\","
                 "\"davit\":{\"preDeploy\":[\"web\"]}}");
    fixture_turn(fixture);
    expect_state(fixture, "api", "waiting");
    assert_false(core_is_dirty(fixture->core)); /* it does not spin */
    assert_null(fixture_action(fixture, 0));
}

static void test_a_removal_waits(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web(CLUSTER(NIGHT));
    fixture_file(fixture, "web-service.json", NULL);
    expect_waits(fixture,
                 "removes it, which waits for its change window, which opens at 2023-11-15 02:00 UTC");
    ends(fixture, "web");
    settle(fixture);
    assert_int_equal(count_of(fixture, "web", 1), 2);
    fixture_after(fixture, TO_OPENING_MS);
    settle(fixture);
    struct view_service view;
    assert_false(core_view_service(fixture->core, "c", "web", &view));
}

static void test_without_its_cluster_it_stands_still(void **state) /* W4 */
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web(CLUSTER(NIGHT));
    struct event event = {.kind = EVENT_COMMIT, .commit = {.head = true, .full = true}};
    snprintf(event.commit.commit.oid, sizeof event.commit.commit.oid, "%040d", ++fixture->commits);
    struct event_file file = {.path = memory_strdup("d.json"),
                              .content = memory_strdup("{\"clusterName\":\"d\"}"),
                              .len = strlen("{\"clusterName\":\"d\"}")};
    vector_push(&event.commit.files, file);
    fixture_step(fixture, event);
    ends(fixture, "web");
    fixture_run(fixture);
    expect_state(fixture, "web", "waiting");
    assert_int_equal(count_of(fixture, "web", 1), 1);
    fixture_after(fixture, TO_OPENING_MS);
    settle(fixture);
    struct view_service view;
    assert_false(core_view_service(fixture->core, "c", "web", &view));
}

static void test_a_revert_ends_it(void **state) /* W6 */
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web(CLUSTER(NIGHT));
    fixture_change(fixture, "web", "nginx:2");
    expect_waits(fixture, WAITS);
    assert_non_null(fixture_view(fixture, "web").ledger->delayed);
    fixture_change(fixture, "web", "nginx");
    expect_saved_after_the_commit(fixture);
    fixture_run(fixture);
    expect_state(fixture, "web", "steady");
    assert_null(fixture_view(fixture, "web").ledger->delayed);
    fixture_file(fixture, "web-service.json", NULL);
    fixture_run(fixture);
    expect_state(fixture, "web", "waiting");
    fixture_file(fixture, "web-service.json", SERVICE("web", ",\"desiredCount\":2"));
    fixture_run(fixture);
    expect_state(fixture, "web", "steady");
}

/* What was approved and could not begin yet does not wait anew with a commit that leaves it as it is. */
static void test_approved_while_suspended(void **state) /* W7 */
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web(CLUSTER(NIGHT));
    struct event now;
    fixture_file(fixture, "web-service.json", NULL);
    wanted(fixture, &now);
    fixture_step(fixture, now);
    settle(fixture);
    fixture_file(fixture, "web-service.json",
                 "{\"cluster\":\"c\",\"serviceName\":\"web\",\"taskDefinition\":\"web\",\"desiredCount\":2}");
    fixture_run(fixture);
    expect_state(fixture, "web", "waiting");
    fixture_suspend(fixture, "web", false);
    wanted(fixture, &now);
    fixture_step(fixture, now);
    expect_state(fixture, "web", "suspended");
    fixture_file(fixture, "web-service.json",
                 "{\"cluster\":\"c\",\"serviceName\":\"web\",\"taskDefinition\":\"web\",\"desiredCount\":2,"
                 "\"tags\":[{\"key\":\"a\",\"value\":\"b\"}]}");
    fixture_run(fixture);
    assert_false(core_any_delayed(fixture->core, NULL));
}

static void test_approved(void **state) /* W7 */
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web(CLUSTER(NIGHT));
    struct event before;
    struct event now;
    wanted(fixture, &before);
    fixture_change(fixture, "web", "nginx:2");
    wanted(fixture, &now);
    expect_waits(fixture, WAITS);
    fixture_step(fixture, before); /* another commit came in between */
    expect_waits(fixture, WAITS);
    fixture_step(fixture, now);
    struct view_service view = fixture_view(fixture, "web");
    assert_string_equal(view_service_event(&view, view.events_len - 1)->message,
                        "(service web) commit 000000000000 was approved: its change did not wait for its "
                        "window.");
    settle(fixture);
    expect_state(fixture, "web", "steady");
    assert_int_equal(count_of(fixture, "web", 2), 2);
    fixture_change(fixture, "web", "nginx:3"); /* it was for that commit only */
    fixture_run(fixture);
    expect_state(fixture, "web", "waiting");
}

static void test_approved_behind_a_commit_that_is_held(void **state) /* W7 */
{
    (void)state;
    static const char *const others[] = {"a", "b", "d"};
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web(CLUSTER(NIGHT));
    struct event now;
    struct view_source source;
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        fixture_commit(fixture, others[i], "nginx", 1, 0); /* without windows */
    settle(fixture);
    fixture_file(fixture, "cluster.json", CLUSTER(NIGHT));
    fixture_change(fixture, "web", "nginx:2");
    expect_waits(fixture, WAITS);
    wanted(fixture, &now);
    struct event event = {.kind = EVENT_COMMIT, .commit = {.head = true, .full = true}};
    snprintf(event.commit.commit.oid, sizeof event.commit.commit.oid, "%040d", ++fixture->commits);
    struct event_file file = {.path = memory_strdup("cluster.json"),
                              .content = memory_strdup(CLUSTER(NIGHT)),
                              .len = strlen(CLUSTER(NIGHT))};
    vector_push(&event.commit.files, file);
    fixture_step(fixture, event);
    expect_waits(fixture, WAITS);
    fixture_step(fixture, now);
    assert_false(core_any_delayed(fixture->core, NULL));
    core_view_source(fixture->core, &source);
    assert_non_null(source.held);
    settle(fixture);
    assert_int_equal(count_of(fixture, "web", 2), 2);
}

static void test_clocks_jump(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web(CLUSTER(NIGHT));
    fixture_change(fixture, "web", "nginx:2");
    fixture_run(fixture);
    fixture_after(fixture, TO_OPENING_MS + INT64_C(5) * 3600000); /* over the window */
    expect_waits(fixture, "waits for its change window, which opens at 2023-11-16 02:00 UTC");
    fixture_after(fixture, -INT64_C(6) * 3600000); /* and back before it */
    fixture_turn(fixture);
    expect_waits(fixture, WAITS);
}

static void test_the_wall_clock_is_set(void **state) /* W10 */
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web(CLUSTER(NIGHT));
    fixture_change(fixture, "web", "nginx:2");
    expect_waits(fixture, WAITS);
    fixture_leap(fixture, -INT64_C(3600000));
    assert_true(core_is_dirty(fixture->core));
    fixture_turn(fixture);
    const struct effect *wake = fixture_effect(fixture, EFFECT_WAKE, 0);
    assert_non_null(wake);
    assert_int_equal(wake->at_ms, FIRST_MS + TO_OPENING_MS + 3600000);
    expect_waits(fixture, WAITS);
    fixture_leap(fixture, INT64_C(5) * 3600000); /* 02:14 */
    fixture_run(fixture);
    assert_false(core_any_delayed(fixture->core, NULL));
    fixture_leap(fixture, -INT64_C(5) * 3600000); /* it has begun */
    settle(fixture);
    assert_int_equal(count_of(fixture, "web", 2), 2);
}

static void test_who_depends_on_it_waits(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web(PLAIN);
    fixture_commit(fixture, "api", "nginx", 1, 0);
    fixture_file(fixture, "web-service.json",
                 SERVICE("web", ",\"desiredCount\":2,\"davit\":{\"dependsOn\":[{\"service\":\"api\"}]}"));
    fixture_file(fixture, "api-service.json", SERVICE("api", "," NIGHT));
    settle(fixture);
    fixture_change(fixture, "api", "nginx:2");
    fixture_change(fixture, "web", "nginx:2");
    fixture_run(fixture);
    struct view_service view = fixture_view(fixture, "web");
    assert_string_equal(view_service_state(&view), "blocked");
    assert_string_equal(view.waiting, "waits for service c/api: " WAITS);
    fixture_after(fixture, TO_OPENING_MS);
    settle(fixture);
    settle(fixture);
    expect_state(fixture, "web", "steady");
    assert_int_equal(count_of(fixture, "web", 2), 2);
}

/* --- later lives ---------------------------------------------------------------------------------------- */

static void load(struct fixture *fixture, enum ledger_change_kind kind, const char *name, json_t *entry)
{
    fixture_step(fixture, (struct event){.kind = EVENT_LEDGER, .ledger = {kind, memory_strdup(name), entry}});
}

/* A later davit, with the containers as they are and a ledger that was read. The entry is taken over. */
static struct fixture *life_of_entry(const struct fixture *first, json_t *entry)
{
    struct fixture *second = fixture_new(1);
    struct container_vec containers = {0};
    struct task_vec tasks;
    second->now_ms = first->now_ms;
    load(second, LEDGER_SERVICE, "c/web", entry);
    load(second, LEDGER_FAMILY, "web", family_ledger_to_json(core_family(first->core, "web")));
    load(second, LEDGER_SOURCE, "default", json_pack("{s:{s:s}}", "deployed", "oid", DEPLOYED));
    core_view_tasks(first->core, "c", "web", first->now_ms, &tasks);
    for (size_t i = 0; i < tasks.len; i++)
        vector_push(&containers, container_copy(tasks.items[i].containers[0]));
    task_vec_deinit(&tasks);
    fixture_listed(second, "one", containers.items, containers.len);
    vector_deinit(&containers);
    return second;
}

/* And the commit of that id. */
static struct fixture *second_life_at(const struct fixture *first, const char *image, const char *service,
                                      const char *oid)
{
    struct fixture *second = life_of_entry(first, service_ledger_to_json(fixture_view(first, "web").ledger));
    struct event event = {.kind = EVENT_COMMIT, .commit = {.head = true, .full = true}};
    snprintf(event.commit.commit.oid, sizeof event.commit.commit.oid, "%s", oid);
    char *definition = memory_printf("{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"app\","
                                     "\"image\":\"%s\",\"memory\":64}]}",
                                     image);
    struct event_file files[] = {
        {.path = memory_strdup("cluster.json"), .content = memory_strdup(CLUSTER(NIGHT))},
        {.path = memory_strdup("web-definition.json"), .content = definition},
        {.path = memory_strdup("web-service.json"), .content = memory_strdup(service)}};
    for (size_t i = 0; i < (service ? 3U : 2U); i++) {
        files[i].len = strlen(files[i].content);
        vector_push(&event.commit.files, files[i]);
    }
    if (!service)
        free(files[2].path);
    fixture_step(second, event);
    return second;
}

/* With the commit that was deployed. */
static struct fixture *second_life(const struct fixture *first, const char *image, const char *service)
{
    return second_life_at(first, image, service, DEPLOYED);
}

static void test_what_waited_waits_on(void **state) /* W8 */
{
    (void)state;
    struct fixture *first CLEANUP(fixture_freep) = fixture_of_web(CLUSTER(NIGHT));
    fixture_change(first, "web", "nginx:2");
    expect_waits(first, WAITS);
    struct fixture *second CLEANUP(fixture_freep) =
        second_life(first, "nginx:2", SERVICE("web", ",\"desiredCount\":2"));
    expect_waits(second, WAITS);
    ends(second, "web");
    settle(second);
    expect_waits(second, WAITS);
    fixture_after(second, TO_OPENING_MS);
    settle(second);
    assert_int_equal(count_of(second, "web", 2), 2);
}

/* L9: the entry is from before its window opened, and it is shut again: what ran through it is not taken
 * back.
 */
static void test_what_has_begun_waits_no_more(void **state)
{
    (void)state;
    struct fixture *first CLEANUP(fixture_freep) = fixture_of_web(CLUSTER(NIGHT));
    fixture_change(first, "web", "nginx:2");
    expect_waits(first, WAITS);
    json_t *stale = service_ledger_to_json(fixture_view(first, "web").ledger);
    assert_non_null(json_object_get(stale, "delayed"));
    fixture_after(first, TO_OPENING_MS);
    settle(first);
    assert_int_equal(count_of(first, "web", 2), 2);
    fixture_after(first, INT64_C(3) * 3600000);
    struct fixture *second CLEANUP(fixture_freep) = life_of_entry(first, stale);
    second->commits = first->commits - 1;
    fixture_file(second, "cluster.json", CLUSTER(NIGHT));
    fixture_commit(second, "web", "nginx:2", 2, 0);
    fixture_file(second, "cluster.json", CLUSTER(NIGHT));
    settle(second);
    assert_int_equal(count_of(second, "web", 2), 2);
    expect_state(second, "web", "steady");
    struct view_service view = fixture_view(second, "web");
    assert_null(view.ledger->delayed);
    assert_string_equal(service_ledger_primary(view.ledger)->id,
                        service_ledger_primary(fixture_view(first, "web").ledger)->id);
    assert_false(core_any_delayed(second->core, NULL));
}

#define API_DEFINITION                                                                                       \
    "{\"family\":\"api\",\"containerDefinitions\":[{\"name\":\"a\",\"image\":\"n\",\"memory\":64}]}"

/* A later davit that knows a new service by its entry, whose commit took the cluster's window away. */
static struct fixture *second_life_of_new(const struct fixture *first, bool left)
{
    struct fixture *second = fixture_new(1);
    struct view_service view = fixture_view(first, "api");
    second->now_ms = first->now_ms;
    load(second, LEDGER_SERVICE, "c/api", service_ledger_to_json(view.ledger));
    load(second, LEDGER_SOURCE, "default", json_pack("{s:{s:s}}", "deployed", "oid", DEPLOYED));
    fixture_empty(second, "one");
    struct event event = {.kind = EVENT_COMMIT, .commit = {.head = true, .full = true}};
    snprintf(event.commit.commit.oid, sizeof event.commit.commit.oid, DEPLOYED);
    struct event_file files[] = {
        {.path = memory_strdup("cluster.json"), .content = memory_strdup(PLAIN)},
        {.path = memory_strdup("api-definition.json"), .content = memory_strdup(API_DEFINITION)},
        {.path = memory_strdup("api-service.json"), .content = memory_strdup(SERVICE("api", ""))}};
    for (size_t i = 0; i < 3; i++) {
        files[i].len = strlen(files[i].content);
        if (i < 2 || !left)
            vector_push(&event.commit.files, files[i]);
    }
    if (left) {
        free(files[2].path);
        free(files[2].content);
    }
    fixture_step(second, event);
    fixture_run(second);
    return second;
}

/* No commit opens its own window, not over a restart either. */
static void test_a_new_service_that_waited_waits_on(void **state) /* W4, W8 */
{
    (void)state;
    struct fixture *first CLEANUP(fixture_freep) = fixture_of_web(CLUSTER(NIGHT));
    fixture_file(first, "api-definition.json", API_DEFINITION);
    fixture_file(first, "api-service.json", SERVICE("api", ""));
    fixture_file(first, "cluster.json", PLAIN);
    fixture_run(first);
    expect_state(first, "api", "waiting");
    struct fixture *second CLEANUP(fixture_freep) = second_life_of_new(first, false);
    expect_state(second, "api", "waiting");
    assert_null(fixture_action(second, 0));
    assert_string_equal(fixture_view(second, "api").waiting,
                        "waits for the change window of commit 000000000000, in force when it began to wait, "
                        "which opens at 2023-11-15 02:00 UTC");
    fixture_after(second, TO_OPENING_MS);
    settle(second);
    expect_state(second, "api", "steady");
    assert_null(fixture_view(second, "api").ledger->delayed);

    struct fixture *left CLEANUP(fixture_freep) = second_life_of_new(first, true);
    struct view_service view;
    assert_false(core_view_service(left->core, "c", "api", &view)); /* nothing of it began */
}

static void test_a_removal_that_waited_waits_on(void **state)
{
    (void)state;
    struct fixture *first CLEANUP(fixture_freep) = fixture_of_web(CLUSTER(NIGHT));
    fixture_file(first, "web-service.json", NULL);
    fixture_run(first);
    struct fixture *second CLEANUP(fixture_freep) = second_life(first, "nginx", NULL);
    expect_waits(second,
                 "removes it, which waits for its change window, which opens at 2023-11-15 02:00 UTC");
    fixture_after(second, TO_OPENING_MS);
    settle(second);
    struct view_service view;
    assert_false(core_view_service(second->core, "c", "web", &view));
}

static void test_a_removal_whose_window_opened_meanwhile(void **state)
{
    (void)state;
    struct fixture *first CLEANUP(fixture_freep) = fixture_of_web(CLUSTER(NIGHT));
    fixture_file(first, "web-service.json", NULL);
    fixture_run(first);
    fixture_after(first, TO_OPENING_MS);
    struct fixture *second CLEANUP(fixture_freep) = second_life(first, "nginx", NULL);
    settle(second);
    struct view_service view;
    assert_false(core_view_service(second->core, "c", "web", &view));
}

/* Who it was of cannot be built, and the newest commit has it no more. */
static void test_a_removal_that_is_news_waits(void **state) /* W9 */
{
    (void)state;
    struct fixture *first CLEANUP(fixture_freep) = fixture_of_web(CLUSTER(NIGHT));
    struct fixture *second CLEANUP(fixture_freep) =
        second_life_at(first, "nginx", NULL, "00000000000000000000000000000000000000fe");
    expect_waits(second,
                 "removes it, which waits for its change window, which opens at 2023-11-15 02:00 UTC");
    fixture_after(second, TO_OPENING_MS);
    settle(second);
    struct view_service view;
    assert_false(core_view_service(second->core, "c", "web", &view));
    struct fixture *again CLEANUP(fixture_freep) = second_life(first, "nginx", NULL);
    settle(again); /* it was deployed: it had been let through */
    assert_false(core_view_service(again->core, "c", "web", &view));
}

static void test_what_was_let_through_goes_on(void **state)
{
    (void)state;
    struct fixture *first CLEANUP(fixture_freep) = fixture_of_web(CLUSTER(NIGHT));
    struct fixture *same CLEANUP(fixture_freep) =
        second_life(first, "nginx", SERVICE("web", ",\"desiredCount\":2"));
    settle(same);
    expect_state(same, "web", "steady");
    struct fixture *begun CLEANUP(fixture_freep) =
        second_life(first, "nginx:2", SERVICE("web", ",\"desiredCount\":2"));
    settle(begun); /* the ledger says that the commit was deployed, and not that it waits */
    assert_int_equal(count_of(begun, "web", 2), 2);
}

static int count_reasons(const struct fixture *fixture, const char *text)
{
    struct task_vec tasks;
    int count = 0;
    core_view_tasks(fixture->core, "c", "web", fixture->now_ms, &tasks);
    for (size_t i = 0; i < tasks.len; i++)
        count += tasks.items[i].status == TASK_STOPPED && text_starts_with(tasks.items[i].stop_reason, text);
    task_vec_deinit(&tasks);
    return count;
}

/* Why davit stopped a task is told after a restart too, and what failed by itself is not excused. */
static void test_what_was_replaced_says_so_in_a_later_life(void **state)
{
    (void)state;
    struct fixture *first CLEANUP(fixture_freep) = fixture_of_web(PLAIN);
    ends(first, "web");
    settle(first);
    fixture_change(first, "web", "nginx:2");
    settle(first);
    assert_int_equal(count_reasons(first, "replaced by (deployment ecs-svc/"), 2);
    assert_int_equal(count_reasons(first, "Essential container in task exited"), 1);
    fixture_after(first, 1000);
    struct fixture *second CLEANUP(fixture_freep) =
        second_life(first, "nginx:2", SERVICE("web", ",\"desiredCount\":2"));
    fixture_run(second);
    assert_int_equal(count_reasons(second, "replaced by (deployment ecs-svc/"), 2);
    assert_int_equal(count_reasons(second, "Essential container in task exited"), 1);
}

static int join(void *data, const json_t *part)
{
    core_snapshot_join(data, part);
    return 0;
}

static void restore(struct fixture *fixture)
{
    json_t *snapshot CLEANUP(json_decrefp) = json_object();
    assert_int_equal(core_snapshot(fixture->core, join, snapshot), 0);
    core_free(fixture->core);
    assert_int_equal(core_restore(snapshot, &fixture->core, NULL), 0);
}

static const struct run *run_of(const struct fixture *fixture, const char *family)
{
    struct view_run_vec runs;
    const struct run *found = NULL;
    core_view_runs(fixture->core, &runs);
    for (size_t i = 0; i < runs.len; i++)
        if (text_equal(runs.items[i].run->family, family))
            found = runs.items[i].run;
    vector_deinit(&runs);
    return found;
}

static void task_ends(struct fixture *fixture, const char *id)
{
    struct task_vec tasks;
    core_view_run_tasks(fixture->core, "c", id, fixture->now_ms, &tasks);
    struct container *container = container_copy(tasks.items[0].containers[0]);
    task_vec_deinit(&tasks);
    container->status = CONTAINER_STOPPED;
    container->has_exit_code = true;
    container->finished_ms = fixture->now_ms;
    fixture_step(fixture, (struct event){.kind = EVENT_CONTAINER,
                                         .engine = {.instance = memory_strdup(container->instance),
                                                    .container = container}});
    fixture_run(fixture);
}

/* What goes on prepares itself with what its commit said, over a restart too. */
static void test_it_is_prepared_as_it_was_committed(void **state) /* W3 */
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web(PLAIN);
    fixture_change(fixture, "migrate", "migrate:1");
    fixture_change(fixture, "seed", "seed:1");
    fixture_file(fixture, "web-service.json",
                 SERVICE("web", ",\"davit\":{\"preDeploy\":[\"migrate\",\"seed\"]}"));
    fixture_run(fixture);
    assert_non_null(run_of(fixture, "migrate"));
    struct event event;
    fixture_file(fixture, "cluster.json", CLUSTER(NIGHT));
    wanted(fixture, &event);
    fixture_file(fixture, "seed-definition.json", NULL);
    fixture_file(fixture, "web-service.json", SERVICE("web", ""));
    fixture_run(fixture);
    restore(fixture);
    char id[ID_HEX_SIZE];
    const struct run *migrate = run_of(fixture, "migrate");
    assert_non_null(migrate);
    memcpy(id, migrate->id, sizeof id);
    task_ends(fixture, id);
    const struct run *seed = run_of(fixture, "seed");
    assert_non_null(seed);
    assert_string_equal(seed->commit, event.approve.oid);
}

static void test_a_snapshot_keeps_it(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web(CLUSTER(NIGHT));
    fixture_file(fixture, "api-service.json", SERVICE("api", ",\"desiredCount\":2"));
    fixture_file(
        fixture, "api-definition.json",
        "{\"family\":\"api\",\"containerDefinitions\":[{\"name\":\"a\",\"image\":\"n\",\"memory\":64}]}");
    fixture_change(fixture, "web", "nginx:2");
    fixture_file(fixture, "web-service.json", SERVICE("web", ",\"desiredCount\":4"));
    expect_waits(fixture, WAITS);
    json_t *before CLEANUP(json_decrefp) = json_object();
    json_t *after CLEANUP(json_decrefp) = json_object();
    assert_int_equal(core_snapshot(fixture->core, join, before), 0);
    core_free(fixture->core);
    assert_int_equal(core_restore(before, &fixture->core, NULL), 0);
    assert_int_equal(core_snapshot(fixture->core, join, after), 0);
    assert_true(json_equal(before, after));
    expect_waits(fixture, WAITS);
    expect_state(fixture, "api", "waiting");
    fixture_after(fixture, TO_OPENING_MS);
    settle(fixture);
    assert_int_equal(count_of(fixture, "web", 2), 4);
}

/* How many tasks it is to have is counted: the ledger has no word of it that might be an older one. */
static void test_a_daemon_is_counted_meanwhile(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of_web(PLAIN);
    fixture_file(fixture, "web-service.json", SERVICE("web", ",\"schedulingStrategy\":\"DAEMON\""));
    settle(fixture);
    fixture_file(fixture, "cluster.json", CLUSTER(NIGHT));
    fixture_change(fixture, "web", "nginx:2");
    fixture_run(fixture);
    struct view_service view = fixture_view(fixture, "web");
    assert_true(view.delayed);
    assert_int_equal(view.desired->desired_count, 1);
    assert_non_null(json_object_get(view.ledger->delayed, "name"));
    assert_null(json_object_get(view.ledger->delayed, "desiredCount"));
    json_t *before CLEANUP(json_decrefp) = json_object();
    assert_int_equal(core_snapshot(fixture->core, join, before), 0);
    core_free(fixture->core);
    assert_int_equal(core_restore(before, &fixture->core, NULL), 0);
    assert_int_equal(fixture_view(fixture, "web").desired->desired_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_runs_is_kept_up),
        cmocka_unit_test(test_it_wakes_at_the_opening),
        cmocka_unit_test(test_it_begins_in_a_turn),
        cmocka_unit_test(test_a_redeployment_does_not_pass_it),
        cmocka_unit_test(test_a_rollout_that_has_begun_ends),
        cmocka_unit_test(test_only_where_it_is_shut),
        cmocka_unit_test(test_windows_and_suspend_do_not_wait),
        cmocka_unit_test(test_no_commit_opens_its_own_window),
        cmocka_unit_test(test_new_windows_of_the_cluster),
        cmocka_unit_test(test_a_service_has_its_own),
        cmocka_unit_test(test_a_new_service_waits),
        cmocka_unit_test(test_a_new_service_prepares_nothing),
        cmocka_unit_test(test_a_removal_waits),
        cmocka_unit_test(test_without_its_cluster_it_stands_still),
        cmocka_unit_test(test_a_revert_ends_it),
        cmocka_unit_test(test_approved),
        cmocka_unit_test(test_approved_behind_a_commit_that_is_held),
        cmocka_unit_test(test_approved_while_suspended),
        cmocka_unit_test(test_clocks_jump),
        cmocka_unit_test(test_the_wall_clock_is_set),
        cmocka_unit_test(test_who_depends_on_it_waits),
        cmocka_unit_test(test_what_waited_waits_on),
        cmocka_unit_test(test_what_has_begun_waits_no_more),
        cmocka_unit_test(test_a_new_service_that_waited_waits_on),
        cmocka_unit_test(test_what_was_replaced_says_so_in_a_later_life),
        cmocka_unit_test(test_a_removal_that_waited_waits_on),
        cmocka_unit_test(test_a_removal_whose_window_opened_meanwhile),
        cmocka_unit_test(test_what_was_let_through_goes_on),
        cmocka_unit_test(test_a_removal_that_is_news_waits),
        cmocka_unit_test(test_it_is_prepared_as_it_was_committed),
        cmocka_unit_test(test_a_snapshot_keeps_it),
        cmocka_unit_test(test_a_daemon_is_counted_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
