/* Schemas and values: the input is YAML, its first document the schema, the others values. Compiling and
 * validating must end, and the quiet answer must be the told one. */
#include "base/limits.h"
#include "manifest/document.h"
#include "manifest/schema.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void validate(const struct schema *schema, const json_t *value)
{
    struct diagnostics diagnostics = {0};
    int quiet = schema_validate(schema, value, NULL);
    int told = schema_validate(schema, value, &diagnostics);
    assert((quiet < 0) == (told < 0));
    assert((told < 0) == (diagnostics.errors > 0));
    diagnostics_deinit(&diagnostics);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct document_input input = {"fuzz.yaml", (const char *)data, size};
    struct document_vec CLEANUP(document_vec_deinit) documents = {0};
    struct diagnostics diagnostics = {0};
    struct schema CLEANUP(schema_freep) *schema = NULL;
    struct error err = ERROR_INIT;
    int rc = document_parse(&input, &documents, &diagnostics);
    diagnostics_deinit(&diagnostics);
    if (rc < 0 || documents.len == 0)
        return 0;
    if (schema_compile(NULL, documents.items[0].value, &schema, &err) < 0) {
        assert(err.code < 0);
        return 0;
    }
    for (size_t i = 1; i < documents.len; i++)
        validate(schema, documents.items[i].value);
    return 0;
}
