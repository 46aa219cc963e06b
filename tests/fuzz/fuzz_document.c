#include "fuzz_document.h"

#include "base/buffer.h"
#include "base/limits.h"
#include "manifest/document.h"
#include "manifest/document_pointer.h"

#include <assert.h>
#include <string.h>

/* Every node has a place of its own. The parser bounds the depth. */
static void check_positions(const struct document *document, const json_t *value, struct buffer *pointer)
{
    size_t i;
    const char *key;
    json_t *child;
    size_t len = pointer->len;
    assert(document_position(document, buffer_str(pointer), DOCUMENT_VALUE).line > 0);
    json_array_foreach ((json_t *)value, i, child) {
        document_pointer_append_index(pointer, i);
        check_positions(document, child, pointer);
        pointer->data[len] = '\0';
        pointer->len = len;
    }
    json_object_foreach ((json_t *)value, key, child) {
        document_pointer_append_key(pointer, key);
        assert(document_position(document, buffer_str(pointer), DOCUMENT_KEY).column > 0);
        check_positions(document, child, pointer);
        pointer->data[len] = '\0';
        pointer->len = len;
    }
}

void fuzz_document(const char *name, const uint8_t *data, size_t size)
{
    struct document_input input = {name, (const char *)data, size};
    struct document_vec documents = {0};
    struct diagnostics diagnostics = {0};
    int rc = document_parse(&input, &documents, &diagnostics);
    assert((rc < 0) == (diagnostics.errors > 0));
    assert(rc == 0 || documents.len == 0);
    for (size_t i = 0; i < documents.len; i++) {
        struct buffer CLEANUP(buffer_deinit) pointer = BUFFER_INIT(LIMIT_MANIFEST_BYTES * 2);
        buffer_append_str(&pointer, "");
        check_positions(&documents.items[i], documents.items[i].value, &pointer);
    }
    document_vec_deinit(&documents);
    diagnostics_deinit(&diagnostics);
}
