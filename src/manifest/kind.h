/* The kinds of manifests: how a document is known for one, and what it is read to. Pure. */
#pragma once

#include "manifest/document.h"
#include "manifest/kind_pool.h"
#include "manifest/schema.h"
#include "model/desired.h"
#include "model/diagnostic.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* By name: the order of the schemas. */
enum kind {
    KIND_CAPACITY_PROVIDER,
    KIND_CLUSTER,
    KIND_LISTENER,
    KIND_RUN_TASK,
    KIND_SCHEDULED_TASK,
    KIND_SERVICE,
    KIND_TARGET_GROUP,
    KIND_TASK_DEFINITION,
    KIND_COUNT,
};

/* In the order of enum kind, then the schemas that are no kinds. NULL-ended. */
#define KIND_SCHEMAS (KIND_COUNT + 2)
extern const char *const kind_names[KIND_SCHEMAS + 1];
extern const char *const kind_schemas[KIND_SCHEMAS]; /* as text */

/* What reading documents needs: the compiled schemas, and the values that objects share. */
struct kind_set {
    struct schema *schemas[KIND_COUNT]; /* NULL until one is asked for */
    struct kind_pool pool;
};

void kind_set_init(struct kind_set *set);
void kind_set_deinit(struct kind_set *set);
/* Compiled when it is needed first: most repositories have three kinds. Borrowed. */
const struct schema *kind_set_schema(struct kind_set *set, enum kind kind);

/* Where a member of an object stands. */
struct kind_place {
    struct position at;
    char *file;    /* owned; NULL: the object's own */
    char *pointer; /* owned; in that file's document, NULL where `file` is */
};

/* As the target of a reference: a container of the task definition that the object names. */
#define KIND_CONTAINER KIND_COUNT
/* No object at all: an expression of memberOf, the field of a placement strategy, and the type of a placement
 * constraint. */
#define KIND_EXPRESSION (KIND_COUNT + 1)
#define KIND_STRATEGY   (KIND_COUNT + 2)
#define KIND_CONSTRAINT (KIND_COUNT + 4)
/* Likewise: overrides as text, of the task definition beside them. */
#define KIND_OVERRIDES (KIND_COUNT + 3)

/* What an object says of another one that the commit has to declare, beyond the cluster and the task
 * definition of a service. */
struct kind_reference {
    unsigned target; /* enum kind, or one of these */
    char *name;
    bool arn;      /* it was written as an ARN: what it names may exist in AWS alone */
    char *pointer; /* counts from the object */
    struct kind_place at;
};
struct kind_reference_vec VECTOR_OF(struct kind_reference);

/* One object of a file. When it has errors its value is NULL; the name is kept all the same, so that
 * references to it are not reported on top. */
struct kind_object {
    enum kind kind;
    char *key;        /* clusterName, family, "cluster/service" ...: what others call it */
    const char *file; /* borrowed from the file's entry */
    char *base;       /* JSON pointer to the object in its document; NULL for the root */
    struct position at;
    bool gone;          /* its file was replaced or deleted */
    bool uncounted;     /* read for its faults, of a file that is not well-formed: it is no revision */
    bool cluster_known; /* of a service: the cluster was found */
    bool takes_ports;   /* of a service: its task definition has a hostPort; set by service_check() */
    bool entangled; /* of a service: what others declare matters beyond its cluster and its task definition */
    union {
        struct cluster *cluster;
        struct service *service; /* task_definition and digest come with the checks between files */
        struct scheduled_task *scheduled_task;
        struct task_definition *task_definition; /* a kind that nothing is run of has no value */
    };
    struct kind_place cluster_at; /* of a service's reference; its name where it has none */
    struct kind_place task_definition_at;
    struct kind_place deployment_at; /* deploymentConfiguration, or the object where it has none */
    struct diagnostics together;     /* of a service and its task definition */
    struct kind_reference_vec references;
    struct file_references *files; /* of a task definition: files that it names; NULL: none. With some,
                                      task_definition is made by file_resolve() */
};
struct kind_object_vec VECTOR_OF(struct kind_object *);

void kind_object_free(struct kind_object *object);

struct environment;
struct environment_use;

/* Takes the valid objects with all their members, instead of their being read. */
struct kind_visitor {
    void (*visit)(void *data, enum kind kind, const char *key, const json_t *value);
    void *data;
};

/* A document, and what is to be done with it. All borrowed, `file` for as long as the objects live. The
 * members below are for environments and may be NULL. */
struct kind_source {
    struct document *document;
    const char *file;
    const struct environment *environment; /* its patches are applied */
    struct environment_use *use;           /* there when environment is */
    struct string_vec *declared; /* gets what objects are called before patches: "Service demo/web" */
    const struct kind_visitor *visitor;
    struct kind_object_vec *broken; /* gets objects with errors that others cannot stand on: services and so
                                       on, without value, with a key where it can be told; or NULL */
};

/* Reads the objects of one document: one, or those that describe-* wraps. Appends to *objects; diagnostics
 * get file and position. */
void kind_read(struct kind_set *set, const struct kind_source *source, struct kind_object_vec *objects,
               struct diagnostics *diagnostics);

/* A diagnostic without place for document_place(). All strings but `code` are taken over; `message` must be
 * there. */
struct kind_fault {
    enum severity severity;
    const char *code;
    char *pointer;
    char *message;
    char *found;
    char *expected;
    char *hint;
};
void kind_report(struct diagnostics *diagnostics, struct kind_fault fault);

/* The name at the end of an ARN, after the last slash, or the text itself. Borrowed. */
const char *kind_arn_tail(const char *text);

/* Our own text always compiles. Caller frees. */
struct schema *kind_schema_new(enum kind kind);
/* The same for every schema: "Environment". */
struct schema *kind_schema_named(const char *name);

/* The task definition of an old revision. ERROR_INVALID when it does not keep to the schema (any more). */
int kind_old_task_definition(const struct schema *schema, const json_t *json, int revision,
                             struct task_definition **ret_definition);
