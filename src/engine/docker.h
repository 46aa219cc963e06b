/* The Docker Engine API, and Podman's version of it, on a libuv loop. */
#pragma once

#include "engine/engine.h"

#include <uv.h>

/* Copied. NULL is the default. */
struct docker_options {
    const char *endpoint;  /* "unix:///var/run/docker.sock" (default), "tcp://host:port" */
    const char *ca_path;   /* PEM; with any of the three set, tcp:// speaks TLS */
    const char *cert_path; /* the client's certificate and its key come together */
    const char *key_path;
    /* ECS's name of a log driver to what is used instead: {"driver", "options"}; NULL: nothing. Shared. */
    json_t *log_drivers;
    const char *efs_region; /* of EFS file systems; NULL: a task that mounts one is refused */
};

/* Does not connect yet: the first call does, and negotiates the version. ERROR_INVALID for an endpoint that
 * makes no sense. The loop must outlive the engine and be run on after engine_free(). */
int docker_new(uv_loop_t *loop, const struct docker_options *options, struct engine **ret_engine,
               struct error *err);
