/* A tree with other contents at some paths, and a commit of it on a branch. */
#include "source/restore.h"

#include "base/memory.h"
#include "base/text.h"
#include "source/git.h"
#include "source/git_child.h"

#include <git2.h>
#include <git2/sys/commit.h>
#include <string.h>

#define HEADS "refs/heads/"

DEFINE_CLEANUP(git_diff, git_diff_free)
DEFINE_CLEANUP(git_index, git_index_free)
DEFINE_CLEANUP(git_object, git_object_free)
DEFINE_CLEANUP(git_signature, git_signature_free)
DEFINE_CLEANUP(git_tree, git_tree_free)
DEFINE_CLEANUP(git_tree_entry, git_tree_entry_free)

void source_restored_deinit(struct source_restored *restored)
{
    string_vec_deinit(&restored->changes);
    free(restored->patch);
    memset(restored, 0, sizeof *restored);
}

/* --- the tree ------------------------------------------------------------------------------------------- */

/* Files that are put into an index, below a directory. */
struct putting {
    git_index *index;
    const char *directory;
};

static int put(git_index *index, const char *path, const git_tree_entry *entry)
{
    git_index_entry fresh = {
        .path = path, .id = *git_tree_entry_id(entry), .mode = git_tree_entry_filemode(entry)};
    return git_index_add(index, &fresh);
}

static int put_below(const char *root, const git_tree_entry *entry, void *data)
{
    const struct putting *putting = data;
    char *path CLEANUP_FREE = memory_printf("%s/%s%s", putting->directory, root, git_tree_entry_name(entry));
    return git_tree_entry_type(entry) == GIT_OBJECT_TREE ? 0 : put(putting->index, path, entry);
}

/* The index gets at the path what the tree has there. */
static int restore_path(git_repository *repository, git_index *index, git_tree *from, const char *path)
{
    git_tree_entry *entry CLEANUP(git_tree_entry_freep) = NULL;
    git_object *tree CLEANUP(git_object_freep) = NULL;
    git_index_remove(index, path, 0); /* it may be a file, a directory, or not there */
    int rc = git_index_remove_directory(index, path, 0);
    if (rc == 0)
        rc = git_tree_entry_bypath(&entry, from, path);
    if (rc < 0)
        return rc == GIT_ENOTFOUND ? 0 : rc;
    if (git_tree_entry_type(entry) != GIT_OBJECT_TREE)
        return put(index, path, entry);
    struct putting putting = {index, path};
    rc = git_tree_entry_to_object(&tree, repository, entry);
    return rc < 0 ? rc : git_tree_walk((git_tree *)tree, GIT_TREEWALK_PRE, put_below, &putting);
}

static int restore_tree(git_repository *repository, git_tree *onto, git_tree *from,
                        const struct string_vec *paths, git_tree **ret_tree)
{
    git_index *index CLEANUP(git_index_freep) = NULL;
    git_oid id;
    int rc = git_index_new(&index);
    if (rc == 0)
        rc = git_index_read_tree(index, onto);
    for (size_t i = 0; rc == 0 && i < paths->len; i++)
        rc = restore_path(repository, index, from, paths->items[i]);
    if (rc == 0)
        rc = git_index_write_tree_to(&id, index, repository);
    return rc < 0 ? rc : git_tree_lookup(ret_tree, repository, &id);
}

static int tell_changes(git_repository *repository, git_tree *from, git_tree *to,
                        struct source_restored *restored)
{
    git_diff *diff CLEANUP(git_diff_freep) = NULL;
    git_buf patch = GIT_BUF_INIT;
    int rc = git_diff_tree_to_tree(&diff, repository, from, to, NULL);
    for (size_t i = 0; rc == 0 && i < git_diff_num_deltas(diff); i++) {
        const git_diff_delta *delta = git_diff_get_delta(diff, i);
        const char *path = delta->status == GIT_DELTA_DELETED ? delta->old_file.path : delta->new_file.path;
        vector_push(&restored->changes, memory_printf("%c %s", git_diff_status_char(delta->status), path));
    }
    if (rc == 0)
        rc = git_diff_to_buf(&patch, diff, GIT_DIFF_FORMAT_PATCH);
    if (rc == 0)
        restored->patch = memory_strndup(patch.ptr ? patch.ptr : "", patch.size);
    git_buf_dispose(&patch);
    return rc;
}

/* A commit of the tree behind the parent, whose tree is `onto`. */
static int draft(git_repository *repository, const char *parent, git_tree *onto, git_tree *tree,
                 struct source_restored *restored)
{
    git_signature *davit CLEANUP(git_signature_freep) = NULL;
    git_oid id;
    git_oid parent_id;
    int rc = tell_changes(repository, onto, tree, restored);
    if (rc == 0)
        rc = git_signature_now(&davit, "davit", "davit@localhost");
    if (rc == 0)
        rc = git_oid_fromstr(&parent_id, parent);
    const git_oid *parents[] = {&parent_id};
    if (rc == 0) /* libgit2 may be unable to parse the parent */
        rc = git_commit_create_from_ids(&id, repository, NULL, davit, davit, "UTF-8", "a draft of davit\n",
                                        git_tree_id(tree), 1, parents);
    if (rc == 0)
        git_oid_tostr(restored->commit, sizeof restored->commit, &id);
    return rc;
}

static int make(const struct source_restoration *restoration, git_repository *repository,
                struct source_restored *restored)
{
    git_tree *onto CLEANUP(git_tree_freep) = NULL;
    git_tree *from CLEANUP(git_tree_freep) = NULL;
    git_tree *tree CLEANUP(git_tree_freep) = NULL;
    const char *parent = restoration->branch->tip;
    int rc = source_tree_of(repository, parent, &onto);
    if (rc == 0)
        rc = source_tree_of(repository, restoration->target, &from);
    if (rc == 0)
        rc = restore_tree(repository, onto, from, restoration->paths, &tree);
    return rc < 0 ? rc : draft(repository, parent, onto, tree, restored);
}

/* Before anything is written: files of another owner's would keep him from writing to his own repository. */
static int ask_git(const char *directory, struct error *err)
{
    static const char *const arguments[] = {"rev-parse", "--absolute-git-dir", NULL};
    struct source_git_call call = {.directory = directory, .arguments = arguments};
    return source_git_child(&call, NULL, err);
}

static int open_repository(const char *directory, git_repository **ret_repository, struct error *err)
{
    if (git_repository_open_ext(ret_repository, directory, 0, NULL) < 0)
        return source_git_error_as(err, ERROR_NOT_FOUND, "%s is no git repository any more", directory);
    int rc = source_git_guard(*ret_repository, err);
    return rc < 0 ? rc : ask_git(directory, err);
}

int source_restore(const struct source_restoration *restoration, struct source_restored *ret_restored,
                   struct error *err)
{
    git_repository *repository CLEANUP(source_git_repository_freep) = NULL;
    const char *directory = restoration->branch->directory;
    int rc = open_repository(directory, &repository, err);
    if (rc < 0)
        return rc;
    rc = make(restoration, repository, ret_restored);
    return rc < 0 ? source_git_error(err, rc, "cannot make a commit in %s", directory) : 0;
}

/* --- contents ------------------------------------------------------------------------------------------- */

void source_content_vec_deinit(struct source_content_vec *contents)
{
    for (size_t i = 0; i < contents->len; i++) {
        free(contents->items[i].path);
        free(contents->items[i].text);
    }
    vector_deinit(contents);
}

/* The mode stays. */
static int put_content(git_repository *repository, git_index *index, const struct source_content *content)
{
    const git_index_entry *before = git_index_get_bypath(index, content->path, 0);
    git_index_entry fresh = {.path = content->path};
    if (!before)
        return GIT_ENOTFOUND;
    fresh.mode = before->mode;
    int rc = git_blob_create_from_buffer(&fresh.id, repository, content->text, strlen(content->text));
    return rc < 0 ? rc : git_index_add(index, &fresh);
}

static int rewrite(const struct source_rewriting *rewriting, git_repository *repository,
                   struct source_restored *restored)
{
    git_tree *onto CLEANUP(git_tree_freep) = NULL;
    git_tree *tree CLEANUP(git_tree_freep) = NULL;
    git_index *index CLEANUP(git_index_freep) = NULL;
    git_oid id;
    int rc = source_tree_of(repository, rewriting->parent, &onto);
    if (rc == 0)
        rc = git_index_new(&index);
    if (rc == 0)
        rc = git_index_read_tree(index, onto);
    for (size_t i = 0; rc == 0 && i < rewriting->contents->len; i++)
        rc = put_content(repository, index, &rewriting->contents->items[i]);
    if (rc == 0)
        rc = git_index_write_tree_to(&id, index, repository);
    if (rc == 0)
        rc = git_tree_lookup(&tree, repository, &id);
    return rc < 0 ? rc : draft(repository, rewriting->parent, onto, tree, restored);
}

int source_rewrite(const struct source_rewriting *rewriting, struct source_restored *ret_restored,
                   struct error *err)
{
    git_repository *repository CLEANUP(source_git_repository_freep) = NULL;
    const char *directory = rewriting->branch->directory;
    int rc = open_repository(directory, &repository, err);
    if (rc < 0)
        return rc;
    rc = rewrite(rewriting, repository, ret_restored);
    return rc < 0 ? source_git_error(err, rc, "cannot make a commit in %s", directory) : 0;
}

/* --- the commit for good -------------------------------------------------------------------------------- */

/* "Name <mail>" in two; the mail is cut off in place. ERROR_INVALID. */
static int split_author(char *author, struct source_git_call *call, struct error *err)
{
    char *begin = strstr(author, " <");
    size_t len = strlen(author);
    if (!begin || begin == author || author[len - 1] != '>' || strpbrk(author, "\n\r"))
        return error_set(err, ERROR_INVALID, "\"%s\" is no author: \"Name <mail@example.org>\" is wanted",
                         author);
    author[len - 1] = '\0';
    *begin = '\0';
    call->name = author;
    call->mail = begin + strlen(" <");
    return 0;
}

int source_signs(const char *directory, bool *ret_signs, struct error *err)
{
    static const char *const arguments[] = {"config", "--type=bool",    "--default", "false",
                                            "--get",  "commit.gpgSign", NULL};
    struct source_git_call call = {.directory = directory, .arguments = arguments};
    char *answer CLEANUP_FREE = NULL;
    int rc = source_git_child(&call, &answer, err);
    *ret_signs = text_equal(answer, "true");
    return rc;
}

static int commit_tree(const struct source_publication *publication, char ret_oid[static COMMIT_OID_SIZE],
                       struct error *err)
{
    const struct source_branch *branch = publication->branch;
    char *author CLEANUP_FREE = memory_strdup(publication->author);
    char *tree CLEANUP_FREE = memory_printf("%s^{tree}", publication->commit);
    char *parent CLEANUP_FREE = memory_printf("%s^", publication->commit);
    char *oid CLEANUP_FREE = NULL;
    struct source_git_call call = {.directory = branch->directory, .input = publication->message};
    char *key CLEANUP_FREE =
        memory_printf("user.signingKey=%s", publication->signing_key ? publication->signing_key : "");
    const char *const settings[] = {"gpg.format=ssh", key, NULL};
    bool signs = publication->signing_key != NULL;
    int rc = author ? split_author(author, &call, err) : 0;
    if (signs)
        call.settings = settings;
    else if (rc == 0)
        rc = source_signs(branch->directory, &signs, err);
    const char *const arguments[] = {"commit-tree", "-p", parent, "-F", "-", tree, signs ? "-S" : NULL, NULL};
    call.arguments = arguments;
    if (rc == 0)
        rc = source_git_child(&call, &oid, err);
    if (rc < 0)
        return rc;
    if (!oid || !*oid || strlen(oid) >= COMMIT_OID_SIZE)
        return error_set(err, ERROR_PROTOCOL, "git commit-tree: \"%.100s\" is no commit", oid ? oid : "");
    memcpy(ret_oid, oid, strlen(oid) + 1);
    return 0;
}

static int move_branch(const struct source_publication *publication, const char *oid, struct error *err)
{
    const struct source_branch *branch = publication->branch;
    char *fresh CLEANUP_FREE =
        publication->new_branch ? memory_printf(HEADS "%s", publication->new_branch) : NULL;
    const char *const merge[] = {"merge", "--ff-only", "--quiet", oid, NULL};
    const char *const update[] = {
        "update-ref", "-m", publication->command, fresh ? fresh : branch->ref, oid, fresh ? "" : branch->tip,
        NULL};
    bool in_work_tree = branch->checked_out && !fresh;
    struct source_git_call call = {.directory = branch->directory,
                                   .arguments = in_work_tree ? merge : update};
    int rc = source_git_child(&call, NULL, err);
    return rc < 0 ? error_wrap(err, rc, "nothing was changed") : 0;
}

/* "feature/x", without the prefix. */
static int check_new_branch(const struct source_publication *publication, struct error *err)
{
    const char *name = publication->new_branch;
    git_repository *repository CLEANUP(source_git_repository_freep) = NULL;
    git_oid id;
    int valid = 0;
    char *ref CLEANUP_FREE = memory_printf(HEADS "%s", name ? name : "");
    if (!name)
        return 0;
    if (git_reference_name_is_valid(&valid, ref) < 0 || !valid || *name == '-')
        return error_set(err, ERROR_INVALID, "\"%s\" is no valid name of a branch", name);
    if (git_repository_open_ext(&repository, publication->branch->directory, 0, NULL) == 0 &&
        git_reference_name_to_id(&id, repository, ref) == 0)
        return error_set(err, ERROR_EXISTS, "there is a branch %s already: take another name", name);
    return 0;
}

int source_publish(const struct source_publication *publication, char ret_oid[static COMMIT_OID_SIZE],
                   struct error *err)
{
    int rc = check_new_branch(publication, err);
    if (rc == 0)
        rc = commit_tree(publication, ret_oid, err);
    return rc < 0 ? rc : move_branch(publication, ret_oid, err);
}
