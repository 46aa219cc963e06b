#include "api/source_log.h"

#include "api/operation.h"
#include "base/text.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct noting {
    struct api *api;
    struct source_log *log;
    struct view_source source;
};

void source_log_free(struct source_log *log)
{
    for (size_t i = 0; i < log->events_len; i++) {
        free(log->events[i].id);
        free(log->events[i].message);
    }
    free(log->events);
    free(log->trouble);
    free(log->why);
    free(log);
}

/* Takes what. */
static void tell(const struct noting *noting, char *what)
{
    struct source_log *log = noting->log;
    const char *name = noting->source.name;
    int64_t now_ms = noting->api->now_ms(noting->api->data);
    if (!log->events)
        log->events = memory_calloc(LIMIT_SERVICE_EVENTS, sizeof *log->events);
    if (log->events_len == LIMIT_SERVICE_EVENTS) {
        free(log->events[0].id);
        free(log->events[0].message);
        memmove(log->events, log->events + 1, --log->events_len * sizeof *log->events);
    }
    log->events[log->events_len++] =
        (struct view_event){.id = memory_printf("%s-%" PRId64 "-%u", name, now_ms, log->count++),
                            .at_ms = now_ms,
                            .message = memory_printf("(source %s) %s", name, what)};
    free(what);
}

static void note_trouble(const struct noting *noting)
{
    struct source_log *log = noting->log;
    const char *trouble = noting->source.ok ? NULL : noting->source.message;
    bool was_looked_at = noting->source.origin != NULL; /* which comes with the first look */
    if (!was_looked_at || text_equal(log->trouble, trouble) || (!noting->source.ok && !trouble))
        return;
    tell(noting, trouble ? memory_printf("has trouble: %s", trouble) : memory_strdup("has recovered."));
    free(log->trouble);
    log->trouble = memory_strdup(trouble);
}

static char *first_error(const struct diagnostics *diagnostics)
{
    for (size_t i = 0; i < diagnostics->list.len; i++)
        if (diagnostics->list.items[i].severity == SEVERITY_ERROR)
            return diagnostic_to_text(&diagnostics->list.items[i]);
    return memory_strdup("");
}

static void note_head(const struct noting *noting)
{
    struct source_log *log = noting->log;
    const struct view_source *source = &noting->source;
    const char *oid = source->head ? source->head->oid : "";
    const struct diagnostics *diagnostics = source->diagnostics;
    if (diagnostics && diagnostics->errors && !text_equal(log->refused, oid)) {
        char *first CLEANUP_FREE = first_error(diagnostics);
        memcpy(log->refused, oid, strlen(oid) + 1);
        tell(noting, memory_printf("refused commit %.12s, with %zu error%s: %s", oid, diagnostics->errors,
                                   text_plural((int64_t)diagnostics->errors), first));
    }
    if (source->held && !text_equal(log->held, oid)) {
        memcpy(log->held, oid, strlen(oid) + 1);
        free(log->why);
        log->why = memory_strdup(source->held);
        tell(noting, memory_printf("holds commit %.12s: it %s; davit approve %.12s", oid, source->held, oid));
    }
}

static void note_approval(const struct noting *noting)
{
    struct source_log *log = noting->log;
    const struct commit *wanted = noting->source.wanted;
    if (!log->why || !wanted || !text_equal(log->held, wanted->oid))
        return;
    tell(noting, memory_printf("deploys commit %.12s, which was approved: it %s", wanted->oid, log->why));
    free(TAKE(log->why));
}

char *api_rewrite_text(const char *branch, const struct api_rewrite *rewrite)
{
    assert(rewrite && rewrite->from);
    if (rewrite->moved_to)
        return memory_printf(
            "%s, which HEAD was moved to, does not contain %.12s, which was deployed: now %.12s; "
            "%s%.12s",
            rewrite->moved_to, rewrite->from, rewrite->to,
            rewrite->fork[0] ? "both have " : "they have no commit in common", rewrite->fork);
    return memory_printf("%s was rewritten, from %.12s to %.12s, which does not contain it; %s%.12s",
                         branch ? branch : "the branch", rewrite->from, rewrite->to,
                         rewrite->fork[0] ? "both have " : "they have no commit in common", rewrite->fork);
}

char *api_move_text(const struct api_move *move)
{
    assert(move && move->from);
    return memory_printf("HEAD of the origin is now %s (was %s); \"branch: %s\" of the source stays with it",
                         move->to, move->from, move->from);
}

static void note_move(const struct noting *noting)
{
    struct api_looks looks = {0};
    noting->api->looks(noting->api->data, noting->source.name, &looks);
    if (!looks.move.from || looks.move.seen_at_ms == noting->log->move_ms)
        return;
    noting->log->move_ms = looks.move.seen_at_ms;
    tell(noting, api_move_text(&looks.move));
}

static void note_rewrite(const struct noting *noting)
{
    struct api_looks looks = {0};
    const struct api_rewrite *rewrite = &looks.rewrite;
    noting->api->looks(noting->api->data, noting->source.name, &looks);
    if (!rewrite->from || rewrite->seen_at_ms == noting->log->rewrite_ms)
        return;
    noting->log->rewrite_ms = rewrite->seen_at_ms;
    tell(noting, api_rewrite_text(noting->source.branch, rewrite));
}

void source_log_note(struct api *api)
{
    assert(api);
    for (size_t i = 0; i < core_sources_len(api->core); i++) {
        struct noting noting = {.api = api};
        core_view_source_at(api->core, i, &noting.source);
        if (noting.source.gone)
            continue;
        noting.log = map_get(&api->source_logs, noting.source.name);
        if (!noting.log) {
            noting.log = NEW(struct source_log);
            map_put(&api->source_logs, noting.source.name, noting.log);
        }
        note_move(&noting);
        note_rewrite(&noting); /* first: what follows is of the branch as it is now */
        note_trouble(&noting);
        note_approval(&noting);
        note_head(&noting);
    }
}
