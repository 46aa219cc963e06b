/* Services that a commit calls otherwise: rows N of core.h. */
#include "fixture.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMED(name, members)                                                                                 \
    "{\"cluster\":\"c\",\"serviceName\":\"" name "\",\"taskDefinition\":\"web\"" members "}"
#define TWO ",\"desiredCount\":2"

static struct fixture *fixture_of(const char *service)
{
    struct fixture *fixture = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_change(fixture, "web", "nginx:1");
    fixture_file(fixture, "cluster.json", "{\"clusterName\":\"c\"}");
    fixture_file(fixture, "s.json", service);
    fixture_settle(fixture);
    return fixture;
}

static bool there_is(const struct fixture *fixture, const char *service)
{
    struct view_service view;
    return core_view_service(fixture->core, "c", service, &view);
}

/* Ids of the service's tasks, in their order. Caller frees. */
static char *tasks_of(const struct fixture *fixture, const char *service)
{
    struct task_vec tasks;
    core_view_tasks(fixture->core, "c", service, fixture->now_ms, &tasks);
    char *text = memory_strdup("");
    for (size_t i = 0; i < tasks.len; i++) {
        char *longer = memory_printf("%s %s", text, tasks.items[i].id);
        free(text);
        text = longer;
    }
    task_vec_deinit(&tasks);
    return text;
}

/* Commits the file, and no container is touched. The service of that name has all tasks that the other had.
 */
static void rename_to(struct fixture *fixture, const char *service, const char *from, const char *to)
{
    char *before CLEANUP_FREE = tasks_of(fixture, from);
    fixture_file(fixture, "s.json", service);
    fixture_turn(fixture);
    assert_null(fixture_action(fixture, 0));
    assert_false(there_is(fixture, from));
    char *after CLEANUP_FREE = tasks_of(fixture, to);
    assert_string_equal(after, before);
}

static size_t adopted(const struct fixture *fixture, const char *service)
{
    return fixture_view(fixture, service).ledger->adopted.len;
}

static const struct deployment *primary(const struct fixture *fixture, const char *service)
{
    return service_ledger_primary(fixture_view(fixture, service).ledger);
}

static void expect_steady(const struct fixture *fixture, const char *service, int tasks)
{
    struct view_service view = fixture_view(fixture, service);
    assert_string_equal(view_service_state(&view), "steady");
    assert_int_equal(view.running_count, tasks);
}

/* What the last turn asked for. */
static void let_all_be_created(struct fixture *fixture)
{
    struct action_vec creates = {0};
    for (size_t i = 0; fixture_action(fixture, i); i++)
        vector_push(&creates, action_copy(fixture_action(fixture, i)));
    for (size_t i = 0; i < creates.len; i++)
        fixture_done(fixture, creates.items[i]->id, 0,
                     fixture_container(creates.items[i], CONTAINER_CREATED, fixture->now_ms));
    action_vec_deinit(&creates);
}

/* --- N1 ------------------------------------------------------------------------------------------------- */

static void test_nothing_restarts(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(NAMED("web", TWO));
    char *deployment CLEANUP_FREE = memory_strdup(primary(fixture, "web")->id);
    char *before CLEANUP_FREE = tasks_of(fixture, "web");
    fixture_file(fixture, "s.json", NAMED("shop", TWO));
    /* One save moves the entry, after the commit is noted. */
    assert_int_equal(fixture_effect(fixture, EFFECT_SAVE, 0)->change.kind, LEDGER_SOURCE);
    const struct effect *save = fixture_effect(fixture, EFFECT_SAVE, 1);
    assert_string_equal(save->change.name, "c/shop");
    assert_string_equal(save->change.former, "c/web");
    assert_string_equal(save->change.message, "c/shop: renamed from web");
    assert_int_equal(json_array_size(json_object_get(save->change.entry, "adopted")), 2);
    assert_null(fixture_effect(fixture, EFFECT_SAVE, 2));
    fixture_turn(fixture);
    assert_null(fixture_effect(fixture, EFFECT_SAVE, 0));
    fixture_after(fixture, 7200000);
    fixture_turn(fixture);
    assert_null(fixture_action(fixture, 0));
    assert_int_equal(core_services_len(fixture->core), 1);
    char *after CLEANUP_FREE = tasks_of(fixture, "shop");
    assert_string_equal(after, before);
    assert_string_equal(primary(fixture, "shop")->id, deployment);
    expect_steady(fixture, "shop", 2);
    struct view_service view = fixture_view(fixture, "shop");
    assert_string_equal(view.name, "shop");
    assert_string_equal(view.ledger->renamed_from, "web");
    const char *told = view_service_event(&view, view.events_len - 1)->message;
    assert_non_null(strstr(told, "renamed it from web: 2 tasks go on."));
    /* The next content has the new name, and then nothing is adopted any more. */
    fixture_change(fixture, "web", "nginx:2");
    fixture_turn(fixture);
    assert_string_equal(fixture_action(fixture, 0)->labels.service, "shop");
    assert_non_null(strstr(fixture_action(fixture, 0)->name, "-shop-"));
    let_all_be_created(fixture);
    fixture_settle(fixture);
    fixture_after(fixture, 3600000);
    fixture_settle(fixture);
    expect_steady(fixture, "shop", 2);
    assert_int_equal(adopted(fixture, "shop"), 0);
}

static void test_room_goes_with_it(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(NAMED("web", ""));
    fixture_commit(fixture, "api", "nginx", 1, 8080);
    fixture_settle(fixture);
    fixture_file(
        fixture, "api-service.json",
        "{\"cluster\":\"c\",\"serviceName\":\"door\",\"taskDefinition\":\"api\",\"desiredCount\":1}");
    fixture_turn(fixture);
    struct view_instance instance;
    core_view_instance_at(fixture->core, 0, &instance);
    assert_int_equal(instance.ports->len, 1);
    assert_string_equal(instance.ports->items[0].holder, "c/door");
    fixture_file(fixture, "api-service.json", NULL);
    fixture_settle(fixture);
    core_view_instance_at(fixture->core, 0, &instance);
    assert_int_equal(instance.ports->len, 0);
}

static void test_chain_and_revert(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(NAMED("web", TWO));
    rename_to(fixture, NAMED("shop", TWO), "web", "shop");
    rename_to(fixture, NAMED("store", TWO), "shop", "store");
    assert_int_equal(adopted(fixture, "store"), 2);
    rename_to(fixture, NAMED("web", TWO), "store", "web"); /* all labels have this name */
    assert_int_equal(adopted(fixture, "web"), 0);
    rename_to(fixture, NAMED("shop", TWO), "web", "shop");
    rename_to(fixture, NAMED("web", TWO), "shop", "web");
    fixture_file(fixture, "s.json", NULL);
    fixture_settle(fixture);
    assert_int_equal(core_services_len(fixture->core), 0);
}

static void test_count_of_nobody(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(NAMED("web", TWO));
    fixture_file(fixture, "s.json", NAMED("web", ""));
    fixture_turn(fixture);
    rename_to(fixture, NAMED("shop", ""), "web", "shop");
    assert_int_equal(fixture_view(fixture, "shop").desired->desired_count, 2);
}

static void test_in_the_middle_of_a_deployment(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(NAMED("web", ""));
    fixture_file(fixture, "web-definition.json",
                 "{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"n\",\"memory\":"
                 "64},{\"name\":\"log\",\"image\":\"n\",\"memory\":64,\"essential\":false,\"dependsOn\":[{"
                 "\"containerName\":\"app\",\"condition\":\"START\"}]}]}");
    fixture_turn(fixture);
    struct action *create CLEANUP(action_freep) = action_copy(fixture_action(fixture, 0));
    assert_string_equal(create->container, "app");
    rename_to(fixture, NAMED("shop", ""), "web", "shop");
    assert_int_equal(adopted(fixture, "shop"), 2); /* the old task, and what is under way */
    /* That comes with the old name, and so does what the task has yet to create. */
    fixture_done(fixture, create->id, 0, fixture_container(create, CONTAINER_CREATED, fixture->now_ms));
    assert_false(there_is(fixture, "web"));
    fixture_turn(fixture);
    struct action *start CLEANUP(action_freep) = action_copy(fixture_action(fixture, 0));
    assert_int_equal(start->kind, ACTION_START);
    assert_string_equal(start->service, "shop");
    fixture_done(fixture, start->id, 0, fixture_container(create, CONTAINER_RUNNING, fixture->now_ms));
    fixture_turn(fixture);
    const struct action *second = fixture_action(fixture, 0);
    assert_string_equal(second->container, "log");
    assert_string_equal(second->labels.service, "web");
    assert_non_null(strstr(second->name, "-web-log-"));
    fixture_done(fixture, second->id, 0, fixture_container(second, CONTAINER_CREATED, fixture->now_ms));
    fixture_settle(fixture);
    expect_steady(fixture, "shop", 1);
    assert_string_equal(primary(fixture, "shop")->id, create->labels.deployment);
}

static void test_what_failed_stays_known(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) =
        fixture_of(NAMED("web", ",\"deploymentConfiguration\":{\"deploymentCircuitBreaker\":{\"enable\":true,"
                                "\"rollback\":true}}"));
    fixture_change(fixture, "web", "nginx:bad");
    fixture_turn(fixture);
    for (int i = 0; i < 3; i++) {
        if (!fixture_action(fixture, 0)) {
            fixture_after(fixture, 10000);
            fixture_turn(fixture);
        }
        fixture_done(fixture, fixture_action(fixture, 0)->id, ERROR_INVALID, NULL);
        fixture_turn(fixture);
    }
    fixture_settle(fixture);
    struct view_service view = fixture_view(fixture, "web");
    assert_string_equal(view_service_state(&view), "rolled back");
    rename_to(fixture,
              NAMED("shop", ",\"deploymentConfiguration\":{\"deploymentCircuitBreaker\":{\"enable\":true,"
                            "\"rollback\":true}}"),
              "web", "shop");
    fixture_settle(fixture);
    view = fixture_view(fixture, "shop");
    assert_string_equal(view_service_state(&view), "rolled back");
    assert_string_equal(view.aim->name, "shop");
}

static void test_suspended(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(NAMED("web", ""));
    fixture_suspend(fixture, "web", false);
    int64_t since_ms = fixture->now_ms;
    fixture_after(fixture, 1000);
    fixture_file(fixture, "s.json", NAMED("shop", ""));
    /* Nobody is resumed by whoever dies between two saves. */
    const struct effect *both = fixture_effect(fixture, EFFECT_SAVE, 1);
    assert_int_equal(both->change.kind, LEDGER_SUSPENSION);
    assert_int_equal(json_object_size(json_object_get(both->change.entry, "services")), 2);
    assert_string_equal(fixture_effect(fixture, EFFECT_SAVE, 2)->change.former, "c/web");
    const struct effect *one = fixture_effect(fixture, EFFECT_SAVE, 3);
    assert_int_equal(one->change.kind, LEDGER_SUSPENSION);
    assert_int_equal(json_object_size(json_object_get(one->change.entry, "services")), 1);
    assert_true(core_suspended_ms(fixture->core, "c", "shop") == since_ms);
    assert_true(core_suspended_ms(fixture->core, "c", "web") == 0);
    fixture_change(fixture, "web", "nginx:2");
    fixture_turn(fixture);
    assert_null(fixture_action(fixture, 0));
    fixture_suspend(fixture, "shop", true);
    fixture_turn(fixture);
    assert_non_null(fixture_action(fixture, 0));
}

static void test_suspended_by_git(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) =
        fixture_of(NAMED("web", ",\"davit\":{\"suspend\":true}"));
    rename_to(fixture, NAMED("shop", ",\"davit\":{\"suspend\":true}"), "web", "shop"); /* it never began */
    fixture_file(fixture, "s.json", NAMED("shop", ""));
    fixture_settle(fixture);
    expect_steady(fixture, "shop", 1);
    rename_to(fixture, NAMED("web", ",\"davit\":{\"suspend\":true}"), "shop", "web");
    assert_int_equal(fixture_view(fixture, "web").running_count, 1);
}

#define FIRST(members)                                                                                       \
    "{\"services\":[" NAMED("web", members) "," NAMED(                                                       \
        "api", ",\"davit\":{\"dependsOn\":[{\"service\":\"web\"}]}") "]}"
#define SECOND                                                                                               \
    "{\"services\":[" NAMED("shop",                                                                          \
                            "") "," NAMED("api", ",\"davit\":{\"dependsOn\":[{\"service\":\"shop\"}]}") "]}"

static void test_who_depends_on_it(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(FIRST(""));
    rename_to(fixture, SECOND, "web", "shop");
    fixture_suspend(fixture, "shop", false);
    fixture_change(fixture, "web", "nginx:2");
    fixture_turn(fixture);
    assert_string_equal(fixture_view(fixture, "api").waiting, "waits for service c/shop: it is suspended");
    fixture_suspend(fixture, "shop", true);
    fixture_settle(fixture);
    fixture_settle(fixture);
    expect_steady(fixture, "api", 1);
}

static void test_while_it_is_waited_for(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_change(fixture, "web", "nginx:1");
    fixture_file(fixture, "cluster.json", "{\"clusterName\":\"c\"}");
    fixture_file(fixture, "s.json", FIRST(""));
    fixture_turn(fixture);
    struct action *create CLEANUP(action_freep) = action_copy(fixture_action(fixture, 0));
    fixture_file(fixture, "s.json", SECOND);
    fixture_turn(fixture);
    assert_null(fixture_action(fixture, 0));
    fixture_done(fixture, create->id, 0, fixture_container(create, CONTAINER_CREATED, fixture->now_ms));
    fixture_settle(fixture);
    fixture_settle(fixture);
    expect_steady(fixture, "api", 1);
}

#define PREPARED ",\"davit\":{\"preDeploy\":[\"migrate\"]}"

/* It is not begun again, and who has its name by then does not wait for it. */
static void test_while_it_is_prepared(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_change(fixture, "web", "nginx:1");
    fixture_change(fixture, "migrate", "migrate:1");
    fixture_file(fixture, "cluster.json", "{\"clusterName\":\"c\"}");
    fixture_file(fixture, "s.json", NAMED("web", PREPARED));
    fixture_settle(fixture);
    struct view_run_vec runs = {0};
    core_view_runs(fixture->core, &runs);
    assert_int_equal(runs.len, 1);
    char *id CLEANUP_FREE = memory_strdup(runs.items[0].run->id);
    vector_deinit(&runs);
    rename_to(fixture, NAMED("shop", PREPARED), "web", "shop");
    assert_non_null(strstr(fixture_view(fixture, "shop").waiting, id));
    fixture_file(fixture, "s.json",
                 "{\"services\":[" NAMED("web", PREPARED) "," NAMED("shop", PREPARED) "]}");
    fixture_settle(fixture);
    assert_null(strstr(fixture_view(fixture, "web").waiting, id));
    core_view_runs(fixture->core, &runs);
    assert_int_equal(runs.len, 2);
    vector_deinit(&runs);
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
    fixture_settle(fixture);
    expect_steady(fixture, "shop", 1);
    assert_int_equal(fixture_view(fixture, "web").running_count, 0);
}

/* --- N2, N3, N4 ----------------------------------------------------------------------------------------- */

static void test_several_of_one_content(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) =
        fixture_of("{\"services\":[" NAMED("a", "") "," NAMED("b", TWO) "," NAMED("c", "") "]}");
    char *of_a CLEANUP_FREE = tasks_of(fixture, "a");
    char *of_b CLEANUP_FREE = tasks_of(fixture, "b");
    fixture_file(fixture, "s.json", "{\"services\":[" NAMED("x", "") "," NAMED("y", TWO) "]}");
    fixture_settle(fixture);
    assert_int_equal(core_services_len(fixture->core), 2);
    char *of_x CLEANUP_FREE = tasks_of(fixture, "x");
    char *of_y CLEANUP_FREE = tasks_of(fixture, "y");
    assert_string_equal(of_x, of_a);
    assert_string_equal(of_y, of_b);
}

static void test_what_is_no_new_name(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {NAMED("web", ""), NAMED("shop", ",\"davit\":{\"preDeploy\":[\"web\"]}")},
        {NAMED("web", ",\"davit\":{\"prune\":\"disabled\"}"), NAMED("shop", "")},
        {NAMED("web", ""),
         "{\"cluster\":\"d\",\"serviceName\":\"shop\",\"taskDefinition\":\"web\",\"desiredCount\":1}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(rows[i][0]);
        fixture_file(fixture, "d.json", "{\"clusterName\":\"d\"}");
        fixture_file(fixture, "s.json", rows[i][1]);
        fixture_turn(fixture);
        assert_true(there_is(fixture, "web"));
        assert_null(fixture_view(fixture, "web").desired);
        assert_int_equal(fixture_view(fixture, "web").left, i == 1);
        assert_non_null(fixture_action(fixture, 0));
    }
}

/* Something of the new one is still there. */
static void test_who_has_not_gone_yet(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) =
        fixture_of("{\"services\":[" NAMED("web", "") "," NAMED("shop", "") "]}");
    fixture_file(fixture, "s.json", NAMED("web", ""));
    fixture_file(fixture, "s.json", NAMED("shop", ""));
    assert_null(fixture_view(fixture, "web").desired);
    fixture_settle(fixture);
    assert_int_equal(core_services_len(fixture->core), 1);
    expect_steady(fixture, "shop", 1);
}

static void test_with_another_count(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(NAMED("web", TWO));
    fixture_file(fixture, "s.json",
                 NAMED("shop", ",\"desiredCount\":3,\"placementStrategy\":[{\"type\":\"random\"}]"));
    fixture_turn(fixture);
    assert_int_equal(fixture_action(fixture, 0)->kind, ACTION_CREATE);
    assert_string_equal(fixture_action(fixture, 0)->labels.service, "shop");
    assert_null(fixture_action(fixture, 1));
    let_all_be_created(fixture);
    fixture_settle(fixture);
    expect_steady(fixture, "shop", 3);
    assert_int_equal(adopted(fixture, "shop"), 2);
}

static void test_as_a_daemon(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) =
        fixture_of(NAMED("web", ",\"schedulingStrategy\":\"DAEMON\""));
    rename_to(fixture, NAMED("shop", ",\"schedulingStrategy\":\"DAEMON\""), "web", "shop");
    rename_to(fixture, NAMED("web", ""), "shop", "web");
    expect_steady(fixture, "web", 1);
}

#define NIGHT                                                                                                \
    "\"davit\":{\"changeWindows\":[{\"kind\":\"allow\",\"schedule\":\"cron(0 2 * * ? "                       \
    "*)\",\"durationMinutes\":240}]}"

static void test_its_window_is_shut(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(NAMED("web", TWO));
    fixture_file(fixture, "cluster.json", "{\"clusterName\":\"c\"," NIGHT "}");
    rename_to(fixture, NAMED("shop", TWO), "web", "shop");
    assert_false(fixture_view(fixture, "shop").delayed);
    rename_to(fixture, NAMED("web", ",\"desiredCount\":3"), "shop", "web");
    assert_true(fixture_view(fixture, "web").delayed);
    assert_int_equal(fixture_view(fixture, "web").desired->desired_count, 2);
    rename_to(fixture, NAMED("store", ",\"desiredCount\":3"), "web", "store"); /* it waits on */
    assert_true(fixture_view(fixture, "store").delayed);
    rename_to(fixture, NAMED("web", TWO), "store", "web");
    assert_false(fixture_view(fixture, "web").delayed);
}

static void test_the_deletion_budget(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(
        "{\"services\":[" NAMED("a", "") "," NAMED("b", "") "," NAMED("c", "") "," NAMED("d", "") "]}");
    struct view_source source;
    fixture_file(fixture, "s.json",
                 "{\"services\":[" NAMED("q", "") "," NAMED("r", "") "," NAMED("s", "") "]}");
    core_view_source(fixture->core, &source);
    assert_null(source.held); /* one is removed */
    fixture_settle(fixture);
    fixture_file(fixture, "s.json", NULL);
    core_view_source(fixture->core, &source);
    assert_string_equal(source.held, "removes 3 of 3 services (c/q, c/r, c/s)");
}

/* --- N5 ------------------------------------------------------------------------------------------------- */

static void test_the_old_name_is_used_again(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(NAMED("web", TWO));
    rename_to(fixture, NAMED("shop", TWO), "web", "shop");
    fixture_file(fixture, "s.json", "{\"services\":[" NAMED("web", "") "," NAMED("shop", TWO) "]}");
    fixture_settle(fixture);
    expect_steady(fixture, "web", 1);
    expect_steady(fixture, "shop", 2);
    char *of_shop CLEANUP_FREE = tasks_of(fixture, "shop");
    fixture_file(fixture, "s.json", NAMED("shop", TWO));
    fixture_settle(fixture);
    assert_false(there_is(fixture, "web"));
    char *after CLEANUP_FREE = tasks_of(fixture, "shop");
    assert_string_equal(after, of_shop);
}

/* --- over a restart: N5, N6 ----------------------------------------------------------------------------- */

/* What a later life is told. */
struct life {
    struct fixture *fixture;
    struct container *containers[8];
    size_t len;
};

static void take_containers(const struct fixture *fixture, const char *service, struct life *life)
{
    struct task_vec tasks;
    core_view_tasks(fixture->core, "c", service, fixture->now_ms, &tasks);
    for (size_t i = 0; i < tasks.len; i++)
        for (size_t c = 0; c < tasks.items[i].containers_len; c++)
            life->containers[life->len++] = container_copy(tasks.items[i].containers[c]);
    task_vec_deinit(&tasks);
}

static void give_entry(struct fixture *fixture, const char *key, json_t *entry)
{
    fixture_step(fixture,
                 (struct event){.kind = EVENT_LEDGER, .ledger = {LEDGER_SERVICE, memory_strdup(key), entry}});
}

/* Its engine has not answered. */
static struct life life_after(const struct fixture *first)
{
    struct life life = {.fixture = fixture_new(1)};
    struct view_service view;
    life.fixture->now_ms = first->now_ms;
    for (size_t i = 0; core_view_service_at(first->core, i, &view); i++) {
        char *key CLEANUP_FREE = service_key(view.cluster, view.name);
        take_containers(first, view.name, &life);
        if (view.ledger)
            give_entry(life.fixture, key, service_ledger_to_json(view.ledger));
    }
    return life;
}

static void test_a_restart(void **state)
{
    (void)state;
    struct fixture *first CLEANUP(fixture_freep) = fixture_of(NAMED("web", TWO));
    rename_to(first, NAMED("shop", TWO), "web", "shop");
    fixture_file(first, "s.json", "{\"services\":[" NAMED("web", "") "," NAMED("shop", TWO) "]}");
    fixture_settle(first);
    char *of_web CLEANUP_FREE = tasks_of(first, "web");
    char *of_shop CLEANUP_FREE = tasks_of(first, "shop");
    struct life life = life_after(first);
    struct fixture *second CLEANUP(fixture_freep) = life.fixture;
    fixture_listed(second, "one", life.containers, life.len);
    char *again CLEANUP_FREE = tasks_of(second, "web");
    char *and_again CLEANUP_FREE = tasks_of(second, "shop");
    assert_string_equal(again, of_web);
    assert_string_equal(and_again, of_shop);
}

#define DEFINITION                                                                                           \
    "{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"nginx:1\",\"memory\":64}]}"

static struct event whole_commit(int number, bool head, const char *service)
{
    struct event event = {.kind = EVENT_COMMIT, .commit = {.head = head, .full = true}};
    const char *const files[][2] = {{"cluster.json", "{\"clusterName\":\"c\"}"},
                                    {"s.json", service},
                                    {"web-definition.json", DEFINITION}};
    snprintf(event.commit.commit.oid, sizeof event.commit.commit.oid, "%040d", number);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct event_file file = {.path = memory_strdup(files[i][0]),
                                  .content = memory_strdup(files[i][1]),
                                  .len = strlen(files[i][1])};
        vector_push(&event.commit.files, file);
    }
    return event;
}

/* Nothing but the ledger tells what was wanted; its engine answers sooner or later. */
static void test_renamed_while_davit_was_down(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) {
        struct fixture *first CLEANUP(fixture_freep) = fixture_of(NAMED("web", TWO));
        char *before CLEANUP_FREE = tasks_of(first, "web");
        struct life life = life_after(first);
        struct fixture *second CLEANUP(fixture_freep) = life.fixture;
        if (!late)
            fixture_listed(second, "one", life.containers, life.len);
        fixture_step(second, whole_commit(77, true, NAMED("shop", TWO)));
        assert_string_equal(fixture_effect(second, EFFECT_SAVE, 2)->change.former, "c/web");
        if (late)
            fixture_listed(second, "one", life.containers, life.len);
        fixture_turn(second);
        assert_null(fixture_action(second, 0));
        char *after CLEANUP_FREE = tasks_of(second, "shop");
        assert_string_equal(after, before);
        const struct effect *save = fixture_effect(second, EFFECT_SAVE, 0);
        assert_int_equal(save != NULL, late); /* as soon as they are known */
        assert_int_equal(adopted(second, "shop"), 2);
        assert_int_equal(core_services_len(second->core), 1);
    }
}

/* The entry has its new name, and the commit was not noted. */
static void test_killed_in_between(void **state)
{
    (void)state;
    struct fixture *first CLEANUP(fixture_freep) = fixture_of(NAMED("web", TWO));
    char *before CLEANUP_FREE = tasks_of(first, "web");
    rename_to(first, NAMED("shop", TWO), "web", "shop");
    struct life life = life_after(first);
    struct fixture *second CLEANUP(fixture_freep) = life.fixture;
    fixture_step(second, (struct event){.kind = EVENT_LEDGER,
                                        .ledger = {LEDGER_SOURCE, memory_strdup("default"),
                                                   json_pack("{s:{s:s}}", "deployed", "oid",
                                                             "0000000000000000000000000000000000000076")}});
    fixture_listed(second, "one", life.containers, life.len);
    fixture_step(second, whole_commit(76, false, NAMED("web", TWO)));
    fixture_turn(second);
    assert_null(fixture_action(second, 0));
    char *back CLEANUP_FREE = tasks_of(second, "web");
    assert_string_equal(back, before);
    fixture_step(second, whole_commit(77, true, NAMED("shop", TWO)));
    fixture_turn(second);
    assert_null(fixture_action(second, 0));
    char *after CLEANUP_FREE = tasks_of(second, "shop");
    assert_string_equal(after, before);
}

static void test_without_a_ledger(void **state) /* N7 */
{
    (void)state;
    struct fixture *first CLEANUP(fixture_freep) = fixture_of(NAMED("web", TWO));
    rename_to(first, NAMED("shop", TWO), "web", "shop");
    struct life life = {.fixture = fixture_new(1)};
    struct fixture *second CLEANUP(fixture_freep) = life.fixture;
    take_containers(first, "shop", &life);
    fixture_listed(second, "one", life.containers, life.len);
    fixture_step(second, whole_commit(77, true, NAMED("shop", TWO)));
    fixture_settle(second);
    fixture_settle(second);
    assert_int_equal(core_services_len(second->core), 1);
    expect_steady(second, "shop", 2);
    char *old CLEANUP_FREE = tasks_of(first, "shop");
    char *now CLEANUP_FREE = tasks_of(second, "shop");
    assert_string_not_equal(now, old);
}

/* Of an instance that does not answer nobody knows whether it still has the task. */
static void test_an_instance_is_silent(void **state)
{
    (void)state;
    struct fixture *first CLEANUP(fixture_freep) = fixture_of(NAMED("web", TWO));
    rename_to(first, NAMED("shop", TWO), "web", "shop");
    struct life life = life_after(first);
    struct fixture *second CLEANUP(fixture_freep) = life.fixture;
    fixture_step(second, whole_commit(77, true, NAMED("shop", TWO)));
    fixture_after(second, PATIENCE_MS);
    fixture_turn(second);
    assert_int_equal(adopted(second, "shop"), 2);
    fixture_listed(second, "one", life.containers, life.len);
    assert_false(there_is(second, "web"));
    assert_int_equal(fixture_view(second, "shop").running_count, 2);
}

static int join(void *data, const json_t *part)
{
    core_snapshot_join(data, part);
    return 0;
}

static void test_a_snapshot(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_of(NAMED("web", TWO));
    rename_to(fixture, NAMED("shop", TWO), "web", "shop");
    char *before CLEANUP_FREE = tasks_of(fixture, "shop");
    json_t *snapshot CLEANUP(json_decrefp) = json_object();
    struct core *copy = NULL;
    assert_int_equal(core_snapshot(fixture->core, join, snapshot), 0);
    assert_int_equal(core_restore(snapshot, &copy, NULL), 0);
    core_free(fixture->core);
    fixture->core = copy;
    char *after CLEANUP_FREE = tasks_of(fixture, "shop");
    assert_string_equal(after, before);
    assert_false(there_is(fixture, "web"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_restarts),
        cmocka_unit_test(test_room_goes_with_it),
        cmocka_unit_test(test_chain_and_revert),
        cmocka_unit_test(test_count_of_nobody),
        cmocka_unit_test(test_in_the_middle_of_a_deployment),
        cmocka_unit_test(test_what_failed_stays_known),
        cmocka_unit_test(test_suspended),
        cmocka_unit_test(test_suspended_by_git),
        cmocka_unit_test(test_who_depends_on_it),
        cmocka_unit_test(test_while_it_is_waited_for),
        cmocka_unit_test(test_while_it_is_prepared),
        cmocka_unit_test(test_several_of_one_content),
        cmocka_unit_test(test_what_is_no_new_name),
        cmocka_unit_test(test_who_has_not_gone_yet),
        cmocka_unit_test(test_with_another_count),
        cmocka_unit_test(test_as_a_daemon),
        cmocka_unit_test(test_its_window_is_shut),
        cmocka_unit_test(test_the_deletion_budget),
        cmocka_unit_test(test_the_old_name_is_used_again),
        cmocka_unit_test(test_a_restart),
        cmocka_unit_test(test_renamed_while_davit_was_down),
        cmocka_unit_test(test_killed_in_between),
        cmocka_unit_test(test_without_a_ledger),
        cmocka_unit_test(test_an_instance_is_silent),
        cmocka_unit_test(test_a_snapshot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
