/* Names of images and registries. Pure. */
#pragma once

/* The host of an image's registry as Docker tells it: what is before the first slash and has a dot or a colon
 * or is "localhost", else "docker.io". Caller frees. */
char *secret_registry_of(const char *image);
/* A key of `auths` in Docker's config.json ("https://index.docker.io/v1/", "registry.example.org:5000") as
 * such a host. Caller frees. */
char *secret_registry_of_key(const char *key);
