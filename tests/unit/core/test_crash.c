/* Tasks that crash after COMPLETED: the view says so, and stops saying so. Row F15. */
#include "fixture.h"

#include "core/steady.h"

#include <string.h>

/* The only running task of the service ends by itself. */
static void crash(struct fixture *fixture, const char *service)
{
    struct task_vec tasks;
    struct container *container = NULL;
    core_view_tasks(fixture->core, "c", service, fixture->now_ms, &tasks);
    for (size_t i = 0; i < tasks.len; i++)
        if (tasks.items[i].status == TASK_RUNNING)
            container = container_copy(tasks.items[i].containers[0]);
    task_vec_deinit(&tasks);
    assert_non_null(container);
    container->status = CONTAINER_STOPPED;
    container->has_exit_code = true;
    container->exit_code = 1;
    container->finished_ms = fixture->now_ms;
    fixture_step(fixture,
                 (struct event){.kind = EVENT_CONTAINER,
                                .engine = {.instance = memory_strdup("one"), .container = container}});
}

static void test_it_says_so_until_it_is_over(void **state)
{
    (void)state;
    struct fixture *fixture CLEANUP(fixture_freep) = fixture_new(1);
    fixture_empty(fixture, "one");
    fixture_commit(fixture, "web", "nginx", 1, 0);
    fixture_settle(fixture);
    struct view_service view = fixture_view(fixture, "web");
    assert_string_equal(view_service_state(&view), "steady");
    for (int i = 0; i < 3; i++) {
        crash(fixture, "web");
        fixture_settle(fixture);
        view = fixture_view(fixture, "web");
        assert_int_equal(view.crash_looping, i == 2);
        assert_int_equal(view.running_count, 1);
        assert_int_equal(view_service_is_steady(&view), i != 2);
    }
    assert_string_equal(view_service_state(&view), "crash-looping");
    assert_int_equal(view_service_rollout(&view), DEPLOYMENT_COMPLETED);
    assert_non_null(strstr(view.waiting, "3 tasks in a row ended"));
    assert_non_null(strstr(view.waiting, "container app exited with code 1"));
    fixture_after(fixture, 600000);
    fixture_run(fixture);
    view = fixture_view(fixture, "web");
    assert_string_equal(view_service_state(&view), "steady");
    assert_null(view.waiting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_says_so_until_it_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
