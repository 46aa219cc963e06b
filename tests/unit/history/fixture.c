#include "fixture.h"

#include "base/text.h"
#include "history/merge.h"
#include "unit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOW_MS 1700000000000

int fixture_setup(void **state)
{
    struct fixture *f = NEW(struct fixture);
    unit_make_dir(f->dir, sizeof f->dir, "history");
    snprintf(f->repo, sizeof f->repo, "%s/mirror.git", f->dir);
    f->options = (struct history_options){.path = f->repo};
    *state = f;
    fixture_reopen(f);
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    history_free(f->history);
    nftw(f->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

void fixture_reopen(struct fixture *f)
{
    struct error err = ERROR_INIT;
    history_free(f->history);
    f->history = NULL;
    if (history_open(&f->options, &f->history, &err) < 0)
        fail_msg("%s", error_text(&err));
}

struct ledger_change fixture_change(enum ledger_change_kind kind, const char *name, json_t *entry,
                                    const char *message)
{
    return (struct ledger_change){
        .kind = kind, .name = (char *)name, .entry = entry, .message = (char *)message};
}

int fixture_save_change(struct fixture *f, const struct ledger_change *change, int64_t now_ms,
                        struct error *err)
{
    struct ledger_change item = *change;
    struct ledger_change_vec changes = {.items = &item, .len = 1};
    return history_save(f->history, &changes, now_ms, err);
}

int fixture_save(struct fixture *f, const char *service, int n, struct error *err)
{
    char *message CLEANUP_FREE = memory_printf("%s: deployment %d COMPLETED", service, n);
    struct ledger_change change =
        fixture_change(LEDGER_SERVICE, service, json_pack("{s:i, s:s}", "n", n, "service", service), message);
    int status = fixture_save_change(f, &change, NOW_MS + n * 1000LL, err);
    json_decref(change.entry);
    return status;
}

int fixture_tidy(struct fixture *f, struct error *err)
{
    int status = history_tidy(f->history, err);
    struct history_merge *merge = status == 0 ? history_merge_new(f->history) : NULL;
    if (!merge)
        return status;
    history_merge_run(merge);
    return history_merge_end(f->history, merge, err);
}

struct wanted {
    const char *service;
    int n;
    size_t count;
};

static int on_entry(void *data, enum ledger_change_kind kind, const char *name, const json_t *entry)
{
    struct wanted *wanted = data;
    wanted->count++;
    if (kind == LEDGER_SERVICE && text_equal(name, wanted->service))
        wanted->n = (int)json_integer_value(json_object_get(entry, "n"));
    return 0;
}

static struct wanted load(struct fixture *f, const char *service, struct history_report *ret_report)
{
    struct wanted wanted = {.service = service, .n = -1};
    struct history_visitor visitor = {.on_entry = on_entry, .data = &wanted};
    struct error err = ERROR_INIT;
    struct history_report report;
    if (history_load(f->history, &visitor, ret_report ? ret_report : &report, &err) < 0)
        fail_msg("%s", error_text(&err));
    return wanted;
}

int fixture_load(struct fixture *f, const char *service, struct history_report *ret_report)
{
    return load(f, service, ret_report).n;
}

size_t fixture_count(struct fixture *f)
{
    return load(f, NULL, NULL).count;
}

char *fixture_run(const struct fixture *f, const char *format, ...)
{
    char *command CLEANUP_FREE = NULL;
    va_list ap;
    va_start(ap, format);
    assert_true(vasprintf(&command, format, ap) >= 0);
    va_end(ap);
    char *line CLEANUP_FREE = memory_printf("cd %s && { %s; } 2>&1", f->repo, command);
    FILE *pipe = popen(line, "r");
    assert_non_null(pipe);
    char *out = memory_alloc(1 << 20);
    size_t len = fread(out, 1, (1 << 20) - 1, pipe);
    out[len] = '\0';
    int status = pclose(pipe);
    if (status != 0)
        fail_msg("%s: status %d: %s", command, WEXITSTATUS(status), out);
    return out;
}
