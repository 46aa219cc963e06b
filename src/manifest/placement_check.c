/* Placement constraints, of a service or a task definition: what is no expression is refused where it stands.
 */
#include "manifest/kind_read.h"

#include "base/memory.h"
#include "base/text.h"
#include "model/json.h"
#include "model/query.h"

#include <assert.h>

static void check_expression(const json_t *constraint, size_t index, struct diagnostics *diagnostics)
{
    const char *expression = model_string(constraint, "expression");
    struct query *query = NULL;
    struct error err = ERROR_INIT;
    size_t offset = 0;
    if (expression && query_compile(expression, &query, &offset, &err) < 0)
        kind_report(
            diagnostics,
            (struct kind_fault){
                .severity = SEVERITY_ERROR,
                .code = "value",
                .pointer = memory_printf("/placementConstraints/%zu/expression", index),
                .message = memory_printf("character %zu of the expression: %s", offset + 1, err.message),
                .hint =
                    memory_strdup("the cluster query language of ECS, such as attribute:ecs.instance-type "
                                  "=~ t2.* and not(task:group == service:db)")});
    query_free(query);
}

void kind_placement_check(const json_t *value, struct diagnostics *diagnostics)
{
    assert(value);
    size_t i;
    json_t *constraint;
    json_array_foreach (json_object_get(value, "placementConstraints"), i, constraint)
        if (text_equal(model_string(constraint, "type"), "memberOf"))
            check_expression(constraint, i, diagnostics);
}
