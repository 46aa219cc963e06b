/* One writer for a state directory, whatever happens to it: the kernel drops the lock with the process. */
#pragma once

#include "base/error.h"
#include "base/memory.h"

struct history_lock;

/* Takes the file `lock` in dir, which exists. ERROR_CONFLICT names the process that has it. */
int history_lock_take(const char *dir, struct history_lock **ret_lock, struct error *err);
/* Releases. */
void history_lock_free(struct history_lock *lock);
DEFINE_CLEANUP(struct history_lock, history_lock_free)
