#include "model/run.h"

#include "base/text.h"
#include "model/json.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void exits_deinit(struct run_exit_vec *exits)
{
    for (size_t i = 0; i < exits->len; i++) {
        free(exits->items[i].container);
        free(exits->items[i].image);
        free(exits->items[i].reason);
    }
    vector_deinit(exits);
}

void run_free(struct run *run)
{
    if (!run)
        return;
    free(run->cluster);
    free(run->group);
    free(run->started_by);
    free(run->client_token);
    free(run->family);
    task_definition_unref(run->task_definition);
    json_decref(run->overrides);
    free(run->instance);
    string_vec_deinit(&run->started);
    free(run->stop_code);
    free(run->stop_reason);
    exits_deinit(&run->exits);
    free(run);
}

struct run *run_copy(const struct run *run)
{
    assert(run);
    struct run *copy = memory_alloc(sizeof *copy);
    *copy = *run;
    copy->cluster = memory_strdup(run->cluster);
    copy->group = memory_strdup(run->group);
    copy->started_by = memory_strdup(run->started_by);
    copy->client_token = memory_strdup(run->client_token);
    copy->family = memory_strdup(run->family);
    copy->task_definition = run->task_definition ? task_definition_ref(run->task_definition) : NULL;
    copy->overrides = json_incref(run->overrides);
    copy->instance = memory_strdup(run->instance);
    copy->stop_code = memory_strdup(run->stop_code);
    copy->stop_reason = memory_strdup(run->stop_reason);
    copy->started = (struct string_vec){0};
    for (size_t i = 0; i < run->started.len; i++)
        vector_push(&copy->started, memory_strdup(run->started.items[i]));
    copy->exits = (struct run_exit_vec){0};
    for (size_t i = 0; i < run->exits.len; i++) {
        struct run_exit exit = run->exits.items[i];
        exit.container = memory_strdup(exit.container);
        exit.image = memory_strdup(exit.image);
        exit.reason = memory_strdup(exit.reason);
        vector_push(&copy->exits, exit);
    }
    return copy;
}

static json_t *exits_to_json(const struct run_exit_vec *exits)
{
    json_t *list = json_array();
    for (size_t i = 0; i < exits->len; i++) {
        const struct run_exit *exit = &exits->items[i];
        json_t *json = json_object();
        model_set_string(json, "container", exit->container);
        model_set_string(json, "image", exit->image);
        model_set_bool(json, "essential", exit->essential);
        if (exit->has_exit_code)
            json_object_set_new(json, "exitCode", json_integer(exit->exit_code));
        model_set_bool(json, "oomKilled", exit->oom_killed);
        model_set_string(json, "reason", exit->reason);
        model_set_int(json, "finished", exit->finished_ms);
        json_array_append_new(list, json);
    }
    return list;
}

json_t *run_to_json(const struct run *run)
{
    assert(run);
    json_t *json = json_object();
    model_set_string(json, "cluster", run->cluster);
    model_set_string(json, "id", run->id);
    model_set_string(json, "group", run->group);
    model_set_string(json, "startedBy", run->started_by);
    model_set_string(json, "clientToken", run->client_token);
    model_set_digest(json, "request", &run->request);
    model_set_string(json, "family", run->family);
    model_set_int(json, "revision", run->revision);
    if (run->task_definition)
        json_object_set_new(json, "taskDefinition", json_pack("{s:O}", "json", run->task_definition->json));
    if (run->overrides)
        json_object_set(json, "overrides", run->overrides);
    model_set_string(json, "instance", run->instance);
    model_set_string(json, "commit", run->commit);
    model_set_int(json, "created", run->created_ms);
    if (run->started.len)
        json_object_set_new(json, "started", model_strings_to_json(&run->started));
    model_set_string(json, "stopCode", run->stop_code);
    model_set_string(json, "stopReason", run->stop_reason);
    model_set_int(json, "stoppingAt", run->stopping_ms);
    model_set_int(json, "startedAt", run->started_ms);
    model_set_int(json, "stoppedAt", run->stopped_ms);
    if (run->exits.len)
        json_object_set_new(json, "exits", exits_to_json(&run->exits));
    return json;
}

static void exits_from_json(const json_t *list, struct run_exit_vec *ret_exits)
{
    size_t i;
    json_t *item;
    json_array_foreach (list, i, item) {
        vector_push(ret_exits,
                    (struct run_exit){.container = memory_strdup(model_string(item, "container")),
                                      .image = memory_strdup(model_string(item, "image")),
                                      .essential = model_bool(item, "essential"),
                                      .has_exit_code = json_object_get(item, "exitCode") != NULL,
                                      .exit_code = model_int_in(item, "exitCode", INT32_MIN, INT32_MAX),
                                      .oom_killed = model_bool(item, "oomKilled"),
                                      .reason = memory_strdup(model_string(item, "reason")),
                                      .finished_ms = model_int(item, "finished")});
    }
}

int run_from_json(const json_t *json, struct run **ret_run)
{
    assert(ret_run);
    static const char *const required[] = {"cluster", "id", "group", "family", "instance"};
    for (size_t i = 0; i < ARRAY_LEN(required); i++)
        if (!model_string(json, required[i]))
            return ERROR_INVALID;
    if (strlen(model_string(json, "id")) != ID_HEX_SIZE - 1)
        return ERROR_INVALID;
    struct run *run = NEW(struct run);
    *run = (struct run){.cluster = memory_strdup(model_string(json, "cluster")),
                        .group = memory_strdup(model_string(json, "group")),
                        .started_by = memory_strdup(model_string(json, "startedBy")),
                        .client_token = memory_strdup(model_string(json, "clientToken")),
                        .request = model_digest(json, "request"),
                        .family = memory_strdup(model_string(json, "family")),
                        .revision = model_int_in(json, "revision", 0, INT32_MAX),
                        .overrides = json_incref(json_object_get(json, "overrides")),
                        .instance = memory_strdup(model_string(json, "instance")),
                        .created_ms = model_int(json, "created"),
                        .stop_code = memory_strdup(model_string(json, "stopCode")),
                        .stop_reason = memory_strdup(model_string(json, "stopReason")),
                        .stopping_ms = model_int(json, "stoppingAt"),
                        .started_ms = model_int(json, "startedAt"),
                        .stopped_ms = model_int(json, "stoppedAt")};
    model_string_into(json, "id", run->id, sizeof run->id);
    model_string_into(json, "commit", run->commit, sizeof run->commit);
    model_strings_from_json(json_object_get(json, "started"), &run->started);
    exits_from_json(json_object_get(json, "exits"), &run->exits);
    *ret_run = run;
    return 0;
}

struct run *run_of_container(const struct container *container)
{
    assert(container);
    assert(container->labels.group);
    const struct task_labels *labels = &container->labels;
    struct run *run = NEW(struct run);
    *run = (struct run){.cluster = memory_strdup(labels->cluster),
                        .group = memory_strdup(labels->group),
                        .started_by = memory_strdup(labels->started_by),
                        .family = memory_strdup(labels->family),
                        .revision = labels->revision,
                        .instance = memory_strdup(container->instance),
                        .created_ms = container->created_ms};
    memcpy(run->id, labels->task, sizeof run->id);
    snprintf(run->commit, sizeof run->commit, "%s", labels->commit ? labels->commit : "");
    return run;
}

struct service *run_content(const struct run *run)
{
    assert(run);
    struct service *content = NEW(struct service);
    content->refs = 1;
    content->cluster = memory_strdup(run->cluster);
    content->desired_count = 1;
    if (run->task_definition) {
        content->task_definition = task_definition_ref(run->task_definition);
        content->digest = run->task_definition->digest;
    }
    return content;
}

bool run_has_started(const struct run *run, const char *container)
{
    assert(run);
    return string_vec_has(&run->started, container);
}

void run_stop(struct run *run, const char *code, const char *reason, int64_t now_ms)
{
    assert(run);
    assert(code);
    assert(reason);
    if (run->stop_code)
        return;
    run->stop_code = memory_strdup(code);
    run->stop_reason = memory_strdup(reason);
    run->stopping_ms = now_ms;
}

const struct run_exit *run_decisive(const struct run *run)
{
    assert(run);
    const struct run_exit *first = NULL;
    for (size_t i = 0; i < run->exits.len; i++) {
        const struct run_exit *exit = &run->exits.items[i];
        if (exit->essential && exit->has_exit_code && (!first || exit->finished_ms < first->finished_ms))
            first = exit;
    }
    return text_equal(run->stop_code, STOP_CODE_ESSENTIAL_EXITED) ? first : NULL;
}

bool run_succeeded(const struct run *run)
{
    const struct run_exit *decisive = run_decisive(run);
    return run->stopped_ms && decisive && decisive->exit_code == 0;
}

char *run_failure(const struct run *run)
{
    assert(run);
    const struct run_exit *decisive = run_decisive(run);
    if (decisive)
        return memory_printf("container %s exited with code %d", decisive->container, decisive->exit_code);
    return memory_strdup(run->stop_reason ? run->stop_reason : "it did not run");
}
