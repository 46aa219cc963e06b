/* What a push of a branch of the user's would bring where, and the push. */
#include "source/restore.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"
#include "source/git.h"
#include "source/git_child.h"
#include "source/origin.h"

#include <git2.h>
#include <stdio.h>
#include <string.h>

#define HEADS   "refs/heads/"
#define REMOTES "refs/remotes/"
#define TOLD    5 /* commits */

/* --- what the remote has -------------------------------------------------------------------------------- */

/* Tips of branches that it has now; empty: it lacks the branch. */
struct there {
    char pushed[COMMIT_OID_SIZE]; /* of the one that is pushed, ... */
    char base[COMMIT_OID_SIZE];   /* ... and of the one that is deployed */
};

/* Of the lines "OID\tREF". */
static void find_tip(const char *answer, const char *ref, char ret_oid[static COMMIT_OID_SIZE])
{
    size_t ref_len = strlen(ref);
    for (const char *line = answer; *line;) {
        size_t len = strcspn(line, "\n");
        size_t oid_len = strcspn(line, "\t");
        if (oid_len < COMMIT_OID_SIZE && len == oid_len + 1 + ref_len &&
            memcmp(line + oid_len + 1, ref, ref_len) == 0)
            snprintf(ret_oid, COMMIT_OID_SIZE, "%.*s", (int)oid_len, line);
        line += len + (line[len] == '\n');
    }
}

static int ask_remote(const struct source_push *push, struct there *there, struct error *err)
{
    const struct source_branch *base = push->base;
    char *pushed CLEANUP_FREE = memory_printf(HEADS "%s", push->name);
    char *deployed CLEANUP_FREE = source_origin_ref(base->upstream ? base->upstream : base->name);
    char *answer CLEANUP_FREE = NULL;
    const char *const arguments[] = {"ls-remote", "--", base->remote, pushed, deployed, NULL};
    const struct source_git_call call = {.directory = base->directory, .arguments = arguments, .whole = true};
    int rc = source_git_child(&call, &answer, err);
    if (rc < 0)
        return error_wrap(err, rc, "cannot ask %s what it has, and nothing was changed", base->remote);
    find_tip(answer, pushed, there->pushed);
    find_tip(answer, deployed, there->base);
    return 0;
}

/* "^OID" of the remote branch that the base tracks, as it was fetched last; nothing where there is none. */
static int add_tracked(git_repository *repository, const struct source_branch *base, struct string_vec *known,
                       struct error *err)
{
    const char *const arguments[] = {"for-each-ref", "--format=%(upstream)", base->ref, NULL};
    const struct source_git_call call = {.directory = base->directory, .arguments = arguments};
    char *ref CLEANUP_FREE = NULL;
    char oid[COMMIT_OID_SIZE];
    git_oid id;
    int rc = source_git_child(&call, &ref, err);
    if (rc == 0 && text_starts_with(ref, REMOTES) && git_reference_name_to_id(&id, repository, ref) == 0)
        vector_push(known, memory_printf("^%s", git_oid_tostr(oid, sizeof oid, &id)));
    return rc;
}

/* One line each, "4234fd4 a subject", of the first that `from` has and none of `known`, "^OID". Caller frees.
 */
static int list_added(const struct source_push *push, const char *from, const struct string_vec *known,
                      char **ret_lines, struct error *err)
{
    struct string_vec arguments CLEANUP(string_vec_deinit) = {0};
    char *count = memory_printf("--max-count=%d", TOLD + 1);
    vector_push(&arguments, memory_strdup("rev-list"));
    vector_push(&arguments, memory_strdup("--oneline"));
    vector_push(&arguments, count);
    vector_push(&arguments, memory_strdup(from));
    for (size_t i = 0; i < known->len; i++)
        vector_push(&arguments, memory_strdup(known->items[i]));
    vector_push(&arguments, NULL);
    const struct source_git_call call = {
        .directory = push->base->directory, .arguments = (const char *const *)arguments.items, .whole = true};
    return source_git_child(&call, ret_lines, err);
}

/* --- judging -------------------------------------------------------------------------------------------- */

/* By its name here or there; else it is for review. */
static bool is_deployed(const struct source_push *push)
{
    const struct source_branch *base = push->base;
    return text_equal(push->name, base->name) || (base->upstream && text_equal(push->name, base->upstream));
}

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

/* "4234fd4 (one), 12345aa (two), and more". Caller frees. */
static char *in_one_line(char *lines)
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
    return buffer_steal(&list);
}

/* What is there is here too, so that they can be compared. */
static int check_fetched(const struct source_push *push, git_repository *repository, const char *oid,
                         struct error *err)
{
    if (!*oid || source_mirror_has_commit(repository, oid))
        return 0;
    return error_set(err, ERROR_CONFLICT, "%s has commit %.12s, which %s lacks: git fetch %s there first",
                     push->base->remote, oid, push->base->directory, push->base->remote);
}

/* Nothing is to be forced away. */
static int check_forward(const struct source_push *push, const char *oid, struct error *err)
{
    struct string_vec known CLEANUP(string_vec_deinit) = {0};
    char *lines CLEANUP_FREE = NULL;
    if (!*oid)
        return 0;
    vector_push(&known, memory_printf("^%s", push->parent));
    int rc = list_added(push, oid, &known, &lines, err);
    if (rc < 0 || !*lines)
        return rc;
    bool is_new = !push->review && !text_equal(push->name, push->base->name);
    char *list CLEANUP_FREE = in_one_line(lines);
    return error_set(err, ERROR_CONFLICT, "the branch %s of %s has commits that the one here lacks: %s; %s",
                     push->name, push->base->remote, list,
                     is_new ? "take another name" : "git pull there first");
}

/* there: tip of the branch, empty: the remote lacks it. */
static int check_added(const struct source_push *push, const struct string_vec *known, const char *there,
                       struct error *err)
{
    char *lines CLEANUP_FREE = NULL;
    int rc = list_added(push, push->parent, known, &lines, err);
    if (rc < 0 || !*lines)
        return rc;
    char *list CLEANUP_FREE = in_one_line(lines);
    const char *name = push->review ? push->review->name : push->base->name;
    bool is_gone = push->review && !*there;
    return error_set(err, ERROR_CONFLICT,
                     "--push would publish commits of %s that %s lacks%s: %s; git push or drop them first "
                     "(%s%s)",
                     name, push->base->remote, is_deployed(push) ? ", and davit would deploy them" : "", list,
                     is_gone ? "where they were merged or are wanted by nobody: git branch -D "
                             : "git fetch shows which the remote has dropped",
                     is_gone ? name : "");
}

/* What is in the base, as source_push_check() has it. `oid`: its tip there. */
static int add_base(const struct source_push *push, git_repository *repository, const char *oid,
                    struct string_vec *known, struct error *err)
{
    size_t before = known->len;
    bool is_strict = is_deployed(push);
    int rc = 0;
    if (*oid && source_mirror_has_commit(repository, oid)) {
        vector_push(known, memory_printf("^%s", oid));
        if (is_strict || push->base->upstream)
            return 0;
    }
    if (!is_strict || !*oid)
        rc = add_tracked(repository, push->base, known, err);
    return rc < 0 || known->len > before ? rc : check_fetched(push, repository, oid, err);
}

static int check_commits(const struct source_push *push, const struct there *there, struct error *err)
{
    git_repository *repository CLEANUP(source_git_repository_freep) = NULL;
    struct string_vec known CLEANUP(string_vec_deinit) = {0};
    const struct source_branch *base = push->base;
    if (git_repository_open_ext(&repository, base->directory, 0, NULL) < 0)
        return source_git_error_as(err, ERROR_NOT_FOUND, "%s is no git repository any more", base->directory);
    int rc = source_git_guard(repository, err);
    if (rc == 0)
        rc = check_fetched(push, repository, there->pushed, err);
    if (rc == 0)
        rc = check_forward(push, there->pushed, err);
    if (rc == 0 && *there->pushed)
        vector_push(&known, memory_printf("^%s", there->pushed));
    if (rc == 0)
        rc = add_base(push, repository, there->base, &known, err);
    return rc < 0 ? rc : check_added(push, &known, there->pushed, err);
}

int source_push_check(const struct source_push *push, char ret_there[static COMMIT_OID_SIZE],
                      struct error *err)
{
    const struct source_branch *base = push->base;
    struct there there = {0};
    if (!base->remote)
        return error_set(err, ERROR_CONFLICT, "%s has no remote to push to", base->directory);
    int rc = text_equal(push->name, base->name) ? check_names(base, err) : 0;
    if (rc == 0)
        rc = ask_remote(push, &there, err);
    if (rc == 0)
        rc = check_commits(push, &there, err);
    memcpy(ret_there, there.pushed, sizeof there.pushed);
    return rc;
}

char *source_branch_refspec(const struct source_branch *branch)
{
    bool is_same = !branch->upstream || text_equal(branch->upstream, branch->name);
    return memory_printf("%s%s%s", branch->name, is_same ? "" : ":", is_same ? "" : branch->upstream);
}

int source_push(const struct source_push *push, const char *commit, const char *there, struct error *err)
{
    const struct source_branch *base = push->base;
    char *lease CLEANUP_FREE = memory_printf("--force-with-lease=" HEADS "%s:%s", push->name, there);
    char *refspec CLEANUP_FREE = memory_printf("%s:" HEADS "%s", commit, push->name);
    const char *const arguments[] = {
        "push", "--no-follow-tags", "--recurse-submodules=no", lease, "--", base->remote, refspec, NULL};
    struct source_git_call call = {.directory = base->directory, .arguments = arguments, .shown = true};
    int rc = source_git_child(&call, NULL, err);
    if (rc < 0)
        return error_wrap(
            err, rc,
            "the commit is on %s of %s, but was not pushed (where others were faster, git fetch "
            "there, and git rebase --onto %s/%s %s~1 %s)",
            push->name, base->directory, base->remote, push->name, push->name, push->name);
    return 0;
}
