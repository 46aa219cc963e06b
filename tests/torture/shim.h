/* The disk fails on demand: every call by which this program or a library of it changes a file goes past
 * here. */
#pragma once

#include <stdbool.h>

enum shim_fault {
    SHIM_ONCE, /* the n-th call fails with EIO, the next ones work: a bad sector */
    SHIM_FULL, /* from the n-th call on there is no room (ENOSPC), and that write is cut short: a full disk */
};

/* n counts from 1. */
void shim_arm(enum shim_fault fault, long n);
/* Whether a call has failed since. */
bool shim_disarm(void);
