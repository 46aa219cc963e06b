/* Inside of secret/. */
#pragma once

#include "secret/secret.h"

struct secret_store {
    char *directory;
    char *credentials;
    char *docker_config;
    struct string_vec environment;
    const char *(*getenv)(const char *name);
};

const char *secret_getenv(const char *name);
/* A small file that not everybody may read, without the line end at its end. Errors of secret_read(). */
int secret_read_file(const char *path, char **ret_text, struct error *err);
