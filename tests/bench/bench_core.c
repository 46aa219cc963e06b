/* Deciding alone: core, plan and manifest, with an engine that does everything at once and takes no time.
 * bench-core SERVICES TASKS INSTANCES brings up so many services of so many tasks each on so many instances,
 * then changes one of them, then all; one line of JSON.
 */
#include "base/memory.h"
#include "base/text.h"
#include "core/core.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ONE_CHANGES 50
#define STEP_MS     1000
#define LAST_MS     (3600 * 1000)

struct bench {
    int services;
    int tasks;
    int instances;
    struct core *core;
    struct map engine; /* id -> container, owned */
    int64_t now_ms;
    uint64_t seed;
    int commits;
    size_t creates;
    double decide_ms; /* CPU of turns */
    double read_ms;   /* CPU of commits */
};

static double cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1000 + (double)now.tv_nsec / 1e6;
}

static void step(struct bench *bench, struct event *event, struct effect_vec *effects)
{
    event->now_ms = bench->now_ms;
    event->seed = ++bench->seed;
    enum event_kind kind = event->kind;
    double began_ms = cpu_ms();
    core_step(bench->core, event, effects);
    if (kind == EVENT_TURN)
        bench->decide_ms += cpu_ms() - began_ms;
    else if (kind == EVENT_COMMIT)
        bench->read_ms += cpu_ms() - began_ms;
    event_deinit(event);
}

/* --- the engine that takes no time ---------------------------------------------------------------------- */

static struct container *created(const struct bench *bench, const struct action *create)
{
    struct container *container = NEW(struct container);
    container->id = memory_printf("%s%s", create->task, create->container);
    container->name = memory_strdup(create->name);
    container->instance = memory_strdup(create->instance);
    container->image = memory_strdup("app");
    container->created_ms = bench->now_ms;
    task_labels_copy(&create->labels, &container->labels);
    return container;
}

static struct container *changed(const struct bench *bench, const struct action *action)
{
    struct container *container = container_copy(map_get(&bench->engine, action->container_id));
    if (action->kind == ACTION_START) {
        container->status = CONTAINER_RUNNING;
        container->started_ms = bench->now_ms;
    } else {
        container->status = CONTAINER_STOPPED;
        container->has_exit_code = true;
        container->finished_ms = bench->now_ms;
    }
    return container;
}

static void carry_out(struct bench *bench, const struct action *action, struct effect_vec *effects)
{
    struct event done = {.kind = EVENT_ACTION_DONE, .action = {.id = action->id}};
    if (action->kind == ACTION_REMOVE) {
        done.action.gone = true;
        map_remove(&bench->engine, action->container_id);
    } else {
        bench->creates += action->kind == ACTION_CREATE;
        done.action.container =
            action->kind == ACTION_CREATE ? created(bench, action) : changed(bench, action);
        map_put(&bench->engine, done.action.container->id, container_copy(done.action.container));
    }
    step(bench, &done, effects);
}

static int64_t carry_out_all(struct bench *bench, struct effect_vec *effects)
{
    int64_t wake_ms = INT64_MAX;
    struct effect_vec more = {0};
    for (size_t i = 0; i < effects->len; i++) {
        if (effects->items[i].kind == EFFECT_WAKE && effects->items[i].at_ms)
            wake_ms = effects->items[i].at_ms;
        if (effects->items[i].kind == EFFECT_ACT)
            carry_out(bench, effects->items[i].action, &more);
    }
    effect_vec_deinit(effects);
    effect_vec_deinit(&more);
    return wake_ms;
}

/* Until nothing is to be done before bench->now_ms moves on. */
static void run_turns(struct bench *bench, int64_t *ret_wake_ms)
{
    while (core_is_dirty(bench->core) || *ret_wake_ms <= bench->now_ms) {
        struct effect_vec effects = {0};
        step(bench, &(struct event){.kind = EVENT_TURN}, &effects);
        *ret_wake_ms = carry_out_all(bench, &effects);
    }
}

static bool is_steady(const struct bench *bench)
{
    struct view_service view;
    size_t steady = 0;
    for (size_t i = 0; core_view_service_at(bench->core, i, &view); i++)
        steady += view.ledger && view_service_rollout(&view) == DEPLOYMENT_COMPLETED && !view.waiting;
    return steady == (size_t)bench->services;
}

static void complain(const struct bench *bench)
{
    struct view_source source;
    core_view_source(bench->core, &source);
    for (size_t i = 0; source.diagnostics && i < source.diagnostics->list.len && i < 3; i++) {
        char *text CLEANUP_FREE = diagnostic_to_text(&source.diagnostics->list.items[i]);
        fprintf(stderr, "%s\n", text);
    }
    struct view_service view;
    for (size_t i = 0; core_view_service_at(bench->core, i, &view); i++)
        if (view.waiting) {
            fprintf(stderr, "%s: %s\n", view.name, view.waiting);
            break;
        }
    fprintf(stderr, "bench-core: not converged after an hour of virtual time\n");
}

static void converge(struct bench *bench)
{
    int64_t began_ms = bench->now_ms;
    int64_t wake_ms = INT64_MAX;
    for (run_turns(bench, &wake_ms); !is_steady(bench); run_turns(bench, &wake_ms)) {
        bench->now_ms = wake_ms == INT64_MAX ? bench->now_ms + STEP_MS : wake_ms;
        if (bench->now_ms > began_ms + LAST_MS) {
            complain(bench);
            exit(1);
        }
        wake_ms = bench->now_ms;
    }
}

/* --- commits -------------------------------------------------------------------------------------------- */

static void put(struct event *event, char *path, char *content)
{
    vector_push(
        &event->commit.files,
        (struct event_file){.path = path, .kind = EVENT_FILE, .content = content, .len = strlen(content)});
}

/* By digest: a tag is asked for first, and its answer is no decision. */
static void put_service(const struct bench *bench, struct event *event, int number)
{
    put(event, memory_printf("s%05d.task.json", number),
        memory_printf("{\"family\":\"app-%05d\",\"containerDefinitions\":[{\"name\":\"app\","
                      "\"image\":\"app@sha256:%064d\",\"cpu\":64,\"memory\":128}]}",
                      number, bench->commits));
    if (bench->commits == 1)
        put(event, memory_printf("s%05d.service.json", number),
            memory_printf("{\"serviceName\":\"app-%05d\",\"taskDefinition\":\"app-%05d\","
                          "\"desiredCount\":%d,\"davit\":{\"minimumHealthySeconds\":0}}",
                          number, number, bench->tasks));
}

/* CPU of the first plan after the commit: what stands between reading it and the first action. */
static double commit(struct bench *bench, int first, int last)
{
    struct effect_vec effects = {0};
    struct event event = {.kind = EVENT_COMMIT, .commit = {.head = true, .full = bench->commits == 0}};
    bench->commits++;
    snprintf(event.commit.commit.oid, sizeof event.commit.commit.oid, "%040d", bench->commits);
    event.commit.commit.subject = memory_strdup("change");
    for (int i = first; i < last; i++)
        put_service(bench, &event, i);
    step(bench, &event, &effects);
    double began_ms = bench->decide_ms;
    step(bench, &(struct event){.kind = EVENT_TURN}, &effects);
    double decided_ms = bench->decide_ms - began_ms;
    carry_out_all(bench, &effects);
    return decided_ms;
}

static void list_instances(struct bench *bench)
{
    for (int i = 0; i < bench->instances; i++) {
        struct effect_vec effects = {0};
        struct event connected = {
            .kind = EVENT_CONNECTED,
            .engine = {
                .instance = memory_printf("i%05d", i),
                .info = {.engine = memory_strdup("none"), .cpu_units = 64 * 1024, .memory_mib = 128 * 1024}}};
        struct event listed = {.kind = EVENT_LISTED, .engine = {.instance = memory_printf("i%05d", i)}};
        step(bench, &connected, &effects);
        step(bench, &listed, &effects);
        effect_vec_deinit(&effects);
    }
}

static struct core *make_core(const struct bench *bench)
{
    const char **names = memory_calloc((size_t)bench->instances, sizeof *names);
    for (int i = 0; i < bench->instances; i++)
        names[i] = memory_printf("i%05d", i);
    const struct core_options options = {
        .owner = "bench", .instances = names, .instances_len = (size_t)bench->instances, .patience_ms = 1000};
    struct core *core = core_new(&options);
    for (int i = 0; i < bench->instances; i++)
        free((char *)names[i]);
    free(names);
    return core;
}

static double mib_in_use(void)
{
    struct mallinfo2 info = mallinfo2();
    return (double)(info.uordblks + info.hblkhd) / (1024 * 1024);
}

/* What the engine holds: measured on a copy, which goes again. */
static double engine_mib(const struct bench *bench)
{
    double before_mib = mib_in_use();
    struct map copy = MAP_INIT(container_free);
    map_for_each (&bench->engine, entry) {
        map_put(&copy, entry->key, container_copy(entry->value));
    }
    double mib = mib_in_use() - before_mib;
    map_deinit(&copy);
    return mib;
}

static int positive(const char *text)
{
    int value = atoi(text);
    if (value < 1) {
        fprintf(stderr, "usage: bench-core SERVICES TASKS INSTANCES\n");
        exit(2);
    }
    return value;
}

static void print_list(const double *values)
{
    for (int i = 0; i < ONE_CHANGES; i++)
        printf("%s%.3f", i ? "," : "", values[i]);
}

int main(int argc, char **argv)
{
    struct bench bench = {.now_ms = 1700000000000, .engine = MAP_INIT(container_free)};
    bench.services = positive(argc == 4 ? argv[1] : "0");
    bench.tasks = positive(argv[2]);
    bench.instances = positive(argv[3]);
    bench.core = make_core(&bench);
    list_instances(&bench);
    double began_ms = cpu_ms();
    commit(&bench, 0, bench.services);
    converge(&bench);
    double converge_ms = cpu_ms() - began_ms;
    size_t creates = bench.creates;
    double decide_ms = bench.decide_ms;
    double fresh_mib = mib_in_use() - engine_mib(&bench);
    double one_ms[ONE_CHANGES];
    double read_one_ms[ONE_CHANGES];
    for (int i = 0; i < ONE_CHANGES; i++) {
        double read_ms = bench.read_ms;
        one_ms[i] =
            commit(&bench, i * (bench.services / ONE_CHANGES), i * (bench.services / ONE_CHANGES) + 1);
        read_one_ms[i] = bench.read_ms - read_ms;
        converge(&bench);
    }
    double all_ms = commit(&bench, 0, bench.services);
    converge(&bench);
    printf("{\"tasks\":%zu,\"converge_ms\":%.1f,\"decide_ms\":%.1f,\"all_ms\":%.1f,\"core_mib\":%.1f,"
           "\"core_later_mib\":%.1f,\"one_ms\":[",
           creates, converge_ms, decide_ms, all_ms, fresh_mib, mib_in_use() - engine_mib(&bench));
    print_list(one_ms);
    printf("],\"read_one_ms\":[");
    print_list(read_one_ms);
    printf("]}\n");
    map_deinit(&bench.engine);
    core_free(bench.core);
    return 0;
}
