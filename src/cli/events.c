#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/output.h"
#include "model/json.h"

/* An event has one of them. */
static const char *kind_of(const json_t *row)
{
    return json_object_get(row, "service")  ? "service"
           : json_object_get(row, "source") ? "source"
                                            : "scheduledTask";
}

static const char *name_of(const json_t *row)
{
    return cli_member_string(row, kind_of(row));
}

static char *name(const json_t *row, int64_t now_ms)
{
    (void)now_ms;
    return memory_strdup(name_of(row));
}

static char *age(const json_t *row, int64_t now_ms)
{
    return cli_age(cli_member_string(row, "at"), now_ms);
}

static const struct cli_column columns[] = {
    {"AGE", NULL, false, age},           {"CLUSTER", "cluster", false, NULL}, {"SERVICE", NULL, false, name},
    {"MESSAGE", "message", false, NULL}, {"TIME", "at", true, NULL},          {NULL, NULL, false, NULL}};

/* The newest events of a service, as many as davit knows. */
struct told {
    char *ids[LIMIT_SERVICE_EVENTS];
    size_t next; /* the oldest */
};

struct watching {
    const struct cli *cli;
    struct map told; /* "cluster/kind name" -> struct told */
};

static void told_free(struct told *told)
{
    for (size_t i = 0; i < ARRAY_LEN(told->ids); i++)
        free(told->ids[i]);
    free(told);
}

/* After a restart of davit events come again. */
static bool is_told(struct watching *watching, const json_t *line)
{
    const char *id = model_string(line, "id");
    char *key CLEANUP_FREE =
        memory_printf("%s/%s %s", cli_member_string(line, "cluster"), kind_of(line), name_of(line));
    struct told *told = map_get(&watching->told, key);
    if (!id)
        return false;
    if (!told) {
        told = NEW(struct told);
        map_put(&watching->told, key, told);
    }
    for (size_t i = 0; i < ARRAY_LEN(told->ids); i++)
        if (text_equal(told->ids[i], id))
            return true;
    free(told->ids[told->next]);
    told->ids[told->next] = memory_strdup(id);
    told->next = (told->next + 1) % ARRAY_LEN(told->ids);
    return false;
}

static int on_line(void *data, const json_t *line)
{
    struct watching *watching = data;
    const struct cli *cli = watching->cli;
    if (is_told(watching, line))
        return 0;
    if (text_equal(cli_value(cli, "output"), "json")) {
        char *text CLEANUP_FREE = json_dumps(line, JSON_COMPACT);
        fprintf(cli->out, "%s\n", text ? text : "null");
    } else {
        const char *message = cli_member_string(line, "message");
        char *text CLEANUP_FREE =
            text_equal(cli_value(cli, "output"), "wide") ? memory_strdup(message) : cli_short_ids(message);
        const char *cluster = cli_member_string(line, "cluster");
        char *whole CLEANUP_FREE = memory_printf("%s  %s%s%s  %s", cli_member_string(line, "at"), cluster,
                                                 *cluster ? "/" : "", name_of(line), text);
        char *printable CLEANUP_FREE = text_printable(whole);
        fprintf(cli->out, "%s\n", printable);
    }
    fflush(cli->out);
    return ferror(cli->out) ? ERROR_CANCELED : 0;
}

static int watch_events(const struct cli *cli, const char *query)
{
    struct watching watching = {.cli = cli, .told = MAP_INIT(told_free)};
    struct cli_follow follow = {
        .request = {.path = "/v1/events", .query = query, .on_line = on_line, .data = &watching}};
    struct error err = ERROR_INIT;
    int r = cli_follow(cli, &follow, &err);
    map_deinit(&watching.told);
    return r < 0 ? cli_fail(cli, "%s", error_text(&err)) : CLI_OK;
}

static int run(const struct cli *cli)
{
    static const struct cli_table table = {columns, "events", "no events"};
    char *cluster CLEANUP_FREE = memory_strdup(cli_value(cli, "cluster"));
    char *service CLEANUP_FREE = NULL;
    char *of CLEANUP_FREE = NULL;
    if (cli->argc && cli_target(cli, cli->argv[0], &of, &service))
        return CLI_ERROR;
    char *query CLEANUP_FREE = cli_query_target(of ? of : cluster, service);
    bool watch = cli_is_on(cli, "watch");
    query = cli_query_add(query, "follow", watch ? "1" : NULL);
    if (watch)
        return watch_events(cli, query);
    struct cli_request request = {.path = "/v1/events", .query = query};
    json_t *answer CLEANUP(json_decrefp) = NULL;
    struct error err = ERROR_INIT;
    if (cli_request(cli, &request, &answer, &err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    return cli_print(cli, answer, &table);
}

static const struct cli_flag flags[] = {
    {"watch", 'w', NULL, NULL, "go on with what happens from now on", NULL},
    CLI_FLAG_OUTPUT,
    CLI_FLAG_CLUSTER,
    CLI_FLAG_SOCKET,
    CLI_FLAG_END,
};

static const char *const examples[] = {
    "what happens everywhere",
    "davit events -w",
    "to feed another program",
    "davit events -w -o json default/web",
    NULL,
};

const struct command cli_events = {
    .name = "events",
    .summary = "list what happened to services, scheduled tasks and sources",
    .args = "[CLUSTER/SERVICE|CLUSTER/SCHEDULED-TASK]",
    .description =
        "Oldest first, in ECS's words, since the daemon's start: they are kept in memory. Those of a "
        "scheduled task are listed with the cluster of its first target, those of a source without one and "
        "only "
        "when no cluster is named: that it cannot be read and has recovered, that a commit is refused or "
        "held, "
        "that the branch was rewritten. Of a service that was removed there are "
        "none: see davit help history. With "
        "--watch and -o json each line is one JSON object. Ids are cut to "
        "their first 12 characters, but for -o wide, json and yaml.",
    .flags = flags,
    .examples = examples,
    .words = "",
    .takes_services = true,
    .takes_schedules = true,
    .args_max = 1,
    .run = run,
};
