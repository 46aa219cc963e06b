/* A core that is fed with events, an engine that does at once what it is told, and an api over both. */
#pragma once

#include "api/api.h"
#include "api/operation.h"

#include <jansson.h>

struct fixture {
    struct core *core;
    struct api *api;
    int64_t now_ms;
    uint64_t seed;
    struct map containers; /* id -> struct container: what the engine has */
    int containers_made;
    const char *broken_image; /* containers of it exit with 1 when they are started */
    int posted;               /* events that the api posted */
    char *posted_cluster;
    char *posted_service;
    int poked;
    char *poked_source;     /* the last one; NULL: each */
    struct api_move move;   /* of the source's HEAD */
    struct api_saves saves; /* likewise */
    struct engine *engine;  /* what the api is told when it asks for one */
};

void fixture_init(struct fixture *fixture);
void fixture_init_with(struct fixture *fixture, const struct core_source_options *sources, size_t len);
void fixture_deinit(struct fixture *fixture);
/* A commit of one file. oid is repeated up to 40 digits. */
void fixture_commit(struct fixture *fixture, const char *oid, const char *yaml);
void fixture_commit_to(struct fixture *fixture, const char *source, const char *oid, const char *yaml);
/* The only instance does not answer any more. */
void fixture_lose(struct fixture *fixture);
/* Turns until nothing is to be done, and ms later again. */
void fixture_settle(struct fixture *fixture, int64_t ms);

/* The operation's answer, which must be one; input is JSON text with ' for ". Caller decrefs. */
json_t *fixture_ask(struct fixture *fixture, const char *method, const char *name, const char *input);
/* The operation's refusal. */
struct api_fault fixture_refusal(struct fixture *fixture, const char *method, const char *name,
                                 const char *input);

/* One cluster "demo" with service "web": 2 tasks of container "web". %s: the image. */
#define FIXTURE_MANIFEST                                                                                     \
    "kind: Cluster\n"                                                                                        \
    "clusterName: demo\n"                                                                                    \
    "---\n"                                                                                                  \
    "kind: TaskDefinition\n"                                                                                 \
    "family: web\n"                                                                                          \
    "containerDefinitions:\n"                                                                                \
    "  - name: web\n"                                                                                        \
    "    image: %s\n"                                                                                        \
    "    memory: 64\n"                                                                                       \
    "    environment:\n"                                                                                     \
    "      - {name: PASSWORD, value: hunter2}\n"                                                             \
    "---\n"                                                                                                  \
    "kind: Service\n"                                                                                        \
    "serviceName: web\n"                                                                                     \
    "cluster: demo\n"                                                                                        \
    "taskDefinition: web\n"                                                                                  \
    "desiredCount: 2\n"
void fixture_deploy(struct fixture *fixture, const char *oid, const char *image);
