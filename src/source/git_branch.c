/* Branches of a repository of the user's, and what their first-parent line had at some paths. */
#include "source/restore.h"

#include "base/memory.h"
#include "base/text.h"
#include "source/git.h"
#include "source/origin.h"

#include <git2.h>
#include <string.h>

#define HEADS "refs/heads/"

DEFINE_CLEANUP(git_reference, git_reference_free)
DEFINE_CLEANUP(git_object, git_object_free)
DEFINE_CLEANUP(git_commit, git_commit_free)
DEFINE_CLEANUP(git_tree, git_tree_free)
DEFINE_CLEANUP(git_tree_entry, git_tree_entry_free)
DEFINE_CLEANUP(git_config, git_config_free)
DEFINE_CLEANUP(git_revwalk, git_revwalk_free)

void source_branch_deinit(struct source_branch *branch)
{
    free(branch->directory);
    free(branch->ref);
    free(branch->name);
    free(branch->remote);
    free(branch->upstream);
    memset(branch, 0, sizeof *branch);
}

/* The branch of HEAD, also one without a commit. */
static int find_head(git_repository *repository, struct source_branch *branch, struct error *err)
{
    git_reference *head CLEANUP(git_reference_freep) = NULL;
    int rc = git_reference_lookup(&head, repository, "HEAD");
    if (rc < 0)
        return source_git_error(err, rc, "cannot read HEAD of %s", branch->directory);
    if (git_reference_type(head) != GIT_REFERENCE_SYMBOLIC)
        return error_set(err, ERROR_CONFLICT, "HEAD of %s is on no branch: git switch to one",
                         branch->directory);
    branch->ref = memory_strdup(git_reference_symbolic_target(head));
    return 0;
}

static int find_tip(git_repository *repository, struct source_branch *branch, struct error *err)
{
    git_reference *ref CLEANUP(git_reference_freep) = NULL;
    git_object *commit CLEANUP(git_object_freep) = NULL;
    int rc = git_reference_lookup(&ref, repository, branch->ref);
    if (rc == GIT_ENOTFOUND || rc == GIT_EINVALIDSPEC)
        return error_set(err, ERROR_NOT_FOUND,
                         "there is no branch %s with a commit in %s: git fetch, then git switch %s",
                         branch->name, branch->directory, branch->name);
    if (rc == 0)
        rc = git_reference_peel(&commit, ref, GIT_OBJECT_COMMIT);
    if (rc < 0)
        return source_git_error(err, rc, "cannot read the branch %s of %s", branch->name, branch->directory);
    git_oid_tostr(branch->tip, sizeof branch->tip, git_object_id(commit));
    branch->checked_out = !git_repository_is_bare(repository) && git_branch_is_head(ref) == 1;
    if (!branch->checked_out && git_branch_is_checked_out(ref) == 1 && !git_repository_is_bare(repository))
        return error_set(err, ERROR_CONFLICT, "another work tree of %s has the branch %s: run this there",
                         branch->directory, branch->name);
    return 0;
}

/* The first of the settings that is there, "branch.main.remote"; else NULL. Borrowed from the snapshot. */
static const char *setting(const git_config *config, const char *const *keys, size_t keys_len)
{
    const char *value = NULL;
    for (size_t i = 0; !value && i < keys_len; i++)
        if (git_config_get_string(&value, config, keys[i]) < 0)
            value = NULL;
    return value;
}

static void find_remote(git_repository *repository, struct source_branch *branch)
{
    git_config *config CLEANUP(git_config_freep) = NULL;
    char *own CLEANUP_FREE = memory_printf("branch.%s.pushRemote", branch->name);
    char *fetched CLEANUP_FREE = memory_printf("branch.%s.remote", branch->name);
    char *merge CLEANUP_FREE = memory_printf("branch.%s.merge", branch->name);
    const char *const push_keys[] = {own, "remote.pushDefault", fetched};
    if (git_repository_config_snapshot(&config, repository) < 0)
        return;
    const char *from = setting(config, &push_keys[2], 1);
    const char *to = setting(config, push_keys, ARRAY_LEN(push_keys));
    const char *tracked = setting(config, &(const char *){merge}, 1);
    from = from ? from : "origin";
    to = to ? to : "origin";
    /* Not git_remote_lookup(): libgit2 1.5 loses the match data of its regular expressions. */
    char *url CLEANUP_FREE = memory_printf("remote.%s.url", to);
    if (!setting(config, &(const char *){url}, 1))
        return;
    branch->remote = memory_strdup(to);
    if (text_equal(from, to) && tracked)
        branch->upstream = memory_strdup(tracked + (text_starts_with(tracked, HEADS) ? strlen(HEADS) : 0));
}

int source_branch_open(const char *repository_path, const char *name, struct source_branch *ret_branch,
                       struct error *err)
{
    git_repository *repository CLEANUP(source_git_repository_freep) = NULL;
    int rc = source_git_open_around(repository_path, &repository, err);
    if (rc < 0)
        return rc;
    const char *directory = git_repository_workdir(repository);
    ret_branch->directory = memory_strdup(directory ? directory : git_repository_path(repository));
    for (size_t len = strlen(ret_branch->directory); len > 1 && ret_branch->directory[len - 1] == '/';)
        ret_branch->directory[--len] = '\0';
    if (name)
        ret_branch->ref = source_origin_ref(name);
    else
        rc = find_head(repository, ret_branch, err);
    if (rc < 0)
        return rc;
    const char *short_name = ret_branch->ref;
    ret_branch->name = memory_strdup(short_name + (text_starts_with(short_name, HEADS) ? strlen(HEADS) : 0));
    rc = find_tip(repository, ret_branch, err);
    if (rc == 0)
        find_remote(repository, ret_branch);
    return rc;
}

int source_branch_has(const struct source_branch *branch, const char *oid, bool *ret_has, struct error *err)
{
    git_repository *repository CLEANUP(source_git_repository_freep) = NULL;
    git_commit *commit CLEANUP(git_commit_freep) = NULL;
    git_oid tip;
    git_oid ancestor;
    int rc = source_git_open_around(branch->directory, &repository, err);
    if (rc < 0)
        return rc;
    *ret_has = strcmp(branch->tip, oid) == 0;
    if (*ret_has)
        return 0;
    rc = git_oid_fromstr(&tip, branch->tip);
    if (rc == 0 && git_oid_fromstr(&ancestor, oid) < 0)
        return 0;
    if (rc == 0 && git_commit_lookup(&commit, repository, &ancestor) < 0)
        return 0;
    if (rc == 0)
        rc = git_graph_descendant_of(repository, &tip, &ancestor);
    if (rc < 0)
        return source_git_error(err, rc, "cannot read the history of %s", branch->directory);
    *ret_has = rc == 1;
    return 0;
}

static bool is_by(git_commit *commit, const char *author)
{
    const git_signature *by = git_commit_author(commit);
    char *text CLEANUP_FREE = memory_printf("%s <%s>", by->name, by->email);
    return strcmp(text, author) == 0;
}

static int walk_authors(git_revwalk *walk, git_repository *repository, const char *author, bool *ret_is)
{
    git_oid id;
    int rc = 0;
    *ret_is = true;
    while (*ret_is && (rc = git_revwalk_next(&id, walk)) == 0) {
        git_commit *commit CLEANUP(git_commit_freep) = NULL;
        rc = git_commit_lookup(&commit, repository, &id);
        if (rc < 0)
            return rc;
        *ret_is = is_by(commit, author);
    }
    return !*ret_is || rc == GIT_ITEROVER ? 0 : rc;
}

int source_branch_is_of(const struct source_branch *branch, const char *base, const char *author,
                        bool *ret_is, struct error *err)
{
    git_repository *repository CLEANUP(source_git_repository_freep) = NULL;
    git_revwalk *walk CLEANUP(git_revwalk_freep) = NULL;
    git_oid tip;
    git_oid hidden;
    int rc = source_git_open_around(branch->directory, &repository, err);
    if (rc < 0)
        return rc;
    rc = git_revwalk_new(&walk, repository);
    if (rc == 0)
        rc = git_oid_fromstr(&tip, branch->tip);
    if (rc == 0)
        rc = git_oid_fromstr(&hidden, base);
    if (rc == 0)
        rc = git_revwalk_push(walk, &tip);
    if (rc == 0)
        rc = git_revwalk_hide(walk, &hidden);
    if (rc == 0)
        rc = walk_authors(walk, repository, author, ret_is);
    return rc < 0 ? source_git_error(err, rc, "cannot read the history of %s", branch->directory) : 0;
}

int source_branch_resolve(const struct source_branch *branch, const char *revision,
                          char ret_oid[static COMMIT_OID_SIZE], struct error *err)
{
    git_repository *repository CLEANUP(source_git_repository_freep) = NULL;
    git_object *object CLEANUP(git_object_freep) = NULL;
    git_object *commit CLEANUP(git_object_freep) = NULL;
    int rc = source_git_open_around(branch->directory, &repository, err);
    if (rc < 0)
        return rc;
    rc = git_revparse_single(&object, repository, revision);
    if (rc == 0)
        rc = git_object_peel(&commit, object, GIT_OBJECT_COMMIT);
    if (rc < 0)
        return source_git_error_as(err, ERROR_NOT_FOUND, "there is no commit \"%s\" in %s", revision,
                                   branch->directory);
    git_oid_tostr(ret_oid, COMMIT_OID_SIZE, git_object_id(commit));
    return 0;
}

static int read_file(git_repository *repository, const char *oid, const char *path, char **ret_text)
{
    git_object *commit CLEANUP(git_object_freep) = NULL;
    git_object *blob CLEANUP(git_object_freep) = NULL;
    git_oid id;
    int rc = git_oid_fromstr(&id, oid);
    if (rc == 0)
        rc = git_object_lookup(&commit, repository, &id, GIT_OBJECT_COMMIT);
    if (rc == 0 && git_object_lookup_bypath(&blob, commit, path, GIT_OBJECT_BLOB) < 0)
        return 0;
    if (rc == 0 && git_blob_rawsize((git_blob *)blob) <= LIMIT_MANIFEST_BYTES)
        *ret_text =
            memory_strndup(git_blob_rawcontent((git_blob *)blob), (size_t)git_blob_rawsize((git_blob *)blob));
    return rc;
}

int source_branch_file(const struct source_branch *branch, const char *oid, const char *path, char **ret_text,
                       struct error *err)
{
    git_repository *repository CLEANUP(source_git_repository_freep) = NULL;
    int rc = source_git_open_around(branch->directory, &repository, err);
    if (rc < 0)
        return rc;
    *ret_text = NULL;
    rc = read_file(repository, oid, path, ret_text);
    return rc < 0 ? source_git_error(err, rc, "commit %.12s of %s", oid, branch->directory) : 0;
}

/* --- runs ----------------------------------------------------------------------------------------------- */

/* What the commit has at the paths. */
static int content_of(git_commit *commit, const struct string_vec *paths, struct digest *ret_content)
{
    git_tree *tree CLEANUP(git_tree_freep) = NULL;
    *ret_content = (struct digest){0};
    int rc = git_commit_tree(&tree, commit);
    for (size_t i = 0; rc == 0 && i < paths->len; i++) {
        git_tree_entry *entry CLEANUP(git_tree_entry_freep) = NULL;
        char text[COMMIT_OID_SIZE + 16] = "";
        rc = git_tree_entry_bypath(&entry, tree, paths->items[i]);
        if (rc == 0)
            snprintf(text, sizeof text, "%s %o", git_oid_tostr_s(git_tree_entry_id(entry)),
                     (unsigned)git_tree_entry_filemode(entry));
        rc = rc == GIT_ENOTFOUND ? 0 : rc;
        struct digest one = digest_of_bytes(text, strlen(text));
        *ret_content = digest_combine(ret_content, &one);
    }
    return rc;
}

/* Takes the commit into the runs. False: it begins one more than are told. */
static bool take(struct source_run_vec *runs, git_commit *commit, bool is_same)
{
    char oid[COMMIT_OID_SIZE];
    git_oid_tostr(oid, sizeof oid, git_commit_id(commit));
    if (!is_same && runs->len == SOURCE_RUNS)
        return false;
    if (!is_same) {
        struct source_run run;
        memcpy(run.newest, oid, sizeof run.newest);
        vector_push(runs, run);
    }
    struct source_run *last = &runs->items[runs->len - 1];
    char *subject CLEANUP_FREE = source_git_text(git_commit_summary(commit));
    memcpy(last->oldest, oid, sizeof last->oldest);
    snprintf(last->subject, sizeof last->subject, "%s", subject);
    text_mend_utf8(last->subject);
    return true;
}

static int walk_runs(const struct source_run_query *query, git_repository *repository,
                     struct source_run_vec *runs)
{
    git_oid id;
    git_commit *commit CLEANUP(git_commit_freep) = NULL;
    struct digest before = {0};
    int rc = git_oid_fromstr(&id, query->branch->tip);
    if (rc == 0)
        rc = git_commit_lookup(&commit, repository, &id);
    for (int n = 0; rc == 0 && commit && n < LIMIT_HISTORY_COMMITS; n++) {
        struct digest content;
        rc = content_of(commit, query->paths, &content);
        if (rc < 0 || !take(runs, commit, runs->len && digest_equal(&content, &before)))
            return rc;
        before = content;
        git_commit *parent = NULL;
        bool ends =
            text_equal(runs->items[runs->len - 1].oldest, query->end) || git_commit_parentcount(commit) == 0;
        if (!ends)
            rc = git_commit_parent(&parent, commit, 0);
        if (rc == GIT_ENOTFOUND)
            rc = 0; /* a shallow clone ends here */
        git_commit_free(commit);
        commit = parent;
    }
    return rc;
}

int source_branch_runs(const struct source_run_query *query, struct source_run_vec *ret_runs,
                       struct error *err)
{
    git_repository *repository CLEANUP(source_git_repository_freep) = NULL;
    int rc = source_git_open_around(query->branch->directory, &repository, err);
    if (rc < 0)
        return rc;
    rc = walk_runs(query, repository, ret_runs);
    return rc < 0 ? source_git_error(err, rc, "cannot read the history of %s", query->branch->directory) : 0;
}
