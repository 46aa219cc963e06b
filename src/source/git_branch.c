/* Branches of a repository of the user's, and what their first-parent line had at some paths. */
#include "source/restore.h"

#include "base/memory.h"
#include "base/text.h"
#include "odb/commit.h"
#include "odb/revision.h"
#include "source/git.h"
#include "source/git_child.h"
#include "source/origin.h"

#include <git2.h>
#include <string.h>

#define HEADS "refs/heads/"

DEFINE_CLEANUP(git_reference, git_reference_free)
DEFINE_CLEANUP(git_blob, git_blob_free)
DEFINE_CLEANUP(git_tree, git_tree_free)
DEFINE_CLEANUP(git_tree_entry, git_tree_entry_free)
DEFINE_CLEANUP(git_config, git_config_free)

static void ids_deinit(struct odb_commit_ids *ids)
{
    vector_deinit(ids);
}

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
    git_oid tip;
    int rc = git_reference_lookup(&ref, repository, branch->ref);
    if (rc == GIT_ENOTFOUND || rc == GIT_EINVALIDSPEC)
        return error_set(err, ERROR_NOT_FOUND,
                         "there is no branch %s with a commit in %s: git fetch, then git switch %s",
                         branch->name, branch->directory, branch->name);
    if (rc == 0)
        rc = git_reference_name_to_id(&tip, repository, branch->ref);
    if (rc == 0)
        rc = odb_commit_peel(repository, &tip, &tip);
    if (rc < 0)
        return source_git_error(err, rc, "cannot read the branch %s of %s", branch->name, branch->directory);
    git_oid_tostr(branch->tip, sizeof branch->tip, &tip);
    branch->checked_out = !git_repository_is_bare(repository) && git_branch_is_head(ref) == 1;
    if (!branch->checked_out && git_branch_is_checked_out(ref) == 1) /* not what HEAD of a bare one names */
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
    git_oid tip;
    git_oid ancestor;
    int rc = source_git_open_around(branch->directory, &repository, err);
    if (rc < 0)
        return rc;
    rc = git_oid_fromstr(&tip, branch->tip);
    *ret_has = rc == 0 && source_mirror_has_commit(repository, oid) && git_oid_fromstr(&ancestor, oid) == 0 &&
               source_commit_contains(repository, &tip, &ancestor);
    return rc < 0 ? source_git_error(err, rc, "cannot read the history of %s", branch->directory) : 0;
}

/* As git's own of ident.c, and the dot, which git strips up to 2.45: it is left out on both sides. */
static bool is_crud(char c)
{
    return (unsigned char)c <= ' ' || strchr(".,:;<>\"\\'", c);
}

static char *without_crud(const char *text, size_t len)
{
    while (len && is_crud(text[len - 1]))
        len--;
    while (len && is_crud(*text))
        text++, len--;
    char *kept = memory_calloc(len + 1, 1);
    char *to = kept;
    for (size_t i = 0; i < len; i++)
        if (!strchr("<>\n", text[i]))
            *to++ = text[i];
    return kept;
}

/* "Name <mail>" with what git would write of both. Caller frees. */
static char *as_committed(const char *person)
{
    size_t name_len = strcspn(person, "<");
    char *name CLEANUP_FREE = without_crud(person, name_len);
    char *mail CLEANUP_FREE = without_crud(person + name_len, strlen(person + name_len));
    return memory_printf("%s <%s>", name, mail);
}

/* Of author and committer. */
static int check_people(git_repository *repository, const git_oid *id, const char *expected, bool *ret_is)
{
    struct odb_commit commit CLEANUP(odb_commit_deinit) = {0};
    int rc = odb_commit_read(repository, id, &commit);
    if (rc < 0)
        return rc;
    char *people[] = {odb_commit_author(&commit), odb_commit_committer(&commit)};
    *ret_is = true;
    for (size_t i = 0; i < ARRAY_LEN(people); i++) {
        char *person CLEANUP_FREE = as_committed(people[i]);
        *ret_is = *ret_is && text_equal(person, expected);
        free(people[i]);
    }
    return 0;
}

int source_branch_is_of(const struct source_branch *branch, const char *base, const char *author,
                        bool *ret_is, struct error *err)
{
    git_repository *repository CLEANUP(source_git_repository_freep) = NULL;
    struct odb_commit_ids ids CLEANUP(ids_deinit) = {0};
    char *expected CLEANUP_FREE = as_committed(author);
    git_oid tip;
    git_oid hidden;
    int rc = source_git_open_around(branch->directory, &repository, err);
    if (rc < 0)
        return rc;
    rc = git_oid_fromstr(&tip, branch->tip);
    if (rc == 0)
        rc = git_oid_fromstr(&hidden, base);
    if (rc == 0)
        rc = odb_commit_added(repository, &tip, &(struct odb_commit_ids){.items = &hidden, .len = 1},
                              LIMIT_HISTORY_COMMITS, &ids);
    *ret_is = ids.len < LIMIT_HISTORY_COMMITS; /* more than that were not looked for */
    for (size_t i = 0; rc == 0 && *ret_is && i < ids.len; i++)
        rc = check_people(repository, &ids.items[i], expected, ret_is);
    return rc < 0 ? source_git_error(err, rc, "cannot read the history of %s", branch->directory) : 0;
}

/* Of the commits that lead to `tip`. */
static bool is_picked(const struct source_branch *branch, const char *tip, const char *base)
{
    char *range CLEANUP_FREE = memory_printf("%s...%s", base, tip);
    char *left CLEANUP_FREE = NULL;
    const char *const arguments[] = {"rev-list",      "--cherry-pick", "--right-only",
                                     "--max-count=1", range,           NULL};
    const struct source_git_call call = {.directory = branch->directory, .arguments = arguments};
    return source_git_child(&call, &left, NULL) == 0 && !*left;
}

/* One commit with all that the branch has since it parted from the base, on no branch. Caller frees; NULL:
 * git cannot make it. */
static char *squash(const struct source_branch *branch, const char *base)
{
    char *tree CLEANUP_FREE = memory_printf("%s^{tree}", branch->tip);
    char *parted CLEANUP_FREE = NULL;
    char *squashed = NULL;
    const char *const find[] = {"merge-base", base, branch->tip, NULL};
    struct source_git_call call = {
        .directory = branch->directory, .arguments = find, .name = "davit", .mail = "davit@localhost"};
    if (source_git_child(&call, &parted, NULL) < 0)
        return NULL;
    const char *const make[] = {"commit-tree", "-p", parted, "-m", "a draft of davit", tree, NULL};
    call.arguments = make;
    return source_git_child(&call, &squashed, NULL) < 0 ? NULL : squashed;
}

bool source_branch_is_picked(const struct source_branch *branch, const char *base)
{
    if (is_picked(branch, branch->tip, base))
        return true;
    char *squashed CLEANUP_FREE = squash(branch, base);
    return squashed && is_picked(branch, squashed, base);
}

int source_branch_resolve(const struct source_branch *branch, const char *revision,
                          char ret_oid[static COMMIT_OID_SIZE], struct error *err)
{
    git_repository *repository CLEANUP(source_git_repository_freep) = NULL;
    git_oid oid;
    int rc = source_git_open_around(branch->directory, &repository, err);
    if (rc < 0)
        return rc;
    rc = odb_revision_find(repository, revision, &oid);
    if (rc == 0)
        rc = odb_commit_peel(repository, &oid, &oid);
    if (rc < 0)
        return source_git_error_as(err, ERROR_NOT_FOUND, "there is no commit \"%s\" in %s", revision,
                                   branch->directory);
    git_oid_tostr(ret_oid, COMMIT_OID_SIZE, &oid);
    return 0;
}

static int read_file(git_repository *repository, const char *oid, const char *path, char **ret_text)
{
    git_tree *tree CLEANUP(git_tree_freep) = NULL;
    git_tree_entry *entry CLEANUP(git_tree_entry_freep) = NULL;
    git_blob *blob CLEANUP(git_blob_freep) = NULL;
    int rc = source_tree_of(repository, oid, &tree);
    if (rc < 0)
        return rc;
    if (git_tree_entry_bypath(&entry, tree, path) < 0 || git_tree_entry_type(entry) != GIT_OBJECT_BLOB ||
        git_blob_lookup(&blob, repository, git_tree_entry_id(entry)) < 0)
        return 0;
    if (git_blob_rawsize(blob) <= LIMIT_MANIFEST_BYTES)
        *ret_text = memory_strndup(git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob));
    return 0;
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
static int content_of(git_repository *repository, const git_oid *root, const struct string_vec *paths,
                      struct digest *ret_content)
{
    git_tree *tree CLEANUP(git_tree_freep) = NULL;
    *ret_content = (struct digest){0};
    int rc = git_tree_lookup(&tree, repository, root);
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
static bool take(struct source_run_vec *runs, const git_oid *id, const struct odb_commit *commit,
                 bool is_same)
{
    char oid[COMMIT_OID_SIZE];
    git_oid_tostr(oid, sizeof oid, id);
    if (!is_same && runs->len == SOURCE_RUNS)
        return false;
    if (!is_same) {
        struct source_run run;
        memcpy(run.newest, oid, sizeof run.newest);
        vector_push(runs, run);
    }
    struct source_run *last = &runs->items[runs->len - 1];
    char *subject CLEANUP_FREE = odb_commit_subject(commit);
    memcpy(last->oldest, oid, sizeof last->oldest);
    snprintf(last->subject, sizeof last->subject, "%s", subject);
    text_mend_utf8(last->subject);
    return true;
}

static int walk_runs(const struct source_run_query *query, git_repository *repository,
                     struct source_run_vec *runs)
{
    git_oid id;
    struct digest before = {0};
    int rc = git_oid_fromstr(&id, query->branch->tip);
    for (int n = 0; rc == 0 && n < LIMIT_HISTORY_COMMITS; n++) {
        struct odb_commit commit CLEANUP(odb_commit_deinit) = {0};
        struct digest content;
        rc = odb_commit_read(repository, &id, &commit);
        if (rc == GIT_ENOTFOUND && n > 0)
            return 0; /* a shallow clone ends here */
        if (rc == 0)
            rc = content_of(repository, &commit.tree, query->paths, &content);
        if (rc < 0 || !take(runs, &id, &commit, runs->len && digest_equal(&content, &before)))
            return rc;
        before = content;
        if (text_equal(runs->items[runs->len - 1].oldest, query->end) || !commit.parents_len)
            return 0;
        id = odb_commit_parent(&commit, 0);
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
