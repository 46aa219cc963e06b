/* What other tools run, as manifests. Pure: a document goes in, manifests and notes come out; what lies
 * beside the file is asked for through struct import_world.
 *
 * Nothing is left out in silence. A note tells each member that could not be carried over, or not as it was:
 * "dropped" (it is gone), "unresolved" (a placeholder such as ${NAME} stands for a value that is not known
 * here) and "changed" (it is there, and means something else). Notes are warnings with a JSON pointer into
 * the document that was read.
 */
#pragma once

#include "base/error.h"
#include "manifest/document.h"
#include "model/diagnostic.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Which services of a Compose file share a task. */
enum import_tasks {
    IMPORT_TASKS_LINKED, /* those that need each other's names */
    IMPORT_TASKS_EACH,   /* none */
    IMPORT_TASKS_ONE,    /* all */
};

/* What surrounds the file. Strings are borrowed; NULL is allowed for each but the functions, which may be
 * NULL as a whole. */
struct import_world {
    const char *directory; /* of the file, absolute: what its relative paths start from */
    const char *project;   /* Compose's project, CloudFormation's stack, the cluster of containers */
    const char *fallback;  /* that name where neither this nor the file has one */
    const char *profiles;  /* Compose's profiles that are on, between commas */
    enum import_tasks tasks;
    const json_t *parameters; /* CloudFormation's, by name */
    void *data;
    /* The value of a variable, or NULL. Borrowed until the next call. */
    const char *(*variable)(void *data, const char *name);
    /* The content of a file beside the document, or NULL. The caller's. */
    char *(*read_file)(void *data, const char *path);
};

/* A file to import and its one document. Diagnostics of `document` name `file`. */
struct import_source {
    const char *file;
    const struct document *document; /* its value is rewritten by some imports */
    const struct import_world *world;
};

struct import {
    json_t *objects; /* array of manifests, each with its kind */
    struct diagnostics notes;
    size_t members; /* values of what can be imported at all */
    size_t lost;    /* of them, those that a note calls dropped or unresolved */
};

void import_deinit(struct import *import);

/* Each fills *ret_import and returns 0, or ERROR_INVALID or ERROR_LIMIT with the reason in *diagnostics. */
typedef int import_function(const struct import_source *source, struct import *ret_import,
                            struct diagnostics *diagnostics);

/* A Compose file: its services as task definitions and services. */
import_function import_compose;
/* A CloudFormation template: the resources of AWS::ECS, and what belongs to them. */
import_function import_cloudformation;
/* What `aws ecs describe-*` prints or `register-*` and `create-*` take: without what AWS put in. */
import_function import_ecs;
/* A list of {"container": ..., "image": ...}, as an engine's inspect tells them. */
import_function import_docker;

/* The variables of a file as .env is one: an object of strings, new. Values may refer to variables of the
 * world and to earlier ones. NULL when they make more text than *bytes_left, which is counted down. */
json_t *import_env_file(const struct import_world *world, const char *content, size_t *bytes_left);
