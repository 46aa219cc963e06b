#include "odb/file.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int odb_file_sync(const char *path, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set(err, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_IO, "cannot open %s: %s", path,
                         strerror(errno));
    int failed = fsync(fd) < 0 ? errno : 0;
    close(fd);
    errno = failed;
    return failed ? error_set(err, ERROR_IO, "cannot sync %s: %s", path, strerror(failed)) : 0;
}

struct job {
    const char *path;
    int status;
    int failed; /* errno, which is each thread's own */
    struct error error;
};

static void sync_job(void *data, size_t worker, size_t i)
{
    struct job *job = (struct job *)data + i;
    (void)worker;
    job->status = odb_file_sync(job->path, &job->error);
    job->failed = errno;
}

/* A thread each: they wait for the disk. */
int odb_file_sync_all(const char *const *paths, size_t len, struct error *err)
{
    struct job *jobs CLEANUP_FREE = memory_calloc(len, sizeof *jobs);
    int status = 0;
    int failed = errno;
    for (size_t i = 0; i < len; i++)
        jobs[i] = (struct job){.path = paths[i], .error = ERROR_INIT};
    parallel_each(len, len ? len : 1, sync_job, jobs);
    for (size_t i = len; i-- > 0;) {
        if (jobs[i].status == 0)
            continue;
        status = error_set(err, jobs[i].error.code, "%s", jobs[i].error.message);
        failed = jobs[i].failed;
    }
    errno = failed;
    return status;
}

int odb_file_sync_parent(const char *path, struct error *err)
{
    char *parent CLEANUP_FREE = memory_strdup(path);
    char *slash = strrchr(parent, '/');
    if (!slash)
        return odb_file_sync(".", err);
    slash[slash == parent] = '\0';
    return odb_file_sync(parent, err);
}
