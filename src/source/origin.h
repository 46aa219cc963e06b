/* What an origin's string says by itself. Pure. */
#pragma once

#include "base/error.h"

#include <stdbool.h>

/* A URL ("scheme://...") or scp's form ("git@host:path"); anything else is a local path. */
bool source_origin_is_remote(const char *origin);
/* Where it is on this machine, also what file:// names; NULL: elsewhere. Borrowed of origin. */
const char *source_origin_path(const char *origin);
/* "main" gives "refs/heads/main", "refs/..." stays. Caller frees. */
char *source_origin_ref(const char *branch);
/* Takes the origin's secrets out of a text that a library wrote. */
void source_origin_redact_error(const char *origin, struct error *err);
