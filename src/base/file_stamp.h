/* Whether a file is still the one that was read. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Of a file as it was: another one, or one written anew, differs. All 0: there was none. */
struct file_stamp {
    uint64_t device;
    uint64_t inode;
    int64_t size;
    int64_t time_s;
    int64_t time_ns;
};

/* Of what a symbolic link leads to. NULL is no file. */
struct file_stamp file_stamp_of(const char *path);
bool file_stamp_equal(const struct file_stamp *a, const struct file_stamp *b);
