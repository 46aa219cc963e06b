/* JSON manifests: whatever the bytes, a value with positions or a diagnostic. */
#include "fuzz_document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_document("fuzz.json", data, size);
    return 0;
}
