/* Golden cases of the planner: golden_plan [--update] FILE..., golden_plan --rows README FILE...
 *
 * A case is a JSON file with the row of src/plan/README.md that it shows, the planner's input in short, and
 * what comes out of it. --update writes what comes out now; read the difference before you commit it.
 */
#include "base/text.h"
#include "golden_case.h"
#include "model/json.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *load(const char *path)
{
    json_error_t error;
    json_t *json = json_load_file(path, 0, &error);
    if (!json)
        fprintf(stderr, "%s:%d: %s\n", path, error.line, error.text);
    return json;
}

static json_t *outcome(struct golden_case *golden)
{
    if (model_bool(golden->input, "sequence"))
        return json_pack("{s:o}", "sequence", case_sequence(golden));
    struct plan_output output;
    case_plan(golden, &output);
    json_t *json = case_output_to_json(golden, &output);
    plan_output_deinit(&output);
    return json;
}

static bool save(const char *path, const json_t *json)
{
    FILE *out = fopen(path, "w");
    if (!out)
        return false;
    bool good = json_dumpf(json, out, JSON_INDENT(2)) == 0 && fputc('\n', out) != EOF;
    return fclose(out) == 0 && good;
}

static bool differs(const char *path, const json_t *expected, const json_t *actual)
{
    if (json_equal(expected, actual))
        return false;
    char *want CLEANUP_FREE = json_dumps(expected, JSON_INDENT(2) | JSON_ENCODE_ANY);
    char *got CLEANUP_FREE = json_dumps(actual, JSON_INDENT(2));
    fprintf(stderr, "%s: expected\n%s\nbut got\n%s\n", path, want ? want : "nothing", got);
    return true;
}

static bool run(const char *path, bool update)
{
    json_t *file = load(path);
    struct golden_case golden;
    if (!file)
        return false;
    bool good = case_init(&golden, json_object_get(file, "input"));
    if (good) {
        json_t *actual = outcome(&golden);
        if (update) {
            json_object_set(file, "expected", actual);
            good = save(path, file);
        } else {
            good = !differs(path, json_object_get(file, "expected"), actual);
        }
        json_decref(actual);
    }
    case_deinit(&golden);
    json_decref(file);
    return good;
}

/* "| R11 | ..." gives R11. */
static bool row_of_line(const char *line, char ret_row[static 8])
{
    int len = 0;
    if (sscanf(line, "| %7[A-Z0-9] |%n", ret_row, &len) != 1 || !len)
        return false;
    return isupper((unsigned char)ret_row[0]) && isdigit((unsigned char)ret_row[1]);
}

/* Every row of the table has a case, and every case names a row of the table. */
static bool check_rows(const char *readme, char **paths, int paths_len)
{
    struct map rows = {0};
    struct map shown = {0};
    char line[1024];
    char row[8];
    bool good = true;
    FILE *table = fopen(readme, "r");
    while (table && fgets(line, sizeof line, table))
        if (row_of_line(line, row))
            map_put(&rows, row, (void *)1);
    if (table)
        fclose(table);
    for (int i = 0; i < paths_len; i++) {
        json_t *file = load(paths[i]);
        const char *name = model_string(file, "row");
        if (!name || !map_get(&rows, name)) {
            fprintf(stderr, "%s: row %s is not in %s\n", paths[i], name ? name : "(none)", readme);
            good = false;
        } else {
            map_put(&shown, name, (void *)1);
        }
        json_decref(file);
    }
    map_for_each (&rows, entry) {
        if (map_get(&shown, entry->key))
            continue;
        fprintf(stderr, "%s: row %s has no case\n", readme, entry->key);
        good = false;
    }
    good = good && rows.len > 0;
    map_deinit(&rows);
    map_deinit(&shown);
    return good;
}

int main(int argc, char **argv)
{
    bool update = argc > 1 && text_equal(argv[1], "--update");
    bool good = true;
    if (argc > 2 && text_equal(argv[1], "--rows"))
        return check_rows(argv[2], argv + 3, argc - 3) ? EXIT_SUCCESS : EXIT_FAILURE;
    for (int i = update ? 2 : 1; i < argc; i++)
        good = run(argv[i], update) && good;
    return good && argc > 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
