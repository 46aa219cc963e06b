#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "model/json.h"

#include <string.h>
#include <time.h>

#define POLL_MS 500

struct progress_service_vec VECTOR_OF(struct progress_service);

static bool is_meant(const struct cli *cli, const struct progress_service *service)
{
    const char *cluster = cli_value(cli, "cluster");
    char *key CLEANUP_FREE = service_key(service->cluster, service->name);
    for (int i = 0; i < cli->argc; i++) {
        const char *name = cli->argv[i];
        if (text_equal(strchr(name, '/') ? key : service->name, name) &&
            (strchr(name, '/') || text_equal(service->cluster, cluster ? cluster : "default")))
            return true;
    }
    return cli->argc == 0 && (!cluster || text_equal(cluster, service->cluster));
}

static bool is_there(const struct progress_service_vec *services, const char *name)
{
    for (size_t i = 0; i < services->len; i++) {
        char *key CLEANUP_FREE = service_key(services->items[i].cluster, services->items[i].name);
        if (text_equal(name, strchr(name, '/') ? key : services->items[i].name))
            return true;
    }
    return false;
}

/* The newest commit is not deployed because it is refused: waiting would not help. */
static bool is_refused(const struct cli *cli, const json_t *status)
{
    if (!model_bool(json_object_get(status, "source"), "refused"))
        return false;
    cli_fail(cli, "commit %.12s is refused: see davit status", cli_member_string(status, "source.head.oid"));
    return true;
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

/* An exit code, or -1: wait on. */
static int judge(const struct cli *cli, const json_t *status, const struct progress_service_vec *services)
{
    bool steady = text_equal(cli_member_string(status, "source.head.oid"),
                             cli_member_string(status, "source.deployed.oid")) &&
                  cli_member(status, "source.head");
    bool busy = false;
    bool failed = false;
    for (size_t i = 0; i < services->len; i++) {
        failed |= services->items[i].state == PROGRESS_FAILED;
        busy |= services->items[i].state == PROGRESS_BUSY;
    }
    for (int i = 0; i < cli->argc; i++)
        if (steady && !is_there(services, cli->argv[i]))
            return cli_fail(cli, "there is no service \"%s\"", cli->argv[i]);
    if (is_refused(cli, status) || (failed && !busy))
        return CLI_NO;
    return steady && !busy ? CLI_OK : -1;
}

static int look(const struct cli *cli, struct progress *progress)
{
    json_t *status CLEANUP(json_decrefp) = NULL;
    struct error err = ERROR_INIT;
    if (cli_request(cli, &(struct cli_request){.path = "/v1/status"}, &status, &err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    struct progress_service_vec services = {0};
    collect(cli, status, &services);
    progress_show(progress, services.items, services.len);
    int r = judge(cli, status, &services);
    vector_deinit(&services);
    return r;
}

static int run(const struct cli *cli)
{
    int64_t timeout_ms = 0;
    if (cli_duration_ms(cli, "timeout", &timeout_ms))
        return CLI_ERROR;
    struct progress *progress CLEANUP(progress_freep) = progress_new(cli);
    for (int64_t waited_ms = 0;; waited_ms += POLL_MS) {
        int r = look(cli, progress);
        if (r >= 0)
            return r;
        if (waited_ms >= timeout_ms) {
            cli_fail(cli, "not steady after %s", cli_value(cli, "timeout"));
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

static const struct cli_exit exits[] = {{CLI_OK, "all are steady"},
                                        {CLI_NO, "a deployment has failed, or the commit is refused"},
                                        {CLI_ERROR, "it could not tell, or the usage is wrong"},
                                        {CLI_TIMEOUT, "not steady in time"},
                                        {0, NULL}};

const struct command cli_wait = {
    .name = "wait",
    .summary = "wait until services are steady",
    .args = "[CLUSTER/SERVICE..]",
    .description = "Without a service: all of them. Shows how they get on: on a terminal one line a service, "
                   "else a line "
                   "for each change.",
    .flags = flags,
    .examples = examples,
    .exits = exits,
    .words = "",
    .args_max = -1,
    .run = run,
};
