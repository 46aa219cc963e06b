/* Rows L of core.h: the ledger is lost, what runs is not. */
#include "fixture.h"

#include "base/text.h"

#include <string.h>

#define DIGEST "sha256:00000000000000000000000000000000000000000000000000000000000000aa"

static const struct deployment *primary_of(const struct fixture *fixture)
{
    const struct service_ledger *ledger = fixture_view(fixture, "web").ledger;
    return ledger ? service_ledger_primary(ledger) : NULL;
}

static const struct deployment *deployment_at(const struct fixture *fixture, size_t i)
{
    const struct service_ledger *ledger = fixture_view(fixture, "web").ledger;
    assert_true(ledger && i < ledger->deployments.len);
    return &ledger->deployments.items[i];
}

static struct fixture *steady_fixture(int count)
{
    struct fixture *fixture = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "nginx", count, 0);
    fixture_settle(fixture);
    assert_int_equal(primary_of(fixture)->state, DEPLOYMENT_COMPLETED);
    return fixture;
}

/* Another life of davit beside the same engine, without any ledger. */
static struct fixture *next_life(const struct fixture *before, const char *image)
{
    struct fixture *after = fixture_new(1);
    struct task_vec tasks CLEANUP(task_vec_deinit);
    struct container_vec containers = {0};
    core_view_tasks(before->core, "c", "web", before->now_ms, &tasks);
    for (size_t t = 0; t < tasks.len; t++) {
        for (size_t i = 0; i < tasks.items[t].containers_len; i++) {
            struct container *copy = container_copy(tasks.items[t].containers[i]);
            if (image) {
                free(copy->image);
                copy->image = memory_strdup(image);
            }
            vector_push(&containers, copy);
        }
    }
    after->now_ms = before->now_ms;
    fixture_listed(after, "one", containers.items, containers.len);
    vector_deinit(&containers);
    return after;
}

/* The first commit of the life before, with the id that it had. */
static void commit_again(struct fixture *after, const char *image, int count)
{
    after->commits = 2;
    fixture_commit(after, "web", image, count, 0);
}

static bool saves(const struct fixture *fixture, const char *start)
{
    const struct effect *save;
    for (size_t n = 0; (save = fixture_effect(fixture, EFFECT_SAVE, n)); n++)
        if (text_starts_with(save->change.message, start))
            return true;
    return false;
}

/* L1, L3 */
static void test_what_completed_is_known_again(void **state)
{
    (void)state;
    struct fixture *before CLEANUP(fixture_freep) = steady_fixture(2);
    const struct deployment *old = primary_of(before);
    struct fixture *after CLEANUP(fixture_freep) = next_life(before, NULL);
    commit_again(after, "nginx", 2);
    fixture_turn(after);
    const struct deployment *again = primary_of(after);
    assert_true(saves(after, "c/web: rebuilt from labels of containers: ecs-svc/"));
    assert_null(fixture_action(after, 0));
    assert_string_equal(again->id, old->id);
    assert_true(digest_equal(&again->digest, &old->digest));
    assert_int_equal(again->revision, old->revision);
    assert_string_equal(again->family, "web");
    assert_string_equal(again->commit.oid, old->commit.oid);
    assert_string_equal(again->commit.subject, "a change");
    assert_int_equal(again->state, DEPLOYMENT_COMPLETED);
    assert_int_equal(again->desired_count, 2);
    assert_int_equal(again->created_ms, old->created_ms); /* the clock of the tests stood still meanwhile */
    assert_int_equal(again->ended_ms, 0);
    assert_true(again->rebuilt);
    assert_int_equal(fixture_view(after, "web").ledger->deployments.len, 1);
    fixture_settle(after);
    assert_string_equal(primary_of(after)->id, old->id);
    assert_int_equal(fixture_view(after, "web").ledger->deployments.len, 1);
}

/* L3, F12: its tasks may go before it is seen steady, and the next one may fail. */
/* Nothing is being removed as long as no commit says so. */
static void test_what_runs_before_a_commit_is_known(void **state)
{
    (void)state;
    struct fixture *before CLEANUP(fixture_freep) = steady_fixture(2);
    struct fixture *after CLEANUP(fixture_freep) = next_life(before, NULL);
    fixture_turn(after);
    struct view_service web = fixture_view(after, "web");
    assert_true(web.unread);
    assert_string_equal(view_service_state(&web), "unknown");
    assert_int_equal(view_service_desired_count(&web), 2);
    assert_true(text_starts_with(web.waiting, "left alone: no commit of its source was accepted"));
    commit_again(after, "nginx", 2);
    fixture_turn(after);
    web = fixture_view(after, "web");
    assert_false(web.unread);
    assert_string_equal(view_service_state(&web), "steady");
    assert_null(web.waiting);
}

/* Once one has been accepted that lacks it. */
static void test_what_runs_and_no_commit_has(void **state)
{
    (void)state;
    struct fixture *before CLEANUP(fixture_freep) = steady_fixture(2);
    struct fixture *after CLEANUP(fixture_freep) = next_life(before, NULL);
    fixture_commit(after, "other", "nginx", 1, 0);
    fixture_turn(after);
    struct view_service web = fixture_view(after, "web");
    assert_false(web.unread);
    assert_string_equal(view_service_state(&web), "removing");
    assert_int_equal(view_service_desired_count(&web), 0);
}

static void test_a_rollback_goes_back_to_what_was_rebuilt(void **state)
{
    (void)state;
    struct fixture *before CLEANUP(fixture_freep) = steady_fixture(1);
    struct fixture *after CLEANUP(fixture_freep) = next_life(before, NULL);
    commit_again(after, "nginx", 1);
    fixture_file(after, "web-service.json",
                 "{\"cluster\":\"c\",\"serviceName\":\"web\",\"taskDefinition\":\"web\",\"desiredCount\":1,"
                 "\"deploymentConfiguration\":{\"deploymentCircuitBreaker\":{\"enable\":true,"
                 "\"rollback\":true}}}");
    fixture_turn(after);
    const struct service_ledger *ledger = fixture_view(after, "web").ledger;
    assert_int_equal(primary_of(after)->state, DEPLOYMENT_COMPLETED);
    assert_true(service_ledger_has_completed(ledger, &primary_of(after)->digest));
    const struct effect *save = fixture_effect(after, EFFECT_SAVE, 0);
    assert_true(text_starts_with(save->change.message, "c/web: rebuilt from labels"));
    assert_true(json_is_object(json_object_get(save->change.entry, "completed")));
}

static void test_the_entry_says_that_it_was_rebuilt(void **state)
{
    (void)state;
    struct fixture *before CLEANUP(fixture_freep) = steady_fixture(1);
    struct fixture *after CLEANUP(fixture_freep) = next_life(before, NULL);
    commit_again(after, "nginx", 1);
    fixture_turn(after);
    json_t *json CLEANUP(json_decrefp) = service_ledger_to_json(fixture_view(after, "web").ledger);
    struct service_ledger *read CLEANUP(service_ledger_freep) = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(service_ledger_from_json(json, &read, &err), 0);
    assert_true(service_ledger_primary(read)->rebuilt);
}

/* L1: the branch was rewritten. */
static void test_a_commit_that_is_gone_keeps_its_id(void **state)
{
    (void)state;
    struct fixture *before CLEANUP(fixture_freep) = steady_fixture(1);
    struct fixture *after CLEANUP(fixture_freep) = next_life(before, NULL);
    after->commits = 70;
    fixture_commit(after, "web", "nginx", 1, 0);
    fixture_turn(after);
    assert_string_equal(primary_of(after)->commit.oid, primary_of(before)->commit.oid);
    assert_null(primary_of(after)->commit.subject);
    assert_int_equal(primary_of(after)->state, DEPLOYMENT_COMPLETED);
}

/* L4: it goes on where it was. */
static void test_a_rollout_goes_on(void **state)
{
    (void)state;
    struct fixture *before CLEANUP(fixture_freep) = steady_fixture(2);
    struct fixture *after CLEANUP(fixture_freep) = next_life(before, NULL);
    commit_again(after, "nginx", 3);
    fixture_turn(after);
    assert_string_equal(primary_of(after)->id, primary_of(before)->id);
    assert_int_equal(primary_of(after)->state, DEPLOYMENT_IN_PROGRESS);
    assert_int_equal(fixture_action(after, 0)->kind, ACTION_CREATE);
    assert_string_equal(fixture_action(after, 0)->labels.deployment, primary_of(before)->id);
    struct fixture *whole CLEANUP(fixture_freep) = next_life(before, NULL);
    commit_again(whole, "nginx", 3);
    fixture_settle(whole);
    assert_int_equal(primary_of(whole)->state, DEPLOYMENT_COMPLETED);
    assert_true(primary_of(whole)->ended_ms > 0);
    assert_string_equal(primary_of(whole)->id, primary_of(before)->id);
    assert_int_equal(fixture_view(whole, "web").ledger->deployments.len, 1);
}

/* Containers of `before`, to be changed before they are listed. */
static struct container_vec copies_of(const struct fixture *before)
{
    struct task_vec tasks CLEANUP(task_vec_deinit);
    struct container_vec copies = {0};
    core_view_tasks(before->core, "c", "web", before->now_ms, &tasks);
    for (size_t t = 0; t < tasks.len; t++)
        vector_push(&copies, container_copy(tasks.items[t].containers[0]));
    return copies;
}

static struct fixture *life_with(const struct fixture *before, struct container_vec *copies)
{
    struct fixture *after = fixture_new(1);
    after->now_ms = before->now_ms;
    fixture_listed(after, "one", copies->items, copies->len);
    vector_deinit(copies);
    return after;
}

/* L4: as many as desired run, but not for long enough to be healthy. */
static void test_what_is_not_healthy_has_not_completed(void **state)
{
    (void)state;
    struct fixture *before CLEANUP(fixture_freep) = steady_fixture(2);
    struct container_vec copies = copies_of(before);
    copies.items[1]->started_ms = before->now_ms;
    struct fixture *after CLEANUP(fixture_freep) = life_with(before, &copies);
    commit_again(after, "nginx", 2);
    fixture_turn(after);
    assert_int_equal(primary_of(after)->state, DEPLOYMENT_IN_PROGRESS);
    assert_null(fixture_action(after, 0));
    fixture_settle(after);
    assert_int_equal(primary_of(after)->state, DEPLOYMENT_COMPLETED);
}

/* L1: since its oldest container. */
static void test_it_is_as_old_as_what_is_left_of_it(void **state)
{
    (void)state;
    struct fixture *before CLEANUP(fixture_freep) = steady_fixture(3);
    struct container_vec copies = copies_of(before);
    copies.items[0]->created_ms -= 1000;
    copies.items[1]->created_ms -= 5000;
    copies.items[2]->created_ms -= 3000;
    struct fixture *after CLEANUP(fixture_freep) = life_with(before, &copies);
    commit_again(after, "nginx", 3);
    fixture_turn(after);
    assert_int_equal(primary_of(after)->created_ms, primary_of(before)->created_ms - 5000);
    assert_int_equal(primary_of(after)->updated_ms, primary_of(before)->created_ms - 1000);
}

/* L1: of a ledger that lost this entry alone, whose commits do not come again. */
static void test_families_know_commits(void **state)
{
    (void)state;
    struct fixture *before CLEANUP(fixture_freep) = steady_fixture(1);
    struct family_ledger *family CLEANUP(family_ledger_freep) = family_ledger_new("web");
    json_t *content CLEANUP(json_decrefp) = json_object();
    bool is_new;
    family_ledger_number(family, &primary_of(before)->digest, content, &primary_of(before)->commit, &is_new);
    struct fixture *after CLEANUP(fixture_freep) = next_life(before, NULL);
    fixture_step(after, (struct event){
                            .kind = EVENT_LEDGER,
                            .ledger = {LEDGER_FAMILY, memory_strdup("web"), family_ledger_to_json(family)}});
    fixture_step(after, (struct event){.kind = EVENT_LEDGER,
                                       .ledger = {LEDGER_SOURCE, memory_strdup("default"),
                                                  json_pack("{s:{s:s}}", "deployed", "oid", "77")}});
    after->commits = 70;
    fixture_commit(after, "web", "nginx", 1, 0);
    fixture_turn(after);
    assert_true(deployment_at(after, fixture_view(after, "web").ledger->deployments.len - 1)->rebuilt);
    assert_string_equal(primary_of(after)->commit.subject, "a change");
}

/* L4: an old task still runs beside. */
static void test_an_old_task_is_replaced(void **state)
{
    (void)state;
    struct fixture *before CLEANUP(fixture_freep) = steady_fixture(1);
    struct container_vec old CLEANUP(container_vec_deinit) = copies_of(before);
    fixture_change(before, "web", "nginx:2");
    int newest = before->commits - 1;
    fixture_settle(before);
    struct container_vec copies = copies_of(before);
    assert_int_equal(copies.len, 2);
    if (!text_equal(copies.items[0]->id, old.items[0]->id)) { /* the old one is seen first */
        struct container *second = copies.items[0];
        copies.items[0] = copies.items[1];
        copies.items[1] = second;
    }
    for (size_t i = 0; i < copies.len; i++) {
        bool is_old = text_equal(copies.items[i]->id, old.items[0]->id);
        free(copies.items[i]->image);
        copies.items[i]->image = memory_strdup(is_old ? "nginx@sha256:old" : "nginx@sha256:new");
        if (is_old)
            copies.items[i]->status = CONTAINER_RUNNING;
    }
    struct fixture *after CLEANUP(fixture_freep) = life_with(before, &copies);
    after->commits = newest;
    fixture_commit(after, "web", "nginx:2", 1, 0);
    fixture_turn(after);
    assert_string_equal(primary_of(after)->id, primary_of(before)->id);
    assert_int_equal(primary_of(after)->state, DEPLOYMENT_IN_PROGRESS);
    assert_int_equal(deployment_at(after, 1)->desired_count, 1);
    assert_string_equal(deployment_image(primary_of(after), "nginx:2")->digest, "sha256:new");
    assert_int_equal(fixture_action(after, 0)->kind, ACTION_STOP);
    assert_null(fixture_action(after, 1));
}

/* L2: the newest of those that left containers. */
static void test_the_last_that_created_is_primary(void **state)
{
    (void)state;
    struct fixture *before CLEANUP(fixture_freep) = steady_fixture(2);
    char first[DEPLOYMENT_ID_SIZE];
    memcpy(first, deployment_at(before, 0)->id, sizeof first);
    fixture_change(before, "web", "nginx:2");
    int newest = before->commits - 1;
    fixture_settle(before);
    assert_int_equal(fixture_view(before, "web").ledger->deployments.len, 2);
    struct fixture *after CLEANUP(fixture_freep) = next_life(before, NULL);
    after->commits = newest;
    fixture_commit(after, "web", "nginx:2", 2, 0);
    fixture_turn(after);
    assert_int_equal(fixture_view(after, "web").ledger->deployments.len, 2);
    assert_string_equal(deployment_at(after, 0)->id, primary_of(before)->id);
    assert_int_equal(deployment_at(after, 0)->state, DEPLOYMENT_COMPLETED);
    assert_string_equal(deployment_at(after, 1)->id, first);
    assert_int_equal(deployment_at(after, 1)->state, DEPLOYMENT_SUPERSEDED);
    assert_true(deployment_at(after, 1)->rebuilt);
    assert_null(fixture_action(after, 0));
}

/* L5: what git has by now is deployed after it. */
static void test_another_content_is_a_new_deployment(void **state)
{
    (void)state;
    struct fixture *before CLEANUP(fixture_freep) = steady_fixture(2);
    struct fixture *after CLEANUP(fixture_freep) = next_life(before, NULL);
    after->commits = 70;
    fixture_commit(after, "web", "nginx:2", 2, 0);
    fixture_turn(after);
    assert_int_equal(fixture_view(after, "web").ledger->deployments.len, 2);
    assert_string_equal(deployment_at(after, 1)->id, primary_of(before)->id);
    assert_int_equal(deployment_at(after, 1)->state, DEPLOYMENT_COMPLETED);
    assert_false(deployment_at(after, 0)->rebuilt);
    assert_int_equal(deployment_at(after, 0)->state, DEPLOYMENT_IN_PROGRESS);
}

/* L4: nobody knows who stopped them (F7); a host that went down is no failed deployment. */
static void test_what_had_stopped_is_not_counted(void **state)
{
    (void)state;
    struct fixture *before CLEANUP(fixture_freep) = steady_fixture(3);
    struct container_vec copies = copies_of(before);
    for (size_t i = 0; i < copies.len; i++) {
        copies.items[i]->status = CONTAINER_STOPPED;
        copies.items[i]->has_exit_code = true;
        copies.items[i]->exit_code = 137;
        copies.items[i]->finished_ms = before->now_ms;
    }
    struct fixture *after CLEANUP(fixture_freep) = life_with(before, &copies);
    commit_again(after, "nginx", 3);
    fixture_turn(after);
    assert_string_equal(primary_of(after)->id, primary_of(before)->id);
    assert_int_equal(primary_of(after)->state, DEPLOYMENT_IN_PROGRESS);
    assert_int_equal(primary_of(after)->failed_tasks, 0);
    for (size_t n = 0; n < 3; n++)
        assert_int_equal(fixture_action(after, n)->kind, ACTION_CREATE);
}

static void write_service(struct fixture *fixture, const char *members)
{
    char *text CLEANUP_FREE =
        memory_printf("{\"cluster\":\"c\",\"serviceName\":\"web\",\"taskDefinition\":\"web\"%s}", members);
    fixture_file(fixture, "web-service.json", text);
}

/* L6: a migration is run once for a content. */
static void test_pre_deploy_is_not_run_again(void **state)
{
    (void)state;
    static const char *const members = ",\"desiredCount\":1,\"davit\":{\"preDeploy\":[\"migrate\"]}";
    static const char *const migrate = "{\"family\":\"migrate\",\"containerDefinitions\":[{\"name\":\"m\","
                                       "\"image\":\"busybox\",\"memory\":8}]}";
    struct fixture *before CLEANUP(fixture_freep) = steady_fixture(1);
    struct fixture *after CLEANUP(fixture_freep) = next_life(before, NULL);
    fixture_file(after, "migrate.json", migrate);
    fixture_file(after, "cluster.json", "{\"clusterName\":\"c\"}");
    fixture_change(after, "web", "nginx");
    write_service(after, members);
    fixture_settle(after);
    struct view_run_vec runs;
    core_view_runs(after->core, &runs);
    assert_int_equal(runs.len, 0);
    vector_deinit(&runs);
    assert_int_equal(primary_of(after)->state, DEPLOYMENT_COMPLETED);
    assert_string_equal(primary_of(after)->id, primary_of(before)->id);
    assert_int_equal(service_ledger_prepared(fixture_view(after, "web").ledger, &primary_of(after)->digest),
                     1);
}

/* L7 */
static void test_a_count_that_git_does_not_own_stays(void **state)
{
    (void)state;
    struct fixture *before CLEANUP(fixture_freep) = steady_fixture(3);
    struct fixture *after CLEANUP(fixture_freep) = next_life(before, NULL);
    fixture_file(after, "cluster.json", "{\"clusterName\":\"c\"}");
    fixture_change(after, "web", "nginx");
    write_service(after, "");
    fixture_settle(after);
    assert_int_equal(primary_of(after)->desired_count, 3);
    assert_int_equal(fixture_view(after, "web").desired->desired_count, 3);
    assert_int_equal(primary_of(after)->state, DEPLOYMENT_COMPLETED);
    assert_null(fixture_action(after, 0));
}

/* L8: what is healed later is of the same image. */
static void test_what_a_tag_meant_is_known_again(void **state)
{
    (void)state;
    struct fixture *before CLEANUP(fixture_freep) = steady_fixture(1);
    struct fixture *after CLEANUP(fixture_freep) = next_life(before, "nginx@" DIGEST);
    after->asked = true;
    commit_again(after, "nginx", 2);
    fixture_turn(after);
    assert_int_equal(fixture_action(after, 0)->kind, ACTION_CREATE);
    assert_string_equal(fixture_action(after, 0)->image, "nginx@" DIGEST);
    assert_string_equal(deployment_image(primary_of(after), "nginx")->digest, DIGEST);
}

/* Labels are read as what they are: text that somebody may have written. */
static void test_labels_that_cannot_be(void **state)
{
    (void)state;
    struct fixture *before CLEANUP(fixture_freep) = steady_fixture(2);
    struct container_vec odd = copies_of(before);
    for (size_t i = 0; i < odd.len; i++) {
        free(odd.items[i]->labels.deployment);
        free(odd.items[i]->labels.commit);
        odd.items[i]->labels.deployment = memory_strdup(
            i ? "deployed by hand" : "ecs-svc/12345678901234567890123456789012345678901234567890");
        odd.items[i]->labels.commit = memory_printf("%0200d", 7);
    }
    struct fixture *after CLEANUP(fixture_freep) = life_with(before, &odd);
    commit_again(after, "nginx", 2);
    fixture_turn(after);
    assert_false(primary_of(after)->rebuilt);
    assert_int_equal(fixture_view(after, "web").ledger->deployments.len, 1);
}

/* What left the repository meanwhile goes, as ever (D2). */
static void test_what_git_has_no_more_is_removed(void **state)
{
    (void)state;
    struct fixture *before CLEANUP(fixture_freep) = steady_fixture(1);
    struct fixture *after CLEANUP(fixture_freep) = next_life(before, NULL);
    fixture_file(after, "cluster.json", "{\"clusterName\":\"c\"}");
    fixture_turn(after);
    assert_int_equal(fixture_action(after, 0)->kind, ACTION_STOP);
    assert_false(saves(after, "c/web: rebuilt"));
}

static json_t *entry_of(const struct fixture *fixture)
{
    return service_ledger_to_json(fixture_view(fixture, "web").ledger);
}

/* A life that begins with the entry, which it takes over, before the commit. */
static struct fixture *life_of_entry(const struct fixture *before, json_t *entry)
{
    struct container_vec copies = copies_of(before);
    struct fixture *after = life_with(before, &copies);
    fixture_step(after, (struct event){.kind = EVENT_LEDGER,
                                       .ledger = {LEDGER_SERVICE, memory_strdup("c/web"), entry}});
    after->commits = before->commits - 1;
    return after;
}

/* L9: the entry is from before the last deployment. */
static void test_an_entry_that_is_older_than_what_runs(void **state)
{
    (void)state;
    struct fixture *before CLEANUP(fixture_freep) = steady_fixture(2);
    json_t *stale = entry_of(before);
    char first[DEPLOYMENT_ID_SIZE];
    memcpy(first, deployment_at(before, 0)->id, sizeof first);
    fixture_after(before, 60000);
    fixture_change(before, "web", "nginx:2");
    fixture_settle(before);
    struct fixture *after CLEANUP(fixture_freep) = life_of_entry(before, stale);
    fixture_commit(after, "web", "nginx:2", 2, 0);
    fixture_turn(after);
    assert_int_equal(fixture_view(after, "web").ledger->deployments.len, 2);
    assert_string_equal(deployment_at(after, 0)->id, deployment_at(before, 0)->id);
    assert_int_equal(deployment_at(after, 0)->state, DEPLOYMENT_COMPLETED);
    assert_true(deployment_at(after, 0)->rebuilt);
    assert_string_equal(deployment_at(after, 1)->id, first);
    assert_int_equal(deployment_at(after, 1)->state, DEPLOYMENT_COMPLETED);
    assert_false(deployment_at(after, 1)->rebuilt);
    assert_null(fixture_action(after, 0));
}

/* L9: it failed once, and `davit retry` worked, which the entry does not know. */
static void test_what_was_bad_and_runs_is_not_bad(void **state)
{
    (void)state;
    struct fixture *before CLEANUP(fixture_freep) = steady_fixture(2);
    struct service_ledger *stale CLEANUP(service_ledger_freep) =
        service_ledger_copy(fixture_view(before, "web").ledger);
    fixture_after(before, 60000);
    fixture_change(before, "web", "nginx:2");
    fixture_settle(before);
    service_ledger_add_known_bad(stale, deployment_at(before, 0), before->now_ms);
    struct fixture *after CLEANUP(fixture_freep) = life_of_entry(before, service_ledger_to_json(stale));
    fixture_commit(after, "web", "nginx:2", 2, 0);
    fixture_turn(after);
    assert_string_equal(deployment_at(after, 0)->id, deployment_at(before, 0)->id);
    assert_int_equal(fixture_view(after, "web").ledger->known_bad.len, 0);
    assert_null(fixture_action(after, 0));
    struct view_service view = fixture_view(after, "web");
    assert_string_equal(view_service_state(&view), "steady");
}

/* L9: the last that the entry knows of was under way, and gave way to what runs. */
static void test_what_was_under_way_was_replaced(void **state)
{
    (void)state;
    struct fixture *before CLEANUP(fixture_freep) = steady_fixture(2);
    fixture_after(before, 60000);
    fixture_change(before, "web", "nginx:2");
    fixture_run(before);
    assert_int_equal(primary_of(before)->state, DEPLOYMENT_IN_PROGRESS);
    json_t *stale = entry_of(before);
    fixture_after(before, 60000);
    fixture_change(before, "web", "nginx:3");
    fixture_settle(before);
    struct fixture *after CLEANUP(fixture_freep) = life_of_entry(before, stale);
    fixture_commit(after, "web", "nginx:3", 2, 0);
    fixture_turn(after);
    assert_string_equal(deployment_at(after, 0)->id, primary_of(before)->id);
    assert_int_equal(deployment_at(after, 1)->state, DEPLOYMENT_SUPERSEDED);
    assert_true(deployment_at(after, 1)->ended_ms >= deployment_at(after, 1)->created_ms);
    assert_non_null(strstr(deployment_at(after, 1)->reason, primary_of(before)->id));
}

/* L9: a task from before PRIMARY that is on its way out, of a deployment that the entry has let go. */
static void test_what_is_older_is_no_news(void **state)
{
    (void)state;
    struct fixture *before CLEANUP(fixture_freep) = steady_fixture(2);
    json_t *entry = entry_of(before);
    struct container_vec copies = copies_of(before);
    struct container *old = container_copy(copies.items[0]);
    free(old->id);
    old->id = memory_strdup("old");
    memset(&old->labels.digest, 7, sizeof old->labels.digest);
    free(old->labels.deployment);
    old->labels.deployment = memory_strdup("ecs-svc/0000000000000000042");
    old->labels.task[0] = old->labels.task[0] == 'a' ? 'b' : 'a';
    old->created_ms = primary_of(before)->created_ms - 1000;
    vector_push(&copies, old);
    struct fixture *after CLEANUP(fixture_freep) = life_with(before, &copies);
    fixture_step(after, (struct event){.kind = EVENT_LEDGER,
                                       .ledger = {LEDGER_SERVICE, memory_strdup("c/web"), entry}});
    commit_again(after, "nginx", 2);
    fixture_turn(after);
    assert_false(saves(after, "c/web: rebuilt"));
    assert_string_equal(deployment_at(after, 0)->id, deployment_at(before, 0)->id);
}

/* L9: what failed after the entry was written left stopped containers, and is no PRIMARY for that. */
static void test_what_stopped_is_no_news(void **state)
{
    (void)state;
    struct fixture *before CLEANUP(fixture_freep) = steady_fixture(2);
    json_t *stale = entry_of(before);
    fixture_after(before, 60000);
    struct container_vec copies = copies_of(before);
    struct container *failed = container_copy(copies.items[0]);
    free(failed->id);
    failed->id = memory_strdup("failed");
    memset(&failed->labels.digest, 7, sizeof failed->labels.digest);
    free(failed->labels.deployment);
    failed->labels.deployment = memory_strdup("ecs-svc/0000000000000000042");
    failed->labels.task[0] = failed->labels.task[0] == 'a' ? 'b' : 'a';
    failed->created_ms = before->now_ms;
    failed->status = CONTAINER_STOPPED;
    failed->finished_ms = before->now_ms;
    vector_push(&copies, failed);
    struct fixture *after CLEANUP(fixture_freep) = life_with(before, &copies);
    fixture_step(after, (struct event){.kind = EVENT_LEDGER,
                                       .ledger = {LEDGER_SERVICE, memory_strdup("c/web"), stale}});
    commit_again(after, "nginx", 2);
    fixture_turn(after);
    assert_false(saves(after, "c/web: rebuilt"));
    assert_string_equal(deployment_at(after, 0)->id, deployment_at(before, 0)->id);
    assert_int_equal(deployment_at(after, 0)->state, DEPLOYMENT_COMPLETED);
}

/* An entry that knows all of it stays as it is. */
static void test_a_restart_rebuilds_nothing(void **state)
{
    (void)state;
    struct fixture *before CLEANUP(fixture_freep) = steady_fixture(2);
    fixture_after(before, 60000);
    fixture_change(before, "web", "nginx:2");
    fixture_settle(before);
    struct fixture *after CLEANUP(fixture_freep) = life_of_entry(before, entry_of(before));
    fixture_commit(after, "web", "nginx:2", 2, 0);
    fixture_turn(after);
    assert_false(saves(after, "c/web: rebuilt"));
    assert_int_equal(fixture_view(after, "web").ledger->deployments.len, 2);
}

static int join_part(void *data, const json_t *part)
{
    core_snapshot_join(data, part);
    return 0;
}

/* A record that begins between the commits and the first plan. */
static void test_a_snapshot_knows_the_commits(void **state)
{
    (void)state;
    struct fixture *before CLEANUP(fixture_freep) = steady_fixture(1);
    struct fixture *after CLEANUP(fixture_freep) = next_life(before, NULL);
    struct event event = {.kind = EVENT_COMMIT};
    struct error err = ERROR_INIT;
    memcpy(event.commit.commit.oid, deployment_at(before, 0)->commit.oid, sizeof event.commit.commit.oid);
    event.commit.commit.subject = memory_strdup("the one that deployed it");
    fixture_step(after, event);
    json_t *snapshot CLEANUP(json_decrefp) = json_object();
    assert_int_equal(core_snapshot(after->core, join_part, snapshot), 0);
    core_free(TAKE(after->core));
    assert_int_equal(core_restore(snapshot, &after->core, &err), 0);
    after->commits = 70;
    fixture_commit(after, "web", "nginx", 1, 0);
    fixture_turn(after);
    assert_string_equal(primary_of(after)->commit.subject, "the one that deployed it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_completed_is_known_again),
        cmocka_unit_test(test_what_runs_before_a_commit_is_known),
        cmocka_unit_test(test_what_runs_and_no_commit_has),
        cmocka_unit_test(test_a_rollback_goes_back_to_what_was_rebuilt),
        cmocka_unit_test(test_the_entry_says_that_it_was_rebuilt),
        cmocka_unit_test(test_a_commit_that_is_gone_keeps_its_id),
        cmocka_unit_test(test_a_rollout_goes_on),
        cmocka_unit_test(test_what_is_not_healthy_has_not_completed),
        cmocka_unit_test(test_it_is_as_old_as_what_is_left_of_it),
        cmocka_unit_test(test_families_know_commits),
        cmocka_unit_test(test_an_old_task_is_replaced),
        cmocka_unit_test(test_the_last_that_created_is_primary),
        cmocka_unit_test(test_another_content_is_a_new_deployment),
        cmocka_unit_test(test_what_had_stopped_is_not_counted),
        cmocka_unit_test(test_pre_deploy_is_not_run_again),
        cmocka_unit_test(test_a_count_that_git_does_not_own_stays),
        cmocka_unit_test(test_what_a_tag_meant_is_known_again),
        cmocka_unit_test(test_labels_that_cannot_be),
        cmocka_unit_test(test_what_git_has_no_more_is_removed),
        cmocka_unit_test(test_an_entry_that_is_older_than_what_runs),
        cmocka_unit_test(test_what_was_bad_and_runs_is_not_bad),
        cmocka_unit_test(test_what_was_under_way_was_replaced),
        cmocka_unit_test(test_what_is_older_is_no_news),
        cmocka_unit_test(test_what_stopped_is_no_news),
        cmocka_unit_test(test_a_restart_rebuilds_nothing),
        cmocka_unit_test(test_a_snapshot_knows_the_commits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
