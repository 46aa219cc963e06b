#include "cli/progress.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/output.h"
#include "core/steady.h"
#include "model/json.h"

#include <ctype.h>
#include <string.h>
#include <sys/ioctl.h>

#define BAR_WIDTH 10

struct progress {
    FILE *file;
    bool terminal;
    size_t drawn;     /* lines on the terminal that the next picture replaces */
    struct map shown; /* "cluster/service" -> its last line, where there is no terminal */
};

void progress_of_view(const struct view_service *view, struct progress_service *ret_service)
{
    const struct deployment *primary = view->ledger ? service_ledger_primary(view->ledger) : NULL;
    *ret_service = (struct progress_service){
        .cluster = view->cluster,
        .name = view->name,
        .state = view_service_has_failed(view)  ? PROGRESS_FAILED
                 : view_service_is_steady(view) ? PROGRESS_STEADY
                                                : PROGRESS_BUSY,
        .desired = view->desired ? view->desired->desired_count : 0,
        .healthy = view->healthy_count,
        .waiting = view->waiting,
        .removing = !view->desired,
    };
    if (!primary)
        return;
    ret_service->deployment = primary->id;
    ret_service->family = primary->family;
    ret_service->revision = primary->revision;
    ret_service->commit = primary->commit.oid;
    ret_service->reason = primary->reason;
    ret_service->completed = primary->state == DEPLOYMENT_COMPLETED;
}

void progress_of_json(const json_t *service, struct progress_service *ret_service)
{
    const json_t *deployment = json_object_get(service, "deployment");
    *ret_service = (struct progress_service){
        .cluster = cli_member_string(service, "cluster"),
        .name = cli_member_string(service, "name"),
        .state = model_bool(service, "failed")   ? PROGRESS_FAILED
                 : model_bool(service, "steady") ? PROGRESS_STEADY
                                                 : PROGRESS_BUSY,
        .desired = model_int_in(service, "desiredCount", 0, LIMIT_DESIRED_COUNT),
        .healthy = model_int_in(service, "healthy", 0, LIMIT_DESIRED_COUNT),
        .deployment = model_string(deployment, "id"),
        .family = model_string(deployment, "family"),
        .revision = model_int_in(deployment, "revision", 0, INT32_MAX),
        .commit = model_string(json_object_get(deployment, "commit"), "oid"),
        .reason = model_string(deployment, "reason"),
        .waiting = model_string(service, "waiting"),
        .completed = text_equal(model_string(deployment, "state"), "COMPLETED"),
        .removing = text_equal(model_string(service, "status"), "DRAINING"),
    };
}

static void append_bar(struct buffer *out, int healthy, int desired)
{
    int filled = desired <= 0 || healthy >= desired ? BAR_WIDTH : BAR_WIDTH * healthy / desired;
    char bar[BAR_WIDTH + 1] = "";
    for (int i = 0; i < BAR_WIDTH; i++)
        bar[i] = i < filled ? '#' : '.';
    buffer_printf(out, "[%s] %d/%d healthy", bar, healthy, desired);
}

static const char *word_of(const struct progress_service *service)
{
    if (service->removing)
        return "removing";
    if (service->state == PROGRESS_BUSY)
        return service->completed ? "healing" : "deploying";
    return service->state == PROGRESS_FAILED ? "failed" : "steady";
}

char *progress_line(const struct progress_service *service, int name_width)
{
    struct buffer out = BUFFER_INIT(4 * LIMIT_ERROR_CHARS);
    char *key CLEANUP_FREE = service_key(service->cluster, service->name);
    buffer_printf(&out, "%-*s  ", name_width, key);
    append_bar(&out, service->healthy, service->desired);
    buffer_printf(&out, "  %s", word_of(service));
    if (service->deployment)
        buffer_printf(&out, " %s %s:%d", service->deployment, service->family ? service->family : "?",
                      service->revision);
    if (service->commit && service->commit[0]) {
        char commit[COMMIT_SHORT_SIZE];
        commit_short(service->commit, commit);
        buffer_printf(&out, " (%.7s)", commit);
    }
    if (service->state == PROGRESS_FAILED && service->reason)
        buffer_printf(&out, "  %s", service->reason);
    else if (service->state == PROGRESS_BUSY && service->waiting)
        buffer_printf(&out, "  waiting: %s", service->waiting);
    char *line = buffer_steal(&out);
    for (char *c = line; *c; c++)
        if (iscntrl((unsigned char)*c))
            *c = ' ';
    return line;
}

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
        char *line CLEANUP_FREE = progress_line(&services[i], 0);
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

/* At most so many characters, cut between characters of UTF-8. */
static void draw_line(FILE *file, const char *line, size_t columns)
{
    size_t bytes = 0;
    for (size_t width = 0; line[bytes] && width < columns; width++)
        do
            bytes++;
        while (((unsigned char)line[bytes] & 0xc0) == 0x80);
    fprintf(file, "%.*s\033[K\n", (int)bytes, line);
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

/* What is not done comes first, so that it is seen when there are more services than lines. */
static void draw(struct progress *progress, const struct progress_service *services, size_t len)
{
    struct winsize size = size_of(progress->file);
    size_t room = (size_t)size.ws_row - 2;
    size_t drawn = 0;
    int name_width = widest(services, len);
    if (progress->drawn)
        fprintf(progress->file, "\033[%zuA", progress->drawn);
    for (int done = 0; done < 2; done++) {
        for (size_t i = 0; i < len && drawn < room; i++) {
            if ((len > room ? services[i].state == PROGRESS_STEADY : 0) != done)
                continue;
            char *line CLEANUP_FREE = progress_line(&services[i], name_width);
            draw_line(progress->file, line, size.ws_col - 1u);
            drawn++;
        }
    }
    if (len > drawn)
        fprintf(progress->file, "and %zu more\033[K\n", len - drawn);
    fputs("\033[J", progress->file);
    progress->drawn = drawn + (len > drawn);
}

void progress_show(struct progress *progress, const struct progress_service *services, size_t len)
{
    if (progress->terminal)
        draw(progress, services, len);
    else
        show_changes(progress, services, len);
    fflush(progress->file);
}
