/* Runs actions through the engine's table: bounded concurrency per instance, one answer per action. It
 * decides nothing: what an answer means is core's business, and nothing but a pull is tried again here.
 *
 * What a create needs beyond its task definition (files, secrets) is asked of the stores when its turn comes;
 * without it there is no create.
 *
 * A create whose image is not there leaves its place to others while the image is pulled: once for all that
 * wait for it, LIMIT_ENGINE_PULLS images at a time. ACTION_RESOLVE waits for a pull in the same way, unless
 * the image was built where it is: then there is nothing to ask a registry for.
 *
 * A registry or a name server that is away for a moment fails no task. As with the ECS agent a pull has
 * LIMIT_ENGINE_PULL_TRIES, 1.1 s, 2.2 s, 4.4 s and 5 s apart, in which others are pulled:
 *
 *  it fails, for                                   | tried again
 *  ------------------------------------------------|-----------------------------------------------------
 *  there is no such image, or no access to it      | no: the registry has answered
 *  its name is none (ERROR_INVALID)                | no
 *  the engine does not answer                      | no: it is asked for everything anew once it does
 *  a deadline (LIMIT_ENGINE_PULL_MS, _PULL_IDLE_MS) | no: that was no moment
 *  whatever else the engine says (ERROR_INTERNAL)  | yes
 *
 * When the pull fails and the instance has the image, that copy is used (the ECS agent's default pull
 * behaviour), and the outcome warns; when the registry says that it has no such image, it was built or
 * loaded. In the same way a pause container waits for the network of its cluster, which is made unless it is
 * there, and for its image, which is davit's own and is loaded, never pulled.
 */
#pragma once

#include "engine/engine.h"
#include "model/action.h"

#include <stdint.h>

struct act;

/* How an action ended. Everything is borrowed for the length of the callback. */
struct act_outcome {
    uint64_t action_id;
    const char *instance;
    const char *container_id;          /* that it was about; NULL: there is none yet */
    const struct error *error;         /* code 0: it worked */
    const struct container *container; /* as it is now; NULL: not known */
    const char *warning; /* what of the definition the container was made without, or why an old copy of the
                            image is used; NULL: nothing */
    const char *image_digest; /* ACTION_RESOLVE: "sha256:..."; NULL: there is none, the tag is the image */
    bool image_is_copy;       /* it is what the instance has: no registry was asked with success */
    bool gone;                /* the engine says that it does not exist */
};

/* A registry's login. */
struct act_login {
    char *header; /* as engine_pull takes it; NULL: none */
    char *hint;   /* what to say besides when the pull fails; NULL: nothing */
    char *secret; /* the password or token in it, for no message to have it; NULL: none */
};

/* Where values come from that are in no task definition. Each blocks no longer than a disk. What is returned
 * is the caller's; messages never hold a value. NULL: there is none. */
struct act_stores {
    int (*blob)(void *data, const char *oid, char **ret_content, size_t *ret_len, struct error *err);
    int (*secret)(void *data, const char *value_from, char **ret_value, struct error *err);
    /* credentials: what the container definition says; NULL: nothing. */
    int (*login)(void *data, const char *image, const char *credentials, struct act_login *ret_login,
                 struct error *err);
    void *data;
};

/* How a pull that an action waits for gets on. */
struct act_progress {
    struct engine_progress pull;
    const char *failure; /* of the last try, and when the next is; NULL: none, or that is under way */
};

struct act_options {
    struct act_stores stores;
    struct engine *(*engine)(void *data, const char *instance);  /* NULL: no such instance */
    void (*done)(void *data, const struct act_outcome *outcome); /* never from within act_run() */
    void (*progress)(void *data, uint64_t action_id, const struct act_progress *progress);
    const struct engine_archive *pause_image;
    void *data;
};

struct act *act_new(const struct act_options *options);
/* Cancels what is under way; no callback comes any more. */
void act_free(struct act *act);
/* Takes over the action. What is over the instance's concurrency waits in order. */
void act_run(struct act *act, struct action *action);
/* Actions given and not answered. */
size_t act_under_way(const struct act *act);
