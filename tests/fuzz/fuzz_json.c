/* JSON manifests: whatever the bytes, a value with positions or a diagnostic; and what jansson reads, with
 * its value. */
#include "fuzz_document.h"

#include "base/limits.h"
#include "base/text.h"
#include "manifest/document.h"

#include <assert.h>
#include <jansson.h>
#include <string.h>

/* What jansson has no opinion on, or another one. */
static bool is_ours_alone(const struct diagnostics *diagnostics)
{
    const char *code = diagnostics->list.items[0].code;
    return text_equal(code, "limit") || text_equal(code, "unsupported") || text_equal(code, "lfs-pointer");
}

static void compare(const uint8_t *data, size_t size)
{
    struct document_input input = {"fuzz.json", (const char *)data, size};
    struct document_vec CLEANUP(document_vec_deinit) documents = {0};
    struct diagnostics diagnostics = {0};
    json_error_t error;
    json_t *theirs = json_loadb((const char *)data, size, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
    if (document_parse(&input, &documents, &diagnostics) == 0)
        assert(theirs && json_equal(theirs, documents.items[0].value));
    else
        assert(!theirs || is_ours_alone(&diagnostics));
    json_decref(theirs);
    diagnostics_deinit(&diagnostics);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_document("fuzz.json", data, size);
    if (!memchr(data, '\0', size)) /* NUL is the end of the text for jansson */
        compare(data, size);
    return 0;
}
