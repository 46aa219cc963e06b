/* What a `valueFrom` names. Pure. */
#pragma once

#include "base/error.h"

struct secret_name {
    char *name;   /* a relative path without "." and ".." */
    char *pruned; /* an ARN's name without its six random characters; NULL: it has none */
    char *key;    /* the member of the JSON object; NULL: the value as a whole */
};

/* ERROR_INVALID. */
int secret_name_parse(const char *value_from, struct secret_name *ret_name, struct error *err);
void secret_name_deinit(struct secret_name *name);
