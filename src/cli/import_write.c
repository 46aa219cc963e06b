/* Manifests to standard output, or to a directory with one file an object. */
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/import.h"
#include "cli/output.h"
#include "model/json.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_json(const struct cli *cli)
{
    return text_equal(cli_value(cli, "output"), "json");
}

static void write_object(const struct cli *cli, FILE *file, const json_t *object)
{
    if (!is_json(cli)) {
        cli_write_yaml(file, object);
        return;
    }
    char *text CLEANUP_FREE = json_dumps(object, JSON_INDENT(2));
    fprintf(file, "%s\n", text);
}

/* Several JSON values are one list: a file of JSON holds one value. */
static int write_all(const struct cli *cli, const json_t *objects)
{
    size_t i;
    json_t *object;
    if (is_json(cli)) {
        write_object(cli, cli->out, json_array_size(objects) == 1 ? json_array_get(objects, 0) : objects);
        return CLI_OK;
    }
    json_array_foreach ((json_t *)(uintptr_t)objects, i, object) {
        if (i)
            fputs("---\n", cli->out);
        write_object(cli, cli->out, object);
    }
    return CLI_OK;
}

/* "web.task-definition.yaml": a name of its own for each object. Caller frees. */
static char *file_name(const struct cli *cli, const json_t *object, struct map *taken)
{
    static const char *const members[] = {"clusterName", "serviceName", "family", "name"};
    const char *name = NULL;
    for (size_t i = 0; i < ARRAY_LEN(members) && !name; i++)
        name = model_string(object, members[i]);
    char kind[64] = "";
    size_t len = 0;
    for (const char *c = model_string(object, "kind"); *c && len + 2 < sizeof kind; c++) {
        if (isupper((unsigned char)*c) && len)
            kind[len++] = '-';
        kind[len++] = (char)tolower((unsigned char)*c);
    }
    char *legal CLEANUP_FREE = memory_strdup(name && name[0] ? name : "unnamed");
    for (char *c = legal; *c; c++)
        *c = isalnum((unsigned char)*c) || strchr("_-.", *c) ? *c : '-';
    legal[0] = legal[0] == '.' ? '-' : legal[0];
    for (size_t n = 1;; n++) {
        char *number CLEANUP_FREE = n > 1 ? memory_printf("-%zu", n) : memory_strdup("");
        char *path = memory_printf("%.180s%s.%s.%s", legal, number, kind, is_json(cli) ? "json" : "yaml");
        if (!map_get(taken, path)) {
            map_put(taken, path, (void *)(uintptr_t)object);
            return path;
        }
        free(path);
    }
}

static int write_file(const struct cli *cli, const char *path, const json_t *object)
{
    FILE *file = fopen(path, cli_is_on(cli, "force") ? "we" : "wxe");
    if (!file)
        return cli_fail(cli, "%s: %s", path, strerror(errno));
    write_object(cli, file, object);
    bool failed = ferror(file) != 0;
    failed = fclose(file) != 0 || failed;
    return failed ? cli_fail(cli, "%s cannot be written: %s", path, strerror(errno)) : CLI_OK;
}

/* All or none: a file that is there stops it before the first is written. */
static int check_files(const struct cli *cli, const struct map *names, const char *directory)
{
    int r = CLI_OK;
    map_for_each (names, entry) {
        char *path CLEANUP_FREE = memory_printf("%s/%s", directory, entry->key);
        if (access(path, F_OK) == 0 && !cli_is_on(cli, "force"))
            r = cli_fail(cli, "%s is there already; --force replaces it", path);
    }
    return r;
}

static int write_files(const struct cli *cli, const json_t *objects, const char *directory)
{
    struct map names CLEANUP(map_deinit) = {0};
    size_t i;
    json_t *object;
    json_array_foreach ((json_t *)(uintptr_t)objects, i, object)
        free(file_name(cli, object, &names));
    if (mkdir(directory, 0777) < 0 && errno != EEXIST)
        return cli_fail(cli, "%s: %s", directory, strerror(errno));
    int r = check_files(cli, &names, directory);
    map_for_each (&names, entry) {
        char *path CLEANUP_FREE = memory_printf("%s/%s", directory, entry->key);
        if (r == CLI_OK)
            r = write_file(cli, path, entry->value);
    }
    return r;
}

int cli_import_write(const struct cli *cli, const json_t *objects)
{
    const char *directory = cli_value(cli, "directory");
    return directory ? write_files(cli, objects, directory) : write_all(cli, objects);
}
