/* The planner's output in a form that people can check. */
#include "base/buffer.h"
#include "base/text.h"
#include "golden_case.h"
#include "model/json.h"

#include <stdlib.h>
#include <string.h>

#define LINE_BYTES     8192
#define ROUNDS_MAX     80
#define WAKE_FAR_MS    1800000 /* what wakes later belongs to the cleaning up */
#define DEPLOYMENT_CUT "ecs-svc/"

/* Ids that are drawn change with the code: tasks become n1, n2 ..., a drawn deployment becomes ecs-svc/next.
 */
static char *plain(struct golden_case *golden, const char *text)
{
    struct buffer out = BUFFER_INIT(LINE_BYTES);
    while (text && *text) {
        char id[ID_HEX_SIZE];
        size_t hex = strspn(text, "0123456789abcdef");
        if (hex == ID_HEX_SIZE - 1 || (hex == 12 && text[12] == ' ')) {
            memset(id, 0, sizeof id);
            memcpy(id, text, hex);
            const char *name = NULL;
            map_for_each (&golden->names, entry) {
                if (text_starts_with(entry->key, id))
                    name = entry->value;
            }
            if (name || hex == ID_HEX_SIZE - 1) {
                buffer_append_str(&out, name ? name : case_task_name(golden, id));
                text += hex;
                continue;
            }
        }
        size_t cut = strlen(DEPLOYMENT_CUT);
        if (text_starts_with(text, DEPLOYMENT_CUT) && strspn(text + cut, "0123456789") == 19) {
            buffer_append_str(&out, DEPLOYMENT_CUT "next");
            text += cut + 19;
            continue;
        }
        size_t step = hex ? hex : 1;
        buffer_append(&out, text, step);
        text += step;
    }
    return buffer_steal(&out);
}

static json_t *plain_json(struct golden_case *golden, const char *text)
{
    char *out CLEANUP_FREE = plain(golden, text);
    return json_string(out);
}

static char *action_text(struct golden_case *golden, const struct action *action)
{
    char *reason CLEANUP_FREE = plain(golden, action->reason);
    const char *task = case_task_name(golden, action->task);
    if (action->kind == ACTION_STOP)
        return memory_printf("stop %s of %s (%ds): %s", action->container, task, action->stop_timeout_s,
                             reason);
    if (action->kind == ACTION_REMOVE)
        return memory_printf("remove %s of %s", action->container, task);
    if (action->kind == ACTION_RESOLVE)
        return memory_printf("resolve %s for %s on %s", action->image, task, action->instance);
    static const struct string_vec none;
    const struct string_vec *gpus = action->labels.spec ? &action->labels.spec->gpu_ids : &none;
    bool create = action->kind == ACTION_CREATE;
    bool former = create && action->labels.service && !text_equal(action->labels.service, action->service);
    char *text = memory_printf("%s %s of %s on %s%s%s", action_kind_name(action->kind), action->container,
                               task, action->instance, former ? ", called " : "", former ? action->name : "");
    if (action->image) {
        char *before CLEANUP_FREE = text;
        text = memory_printf("%s of %s", before, action->image);
    }
    for (size_t i = 0; i < gpus->len; i++) {
        char *before CLEANUP_FREE = text;
        text = memory_printf("%s%s%s", before, i ? "," : " with GPU ", gpus->items[i]);
    }
    return text;
}

static const char *content_word(const struct digest *digest)
{
    static const char *const words[] = {"new", "old", "older", "bad"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        struct digest one = case_digest(words[i]);
        if (digest_equal(digest, &one))
            return words[i];
    }
    return "?";
}

/* "  nginx:1 is sha256:1" below its deployment */
static void add_images(json_t *list, const struct deployment *deployment)
{
    for (size_t i = 0; i < deployment->images.len; i++) {
        const struct deployment_image *image = &deployment->images.items[i];
        json_array_append_new(list, json_sprintf("  %s is %s", image->image,
                                                 image->digest     ? image->digest
                                                 : image->resolved ? "as it is"
                                                                   : "to be resolved"));
    }
}

static json_t *ledger_to_json(struct golden_case *golden, const struct service_ledger *ledger)
{
    json_t *list = json_array();
    for (size_t i = 0; i < ledger->deployments.len; i++) {
        const struct deployment *deployment = &ledger->deployments.items[i];
        char *line CLEANUP_FREE = memory_printf(
            "%s %s %s, count %d, %d failed: %s", deployment->id, content_word(&deployment->digest),
            deployment_state_name(deployment->state), deployment->desired_count, deployment->failed_tasks,
            deployment->reason ? deployment->reason : "");
        json_array_append_new(list, plain_json(golden, line));
        add_images(list, deployment);
    }
    json_t *json = json_pack("{s:o}", "deployments", list);
    if (ledger->known_bad.len) {
        json_t *bad = json_array();
        for (size_t i = 0; i < ledger->known_bad.len; i++)
            json_array_append_new(bad, json_string(content_word(&ledger->known_bad.items[i].digest)));
        json_object_set_new(json, "knownBad", bad);
    }
    if (ledger->completed) {
        struct digest digest = model_digest(ledger->completed, "digest");
        json_object_set_new(json, "completed", json_string(content_word(&digest)));
    }
    model_set_bool(json, "removed", ledger->removed);
    model_set_bool(json, "pruneDisabled", ledger->prune_disabled);
    return json;
}

/* "instance 1: 256 cpu, 128 MiB" */
static json_t *kept_to_json(const struct plan_booking_vec *kept)
{
    json_t *list = json_array();
    for (size_t i = 0; i < kept->len; i++) {
        const struct plan_booking *booking = &kept->items[i];
        char *line CLEANUP_FREE =
            memory_printf("instance %zu: %lld cpu, %lld MiB", booking->instance,
                          (long long)booking->cpu_units, (long long)booking->memory_mib);
        json_array_append_new(list, json_string(line));
    }
    return list;
}

static json_t *run_to_text(struct golden_case *golden, const struct run *run)
{
    json_t *json = json_object();
    if (run->started.len)
        json_object_set_new(json, "started", model_strings_to_json(&run->started));
    model_set_string(json, "stopCode", run->stop_code);
    if (run->stop_reason)
        json_object_set_new(json, "stopReason", plain_json(golden, run->stop_reason));
    if (!run->stopped_ms)
        return json;
    char *ago CLEANUP_FREE = text_from_duration_ms(golden->now_ms - run->stopped_ms);
    json_t *exits = json_array();
    for (size_t i = 0; i < run->exits.len; i++) {
        const struct run_exit *exit = &run->exits.items[i];
        json_array_append_new(exits, exit->has_exit_code
                                         ? json_sprintf("%s %d", exit->container, exit->exit_code)
                                         : json_string(exit->container));
    }
    model_set_string(json, "stopped", ago);
    json_object_set_new(json, "exits", exits);
    json_object_set_new(json, "succeeded", json_boolean(run_succeeded(run)));
    return json;
}

static void set_back_offs(json_t *json, const struct map *back_offs, bool owed)
{
    json_t *places CLEANUP(json_decrefp) = json_object();
    map_for_each (back_offs, entry) {
        const struct plan_back_off *back_off = entry->value;
        if (text_equal(entry->key, BACK_OFF_ANYWHERE))
            model_set_int(json, "failuresInRow", back_off->rounds);
        else
            model_set_int(places, entry->key, back_off->rounds);
        if (owed)
            model_set_int(json, "owed", back_off->owed);
    }
    if (json_object_size(places))
        json_object_set(json, "backOffs", places);
}

json_t *case_output_to_json(struct golden_case *golden, const struct plan_output *output)
{
    json_t *json = json_object();
    json_t *actions = json_array();
    for (size_t i = 0; i < output->actions.len; i++) {
        char *line CLEANUP_FREE = action_text(golden, output->actions.items[i]);
        json_array_append_new(actions, json_string(line));
    }
    json_object_set_new(json, "actions", actions);
    if (output->ledger)
        json_object_set_new(json, "ledger", ledger_to_json(golden, output->ledger));
    if (output->run)
        json_object_set_new(json, "run", run_to_text(golden, output->run));
    if (output->ledger_message)
        json_object_set_new(json, "message", plain_json(golden, output->ledger_message));
    model_set_bool(json, "forget", output->forget);
    if (output->counted)
        json_object_set_new(json, "count", json_integer(output->desired_count));
    if (output->kept.len)
        json_object_set_new(json, "kept", kept_to_json(&output->kept));
    if (output->waiting)
        json_object_set_new(json, "waiting", plain_json(golden, output->waiting));
    if (output->events.len) {
        json_t *events = json_array();
        for (size_t i = 0; i < output->events.len; i++)
            json_array_append_new(events, plain_json(golden, output->events.items[i]));
        json_object_set_new(json, "events", events);
    }
    if (output->wake_ms) {
        char *wake CLEANUP_FREE = text_from_duration_ms(output->wake_ms - golden->now_ms);
        json_object_set_new(json, "wake", json_string(wake));
    }
    set_back_offs(json, &golden->memory.back_offs,
                  json_object_get(json_object_get(golden->input, "memory"), "owed"));
    model_set_bool(json, "noPlaceTold", golden->memory.no_place_ms != 0);
    model_set_bool(json, "awaitsRoom", output->no_place);
    return json;
}

/* Tasks that are healthy and tasks that exist, whatever their content. */
static void count_tasks(const struct golden_case *golden, int *ret_healthy, int *ret_existing)
{
    const struct plan_input input = {.now_ms = golden->now_ms,
                                     .options = &golden->options,
                                     .desired = golden->service,
                                     .cluster = "prod",
                                     .service = "web",
                                     .containers = (const struct container *const *)golden->containers.items,
                                     .containers_len = golden->containers.len};
    const struct task_roll_up options = {.now_ms = golden->now_ms,
                                         .minimum_healthy_ms =
                                             golden->service ? golden->service->minimum_healthy_ms : 0,
                                         .memory = &golden->memory};
    struct task_vec tasks;
    *ret_healthy = *ret_existing = 0;
    task_vec_build(&input, &options, &tasks);
    for (size_t i = 0; i < tasks.len; i++) {
        *ret_healthy += tasks.items[i].healthy;
        *ret_existing += tasks.items[i].status != TASK_STOPPED;
    }
    task_vec_deinit(&tasks);
}

static json_t *round_line(struct golden_case *golden, const struct plan_output *output)
{
    int healthy;
    int existing;
    struct buffer line = BUFFER_INIT(LINE_BYTES);
    count_tasks(golden, &healthy, &existing);
    char *at CLEANUP_FREE = text_from_duration_ms(golden->now_ms - CASE_NOW_MS);
    buffer_printf(&line, "%s, %d healthy of %d:", at, healthy, existing);
    for (size_t i = 0; i < output->actions.len; i++) {
        const struct action *action = output->actions.items[i];
        buffer_printf(&line, "%s %s %s of %s", i ? "," : "", action_kind_name(action->kind),
                      action->container, case_task_name(golden, action->task));
    }
    if (output->ledger_message) {
        char *message CLEANUP_FREE = plain(golden, output->ledger_message);
        buffer_printf(&line, " [%s]", message);
    }
    if (output->forget)
        buffer_append_str(&line, " forgotten");
    json_t *json = json_string(buffer_str(&line));
    buffer_deinit(&line);
    return json;
}

json_t *case_sequence(struct golden_case *golden)
{
    json_t *lines = json_array();
    for (int round = 0; round < ROUNDS_MAX; round++) {
        struct plan_output output;
        case_plan(golden, &output);
        bool quiet = output.actions.len == 0 && !output.ledger && !output.run && !output.forget;
        int64_t wake_ms = output.wake_ms;
        char *waiting CLEANUP_FREE = plain(golden, output.waiting);
        if (!quiet)
            json_array_append_new(lines, round_line(golden, &output));
        bool forgotten = output.forget;
        bool landed = case_land(golden);
        case_apply(golden, &output);
        if (forgotten)
            return lines;
        if (!quiet || landed)
            continue;
        if (wake_ms && wake_ms - golden->now_ms < WAKE_FAR_MS) {
            golden->now_ms = wake_ms;
            continue;
        }
        if (*waiting)
            json_array_append_new(lines, json_string(waiting));
        return lines;
    }
    json_array_append_new(lines, json_string("and so on"));
    return lines;
}
