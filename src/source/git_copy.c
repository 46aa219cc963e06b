/* Copying by difference: a new commit costs its own objects, whatever the size of the repository. libgit2's
 * own local transport builds a pack and reads far more. The first copy is nearly all that the origin has, and
 * takes its packs as they are: to build one again is ten times as much.
 *
 * A copy ends at commits that the mirror has. Those of a shallow origin have parents that may come later: the
 * mirror notes where the origin ended, and where that is another place, everything is gone through once. */
#include "source/git.h"

#include "base/file_stamp.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "odb/commit.h"
#include "odb/pack.h"
#include "odb/tree.h"

#include <assert.h>
#include <git2.h>
#include <git2/sys/odb_backend.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOSE_OBJECTS 1000 /* more are written as one pack */
#define ANY_LEVEL     -1   /* of compression */
#define ANY_SIZE      (1 << 30)

DEFINE_CLEANUP(git_odb_object, git_odb_object_free)
DEFINE_CLEANUP(git_packbuilder, git_packbuilder_free)

static void oid_vec_deinit(struct oid_vec *oids)
{
    vector_deinit(oids);
}

struct copy {
    git_repository *from;
    git_odb *from_odb;
    git_odb *to_odb;
    bool shallow;         /* parents may be absent from `from` */
    bool fresh;           /* `to` has no tip: what is in it may be of a copy that was killed */
    bool deeper;          /* commits that `to` has may have parents that it has not */
    struct map seen;      /* hex oid -> itself */
    struct oid_vec found; /* missing in `to`, each after those that it names */
    struct error *err;
};

static void copy_deinit(struct copy *copy)
{
    map_deinit(&copy->seen);
    oid_vec_deinit(&copy->found);
    git_odb_free(copy->from_odb);
    git_odb_free(copy->to_odb);
}

static bool is_seen(struct copy *copy, const git_oid *oid)
{
    char hex[COMMIT_OID_SIZE];
    return map_get(&copy->seen, git_oid_tostr(hex, sizeof hex, oid)) != NULL;
}

static bool is_in_mirror(struct copy *copy, const git_oid *oid)
{
    return !copy->fresh && git_odb_exists_ext(copy->to_odb, oid, GIT_ODB_LOOKUP_NO_REFRESH);
}

static bool is_there(struct copy *copy, const git_oid *oid)
{
    return is_seen(copy, oid) || is_in_mirror(copy, oid);
}

/* And what is before it. */
static bool is_commit_there(struct copy *copy, const git_oid *oid)
{
    return is_seen(copy, oid) || (!copy->deeper && is_in_mirror(copy, oid));
}

static void found(struct copy *copy, const git_oid *oid)
{
    char hex[COMMIT_OID_SIZE];
    map_put(&copy->seen, git_oid_tostr(hex, sizeof hex, oid), copy);
    if (!copy->deeper || !is_in_mirror(copy, oid))
        vector_push(&copy->found, *oid);
}

static int collect_tree(struct copy *copy, const git_oid *oid, const git_oid *known_oid, int depth);

/* What is new of two trees, the known one first. */
static int collect_entry(struct copy *copy, const struct odb_tree_pair *pair, int depth)
{
    const struct odb_tree_entry *entry = pair->new_entry;
    if (!entry || pair->same)
        return 0;
    if (odb_tree_entry_is_tree(entry))
        return collect_tree(copy, entry->oid, pair->old_entry ? pair->old_entry->oid : NULL, depth + 1);
    if (!odb_tree_entry_is_commit(entry) && !is_there(copy, entry->oid)) /* a submodule's lives elsewhere */
        found(copy, entry->oid);
    return 0;
}

/* known_oid is a tree that `to` has, or will have by then: entries that are equal need no look. */
static int collect_tree(struct copy *copy, const git_oid *oid, const git_oid *known_oid, int depth)
{
    if (depth > LIMIT_TREE_DEPTH)
        return error_set(copy->err, ERROR_LIMIT, "directories are nested deeper than %d (LIMIT_TREE_DEPTH)",
                         LIMIT_TREE_DEPTH);
    if (is_there(copy, oid))
        return 0;
    git_odb_object *tree CLEANUP(git_odb_object_freep) = NULL;
    git_odb_object *known CLEANUP(git_odb_object_freep) = NULL;
    int rc = odb_tree_read(copy->from_odb, oid, &tree);
    if (rc < 0)
        return source_git_error(copy->err, rc, "cannot read a tree of the origin");
    if (known_oid && odb_tree_read(copy->from_odb, known_oid, &known) < 0)
        known = NULL; /* only costs time */
    struct odb_tree_pair pair;
    int next;
    odb_tree_pair_init(&pair, known, tree);
    while (rc == 0 && (next = odb_tree_pair_next(&pair)) != 0)
        rc = next < 0 ? source_git_error(copy->err, next, "cannot read a tree of the origin")
                      : collect_entry(copy, &pair, depth);
    if (rc == 0)
        found(copy, oid);
    return rc;
}

/* A commit on the way to the root, read when it is come by. */
struct step {
    git_oid oid;
    git_oid tree;
    git_oid parent; /* the first; zero: none */
    bool read;
};

struct step_vec VECTOR_OF(struct step);

static void step_vec_deinit(struct step_vec *steps)
{
    vector_deinit(steps);
}

static bool is_wanted(struct copy *copy, const git_oid *commit)
{
    return !is_commit_there(copy, commit) && (!copy->shallow || git_odb_exists(copy->from_odb, commit));
}

/* Reads the newest step; the parents that are to come before it become steps. */
static int expand(struct copy *copy, struct step_vec *steps)
{
    struct odb_commit commit CLEANUP(odb_commit_deinit) = {0};
    struct step *step = &steps->items[steps->len - 1];
    int rc = source_commit_read(copy->from, &step->oid, &commit, copy->err);
    if (rc < 0)
        return error_wrap(copy->err, rc, "the origin");
    step->read = true;
    step->tree = commit.tree;
    if (commit.parents_len)
        step->parent = odb_commit_parent(&commit, 0);
    for (size_t i = 0; i < commit.parents_len; i++) {
        git_oid parent = odb_commit_parent(&commit, i);
        if (is_wanted(copy, &parent))
            vector_push(steps, (struct step){.oid = parent});
    }
    return 0;
}

/* last: that was collected before; on a line it is the parent. */
static int collect_commit(struct copy *copy, const struct step *step, const struct step *last)
{
    struct odb_commit parent CLEANUP(odb_commit_deinit) = {0};
    const git_oid *tree = NULL;
    if (git_oid_equal(&step->parent, &last->oid) && last->read)
        tree = &last->tree;
    else if (!git_oid_is_zero(&step->parent) && odb_commit_read(copy->from, &step->parent, &parent) == 0)
        tree = &parent.tree;
    int rc = collect_tree(copy, &step->tree, tree, 0);
    if (rc == 0)
        found(copy, &step->oid);
    return rc;
}

/* Depth first, parents before children. */
static int collect_history(struct copy *copy, const git_oid *tip)
{
    struct step_vec steps CLEANUP(step_vec_deinit) = {0};
    struct step last = {0};
    int rc = 0;
    vector_push(&steps, (struct step){.oid = *tip});
    while (rc == 0 && steps.len) {
        struct step step = steps.items[steps.len - 1];
        if (is_commit_there(copy, &step.oid)) {
            steps.len--;
        } else if (!step.read) {
            rc = expand(copy, &steps);
        } else {
            rc = collect_commit(copy, &step, &last);
            last = step;
            steps.len--;
        }
    }
    return rc;
}

static void backend_freep(git_odb_backend **backend)
{
    if (*backend)
        (*backend)->free(*backend);
}

/* Past git_odb_write(), which looks through all packs, and for new ones, before each object: that they miss
 * is known. */
static int write_loose(struct copy *copy, git_repository *to)
{
    char *objects CLEANUP_FREE = memory_printf("%sobjects", git_repository_path(to));
    git_odb_backend *loose CLEANUP(backend_freep) = NULL;
    int rc = git_odb_backend_loose(&loose, objects, ANY_LEVEL, 0, 0, 0);
    for (size_t i = 0; rc == 0 && i < copy->found.len; i++) {
        const git_oid *oid = &copy->found.items[i];
        git_odb_object *object CLEANUP(git_odb_object_freep) = NULL;
        rc = git_odb_read(&object, copy->from_odb, oid);
        if (rc < 0)
            return source_git_error(copy->err, rc, "cannot read an object of the origin");
        rc = loose->write(loose, oid, git_odb_object_data(object), git_odb_object_size(object),
                          git_odb_object_type(object));
    }
    return rc < 0 ? source_git_error(copy->err, rc, "cannot write to the mirror") : 0;
}

static int write_pack(struct copy *copy, git_repository *to)
{
    git_packbuilder *pack CLEANUP(git_packbuilder_freep) = NULL;
    int rc = git_packbuilder_new(&pack, copy->from);
    for (size_t i = 0; rc == 0 && i < copy->found.len; i++)
        rc = git_packbuilder_insert(pack, &copy->found.items[i], NULL);
    if (rc < 0)
        return source_git_error(copy->err, rc, "cannot read an object of the origin");
    char *directory CLEANUP_FREE = memory_printf("%sobjects/pack", git_repository_path(to));
    char name[ODB_PACK_NAME_SIZE];
    rc = odb_pack_build(directory, 0444, pack, name);
    if (rc < 0)
        return source_git_error(copy->err, rc, "cannot copy the origin into the mirror");
    rc = git_odb_refresh(copy->to_odb);
    return rc < 0 ? source_git_error(copy->err, rc, "cannot read the mirror") : 0;
}

/* --- the origin's own packs ----------------------------------------------------------------------------- */

/* Removes from `found` what the pack has, and says how much that is. */
static size_t subtract(struct oid_vec *found, git_odb_backend *pack)
{
    size_t left = 0;
    size_t before = found->len;
    for (size_t i = 0; i < before; i++)
        if (!pack->exists(pack, &found->items[i]))
            found->items[left++] = found->items[i];
    found->len = left;
    return before - left;
}

/* A pack of which more than half is not wanted, or that a fetch would refuse, stays where it is, as does one
 * that is damaged: what is wanted of it is read object by object, and the error names it. */
static void take_pack(struct copy *copy, const char *name, const char *to_packs)
{
    const char *from_path = git_repository_commondir(copy->from);
    char *index CLEANUP_FREE = memory_printf("%sobjects/pack/%s.idx", from_path, name);
    git_odb_backend *pack CLEANUP(backend_freep) = NULL;
    struct oid_vec rest CLEANUP(oid_vec_deinit) = {0};
    struct odb_pack_size size;
    if (!odb_pack_measure(from_path, name, &size) || size.bytes > LIMIT_FETCH_BYTES ||
        git_odb_backend_one_pack(&pack, index) < 0)
        return;
    vector_reserve(&rest, copy->found.len);
    memcpy(rest.items, copy->found.items, copy->found.len * sizeof *rest.items);
    rest.len = copy->found.len;
    size_t wanted = subtract(&rest, pack);
    if (wanted > LOOSE_OBJECTS && wanted >= size.objects / 2 &&
        odb_pack_copy(from_path, name, to_packs) == 0) {
        oid_vec_deinit(&copy->found);
        copy->found = rest;
        rest = (struct oid_vec){0};
    }
}

static void take_packs(struct copy *copy, git_repository *to)
{
    char *to_packs CLEANUP_FREE = memory_printf("%sobjects/pack", git_repository_path(to));
    struct string_vec names CLEANUP(string_vec_deinit) = {0};
    odb_pack_list(git_repository_commondir(copy->from), ANY_SIZE, &names);
    for (size_t i = 0; i < names.len && copy->found.len > LOOSE_OBJECTS; i++)
        take_pack(copy, names.items[i], to_packs);
    git_odb_refresh(copy->to_odb);
}

/* --- where a shallow origin ends ------------------------------------------------------------------------ */

/* Of gitshallow(5), as it is now: "" for an origin that is whole. Caller frees. */
static char *end_of(git_repository *from)
{
    char *path CLEANUP_FREE = memory_printf("%sshallow", git_repository_commondir(from));
    const struct file_stamp stamp = file_stamp_of(path);
    if (file_stamp_equal(&stamp, &(struct file_stamp){0}))
        return memory_strdup("");
    return memory_printf("%llu %llu %lld %lld %lld", (unsigned long long)stamp.device,
                         (unsigned long long)stamp.inode, (long long)stamp.size, (long long)stamp.time_s,
                         (long long)stamp.time_ns);
}

static char *note_path(git_repository *to)
{
    return memory_printf("%sshallow-origin", git_repository_path(to));
}

static bool is_noted(git_repository *to, const char *end)
{
    char *path CLEANUP_FREE = note_path(to);
    char noted[128] = "";
    FILE *file = fopen(path, "re");
    if (file && !fgets(noted, sizeof noted, file))
        noted[0] = '\0';
    if (file)
        fclose(file);
    return text_equal(noted, end);
}

/* Where that fails, everything is gone through once more. */
static void note_end(git_repository *to, const char *end)
{
    char *path CLEANUP_FREE = note_path(to);
    FILE *file = *end ? fopen(path, "we") : NULL;
    if (file) {
        fputs(end, file);
        fclose(file);
    } else {
        unlink(path);
    }
}

static int copy_missing(struct copy *copy, git_repository *to, const git_oid *tip)
{
    int rc = collect_history(copy, tip);
    if (rc < 0)
        return rc;
    if (copy->fresh)
        take_packs(copy, to);
    return copy->found.len <= LOOSE_OBJECTS ? write_loose(copy, to) : write_pack(copy, to);
}

int source_copy(struct git_repository *from, struct git_repository *to, const char *oid_hex,
                struct error *err)
{
    struct copy copy CLEANUP(copy_deinit) = {
        .from = from, .shallow = git_repository_is_shallow(from) == 1, .err = err};
    git_oid tip;
    int rc = git_oid_fromstr(&tip, oid_hex);
    if (rc == 0)
        rc = git_repository_odb(&copy.from_odb, from);
    if (rc == 0)
        rc = git_repository_odb(&copy.to_odb, to);
    if (rc < 0)
        return source_git_error(err, rc, "cannot open the objects");
    char mirrored[COMMIT_OID_SIZE];
    rc = source_mirror_tip(to, mirrored, err);
    if (rc < 0)
        return rc;
    copy.fresh = !*mirrored;
    char *end CLEANUP_FREE = end_of(from);
    copy.deeper = !is_noted(to, end);
    rc = copy_missing(&copy, to, &tip);
    if (rc == 0 && copy.deeper)
        note_end(to, end);
    return rc;
}
