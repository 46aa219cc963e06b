/* A Compose service on its way to a container. Inner header of import_compose*.c. */
#pragma once

#include "base/vector.h"
#include "manifest/import_run.h"

/* One service needs another one. */
struct compose_edge {
    char *to;              /* owned; as the file calls it */
    char *alias;           /* owned; the name that must resolve; NULL: none but its own */
    const char *condition; /* dependsOn's; NULL: by name only */
    const char *apart; /* the condition of davit.dependsOn from another task; NULL: it cannot be had there */
    bool name;         /* its name must resolve */
    char *pointer;     /* owned; where it is asked for */
};

struct compose_service {
    const char *name;   /* borrowed from the file's object */
    const json_t *file; /* borrowed: what the file says, with variables and extends done */
    char *pointer;
    char *container_name; /* legal in ECS */
    json_t *container;    /* the container definition */
    json_t *task;         /* members of the task definition that it brings: networkMode, volumes ... */
    json_t *service;      /* members of the ECS service that it brings */
    struct compose_edge_vec VECTOR_OF(struct compose_edge) edges;
    struct string_vec aliases; /* further names by which others know it */
    const char *restart;       /* "always", "on-failure", "no"; NULL: not said */
    int64_t replicas;
    bool alone; /* cannot share a task */
    bool off;   /* only with a profile that is not on */
    bool daemon;
    bool awaited;       /* somebody waits for its end */
    size_t group;       /* the services of a task have one: the index of one of them */
    const char *family; /* borrowed: of its task; set when groups are known, like `once` */
    bool once;          /* its task ends and is not started again: there is no service */
    struct index_vec VECTOR_OF(size_t) waits; /* groups that davit.dependsOn names; of the service at its
                                                 own group's index */
};

struct compose {
    struct import_run *run;
    json_t *root;
    char *project;      /* owned; NULL: none */
    struct map origins; /* pointer of what was included -> its file, owned */
    struct compose_service_vec VECTOR_OF(struct compose_service) services; /* in the file's order */
};

/* NULL when there is none of that name. */
struct compose_service *compose_find(const struct compose *compose, const char *name);
void compose_edge_add(struct compose_service *service, struct compose_edge edge); /* takes the strings */

/* A handler of one member of a service. */
struct compose_member {
    struct compose *compose;
    struct compose_service *service;
    const char *target; /* ECS's name, by the table */
    const char *reason; /* why it is dropped, by the table */
    json_t *value;
    const char *pointer;
};
typedef void compose_handler(const struct compose_member *member);

struct compose_rule {
    const char *name; /* NULL ends a table */
    compose_handler *handler;
    const char *target;
    const char *reason;
};

/* Hands each member of the object to its rule; x- members pass by, unknown ones are dropped with a note. */
void compose_apply(const struct compose_rule *rules, const struct compose_member *object);

#define NOTE(member, loss, ...) import_note((member)->compose->run, loss, (member)->pointer, __VA_ARGS__)
#define NO_PLACE                "ECS has no place for it"
#define MIB                     (1024 * 1024)

/* Hands each element of a list to the handler; what is no list is an element itself. */
void compose_each(const struct compose_member *member, compose_handler *handler);

/* Handlers that tables share. */
compose_handler compose_string, compose_strings, compose_flag, compose_whole, compose_nothing, compose_drop;
compose_handler compose_object; /* of JSON objects whose values become strings: a list "A=B", or a map */

/* The members that have a file of their own: the kernel's, those of deploy, and what ties services together.
 */
compose_handler compose_capabilities, compose_init, compose_shm_size, compose_swappiness, compose_devices,
    compose_ulimits, compose_sysctls, compose_security_opt, compose_namespace;
compose_handler compose_memory, compose_cpus, compose_gpus, compose_replicas, compose_restart;
compose_handler compose_ports, compose_volumes, compose_volumes_from, compose_tmpfs, compose_secrets,
    compose_configs, compose_deploy, compose_health, compose_depends_on, compose_links, compose_networks;

/* A list of strings, or one, as a list. New. */
json_t *compose_string_list(const json_t *value);
/* "A=B" lists and maps as a map of strings; a value that is not there comes from `missing`, or is left out.
 * New.
 */
json_t *compose_map(const struct compose_member *member, bool from_environment);

/* Takes "!reset" and "!override" off: they matter between several files only. */
void compose_drop_tags(json_t *value);
/* The service with what it extends; `services` are those of its file. New. */
json_t *compose_extended(struct compose *compose, json_t *services, json_t *service, const char *pointer);
/* Puts what `include` names beside what the file has itself. */
void compose_include(struct compose *compose);
/* The services of the file, with extends done. 0 or a negative code after a diagnostic. */
int compose_read(struct compose *compose);
/* Fills container, task and service by the members. */
void compose_service_convert(struct compose *compose, struct compose_service *service);
/* Looks for names of services in variables and commands. */
void compose_mentions(struct compose *compose);
/* Says what cannot be had of an edge, and takes out what it brought. */
void compose_give_up(struct compose *compose, const struct compose_service *from,
                     const struct compose_edge *edge, const char *why);
/* Edges between tasks: davit.dependsOn and davit.preDeploy. */
void compose_connect_tasks(struct compose *compose);
/* Writes the manifests: who shares a task, links, dependencies. */
void compose_write(struct compose *compose);
