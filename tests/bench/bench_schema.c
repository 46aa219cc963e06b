/* What the JSON Schema validator takes for files: bench-schema SCHEMA DIRECTORY [ROUNDS]; prints one line of
 * JSON a round. Each file of the directory is read into memory before the clock starts. */
#include "base/memory.h"
#include "base/text.h"
#include "manifest/document.h"
#include "manifest/schema.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct text {
    char *name;
    char *bytes;
    size_t len;
};

struct text_vec VECTOR_OF(struct text);

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "bench-schema: %s: %s\n", what, why);
    exit(1);
}

static struct text read_text(const char *path)
{
    struct text text = {.name = memory_strdup(path), .bytes = memory_alloc(LIMIT_MANIFEST_BYTES)};
    FILE *file = fopen(path, "rbe");
    if (!file)
        fail(path, "cannot be read");
    text.len = fread(text.bytes, 1, LIMIT_MANIFEST_BYTES, file);
    fclose(file);
    text.bytes = memory_realloc(text.bytes, text.len + 1, 1);
    return text;
}

static struct text_vec read_directory(const char *directory)
{
    struct text_vec texts = {0};
    struct dirent **entries;
    int len = scandir(directory, &entries, NULL, alphasort);
    if (len < 0)
        fail(directory, "cannot be read");
    for (int i = 0; i < len; i++) {
        CLEANUP_FREE struct dirent *entry = entries[i];
        CLEANUP_FREE char *path = memory_printf("%s/%s", directory, entry->d_name);
        if (entry->d_name[0] != '.')
            vector_push(&texts, read_text(path));
    }
    free(entries);
    return texts;
}

static struct schema *compile(const char *path)
{
    struct error err = ERROR_INIT;
    struct schema *schema;
    json_error_t why;
    json_t *json = json_load_file(path, 0, &why);
    if (!json)
        fail(path, why.text);
    if (schema_compile(NULL, json, &schema, &err) < 0)
        fail(path, error_text(&err));
    json_decref(json);
    return schema;
}

static struct document_vec parse(const struct text *text)
{
    struct document_input input = {text->name, text->bytes, text->len};
    struct document_vec documents = {0};
    struct diagnostics diagnostics = {0};
    if (document_parse(&input, &documents, &diagnostics) < 0)
        fail(text->name, diagnostics.list.items[0].message);
    return documents;
}

static size_t count_valid(const struct schema *schema, const struct document_vec *documents)
{
    size_t valid = 0;
    for (size_t i = 0; i < documents->len; i++)
        valid += schema_validate(schema, documents->items[i].value, NULL) == 0;
    return valid;
}

/* Text in, verdict out; then the verdict alone, on what was parsed before. */
static void run_round(const struct schema *schema, const struct text_vec *texts, struct document_vec *parsed)
{
    size_t bytes = 0;
    size_t valid = 0;
    size_t again = 0;
    double start = now_ms();
    for (size_t i = 0; i < texts->len; i++) {
        struct document_vec CLEANUP(document_vec_deinit) documents = parse(&texts->items[i]);
        valid += count_valid(schema, &documents);
        bytes += texts->items[i].len;
    }
    double both = now_ms();
    for (size_t i = 0; i < texts->len; i++)
        again += count_valid(schema, &parsed[i]);
    double end = now_ms();
    if (again != valid)
        fail("the verdicts", "differ");
    printf("{\"files\":%zu,\"bytes\":%zu,\"valid\":%zu,\"text_ms\":%.3f,\"validate_ms\":%.3f}\n", texts->len,
           bytes, valid, both - start, end - both);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        fail("usage", "bench-schema SCHEMA DIRECTORY [ROUNDS]");
    struct schema CLEANUP(schema_freep) *schema = compile(argv[1]);
    struct text_vec texts = read_directory(argv[2]);
    struct document_vec *parsed = memory_calloc(texts.len + 1, sizeof *parsed);
    for (size_t i = 0; i < texts.len; i++)
        parsed[i] = parse(&texts.items[i]);
    for (int rounds = argc > 3 ? atoi(argv[3]) : 11; rounds > 0; rounds--)
        run_round(schema, &texts, parsed);
    for (size_t i = 0; i < texts.len; i++) {
        document_vec_deinit(&parsed[i]);
        free(texts.items[i].name);
        free(texts.items[i].bytes);
    }
    free(parsed);
    vector_deinit(&texts);
    return 0;
}
