/* A client of image registries: OCI Distribution Specification 1.1, which is the Docker Registry HTTP API v2,
 * and its token authentication. It only reads. Blocking, on a loop of its own: for commands.
 *
 *  Asked      | GET /v2/NAME/tags/list, page by page (Link); HEAD /v2/NAME/manifests/TAG for the digest
 *  Login      | none at first; then what WWW-Authenticate asks for: Basic, or a token of the realm for
 *             | "repository:NAME:pull" and nothing more. The login goes to the registry, and to the realm
 *             | that it names, on whatever host, as Docker has it; but by https or on this machine, and a
 *             | registry that is asked by plain HTTP is not believed where its realm is
 *  Redirects  | to another host, where blobs are stored, are followed without login and token; from https
 *             | to plain HTTP not at all
 *  Plain HTTP | to this machine (localhost, 127.0.0.0/8, [::1]), and to hosts that are named as insecure
 *  TLS        | verified: by DIRECTORY/HOST/ca.crt as Docker has it, else by FILE, else by the system's
 *             | authorities
 *  Busy       | 429 and 503 with a Retry-After are asked again after it, 3 times
 *  Bounds     | LIMIT_REGISTRY_*; a registry that does not answer is not asked again in this run
 *
 * What comes back may be anything. Errors name the repository and the remedy, never a login or token.
 */
#pragma once

#include "base/error.h"
#include "base/memory.h"
#include "base/vector.h"

struct registry;

/* Strings are owned, and wiped; user and password, or a token alone ("identitytoken"); none: NULL. */
struct registry_login {
    char *user;
    char *password;
    char *token;
    char *hint; /* why there is none, or NULL */
};
void registry_login_deinit(struct registry_login *login);

/* All borrowed for the registry's life. */
struct registry_options {
    const struct string_vec *insecure; /* hosts ("registry.lan:5000") that are asked by plain HTTP; or NULL */
    const char *certificates;          /* DIRECTORY above; NULL: none */
    const char *authorities;           /* FILE above; NULL: the system's */
    void *data;
    /* The login for an image's registry, asked for when one is wanted; NULL: there are none. A failure is
     * that of the question. */
    int (*login)(void *data, const char *image, const char *credentials, struct registry_login *ret_login,
                 struct error *err);
};

/* An image's repository. Its tag and digest do not count. */
struct registry_question {
    const char *image;
    const char *credentials; /* handed to options.login; may be NULL */
};

struct registry *registry_new(const struct registry_options *options);
void registry_free(struct registry *registry);
DEFINE_CLEANUP(struct registry, registry_free)

/* Appends the tags that the repository has, in the registry's order; those that no tag may be called are left
 * out.
 *
 * Both: ERROR_NOT_FOUND: there is no such repository, or tag. ERROR_DENIED: a login is wanted, wrong, or not
 * to be sent; TLS. ERROR_UNAVAILABLE, ERROR_TIMEOUT, ERROR_IO: no answer. ERROR_PROTOCOL: one that is none.
 * ERROR_LIMIT. ERROR_INVALID: no image. */
int registry_tags(struct registry *registry, const struct registry_question *question,
                  struct string_vec *ret_tags, struct error *err);
/* The digest of the image index or manifest that the tag means. Caller frees. */
int registry_digest(struct registry *registry, const struct registry_question *question, const char *tag,
                    char **ret_digest, struct error *err);
