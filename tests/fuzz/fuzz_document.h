/* What fuzz_json and fuzz_yaml have in common. */
#pragma once

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Parses, and aborts when the result is not one or the other, or a node has no position. */
void fuzz_document(const char *name, const uint8_t *data, size_t size);
