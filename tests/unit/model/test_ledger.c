#include "base/limits.h"
#include "model/ledger.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct service_ledger *sample(void)
{
    struct service_ledger *entry = service_ledger_new("prod", "web");
    struct deployment *deployment = service_ledger_add(entry);
    snprintf(deployment->id, sizeof deployment->id, "ecs-svc/1234567890123456789");
    deployment->digest = digest_of_bytes("one", 3);
    deployment->family = memory_strdup("web");
    deployment->revision = 3;
    snprintf(deployment->commit.oid, sizeof deployment->commit.oid, "%040d", 7);
    deployment->commit.subject = memory_strdup("web: new page");
    deployment->state = DEPLOYMENT_FAILED;
    deployment->reason = memory_strdup("tasks failed to start");
    deployment->desired_count = 4;
    deployment->created_ms = 1000;
    deployment->ended_ms = 2000;
    deployment_add_failure(deployment, "0123456789abcdef0123456789abcdef", 1500, "exit 1");
    service_ledger_add_known_bad(entry, deployment, 2000);
    return entry;
}

static void test_entry_survives_json(void **state)
{
    (void)state;
    struct service_ledger *entry = sample();
    struct deployment held = {.digest = digest_of_bytes("two", 3)};
    service_ledger_hold(entry, &held, 3000);
    json_t *json = service_ledger_to_json(entry);
    struct service_ledger *back = NULL;
    assert_int_equal(service_ledger_from_json(json, &back, NULL), 0);
    json_t *again = service_ledger_to_json(back);
    assert_true(json_equal(json, again));
    struct digest digest = digest_of_bytes("one", 3);
    assert_non_null(service_ledger_known_bad(back, &digest));
    assert_false(service_ledger_known_bad(back, &digest)->held);
    assert_true(service_ledger_known_bad(back, &held.digest)->held);
    service_ledger_hold(entry, &(struct deployment){.digest = digest}, 4000); /* it had failed before */
    assert_int_equal(entry->known_bad.len, 2);
    assert_true(service_ledger_known_bad(entry, &digest)->held);
    assert_int_equal(service_ledger_known_bad(entry, &digest)->at_ms, 4000);
    struct service_ledger *copy = service_ledger_copy(back);
    json_t *third = service_ledger_to_json(copy);
    assert_true(json_equal(json, third));
    json_decref(json);
    json_decref(again);
    json_decref(third);
    service_ledger_free(entry);
    service_ledger_free(back);
    service_ledger_free(copy);
}

/* Also where its contents name it; what was shared with the one before stays as it was. */
static void test_renamed(void **state)
{
    (void)state;
    struct service_ledger *entry CLEANUP(service_ledger_freep) = sample();
    entry->completed = json_pack("{s:s,s:s,s:{s:s,s:i}}", "cluster", "prod", "name", "web", "json",
                                 "serviceName", "web", "desiredCount", 4);
    entry->delayed = json_pack("{s:i}", "since", 5); /* of a new one: it has no name */
    vector_push(&entry->adopted, memory_strdup("0123456789abcdef0123456789abcdef"));
    struct service_ledger *shop CLEANUP(service_ledger_freep) = service_ledger_renamed(entry, "shop");
    json_t *json CLEANUP(json_decrefp) = service_ledger_to_json(shop);
    struct service_ledger *back CLEANUP(service_ledger_freep) = NULL;
    assert_int_equal(service_ledger_from_json(json, &back, NULL), 0);
    json_t *again CLEANUP(json_decrefp) = service_ledger_to_json(back);
    assert_true(json_equal(json, again));
    assert_string_equal(back->service, "shop");
    assert_string_equal(back->renamed_from, "web");
    assert_int_equal(back->adopted.len, 1);
    const json_t *manifest = json_object_get(back->completed, "json");
    assert_string_equal(json_string_value(json_object_get(back->completed, "name")), "shop");
    assert_string_equal(json_string_value(json_object_get(manifest, "serviceName")), "shop");
    assert_int_equal(json_integer_value(json_object_get(manifest, "desiredCount")), 4);
    assert_null(json_object_get(back->delayed, "name"));
    assert_string_equal(json_string_value(json_object_get(entry->completed, "name")), "web");
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(entry->completed, "json"), "serviceName")), "web");
    assert_true(service_ledger_has_deployment(shop, "ecs-svc/1234567890123456789"));
    assert_false(service_ledger_has_deployment(shop, "ecs-svc/1"));
}

static void test_failures_are_counted_beyond_those_kept(void **state)
{
    (void)state;
    struct service_ledger *entry CLEANUP(service_ledger_freep) = sample();
    for (int i = 0; i < 300; i++) {
        char task[16];
        snprintf(task, sizeof task, "t%d", i);
        deployment_add_failure(&entry->deployments.items[0], task, i, "exit 2");
    }
    json_t *json = service_ledger_to_json(entry);
    struct service_ledger *back CLEANUP(service_ledger_freep) = NULL;
    assert_int_equal(service_ledger_from_json(json, &back, NULL), 0);
    const struct deployment *deployment = &back->deployments.items[0];
    assert_int_equal(deployment->failed_tasks, 301);
    assert_int_equal(deployment->failures.len, LIMIT_FAILED_TASKS_KEPT);
    assert_string_equal(deployment->failures.items[0].task, "t100");
    assert_string_equal(deployment->failures.items[LIMIT_FAILED_TASKS_KEPT - 1].task, "t299");
    service_ledger_freep(&back);
    json_object_del(json_array_get(json_object_get(json, "deployments"), 0), "failedTasks");
    assert_int_equal(service_ledger_from_json(json, &back, NULL), 0); /* as older ones wrote it */
    assert_int_equal(back->deployments.items[0].failed_tasks, LIMIT_FAILED_TASKS_KEPT);
    json_decref(json);
}

static void test_damaged_entry_is_an_error(void **state)
{
    (void)state;
    static const char *const bad[] = {"{}", "[]", "{\"cluster\":\"a\"}",
                                      "{\"cluster\":\"a\",\"service\":\"b\",\"deployments\":[{}]}",
                                      "{\"cluster\":\"a\",\"service\":\"b\",\"deployments\":[{\"id\":\"x\","
                                      "\"state\":\"NOPE\",\"commit\":{\"oid\":\"1\"}}]}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        json_t *json = json_loads(bad[i], 0, NULL);
        struct service_ledger *entry = NULL;
        struct error err = ERROR_INIT;
        assert_true(service_ledger_from_json(json, &entry, &err) < 0);
        assert_null(entry);
        assert_true(err.message[0]);
        json_decref(json);
    }
}

static void test_newest_deployment_first_and_bounded(void **state)
{
    (void)state;
    struct service_ledger *entry = service_ledger_new("a", "b");
    for (int i = 0; i < LIMIT_DEPLOYMENTS_KEPT + 5; i++)
        service_ledger_add(entry)->revision = i;
    assert_int_equal(entry->deployments.len, LIMIT_DEPLOYMENTS_KEPT);
    assert_int_equal(service_ledger_primary(entry)->revision, LIMIT_DEPLOYMENTS_KEPT + 4);
    assert_int_equal(entry->deployments.items[1].revision, LIMIT_DEPLOYMENTS_KEPT + 3);
    service_ledger_free(entry);
}

static void test_an_image_has_the_definitions_name(void **state)
{
    (void)state;
    struct deployment deployment = {0};
    deployment_add_image(&deployment, "nginx:1");
    deployment_add_image(&deployment, "nginx:2");
    deployment_add_image(&deployment, "example.org:5000/web:3");
    deployment_image_resolve(&deployment.images.items[0], "sha256:1");
    deployment_image_resolve(&deployment.images.items[1], "sha256:2");
    deployment_image_resolve(&deployment.images.items[2], "sha256:3");
    static const char *const names[][2] = {
        {"nginx@sha256:2", "nginx:2"},
        {"docker.io/library/nginx@sha256:1", "nginx:1"}, /* Podman */
        {"example.org:5000/web@sha256:3", "example.org:5000/web:3"},
        {"web@sha256:3", "web@sha256:3"},
        {"nginx@sha256:3", "nginx@sha256:3"},
        {"nginx:1", "nginx:1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_string_equal(deployment_image_name(&deployment, names[i][0]), names[i][1]);
    assert_null(deployment_image_name(&deployment, NULL));
    deployment_deinit(&deployment);
}

static void test_same_content_has_one_number(void **state)
{
    (void)state;
    struct family_ledger *family = family_ledger_new("web");
    struct commit commit = {.oid = "abc"};
    json_t *json = json_pack("{s:s}", "family", "web");
    struct digest one = digest_of_bytes("1", 1);
    struct digest two = digest_of_bytes("2", 1);
    bool is_new;
    assert_int_equal(family_ledger_number(family, &one, json, &commit, &is_new), 1);
    assert_true(is_new);
    assert_int_equal(family_ledger_number(family, &two, json, &commit, &is_new), 2);
    assert_int_equal(family_ledger_number(family, &one, json, &commit, &is_new), 1);
    assert_false(is_new);
    json_t *dump = family_ledger_to_json(family);
    struct family_ledger *back = NULL;
    assert_int_equal(family_ledger_from_json(dump, &back, NULL), 0);
    assert_int_equal(family_ledger_number(back, &two, json, &commit, &is_new), 2);
    assert_ptr_equal(family_ledger_revision(back, 2)->json, json); /* held once, with whoever has it */
    assert_null(family_ledger_revision(back, 3));
    assert_null(family_ledger_revision(back, 0));
    json_decref(dump);
    json_decref(json);
    family_ledger_free(family);
    family_ledger_free(back);
}

/* Years of commits stay within what the ledger can save. */
static void test_old_contents_are_dropped_and_numbers_stay(void **state)
{
    (void)state;
    enum { REVISIONS = 2000 };
    struct family_ledger *family = family_ledger_new("web");
    struct commit commit = {.oid = "abc", .subject = (char[]){"bump"}};
    char image[1001] = "";
    memset(image, 'x', sizeof image - 1);
    bool is_new;
    for (int i = 0; i < REVISIONS; i++) {
        json_t *json = json_pack("{s:s,s:i}", "image", image, "n", i);
        struct digest digest = digest_of_bytes(&i, sizeof i);
        assert_int_equal(family_ledger_number(family, &digest, json, &commit, &is_new), i + 1);
        json_decref(json);
    }
    assert_non_null(family_ledger_revision(family, REVISIONS));
    assert_null(family_ledger_revision(family, 1));
    json_t *dump = family_ledger_to_json(family);
    assert_in_range(json_dumpb(dump, NULL, 0, JSON_INDENT(2)), 1, LIMIT_LEDGER_ENTRY_BYTES / 16);
    struct family_ledger *back = NULL;
    assert_int_equal(family_ledger_from_json(dump, &back, NULL), 0);
    int first = 0;
    json_t *json = json_pack("{s:s}", "image", "old");
    struct digest digest = digest_of_bytes(&first, sizeof first);
    assert_null(family_ledger_revision(back, 1));
    assert_int_equal(family_ledger_number(back, &digest, json, &commit, &is_new), 1);
    assert_false(is_new);
    assert_non_null(family_ledger_revision(back, 1));
    json_decref(json);
    json_decref(dump);
    family_ledger_free(family);
    family_ledger_free(back);
}

static void test_what_a_revert_asks_for_stays_known_bad(void **state)
{
    (void)state;
    for (int stands_in = 0; stands_in < 2; stands_in++) {
        struct service_ledger *entry = service_ledger_new("prod", "web");
        for (int i = 0; i < LIMIT_KNOWN_BAD_DIGESTS; i++)
            service_ledger_add_known_bad(entry, &(struct deployment){.digest = digest_of_bytes(&i, sizeof i)},
                                         1);
        int oldest = 0;
        int late = -1;
        struct deployment *primary = service_ledger_add(entry);
        *(stands_in ? &primary->rollback_of : &primary->digest) = digest_of_bytes(&oldest, sizeof oldest);
        service_ledger_add_known_bad(entry,
                                     &(struct deployment){.digest = digest_of_bytes(&late, sizeof late)}, 2);
        struct digest digest = digest_of_bytes(&oldest, sizeof oldest);
        assert_non_null(service_ledger_known_bad(entry, &digest));
        int second = 1;
        digest = digest_of_bytes(&second, sizeof second);
        assert_null(service_ledger_known_bad(entry, &digest));
        assert_int_equal(entry->known_bad.len, LIMIT_KNOWN_BAD_DIGESTS);
        service_ledger_free(entry);
    }
}

static struct digest forced_digest(const struct service_ledger *entry, const struct digest *digest)
{
    struct digest by;
    assert_true(service_ledger_forces(entry, digest, &by));
    return digest_combine(digest, &by);
}

static void test_what_was_committed_of_a_redeployment_is_known(void **state)
{
    (void)state;
    struct service_ledger *entry CLEANUP(service_ledger_freep) = service_ledger_new("prod", "web");
    const struct digest one = digest_of_bytes("one", 3);
    service_ledger_add(entry)->digest = one;
    for (int i = 1; i < 4; i++) {
        service_ledger_redeploy(entry, &one, i);
        const struct digest forced = forced_digest(entry, &one);
        service_ledger_add(entry)->digest = forced;
    }
    const struct digest two = digest_of_bytes("two", 3);
    service_ledger_redeploy(entry, &two, 9);
    service_ledger_add(entry)->digest = two;
    json_t *json CLEANUP(json_decrefp) = service_ledger_to_json(entry);
    struct service_ledger *back CLEANUP(service_ledger_freep) = NULL;
    assert_int_equal(service_ledger_from_json(json, &back, NULL), 0);
    assert_int_equal(back->deployments.len, 5);
    for (size_t i = 0; i < back->deployments.len; i++) {
        const struct digest committed = deployment_committed(back, &back->deployments.items[i]);
        assert_true(digest_equal(&committed, i == 0 ? &two : &one));
    }
}

/* Else no ledger could be written any more. */
static void test_an_entry_within_its_limits_fits_the_ledger(void **state)
{
    (void)state;
    struct service_ledger *entry = service_ledger_new("prod", "web");
    char reason[LIMIT_ENGINE_TEXT_BYTES + 1];
    memset(reason, '"', sizeof reason - 1);
    reason[sizeof reason - 1] = '\0';
    for (int i = 0; i < LIMIT_DEPLOYMENTS_KEPT; i++) {
        struct deployment *deployment = service_ledger_add(entry);
        for (int k = 0; k < LIMIT_FAILED_TASKS_KEPT; k++)
            deployment_add_failure(deployment, "0123456789abcdef0123456789abcdef", 1, reason);
    }
    json_t *json = service_ledger_to_json(entry);
    assert_in_range(json_dumpb(json, NULL, 0, JSON_SORT_KEYS | JSON_INDENT(2)), 1, LIMIT_LEDGER_ENTRY_BYTES);
    json_decref(json);
    service_ledger_free(entry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entry_survives_json),
        cmocka_unit_test(test_renamed),
        cmocka_unit_test(test_what_a_revert_asks_for_stays_known_bad),
        cmocka_unit_test(test_what_was_committed_of_a_redeployment_is_known),
        cmocka_unit_test(test_an_entry_within_its_limits_fits_the_ledger),
        cmocka_unit_test(test_failures_are_counted_beyond_those_kept),
        cmocka_unit_test(test_damaged_entry_is_an_error),
        cmocka_unit_test(test_newest_deployment_first_and_bounded),
        cmocka_unit_test(test_an_image_has_the_definitions_name),
        cmocka_unit_test(test_same_content_has_one_number),
        cmocka_unit_test(test_old_contents_are_dropped_and_numbers_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
