#include "api/webhook.h"

#include "base/text.h"
#include "model/json.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#define FORM_MEMBER  "payload="
#define HEADS        "refs/heads/"
#define TAGS         "refs/tags/"
#define REPOSITORIES 32 /* addresses of one that are kept; forges send one a protocol */

/* What is known of the refs that a payload is about. */
struct refs {
    const char *wanted; /* full */
    bool tags;          /* so are all tags */
    bool found;
    bool in_doubt;        /* something was not understood */
    const char *other;    /* one that is not wanted; borrowed */
    const char *other_in; /* what stands before it: "refs/heads/", "" */
};

static void see_ref(struct refs *refs, const char *space, const char *name)
{
    size_t len = strlen(space);
    refs->other = name;
    refs->other_in = space;
    if (text_starts_with(refs->wanted, space) && text_equal(refs->wanted + len, name))
        refs->found = true;
    if (refs->tags && text_starts_with(*space ? space : name, TAGS))
        refs->found = true;
}

static void see_full(struct refs *refs, const char *ref)
{
    if (ref && text_starts_with(ref, "refs/"))
        see_ref(refs, "", ref);
    else
        refs->in_doubt = true; /* the event "create" has a bare name, and others have none */
}

/* Of Bitbucket Cloud; null: there was none before, or is none now. */
static void see_side(struct refs *refs, const json_t *side)
{
    const char *type = model_string(side, "type");
    const char *name = model_string(side, "name");
    if (name && text_equal(type, "branch"))
        see_ref(refs, HEADS, name);
    else if (name && text_equal(type, "tag"))
        see_ref(refs, TAGS, name);
    else if (!json_is_null(side))
        refs->in_doubt = true;
}

static void see_payload(struct refs *refs, const json_t *payload)
{
    size_t i;
    json_t *change;
    json_t *cloud = json_object_get(json_object_get(payload, "push"), "changes");
    json_t *data_center = json_object_get(payload, "changes");
    if (cloud) {
        json_array_foreach (cloud, i, change) {
            see_side(refs, json_object_get(change, "new"));
            see_side(refs, json_object_get(change, "old"));
        }
    } else if (json_is_array(data_center)) {
        json_array_foreach (data_center, i, change)
            see_full(refs, model_string(json_object_get(change, "ref"), "id"));
    } else {
        see_full(refs, model_string(payload, "ref"));
    }
}

static int hex_digit(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* The value of application/x-www-form-urlencoded that begins here. Caller frees. */
static char *form_value(const char *text)
{
    char *value = memory_strndup(text, strcspn(text, "&"));
    char *to = value;
    for (const char *from = value; *from; from++) {
        if (*from == '%' && isxdigit((unsigned char)from[1]) && isxdigit((unsigned char)from[2])) {
            *to++ = (char)(hex_digit(from[1]) << 4 | hex_digit(from[2]));
            from += 2;
        } else {
            *to++ = (char)(*from == '+' ? ' ' : *from);
        }
    }
    *to = '\0';
    return value;
}

/* --- repositories --------------------------------------------------------------------------------------- */

/* Cuts user, password and port off, in place; "[::1]" keeps its brackets. */
static char *host_of(char *authority)
{
    char *at = strrchr(authority, '@');
    char *host = at ? at + 1 : authority;
    char *bracket = strchr(host, ']');
    char *port = strchr(bracket ? bracket : host, ':');
    if (port)
        *port = '\0';
    return host;
}

/* Without slashes around it and ".git" at its end, in place. */
static char *path_of(char *path)
{
    path += strspn(path, "/");
    size_t len = strcspn(path, "?#");
    while (len && path[len - 1] == '/')
        len--;
    path[len] = '\0';
    if (text_ends_with(path, ".git"))
        path[len - strlen(".git")] = '\0';
    return path;
}

char *webhook_address(const char *url)
{
    assert(url);
    const char *scheme_end = strstr(url, "://");
    char *whole CLEANUP_FREE = memory_strdup(scheme_end ? scheme_end + strlen("://") : url);
    char *bracket = strchr(whole, ']');
    char *slash = strchr(whole, '/');
    char *end = scheme_end ? slash : strchr(bracket ? bracket : whole, ':');
    if (!end || (slash && slash < end))
        return NULL;
    *end = '\0';
    const char *host = host_of(whole);
    const char *path = path_of(end + 1);
    if (!*host || !*path)
        return NULL;
    char *address = memory_printf("%s/%s", host, path);
    for (char *c = address; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return address;
}

static void name(struct string_vec *repositories, const char *url)
{
    char *address CLEANUP_FREE = url ? webhook_address(url) : NULL;
    if (address && !string_vec_has(repositories, address))
        vector_push(repositories, TAKE(address));
}

static void name_members(struct string_vec *repositories, const json_t *repository)
{
    static const char *const members[] = {"clone_url",    "ssh_url",     "git_url", "html_url",
                                          "git_http_url", "git_ssh_url", "web_url"};
    size_t i;
    json_t *clone;
    const json_t *links = json_object_get(repository, "links");
    for (i = 0; i < ARRAY_LEN(members); i++)
        name(repositories, model_string(repository, members[i]));
    name(repositories, model_string(json_object_get(links, "html"), "href"));
    json_array_foreach (json_object_get(links, "clone"), i, clone)
        if (repositories->len < REPOSITORIES)
            name(repositories, model_string(clone, "href"));
}

bool webhook_push_is_of(const struct webhook_push *push, const char *origin)
{
    assert(push && origin);
    char *address CLEANUP_FREE = webhook_address(origin);
    return address && string_vec_has(&push->repositories, address);
}

/* --- bodies --------------------------------------------------------------------------------------------- */

/* NULL unless it is an object. GitHub, Gitea and Gogs send a form on demand. */
static json_t *payload_of(const struct webhook_request *request)
{
    char *form CLEANUP_FREE = NULL;
    if (text_starts_with(request->body, FORM_MEMBER))
        form = form_value(request->body + strlen(FORM_MEMBER));
    json_t *payload = json_loadb(form ? form : request->body, form ? strlen(form) : request->len, 0, NULL);
    if (json_is_object(payload))
        return payload;
    json_decref(payload);
    return NULL;
}

static bool is_ping(const struct webhook_request *request)
{
    static const char *const headers[] = {"X-GitHub-Event", "X-Gitea-Event", "X-Forgejo-Event",
                                          "X-Gogs-Event", "X-Event-Key"};
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        const char *event;
        if (request->headers(request->data, headers[i], &event) == 1 &&
            (text_equal(event, "ping") || text_equal(event, "diagnostics:ping")))
            return true;
    }
    return false;
}

void webhook_push_read(const struct webhook_request *request, struct webhook_push *ret_push)
{
    assert(request && request->body && ret_push);
    *ret_push = (struct webhook_push){.payload = payload_of(request), .ping = is_ping(request)};
    name_members(&ret_push->repositories, json_object_get(ret_push->payload, "repository"));
    name_members(&ret_push->repositories, json_object_get(ret_push->payload, "project"));
}

void webhook_push_deinit(struct webhook_push *push)
{
    assert(push);
    json_decref(push->payload);
    string_vec_deinit(&push->repositories);
}

bool webhook_push_asks_for_look(const struct webhook_push *push, const struct webhook_followed *followed,
                                struct error *why)
{
    assert(push && followed);
    const char *branch = followed->branch;
    if (push->ping) {
        error_set(why, ERROR_CANCELED, "a ping");
        return false;
    }
    if (!push->payload || !branch)
        return true;
    char *wanted CLEANUP_FREE = memory_printf("%s%s", text_starts_with(branch, "refs/") ? "" : HEADS, branch);
    struct refs refs = {.wanted = wanted, .tags = followed->tags};
    see_payload(&refs, push->payload);
    if (refs.found || refs.in_doubt || !refs.other)
        return true;
    error_set(why, ERROR_CANCELED, "a push of %s%.200s, not of %.200s", refs.other_in, refs.other, wanted);
    return false;
}
