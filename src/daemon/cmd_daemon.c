#include "api/api.h"
#include "base/memory.h"
#include "base/text.h"
#include "daemon/commands.h"
#include "daemon/config.h"
#include "daemon/image_updates.h"
#include "daemon/inputs.h"
#include "daemon/notify.h"
#include "daemon/outbox.h"
#include "daemon/runtime.h"
#include "daemon/webhook_listener.h"
#include "http/server.h"
#include "source/source.h"

#include <assert.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_CONFIG "/etc/davit/davit.yaml"

enum { SOCKET, LOOPBACK, LISTENERS };

struct program {
    uv_loop_t loop;
    const struct config *config;
    struct runtime *runtime;
    struct api *api;
    struct outbox *outbox;
    struct image_updates *image_updates; /* NULL: none are wanted */
    struct api_listener listeners[LISTENERS];
    struct webhook_listener *webhooks; /* NULL: none are listened for */
    uv_signal_t signals[3];
    uv_timer_t watchdog;
    bool stopping;
};

static int64_t now_ms(void *data)
{
    struct program *program = data;
    return runtime_time_ms(program->runtime);
}

static void post(void *data, struct event *event)
{
    struct program *program = data;
    runtime_post(program->runtime, event);
}

static void poke_source(void *data, const char *source)
{
    struct program *program = data;
    runtime_poke_source(program->runtime, source);
}

static void poke_at(void *data, size_t index)
{
    const struct program *program = data;
    poke_source(data, program->config->sources.items[index].name);
}

static void looks(void *data, const char *source, struct api_looks *ret_looks)
{
    const struct program *program = data;
    const struct config_source *configured = config_source(program->config, source);
    input_looks(runtime_source_status(program->runtime, source), ret_looks);
    ret_looks->webhooks = program->webhooks ? webhook_listener_news(program->webhooks) : NULL;
    ret_looks->path = configured->path;
    ret_looks->verify = source_verify_policy_name(configured->verify.policy);
}

static struct webhook_source webhook_source(void *data, size_t index)
{
    const struct program *program = data;
    const struct config_source *source = &program->config->sources.items[index];
    return (struct webhook_source){
        .name = source->name,
        .origin = source->origin,
        .followed = {.branch = runtime_source_status(program->runtime, source->name)->branch,
                     .tags = source->verify.policy == SOURCE_VERIFY_TAG}};
}

static void saves(void *data, struct api_saves *ret_saves)
{
    const struct program *program = data;
    runtime_saves(program->runtime, &ret_saves->wanted, &ret_saves->saved);
}

static json_t *notifications(void *data)
{
    const struct program *program = data;
    json_t *list = outbox_status_json(program->outbox);
    json_t *ledger = runtime_ledger_status(program->runtime);
    if (ledger)
        json_array_append_new(list, ledger);
    return list;
}

static json_t *image_updates(void *data)
{
    const struct program *program = data;
    return program->image_updates ? image_updates_status_json(program->image_updates) : NULL;
}

static json_t *other_owners(void *data)
{
    const struct program *program = data;
    return runtime_other_owners(program->runtime);
}

static struct engine *engine(void *data, const char *instance)
{
    struct program *program = data;
    return runtime_engine(program->runtime, instance);
}

static void stepped(void *data)
{
    struct program *program = data;
    uint64_t wanted;
    uint64_t done;
    if (program->api)
        api_publish(program->api);
    runtime_saves(program->runtime, &wanted, &done);
    if (program->outbox)
        outbox_stepped(program->outbox, wanted);
}

static void saved(void *data)
{
    struct program *program = data;
    if (program->api)
        api_saved(program->api);
}

/* Containers go on running: the next start finds them by their labels. */
static void stop(struct program *program)
{
    if (program->stopping)
        return;
    program->stopping = true;
    notify_send("STOPPING=1");
    log_message(LOG_LEVEL_INFO, "stopping; containers keep running");
    for (size_t i = 0; i < LISTENERS; i++)
        if (program->listeners[i].server)
            http_server_free(program->listeners[i].server);
    webhook_listener_free(TAKE(program->webhooks));
    api_free(program->api);
    program->api = NULL;
    outbox_close(TAKE(program->outbox));
    image_updates_close(TAKE(program->image_updates));
    runtime_close(program->runtime);
    for (size_t i = 0; i < ARRAY_LEN(program->signals); i++)
        uv_close((uv_handle_t *)&program->signals[i], NULL);
    uv_close((uv_handle_t *)&program->watchdog, NULL);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct program *program = handle->data;
    if (number == SIGHUP)
        runtime_poke_source(program->runtime, NULL);
    else
        stop(program);
}

static void on_watchdog(uv_timer_t *timer)
{
    (void)timer;
    notify_send("WATCHDOG=1");
}

static int listen_on(struct program *program, int which, const struct http_server_options *options,
                     struct error *err)
{
    struct http_server_options mine = *options;
    program->listeners[which].api = program->api;
    mine.data = &program->listeners[which];
    mine.handle = api_handle;
    int r = http_server_new(&program->loop, &mine, &program->listeners[which].server, err);
    if (r == 0)
        log_message(LOG_LEVEL_INFO, "listening on %s", http_server_address(program->listeners[which].server));
    return r;
}

static void make_parent(const char *path)
{
    char *copy CLEANUP_FREE = memory_strdup(path);
    char *slash = strrchr(copy, '/');
    if (slash && slash != copy) {
        *slash = '\0';
        mkdir(copy, 0755); /* a failure shows when the socket is made */
    }
}

static int start_api(struct program *program, const struct config *config, struct error *err)
{
    const struct api_options options = {.core = runtime_core(program->runtime),
                                        .version = DAVIT_VERSION,
                                        .data = program,
                                        .now_ms = now_ms,
                                        .post = post,
                                        .poke_source = poke_source,
                                        .looks = looks,
                                        .saves = saves,
                                        .notifications = notifications,
                                        .image_updates = image_updates,
                                        .other_owners = other_owners,
                                        .engine = engine};
    int r = 0;
    program->api = api_new(&options);
    if (config->socket) {
        char *address CLEANUP_FREE = memory_printf("unix://%s", config->socket);
        make_parent(config->socket);
        r = listen_on(program, SOCKET,
                      &(struct http_server_options){.listen = address, .group = config->socket_group}, err);
    }
    if (r == 0 && config->listen)
        r = listen_on(program, LOOPBACK, &(struct http_server_options){.listen = config->listen}, err);
    return r;
}

static int start_webhooks(struct program *program, const struct config *config, struct error *err)
{
    if (!config->webhook_listen)
        return 0;
    const struct webhook_listener_options options = {.loop = &program->loop,
                                                     .address = config->webhook_listen,
                                                     .secret_file = config->webhook_secret_file,
                                                     .data = program,
                                                     .sources_len = config->sources.len,
                                                     .source = webhook_source,
                                                     .look = poke_at};
    return webhook_listener_new(&options, &program->webhooks, err);
}

static void start_outbox(struct program *program, const struct config *config)
{
    const struct outbox_options options = {.loop = &program->loop,
                                           .config = config,
                                           .core = runtime_core(program->runtime),
                                           .data = program,
                                           .now_ms = now_ms,
                                           .looks = looks};
    program->outbox = outbox_new(&options);
}

static void on_image_commit(void *data)
{
    struct program *program = data;
    runtime_poke_source(program->runtime, NULL);
}

static void start_image_updates(struct program *program, const struct config *config, const char *executable)
{
    const struct image_updates_options options = {.loop = &program->loop,
                                                  .config = config,
                                                  .executable = executable,
                                                  .committed = on_image_commit,
                                                  .data = program};
    if (config->image_updates.interval_ms > 0)
        program->image_updates = image_updates_new(&options);
}

static void start_signals(struct program *program)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        uv_signal_init(&program->loop, &program->signals[i]);
        program->signals[i].data = program;
        uv_signal_start(&program->signals[i], on_signal, numbers[i]);
    }
    uv_timer_init(&program->loop, &program->watchdog);
    uint64_t watchdog_ms = notify_watchdog_ms();
    if (watchdog_ms)
        uv_timer_start(&program->watchdog, on_watchdog, watchdog_ms, watchdog_ms);
}

static int serve(const struct cli *cli, const struct config *config)
{
    struct error err = ERROR_INIT;
    struct program program = {.config = config};
    char *executable CLEANUP_FREE = daemon_executable();
    uv_loop_init(&program.loop);
    const struct runtime_options options = {.loop = &program.loop,
                                            .config = config,
                                            .executable = executable,
                                            .stepped = stepped,
                                            .saved = saved,
                                            .data = &program};
    if (runtime_new(&options, &program.runtime, &err) < 0) {
        uv_loop_close(&program.loop);
        return cli_fail(cli, "%s", error_text(&err));
    }
    start_signals(&program);
    start_outbox(&program, config);
    start_image_updates(&program, config, executable);
    int r = start_api(&program, config, &err);
    if (r == 0)
        r = start_webhooks(&program, config, &err);
    if (r == 0)
        notify_send("READY=1");
    else
        stop(&program);
    uv_run(&program.loop, UV_RUN_DEFAULT);
    runtime_free(program.runtime);
    uv_loop_close(&program.loop);
    return r < 0 ? cli_fail(cli, "%s", error_text(&err)) : CLI_OK;
}

static int run(const struct cli *cli)
{
    const char *file = cli_value(cli, "config");
    if (!file && access(DEFAULT_CONFIG, F_OK) == 0)
        file = DEFAULT_CONFIG;
    struct error err = ERROR_INIT;
    struct config config;
    config_init(&config);
    int r = daemon_configure(cli, file, &config);
    const char *socket = cli_value(cli, "socket");
    if (socket) {
        free(config.socket);
        config.socket = socket[0] ? memory_strdup(socket) : NULL;
    }
    const char *listen = cli_value(cli, "listen");
    if (listen) {
        free(config.listen);
        config.listen = memory_strdup(listen);
    }
    if (r == CLI_OK && config.socket && config.socket[0] != '/')
        r = cli_usage(cli, "the socket \"%s\" needs an absolute path (socket, --socket, DAVIT_SOCKET)",
                      config.socket);
    if (r == CLI_OK && (sodium_init() < 0 || source_library_init(&err) < 0))
        r = cli_fail(cli, "cannot start: %s", err.message[0] ? err.message : "no randomness");
    else if (r == CLI_OK) {
        r = serve(cli, &config);
        source_library_deinit();
    }
    config_deinit(&config);
    return r;
}

static const struct cli_flag flags[] = {
    {"config", 'c', "FILE", NULL, "the configuration; default " DEFAULT_CONFIG " where it exists", NULL},
    {"source", 's', "ORIGIN", NULL, "repository by path or URL, or a directory", NULL},
    {"branch", 'b', "BRANCH", NULL, "branch to follow; default: the origin's HEAD", NULL},
    {"path", 0, "DIRECTORY", NULL, "where in the repository the manifests are", NULL},
    {"state-directory", 0, "DIRECTORY", NULL, "mirror, ledger and records; default /var/lib/davit", NULL},
    {"owner", 0, "NAME", NULL,
     "label that marks davit's containers; default: follows from the source; the state directory remembers "
     "it",
     NULL},
    {"socket", 0, "PATH", NULL, "where to listen; default /run/davit/davit.sock", NULL},
    {"listen", 0, "ADDRESS", NULL, "loopback address for read operations, e.g. 127.0.0.1:8420", NULL},
    {"log-level", 0, "LEVEL", NULL, "what to log; default info", "error warning info debug"},
    CLI_FLAG_END,
};

static const char *const examples[] = {
    "follow a repository on this host",
    "davit daemon --source /srv/git/infra.git",
    "everything from the configuration",
    "davit daemon --config /etc/davit/davit.yaml",
    NULL,
};

const struct command daemon_command = {
    .name = "daemon",
    .summary = "follow a repository and keep the engines as it says",
    .description =
        "Watches the source, validates each commit, and brings the engines to what the last good one says: "
        "rolling "
        "deployments, replacement of tasks that stopped, removal of services that left the repository. What "
        "runs stays "
        "when a commit is refused, the source is gone or an engine does not answer; `davit status` says "
        "why.\n\n"
        "SIGTERM stops the daemon and leaves the containers running. SIGHUP looks at the source at once.",
    .flags = flags,
    .examples = examples,
    .run = run,
};

static int fetch(const struct cli *cli)
{
    struct error err = ERROR_INIT;
    if (source_library_init(&err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    int r = source_fetch_helper_main(cli->argc, cli->argv);
    source_library_deinit();
    return r;
}

const struct command daemon_fetch_helper_command = {
    .name = "fetch-helper",
    .summary = "fetch one branch into the mirror (the daemon runs this itself)",
    .args_max = -1,
    .hidden = true,
    .raw = true,
    .run = fetch,
};
