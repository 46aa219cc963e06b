#include "odb/guard.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <git2/sys/odb_backend.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#define CHUNK_BYTES 16384
/* libgit2's own backends have 2 (packs) and 1 (loose files), and of equals the older one is asked first: the
 * guard stands between them, so that what is packed costs no look at a file that is not there. */
#define PRIORITY 2

struct guard {
    git_odb_backend base;
    char *path;
};

/* Z_STREAM_END, Z_OK for more, or an error. */
static int inflate_chunk(z_stream *stream, unsigned char *in, size_t in_bytes)
{
    unsigned char out[CHUNK_BYTES];
    int status = Z_OK;
    stream->next_in = in;
    stream->avail_in = (unsigned)in_bytes;
    do {
        stream->next_out = out;
        stream->avail_out = sizeof out;
        status = inflate(stream, Z_NO_FLUSH);
    } while (status == Z_OK && (stream->avail_in > 0 || stream->avail_out == 0));
    return status == Z_BUF_ERROR ? Z_OK : status;
}

static bool is_whole_stream(int fd)
{
    unsigned char in[CHUNK_BYTES];
    z_stream stream = {0};
    if (inflateInit(&stream) != Z_OK)
        abort();
    int status = Z_OK;
    for (ssize_t got; status == Z_OK && (got = read(fd, in, sizeof in)) > 0;)
        status = inflate_chunk(&stream, in, (size_t)got);
    inflateEnd(&stream);
    return status == Z_STREAM_END;
}

bool odb_guard_is_whole(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT;
    bool whole = is_whole_stream(fd);
    close(fd);
    return whole;
}

char *odb_guard_loose_path(const char *path, const git_oid *oid)
{
    char hex[GIT_OID_HEXSZ + 1];
    git_oid_tostr(hex, sizeof hex, oid);
    return memory_printf("%sobjects/%.2s/%s", path, hex, hex + 2);
}

/* GIT_ENOTFOUND sends libgit2 to the next backend, anything else ends its search. */
static int check(const git_odb_backend *backend, const git_oid *oid)
{
    const struct guard *guard = (const struct guard *)backend;
    char *path CLEANUP_FREE = odb_guard_loose_path(guard->path, oid);
    if (odb_guard_is_whole(path))
        return GIT_ENOTFOUND;
    char *message CLEANUP_FREE =
        memory_printf("%s is damaged; git fsck there tells what is, a backup or a clone has it whole", path);
    git_error_set_str(GIT_ERROR_ODB, message);
    return GIT_ERROR;
}

static int guard_read(void **ret_data, size_t *ret_len, git_object_t *ret_type, git_odb_backend *backend,
                      const git_oid *oid)
{
    (void)ret_data;
    (void)ret_len;
    (void)ret_type;
    return check(backend, oid);
}

static int guard_read_header(size_t *ret_len, git_object_t *ret_type, git_odb_backend *backend,
                             const git_oid *oid)
{
    (void)ret_len;
    (void)ret_type;
    return check(backend, oid);
}

static void guard_free(git_odb_backend *backend)
{
    struct guard *guard = (struct guard *)backend;
    free(guard->path);
    free(guard);
}

int odb_guard_add(git_odb *odb, const char *path)
{
    struct guard *guard = NEW(struct guard);
    git_odb_init_backend(&guard->base, GIT_ODB_BACKEND_VERSION);
    guard->base.read = guard_read;
    guard->base.read_header = guard_read_header;
    guard->base.free = guard_free;
    guard->path = memory_strdup(path);
    int status = git_odb_add_backend(odb, &guard->base, PRIORITY);
    if (status < 0)
        guard_free(&guard->base);
    return status;
}
