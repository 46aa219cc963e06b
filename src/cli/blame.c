#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/output.h"
#include "model/json.h"

#include <string.h>

/* --- which commit it was -------------------------------------------------------------------------------- */

/* What the daemon can tell of commits. */
struct knowledge {
    json_t *deployments;
    json_t *revisions;
    json_t *sources;
};

static void knowledge_deinit(struct knowledge *knowledge)
{
    json_decref(knowledge->deployments);
    json_decref(knowledge->revisions);
    json_decref(knowledge->sources);
}

static const json_t *commit_in(const json_t *answer, const char *list, const char *oid)
{
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(answer, list), i, item) {
        const json_t *commit = json_object_get(item, "commit");
        if (text_equal(model_string(commit, "oid"), oid))
            return commit;
    }
    return NULL;
}

/* NULL: nobody knows more of it than its id, as when the state directory was lost and the commit has left the
 * branch. */
static const json_t *find_commit(const struct knowledge *knowledge, const char *oid)
{
    static const char *const places[] = {"wanted", "head"};
    const json_t *found = commit_in(knowledge->deployments, "deployments", oid);
    if (!found)
        found = commit_in(knowledge->revisions, "revisions", oid);
    size_t s;
    json_t *source;
    json_array_foreach (knowledge->sources, s, source) {
        for (size_t i = 0; !found && i < ARRAY_LEN(places); i++) {
            const json_t *commit = json_object_get(source, places[i]);
            found = text_equal(model_string(commit, "oid"), oid) ? commit : NULL;
        }
    }
    return found;
}

static json_t *row_of(const json_t *task, const struct knowledge *knowledge)
{
    static const char *const members[] = {"cluster",  "service",        "group",      "id",
                                          "instance", "taskDefinition", "deployment", "startedAt"};
    json_t *row = json_object();
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (json_object_get(task, members[i]))
            json_object_set(row, members[i], json_object_get(task, members[i]));
    const char *oid = model_string(task, "commit");
    const json_t *commit = oid ? find_commit(knowledge, oid) : NULL;
    json_object_set_new(row, "commit", commit ? json_deep_copy(commit) : json_pack("{s:s*}", "oid", oid));
    return row;
}

static json_t *running_rows(const json_t *tasks, const struct knowledge *knowledge)
{
    json_t *rows = json_array();
    size_t i;
    json_t *task;
    json_array_foreach (json_object_get(tasks, "tasks"), i, task) {
        if (!text_equal(model_string(task, "desiredStatus"), "STOPPED"))
            json_array_append_new(rows, row_of(task, knowledge));
    }
    return rows;
}

/* --- the table ------------------------------------------------------------------------------------------ */

static char *task(const json_t *row, int64_t now_ms)
{
    (void)now_ms;
    return memory_printf("%.12s", cli_member_string(row, "id"));
}

static char *owner(const json_t *row, int64_t now_ms)
{
    (void)now_ms;
    const char *service = model_string(row, "service");
    return memory_strdup(service ? service : cli_member_string(row, "group"));
}

/* The day, as git blame has it. */
static char *date(const json_t *row, int64_t now_ms)
{
    (void)now_ms;
    char text[TEXT_TIME_SIZE];
    int64_t time_ms = model_int(json_object_get(row, "commit"), "time");
    if (!time_ms)
        return NULL;
    text_from_time_ms(time_ms, text);
    return memory_printf("%.10s", text);
}

static const struct cli_column columns[] = {{"SERVICE", NULL, false, owner},
                                            {"TASK", NULL, false, task},
                                            {"REVISION", "taskDefinition", false, NULL},
                                            {"COMMIT", NULL, false, cli_column_commit},
                                            {"AUTHOR", NULL, false, cli_column_author},
                                            {"DATE", NULL, false, date},
                                            {"DEPLOYMENT", "deployment", false, NULL},
                                            {"SUBJECT", "commit.subject", false, NULL},
                                            {"INSTANCE", "instance", true, NULL},
                                            {"STARTED", "startedAt", true, NULL},
                                            {NULL, NULL, false, NULL}};

/* --- the command ---------------------------------------------------------------------------------------- */

static int ask(const struct cli *cli, const char *path, const char *query, json_t **ret_answer)
{
    struct error err = ERROR_INIT;
    if (cli_request(cli, &(struct cli_request){.path = path, .query = query}, ret_answer, &err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    return CLI_OK;
}

static int run(const struct cli *cli)
{
    static const struct cli_table table = {columns, "tasks", "no tasks run"};
    char *query CLEANUP_FREE = cli_query_argument(cli);
    if (!query)
        return CLI_ERROR;
    struct knowledge knowledge CLEANUP(knowledge_deinit) = {0};
    json_t *tasks CLEANUP(json_decrefp) = NULL;
    json_t *source CLEANUP(json_decrefp) = NULL;
    int r = ask(cli, "/v1/tasks", query, &tasks);
    if (!r)
        r = ask(cli, "/v1/deployments", query, &knowledge.deployments);
    if (!r)
        r = ask(cli, "/v1/revisions", NULL, &knowledge.revisions);
    if (!r)
        r = ask(cli, "/v1/source", NULL, &source);
    if (r)
        return r;
    knowledge.sources = cli_sources(source);
    json_t *answer CLEANUP(json_decrefp) =
        json_pack("{s:O?,s:o}", "schemaVersion", json_object_get(tasks, "schemaVersion"), "tasks",
                  running_rows(tasks, &knowledge));
    return cli_print(cli, answer, &table);
}

static const struct cli_flag flags[] = {CLI_FLAG_OUTPUT, CLI_FLAG_SOCKET, CLI_FLAG_END};

static const char *const examples[] = {
    "whose commit is it that serves now",
    "davit blame default/web",
    "the commits that a cluster is made of",
    "davit blame prod -o json | jq -r '.tasks[].commit.oid' | sort | uniq -c",
    NULL,
};

const struct command cli_blame = {
    .name = "blame",
    .summary = "show for each running task the commit that caused it",
    .args = "CLUSTER[/SERVICE]",
    .description =
        "DATE is the day of the commit, in UTC. The commit is the one whose deployment started the task; a "
        "later one that left the content as it is, or changed the number of tasks alone, is not told.\n\n"
        "Tasks carry the id of their commit as a label, so that it is known whatever happens to davit's "
        "state directory. Author and subject are \"-\" once nothing of davit's remembers them and the "
        "branch has the commit no more.",
    .flags = flags,
    .examples = examples,
    .words = "",
    .takes_services = true,
    .takes_clusters = true,
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
