#include "daemon/thrift.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define REST_MS 5000

void thrift_prepare(void)
{
    mallopt(M_ARENA_MAX, 1);
}

struct mapping {
    uintptr_t begin;
    uintptr_t end;
    bool droppable; /* of a file, cannot be written */
};

static bool parse_mapping(const char *line, struct mapping *ret_mapping)
{
    uintptr_t begin, end; /* a field's name may begin like a number */
    char rights[5];
    unsigned long inode;
    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %*s %*s %lu", &begin, &end, rights, &inode) != 4)
        return false;
    bool droppable = inode != 0 && rights[0] == 'r' && rights[1] == '-' && rights[3] == 'p';
    *ret_mapping = (struct mapping){begin, end, droppable};
    return true;
}

/* Code and constants of libraries that only the start needed. The pages stay in the page cache, and what is
 * used is mapped again without a read; a mapping with pages of its own (relocations) is left alone. */
static void drop_code(void)
{
    FILE *file = fopen("/proc/self/smaps", "re");
    char line[512];
    struct mapping mapping = {0};
    while (file && fgets(line, sizeof line, file)) {
        if (parse_mapping(line, &mapping) || strncmp(line, "Anonymous:", 10) != 0)
            continue;
        unsigned long own_kib = 1;
        sscanf(line, "Anonymous: %lu", &own_kib);
        if (mapping.droppable && own_kib == 0)
            madvise((void *)mapping.begin, mapping.end - mapping.begin, MADV_DONTNEED);
    }
    if (file)
        fclose(file);
}

static void on_rest(uv_timer_t *timer)
{
    (void)timer;
    malloc_trim(0);
    drop_code();
}

void thrift_init(struct thrift *thrift, uv_loop_t *loop)
{
    uv_timer_init(loop, &thrift->timer);
    uv_timer_start(&thrift->timer, on_rest, REST_MS, 0);
}

void thrift_postpone(struct thrift *thrift)
{
    uv_timer_start(&thrift->timer, on_rest, REST_MS, 0);
}

void thrift_close(struct thrift *thrift)
{
    uv_close((uv_handle_t *)&thrift->timer, NULL);
}
