/* Other tools' files: whatever the bytes, manifests or a diagnostic; the first byte chooses the tool. */
#include "base/memory.h"
#include "manifest/import.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static import_function *const imports[] = {import_compose, import_cloudformation, import_ecs, import_docker};

static const char *variable(void *data, const char *name)
{
    (void)data;
    return name[0] == 'A' ? "a value" : NULL;
}

/* The world's data is the input: every other file has the same content. */
static char *read_file(void *data, const char *path)
{
    return path[0] == 'f' ? memory_strdup(data) : NULL;
}

static void import_one(import_function *import, const struct document *document, char *content)
{
    struct import_world world = {.directory = "/srv",
                                 .fallback = "demo",
                                 .variable = variable,
                                 .read_file = read_file,
                                 .data = content};
    struct import_source source = {"fuzz.yaml", document, &world};
    struct diagnostics diagnostics = {0};
    struct import result;
    int rc = import(&source, &result, &diagnostics);
    assert((rc < 0) == (diagnostics.errors > 0));
    if (rc == 0) {
        assert(json_is_array(result.objects));
        assert(result.lost <= result.members);
        import_deinit(&result);
    }
    diagnostics_deinit(&diagnostics);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct document_input input = {"fuzz.yaml", (const char *)data + 1, size - 1};
    char *content = memory_strndup(input.content, input.len);
    struct document_vec documents = {0};
    struct diagnostics diagnostics = {0};
    int rc = document_parse_foreign(&input, &documents, &diagnostics);
    for (size_t i = 0; rc == 0 && i < documents.len; i++)
        import_one(imports[data[0] % ARRAY_LEN(imports)], &documents.items[i], content);
    free(content);
    document_vec_deinit(&documents);
    diagnostics_deinit(&diagnostics);
    return 0;
}
