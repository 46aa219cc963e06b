#include "fixture.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEADLINE_MS 60000 /* only ever reached by a failure; valgrind is slow */

static const char *const environment[][2] = {
    {"GIT_CONFIG_GLOBAL", "/dev/null"}, {"GIT_CONFIG_SYSTEM", "/dev/null"},
    {"GIT_AUTHOR_NAME", "Ada"},         {"GIT_AUTHOR_EMAIL", "ada@example.org"},
    {"GIT_COMMITTER_NAME", "Ada"},      {"GIT_COMMITTER_EMAIL", "ada@example.org"},
    {"GIT_TERMINAL_PROMPT", "0"},
};

int fixture_setup(void **state)
{
    struct fixture *fixture = NEW(struct fixture);
    for (size_t i = 0; i < ARRAY_LEN(environment); i++)
        setenv(environment[i][0], environment[i][1], 1);
    unit_make_dir(fixture->dir, sizeof fixture->dir, "source");
    fixture->mirror = memory_printf("%s/state/a/mirror.git", fixture->dir);
    fixture->origin = memory_printf("%s/repo", fixture->dir);
    fixture->options = (struct source_options){.origin = fixture->origin, .mirror_dir = fixture->mirror};
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    uv_timer_init(&fixture->loop, &fixture->deadline);
    /* For the whole program: libgit2 keeps a little per thread, and libuv's threads live on to the end. */
    assert_int_equal(source_library_init(NULL), 0);
    *state = fixture;
    return 0;
}

void fixture_forget(struct fixture *fixture)
{
    for (size_t i = 0; i < fixture->seen.len; i++) {
        commit_deinit(&fixture->seen.items[i].commit);
        free(fixture->seen.items[i].files);
    }
    vector_deinit(&fixture->seen);
    string_vec_deinit(&fixture->errors);
}

int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    if (fixture->source)
        fixture_stop(fixture);
    uv_close((uv_handle_t *)&fixture->deadline, NULL);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    fixture_sh(fixture, "cd /; chmod -R u+rwx %s; rm -rf %s", fixture->dir, fixture->dir);
    fixture_forget(fixture);
    free(fixture->origin);
    free(fixture->mirror);
    free(fixture);
    return 0;
}

static char *script(struct fixture *fixture, const char *format, va_list ap)
{
    char *body CLEANUP_FREE = NULL;
    assert_true(vasprintf(&body, format, ap) >= 0);
    return memory_printf("set -e; cd %s; exec 2>>log; %s", fixture->dir, body);
}

void fixture_sh(struct fixture *fixture, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    char *text CLEANUP_FREE = script(fixture, format, ap);
    va_end(ap);
    char *quiet CLEANUP_FREE = memory_printf("{ %s\n} >/dev/null", text);
    int rc = system(quiet);
    if (rc != 0)
        fail_msg("exit %d: %s", rc, text);
}

char *fixture_ask(struct fixture *fixture, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    char *text CLEANUP_FREE = script(fixture, format, ap);
    va_end(ap);
    char line[256] = "";
    FILE *pipe = popen(text, "r");
    assert_non_null(pipe);
    if (!fgets(line, sizeof line, pipe))
        line[0] = '\0';
    pclose(pipe);
    line[strcspn(line, "\n")] = '\0';
    return memory_strdup(line);
}

void fixture_commit_malformed(struct fixture *fixture, const char *directory)
{
    fixture_sh(
        fixture,
        "cd %s; git add .; printf 'tree %%s\\nparent %%s\\nauthor X x@y 1700000000 +0000\\ncommitter Y\\n"
        "\\nmalformed\\n' $(git write-tree) $(git rev-parse HEAD) >../malformed; "
        "git reset -q $(git hash-object -t commit --literally -w ../malformed)",
        directory);
}

void fixture_repository(struct fixture *fixture)
{
    fixture_sh(fixture,
               "git init -q -b main repo; cd repo; printf one >web.yaml; git add .; git commit -qm first");
}

static void on_update(void *data, const struct source_update *update)
{
    struct fixture *fixture = data;
    struct seen seen = {.head = update->head,
                        .full = update->full,
                        .rewritten = update->rewritten,
                        .generation = update->generation};
    struct buffer files CLEANUP(buffer_deinit) = BUFFER_INIT(1024 * 1024);
    memcpy(seen.fork, update->fork, sizeof seen.fork);
    commit_copy(&update->commit, &seen.commit);
    for (size_t i = 0; i < update->files.len; i++) {
        const struct source_file *file = &update->files.items[i];
        seen.too_large |= file->too_large;
        if (file->other && file->kind == SOURCE_FILE) {
            assert_int_equal(strlen(file->oid), 40);
            assert_null(file->content);
            buffer_printf(&files, "%s:%d%s;", file->path, (int)file->size_bytes, file->executable ? "*" : "");
        } else if (file->other && (file->kind == SOURCE_LFS || file->kind == SOURCE_TOO_LARGE))
            buffer_printf(&files, "%s%s;", file->path, file->kind == SOURCE_LFS ? "!" : " is too large");
        else if (file->kind == SOURCE_DELETED)
            buffer_printf(&files, "%s-;", file->path);
        else if (file->kind == SOURCE_FILE)
            buffer_printf(&files, "%s=%s;", file->path, file->content ? file->content : "?");
        else
            buffer_printf(&files, "%s%s;", file->path, file->kind == SOURCE_SYMLINK ? "@" : "#");
    }
    seen.files = buffer_steal(&files);
    vector_push(&fixture->seen, seen);
    if (fixture->free_in_update) {
        source_free(fixture->source);
        fixture->source = NULL;
    }
}

static void on_status(void *data, const struct source_status *status)
{
    struct fixture *fixture = data;
    assert_int_equal(status->ok, status->error.code == 0);
    vector_push(&fixture->errors, memory_strdup(status->error.message));
    if (status->away && !fixture->told_away)
        fixture->told_away = fixture->errors.len;
}

void fixture_start(struct fixture *fixture)
{
    struct source_listener listener = {on_update, on_status, fixture};
    fixture->source = source_new(&fixture->loop, &fixture->options, &listener);
}

void fixture_stop(struct fixture *fixture)
{
    source_free(fixture->source);
    fixture->source = NULL;
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
}

static void on_deadline(uv_timer_t *timer)
{
    struct fixture *fixture = (void *)((char *)timer - offsetof(struct fixture, deadline));
    fixture->late = true;
}

/* What is awaited. */
struct goal {
    bool (*reached)(struct fixture *, const struct goal *);
    size_t count;
    const char *text;
};

static bool await(struct fixture *fixture, const struct goal *goal, int ms)
{
    fixture->late = false;
    uv_update_time(&fixture->loop);
    uv_timer_start(&fixture->deadline, on_deadline, (uint64_t)ms, 0);
    while (!fixture->late && !goal->reached(fixture, goal))
        uv_run(&fixture->loop, UV_RUN_ONCE);
    uv_timer_stop(&fixture->deadline);
    return goal->reached(fixture, goal);
}

static bool has_updates(struct fixture *fixture, const struct goal *goal)
{
    return fixture->seen.len >= goal->count;
}

static bool has_head(struct fixture *fixture, const struct goal *goal)
{
    return fixture->seen.len && fixture_last(fixture)->head &&
           text_equal(fixture_last(fixture)->files, goal->text);
}

static bool has_error(struct fixture *fixture, const struct goal *goal)
{
    return fixture->errors.len && strstr(fixture->errors.items[fixture->errors.len - 1], goal->text);
}

static bool has_errors(struct fixture *fixture, const struct goal *goal)
{
    return fixture->errors.len >= goal->count;
}

static bool has_failures(struct fixture *fixture, const struct goal *goal)
{
    return (size_t)source_get_status(fixture->source)->failures >= goal->count;
}

static bool has_ok(struct fixture *fixture, const struct goal *goal)
{
    (void)goal;
    return fixture->errors.len && !*fixture->errors.items[fixture->errors.len - 1];
}

static bool never(struct fixture *fixture, const struct goal *goal)
{
    (void)fixture;
    (void)goal;
    return false;
}

static const char *last_error(struct fixture *fixture)
{
    return fixture->errors.len ? fixture->errors.items[fixture->errors.len - 1] : "(no status)";
}

void fixture_await_updates(struct fixture *fixture, size_t count)
{
    struct goal goal = {.reached = has_updates, .count = count};
    if (!await(fixture, &goal, DEADLINE_MS))
        fail_msg("%zu updates instead of %zu; status: %s", fixture->seen.len, count, last_error(fixture));
}

void fixture_await_head(struct fixture *fixture, const char *files)
{
    struct goal goal = {.reached = has_head, .text = files};
    if (!await(fixture, &goal, DEADLINE_MS))
        fail_msg("\"%s\" instead of \"%s\"; status: %s",
                 fixture->seen.len ? fixture_last(fixture)->files : "(none)", files, last_error(fixture));
}

void fixture_await_error(struct fixture *fixture, const char *part)
{
    struct goal goal = {.reached = has_error, .text = part};
    if (!await(fixture, &goal, DEADLINE_MS))
        fail_msg("\"%s\" instead of \"%s\"", last_error(fixture), part);
}

void fixture_await_errors(struct fixture *fixture, size_t count)
{
    struct goal goal = {.reached = has_errors, .count = count};
    if (!await(fixture, &goal, DEADLINE_MS))
        fail_msg("%zu calls instead of %zu; status: %s", fixture->errors.len, count, last_error(fixture));
}

void fixture_await_failures(struct fixture *fixture, size_t count)
{
    struct goal goal = {.reached = has_failures, .count = count};
    if (!await(fixture, &goal, DEADLINE_MS))
        fail_msg("fewer than %zu failures; status: %s", count, last_error(fixture));
}

void fixture_await_ok(struct fixture *fixture)
{
    struct goal goal = {.reached = has_ok};
    if (!await(fixture, &goal, DEADLINE_MS))
        fail_msg("status: %s", last_error(fixture));
}

void fixture_idle(struct fixture *fixture, int ms)
{
    struct goal goal = {.reached = never};
    await(fixture, &goal, ms);
}

const struct seen *fixture_last(struct fixture *fixture)
{
    assert_true(fixture->seen.len > 0);
    return &fixture->seen.items[fixture->seen.len - 1];
}
