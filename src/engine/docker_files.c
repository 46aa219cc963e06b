#include "engine/docker_files.h"

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/docker_create_map.h"
#include "model/json.h"
#include "model/mount.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DRAFT       ".draft" /* no name ends so: they end in 12 digits of a task id */
#define BLOCK_BYTES 512
/* Some for headers and padding. */
#define TAR_MAX_BYTES (LIMIT_CONTAINER_FILES_BYTES + LIMIT_CONTAINER_FILES * 8192)
#define ID_MAX        07777777 /* seven octal digits */

/* POSIX ustar. */
struct tar_header {
    char name[100];
    char mode[8];
    char uid[8];
    char gid[8];
    char size[12];
    char mtime[12];
    char checksum[8];
    char type;
    char link[100];
    char magic[6];
    char version[2];
    char owner[32];
    char group[32];
    char device_major[8];
    char device_minor[8];
    char prefix[155];
    char padding[12];
};
_Static_assert(sizeof(struct tar_header) == BLOCK_BYTES, "a header is a block");

void docker_files_apply(const struct engine_create *create, json_t *body)
{
    assert(create && body);
    if (create->environment)
        json_object_set_new(body, "Env", model_strings_to_json(create->environment));
}

static int append_padded(struct buffer *tar, const void *bytes, size_t len)
{
    static const char zeros[BLOCK_BYTES];
    int r = buffer_append(tar, bytes, len);
    if (r == 0 && len % BLOCK_BYTES)
        r = buffer_append(tar, zeros, BLOCK_BYTES - len % BLOCK_BYTES);
    return r;
}

static int append_header(struct buffer *tar, const char *path, char type, const struct engine_file *file)
{
    struct tar_header header = {.type = type, .magic = "ustar", .version = {'0', '0'}};
    size_t len = strlen(path);
    memcpy(header.name, path, len < sizeof header.name ? len : sizeof header.name);
    snprintf(header.mode, sizeof header.mode, "%07o", (unsigned)file->mode & 07777);
    snprintf(header.uid, sizeof header.uid, "%07o", (unsigned)(file->uid & ID_MAX));
    snprintf(header.gid, sizeof header.gid, "%07o", (unsigned)(file->gid & ID_MAX));
    snprintf(header.size, sizeof header.size, "%011zo", file->len);
    memset(header.mtime, '0', sizeof header.mtime - 1); /* the same archive for the same files */
    memset(header.checksum, ' ', sizeof header.checksum);
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof header; i++)
        sum += ((const unsigned char *)&header)[i];
    snprintf(header.checksum, sizeof header.checksum, "%06o", sum);
    return buffer_append(tar, &header, sizeof header);
}

/* A pax record carries its own length, digits included. */
static char *pax_record(const char *path)
{
    size_t rest = strlen(path) + strlen(" path=\n");
    size_t len = rest + 1;
    for (size_t limit = 10; len >= limit; limit *= 10)
        len = rest + (size_t)snprintf(NULL, 0, "%zu", limit);
    return memory_printf("%zu path=%s\n", len, path);
}

/* `skip`: of the target, the directory that the archive is for. */
static int append_file(struct buffer *tar, const struct engine_file *file, size_t skip)
{
    const char *path = file->target + skip;
    while (*path == '/')
        path++;
    if (strlen(path) > sizeof((struct tar_header *)NULL)->name) {
        char *record CLEANUP_FREE = pax_record(path);
        const struct engine_file pax = {.len = strlen(record), .mode = 0644};
        int r = append_header(tar, "pax", 'x', &pax);
        if (r == 0)
            r = append_padded(tar, record, pax.len);
        if (r < 0)
            return r;
    }
    int r = append_header(tar, path, '0', file);
    return r < 0 ? r : append_padded(tar, file->content, file->len);
}

void docker_archive_vec_deinit(struct docker_archive_vec *archives)
{
    assert(archives);
    for (size_t i = 0; i < archives->len; i++) {
        free(archives->items[i].path);
        buffer_deinit(&archives->items[i].tar);
    }
    vector_deinit(archives);
}

static struct docker_archive *archive_for(struct docker_archive_vec *archives, const char *path)
{
    for (size_t i = 0; i < archives->len; i++)
        if (text_equal(archives->items[i].path, path))
            return &archives->items[i];
    vector_push(archives,
                (struct docker_archive){.path = memory_strdup(path), .tar = BUFFER_INIT(TAR_MAX_BYTES)});
    return &archives->items[archives->len - 1];
}

/* Podman looks for a volume at the path of the archive only, and not below: *ret_path becomes that of one. */
static int find_place(const struct engine_create *create, const struct engine_file *file,
                      const char **ret_path, struct error *err)
{
    static const char *const words[] = {
        [MOUNT_NO_VOLUME] = "its root file system is read-only and no volume is mounted above",
        [MOUNT_READ_ONLY] = "the volume is mounted read-only that holds",
        [MOUNT_HIDDEN] = "a tmpfs would hide",
        [MOUNT_ENGINES] = "the engine mounts a file system of its own over",
        [MOUNT_TAKEN] = "a volume is mounted at or below",
    };
    const char *volume = NULL;
    enum mount_fate fate = mount_fate_of(docker_container_of(create), file->target, &volume);
    if (fate != MOUNT_FINE)
        return error_set(err, ERROR_INVALID, "container %s: %s %s", create->container, words[fate],
                         file->target);
    if (volume)
        *ret_path = volume;
    return 0;
}

int docker_files_archives(const struct engine_create *create, struct docker_archive_vec *ret_archives,
                          struct error *err)
{
    assert(create && ret_archives);
    static const char end[2 * BLOCK_BYTES];
    int r = 0;
    for (size_t i = 0; r == 0 && i < create->files_len; i++) {
        const struct engine_file *file = &create->files[i];
        const char *path = "/";
        r = find_place(create, file, &path, err);
        if (r < 0)
            return r;
        r = append_file(&archive_for(ret_archives, path)->tar, file, strlen(path));
    }
    for (size_t i = 0; r == 0 && i < ret_archives->len; i++)
        r = buffer_append(&ret_archives->items[i].tar, end, sizeof end);
    return r < 0 ? error_set(err, ERROR_LIMIT, "the files of container %s are too large together",
                             create->container)
                 : 0;
}

char *docker_files_draft_name(const char *name)
{
    return memory_printf("%s" DRAFT, name);
}

bool docker_files_is_draft(const char *name)
{
    return name && text_ends_with(name, DRAFT);
}
