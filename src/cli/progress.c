#include "cli/progress.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/output.h"
#include "core/steady.h"
#include "model/json.h"

#include <string.h>
#include <sys/ioctl.h>

#define BAR_WIDTH 10
#define CUT       "..."
/* ECS's words in the event of a deployment that cannot go on, which `waiting` begins with too. */
#define BOUNDS "because of the service deployment configuration"

struct progress {
    FILE *file;
    bool terminal;
    size_t drawn;     /* lines on the terminal that the next picture replaces */
    struct map shown; /* "cluster/service" -> its last line, where there is no terminal */
};

/* A failure is not the end while the service goes back to what completed last. */
static enum progress_state state_of(bool failed, bool steady, bool blocked, const char *word)
{
    if (failed)
        return text_equal(word, "rolling back") ? PROGRESS_BUSY : PROGRESS_FAILED;
    if (steady)
        return PROGRESS_STEADY;
    return blocked || text_equal(word, "crash-looping") ? PROGRESS_BLOCKED : PROGRESS_BUSY;
}

static void pull_of_view(const struct core *core, const struct view_service *view,
                         struct progress_service *service)
{
    struct view_action_vec actions;
    core_view_actions(core, view->cluster, view->name, &actions);
    for (size_t i = 0; i < actions.len && !service->pulling; i++)
        if (actions.items[i].progress_status) {
            service->pulling = action_image(actions.items[i].action);
            service->pull_failure = actions.items[i].progress_failure;
            service->pulled_bytes = actions.items[i].progress_bytes;
            service->pull_bytes = actions.items[i].progress_total_bytes;
        }
    vector_deinit(&actions);
}

void progress_of_view(const struct core *core, const struct view_service *view,
                      struct progress_service *ret_service)
{
    const struct deployment *primary = view->ledger ? service_ledger_primary(view->ledger) : NULL;
    *ret_service = (struct progress_service){
        .cluster = view->cluster,
        .name = view->name,
        .state = state_of(view_service_has_failed(view), view->left || view_service_is_steady(view),
                          view->blocked, view_service_state(view)),
        .word = view_service_state(view),
        .desired = view_service_desired_count(view),
        .healthy = view->healthy_count,
        .left = view->running_count + view->pending_count + view->stopping_count,
        .waiting = view->waiting,
        .revisions_len = view->revisions_len,
        .lost = view->lost_count,
        .gone = view->gone_count,
        .lost_instance = view->lost_instance,
        .lost_ms = view->lost_ms,
        .removing = !view->desired && !view->unread,
        .suspended = view->suspended,
        .held_commit = view->held ? view->held->commit : NULL,
        .held_ms = view->held ? view->held->at_ms : 0,
        .held_images = view->held_images,
    };
    memcpy(ret_service->revisions, view->revisions, sizeof view->revisions);
    pull_of_view(core, view, ret_service);
    if (!primary)
        return;
    ret_service->family = primary->family;
    ret_service->revision = primary->revision;
    ret_service->commit = primary->commit.oid;
    ret_service->reason = primary->reason;
}

static int count_of(const json_t *object, const char *key)
{
    return model_int_in(object, key, 0, LIMIT_DESIRED_COUNT);
}

static void revisions_of_json(const json_t *list, struct progress_service *service)
{
    size_t i;
    json_t *item;
    json_array_foreach (list, i, item) {
        if (service->revisions_len == VIEW_REVISIONS)
            return;
        service->revisions[service->revisions_len++] =
            (struct view_revision){.family = cli_member_string(item, "family"),
                                   .revision = model_int_in(item, "revision", 0, INT32_MAX),
                                   .running_count = count_of(item, "running"),
                                   .healthy_count = count_of(item, "healthy")};
    }
}

static void pull_of_json(const json_t *actions, struct progress_service *service)
{
    size_t i;
    json_t *action;
    json_array_foreach (actions, i, action) {
        const json_t *progress = json_object_get(action, "progress");
        if (!progress)
            continue;
        service->pulling = model_string(action, "image");
        service->pull_failure = model_string(progress, "failure");
        service->pulled_bytes = model_int(progress, "currentBytes");
        service->pull_bytes = model_int(progress, "totalBytes");
        return;
    }
}

void progress_of_json(const json_t *service, struct progress_service *ret_service)
{
    const json_t *deployment = json_object_get(service, "deployment");
    const char *lost_at = model_string(service, "lostAt");
    *ret_service = (struct progress_service){
        .cluster = cli_member_string(service, "cluster"),
        .name = cli_member_string(service, "name"),
        .source = model_string(service, "source"),
        .state = state_of(model_bool(service, "failed"),
                          model_bool(service, "left") || model_bool(service, "steady"),
                          model_bool(service, "blocked"), model_string(service, "state")),
        .word = cli_member_string(service, "state"),
        .desired =
            count_of(service, json_object_get(service, "meanwhileCount") ? "meanwhileCount" : "desiredCount"),
        .healthy = count_of(service, "healthy"),
        .left = count_of(service, "running") + count_of(service, "pending") + count_of(service, "stopping"),
        .family = model_string(deployment, "family"),
        .revision = model_int_in(deployment, "revision", 0, INT32_MAX),
        .commit = model_string(json_object_get(deployment, "commit"), "oid"),
        .reason = model_string(deployment, "reason"),
        .waiting = model_string(service, "waiting"),
        .lost = count_of(service, "lost"),
        .gone = count_of(service, "gone"),
        .lost_instance = model_string(service, "lostInstance"),
        .removing = text_equal(model_string(service, "status"), "DRAINING"),
        .suspended = model_bool(service, "suspended"),
        .held_commit = model_string(json_object_get(service, "held"), "commit"),
        .held_images = model_bool(json_object_get(service, "held"), "imagesOnly"),
        .failed_task = model_string(service, "failedTask"),
    };
    const char *held_at = model_string(json_object_get(service, "held"), "since");
    if (lost_at)
        text_to_time_ms(lost_at, &ret_service->lost_ms);
    if (held_at)
        text_to_time_ms(held_at, &ret_service->held_ms);
    revisions_of_json(json_object_get(service, "revisions"), ret_service);
    pull_of_json(json_object_get(service, "actions"), ret_service);
}

/* --- a line --------------------------------------------------------------------------------------------- */

/* Which revisions the healthy tasks are of, unless all are of the deployment's. */
static void append_revisions(struct buffer *out, const struct progress_service *service)
{
    const struct view_revision *last = NULL;
    size_t kinds = 0;
    for (size_t i = 0; i < service->revisions_len; i++) {
        if (service->revisions[i].healthy_count == 0)
            continue;
        last = &service->revisions[i];
        kinds++;
    }
    if (kinds == 1 && (last->revision != service->revision || !text_equal(last->family, service->family)))
        buffer_printf(out, " on %s:%d", last->family, last->revision);
    const char *before = " (";
    for (size_t i = 0; kinds > 1 && i < service->revisions_len; i++) {
        const struct view_revision *revision = &service->revisions[i];
        if (revision->healthy_count == 0)
            continue;
        buffer_printf(out, "%s%d %s:%d", before, revision->healthy_count, revision->family,
                      revision->revision);
        before = ", ";
    }
    buffer_append_str(out, kinds > 1 ? ")" : "");
}

static void append_bar(struct buffer *out, const struct progress_service *service)
{
    int healthy = service->healthy;
    int desired = service->desired;
    if (service->removing) { /* there is nothing to arrive at, full or not */
        buffer_printf(out, "[----------] %d task%s left", service->left, text_plural(service->left));
        return;
    }
    int filled = desired <= 0 || healthy >= desired ? BAR_WIDTH : BAR_WIDTH * healthy / desired;
    char bar[BAR_WIDTH + 1] = "";
    for (int i = 0; i < BAR_WIDTH; i++)
        bar[i] = i < filled ? '#' : '.';
    buffer_printf(out, "[%s] %d/%d healthy", bar, healthy, desired);
    append_revisions(out, service);
}

static void append_lost(struct buffer *out, const struct progress_service *service)
{
    char since[TEXT_TIME_SIZE] = "";
    if (service->lost <= 0 || !service->lost_instance)
        return;
    if (service->lost_ms)
        text_from_time_ms(service->lost_ms, since);
    buffer_printf(out, "  %d task%s %s: instance %s does not answer", service->lost,
                  text_plural(service->lost), service->gone == service->lost ? "lost" : "unknown",
                  service->lost_instance);
    if (since[0])
        buffer_printf(out, " since %.19sZ", since);
}

static void append_pull(struct buffer *out, const struct progress_service *service)
{
    if (!service->pulling)
        return;
    buffer_printf(out, "  pulling %s", service->pulling);
    if (service->pull_failure)
        buffer_printf(out, ": %s", service->pull_failure);
    else if (service->pull_bytes > 0)
        buffer_printf(out, " %.1f/%.1f MB", (double)service->pulled_bytes / 1e6,
                      (double)service->pull_bytes / 1e6);
}

/* Nothing is missing, and what is too many goes. */
static void append_surplus(struct buffer *out, const struct progress_service *service)
{
    int surplus = service->left - service->desired;
    if (surplus > 0 && text_equal(service->word, "stopping"))
        buffer_printf(out, "  waiting: %d task%s more than wanted, being stopped", surplus,
                      text_plural(surplus));
}

char *progress_line(const struct progress_service *service, int name_width)
{
    struct buffer out = BUFFER_INIT(4 * LIMIT_ERROR_CHARS);
    char *key CLEANUP_FREE = service_key(service->cluster, service->name);
    buffer_printf(&out, "%-*s  ", name_width, key);
    append_bar(&out, service);
    buffer_printf(&out, "  %s", service->word);
    bool held = text_equal(service->word, "held");
    if (held || text_starts_with(service->word, "roll"))
        buffer_append_str(&out, held ? " at" : " to"); /* "rolled back to web:2" */
    if (service->family)
        buffer_printf(&out, " %s:%d", service->family, service->revision);
    if (service->commit && service->commit[0]) {
        char commit[COMMIT_SHORT_SIZE];
        commit_short(service->commit, commit);
        buffer_printf(&out, " (%.7s)", commit);
    }
    append_lost(&out, service);
    if (service->state == PROGRESS_BUSY)
        append_pull(&out, service);
    if (service->state == PROGRESS_FAILED && service->reason && !service->suspended && !held)
        buffer_printf(&out, "  %s", service->reason);
    else if (service->state == PROGRESS_BUSY && service->waiting)
        buffer_printf(&out, "  waiting: %s", service->waiting);
    else if (service->state == PROGRESS_BUSY)
        append_surplus(&out, service);
    else if ((service->state == PROGRESS_BLOCKED || service->suspended || service->removing) &&
             service->waiting)
        buffer_printf(&out, "  %s", service->waiting);
    char *line = text_printable(buffer_str(&out));
    buffer_deinit(&out);
    return line;
}

/* NULL: it is left alone for another reason. */
static char *resumption(const struct progress_service *service)
{
    bool with_cluster = service->waiting && strstr(service->waiting, "with its cluster");
    if (!service->waiting || !strstr(service->waiting, "suspended by "))
        return NULL;
    if (strstr(service->waiting, "suspended by git"))
        return memory_printf("nothing of it happens until a commit takes davit.suspend of its %s away",
                             with_cluster ? "cluster" : "service");
    return memory_printf("nothing of it happens until davit resume %s%s%s", service->cluster,
                         with_cluster ? "" : "/", with_cluster ? "" : service->name);
}

char *progress_remedy(const struct progress_service *service)
{
    const char *cluster = service->cluster;
    const char *name = service->name;
    char since[TEXT_TIME_SIZE];
    if (service->suspended)
        return resumption(service);
    if (!service->held_commit && service->state == PROGRESS_BUSY && service->waiting &&
        strstr(service->waiting, BOUNDS))
        return memory_strdup("as long as that holds no task may start and none may stop: lower "
                             "minimumHealthyPercent or raise maximumPercent of its deploymentConfiguration");
    bool crashes = text_equal(service->word, "crash-looping");
    if (!service->held_commit && service->state != PROGRESS_FAILED && !(crashes && service->failed_task))
        return NULL;
    char *why CLEANUP_FREE = service->failed_task ? memory_printf("davit logs %s/%s -t %.12s says why",
                                                                  cluster, name, service->failed_task)
                                                  : NULL;
    if (!service->held_commit && crashes)
        return TAKE(why);
    if (!service->held_commit)
        return memory_printf("%s%sother content is tried, or the same by davit retry %s/%s", why ? why : "",
                             why ? "; " : "", cluster, name);
    text_from_time_ms(service->held_ms, since);
    return memory_printf("by davit rollback --hold since %.19sZ; %s %.12s %s not applied until the "
                         "content changes, or by davit retry %s/%s",
                         since, service->held_images ? "the newer images of commit" : "commit",
                         service->held_commit, service->held_images ? "are" : "is", cluster, name);
}

const char *progress_wanted(const struct progress_service *service, const json_t *sources)
{
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)(uintptr_t)sources, i, item)
        if (json_array_size(sources) == 1 || text_equal(model_string(item, "name"), service->source))
            return cli_member_string(item, "wanted.oid");
    return "";
}

/* --- all of them ---------------------------------------------------------------------------------------- */

struct progress *progress_new(const struct cli *cli)
{
    struct progress *progress = NEW(struct progress);
    progress->file = cli->err;
    progress->terminal = cli->err_is_terminal;
    progress->shown = MAP_INIT(free);
    return progress;
}

void progress_free(struct progress *progress)
{
    if (!progress)
        return;
    map_deinit(&progress->shown);
    free(progress);
}

static void show_changes(struct progress *progress, const struct progress_service *services, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char *key CLEANUP_FREE = service_key(services[i].cluster, services[i].name);
        struct progress_service plain = services[i];
        plain.pull_bytes = 0; /* no line for each megabyte */
        char *line CLEANUP_FREE = progress_line(&plain, 0);
        if (text_equal(line, map_get(&progress->shown, key)))
            continue;
        fprintf(progress->file, "%s\n", line);
        map_put(&progress->shown, key, TAKE(line));
    }
}

static struct winsize size_of(FILE *file)
{
    struct winsize size = {0};
    if (ioctl(fileno(file), TIOCGWINSZ, &size) < 0 || size.ws_col < 20 || size.ws_row < 4)
        size = (struct winsize){.ws_row = 24, .ws_col = 80};
    return size;
}

/* The bytes of the first so many characters of UTF-8, or of all. */
static size_t bytes_of(const char *text, size_t characters)
{
    size_t bytes = 0;
    for (size_t i = 0; text[bytes] && i < characters; i++)
        do
            bytes++;
        while (((unsigned char)text[bytes] & 0xc0) == 0x80);
    return bytes;
}

/* What of the text goes into the first of several lines: between words, unless one is very long. */
static size_t first_line_of(const char *text, size_t columns)
{
    size_t bytes = bytes_of(text, columns);
    for (size_t i = bytes; i > bytes / 2; i--)
        if (text[i] == ' ')
            return i;
    return bytes;
}

/* In lines of so many characters, `most` of them at the most; "..." is where it is cut. Returns how many. */
static size_t draw_lines(FILE *file, const char *text, size_t columns, size_t most)
{
    size_t drawn = 0;
    for (const char *indent = ""; drawn < most && (*text || !drawn); drawn++, indent = "  ") {
        size_t room = columns - strlen(indent);
        size_t bytes = bytes_of(text, room);
        bool rest = text[bytes];
        bool cut = rest && drawn + 1 == most;
        if (rest)
            bytes = cut ? bytes_of(text, room - strlen(CUT)) : first_line_of(text, room);
        fprintf(file, "%s%.*s%s\033[K\n", indent, (int)bytes, text, cut ? CUT : "");
        text += bytes + strspn(text + bytes, " ");
    }
    return drawn;
}

static int widest(const struct progress_service *services, size_t len)
{
    size_t width = 0;
    for (size_t i = 0; i < len; i++) {
        size_t own = strlen(services[i].cluster) + 1 + strlen(services[i].name);
        width = own > width ? own : width;
    }
    return (int)width;
}

static void move_up(const struct progress *progress)
{
    if (progress->drawn)
        fprintf(progress->file, "\033[%zuA", progress->drawn);
}

/* What is not done comes first, so that it is seen when there are more services than lines. Where there are
 * fewer, what a service waits for is told in as many lines as it takes. */
static void draw(struct progress *progress, const struct progress_service *services, size_t len)
{
    struct winsize size = size_of(progress->file);
    size_t room = (size_t)size.ws_row - 2;
    size_t drawn = 0;
    int name_width = widest(services, len);
    move_up(progress);
    for (int done = 0; done < 2; done++) {
        for (size_t i = 0; i < len && drawn < room; i++) {
            if ((len > room ? services[i].state == PROGRESS_STEADY : 0) != done)
                continue;
            char *line CLEANUP_FREE = progress_line(&services[i], name_width);
            size_t others = len > room ? 0 : len - i - 1; /* that need a line, too */
            drawn +=
                draw_lines(progress->file, line, size.ws_col - 1u, len > room ? 1 : room - drawn - others);
        }
    }
    if (len > room)
        fprintf(progress->file, "and %zu more\033[K\n", len - room);
    fputs("\033[J", progress->file);
    progress->drawn = drawn + (len > room);
}

void progress_show(struct progress *progress, const struct progress_service *services, size_t len)
{
    if (progress->terminal)
        draw(progress, services, len);
    else
        show_changes(progress, services, len);
    fflush(progress->file);
}

void progress_finish(struct progress *progress, const struct progress_service *services, size_t len)
{
    if (!progress->terminal) {
        progress_show(progress, services, len);
        return;
    }
    int name_width = widest(services, len);
    move_up(progress);
    fputs("\033[J", progress->file);
    for (size_t i = 0; i < len; i++) {
        char *line CLEANUP_FREE = progress_line(&services[i], name_width);
        fprintf(progress->file, "%s\n", line);
    }
    progress->drawn = 0;
    fflush(progress->file);
}
