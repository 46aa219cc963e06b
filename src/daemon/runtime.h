/* The wiring: source, engines, history and core on one libuv loop. It decides nothing: it turns what the
 * parts report into events, hands them to core, and carries out the effects. The daemon and `davit apply` run
 * the same one.
 */
#pragma once

#include "core/core.h"
#include "daemon/config.h"
#include "engine/engine.h"
#include "history/recorder.h"

#include <uv.h>

struct runtime;

struct runtime_options {
    uv_loop_t *loop;
    const struct config *config; /* borrowed for the life of the runtime */
    const char *executable;      /* this program, for its fetch helper */
    bool once;                   /* it ends when all is as the commit says: nothing starts by the clock */
    /* After core has taken a step that may have changed what a person sees. */
    void (*stepped)(void *data);
    /* More of what core wants to have saved is on disk. */
    void (*saved)(void *data);
    /* Makes an instance's engine; NULL: Docker at its endpoint. Benchmarks put the simulated one here. */
    int (*make_engine)(void *data, const struct config_instance *instance, struct engine **ret_engine,
                       struct error *err);
    void *data;
};

/* Takes the state directory's lock, reads the ledger, starts to listen. Errors name the place and the remedy.
 */
int runtime_new(const struct runtime_options *options, struct runtime **ret_runtime, struct error *err);
/* Stops listening, waits for nothing but a save under way; containers keep running. The loop must be run
 * until its handles are closed. */
void runtime_close(struct runtime *runtime);
/* After the loop has run out. */
void runtime_free(struct runtime *runtime);

const struct core *runtime_core(const struct runtime *runtime);
/* Takes over the event; time and seed are set here. */
void runtime_post(struct runtime *runtime, struct event *event);
/* NULL: each of them. */
void runtime_poke_source(struct runtime *runtime, const char *source);
/* Changes of the ledger since the start: that core wants to have saved, and that are on disk. */
void runtime_saves(const struct runtime *runtime, uint64_t *ret_wanted, uint64_t *ret_saved);
/* NULL: the first one. */
const struct source_status *runtime_source_status(const struct runtime *runtime, const char *source);
/* How the ledger's remote does, as ledger_remote_status_json(); NULL: it has none. The caller's. */
json_t *runtime_ledger_status(const struct runtime *runtime);
/* As other_owners_status_json(). The caller's. */
json_t *runtime_other_owners(const struct runtime *runtime);
struct engine *runtime_engine(struct runtime *runtime, const char *instance); /* NULL: no such instance */
/* The time of core, which never goes back (daemon/timebase.h). */
int64_t runtime_time_ms(struct runtime *runtime);
int64_t runtime_now_ms(void); /* the wall clock */
