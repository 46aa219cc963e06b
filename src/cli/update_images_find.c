/* Which images are to change: the manifests, the registries' answers, the policies. */
#include "cli/update_images.h"

#include "base/base64.h"
#include "base/text.h"
#include "base/wipe.h"
#include "cli/offline.h"
#include "model/image.h"
#include "model/image_policy.h"
#include "model/json.h"
#include "secret/secret.h"
#include "source/roots.h"

#include <stdlib.h>
#include <string.h>

/* What a repository was asked: its tags, or the digest of one. */
struct answer {
    struct string_vec tags;
    char *digest;
    struct error error;
};

struct asking {
    struct image_update *update;
    struct secret_store *secrets;
    struct registry *registry;
    struct map answers; /* each question once -> struct answer */
};

static void answer_free(struct answer *answer)
{
    string_vec_deinit(&answer->tags);
    free(answer->digest);
    free(answer);
}

void image_update_fail(struct image_update *update, size_t edit, char *message)
{
    vector_push(&update->failures, (struct image_failure){edit, message});
}

/* --- names ---------------------------------------------------------------------------------------------- */

static bool runs(const struct service *service, const char *family)
{
    bool does = service->task_definition && text_equal(service->task_definition->family, family);
    for (size_t i = 0; i < service->pre_deploy_definitions.len; i++)
        does |= text_equal(service->pre_deploy_definitions.items[i]->family, family);
    return does;
}

char *image_update_label(const struct image_update *update, const struct image_edit *edit)
{
    struct buffer out = BUFFER_INIT(LIMIT_ERROR_CHARS);
    for (size_t i = 0; i < update->desired->services.len; i++) {
        const struct service *service = update->desired->services.items[i];
        if (!runs(service, edit->family))
            continue;
        if (buffer_printf(&out, "%s%s/%s", out.len ? ", " : "", service->cluster, service->name) < 0)
            break;
    }
    if (!out.len)
        buffer_printf(&out, "task definition %s", edit->family);
    char *names CLEANUP_FREE = buffer_steal(&out);
    return memory_printf("%s %s", names, edit->container);
}

/* --- logins --------------------------------------------------------------------------------------------- */

/* Back from what the engine is given: base64url of a JSON object. */
static void decode_login(const char *header, struct registry_login *login)
{
    char *text CLEANUP(wipe_freep) = memory_strdup(header);
    char *json_text CLEANUP(wipe_freep) = NULL;
    size_t len;
    for (char *c = text; *c; c++)
        *c = *c == '-' ? '+' : *c == '_' ? '/' : *c;
    json_t *json = base64_decode(text, &json_text, &len) == 0 ? json_loadb(json_text, len, 0, NULL) : NULL;
    login->user = memory_strdup(model_string(json, "username"));
    login->password = memory_strdup(model_string(json, "password"));
    login->token = memory_strdup(model_string(json, "identitytoken"));
    json_decref(json);
}

static int on_login(void *data, const char *image, const char *credentials, struct registry_login *ret_login,
                    struct error *err)
{
    const struct asking *asking = data;
    struct secret_login login = {0};
    int rc = secret_registry_login(asking->secrets, image, credentials, &login, err);
    if (rc < 0)
        return rc;
    if (login.header)
        decode_login(login.header, ret_login);
    ret_login->hint = login.hint;
    wipe_free(login.header);
    wipe_free(login.secret);
    return 0;
}

/* Where Docker keeps it. Caller frees. */
static char *docker_config(const struct cli *cli)
{
    const char *said = cli_value(cli, "docker-config");
    const char *directory = getenv("DOCKER_CONFIG");
    const char *home = getenv("HOME");
    if (said)
        return memory_strdup(said);
    if (directory && *directory)
        return memory_printf("%s/config.json", directory);
    return home ? memory_printf("%s/.docker/config.json", home) : NULL;
}

/* --- questions ------------------------------------------------------------------------------------------ */

/* The tags of the repository (tag NULL) or the digest of the tag. Borrowed. */
static const struct answer *ask(struct asking *asking, const struct image_edit *edit, const char *tag)
{
    char *repository CLEANUP_FREE = image_repository(edit->image);
    char *key CLEANUP_FREE =
        memory_printf("%s %s %s", repository, tag ? tag : "", edit->credentials ? edit->credentials : "");
    struct answer *answer = map_get(&asking->answers, key);
    if (answer)
        return answer;
    const struct registry_question question = {repository, edit->credentials};
    answer = NEW(struct answer);
    if (tag)
        registry_digest(asking->registry, &question, tag, &answer->digest, &answer->error);
    else
        registry_tags(asking->registry, &question, &answer->tags, &answer->error);
    map_put(&asking->answers, key, answer);
    return answer;
}

/* The tag that the image is to have; NULL after a failure. Borrowed from the answer, or `tag`. */
static const char *choose(struct asking *asking, const struct image_edit *edit,
                          const struct image_policy *policy, const char *tag, struct error *err)
{
    const char *chosen = tag;
    if (!image_policy_wants_tags(policy))
        return tag;
    const struct answer *answer = ask(asking, edit, NULL);
    *err = answer->error;
    if (err->code || image_policy_choose(policy, tag, &answer->tags, &chosen, err) == 0)
        return err->code ? NULL : chosen;
    char *repository CLEANUP_FREE = image_repository(edit->image);
    error_wrap(err, err->code, "%s", repository);
    return NULL;
}

/* The image as it is to be; NULL after a failure. Caller frees. */
static char *judge(struct asking *asking, const struct image_edit *edit, struct error *err)
{
    struct image_policy *policy CLEANUP(image_policy_freep) = NULL;
    char *repository CLEANUP_FREE = image_repository(edit->image);
    char *said CLEANUP_FREE = image_tag(edit->image);
    const char *digest = image_digest(edit->image);
    const char *tag = said ? said : "latest";
    if (strchr(edit->image, '$')) {
        error_set(err, ERROR_UNSUPPORTED, "the image has a variable in it: write it out");
        return NULL;
    }
    if (image_policy_compile(edit->policy, &policy, NULL, err) < 0)
        return NULL;
    const char *chosen = choose(asking, edit, policy, tag, err);
    bool stays = chosen && text_equal(chosen, tag);
    if (!chosen)
        return NULL;
    if (stays && image_policy_wants_tags(policy))
        return memory_strdup(edit->image);
    const char *colon = said || !stays ? ":" : "";
    const char *shown = said || !stays ? chosen : "";
    if (!image_policy_wants_digest(policy, digest))
        return memory_printf("%s%s%s", repository, colon, shown);
    const struct answer *answer = ask(asking, edit, chosen);
    *err = answer->error;
    return err->code ? NULL : memory_printf("%s%s%s@%s", repository, colon, shown, answer->digest);
}

static void judge_all(struct asking *asking)
{
    struct image_update *update = asking->update;
    for (size_t i = 0; i < update->edits.len; i++) {
        struct image_edit *edit = &update->edits.items[i];
        struct error err = ERROR_INIT;
        char *image = judge(asking, edit, &err);
        if (!image)
            image_update_fail(update, i, memory_strdup(error_text(&err)));
        else if (!text_equal(image, edit->image))
            edit->replacement = TAKE(image);
        free(image);
    }
}

static int ask_registries(struct image_update *update)
{
    const struct cli *cli = update->cli;
    struct string_vec insecure = {0};
    char *config CLEANUP_FREE = docker_config(cli);
    const struct secret_options secrets = {.directory = cli_value(cli, "secrets"),
                                           .credentials = getenv("CREDENTIALS_DIRECTORY"),
                                           .docker_config = config};
    struct asking asking = {
        .update = update, .secrets = secret_store_new(&secrets), .answers = MAP_INIT(answer_free)};
    const struct registry_options options = {.insecure = &insecure,
                                             .certificates = cli_value(cli, "certs"),
                                             .authorities = cli_value(cli, "ca"),
                                             .data = &asking,
                                             .login = on_login};
    for (size_t n = 0; cli_nth_value(cli, "insecure-registry", n); n++)
        vector_push(&insecure, memory_strdup(cli_nth_value(cli, "insecure-registry", n)));
    asking.registry = registry_new(&options);
    judge_all(&asking);
    registry_free(asking.registry);
    secret_store_free(asking.secrets);
    map_deinit(&asking.answers);
    string_vec_deinit(&insecure);
    return CLI_OK;
}

/* --- files ---------------------------------------------------------------------------------------------- */

/* What is wrong with one file is no reason to leave the others. */
static void rewrite_file(struct image_update *update, const struct manifest *manifest, size_t first)
{
    const char *file = update->edits.items[first].file;
    char *text = NULL;
    struct error err = ERROR_INIT;
    char *path = source_root_path(update->directory, file);
    int rc = path ? image_edit_apply(manifest, file, &update->edits, &text, &err)
                  : error_set(&err, ERROR_UNSUPPORTED, "%s is outside of the repository", file);
    if (rc == 0) {
        vector_push(&update->contents, (struct source_content){path, text});
        return;
    }
    free(path);
    for (size_t i = first; i < update->edits.len; i++) {
        struct image_edit *edit = &update->edits.items[i];
        if (!edit->replacement || !text_equal(edit->file, file))
            continue;
        image_update_fail(update, i, memory_strdup(error_text(&err)));
        free(TAKE(edit->replacement));
    }
}

/* By file, as they are sorted. */
static void rewrite_files(struct image_update *update, const struct manifest *manifest)
{
    const char *done = NULL;
    for (size_t i = 0; i < update->edits.len; i++) {
        const struct image_edit *edit = &update->edits.items[i];
        if (!edit->replacement || text_equal(edit->file, done))
            continue;
        done = edit->file;
        rewrite_file(update, manifest, i);
    }
}

struct reading {
    struct image_update *update;
    int result;
};

static void on_manifest(void *data, struct manifest *manifest)
{
    struct reading *reading = data;
    image_edit_find(manifest, &reading->update->edits);
    if (reading->update->edits.len)
        reading->result = ask_registries(reading->update);
    image_update_recall(reading->update);
    rewrite_files(reading->update, manifest);
}

int image_update_find(struct image_update *update)
{
    struct reading reading = {.update = update};
    struct diagnostics diagnostics CLEANUP(diagnostics_deinit) = {0};
    struct error err = ERROR_INIT;
    const struct offline_query query = {.repository = image_update_repository(update),
                                        .revision = update->parent,
                                        .sub_path = cli_value(update->cli, "path"),
                                        .command = update->cli->command->name,
                                        .any_cluster = true,
                                        .on_manifest = on_manifest,
                                        .data = &reading,
                                        .ret_directory = &update->directory};
    int r = offline_read(&query, &update->desired, &diagnostics, &err);
    if (r == 0)
        return reading.result;
    if (!diagnostics.errors)
        return cli_fail(update->cli, "commit %.12s: %s", update->parent, error_text(&err));
    return cli_fail(update->cli,
                    "the manifests of commit %.12s are not valid, and left as they are: davit validate "
                    "--revision %.12s says why",
                    update->parent, update->parent);
}
