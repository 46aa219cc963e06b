/* What manifest.c keeps between commits. Private to manifest/. */
#pragma once

#include "base/digest.h"
#include "base/map.h"
#include "manifest/environment.h"
#include "manifest/kind.h"
#include "manifest/manifest.h"

/* What a file took from the environment that it was read under. */
struct environment_reading {
    bool uses_variables;
    struct string_vec declared; /* as kind_read() fills it */
    size_t bytes;               /* of LIMIT_ENVIRONMENT_BYTES */
    struct digest digest;       /* environment_digest() then; the file is read again when it is another */
};

/* What one file came to. The places of all but a few values are gone; the text stays for snapshots, and to be
 * read again when the environment changes. */
struct manifest_entry {
    char *path;
    enum manifest_file_kind kind;
    char *text; /* as it was taken in; NULL unless MANIFEST_FILE */
    size_t len;
    struct kind_object_vec objects;
    struct kind_object_vec broken; /* with errors and without value, see struct kind_source */
    struct diagnostics diagnostics;
    bool unreadable;                     /* nobody knows what it declares */
    bool listed;                         /* seen in the full listing under way */
    bool gone;                           /* replaced or deleted by the update under way */
    struct environment_reading *reading; /* NULL unless it was read under an environment */
};

struct manifest_entry_vec VECTOR_OF(struct manifest_entry *);

/* Not read yet. The content, if there is one, is taken over as in manifest_take. */
struct manifest_entry *manifest_entry_new(const struct manifest_file *file);
/* A new one of the same text, which it takes, not read yet. */
struct manifest_entry *manifest_entry_renew(struct manifest_entry *entry);
void manifest_entry_free(struct manifest_entry *entry);
/* Reads the objects of entries that are new. Of many, and outside environments, several at a time: they have
 * nothing to do with each other. */
void manifest_entries_read(struct manifest *manifest, const struct manifest_entry_vec *entries);
/* Reads an entry once more and gives the objects that are valid to the visitor. */
void manifest_entry_visit(struct manifest *manifest, const struct manifest_entry *entry,
                          const struct kind_visitor *visitor);
/* Reports why what is no plain file is not followed. */
void manifest_entry_refuse(const struct manifest_entry *entry, struct diagnostics *diagnostics);
/* The first object whose key is not before `key`: an index, the length when there is none. */
size_t manifest_lower_bound(const struct kind_object_vec *vec, const char *key);

/* A file that is no manifest. */
struct manifest_other {
    char *path;
    enum manifest_file_kind kind;
    char oid[COMMIT_OID_SIZE];
    int64_t size_bytes;
    bool executable;
    bool listed;
    struct diagnostics lines; /* of a file of variables whose content came along: what is left out of it */
};

struct manifest {
    struct kind_set kinds;
    struct map files;                           /* path -> struct manifest_entry */
    struct kind_object_vec objects[KIND_COUNT]; /* borrowed from the entries; by key, then place. A service's
                                                   key has the order of its cluster, then its name */
    bool duplicates[KIND_COUNT];                /* there may be objects of one key */
    struct task_definition_vec unnumbered;      /* owned references */
    struct task_definition_vec left;            /* owned; since services were last bound to theirs */
    bool clusters_left;                         /* since the clusters of services were last looked up */
    struct kind_object_vec entangled;           /* services; in their order, as of the last cross_check() */
    struct kind_object_vec with_files; /* task definitions that name files, as of the last file_resolve() */
    size_t unreadable;                 /* files; likewise the next two */
    size_t with_errors;
    size_t with_warnings;
    struct map others; /* path -> struct manifest_other */
    struct map roots;  /* as given */
    bool looks_for_files;
    bool files_changed; /* what file_resolve() goes by */
    int levels;
    char *outside;            /* how "leads out of" goes on; NULL: "the repository" */
    char *remedy;             /* the hint of that; or NULL */
    struct map wanted;        /* roots that the manifests name; as of the last file_resolve(), as is `data` */
    struct map data;          /* paths of files that are named, and so are no manifests */
    struct map old_revisions; /* "family:3" -> struct task_definition, as services name them */
    struct desired *elsewhere;       /* clusters of others; NULL: none */
    bool any_cluster;                /* others have whichever is named */
    struct cluster *default_cluster; /* "default" need not be declared */
    struct environment *environment; /* NULL without a davit.yaml at the root */
    const struct map *changing;      /* as given; NULL: everything counts */
    bool roots_changed;              /* since the environment was looked at, or what came of them */
    size_t environment_bytes;        /* of all entries */
};

/* manifest.c: the definition leaves its object; who is bound to it has to be bound anew. */
void manifest_leave_definition(struct manifest *manifest, struct task_definition *definition);

/* manifest.c: whether the file is one that manifest_set_changing() leaves out. */
bool manifest_stays(const struct manifest *manifest, const char *path);

/* manifest.c: the objects of a kind, and those of it that have errors and a name; in the same order. The list
 * is the caller's, what is in it is borrowed. */
struct kind_object_vec manifest_all_of(const struct manifest *manifest, enum kind kind);

/* manifest.c: the message for what lies outside, and its hint or NULL. Caller frees both. */
char *manifest_leads_out(const struct manifest *manifest, const char *what, char **ret_hint);

/* file_resolve.c: makes the task definitions that name files out of what the files are now. */
void file_resolve(struct manifest *manifest);

/* revision.c */
void revision_number(struct manifest *manifest, const struct commit *commit,
                     const struct manifest_numbering *numbering);

/* cross_check.c: what one file alone cannot tell. Binds services to their task definitions and adds errors
 * and warnings. */
void cross_check(struct manifest *manifest, const struct map *families, struct diagnostics *diagnostics);
/* What remains of the bound for hints: one looks at every name there is. */
struct cross_hints {
    const struct manifest *manifest;
    int left;
};
/* `did you mean "NAME"?`, or NULL. Caller frees. */
char *cross_check_hint(struct cross_hints *hints, enum kind kind, const char *name);
/* cross_check.c: a cluster that the commit declares, or others do; NULL: none of that name, or with errors.
 * Borrowed. */
const struct cluster *cross_check_cluster(const struct manifest *manifest, const char *name);
/* reference_check.c: errors and warnings where objects name what nobody declares. */
void reference_check(struct manifest *manifest, const struct map *families, struct cross_hints *hints,
                     struct diagnostics *diagnostics);
/* order_check.c: errors where services wait for each other in a circle. */
void order_check(const struct manifest *manifest, struct diagnostics *diagnostics);
/* service_check.c: errors and warnings of a service that is bound to its task definition. */
void service_check(struct kind_object *object);
/* The bounds of a rollout: ECS rounds the lower up and the upper down. */
int64_t service_check_lower(const struct service *service);
int64_t service_check_upper(const struct service *service);
/* The first port of the instance that its tasks take, or NULL. Borrowed. */
const struct port_mapping *service_check_port(const struct service *service);
/* room_check.c: whether it matters to a service which instances its cluster declares. */
bool room_check_concerns(const struct service *service);
/* room_check.c: warnings of services whose cluster has no place for all of their tasks, or for an update. */
void room_check(const struct manifest *manifest, struct diagnostics *diagnostics);
/* variable_file.c: warnings of lines of an environment file that give no variable. */
void variable_file_check(const char *path, const char *content, size_t len, struct diagnostics *diagnostics);
/* provider_check.c: warnings of capacity provider strategies that lead nowhere. */
void provider_check(const struct manifest *manifest, struct diagnostics *diagnostics);
/* attribute_check.c: warnings of attributes and instances that a cluster does not have. */
void attribute_check(const struct manifest *manifest, struct diagnostics *diagnostics);
/* port_check.c: warnings of services that get into each other's way. */
void port_check(const struct manifest *manifest, struct diagnostics *diagnostics);

/* window_check.c: warnings of change windows that open no more. */
void window_check(const struct manifest *manifest, const struct commit *commit,
                  struct diagnostics *diagnostics);

/* A diagnostic at a member of an object that is read already. Strings are taken over as in kind_report. */
void cross_check_report(struct diagnostics *diagnostics, const struct kind_object *object,
                        const struct kind_place *at, struct kind_fault fault);
