#include "history/segment.h"

#include "base/error.h"
#include "base/text.h"

#include <dirent.h>
#include <inttypes.h>
#include <sys/stat.h>

#define PREFIX "record-"
#define SUFFIX ".jsonl"

static int compare(const void *a, const void *b)
{
    const struct segment *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

static int parse_number(const char *file, int64_t *ret_number)
{
    if (!text_starts_with(file, PREFIX) || !text_ends_with(file, SUFFIX) ||
        strlen(file) < strlen(PREFIX SUFFIX))
        return ERROR_INVALID;
    char *digits CLEANUP_FREE =
        memory_strndup(file + strlen(PREFIX), strlen(file) - strlen(PREFIX) - strlen(SUFFIX));
    return text_to_int64(digits, 1, INT64_MAX - 1, ret_number);
}

void history_segment_list(const char *path, struct segment_vec *ret_segments)
{
    *ret_segments = (struct segment_vec){0};
    DIR *dir = opendir(path);
    if (!dir)
        return;
    for (const struct dirent *entry; (entry = readdir(dir));) {
        int64_t number;
        struct stat st;
        if (parse_number(entry->d_name, &number) == 0 && fstatat(dirfd(dir), entry->d_name, &st, 0) == 0)
            vector_push(ret_segments, (struct segment){.number = (uint64_t)number, .bytes = st.st_size});
    }
    closedir(dir);
    vector_sort(ret_segments, compare);
}

char *history_segment_path(const char *dir, uint64_t number)
{
    return memory_printf("%s/" PREFIX "%06" PRIu64 SUFFIX, dir, number);
}
