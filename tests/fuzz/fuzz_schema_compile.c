/* Schemas alone: the input is YAML, each of its documents a schema and known to the others as fuzz:/0,
 * fuzz:/1 ... Compiling ends in both dialects, with an error that says why or a schema that can be applied.
 */
#include "base/limits.h"
#include "base/memory.h"
#include "manifest/document.h"
#include "manifest/schema.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compile(const struct schema_options *options, const json_t *document)
{
    struct schema CLEANUP(schema_freep) *schema = NULL;
    struct error err = ERROR_INIT;
    int rc = schema_compile(options, document, &schema, &err);
    assert((rc == 0) == (schema != NULL));
    assert(rc == 0 || (rc == err.code && err.message[0]));
    if (schema)
        schema_validate(schema, document, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct document_input input = {"fuzz.yaml", (const char *)data, size};
    struct document_vec CLEANUP(document_vec_deinit) documents = {0};
    struct diagnostics diagnostics = {0};
    int rc = document_parse(&input, &documents, &diagnostics);
    diagnostics_deinit(&diagnostics);
    if (rc < 0)
        return 0;
    struct schema_registry CLEANUP(schema_registry_freep) *registry = schema_registry_new();
    for (size_t i = 0; i < documents.len; i++) {
        CLEANUP_FREE char *uri = memory_printf("fuzz:/%zu", i);
        schema_registry_add(registry, uri, documents.items[i].value, NULL);
    }
    for (size_t i = 0; i < documents.len; i++) {
        struct schema_options options = {.registry = registry, .uri = "fuzz:/main"};
        compile(&options, documents.items[i].value);
        options.dialect = SCHEMA_DRAFT_07;
        compile(&options, documents.items[i].value);
    }
    return 0;
}
