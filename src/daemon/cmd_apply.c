#include "base/memory.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "daemon/commands.h"
#include "daemon/config.h"
#include "daemon/runtime.h"
#include "source/source.h"

#include <assert.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct apply {
    const struct cli *cli;
    uv_loop_t loop;
    struct runtime *runtime;
    struct progress *progress;
    uv_timer_t timeout;
    uv_timer_t patience;
    uv_signal_t signals[3];
    bool retried; /* what had failed before, by --retry */
    bool asking;  /* it has been told which instances are asked first */
    int result;   /* -1 while under way */
};

static void finish(struct apply *apply, int result)
{
    if (apply->result >= 0)
        return;
    apply->result = result;
    runtime_close(apply->runtime);
    uv_close((uv_handle_t *)&apply->timeout, NULL);
    uv_close((uv_handle_t *)&apply->patience, NULL);
    for (size_t i = 0; i < ARRAY_LEN(apply->signals); i++)
        uv_close((uv_handle_t *)&apply->signals[i], NULL);
}

static void refuse(struct apply *apply, const struct view_source *source)
{
    char commit[COMMIT_SHORT_SIZE];
    commit_short(source->head->oid, commit);
    cli_write_diagnostics(apply->cli->err, source->diagnostics, "");
    cli_fail(apply->cli, "commit %s is refused: %zu error%s; nothing was changed", commit,
             source->diagnostics->errors, text_plural((int64_t)source->diagnostics->errors));
    finish(apply, CLI_NO);
}

/* Waiting helps no commit that is not signed as the configuration wants it. */
static void refuse_unsigned(struct apply *apply, const char *message)
{
    const struct source_status *status = runtime_source_status(apply->runtime, NULL);
    if (!status->refused)
        return;
    cli_fail(apply->cli, "%s; nothing was changed", message);
    finish(apply, CLI_NO);
}

/* The event's end comes back here as a step. */
static void hold(struct apply *apply, const struct view_source *source)
{
    struct event event = {.kind = EVENT_APPROVE};
    memcpy(event.approve.oid, source->head->oid, sizeof event.approve.oid);
    if (cli_is_on(apply->cli, "approve-deletions")) {
        runtime_post(apply->runtime, &event);
        return;
    }
    cli_fail(apply->cli,
             "commit %.12s is held: it %s; nothing was changed; --approve-deletions deploys it all the same",
             source->head->oid, source->held);
    finish(apply, CLI_NO);
}

static bool has_failed(const struct view_service *view)
{
    return view->ledger && view->desired && service_ledger_known_bad(view->ledger, &view->desired->digest);
}

/* Once, before anything of this run has failed. Each event's end comes back here as a step. */
static void retry(struct apply *apply)
{
    struct view_service view;
    apply->retried = true;
    for (size_t i = 0; core_view_service_at(runtime_core(apply->runtime), i, &view); i++) {
        struct event event = {.kind = EVENT_RETRY};
        if (!has_failed(&view))
            continue;
        event.retry.cluster = memory_strdup(view.cluster);
        event.retry.service = memory_strdup(view.name);
        runtime_post(apply->runtime, &event);
    }
}

/* Before it is known what runs there is nothing to tell of services. */
static void tell_awaited(struct apply *apply)
{
    const struct core *core = runtime_core(apply->runtime);
    struct view_instance view;
    if (apply->asking)
        return;
    apply->asking = true;
    fputs("looking at what runs on", apply->cli->err);
    for (size_t i = 0, told = 0; i < core_instances_len(core); i++) {
        core_view_instance_at(core, i, &view);
        if (!view.connected)
            fprintf(apply->cli->err, "%s %s", told++ ? "," : "", view.name);
    }
    fputc('\n', apply->cli->err);
    fflush(apply->cli->err);
}

struct progress_service_vec VECTOR_OF(struct progress_service);

/* Counts how the services stand and shows it; the last picture in full. */
static void survey(struct apply *apply, bool last, size_t *ret_busy, size_t *ret_failed)
{
    const struct core *core = runtime_core(apply->runtime);
    struct progress_service_vec services = {0};
    struct view_service view;
    for (size_t i = 0; core_view_service_at(core, i, &view); i++) {
        struct progress_service service;
        progress_of_view(core, &view, &service);
        *ret_busy += service.state == PROGRESS_BUSY;
        *ret_failed += service.state == PROGRESS_FAILED || service.state == PROGRESS_BLOCKED;
        vector_push(&services, service);
    }
    if (core_is_awaiting(core) && !last)
        tell_awaited(apply);
    else if (last || (*ret_busy == 0 && !core_is_dirty(core)))
        progress_finish(apply->progress, services.items, services.len);
    else
        progress_show(apply->progress, services.items, services.len);
    vector_deinit(&services);
}

static void stepped(void *data)
{
    struct apply *apply = data;
    struct view_source source;
    size_t busy = 0;
    size_t failed = 0;
    if (apply->result >= 0)
        return;
    core_view_source(runtime_core(apply->runtime), &source);
    if (!source.seen) {
        refuse_unsigned(apply, source.message);
        return; /* --timeout bounds the wait for the source; the reason is told then */
    }
    if (source.diagnostics->errors) {
        refuse(apply, &source);
        return;
    }
    if (source.held) {
        hold(apply, &source);
        return;
    }
    if (cli_is_on(apply->cli, "retry") && !apply->retried)
        retry(apply);
    if (apply->result >= 0)
        return;
    survey(apply, false, &busy, &failed);
    const struct core *core = runtime_core(apply->runtime);
    if (busy || core_is_dirty(core) || core_is_awaiting(core)) /* what failed before hides nothing of it */
        return;
    if (failed)
        cli_fail(
            apply->cli,
            "%zu deployment%s failed or blocked; what ran before goes on running; content that failed is "
            "tried again when it has changed, or by --retry",
            failed, text_plural((int64_t)failed));
    finish(apply, failed ? CLI_TIMEOUT : CLI_OK);
}

static void on_timeout(uv_timer_t *timer)
{
    struct apply *apply = timer->data;
    struct view_source source;
    size_t busy = 0;
    size_t failed = 0;
    core_view_source(runtime_core(apply->runtime), &source);
    survey(apply, true, &busy, &failed);
    if (!source.seen)
        cli_fail(apply->cli, "nothing was read from the source: %s",
                 source.message ? source.message : "no commit");
    else
        cli_fail(apply->cli, "not converged in time; run it again to go on, or davit daemon to keep at it");
    finish(apply, CLI_TIMEOUT);
}

/* Whoever applies by hand is told now, not when the time has run out. Once an engine has answered it may come
 * back. */
static void on_patience(uv_timer_t *timer)
{
    struct apply *apply = timer->data;
    const struct core *core = runtime_core(apply->runtime);
    struct view_instance view = {0};
    for (size_t i = core_instances_len(core); i-- > 0;) {
        core_view_instance_at(core, i, &view);
        if (view.connected || view.lost_ms)
            return;
    }
    cli_fail(apply->cli, "no engine answers, and nothing was changed: instance %s: %s", view.name,
             view.message);
    finish(apply, CLI_TIMEOUT);
}

/* As a time that ran out: what is saved is saved, and the next run goes on from there. */
static void on_signal(uv_signal_t *handle, int number)
{
    struct apply *apply = handle->data;
    if (apply->result < 0)
        cli_fail(apply->cli, "ended by %s; run it again to go on", strsignal(number));
    finish(apply, CLI_TIMEOUT);
}

static bool is_ignored(int number)
{
    struct sigaction action;
    return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

/* What whoever started it had ignored stays so: nohup. */
static void start_signals(struct apply *apply)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        uv_signal_init(&apply->loop, &apply->signals[i]);
        apply->signals[i].data = apply;
        if (!is_ignored(numbers[i]))
            uv_signal_start(&apply->signals[i], on_signal, numbers[i]);
    }
}

static int converge(const struct cli *cli, const struct config *config, int64_t timeout_ms)
{
    struct error err = ERROR_INIT;
    char *executable CLEANUP_FREE = daemon_executable();
    struct apply apply = {.cli = cli, .result = -1};
    uv_loop_init(&apply.loop);
    const struct runtime_options options = {.loop = &apply.loop,
                                            .config = config,
                                            .executable = executable,
                                            .once = true,
                                            .stepped = stepped,
                                            .data = &apply};
    if (runtime_new(&options, &apply.runtime, &err) < 0) {
        uv_loop_close(&apply.loop);
        return cli_fail(cli, "%s", error_text(&err));
    }
    apply.progress = progress_new(cli);
    uv_timer_init(&apply.loop, &apply.timeout);
    apply.timeout.data = &apply;
    uv_timer_start(&apply.timeout, on_timeout, (uint64_t)timeout_ms, 0);
    uv_timer_init(&apply.loop, &apply.patience);
    apply.patience.data = &apply;
    uv_timer_start(&apply.patience, on_patience, (uint64_t)config->patience_ms, 0);
    start_signals(&apply);
    uv_run(&apply.loop, UV_RUN_DEFAULT);
    runtime_free(apply.runtime);
    progress_free(apply.progress);
    uv_loop_close(&apply.loop);
    return apply.result;
}

/* Where davit keeps what it knows, without a configuration: the system's place for root, else the user's. */
static void default_state(struct config *config)
{
    const char *home = getenv("HOME");
    const char *state = getenv("XDG_STATE_HOME");
    if (geteuid() == 0 || (!home && !state))
        return;
    free(config->state_directory);
    config->state_directory = state && state[0] == '/' ? memory_printf("%s/davit", state)
                                                       : memory_printf("%s/.local/state/davit", home);
}

static int run(const struct cli *cli)
{
    struct error err = ERROR_INIT;
    struct config config;
    int64_t timeout_ms = 0;
    config_init(&config);
    default_state(&config);
    config.log_level = LOG_LEVEL_WARNING;
    struct config_source *source = config_only_source(&config);
    assert(source); /* nothing has been read that could name several */
    source->origin = memory_strdup(cli->argc ? cli->argv[0] : ".");
    int r = cli_duration_ms(cli, "timeout", &timeout_ms);
    if (r == CLI_OK)
        r = daemon_configure(cli, cli_value(cli, "config"), &config);
    source = config_only_source(&config);
    if (r == CLI_OK && !source)
        r = cli_usage(cli, "the configuration has `sources`, which only davit daemon follows");
    if (r == CLI_OK && source && !strchr(source->origin, ':') && access(source->origin, F_OK) < 0)
        r = cli_fail(cli, "%s: no such repository or directory", source->origin);
    if (r == CLI_OK && (sodium_init() < 0 || source_library_init(&err) < 0))
        r = cli_fail(cli, "cannot start: %s", err.message[0] ? err.message : "no randomness");
    else if (r == CLI_OK) {
        r = converge(cli, &config, timeout_ms);
        source_library_deinit();
    }
    config_deinit(&config);
    return r;
}

static const struct cli_flag flags[] = {
    {"config", 'c', "FILE", NULL, "a configuration, as of davit daemon", NULL},
    {"branch", 'b', "BRANCH", NULL, "branch to apply; default: the origin's HEAD", NULL},
    {"path", 0, "DIRECTORY", NULL, "where in the repository the manifests are", NULL},
    {"state-directory", 0, "DIRECTORY", NULL,
     "mirror, ledger and records; default /var/lib/davit, or the user's", NULL},
    {"owner", 0, "NAME", NULL,
     "label that marks davit's containers; default: follows from the source; the state directory remembers "
     "it",
     NULL},
    {"timeout", 't', "DURATION", "10m", "how long to try", NULL},
    {"approve-deletions", 0, NULL, NULL, "also where most services would be removed", NULL},
    {"retry", 0, NULL, NULL, "also what failed before and has not changed since", NULL},
    {"log-level", 0, "LEVEL", NULL, "what to log; default warning", "error warning info debug"},
    CLI_FLAG_END,
};

static const char *const examples[] = {
    "bring the engine to what the repository here says",
    "davit apply",
    "one service's directory, at most two minutes",
    "davit apply /srv/infra --path prod --timeout 2m",
    "again, when what failed was not for a cause in the repository",
    "davit apply --retry",
    NULL,
};

static const struct cli_exit exits[] = {
    {CLI_OK, "converged"},
    {CLI_NO, "the commit is refused or held"},
    {CLI_ERROR, "wrong usage, or it could not start"},
    {CLI_TIMEOUT, "not converged in time, no engine answers, ended by a signal, or a deployment failed"},
    {0, NULL},
};

const struct command daemon_apply_command = {
    .name = "apply",
    .summary = "bring the engines to what a repository says, once",
    .args = "[ORIGIN]",
    .description = "Does what the daemon does until everything is as the last commit says, shows the "
                   "progress, and ends. A git "
                   "repository is applied as committed: changes in the work tree are not looked at. A "
                   "directory without git is "
                   "applied as it is, and so is one below the root of a work tree, with a warning: its "
                   "repository with --path applies what is committed.\n\n"
                   "Containers keep running afterwards, and nobody heals them, nor are scheduled tasks "
                   "started: that is the daemon's work.",
    .flags = flags,
    .examples = examples,
    .exits = exits,
    .args_max = 1,
    .run = run,
};
