/* A core with its events as short calls, and an engine that does what it is told. */
#pragma once

#include "core/core.h"
#include "unit.h"

#define FIRST_MS      1700000000000LL
#define PATIENCE_MS   15000
#define LOST_AFTER_MS 300000

struct fixture {
    struct core *core;
    struct effect_vec effects; /* of the last call */
    int64_t now_ms;
    int64_t skew_ms; /* of the wall clock */
    int commits;
    json_t *ledger; /* of fixture_of_sources(): "kind name" -> what was saved last */
    bool asked;     /* tests answer ACTION_RESOLVE themselves; else a turn does, as of an image that was built
                       there, ... */
    const char *digest; /* ... unless this is what its tag means */
};

/* Instances "one", "two" ... */
struct fixture *fixture_new(int instances);
/* Of one instance, with these sources. */
struct fixture *fixture_of_sources(const struct core_source_options *sources, size_t len);
/* The core is another one, that has read the ledger which the last ones have left behind. */
void fixture_restart(struct fixture *fixture, const struct core_source_options *sources, size_t len);
void fixture_free(struct fixture *fixture);
DEFINE_CLEANUP(struct fixture, fixture_free)

/* Steps the event (owned afterwards); its effects replace the ones before. */
void fixture_step(struct fixture *fixture, struct event event);
void fixture_turn(struct fixture *fixture);
void fixture_after(struct fixture *fixture, int64_t ms);
/* The wall clock is set. */
void fixture_leap(struct fixture *fixture, int64_t step_ms);

/* One task definition and one service of each name, with `count` tasks. The container wants host_port, unless
 * 0. */
void fixture_commit(struct fixture *fixture, const char *service, const char *image, int count,
                    int host_port);
/* A file of the next commit, as it is; NULL deletes. */
void fixture_file(struct fixture *fixture, const char *path, const char *text);
/* Connects and lists the containers (owned afterwards). */
void fixture_listed(struct fixture *fixture, const char *instance, struct container *const *containers,
                    size_t len);
/* Listed with nothing. */
void fixture_empty(struct fixture *fixture, const char *instance);
/* The action of that id has ended; the container (owned afterwards) may be NULL. */
void fixture_done(struct fixture *fixture, uint64_t id, int code, struct container *container);
/* What the create action makes. */
struct container *fixture_container(const struct action *create, enum container_status status,
                                    int64_t now_ms);
/* Carries out the last effects' creates and starts, turn by turn, until nothing is sent; stops and removals
 * too. */
void fixture_run(struct fixture *fixture);

/* Runs until nothing changes any more, over 40 s of its clock. */
void fixture_settle(struct fixture *fixture);
/* Of cluster "c". */
struct view_service fixture_view(const struct fixture *fixture, const char *service);
void fixture_suspend(struct fixture *fixture, const char *service, bool resume);
/* A new content of the family. */
void fixture_change(struct fixture *fixture, const char *family, const char *image);

/* The n-th effect of a kind in the last effects, or NULL. Borrowed. */
const struct effect *fixture_effect(const struct fixture *fixture, enum effect_kind kind, size_t n);
const struct action *fixture_action(const struct fixture *fixture, size_t n);
