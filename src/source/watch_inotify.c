#include "source/watch.h"

#include "base/memory.h"
#include "base/text.h"
#include "source/git.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

/* One directory may be watched for both: IN_MASK_ADD. */
#define NAMES                                                                                                \
    (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE | IN_DELETE_SELF | IN_MOVE_SELF |  \
     IN_ONLYDIR | IN_MASK_ADD)
#define CONTENTS                                                                                             \
    (NAMES | IN_MODIFY |                                                                                     \
     IN_ATTRIB) /* not for the directory around a repository: a log may be written there */
#define ALWAYS (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_Q_OVERFLOW)

struct directory {
    int wd;
    bool everything;         /* manifests and directories of any name */
    bool anything;           /* other files as well */
    struct string_vec names; /* else of these names */
};

struct directory_vec VECTOR_OF(struct directory);

struct source_watch {
    uv_poll_t poll;
    int fd;
    struct directory_vec directories; /* sorted by wd */
    void (*fire)(void *data);
    void (*closed)(void *data);
    void *data;
};

static void directories_deinit(struct directory_vec *directories)
{
    for (size_t i = 0; i < directories->len; i++)
        string_vec_deinit(&directories->items[i].names);
    vector_deinit(directories);
}

static int compare_wds(const void *a, const void *b)
{
    int left = ((const struct directory *)a)->wd;
    int right = ((const struct directory *)b)->wd;
    return (left > right) - (left < right);
}

static struct directory *find(const struct directory_vec *directories, int wd)
{
    struct directory key = {.wd = wd};
    if (!directories->len)
        return NULL;
    return bsearch(&key, directories->items, directories->len, sizeof key, compare_wds);
}

static bool is_of_interest(const struct source_watch *watch, const struct inotify_event *event)
{
    if (event->mask & IN_Q_OVERFLOW)
        return true;
    const struct directory *directory = find(&watch->directories, event->wd);
    if (!directory) /* the last word of a watch that was taken back */
        return false;
    if ((event->mask & ALWAYS) || !event->len)
        return (event->mask & ALWAYS) != 0;
    if (directory->anything && event->name[0] != '.')
        return true;
    if (directory->everything &&
        (source_is_manifest_name(event->name) || ((event->mask & IN_ISDIR) && event->name[0] != '.')))
        return true;
    for (size_t i = 0; i < directory->names.len; i++) {
        if (strcmp(directory->names.items[i], event->name) == 0)
            return true;
    }
    return false;
}

static bool drain(struct source_watch *watch)
{
    _Alignas(struct inotify_event) char events[16384];
    bool interesting = false;
    for (;;) {
        ssize_t len = read(watch->fd, events, sizeof events);
        if (len <= 0)
            return interesting;
        for (char *p = events; p < events + len;) {
            const struct inotify_event *event = (const struct inotify_event *)(void *)p;
            interesting |= is_of_interest(watch, event);
            p += sizeof *event + event->len;
        }
    }
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct source_watch *watch = poll->data;
    (void)status;
    (void)events;
    if (drain(watch))
        watch->fire(watch->data);
}

struct source_watch *source_watch_new(uv_loop_t *loop, void (*fire)(void *data), void *data)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0)
        return NULL;
    struct source_watch *watch = NEW(struct source_watch);
    watch->fd = fd;
    watch->fire = fire;
    watch->data = data;
    watch->poll.data = watch;
    if (uv_poll_init(loop, &watch->poll, fd) < 0) {
        close(fd);
        free(watch);
        return NULL;
    }
    uv_poll_start(&watch->poll, UV_READABLE, on_readable);
    return watch;
}

/* Watches the parent of `path` for its last name, or that of its nearest ancestor that has one. */
static bool watch_name(struct source_watch *watch, struct directory_vec *directories, const char *path)
{
    char *parent CLEANUP_FREE = memory_strdup(path);
    for (;;) {
        char *slash = strrchr(parent, '/');
        if (!slash || !slash[1])
            return false;
        char *name CLEANUP_FREE = memory_strdup(slash + 1);
        slash[slash == parent ? 1 : 0] = '\0';
        int wd = inotify_add_watch(watch->fd, parent, NAMES);
        if (wd >= 0) {
            struct directory directory = {.wd = wd};
            vector_push(&directory.names, TAKE(name));
            vector_push(directories, directory);
            return true;
        }
        if (errno != ENOENT && errno != ENOTDIR)
            return false;
    }
}

static bool watch_directory(struct source_watch *watch, struct directory_vec *directories, const char *path)
{
    bool anything = text_ends_with(path, "*");
    char *directory CLEANUP_FREE = memory_strndup(path, strlen(path) - anything);
    int wd = inotify_add_watch(watch->fd, directory, CONTENTS);
    if (wd >= 0)
        vector_push(directories, (struct directory){.wd = wd, .everything = true, .anything = anything});
    return wd >= 0;
}

/* Sorts, and makes one of those with the same wd. */
static void merge(struct directory_vec *directories)
{
    size_t len = 0;
    vector_sort(directories, compare_wds);
    for (size_t i = 0; i < directories->len; i++) {
        struct directory *next = &directories->items[i];
        struct directory *last = len ? &directories->items[len - 1] : NULL;
        if (!last || last->wd != next->wd) {
            directories->items[len++] = *next;
            continue;
        }
        last->everything |= next->everything;
        last->anything |= next->anything;
        for (size_t n = 0; n < next->names.len; n++)
            vector_push(&last->names, next->names.items[n]);
        free(next->names.items);
    }
    directories->len = len;
}

/* Takes the watches back that the new set lacks. Returns whether the new set has one more. */
static bool replace(struct source_watch *watch, struct directory_vec *directories)
{
    bool added = false;
    merge(directories);
    for (size_t i = 0; i < directories->len; i++)
        added |= !find(&watch->directories, directories->items[i].wd);
    for (size_t i = 0; i < watch->directories.len; i++) {
        if (!find(directories, watch->directories.items[i].wd))
            inotify_rm_watch(watch->fd, watch->directories.items[i].wd);
    }
    directories_deinit(&watch->directories);
    watch->directories = *directories;
    return added;
}

bool source_watch_paths(struct source_watch *watch, const struct string_vec *paths, bool *ret_complete)
{
    struct directory_vec directories = {0};
    *ret_complete = true;
    for (size_t i = 0; i < paths->len; i++) {
        const char *path = paths->items[i];
        bool done = text_ends_with(path, "/") || text_ends_with(path, "/*")
                        ? watch_directory(watch, &directories, path)
                        : watch_name(watch, &directories, path);
        *ret_complete &= done;
    }
    return replace(watch, &directories);
}

static void on_closed(uv_handle_t *handle)
{
    struct source_watch *watch = handle->data;
    close(watch->fd);
    directories_deinit(&watch->directories);
    watch->closed(watch->data);
    free(watch);
}

void source_watch_free(struct source_watch *watch, void (*closed)(void *data))
{
    watch->closed = closed;
    uv_close((uv_handle_t *)&watch->poll, on_closed);
}
