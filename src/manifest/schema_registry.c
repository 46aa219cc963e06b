/* Documents by URI, the meta-schemas of both dialects among them; and what a `$schema` stands for. */
#include "base/text.h"
#include "manifest/schema_dialects.h"
#include "manifest/schema_node.h"

#include <assert.h>
#include <string.h>

#define META_07   "http://json-schema.org/draft-07/schema"
#define META_2020 "https://json-schema.org/draft/2020-12/"

/* Meta-schemas that name another one as theirs, one after the other. */
#define META_CHAIN_MAX 8

struct schema_registry {
    struct map documents; /* URI without fragment -> json_t, counted */
    schema_load_fn *load;
    void *load_data;
};

static void release_json(void *json)
{
    json_decref(json);
}

struct schema_registry *schema_registry_new(void)
{
    struct schema_registry *registry = NEW(struct schema_registry);
    registry->documents = MAP_INIT(release_json);
    return registry;
}

void schema_registry_free(struct schema_registry *registry)
{
    if (!registry)
        return;
    map_deinit(&registry->documents);
    free(registry);
}

void schema_registry_set_loader(struct schema_registry *registry, schema_load_fn *load, void *data)
{
    assert(registry);
    registry->load = load;
    registry->load_data = data;
}

int schema_registry_add(struct schema_registry *registry, const char *uri, const json_t *document,
                        struct error *err)
{
    assert(registry);
    assert(uri);
    assert(document);
    CLEANUP_FREE char *key = schema_uri_document(uri);
    if (!schema_uri_is_absolute(key))
        return error_set(err, ERROR_INVALID, "schema URI %s is not absolute", uri);
    if (map_get(&registry->documents, key))
        return error_set(err, ERROR_EXISTS, "schema URI %s is taken", uri);
    json_t *copy = json_deep_copy(document);
    if (!copy)
        return error_set(err, ERROR_INVALID, "schema %s holds itself", uri);
    map_put(&registry->documents, key, copy);
    return 0;
}

const char *schema_metaschema(enum schema_dialect dialect)
{
    assert(dialect <= SCHEMA_DRAFT_07);
    return schema_dialects[dialect];
}

/* The vocabularies of 2020-12 stand within its meta-schema. */
static const struct {
    const char *uri;
    bool is_prefix;
    enum schema_dialect dialect;
    const char *canonical;
} metaschemas[] = {
    {META_2020 "schema", false, SCHEMA_2020_12, META_2020 "schema"},
    {META_2020 "meta/", true, SCHEMA_2020_12, META_2020 "schema"},
    {META_07, false, SCHEMA_DRAFT_07, META_07},
};

static int get_metaschema(const char *uri, json_t **ret_document, char **ret_uri)
{
    for (size_t i = 0; i < ARRAY_LEN(metaschemas); i++) {
        if (metaschemas[i].is_prefix ? !text_starts_with(uri, metaschemas[i].uri)
                                     : !text_equal(uri, metaschemas[i].uri))
            continue;
        *ret_document = json_loads(schema_metaschema(metaschemas[i].dialect), 0, NULL);
        *ret_uri = memory_strdup(metaschemas[i].canonical);
        assert(*ret_document);
        return 0;
    }
    return ERROR_NOT_FOUND;
}

int schema_registry_get(struct schema_registry *registry, const char *uri, json_t **ret_document,
                        char **ret_uri, struct error *err)
{
    json_t *document = registry ? map_get(&registry->documents, uri) : NULL;
    if (!document && get_metaschema(uri, ret_document, ret_uri) == 0)
        return 0;
    if (!document && registry && registry->load) {
        int rc = registry->load(registry->load_data, uri, &document, err);
        if (rc < 0)
            return rc;
        map_put(&registry->documents, uri, document);
    }
    if (!document)
        return ERROR_NOT_FOUND;
    /* Documents of the registry are never changed: counting them is enough. */
    *ret_document = json_incref(document);
    *ret_uri = memory_strdup(uri);
    return 0;
}

/* --- $schema -------------------------------------------------------------------------------------------- */

static const struct {
    const char *uri;
    unsigned mask;
} vocabularies[] = {
    {META_2020 "vocab/core", SCHEMA_CORE},
    {META_2020 "vocab/applicator", SCHEMA_APPLICATOR},
    {META_2020 "vocab/unevaluated", SCHEMA_UNEVALUATED},
    {META_2020 "vocab/validation", SCHEMA_VALIDATION},
    {META_2020 "vocab/meta-data", 0},
    {META_2020 "vocab/format-annotation", SCHEMA_FORMAT},
    {META_2020 "vocab/format-assertion", SCHEMA_FORMAT | SCHEMA_FORMAT_ASSERTION},
    {META_2020 "vocab/content", 0},
};

static bool add_vocabulary(const char *uri, unsigned *mask)
{
    for (size_t i = 0; i < ARRAY_LEN(vocabularies); i++) {
        if (strcmp(vocabularies[i].uri, uri) != 0)
            continue;
        *mask |= vocabularies[i].mask;
        return true;
    }
    return false;
}

static int read_vocabularies(struct schema_compiler *compiler, const char *uri, const json_t *list,
                             unsigned *ret_mask)
{
    const char *name;
    json_t *required;
    unsigned mask = SCHEMA_CORE;
    json_object_foreach ((json_t *)list, name, required) {
        if (!add_vocabulary(name, &mask) && json_is_true(required))
            return error_set(compiler->err, ERROR_UNSUPPORTED,
                             "schema %s requires the vocabulary %s, which is unknown", uri, name);
    }
    *ret_mask = mask;
    return 0;
}

static bool is_standard(const char *uri, struct schema_language *language)
{
    bool is_2020 = text_equal(uri, META_2020 "schema");
    if (!is_2020 && !text_equal(uri, META_07))
        return false;
    language->dialect = is_2020 ? SCHEMA_2020_12 : SCHEMA_DRAFT_07;
    return true;
}

int schema_language_of(struct schema_compiler *compiler, const char *metaschema_uri,
                       struct schema_language *ret_language)
{
    struct schema_language language = {.vocabularies = SCHEMA_ALL};
    bool has_vocabularies = false;
    CLEANUP_FREE char *uri = schema_uri_document(metaschema_uri);
    for (size_t i = 0; i < META_CHAIN_MAX && !is_standard(uri, &language); i++) {
        CLEANUP_FREE char *found_uri = NULL;
        json_t *document = NULL;
        int rc = schema_registry_get(compiler->options.registry, uri, &document, &found_uri, compiler->err);
        if (rc < 0)
            return error_set(compiler->err, ERROR_UNSUPPORTED,
                             "$schema %s is unknown; known are " META_2020 "schema and " META_07 "#",
                             metaschema_uri);
        const json_t *list = json_object_get(document, "$vocabulary");
        if (json_is_object(list) && !has_vocabularies)
            rc = read_vocabularies(compiler, uri, list, &language.vocabularies);
        has_vocabularies = has_vocabularies || json_is_object(list);
        const char *next = json_string_value(json_object_get(document, "$schema"));
        free(uri);
        uri = schema_uri_document(next ? next : META_2020 "schema");
        json_decref(document);
        if (rc < 0)
            return rc;
    }
    if (!is_standard(uri, &language))
        return error_set(compiler->err, ERROR_UNSUPPORTED, "$schema %s: the meta-schema's own goes on and on",
                         metaschema_uri);
    *ret_language = language;
    return 0;
}
