#include "cli/diff_print.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/output.h"
#include "model/commit.h"
#include "model/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define COMMON_BYTES 40 /* of what is shown of values, before the first difference */
#define TEXT_BYTES   (1 << 20)

const char cli_diff_held_remedy[] =
    "what runs stays until davit approve COMMIT, or a commit with the trailer "
    "\"" COMMIT_APPROVAL ": N\"";

const char *cli_diff_change(const json_t *difference)
{
    static const char *const words[][2] = {{"create", "new service"},
                                           {"remove", "removed"},
                                           {"leave", "left; its tasks stay (davit.prune: disabled)"},
                                           {"deploy", "new deployment"},
                                           {"update", "changed in place"},
                                           {"rollout", "not all of it is deployed"},
                                           {"rename", "has a new name, nothing restarts"}};
    const char *change = cli_member_string(difference, "change");
    if (model_string(difference, "scheduledTask") && text_equal(change, "create"))
        return "new";
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (text_equal(words[i][0], change))
            return words[i][1];
    return change;
}

bool cli_diff_is_scale(const json_t *detail)
{
    return text_equal(model_string(detail, "what"), "desiredCount") && !model_string(detail, "change");
}

/* --- values --------------------------------------------------------------------------------------------- */

static size_t character_begin(const char *text, size_t at)
{
    while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80)
        at--;
    return at;
}

/* At most max_bytes from `begin` on, and dots for what is cut. Caller frees. */
static char *cut(const char *text, size_t begin, size_t max_bytes)
{
    size_t len = strlen(text + begin);
    bool whole = len <= max_bytes;
    if (!whole)
        len = character_begin(text, begin + max_bytes) - begin;
    return memory_printf("%s%.*s%s", begin ? "..." : "", (int)len, text + begin, whole ? "" : "...");
}

/* So that what is left of two is never the same. */
void cli_diff_values(const json_t *detail, size_t max_bytes, char **ret_from, char **ret_to)
{
    char *from CLEANUP_FREE = cli_text(json_object_get(detail, "from"));
    char *to CLEANUP_FREE = cli_text(json_object_get(detail, "to"));
    size_t begin = 0;
    bool is_long = (from && strlen(from) > max_bytes) || (to && strlen(to) > max_bytes);
    while (is_long && from && to && from[begin] && from[begin] == to[begin])
        begin++;
    begin = begin > COMMON_BYTES ? character_begin(from ? from : to, begin - COMMON_BYTES) : 0;
    *ret_from = from ? is_long ? cut(from, begin, max_bytes) : TAKE(from) : NULL;
    *ret_to = to ? is_long ? cut(to, begin, max_bytes) : TAKE(to) : NULL;
}

char *cli_diff_join(const json_t *strings, const char *between)
{
    struct buffer text = BUFFER_INIT(TEXT_BYTES);
    size_t i;
    json_t *string;
    json_array_foreach ((json_t *)(uintptr_t)strings, i, string)
        buffer_printf(&text, "%s%s", i ? between : "", json_string_value(string));
    return buffer_steal(&text);
}

/* --- sentences ------------------------------------------------------------------------------------------ */

static char *rounds_text(const json_t *tasks)
{
    int64_t starts = model_int(tasks, "starts");
    int64_t rounds = model_int(tasks, "rounds");
    int64_t after = model_int(tasks, "after");
    return memory_printf("%" PRId64 " task%s in %" PRId64 " round%s, %" PRId64 " at a time; at least %" PRId64
                         " of %" PRId64 " healthy, at most %" PRId64 " at once",
                         starts, text_plural(starts), rounds, text_plural(rounds), model_int(tasks, "atOnce"),
                         model_int(tasks, "minimumHealthy"), after, model_int(tasks, "maximum"));
}

char *cli_diff_tasks(const json_t *difference)
{
    const json_t *tasks = json_object_get(difference, "tasks");
    int64_t starts = model_int(tasks, "starts");
    int64_t stops = model_int(tasks, "stops");
    const char *change = model_string(difference, "change");
    if (!tasks && text_equal(model_string(difference, "schedulingStrategy"), "DAEMON"))
        return text_equal(change, "update") ? NULL : memory_strdup("one task on every instance");
    if (model_bool(tasks, "stuck"))
        return memory_printf("stuck: with at least %" PRId64 " of %" PRId64 " healthy and at most %" PRId64
                             " at once no task may start and none may stop; change minimumHealthyPercent or "
                             "maximumPercent",
                             model_int(tasks, "minimumHealthy"), model_int(tasks, "after"),
                             model_int(tasks, "maximum"));
    if (starts && stops)
        return rounds_text(tasks);
    if (!starts && !stops)
        return NULL;
    return memory_printf("%s %" PRId64 " task%s", starts ? "starts" : "stops", starts ? starts : stops,
                         text_plural(starts ? starts : stops));
}

char *cli_diff_downtime(const json_t *difference)
{
    const json_t *downtime = json_object_get(difference, "downtime");
    const char *expected = model_string(downtime, "expected");
    char *reasons CLEANUP_FREE = cli_diff_join(json_object_get(downtime, "reasons"), "; ");
    if (!expected)
        return NULL;
    if (text_equal(expected, "none"))
        return memory_strdup("without downtime");
    return memory_printf("%s: %s", text_equal(expected, "certain") ? "downtime" : "downtime is possible",
                         reasons);
}

static void count(struct buffer *text, int64_t number, const char *one, const char *many)
{
    if (number)
        buffer_printf(text, "%s%" PRId64 " %s", text->len ? ", " : "", number, number == 1 ? one : many);
}

char *cli_diff_summary(const json_t *answer)
{
    static const char *const words[][3] = {
        {"create", "new service", "new services"},
        {"deploy", "new deployment", "new deployments"},
        {"update", "service changed in place", "services changed in place"},
        {"rename", "service renamed", "services renamed"},
        {"remove", "service removed", "services removed"},
        {"leave", "service left as it runs", "services left as they run"},
        {"clusters", "cluster changed", "clusters changed"},
        {"scheduledTasks", "scheduled task changed", "scheduled tasks changed"},
    };
    const json_t *summary = json_object_get(answer, "summary");
    struct buffer text = BUFFER_INIT(TEXT_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        count(&text, model_int(summary, words[i][0]), words[i][1], words[i][2]);
    if (!text.len)
        return NULL;
    int64_t starts = model_int(summary, "tasksStart");
    int64_t stops = model_int(summary, "tasksStop");
    int64_t uncounted = model_int(summary, "uncounted");
    buffer_printf(&text, "; %" PRId64 " task%s start%s, %" PRId64 " stop%s", starts, text_plural(starts),
                  starts == 1 ? "s" : "", stops, stops == 1 ? "s" : "");
    if (uncounted)
        buffer_printf(&text, ", without those of %" PRId64 " service%s whose count is not in git", uncounted,
                      text_plural(uncounted));
    return buffer_steal(&text);
}
