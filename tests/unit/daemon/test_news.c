/* What is told of what core does, in virtual time. */
#include "../api/fixture.h"
#include "base/buffer.h"
#include "base/limits.h"
#include "base/text.h"
#include "daemon/news.h"
#include "model/json.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#define ROLLS_BACK "deploymentConfiguration: {deploymentCircuitBreaker: {enable: true, rollback: true}}\n"

struct world {
    struct fixture fixture;
    struct report_target target;
    struct report_queue *queue;
    struct api_looks looks;
    struct buffer told; /* "CONTEXT SUBJECT STATE|" */
};

static int setup(void **state)
{
    struct world *world = NEW(struct world);
    fixture_init(&world->fixture);
    world->target = (struct report_target){.kind = REPORT_GITHUB, .events = REPORT_COMMITS};
    world->queue = report_queue_new();
    world->told = BUFFER_INIT(65536);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    report_queue_free(world->queue);
    buffer_deinit(&world->told);
    fixture_deinit(&world->fixture);
    free(world);
    return 0;
}

static void look(struct world *world)
{
    news_look(&(struct news){world->fixture.core, &world->target, world->queue, world->fixture.now_ms,
                             world->looks});
}

/* Looks, and delivers all: what was told is compared and forgotten. Commits are repeated pairs of digits. */
static void expect(struct world *world, const char *expected)
{
    const struct report_message *message;
    int64_t now_ms = world->fixture.now_ms;
    look(world);
    while ((message = report_queue_next(world->queue, now_ms))) {
        buffer_printf(&world->told, "%s %.2s %s|", message->context,
                      message->is_status ? message->subject : "", message->state);
        report_queue_settle(world->queue, &(struct report_outcome){.verdict = REPORT_DELIVERED}, now_ms);
    }
    assert_string_equal(buffer_str(&world->told), expected);
    buffer_clear(&world->told);
}

static void commit(struct world *world, const char *oid, const char *image, const char *more)
{
    char *start CLEANUP_FREE = memory_printf(FIXTURE_MANIFEST, image);
    char *yaml CLEANUP_FREE = memory_printf("%s%s", start, more);
    fixture_commit(&world->fixture, oid, yaml);
}

static void deploy(struct world *world, const char *oid, const char *image, const char *more)
{
    commit(world, oid, image, more);
    fixture_settle(&world->fixture, 0);
}

static void test_deploy_failure_and_retry(void **state)
{
    struct world *world = *state;
    world->fixture.broken_image = "nginx:broken";
    expect(world, ""); /* no commit yet */
    deploy(world, "a1", "nginx:1", "");
    expect(world, "davit/demo a1 pending|");
    expect(world, "");
    fixture_settle(&world->fixture, 20000);
    expect(world, "davit/demo a1 success|");
    commit(world, "b2", "nginx:broken", "");
    expect(world, "davit/demo b2 pending|");
    fixture_settle(&world->fixture, 60000);
    expect(world, "davit/demo b2 failure|");
    fixture_settle(&world->fixture, 60000);
    expect(world, "");
    world->fixture.broken_image = NULL;
    struct event retry = {.kind = EVENT_RETRY, .now_ms = world->fixture.now_ms, .seed = 1};
    retry.retry.cluster = memory_strdup("demo");
    retry.retry.service = memory_strdup("web");
    struct effect_vec effects = {0};
    core_step(world->fixture.core, &retry, &effects);
    event_deinit(&retry);
    effect_vec_deinit(&effects);
    expect(world, "davit/demo b2 pending|");
    fixture_settle(&world->fixture, 60000);
    expect(world, "davit/demo b2 success|");
}

static void test_rolled_back_is_a_failure(void **state)
{
    struct world *world = *state;
    world->fixture.broken_image = "nginx:broken";
    deploy(world, "a1", "nginx:1", ROLLS_BACK);
    fixture_settle(&world->fixture, 20000);
    commit(world, "b2", "nginx:broken", ROLLS_BACK);
    expect(world, "davit/demo b2 pending|");
    fixture_settle(&world->fixture, 120000);
    look(world);
    const struct report_message *message = report_queue_next(world->queue, world->fixture.now_ms);
    assert_string_equal(message->state, REPORT_FAILURE);
    assert_true(text_starts_with(message->text, "web: rolled back: "));
    assert_non_null(strstr(message->text, "circuit breaker"));
}

static void test_services_that_failed_are_counted(void **state)
{
    struct world *world = *state;
    world->fixture.broken_image = "nginx:broken";
    deploy(world, "a1", "nginx:broken",
           ROLLS_BACK
           "---\nkind: Service\nserviceName: api\ncluster: demo\ntaskDefinition: web\n" ROLLS_BACK);
    fixture_settle(&world->fixture, 120000);
    look(world);
    const struct report_message *message = report_queue_next(world->queue, world->fixture.now_ms);
    assert_string_equal(message->state, REPORT_FAILURE);
    assert_true(text_starts_with(message->text, "2 of 2 services failed, the first api: "));
}

static void test_superseded(void **state)
{
    struct world *world = *state;
    deploy(world, "a1", "nginx:1", "");
    expect(world, "davit/demo a1 pending|");
    deploy(world, "b2", "nginx:2", "");
    expect(world, "davit/demo b2 pending|davit/demo a1 superseded|");
    fixture_settle(&world->fixture, 20000);
    expect(world, "davit/demo b2 success|");
    deploy(world, "c3", "nginx:2", "# a comment\n");
    expect(world, "davit/demo c3 success|"); /* nothing to do; b2 had ended */
}

/* The other source of the repository has its own. */
static void test_a_shared_repository(void **state)
{
    struct world *world = *state;
    world->target.shared = true;
    char source[] = "default";
    world->target.source = source;
    fixture_commit(&world->fixture, "a0", "kind: Service\nserviceName: 3\n");
    expect(world, "davit/default a0 failure|");
    deploy(world, "a1", "nginx:1", "");
    expect(world, "davit/default/demo a1 pending|");
    deploy(world, "b2", "nginx:2", "");
    expect(world, "davit/default/demo b2 pending|davit/default/demo a1 superseded|");
    world->target.shared = false; /* configured anew: what is told is over in its own context */
    deploy(world, "c3", "nginx:3", "");
    expect(world, "davit/demo c3 pending|davit/default/demo b2 superseded|");
}

/* What is refused is no end of what is being deployed. */
static void test_refused(void **state)
{
    struct world *world = *state;
    fixture_commit(&world->fixture, "a0", "kind: Service\nserviceName: 3\n");
    expect(world, "davit a0 failure|"); /* no cluster is known */
    deploy(world, "a1", "nginx:1", "");
    expect(world, "davit/demo a1 pending|");
    deploy(world, "b2", "nginx:2", "desired: 3\n");
    look(world);
    const struct report_message *message = report_queue_next(world->queue, world->fixture.now_ms);
    assert_true(text_starts_with(message->text, "refused: demo.yaml:"));
    report_queue_settle(world->queue, &(struct report_outcome){.verdict = REPORT_DELIVERED},
                        world->fixture.now_ms);
    fixture_settle(&world->fixture, 20000);
    expect(world, "davit/demo a1 success|");
}

static void restart(struct world *world)
{
    json_t *json CLEANUP(json_decrefp) = report_queue_to_json(world->queue);
    report_queue_free(world->queue);
    world->queue = report_queue_from_json(json);
}

static struct commit unsigned_commit(const char *digit_pair)
{
    struct commit commit = {0};
    for (size_t i = 0; i < 40; i++)
        commit.oid[i] = digit_pair[i % 2];
    return commit;
}

static void refuse(struct world *world, const struct commit *commit, const char *text)
{
    world->looks.refused = commit;
    world->looks.refusal = text;
}

/* Core does not know of it: what runs goes on, and is told of as before. */
static void test_a_signature_is_refused(void **state)
{
    struct world *world = *state;
    const struct commit b2 = unsigned_commit("b2");
    deploy(world, "a1", "nginx:1", "");
    expect(world, "davit/demo a1 pending|");
    refuse(world, &b2, "refused: it is not signed");
    look(world);
    const struct report_message *message = report_queue_next(world->queue, world->fixture.now_ms);
    assert_string_equal(message->subject, b2.oid);
    assert_string_equal(message->state, REPORT_FAILURE);
    assert_string_equal(message->text, "refused: it is not signed");
    expect(world, "");
    report_queue_settle(world->queue, &(struct report_outcome){.verdict = REPORT_DELIVERED},
                        world->fixture.now_ms);
    fixture_settle(&world->fixture, 20000);
    expect(world, "davit/demo a1 success|");
    restart(world);
    expect(world, "");
    refuse(world, &b2, "refused: its key has expired");
    expect(world, "davit/demo b2 failure|");
    refuse(world, NULL, NULL); /* the key is trusted now */
    deploy(world, "b2", "nginx:2", "");
    expect(world, "davit/demo b2 pending|");
    fixture_settle(&world->fixture, 20000);
    expect(world, "davit/demo b2 success|");
    refuse(world, &b2, "refused: its key has expired"); /* and not any more, but it is deployed */
    expect(world, "");
}

static void test_the_first_commit_is_not_signed(void **state)
{
    struct world *world = *state;
    const struct commit a1 = unsigned_commit("a1");
    refuse(world, &a1, "refused: it is not signed");
    expect(world, "davit a1 failure|");
    expect(world, "");
    refuse(world, NULL, NULL);
    deploy(world, "a1", "nginx:1", "");
    expect(world, "davit/demo a1 pending|davit a1 success|");
    restart(world);
    expect(world, "");
}

/* It does not know yet what the one before was about to tell. */
static void test_a_life_that_has_seen_no_commit_forgets_nothing(void **state)
{
    struct world *world = *state;
    deploy(world, "a1", "nginx:1", "");
    expect(world, "davit/demo a1 pending|");
    restart(world);
    fixture_deinit(&world->fixture);
    fixture_init(&world->fixture);
    expect(world, "");
    deploy(world, "a1", "nginx:1", "");
    expect(world, "");
    fixture_settle(&world->fixture, 20000);
    expect(world, "davit/demo a1 success|");
}

/* As a whole it was held, and each service has a context of its own: neither is left pending. */
static void test_a_commit_that_was_held_is_accepted(void **state)
{
    struct world *world = *state;
    world->target.per_service = true;
    deploy(world, "a1", "nginx:1",
           "---\nkind: Service\nserviceName: api\ncluster: demo\ntaskDefinition: web\n---\n"
           "kind: Service\nserviceName: db\ncluster: demo\ntaskDefinition: web\n");
    fixture_settle(&world->fixture, 20000);
    expect(world, "davit/demo/api a1 success|davit/demo/db a1 success|davit/demo/web a1 success|");
    fixture_commit(&world->fixture, "b2", "kind: Cluster\nclusterName: demo\n");
    expect(world, "davit/demo b2 pending|");
    struct view_source source;
    core_view_source(world->fixture.core, &source);
    struct event approve = {.kind = EVENT_APPROVE, .now_ms = world->fixture.now_ms, .seed = 1};
    memcpy(approve.approve.oid, source.head->oid, sizeof approve.approve.oid);
    struct effect_vec effects = {0};
    core_step(world->fixture.core, &approve, &effects);
    event_deinit(&approve);
    effect_vec_deinit(&effects);
    expect(world, "davit/demo b2 success|");
    expect(world, "");
}

/* A channel shows nothing of a commit but the line. */
static void test_a_line_says_whose_commit_it_is(void **state)
{
    struct world *world = *state;
    world->target = (struct report_target){.kind = REPORT_SLACK, .events = REPORT_COMMITS};
    deploy(world, "a1", "nginx:1", "");
    look(world);
    const struct report_message *message = report_queue_next(world->queue, world->fixture.now_ms);
    const struct commit *wanted = &core_desired(world->fixture.core)->commit;
    char *words CLEANUP_FREE =
        memory_printf(" (\"%s\" by %s, /srv/manifests)", wanted->subject, wanted->author);
    assert_true(text_ends_with(message->text, words));
}

/* Nothing is said of a source that is away for a moment, and of its return only where it was told to be. */
static void test_a_source_is_away_and_back(void **state)
{
    struct world *world = *state;
    world->target = (struct report_target){.kind = REPORT_SLACK, .events = REPORT_SOURCES};
    expect(world, ""); /* neither reached nor away: it was not looked at */
    world->looks.reached = true;
    expect(world, "");
    world->looks = (struct api_looks){.away = "cannot connect"}; /* no commit was ever seen */
    look(world);
    const struct report_message *message = report_queue_next(world->queue, world->fixture.now_ms);
    assert_string_equal(message->text, "(source default) has trouble: cannot connect");
    assert_null(message->event);
    report_queue_settle(world->queue, &(struct report_outcome){.verdict = REPORT_DELIVERED},
                        world->fixture.now_ms);
    world->looks.away = "the host is not known";
    expect(world, "");
    restart(world);
    world->looks = (struct api_looks){0}; /* not looked at yet, or it failed for the first time */
    expect(world, "");
    world->looks.reached = true;
    expect(world, "source default  SOURCE_RECOVERED|");
    deploy(world, "a1", "nginx:1", ""); /* from here on looks forget what they do not see */
    expect(world, "");
    world->looks = (struct api_looks){.away = "cannot connect"};
    expect(world, "source default  SOURCE_IMPAIRED|");
    expect(world, "");
    world->looks = (struct api_looks){.reached = true};
    expect(world, "source default  SOURCE_RECOVERED|");
}

static void test_a_branch_is_rewritten(void **state)
{
    struct world *world = *state;
    const struct api_rewrite first = {"b2b2b2b2b2b2b2b2", "c3c3c3c3c3c3c3c3", "a1a1a1a1a1a1a1a1",
                                      1700000000000, NULL};
    const struct api_rewrite second = {"c3c3c3c3c3c3c3c3", "d4d4d4d4d4d4d4d4", "", 1700000001000, NULL};
    world->target = (struct report_target){.kind = REPORT_WEBHOOK, .events = REPORT_SOURCES};
    deploy(world, "c3", "nginx:1", "");
    expect(world, "");
    world->looks = (struct api_looks){.reached = true, .rewrite = first};
    look(world);
    const struct report_message *message = report_queue_next(world->queue, world->fixture.now_ms);
    assert_string_equal(message->text,
                        "(source default) main was rewritten, from b2b2b2b2b2b2 to c3c3c3c3c3c3, which does "
                        "not contain it; both have a1a1a1a1a1a1");
    const json_t *own = json_object_get(json_object_get(message->event, "detail"), "davit");
    assert_string_equal(model_string(own, "from"), first.from);
    assert_string_equal(model_string(own, "fork"), first.fork);
    assert_string_equal(model_string(own, "origin"), "/srv/manifests");
    report_queue_settle(world->queue, &(struct report_outcome){.verdict = REPORT_DELIVERED},
                        world->fixture.now_ms);
    expect(world, "");
    world->looks.rewrite = second;
    expect(world, "branch of source default  SOURCE_REWRITTEN|");
    restart(world);
    world->looks.rewrite = (struct api_rewrite){0};
    expect(world, "");
    world->looks.rewrite = second; /* a life that begins at what is deployed sees it again */
    expect(world, "");
}

static void test_each_service(void **state)
{
    struct world *world = *state;
    world->target.per_service = true;
    world->fixture.broken_image = "nginx:broken";
    deploy(world, "a1", "nginx:1",
           "---\nkind: Service\nserviceName: api\ncluster: demo\ntaskDefinition: web\n");
    expect(world, "davit/demo/api a1 pending|davit/demo/web a1 pending|");
    fixture_settle(&world->fixture, 20000);
    expect(world, "davit/demo/api a1 success|davit/demo/web a1 success|");
    deploy(world, "b2", "nginx:1", ""); /* api leaves */
    expect(world, "davit/demo/web b2 success|");
    fixture_settle(&world->fixture, 20000);
    expect(world, "");
}

static void test_deployments(void **state)
{
    struct world *world = *state;
    world->target =
        (struct report_target){.kind = REPORT_WEBHOOK, .events = REPORT_DEPLOYMENTS | REPORT_SERVICES};
    world->fixture.broken_image = "nginx:broken";
    expect(world, ""); /* no commit yet: it is as new as before */
    deploy(world, "a1", "nginx:1", ROLLS_BACK);
    fixture_settle(&world->fixture, 20000);
    expect(world, "service demo/web  SERVICE_STEADY_STATE|"); /* a new receiver is not told what is over */
    deploy(world, "b0", "nginx:2", ROLLS_BACK);
    expect(world, "deployment demo/web  IN_PROGRESS|"); /* that was steady is not */
    fixture_settle(&world->fixture, 20000);
    expect(world, "deployment demo/web  COMPLETED|service demo/web  SERVICE_STEADY_STATE|");
    commit(world, "b2", "nginx:broken", ROLLS_BACK);
    fixture_settle(&world->fixture, 120000); /* nobody looked at all of that */
    expect(world,
           "deployment demo/web  IN_PROGRESS|deployment demo/web  FAILED|deployment demo/web  IN_PROGRESS|"
           "deployment demo/web  COMPLETED|service demo/web  SERVICE_STEADY_STATE|");
    deploy(world, "c3", "nginx:3", ROLLS_BACK);
    deploy(world, "d4", "nginx:4", ROLLS_BACK);
    fixture_settle(&world->fixture, 20000);
    expect(world,
           "deployment demo/web  IN_PROGRESS|deployment demo/web  IN_PROGRESS|deployment demo/web  COMPLETED|"
           "service demo/web  SERVICE_STEADY_STATE|");
}

static void test_nothing_twice_over_a_restart(void **state)
{
    struct world *world = *state;
    world->target = (struct report_target){.kind = REPORT_WEBHOOK,
                                           .events = REPORT_COMMITS | REPORT_DEPLOYMENTS | REPORT_SERVICES};
    deploy(world, "a1", "nginx:1", "");
    expect(world, "davit/demo a1 pending|deployment demo/web  IN_PROGRESS|");
    fixture_settle(&world->fixture, 20000);
    look(world);
    for (int i = 0; i < 2; i++) { /* before it leaves, and after */
        restart(world);
        expect(world, i ? ""
                        : "davit/demo a1 success|deployment demo/web  COMPLETED|service demo/web  "
                          "SERVICE_STEADY_STATE|");
    }
}

/* One try of the receiver, as `takes` says. What it took is noted. */
static void try_receiver(struct world *world, bool takes, int *tries)
{
    int64_t now_ms = world->fixture.now_ms;
    const struct report_message *message = report_queue_next(world->queue, now_ms);
    if (!message)
        return;
    ++*tries;
    if (takes)
        buffer_printf(&world->told, "%s %.2s %s|", message->context,
                      message->is_status ? message->subject : "", message->state);
    const struct report_outcome outcome = {.verdict = takes ? REPORT_DELIVERED : REPORT_FAILED,
                                           .chance = (unsigned)now_ms,
                                           .why = takes ? NULL : "it is down"};
    report_queue_settle(world->queue, &outcome, now_ms);
}

/* In each second a look, and what is due. Returns the tries. */
static int live(struct world *world, int seconds, bool takes)
{
    int tries = 0;
    for (int i = 0; i < seconds; i++) {
        fixture_settle(&world->fixture, 1000);
        look(world);
        try_receiver(world, takes, &tries);
    }
    return tries;
}

static bool is_running(const struct world *world, const char *image)
{
    int running = 0;
    map_for_each (&world->fixture.containers, entry) {
        const struct container *container = entry->value;
        running += container->status == CONTAINER_RUNNING && text_equal(container->image, image);
    }
    return running == 2;
}

/* Deployments go on as if nobody were to be told; what happened arrives later, in order, each once, and of a
 * commit how it ended. */
static void test_a_receiver_that_is_down_for_an_hour(void **state)
{
    struct world *world = *state;
    world->target =
        (struct report_target){.kind = REPORT_WEBHOOK, .events = REPORT_COMMITS | REPORT_DEPLOYMENTS};
    world->fixture.broken_image = "nginx:broken";
    look(world);
    commit(world, "a1", "nginx:1", ROLLS_BACK);
    int tries = live(world, 900, false);
    assert_true(is_running(world, "nginx:1"));
    commit(world, "b2", "nginx:broken", ROLLS_BACK);
    tries += live(world, 900, false);
    assert_true(is_running(world, "nginx:1"));
    commit(world, "c3", "nginx:3", ROLLS_BACK);
    tries += live(world, 5, false);
    commit(world, "d4", "nginx:4", ROLLS_BACK);
    tries += live(world, 1795, false);
    assert_true(is_running(world, "nginx:4"));
    assert_true(tries > 6 && tries < 30); /* it is not hammered on */
    live(world, LIMIT_REPORT_BACKOFF_MS / 1000 + 60, true);
    assert_string_equal(
        buffer_str(&world->told),
        "davit/demo a1 success|deployment demo/web  IN_PROGRESS|deployment demo/web  COMPLETED|"
        "davit/demo b2 failure|deployment demo/web  IN_PROGRESS|deployment demo/web  FAILED|"
        "deployment demo/web  IN_PROGRESS|deployment demo/web  COMPLETED|"
        "davit/demo c3 superseded|deployment demo/web  IN_PROGRESS|"
        "davit/demo d4 success|deployment demo/web  IN_PROGRESS|deployment demo/web  COMPLETED|");
    buffer_clear(&world->told);
    live(world, 600, true);
    assert_string_equal(buffer_str(&world->told), "");
}

static int setup_two(void **state)
{
    static const struct core_source_options sources[] = {{"infra", NULL}, {"shop", NULL}};
    setup(state);
    struct world *world = *state;
    fixture_deinit(&world->fixture);
    fixture_init_with(&world->fixture, sources, 2);
    return 0;
}

static void test_a_receiver_is_told_of_its_source(void **state)
{
    struct world *world = *state;
    char *yaml CLEANUP_FREE = memory_printf(FIXTURE_MANIFEST, "nginx:1");
    char shop[] = "shop";
    world->target.source = shop;
    world->target.events = REPORT_COMMITS | REPORT_DEPLOYMENTS;
    fixture_commit_to(&world->fixture, "infra", "a1", yaml);
    fixture_settle(&world->fixture, 20000);
    expect(world, "");
    fixture_commit_to(
        &world->fixture, "shop", "b2",
        "kind: TaskDefinition\nfamily: api\n"
        "containerDefinitions: [{name: api, image: 'nginx:1', memory: 64}]\n---\n"
        "kind: Service\nserviceName: api\ncluster: demo\ntaskDefinition: api\ndesiredCount: 1\n");
    expect(world, "davit/demo b2 pending|");
    fixture_settle(&world->fixture, 20000);
    expect(world, "davit/demo b2 success|deployment demo/api  IN_PROGRESS|deployment demo/api  COMPLETED|");
    fixture_commit_to(&world->fixture, "infra", "c3", "kind: Cluster\n");
    expect(world, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_deploy_failure_and_retry, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rolled_back_is_a_failure, setup, teardown),
        cmocka_unit_test_setup_teardown(test_services_that_failed_are_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_superseded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_shared_repository, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_signature_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_first_commit_is_not_signed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_life_that_has_seen_no_commit_forgets_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_commit_that_was_held_is_accepted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_source_is_away_and_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_line_says_whose_commit_it_is, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_branch_is_rewritten, setup, teardown),
        cmocka_unit_test_setup_teardown(test_each_service, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deployments, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_twice_over_a_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_receiver_that_is_down_for_an_hour, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_receiver_is_told_of_its_source, setup_two, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
