#include "base/text.h"
#include "engine/docker_call.h"
#include "engine/docker_files.h"
#include "model/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* --- inspect: also the end of create, start, stop and kill ---------------------------------------------- */

static void on_inspected(struct docker_call *call, const struct docker_answer *answer)
{
    struct error err = ERROR_INIT;
    struct container *container CLEANUP(container_freep) = NULL;
    if (docker_decode_container(answer->json, &container, &err) < 0) {
        docker_fail(call, &err);
        return;
    }
    if (docker_files_is_draft(container->name) && container->status != CONTAINER_RUNNING) {
        docker_fail_as(call, ERROR_NOT_FOUND, "the container is not complete yet");
        return;
    }
    struct engine_reply reply = {.container = container, .warning = call->text}; /* text: docker_create()'s */
    docker_done(call, &reply);
}

static uint64_t inspect(struct docker_call *call, const char *id_or_name)
{
    char *path CLEANUP_FREE = docker_path("/containers/", id_or_name, "/json");
    return docker_send(call, (struct docker_send){.path = path, .on_answer = on_inspected});
}

uint64_t docker_inspect(struct engine *engine, const char *container_id, const struct engine_call *call)
{
    return inspect(docker_call_new(engine, container_id, call, LIMIT_ENGINE_CALL_MS), container_id);
}

/* What engines complain of when they create or start, and what to do about it. */
static void advise(struct error *error)
{
    static const char log_driver[] = "this engine cannot use the log driver (logDrivers in davit's "
                                     "configuration can name another)";
    static const char host_port[] = "another container or a process of the instance has the host port: "
                                    "free it, or choose another hostPort";
    static const struct {
        const char *complaint;
        const char *advice;
    } table[] = {
        {"no log driver named", log_driver},
        {"error looking up logging plugin", log_driver},
        {"failed to initialize logging driver", log_driver},
        {"port is already allocated", host_port},
        {"address already in use", host_port},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (strstr(error->message, table[i].complaint)) {
            error_wrap(error, error->code, "%s", table[i].advice);
            return;
        }
    }
}

/* After the deed: a container that is gone already (somebody removed it) is no failure. */
static void on_inspected_after(struct docker_call *call, const struct docker_answer *answer)
{
    struct engine_reply nothing = {0};
    if (answer->status == 404)
        docker_done(call, &nothing);
    else if (answer->error.code)
        docker_fail(call, &answer->error);
    else
        on_inspected(call, answer);
}

static void on_deed_done(struct docker_call *call, const struct docker_answer *answer)
{
    (void)answer;
    char *path CLEANUP_FREE = docker_path("/containers/", call->target, "/json");
    docker_send(call,
                (struct docker_send){.path = path, .takes_failures = true, .on_answer = on_inspected_after});
}

static uint64_t deed(struct docker_call *call, const char *suffix)
{
    char *path CLEANUP_FREE = docker_path("/containers/", call->target, suffix);
    return docker_send(call, (struct docker_send){.method = "POST", .path = path, .on_answer = on_deed_done});
}

/* 404 is also a network or a container to join that is not there: then it names another one. */
static void on_started(struct docker_call *call, const struct docker_answer *answer)
{
    struct error error = answer->error;
    if (error.code == ERROR_NOT_FOUND && !strstr(error.message, call->target))
        error.code = ERROR_INTERNAL;
    advise(&error);
    if (error.code)
        docker_fail(call, &error);
    else
        on_deed_done(call, answer);
}

uint64_t docker_start(struct engine *engine, const char *container_id, const struct engine_call *call)
{
    struct docker_call *new = docker_call_new(engine, container_id, call, LIMIT_ENGINE_START_MS);
    char *path CLEANUP_FREE = docker_path("/containers/", container_id, "/start");
    return docker_send(new,
                       (struct docker_send){
                           .method = "POST", .path = path, .takes_failures = true, .on_answer = on_started});
}

uint64_t docker_stop(struct engine *engine, const char *container_id, int timeout_s,
                     const struct engine_call *call)
{
    char *suffix CLEANUP_FREE = memory_printf("/stop?t=%d", timeout_s);
    return deed(docker_call_new(engine, container_id, call, timeout_s * 1000LL + LIMIT_ENGINE_STOP_SLACK_MS),
                suffix);
}

uint64_t docker_kill(struct engine *engine, const char *container_id, const char *signal,
                     const struct engine_call *call)
{
    char *suffix CLEANUP_FREE = docker_path("/kill?signal=", signal, "");
    return deed(docker_call_new(engine, container_id, call, LIMIT_ENGINE_CALL_MS), suffix);
}

/* --- remove --------------------------------------------------------------------------------------------- */

static void on_removed(struct docker_call *call, const struct docker_answer *answer)
{
    struct engine_reply reply = {0};
    if (answer->error.code && answer->status != 404)
        reply.error = answer->error;
    docker_done(call, &reply);
}

uint64_t docker_remove(struct engine *engine, const char *container_id, bool force,
                       const struct engine_call *call)
{
    struct docker_call *new = docker_call_new(engine, container_id, call, LIMIT_ENGINE_CALL_MS);
    char *path CLEANUP_FREE = docker_path("/containers/", container_id, force ? "?v=1&force=1" : "?v=1");
    return docker_send(
        new, (struct docker_send){
                 .method = "DELETE", .path = path, .takes_failures = true, .on_answer = on_removed});
}

/* --- create ---------------------------------------------------------------------------------------------
 *
 * Without files: create, inspect. With files: is the name free, create a draft, put the files, rename,
 * inspect. What goes wrong on the way takes the draft with it; a draft that was left (we died) is taken up by
 * the same create, or removed by a listing. */

struct create_state {
    struct task_labels labels;
    struct string_vec volumes; /* to be looked up, the next one last */
    struct error cause;        /* why it failed, while more is asked or cleaned up */
    json_t *body;              /* until it is sent */
    char *draft;               /* its name; NULL: no files */
    struct docker_archive_vec archives;
    size_t put_len; /* of them, that are in the draft */
};

static void create_state_free(void *state)
{
    struct create_state *create = state;
    task_labels_deinit(&create->labels);
    string_vec_deinit(&create->volumes);
    json_decref(create->body);
    docker_archive_vec_deinit(&create->archives);
    free(create->draft);
    free(create);
}

/* The container if it is of the task that we are creating for, else NULL. Caller frees. */
static struct container *own_container(const struct docker_call *call, const struct docker_answer *answer)
{
    const struct create_state *state = call->state;
    const struct task_labels *wanted = &state->labels;
    struct container *container CLEANUP(container_freep) = NULL;
    if (answer->error.code || docker_decode_container(answer->json, &container, NULL) < 0 ||
        !text_equal(container->labels.owner, wanted->owner) ||
        !text_equal(container->labels.task, wanted->task) ||
        !text_equal(container->labels.spec->name, wanted->spec->name))
        return NULL;
    return TAKE(container);
}

static void ask_for(struct docker_call *call, const char *name,
                    void (*on_answer)(struct docker_call *call, const struct docker_answer *answer))
{
    char *path CLEANUP_FREE = docker_path("/containers/", name, "/json");
    docker_send(call, (struct docker_send){.path = path, .takes_failures = true, .on_answer = on_answer});
}

static void fail_with_cause(struct docker_call *call, const struct docker_answer *answer)
{
    const struct create_state *state = call->state;
    (void)answer;
    docker_fail(call, &state->cause);
}

static void drop_draft(struct docker_call *call, const struct error *cause)
{
    struct create_state *state = call->state;
    state->cause = *cause;
    char *path CLEANUP_FREE = docker_path("/containers/", state->draft, "?v=1&force=1");
    docker_send(call,
                (struct docker_send){
                    .method = "DELETE", .path = path, .takes_failures = true, .on_answer = fail_with_cause});
}

static void on_renamed(struct docker_call *call, const struct docker_answer *answer)
{
    if (answer->error.code)
        drop_draft(call, &answer->error);
    else
        inspect(call, call->target);
}

static void put_files(struct docker_call *call);

static void on_put(struct docker_call *call, const struct docker_answer *answer)
{
    struct create_state *state = call->state;
    if (answer->error.code) {
        struct error cause = answer->error;
        if (cause.code == ERROR_NOT_FOUND) /* of a path in it; the image is there */
            cause.code = ERROR_INVALID;
        error_wrap(&cause, cause.code, "the files cannot be put into the container");
        drop_draft(call, &cause);
        return;
    }
    if (++state->put_len < state->archives.len) {
        put_files(call);
        return;
    }
    char *suffix CLEANUP_FREE = docker_path("/rename?name=", call->target, "");
    char *path CLEANUP_FREE = docker_path("/containers/", state->draft, suffix);
    docker_send(call, (struct docker_send){
                          .method = "POST", .path = path, .takes_failures = true, .on_answer = on_renamed});
}

static void put_files(struct docker_call *call)
{
    const struct create_state *state = call->state;
    const struct docker_archive *archive = &state->archives.items[state->put_len];
    /* Else a file in the place of a directory would remove it first, with all that a volume holds there. */
    char *suffix CLEANUP_FREE = docker_path("/archive?path=", archive->path, "&noOverwriteDirNonDir=true");
    char *path CLEANUP_FREE = docker_path("/containers/", state->draft, suffix);
    docker_send(call, (struct docker_send){.method = "PUT",
                                           .path = path,
                                           .tar = archive->tar.data,
                                           .tar_len = archive->tar.len,
                                           .takes_failures = true,
                                           .on_answer = on_put});
}

/* Who has the name? Our own container means that an earlier reply was lost; our own draft, that an earlier
 * create did not come to its end. */
static void on_name_holder(struct docker_call *call, const struct docker_answer *answer)
{
    const struct create_state *state = call->state;
    struct container *container CLEANUP(container_freep) = own_container(call, answer);
    if (answer->status == 404) {
        /* By a create of an earlier life that is under way: Docker takes the name first. */
        docker_fail_as(call, ERROR_UNAVAILABLE, "the container name is taken, and nobody has it yet");
    } else if (!container) {
        struct error conflict = state->cause;
        conflict.code = ERROR_EXISTS;
        docker_fail(call, &conflict);
    } else if (state->draft) {
        put_files(call);
    } else {
        struct engine_reply reply = {.container = container};
        docker_done(call, &reply);
    }
}

/* 404 is also a network, a plugin or another container that is not there, whatever they are called: an
 * absent image is what Docker and Podman say in these words, the last ones of an image of another platform.
 */
static bool is_image_missing(const struct docker_answer *answer)
{
    const char *message = answer->error.message;
    return answer->status == 404 &&
           (strncasecmp(message, "no such image: ", strlen("no such image: ")) == 0 ||
            text_ends_with(message, "image not known") || text_starts_with(message, "image with reference "));
}

static void on_created(struct docker_call *call, const struct docker_answer *answer)
{
    struct create_state *state = call->state;
    if (answer->error.code && answer->error.code != ERROR_CONFLICT) {
        struct error error = answer->error;
        advise(&error);
        if (error.code == ERROR_NOT_FOUND && !is_image_missing(answer))
            error.code = ERROR_INTERNAL; /* no pull helps */
        docker_fail(call, &error);
        return;
    }
    if (answer->error.code) {
        state->cause = answer->error;
        ask_for(call, state->draft ? state->draft : call->target, on_name_holder);
        return;
    }
    const char *id = json_string_value(json_object_get(answer->json, "Id"));
    if (!id)
        docker_fail_as(call, ERROR_PROTOCOL, "the engine's answer to create has no Id");
    else if (state->draft)
        put_files(call);
    else
        inspect(call, id);
}

static uint64_t create_next(struct docker_call *call);

/* The name of the container that is to be; a draft in its place comes later. */
static void on_name_asked(struct docker_call *call, const struct docker_answer *answer)
{
    struct container *container CLEANUP(container_freep) = own_container(call, answer);
    struct error taken = ERROR_INIT;
    if (container) {
        struct engine_reply reply = {.container = container};
        docker_done(call, &reply);
    } else if (answer->status == 404) {
        create_next(call);
    } else if (answer->error.code) {
        docker_fail(call, &answer->error);
    } else {
        error_set(&taken, ERROR_EXISTS, "the container name %s is taken", call->target);
        docker_fail(call, &taken);
    }
}

/* A shared volume that davit is not to make. */
static void on_volume(struct docker_call *call, const struct docker_answer *answer)
{
    struct create_state *state = call->state;
    if (answer->error.code == ERROR_NOT_FOUND) {
        struct error err = ERROR_INIT;
        error_set(&err, ERROR_INVALID, "volume '%s' does not exist and autoprovision is set to false",
                  state->volumes.items[state->volumes.len - 1]);
        docker_fail(call, &err);
        return;
    }
    if (answer->error.code) {
        docker_fail(call, &answer->error);
        return;
    }
    free(state->volumes.items[--state->volumes.len]);
    create_next(call);
}

/* Looks up the volumes, one after the other, then creates. */
static uint64_t create_next(struct docker_call *call)
{
    struct create_state *state = call->state;
    if (state->volumes.len) {
        char *path CLEANUP_FREE = docker_path("/volumes/", state->volumes.items[state->volumes.len - 1], "");
        return docker_send(
            call, (struct docker_send){.path = path, .takes_failures = true, .on_answer = on_volume});
    }
    json_t *body = TAKE(state->body);
    const char *name = state->draft ? state->draft : call->target;
    char *path CLEANUP_FREE = docker_path("/containers/create?name=", name, "");
    return docker_send(
        call,
        (struct docker_send){
            .method = "POST", .path = path, .body = body, .takes_failures = true, .on_answer = on_created});
}

/* Refused before anything is sent; told from the loop, as every outcome. */
static void fail_late(void *data)
{
    struct docker_call *call = data;
    struct create_state *state = call->state;
    call->timer = 0;
    docker_fail(call, &state->cause);
}

uint64_t docker_create(struct engine *engine, const struct engine_create *create,
                       const struct engine_call *call)
{
    struct docker_call *new = docker_call_new(engine, create->name, call, LIMIT_ENGINE_CREATE_MS);
    struct create_state *state = NEW(struct create_state);
    task_labels_copy(create->labels, &state->labels);
    new->state = state;
    new->state_free = create_state_free;
    state->body = docker_create_body(create, &docker_of(engine)->settings, &new->text, &state->cause);
    if (!state->body ||
        (create->files_len && docker_files_archives(create, &state->archives, &state->cause) < 0)) {
        new->timer = engine->ops->after(engine, 0, fail_late, new);
        return new->id;
    }
    docker_files_apply(create, state->body);
    docker_create_needs_volumes(create, &state->volumes);
    if (!create->files_len)
        return create_next(new);
    state->draft = docker_files_draft_name(create->name);
    ask_for(new, create->name, on_name_asked);
    return new->id;
}

/* Whether a create of ours is about to complete the draft. */
static bool is_being_completed(const struct docker *docker, const char *draft)
{
    for (size_t i = 0; i < docker->calls.len; i++) {
        const struct docker_call *call = docker->calls.items[i];
        const struct create_state *state = call->state;
        if (call->state_free == create_state_free && text_equal(state->draft, draft))
            return true;
    }
    return false;
}

static void on_draft_removed(void *data, const struct engine_reply *reply)
{
    (void)data;
    (void)reply; /* the next listing tries again */
}

/* The name of an entry of the engine's list that is a draft, or NULL: what runs or ran is none. One whose
 * removal is under way is in the list as "removing". */
static const char *draft_of(const json_t *entry)
{
    const char *name = json_string_value(json_array_get(json_object_get(entry, "Names"), 0));
    const char *state = model_string(entry, "State");
    bool is_complete =
        text_equal(state, "running") || text_equal(state, "paused") || text_equal(state, "exited");
    while (name && *name == '/')
        name++;
    return name && docker_files_is_draft(name) && !is_complete ? name : NULL;
}

/* Drafts of an earlier life go, by name: one that was completed since the engine wrote its list has another.
 * Returns the others, which the caller owns. */
static json_t *sort_out_drafts(struct docker *docker, const json_t *entries)
{
    size_t i;
    json_t *entry;
    json_t *others = json_array();
    json_array_foreach ((json_t *)entries, i, entry) {
        const char *draft = draft_of(entry);
        if (!draft)
            json_array_append(others, entry);
        else if (!is_being_completed(docker, draft))
            docker_remove(&docker->engine, draft, true, &(struct engine_call){.done = on_draft_removed});
    }
    return others;
}

/* --- list: ids, then an inspection for each ------------------------------------------------------------- */

#define INSPECTIONS       8 /* under way at once, of one listing */
#define INSPECTION_SHARES 4 /* one may take so much of the listing's time, so that it does not take all */

struct list_slot {
    struct docker_call *call; /* the listing */
    size_t entry;             /* of it */
    uint64_t id;              /* of the inspection; 0: free */
};

struct list_state {
    struct engine *engine;
    json_t *entries; /* as the engine listed them */
    struct string_vec ids;
    size_t next;
    size_t unreadable_len;
    size_t unreadable_entry; /* the first */
    struct error unreadable; /* why */
    int64_t inspection_ms;   /* an inspection's deadline */
    size_t answers;          /* inspections that did not run into it */
    struct error silence;    /* of one that did */
    size_t under_way;
    struct container_vec containers;
    struct list_slot slots[INSPECTIONS];
};

static void cancel_inspections(struct list_state *state)
{
    for (size_t i = 0; i < INSPECTIONS; i++)
        if (state->slots[i].id)
            state->engine->ops->cancel(state->engine, state->slots[i].id);
    memset(state->slots, 0, sizeof state->slots);
}

static void list_state_free(void *data)
{
    struct list_state *state = data;
    cancel_inspections(state);
    json_decref(state->entries);
    string_vec_deinit(&state->ids);
    container_vec_deinit(&state->containers);
    free(state);
}

static void list_next(struct docker_call *call);

/* Answers come in any order; the same containers are to give the same words. */
static void add_unreadable(struct list_state *state, size_t entry, const struct error *cause)
{
    if (state->unreadable_len++ > 0 && state->unreadable_entry < entry)
        return;
    state->unreadable_entry = entry;
    state->unreadable = *cause;
    error_wrap(&state->unreadable, cause->code, "container %.12s", state->ids.items[entry]);
}

/* Of this one container, or of the engine as a whole? A timeout is its own while the listing has time; if
 * every one had it, the end of the listing tells. */
static bool is_its_own(const struct docker_call *call, int code)
{
    if (code == ERROR_TIMEOUT)
        return docker_call_left_ms(call) > 1;
    return code == ERROR_INTERNAL || code == ERROR_PROTOCOL || code == ERROR_LIMIT || code == ERROR_CONFLICT;
}

/* Cannot be inspected, and is there all the same: what the list tells of it counts. */
static int take_entry(struct list_state *state, size_t entry, const struct error *cause, struct error *err)
{
    struct container *container = NULL;
    int r = docker_decode_entry(json_array_get(state->entries, entry), cause, &container, err);
    if (r == 0)
        vector_push(&state->containers, container);
    return r;
}

static void on_listed_one(void *data, const struct engine_reply *reply)
{
    struct list_slot *slot = data;
    struct docker_call *call = slot->call;
    struct list_state *state = call->state;
    struct error cause = reply->error;
    int code = cause.code;
    slot->id = 0;
    state->under_way--;
    if (code == ERROR_TIMEOUT)
        state->silence = reply->error;
    else
        state->answers++;
    if (is_its_own(call, code))
        code = take_entry(state, slot->entry, &reply->error, &cause);
    else if (code == 0)
        vector_push(&state->containers, container_copy(reply->container));
    /* Labeled by somebody who is not davit: not in the list. Nor is what vanished in between. */
    if (code == ERROR_INVALID || (code == 0 && reply->error.code))
        add_unreadable(state, slot->entry, &cause);
    else if (code && code != ERROR_NOT_FOUND) {
        /* Before the caller hears of it: it may free the engine then. */
        cancel_inspections(state);
        docker_fail(call, &cause);
        return;
    }
    list_next(call);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(struct container *const *)a)->name, (*(struct container *const *)b)->name);
}

static void list_end(struct docker_call *call)
{
    struct list_state *state = call->state;
    if (state->silence.code && !state->answers) {
        docker_fail(call, &state->silence);
        return;
    }
    vector_sort(&state->containers, compare_names);
    struct engine_reply reply = {.containers = &state->containers,
                                 .unreadable_len = state->unreadable_len,
                                 .unreadable = state->unreadable_len ? state->unreadable.message : NULL};
    docker_done(call, &reply);
}

static void list_next(struct docker_call *call)
{
    struct list_state *state = call->state;
    for (size_t i = 0; i < INSPECTIONS && state->next < state->ids.len; i++) {
        struct list_slot *slot = &state->slots[i];
        if (slot->id)
            continue;
        int64_t left_ms = docker_call_left_ms(call);
        const struct engine_call one = {.done = on_listed_one,
                                        .data = slot,
                                        .deadline_ms =
                                            left_ms < state->inspection_ms ? left_ms : state->inspection_ms};
        slot->call = call;
        slot->entry = state->next++;
        state->under_way++;
        slot->id = docker_inspect(state->engine, state->ids.items[slot->entry], &one);
    }
    if (state->under_way == 0)
        list_end(call);
}

static void on_ids(struct docker_call *call, const struct docker_answer *answer)
{
    struct list_state *state = call->state;
    struct error err = ERROR_INIT;
    if (docker_decode_ids(answer->json, &state->ids, &err) < 0)
        docker_fail(call, &err);
    else {
        state->entries = sort_out_drafts(call->docker, answer->json);
        string_vec_deinit(&state->ids);
        docker_decode_ids(state->entries, &state->ids, NULL);
        state->inspection_ms = docker_call_left_ms(call) / INSPECTION_SHARES + 1;
        list_next(call);
    }
}

uint64_t docker_list(struct engine *engine, const char *owner, const struct engine_call *call)
{
    struct docker_call *new = docker_call_new(engine, owner, call, LIMIT_ENGINE_CALL_MS);
    struct list_state *state = NEW(struct list_state);
    state->engine = engine;
    new->state = state;
    new->state_free = list_state_free;
    char *path CLEANUP_FREE = docker_filters(
        "/containers/json?all=1&", json_pack("{s:[o]}", "label", json_sprintf("%s=%s", LABEL_OWNER, owner)));
    return docker_send(new, (struct docker_send){.path = path, .on_answer = on_ids});
}

static void on_others(struct docker_call *call, const struct docker_answer *answer)
{
    struct container_vec others CLEANUP(container_vec_deinit) = {0};
    struct error cause = ERROR_INIT;
    size_t i;
    json_t *entry;
    if (!json_is_array(answer->json)) {
        docker_fail_as(call, ERROR_PROTOCOL, "the engine's list of containers is no list");
        return;
    }
    error_set(&cause, ERROR_DENIED, "it is another owner's");
    json_array_foreach (answer->json, i, entry) {
        struct container *container CLEANUP(container_freep) = NULL;
        if (docker_decode_entry(entry, &cause, &container, NULL) == 0 &&
            container->status == CONTAINER_RUNNING && !text_equal(container->labels.owner, call->target))
            vector_push(&others, TAKE(container));
    }
    vector_sort(&others, compare_names);
    docker_done(call, &(struct engine_reply){.containers = &others});
}

uint64_t docker_list_others(struct engine *engine, const char *owner, const struct engine_call *call)
{
    char *path CLEANUP_FREE = docker_filters(
        "/containers/json?", json_pack("{s:[s],s:[s]}", "label", LABEL_OWNER, "status", "running"));
    return docker_send(docker_call_new(engine, owner, call, LIMIT_ENGINE_CALL_MS),
                       (struct docker_send){.path = path, .on_answer = on_others});
}
