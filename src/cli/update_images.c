#include "cli/update_images.h"

#include "base/buffer.h"
#include "base/text.h"
#include "cli/client.h"
#include "cli/output.h"
#include "cli/signing.h"
#include "model/json.h"
#include "source/source.h"

#include <string.h>

#define ATTEMPTS 3 /* at a remote whose branch moves meanwhile */

static void forget_findings(struct image_update *update)
{
    free(TAKE(update->directory));
    desired_unref(TAKE(update->desired));
    image_edit_vec_deinit(&update->edits);
    source_content_vec_deinit(&update->contents);
    for (size_t i = 0; i < update->failures.len; i++)
        free(update->failures.items[i].message);
    vector_deinit(&update->failures);
    for (size_t i = 0; i < update->refusals.len; i++) {
        free(update->refusals.items[i].image);
        free(update->refusals.items[i].subject);
    }
    vector_deinit(&update->refusals);
}

static void image_update_deinit(struct image_update *update)
{
    source_branch_deinit(&update->base);
    source_branch_deinit(&update->review);
    forget_findings(update);
}

/* --- where ---------------------------------------------------------------------------------------------- */

const char *image_update_repository(const struct image_update *update)
{
    return update->remote ? source_remote_directory(update->remote->source) : cli_value(update->cli, "repo");
}

/* A branch for review that is there: what waits on it is gone on with, what was merged is begun anew, from
 * where the base is now. Both lead forward from its tip. */
static int find_review(struct image_update *update)
{
    struct error err = ERROR_INIT;
    bool is_merged = false;
    int rc = source_branch_open(image_update_repository(update), update->review_name, &update->review, &err);
    if (rc == ERROR_NOT_FOUND) {
        source_branch_deinit(&update->review);
        return CLI_OK;
    }
    if (rc == 0)
        rc = source_branch_has(&update->base, update->review.tip, &is_merged, &err);
    if (rc < 0)
        return cli_fail(update->cli, "%s", error_text(&err));
    update->parent = is_merged ? update->base.tip : update->review.tip;
    return CLI_OK;
}

static int find_branches(struct image_update *update)
{
    const struct cli *cli = update->cli;
    const char *review = cli_value(cli, "branch");
    struct error err = ERROR_INIT;
    int rc = update->remote ? image_update_fetch(update, &err) : 0;
    const char *base =
        update->remote && rc == 0 ? source_remote_branch(update->remote->source) : cli_value(cli, "base");
    if (rc == 0)
        rc = source_branch_open(image_update_repository(update), base, &update->base, &err);
    if (rc < 0)
        return cli_fail(cli, "%s", error_text(&err));
    update->parent = update->base.tip;
    if (!review || text_equal(review, update->base.name))
        return CLI_OK;
    update->review_name = review;
    return find_review(update);
}

static struct source_push push_of(const struct image_update *update)
{
    return (struct source_push){.base = &update->base,
                                .review = update->review.directory ? &update->review : NULL,
                                .name = update->review_name ? update->review_name : update->base.name,
                                .parent = update->parent};
}

/* Whether nobody loses what waits for review: all of it is in the base, as after a squash merge, or was made
 * by
 * --author alone. */
static bool is_expendable(const struct image_update *update)
{
    const char *author = cli_value(update->cli, "author");
    const char *base = update->base.tip;
    bool is_of = false;
    if (author && source_branch_is_of(&update->review, base, author, &is_of, NULL) < 0)
        return false;
    return is_of || source_branch_is_picked(&update->review, base);
}

/* What waited for review, and the remote has no more, from where the base is now. A work tree would not
 * follow. */
static bool begin_anew(struct image_update *update)
{
    struct source_push push = push_of(update);
    push.review = NULL;
    push.parent = update->base.tip;
    if (!update->review.directory || update->review.checked_out || update->parent == push.parent ||
        !is_expendable(update))
        return false;
    if (source_push_check(&push, update->there, NULL) < 0 || *update->there)
        return false;
    update->parent = push.parent;
    return true;
}

static int check_push(struct image_update *update)
{
    const struct cli *cli = update->cli;
    const struct source_push push = push_of(update);
    struct error err = ERROR_INIT;
    if (!cli_is_on(cli, "push") || source_push_check(&push, update->there, &err) == 0 || begin_anew(update))
        return CLI_OK;
    return cli_fail(cli, "%s", error_text(&err));
}

/* The daemon's source that this branch is: it has its newest commit. Borrowed; NULL: none. */
static const json_t *source_of_branch(const struct source_branch *branch, const json_t *sources)
{
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)(uintptr_t)sources, i, item) {
        const char *head = cli_member_string(item, "head.oid");
        bool has = false;
        if (*head && source_branch_has(branch, head, &has, NULL) == 0 && has)
            return item;
    }
    return NULL;
}

/* Without a daemon that says what it verifies, it is committed as git says. Where it runs this for a remote
 * itself, its configuration has been checked. */
static int check_signing(const struct image_update *update)
{
    const struct cli *cli = update->cli;
    json_t *answer CLEANUP(json_decrefp) = NULL;
    if (update->remote || cli_request(cli, &(struct cli_request){.path = "/v1/source"}, &answer, NULL) < 0)
        return CLI_OK;
    json_t *sources CLEANUP(json_decrefp) = cli_sources(answer);
    const struct cli_signing signing = {.source = source_of_branch(&update->base, sources),
                                        .directory = update->base.directory,
                                        .for_review = update->review_name != NULL,
                                        .has_key = cli_value(cli, "signing-key") != NULL};
    return cli_check_signing(cli, &signing);
}

/* What waits for review is put on the newest commit of the base, in place of what was there, where nobody
 * else has committed on it: else a squash merge would leave behind what conflicts with itself. */
static int find_anew(struct image_update *update)
{
    const char *author = cli_value(update->cli, "author");
    bool is_ours = false;
    struct error err = ERROR_INIT;
    if (!update->remote || !update->contents.len || update->parent == update->base.tip || !author)
        return CLI_OK;
    if (source_branch_is_of(&update->review, update->base.tip, author, &is_ours, &err) < 0)
        return cli_fail(update->cli, "%s", error_text(&err));
    if (!is_ours)
        return CLI_OK;
    forget_findings(update);
    update->parent = update->base.tip;
    return image_update_find(update);
}

/* --- in words ------------------------------------------------------------------------------------------- */

static size_t count_changes(const struct image_update *update)
{
    size_t count = 0;
    for (size_t i = 0; i < update->edits.len; i++)
        count += update->edits.items[i].replacement != NULL;
    return count;
}

/* "default/web app: nginx:1.27 -> nginx:1.28". Caller frees. */
static char *change_text(const struct image_update *update, const struct image_edit *edit)
{
    char *label CLEANUP_FREE = image_update_label(update, edit);
    return memory_printf("%s: %s -> %s", label, edit->image, edit->replacement);
}

static char *message_of(const struct image_update *update)
{
    struct buffer out = BUFFER_INIT((size_t)LIMIT_MANIFEST_BYTES);
    size_t count = count_changes(update);
    const struct image_edit *first = update->edits.items;
    while (!first->replacement)
        first++;
    bool same = text_equal(first->family, first->container);
    if (count == 1)
        buffer_printf(&out, "Update the image of %s%s%s\n\n", first->family, same ? "" : " ",
                      same ? "" : first->container);
    else
        buffer_printf(&out, "Update %zu images\n\n", count);
    for (size_t i = 0; i < update->edits.len; i++) {
        if (!update->edits.items[i].replacement)
            continue;
        char *text CLEANUP_FREE = change_text(update, &update->edits.items[i]);
        char *line CLEANUP_FREE = text_printable(text);
        if (buffer_printf(&out, "%s\n", line) < 0)
            break;
    }
    return buffer_steal(&out);
}

static json_t *services_of(const struct image_update *update, const struct image_edit *edit)
{
    char *label CLEANUP_FREE = image_update_label(update, edit);
    return json_string(label);
}

static json_t *edit_to_json(const struct image_update *update, const struct image_edit *edit)
{
    json_t *json = json_pack("{s:s,s:i,s:i,s:s,s:s,s:s}", "file", edit->file, "line", edit->at.line, "column",
                             edit->at.column, "family", edit->family, "container", edit->container, "image",
                             edit->image);
    json_object_set_new(json, "name", services_of(update, edit));
    model_set_string(json, "replacement", edit->replacement);
    return json;
}

/* Caller frees. */
static char *refusal_text(const struct image_refusal *refusal)
{
    return memory_printf("%s is not proposed again, %.12s (%s) took it out; a later one will be",
                         refusal->image, refusal->commit, refusal->subject);
}

static json_t *to_json(const struct image_update *update, const char *oid)
{
    json_t *json = json_pack("{s:i}", "schemaVersion", 1);
    json_t *changes = json_array();
    json_t *failures = json_array();
    json_t *refusals = json_array();
    model_set_string(json, "branch", update->review_name ? update->review_name : update->base.name);
    model_set_string(json, "commit", oid);
    json_object_set_new(json, "policies", json_integer((json_int_t)update->edits.len));
    for (size_t i = 0; i < update->edits.len; i++)
        if (update->edits.items[i].replacement)
            json_array_append_new(changes, edit_to_json(update, &update->edits.items[i]));
    for (size_t i = 0; i < update->failures.len; i++) {
        const struct image_failure *failure = &update->failures.items[i];
        json_t *item = edit_to_json(update, &update->edits.items[failure->edit]);
        model_set_string(item, "message", failure->message);
        json_array_append_new(failures, item);
    }
    for (size_t i = 0; i < update->refusals.len; i++) {
        char *message CLEANUP_FREE = refusal_text(&update->refusals.items[i]);
        json_t *item = edit_to_json(update, &update->edits.items[update->refusals.items[i].edit]);
        model_set_string(item, "refused", update->refusals.items[i].image);
        model_set_string(item, "commit", update->refusals.items[i].commit);
        model_set_string(item, "message", message);
        json_array_append_new(refusals, item);
    }
    json_object_set_new(json, "refusals", refusals);
    json_object_set_new(json, "changes", changes);
    json_object_set_new(json, "failures", failures);
    return json;
}

static void print_line(FILE *file, const char *before, const char *text)
{
    char *printable CLEANUP_FREE = text_printable(text);
    fprintf(file, "%s%s\n", before, printable);
}

static void print_changes(const struct image_update *update)
{
    for (size_t i = 0; i < update->edits.len; i++) {
        const struct image_edit *edit = &update->edits.items[i];
        char *text CLEANUP_FREE = edit->replacement ? change_text(update, edit) : NULL;
        if (text)
            print_line(update->cli->out, "", text);
    }
}

static void print_refusals(const struct image_update *update)
{
    for (size_t i = 0; i < update->refusals.len; i++) {
        const struct image_refusal *refusal = &update->refusals.items[i];
        char *label CLEANUP_FREE = image_update_label(update, &update->edits.items[refusal->edit]);
        char *text CLEANUP_FREE = refusal_text(refusal);
        char *line CLEANUP_FREE = memory_printf("%s: %s", label, text);
        print_line(update->cli->err, "", line);
    }
}

static void print_failures(const struct image_update *update)
{
    for (size_t i = 0; i < update->failures.len; i++) {
        const struct image_failure *failure = &update->failures.items[i];
        const struct image_edit *edit = &update->edits.items[failure->edit];
        char *label CLEANUP_FREE = image_update_label(update, edit);
        char *text CLEANUP_FREE = memory_printf("%s:%d:%d: %s: %s", edit->file, edit->at.line,
                                                edit->at.column, label, failure->message);
        char *printable CLEANUP_FREE = text_printable(text);
        cli_fail(update->cli, "%s", printable);
    }
}

static void print_nothing(const struct image_update *update)
{
    size_t judged = update->edits.len - update->failures.len - update->refusals.len;
    if (!update->edits.len)
        fprintf(update->cli->err, "no container has an image policy in commit %.12s: nothing to update\n",
                update->parent); /* one that is not committed yet is looked for there in vain */
    else if (judged)
        fprintf(update->cli->err, "%zu image%s as the policies ask for: nothing to update\n", judged,
                judged == 1 ? " is" : "s are");
}

static void print_next(const struct image_update *update, const char *name)
{
    const struct cli *cli = update->cli;
    bool is_pushed = cli_is_on(cli, "push");
    char *refspec CLEANUP_FREE =
        update->review_name ? memory_strdup(name) : source_branch_refspec(&update->base);
    if (update->base.remote && !is_pushed)
        fprintf(cli->out, "next: git -C %s push %s %s\n", update->base.directory, update->base.remote,
                refspec);
    else if (update->review_name)
        fprintf(cli->out, "next: merge %s into %s, by a pull request where you have them\n", name,
                update->base.name);
}

/* --- doing it ------------------------------------------------------------------------------------------- */

static int print_patch(const struct image_update *update, const struct source_restored *restored)
{
    json_t *json CLEANUP(json_decrefp) = to_json(update, NULL);
    if (cli_print_data(update->cli, json))
        return CLI_OK;
    print_changes(update);
    if (!update->cli->out_is_terminal) {
        fputs(restored->patch, update->cli->out);
        return CLI_OK;
    }
    for (const char *line = restored->patch; *line;) { /* as git prints it, but harmless to a terminal */
        size_t len = strcspn(line, "\n");
        char *text CLEANUP_FREE = memory_strndup(line, len);
        print_line(update->cli->out, "", text);
        line += len + (line[len] == '\n');
    }
    return CLI_OK;
}

static int push_to_remote(struct image_update *update, const char *name)
{
    struct error err = ERROR_INIT;
    int rc = image_update_push(update, name, &err);
    update->is_late = rc == ERROR_CONFLICT;
    return rc < 0 ? cli_fail(update->cli, "%s", error_text(&err)) : CLI_OK;
}

static int publish(struct image_update *update, const struct source_restored *restored)
{
    const struct cli *cli = update->cli;
    bool is_there = update->review.directory != NULL;
    const struct source_branch *branch = is_there ? &update->review : &update->base;
    const struct source_push push = push_of(update);
    const char *name = push.name;
    char *message CLEANUP_FREE = message_of(update);
    char oid[COMMIT_OID_SIZE];
    struct error err = ERROR_INIT;
    const struct source_publication publication = {.branch = branch,
                                                   .commit = restored->commit,
                                                   .message = message,
                                                   .author = cli_value(cli, "author"),
                                                   .signing_key = cli_value(cli, "signing-key"),
                                                   .new_branch = is_there ? NULL : update->review_name,
                                                   .command = "davit update-images"};
    if (source_publish(&publication, oid, &err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    int r = update->remote ? push_to_remote(update, name) : CLI_OK;
    if (r)
        return r;
    json_t *json CLEANUP(json_decrefp) = to_json(update, oid);
    bool is_data = cli_print_data(cli, json);
    if (!is_data) {
        print_changes(update);
        fprintf(cli->out, "committed %.12s on %s of %s\n", oid, name, branch->directory);
    }
    if (cli_is_on(cli, "push") && source_push(&push, oid, update->there, &err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    if (!is_data)
        print_next(update, name);
    return CLI_OK;
}

static int commit(struct image_update *update)
{
    const struct cli *cli = update->cli;
    struct source_restored restored CLEANUP(source_restored_deinit) = {0};
    struct error err = ERROR_INIT;
    const struct source_rewriting rewriting = {&update->base, update->parent, &update->contents};
    if (source_rewrite(&rewriting, &restored, &err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    return cli_is_on(cli, "dry-run") ? print_patch(update, &restored) : publish(update, &restored);
}

static int update_images(struct image_update *update)
{
    int r = find_branches(update);
    if (!r)
        r = check_push(update);
    if (!r)
        r = check_signing(update);
    if (!r)
        r = image_update_find(update);
    if (!r)
        r = find_anew(update);
    if (r)
        return r;
    print_failures(update);
    print_refusals(update);
    if (update->contents.len) {
        r = commit(update);
    } else {
        json_t *json CLEANUP(json_decrefp) = to_json(update, NULL);
        if (!cli_print_data(update->cli, json))
            print_nothing(update);
    }
    return r ? r : update->failures.len ? CLI_NO : CLI_OK;
}

int image_update_run(const struct cli *cli, const struct image_update_remote *remote)
{
    for (int attempt = 1;; attempt++) {
        struct image_update update CLEANUP(image_update_deinit) = {.cli = cli, .remote = remote};
        int r = update_images(&update);
        if (!update.is_late || attempt == ATTEMPTS)
            return r;
    }
}

static int run(const struct cli *cli)
{
    struct error err = ERROR_INIT;
    if (cli_is_on(cli, "dry-run") && cli_is_on(cli, "push"))
        return cli_usage(cli, "--dry-run commits nothing that --push could push");
    if (source_library_init(&err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    int r = image_update_run(cli, NULL);
    source_library_deinit();
    return r;
}

const struct cli_flag image_update_flags[] = {
    {"branch", 0, "NAME", NULL, "commit on this branch for review, in place of the one that is deployed",
     NULL},
    {"base", 0, "NAME", NULL, "the branch that is deployed; default: the one that HEAD is on", NULL},
    {"push", 0, NULL, NULL, "git push it, and nothing else, never by force", NULL},
    {"dry-run", 0, NULL, NULL, "show what would be committed, and commit nothing", NULL},
    {"author", 0, "\"NAME <MAIL>\"", NULL, "who commits, in place of the one that git says", NULL},
    {"signing-key", 0, "FILE", NULL, "sign it with this SSH key; default: as commit.gpgSign of git says",
     NULL},
    {"docker-config", 0, "FILE", NULL,
     "logins of registries; default: $DOCKER_CONFIG/config.json, ~/.docker/config.json", NULL},
    {"secrets", 0, "DIRECTORY", NULL, "where the secrets of repositoryCredentials are files", NULL},
    {"certs", 0, "DIRECTORY", "/etc/docker/certs.d", "DIRECTORY/HOST/ca.crt is who a registry is signed by",
     NULL},
    {"ca", 0, "FILE", NULL, "who all other registries are signed by, in place of the system's authorities",
     NULL},
    {"insecure-registry", 0, "HOST[:PORT]", NULL, "asked by plain HTTP; may be given several times", NULL},
    CLI_FLAG_TEXT,
    CLI_FLAG_REPO,
    CLI_FLAG_PATH,
    CLI_FLAG_SOCKET,
    CLI_FLAG_END,
};

static const char *const examples[] = {
    "what is newer",
    "davit update-images --dry-run",
    "for a pull request, from a pipeline that runs by the clock",
    "davit update-images --branch image-updates --push",
    "in the repository that davit watches on this host",
    "davit update-images --repo /srv/git/infra.git",
    NULL,
};

static const struct cli_exit exits[] = {
    {CLI_OK, "it is committed, or there is nothing to update, or with --dry-run it could be"},
    {CLI_NO, "some images could not be asked for or not be replaced; what could be is committed"},
    {CLI_ERROR, "it failed or is refused, or the usage is wrong"},
    {0, NULL}};

const struct command cli_update_images = {
    .name = "update-images",
    .summary = "commit newer images, as their policies say",
    .description =
        "Containers with davit: {imagePolicy: {semver: \"1.x\"}}, {pattern: REGEX} or {digest: true} get the "
        "image that the policy chooses of what their registry has. All that is newer is one commit, which "
        "davit deploys as any other; nothing that runs changes by itself. Each repository is asked once.\n\n"
        "In the manifests of the branch's newest commit only the images change: comments and formatting "
        "stay. An image "
        "with a variable in it, or one whose text other values share by a YAML anchor, is left and told.\n\n"
        "With --branch, commits that wait there are gone on with; once it is merged it begins anew from the "
        "deployed branch. So it does with --push after a squash merge or a rebase, once it is deleted at the "
        "remote. The commit is made by your git: its author is yours, "
        "and it is signed where commit.gpgSign says so.\n\n"
        "Logins are those of Docker's credential file, and of repositoryCredentials. Registries are asked by "
        "TLS but on this machine.",
    .flags = image_update_flags,
    .examples = examples,
    .exits = exits,
    .words = "",
    .run = run,
};
