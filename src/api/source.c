#include "api/operation.h"
#include "base/text.h"
#include "model/json.h"

#include <assert.h>
#include <string.h>

/* What the commit says of instances is there when nobody is on those that are to be left; E9: but DAEMONs,
 * which nobody waits for. */
static bool is_moving(const struct view_service *view)
{
    return view->leaving_count > 0 && view->desired && !view->desired->daemon;
}

/* What has become of the wanted commit: FAILED when one service's deployment has, IN_PROGRESS until every
 * service has arrived, and has left the instances that it has to leave. */
static enum deployment_state rollout(const struct api *api)
{
    enum deployment_state state = DEPLOYMENT_COMPLETED;
    struct view_service view;
    for (size_t i = 0; core_view_service_at(api->core, i, &view); i++) {
        enum deployment_state own = view_service_rollout(&view);
        if (own == DEPLOYMENT_FAILED)
            return own;
        if (own == DEPLOYMENT_COMPLETED && is_moving(&view))
            own = DEPLOYMENT_IN_PROGRESS;
        state = own == DEPLOYMENT_COMPLETED ? state : own;
    }
    return state;
}

static json_t *webhooks_json(const struct webhook_news *news)
{
    json_t *json = json_pack("{s:i,s:i}", "heard", (int)news->heard, "refused", (int)news->refused);
    api_set_time_text(json, "heardAt", news->heard_at_ms);
    api_set_time_text(json, "refusedAt", news->refused_at_ms);
    model_set_string(json, "refusal", news->refused ? error_text(&news->refusal) : NULL);
    return json;
}

static json_t *rewrite_json(const struct api_rewrite *rewrite)
{
    json_t *json = json_pack("{s:s,s:s}", "from", rewrite->from, "to", rewrite->to);
    model_set_string(json, "fork", rewrite->fork[0] ? rewrite->fork : NULL);
    api_set_time_text(json, "seenAt", rewrite->seen_at_ms);
    return json;
}

json_t *api_source_json(const struct api *api)
{
    struct view_source view;
    core_view_source(api->core, &view);
    json_t *json = json_pack("{s:b,s:b}", "seen", view.seen, "ok", view.ok);
    model_set_string(json, "message", view.ok ? NULL : view.message);
    model_set_string(json, "origin", view.origin);
    model_set_string(json, "branch", view.branch);
    model_set_string(json, "path", *api->path ? api->path : NULL);
    if (view.head)
        json_object_set_new(json, "head", commit_to_json(view.head));
    if (view.wanted) {
        json_object_set_new(json, "wanted", commit_to_json(view.wanted));
        model_set_string(json, "rolloutState", deployment_state_name(rollout(api)));
    }
    struct api_looks looks;
    api->looks(api->data, &looks);
    model_set_string(json, "newest", looks.newest[0] ? looks.newest : NULL);
    json_object_set_new(json, "looksAsked", json_integer(looks.asked));
    json_object_set_new(json, "looksAnswered", json_integer(looks.answered));
    if (looks.webhooks)
        json_object_set_new(json, "webhooks", webhooks_json(looks.webhooks));
    if (looks.rewrite.from)
        json_object_set_new(json, "rewritten", rewrite_json(&looks.rewrite));
    json_object_set_new(json, "unverified", json_boolean(looks.unverified));
    api_set_time_text(json, "headSeenAt", view.head_ms);
    model_set_string(json, "held", view.held);
    bool refused = view.diagnostics && view.diagnostics->errors > 0;
    json_object_set_new(json, "refused", json_boolean(refused));
    if (view.diagnostics)
        json_object_set_new(json, "diagnostics", diagnostics_to_json(view.diagnostics));
    return json;
}

int api_get_source(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault)
{
    (void)input;
    (void)fault;
    *ret_output = api_list("source", api_source_json(api));
    return 0;
}

#define OID_MIN 7 /* as many digits as git shows */
#define HEADS   "refs/heads/"

static const char *short_branch(const char *name)
{
    return text_starts_with(name, HEADS) ? name + strlen(HEADS) : name;
}

/* As git takes names in the source: HEAD and the branch are its newest commit. Borrowed. */
static const char *resolve(const struct view_source *view, const char *name)
{
    bool is_branch = view->branch && text_equal(short_branch(name), short_branch(view->branch));
    return view->head && (is_branch || text_equal(name, "HEAD")) ? view->head->oid : name;
}

/* Digits are at least OID_MIN, as of an id. */
static int check_commit(const struct view_source *view, const char *commit, struct api_fault *fault)
{
    if (!commit || strspn(commit, "0123456789abcdef") != strlen(commit))
        return api_fault_invalid(fault,
                                 "commit: \"%.100s\" is not known: HEAD, %.100s or the digits of a commit's "
                                 "id are wanted",
                                 commit ? commit : "", view->branch ? view->branch : "the branch");
    if (strlen(commit) < OID_MIN)
        return api_fault_invalid(fault, "commit: at least %d digits of its id are wanted", OID_MIN);
    return 0;
}

int api_post_approve(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault)
{
    const char *commit = api_parameter(input, "commit");
    struct view_source view;
    core_view_source(api->core, &view);
    commit = commit ? resolve(&view, commit) : NULL;
    int r = check_commit(&view, commit, fault);
    if (r < 0)
        return r;
    const struct commit *approved = view.held ? view.head : view.wanted;
    if (!view.held && !core_any_delayed(api->core))
        return api_fault_client(fault, "no commit is held, and no change waits for its window");
    assert(approved);
    if (view.held && !text_starts_with(approved->oid, commit))
        return api_fault_client(fault, "not commit %.12s but %.12s is held: it %s", commit, approved->oid,
                                view.held);
    if (!text_starts_with(approved->oid, commit))
        return api_fault_client(fault, "not commit %.12s but %.12s waits for a change window", commit,
                                approved->oid);
    *ret_output =
        json_pack("{s:i,s:b,s:o}", "schemaVersion", 1, "accepted", 1, "commit", commit_to_json(approved));
    struct event event = {.kind = EVENT_APPROVE};
    memcpy(event.approve.oid, approved->oid, sizeof event.approve.oid);
    api->post(api->data, &event);
    return 0;
}
