/* Every life of a davit compiles the schemas of the manifests, which took more than half of the time here:
 * this process compiles each of them once. The linker puts these in place of the ones of manifest/ (--wrap).
 */
#include "base/text.h"
#include "manifest/kind.h"

struct schema *__real_kind_schema_named(const char *name);
struct schema *__wrap_kind_schema_named(const char *name);
void __wrap_schema_free(struct schema *schema);

struct schema *__wrap_kind_schema_named(const char *name)
{
    static struct schema *compiled[KIND_SCHEMAS];
    size_t i = 0;
    while (!text_equal(kind_names[i], name))
        i++;
    if (!compiled[i])
        compiled[i] = __real_kind_schema_named(name);
    return compiled[i];
}

/* It is somebody else's as well. */
void __wrap_schema_free(struct schema *schema)
{
    (void)schema;
}
