/* Secrets that an administrator keeps in files, and where they may be sent. */
#pragma once

#include "base/error.h"

#include <stdbool.h>

/* The first line of a file that holds a secret; `what` names it in errors, the secret never does. Caller
 * wipes. ERROR_NOT_FOUND, ERROR_DENIED, ERROR_IO, ERROR_INVALID: it has none, or one that is longer than
 * LIMIT_SECRET_BYTES. */
int credential_read_line(const char *path, const char *what, char **ret_line, struct error *err);

/* Whether a secret may be sent to that URL: over https, or to this machine. */
bool credential_is_private(const char *url);
