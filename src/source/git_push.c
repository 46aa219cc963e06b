/* What a push of a branch of the user's would bring where, and the push. */
#include "source/restore.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"
#include "source/git.h"
#include "source/git_child.h"

#include <git2.h>
#include <string.h>

#define HEADS "refs/heads/"
#define TOLD  5 /* commits that would be published */

/* --- what the remote has -------------------------------------------------------------------------------- */

/* "^OID", of the remote's branch as it was fetched last; nothing where it never was. */
static void add_known(git_repository *repository, const char *ref, struct string_vec *known)
{
    git_oid id;
    char oid[COMMIT_OID_SIZE];
    if (*ref && git_reference_name_to_id(&id, repository, ref) == 0)
        vector_push(known, memory_printf("^%s", git_oid_tostr(oid, sizeof oid, &id)));
}

/* Of what the branch tracks, and of what it would be pushed to: they are two where people push to a fork. */
static int find_known(git_repository *repository, const struct source_branch *branch,
                      struct string_vec *known, struct error *err)
{
    static const char *const settings[] = {"push.default=current", NULL}; /* %(push) fails where it refuses */
    const char *const arguments[] = {"for-each-ref", "--format=%(upstream) %(push)", branch->ref, NULL};
    const struct source_git_call call = {
        .directory = branch->directory, .arguments = arguments, .settings = settings};
    char *answer CLEANUP_FREE = NULL;
    int rc = source_git_child(&call, &answer, err);
    char *space = answer ? strchr(answer, ' ') : NULL;
    if (rc < 0 || !space)
        return rc;
    *space = '\0';
    add_known(repository, answer, known);
    add_known(repository, space + 1, known);
    return 0;
}

/* One line each, "4234fd4 a subject", of the first of them. Caller frees. */
static int list_unknown(const struct source_push *push, const struct string_vec *known, char **ret_lines,
                        struct error *err)
{
    struct string_vec arguments CLEANUP(string_vec_deinit) = {0};
    char *count = memory_printf("--max-count=%d", TOLD + 1);
    vector_push(&arguments, memory_strdup("rev-list"));
    vector_push(&arguments, memory_strdup("--oneline"));
    vector_push(&arguments, count);
    vector_push(&arguments, memory_strdup(push->parent));
    for (size_t i = 0; i < known->len; i++)
        vector_push(&arguments, memory_strdup(known->items[i]));
    vector_push(&arguments, NULL);
    const struct source_git_call call = {
        .directory = push->base->directory, .arguments = (const char *const *)arguments.items, .whole = true};
    return source_git_child(&call, ret_lines, err);
}

/* --- judging -------------------------------------------------------------------------------------------- */

static int check_names(const struct source_branch *base, struct error *err)
{
    if (!base->upstream || text_equal(base->upstream, base->name))
        return 0;
    return error_set(
        err, ERROR_CONFLICT,
        "the branch %s of %s tracks %s of %s: git push refuses what has another name there; give "
        "it the same (git branch -m %s), or leave out --push and git push %s %s:%s",
        base->name, base->directory, base->upstream, base->remote, base->upstream, base->remote, base->name,
        base->upstream);
}

/* "4234fd4 (one), 12345aa (two), and more". */
static int refuse(const struct source_push *push, char *lines, struct error *err)
{
    struct buffer list = BUFFER_INIT(LIMIT_ERROR_CHARS);
    char *rest = NULL;
    int n = 0;
    for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest), n++) {
        if (n == TOLD) {
            buffer_printf(&list, ", and more");
            break;
        }
        size_t oid_len = strcspn(line, " ");
        char *subject CLEANUP_FREE = text_printable(line + oid_len + (line[oid_len] == ' '));
        buffer_printf(&list, "%s%.*s (%.60s)", n ? ", " : "", (int)oid_len, line, subject);
    }
    int rc = error_set(
        err, ERROR_CONFLICT,
        "--push would publish commits of %s that %s lacks, and davit would deploy them: %s; git "
        "push or drop them first (after a git fetch, where they are pushed already), or say "
        "--force",
        push->review ? push->review->name : push->base->name, push->base->remote, buffer_str(&list));
    buffer_deinit(&list);
    return rc;
}

static int check_commits(const struct source_push *push, struct error *err)
{
    git_repository *repository CLEANUP(source_git_repository_freep) = NULL;
    struct string_vec known CLEANUP(string_vec_deinit) = {0};
    char *lines CLEANUP_FREE = NULL;
    const struct source_branch *base = push->base;
    if (git_repository_open_ext(&repository, base->directory, 0, NULL) < 0)
        return source_git_error_as(err, ERROR_NOT_FOUND, "%s is no git repository any more", base->directory);
    int rc = source_git_guard(repository, err);
    if (rc == 0)
        rc = find_known(repository, base, &known, err);
    if (rc == 0 && !known.len)
        rc = error_set(err, ERROR_CONFLICT,
                       "%s does not know what %s has of the branch %s: git fetch %s there, or say which "
                       "branch it is (git push -u %s %s)",
                       base->directory, base->remote, base->name, base->remote, base->remote, base->name);
    if (rc == 0 && push->review)
        rc = find_known(repository, push->review, &known, err);
    if (rc == 0)
        rc = list_unknown(push, &known, &lines, err);
    return rc < 0 ? rc : lines && *lines ? refuse(push, lines, err) : 0;
}

int source_push_check(const struct source_push *push, struct error *err)
{
    const struct source_branch *base = push->base;
    if (!base->remote)
        return error_set(err, ERROR_CONFLICT, "%s has no remote to push to", base->directory);
    int rc = text_equal(push->name, base->name) ? check_names(base, err) : 0;
    return rc < 0 || push->publishes ? rc : check_commits(push, err);
}

char *source_branch_refspec(const struct source_branch *branch)
{
    bool is_same = !branch->upstream || text_equal(branch->upstream, branch->name);
    return memory_printf("%s%s%s", branch->name, is_same ? "" : ":", is_same ? "" : branch->upstream);
}

int source_push(const struct source_branch *branch, const char *name, struct error *err)
{
    char *refspec CLEANUP_FREE = memory_printf(HEADS "%s:" HEADS "%s", name, name);
    const char *const arguments[] = {"push", branch->remote, refspec, NULL};
    struct source_git_call call = {.directory = branch->directory, .arguments = arguments, .shown = true};
    return source_git_child(&call, NULL, err);
}
