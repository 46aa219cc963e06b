#include "daemon/config.h"

#include "base/digest.h"
#include "base/limits.h"
#include "base/text.h"
#include "core/core.h"
#include "manifest/document.h"
#include "manifest/manifest.h"
#include "manifest/schema.h"
#include "model/json.h"
#include "source/origin.h"
#include "source/restore.h"
#include "source/source.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_ENDPOINT   "unix:///var/run/docker.sock"
#define IMAGE_UPDATES_MS   300000
#define DEFAULT_AUTHOR     "davit <davit@localhost>"
#define LEDGER_INTERVAL_MS 60000

void config_init(struct config *config)
{
    assert(config);
    *config = (struct config){.ledger = {.interval_ms = LEDGER_INTERVAL_MS},
                              .state_directory = memory_strdup("/var/lib/davit"),
                              .socket = memory_strdup("/run/davit/davit.sock"),
                              .stopped_retention_ms = 3 * 3600 * 1000LL,
                              .stopped_kept = LIMIT_STOPPED_TASKS_KEPT,
                              .deletion_services = CORE_DELETION_USUAL.services,
                              .deletion_percent = CORE_DELETION_USUAL.percent,
                              .lost_after_ms = 5 * 60000,
                              .patience_ms = 30000,
                              .log_level = LOG_LEVEL_INFO};
}

static void instance_deinit(struct config_instance *instance)
{
    free(instance->name);
    free(instance->endpoint);
    free(instance->tls_ca);
    free(instance->tls_cert);
    free(instance->tls_key);
}

static void source_deinit(struct config_source *source)
{
    free(source->name);
    free(source->origin);
    free(source->branch);
    free(source->path);
    source_access_deinit(&source->access);
    source_verify_deinit(&source->verify);
    allowance_deinit(&source->allowance);
}

void config_deinit(struct config *config)
{
    assert(config);
    for (size_t i = 0; i < config->sources.len; i++)
        source_deinit(&config->sources.items[i]);
    vector_deinit(&config->sources);
    free(config->ledger.remote);
    free(config->ledger.host);
    source_access_deinit(&config->ledger.access);
    free(config->state_directory);
    free(config->socket);
    free(config->socket_group);
    free(config->listen);
    free(config->webhook_listen);
    free(config->webhook_secret_file);
    free(config->owner);
    json_decref(config->log_drivers);
    free(config->efs_region);
    for (size_t i = 0; i < config->instances.len; i++)
        instance_deinit(&config->instances.items[i]);
    vector_deinit(&config->instances);
    for (size_t i = 0; i < config->notifications.len; i++)
        report_target_deinit(&config->notifications.items[i]);
    vector_deinit(&config->notifications);
    free(config->secret_directory);
    string_vec_deinit(&config->secret_environment);
    free(config->docker_config);
    free(config->image_updates.branch);
    free(config->image_updates.author);
    free(config->image_updates.signing_key);
    free(config->image_updates.certificates);
    free(config->image_updates.ca_file);
    free(config->image_updates.repository);
    string_vec_deinit(&config->image_updates.insecure);
    memset(config, 0, sizeof *config);
}

static int read_file(const char *path, char **ret_text, size_t *ret_len, struct error *err)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return error_set(err, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_IO, "cannot read %s: %s", path,
                         strerror(errno));
    char *text CLEANUP_FREE = memory_alloc(LIMIT_TASK_DEFINITION_BYTES + 1);
    size_t len = fread(text, 1, LIMIT_TASK_DEFINITION_BYTES + 1, file);
    int failed = ferror(file) ? errno : 0;
    fclose(file);
    if (failed)
        return error_set(err, ERROR_IO, "cannot read %s: %s", path, strerror(failed));
    if (len > LIMIT_TASK_DEFINITION_BYTES)
        return error_set(err, ERROR_LIMIT, "%s is larger than %d bytes", path, LIMIT_TASK_DEFINITION_BYTES);
    text[len] = '\0';
    *ret_text = TAKE(text);
    *ret_len = len;
    return 0;
}

static void take_string(const json_t *json, const char *key, char **target)
{
    const char *value = model_string(json, key);
    if (!value)
        return;
    free(*target);
    *target = memory_strdup(value);
}

/* The schema has checked the form; a duration may still be out of range, then the default stays. */
static void take_duration(const json_t *json, const char *key, int64_t *target_ms)
{
    const json_t *value = json_object_get(json, key);
    if (json_is_integer(value))
        *target_ms = json_integer_value(value) * 1000;
    else if (json_is_string(value))
        text_to_duration_ms(json_string_value(value), target_ms);
}

static void take_instances(const json_t *list, struct config *config)
{
    size_t i;
    json_t *item;
    json_array_foreach (list, i, item) {
        struct config_instance instance = {0};
        const json_t *tls = json_object_get(item, "tls");
        take_string(item, "name", &instance.name);
        take_string(item, "endpoint", &instance.endpoint);
        take_string(tls, "ca", &instance.tls_ca);
        take_string(tls, "cert", &instance.tls_cert);
        take_string(tls, "key", &instance.tls_key);
        vector_push(&config->instances, instance);
    }
}

/* "journald" is short for {"driver": "journald"}. */
static void take_log_drivers(const json_t *json, struct config *config)
{
    const char *name;
    json_t *value;
    if (json_object_size(json) == 0)
        return;
    json_decref(config->log_drivers);
    config->log_drivers = json_object();
    json_object_foreach ((json_t *)json, name, value)
        json_object_set_new(config->log_drivers, name,
                            json_is_string(value) ? json_pack("{s:O}", "driver", value)
                                                  : json_deep_copy(value));
}

static void take_deletion(const json_t *json, struct config *config)
{
    if (json_object_get(json, "services"))
        config->deletion_services = model_int_in(json, "services", 1, LIMIT_MANIFEST_FILES);
    if (json_object_get(json, "percent"))
        config->deletion_percent = model_int_in(json, "percent", 0, 100);
}

/* A name without a slash is one of systemd's credentials, where there are some. */
static void take_file(const json_t *json, const char *key, char **target)
{
    const char *name = model_string(json, key);
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    take_string(json, key, target);
    if (!name || strchr(name, '/') || !directory || !*directory)
        return;
    free(*target);
    *target = memory_printf("%s/%s", directory, name);
}

static void take_verify(const json_t *json, struct source_verify *verify)
{
    const char *policy = model_string(json, "policy");
    if (policy) /* the schema's names are the policies */
        source_verify_policy_parse(policy, &verify->policy);
    take_file(json, "gpgKeyringFile", &verify->gpg_keyring_file);
    take_file(json, "allowedSignersFile", &verify->allowed_signers_file);
    take_file(json, "revocationFile", &verify->revocation_file);
    take_string(json, "since", &verify->since);
}

static void take_access(const json_t *json, struct source_access *access)
{
    take_string(json, "username", &access->username);
    take_file(json, "passwordFile", &access->password_file);
    take_file(json, "keyFile", &access->key_file);
    take_file(json, "knownHostsFile", &access->known_hosts_file);
    take_file(json, "caFile", &access->ca_file);
    take_string(json, "proxy", &access->proxy);
    take_file(json, "proxyLoginFile", &access->proxy_login_file);
}

static void take_ledger(const json_t *json, struct config_ledger *ledger)
{
    ledger->push = model_bool(json, "push");
    take_string(json, "remote", &ledger->remote);
    take_string(json, "host", &ledger->host);
    take_duration(json, "interval", &ledger->interval_ms);
    take_access(json, &ledger->access);
}

static struct config_source *add_source(struct config *config, const char *name)
{
    const struct config_source source = {.name = memory_strdup(name), .poll_ms = SOURCE_POLL_MS};
    vector_push(&config->sources, source);
    return &config->sources.items[config->sources.len - 1];
}

struct config_source *config_only_source(struct config *config)
{
    assert(config);
    if (config->sources.len > 1)
        return NULL;
    return config->sources.len ? &config->sources.items[0] : add_source(config, CONFIG_SOURCE_DEFAULT);
}

static void take_source(const json_t *json, struct config_source *source)
{
    take_string(json, "origin", &source->origin);
    take_string(json, "branch", &source->branch);
    take_string(json, "path", &source->path);
    take_duration(json, "poll", &source->poll_ms);
    take_duration(json, "fetchTimeout", &source->fetch_ms);
    take_duration(json, "fetchStallTimeout", &source->fetch_stall_ms);
    if (json_object_get(json, "fetchMebibytes"))
        source->fetch_bytes = (int64_t)model_int_in(json, "fetchMebibytes", 1, INT32_MAX) * 1024 * 1024;
    take_access(json, &source->access);
    take_verify(json_object_get(json, "verify"), &source->verify);
    allowance_deinit(&source->allowance);
    allowance_from_json(json_object_get(json, "allow"), &source->allowance);
}

/* The schema has the one or the other. */
static void take_sources(const json_t *json, struct config *config)
{
    const json_t *only = json_object_get(json, "source");
    const char *only_name = model_string(only, "name");
    size_t i;
    json_t *item;
    struct config_source *said = only ? config_only_source(config) : NULL; /* over what is there */
    if (said)
        take_source(only, said);
    if (said && only_name)
        take_string(only, "name", &said->name);
    json_array_foreach (json_object_get(json, "sources"), i, item)
        take_source(item, add_source(config, model_string(item, "name")));
}

static unsigned events_of(const json_t *list, enum report_kind kind)
{
    static const struct {
        const char *name;
        unsigned event;
    } names[] = {{"commit", REPORT_COMMITS},
                 {"deployment", REPORT_DEPLOYMENTS},
                 {"service", REPORT_SERVICES},
                 {"source", REPORT_SOURCES}};
    unsigned events = 0;
    size_t i;
    json_t *item;
    json_array_foreach (list, i, item)
        for (size_t k = 0; k < ARRAY_LEN(names); k++)
            events |= text_equal(json_string_value(item), names[k].name) ? names[k].event : 0;
    return events                   ? events
           : kind == REPORT_WEBHOOK ? REPORT_COMMITS | REPORT_DEPLOYMENTS | REPORT_SERVICES | REPORT_SOURCES
           : kind == REPORT_SLACK   ? REPORT_COMMITS | REPORT_SOURCES
                                    : REPORT_COMMITS;
}

static void take_notifications(const json_t *list, struct config *config)
{
    size_t i;
    json_t *item;
    json_array_foreach (list, i, item) {
        struct report_target target = {0};
        report_kind_parse(model_string(item, "kind"), &target.kind); /* the schema has its names */
        take_string(item, "url", &target.url);
        take_file(item, "urlFile", &target.url_file);
        take_string(item, "repository", &target.repository);
        take_file(item, "tokenFile", &target.token_file);
        take_file(item, "secretFile", &target.secret_file);
        take_file(item, "caFile", &target.ca_file);
        take_string(item, "targetUrl", &target.link);
        take_string(item, "source", &target.source);
        target.events = events_of(json_object_get(item, "events"), target.kind);
        target.per_service = model_bool(item, "perService");
        vector_push(&config->notifications, target);
    }
}

static void take_image_updates(const json_t *json, struct config_image_updates *updates)
{
    if (!json)
        return;
    updates->interval_ms = IMAGE_UPDATES_MS;
    take_duration(json, "interval", &updates->interval_ms);
    take_string(json, "branch", &updates->branch);
    take_string(json, "author", &updates->author);
    take_file(json, "signingKeyFile", &updates->signing_key);
    take_string(json, "certificates", &updates->certificates);
    take_file(json, "caFile", &updates->ca_file);
    model_strings_from_json(json_object_get(json, "insecureRegistries"), &updates->insecure);
}

static void take(const json_t *json, struct config *config)
{
    take_sources(json, config);
    take_ledger(json_object_get(json, "ledger"), &config->ledger);
    take_string(json, "stateDirectory", &config->state_directory);
    take_string(json, "socket", &config->socket);
    take_string(json, "socketGroup", &config->socket_group);
    take_string(json, "listen", &config->listen);
    take_string(json_object_get(json, "webhook"), "listen", &config->webhook_listen);
    take_file(json_object_get(json, "webhook"), "secretFile", &config->webhook_secret_file);
    take_string(json, "owner", &config->owner);
    take_string(json_object_get(json, "secrets"), "directory", &config->secret_directory);
    model_strings_from_json(json_object_get(json_object_get(json, "secrets"), "environment"),
                            &config->secret_environment);
    take_string(json, "dockerConfig", &config->docker_config);
    take_duration(json, "stoppedTaskRetention", &config->stopped_retention_ms);
    take_duration(json, "lostInstanceAfter", &config->lost_after_ms);
    take_duration(json, "enginePatience", &config->patience_ms);
    if (json_object_get(json, "stoppedTasksKept"))
        config->stopped_kept = model_int_in(json, "stoppedTasksKept", 0, LIMIT_DESIRED_COUNT);
    take_deletion(json_object_get(json, "deletionBudget"), config);
    if (model_string(json, "logLevel"))
        log_level_parse(model_string(json, "logLevel"), &config->log_level);
    take_instances(json_object_get(json, "instances"), config);
    take_log_drivers(json_object_get(json, "logDrivers"), config);
    take_string(json, "efsRegion", &config->efs_region);
    take_notifications(json_object_get(json, "notifications"), config);
    take_image_updates(json_object_get(json, "imageUpdates"), &config->image_updates);
}

static int check(const struct document *document, const char *path, struct diagnostics *diagnostics,
                 struct error *err)
{
    struct schema *schema CLEANUP(schema_freep) = NULL;
    json_t *json = json_loads(manifest_schema("Configuration"), 0, NULL);
    assert(json); /* embedded */
    int r = schema_compile(NULL, json, &schema, err);
    json_decref(json);
    if (r < 0)
        return r;
    r = schema_validate(schema, document->value, diagnostics);
    document_place(document, path, diagnostics);
    return r;
}

/* YAML by any name, but for .json; faults name the file as it was given. */
static int parse(const char *path, const char *text, size_t len, struct document_vec *documents,
                 struct diagnostics *diagnostics)
{
    const char *name = text_ends_with(path, ".json") ? "configuration.json" : "configuration.yaml";
    size_t i = diagnostics->list.len;
    int r = document_parse(&(struct document_input){name, text, len}, documents, diagnostics);
    for (; i < diagnostics->list.len; i++) {
        free(diagnostics->list.items[i].file);
        diagnostics->list.items[i].file = memory_strdup(path);
    }
    return r;
}

int config_read(struct config *config, const char *path, struct diagnostics *diagnostics, struct error *err)
{
    assert(config);
    assert(path);
    assert(diagnostics);
    char *text CLEANUP_FREE = NULL;
    size_t len = 0;
    int r = read_file(path, &text, &len, err);
    if (r < 0)
        return r;
    struct document_vec documents = {0};
    r = parse(path, text, len, &documents, diagnostics);
    if (r == 0 && documents.len > 1)
        r = error_set(err, ERROR_INVALID, "%s: one document is expected, not %zu", path, documents.len);
    if (r == 0 && documents.len == 1) {
        r = check(&documents.items[0], path, diagnostics, err);
        if (r == 0)
            take(documents.items[0].value, config);
    }
    document_vec_deinit(&documents);
    if (r < 0 && err && !err->message[0])
        error_set(err, r, "%s is not a valid configuration", path);
    return r;
}

/* As the docker command looks for it. */
static char *default_docker_config(void)
{
    const char *directory = getenv("DOCKER_CONFIG");
    const char *home = getenv("HOME");
    if (directory && *directory)
        return memory_printf("%s/config.json", directory);
    return home && *home ? memory_printf("%s/.docker/config.json", home) : NULL;
}

/* A repository on this machine is one thing however it is spelled: by file://, through symbolic links, by the
 * .git of its work tree. What is not there stays as it is written. Caller frees. */
static char *place_of(const char *origin)
{
    const char *path = source_origin_path(origin);
    char *real = path ? realpath(path, NULL) : NULL;
    if (!real)
        return memory_strdup(origin);
    if (text_ends_with(real, "/.git")) {
        char *git = real + strlen(real) - strlen("/.git");
        git[git == real] = '\0'; /* of "/.git": "/" */
    }
    return real;
}

static char *default_owner(const struct config_source *source)
{
    char *place CLEANUP_FREE = place_of(source->origin);
    char *identity CLEANUP_FREE = memory_printf("%s\n%s\n%s", place, source->branch ? source->branch : "",
                                                source->path ? source->path : "");
    struct digest digest = digest_of_bytes(identity, strlen(identity));
    char hex[DIGEST_HEX_SIZE];
    digest_to_hex(&digest, hex);
    return memory_printf("%.16s", hex);
}

static int check_names(const struct config *config, struct error *err)
{
    for (size_t i = 0; i < config->instances.len; i++)
        for (size_t j = 0; j < i; j++)
            if (text_equal(config->instances.items[i].name, config->instances.items[j].name))
                return error_set(err, ERROR_INVALID, "two instances are named %s",
                                 config->instances.items[i].name);
    for (size_t i = 0; i < config->notifications.len; i++) {
        char *key CLEANUP_FREE = report_target_key(&config->notifications.items[i]);
        int r = report_target_check(&config->notifications.items[i], err);
        if (r < 0)
            return r;
        for (size_t j = 0; j < i; j++) {
            char *other CLEANUP_FREE = report_target_key(&config->notifications.items[j]);
            char *name CLEANUP_FREE = report_target_name(&config->notifications.items[i]);
            if (text_equal(key, other))
                return error_set(err, ERROR_INVALID, "notifications: %s is there twice", name);
        }
    }
    return 0;
}

const struct config_source *config_source(const struct config *config, const char *name)
{
    assert(config);
    for (size_t i = 0; i < config->sources.len; i++)
        if (text_equal(config->sources.items[i].name, name))
            return &config->sources.items[i];
    return NULL;
}

/* Two sources that are paths of one repository have the same commits: by one context the statuses of the one
 * would replace those of the other. */
static void mark_shared(struct config_notification_vec *targets)
{
    for (size_t i = 0; i < targets->len; i++)
        for (size_t j = 0; j < targets->len; j++)
            targets->items[i].shared |=
                !text_equal(targets->items[i].source, targets->items[j].source) &&
                report_target_is_of_one_repository(&targets->items[i], &targets->items[j]);
}

/* A forge is told of the commits of one repository. */
static int check_targets(struct config *config, struct error *err)
{
    for (size_t i = 0; i < config->notifications.len; i++) {
        struct report_target *target = &config->notifications.items[i];
        char *name CLEANUP_FREE = report_target_name(target);
        if (!target->source && config->sources.len > 1)
            return error_set(err, ERROR_INVALID,
                             "notifications: %s: name its source, there are several (source: %s)", name,
                             config->sources.items[0].name);
        if (target->source && !config_source(config, target->source))
            return error_set(err, ERROR_INVALID, "notifications: %s: there is no source %s", name,
                             target->source);
    }
    mark_shared(&config->notifications);
    return 0;
}

/* Labels of containers and the name of what they belong to must not follow from what is added or removed. */
static int check_sources(struct config *config, struct error *err)
{
    const struct config_source_vec *sources = &config->sources;
    if (sources->len == 0 || !sources->items[0].origin)
        return error_set(
            err, ERROR_INVALID,
            "no source: name a repository or directory (source.origin in the configuration, or --source)");
    for (size_t i = 0; i < sources->len; i++) {
        const struct config_source *source = &sources->items[i];
        if (config_source(config, source->name) != source)
            return error_set(err, ERROR_INVALID, "two sources are named %s", source->name);
        int r = source_verify_check(&source->verify, source->origin, err);
        if (r < 0)
            return sources->len > 1 ? error_wrap(err, r, "source %s", source->name) : r;
    }
    if (sources->len > 1 && !config->owner)
        return error_set(err, ERROR_INVALID,
                         "several sources need an owner, which marks davit's containers: owner: NAME in the "
                         "configuration (where davit ran with one source before, the name that the file "
                         "owner in %s has)",
                         config->state_directory);
    return check_targets(config, err);
}

/* One that is refused afterwards would stop the branch. */
static int check_signed(const struct config *config, struct error *err)
{
    const struct config_image_updates *updates = &config->image_updates;
    enum source_verify_policy policy = config->sources.items[0].verify.policy;
    bool signs = updates->signing_key != NULL;
    if (!source_verify_wants_signed(policy, updates->branch != NULL))
        return 0;
    if (!signs && source_signs(updates->repository ? updates->repository : "/", &signs, err) < 0)
        signs = false; /* it cannot commit there either */
    if (signs)
        return 0;
    return error_set(
        err, ERROR_INVALID,
        "imageUpdates: with source.verify.policy \"%s\" its commits would be refused, for nothing "
        "signs them: name a signingKeyFile, whose key the verify.allowedSignersFile has, or set "
        "commit.gpgSign of git",
        source_verify_policy_name(policy));
}

static int finish_image_updates(struct config *config, struct error *err)
{
    struct config_image_updates *updates = &config->image_updates;
    if (updates->interval_ms <= 0)
        return 0;
    if (config->sources.len > 1)
        return error_set(err, ERROR_INVALID,
                         "imageUpdates: there are several sources: run `davit update-images` by the clock in "
                         "each repository");
    const char *path = source_origin_path(config->sources.items[0].origin);
    free(updates->repository);
    updates->repository = memory_strdup(path);    /* NULL: a remote */
    if (!updates->repository && !updates->author) /* git may not know who a daemon is */
        updates->author = memory_strdup(DEFAULT_AUTHOR);
    return check_signed(config, err);
}

/* git-check-ref-format(1), for names of letters, digits, dots, dashes and underscores. */
static bool is_ref_part(const char *name)
{
    static const char *const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    return name && *name && strspn(name, allowed) == strlen(name) && name[0] != '.' && !strstr(name, "..") &&
           !text_ends_with(name, ".") && !text_ends_with(name, ".lock");
}

/* Two hosts may work on one repository, each on engines of its own: the owner alone does not tell them apart.
 */
static int check_ledger_ref(struct config *config, struct error *err)
{
    struct config_ledger *ledger = &config->ledger;
    char name[HOST_NAME_MAX + 1] = "";
    if (!ledger->host && gethostname(name, sizeof name - 1) == 0)
        ledger->host = memory_strdup(name);
    if (!is_ref_part(ledger->host))
        return error_set(
            err, ERROR_INVALID,
            "ledger.push: the host's name \"%s\" cannot be a part of a ref: say another as ledger.host",
            ledger->host ? ledger->host : "");
    return is_ref_part(config->owner)
               ? 0
               : error_set(err, ERROR_INVALID, "ledger.push: the owner \"%s\" cannot be a part of a ref",
                           config->owner);
}

/* What is not said is as for the source whose remote it is; no other remote is shown a source's password. */
static int finish_ledger(struct config *config, struct error *err)
{
    struct config_ledger *ledger = &config->ledger;
    if (!ledger->push)
        return 0;
    if (!ledger->remote && config->sources.len > 1)
        return error_set(err, ERROR_INVALID,
                         "ledger.push: there are several sources: say which remote gets the ledger as "
                         "ledger.remote, which may be the origin of one of them");
    if (!ledger->remote)
        ledger->remote = memory_strdup(config->sources.items[0].origin);
    for (size_t i = 0; i < config->sources.len; i++) {
        const struct config_source *source = &config->sources.items[i];
        if (text_equal(source->origin, ledger->remote)) {
            source_access_fill(&ledger->access, &source->access);
            break;
        }
    }
    return check_ledger_ref(config, err);
}

int config_finish(struct config *config, struct error *err)
{
    assert(config);
    if (!config->docker_config)
        config->docker_config = default_docker_config();
    if (config->instances.len == 0) {
        const char *host = getenv("DOCKER_HOST");
        struct config_instance local = {.name = memory_strdup("local"),
                                        .endpoint = memory_strdup(host && host[0] ? host : DEFAULT_ENDPOINT)};
        vector_push(&config->instances, local);
    }
    int r = check_sources(config, err);
    if (r == 0)
        r = check_names(config, err);
    if (r == 0)
        r = finish_image_updates(config, err);
    if (r < 0)
        return r;
    const char *region = getenv("AWS_REGION");
    if (!config->efs_region && region && region[0])
        config->efs_region = memory_strdup(region);
    if (!config->owner)
        config->owner = default_owner(&config->sources.items[0]);
    return finish_ledger(config, err);
}
