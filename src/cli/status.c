#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "model/json.h"

#include <inttypes.h>
#include <string.h>

static enum cli_tone tone_of_state(const char *state)
{
    return text_equal(state, "COMPLETED") ? CLI_GOOD : text_equal(state, "IN_PROGRESS") ? CLI_BUSY : CLI_BAD;
}

/* state: ECS's word for what became of it, or REFUSED. */
static void print_commit(const struct cli *cli, const char *title, const json_t *commit, const char *state)
{
    fprintf(cli->out, "%-10s %.12s  %s  (%s): %s%s%s\n", title, cli_member_string(commit, "oid"),
            cli_member_string(commit, "subject"), cli_member_string(commit, "author"),
            cli_tone(cli, tone_of_state(state)), state, cli_tone(cli, CLI_PLAIN));
}

static void print_webhooks(const struct cli *cli, const json_t *webhooks)
{
    const char *heard_at = model_string(webhooks, "heardAt");
    const char *refused_at = model_string(webhooks, "refusedAt");
    if (!webhooks)
        return;
    fprintf(cli->out, "%-10s %lld heard%s%s", "webhooks", (long long)model_int(webhooks, "heard"),
            heard_at ? ", last " : "", heard_at ? heard_at : "");
    if (refused_at)
        fprintf(cli->out, "; %s%lld refused, last %s: %s%s", cli_tone(cli, CLI_BAD),
                (long long)model_int(webhooks, "refused"), refused_at, cli_member_string(webhooks, "refusal"),
                cli_tone(cli, CLI_PLAIN));
    fputs("\n", cli->out);
}

/* As long as nothing newer has been committed on top. */
static void print_rewrite(const struct cli *cli, const json_t *rewrite, const char *newest)
{
    const char *fork = model_string(rewrite, "fork");
    bool moved = model_string(rewrite, "movedTo") != NULL;
    if (!rewrite || !text_equal(cli_member_string(rewrite, "to"), newest))
        return;
    fprintf(cli->out, "           %s%s%s %s: %s was at %.12s, which is no part of it any more",
            cli_tone(cli, CLI_BUSY), moved ? "moved here" : "rewritten", cli_tone(cli, CLI_PLAIN),
            cli_member_string(rewrite, "seenAt"), moved ? "HEAD of the origin" : "it",
            cli_member_string(rewrite, "from"));
    fprintf(cli->out, fork ? "; both have %.12s\n" : "; they have no commit in common\n", fork);
}

/* named: there are several. */
static void print_source(const struct cli *cli, const json_t *source, bool named)
{
    const json_t *head = json_object_get(source, "head");
    const json_t *wanted = json_object_get(source, "wanted");
    const char *branch = model_string(source, "branch");
    const char *origin = cli_member_string(source, "origin"); /* "": not looked at yet */
    fprintf(cli->out, "%-10s %s%s%s%s%s%s%s%s%s\n", "source", named ? cli_member_string(source, "name") : "",
            named ? "  " : "", origin, branch ? " " : "", branch ? branch : "", *origin ? ": " : "",
            cli_tone(cli, model_bool(source, "ok") ? CLI_GOOD : CLI_BAD),
            model_bool(source, "ok") ? "ok" : cli_member_string(source, "message"), cli_tone(cli, CLI_PLAIN));
    print_rewrite(cli, json_object_get(source, "rewritten"), cli_member_string(source, "newest"));
    print_webhooks(cli, json_object_get(source, "webhooks"));
    if (wanted)
        print_commit(cli, "wanted", wanted, cli_member_string(source, "rolloutState"));
    if (model_string(source, "held")) {
        print_commit(cli, "head", head, "HELD");
        fprintf(cli->out, "           it %s; what runs stays\n", cli_member_string(source, "held"));
        fprintf(cli->out, "           davit approve %.12s deploys it; git revert takes it back\n",
                cli_member_string(head, "oid"));
    }
    if (!model_bool(source, "refused"))
        return;
    print_commit(cli, "head", head, "REFUSED");
    cli_write_answer_diagnostics(cli->out, json_object_get(source, "diagnostics"), "           ");
}

static void print_sources(const struct cli *cli, const json_t *sources)
{
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)(uintptr_t)sources, i, item)
        print_source(cli, item, json_array_size(sources) > 1);
}

static void print_instances(const struct cli *cli, const json_t *instances)
{
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)(uintptr_t)instances, i, item) {
        bool connected = model_bool(item, "connected");
        const char *status = cli_member_string(item, "status");
        bool draining = text_starts_with(status, "DRAINING");
        fprintf(cli->out, "%-10s %s: %s%s%s%s%s\n", "instance", cli_member_string(item, "name"),
                cli_tone(cli, connected ? CLI_GOOD : CLI_BAD),
                connected ? cli_member_string(item, "engine") : cli_member_string(item, "message"),
                cli_tone(cli, CLI_PLAIN), draining ? ", " : "", draining ? status : "");
    }
}

/* What a changed address of the source has left beside. */
static void print_other_owners(const struct cli *cli, const json_t *others)
{
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)(uintptr_t)others, i, item) {
        fprintf(cli->out, "%-10s %s: %s%s%s\n", "instance", cli_member_string(item, "instance"),
                cli_tone(cli, CLI_BAD), cli_member_string(item, "message"), cli_tone(cli, CLI_PLAIN));
    }
}

static enum cli_tone tone_of(const struct progress_service *service)
{
    return service->state == PROGRESS_STEADY ? CLI_GOOD
           : service->state == PROGRESS_BUSY ? CLI_BUSY
                                             : CLI_BAD;
}

/* Who finds a task by the name of its container still finds it by that. */
static void print_earlier_name(const struct cli *cli, const json_t *service, int width)
{
    const json_t *earlier = json_object_get(service, "earlierName");
    int64_t tasks = model_int(earlier, "tasks");
    if (tasks)
        fprintf(cli->out,
                "%*s  renamed: the containers of %" PRId64 " task%s are called %s until they are replaced\n",
                width, "", tasks, text_plural(tasks), cli_member_string(earlier, "name"));
}

static void print_remedy(const struct cli *cli, const struct progress_service *service, int width)
{
    char *remedy CLEANUP_FREE = progress_remedy(service);
    if (remedy)
        fprintf(cli->out, "%*s  %s\n", width, "", remedy);
}

static void print_services(const struct cli *cli, const json_t *services, const json_t *sources)
{
    size_t i;
    json_t *item;
    int width = 0;
    json_array_foreach ((json_t *)(uintptr_t)services, i, item) {
        int own = (int)(cli_width(cli_member_string(item, "cluster")) + 1 +
                        cli_width(cli_member_string(item, "name")));
        width = own > width ? own : width;
    }
    fputs(json_array_size(services) ? "\n" : "\nno services\n", cli->out);
    json_array_foreach ((json_t *)(uintptr_t)services, i, item) {
        struct progress_service service;
        progress_of_json(item, &service);
        char *line CLEANUP_FREE = progress_line(&service, width);
        fprintf(cli->out, "%s%s%s\n", cli_tone(cli, tone_of(&service)), line, cli_tone(cli, CLI_PLAIN));
        print_earlier_name(cli, item, width);
        print_remedy(cli, &service, width);
        if (service.state == PROGRESS_BLOCKED && text_equal(service.word, "waiting"))
            fprintf(cli->out, "%*s  davit approve %.12s lets it through now\n", width, "",
                    progress_wanted(&service, sources));
    }
}

/* Of a time at which not all was started both end in the reason. */
static bool is_told_by_message(const char *result, const char *message)
{
    const char *reason = result && strstr(result, "started: ") ? strchr(result, ':') : NULL;
    return reason && message && text_ends_with(message, reason);
}

/* When it is due next, or why that is not told. Caller frees. */
static char *next_of(const json_t *schedule)
{
    const char *next = model_string(schedule, "nextAt");
    if (text_equal(model_string(schedule, "state"), "DISABLED"))
        return memory_strdup("disabled");
    if (json_is_false(json_object_get(schedule, "counted")))
        return memory_strdup("not known before the instances have answered");
    return next ? memory_printf("next %.19sZ", next) : memory_strdup("never again");
}

static void print_schedules(const struct cli *cli, const json_t *schedules)
{
    size_t i;
    json_t *item;
    if (json_array_size(schedules))
        fputs("\n", cli->out);
    json_array_foreach ((json_t *)(uintptr_t)schedules, i, item) {
        char *next CLEANUP_FREE = next_of(item);
        const char *last = model_string(item, "lastDueAt");
        const char *result = model_string(item, "result");
        const char *message = model_string(item, "message");
        bool failed = (result && text_starts_with(result, "failed")) || (message && strstr(message, "not "));
        if (is_told_by_message(result, message))
            result = NULL;
        fprintf(cli->out, "%-10s %s%s: %s%s%.19s%s%s%s%s%s%s\n", "schedule",
                cli_tone(cli, failed ? CLI_BAD : CLI_PLAIN), cli_member_string(item, "name"), next,
                last ? ", last " : "", last ? last : "", last ? "Z" : "", last && result ? " " : "",
                last && result ? result : "", message ? ", " : "", message ? message : "",
                cli_tone(cli, CLI_PLAIN));
    }
}

/* Those that are well are no news. */
static void print_notifications(const struct cli *cli, const json_t *notifications)
{
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)(uintptr_t)notifications, i, item) {
        int64_t waiting = model_int(item, "waiting");
        if (model_bool(item, "ok"))
            continue;
        fprintf(cli->out, "%-10s %s: %s%s%s, %lld wait%s\n", "notify", cli_member_string(item, "name"),
                cli_tone(cli, CLI_BAD), cli_member_string(item, "message"), cli_tone(cli, CLI_PLAIN),
                (long long)waiting, waiting == 1 ? "s" : "");
    }
}

static void print_image_updates(const struct cli *cli, const json_t *updates)
{
    const char *checked = model_string(updates, "checkedAt");
    const char *commit = model_string(updates, "commit");
    const json_t *failures = json_object_get(updates, "failures");
    size_t i;
    json_t *item;
    if (!updates)
        return;
    fprintf(cli->out, "%-10s %s%s", "images", checked ? "checked " : "not checked yet",
            checked ? checked : "");
    if (commit)
        fprintf(cli->out, ", last commit %.12s on %s, %s", commit, cli_member_string(updates, "branch"),
                cli_member_string(updates, "committedAt"));
    if (!model_bool(updates, "ok") && !json_array_size(failures))
        fprintf(cli->out, ": %s%s%s", cli_tone(cli, CLI_BAD), cli_member_string(updates, "message"),
                cli_tone(cli, CLI_PLAIN));
    fputs("\n", cli->out);
    json_array_foreach ((json_t *)(uintptr_t)failures, i, item)
        fprintf(cli->out, "           %s, %s: %s%s%s\n", cli_member_string(item, "name"),
                cli_member_string(item, "image"), cli_tone(cli, CLI_BAD), cli_member_string(item, "message"),
                cli_tone(cli, CLI_PLAIN));
    json_array_foreach (json_object_get(updates, "refusals"), i, item)
        fprintf(cli->out, "           %s, %s: %s\n", cli_member_string(item, "name"),
                cli_member_string(item, "image"), cli_member_string(item, "message"));
}

static int run(const struct cli *cli)
{
    json_t *status CLEANUP(json_decrefp) = NULL;
    struct error err = ERROR_INIT;
    if (cli_request(cli, &(struct cli_request){.path = "/v1/status"}, &status, &err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    if (cli_print_data(cli, status))
        return CLI_OK;
    cli_make_printable(status);
    json_t *sources CLEANUP(json_decrefp) = cli_sources(status);
    fprintf(cli->out, "%-10s %s%s%s\n", "davit", cli_member_string(status, "version"),
            model_bool(status, "ready") ? "" : ", not ready: ", cli_member_string(status, "notReady"));
    print_sources(cli, sources);
    print_instances(cli, json_object_get(status, "instances"));
    print_other_owners(cli, json_object_get(status, "otherOwners"));
    print_notifications(cli, json_object_get(status, "notifications"));
    print_image_updates(cli, json_object_get(status, "imageUpdates"));
    print_services(cli, json_object_get(status, "services"), sources);
    print_schedules(cli, json_object_get(status, "scheduledTasks"));
    return CLI_OK;
}

static const struct cli_flag flags[] = {CLI_FLAG_TEXT, CLI_FLAG_SOCKET, CLI_FLAG_END};

static const char *const examples[] = {
    "why was nothing deployed?",
    "davit status",
    NULL,
};

const struct command cli_status = {
    .name = "status",
    .summary = "show the source, the container instances and every service",
    .description =
        "What is deployed and what is not, and why: a source that cannot be reached, a commit "
        "that is refused with its diagnostics, notifications that do not arrive, images that cannot be "
        "looked up, and what each service "
        "is waiting for.\n\n"
        "The wanted commit is the newest valid one; it is COMPLETED when every service has arrived "
        "at it, FAILED when one could not, and IN_PROGRESS until then. A service is deploying, "
        "steady, failed, rolling back or rolled back after a failure, held by davit rollback --hold, "
        "removing, moving while tasks leave an "
        "instance that is DRAINING or that the cluster declares no more, healing when a task is missing, "
        "rebalancing when one starts in another zone before one stops, "
        "crash-looping when tasks crash again and again, "
        "stopping when tasks are too many, blocked when it waits for a service whose deployment failed or "
        "that "
        "is suspended, waiting when a change of it waits for its change window while what ran before goes "
        "on, suspended when it is left alone, left when it is not in the repository any more and "
        "davit.prune leaves its tasks, or "
        "unknown when only an instance that does not answer keeps it from being steady.",
    .flags = flags,
    .examples = examples,
    .words = "",
    .run = run,
};
