#include "api/webhook.h"

#include "base/text.h"
#include "model/json.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#define FORM_MEMBER "payload="
#define HEADS       "refs/heads/"

/* What is known of the refs that a payload is about. */
struct refs {
    const char *wanted; /* full */
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
        see_ref(refs, "refs/tags/", name);
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

bool webhook_asks_for_look(const struct webhook_request *request, const char *branch, struct error *why)
{
    assert(request && request->body);
    if (is_ping(request)) {
        error_set(why, ERROR_CANCELED, "a ping");
        return false;
    }
    json_t *payload CLEANUP(json_decrefp) = branch ? payload_of(request) : NULL;
    if (!payload)
        return true;
    char *wanted CLEANUP_FREE = memory_printf("%s%s", text_starts_with(branch, "refs/") ? "" : HEADS, branch);
    struct refs refs = {.wanted = wanted};
    see_payload(&refs, payload);
    if (refs.found || refs.in_doubt || !refs.other)
        return true;
    error_set(why, ERROR_CANCELED, "a push of %s%.200s, not of %.200s", refs.other_in, refs.other, wanted);
    return false;
}
