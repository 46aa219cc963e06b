/* Manifests of a local repository or directory, without the daemon. */
#pragma once

#include "base/error.h"
#include "base/map.h"
#include "base/vector.h"
#include "cli/cli.h"
#include "model/desired.h"
#include "model/diagnostic.h"

#include <stdlib.h>

struct manifest;

struct offline_query {
    const char *repository; /* repository, or any directory of a work tree; or a plain directory or file */
    const char *revision;   /* NULL: the files as they lie there */
    const char *sub_path;   /* directory in the repository; NULL: all of it */
    bool from_root;         /* a repository that is one file is told by its path from the real one's root */
    const char *command;    /* the asker, for hints: "validate" */
    /* Clusters that other repositories define, as davit with several sources knows them. */
    const struct string_vec *other_clusters; /* NULL: none */
    bool any_cluster; /* whichever is named: the daemon judges what is committed here */
    /* For what is not in the desired state; called when the manifests are valid. NULL: none. */
    void (*on_manifest)(void *data, struct manifest *manifest);
    /* The revisions of all families, family -> struct family_ledger; called whenever they were counted, also
     * when the manifests are not valid. NULL: none. */
    void (*on_families)(void *data, const struct map *families);
    void *data;
    /* Where in the repository the paths of diagnostics begin: "" for its root, and where there is none. Set
     * whenever the tree could be read; caller frees. NULL: not asked for. */
    char **ret_directory;
    struct map *blobs; /* path of each file that was read -> id of its blob, owned; NULL: not asked for */
    /* The process ends with the answer: what was read is left to the system, in reach of leak checkers. To
     * take thousands of manifests apart is an eighth of `davit diff`. Not for who reads many times. */
    bool ends;
};

/* Builds what the manifests ask for, revision numbers counted along the history as the daemon does. 0;
 * ERROR_INVALID when the manifests are: *diagnostics says why and *ret_desired is not set; other codes when
 * it could not look. Warnings are in *diagnostics in either case; the caller deinits it. */
int offline_read(const struct offline_query *query, struct desired **ret_desired,
                 struct diagnostics *diagnostics, struct error *err);

/* The clusters of the flag of that kind. The array is the caller's, its strings are borrowed. */
struct string_vec offline_other_clusters(const struct cli *cli);
#define OFFLINE_FLAG_CLUSTERS                                                                                \
    {                                                                                                        \
        "other-cluster", 0, "NAME", NULL,                                                                    \
            "a cluster that another repository defines; may be given several times", NULL                    \
    }

/* A revision that is compared with another. */
struct offline_side {
    const char *revision;
    struct desired *desired;
    struct diagnostics diagnostics;
    struct map blobs; /* as in struct offline_query; of two, some of what both have may be left out */
};
#define OFFLINE_SIDE_INIT(of_revision)                                                                       \
    {                                                                                                        \
        .revision = (of_revision), .blobs = MAP_INIT(free)                                                   \
    }
void offline_side_deinit(struct offline_side *side);
/* Two revisions of a repository, as offline_read() gives them but for warnings, and for revision numbers,
 * which count only where a manifest names one. What both have is read once. Of the query, revision,
 * on_manifest, blobs and ret_directory do not count. On failure *ret_failed is the side that it is about. */
int offline_read_two(const struct offline_query *query, struct offline_side sides[static 2],
                     size_t *ret_failed, struct error *err);

/* The newest `max` commits that changed manifests, newest first: of the revision's first-parent line, without
 * the revision itself, which may lack the directory. ERROR_NOT_FOUND: there is no such revision. */
int offline_changes(const struct offline_query *query, size_t max, struct string_vec *ret_oids,
                    struct error *err);
