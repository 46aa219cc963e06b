#include "cli/schema_check.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/output.h"
#include "manifest/document.h"
#include "manifest/manifest.h"
#include "manifest/schema.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Where the schemas that a schema refers to are looked for. */
struct shelf {
    char *directory; /* of the schema, absolute; NULL when it is no file */
    char *id_base;   /* its $id up to the last slash, which stands for the directory; NULL without */
};

struct tally {
    struct diagnostics diagnostics;
    size_t files;
    size_t bad_files;
    size_t documents;
    bool failed; /* a file could not be read */
};

/* --- files ---------------------------------------------------------------------------------------------- */

static int read_stream(FILE *stream, const char *path, char **ret_text, size_t *ret_len, struct error *err)
{
    struct stat st;
    if (fstat(fileno(stream), &st) < 0)
        return error_set(err, ERROR_IO, "%s: %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return error_set(err, ERROR_IO, "%s: %s", path, strerror(EISDIR));
    /* What is no regular file has no size. */
    size_t room =
        S_ISREG(st.st_mode) && st.st_size < LIMIT_MANIFEST_BYTES ? (size_t)st.st_size : LIMIT_MANIFEST_BYTES;
    char *text CLEANUP_FREE = memory_alloc(room + 1);
    size_t len = fread(text, 1, room + 1, stream);
    if (ferror(stream))
        return error_set(err, ERROR_IO, "%s: %s", path, strerror(errno));
    if (len > LIMIT_MANIFEST_BYTES)
        return error_set(err, ERROR_LIMIT, "%s has more than %d bytes (LIMIT_MANIFEST_BYTES)", path,
                         LIMIT_MANIFEST_BYTES);
    if (len > room)
        return error_set(err, ERROR_IO, "%s has changed while it was read", path);
    *ret_text = TAKE(text);
    *ret_len = len;
    return 0;
}

/* Caller frees. */
static int read_file(const char *path, char **ret_text, size_t *ret_len, struct error *err)
{
    FILE *stream = fopen(path, "re");
    if (!stream)
        return error_set(err, ERROR_NOT_FOUND, "%s: %s", path, strerror(errno));
    int r = read_stream(stream, path, ret_text, ret_len, err);
    fclose(stream);
    return r;
}

/* ERROR_INVALID with the reasons in *diagnostics; other codes with *err. */
static int read_documents(const char *path, struct document_vec *ret_documents,
                          struct diagnostics *diagnostics, struct error *err)
{
    char *text CLEANUP_FREE = NULL;
    size_t len = 0;
    int r = read_file(path, &text, &len, err);
    if (r < 0)
        return r;
    return document_parse(&(struct document_input){path, text, len}, ret_documents, diagnostics) < 0
               ? ERROR_INVALID
               : 0;
}

/* A file that holds one document; what is wrong with it is told by *err. */
static int read_document(const char *path, struct document_vec *ret_documents, struct error *err)
{
    struct diagnostics diagnostics CLEANUP(diagnostics_deinit) = {0};
    struct document_vec documents CLEANUP(document_vec_deinit) = {0};
    int r = read_documents(path, &documents, &diagnostics, err);
    if (r == ERROR_INVALID) {
        char *text CLEANUP_FREE = diagnostic_to_text(&diagnostics.list.items[0]);
        error_set(err, r, "%s", text);
    } else if (r == 0 && documents.len != 1) {
        r = ERROR_INVALID;
        error_set(err, r, "%s: a schema is one document, not %zu", path, documents.len);
    }
    if (r < 0)
        return r;
    assert(documents.items);
    *ret_documents = documents;
    documents = (struct document_vec){0};
    return 0;
}

/* --- references to other files -------------------------------------------------------------------------- */

/* file:///... of an absolute path. Caller frees. */
static char *uri_of(const char *path)
{
    struct buffer out = BUFFER_INIT(LIMIT_MANIFEST_BYTES);
    buffer_append_str(&out, "file://");
    for (const char *c = path; *c; c++)
        buffer_printf(&out, isalnum((unsigned char)*c) || strchr("/-._~", *c) ? "%c" : "%%%02X",
                      (unsigned char)*c);
    return buffer_steal(&out);
}

/* Percent-decodes in place. */
static void decode(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        char hex[3] = {0};
        if (from[0] == '%' && isxdigit((unsigned char)from[1]) && isxdigit((unsigned char)from[2])) {
            memcpy(hex, from + 1, 2);
            from += 2;
            *to++ = (char)strtol(hex, NULL, 16);
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
}

/* The path that an URI stands for; NULL when it is none of the shelf's. Caller frees. */
static char *path_of(const struct shelf *shelf, const char *uri)
{
    static const char scheme[] = "file://";
    char *path = NULL;
    if (shelf->directory && text_starts_with(uri, scheme))
        path = memory_strdup(uri + strlen(scheme));
    else if (shelf->directory && shelf->id_base && text_starts_with(uri, shelf->id_base))
        path = memory_printf("%s/%s", shelf->directory, uri + strlen(shelf->id_base));
    if (path)
        decode(path);
    return path;
}

static bool is_inside(const char *directory, const char *path)
{
    size_t len = strlen(directory);
    return strncmp(path, directory, len) == 0 && (path[len] == '/' || text_equal(directory, "/"));
}

/* schema_load_fn: files of the schema's directory, and never the network. */
static int load(void *data, const char *uri, json_t **ret_document, struct error *err)
{
    const struct shelf *shelf = data;
    struct document_vec documents CLEANUP(document_vec_deinit) = {0};
    char *path CLEANUP_FREE = path_of(shelf, uri);
    char *real CLEANUP_FREE = NULL;
    if (!path)
        return error_set(err, ERROR_NOT_FOUND,
                         "%s is not at hand, and schemas are never fetched over a network: put a copy beside "
                         "the schema and refer to it by a relative path",
                         uri);
    real = realpath(path, NULL);
    if (!real)
        return error_set(err, ERROR_NOT_FOUND, "%s: %s", path, strerror(errno));
    if (!is_inside(shelf->directory, real))
        return error_set(err, ERROR_DENIED, "%s lies outside %s, the directory of the schema", real,
                         shelf->directory);
    int r = read_document(path, &documents, err);
    if (r == 0)
        *ret_document = json_incref(documents.items[0].value);
    return r;
}

static void shelf_deinit(struct shelf *shelf)
{
    free(shelf->directory);
    free(shelf->id_base);
}

static void fill_shelf(struct shelf *shelf, const char *path, const json_t *document)
{
    const char *id = json_string_value(json_object_get(document, "$id"));
    const char *slash = strrchr(path, '/');
    const char *id_slash = id ? strrchr(id, '/') : NULL;
    shelf->directory = memory_strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (id_slash && strstr(id, "://") && id_slash > strstr(id, "://") + 2)
        shelf->id_base = memory_strndup(id, (size_t)(id_slash - id) + 1);
}

/* --- the schema ----------------------------------------------------------------------------------------- */

static int compile(const json_t *document, const char *uri, struct shelf *shelf, struct schema **ret_schema,
                   struct error *err)
{
    struct schema_registry CLEANUP(schema_registry_freep) *registry = schema_registry_new();
    schema_registry_set_loader(registry, load, shelf);
    struct schema_options options = {.registry = registry, .uri = uri};
    return schema_compile(&options, document, ret_schema, err);
}

/* The meta-schema knows lines and columns, the compiler does not: what both see is told by the first. */
static int check_schema(const struct cli *cli, const char *path, const struct document *document)
{
    static const char draft_07[] = "http://json-schema.org/draft-07/schema";
    struct diagnostics found CLEANUP(diagnostics_deinit) = {0};
    struct schema CLEANUP(schema_freep) *schema = NULL;
    const char *named = json_string_value(json_object_get(document->value, "$schema"));
    bool old = named && text_starts_with(named, draft_07);
    if (named && !old && !text_starts_with(named, "https://json-schema.org/draft/2020-12/schema"))
        return 0; /* the compiler judges */
    json_t *json CLEANUP(json_decrefp) =
        json_loads(schema_metaschema(old ? SCHEMA_DRAFT_07 : SCHEMA_2020_12), 0, NULL);
    int r = schema_compile(NULL, json, &schema, NULL);
    assert(r == 0); /* embedded */
    (void)r;
    if (schema_validate(schema, document->value, &found) == 0)
        return 0;
    document_place(document, path, &found);
    cli_write_diagnostics(cli->err, &found, "");
    return cli_fail(cli, "%s is no valid schema", path);
}

/* Returns an exit code. */
static int read_schema_file(const struct cli *cli, const char *path, struct schema **ret_schema)
{
    struct document_vec documents CLEANUP(document_vec_deinit) = {0};
    struct shelf shelf CLEANUP(shelf_deinit) = {0};
    struct error err = ERROR_INIT;
    char *real CLEANUP_FREE = realpath(path, NULL);
    if (!real)
        return cli_fail(cli, "%s: %s; it is neither a file nor a kind (\"davit schema\" lists them)", path,
                        strerror(errno));
    if (read_document(path, &documents, &err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    if (check_schema(cli, path, &documents.items[0]))
        return CLI_ERROR;
    fill_shelf(&shelf, real, documents.items[0].value);
    char *uri CLEANUP_FREE = uri_of(real);
    if (compile(documents.items[0].value, uri, &shelf, ret_schema, &err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    return CLI_OK;
}

/* A kind's name, an URI that is known without a network, or a file. Returns an exit code. */
static int read_schema(const struct cli *cli, const char *name, struct schema **ret_schema)
{
    struct shelf none = {0};
    struct error err = ERROR_INIT;
    const char *kind = manifest_schema(name);
    if (!kind && !strstr(name, "://"))
        return read_schema_file(cli, name, ret_schema);
    json_t *json CLEANUP(json_decrefp) = kind ? json_loads(kind, 0, NULL) : json_pack("{ss}", "$ref", name);
    if (compile(json, NULL, &none, ret_schema, &err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    return CLI_OK;
}

/* --- the files ------------------------------------------------------------------------------------------ */

static void check_file(const struct cli *cli, const struct schema *schema, const char *path,
                       struct tally *tally)
{
    struct document_vec documents CLEANUP(document_vec_deinit) = {0};
    struct diagnostics found CLEANUP(diagnostics_deinit) = {0};
    struct error err = ERROR_INIT;
    int r = read_documents(path, &documents, &found, &err);
    tally->files++;
    tally->documents += documents.len;
    if (r < 0 && r != ERROR_INVALID) {
        cli_fail(cli, "%s", error_text(&err));
        tally->failed = true;
        return;
    }
    for (size_t i = 0; i < documents.len; i++) {
        if (schema_validate(schema, documents.items[i].value, &found) < 0)
            document_place(&documents.items[i], path, &found);
    }
    tally->bad_files += found.errors > 0;
    diagnostics_append(&tally->diagnostics, &found);
}

static void print(const struct cli *cli, struct tally *tally)
{
    diagnostics_sort(&tally->diagnostics);
    json_t *json CLEANUP(json_decrefp) = diagnostics_to_json(&tally->diagnostics);
    json_object_set_new(json, "schemaVersion", json_integer(1));
    json_object_set_new(json, "valid", json_boolean(!tally->bad_files && !tally->failed));
    json_object_set_new(json, "files", json_integer((json_int_t)tally->files));
    json_object_set_new(json, "documents", json_integer((json_int_t)tally->documents));
    if (cli_print_data(cli, json))
        return;
    cli_print_diagnostics(cli, &tally->diagnostics);
    if (tally->bad_files)
        fprintf(cli->err, "not valid: %zu error%s in %zu of %zu file%s\n", tally->diagnostics.errors,
                text_plural((int64_t)tally->diagnostics.errors), tally->bad_files, tally->files,
                text_plural((int64_t)tally->files));
    else if (!tally->failed)
        fprintf(cli->err, "valid: %zu file%s, %zu document%s\n", tally->files,
                text_plural((int64_t)tally->files), tally->documents, text_plural((int64_t)tally->documents));
}

int cli_schema_check(const struct cli *cli)
{
    struct schema CLEANUP(schema_freep) *schema = NULL;
    struct tally tally = {0};
    if (cli->argc < 3)
        return cli_usage(cli, "schema check needs SCHEMA FILE...");
    int code = read_schema(cli, cli->argv[1], &schema);
    if (code)
        return code;
    for (int i = 2; i < cli->argc; i++)
        check_file(cli, schema, cli->argv[i], &tally);
    print(cli, &tally);
    diagnostics_deinit(&tally.diagnostics);
    return tally.failed ? CLI_ERROR : tally.bad_files ? CLI_NO : CLI_OK;
}
