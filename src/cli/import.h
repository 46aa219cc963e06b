/* Files around an import: what is read, what stands beside it, what is written. */
#pragma once

#include "cli/cli.h"
#include "manifest/import.h"

/* The world of one file: the directory it is in, .env beside it, the environment. */
struct cli_place {
    char *directory; /* absolute */
    char *fallback;  /* the directory's own name */
    json_t *env;     /* the variables of .env; NULL without one */
};

/* The world's functions and names for a file; "-" is standard input and has no place but the present
 * directory. The flags' part is the caller's. */
int cli_place_init(struct cli_place *place, const char *path, struct error *err);
void cli_place_deinit(struct cli_place *place);
void cli_place_fill(struct cli_place *place, struct import_world *world);

/* A whole file, or standard input for "-"; ends in a NUL. The caller's. ERROR_LIMIT over
 * LIMIT_MANIFEST_BYTES. */
int cli_import_read(const char *path, char **ret_content, size_t *ret_len, struct error *err);

/* [{"container": ..., "image": ...}] of the containers, from the engine of the flag "engine". */
int cli_import_inspect(const struct cli *cli, char *const *names, size_t len, json_t **ret_list,
                       struct error *err);

/* Writes the objects as the flags "output", "directory" and "force" say. Returns an exit code. */
int cli_import_write(const struct cli *cli, const json_t *objects);
