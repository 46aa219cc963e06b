/* Where an image is: its registry, and what it is called there. Pure. */
#pragma once

#include "base/error.h"

#include <stdbool.h>

struct registry_name {
    char *host;       /* as the image says it, "docker.io" where it says none: "registry.example.org:5000" */
    char *address;    /* of the registry itself: "registry-1.docker.io" for docker.io, else the host */
    char *repository; /* "library/nginx" */
};

/* Of an image with or without tag and digest, as Docker reads it: what stands before the first slash and has
 * a dot or a colon or is "localhost" is the registry's host. ERROR_INVALID: characters that no name has. */
int registry_name_parse(const char *image, struct registry_name *ret_name, struct error *err);
void registry_name_deinit(struct registry_name *name);

/* Of what registries answer: "[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", and "sha256:" or "sha512:" with hex digits.
 */
bool registry_is_tag(const char *text);
bool registry_is_digest(const char *text);
