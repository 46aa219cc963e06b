#include "sample.h"

#include "model/json.h"

#include <assert.h>
#include <stdio.h>

static json_t *parse(const char *text)
{
    char *copy CLEANUP_FREE = memory_strdup(text);
    for (char *at = copy; *at; at++)
        if (*at == '\'')
            *at = '"';
    json_error_t error;
    json_t *json = json_loads(copy, 0, &error);
    if (!json)
        fprintf(stderr, "%s\n%s\n", error.text, copy);
    assert(json);
    return json;
}

static struct container_spec spec_of(const json_t *container)
{
    struct container_spec spec = {.name = memory_strdup(model_string(container, "name")),
                                  .essential = true,
                                  .memory_mib = (int)model_int(container, "memory"),
                                  .stop_timeout_s = 30,
                                  .has_health_check = json_object_get(container, "healthCheck") != NULL};
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(container, "portMappings"), i, item)
        vector_push(&spec.ports, (struct port_mapping){(int)model_int(item, "containerPort"),
                                                       (int)model_int(item, "hostPort"), false});
    return spec;
}

void sample_init(struct sample *sample, int serial, const char *container)
{
    *sample = (struct sample){0};
    json_t *json = parse(container);
    sample->definition = NEW(struct task_definition);
    sample->definition->refs = 1;
    sample->definition->family = memory_strdup("demo");
    sample->definition->revision = 3;
    sample->definition->network_mode = memory_strdup("bridge");
    vector_push(&sample->definition->containers, spec_of(json));
    sample->definition->json = json_pack("{s:s,s:[o]}", "family", "demo", "containerDefinitions", json);
    struct task_labels *labels = &sample->labels;
    labels->owner = memory_strdup("owner-1");
    labels->cluster = memory_strdup("default");
    labels->service = memory_strdup("web");
    labels->deployment = memory_strdup("ecs-svc/9015413324295259653");
    labels->family = memory_strdup("demo");
    labels->revision = 3;
    labels->digest = digest_of_bytes("x", 1);
    labels->essential = 1;
    labels->commit = memory_printf("%040d", 1);
    snprintf(labels->task, sizeof labels->task, "%012d%020d", serial, serial);
    labels->spec = container_spec_new(&sample->definition->containers.items[0]);
    sample->name = memory_printf("davit-default-web-%s-%.12s", labels->spec->name, labels->task);
    sample->create = (struct engine_create){.name = sample->name,
                                            .labels = &sample->labels,
                                            .definition = sample->definition,
                                            .container = labels->spec->name};
}

void sample_deinit(struct sample *sample)
{
    task_labels_deinit(&sample->labels);
    task_definition_unref(sample->definition);
    free(sample->name);
}
