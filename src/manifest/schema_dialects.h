/* The meta-schemas of schemas/dialects/ as text. Inner header of schema*.c. */
#pragma once

#include "manifest/schema.h"

extern const char *const schema_dialects[SCHEMA_DRAFT_07 + 1];
