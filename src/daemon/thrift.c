#include "daemon/thrift.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#define REST_MS     5000
#define LARGE_BYTES (1024 * 1024)

void thrift_prepare(void)
{
    mallopt(M_ARENA_MAX, 1);
    /* What is large comes and goes by itself, also after something large was freed: else it leaves holes. */
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    mallopt(M_TRIM_THRESHOLD, LARGE_BYTES);
}

/* Code of the libraries, most of which only a start, a fetch or a rollout runs. It stays in the page cache,
 * and what is run again is mapped again. Only segments that are never written, nor relocated. */
static int unmap_code(struct dl_phdr_info *object, size_t size, void *data)
{
    (void)size;
    (void)data;
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || segment->p_flags & PF_W)
            continue;
        uintptr_t begin = (object->dlpi_addr + segment->p_vaddr) & ~(page - 1);
        uintptr_t end = object->dlpi_addr + segment->p_vaddr + segment->p_filesz;
        madvise((void *)begin, end - begin, MADV_DONTNEED); /* advice: without it, it is only larger */
    }
    return 0;
}

static void on_rest(uv_timer_t *timer)
{
    (void)timer;
    malloc_trim(0);
    dl_iterate_phdr(unmap_code, NULL);
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
