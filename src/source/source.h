/* Watches where the manifests come from and hands out commits.
 *
 * The origin is a local git repository, a remote git URL or a plain directory; which one is seen from the
 * string and stat(2). Whatever it is, it is brought into a bare mirror of davit's own, and manifests are read
 * from the mirror's objects, never from a checkout. inotify, the poll and source_poke() only say "look
 * again"; a look that finds the branch where it was does nothing.
 *
 * Besides the manifests below its path a source hands out what its roots name, see source_options.
 *
 * An origin that is missing, empty, broken or without the branch never makes an update: the cause goes to
 * on_status, and the source recovers by itself. When a source begins while its remote cannot be reached, what
 * the mirror has from before is handed out all the same. Blocking work runs on libuv's worker threads or in a
 * child process; callbacks run on the loop's thread, and never from within a call of this header.
 */
#pragma once

#include "base/error.h"
#include "base/memory.h"
#include "base/vector.h"
#include "model/commit.h"
#include "source/access.h"
#include "source/verify.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

enum source_file_kind {
    SOURCE_FILE,
    SOURCE_DELETED,   /* was delivered before, or was changed to something that is not delivered */
    SOURCE_SYMLINK,   /* never followed */
    SOURCE_SUBMODULE, /* never entered */
    SOURCE_LFS,       /* `other` only: a pointer of git-lfs stands for the content */
    SOURCE_TOO_LARGE, /* `other` only: a directory that a root names is over a bound, see source_options */
};

/* A manifest: an entry whose name ends in .json, .yaml or .yml, where no part of the path begins with a dot.
 * Or some other file that a root names, without content. */
struct source_file {
    char *path; /* relative to the sub-path; begins with "../" outside of it */
    enum source_file_kind kind;
    bool other;
    char oid[COMMIT_OID_SIZE]; /* of the blob (a submodule: of its commit); empty when DELETED */
    char *
        content; /* manifests of kind FILE only, ends in a NUL that len does not count; NULL when too_large */
    size_t len;
    bool too_large; /* over LIMIT_MANIFEST_BYTES */
    int64_t size_bytes;
    bool executable; /* of `other` */
};

struct source_file_vec VECTOR_OF(struct source_file);

/* One first-parent commit of the branch. Updates come oldest first, so that applying `files` of one after the
 * other to an empty set gives the tree of each commit. */
struct source_update {
    struct commit commit;
    bool head; /* the commit to deploy; false: an older one, delivered only for revision numbers */
    bool full; /* files is the whole tree: forget what came before; else what changed since the update before
                */
    /* The branch no longer contains the commit that was delivered before; set on the first update that is so.
     */
    bool rewritten;
    char fork[COMMIT_OID_SIZE]; /* when rewritten: the newest commit that both lines share; empty: none known
                                 */
    struct source_file_vec files; /* sorted by path (bytewise); a manifest that a root names comes twice */
    int64_t generation; /* of the roots, as source_set_roots() was given it; 0: those of the options */
    int levels;         /* directories of the repository that the sub-path is below */
    char *directory; /* of source_read_tree(): the sub-path as seen from the repository's root, "" for it */
    bool no_repository; /* of source_read_tree(): the directory is in none, and counts as one */
};

void source_update_deinit(struct source_update *update);

enum source_kind { SOURCE_REPOSITORY, SOURCE_REMOTE, SOURCE_DIRECTORY };

/* The branch no longer contains what was delivered of it: a forced push, or another repository. Ids are as
 * those of source_update. */
struct source_rewrite {
    char from[COMMIT_OID_SIZE]; /* that was delivered before; empty: there was no rewrite */
    char to[COMMIT_OID_SIZE];   /* the first one to deploy that lacks it */
    char fork[COMMIT_OID_SIZE];
    int64_t seen_at_ms; /* since the epoch */
    bool moved;         /* it is another branch: the origin's HEAD, which names it, was moved */
};

/* Where no branch is asked for: the origin's HEAD says another one than before in this life. */
struct source_move {
    const char *from;   /* NULL: it never did. Borrowed from the source */
    int64_t seen_at_ms; /* since the epoch */
};

struct source_status {
    enum source_kind kind;
    const char *origin; /* without password */
    const char
        *branch; /* as asked for or as the origin's HEAD says; NULL while unknown, and for directories */
    char oid[COMMIT_OID_SIZE]; /* newest delivered commit; empty before the first */
    bool watching;             /* changes are seen at once; false: by the poll only (always so for remotes) */
    bool ok;                   /* the last look worked */
    bool refused; /* not ok because the newest commit is not signed as `verify` wants it: error says which */
    struct error error;            /* otherwise: why; safe to show */
    struct source_refusal refusal; /* of the last look that got so far: stays while the origin is away, or a
                                      file of `verify` cannot be read */
    unsigned failures;             /* looks that failed in a row; a refused commit is no failure */
    bool away;                     /* they have failed for away_ms by now */
    unsigned told;                 /* calls of on_status for it */
    int64_t looked_at_ms;          /* when the last look ended, since the epoch; 0 before the first */
    struct source_rewrite rewrite; /* the last one of this life */
    struct source_move move;       /* likewise */
    unsigned asked;                /* calls of source_poke() */
    unsigned answered;             /* those of them that a look was begun after, which has ended */
};

/* Everything is borrowed for the length of the callback, but a file's path and content may be taken: NULL is
 * to be left in their place. source_free() may be called from within. */
struct source_listener {
    void (*on_update)(void *data, const struct source_update *update);
    /* After every look that changed `ok`, `away`, the error's text or the branch, and after the first one. */
    void (*on_status)(void *data, const struct source_status *status);
    void *data;
};

/* Strings are copied. NULL, "" and 0 choose what is said. */
struct source_options {
    const char *origin;     /* a path, file://, https://, http://, ssh://, git:// or user@host:path */
    const char *branch;     /* "main" or "refs/heads/main"; NULL: what the origin's HEAD points to */
    const char *path;       /* directory in the tree that holds the manifests; NULL: the root */
    const char *mirror_dir; /* "<state dir>/<name>/mirror.git", made with its parents when absent */
    const char *executable; /* this program, run as `<executable> fetch-helper ...` for remotes */
    const char *since;      /* oid that an earlier life deployed last; NULL: from the root */
    /* What to hand out besides the manifests below `path`, relative to it. "../base/" (with the slash) is a
     * directory with more manifests, "../config/app.conf" a file, or a directory of files, whose content does
     * not matter here: they come as `other`, with blob id and size. What leads out of the repository,
     * ends in "..", is in a .git or does not exist yields nothing, nor does a file of a plain directory that
     * may not be read. NULL: none.
     *
     * A directory of files that no container could be given, with more than LIMIT_CONTAINER_FILES of them,
     * or of more manifests than LIMIT_MANIFEST_FILES or LIMIT_TREE_BYTES, or one nested deeper than
     * LIMIT_TREE_DEPTH or with more than LIMIT_TREE_ENTRIES entries, or (of a plain directory) with something
     * that may not be read, is no error here: who names it is to be
     * told, and the next commit may name it no more.
     *
     *  before     | now        | handed out
     *  -----------|------------|--------------------------------------------------------
     *  within     | within     | what changed
     *  (full)     | too large  | one file of the root's own path, SOURCE_TOO_LARGE
     *  too large  | too large  | nothing
     *  one of the two          | the update is full: other roots may lie in the same place */
    const struct string_vec *roots;
    const struct source_access *access; /* to a remote; NULL: all by default */
    /* Which commits are handed out as the one to deploy; NULL: each. Older ones, for revision numbers, come
     * unverified. One that does not pass is refused, see source_status, and looked at again when something
     * changes and with each poll; meanwhile the one that passed before, or `since`, stays the one to deploy,
     */
    const struct source_verify *verify;
    bool newest_only;       /* but not with this: then nothing is handed out */
    int64_t poll_ms;        /* of remotes; 0: SOURCE_POLL_MS; jitter +-10 % */
    int64_t fetch_ms;       /* deadline of one fetch; 0: LIMIT_FETCH_MS */
    int64_t fetch_stall_ms; /* of one that does not get on, see pace.h; 0: LIMIT_FETCH_STALL_MS */
    /* Most bytes of one fetch; 0: LIMIT_FETCH_BYTES. A commit that is over it is not fetched again. */
    int64_t fetch_bytes;
    int64_t away_ms; /* 0: SOURCE_AWAY_MS */
};

#define SOURCE_POLL_MS 60000
#define SOURCE_AWAY_MS 300000 /* time for a reboot of the host that it is on */

struct source;

/* Initialises libgit2 for this process; call once before anything else here, on one thread. Calls are
 * counted. ERROR_INTERNAL. */
int source_library_init(struct error *err);
/* For a process that talks to remotes: ~/.gitconfig and /etc/gitconfig are read, for url.insteadOf and
 * proxies. */
int source_library_configure(struct error *err);
/* Whether objects that are read are hashed, to see that they are what their ids say; so it begins. Without, a
 * pack and zlib are taken at their checksums, as git does: for commands that only look into a repository of
 * the user's, not for what copies objects or believes signatures. */
void source_library_hash_objects(bool hash);
void source_library_deinit(void);

/* Starts at once: the first look begins on the loop. Wants options->origin, mirror_dir and both callbacks;
 * without `executable` every look at a remote fails.
 *
 * First come the commits after `since` (at most the LIMIT_HISTORY_COMMITS newest) with head = false; then, if
 * it is another than the newest, `since` itself, likewise: whoever refuses the newest goes on with what an
 * earlier life deployed; and always the newest one, with head = true. Both are full. From then on: what is
 * new, ending in one with head = true. */
struct source *source_new(uv_loop_t *loop, const struct source_options *options,
                          const struct source_listener *listener);
/* Look again now; requests during one look make one more look. Ends a back-off. */
void source_poke(struct source *source);
/* Roots in place of those before. Strings are copied. */
struct source_question {
    const struct string_vec *roots;
    int64_t generation; /* tells its updates from those before */
    const char *since;  /* what is to count as delivered last; NULL: nothing */
};
/* From the next look on: updates come as after source_new(), with the first one full. Looks at once; a remote
 * is not asked for that, and its status stays. */
void source_set_roots(struct source *source, const struct source_question *question);
/* Borrowed until the loop runs on. */
const struct source_status *source_get_status(const struct source *source);
/* No callback comes any more; a fetch under way is killed. The memory goes when the loop has closed the
 * handles. NULL is fine. */
void source_free(struct source *source);
DEFINE_CLEANUP(struct source, source_free)

/* The origin as it may be shown (base/redact.h). Caller frees. */
char *source_redact(const char *origin);

/* main() of `davit fetch-helper`: fetches one branch of a remote into a mirror and writes the result to
 * standard output. argv[0] is "fetch-helper". Returns the exit code. Not for people. */
int source_fetch_helper_main(int argc, char **argv);

/* The content of a blob of a mirror. Blocks for as long as the disk takes. Caller frees; it ends in a NUL
 * that ret_len does not count. ERROR_NOT_FOUND, ERROR_LIMIT (larger than max_bytes), ERROR_IO. */
struct source_blob {
    const char *mirror_dir;
    const char *oid;
    size_t max_bytes;
};
int source_read_blob(const struct source_blob *blob, char **ret_content, size_t *ret_len, struct error *err);

/* --- without a daemon: blocking, in repositories of the user -------------------------------------------- */

struct source_tree_query {
    const char *repository_path;    /* a bare repository or any directory of a work tree */
    const char *revision;           /* a branch, tag, oid, "HEAD~2" */
    const char *sub_path;           /* may be NULL */
    const struct string_vec *roots; /* as in source_options */
};

/* Reads the manifests of one revision below repository_path/sub_path, full = head = true. A NULL revision
 * reads the files themselves, which then need not be in git at all: the commit is empty but for the subject
 * "working directory", blob ids are those that git would give, and others that end in .env have their
 * content. ERROR_NOT_FOUND (repository, revision or
 * sub_path), ERROR_LIMIT, ERROR_IO, ERROR_INVALID. */
int source_read_tree(const struct source_tree_query *query, struct source_update *ret_update,
                     struct error *err);
/* Likewise, of query->revision only what differs from the revision `since`, however the two are related; but
 * all of it, full, where a root has become too large or is so no more (source_options). */
int source_read_difference(const struct source_tree_query *query, const char *since,
                           struct source_update *ret_update, struct error *err);

struct source_history_query {
    const char *repository_path;
    const char *revision; /* NULL: HEAD */
    const char *sub_path;
    const struct string_vec *roots; /* as in source_options */
    /* Oldest first; the first is full, the last has head = true. A negative return ends the walk with that
     * code. */
    int (*on_update)(void *data, const struct source_update *update);
    void *data;
};

/* Where a file is, seen from the root of the work tree that it is in; as it is given where it is in none.
 * Caller frees. */
char *source_path_in_repository(const char *file);

/* Whether an origin is a directory below the root of a work tree whose HEAD has it: as a source it is taken
 * as it is, and not as it is committed. Caller frees top and path, which are set only then. */
bool source_is_part_of_repository(const char *origin, char **ret_top, char **ret_path);

/* Walks the first-parent line from its root (at most the LIMIT_HISTORY_COMMITS newest). Errors as
 * source_read_tree. */
int source_history(const struct source_history_query *query, struct error *err);
