/* Where features meet: a rollback, dependsOn, suspend, prune, a count that git does not own, and restarts. */
#include "fixture.h"

#include "base/buffer.h"
#include "base/text.h"
#include "model/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WEB(davit) "{\"cluster\":\"c\",\"serviceName\":\"web\",\"taskDefinition\":\"web\"," davit "}"

static void test_prune_two_commits_in_one_turn(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "nginx", 1, 0);
    fixture_settle(fixture);
    fixture_file(fixture, "web-service.json", WEB("\"davit\":{\"prune\":\"disabled\"}"));
    fixture_file(fixture, "web-service.json", NULL); /* no turn in between */
    fixture_turn(fixture);
    assert_null(fixture_action(fixture, 0));
}

/* By time alone: nothing else happens to it. */
static void restarted(struct fixture *fixture, const char *service)
{
    struct task_vec tasks;
    core_view_tasks(fixture->core, "c", service, fixture->now_ms, &tasks);
    struct container *container = container_copy(tasks.items[0].containers[0]);
    task_vec_deinit(&tasks);
    container->status = CONTAINER_RUNNING;
    container->started_ms = fixture->now_ms;
    fixture_step(fixture, (struct event){.kind = EVENT_CONTAINER,
                                         .engine = {.instance = memory_strdup(container->instance),
                                                    .container = container}});
}

static void test_suspended_dependency_gets_healthy(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "db", "nginx", 1, 0);
    fixture_commit(fixture, "api", "nginx", 1, 0);
    fixture_file(fixture, "api-service.json",
                 "{\"cluster\":\"c\",\"serviceName\":\"api\",\"taskDefinition\":\"api\",\"desiredCount\":1,"
                 "\"davit\":{\"dependsOn\":[{\"service\":\"db\"}]}}");
    fixture_settle(fixture);
    fixture_suspend(fixture, "db", false);
    fixture_turn(fixture);
    fixture_after(fixture, 60000);
    restarted(fixture, "db"); /* "docker restart", by whoever looks into it by hand */
    fixture_change(fixture, "api", "two");
    fixture_run(fixture);
    for (int i = 0; i < 100; i++) {
        fixture_after(fixture, 60000);
        fixture_run(fixture);
    }
    struct view_service api = fixture_view(fixture, "api");
    assert_int_equal(service_ledger_primary(api.ledger)->state, DEPLOYMENT_COMPLETED);
}

/* What git said while nothing was done is not forgotten. */
static void test_count_while_suspended(void **state)
{
    (void)state;
    struct fixture *first CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(first, "one");
    fixture_commit(first, "web", "nginx", 2, 0);
    fixture_settle(first);
    fixture_suspend(first, "web", false);
    fixture_turn(first);
    fixture_commit(first, "web", "nginx", 5, 0);
    fixture_turn(first);
    fixture_file(first, "web-service.json", WEB("\"placementStrategy\":[]"));
    fixture_turn(first);
    struct fixture *second CLEANUP(fixture_freep) = fixture_new(1);
    fixture_step(second,
                 (struct event){.kind = EVENT_LEDGER,
                                .ledger = {LEDGER_SERVICE, memory_strdup("c/web"),
                                           service_ledger_to_json(fixture_view(first, "web").ledger)}});
    fixture_change(second, "web", "nginx");
    fixture_file(second, "cluster.json", "{\"clusterName\":\"c\"}");
    fixture_file(second, "web-service.json", WEB("\"placementStrategy\":[]"));
    assert_int_equal(fixture_view(second, "web").desired->desired_count, 5);
}

/* --- rollback */

static void addf(struct event *event, const char *path, char *text)
{
    struct event_file file = {
        .path = memory_strdup(path), .kind = EVENT_FILE, .content = text, .len = strlen(text)};
    vector_push(&event->commit.files, file);
}
struct want {
    const char *image;
    int count;
    const char *more;
    const char *davit;
    const char *percent;
};
static void commit_rb(struct fixture *fixture, struct want want)
{
    struct event event = {.kind = EVENT_COMMIT, .commit = {.head = true, .full = true}};
    snprintf(event.commit.commit.oid, sizeof event.commit.commit.oid, "%040d", ++fixture->commits);
    addf(&event, "c.json", memory_strdup("{\"clusterName\":\"c\"}"));
    addf(&event, "d.json",
         memory_printf("{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"%s\","
                       "\"memory\":64}]}",
                       want.image));
    char *count CLEANUP_FREE =
        want.count ? memory_printf("\"desiredCount\":%d,", want.count) : memory_strdup("");
    addf(&event, "s.json",
         memory_printf(
             "{\"cluster\":\"c\",\"serviceName\":\"web\",\"taskDefinition\":\"web\",%s\"davit\":{%s},"
             "\"deploymentConfiguration\":{%s\"deploymentCircuitBreaker\":{\"enable\":true,\"rollback\":true}"
             "}}",
             count, want.davit ? want.davit : "", want.percent ? want.percent : ""));
    fixture_step(fixture, event);
}

static void fail_creates(struct fixture *fixture, const char *image)
{
    for (int n = 0; n < 60; n++) {
        fixture_turn(fixture);
        struct action_vec creates = {0};
        for (size_t i = 0; fixture_action(fixture, i); i++)
            vector_push(&creates, action_copy(fixture_action(fixture, i)));
        for (size_t i = 0; i < creates.len; i++) {
            const char *got = creates.items[i]->kind == ACTION_CREATE ? action_image(creates.items[i]) : NULL;
            if (got && text_equal(got, image))
                fixture_done(fixture, creates.items[i]->id, ERROR_NOT_FOUND, NULL);
            else if (creates.items[i]->kind == ACTION_CREATE || creates.items[i]->kind == ACTION_START)
                fixture_done(fixture, creates.items[i]->id, ERROR_IO, NULL);
        }
        action_vec_deinit(&creates);
        fixture_after(fixture, 400000);
    }
}

/* the failed content's digest is the oldest of 32, and the rollback fails: the 33rd pushes it out */
static void test_known_bad_pushed_out(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(fixture, "one");
    commit_rb(fixture, (struct want){.image = "good", .count = 1});
    fixture_settle(fixture);
    commit_rb(fixture, (struct want){.image = "bad", .count = 1});
    fail_creates(fixture, "bad");
    fixture_settle(fixture);
    for (int i = 0; i < 31; i++) { /* 31 other contents that failed since */
        char image[20];
        snprintf(image, sizeof image, "bad%d", i);
        commit_rb(fixture, (struct want){.image = image, .count = 1});
        fail_creates(fixture, image);
        fixture_settle(fixture);
    }
    commit_rb(fixture, (struct want){.image = "bad", .count = 1}); /* a revert to the first of them */
    struct task_vec tasks;
    core_view_tasks(fixture->core, "c", "web", fixture->now_ms, &tasks);
    for (size_t t = 0; t < tasks.len; t++) {
        if (tasks.items[t].status != TASK_RUNNING)
            continue;
        struct container *container = container_copy(tasks.items[t].containers[0]);
        container->status = CONTAINER_STOPPED;
        container->exit_code = 1;
        container->has_exit_code = true;
        container->finished_ms = fixture->now_ms;
        fixture_step(fixture,
                     (struct event){.kind = EVENT_CONTAINER,
                                    .engine = {.instance = memory_strdup("one"), .container = container}});
    }
    task_vec_deinit(&tasks);
    int bad = 0;
    for (int n = 0; n < 40; n++) {
        fixture_turn(fixture);
        struct action_vec creates = {0};
        for (size_t i = 0; fixture_action(fixture, i); i++)
            vector_push(&creates, action_copy(fixture_action(fixture, i)));
        for (size_t i = 0; i < creates.len; i++) {
            if (creates.items[i]->kind == ACTION_CREATE) {
                bad += text_equal(action_image(creates.items[i]), "bad");
            }
            fixture_done(fixture, creates.items[i]->id,
                         creates.items[i]->kind == ACTION_CREATE ? ERROR_NOT_FOUND : 0, NULL);
        }
        action_vec_deinit(&creates);
        fixture_after(fixture, 400000);
    }
    assert_int_equal(bad, 0);
}

/* upgrade: an older ledger has no "completed"; rollback was asked for all along */
static void test_upgrade_notes_completed(void **state)
{
    (void)state;
    struct fixture *first CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(first, "one");
    commit_rb(first, (struct want){.image = "good", .count = 1});
    fixture_settle(first);
    json_t *ledger = service_ledger_to_json(fixture_view(first, "web").ledger);
    json_object_del(ledger, "completed"); /* as the davit before wrote it */
    struct task_vec tasks;
    core_view_tasks(first->core, "c", "web", first->now_ms, &tasks);
    struct container *container = container_copy(tasks.items[0].containers[0]);
    task_vec_deinit(&tasks);
    struct fixture *second CLEANUP(fixture_freep) = fixture_new(1);
    fixture_step(second, (struct event){.kind = EVENT_LEDGER,
                                        .ledger = {LEDGER_SERVICE, memory_strdup("c/web"), ledger}});
    commit_rb(second, (struct want){.image = "good", .count = 1}); /* what was deployed */
    commit_rb(second, (struct want){.image = "bad", .count = 1});  /* the head, before the first turn */
    fixture_listed(second, "one", &container, 1);
    fail_creates(second, "bad");
    struct view_service v = fixture_view(second, "web");
    assert_true(strncmp(view_service_state(&v), "roll", 4) == 0);
}

static void test_prune_passes_the_budget(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "nginx", 1, 0);
    fixture_settle(fixture);
    static const char *const davit[] = {"", "\"prune\":\"disabled\"", NULL};
    for (size_t d = 0; d < 3; d++) {
        struct buffer text = BUFFER_INIT(100000);
        for (int i = 0; i < 4 && davit[d]; i++)
            buffer_printf(
                &text,
                "%s{\"cluster\":\"c\",\"serviceName\":\"s%d\",\"taskDefinition\":\"web\",\"davit\":{%s}}",
                i ? "," : "", i, davit[d]);
        char *all CLEANUP_FREE = memory_printf("{\"services\":[%s]}", buffer_str(&text));
        buffer_deinit(&text);
        fixture_file(fixture, "more.json", all);
        if (d == 0)
            fixture_settle(fixture);
    }
    fixture_turn(fixture);
    size_t stops = 0;
    while (fixture_action(fixture, stops) && fixture_action(fixture, stops)->kind == ACTION_STOP)
        stops++;
    assert_true(stops == 0);
}

static void test_prune_at_a_start_with_an_engine_down(void **state)
{
    (void)state;
    struct fixture *first CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(first, "one");
    fixture_commit(first, "web", "nginx", 1, 0);
    fixture_settle(first);
    struct task_vec tasks;
    core_view_tasks(first->core, "c", "web", first->now_ms, &tasks);
    struct container *container = container_copy(tasks.items[0].containers[0]);
    task_vec_deinit(&tasks);
    struct fixture *second CLEANUP(fixture_freep) = fixture_new(2); /* "two" is down */
    fixture_step(second,
                 (struct event){.kind = EVENT_LEDGER,
                                .ledger = {LEDGER_SERVICE, memory_strdup("c/web"),
                                           service_ledger_to_json(fixture_view(first, "web").ledger)}});
    fixture_listed(second, "one", &container, 1);
    fixture_commit(second, "web", "nginx", 1, 0);
    fixture_turn(second);
    fixture_file(second, "web-service.json", WEB("\"davit\":{\"prune\":\"disabled\"}"));
    fixture_turn(second);
    fixture_after(second, 5000);
    fixture_file(second, "web-service.json", NULL);
    fixture_turn(second);
    fixture_after(second, 15000); /* patience is over */
    fixture_turn(second);
    assert_null(fixture_action(second, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prune_two_commits_in_one_turn),
        cmocka_unit_test(test_suspended_dependency_gets_healthy),
        cmocka_unit_test(test_count_while_suspended),
        cmocka_unit_test(test_known_bad_pushed_out),
        cmocka_unit_test(test_upgrade_notes_completed),
        cmocka_unit_test(test_prune_passes_the_budget),
        cmocka_unit_test(test_prune_at_a_start_with_an_engine_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
