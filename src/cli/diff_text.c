#include "cli/diff_print.h"

#include "base/memory.h"
#include "base/text.h"
#include "cli/output.h"
#include "model/desired.h"
#include "model/json.h"

#include <inttypes.h>

#define SHOWN_BYTES 200 /* of a value */

static void print_detail(const struct cli *cli, const json_t *detail)
{
    char *from CLEANUP_FREE = NULL;
    char *to CLEANUP_FREE = NULL;
    const char *change = model_string(detail, "change");
    cli_diff_values(detail, SHOWN_BYTES, &from, &to);
    if (cli_diff_is_scale(detail)) {
        fprintf(cli->out, "  scale %s -> %s\n", from ? from : "?", to ? to : "?");
        return;
    }
    fprintf(cli->out, "  %s", cli_member_string(detail, "what"));
    if (change)
        fprintf(cli->out, " %s\n", change);
    else if (from && to)
        fprintf(cli->out, ": %s -> %s\n", from, to);
    else if (to)
        fprintf(cli->out, ": added %s\n", to);
    else
        fprintf(cli->out, ": removed\n");
}

/* What comes before the change: tasks of davit.preDeploy, other services, its change window, and a hold. */
static void print_before(const struct cli *cli, const json_t *difference)
{
    const char *waits = model_string(difference, "waits");
    const char *held = model_string(difference, "held");
    const json_t *first = json_object_get(difference, "preDeploy");
    const json_t *services = json_object_get(difference, "dependsOn");
    char *tasks CLEANUP_FREE = cli_diff_join(first, ", then ");
    char *others CLEANUP_FREE = cli_diff_join(services, ", ");
    if (json_array_size(first))
        fprintf(cli->out, "  runs first: %s (davit.preDeploy)\n", tasks);
    if (json_array_size(services))
        fprintf(cli->out, "  waits until %s %s deployed and healthy (davit.dependsOn)\n", others,
                json_array_size(services) == 1 ? "is" : "are");
    if (waits)
        fprintf(cli->out, "  waits %s\n", waits);
    if (held)
        fprintf(cli->out, "  held %s\n", held);
    if (model_bool(difference, "suspended"))
        fputs("  suspended: nothing of it happens until that ends\n", cli->out);
}

static void print_tasks(const struct cli *cli, const json_t *difference)
{
    char *tasks CLEANUP_FREE = cli_diff_tasks(difference);
    char *downtime CLEANUP_FREE = cli_diff_downtime(difference);
    char *needs CLEANUP_FREE = cli_diff_join(json_object_get(difference, "needs"), "; ");
    if (tasks)
        fprintf(cli->out, "  %s\n", tasks);
    if (downtime)
        fprintf(cli->out, "  %s\n", downtime);
    if (*needs)
        fprintf(cli->out, "  needs %s\n", needs);
}

static void print_rollout(const struct cli *cli, const json_t *rollout)
{
    if (!rollout)
        return;
    int64_t wanted = model_int(rollout, "wantedTasks");
    bool failed = text_equal(model_string(rollout, "state"), "FAILED");
    fprintf(cli->out, "  deployment %s %s: %" PRId64 " of %" PRId64 " task%s %s new\n",
            cli_member_string(rollout, "deployment"), failed ? "failed" : "in progress",
            model_int(rollout, "newTasks"), wanted, text_plural(wanted), wanted == 1 ? "is" : "are");
}

static void print_rename(const struct cli *cli, const json_t *difference)
{
    const char *from = model_string(difference, "renamedFrom");
    if (from)
        fprintf(
            cli->out,
            "  renamed from %s: its tasks go on; their containers have that in their names until they are "
            "replaced\n",
            from);
}

static void print_difference(const struct cli *cli, const json_t *difference)
{
    const char *service = model_string(difference, "service");
    const char *schedule = model_string(difference, "scheduledTask");
    const char *cluster = cli_member_string(difference, "cluster");
    char *name CLEANUP_FREE = schedule  ? memory_printf("scheduled task %s", schedule)
                              : service ? service_key(cluster, service)
                                        : memory_printf("cluster %s", cluster);
    size_t i;
    json_t *detail;
    fprintf(cli->out, "%s%s%s: %s\n", cli_tone(cli, CLI_STRONG), name, cli_tone(cli, CLI_PLAIN),
            cli_diff_change(difference));
    json_array_foreach (json_object_get(difference, "details"), i, detail)
        print_detail(cli, detail);
    print_rename(cli, difference);
    print_before(cli, difference);
    print_tasks(cli, difference);
    print_rollout(cli, json_object_get(difference, "rollout"));
}

void cli_diff_print_text(const struct cli *cli, const json_t *answer)
{
    const char *held = model_string(answer, "held");
    char *summary CLEANUP_FREE = cli_diff_summary(answer);
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(answer, "differences"), i, item)
        print_difference(cli, item);
    json_array_foreach (json_object_get(answer, "unchanged"), i, item)
        fprintf(cli->out, "%s: only comments, order or formatting changed: nothing happens\n",
                json_string_value(item));
    if (held)
        fprintf(cli->out, "%sheld%s: the commit %s; %s\n", cli_tone(cli, CLI_BAD), cli_tone(cli, CLI_PLAIN),
                held, cli_diff_held_remedy);
    if (summary)
        fprintf(cli->out, "%s\n", summary);
}
