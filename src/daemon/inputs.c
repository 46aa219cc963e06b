#include "daemon/inputs.h"

#include "base/memory.h"

#include <assert.h>
#include <string.h>

void input_ledger(enum ledger_change_kind kind, const char *name, const json_t *entry,
                  struct event *ret_event)
{
    assert(ret_event);
    *ret_event = (struct event){.kind = EVENT_LEDGER,
                                .ledger = {kind, memory_strdup(name), json_incref((json_t *)entry)}};
}

static enum event_file_kind file_kind(const struct source_file *file)
{
    static const enum event_file_kind kinds[] = {[SOURCE_FILE] = EVENT_FILE,
                                                 [SOURCE_DELETED] = EVENT_FILE_DELETED,
                                                 [SOURCE_SYMLINK] = EVENT_FILE_SYMLINK,
                                                 [SOURCE_SUBMODULE] = EVENT_FILE_SUBMODULE,
                                                 [SOURCE_LFS] = EVENT_FILE_LFS,
                                                 [SOURCE_TOO_LARGE] = EVENT_FILE_TOO_LARGE};
    return file->too_large ? EVENT_FILE_TOO_LARGE : kinds[file->kind];
}

void input_commit(const char *source, const struct source_update *update, struct event *ret_event)
{
    assert(update);
    assert(ret_event);
    *ret_event = (struct event){.kind = EVENT_COMMIT,
                                .commit = {.source = memory_strdup(source),
                                           .head = update->head,
                                           .full = update->full,
                                           .rewritten = update->rewritten,
                                           .generation = update->generation,
                                           .levels = update->levels}};
    commit_copy(&update->commit, &ret_event->commit.commit);
    vector_reserve(&ret_event->commit.files, update->files.len);
    for (size_t i = 0; i < update->files.len; i++) {
        struct source_file *from = &update->files.items[i];
        struct event_file file = {.path = from->path,
                                  .kind = file_kind(from),
                                  .content = from->content,
                                  .len = from->len,
                                  .other = from->other};
        if (from->other) {
            memcpy(file.oid, from->oid, sizeof file.oid);
            file.size_bytes = from->size_bytes;
            file.executable = from->executable;
        }
        from->path = from->content = NULL; /* taken over */
        vector_push(&ret_event->commit.files, file);
    }
}

void input_source(const char *source, const struct source_status *status, struct event *ret_event)
{
    assert(status);
    assert(ret_event);
    *ret_event =
        (struct event){.kind = EVENT_SOURCE,
                       .source = {.name = memory_strdup(source),
                                  .ok = status->ok,
                                  .message = status->ok ? NULL : memory_strdup(error_text(&status->error)),
                                  .origin = memory_strdup(status->origin),
                                  .branch = memory_strdup(status->branch)}};
}

void input_looks(const struct source_status *status, struct api_looks *ret_looks)
{
    assert(status);
    assert(ret_looks);
    const struct source_rewrite *rewrite = &status->rewrite;
    bool is_refused = status->refusal.commit.oid[0] != '\0';
    *ret_looks = (struct api_looks){.asked = status->asked,
                                    .answered = status->answered,
                                    .newest = status->oid,
                                    .unverified = status->refused,
                                    .refused = is_refused ? &status->refusal.commit : NULL,
                                    .refusal = status->refusal.text,
                                    .reached = status->looked_at_ms && !status->failures,
                                    .away = status->away ? error_text(&status->error) : NULL,
                                    .changes = status->told,
                                    .move = {status->move.from, status->branch, status->move.seen_at_ms}};
    if (rewrite->from[0])
        ret_looks->rewrite =
            (struct api_rewrite){rewrite->from, rewrite->to, rewrite->fork, rewrite->seen_at_ms,
                                 rewrite->moved ? status->branch : NULL};
}

void input_connected(const char *instance, const struct instance_info *info, struct event *ret_event)
{
    assert(info);
    *ret_event = (struct event){.kind = EVENT_CONNECTED, .engine = {.instance = memory_strdup(instance)}};
    instance_info_copy(info, &ret_event->engine.info);
}

void input_disconnected(const char *instance, const struct error *cause, int64_t silent_ms,
                        struct event *ret_event)
{
    assert(cause);
    *ret_event = (struct event){.kind = EVENT_DISCONNECTED,
                                .engine = {.instance = memory_strdup(instance),
                                           .message = memory_strdup(error_text(cause)),
                                           .silent_ms = silent_ms}};
}

void input_listed(const char *instance, const struct container_vec *containers, struct event *ret_event)
{
    assert(containers);
    *ret_event = (struct event){.kind = EVENT_LISTED, .engine = {.instance = memory_strdup(instance)}};
    for (size_t i = 0; i < containers->len; i++)
        vector_push(&ret_event->engine.containers, container_copy(containers->items[i]));
}

void input_container(const char *instance, const struct container *container, struct event *ret_event)
{
    assert(container);
    *ret_event = (struct event){
        .kind = EVENT_CONTAINER,
        .engine = {.instance = memory_strdup(instance), .container = container_copy(container)}};
}

void input_gone(const char *instance, const char *container_id, struct event *ret_event)
{
    assert(container_id);
    *ret_event = (struct event){
        .kind = EVENT_GONE,
        .engine = {.instance = memory_strdup(instance), .container_id = memory_strdup(container_id)}};
}

void input_action_done(const struct act_outcome *outcome, struct event *ret_event)
{
    assert(outcome);
    *ret_event =
        (struct event){.kind = EVENT_ACTION_DONE,
                       .action = {.id = outcome->action_id,
                                  .code = outcome->error->code,
                                  .message = memory_strdup(outcome->error->code ? error_text(outcome->error)
                                                                                : outcome->warning),
                                  .image_digest = memory_strdup(outcome->image_digest),
                                  .image_is_copy = outcome->image_is_copy,
                                  .container = outcome->container ? container_copy(outcome->container) : NULL,
                                  .gone = outcome->gone}};
}

void input_progress(uint64_t action_id, const struct act_progress *progress, struct event *ret_event)
{
    assert(progress);
    *ret_event = (struct event){.kind = EVENT_PROGRESS,
                                .progress = {.id = action_id,
                                             .status = memory_strdup(progress->pull.status),
                                             .failure = memory_strdup(progress->failure),
                                             .current_bytes = progress->pull.current_bytes,
                                             .total_bytes = progress->pull.total_bytes}};
}
