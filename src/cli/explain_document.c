#include "cli/explain_document.h"

#include "base/memory.h"
#include "base/text.h"
#include "cli/output.h"
#include "manifest/manifest.h"
#include "model/json.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *path;
    const char *kind;
} documents[] = {{"configuration", "Configuration"}, {"environment", "Environment"}};

#define EFFECT "of davit" /* ECS has no such thing */

void explain_documents(json_t *list)
{
    for (size_t i = 0; i < ARRAY_LEN(documents); i++) {
        json_t *schema CLEANUP(json_decrefp) = json_loads(manifest_schema(documents[i].kind), 0, NULL);
        json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:O?}", "kind", documents[i].kind, "path",
                                              documents[i].path, "effect", EFFECT, "description",
                                              json_object_get(schema, "description")));
    }
}

/* --- a place in a schema -------------------------------------------------------------------------------- */

/* What a reference leads to, and else the node itself. */
static const json_t *resolve(const json_t *root, const json_t *node)
{
    const char *name = model_string(node, "$ref");
    name = name ? strrchr(name, '/') : NULL;
    const json_t *found = name ? json_object_get(json_object_get(root, "$defs"), name + 1) : NULL;
    return found ? found : node;
}

/* The members of an object, or of the elements of a list; NULL: it has none. */
static const json_t *members_of(const json_t *root, const json_t *node)
{
    node = resolve(root, node);
    const json_t *items = json_object_get(node, "items");
    return json_object_get(items ? resolve(root, items) : node, "properties");
}

/* The name as the schema has it, or NULL. */
static const char *member_named(const json_t *members, const char *name)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)members, key, value) {
        if (strcasecmp(key, name) == 0)
            return key;
    }
    return NULL;
}

/* "array", "object or null", "integer or string"; "" without any. Caller frees. */
static char *type_of(const json_t *node)
{
    const json_t *type = json_object_get(node, "type");
    const json_t *list = type ? type : json_object_get(node, "anyOf");
    char *text = memory_strdup(json_is_string(type) ? json_string_value(type) : "");
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)(uintptr_t)list, i, item) {
        const char *name = json_is_string(item) ? json_string_value(item) : cli_member_string(item, "type");
        char *longer = memory_printf("%s%s%s", text, i ? " or " : "", name);
        free(text);
        text = longer;
    }
    return text;
}

/* NULL: nothing but the type. Borrowed. */
static const char *expected_of(const json_t *node)
{
    const char *expected = model_string(node, "x-expected");
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(node, "anyOf"), i, item) {
        expected = expected ? expected : model_string(item, "x-expected");
    }
    return expected;
}

/* What there is to know of a node: its own description goes before that of what it refers to. */
static json_t *facts_of(const json_t *root, const json_t *node, const char *path)
{
    const json_t *other = resolve(root, node);
    json_t *json = json_pack("{s:s}", "path", path);
    static const char *const copied[] = {"description", "enum", "default", "examples"};
    for (size_t i = 0; i < ARRAY_LEN(copied); i++) {
        json_t *value = json_object_get(node, copied[i]);
        value = value ? value : json_object_get(other, copied[i]);
        if (value)
            json_object_set(json, copied[i], value);
    }
    char *type CLEANUP_FREE = type_of(other);
    model_set_string(json, "type", type[0] ? type : NULL);
    model_set_string(json, "expected", expected_of(other));
    return json;
}

static json_t *place_json(const json_t *root, const json_t *node, const char *path)
{
    json_t *json = facts_of(root, node, path);
    const json_t *members = members_of(root, node);
    json_t *list = json_array();
    const char *name;
    json_t *member;
    json_object_foreach ((json_t *)(uintptr_t)members, name, member) {
        char *own CLEANUP_FREE = memory_printf("%s.%s", path, name);
        json_array_append_new(list, facts_of(root, member, own));
    }
    if (json_array_size(list))
        json_object_set(json, "members", list);
    json_decref(list);
    return json;
}

/* --- in words ------------------------------------------------------------------------------------------- */

static void print_fact(const struct cli *cli, const json_t *json, const char *title, const char *member)
{
    const json_t *value = json_object_get(json, member);
    char *text CLEANUP_FREE =
        json_is_string(value) ? memory_strdup(json_string_value(value)) : json_dumps(value, JSON_ENCODE_ANY);
    if (value)
        fprintf(cli->out, "%-9s %s\n", title, text);
}

static void print_place(const struct cli *cli, const json_t *json)
{
    struct cli_grid grid = {.columns = 3};
    size_t i;
    json_t *member;
    print_fact(cli, json, "PATH", "path");
    print_fact(cli, json, "TYPE", "type");
    print_fact(cli, json, "VALUES", "enum");
    print_fact(cli, json, "EXPECTED", "expected");
    print_fact(cli, json, "DEFAULT", "default");
    print_fact(cli, json, "EXAMPLES", "examples");
    if (json_object_get(json, "description"))
        fprintf(cli->out, "\n%s\n", cli_member_string(json, "description"));
    json_array_foreach (json_object_get(json, "members"), i, member) {
        cli_grid_add(&grid, memory_strdup(cli_member_string(member, "path")));
        cli_grid_add(&grid, memory_strdup(cli_member_string(member, "type")));
        cli_grid_add(&grid, memory_strdup(cli_member_string(member, "description")));
    }
    if (grid.cells.len)
        fputs("\nMEMBERS\n", cli->out);
    cli_grid_print(&grid, cli->out);
    cli_grid_deinit(&grid);
}

static int unknown_member(const struct cli *cli, const json_t *members, const char *path, const char *name)
{
    struct string_vec names = {0};
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)members, key, value) {
        vector_push(&names, memory_strdup(key));
    }
    const char *near = text_nearest(name, (const char *const *)names.items, names.len);
    int r = near ? cli_usage(cli, "%s has no member \"%s\"; did you mean \"%s\"?", path, name, near)
                 : cli_usage(cli, "%s has no member \"%s\"", path, name);
    string_vec_deinit(&names);
    return r;
}

/* rest: ".patches.kind", or "". */
static int walk(const struct cli *cli, const json_t *root, const char *document, const char *rest)
{
    const json_t *node = root;
    char *path = memory_strdup(document);
    int r = CLI_OK;
    while (*rest && r == CLI_OK) {
        size_t len = strcspn(rest + 1, ".");
        char *given CLEANUP_FREE = memory_strndup(rest + 1, len);
        const json_t *members = members_of(root, node);
        const char *name = member_named(members, given);
        rest += len + 1;
        if (!name) {
            r = unknown_member(cli, members, path, given);
            continue;
        }
        char *longer = memory_printf("%s.%s", path, name);
        free(path);
        path = longer;
        node = json_object_get(members, name);
    }
    json_t *json CLEANUP(json_decrefp) = r == CLI_OK ? place_json(root, node, path) : NULL;
    if (json && !cli_print_data(cli, json))
        print_place(cli, json);
    free(path);
    return r;
}

bool explain_document(const struct cli *cli, const char *path, int *ret_exit)
{
    for (size_t i = 0; i < ARRAY_LEN(documents); i++) {
        size_t len = strlen(documents[i].path);
        if (strncasecmp(path, documents[i].path, len) != 0 || (path[len] && path[len] != '.'))
            continue;
        json_t *root CLEANUP(json_decrefp) = json_loads(manifest_schema(documents[i].kind), 0, NULL);
        *ret_exit = walk(cli, root, documents[i].path, path + len);
        return true;
    }
    return false;
}

/* --- what davit adds ------------------------------------------------------------------------------------ */

struct additions {
    const struct explanation *explanation;
    json_t *list;
    struct cli_grid grid;
};

static void add(struct additions *additions, const struct explain_place *place, const char *path)
{
    const char *description = model_string(place->property, "description");
    description = description ? description : model_string(place->schema, "description");
    json_array_append_new(additions->list, json_pack("{s:s,s:s*}", "path", path, "description", description));
    cli_grid_add(&additions->grid, memory_strdup(path));
    cli_grid_add(&additions->grid, memory_strdup(description ? description : ""));
}

/* The members of each davit: there is at the place or below. */
static void find(struct additions *additions, const struct explain_place *place, const char *path, bool davit)
{
    struct explain_place below;
    for (const struct kind_member *member = place->inside; member && member->name; member++) {
        if (!explain_step(additions->explanation, place, member->name, &below))
            continue;
        char *further CLEANUP_FREE = memory_printf("%s.%s", path, member->name);
        if (davit)
            add(additions, &below, further);
        else
            find(additions, &below, further, text_equal(member->name, "davit"));
    }
}

int explain_additions(const struct cli *cli, const struct explanation *explanation)
{
    json_t *list CLEANUP(json_decrefp) = json_array();
    struct additions additions = {explanation, list, {.columns = 2}};
    for (int i = 0; i < KIND_COUNT; i++) {
        struct explain_place kind;
        char *name CLEANUP_FREE = explain_kind_text((enum kind)i);
        explain_root(explanation, (enum kind)i, &kind);
        find(&additions, &kind, name, false);
    }
    if (!cli_print_data(cli, list))
        cli_grid_print(&additions.grid, cli->out);
    cli_grid_deinit(&additions.grid);
    return CLI_OK;
}
