/* By itself: the simulator, which lives a thousand lives, puts one that compiles each schema once in its
 * place.
 */
#include "manifest/kind.h"
#include "manifest/manifest.h"

#include <assert.h>

struct schema *kind_schema_named(const char *name)
{
    struct schema *schema = NULL;
    json_t *document = json_loads(manifest_schema(name), 0, NULL);
    int r = schema_compile(NULL, document, &schema, NULL);
    assert(r == 0);
    (void)r;
    json_decref(document);
    return schema;
}
