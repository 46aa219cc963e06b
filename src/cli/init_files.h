/* The files of a starter repository. */
#pragma once

struct init_file {
    const char *path;    /* in the repository */
    const char *content; /* NULL: the JSON Schema of `kind` */
    const char *kind;
};

/* Ends with a NULL path. */
extern const struct init_file init_files[];
