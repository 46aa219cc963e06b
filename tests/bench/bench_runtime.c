/* The production runtime (source by inotify, ledger with fsync, act, recorder) on the simulated engine.
 *
 * bench-runtime load ORIGIN STATE             until the desired state is known, with no engine that answers
 * bench-runtime commits ORIGIN STATE < oids   brings everything up, then moves main to each of the commits,
 * and splits the time to the first engine call of each in stages bench-runtime push URL STATE ACCESS < oids
 * likewise, of a remote: says {"ready"} and takes webhooks at STATE/webhook.sock. For each oid it waits for
 * the first engine call of that commit, whoever pushes it and says so
 *
 * ACCESS is a directory with the files user, password, ca.pem and webhook-secret. Prints one line of JSON, of
 * push one for each oid: raw values, for tests/bench/run to judge.
 */
#include "base/credential.h"
#include "base/text.h"
#include "daemon/log.h"
#include "daemon/runtime.h"
#include "daemon/webhook_listener.h"
#include "engine/sim.h"
#include "source/source.h"

#include <fcntl.h>
#include <malloc.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BRANCH_REF    "refs/heads/main"
#define PASSES        21
#define PAUSE_MS      200  /* between commits: what the last one has left to do is not the next one's */
#define QUIET_MS      8000 /* nothing was saved for so long: nothing more will be */
#define SETTLE_MS     3000 /* after a load: saves end */
#define START_GIVE_UP 300000

struct bench {
    uv_loop_t loop;
    struct config config;
    struct runtime *runtime;
    struct sim *sim;
    struct engine_ops ops; /* the sim's, with a stopwatch */
    const struct engine_ops *sim_ops;
    uv_timer_t tick;
    const char *awaited;   /* commit whose first container is waited for */
    double first_write_ms; /* 0: not yet; likewise the next four */
    double heard_ms;       /* the webhook was believed */
    double fetched_ms;     /* the mirror of a local repository has the commit */
    double known_ms;       /* core has it, */
    double planned_ms;     /* and has said what is to be done */
    uv_check_t handled;
    uv_fs_event_t mirror; /* the refs of it */
    bool stepped;
};

static double clock_ms(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static double status_mib(const char *field)
{
    char line[256];
    double kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (text_starts_with(line, field))
            kib = strtod(line + strlen(field), NULL);
    if (file)
        fclose(file);
    return kib / 1024;
}

/* --- the engine ------------------------------------------------------------------------------------------
 */

/* Creating the new task is the first thing that a commit asks of an engine. The table's functions know
 * nothing but the engine; there is one. */
static uint64_t timed_create(struct engine *engine, const struct engine_create *what,
                             const struct engine_call *call)
{
    struct bench *bench = (struct bench *)((char *)engine->ops - offsetof(struct bench, ops));
    if (bench->first_write_ms == 0 && bench->awaited && text_equal(what->labels->commit, bench->awaited))
        bench->first_write_ms = clock_ms(CLOCK_MONOTONIC);
    return bench->sim_ops->create(engine, what, call);
}

static int make_engine(void *data, const struct config_instance *instance, struct engine **ret_engine,
                       struct error *err)
{
    struct bench *bench = data;
    (void)instance;
    (void)err;
    *ret_engine = sim_engine(bench->sim);
    bench->sim_ops = (*ret_engine)->ops;
    bench->ops = *bench->sim_ops;
    bench->ops.create = timed_create;
    (*ret_engine)->ops = &bench->ops;
    return 0;
}

static void on_tick(uv_timer_t *timer)
{
    struct bench *bench = timer->data;
    sim_advance_to(bench->sim, runtime_now_ms());
}

/* --- the runtime -----------------------------------------------------------------------------------------
 */

/* 0 becomes now once core has the awaited commit. */
static void stamp_known(const struct bench *bench, double *stamp_ms)
{
    const struct desired *desired = bench->awaited ? core_desired(runtime_core(bench->runtime)) : NULL;
    if (*stamp_ms == 0 && desired && text_equal(desired->commit.oid, bench->awaited))
        *stamp_ms = clock_ms(CLOCK_MONOTONIC);
}

/* libuv calls it when what came in was handled, and before the runtime plans. */
static void on_handled(uv_check_t *check)
{
    struct bench *bench = check->data;
    stamp_known(bench, &bench->known_ms);
}

static void watch_handled(struct bench *bench)
{
    uv_check_init(&bench->loop, &bench->handled);
    bench->handled.data = bench;
    uv_check_start(&bench->handled, on_handled);
}

static void on_mirror(uv_fs_event_t *watch, const char *name, int events, int status)
{
    struct bench *bench = watch->data;
    (void)events;
    if (status == 0 && bench->fetched_ms == 0 && text_equal(name, "source"))
        bench->fetched_ms = clock_ms(CLOCK_MONOTONIC);
}

static void watch_mirror(struct bench *bench)
{
    char *refs CLEANUP_FREE = memory_printf("%s/%s/mirror.git/refs/davit", bench->config.state_directory,
                                            config_only_source(&bench->config)->name);
    uv_fs_event_init(&bench->loop, &bench->mirror);
    bench->mirror.data = bench;
    int status = uv_fs_event_start(&bench->mirror, on_mirror, refs, 0);
    if (status < 0) {
        fprintf(stderr, "%s: %s\n", refs, uv_strerror(status));
        exit(1);
    }
}

static void on_stepped(void *data)
{
    struct bench *bench = data;
    bench->stepped = true;
    stamp_known(bench, &bench->planned_ms);
}

static void configure(struct config *config, const char *origin, const char *state, bool engine)
{
    config_only_source(config)->origin = memory_strdup(origin);
    config_only_source(config)->branch = memory_strdup("main");
    free(config->state_directory);
    config->state_directory = memory_strdup(state);
    config->owner = memory_strdup("bench");
    config->stopped_retention_ms = 0;
    config->patience_ms = engine ? config->patience_ms : START_GIVE_UP;
    struct config_instance instance = {.name = memory_strdup("local"), .endpoint = memory_strdup("sim")};
    vector_push(&config->instances, instance);
}

static void start(struct bench *bench, const char *origin, const char *state, bool engine)
{
    struct error err = ERROR_INIT;
    const struct sim_options sim = {.seed = 1,
                                    .now_ms = runtime_now_ms(),
                                    .cpu_units = 1 << 30,
                                    .memory_mib = 1 << 30,
                                    .latency_max_ms = 2};
    log_set_level(LOG_LEVEL_ERROR);
    uv_loop_init(&bench->loop);
    configure(&bench->config, origin, state, engine);
    bench->sim = sim_new(&sim);
    sim_image_local(bench->sim, "app:0");
    sim_image_local(bench->sim, "app:1");
    if (!engine)
        sim_crash(bench->sim);
    uv_timer_init(&bench->loop, &bench->tick);
    bench->tick.data = bench;
    uv_timer_start(&bench->tick, on_tick, 1, 1);
    const struct runtime_options options = {.loop = &bench->loop,
                                            .config = &bench->config,
                                            .executable = "/proc/self/exe",
                                            .stepped = on_stepped,
                                            .make_engine = make_engine,
                                            .data = bench};
    if (runtime_new(&options, &bench->runtime, &err) < 0) {
        fprintf(stderr, "%s\n", error_text(&err));
        exit(1);
    }
}

static void stop(struct bench *bench)
{
    uv_close((uv_handle_t *)&bench->tick, NULL);
    runtime_close(bench->runtime);
    uv_run(&bench->loop, UV_RUN_DEFAULT);
    runtime_free(bench->runtime);
    sim_engine(bench->sim)->ops = bench->sim_ops;
    sim_free(bench->sim);
    uv_loop_close(&bench->loop);
    config_deinit(&bench->config);
}

static void run_for(struct bench *bench, double ms)
{
    double end_ms = clock_ms(CLOCK_MONOTONIC) + ms;
    while (clock_ms(CLOCK_MONOTONIC) < end_ms)
        uv_run(&bench->loop, UV_RUN_ONCE);
}

static void print_list(const char *name, const double *values, size_t len)
{
    printf(",\"%s\":[", name);
    for (size_t i = 0; i < len; i++)
        printf("%s%.3f", i ? "," : "", values[i]);
    printf("]");
}

/* --- load ------------------------------------------------------------------------------------------------
 */

static void bench_load(struct bench *bench, const char *origin, const char *state)
{
    double began_ms = clock_ms(CLOCK_MONOTONIC);
    double began_cpu_ms = clock_ms(CLOCK_PROCESS_CPUTIME_ID);
    start(bench, origin, state, false);
    double opened_ms = clock_ms(CLOCK_MONOTONIC);
    while (!core_desired(runtime_core(bench->runtime)))
        uv_run(&bench->loop, UV_RUN_ONCE);
    double known_ms = clock_ms(CLOCK_MONOTONIC);
    double cpu_ms = clock_ms(CLOCK_PROCESS_CPUTIME_ID) - began_cpu_ms;
    double known_peak_mib = status_mib("VmHWM:");
    run_for(bench, SETTLE_MS);
    printf("{\"services\":%zu,\"open_ms\":%.1f,\"known_ms\":%.1f,\"cpu_ms\":%.1f,\"known_peak_mib\":%.1f,"
           "\"peak_mib\":%.1f,\"settled_mib\":%.1f}\n",
           core_services_len(runtime_core(bench->runtime)), opened_ms - began_ms, known_ms - began_ms, cpu_ms,
           known_peak_mib, status_mib("VmHWM:"), status_mib("VmRSS:"));
}

/* --- commits ---------------------------------------------------------------------------------------------
 */

static bool is_up(const struct bench *bench)
{
    const struct core *core = runtime_core(bench->runtime);
    if (!core_desired(core) || sim_containers_len(bench->sim) < core_services_len(core))
        return false;
    struct view_instance view;
    core_view_instance_at(core, 0, &view);
    return (size_t)view.running_tasks >= core_services_len(core);
}

static void read_ledger_ref(const struct bench *bench, char ret_oid[COMMIT_OID_SIZE])
{
    char *path CLEANUP_FREE = memory_printf("%s/ledger.git/refs/davit/state", bench->config.state_directory);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    memset(ret_oid, 0, COMMIT_OID_SIZE);
    if (fd >= 0 && read(fd, ret_oid, COMMIT_OID_SIZE - 1) < 0)
        perror(path);
    if (fd >= 0)
        close(fd);
}

/* Until nothing is saved any more. */
static void settle(struct bench *bench)
{
    char before[COMMIT_OID_SIZE];
    char after[COMMIT_OID_SIZE];
    do {
        read_ledger_ref(bench, before);
        run_for(bench, QUIET_MS);
        read_ledger_ref(bench, after);
    } while (!text_equal(before, after));
}

static void bring_up(struct bench *bench)
{
    double began_ms = clock_ms(CLOCK_MONOTONIC);
    while (!is_up(bench)) {
        run_for(bench, 500);
        if (clock_ms(CLOCK_MONOTONIC) - began_ms > START_GIVE_UP) {
            fprintf(stderr, "the services did not come up: %zu containers\n", sim_containers_len(bench->sim));
            exit(1);
        }
    }
    settle(bench);
}

/* As git does it: a lock file beside the ref, renamed over it. */
static void write_ref(const char *origin, const char *ref, const char *oid, bool sync)
{
    char *path CLEANUP_FREE = memory_printf("%s/%s", origin, ref);
    char *lock CLEANUP_FREE = memory_printf("%s.lock", path);
    int fd = open(lock, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || dprintf(fd, "%s\n", oid) < 0 || (sync && fsync(fd) < 0) || close(fd) < 0 ||
        rename(lock, path) < 0) {
        perror(path);
        exit(1);
    }
}

/* Of one commit. */
struct latency {
    double floor_ms;
    double fetch_ms; /* the branch moves -> the mirror has the commit, */
    double load_ms;  /* core has it, */
    double plan_ms;  /* it is known what is to be done, */
    double save_ms;  /* and the first engine call: the ledger is saved before */
    double commit_ms;
};

struct latency_vec VECTOR_OF(struct latency);

/* The floor: the same write of a ref, and one small file that is synced before anything may be done. */
static double floor_once(const struct bench *bench, const char *oid)
{
    double began_ms = clock_ms(CLOCK_MONOTONIC);
    write_ref(bench->config.sources.items[0].origin, "bench-floor", oid, false);
    write_ref(bench->config.state_directory, "bench-floor", oid, true);
    return clock_ms(CLOCK_MONOTONIC) - began_ms;
}

static void commit_once(struct bench *bench, const char *oid, struct latency_vec *to)
{
    double floor_ms = floor_once(bench, oid);
    bench->first_write_ms = bench->fetched_ms = bench->known_ms = bench->planned_ms = 0;
    bench->awaited = oid;
    double began_ms = clock_ms(CLOCK_MONOTONIC);
    write_ref(bench->config.sources.items[0].origin, BRANCH_REF, oid, false);
    while (bench->first_write_ms == 0)
        uv_run(&bench->loop, UV_RUN_ONCE);
    vector_push(to, (struct latency){.floor_ms = floor_ms,
                                     .fetch_ms = bench->fetched_ms - began_ms,
                                     .load_ms = bench->known_ms - bench->fetched_ms,
                                     .plan_ms = bench->planned_ms - bench->known_ms,
                                     .save_ms = bench->first_write_ms - bench->planned_ms,
                                     .commit_ms = bench->first_write_ms - began_ms});
    run_for(bench, PAUSE_MS);
}

/* One of the members of all of them. */
static void print_stage(const struct latency_vec *latencies, const char *name, size_t offset)
{
    double *values CLEANUP_FREE = memory_calloc(latencies->len + 1, sizeof *values);
    for (size_t i = 0; i < latencies->len; i++)
        memcpy(&values[i], (const char *)&latencies->items[i] + offset, sizeof *values);
    print_list(name, values, latencies->len);
}

/* Every service is marked and found in order. The listing that a reconcile asks for as well is outside. */
static void passes(struct bench *bench, double cpu_ms[static PASSES])
{
    for (int i = 0; i < PASSES; i++) {
        bench->stepped = false;
        double began_ms = clock_ms(CLOCK_PROCESS_CPUTIME_ID);
        runtime_post(bench->runtime, &(struct event){.kind = EVENT_RECONCILE});
        while (!bench->stepped)
            uv_run(&bench->loop, UV_RUN_NOWAIT);
        cpu_ms[i] = clock_ms(CLOCK_PROCESS_CPUTIME_ID) - began_ms;
        run_for(bench, 500);
    }
}

static void bench_commits(struct bench *bench, const char *origin, const char *state)
{
    struct latency_vec latencies = {0};
    double pass_ms[PASSES];
    char oid[COMMIT_OID_SIZE + 1];
    start(bench, origin, state, true);
    watch_handled(bench);
    bring_up(bench);
    watch_mirror(bench);
    while (fgets(oid, sizeof oid, stdin)) {
        oid[strcspn(oid, "\n")] = '\0';
        commit_once(bench, oid, &latencies);
    }
    run_for(bench, 1000);
    uint64_t writes = sim_writes(bench->sim);
    passes(bench, pass_ms);
    printf("{\"services\":%zu,\"pass_writes\":%llu", core_services_len(runtime_core(bench->runtime)),
           (unsigned long long)(sim_writes(bench->sim) - writes));
    print_stage(&latencies, "floor_ms", offsetof(struct latency, floor_ms));
    print_stage(&latencies, "fetch_ms", offsetof(struct latency, fetch_ms));
    print_stage(&latencies, "load_ms", offsetof(struct latency, load_ms));
    print_stage(&latencies, "plan_ms", offsetof(struct latency, plan_ms));
    print_stage(&latencies, "save_ms", offsetof(struct latency, save_ms));
    print_stage(&latencies, "commit_ms", offsetof(struct latency, commit_ms));
    print_list("pass_cpu_ms", pass_ms, PASSES);
    printf("}\n");
    vector_deinit(&latencies);
    uv_close((uv_handle_t *)&bench->mirror, NULL);
    uv_close((uv_handle_t *)&bench->handled, NULL);
}

/* --- push ------------------------------------------------------------------------------------------------
 */

/* The runtime starts this program as its fetch helper, which says here when it began and when it ended. */
#define STAMPS "DAVIT_BENCH_STAMPS"

static int run_fetch_helper(int argc, char **argv)
{
    double began_ms = clock_ms(CLOCK_MONOTONIC);
    int status = source_fetch_helper_main(argc, argv);
    FILE *stamps = getenv(STAMPS) ? fopen(getenv(STAMPS), "we") : NULL;
    if (stamps && (fprintf(stamps, "%.3f %.3f", began_ms, clock_ms(CLOCK_MONOTONIC)) < 0 || fclose(stamps)))
        perror(STAMPS);
    return status;
}

static void read_stamps(double *ret_began_ms, double *ret_ended_ms)
{
    FILE *stamps = fopen(getenv(STAMPS), "re");
    if (!stamps || fscanf(stamps, "%lf %lf", ret_began_ms, ret_ended_ms) != 2) {
        fprintf(stderr, "no fetch has left its times\n");
        exit(1);
    }
    fclose(stamps);
}

static void on_heard(void *data, size_t index)
{
    struct bench *bench = data;
    (void)index; /* there is one */
    if (bench->heard_ms == 0)
        bench->heard_ms = clock_ms(CLOCK_MONOTONIC);
    runtime_poke_source(bench->runtime, NULL);
}

static struct webhook_source source_of(void *data, size_t index)
{
    const struct bench *bench = data;
    const struct config_source *source = &bench->config.sources.items[index];
    return (struct webhook_source){
        .name = source->name,
        .origin = source->origin,
        .followed = {.branch = runtime_source_status(bench->runtime, NULL)->branch}};
}

static char *read_access(const char *directory, const char *name)
{
    char *path CLEANUP_FREE = memory_printf("%s/%s", directory, name);
    char *line = NULL;
    struct error err = ERROR_INIT;
    if (credential_read_line(path, name, &line, &err) < 0) {
        fprintf(stderr, "%s\n", error_text(&err));
        exit(1);
    }
    return line;
}

static struct webhook_listener *listen_to_webhooks(struct bench *bench)
{
    struct webhook_listener *listener = NULL;
    struct error err = ERROR_INIT;
    const struct webhook_listener_options options = {.loop = &bench->loop,
                                                     .address = bench->config.webhook_listen,
                                                     .secret_file = bench->config.webhook_secret_file,
                                                     .data = bench,
                                                     .sources_len = bench->config.sources.len,
                                                     .source = source_of,
                                                     .look = on_heard};
    if (webhook_listener_new(&options, &listener, &err) < 0) {
        fprintf(stderr, "%s\n", error_text(&err));
        exit(1);
    }
    return listener;
}

static void push_once(struct bench *bench, const char *oid)
{
    double began_ms = 0;
    double ended_ms = 0;
    bench->first_write_ms = bench->heard_ms = bench->known_ms = bench->planned_ms = 0;
    bench->awaited = oid;
    while (bench->first_write_ms == 0)
        uv_run(&bench->loop, UV_RUN_ONCE);
    read_stamps(&began_ms, &ended_ms);
    /* Its successor is heard of at once: no look that a webhook asked for is less than this ago. */
    run_for(bench, LIMIT_WEBHOOK_LOOK_MS + PAUSE_MS);
    printf("{\"heard_ms\":%.3f,\"fetch_began_ms\":%.3f,\"fetched_ms\":%.3f,\"known_ms\":%.3f,"
           "\"planned_ms\":%.3f,\"called_ms\":%.3f}\n",
           bench->heard_ms, began_ms, ended_ms, bench->known_ms, bench->planned_ms, bench->first_write_ms);
    fflush(stdout);
}

static void set_access(struct source_access *to, const char *url, const char *directory)
{
    if (text_starts_with(url, "ssh://")) {
        to->key_file = memory_printf("%s/key", directory);
        to->known_hosts_file = memory_printf("%s/known_hosts", directory);
        return;
    }
    to->username = read_access(directory, "user");
    to->password_file = memory_printf("%s/password", directory);
    to->ca_file = memory_printf("%s/ca.pem", directory);
}

static void bench_push(struct bench *bench, const char *url, const char *state, const char *access)
{
    char oid[COMMIT_OID_SIZE + 1];
    char *stamps CLEANUP_FREE = memory_printf("%s.stamps", state);
    setenv(STAMPS, stamps, 1);
    set_access(&config_only_source(&bench->config)->access, url, access);
    bench->config.webhook_listen = memory_printf("unix://%s/webhook.sock", state);
    bench->config.webhook_secret_file = memory_printf("%s/webhook-secret", access);
    start(bench, url, state, true);
    watch_handled(bench);
    struct webhook_listener *listener = listen_to_webhooks(bench);
    bring_up(bench);
    printf("{\"ready\":true}\n");
    fflush(stdout);
    while (fgets(oid, sizeof oid, stdin)) {
        oid[strcspn(oid, "\n")] = '\0';
        push_once(bench, oid);
    }
    webhook_listener_free(listener);
    uv_close((uv_handle_t *)&bench->handled, NULL);
}

static int usage(void)
{
    fprintf(stderr, "usage: bench-runtime load|commits ORIGIN STATE\n"
                    "       bench-runtime push URL STATE ACCESS\n");
    return 2;
}

int main(int argc, char **argv)
{
    struct bench bench = {0};
    struct error err = ERROR_INIT;
    if (argc > 1 && text_equal(argv[1], "fetch-helper"))
        return run_fetch_helper(argc - 1, argv + 1);
    if (argc < 4 || argc != 4 + text_equal(argv[1], "push"))
        return usage();
    if (sodium_init() < 0 || source_library_init(&err) < 0) {
        fprintf(stderr, "%s\n", error_text(&err));
        return 1;
    }
    config_init(&bench.config);
    if (text_equal(argv[1], "load"))
        bench_load(&bench, argv[2], argv[3]);
    else if (text_equal(argv[1], "push"))
        bench_push(&bench, argv[2], argv[3], argv[4]);
    else
        bench_commits(&bench, argv[2], argv[3]);
    stop(&bench);
    source_library_deinit();
    return 0;
}
