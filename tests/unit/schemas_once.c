/* Whoever reads manifests compiles their schemas, which took most of the time of tests that do so anew for
 * each case: a process of these compiles each of them once. The linker puts these in place of the ones of
 * manifest/
 * (--wrap).
 */
#include "base/text.h"
#include "manifest/kind.h"

#include <assert.h>

struct schema *__real_kind_schema_named(const char *name);
struct schema *__wrap_kind_schema_named(const char *name);
void __real_schema_free(struct schema *schema);
void __wrap_schema_free(struct schema *schema);

static struct schema *compiled[KIND_SCHEMAS];

struct schema *__wrap_kind_schema_named(const char *name)
{
    size_t i = 0;
    while (!text_equal(kind_names[i], name))
        i++;
    assert(i < KIND_SCHEMAS);
    if (!compiled[i])
        compiled[i] = __real_kind_schema_named(name);
    return compiled[i];
}

void __wrap_schema_free(struct schema *schema)
{
    for (size_t i = 0; i < KIND_SCHEMAS; i++)
        if (schema && schema == compiled[i])
            return; /* it is somebody else's as well */
    __real_schema_free(schema);
}
