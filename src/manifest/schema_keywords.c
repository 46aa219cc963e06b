/* The table of keywords. Groups that only mean something together share their functions: the first of the
 * group that a schema has makes the one check. The unevaluated keywords come last, for they look at what all
 * others did. */
#include "manifest/schema_check.h"
#include "manifest/schema_node.h"

static const struct schema_keyword keywords_2020[] = {
    {"$defs", SCHEMA_CORE, SCHEMA_MAP, false, NULL, NULL},
    {"definitions", SCHEMA_CORE, SCHEMA_MAP, false, NULL, NULL},

    {"type", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_type, schema_check_type},
    {"enum", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_enum, schema_check_enum},
    {"const", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_const, schema_check_const},

    {"minimum", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_number, schema_check_minimum},
    {"exclusiveMinimum", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_number,
     schema_check_exclusive_minimum},
    {"maximum", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_number, schema_check_maximum},
    {"exclusiveMaximum", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_number,
     schema_check_exclusive_maximum},
    {"multipleOf", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_multiple, schema_check_multiple_of},

    {"minLength", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_size, schema_check_min_length},
    {"maxLength", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_size, schema_check_max_length},
    {"pattern", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_pattern, schema_check_pattern},

    {"format", SCHEMA_FORMAT, SCHEMA_NONE, false, schema_compile_format, schema_check_format},

    {"minItems", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_size, schema_check_min_items},
    {"maxItems", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_size, schema_check_max_items},
    {"uniqueItems", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_boolean, schema_check_unique_items},

    {"required", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_strings, schema_check_required},
    {"dependentRequired", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_dependent,
     schema_check_dependent_required},
    {"minProperties", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_size,
     schema_check_min_properties},
    {"maxProperties", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_size,
     schema_check_max_properties},

    {"properties", SCHEMA_APPLICATOR, SCHEMA_MAP, false, schema_compile_members, schema_check_members},
    {"patternProperties", SCHEMA_APPLICATOR, SCHEMA_MAP, false, schema_compile_members, schema_check_members},
    {"additionalProperties", SCHEMA_APPLICATOR, SCHEMA_ONE, false, schema_compile_members,
     schema_check_members},
    {"propertyNames", SCHEMA_APPLICATOR, SCHEMA_ONE, false, schema_compile_one, schema_check_property_names},
    {"prefixItems", SCHEMA_APPLICATOR, SCHEMA_LIST, false, schema_compile_items, schema_check_items},
    {"items", SCHEMA_APPLICATOR, SCHEMA_ONE, false, schema_compile_items, schema_check_items},
    {"contains", SCHEMA_APPLICATOR, SCHEMA_ONE, false, schema_compile_contains, schema_check_contains},

    {"$ref", SCHEMA_CORE, SCHEMA_NONE, true, schema_compile_ref, schema_check_ref},
    {"$dynamicRef", SCHEMA_CORE, SCHEMA_NONE, true, schema_compile_dynamic_ref, schema_check_dynamic_ref},
    {"allOf", SCHEMA_APPLICATOR, SCHEMA_LIST, true, schema_compile_list, schema_check_all_of},
    {"anyOf", SCHEMA_APPLICATOR, SCHEMA_LIST, true, schema_compile_list, schema_check_any_of},
    {"oneOf", SCHEMA_APPLICATOR, SCHEMA_LIST, true, schema_compile_list, schema_check_one_of},
    {"not", SCHEMA_APPLICATOR, SCHEMA_ONE, false, schema_compile_one, schema_check_not},
    {"if", SCHEMA_APPLICATOR, SCHEMA_ONE, true, schema_compile_if, schema_check_if},
    {"then", SCHEMA_APPLICATOR, SCHEMA_ONE, true, NULL, NULL},
    {"else", SCHEMA_APPLICATOR, SCHEMA_ONE, true, NULL, NULL},
    {"dependentSchemas", SCHEMA_APPLICATOR, SCHEMA_MAP, true, schema_compile_map,
     schema_check_dependent_schemas},
    {"dependencies", SCHEMA_APPLICATOR, SCHEMA_MAP_OR_NAMES, true, schema_compile_dependencies,
     schema_check_dependencies},

    {"unevaluatedItems", SCHEMA_UNEVALUATED, SCHEMA_ONE, false, schema_compile_unevaluated,
     schema_check_unevaluated_items},
    {"unevaluatedProperties", SCHEMA_UNEVALUATED, SCHEMA_ONE, false, schema_compile_unevaluated,
     schema_check_unevaluated_properties},
    {0},
};

static const struct schema_keyword keywords_07[] = {
    {"definitions", SCHEMA_CORE, SCHEMA_MAP, false, NULL, NULL},

    {"type", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_type, schema_check_type},
    {"enum", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_enum, schema_check_enum},
    {"const", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_const, schema_check_const},

    {"minimum", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_number, schema_check_minimum},
    {"exclusiveMinimum", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_number,
     schema_check_exclusive_minimum},
    {"maximum", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_number, schema_check_maximum},
    {"exclusiveMaximum", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_number,
     schema_check_exclusive_maximum},
    {"multipleOf", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_multiple, schema_check_multiple_of},

    {"minLength", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_size, schema_check_min_length},
    {"maxLength", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_size, schema_check_max_length},
    {"pattern", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_pattern, schema_check_pattern},

    {"format", SCHEMA_FORMAT, SCHEMA_NONE, false, schema_compile_format, schema_check_format},

    {"minItems", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_size, schema_check_min_items},
    {"maxItems", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_size, schema_check_max_items},
    {"uniqueItems", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_boolean, schema_check_unique_items},

    {"required", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_strings, schema_check_required},
    {"minProperties", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_size,
     schema_check_min_properties},
    {"maxProperties", SCHEMA_VALIDATION, SCHEMA_NONE, false, schema_compile_size,
     schema_check_max_properties},

    {"properties", SCHEMA_APPLICATOR, SCHEMA_MAP, false, schema_compile_members, schema_check_members},
    {"patternProperties", SCHEMA_APPLICATOR, SCHEMA_MAP, false, schema_compile_members, schema_check_members},
    {"additionalProperties", SCHEMA_APPLICATOR, SCHEMA_ONE, false, schema_compile_members,
     schema_check_members},
    {"propertyNames", SCHEMA_APPLICATOR, SCHEMA_ONE, false, schema_compile_one, schema_check_property_names},
    {"items", SCHEMA_APPLICATOR, SCHEMA_ONE_OR_LIST, false, schema_compile_old_items, schema_check_items},
    {"additionalItems", SCHEMA_APPLICATOR, SCHEMA_ONE, false, NULL, NULL},
    {"contains", SCHEMA_APPLICATOR, SCHEMA_ONE, false, schema_compile_contains, schema_check_contains},

    {"$ref", SCHEMA_CORE, SCHEMA_NONE, true, schema_compile_ref, schema_check_ref},
    {"allOf", SCHEMA_APPLICATOR, SCHEMA_LIST, true, schema_compile_list, schema_check_all_of},
    {"anyOf", SCHEMA_APPLICATOR, SCHEMA_LIST, true, schema_compile_list, schema_check_any_of},
    {"oneOf", SCHEMA_APPLICATOR, SCHEMA_LIST, true, schema_compile_list, schema_check_one_of},
    {"not", SCHEMA_APPLICATOR, SCHEMA_ONE, false, schema_compile_one, schema_check_not},
    {"if", SCHEMA_APPLICATOR, SCHEMA_ONE, true, schema_compile_if, schema_check_if},
    {"then", SCHEMA_APPLICATOR, SCHEMA_ONE, true, NULL, NULL},
    {"else", SCHEMA_APPLICATOR, SCHEMA_ONE, true, NULL, NULL},
    {"dependencies", SCHEMA_APPLICATOR, SCHEMA_MAP_OR_NAMES, true, schema_compile_dependencies,
     schema_check_dependencies},
    {0},
};

const struct schema_keyword *schema_keywords(enum schema_dialect dialect)
{
    return dialect == SCHEMA_DRAFT_07 ? keywords_07 : keywords_2020;
}
