/* Logins: Basic, and tokens of a realm (distribution.github.io, "Token Authentication Specification"). */
#include "base/base64.h"
#include "base/credential.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/wipe.h"
#include "registry/session.h"

#include <jansson.h>
#include <string.h>

#define CLIENT_ID "davit"

void registry_login_deinit(struct registry_login *login)
{
    wipe_free(login->user);
    wipe_free(login->password);
    wipe_free(login->token);
    free(login->hint);
    memset(login, 0, sizeof *login);
}

static char *basic_line(const struct registry_login *login)
{
    char *pair CLEANUP(wipe_freep) = memory_printf("%s:%s", login->user, login->password);
    char *encoded CLEANUP(wipe_freep) = base64_encode(pair, strlen(pair));
    return wipe_join("Authorization: Basic ", encoded);
}

static const char *advice(const struct registry_session *session)
{
    return session->login.hint ? session->login.hint
                               : "name one in Docker's credential file or in repositoryCredentials";
}

static bool has_login(const struct registry_login *login)
{
    return login->token || (login->user && login->password);
}

static int get_login(struct registry_session *session, struct error *err)
{
    const struct registry_options *options = &session->registry->options;
    if (has_login(&session->login) || !options->login)
        return 0;
    return options->login(options->data, session->question->image, session->question->credentials,
                          &session->login, err);
}

/* Whether what is secret may go there. */
static int check_private(const char *base, struct error *err)
{
    if (credential_is_private(base))
        return 0;
    return error_set(err, ERROR_DENIED, "a login is not sent to %s, which speaks plain HTTP: give it TLS",
                     base);
}

static int use_basic(struct registry_session *session, struct error *err)
{
    if (!session->login.user || !session->login.password)
        return error_set(err, ERROR_DENIED, "it wants a login, a user and a password: %s", advice(session));
    int rc = check_private(session->base, err);
    if (rc == 0)
        session->authorization = basic_line(&session->login);
    return rc;
}

/* --- tokens --------------------------------------------------------------------------------------------- */

/* The realm is told by the registry: by TLS, or as near as the registry itself. */
static int check_realm(const struct registry_session *session, const char *base, struct error *err)
{
    bool is_fine = text_starts_with(base, "https://") || text_equal(base, session->base) ||
                   (credential_is_private(base) && credential_is_private(session->base) &&
                    text_starts_with(session->base, "http://"));
    if (!is_fine)
        return error_set(err, ERROR_PROTOCOL, "it sends for a token to %s, by plain HTTP: that is not done",
                         base);
    if (!has_login(&session->login))
        return 0;
    int rc = check_private(session->base, err); /* else who is in between names a realm of his own */
    return rc < 0 ? rc : check_private(base, err);
}

static int read_token(struct registry_session *session, const struct registry_answer *answer,
                      struct error *err)
{
    json_t *json = json_loadb(answer->body, answer->body_len, 0, NULL);
    const char *token = json_string_value(json_object_get(json, "token"));
    if (!token || !*token)
        token = json_string_value(json_object_get(json, "access_token"));
    bool is_token = token && *token && !token[strcspn(token, " \t\r\n")];
    if (is_token)
        session->authorization = wipe_join("Authorization: Bearer ", token);
    json_decref(json);
    return is_token ? 0 : error_set(err, ERROR_PROTOCOL, "its token service answered without a token");
}

static int check_token_status(const struct registry_session *session, int status, struct error *err)
{
    if (status == 200)
        return 0;
    if (status != 400 && status != 401 && status != 403)
        return error_set(err, status >= 500 || status == 429 ? ERROR_UNAVAILABLE : ERROR_PROTOCOL,
                         "its token service answered with status %d", status);
    if (has_login(&session->login))
        return error_set(err, ERROR_DENIED, "its token service refuses the login");
    return error_set(err, ERROR_DENIED, "its token service wants a login: %s", advice(session));
}

struct token_place {
    char *base;
    char *path;
    char *query; /* service and scope */
};

static void token_place_deinit(struct token_place *place)
{
    free(place->base);
    free(place->path);
    free(place->query);
}

static int find_place(const struct registry_session *session, const struct registry_challenge *challenge,
                      struct token_place *place, struct error *err)
{
    int rc = registry_resolve(session->base, challenge->realm, &place->base, &place->path, err);
    if (rc < 0)
        return error_wrap(err, rc, "where it sends for a token");
    char *service CLEANUP_FREE = registry_encode(challenge->service ? challenge->service : "");
    char *scope CLEANUP_FREE = memory_printf("repository:%s:pull", session->name.repository);
    char *encoded CLEANUP_FREE = registry_encode(scope);
    place->query = memory_printf("%s%s%sscope=%s", challenge->service ? "service=" : "", service,
                                 challenge->service ? "&" : "", encoded);
    return check_realm(session, place->base, err);
}

static int send_for_token(struct registry_session *session, const struct token_place *place,
                          struct registry_answer *answer, struct error *err)
{
    const struct registry_login *login = &session->login;
    char *path CLEANUP_FREE =
        memory_printf("%s%c%s", place->path, strchr(place->path, '?') ? '&' : '?', place->query);
    char *basic CLEANUP(wipe_freep) = !login->token && login->user ? basic_line(login) : NULL;
    char *encoded CLEANUP(wipe_freep) = login->token ? registry_encode(login->token) : NULL;
    char *form CLEANUP_FREE =
        memory_printf("grant_type=refresh_token&client_id=" CLIENT_ID "&%s&refresh_token=", place->query);
    char *body CLEANUP(wipe_freep) = encoded ? wipe_join(form, encoded) : NULL;
    const char *const headers[] = {basic, NULL};
    const struct registry_request request = {.method = body ? "POST" : "GET",
                                             .base = place->base,
                                             .path = body ? place->path : path,
                                             .headers = headers,
                                             .body = body};
    int rc = registry_send(session->registry, &request, answer, err);
    return rc < 0 ? error_wrap(err, rc, "its token service") : 0;
}

static int use_token(struct registry_session *session, const struct registry_challenge *challenge,
                     struct error *err)
{
    struct token_place place CLEANUP(token_place_deinit) = {0};
    struct registry_answer answer CLEANUP(registry_answer_deinit) = {0};
    int rc = find_place(session, challenge, &place, err);
    if (rc == 0)
        rc = send_for_token(session, &place, &answer, err);
    if (rc == 0)
        rc = check_token_status(session, answer.status, err);
    return rc < 0 ? rc : read_token(session, &answer, err);
}

int registry_session_log_in(struct registry_session *session, const char *header, struct error *err)
{
    struct registry_challenge challenge CLEANUP(registry_challenge_deinit) = {0};
    if (session->authorization && has_login(&session->login))
        return error_set(err, ERROR_DENIED, "it refuses the login, or does not let it read this");
    if (session->authorization)
        return error_set(err, ERROR_DENIED, "it may not be read without a login, if it is there at all: %s",
                         advice(session));
    if (!header || !registry_challenge_parse(header, &challenge))
        return error_set(err, ERROR_DENIED, "it wants a login of a kind that davit does not know");
    int rc = get_login(session, err);
    if (rc < 0)
        return rc;
    return challenge.scheme == REGISTRY_BASIC ? use_basic(session, err) : use_token(session, &challenge, err);
}
