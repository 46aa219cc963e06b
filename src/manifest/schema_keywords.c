/* The table of keywords. Groups that only mean something together share their functions: the first of the
 * group that a schema has makes the one check. The unevaluated keywords come last, for they look at what all
 * others did. */
#include "manifest/schema_check.h"
#include "manifest/schema_node.h"

#define NEW_ONLY (1U << SCHEMA_2020_12)
#define OLD_ONLY (1U << SCHEMA_DRAFT_07)
#define BOTH     (NEW_ONLY | OLD_ONLY)

static const struct schema_keyword keywords[] = {
    {"$defs", NEW_ONLY, SCHEMA_CORE, SCHEMA_MAP, false, NULL, NULL},
    {"definitions", BOTH, SCHEMA_CORE, SCHEMA_MAP, false, NULL, NULL},

    {"type", BOTH, SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_type, schema_check_type},
    {"enum", BOTH, SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_enum, schema_check_enum},
    {"const", BOTH, SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_const, schema_check_const},

    {"minimum", BOTH, SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_number, schema_check_minimum},
    {"exclusiveMinimum", BOTH, SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_number,
     schema_check_exclusive_minimum},
    {"maximum", BOTH, SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_number, schema_check_maximum},
    {"exclusiveMaximum", BOTH, SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_number,
     schema_check_exclusive_maximum},
    {"multipleOf", BOTH, SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_multiple,
     schema_check_multiple_of},

    {"minLength", BOTH, SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_size, schema_check_min_length},
    {"maxLength", BOTH, SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_size, schema_check_max_length},
    {"pattern", BOTH, SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_pattern, schema_check_pattern},

    {"format", BOTH, SCHEMA_FORMAT, SCHEMA_NONE, false, schema_compile_format, schema_check_format},

    {"minItems", BOTH, SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_size, schema_check_min_items},
    {"maxItems", BOTH, SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_size, schema_check_max_items},
    {"uniqueItems", BOTH, SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_boolean,
     schema_check_unique_items},

    {"required", BOTH, SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_strings, schema_check_required},
    {"dependentRequired", NEW_ONLY, SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_dependent,
     schema_check_dependent_required},
    {"minProperties", BOTH, SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_size,
     schema_check_min_properties},
    {"maxProperties", BOTH, SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_size,
     schema_check_max_properties},

    {"properties", BOTH, SCHEMA_APPLICATOR, SCHEMA_MAP, false, schema_compile_members, schema_check_members},
    {"patternProperties", BOTH, SCHEMA_APPLICATOR, SCHEMA_MAP, false, schema_compile_members,
     schema_check_members},
    {"additionalProperties", BOTH, SCHEMA_APPLICATOR, SCHEMA_ONE, false, schema_compile_members,
     schema_check_members},
    {"propertyNames", BOTH, SCHEMA_APPLICATOR, SCHEMA_ONE, false, schema_compile_one,
     schema_check_property_names},
    {"prefixItems", NEW_ONLY, SCHEMA_APPLICATOR, SCHEMA_LIST, false, schema_compile_items,
     schema_check_items},
    {"items", NEW_ONLY, SCHEMA_APPLICATOR, SCHEMA_ONE, false, schema_compile_items, schema_check_items},
    {"items", OLD_ONLY, SCHEMA_APPLICATOR, SCHEMA_ONE_OR_LIST, false, schema_compile_old_items,
     schema_check_items},
    {"additionalItems", OLD_ONLY, SCHEMA_APPLICATOR, SCHEMA_ONE, false, NULL, NULL},
    {"contains", BOTH, SCHEMA_APPLICATOR, SCHEMA_ONE, false, schema_compile_contains, schema_check_contains},

    {"$ref", BOTH, SCHEMA_CORE, SCHEMA_NONE, true, schema_compile_ref, schema_check_ref},
    {"$dynamicRef", NEW_ONLY, SCHEMA_CORE, SCHEMA_NONE, true, schema_compile_dynamic_ref,
     schema_check_dynamic_ref},
    {"allOf", BOTH, SCHEMA_APPLICATOR, SCHEMA_LIST, true, schema_compile_list, schema_check_all_of},
    {"anyOf", BOTH, SCHEMA_APPLICATOR, SCHEMA_LIST, true, schema_compile_list, schema_check_any_of},
    {"oneOf", BOTH, SCHEMA_APPLICATOR, SCHEMA_LIST, true, schema_compile_list, schema_check_one_of},
    {"not", BOTH, SCHEMA_APPLICATOR, SCHEMA_ONE, false, schema_compile_one, schema_check_not},
    {"if", BOTH, SCHEMA_APPLICATOR, SCHEMA_ONE, true, schema_compile_if, schema_check_if},
    {"then", BOTH, SCHEMA_APPLICATOR, SCHEMA_ONE, true, NULL, NULL},
    {"else", BOTH, SCHEMA_APPLICATOR, SCHEMA_ONE, true, NULL, NULL},
    {"dependentSchemas", NEW_ONLY, SCHEMA_APPLICATOR, SCHEMA_MAP, true, schema_compile_map,
     schema_check_dependent_schemas},
    {"dependencies", BOTH, SCHEMA_APPLICATOR, SCHEMA_MAP_OR_NAMES, true, schema_compile_dependencies,
     schema_check_dependencies},

    {"unevaluatedItems", NEW_ONLY, SCHEMA_UNEVALUATED, SCHEMA_ONE, false, schema_compile_unevaluated,
     schema_check_unevaluated_items},
    {"unevaluatedProperties", NEW_ONLY, SCHEMA_UNEVALUATED, SCHEMA_ONE, false, schema_compile_unevaluated,
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
