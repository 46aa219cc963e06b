/* What davit update-images would change. For update_images*.c. */
#pragma once

#include "base/buffer.h"
#include "base/map.h"
#include "cli/cli.h"
#include "manifest/image_edit.h"
#include "model/desired.h"
#include "registry/registry.h"
#include "source/restore.h"

/* An image that could not be judged, or not be replaced. */
struct image_failure {
    size_t edit; /* index in update.edits */
    char *message;
};
struct image_failure_vec VECTOR_OF(struct image_failure);

/* One run. */
struct image_update {
    const struct cli *cli;
    struct source_branch base; /* that is deployed from */
    struct source_branch
        review; /* that is committed to in its place; no directory: it is not there yet, or ... */
    const char *review_name; /* ... NULL: none is wanted */
    const char *parent;      /* of the commit: the tip of one of the two, borrowed */
    char *directory;         /* of the manifests in the repository */
    struct desired *desired;
    struct image_edit_vec edits;        /* what has a policy; what is to change has a replacement */
    struct source_content_vec contents; /* of the files that change */
    struct image_failure_vec failures;
};

/* Reads the manifests of `parent`, asks the registries and fills what is behind it. CLI_ERROR after a
 * message; what fails of single images is in `failures`. */
int image_update_find(struct image_update *update);
/* "default/web app", of all services that run it, or "task definition web app". Caller frees. */
char *image_update_label(const struct image_update *update, const struct image_edit *edit);
/* The failure of that edit is told in `failures`; takes the message. */
void image_update_fail(struct image_update *update, size_t edit, char *message);
/* The flags that say how registries are asked. */
#define IMAGE_UPDATE_FLAGS                                                                                   \
    {"docker-config",                                                                                        \
     0,                                                                                                      \
     "FILE",                                                                                                 \
     NULL,                                                                                                   \
     "logins of registries; default: $DOCKER_CONFIG/config.json, ~/.docker/config.json",                     \
     NULL},                                                                                                  \
        {"secrets", 0, "DIRECTORY", NULL, "where the secrets of repositoryCredentials are files", NULL},     \
        {"certs",                                                                                            \
         0,                                                                                                  \
         "DIRECTORY",                                                                                        \
         "/etc/docker/certs.d",                                                                              \
         "DIRECTORY/HOST/ca.crt is who a registry is signed by",                                             \
         NULL},                                                                                              \
    {                                                                                                        \
        "insecure-registry", 0, "HOST[:PORT]", NULL, "asked by plain HTTP; may be given several times", NULL \
    }
