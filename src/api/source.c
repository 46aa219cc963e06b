#include "api/operation.h"
#include "base/buffer.h"
#include "base/text.h"
#include "model/json.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* What the commit says of instances is there when nobody is on those that are to be left; E9: but DAEMONs,
 * which nobody waits for. */
static bool is_moving(const struct view_service *view)
{
    return view->leaving_count > 0 && view->desired && !view->desired->daemon;
}

/* What has become of the source's wanted commit: FAILED when one service's deployment has, IN_PROGRESS until
 * every service has arrived, and has left the instances that it has to leave. */
static enum deployment_state rollout(const struct api *api, const char *source)
{
    enum deployment_state state = DEPLOYMENT_COMPLETED;
    struct view_service view;
    for (size_t i = 0; core_view_service_at(api->core, i, &view); i++) {
        if (!text_equal(view.source, source))
            continue;
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
    model_set_string(json, "movedTo", rewrite->moved_to);
    api_set_time_text(json, "seenAt", rewrite->seen_at_ms);
    return json;
}

static void add_looks(const struct api *api, const char *source, json_t *json)
{
    struct api_looks looks;
    api->looks(api->data, source, &looks);
    model_set_string(json, "path", looks.path);
    model_set_string(json, "newest", looks.newest[0] ? looks.newest : NULL);
    json_object_set_new(json, "looksAsked", json_integer(looks.asked));
    json_object_set_new(json, "looksAnswered", json_integer(looks.answered));
    if (looks.webhooks)
        json_object_set_new(json, "webhooks", webhooks_json(looks.webhooks));
    if (looks.rewrite.from)
        json_object_set_new(json, "rewritten", rewrite_json(&looks.rewrite));
    model_set_string(json, "verify", looks.verify);
    json_object_set_new(json, "unverified", json_boolean(looks.unverified));
}

static json_t *source_json(const struct api *api, size_t index)
{
    struct view_source view;
    core_view_source_at(api->core, index, &view);
    json_t *json = json_pack("{s:s,s:b,s:b}", "name", view.name, "seen", view.seen, "ok", view.ok);
    model_set_string(json, "message", view.ok ? NULL : view.message);
    model_set_string(json, "origin", view.origin);
    model_set_string(json, "branch", view.branch);
    if (view.head)
        json_object_set_new(json, "head", commit_to_json(view.head));
    if (view.wanted) {
        json_object_set_new(json, "wanted", commit_to_json(view.wanted));
        model_set_string(json, "rolloutState", deployment_state_name(rollout(api, view.name)));
    }
    add_looks(api, view.name, json);
    api_set_time_text(json, "headSeenAt", view.head_ms);
    model_set_string(json, "held", view.held);
    bool refused = view.diagnostics && view.diagnostics->errors > 0;
    json_object_set_new(json, "refused", json_boolean(refused));
    if (view.diagnostics)
        json_object_set_new(json, "diagnostics", diagnostics_to_json(view.diagnostics));
    return json;
}

/* Nobody reads it: M5. */
static json_t *gone_json(const struct view_source *view, int left)
{
    json_t *json = json_pack("{s:s,s:b,s:i,s:s*}", "name", view->name, "gone", 1, "left", left, "deployed",
                             view->deployed[0] ? view->deployed : NULL);
    api_set_owned(json, "message",
                  view->deployed[0]
                      ? memory_printf("not in the configuration any more; %d service%s of it %s left alone, "
                                      "davit approve %.12s removes %s",
                                      left, text_plural(left), left == 1 ? "is" : "are", view->deployed,
                                      left == 1 ? "it" : "them")
                      : memory_printf("not in the configuration; %d service%s of it %s left alone", left,
                                      text_plural(left), left == 1 ? "is" : "are"));
    return json;
}

json_t *api_sources_json(const struct api *api)
{
    json_t *list = json_array();
    for (size_t i = 0; i < core_sources_len(api->core); i++) {
        struct view_source view;
        core_view_source_at(api->core, i, &view);
        int left = view.gone ? core_source_left(api->core, view.name) : 0;
        if (left)
            json_array_append_new(list, gone_json(&view, left));
        else if (!view.gone)
            json_array_append_new(list, source_json(api, i));
    }
    return list;
}

int api_get_source(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault)
{
    (void)input;
    (void)fault;
    json_t *sources = api_sources_json(api);
    *ret_output = api_list("source", json_incref(json_array_get(sources, 0)));
    json_object_set_new(*ret_output, "sources", sources);
    return 0;
}

int api_check_source(const struct api *api, const json_t *input, const char **ret_source,
                     struct api_fault *fault)
{
    const char *name = model_string(input, "source");
    struct buffer names = BUFFER_INIT(LIMIT_ERROR_CHARS);
    size_t len = 0;
    bool found = false;
    for (size_t i = 0; i < core_sources_len(api->core); i++) {
        struct view_source view;
        core_view_source_at(api->core, i, &view);
        if (view.gone)
            continue;
        buffer_printf(&names, "%s%s", len++ ? ", " : "", view.name);
        if (text_equal(view.name, name) || (!name && len == 1)) {
            *ret_source = view.name;
            found = true;
        }
    }
    int r = 0;
    if (!name && len > 1)
        r = api_fault_invalid(fault, "there are several sources: name one of %s", buffer_str(&names));
    else if (!found)
        r = api_fault_invalid(fault, "there is no source \"%.64s\": there is %s", name ? name : "",
                              buffer_str(&names));
    buffer_deinit(&names);
    return r;
}

#define OID_MIN 7 /* as many digits as git shows */
#define HEADS   "refs/heads/"

static const char *short_branch(const char *name)
{
    return text_starts_with(name, HEADS) ? name + strlen(HEADS) : name;
}

/* As git takes names in the source: HEAD and the branch are its newest commit. */
static bool names_newest(const struct view_source *view, const char *name)
{
    bool is_branch = view->branch && text_equal(short_branch(name), short_branch(view->branch));
    return !view->gone && (is_branch || text_equal(name, "HEAD"));
}

/* The only source that is read; false: there are others. */
static bool find_only(const struct api *api, struct view_source *ret_view)
{
    size_t live = 0;
    for (size_t i = 0; i < core_sources_len(api->core); i++) {
        struct view_source view;
        core_view_source_at(api->core, i, &view);
        if (view.gone)
            continue;
        *ret_view = view;
        live++;
    }
    return live == 1;
}

/* Digits are at least OID_MIN, as of an id. */
static int check_commit(const struct api *api, const char *commit, struct api_fault *fault)
{
    struct view_source view = {0};
    for (size_t i = 0; commit && i < core_sources_len(api->core); i++) {
        core_view_source_at(api->core, i, &view);
        if (names_newest(&view, commit))
            return 0;
    }
    bool only = find_only(api, &view);
    if (!commit || strspn(commit, "0123456789abcdef") != strlen(commit))
        return api_fault_invalid(fault,
                                 "commit: \"%.100s\" is not known: HEAD, %.100s or the digits of a commit's "
                                 "id are wanted",
                                 commit ? commit : "", only && view.branch ? view.branch : "the branch");
    if (strlen(commit) < OID_MIN)
        return api_fault_invalid(fault, "commit: at least %d digits of its id are wanted", OID_MIN);
    return 0;
}

/* NULL: of a source that is gone no more than the id is known. */
static const struct commit *commit_of(const struct api *api, const char *oid)
{
    for (size_t i = 0; i < core_sources_len(api->core); i++) {
        struct view_source view;
        core_view_source_at(api->core, i, &view);
        const struct commit *const commits[] = {view.held ? view.head : NULL, view.wanted};
        for (size_t k = 0; k < ARRAY_LEN(commits); k++)
            if (commits[k] && text_equal(commits[k]->oid, oid))
                return commits[k];
    }
    return NULL;
}

/* What the source has that waits for an approval, of several the newest first; how many. Behind one that is
 * held there may be one that was deployed, with changes that wait for their window. */
static size_t awaits(const struct api *api, const struct view_source *view, const char *ret_oids[static 2])
{
    size_t len = 0;
    if (view->held)
        ret_oids[len++] = view->head->oid;
    else if (view->gone && view->deployed[0] && core_source_left(api->core, view->name))
        ret_oids[len++] = view->deployed;
    if (!view->gone && view->wanted && core_any_delayed(api->core, view->name))
        ret_oids[len++] = view->wanted->oid;
    return len;
}

/* Which of the commits that wait is meant, and all of them in words.
 *
 *  COMMIT                | means
 *  ----------------------|-------------------------------------------------------------------------------
 *  digits                | the one whose id begins with them, of all sources that have it
 *  HEAD, a branch        | the one that is the newest of its source; of several that wait, none
 */
static size_t find_meant(const struct api *api, const char *commit, const char **ret_oid,
                         struct buffer *waiting)
{
    size_t found = 0;
    for (size_t i = 0; i < core_sources_len(api->core); i++) {
        struct view_source view;
        const char *oids[2];
        core_view_source_at(api->core, i, &view);
        size_t len = awaits(api, &view, oids);
        for (size_t k = 0; k < len; k++) {
            buffer_printf(waiting, "%s%.12s of source %s", waiting->len ? ", " : "", oids[k], view.name);
            bool is_newest = view.head && text_equal(view.head->oid, oids[k]);
            if (!text_starts_with(oids[k], commit) && !(is_newest && names_newest(&view, commit)))
                continue;
            found += !*ret_oid || !text_equal(*ret_oid, oids[k]);
            *ret_oid = oids[k];
        }
    }
    return found;
}

static int tell_other(const struct api *api, const char *commit, const char *waiting, struct api_fault *fault)
{
    struct view_source view;
    if (!*waiting)
        return api_fault_client(fault, "no commit is held, and no change waits for its window");
    const char *oids[2];
    size_t len = find_only(api, &view) ? awaits(api, &view, oids) : 0;
    if (len && view.held)
        return api_fault_client(fault, "not commit %.12s but %.12s is held: it %s", commit, oids[0],
                                view.held);
    if (len)
        return api_fault_client(fault, "not commit %.12s but %.12s waits for a change window", commit,
                                oids[0]);
    return api_fault_client(fault, "not commit %.12s but %s waits for an approval", commit, waiting);
}

static int find_approved(const struct api *api, const char *commit, const char **ret_oid,
                         struct api_fault *fault)
{
    struct buffer waiting CLEANUP(buffer_deinit) = BUFFER_INIT(LIMIT_ERROR_CHARS);
    size_t found = find_meant(api, commit, ret_oid, &waiting);
    if (found == 1)
        return 0;
    return found ? api_fault_client(fault, "%.100s may be one of several, %s: give the digits of its id",
                                    commit, buffer_str(&waiting))
                 : tell_other(api, commit, buffer_str(&waiting), fault);
}

int api_post_approve(struct api *api, const json_t *input, json_t **ret_output, struct api_fault *fault)
{
    const char *commit = api_parameter(input, "commit");
    const char *oid = NULL;
    int r = check_commit(api, commit, fault);
    if (r == 0)
        r = find_approved(api, commit, &oid, fault);
    if (r < 0)
        return r;
    struct event event = {.kind = EVENT_APPROVE};
    snprintf(event.approve.oid, sizeof event.approve.oid, "%s", oid);
    const struct commit bare = {0};
    const struct commit *known = commit_of(api, oid);
    json_t *answer = commit_to_json(known ? known : &bare);
    json_object_set_new(answer, "oid", json_string(oid));
    *ret_output = json_pack("{s:i,s:b,s:o}", "schemaVersion", 1, "accepted", 1, "commit", answer);
    api->post(api->data, &event);
    return 0;
}
