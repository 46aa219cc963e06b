/* The commit that a service is to be as in.
 *
 *  --to            | the commit
 *  ----------------|-------------------------------------------------------------------------------------
 *  nothing         | the newest with the content of the newest deployment that COMPLETED and is not what
 *                  | the branch's tip asks for, be that under way, failed or refused
 *  web:2, 2        | the newest in which the service is that revision: by the daemon's count, without
 *                  | a daemon by the branch's own
 *  a commit        | that one
 *
 * "The newest" keeps what was changed since without another content, as the number of tasks. It is looked for
 * on the first-parent line, in the last SOURCE_RUNS changes of the service's files; beyond them it is the
 * commit that the content came with, if the repository has it.
 */
#include "base/digest.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/client.h"
#include "cli/offline.h"
#include "cli/output.h"
#include "cli/rollback.h"
#include "model/json.h"
#include "model/ledger.h"

#include <string.h>

#define REVISION_DIGITS 6 /* git takes no fewer than 7 for a commit that it shows */

/* What the service is to be, and a commit of old that had it. */
struct goal {
    struct digest digest;     /* of the service; zero: ... */
    struct digest definition; /* ... that of its task definition counts, which is ... */
    char *family;             /* ... this revision */
    int revision;
    char oid[COMMIT_OID_SIZE];
};

static void goal_deinit(struct goal *goal)
{
    free(goal->family);
}

static bool is_reached(const struct goal *goal, const struct rollback_view *view)
{
    const struct task_definition *definition = view->service ? view->service->task_definition : NULL;
    if (!definition)
        return false;
    if (!digest_is_zero(&goal->digest))
        return digest_equal(&goal->digest, &view->service->digest);
    return text_equal(definition->family, goal->family) &&
           digest_equal(&definition->digest, &goal->definition);
}

/* --- along the line ------------------------------------------------------------------------------------- */

static void add_all(struct string_vec *to, const struct string_vec *from)
{
    for (size_t i = 0; i < from->len; i++)
        vector_push(to, memory_strdup(from->items[i]));
}

/* What was looked through. */
struct line {
    struct source_run_vec runs;
    bool has_first; /* the repository has the commit that the content came with */
    char *fault;    /* "commit 4234fd4: web.yaml:1:1: ...", of the newest that is not valid; NULL: all are */
};

static void line_deinit(struct line *line)
{
    vector_deinit(&line->runs);
    free(line->fault);
}

static void note_fault(struct line *line, const struct rollback_view *view)
{
    if (view->fault && !line->fault)
        line->fault = memory_printf("commit %.12s: %s", view->oid, view->fault);
}

/* The newest of the runs, but for the tip's own, in which it is reached; else ret_target is untouched. */
static int search(const struct rollback *rollback, const struct goal *goal, struct line *line,
                  struct rollback_view *ret_target)
{
    for (size_t i = 1; i < line->runs.len; i++) {
        struct rollback_view view CLEANUP(rollback_view_deinit) = {0};
        int r = rollback_read(rollback, line->runs.items[i].newest, &view);
        if (r)
            return r;
        note_fault(line, &view);
        if (!is_reached(goal, &view))
            continue;
        *ret_target = view;
        view = (struct rollback_view){0};
        return CLI_OK;
    }
    return CLI_OK;
}

/* Its content came with a commit that is here or not. */
static int fail_to_find(const struct rollback *rollback, const struct goal *goal, const struct line *line,
                        const struct rollback_view *tip)
{
    const struct source_branch *branch = &rollback->branch;
    const char *of = line->fault ? "; not all are valid, " : "";
    const char *fault = line->fault ? line->fault : "";
    char *hint CLEANUP_FREE = rollback_hold_hint(rollback, tip);
    if (!line->has_first)
        return cli_fail(rollback->cli,
                        "commit %.12s, which %s/%s is to be as in, is not in %s, and the last %zu changes of "
                        "its files on %s do not have its content%s%s: git fetch there (in a shallow clone "
                        "git fetch --unshallow), or, where it was amended or forced away, give --to COMMIT%s",
                        goal->oid, rollback->cluster, rollback->service, branch->directory, line->runs.len,
                        branch->name, of, fault, hint);
    return cli_fail(rollback->cli,
                    "%s/%s cannot be found with that content in the last %zu changes of its files%s%s: give "
                    "--to COMMIT, see git log%s",
                    rollback->cluster, rollback->service, line->runs.len, of, fault, hint);
}

/* The commit that the content came with. One that was amended or forced away, or lies behind the end of a
 * shallow clone, is not here; its content may be. */
static int read_first(const struct rollback *rollback, const struct goal *goal, bool *ret_has,
                      struct rollback_view *ret_old)
{
    char oid[COMMIT_OID_SIZE];
    *ret_has = source_branch_resolve(&rollback->branch, goal->oid, oid, NULL) == 0;
    return *ret_has ? rollback_read(rollback, oid, ret_old) : CLI_OK;
}

static int find_newest(const struct rollback *rollback, const struct goal *goal,
                       const struct rollback_view *tip, struct rollback_view *ret_target)
{
    struct rollback_view old CLEANUP(rollback_view_deinit) = {0};
    struct string_vec paths CLEANUP(string_vec_deinit) = {0};
    struct line line CLEANUP(line_deinit) = {0};
    struct error err = ERROR_INIT;
    int r = read_first(rollback, goal, &line.has_first, &old);
    if (r)
        return r;
    add_all(&paths, &tip->own);
    add_all(&paths, &tip->shared);
    add_all(&paths, &old.own);
    add_all(&paths, &old.shared);
    struct source_run_query query = {&rollback->branch, &paths, line.has_first ? goal->oid : NULL};
    if (source_branch_runs(&query, &line.runs, &err) < 0)
        return cli_fail(rollback->cli, "%s", error_text(&err));
    r = search(rollback, goal, &line, ret_target);
    if (r || ret_target->service)
        return r;
    note_fault(&line, &old);
    if (!is_reached(goal, &old))
        return fail_to_find(rollback, goal, &line, tip);
    *ret_target = old;
    old = (struct rollback_view){0};
    return CLI_OK;
}

/* --- by deployment -------------------------------------------------------------------------------------- */

/* The newest with that content or, where `but`, with another. NULL digest: any. */
static const json_t *deployment_of(const json_t *deployments, const struct digest *digest, bool but,
                                   const char *state)
{
    size_t i;
    json_t *item;
    char hex[DIGEST_HEX_SIZE] = "";
    if (digest)
        digest_to_hex(digest, hex);
    json_array_foreach ((json_t *)(uintptr_t)deployments, i, item) {
        bool is_same = text_equal(model_string(item, "digest"), hex);
        if ((!state || text_equal(model_string(item, "state"), state)) && (!digest || is_same != but))
            return item;
    }
    return NULL;
}

const json_t *rollback_deployment(const struct rollback *rollback, const struct rollback_view *view)
{
    return view->service ? deployment_of(rollback->deployments, &view->service->digest, false, "COMPLETED")
                         : NULL;
}

char *rollback_revision_of(const struct rollback *rollback, const struct rollback_view *view)
{
    const struct task_definition *definition = view->service ? view->service->task_definition : NULL;
    if (!definition)
        return memory_strdup("what it was");
    const json_t *known = deployment_of(rollback->deployments, &view->service->digest, false, NULL);
    return memory_printf("%s:%d", definition->family,
                         known ? (int)model_int(known, "revision") : definition->revision);
}

static int goal_of_deployment(const struct rollback *rollback, const struct rollback_view *tip,
                              struct goal *ret_goal)
{
    const struct cli *cli = rollback->cli;
    if (!rollback->daemon)
        return cli_fail(cli, "which deployment completed last is known to the daemon alone: %s; or give --to",
                        error_text(&rollback->silence));
    const json_t *found =
        deployment_of(rollback->deployments, tip->service ? &tip->service->digest : NULL, true, "COMPLETED");
    const char *oid = cli_member_string(found, "commit.oid");
    if (!found && !tip->service && rollback->absence.code < 0)
        return cli_fail(cli, "%s; give --to COMMIT to bring back one that was removed",
                        error_text(&rollback->absence));
    if (!found || strlen(oid) >= sizeof ret_goal->oid ||
        digest_from_hex(model_string(found, "digest"), &ret_goal->digest) < 0) {
        fprintf(cli->err,
                "there is nothing to roll back: the daemon knows no deployment of %s/%s that completed with "
                "another content than the newest commit's; give --to, see davit history and git log\n",
                rollback->cluster, rollback->service);
        return CLI_NO;
    }
    memcpy(ret_goal->oid, oid, strlen(oid) + 1);
    return CLI_OK;
}

/* --- by revision ---------------------------------------------------------------------------------------- */

/* Where the branch was rewritten the daemon goes on with its own count. */
static int ask_for_revision(const struct rollback *rollback, struct goal *goal)
{
    char *query CLEANUP_FREE = cli_query_add(NULL, "family", goal->family);
    json_t *answer CLEANUP(json_decrefp) = NULL;
    struct error err = ERROR_INIT;
    size_t i;
    json_t *item;
    if (cli_request(rollback->cli, &(struct cli_request){.path = "/v1/revisions", .query = query}, &answer,
                    &err) < 0)
        return cli_fail(rollback->cli, "%s", error_text(&err));
    json_array_foreach (json_object_get(answer, "revisions"), i, item) {
        const char *oid = cli_member_string(item, "commit.oid");
        if (model_int(item, "revision") == goal->revision && strlen(oid) < sizeof goal->oid &&
            digest_from_hex(model_string(item, "digest"), &goal->definition) == 0)
            memcpy(goal->oid, oid, strlen(oid) + 1);
    }
    return CLI_OK;
}

static void on_families(void *data, const struct map *families)
{
    struct goal *goal = data;
    const struct family_ledger *family = map_get(families, goal->family);
    for (size_t i = 0; family && i < family->revisions.len; i++) {
        const struct revision *revision = &family->revisions.items[i];
        if (revision->number != goal->revision)
            continue;
        goal->definition = revision->digest;
        memcpy(goal->oid, revision->commit.oid, sizeof goal->oid);
    }
}

/* Along the branch, as every clone counts. */
static int count_revisions(const struct rollback *rollback, struct goal *goal)
{
    struct desired *desired CLEANUP(desired_unrefp) = NULL;
    struct diagnostics diagnostics CLEANUP(diagnostics_deinit) = {0};
    struct error err = ERROR_INIT;
    struct offline_query query = {.repository = rollback->repository,
                                  .revision = rollback->branch.tip,
                                  .sub_path = rollback->path,
                                  .command = "rollback",
                                  .any_cluster = true,
                                  .on_families = on_families,
                                  .data = goal};
    int r = offline_read(&query, &desired, &diagnostics, &err);
    return r < 0 && !diagnostics.errors ? cli_fail(rollback->cli, "%s", error_text(&err)) : CLI_OK;
}

static int goal_of_revision(const struct rollback *rollback, struct goal *goal)
{
    int r = rollback->daemon ? ask_for_revision(rollback, goal) : count_revisions(rollback, goal);
    if (r || *goal->oid)
        return r;
    return cli_fail(rollback->cli, "no commit is known that has revision %s:%d, see davit get revisions",
                    goal->family, goal->revision);
}

/* "2", "web:2". False: it is none. */
static bool parse_revision(const char *to, const struct rollback_view *tip, struct goal *goal)
{
    const char *colon = strrchr(to, ':');
    const char *digits = colon ? colon + 1 : to;
    int64_t number;
    if (strlen(digits) > REVISION_DIGITS || text_to_int64(digits, 1, INT32_MAX, &number) < 0)
        return false;
    goal->revision = (int)number;
    if (colon)
        goal->family = memory_strndup(to, (size_t)(colon - to));
    else if (tip->service && tip->service->task_definition)
        goal->family = memory_strdup(tip->service->task_definition->family);
    return true;
}

/* --- all of it ------------------------------------------------------------------------------------------ */

static int find_commit(const struct rollback *rollback, const char *to, struct rollback_view *ret_target)
{
    char oid[COMMIT_OID_SIZE];
    struct error err = ERROR_INIT;
    if (source_branch_resolve(&rollback->branch, to, oid, &err) < 0)
        return cli_fail(rollback->cli, "%s", error_text(&err));
    return rollback_read(rollback, oid, ret_target);
}

static int find_goal(const struct rollback *rollback, const char *to, const struct rollback_view *tip,
                     struct rollback_view *ret_target)
{
    struct goal goal CLEANUP(goal_deinit) = {0};
    if (to && !parse_revision(to, tip, &goal))
        return find_commit(rollback, to, ret_target);
    if (to && !goal.family)
        return cli_fail(rollback->cli,
                        "the newest commit of %s does not say which family %s/%s is of: give "
                        "--to FAMILY:%d",
                        rollback->branch.name, rollback->cluster, rollback->service, goal.revision);
    int r = to ? goal_of_revision(rollback, &goal) : goal_of_deployment(rollback, tip, &goal);
    if (r)
        return r;
    if (!is_reached(&goal, tip))
        return find_newest(rollback, &goal, tip, ret_target);
    fprintf(rollback->cli->err, "%s/%s is %s:%d in the newest commit of %s: there is nothing to roll back\n",
            rollback->cluster, rollback->service, goal.family, goal.revision, rollback->branch.name);
    return CLI_NO;
}

int rollback_find(const struct rollback *rollback, const char *to, const struct rollback_view *tip,
                  struct rollback_view *ret_target)
{
    int r = find_goal(rollback, to, tip, ret_target);
    if (r || ret_target->service)
        return r;
    if (ret_target->fault)
        return cli_fail(rollback->cli, "commit %.12s is no place to go back to: %s", ret_target->oid,
                        ret_target->fault);
    char *hint CLEANUP_FREE = rollback_hold_hint(rollback, tip);
    return cli_fail(rollback->cli, "commit %.12s has no service %s/%s%s", ret_target->oid, rollback->cluster,
                    rollback->service, hint);
}
