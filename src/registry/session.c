#include "registry/session.h"

#include "base/credential.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/wipe.h"

#include <assert.h>
#include <string.h>

#define PAUSES 3 /* that a registry may ask for in one question */

static bool is_insecure(const struct registry *registry, const char *address)
{
    char *url CLEANUP_FREE = memory_printf("http://%s", address);
    return credential_is_private(url) ||
           (registry->options.insecure && string_vec_has(registry->options.insecure, address));
}

int registry_session_init(struct registry_session *session, struct registry *registry,
                          const struct registry_question *question, struct error *err)
{
    *session = (struct registry_session){.registry = registry, .question = question};
    int rc = registry_name_parse(question->image, &session->name, err);
    if (rc < 0)
        return rc;
    const char *address = session->name.address;
    if (string_vec_has(&registry->silent, address))
        return error_set(err, ERROR_UNAVAILABLE,
                         "%s of %s: the registry did not answer before, and is not asked again",
                         session->name.repository, session->name.host);
    session->base = memory_printf("http%s://%s", is_insecure(registry, address) ? "" : "s", address);
    uv_update_time(&registry->loop);
    session->end_ms = uv_now(&registry->loop) + LIMIT_REGISTRY_LIST_MS;
    return 0;
}

void registry_session_deinit(struct registry_session *session)
{
    registry_name_deinit(&session->name);
    free(session->base);
    wipe_free(session->authorization);
    registry_login_deinit(&session->login);
}

/* --- one question --------------------------------------------------------------------------------------- */

/* Where it is asked: the registry, or where that sent us. */
struct place {
    char *base;
    char *path;
    bool elsewhere; /* no login goes there */
};

static void place_deinit(struct place *place)
{
    free(place->base);
    free(place->path);
}

static int send_to(const struct registry_session *session, const struct registry_ask *ask,
                   const struct place *place, struct registry_answer *answer, struct error *err)
{
    char *accept CLEANUP_FREE = memory_printf("Accept: %s", ask->accept ? ask->accept : "*/*");
    const char *const headers[] = {accept, place->elsewhere ? NULL : session->authorization, NULL};
    const struct registry_request request = {
        .method = ask->method, .base = place->base, .path = place->path, .headers = headers};
    registry_answer_deinit(answer);
    return registry_send(session->registry, &request, answer, err);
}

static int move(const struct registry_session *session, struct place *place, const char *location,
                struct error *err)
{
    struct place next CLEANUP(place_deinit) = {0};
    if (!location)
        return error_set(err, ERROR_PROTOCOL, "it answered with a redirect to nowhere");
    int rc = registry_resolve(place->base, location, &next.base, &next.path, err);
    if (rc < 0)
        return error_wrap(err, rc, "it redirects");
    if (text_starts_with(place->base, "https://") && !text_starts_with(next.base, "https://"))
        return error_set(err, ERROR_PROTOCOL, "it redirects from https to plain HTTP: that is not followed");
    next.elsewhere = place->elsewhere || !text_equal(next.base, session->base);
    place_deinit(place);
    *place = next;
    memset(&next, 0, sizeof next);
    return 0;
}

static int wait_for(struct registry_session *session, const struct registry_answer *answer, struct error *err)
{
    struct registry *registry = session->registry;
    int64_t ms = registry_retry_after_ms(answer->retry_after);
    uv_update_time(&registry->loop);
    bool fits = ms >= 0 && ms <= LIMIT_REGISTRY_PAUSE_MS && session->pauses < PAUSES &&
                uv_now(&registry->loop) + (uint64_t)ms < session->end_ms;
    if (!fits)
        return error_set(err, ERROR_UNAVAILABLE,
                         answer->status == 429 ? "it has had too many requests (status 429): ask less often, "
                                                 "or with a login"
                                               : "it answered with status %d",
                         answer->status);
    session->pauses++;
    registry_pause(registry, ms);
    return 0;
}

static int refuse(int status, struct error *err)
{
    if (status == 404)
        return error_set(err, ERROR_NOT_FOUND, "the registry has no such image");
    if (status == 403)
        return error_set(err, ERROR_DENIED, "the registry does not allow it (status 403)");
    return error_set(err, status >= 500 ? ERROR_UNAVAILABLE : ERROR_PROTOCOL,
                     "the registry answered with status %d", status);
}

/* 1: to be asked again; 0: it is answered. */
static int judge(struct registry_session *session, struct place *place, const struct registry_answer *answer,
                 int *redirects, struct error *err)
{
    int rc = 0;
    switch (answer->status) {
    case 200:
        return 0;
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
        rc =
            ++*redirects > LIMIT_REGISTRY_REDIRECTS
                ? error_set(err, ERROR_PROTOCOL, "it redirects more than %d times (LIMIT_REGISTRY_REDIRECTS)",
                            LIMIT_REGISTRY_REDIRECTS)
                : move(session, place, answer->location, err);
        break;
    case 401:
        rc = place->elsewhere ? refuse(403, err) : registry_session_log_in(session, answer->challenge, err);
        break;
    case 429:
    case 503:
        rc = wait_for(session, answer, err);
        break;
    default:
        return refuse(answer->status, err);
    }
    return rc < 0 ? rc : 1;
}

static int ask_all(struct registry_session *session, const struct registry_ask *ask,
                   struct registry_answer *answer, struct error *err)
{
    struct place place CLEANUP(place_deinit) = {memory_strdup(session->base), memory_strdup(ask->path),
                                                false};
    int redirects = 0;
    int rc = 1;
    while (rc > 0) {
        uv_update_time(&session->registry->loop);
        if (uv_now(&session->registry->loop) > session->end_ms)
            return error_set(err, ERROR_TIMEOUT, "it took longer than %d s (LIMIT_REGISTRY_LIST_MS)",
                             LIMIT_REGISTRY_LIST_MS / 1000);
        rc = send_to(session, ask, &place, answer, err);
        if (rc < 0 && !place.elsewhere && rc != ERROR_LIMIT && rc != ERROR_INVALID)
            vector_push(&session->registry->silent, memory_strdup(session->name.address));
        if (rc == 0)
            rc = judge(session, &place, answer, &redirects, err);
    }
    return rc;
}

int registry_session_ask(struct registry_session *session, const struct registry_ask *ask,
                         struct registry_answer *ret_answer, struct error *err)
{
    assert(session->base);
    int rc = ask_all(session, ask, ret_answer, err);
    return rc < 0 ? error_wrap(err, rc, "%s of %s", session->name.repository, session->name.host) : 0;
}
