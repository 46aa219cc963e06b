/* Questions about one repository: requests, logins, redirects, pauses. Inner header of registry.c. */
#pragma once

#include "http/client.h"
#include "registry/header.h"
#include "registry/name.h"
#include "registry/registry.h"

#include <stdint.h>
#include <uv.h>

struct registry {
    struct registry_options options;
    uv_loop_t loop;
    uv_timer_t timer;
    struct http_client *client;
    struct string_vec silent; /* addresses that did not answer */
};

struct registry_session {
    struct registry *registry;
    const struct registry_question *question;
    struct registry_name name;
    char *base;          /* "https://registry.example.org" */
    char *authorization; /* header line; NULL: none yet */
    struct registry_login login;
    uint64_t end_ms; /* on the loop's clock */
    int pauses;
};

/* What came back; strings are owned. */
struct registry_answer {
    int status;
    char *body;
    size_t body_len;
    char *challenge; /* WWW-Authenticate; NULL: none, as of the others */
    char *link;
    char *location;
    char *digest; /* Docker-Content-Digest */
    char *retry_after;
};
void registry_answer_deinit(struct registry_answer *answer);

/* ERROR_INVALID, or ERROR_UNAVAILABLE for a registry that has not answered before. */
int registry_session_init(struct registry_session *session, struct registry *registry,
                          const struct registry_question *question, struct error *err);
void registry_session_deinit(struct registry_session *session);

struct registry_ask {
    const char *method;
    const char *path;   /* at the registry */
    const char *accept; /* NULL: anything */
};
/* The answer with status 200. Errors of registry.h, with "REPOSITORY of HOST: " before them. */
int registry_session_ask(struct registry_session *session, const struct registry_ask *ask,
                         struct registry_answer *ret_answer, struct error *err);

/* --- request.c ------------------------------------------------------------------------------------------ */

struct registry_request {
    const char *method;
    const char *base;
    const char *path;
    const char *const *headers; /* NULL at the end */
    const char *body;           /* of a form; NULL: none */
};
/* One request and its answer of any status. `ca` as in http_endpoint; NULL: the system's. */
int registry_send(struct registry *registry, const struct registry_request *request,
                  struct registry_answer *ret_answer, struct error *err);
void registry_pause(struct registry *registry, int64_t ms);

/* --- token.c -------------------------------------------------------------------------------------------- */

/* What the challenge asks for, in session->authorization. */
int registry_session_log_in(struct registry_session *session, const char *challenge, struct error *err);
