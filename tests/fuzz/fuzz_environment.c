/* Variables and patches: the input is davit.yaml, a line "=====", and a manifest. Building must end with a
 * desired state or an error, and what is rendered must hold no more than the bounds allow. */
#include "base/limits.h"
#include "base/memory.h"
#include "manifest/manifest.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char line[] = "\n=====\n";

static void visit(void *data, const struct manifest_object *object)
{
    size_t *bytes = data;
    assert(object->name && object->kind && json_is_object(object->value));
    json_t *input = manifest_aws_input(object);
    *bytes += json_dumpb(input, NULL, 0, JSON_COMPACT);
    json_decref(input);
}

static void build(struct manifest *manifest)
{
    struct map families = MAP_INIT(family_ledger_free);
    struct string_vec changed = {0};
    struct diagnostics diagnostics = {0};
    struct desired *desired = NULL;
    struct commit commit = {.oid = "c0ffee", .author = (char *)"A", .subject = (char *)"s"};
    struct manifest_numbering numbering = {&families, &changed};
    size_t bytes = 0;
    int r = manifest_build(manifest, &commit, &numbering, &desired, &diagnostics);
    assert((r < 0) == (diagnostics.errors > 0));
    assert((r < 0) == !desired);
    for (size_t i = 0; i < diagnostics.list.len; i++)
        assert(diagnostics.list.items[i].file && diagnostics.list.items[i].pointer);
    manifest_each_object(manifest, visit, &bytes);
    assert(bytes <= 4UL * LIMIT_MANIFEST_BYTES);
    desired_unref(desired);
    diagnostics_deinit(&diagnostics);
    string_vec_deinit(&changed);
    map_deinit(&families);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *cut = size ? memmem(data, size, line, strlen(line)) : NULL;
    size_t first = cut ? (size_t)(cut - data) : size;
    size_t skip = cut ? first + strlen(line) : size;
    struct manifest_file files[] = {
        {.path = "davit.yaml", .kind = MANIFEST_FILE, .content = (const char *)data, .len = first},
        {.path = "web.yaml", .kind = MANIFEST_FILE, .content = (const char *)data + skip, .len = size - skip},
    };
    static struct manifest *manifest; /* its schemas are compiled once */
    if (!manifest)
        manifest = manifest_new();
    manifest_update(manifest, true, files, 2);
    build(manifest);
    files[0].kind = MANIFEST_DELETED; /* and back to what it is without */
    manifest_update(manifest, false, files, 1);
    build(manifest);
    manifest_update(manifest, true, NULL, 0);
    return 0;
}
