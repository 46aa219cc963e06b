/* How long a manifest takes to load N services and N task definitions, and to take in a change of one file.
 * bench-manifest [N] [json|yaml]; prints one line of JSON. json is one object a file, yaml a service and its
 * task definition a file. */
#include "base/text.h"
#include "manifest/manifest.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static double resident_mib(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%*s %ld", &pages) != 1)
        pages = 0;
    if (file)
        fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1048576;
}

static char *definition_json(int i, int version)
{
    return memory_printf(
        "{\n  \"family\": \"app-%05d\",\n  \"containerDefinitions\": [\n    {\n      \"name\": \"app\",\n"
        "      \"image\": \"registry.example.com/team/app-%05d:1.%d\",\n      \"cpu\": 128,\n"
        "      \"memory\": 256,\n      \"essential\": true,\n"
        "      \"portMappings\": [{\"containerPort\": 8080, \"protocol\": \"tcp\"}],\n"
        "      \"environment\": [{\"name\": \"LOG_LEVEL\", \"value\": \"info\"}, {\"name\": \"REGION\", "
        "\"value\": \"eu\"}],\n      \"healthCheck\": {\"command\": [\"CMD-SHELL\", \"true\"], "
        "\"interval\": 10},\n      \"logConfiguration\": {\"logDriver\": \"json-file\", \"options\": "
        "{\"max-size\": \"10m\"}}\n    }\n  ]\n}\n",
        i, i, version);
}

static char *service_json(int i)
{
    return memory_printf(
        "{\n  \"serviceName\": \"app-%05d\",\n  \"cluster\": \"default\",\n"
        "  \"taskDefinition\": \"app-%05d\",\n  \"desiredCount\": 2,\n"
        "  \"deploymentConfiguration\": {\"minimumHealthyPercent\": 50, \"maximumPercent\": 200}\n}\n",
        i, i);
}

static char *both_yaml(int i, int version)
{
    return memory_printf(
        "family: app-%05d\ncontainerDefinitions:\n- name: app\n"
        "  image: registry.example.com/team/app-%05d:1.%d\n  cpu: 128\n  memory: 256\n"
        "  portMappings:\n  - containerPort: 8080\n    protocol: tcp\n  environment:\n"
        "  - name: LOG_LEVEL\n    value: info\n  - name: REGION\n    value: eu\n  healthCheck:\n"
        "    command: [CMD-SHELL, 'true']\n    interval: 10\n  logConfiguration:\n"
        "    logDriver: json-file\n    options: {max-size: 10m}\n---\nserviceName: app-%05d\n"
        "cluster: default\ntaskDefinition: app-%05d\ndesiredCount: 2\n"
        "deploymentConfiguration: {minimumHealthyPercent: 50, maximumPercent: 200}\n",
        i, i, version, i, i);
}

struct manifest_file_vec VECTOR_OF(struct manifest_file);

static void add(struct manifest_file_vec *files, char *path, char *text)
{
    vector_push(files, (struct manifest_file){
                           .path = path, .kind = MANIFEST_FILE, .content = text, .len = strlen(text)});
}

static void make_files(struct manifest_file_vec *files, int count, bool yaml)
{
    for (int i = 0; i < count; i++) {
        if (yaml) {
            add(files, memory_printf("apps/%02d/app-%05d.yaml", i % 100, i), both_yaml(i, 0));
            continue;
        }
        add(files, memory_printf("apps/%02d/app-%05d/service.json", i % 100, i), service_json(i));
        add(files, memory_printf("apps/%02d/app-%05d/task.json", i % 100, i), definition_json(i, 0));
    }
}

struct bench {
    struct manifest *manifest;
    struct map families;
    struct string_vec changed;
    struct desired *desired;
};

static void build(struct bench *bench)
{
    struct commit commit = {
        .oid = "c0ffee", .author = (char *)"A <a@example.com>", .subject = (char *)"subject"};
    struct diagnostics diagnostics = {0};
    struct desired *desired;
    struct manifest_numbering numbering = {&bench->families, &bench->changed};
    if (manifest_build(bench->manifest, &commit, &numbering, &desired, &diagnostics) < 0) {
        char *text = diagnostic_to_text(&diagnostics.list.items[0]);
        fprintf(stderr, "%s\n", text);
        exit(1);
    }
    desired_unref(bench->desired);
    bench->desired = desired;
    diagnostics_deinit(&diagnostics);
}

/* The median of changes to one file each. */
#define CHANGES 21

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static double change_one(struct bench *bench, const struct manifest_file_vec *files, bool yaml)
{
    double times[CHANGES];
    for (int i = 0; i < CHANGES; i++) {
        char *text CLEANUP_FREE = yaml ? both_yaml(i, i + 1) : definition_json(i, i + 1);
        const struct manifest_file file = {.path = files->items[yaml ? i : i * 2 + 1].path,
                                           .kind = MANIFEST_FILE,
                                           .content = text,
                                           .len = strlen(text)};
        double start = now_ms();
        manifest_update(bench->manifest, false, &file, 1);
        build(bench);
        times[i] = now_ms() - start;
    }
    qsort(times, CHANGES, sizeof times[0], compare);
    return times[CHANGES / 2];
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 10000;
    bool yaml = argc > 2 && text_equal(argv[2], "yaml");
    struct manifest_file_vec files = {0};
    struct bench bench = {.manifest = manifest_new(), .families = MAP_INIT(family_ledger_free)};
    make_files(&files, count, yaml);
    double before_mib = resident_mib();
    double start = now_ms();
    manifest_update(bench.manifest, true, files.items, files.len);
    double updated = now_ms();
    build(&bench);
    double built = now_ms();
    malloc_trim(0);
    double after_mib = resident_mib();
    double change_ms = change_one(&bench, &files, yaml);
    printf("{\"bench\":\"manifest\",\"services\":%d,\"files\":%zu,\"form\":\"%s\",\"parse_ms\":%.1f,\"build_"
           "ms\":%.1f,"
           "\"load_ms\":%.1f,\"change_one_ms\":%.2f,\"resident_mib\":%.1f}\n",
           count, files.len, yaml ? "yaml" : "json", updated - start, built - updated, built - start,
           change_ms, after_mib - before_mib);
    desired_unref(bench.desired);
    manifest_free(bench.manifest);
    map_deinit(&bench.families);
    string_vec_deinit(&bench.changed);
    for (size_t i = 0; i < files.len; i++) {
        free((char *)files.items[i].path);
        free((char *)files.items[i].content);
    }
    vector_deinit(&files);
    return 0;
}
