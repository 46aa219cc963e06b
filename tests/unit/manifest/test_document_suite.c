/* yaml-test-suite, where a copy of it is at hand: each case is read as the JSON that the suite gives, or
 * refused where the suite says so. What stands in the list is refused too, and only refused: nothing is read
 * as something else. */
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "manifest/document.h"
#include "unit.h"

#include <dirent.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum why {
    WHY_KEY,     /* refused on purpose: a key that is no string, JSON has none */
    WHY_TAG,     /* refused on purpose: a tag outside the core schema, JSON has none */
    WHY_LIBYAML, /* legal, and libyaml cannot read it */
};

static const char *const why_names[] = {
    [WHY_KEY] = "key that is no string",
    [WHY_TAG] = "tag outside the core schema",
    [WHY_LIBYAML] = "libyaml",
};

#define COLON     "a value that begins with a colon inside brackets"
#define NEXT_LINE "inside brackets, the colon on another line than its key's beginning"
#define TAB       "a tab where only separation is wanted"
#define ZERO      "a block scalar at the root without indentation"
#define DIRECTIVE "a directive that is to be ignored"
#define ANCHOR    "an anchor with other characters than letters, digits, - and _"
#define QUESTION  "a ? that begins a value inside brackets"

/* This list may only shrink. */
static const struct exception {
    const char *id;
    enum why why;
    const char *what;
} exceptions[] = {
    {"2JQS", WHY_KEY, "empty keys"},
    {"4ABK", WHY_KEY, "an empty key"},
    {"4FJ6", WHY_KEY, "sequences as keys"},
    {"6BFJ", WHY_KEY, "a sequence as a key"},
    {"6M2F", WHY_KEY, "an empty key"},
    {"6PBE", WHY_KEY, "a sequence as a key"},
    {"9MMW", WHY_KEY, "a mapping as a key"},
    {"CFD4", WHY_KEY, "empty keys"},
    {"DFF7", WHY_KEY, "an empty key"},
    {"FH7J", WHY_KEY, "an empty key"},
    {"FRK4", WHY_KEY, "an empty key"},
    {"KK5P", WHY_KEY, "mappings and sequences as keys"},
    {"LX3P", WHY_KEY, "a sequence as a key"},
    {"M2N8/00", WHY_KEY, "a mapping as a key"},
    {"M2N8/01", WHY_KEY, "a mapping as a key"},
    {"M5DY", WHY_KEY, "sequences as keys"},
    {"NHX8", WHY_KEY, "an empty key"},
    {"NKF9", WHY_KEY, "empty keys"},
    {"PW8X", WHY_KEY, "an empty key"},
    {"Q9WF", WHY_KEY, "a mapping as a key"},
    {"RZP5", WHY_KEY, "a sequence as a key"},
    {"S3PD", WHY_KEY, "an empty key"},
    {"SBG9", WHY_KEY, "a sequence as a key"},
    {"SM9W/01", WHY_KEY, "an empty key"},
    {"UKK6/00", WHY_KEY, "an empty key"},
    {"V9D5", WHY_KEY, "a mapping as a key"},
    {"X38W", WHY_KEY, "a sequence as a key"},
    {"XW4D", WHY_KEY, "a sequence as a key"},
    {"2XXW", WHY_TAG, "!!set"},
    {"565N", WHY_TAG, "!!binary"},
    {"5TYM", WHY_TAG, "!my-light"},
    {"6CK3", WHY_TAG, "!local"},
    {"6WLZ", WHY_TAG, "!foo"},
    {"7FWL", WHY_TAG, "!bar"},
    {"9WXW", WHY_TAG, "!foo"},
    {"C4HZ", WHY_TAG, "tag:clarkevans.com,2002:shape"},
    {"CC74", WHY_TAG, "tag:example.com,2000:app/foo"},
    {"CUP7", WHY_TAG, "!local"},
    {"J7PZ", WHY_TAG, "!!omap"},
    {"M5C3", WHY_TAG, "!foo"},
    {"P76L", WHY_TAG, "tag:example.com,2000:app/int"},
    {"UGM3", WHY_TAG, "tag:clarkevans.com,2002:invoice"},
    {"Z67P", WHY_TAG, "!foo"},
    {"Z9M4", WHY_TAG, "tag:example.com,2000:app/foo"},
    {"2LFX", WHY_LIBYAML, DIRECTIVE},
    {"6LVF", WHY_LIBYAML, DIRECTIVE},
    {"BEC7", WHY_LIBYAML, "%YAML 1.3"},
    {"MUS6/05", WHY_LIBYAML, DIRECTIVE},
    {"MUS6/06", WHY_LIBYAML, DIRECTIVE},
    {"2SXE", WHY_LIBYAML, ANCHOR},
    {"8XYN", WHY_LIBYAML, ANCHOR},
    {"W5VH", WHY_LIBYAML, ANCHOR},
    {"Y2GN", WHY_LIBYAML, ANCHOR},
    {"4MUZ/00", WHY_LIBYAML, NEXT_LINE},
    {"4MUZ/01", WHY_LIBYAML, NEXT_LINE},
    {"4MUZ/02", WHY_LIBYAML, NEXT_LINE},
    {"5MUD", WHY_LIBYAML, NEXT_LINE},
    {"9SA2", WHY_LIBYAML, NEXT_LINE},
    {"K3WX", WHY_LIBYAML, NEXT_LINE},
    {"NJ66", WHY_LIBYAML, NEXT_LINE},
    {"UT92", WHY_LIBYAML, NEXT_LINE},
    {"VJP3/01", WHY_LIBYAML, NEXT_LINE},
    {"58MP", WHY_LIBYAML, COLON},
    {"5T43", WHY_LIBYAML, COLON},
    {"DBG4", WHY_LIBYAML, COLON},
    {"HM87/00", WHY_LIBYAML, COLON},
    {"652Z", WHY_LIBYAML, QUESTION},
    {"HM87/01", WHY_LIBYAML, QUESTION},
    {"6BCT", WHY_LIBYAML, TAB},
    {"6CA3", WHY_LIBYAML, TAB},
    {"96NN/00", WHY_LIBYAML, "a tab that begins the text of a block scalar"},
    {"96NN/01", WHY_LIBYAML, "a tab that begins the text of a block scalar"},
    {"A2M4", WHY_LIBYAML, TAB},
    {"DK95/00", WHY_LIBYAML, TAB},
    {"DK95/03", WHY_LIBYAML, TAB},
    {"DK95/04", WHY_LIBYAML, TAB},
    {"Q5MG", WHY_LIBYAML, TAB},
    {"R4YG", WHY_LIBYAML, "a tab that begins the text of a block scalar"},
    {"Y79Y/001", WHY_LIBYAML, "a tab that begins the text of a block scalar"},
    {"Y79Y/010", WHY_LIBYAML, TAB},
    {"DK3J", WHY_LIBYAML, ZERO},
    {"FP8R", WHY_LIBYAML, ZERO},
    {"M7A3", WHY_LIBYAML, ZERO},
    {"W4TN", WHY_LIBYAML, ZERO},
};

struct suite {
    size_t cases;
    size_t equal;
    size_t rejected;     /* as the suite wants it */
    size_t without_json; /* read, and the suite does not say as what */
    size_t excepted[ARRAY_LEN(why_names)];
    size_t failed;
};

/* Caller frees; NULL when there is no such file. */
static char *read_file(const char *directory, const char *name, size_t *ret_len)
{
    CLEANUP_FREE char *path = memory_printf("%s/%s", directory, name);
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    char *text = memory_alloc(LIMIT_MANIFEST_BYTES);
    *ret_len = fread(text, 1, LIMIT_MANIFEST_BYTES - 1, file);
    text[*ret_len] = '\0';
    fclose(file);
    return text;
}

/* The values of in.json, one after the other, without null: documents of nothing are passed over. NULL
 * without the file. */
static json_t *expected_values(const char *directory)
{
    size_t len = 0;
    CLEANUP_FREE char *text = read_file(directory, "in.json", &len);
    if (!text)
        return NULL;
    json_t *values = json_array();
    for (size_t at = 0; at + strspn(text + at, " \n") < len;) {
        json_error_t error;
        json_t *value = json_loadb(text + at, len - at, JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK, &error);
        if (!value)
            fail_msg("%s: %s", directory, error.text);
        at += (size_t)error.position;
        if (json_is_null(value))
            json_decref(value);
        else
            json_array_append_new(values, value);
    }
    return values;
}

static json_t *values_of(const struct document_vec *documents)
{
    json_t *values = json_array();
    for (size_t i = 0; i < documents->len; i++)
        json_array_append(values, documents->items[i].value);
    return values;
}

static const struct exception *exception_of(const char *id)
{
    for (size_t i = 0; i < ARRAY_LEN(exceptions); i++)
        if (text_equal(exceptions[i].id, id))
            return &exceptions[i];
    return NULL;
}

static void fail_case(struct suite *suite, const char *id, const char *what, const char *detail)
{
    print_message("FAILED %s: %s %s\n", id, what, detail);
    suite->failed++;
}

/* A case that the suite calls an error, and one that is in the list, must be refused. */
static void judge_refused(struct suite *suite, const char *directory, const char *id,
                          const struct diagnostics *diagnostics)
{
    const struct exception *exception = exception_of(id);
    CLEANUP_FREE char *path = memory_printf("%s/error", directory);
    CLEANUP_FREE char *text = diagnostic_to_text(&diagnostics->list.items[0]);
    bool due = access(path, R_OK) == 0;
    if (diagnostics->list.items[0].at.line < 1 || diagnostics->list.items[0].at.column < 1)
        fail_case(suite, id, "is refused without a place:", text);
    else if (due && exception)
        fail_case(suite, id, "is refused as due: take it off the list", "");
    else if (due)
        suite->rejected++;
    else if (exception)
        suite->excepted[exception->why]++;
    else
        fail_case(suite, id, "is refused:", text);
}

static void judge_read(struct suite *suite, const char *directory, const char *id,
                       const struct document_vec *documents)
{
    CLEANUP_FREE char *path = memory_printf("%s/error", directory);
    json_t *expected = expected_values(directory);
    json_t *values = values_of(documents);
    CLEANUP_FREE char *text = json_dumps(values, JSON_COMPACT);
    if (access(path, R_OK) == 0)
        fail_case(suite, id, "is no YAML, but was read as", text);
    else if (expected && !json_equal(expected, values))
        fail_case(suite, id, "was read as", text);
    else if (exception_of(id))
        fail_case(suite, id, "is read: take it off the list", "");
    else if (expected)
        suite->equal++;
    else
        suite->without_json++;
    json_decref(expected);
    json_decref(values);
}

static void run_case(struct suite *suite, const char *directory, const char *id, const char *text, size_t len)
{
    struct document_input input = {"in.yaml", text, len};
    struct document_vec CLEANUP(document_vec_deinit) documents = {0};
    struct diagnostics diagnostics = {0};
    suite->cases++;
    if (document_parse(&input, &documents, &diagnostics) < 0)
        judge_refused(suite, directory, id, &diagnostics);
    else
        judge_read(suite, directory, id, &documents);
    diagnostics_deinit(&diagnostics);
}

/* A directory holds a case, or numbered directories of cases. */
static void walk(struct suite *suite, const char *root, const char *id)
{
    struct dirent **entries;
    size_t text_len = 0;
    CLEANUP_FREE char *directory = memory_printf("%s/%s", root, id);
    CLEANUP_FREE char *text = read_file(directory, "in.yaml", &text_len);
    if (text) {
        run_case(suite, directory, id, text, text_len);
        return;
    }
    int len = scandir(directory, &entries, NULL, alphasort);
    for (int i = 0; i < len; i++) {
        CLEANUP_FREE struct dirent *entry = entries[i];
        CLEANUP_FREE char *child =
            id[0] ? memory_printf("%s/%s", id, entry->d_name) : memory_strdup(entry->d_name);
        if (entry->d_name[0] != '.')
            walk(suite, root, child);
    }
    if (len >= 0)
        free(entries);
}

static char *suite_root(void)
{
    const char *corpus = getenv("DAVIT_CORPUS");
    return memory_printf("%s/yaml-test-suite/data", corpus ? corpus : SOURCE_ROOT "/../shared/corpus");
}

static void test_suite(void **state)
{
    (void)state;
    CLEANUP_FREE char *root = suite_root();
    struct suite suite = {0};
    size_t excepted = 0;
    walk(&suite, root, "");
    for (size_t i = 0; i < ARRAY_LEN(why_names); i++) {
        print_message("%zu listed as refused: %s\n", suite.excepted[i], why_names[i]);
        excepted += suite.excepted[i];
    }
    print_message("%zu cases: %zu equal, %zu rejected as due, %zu read where the suite gives no JSON, "
                  "%zu listed\n",
                  suite.cases, suite.equal, suite.rejected, suite.without_json, excepted);
    assert_true(suite.cases > 0);
    assert_int_equal(suite.failed, 0);
    assert_int_equal(excepted, ARRAY_LEN(exceptions));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_suite),
    };
    CLEANUP_FREE char *root = suite_root();
    if (access(root, R_OK) < 0) {
        printf("no suite at %s: set DAVIT_CORPUS to the directory above yaml-test-suite\n", root);
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
