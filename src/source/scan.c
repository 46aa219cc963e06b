#include "source/scan.h"

#include "base/memory.h"
#include "source/git.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct scanner {
    const struct scan_options *options;
    struct scan *scan;
    int64_t bytes;
    int entries;
    bool others;  /* every file counts */
    size_t first; /* file of the place that is being read */
    struct error *err;
};

struct place {
    const char *path; /* relative to the root; "" is the root */
    int parent_fd;
    const char *name; /* in the parent */
    int depth;
};

static void close_fd(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static void close_dir(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}

void source_scan_deinit(struct scan *scan)
{
    source_file_vec_deinit(&scan->files);
    string_vec_deinit(&scan->directories);
}

static int fail(struct scanner *scanner, const char *path)
{
    int code = errno == ENOENT || errno == ENOTDIR ? ERROR_NOT_FOUND
               : errno == EACCES                   ? ERROR_DENIED
                                                   : ERROR_IO;
    const char *slash = *path ? "/" : "";
    return error_set(scanner->err, code, "%s%s%s: %s", scanner->options->root, slash, path, strerror(errno));
}

/* By ctime, which no copying tool sets back. A time in the future (the clock was set) counts as long ago. */
static bool is_fresh(const struct scanner *scanner, const struct stat *st)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t age_ms = (now.tv_sec - st->st_ctim.tv_sec) * 1000 + (now.tv_nsec - st->st_ctim.tv_nsec) / 1000000;
    return age_ms >= 0 && age_ms < scanner->options->still_ms;
}

static bool is_changed(const struct stat *a, const struct stat *b)
{
    return a->st_size != b->st_size || a->st_ctim.tv_sec != b->st_ctim.tv_sec ||
           a->st_ctim.tv_nsec != b->st_ctim.tv_nsec;
}

static struct source_file *add(struct scanner *scanner, const char *path, enum source_file_kind kind)
{
    vector_push(&scanner->scan->files,
                (struct source_file){.path = source_git_text(path), .kind = kind, .other = scanner->others});
    return &scanner->scan->files.items[scanner->scan->files.len - 1];
}

static int read_all(int fd, struct source_file *file)
{
    file->content = memory_alloc((size_t)file->size_bytes + 1);
    while (file->len < (size_t)file->size_bytes) {
        ssize_t n = read(fd, file->content + file->len, (size_t)file->size_bytes - file->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        file->len += (size_t)n;
    }
    file->content[file->len] = '\0';
    file->size_bytes = (int64_t)file->len;
    return 0;
}

static int read_file(struct scanner *scanner, const struct place *place)
{
    int fd CLEANUP(close_fd) =
        openat(place->parent_fd, place->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat before;
    struct stat after;
    if (fd < 0 && (errno == ENOENT || errno == ELOOP)) { /* gone or replaced since it was listed */
        scanner->scan->busy = true;
        return 0;
    }
    if (fd < 0 || fstat(fd, &before) < 0)
        return fail(scanner, place->path);
    if (!S_ISREG(before.st_mode))
        return 0;
    scanner->scan->busy |= is_fresh(scanner, &before);
    struct source_file *file = add(scanner, place->path, SOURCE_FILE);
    file->size_bytes = before.st_size;
    file->executable = before.st_mode & S_IXUSR; /* git's rule */
    file->too_large = before.st_size > (scanner->others ? LIMIT_FILE_BYTES : LIMIT_MANIFEST_BYTES);
    if (file->too_large)
        return 0;
    if (scanner->others && scanner->bytes + file->size_bytes > LIMIT_TREE_BYTES) {
        file->too_large = true; /* for memory */
        return 0;
    }
    scanner->bytes += file->size_bytes;
    if (scanner->bytes > LIMIT_TREE_BYTES)
        return error_set(scanner->err, ERROR_LIMIT,
                         "the manifests are larger than %lld bytes together (LIMIT_TREE_BYTES)",
                         LIMIT_TREE_BYTES);
    if (read_all(fd, file) < 0 || fstat(fd, &after) < 0)
        return fail(scanner, place->path);
    scanner->scan->busy |= is_changed(&before, &after);
    return 0;
}

static int read_link(struct scanner *scanner, const struct place *place)
{
    char target[PATH_MAX];
    ssize_t len = readlinkat(place->parent_fd, place->name, target, sizeof target - 1);
    if (len < 0) {
        scanner->scan->busy = true;
        return 0;
    }
    struct source_file *file = add(scanner, place->path, SOURCE_SYMLINK);
    file->content = memory_strndup(target, (size_t)len);
    file->len = strlen(file->content);
    file->size_bytes = len;
    return 0;
}

static int read_directory(struct scanner *scanner, const struct place *place);

static int read_entry(struct scanner *scanner, const struct place *place)
{
    struct stat st;
    if (fstatat(place->parent_fd, place->name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        scanner->scan->busy = true;
        return 0;
    }
    if (S_ISDIR(st.st_mode))
        return read_directory(scanner, place);
    if (!scanner->others && !source_is_manifest_name(place->name))
        return 0;
    if (scanner->scan->files.len - scanner->first >=
        (scanner->others ? LIMIT_CONTAINER_FILES : LIMIT_MANIFEST_FILES))
        return error_set(scanner->err, ERROR_LIMIT, "there are more than %d manifests (LIMIT_MANIFEST_FILES)",
                         LIMIT_MANIFEST_FILES);
    if (S_ISLNK(st.st_mode))
        return read_link(scanner, place);
    return S_ISREG(st.st_mode) ? read_file(scanner, place) : 0;
}

static int read_entries(struct scanner *scanner, DIR *dir, const struct place *place)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry)
            return errno ? fail(scanner, place->path) : 0;
        if (entry->d_name[0] == '.')
            continue;
        if (++scanner->entries > LIMIT_TREE_ENTRIES)
            return error_set(scanner->err, ERROR_LIMIT, "%s has more than %d entries (LIMIT_TREE_ENTRIES)",
                             scanner->options->root, LIMIT_TREE_ENTRIES);
        char *path CLEANUP_FREE =
            memory_printf("%s%s%s", place->path, *place->path ? "/" : "", entry->d_name);
        struct place below = {path, dirfd(dir), entry->d_name, place->depth + 1};
        int rc = read_entry(scanner, &below);
        if (rc < 0)
            return rc;
    }
}

static int read_directory(struct scanner *scanner, const struct place *place)
{
    const char *root = scanner->options->root;
    if (place->depth > LIMIT_TREE_DEPTH)
        return error_set(scanner->err, ERROR_LIMIT,
                         "directories below %s are nested deeper than %d (LIMIT_TREE_DEPTH)", root,
                         LIMIT_TREE_DEPTH);
    if (scanner->scan->directories.len >= LIMIT_MANIFEST_FILES)
        return error_set(scanner->err, ERROR_LIMIT, "%s has more than %d directories (LIMIT_MANIFEST_FILES)",
                         root, LIMIT_MANIFEST_FILES);
    int nofollow = place->depth ? O_NOFOLLOW : 0; /* the root itself may be a link */
    int fd = openat(place->parent_fd, place->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | nofollow);
    DIR *dir CLEANUP(close_dir) = fd < 0 ? NULL : fdopendir(fd);
    struct stat st;
    if (!dir || fstat(fd, &st) < 0)
        return fail(scanner, place->path);
    if (place->depth && scanner->options->skip_repositories && faccessat(fd, ".git", F_OK, 0) == 0)
        return 0;
    scanner->scan->busy |= is_fresh(scanner, &st);
    vector_push(&scanner->scan->directories, memory_printf("%s%s%s/%s", root, *place->path ? "/" : "",
                                                           place->path, scanner->others ? "*" : ""));
    return read_entries(scanner, dir, place);
}

/* The directory that the last part of the path is in; no link on the way to it is followed. -1 with errno. */
static int open_parent(const char *root, const char *path, const char **ret_name)
{
    int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (const char *slash = strchr(path, '/'); fd >= 0 && slash; slash = strchr(path, '/')) {
        char *name CLEANUP_FREE = memory_strndup(path, (size_t)(slash - path));
        int below = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int cause = errno;
        close(fd);
        errno = cause;
        fd = below;
        path = slash + 1;
    }
    *ret_name = path;
    return fd;
}

int source_scan_open(const char *root, const char *path)
{
    assert(root && path);
    const char *name;
    int fd CLEANUP(close_fd) = open_parent(root, path, &name);
    return fd < 0 ? -1 : openat(fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

static int read_place(struct scanner *scanner, const char *path)
{
    struct stat st;
    const char *name;
    int fd CLEANUP(close_fd) = open_parent(scanner->options->root, path, &name);
    bool none = errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == EACCES;
    if (fd < 0)
        return none ? 0 : fail(scanner, path);
    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    struct place place = {path, fd, name, 1};
    return read_entry(scanner, &place);
}

/* Takes back what one place has brought. Its directories stay watched, as far as there is room for them: it
 * may shrink. */
static void take_back(struct scan *scan, size_t files, size_t directories)
{
    while (scan->files.len > files) {
        const struct source_file *file = &scan->files.items[--scan->files.len];
        free(file->path);
        free(file->content);
    }
    if (scan->directories.len >= LIMIT_MANIFEST_FILES)
        while (scan->directories.len > directories + 1)
            free(scan->directories.items[--scan->directories.len]);
}

/* Whatever bound a directory goes over, or may not be read of it: it stands itself for what is in it, so that
 * no part of it is taken for the whole. A file that may not be read is not there. */
static int read_extra(struct scanner *scanner, const char *path)
{
    struct scan *scan = scanner->scan;
    size_t directories = scan->directories.len;
    int64_t bytes = scanner->bytes;
    scanner->first = scan->files.len;
    scanner->entries = 0;
    int rc = read_place(scanner, path);
    if (rc != ERROR_LIMIT && rc != ERROR_DENIED)
        return rc;
    if (scanner->err)
        *scanner->err = ERROR_INIT;
    bool stands = rc == ERROR_LIMIT || scan->directories.len > directories;
    take_back(scan, scanner->first, directories);
    scanner->bytes = bytes;
    if (stands)
        add(scanner, path, SOURCE_TOO_LARGE);
    return 0;
}

int source_scan(const struct scan_options *options, struct scan *scan, struct error *err)
{
    struct scanner scanner = {.options = options, .scan = scan, .err = err};
    struct place root = {"", AT_FDCWD, options->root, 0};
    int rc = options->others_only ? 0 : read_directory(&scanner, &root);
    scanner.others = true;
    for (size_t i = 0; rc == 0 && options->extra && i < options->extra->len; i++)
        rc = read_extra(&scanner, options->extra->items[i]);
    source_file_vec_sort(&scan->files);
    return rc;
}
