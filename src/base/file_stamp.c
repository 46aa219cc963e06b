#include "base/file_stamp.h"

#include <assert.h>
#include <stddef.h>
#include <sys/stat.h>

struct file_stamp file_stamp_of(const char *path)
{
    struct stat st;
    if (!path || stat(path, &st) < 0)
        return (struct file_stamp){0};
    return (struct file_stamp){st.st_dev, st.st_ino, st.st_size, st.st_mtim.tv_sec, st.st_mtim.tv_nsec};
}

bool file_stamp_equal(const struct file_stamp *a, const struct file_stamp *b)
{
    assert(a && b);
    return a->device == b->device && a->inode == b->inode && a->size == b->size && a->time_s == b->time_s &&
           a->time_ns == b->time_ns;
}
