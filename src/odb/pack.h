/* Packs and loose objects of a repository's database, as files. `path` is that of the repository and ends in
 * a slash. Errors are ERROR_IO and name it. Made of libgit2 1.5, which writes packs, but removes nothing.
 */
#pragma once

#include "base/error.h"
#include "base/vector.h"

#include <git2.h>
#include <stdbool.h>
#include <stddef.h>

struct oid_vec VECTOR_OF(git_oid);

/* "what in path: cause", which is what libgit2 says of its last failure, or else errno. Returns ERROR_IO. */
int odb_error(const char *path, const char *what, struct error *err);

#define ODB_PACK_NAME_SIZE (sizeof "pack-" + GIT_OID_HEXSZ)

/* A pack is begun from what `from` can read, and is on disk when odb_pack_write returns 0. It is built in
 * `staging`, a directory below path that ends in a slash: of two that write at a time each has its own.
 * ret_name is the name without ending, as "pack-HEX". */
int odb_pack_begin(const char *path, git_repository *from, git_packbuilder **ret_builder, struct error *err);
int odb_pack_insert(const char *path, git_packbuilder *builder, const struct oid_vec *oids,
                    struct error *err);
int odb_pack_write(const char *path, const char *staging, git_packbuilder *builder,
                   char ret_name[static ODB_PACK_NAME_SIZE], struct error *err);
/* The same, but that its name is on disk only when objects/pack is synced. */
int odb_pack_place(const char *path, const char *staging, git_packbuilder *builder,
                   char ret_name[static ODB_PACK_NAME_SIZE], struct error *err);
/* The pack and its index in `directory`, under their names, not synced. Returns libgit2's status. */
int odb_pack_build(const char *directory, unsigned mode, git_packbuilder *builder,
                   char ret_name[static ODB_PACK_NAME_SIZE]);

struct odb_pack_size {
    size_t objects;
    int64_t bytes;
};

/* As its file says. False: it cannot be read. */
bool odb_pack_measure(const char *path, const char *name, struct odb_pack_size *ret_size);
/* Copies a pack of the repository at path into `directory`, not synced. Every object is hashed, and the index
 * made of what was found: the one beside the pack is not believed. Returns libgit2's status. */
int odb_pack_copy(const char *path, const char *name, const char *directory);

/* A pack by its name without ending, as "pack-HEX". The index goes first: without its pack it is damage, a
 * pack without its index is nothing. */
void odb_pack_remove(const char *path, const char *name);
/* All of objects/pack but that one goes, also what is no pack. */
void odb_pack_remove_others(const char *path, const char *name);
/* What a writer that was killed left in objects/pack: libgit2's file of a pack that was coming in, which may
 * be as large as a fetch, and the lock of its index. Nobody writes there meanwhile. */
void odb_pack_remove_unfinished(const char *path);
/* Appends the names of packs of fewer than `objects` objects. */
void odb_pack_list(const char *path, size_t objects, struct string_vec *names);

/* Appends the loose objects. */
void odb_loose_list(const char *path, struct oid_vec *oids);
/* Whether there are about so many: one directory of 256 is counted. */
bool odb_loose_exceed(const char *path, size_t objects);
void odb_loose_remove(const char *path, const struct oid_vec *oids);
