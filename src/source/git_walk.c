#include "source/git.h"

#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "odb/commit.h"
#include "source/roots.h"

#include <assert.h>
#include <git2.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A first-parent line, read from its newest commit on as far as somebody wanted to see. */
struct line {
    struct oid_vec VECTOR_OF(git_oid) oids; /* newest first */
    struct map places;                      /* hex oid -> place in oids, from 1 */
    struct odb_commit last;                 /* the oldest one that is in, unless it is not read yet */
    bool ended;                             /* the root (or the limit) is in */
};

struct source_walk {
    struct source_walk_plan plan;
    struct line line;
    size_t left;           /* updates to come; the next one is oids[left - 1] */
    git_oid previous;      /* what the next one is compared with, */
    git_oid previous_tree; /* and its tree; zero: it is not read yet */
    bool has_previous;
    bool rewritten;   /* to be said by the next update */
    git_oid deployed; /* plan.base as an oid, to be told once more before the tip */
    bool tells_deployed;
    bool first_full; /* the next one is told in full */
    char fork[COMMIT_OID_SIZE];
};

static void line_deinit(struct line *line)
{
    vector_deinit(&line->oids);
    map_deinit(&line->places);
    odb_commit_deinit(&line->last);
}

static void line_push(struct line *line, const git_oid *oid)
{
    char hex[COMMIT_OID_SIZE];
    vector_push(&line->oids, *oid);
    map_put(&line->places, git_oid_tostr(hex, sizeof hex, oid), (void *)(uintptr_t)line->oids.len);
}

/* The place of an oid, from 1; 0 when it was not come by. */
static size_t line_place(const struct line *line, const git_oid *oid)
{
    char hex[COMMIT_OID_SIZE];
    return (uintptr_t)map_get(&line->places, git_oid_tostr(hex, sizeof hex, oid));
}

static const git_oid *line_last(const struct line *line)
{
    return &line->oids.items[line->oids.len - 1];
}

/* Adds the first parent of the oldest commit that is in. A parent that is not there is where a shallow clone
 * ends. */
static int line_grow(git_repository *repository, struct line *line, struct error *err)
{
    if (line->ended)
        return 0;
    int rc = line->last.object ? 0 : source_commit_read(repository, line_last(line), &line->last, err);
    if (rc < 0)
        return rc;
    if (!line->last.parents_len || line->oids.len >= LIMIT_HISTORY_COMMITS) {
        line->ended = true;
        return 0;
    }
    git_oid oid = odb_commit_parent(&line->last, 0);
    struct odb_commit parent = {0};
    rc = odb_commit_read(repository, &oid, &parent);
    if (rc == GIT_ENOTFOUND) {
        line->ended = true;
        return 0;
    }
    if (rc < 0)
        return source_commit_error(&oid, rc, err);
    line_push(line, &oid);
    odb_commit_deinit(&line->last);
    line->last = parent;
    return 0;
}

/* Both lines grow in turns until one comes by a commit of the other, so that the cost is the distance to the
 * fork and not the length of the history. Sets *ret_place in the walk's line, 0 without a fork. */
static int find_fork(struct source_walk *walk, const git_oid *base, size_t *ret_place, struct error *err)
{
    struct line old CLEANUP(line_deinit) = {0};
    line_push(&old, base);
    while (!walk->line.ended || !old.ended) {
        size_t place = line_place(&walk->line, line_last(&old));
        if (!place && line_place(&old, line_last(&walk->line)))
            place = walk->line.oids.len;
        *ret_place = place;
        if (place)
            return 0;
        int rc = line_grow(walk->plan.repository, &walk->line, err);
        if (rc == 0)
            rc = line_grow(walk->plan.repository, &old, err);
        if (rc < 0)
            return rc;
    }
    *ret_place = 0;
    return 0;
}

/* By way of a second parent: a merge that was made the other way round. */
static bool was_merged(const struct source_walk *walk, const git_oid *commit)
{
    return source_commit_contains(walk->plan.repository, &walk->line.oids.items[0], commit);
}

static int start_after_base(struct source_walk *walk, struct error *err)
{
    git_oid base;
    size_t place = 0;
    bool known = git_oid_fromstr(&base, walk->plan.base) == 0 &&
                 source_mirror_has_commit(walk->plan.repository, walk->plan.base);
    int rc = known ? find_fork(walk, &base, &place, err) : 0;
    if (rc < 0)
        return rc;
    bool on_line = place && git_oid_equal(&walk->line.oids.items[place - 1], &base);
    walk->rewritten = !known || (!on_line && !was_merged(walk, &base));
    if (!place) {
        walk->left = walk->line.oids.len;
        return 0;
    }
    if (walk->rewritten)
        git_oid_tostr(walk->fork, sizeof walk->fork, &walk->line.oids.items[place - 1]);
    walk->previous = walk->deployed = base;
    walk->has_previous = true;
    walk->tells_deployed = walk->plan.head_full && !git_oid_equal(&base, &walk->line.oids.items[0]);
    /* Files that a manifest names are to be there when it is numbered, even if it alone has changed. */
    walk->first_full = walk->plan.head_full && walk->plan.roots && walk->plan.roots->len;
    walk->left = place > 1 ? place - 1 : 1; /* the tip itself always comes */
    return 0;
}

int source_walk_new(const struct source_walk_plan *plan, struct source_walk **ret_walk, struct error *err)
{
    struct source_walk *walk CLEANUP(source_walk_freep) = NEW(struct source_walk);
    walk->plan = *plan;
    walk->plan.tip = walk->plan.base = NULL;
    git_oid tip;
    int rc = git_oid_fromstr(&tip, plan->tip);
    if (rc < 0)
        return source_git_error(err, rc, "\"%s\" is no commit", plan->tip);
    line_push(&walk->line, &tip);
    if (plan->leaps) {
        rc = git_oid_fromstr(&walk->previous, plan->base);
        if (rc < 0)
            return source_git_error(err, rc, "\"%s\" is no commit", plan->base);
        walk->has_previous = true;
        walk->left = 1;
        *ret_walk = TAKE(walk);
        return 0;
    }
    if (plan->base && *plan->base) {
        walk->plan.base = plan->base;
        rc = start_after_base(walk, err);
        walk->plan.base = NULL;
        if (rc < 0)
            return rc;
    }
    while (!walk->has_previous && !walk->line.ended) {
        rc = line_grow(plan->repository, &walk->line, err);
        if (rc < 0)
            return rc;
    }
    if (!walk->has_previous)
        walk->left = walk->line.oids.len;
    *ret_walk = TAKE(walk);
    return 0;
}

void source_walk_free(struct source_walk *walk)
{
    line_deinit(&walk->line);
    free(walk);
}

bool source_walk_is_done(const struct source_walk *walk)
{
    return walk->left == 0;
}

/* It is kept with every revision and deployment. Takes the text over. */
static char *bounded(char *text)
{
    size_t len = strlen(text);
    if (len > LIMIT_COMMIT_TEXT_BYTES) {
        len = LIMIT_COMMIT_TEXT_BYTES;
        while (len && ((unsigned char)text[len] & 0xC0) == 0x80) /* not within a character */
            len--;
        char *cut = memory_strndup(text, len);
        free(text);
        return cut;
    }
    return text;
}

/* The number of the last trailer that is one. */
static int approved_deletions(const char *message)
{
    git_message_trailer_array trailers = {0};
    int64_t number = 0;
    if (git_message_trailers(&trailers, message) < 0)
        return 0;
    for (size_t i = 0; i < trailers.count; i++)
        if (strcasecmp(trailers.trailers[i].key, COMMIT_APPROVAL) == 0)
            text_to_int64(trailers.trailers[i].value, 0, INT32_MAX, &number);
    git_message_trailer_array_free(&trailers);
    return (int)number;
}

/* ret_commit: NULL when only the tree is asked for. */
static int read_commit(git_repository *repository, const git_oid *oid, struct commit *ret_commit,
                       git_oid *ret_tree, struct error *err)
{
    struct odb_commit commit CLEANUP(odb_commit_deinit) = {0};
    int rc = source_commit_read(repository, oid, &commit, err);
    if (rc < 0)
        return rc;
    *ret_tree = commit.tree;
    if (!ret_commit)
        return 0;
    git_oid_tostr(ret_commit->oid, sizeof ret_commit->oid, oid);
    ret_commit->author = bounded(odb_commit_author(&commit));
    ret_commit->subject = bounded(odb_commit_subject(&commit));
    ret_commit->time_ms = commit.time_s * 1000;
    ret_commit->approved_deletions = approved_deletions(commit.message);
    return 0;
}

int source_commit_describe(git_repository *repository, const git_oid *oid, struct commit *ret_commit,
                           struct error *err)
{
    git_oid tree;
    return read_commit(repository, oid, ret_commit, &tree, err);
}

static int read_roots(const struct source_walk *walk, const git_oid *new, struct source_update *update,
                      bool *ret_turned, struct error *err)
{
    const struct string_vec *roots = walk->plan.roots;
    struct source_root_change change = {.files = &update->files};
    int rc = 0;
    for (size_t i = 0; rc == 0 && !change.turned && roots && i < roots->len; i++) {
        const struct source_root_diff diff = {walk->plan.repository, update->full ? NULL : &walk->previous,
                                              new, walk->plan.sub_path, roots->items[i]};
        rc = source_root_diff(&diff, &change, err);
    }
    *ret_turned = change.turned;
    return rc;
}

/* The directory that the manifests are in, of the commit before; zero: there is none. */
static int read_previous(struct source_walk *walk, git_oid *ret_tree, struct error *err)
{
    git_repository *repository = walk->plan.repository;
    int rc = git_oid_is_zero(&walk->previous_tree)
                 ? read_commit(repository, &walk->previous, NULL, &walk->previous_tree, err)
                 : 0;
    return rc < 0 ? rc
                  : source_tree_enter(repository, &walk->previous_tree, walk->plan.sub_path, ret_tree, err);
}

/* A commit and its tree. */
struct revision {
    git_oid oid;
    git_oid tree;
};

static int read_files_once(struct source_walk *walk, const struct revision *revision,
                           struct source_update *update, bool *ret_turned, struct error *err)
{
    git_repository *repository = walk->plan.repository;
    git_oid old_tree = {0};
    git_oid new_tree = {0};
    int rc = source_tree_enter(repository, &revision->tree, walk->plan.sub_path, &new_tree, err);
    if (rc < 0)
        return rc;
    if (update->head && git_oid_is_zero(&new_tree))
        return error_set(err, ERROR_NOT_FOUND, "commit %.12s has no directory \"%s\"", update->commit.oid,
                         walk->plan.sub_path);
    if (!update->full) {
        rc = read_previous(walk, &old_tree, err);
        if (rc < 0)
            return rc;
    }
    const struct source_tree_diff diff = {repository, git_oid_is_zero(&old_tree) ? NULL : &old_tree,
                                          git_oid_is_zero(&new_tree) ? NULL : &new_tree, NULL, false};
    rc = source_tree_diff(&diff, &update->files, err);
    if (rc == 0)
        rc = read_roots(walk, &revision->oid, update, ret_turned, err);
    update->generation = walk->plan.generation;
    update->levels = source_path_levels(walk->plan.sub_path);
    source_file_vec_sort(&update->files);
    return rc;
}

static int read_files(struct source_walk *walk, const struct revision *revision, struct source_update *update,
                      struct error *err)
{
    bool turned = false;
    int rc = read_files_once(walk, revision, update, &turned, err);
    if (rc < 0 || !turned)
        return rc;
    source_file_vec_deinit(&update->files);
    update->full = true;
    return read_files_once(walk, revision, update, &turned, err);
}

static int read_next(struct source_walk *walk, struct source_update *ret_update, struct error *err)
{
    assert(walk->left > 0 && walk->left <= walk->line.oids.len);
    struct revision revision = {.oid = walk->line.oids.items[walk->left - 1]};
    struct source_update update CLEANUP(source_update_deinit) = {.head = walk->left == 1};
    update.full = !walk->has_previous || walk->first_full || (update.head && walk->plan.head_full);
    update.rewritten = walk->rewritten;
    memcpy(update.fork, walk->fork, sizeof update.fork);
    int rc = read_commit(walk->plan.repository, &revision.oid, &update.commit, &revision.tree, err);
    if (rc == 0)
        rc = read_files(walk, &revision, &update, err);
    if (rc < 0)
        return rc;
    walk->previous = revision.oid;
    walk->previous_tree = revision.tree;
    walk->has_previous = true;
    walk->first_full = false;
    walk->rewritten = false;
    walk->fork[0] = '\0';
    walk->left--;
    *ret_update = update;
    update = (struct source_update){0};
    return 0;
}

/* The commit that an earlier life deployed, in one batch with the tip: should the tip be refused, this is
 * what goes on. One that lacks the sub-path (another was configured then) says nothing. */
static int read_deployed(struct source_walk *walk, struct source_update_vec *updates, struct error *err)
{
    struct source_update update CLEANUP(source_update_deinit) = {.head = true, .full = true};
    walk->tells_deployed = false;
    struct revision revision = {.oid = walk->deployed};
    int rc = read_commit(walk->plan.repository, &revision.oid, &update.commit, &revision.tree, err);
    if (rc == 0)
        rc = read_files(walk, &revision, &update, err);
    if (rc == ERROR_NOT_FOUND) {
        if (err)
            *err = ERROR_INIT;
        return 0;
    }
    if (rc < 0)
        return rc;
    update.head = false; /* it was read as one: it has to have the sub-path */
    vector_push(updates, update);
    update = (struct source_update){0};
    return 0;
}

int source_walk_read(struct source_walk *walk, struct source_update_vec *updates, struct error *err)
{
    int64_t bytes = 0;
    for (size_t n = 0; walk->left && n < SOURCE_BATCH && bytes < SOURCE_BATCH_BYTES; n++) {
        struct source_update update = {0};
        int rc = walk->left == 1 && walk->tells_deployed ? read_deployed(walk, updates, err) : 0;
        if (rc == 0)
            rc = read_next(walk, &update, err);
        if (rc < 0) /* what was read before goes out first; the next batch meets the error again */
            return n ? 0 : rc;
        bytes += source_files_bytes(&update.files);
        vector_push(updates, update);
    }
    return 0;
}
