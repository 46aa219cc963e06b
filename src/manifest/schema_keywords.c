/* The table of keywords. Groups that only mean something together share their functions: the first of the
 * group that a schema has makes the one check. The unevaluated keywords come last, for they look at what all
 * others did. */
#include "manifest/schema_check.h"
#include "manifest/schema_node.h"

#define NEW_ONLY (1U << SCHEMA_2020_12)
#define OLD_ONLY (1U << SCHEMA_DRAFT_07)
#define BOTH     (NEW_ONLY | OLD_ONLY)

static const struct schema_keyword keywords[] = {
    {NEW_ONLY, "$defs", SCHEMA_CORE, SCHEMA_MAP, false, NULL, NULL},
    {BOTH, "definitions", SCHEMA_CORE, SCHEMA_MAP, false, NULL, NULL},

    {BOTH, "type", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_type, schema_check_type},
    {BOTH, "enum", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_enum, schema_check_enum},
    {BOTH, "const", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_const, schema_check_const},

    {BOTH, "minimum", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_number, schema_check_minimum},
    {BOTH, "exclusiveMinimum", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_number,
     schema_check_exclusive_minimum},
    {BOTH, "maximum", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_number, schema_check_maximum},
    {BOTH, "exclusiveMaximum", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_number,
     schema_check_exclusive_maximum},
    {BOTH, "multipleOf", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_multiple,
     schema_check_multiple_of},

    {BOTH, "minLength", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_size, schema_check_min_length},
    {BOTH, "maxLength", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_size, schema_check_max_length},
    {BOTH, "pattern", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_pattern, schema_check_pattern},

    {BOTH, "format", SCHEMA_FORMAT, SCHEMA_NONE, false, schema_compile_format, schema_check_format},

    {BOTH, "minItems", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_size, schema_check_min_items},
    {BOTH, "maxItems", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_size, schema_check_max_items},
    {BOTH, "uniqueItems", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_boolean,
     schema_check_unique_items},

    {BOTH, "required", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_strings, schema_check_required},
    {NEW_ONLY, "dependentRequired", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_dependent,
     schema_check_dependent_required},
    {BOTH, "minProperties", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_size,
     schema_check_min_properties},
    {BOTH, "maxProperties", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_size,
     schema_check_max_properties},

    {BOTH, "properties", SCHEMA_APPLICATOR, SCHEMA_MAP, false, schema_compile_members, schema_check_members},
    {BOTH, "patternProperties", SCHEMA_APPLICATOR, SCHEMA_MAP, false, schema_compile_members,
     schema_check_members},
    {BOTH, "additionalProperties", SCHEMA_APPLICATOR, SCHEMA_ONE, false, schema_compile_members,
     schema_check_members},
    {BOTH, "propertyNames", SCHEMA_APPLICATOR, SCHEMA_ONE, false, schema_compile_one,
     schema_check_property_names},
    {NEW_ONLY, "prefixItems", SCHEMA_APPLICATOR, SCHEMA_LIST, false, schema_compile_items,
     schema_check_items},
    {NEW_ONLY, "items", SCHEMA_APPLICATOR, SCHEMA_ONE, false, schema_compile_items, schema_check_items},
    {OLD_ONLY, "items", SCHEMA_APPLICATOR, SCHEMA_ONE_OR_LIST, false, schema_compile_old_items,
     schema_check_items},
    {OLD_ONLY, "additionalItems", SCHEMA_APPLICATOR, SCHEMA_ONE, false, NULL, NULL},
    {BOTH, "contains", SCHEMA_APPLICATOR, SCHEMA_ONE, false, schema_compile_contains, schema_check_contains},

    {BOTH, "$ref", SCHEMA_CORE, SCHEMA_NONE, true, schema_compile_ref, schema_check_ref},
    {NEW_ONLY, "$dynamicRef", SCHEMA_CORE, SCHEMA_NONE, true, schema_compile_dynamic_ref,
     schema_check_dynamic_ref},
    {BOTH, "allOf", SCHEMA_APPLICATOR, SCHEMA_LIST, true, schema_compile_list, schema_check_all_of},
    {BOTH, "anyOf", SCHEMA_APPLICATOR, SCHEMA_LIST, true, schema_compile_list, schema_check_any_of},
    {BOTH, "oneOf", SCHEMA_APPLICATOR, SCHEMA_LIST, true, schema_compile_list, schema_check_one_of},
    {BOTH, "not", SCHEMA_APPLICATOR, SCHEMA_ONE, false, schema_compile_one, schema_check_not},
    {BOTH, "if", SCHEMA_APPLICATOR, SCHEMA_ONE, true, schema_compile_if, schema_check_if},
    {BOTH, "then", SCHEMA_APPLICATOR, SCHEMA_ONE, true, NULL, NULL},
    {BOTH, "else", SCHEMA_APPLICATOR, SCHEMA_ONE, true, NULL, NULL},
    {NEW_ONLY, "dependentSchemas", SCHEMA_APPLICATOR, SCHEMA_MAP, true, schema_compile_map,
     schema_check_dependent_schemas},
    {BOTH, "dependencies", SCHEMA_APPLICATOR, SCHEMA_MAP_OR_NAMES, true, schema_compile_dependencies,
     schema_check_dependencies},

    {NEW_ONLY, "unevaluatedItems", SCHEMA_UNEVALUATED, SCHEMA_ONE, false, schema_compile_unevaluated,
     schema_check_unevaluated_items},
    {NEW_ONLY, "unevaluatedProperties", SCHEMA_UNEVALUATED, SCHEMA_ONE, false, schema_compile_unevaluated,
     schema_check_unevaluated_properties},
    {0},
};

const struct schema_keyword *schema_keyword_after(enum schema_dialect dialect,
                                                  const struct schema_keyword *before)
{
    const struct schema_keyword *keyword = before ? before + 1 : keywords;
    while (keyword->name && !(keyword->dialects & 1U << dialect))
        keyword++;
    return keyword->name ? keyword : NULL;
}
