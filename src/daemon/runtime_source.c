/* The sources of a runtime: what they tell becomes events, and the log's lines. */
#include "daemon/runtime_state.h"

#include "base/text.h"
#include "daemon/inputs.h"
#include "daemon/log.h"
#include "daemon/other_owners.h"
#include "source/source.h"

#include <assert.h>
#include <stdlib.h>

struct runtime_source *runtime_source_named(const struct runtime *runtime, const char *name)
{
    for (size_t i = 0; i < runtime->sources_len; i++)
        if (!name || text_equal(runtime->sources[i].config->name, name))
            return &runtime->sources[i];
    return NULL;
}

void runtime_poke_source(struct runtime *runtime, const char *source)
{
    assert(runtime);
    for (size_t i = 0; i < runtime->sources_len; i++)
        if (!source || text_equal(runtime->sources[i].config->name, source))
            source_poke(runtime->sources[i].source);
}

const struct source_status *runtime_source_status(const struct runtime *runtime, const char *source)
{
    assert(runtime);
    const struct runtime_source *found = runtime_source_named(runtime, source);
    assert(found);
    return source_get_status(found->source);
}

/* For events: of the only one there is nothing to say. */
static const char *event_name(const struct runtime_source *source)
{
    return source->runtime->sources_len > 1 ? source->config->name : NULL;
}

/* `davit status` shows the source's line first: there it also tells of a ledger that cannot be written,
 * because then nothing of what the source says is carried out. */
void runtime_source_tell(const struct runtime_source *source, const struct source_status *status)
{
    struct runtime *runtime = source->runtime;
    struct event event;
    input_source(event_name(source), status, &event);
    if (runtime->save_trouble) {
        char *own CLEANUP_FREE = TAKE(event.source.message);
        event.source.ok = false;
        event.source.message = memory_printf("%s%s%s", runtime->save_trouble, status->error.code ? "; " : "",
                                             status->error.code ? own : "");
    }
    runtime_post(runtime, &event);
}

static void log_hold(const struct core *core, const struct view_source *source)
{
    bool several = core_sources_len(core) > 1;
    log_message(LOG_LEVEL_WARNING,
                "commit %.12s%s%s is held, what was deployed stays: it %s; davit approve %.12s deploys it",
                source->head->oid, several ? " of source " : "", several ? source->name : "", source->held,
                source->head->oid);
}

static void log_refusal(const struct core *core, const struct view_source *source)
{
    bool several = core_sources_len(core) > 1;
    for (size_t i = 0; i < source->diagnostics->list.len; i++) {
        const struct diagnostic *diagnostic = &source->diagnostics->list.items[i];
        if (diagnostic->severity != SEVERITY_ERROR)
            continue;
        char *text CLEANUP_FREE = diagnostic_to_text(diagnostic);
        log_message(LOG_LEVEL_ERROR, "commit %.12s%s%s is refused, %s: %zu error%s, the first: %s",
                    source->head->oid, several ? " of source " : "", several ? source->name : "",
                    source->wanted ? "what was deployed stays" : "nothing is deployed yet",
                    source->diagnostics->errors, text_plural((int64_t)source->diagnostics->errors), text);
        return;
    }
}

/* Whoever reads the log alone must learn that a commit is not deployed; davit apply says itself that it is
 * held, and what deploys it there. */
static void log_verdict(const struct runtime *runtime, size_t index)
{
    struct view_source source;
    core_view_source_at(runtime->core, index, &source);
    if (source.held && !runtime->options.once)
        log_hold(runtime->core, &source);
    if (source.head && source.diagnostics->errors)
        log_refusal(runtime->core, &source);
}

static void log_move(struct runtime_source *source, const struct source_status *status)
{
    struct api_looks looks;
    input_looks(status, &looks);
    if (looks.move.seen_at_ms == source->move_told_ms)
        return;
    source->move_told_ms = looks.move.seen_at_ms;
    char *text CLEANUP_FREE = api_move_text(&looks.move);
    log_message(LOG_LEVEL_WARNING, "source %s: %s", status->origin, text);
}

static void log_rewrite(struct runtime_source *source)
{
    const struct source_status *status = source_get_status(source->source);
    struct api_looks looks;
    log_move(source, status);
    input_looks(status, &looks);
    if (looks.rewrite.seen_at_ms == source->rewrite_told_ms)
        return;
    source->rewrite_told_ms = looks.rewrite.seen_at_ms;
    char *text CLEANUP_FREE = api_rewrite_text(status->branch, &looks.rewrite);
    log_message(LOG_LEVEL_WARNING, "source %s: %s", status->origin, text);
}

static bool has_good_commit(const struct runtime_source *source)
{
    struct view_source view;
    core_view_source_at(source->runtime->core, (size_t)(source - source->runtime->sources), &view);
    return view.wanted != NULL;
}

static void on_update(void *data, const struct source_update *update)
{
    struct runtime_source *source = data;
    struct runtime *runtime = source->runtime;
    log_rewrite(source);
    struct event event;
    bool had_commit = has_good_commit(source);
    input_commit(event_name(source), update, &event);
    runtime_post(runtime, &event);
    if (runtime->other_owners && !had_commit && has_good_commit(source))
        other_owners_look(runtime->other_owners);
    if (update->head)
        log_verdict(runtime, (size_t)(source - runtime->sources));
}

static void on_status(void *data, const struct source_status *status)
{
    log_move(data, status);
    if (!status->ok)
        log_message(LOG_LEVEL_WARNING, "source %s: %s; davit keeps trying, and what runs stays",
                    status->origin, error_text(&status->error));
    runtime_source_tell(data, status);
}

static char *mirror_of(const struct runtime_source *source)
{
    return memory_printf("%s/%s/mirror.git", source->runtime->options.config->state_directory,
                         source->config->name);
}

/* A blob's id is its content's: whichever source has it, it is what the manifest named. */
int runtime_source_blob(void *data, const char *oid, char **ret_content, size_t *ret_len, struct error *err)
{
    const struct runtime *runtime = data;
    int r = ERROR_NOT_FOUND;
    for (size_t i = 0; r == ERROR_NOT_FOUND && i < runtime->sources_len; i++) {
        char *mirror CLEANUP_FREE = mirror_of(&runtime->sources[i]);
        const struct source_blob blob = {mirror, oid, LIMIT_FILE_BYTES};
        r = source_read_blob(&blob, ret_content, ret_len, err);
    }
    return r;
}

void runtime_sources_make(struct runtime *runtime)
{
    const struct config_source_vec *sources = &runtime->options.config->sources;
    runtime->sources = memory_calloc(sources->len, sizeof *runtime->sources);
    runtime->sources_len = sources->len;
    for (size_t i = 0; i < sources->len; i++)
        runtime->sources[i] = (struct runtime_source){.runtime = runtime, .config = &sources->items[i]};
}

/* Somebody in a directory of a clone may mean what is committed there. */
static void warn_of_part(const char *origin)
{
    char *top CLEANUP_FREE = NULL;
    char *path CLEANUP_FREE = NULL;
    if (!source_is_part_of_repository(origin, &top, &path))
        return;
    log_message(
        LOG_LEVEL_WARNING,
        "source %s: it is a directory in the work tree %s and is taken as it is, changes that are not "
        "committed too; what is committed is the source %s with the path %s",
        origin, top, top, path);
}

static void start_source(struct runtime_source *source)
{
    struct runtime *runtime = source->runtime;
    const struct config_source *config = source->config;
    char *mirror CLEANUP_FREE = mirror_of(source);
    warn_of_part(config->origin);
    const struct source_options options = {.origin = config->origin,
                                           .branch = config->branch,
                                           .path = config->path,
                                           .mirror_dir = mirror,
                                           .executable = runtime->options.executable,
                                           .since = source->since[0] ? source->since : NULL,
                                           .roots = &source->roots,
                                           .access = &config->access,
                                           .verify = &config->verify,
                                           .newest_only = runtime->options.once,
                                           .poll_ms = config->poll_ms,
                                           .fetch_ms = config->fetch_ms,
                                           .fetch_stall_ms = config->fetch_stall_ms,
                                           .fetch_bytes = config->fetch_bytes};
    const struct source_listener listener = {.on_update = on_update, .on_status = on_status, .data = source};
    source->source = source_new(runtime->options.loop, &options, &listener);
}

void runtime_sources_start(struct runtime *runtime)
{
    for (size_t i = 0; i < runtime->sources_len; i++)
        start_source(&runtime->sources[i]);
}
