/* What the parts report, as events, and what a source says of itself for those who tell it. The two sides do
 * not know each other's types; this is where they meet. Everything is copied but the files of a commit, which
 * are taken out of the update; *ret_event is overwritten. */
#pragma once

#include "act/act.h"
#include "api/api.h"
#include "core/event.h"
#include "engine/engine.h"
#include "source/source.h"

void input_ledger(enum ledger_change_kind kind, const char *name, const json_t *entry,
                  struct event *ret_event);
/* source: NULL where there is only one. */
void input_commit(const char *source, const struct source_update *update, struct event *ret_event);
void input_source(const char *source, const struct source_status *status, struct event *ret_event);
/* But for webhooks and path. Borrows from the status. */
void input_looks(const struct source_status *status, struct api_looks *ret_looks);
void input_connected(const char *instance, const struct instance_info *info, struct event *ret_event);
/* silent_ms: how long ago it answered last. */
void input_disconnected(const char *instance, const struct error *cause, int64_t silent_ms,
                        struct event *ret_event);
void input_listed(const char *instance, const struct container_vec *containers, struct event *ret_event);
void input_container(const char *instance, const struct container *container, struct event *ret_event);
void input_gone(const char *instance, const char *container_id, struct event *ret_event);
void input_action_done(const struct act_outcome *outcome, struct event *ret_event);
void input_progress(uint64_t action_id, const struct act_progress *progress, struct event *ret_event);
