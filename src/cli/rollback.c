#include "cli/rollback.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/client.h"
#include "cli/diff_base.h"
#include "cli/output.h"
#include "cli/signing.h"
#include "model/json.h"
#include "source/source.h"

#include <string.h>

static void rollback_deinit(struct rollback *rollback)
{
    free(rollback->cluster);
    free(rollback->service);
    free(rollback->repository);
    free(rollback->path);
    json_decref(rollback->deployments);
    json_decref(rollback->daemon);
    source_branch_deinit(&rollback->branch);
}

/* --- where ---------------------------------------------------------------------------------------------- */

/* Of several sources the one that has the service; of one that nobody has, the first. Borrowed. */
static json_t *source_of_service(const struct rollback *rollback, const json_t *sources)
{
    json_t *answer CLEANUP(json_decrefp) = NULL;
    json_t *list = json_object_get(sources, "sources");
    size_t i;
    json_t *item;
    char *query CLEANUP_FREE = cli_query_target(rollback->cluster, rollback->service);
    if (json_array_size(list) > 1)
        cli_request(rollback->cli, &(struct cli_request){.path = "/v1/services", .query = query}, &answer,
                    NULL);
    const json_t *service = json_array_get(json_object_get(answer, "services"), 0);
    json_array_foreach (list, i, item)
        if (service && text_equal(model_string(service, "source"), model_string(item, "name")))
            return item;
    return json_object_get(sources, "source");
}

/* What the daemon says, if there is one; a service that it does not know may be in git. */
static int ask_daemon(struct rollback *rollback)
{
    const struct cli *cli = rollback->cli;
    json_t *source CLEANUP(json_decrefp) = NULL;
    json_t *answer CLEANUP(json_decrefp) = NULL;
    if (cli_request(cli, &(struct cli_request){.path = "/v1/source"}, &source, &rollback->silence) < 0)
        return CLI_OK;
    char *query CLEANUP_FREE = cli_query_target(rollback->cluster, rollback->service);
    int r = cli_request(cli, &(struct cli_request){.path = "/v1/deployments", .query = query}, &answer,
                        &rollback->absence);
    if (r < 0 && r != ERROR_NOT_FOUND)
        return cli_fail(cli, "%s", error_text(&rollback->absence));
    rollback->daemon = json_incref(source_of_service(rollback, source));
    rollback->deployments = json_incref(json_object_get(answer, "deployments"));
    return CLI_OK;
}

static int check_newest(struct rollback *rollback)
{
    const char *head = cli_member_string(rollback->daemon, "head.oid");
    const struct source_branch *branch = &rollback->branch;
    struct error err = ERROR_INIT;
    bool has = true;
    if (*head && source_branch_has(branch, head, &has, &err) < 0)
        return cli_fail(rollback->cli, "%s", error_text(&err));
    if (has)
        return CLI_OK;
    return cli_fail(
        rollback->cli,
        "davit has seen commit %.12s of %s, which %s of %s does not have: git pull there first, or "
        "name another --repo or --socket",
        head, cli_member_string(rollback->daemon, "origin"), branch->name, branch->directory);
}

/* Without --path, where the daemon has its manifests. */
static int find_place(struct rollback *rollback)
{
    const struct cli *cli = rollback->cli;
    const char *path = cli_value(cli, "path");
    struct error err = ERROR_INIT;
    if (source_branch_open(cli_value(cli, "repo"), model_string(rollback->daemon, "branch"),
                           &rollback->branch, &err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    bool is_said = path || !rollback->daemon;
    rollback->repository = memory_strdup(is_said ? cli_value(cli, "repo") : rollback->branch.directory);
    rollback->path = memory_strdup(is_said ? path : model_string(rollback->daemon, "path"));
    return check_newest(rollback);
}

/* --- what ----------------------------------------------------------------------------------------------- */

#define TAKEN_BACK (SOURCE_RUNS - 1) /* no more are told */

/* What is to be committed. */
struct plan {
    struct rollback_view tip;
    struct rollback_view target;
    struct source_restored restored;
    struct rollback_view after; /* the branch with it */
    struct string_vec paths;
    struct source_run_vec taken_back; /* what changed the paths since the target, newest first */
    char base[COMMIT_OID_SIZE];       /* what the branch is compared with, see find_others(); "": nothing */
    struct string_vec others;         /* that change as well */
};

static void plan_deinit(struct plan *plan)
{
    rollback_view_deinit(&plan->tip);
    rollback_view_deinit(&plan->target);
    source_restored_deinit(&plan->restored);
    rollback_view_deinit(&plan->after);
    string_vec_deinit(&plan->paths);
    vector_deinit(&plan->taken_back);
    string_vec_deinit(&plan->others);
}

/* Moves the strings over, those that are there already aside. */
static void move_all(struct string_vec *to, struct string_vec *from)
{
    for (size_t i = 0; i < from->len; i++) {
        bool found = false;
        for (size_t k = 0; k < to->len && !found; k++)
            found = text_equal(to->items[k], from->items[i]);
        if (!found)
            vector_push(to, TAKE(from->items[i]));
    }
    string_vec_deinit(from);
}

static bool is_restored(const struct plan *plan)
{
    return plan->after.service && digest_equal(&plan->after.service->digest, &plan->target.service->digest);
}

static int try_paths(const struct rollback *rollback, struct plan *plan)
{
    struct source_restoration restoration = {&rollback->branch, plan->target.oid, &plan->paths};
    struct error err = ERROR_INIT;
    source_restored_deinit(&plan->restored);
    rollback_view_deinit(&plan->after);
    if (source_restore(&restoration, &plan->restored, &err) < 0)
        return cli_fail(rollback->cli, "%s", error_text(&err));
    return rollback_read(rollback, plan->restored.commit, &plan->after);
}

/* With the files of its own first; what it shares with others is brought back only where that is not enough.
 */
static int restore(const struct rollback *rollback, struct plan *plan)
{
    move_all(&plan->paths, &plan->tip.own);
    move_all(&plan->paths, &plan->target.own);
    int r = try_paths(rollback, plan);
    if (r || is_restored(plan) || !(plan->tip.shared.len + plan->target.shared.len))
        return r;
    move_all(&plan->paths, &plan->tip.shared);
    move_all(&plan->paths, &plan->target.shared);
    return try_paths(rollback, plan);
}

static char *list(const struct string_vec *names)
{
    struct buffer out = BUFFER_INIT(LIMIT_ERROR_CHARS / 2);
    for (size_t i = 0; i < names->len; i++)
        if (buffer_printf(&out, "%s%s", i ? ", " : "", names->items[i]) < 0)
            break;
    return buffer_steal(&out);
}

/* What changes as well: against the branch's tip or, where that is not valid, the newest commit below it that
 * is, for that is what davit goes on with. */
static int find_others(const struct rollback *rollback, struct plan *plan)
{
    struct rollback_view valid CLEANUP(rollback_view_deinit) = {0};
    char *oid CLEANUP_FREE = NULL;
    const struct offline_query query = {.repository = rollback->repository,
                                        .sub_path = rollback->path,
                                        .command = "rollback",
                                        .any_cluster = true};
    if (plan->tip.desired) {
        memcpy(plan->base, plan->tip.oid, sizeof plan->base);
        rollback_others(rollback, &plan->tip, &plan->after, &plan->others);
        return CLI_OK;
    }
    if (!cli_diff_find_base(&query, plan->tip.oid, ERROR_INVALID, &oid) || !oid)
        return CLI_OK;
    int r = rollback_read(rollback, oid, &valid);
    if (r || !valid.desired)
        return r;
    memcpy(plan->base, valid.oid, sizeof plan->base);
    rollback_others(rollback, &valid, &plan->after, &plan->others);
    return CLI_OK;
}

/* What changes as well, and nobody has said --force. */
static int refuse_others(const struct rollback *rollback, const struct plan *plan)
{
    const struct cli *cli = rollback->cli;
    char *others CLEANUP_FREE = list(&plan->others);
    char *hint CLEANUP_FREE = rollback_hold_hint(rollback, &plan->tip);
    if (!*plan->base)
        return cli_fail(
            cli,
            "the newest commit of %s is not valid (%s), nor is one of the %d before it that change "
            "manifests: what else would change with %s/%s cannot be told. Say --force if all may, "
            "or git revert the commits by hand",
            rollback->branch.name, plan->tip.fault, DIFF_BASES, rollback->cluster, rollback->service);
    if (!plan->tip.desired)
        return cli_fail(
            cli,
            "the newest commit of %s is not valid (%s); against %.12s, the newest that is, others "
            "would change with %s/%s: %s. Say --force if they are to, or mend that first",
            rollback->branch.name, plan->tip.fault, plan->base, rollback->cluster, rollback->service, others);
    return cli_fail(cli,
                    "the files that define %s/%s define others too, which would change with it: %s. Say "
                    "--force if they are to, or git revert the commits by hand%s",
                    rollback->cluster, rollback->service, others, hint);
}

static int judge(const struct rollback *rollback, struct plan *plan)
{
    const struct cli *cli = rollback->cli;
    char *paths CLEANUP_FREE = list(&plan->paths);
    char *hint CLEANUP_FREE = rollback_hold_hint(rollback, &plan->tip);
    if (plan->after.fault)
        return cli_fail(cli,
                        "with %s as in %.12s the branch is not valid: %s; git revert the commits by hand, or "
                        "mend that first%s",
                        paths, plan->target.oid, plan->after.fault, hint);
    if (!is_restored(plan))
        return cli_fail(cli,
                        "%s as in %.12s does not bring %s/%s back, other files say what it is as well: git "
                        "revert the commits by hand%s",
                        paths, plan->target.oid, rollback->cluster, rollback->service, hint);
    int r = find_others(rollback, plan);
    if (r)
        return r;
    if ((plan->others.len || !*plan->base) && !cli_is_on(cli, "force"))
        return refuse_others(rollback, plan);
    if (plan->restored.changes.len)
        return CLI_OK;
    fprintf(cli->err, "%s/%s is as in %.12s already: there is nothing to roll back\n", rollback->cluster,
            rollback->service, plan->target.oid);
    return CLI_NO;
}

/* Of the branch's line all that the target does not have yet. */
static int find_taken_back(const struct rollback *rollback, struct plan *plan)
{
    const struct source_run_query query = {&rollback->branch, &plan->paths, plan->target.oid};
    struct source_branch target = {.directory = rollback->branch.directory};
    struct source_run_vec *runs = &plan->taken_back;
    struct error err = ERROR_INIT;
    size_t len = 0;
    bool has = false;
    memcpy(target.tip, plan->target.oid, sizeof target.tip);
    int r = source_branch_runs(&query, runs, &err);
    while (r == 0 && !has && len < runs->len) {
        r = source_branch_has(&target, runs->items[len].oldest, &has, &err);
        len += r == 0 && !has;
    }
    runs->len = len;
    return r < 0 ? cli_fail(rollback->cli, "%s", error_text(&err)) : CLI_OK;
}

static int make_plan(const struct rollback *rollback, struct plan *plan)
{
    int r = rollback_read(rollback, rollback->branch.tip, &plan->tip);
    if (!r)
        r = rollback_find(rollback, cli_value(rollback->cli, "to"), &plan->tip, &plan->target);
    if (!r)
        r = restore(rollback, plan);
    if (!r)
        r = judge(rollback, plan);
    return r ? r : find_taken_back(rollback, plan);
}

/* --- in words ------------------------------------------------------------------------------------------- */

static char *message_of(const struct rollback *rollback, const struct plan *plan)
{
    const struct source_run_vec *runs = &plan->taken_back;
    struct buffer out = BUFFER_INIT((size_t)LIMIT_ERROR_CHARS * 4 + SOURCE_RUNS * 2 * sizeof *runs->items);
    char *revision CLEANUP_FREE = rollback_revision_of(rollback, &plan->target);
    const json_t *deployment = rollback_deployment(rollback, &plan->target);
    char subject[sizeof runs->items->subject];
    snprintf(subject, sizeof subject, "%s", plan->target.desired->commit.subject);
    text_mend_utf8(subject); /* cut within a character */
    buffer_printf(&out, "Roll back %s/%s to %s (%.12s)\n\n", rollback->cluster, rollback->service, revision,
                  plan->target.oid);
    buffer_printf(&out, "As of %.12s (%s)%s%s.\n", plan->target.oid, subject,
                  deployment ? ",\nwhose content completed as deployment " : "",
                  cli_member_string(deployment, "id"));
    for (size_t i = 0; i < runs->len && i < TAKEN_BACK; i++)
        buffer_printf(&out, "Takes back %.12s (%s).\n", runs->items[i].oldest, runs->items[i].subject);
    buffer_printf(&out, "%s\nDavit-Rollback: %s/%s\n", runs->len > TAKEN_BACK ? "And older ones.\n" : "",
                  rollback->cluster, rollback->service);
    for (size_t i = 0; i < runs->len && i < TAKEN_BACK; i++)
        buffer_printf(&out, "Davit-Rolled-Back: %s\n", runs->items[i].oldest);
    buffer_printf(&out, "Davit-Restored: %s\n", plan->target.oid);
    return buffer_steal(&out);
}

static void print_plain(const struct cli *cli, const char *before, const char *text)
{
    char *printable CLEANUP_FREE = text_printable(text);
    fprintf(cli->out, "%s%s\n", before, printable);
}

static void print_taken_back(const struct cli *cli, const struct source_run_vec *runs)
{
    for (size_t i = 0; i < runs->len && i < TAKEN_BACK; i++) {
        char *line CLEANUP_FREE =
            memory_printf("takes back %.12s (%s)", runs->items[i].oldest, runs->items[i].subject);
        print_plain(cli, "", line);
    }
    if (runs->len > TAKEN_BACK)
        print_plain(cli, "", "takes back older ones as well");
}

static void print_plan(const struct rollback *rollback, const struct plan *plan)
{
    const struct cli *cli = rollback->cli;
    const struct service *before = plan->tip.service;
    const struct service *after = plan->after.service;
    char *revision CLEANUP_FREE = rollback_revision_of(rollback, &plan->target);
    char *what CLEANUP_FREE =
        memory_printf("%s/%s goes back to %s, as of %.12s (%s)", rollback->cluster, rollback->service,
                      revision, plan->target.oid, plan->target.desired->commit.subject);
    print_plain(cli, "", what);
    print_taken_back(cli, &plan->taken_back);
    if (before && before->desired_count != after->desired_count)
        fprintf(cli->out, "  scale %d -> %d\n", before->desired_count, after->desired_count);
    for (size_t i = 0; i < plan->restored.changes.len; i++)
        print_plain(cli, "  ", plan->restored.changes.items[i]);
    for (size_t i = 0; i < plan->others.len; i++)
        print_plain(cli, "  changes as well: ", plan->others.items[i]);
}

/* As git prints it, but that nothing of it does anything to a terminal. */
static void print_patch(const struct cli *cli, const char *patch)
{
    if (!cli->out_is_terminal) {
        fputs(patch, cli->out);
        return;
    }
    for (const char *line = patch; *line;) {
        size_t len = strcspn(line, "\n");
        char *text CLEANUP_FREE = memory_strndup(line, len);
        print_plain(cli, "", text);
        line += len + (line[len] == '\n');
    }
}

/* NULL: on the branch itself, also where that is what --branch says. */
static const char *new_branch(const struct rollback *rollback)
{
    const char *name = cli_value(rollback->cli, "branch");
    return text_equal(name, rollback->branch.name) ? NULL : name;
}

static void print_next(const struct rollback *rollback, const char *name)
{
    const struct cli *cli = rollback->cli;
    const struct source_branch *branch = &rollback->branch;
    char *refspec CLEANUP_FREE = source_branch_refspec(branch);
    bool is_new = new_branch(rollback) != NULL;
    bool is_pushed = cli_is_on(cli, "push");
    fputs("next:", cli->out);
    if (branch->remote && !is_pushed)
        fprintf(cli->out, " git -C %s push %s %s, then", branch->directory, branch->remote,
                is_new ? name : refspec);
    if (is_new)
        fprintf(cli->out, " merge %s into %s, by a pull request where you have them, then", name,
                branch->name);
    /* Without a look first, a source that is polled would be steady at what is to be left. */
    fprintf(cli->out, " davit reconcile && davit wait %s/%s\n", rollback->cluster, rollback->service);
}

static struct source_push push_of(const struct rollback *rollback)
{
    const struct source_branch *branch = &rollback->branch;
    const char *fresh = new_branch(rollback);
    return (struct source_push){.base = branch, .name = fresh ? fresh : branch->name, .parent = branch->tip};
}

static int check_push(struct rollback *rollback)
{
    const struct cli *cli = rollback->cli;
    const struct source_push push = push_of(rollback);
    struct error err = ERROR_INIT;
    if (cli_is_on(cli, "push") && source_push_check(&push, rollback->there, &err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    return CLI_OK;
}

static int check_signing(const struct rollback *rollback)
{
    const struct cli_signing signing = {.source = rollback->daemon,
                                        .directory = rollback->branch.directory,
                                        .for_review = new_branch(rollback) != NULL};
    return cli_check_signing(rollback->cli, &signing);
}

/* --- doing it ------------------------------------------------------------------------------------------- */

static int commit(const struct rollback *rollback, const struct plan *plan)
{
    const struct cli *cli = rollback->cli;
    const struct source_push push = push_of(rollback);
    const char *name = push.name;
    char *message CLEANUP_FREE = message_of(rollback, plan);
    char oid[COMMIT_OID_SIZE];
    struct error err = ERROR_INIT;
    const struct source_publication publication = {.branch = &rollback->branch,
                                                   .commit = plan->restored.commit,
                                                   .message = message,
                                                   .author = cli_value(cli, "author"),
                                                   .new_branch = new_branch(rollback),
                                                   .command = "davit rollback"};
    if (source_publish(&publication, oid, &err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    print_plan(rollback, plan);
    fprintf(cli->out, "committed %.12s on %s of %s\n", oid, name, rollback->branch.directory);
    if (cli_is_on(cli, "push") && source_push(&push, oid, rollback->there, &err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    print_next(rollback, name);
    return CLI_OK;
}

static int roll_back(struct rollback *rollback)
{
    const struct cli *cli = rollback->cli;
    struct plan plan CLEANUP(plan_deinit) = {0};
    int r = ask_daemon(rollback);
    if (!r)
        r = find_place(rollback);
    if (!r)
        r = check_push(rollback);
    if (!r)
        r = check_signing(rollback);
    if (!r)
        r = make_plan(rollback, &plan);
    if (r)
        return r;
    if (plan.tip.fault)
        cli_fail(cli, "the newest commit is not valid, and is with this: %s", plan.tip.fault);
    if (!rollback->daemon)
        cli_fail(cli, "this goes by git alone: %s", error_text(&rollback->silence));
    if (!cli_is_on(cli, "dry-run"))
        return commit(rollback, &plan);
    print_plan(rollback, &plan);
    print_patch(cli, plan.restored.patch);
    return CLI_OK;
}

static int run(const struct cli *cli)
{
    struct rollback rollback CLEANUP(rollback_deinit) = {.cli = cli};
    struct error err = ERROR_INIT;
    if (cli_target(cli, cli->argv[0], &rollback.cluster, &rollback.service))
        return CLI_ERROR;
    if (cli_is_on(cli, "hold"))
        return rollback_hold(cli, rollback.cluster, rollback.service);
    if (cli_is_on(cli, "dry-run") && cli_is_on(cli, "push"))
        return cli_usage(cli, "--dry-run commits nothing that --push could push");
    if (source_library_init(&err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    int r = roll_back(&rollback);
    source_library_deinit();
    return r;
}

static const struct cli_flag flags[] = {
    {"to", 0, "TARGET", NULL, "a revision (web:2, or 2) or a commit to go back to", NULL},
    {"hold", 0, NULL, NULL, "at once and without a commit, until the content changes", NULL},
    {"branch", 0, "NAME", NULL, "commit on a new branch, for a pull request", NULL},
    {"push", 0, NULL, NULL, "git push it, and nothing else, never by force", NULL},
    {"dry-run", 0, NULL, NULL, "show what would be committed, and commit nothing", NULL},
    {"force", 0, NULL, NULL, "also where others than the service change with it", NULL},
    {"author", 0, "\"NAME <MAIL>\"", NULL, "who commits, in place of the one that git says", NULL},
    CLI_FLAG_REPO,
    CLI_FLAG_PATH,
    CLI_FLAG_CLUSTER,
    CLI_FLAG_SOCKET,
    CLI_FLAG_END,
};

static const char *const examples[] = {
    "back to what ran before, in the clone that you are in",
    "davit rollback prod/web --dry-run && davit rollback prod/web --push",
    "for a review",
    "davit rollback prod/web --to web:12 --branch rollback-web --push",
    "first make it work again, then look for the cause",
    "davit rollback prod/web --hold",
    "in the repository that davit watches on this host",
    "davit rollback prod/web --repo /srv/git/infra.git",
    NULL,
};

static const struct cli_exit exits[] = {
    {CLI_OK, "it is committed, or with --dry-run it could be, or the daemon holds it"},
    {CLI_NO, "there is nothing to roll back"},
    {CLI_ERROR, "it failed or is refused, or the usage is wrong"},
    {0, NULL}};

const struct command cli_rollback = {
    .name = "rollback",
    .summary = "commit what a service was before, or go back to it at once",
    .args = "CLUSTER/SERVICE",
    .description =
        "Makes the commit that brings the manifests of one service, its task definitions and the files that "
        "they name back to what they were: what git revert does where the commit to be taken back did "
        "nothing else. davit deploys it as any other commit, and what still runs of it is not restarted.\n\n"
        "Without --to, the newest deployment that COMPLETED and is not what the newest commit asks for. "
        "Revisions are the daemon's, without one they are counted along the branch. It goes back to the "
        "newest commit that "
        "has the content, so that the number of tasks is not that of long ago; with a commit, to just "
        "that.\n\n"
        "The branch is the daemon's, without a daemon the one that HEAD is on. The commit is made by your "
        "git: "
        "its author is yours, it is signed where commit.gpgSign says so, and files of the work tree with "
        "changes of your own are left alone and the rollback refused. Where other services or "
        "scheduled tasks would change with it, for they share a file or a task definition, it is refused "
        "without --force; past a commit that is not valid that is told against the newest one that is. "
        "--push uses "
        "your own "
        "credentials, goes where push.default=simple of git would, and is refused where the remote lacks "
        "other commits of the branch, or has some that the branch lacks. What --branch makes may also stand "
        "on what the branch tracks, as on a fork.\n\n"
        "With --hold nothing is committed: the daemon goes back at once, to the newest deployment with "
        "another content that COMPLETED and has not failed since, or to that of --to if its ledger still has "
        "it, with the images that it had. What davit redeploy deployed counts as another content only where "
        "its images "
        "are known to be others; then they alone go back. It stops a deployment that is under way as well. "
        "What the "
        "repository asks for then counts as failed, and is not applied until the service's content changes, "
        "by a fix or by git revert, or until davit retry; other commits are deployed as ever, and so is a "
        "new desiredCount. davit status shows what is held, since when and for which commit.",
    .flags = flags,
    .examples = examples,
    .exits = exits,
    .words = "",
    .takes_services = true,
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
