#include "cli/diff_rollout.h"

#include "base/memory.h"
#include "base/text.h"
#include "cli/rollout.h"
#include "model/json.h"

#include <string.h>

static void add_reason(json_t *reasons, char *text)
{
    json_array_append_new(reasons, json_string(text));
    free(text);
}

/* A task counts as healthy although nobody asked it. */
static void add_unchecked(json_t *reasons, const struct service *to)
{
    const struct container_spec_vec *containers = &to->task_definition->containers;
    for (size_t i = 0; i < containers->len; i++) {
        const struct container_spec *spec = &containers->items[i];
        if (!spec->essential || spec->has_health_check || container_is_internal(spec->name))
            continue;
        char *after CLEANUP_FREE = text_from_duration_ms(to->minimum_healthy_ms);
        add_reason(
            reasons,
            memory_printf("container \"%s\" has no healthCheck: it counts as healthy %s after its start",
                          spec->name, after));
    }
}

static int first_host_port(const struct task_definition *definition)
{
    for (size_t i = 0; i < definition->containers.len; i++) {
        const struct port_mapping_vec *ports = &definition->containers.items[i].ports;
        for (size_t j = 0; j < ports->len; j++)
            if (ports->items[j].host_port)
                return ports->items[j].host_port;
    }
    return 0;
}

static void set_downtime(json_t *difference, const char *expected, json_t *reasons)
{
    json_object_set_new(difference, "downtime",
                        json_pack("{s:s,s:o}", "expected", expected, "reasons", reasons));
}

/* Of tasks that are replaced. What takes a whole service away is certain; that a lower bound of 0 lets davit
 * do it where room is short, and that nobody asks a task for its health, may. */
static void add_downtime(json_t *difference, const struct service *to, const struct rollout *rollout)
{
    json_t *reasons = json_array();
    if (rollout->fewest == 0) {
        add_reason(reasons,
                   memory_printf("minimumHealthyPercent %d and maximumPercent %d: all tasks stop before "
                                 "new ones are healthy",
                                 to->minimum_healthy_percent, to->maximum_percent));
        set_downtime(difference, "certain", reasons);
        return;
    }
    if (rollout->lower == 0)
        add_reason(reasons, memory_printf(
                                "minimumHealthyPercent %d: where instances lack room%s, all tasks stop first",
                                to->minimum_healthy_percent,
                                first_host_port(to->task_definition) ? " or the host port" : ""));
    add_unchecked(reasons, to);
    set_downtime(difference, json_array_size(reasons) ? "possible" : "none", reasons);
}

/* A host port is free where no task has it, and a task that may not stop first keeps it. */
static void add_needs(json_t *difference, const struct service *to, const struct rollout_question *question,
                      const struct rollout *rollout)
{
    int port = first_host_port(to->task_definition);
    if (!port || rollout->lower < question->before)
        return;
    char *need CLEANUP_FREE = memory_printf("an instance more, where host port %d is free", port);
    json_object_set_new(difference, "needs", json_pack("[s]", need));
}

static void add_daemon_downtime(json_t *difference)
{
    static const char reason[] =
        "on each instance the old task stops before the new one starts (schedulingStrategy DAEMON)";
    set_downtime(difference, "certain", json_pack("[s]", reason));
}

static void set_tasks(json_t *difference, const struct rollout_question *question,
                      const struct rollout *rollout)
{
    json_t *tasks = json_pack("{s:i,s:i,s:i,s:i}", "before", question->before, "after", question->desired,
                              "starts", rollout->starts, "stops", rollout->stops);
    if (rollout->starts || rollout->stuck)
        json_object_update_new(tasks, json_pack("{s:i,s:i,s:i,s:i}", "rounds", rollout->rounds, "atOnce",
                                                rollout->at_once, "minimumHealthy", rollout->lower, "maximum",
                                                rollout->upper));
    model_set_bool(tasks, "stuck", rollout->stuck);
    json_object_set_new(difference, "tasks", tasks);
}

static bool replaces_tasks(const struct diff_states *states)
{
    return states->from && states->to && states->to->task_definition &&
           !digest_equal(service_task_digest(states->from), service_task_digest(states->to));
}

/* A count that is absent is whatever runs. */
static bool is_uncounted(const struct diff_states *states)
{
    const struct service *sides[] = {states->from, states->to};
    for (size_t i = 0; i < ARRAY_LEN(sides); i++)
        if (sides[i] && (sides[i]->daemon || (sides[i]->count_absent && states->from)))
            return true;
    return false;
}

void cli_diff_add_tasks(json_t *difference, const struct diff_states *states)
{
    const struct service *to = states->to;
    if (!difference)
        return;
    if (to && to->daemon)
        json_object_set_new(difference, "schedulingStrategy", json_string("DAEMON"));
    model_set_bool(difference, "suspended",
                   to && (to->suspend || (states->cluster && states->cluster->suspend)));
    if (text_equal(model_string(difference, "change"), "leave"))
        return;
    if (to && to->daemon && replaces_tasks(states))
        add_daemon_downtime(difference);
    if (is_uncounted(states))
        return;
    const struct rollout_question question = {.before = states->from ? states->from->desired_count : 0,
                                              .desired = to ? to->desired_count : 0,
                                              .replaces = replaces_tasks(states),
                                              .minimum_healthy_percent = to ? to->minimum_healthy_percent : 0,
                                              .maximum_percent = to ? to->maximum_percent : 0};
    struct rollout rollout;
    rollout_compute(&question, &rollout);
    set_tasks(difference, &question, &rollout);
    if (!question.replaces || !question.before || !question.desired || rollout.stuck)
        return;
    add_downtime(difference, to, &rollout);
    add_needs(difference, to, &question, &rollout);
}

void cli_diff_add_order(json_t *difference, const struct service *to, const struct map *deployed)
{
    json_t *list = json_array();
    for (size_t i = 0; to && i < to->depends_on.len; i++)
        if (map_get(deployed, to->depends_on.items[i].service))
            json_array_append_new(list, json_string(to->depends_on.items[i].service));
    if (json_array_size(list))
        json_object_set(difference, "dependsOn", list);
    json_decref(list);
}
