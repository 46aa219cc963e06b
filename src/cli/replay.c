#include "base/digest.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "core/core.h"
#include "history/recorder.h"
#include "model/json.h"

#include <string.h>

struct replay {
    const struct cli *cli;
    struct core *core;
    json_t *snapshot; /* its parts so far; NULL outside of one */
    size_t line;
    size_t steps;
    size_t different;
    size_t unknown; /* steps with no snapshot before them */
    struct error error;
};

/* A part of a snapshot; with the last one the core is as it was there. */
static int restore(struct replay *replay, const json_t *part)
{
    struct core *core = NULL;
    if (json_object_get(part, "owner")) { /* the first; one that broke off is left */
        json_decref(replay->snapshot);
        replay->snapshot = json_object();
    }
    if (!replay->snapshot)
        return 0;
    core_snapshot_join(replay->snapshot, part);
    if (!json_is_true(json_object_get(part, "whole")))
        return 0;
    int r = core_restore(replay->snapshot, &core, &replay->error);
    json_decref(TAKE(replay->snapshot));
    if (r < 0)
        return r;
    core_free(replay->core);
    replay->core = core;
    return 0;
}

static void compare(struct replay *replay, const struct effect_vec *effects, const char *recorded)
{
    json_t *json CLEANUP(json_decrefp) = effects_to_json(effects);
    struct digest digest = digest_of_json(json);
    char hex[DIGEST_HEX_SIZE];
    digest_to_hex(&digest, hex);
    replay->steps++;
    if (text_equal(hex, recorded))
        return;
    replay->different++;
    char *text CLEANUP_FREE = json_dumps(json, JSON_COMPACT);
    fprintf(replay->cli->out, "%zu: other effects than recorded: %s\n", replay->line, text ? text : "");
}

static void print_step(const struct replay *replay, const struct event *event,
                       const struct effect_vec *effects)
{
    if (!cli_is_on(replay->cli, "verbose"))
        return;
    char time[TEXT_TIME_SIZE];
    text_from_time_ms(event->now_ms, time);
    fprintf(replay->cli->out, "%zu %s %s: %zu effect%s\n", replay->line, time, event_kind_name(event->kind),
            (size_t)effects->len, text_plural(effects->len));
}

static int step(struct replay *replay, const json_t *line)
{
    struct event event;
    int r = event_from_json(json_object_get(line, "event"), &event, &replay->error);
    if (r < 0)
        return r;
    const struct event shown = event;
    struct effect_vec effects = {0};
    core_step(replay->core, &event, &effects);
    print_step(replay, &shown, &effects);
    compare(replay, &effects, model_string(line, "effects"));
    effect_vec_deinit(&effects);
    return 0;
}

static int on_event(void *data, const json_t *line)
{
    struct replay *replay = data;
    const json_t *snapshot = json_object_get(line, "snapshot");
    int r = 0;
    replay->line++;
    if (snapshot)
        r = restore(replay, snapshot);
    else if (replay->core)
        r = step(replay, line);
    else
        replay->unknown++;
    return r < 0 ? error_wrap(&replay->error, r, "line %zu", replay->line) : 0;
}

/* What follows does not follow from what came before: on from the next snapshot. */
static int on_gap(void *data, const char *why)
{
    struct replay *replay = data;
    fprintf(replay->cli->err, "gap after line %zu: %s\n", replay->line, why);
    core_free(replay->core);
    replay->core = NULL;
    return 0;
}

static int run(const struct cli *cli)
{
    struct replay replay = {.cli = cli};
    struct error err = ERROR_INIT;
    const struct recorder_visitor visitor = {on_event, on_gap, &replay};
    int r = recorder_read(cli->argv[0], &visitor, &err);
    core_free(replay.core);
    json_decref(replay.snapshot);
    if (r < 0)
        return cli_fail(cli, "%s: %s", cli->argv[0], error_text(replay.error.code ? &replay.error : &err));
    if (replay.steps == 0)
        return cli_fail(cli, replay.unknown ? "%s holds no snapshot to replay from" : "%s holds no records",
                        cli->argv[0]);
    if (replay.unknown)
        fprintf(cli->err, "%zu step%s not replayed: no snapshot comes before\n", replay.unknown,
                text_plural((int64_t)replay.unknown));
    fprintf(cli->err, "%zu step%s replayed, %zu with other effects than recorded\n", replay.steps,
            text_plural((int64_t)replay.steps), replay.different);
    return replay.different ? CLI_NO : CLI_OK;
}

static const struct cli_flag flags[] = {
    {"verbose", 'v', NULL, NULL, "print every step", NULL},
    CLI_FLAG_END,
};

static const char *const examples[] = {
    "does this version decide as the one that ran?",
    "davit replay /var/lib/davit/records",
    NULL,
};

static const struct cli_exit exits[] = {{CLI_OK, "every step had the recorded effects"},
                                        {CLI_NO, "some had others"},
                                        {CLI_ERROR, "the records cannot be read, or the usage is wrong"},
                                        {0, NULL}};

const struct command cli_replay = {
    .name = "replay",
    .summary = "run recorded events through the core again",
    .args = "FILE",
    .description = "FILE is a segment of the daemon's records, or the directory that holds them. Every "
                   "decision is made again "
                   "from the\nsame events and compared with what was recorded.",
    .flags = flags,
    .examples = examples,
    .exits = exits,
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
