/* The files of a ring of records: record-000001.jsonl and on. */
#pragma once

#include "base/vector.h"

#include <stdint.h>

struct segment {
    uint64_t number;
    int64_t bytes;
};
struct segment_vec VECTOR_OF(struct segment);

/* Of a directory, oldest first; none when it cannot be read. Caller deinits. */
void history_segment_list(const char *dir, struct segment_vec *ret_segments);
/* Caller frees. */
char *history_segment_path(const char *dir, uint64_t number);
