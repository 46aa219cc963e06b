/* What core remembers. Internal to core/. */
#pragma once

#include "base/map.h"
#include "core/core.h"
#include "manifest/manifest.h"

struct service_state {
    char *cluster;
    char *name;
    char *key;                     /* "cluster/name" */
    struct service *desired;       /* owned reference; NULL: not in the repository */
    struct service_ledger *ledger; /* NULL: nothing known */
    struct plan_memory memory;
    struct plan_failure_vec failures; /* not planned with yet */
    struct container_vec containers;  /* borrowed from instances */
    struct action_vec under_way;      /* borrowed from flights */
    struct view_event *events;        /* ring of LIMIT_SERVICE_EVENTS once it is full; grows until then */
    size_t events_cap;
    size_t events_first;
    size_t events_len;
    char *waiting;
    char *trouble; /* why the last action had no outcome; NULL: it had */
    int troubles_in_row;
    int64_t hold_until_ms; /* not planned before: an action had no outcome */
    int64_t wake_ms;       /* 0: none */
    bool dirty;
};

struct instance_state {
    char *name;
    bool answered; /* listed or failed once since the start */
    bool connected;
    bool listed;
    char *message;   /* why not */
    int64_t lost_ms; /* when it was listed last, while it is not; 0: never, or it is */
    struct instance_info info;
    struct map containers; /* id -> struct container, owned */
};

/* An action that was sent and has not been answered. */
struct flight {
    struct action *action; /* owned */
    struct service_state *service;
    int64_t since_ms;
    bool unknown; /* it ended without an outcome: the next listing tells */
    char *progress_status;
    int64_t progress_bytes;
    int64_t progress_total_bytes;
};

struct service_state_vec VECTOR_OF(struct service_state *);

struct core {
    char *owner;
    struct plan_options plan;
    int64_t patience_ms;
    struct instance_state *instances;
    size_t instances_len;

    struct manifest *manifest;
    struct map families; /* family -> struct family_ledger, owned */
    struct desired *desired;
    char deployed[COMMIT_OID_SIZE]; /* what an earlier life had deployed last; "": nothing */
    struct commit head;             /* oid "" before the first */
    int64_t head_ms;
    struct diagnostics diagnostics;
    bool source_ok;
    char *source_message;
    char *source_origin;
    char *source_branch;

    struct map services;             /* key -> struct service_state, owned */
    struct service_state_vec sorted; /* by key; valid unless unsorted */
    bool unsorted;
    struct map flights; /* id in decimal -> struct flight, owned */
    uint64_t last_action_id;
    int64_t first_ms; /* of the first event */
    int64_t now_ms;   /* of the last event */
    int64_t wake_ms;  /* last EFFECT_WAKE */
    bool dirty;
    struct id_source ids; /* of the current step */
};

struct service_state *core_service_state(struct core *core, const char *cluster, const char *name,
                                         bool create);
void core_mark(struct core *core, struct service_state *service);
void core_mark_all(struct core *core);
/* Room was freed on an instance: whoever waits for it may find some now. */
void core_mark_waiting(struct core *core);
struct instance_state *core_instance_state(const struct core *core, const char *name);
void core_add_event(struct core *core, struct service_state *service, const char *message);
void core_forget_service(struct core *core, struct service_state *service);
void core_save(struct effect_vec *effects, enum ledger_change_kind kind, const char *name, json_t *entry,
               const char *message);

/* One handler per event kind, in the file of its subject. */
void core_on_ledger(struct core *core, struct event *event, struct effect_vec *effects);
void core_on_commit(struct core *core, struct event *event, struct effect_vec *effects);
void core_on_source(struct core *core, struct event *event, struct effect_vec *effects);
void core_on_connected(struct core *core, struct event *event, struct effect_vec *effects);
void core_on_disconnected(struct core *core, struct event *event, struct effect_vec *effects);
void core_on_listed(struct core *core, struct event *event, struct effect_vec *effects);
void core_on_container(struct core *core, struct event *event, struct effect_vec *effects);
void core_on_gone(struct core *core, struct event *event, struct effect_vec *effects);
void core_on_action_done(struct core *core, struct event *event, struct effect_vec *effects);
void core_on_progress(struct core *core, struct event *event, struct effect_vec *effects);
void core_on_reconcile(struct core *core, struct event *event, struct effect_vec *effects);
void core_on_turn(struct core *core, struct event *event, struct effect_vec *effects);

/* observe.c: the container as it is now (taken over), or its end. */
void core_put_container(struct core *core, struct instance_state *instance, struct container *container);
void core_drop_container(struct core *core, struct instance_state *instance, const char *id);
/* flight.c */
void core_launch(struct core *core, struct service_state *service, struct action *action,
                 struct effect_vec *effects);
void core_settle_unknown(struct core *core, const char *instance);
void flight_free(struct flight *flight);
