/* The files of a starter repository. */
#pragma once

struct init_file {
    const char *path;    /* in the repository */
    const char *content; /* NULL: the JSON Schema of `kind` */
    const char *kind;
};

/* The pipelines of examples/ci, byte for byte. */
extern const char init_pipeline_github[];
extern const char init_pipeline_forgejo[]; /* Gitea's too */
extern const char init_pipeline_gitlab[];

/* Ends with a NULL path. */
extern const struct init_file init_files[];
