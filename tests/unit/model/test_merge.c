#include "model/merge.h"

#include "base/text.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static struct origin origin_of(const char *file, size_t line)
{
    return (struct origin){memory_strdup(file), {(int)line, 1}};
}

/* "@cluster", "@cluster!" (it says something), "#family", "cluster/service", "%task:cluster", parted by
 * blanks; the n-th stands in line n. */
static struct desired *desired_of(const char *file, const char *text)
{
    struct desired *desired = desired_new();
    char *copy CLEANUP_FREE = memory_strdup(text);
    char *rest = NULL;
    size_t line = 1;
    for (char *one = strtok_r(copy, " ", &rest); one; one = strtok_r(NULL, " ", &rest), line++) {
        char *slash = strchr(one, '/');
        char *colon = strchr(one, ':');
        if (*one == '@') {
            bool says = one[strlen(one) - 1] == '!';
            one[strlen(one) - says] = '\0';
            struct cluster *cluster = NEW(struct cluster);
            *cluster = (struct cluster){.refs = 1,
                                        .name = memory_strdup(one + 1),
                                        .json = json_pack("{s:s}", "clusterName", one + 1),
                                        .origin = origin_of(file, line)};
            if (says)
                json_object_set_new(cluster->json, "settings", json_array());
            vector_push(&desired->clusters, cluster);
        } else if (*one == '#') {
            struct task_definition *definition = NEW(struct task_definition);
            *definition = (struct task_definition){
                .refs = 1, .family = memory_strdup(one + 1), .origin = origin_of(file, line)};
            vector_push(&desired->task_definitions, definition);
        } else if (*one == '%') {
            *colon = '\0';
            json_t *json CLEANUP(json_decrefp) =
                json_pack("{s:s,s:s,s:{s:s,s:{s:s}}}", "Name", one + 1, "ScheduleExpression", "rate(1 hour)",
                          "Target", "Arn", colon + 1, "EcsParameters", "TaskDefinitionArn", "web");
            struct scheduled_task *task = scheduled_task_new(json);
            assert_non_null(task);
            vector_push(&desired->scheduled_tasks, task);
        } else {
            *slash = '\0';
            struct service *service = NEW(struct service);
            *service = (struct service){.refs = 1,
                                        .cluster = memory_strdup(one),
                                        .name = memory_strdup(slash + 1),
                                        .origin = origin_of(file, line)};
            vector_push(&desired->services, service);
        }
    }
    desired_seal(desired);
    return desired;
}

/* All errors, a line each. Caller frees. */
static char *lines_of(struct diagnostics *diagnostics)
{
    char *text = memory_strdup("");
    for (size_t i = 0; i < diagnostics->list.len; i++) {
        char *line CLEANUP_FREE = diagnostic_to_text(&diagnostics->list.items[i]);
        char *longer = memory_printf("%s%s\n", text, line);
        free(text);
        text = longer;
    }
    diagnostics_deinit(diagnostics);
    return text;
}

static void test_conflicts(void **state)
{
    (void)state;
    static const struct {
        const char *next, *other, *what;
    } rows[] = {
        {"@c #web c/web", "@d #api c/api d/web", NULL},
        {"@c c/web", "@d c/web",
         "b.yaml:2:1: error: service c/web is defined in source a already (a.yaml:2:1 there)"},
        {"@c", "@c", "b.yaml:1:1: error: cluster c is defined in source a already (a.yaml:1:1 there)"},
        {"#web", "#api #web",
         "b.yaml:1:1: error: task definition web is defined in source a already (a.yaml:2:1 there)"},
        {"%night:c", "%night:d", "scheduled task night is defined in source a already: one of the two"},
        {"@default", "@default", NULL},
        {"@default!", "@default", NULL},
        {"@default!", "@default!", "cluster default is defined in source a already"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct desired *next CLEANUP(desired_unrefp) = desired_of("b.yaml", rows[i].next);
        struct desired *other CLEANUP(desired_unrefp) = desired_of("a.yaml", rows[i].other);
        struct diagnostics diagnostics = {0};
        desired_check_conflicts(next, &(struct desired_part){"a", other}, &diagnostics);
        assert_int_equal(diagnostics.errors, rows[i].what ? 1 : 0);
        char *text CLEANUP_FREE = lines_of(&diagnostics);
        if (rows[i].what && !strstr(text, rows[i].what))
            fail_msg("row %zu: %s", i, text);
    }
}

static void push_all(struct string_vec *list, const char *text)
{
    char *copy CLEANUP_FREE = memory_strdup(text);
    char *rest = NULL;
    for (char *one = strtok_r(copy, " ", &rest); one; one = strtok_r(NULL, " ", &rest))
        vector_push(list, memory_strdup(one));
}

static void test_allowances(void **state)
{
    (void)state;
    static const struct {
        const char *clusters, *services, *families, *desired;
        int errors;
    } rows[] = {
        {"", "", "", "@c #web c/web %night:c", 0},
        {"c", "", "", "@c #web c/web %night:c", 0},
        {"d e", "", "", "@c c/web %night:c", 3},
        {"", "web", "", "c/web", 0},
        {"", "web", "", "c/web2 c/we", 2},
        {"", "web*", "", "c/web c/web-2 c/a-web", 1},
        {"", "*-web", "", "c/a-web c/a-b-web c/web", 1},
        {"", "a*b*c", "", "c/abc c/axbxbxc c/acb", 1},
        {"", "w?b", "", "c/web c/wb", 1},
        {"", "*", "", "c/web c/a", 0},
        {"", "web*", "", "@c c/web", 1}, /* a cluster rules over the services of others */
        {"", "web*", "", "@default c/web", 0},
        {"", "web*", "", "%night:c %web-night:c", 1},
        {"", "", "web web-*", "#web #web-2 #api", 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct desired *desired CLEANUP(desired_unrefp) = desired_of("b.yaml", rows[i].desired);
        struct allowance allowance = {0};
        struct allowance copy;
        struct allowance read;
        struct diagnostics diagnostics CLEANUP(diagnostics_deinit) = {0};
        push_all(&allowance.clusters, rows[i].clusters);
        push_all(&allowance.services, rows[i].services);
        push_all(&allowance.task_definitions, rows[i].families);
        json_t *json CLEANUP(json_decrefp) = allowance_to_json(&allowance);
        allowance_copy(&allowance, &copy);
        allowance_from_json(json, &read);
        json_t *again CLEANUP(json_decrefp) = allowance_to_json(&read);
        assert_true(json_equal(json, again));
        allowance_check(&copy, desired, &diagnostics);
        if ((int)diagnostics.errors != rows[i].errors)
            fail_msg("row %zu: %zu errors", i, diagnostics.errors);
        allowance_deinit(&allowance);
        allowance_deinit(&copy);
        allowance_deinit(&read);
    }
}

static void test_the_sum(void **state)
{
    (void)state;
    struct desired *a CLEANUP(desired_unrefp) = desired_of("a.yaml", "@c @default #web c/web %night:c");
    struct desired *b CLEANUP(desired_unrefp) = desired_of("b.yaml", "@default! @b #api c/api b/web");
    const struct commit commit = {.oid = "1234"};
    struct desired_part_vec parts = {0};
    vector_push(&parts, (struct desired_part){"a", a});
    struct desired *alone CLEANUP(desired_unrefp) = desired_merge(&parts, &commit);
    assert_ptr_equal(alone, a);
    vector_push(&parts, (struct desired_part){"b", b});
    struct desired *sum CLEANUP(desired_unrefp) = desired_merge(&parts, &commit);
    vector_deinit(&parts);
    assert_string_equal(sum->commit.oid, "1234");
    assert_int_equal(sum->clusters.len, 3);
    assert_ptr_equal(desired_cluster(sum, "default"), desired_cluster(b, "default"));
    assert_int_equal(sum->services.len, 3);
    assert_ptr_equal(desired_service(sum, "b", "web"), desired_service(b, "b", "web"));
    assert_ptr_equal(desired_service(sum, "c", "web"), desired_service(a, "c", "web"));
    assert_ptr_equal(desired_task_definition(sum, "api"), desired_task_definition(b, "api"));
    assert_int_equal(sum->scheduled_tasks.len, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conflicts),
        cmocka_unit_test(test_allowances),
        cmocka_unit_test(test_the_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
