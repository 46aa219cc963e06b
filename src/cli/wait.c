#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "model/desired.h"
#include "model/json.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define POLL_MS   500
#define QUIET_MS  2000 /* a look at the source that takes longer is worth a word */
#define NAMES_MAX 8

struct progress_service_vec VECTOR_OF(struct progress_service);

struct waiting {
    int64_t waited_ms;
    int64_t timeout_ms;
    char *told;  /* of the source, last; NULL: nothing is the matter with it */
    bool broken; /* it could not be read, last */
};

static void waiting_deinit(struct waiting *waiting)
{
    free(waiting->told);
}

/* Without a cluster it is in that of --cluster, or in ECS's default. */
static bool is_called(const struct cli *cli, const struct progress_service *service, const char *name)
{
    const char *cluster = cli_value(cli, "cluster");
    if (!strchr(name, '/'))
        return text_equal(service->name, name) && text_equal(service->cluster, cluster ? cluster : "default");
    char *key CLEANUP_FREE = service_key(service->cluster, service->name);
    return text_equal(key, name);
}

static bool is_meant(const struct cli *cli, const struct progress_service *service)
{
    const char *cluster = cli_value(cli, "cluster");
    for (int i = 0; i < cli->argc; i++)
        if (is_called(cli, service, cli->argv[i]))
            return true;
    return cli->argc == 0 && (!cluster || text_equal(cluster, service->cluster));
}

static bool is_there(const struct cli *cli, const struct progress_service_vec *services, const char *name)
{
    for (size_t i = 0; i < services->len; i++)
        if (is_called(cli, &services->items[i], name))
            return true;
    return false;
}

/* The first of the arguments that no service is called, or NULL. */
static const char *missing(const struct cli *cli, const struct progress_service_vec *services)
{
    for (int i = 0; i < cli->argc; i++)
        if (!is_there(cli, services, cli->argv[i]))
            return cli->argv[i];
    return NULL;
}

static bool is_cluster(const json_t *status, const char *name)
{
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(status, "services"), i, item)
        if (text_equal(cli_member_string(item, "cluster"), name))
            return true;
    return false;
}

/* Says which one is missing, and where one of its name is, as the daemon does for other commands. */
static void tell_missing(const struct cli *cli, const json_t *status, const char *name)
{
    const char *cluster = cli_value(cli, "cluster");
    const char *slash = strchr(name, '/');
    const char *service = slash ? slash + 1 : name;
    char *key CLEANUP_FREE = slash ? memory_strdup(name) : service_key(cluster ? cluster : "default", name);
    const char *other = NULL; /* its cluster */
    size_t found = 0;
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(status, "services"), i, item) {
        if (!text_equal(cli_member_string(item, "name"), service))
            continue;
        other = cli_member_string(item, "cluster");
        found++;
    }
    if (!found && !slash && !cluster && is_cluster(status, name))
        cli_fail(cli, "there is no service \"%s\"; %s is a cluster: davit wait -n %s", key, name, name);
    else if (found == 1)
        cli_fail(cli, "there is no service \"%s\"; did you mean %s/%s?", key, other, service);
    else
        cli_fail(cli, "there is no service \"%s\"", key);
}

static void collect(const struct cli *cli, const json_t *status, struct progress_service_vec *services)
{
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(status, "services"), i, item) {
        struct progress_service service;
        progress_of_json(item, &service);
        if (is_meant(cli, &service))
            vector_push(services, service);
    }
}

static bool is_refused(const json_t *status)
{
    return model_bool(json_object_get(status, "source"), "refused");
}

static bool is_held(const json_t *status)
{
    return cli_member(status, "source.held") != NULL;
}

/* The newest commit is not signed as it has to be: waiting helps only if it is not known yet. */
static bool is_unverified(const json_t *status)
{
    const json_t *source = json_object_get(status, "source");
    return model_bool(source, "unverified") &&
           model_int(source, "looksAnswered") == model_int(source, "looksAsked");
}

/* What a broken source hides may be another commit. */
static bool is_broken(const json_t *status)
{
    return !model_bool(json_object_get(status, "source"), "ok");
}

/* Whether davit has looked since it was last asked to, and has judged the newest commit that it saw. */
static bool is_current(const json_t *status)
{
    const json_t *source = json_object_get(status, "source");
    return !is_broken(status) && cli_member(status, "source.head") &&
           model_int(source, "looksAnswered") == model_int(source, "looksAsked") &&
           text_equal(cli_member_string(status, "source.newest"),
                      cli_member_string(status, "source.head.oid"));
}

/* An exit code, or -1: wait on.
 *
 *  source                     | services                  | then
 *  ---------------------------|---------------------------|--------
 *  head is unverified         | any                       | NO
 *  broken, or not looked yet  | any                       | wait
 *  head is refused or held    | any                       | NO
 *  head is not yet wanted     | any                       | wait
 *  head is wanted             | one that is named is none | ERROR
 *                             | one has failed or is held | NO: no other one's end makes it better
 *                             | one is busy               | wait
 *                             | one is blocked            | NO
 *                             | all are steady            | OK
 */
static int judge(const struct cli *cli, const json_t *status, const struct progress_service_vec *services)
{
    if (is_unverified(status))
        return CLI_NO;
    if (!is_current(status))
        return -1;
    if (is_refused(status) || is_held(status))
        return CLI_NO;
    if (!text_equal(cli_member_string(status, "source.head.oid"),
                    cli_member_string(status, "source.wanted.oid")))
        return -1;
    if (missing(cli, services))
        return CLI_ERROR;
    size_t count[PROGRESS_BLOCKED + 1] = {0};
    for (size_t i = 0; i < services->len; i++)
        count[services->items[i].state]++;
    if (count[PROGRESS_FAILED])
        return CLI_NO;
    return count[PROGRESS_BUSY] ? -1 : count[PROGRESS_BLOCKED] ? CLI_NO : CLI_OK;
}

/* By name, for the lines of all services may be many. */
static void tell_unsteady(const struct cli *cli, const struct progress_service_vec *services)
{
    char *names CLEANUP_FREE = NULL;
    size_t count = 0;
    for (size_t i = 0; i < services->len; i++) {
        if (services->items[i].state != PROGRESS_BUSY || count++ >= NAMES_MAX)
            continue;
        char *longer = memory_printf("%s%s%s/%s", names ? names : "", names ? ", " : "",
                                     services->items[i].cluster, services->items[i].name);
        free(names);
        names = longer;
    }
    if (count > NAMES_MAX)
        cli_fail(cli, "not steady yet: %s and %zu more", names, count - NAMES_MAX);
    else if (count)
        cli_fail(cli, "not steady yet: %s", names);
}

/* Whether one has. */
static bool tell_failed(const struct cli *cli, const struct progress_service_vec *services)
{
    bool any = false;
    for (size_t i = 0; i < services->len; i++) {
        const struct progress_service *service = &services->items[i];
        char *remedy CLEANUP_FREE = progress_remedy(service);
        any |= service->state == PROGRESS_FAILED;
        if (service->state == PROGRESS_FAILED)
            cli_fail(cli, "%s/%s %s%s%s", service->cluster, service->name,
                     service->held_commit ? "is held" : "has failed", remedy ? ": " : "",
                     remedy ? remedy : "");
    }
    return any;
}

/* What ends the wait of one that nothing comes of by itself; NULL: what it waits for says it. Caller frees.
 */
static char *end_of_wait(const json_t *status, const struct progress_service *service)
{
    if (!text_equal(service->word, "waiting"))
        return progress_remedy(service);
    json_t *sources CLEANUP(json_decrefp) = cli_sources(status);
    return memory_printf("davit approve %.12s lets it through now", progress_wanted(service, sources));
}

static void tell_blocked(const struct cli *cli, const json_t *status,
                         const struct progress_service_vec *services)
{
    size_t count = 0;
    for (size_t i = 0; i < services->len; i++) {
        const struct progress_service *service = &services->items[i];
        if (service->state != PROGRESS_BLOCKED || count++ >= NAMES_MAX)
            continue;
        char *end CLEANUP_FREE = end_of_wait(status, service);
        const char *waiting = service->waiting ? service->waiting : service->word;
        cli_fail(cli, "%s/%s: %s%s%s", service->cluster, service->name, waiting, end ? "; " : "",
                 end ? end : "");
    }
    if (count > NAMES_MAX)
        cli_fail(cli, "and %zu more services that are not steady", count - NAMES_MAX);
}

/* What the lines of the services do not say. */
static void explain(const struct cli *cli, const json_t *status, const struct progress_service_vec *services,
                    int result)
{
    const json_t *source = json_object_get(status, "source");
    if (is_unverified(status)) {
        cli_fail(cli, "%s; nothing was changed", cli_member_string(source, "message"));
        return;
    }
    if (result == CLI_ERROR)
        tell_missing(cli, status, missing(cli, services));
    if (result == CLI_NO && is_held(status))
        cli_fail(cli, "commit %.12s is held: it %s; nothing was changed; davit approve %.12s deploys it",
                 cli_member_string(status, "source.head.oid"), cli_member_string(status, "source.held"),
                 cli_member_string(status, "source.head.oid"));
    if (result == CLI_NO && !is_held(status) && !is_refused(status)) {
        if (!tell_failed(cli, services))
            tell_blocked(cli, status, services);
        tell_unsteady(cli, services);
    }
    if (result != CLI_NO || !is_refused(status))
        return;
    cli_write_answer_diagnostics(cli->err, json_object_get(source, "diagnostics"), "");
    cli_fail(cli, "commit %.12s is refused; nothing was changed", cli_member_string(source, "head.oid"));
}

/* Why there is nothing to show yet; NULL: there is, or it is told otherwise. */
static const char *trouble_of(const json_t *status, bool late)
{
    const char *message = cli_member_string(status, "source.message");
    if (is_unverified(status))
        return NULL;
    if (is_broken(status) && *message)
        return message;
    return late && !is_current(status) ? "a look at it is under way" : NULL;
}

/* A source that broke or changed its reason is told between the pictures; waiting->told is what was told
 * last. */
static void tell_source(const struct cli *cli, const json_t *status, struct progress *progress,
                        const struct progress_service_vec *services, struct waiting *waiting)
{
    const char *message = trouble_of(status, waiting->waited_ms >= QUIET_MS);
    if (message && !text_equal(message, waiting->told)) {
        progress_finish(progress, services->items, services->len);
        cli_fail(cli, "the source: %s; waiting for it, up to %s (--timeout)", message,
                 cli_value(cli, "timeout"));
    }
    free(waiting->told);
    waiting->told = memory_strdup(message);
    waiting->broken = message && is_broken(status);
}

/* No service is meant: whether that is because the cluster is not there. */
static int check_cluster(const struct cli *cli)
{
    char *query CLEANUP_FREE = cli_query_add(NULL, "cluster", cli_value(cli, "cluster"));
    struct error err = ERROR_INIT;
    if (query &&
        cli_request(cli, &(struct cli_request){.path = "/v1/services", .query = query}, NULL, &err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    return CLI_OK;
}

/* Of the services that are named, or of all. */
static bool is_source_meant(const struct cli *cli, const json_t *status, const char *name)
{
    size_t i;
    json_t *item;
    bool all_known = cli->argc > 0;
    for (int a = 0; a < cli->argc; a++) {
        const char *source = NULL;
        json_array_foreach (json_object_get(status, "services"), i, item) {
            char *key CLEANUP_FREE =
                service_key(cli_member_string(item, "cluster"), cli_member_string(item, "name"));
            if (text_equal(key, cli->argv[a]))
                source = model_string(item, "source");
        }
        if (text_equal(source, name))
            return true;
        all_known &= source != NULL;
    }
    return !all_known;
}

/* How far a source is from what is waited for; the largest counts. */
static int distance(const json_t *status)
{
    if (is_unverified(status))
        return 4;
    if (!is_current(status))
        return 2;
    if (is_refused(status) || is_held(status))
        return 3;
    return !text_equal(cli_member_string(status, "source.head.oid"),
                       cli_member_string(status, "source.wanted.oid"));
}

/* Of several sources, the one that there is most to say of becomes the status's `source`. */
static void choose_source(const struct cli *cli, json_t *status)
{
    size_t i;
    json_t *item;
    json_t *worst = NULL;
    int most = -1;
    json_array_foreach (json_object_get(status, "sources"), i, item) {
        if (model_bool(item, "gone") || !is_source_meant(cli, status, model_string(item, "name")))
            continue;
        json_object_set(status, "source", item);
        if (distance(status) > most) {
            most = distance(status);
            worst = item;
        }
    }
    if (worst)
        json_object_set(status, "source", worst);
}

static int look(const struct cli *cli, struct progress *progress, struct waiting *waiting)
{
    bool last = waiting->waited_ms >= waiting->timeout_ms;
    json_t *status CLEANUP(json_decrefp) = NULL;
    struct error err = ERROR_INIT;
    if (cli_request(cli, &(struct cli_request){.path = "/v1/status"}, &status, &err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    struct progress_service_vec services = {0};
    choose_source(cli, status);
    collect(cli, status, &services);
    int r = judge(cli, status, &services);
    tell_source(cli, status, progress, &services, waiting);
    if (r < 0 && !last)
        progress_show(progress, services.items, services.len);
    else
        progress_finish(progress, services.items, services.len);
    explain(cli, status, &services, r);
    if (r < 0 && last)
        tell_unsteady(cli, &services);
    if (r == CLI_OK && !services.len)
        r = check_cluster(cli);
    vector_deinit(&services);
    return r;
}

static int run(const struct cli *cli)
{
    struct waiting waiting CLEANUP(waiting_deinit) = {0};
    if (cli_duration_ms(cli, "timeout", &waiting.timeout_ms))
        return CLI_ERROR;
    struct progress *progress CLEANUP(progress_freep) = progress_new(cli);
    for (;; waiting.waited_ms += POLL_MS) {
        int r = look(cli, progress, &waiting);
        if (r >= 0)
            return r;
        if (waiting.waited_ms >= waiting.timeout_ms) {
            cli_fail(cli, "%s after %s",
                     waiting.broken ? "the source cannot be read"
                     : waiting.told ? "the look at the source has not ended"
                                    : "not steady",
                     cli_value(cli, "timeout"));
            return CLI_TIMEOUT;
        }
        nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
    }
}

static const struct cli_flag flags[] = {
    {"timeout", 0, "DURATION", "10m", "give up after this", NULL},
    CLI_FLAG_CLUSTER,
    CLI_FLAG_SOCKET,
    CLI_FLAG_END,
};

static const char *const examples[] = {
    "until all is as the repository says",
    "davit wait",
    "in a pipeline",
    "davit reconcile && davit wait default/web --timeout 5m",
    NULL,
};

static const struct cli_exit exits[] = {
    {CLI_OK, "all are steady"},
    {CLI_NO,
     "a deployment has failed, waits for one that has or for its change window, or is suspended, or the "
     "commit is refused or held"},
    {CLI_ERROR, "it could not tell, or the usage is wrong"},
    {CLI_TIMEOUT, "not steady in time, or the source could not be read"},
    {0, NULL}};

const struct command cli_wait = {
    .name = "wait",
    .summary = "wait until services are steady",
    .args = "[CLUSTER/SERVICE..]",
    .description =
        "Without a service: all of them. Shows how they get on: on a terminal a line a service, or more "
        "where there is room, else a line "
        "for each change. It goes by the commits that davit has seen: after a push to a remote say "
        "\"davit reconcile\" first. While the source cannot be read, or a look that \"davit reconcile\" "
        "asked for is under way, and while a service goes back to what completed last, it waits. "
        "Ends with the first that has failed, for no other one's end makes that better.",
    .flags = flags,
    .examples = examples,
    .exits = exits,
    .words = "",
    .takes_services = true,
    .args_max = -1,
    .run = run,
};
