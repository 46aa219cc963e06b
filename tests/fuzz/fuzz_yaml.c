/* YAML manifests: whatever the bytes, values with positions or a diagnostic. */
#include "fuzz_document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_document("fuzz.yaml", data, size);
    return 0;
}
