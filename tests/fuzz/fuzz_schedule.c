/* Schedule expressions: what is taken comes next after any time, and later than that. */
#include "base/memory.h"
#include "model/schedule.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ROUNDS 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text CLEANUP_FREE = memory_strndup((const char *)data, size);
    struct schedule schedule;
    struct error err = ERROR_INIT;
    int status = schedule_parse(text, &schedule, &err);
    assert((status < 0) == (err.message[0] != '\0'));
    if (status < 0)
        return 0;
    int64_t after_s = 0;
    int64_t next_s;
    for (int i = 0; i < ROUNDS && schedule_next(&schedule, 0, after_s, &next_s); i++) {
        int64_t same_s;
        assert(next_s > after_s);
        assert(schedule_next(&schedule, 0, next_s - 1, &same_s) && same_s == next_s);
        after_s = next_s;
    }
    return 0;
}
