/* Secrets that tasks name and davit is given outside of git: files of a configured directory, credentials of
 * systemd, variables of the daemon's own environment; and the logins of registries, out of them or out of
 * Docker's credential file.
 *
 * Values are read anew each time, so that a new task gets a new value. They are in no message.
 */
#pragma once

#include "base/error.h"
#include "base/memory.h"
#include "base/vector.h"

struct secret_store;

/* Strings are copied; NULL and empty: none. */
struct secret_options {
    const char *directory;                /* a secret is a file below it */
    const char *credentials;              /* likewise; where systemd puts LoadCredential= */
    const struct string_vec *environment; /* prefixes: "APP_" has the secret db/password in APP_DB_PASSWORD */
    const char *docker_config;            /* Docker's config.json */
    const char *(*getenv)(const char *name); /* NULL: the process's */
};

struct secret_store *secret_store_new(const struct secret_options *options);
void secret_store_free(struct secret_store *store);
DEFINE_CLEANUP(struct secret_store, secret_store_free)

/* The value of a secret by a `valueFrom` of ECS: a name ("db/password"), or the ARN of a secret or parameter,
 * whose name counts; "name:key" and the json-key of an ARN take a member of a JSON object. The first place
 * that has it counts. One line end at the end of a file is not part of the value. Caller frees (and wipes).
 *
 * ERROR_NOT_FOUND (the message names the places), ERROR_DENIED (a file that everybody may read or change
 * among it), ERROR_INVALID (no name, no such member, a NUL inside), ERROR_LIMIT, ERROR_IO. */
int secret_read(const struct secret_store *store, const char *value_from, char **ret_value,
                struct error *err);

struct secret_login {
    char *header; /* the value of X-Registry-Auth; NULL: no login is known */
    char *hint;   /* why not, where that is worth a word when the pull fails; NULL: it is not */
    char *secret; /* the password or token in the header; NULL without one */
};

/* The login of an image's registry: by `credentials`, the valueFrom of a JSON object with username and
 * password, or (NULL) by Docker's credential file. Caller frees the strings (and wipes). Errors of
 * secret_read. */
int secret_registry_login(const struct secret_store *store, const char *image, const char *credentials,
                          struct secret_login *ret_login, struct error *err);
