/* The order of a fetch on its way to the helper: one member a line, an empty line where it is NULL. Through a
 * pipe, so that a URL with a password is no argument that ps shows. */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "source/git.h"

#include <stdio.h>

#define SOURCE_ORDER_LINES 17

/* ERROR_LIMIT: it does not fit; ERROR_INVALID: a line break in a member. */
int source_order_write(const struct source_fetch_order *order, struct buffer *text, struct error *err);
/* *ret_order borrows from the lines, which the caller frees in either case. ERROR_INVALID. */
int source_order_read(FILE *file, char *lines[static SOURCE_ORDER_LINES],
                      struct source_fetch_order *ret_order, struct error *err);
/* A pipe that holds the order already and whose other end is closed: a child that does not read hurts nobody.
 * Returns the end to read from, the caller's. ERROR_UNAVAILABLE; errors of source_order_write(). */
int source_order_open(const struct source_fetch_order *order, struct error *err);
