/* What davit tells about itself over HTTP: the ECS wire protocol (AWS JSON 1.1, POST /) for the AWS CLI and
 * SDKs, and a native part under /v1/ for what ECS has no words for.
 *
 * It reads the core's views and never acts: a wish to look again leaves through a callback. By TCP only
 * operations that read are answered, whoever wants more uses the unix socket.
 */
#pragma once

#include "api/webhook.h"
#include "base/memory.h"
#include "core/core.h"
#include "engine/engine.h"
#include "http/server.h"

#include <stdint.h>

#define API_REGION       "local"
#define API_ACCOUNT      "000000000000"
#define API_LOG_TAIL     100   /* lines of each container when the request does not say */
#define API_LOG_SOURCES  64    /* containers that one log request may read */
#define API_LOG_LINE_MAX 16384 /* bytes; a longer line arrives in pieces */

/* A branch that no longer contains the commit that was deployed from it. */
struct api_rewrite {
    const char *from; /* oids; NULL: there was none */
    const char *to;
    const char *fork;     /* the newest commit that both have; "": they have none */
    int64_t seen_at_ms;   /* since the epoch */
    const char *moved_to; /* another branch, see api_move; NULL: it was rewritten itself */
};

/* As a sentence's end: "main was rewritten, from ID to ID, ..."; branch may be NULL. Caller frees. */
char *api_rewrite_text(const char *branch, const struct api_rewrite *rewrite);

/* The origin's HEAD says which branch is followed, and was moved to another. */
struct api_move {
    const char *from; /* names of branches; NULL: it was not moved */
    const char *to;
    int64_t seen_at_ms; /* since the epoch */
};

/* As a sentence: "HEAD of the origin is now NAME (was NAME)...". Caller frees. */
char *api_move_text(const struct api_move *move);

/* How far the source has come with what it was asked for. */
struct api_looks {
    unsigned asked;     /* calls of poke_source */
    unsigned answered;  /* those whose look has ended: what it found has been told to core */
    const char *newest; /* oid of the newest commit that core was told of; "" before the first */
    const struct webhook_news *webhooks; /* NULL: none are listened for */
    const char *path;                    /* where in the repository the manifests are; NULL: its root */
    struct api_rewrite rewrite;          /* of the branch, the last one of this life */
    struct api_move move;                /* likewise */
    const char *verify;                  /* its policy, source/verify.h: "all" */
    bool unverified; /* there is a newer one, which is not signed as it has to be; core has the reason */
    const struct commit *refused; /* it, also while the origin is away; NULL: there is none */
    const char *refusal;          /* "refused: it is not signed" */
    bool reached;                 /* the last look at the origin worked */
    const char *away;             /* why none has worked for a while; NULL: one has, or it is not for long */
    unsigned changes;             /* of what the source says of itself, since the start */
};

/* How far the ledger has come with what core wants to have saved: changes since the start. */
struct api_saves {
    uint64_t wanted;
    uint64_t saved; /* they are on disk */
};

/* Strings are copied, the rest is borrowed for the life of the api. */
struct api_options {
    const struct core *core;
    const char *version; /* of davit */
    const char *region;  /* in ARNs; NULL: API_REGION */
    const char *account; /* in ARNs; NULL: API_ACCOUNT */

    void *data; /* handed to the callbacks; none may be NULL */
    int64_t (*now_ms)(void *data);
    /* A wish of a client (EVENT_RECONCILE, EVENT_RUN_TASK ...): takes over what the event owns. now_ms and
     * seed are the receiver's to set. */
    void (*post)(void *data, struct event *event);
    void (*poke_source)(void *data, const char *source); /* NULL: each */
    void (*looks)(void *data, const char *source, struct api_looks *ret_looks);
    void (*saves)(void *data, struct api_saves *ret_saves);
    json_t *(*notifications)(void *data); /* a list of receivers and how they do; the caller's */
    json_t *(*image_updates)(void *data); /* of the last look for newer ones; NULL: none is wanted */
    json_t *(*other_owners)(void *data);  /* daemon/other_owners.h; NULL: none was seen */
    struct engine *(*engine)(void *data, const char *instance); /* NULL: no such instance */
};

struct api;

struct api *api_new(const struct api_options *options);
/* Ends the streams. Servers that hand requests to it are freed after it or get no more requests. Engines must
 * still be there: log streams are cancelled. */
void api_free(struct api *api);
DEFINE_CLEANUP(struct api, api_free)

/* One per server: http_server_options.data = &listener, .handle = api_handle, and
 * http_server_new(..., &listener.server, ...). */
struct api_listener {
    struct api *api;
    struct http_server *server;
};
void api_handle(void *listener, struct http_exchange *exchange);

/* Tells those who follow the events what is new, and reads new containers for those who follow logs. Call it
 * after steps of the core; without followers it costs a look at each source, whose events are made of it. */
void api_publish(struct api *api);
/* Answers those who wait for the ledger. Call it after each save. */
void api_saved(struct api *api);
