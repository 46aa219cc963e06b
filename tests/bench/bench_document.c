/* How fast manifests are read, beside what cannot be done without: jansson's values without positions,
 * libyaml's events without values. bench-document [FILE...]; without files, a task definition of its own in
 * both forms. One line of JSON a form: MB/s of processor time, the best of several rounds that alternate with
 * the floor's. */
#include "base/limits.h"
#include "base/text.h"
#include "manifest/document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <yaml.h>

#define ROUNDS      30
#define ROUND_BYTES (4 * 1024 * 1024)

struct text {
    char *name;
    char *content;
    size_t len;
};
struct text_vec VECTOR_OF(struct text);

typedef void reader(const struct text *);

static void read_davit(const struct text *text)
{
    struct document_input input = {text->name, text->content, text->len};
    struct document_vec documents = {0};
    struct diagnostics diagnostics = {0};
    if (document_parse(&input, &documents, &diagnostics) < 0)
        abort();
    document_vec_deinit(&documents);
    diagnostics_deinit(&diagnostics);
}

static void read_jansson(const struct text *text)
{
    json_t *value = json_loadb(text->content, text->len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    if (!value)
        abort();
    json_decref(value);
}

static void read_libyaml(const struct text *text)
{
    yaml_parser_t parser;
    yaml_event_t event;
    yaml_event_type_t type = YAML_NO_EVENT;
    if (!yaml_parser_initialize(&parser))
        abort();
    yaml_parser_set_input_string(&parser, (const unsigned char *)text->content, text->len);
    while (type != YAML_STREAM_END_EVENT) {
        if (!yaml_parser_parse(&parser, &event))
            abort();
        type = event.type;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
}

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static double round_us(reader *read, const struct text_vec *texts, size_t times)
{
    double start = now_us();
    for (size_t i = 0; i < times; i++)
        for (size_t j = 0; j < texts->len; j++)
            read(&texts->items[j]);
    return now_us() - start;
}

static void measure(const char *form, reader *floor, const struct text_vec *texts)
{
    size_t bytes = 0;
    double best[2] = {1e18, 1e18};
    for (size_t i = 0; i < texts->len; i++)
        bytes += texts->items[i].len;
    if (bytes == 0)
        return;
    size_t times = 1 + ROUND_BYTES / bytes;
    for (int round = 0; round < ROUNDS; round++) {
        double floor_us = round_us(floor, texts, times);
        double davit_us = round_us(read_davit, texts, times);
        best[0] = floor_us < best[0] ? floor_us : best[0];
        best[1] = davit_us < best[1] ? davit_us : best[1];
    }
    printf("{\"bench\":\"document\",\"form\":\"%s\",\"files\":%zu,\"bytes\":%zu,\"unit\":\"MB/"
           "s\",\"value\":%.1f,"
           "\"floor\":%.1f,\"ratio\":%.2f}\n",
           form, texts->len, bytes, (double)(bytes * times) / best[1], (double)(bytes * times) / best[0],
           best[1] / best[0]);
}

/* Container definitions as people write them, some 20 KB. */
static void add_own(struct text_vec *json, struct text_vec *yaml)
{
    char *object = memory_strdup("{\n  \"family\": \"web\",\n  \"containerDefinitions\": [");
    char *block = memory_strdup("family: web\ncontainerDefinitions:\n");
    for (int i = 0; i < 40; i++) {
        char *more = memory_printf(
            "%s%s\n    {\n      \"name\": \"app-%d\",\n      \"image\": "
            "\"registry.example.com/team/app:1.%d\",\n"
            "      \"cpu\": 128,\n      \"essential\": true,\n"
            "      \"portMappings\": [\n        {\"containerPort\": %d, \"protocol\": \"tcp\"}\n      ],\n"
            "      \"environment\": [\n        {\n          \"name\": \"GREETING\",\n"
            "          \"value\": \"hello \\\"world\\\"\"\n        }\n      ]\n    }",
            object, i ? "," : "", i, i, 8000 + i);
        free(object);
        object = more;
        more = memory_printf(
            "%s# number %d\n- name: app-%d\n  image: registry.example.com/team/app:1.%d\n  cpu: 128\n"
            "  essential: true\n  portMappings:\n  - {containerPort: %d, protocol: tcp}\n"
            "  environment:\n  - name: GREETING\n    value: 'hello \"world\"'\n",
            block, i, i, i, 8000 + i);
        free(block);
        block = more;
    }
    char *whole = memory_printf("%s\n  ]\n}\n", object);
    free(object);
    vector_push(json, (struct text){memory_strdup("own.json"), whole, strlen(whole)});
    vector_push(yaml, (struct text){memory_strdup("own.yaml"), block, strlen(block)});
}

static void add_file(struct text_vec *texts, const char *path)
{
    struct text text = {.name = memory_strdup(path), .content = memory_alloc(LIMIT_MANIFEST_BYTES)};
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(1);
    }
    text.len = fread(text.content, 1, LIMIT_MANIFEST_BYTES, file);
    fclose(file);
    vector_push(texts, text);
}

static void free_texts(struct text_vec *texts)
{
    for (size_t i = 0; i < texts->len; i++) {
        free(texts->items[i].name);
        free(texts->items[i].content);
    }
    vector_deinit(texts);
}

int main(int argc, char **argv)
{
    struct text_vec json = {0};
    struct text_vec yaml = {0};
    if (argc == 1)
        add_own(&json, &yaml);
    for (int i = 1; i < argc; i++)
        add_file(text_ends_with(argv[i], ".json") ? &json : &yaml, argv[i]);
    measure("json", read_jansson, &json);
    measure("yaml", read_libyaml, &yaml);
    free_texts(&json);
    free_texts(&yaml);
    return 0;
}
