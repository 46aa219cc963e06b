/* What a runtime is made of. Inner header of runtime*.c: runtime.c has the turns and the ledger, the other
 * two what reports to them, by runtime_post(). */
#pragma once

#include "act/act.h"
#include "daemon/clock_watch.h"
#include "daemon/runtime.h"
#include "daemon/thrift.h"
#include "daemon/timebase.h"

#include <stdint.h>

struct runtime_instance {
    struct runtime *runtime;
    const char *name;
    struct engine *engine;
    struct engine_watch *watch;
    int64_t heard_boot_ms; /* when it answered last, by runtime_boot_ms() */
    bool is_local;         /* its clock is this host's */
};

struct runtime_source {
    struct runtime *runtime;
    const struct config_source *config;
    struct source *source;
    char since[COMMIT_OID_SIZE]; /* what an earlier life deployed last; "": nothing is known */
    struct string_vec roots;     /* that it was asked for last then */
    int64_t rewrite_told_ms;     /* of the branch, when the one that the log has was seen */
    int64_t move_told_ms;        /* likewise, of the origin's HEAD */
};

struct runtime {
    struct runtime_options options;
    struct core *core;
    struct act *act;
    struct writer *writer;
    struct ledger_remote *ledger_remote; /* NULL: the ledger stays here */
    struct other_owners *other_owners;   /* NULL: it did not begin without state */
    struct runtime_source *sources;      /* as in the configuration */
    size_t sources_len;
    struct history_lock *lock;
    struct recorder *recorder;
    struct secret_store *secrets;
    struct runtime_instance *instances;
    size_t instances_len;
    struct effect_vec effects; /* of the current turn */
    uv_prepare_t before_sleep;
    uv_timer_t wake;
    struct thrift thrift;
    struct timebase timebase;
    struct clock_watch clock_watch;
    bool leaped; /* the wall clock, and core was not told yet */
    int64_t leaped_ms;
    char *save_trouble; /* why the ledger cannot be written; NULL: it can */
    int64_t wake_at_ms;
    bool stepped;
    uint64_t saves_wanted;
    uint64_t saves_done;
    bool recording;
    bool closing;
};

/* runtime.c: milliseconds that no clock that is set changes. */
int64_t runtime_boot_ms(void);

/* runtime_source.c */

/* From the configuration, before the ledger is read. */
void runtime_sources_make(struct runtime *runtime);
void runtime_sources_start(struct runtime *runtime);
/* NULL: there is none of that name; without a name the first. Borrowed. */
struct runtime_source *runtime_source_named(const struct runtime *runtime, const char *name);
/* Posts how the source is. */
void runtime_source_tell(const struct runtime_source *source, const struct source_status *status);
/* `blob` of struct act_stores; data is the runtime. */
int runtime_source_blob(void *data, const char *oid, char **ret_content, size_t *ret_len, struct error *err);

/* runtime_engine.c */

/* 0, or why an instance of the configuration cannot be. */
int runtime_engines_open(struct runtime *runtime, struct error *err);
void runtime_engines_watch(struct runtime *runtime);
/* NULL: there is none of that name. Borrowed. */
struct runtime_instance *runtime_instance_named(struct runtime *runtime, const char *name);
/* `done` of struct act_options; data is the runtime. */
void runtime_engine_done(void *data, const struct act_outcome *outcome);
