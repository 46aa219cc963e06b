/* Small files of the state directory, written whole or not at all. */
#pragma once

#include "base/error.h"

#include <stddef.h>

/* Durable when it returns 0. From any thread. ERROR_IO. */
int state_file_write(const char *path, const char *text, struct error *err);
/* *ret_text ends in a NUL; caller frees. ERROR_NOT_FOUND, ERROR_IO; ERROR_LIMIT: larger than max_bytes. */
int state_file_read(const char *path, size_t max_bytes, char **ret_text, struct error *err);
