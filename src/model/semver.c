#include "model/semver.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/vector.h"

#include <assert.h>
#include <string.h>

#define NUMBER_DIGITS 18 /* of one number: it fits 64 bits */

enum relation {
    LESS,
    AT_MOST,
    EQUAL,
    OTHER,
    AT_LEAST,
    GREATER,
};

struct comparator {
    enum relation relation;
    struct semver version; /* of the range's own text */
    bool begins;           /* the first one of an alternative */
    bool prereleases;      /* the alternative that it begins takes prereleases */
};

struct semver_range {
    char *text;
    struct comparator_vec VECTOR_OF(struct comparator) comparators;
};

/* --- versions ------------------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_identifier(char c)
{
    return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-';
}

/* Without leading zeros that count. */
static bool take_number(const char **at, uint64_t *ret_number)
{
    const char *digit = *at;
    uint64_t number = 0;
    while (is_digit(*digit))
        number = number * 10 + (uint64_t)(*digit++ - '0');
    size_t len = (size_t)(digit - *at);
    if (len == 0 || len > NUMBER_DIGITS)
        return false;
    *at = digit;
    *ret_number = number;
    return true;
}

/* Identifiers with dots between them, none of them empty. */
static bool take_identifiers(const char **at, size_t *ret_len)
{
    const char *begin = *at;
    const char *end = begin;
    while (is_identifier(*end) || *end == '.') {
        if (*end == '.' && (end == begin || end[-1] == '.'))
            return false;
        end++;
    }
    if (end == begin || end[-1] == '.')
        return false;
    *at = end;
    *ret_len = (size_t)(end - begin);
    return true;
}

/* "-rc.1+5" behind the numbers, or nothing. */
static bool take_rest(const char **at, struct semver *version)
{
    size_t ignored;
    if (**at == '-') {
        ++*at;
        version->prerelease = *at;
        if (!take_identifiers(at, &version->prerelease_len))
            return false;
    }
    if (**at != '+')
        return true;
    ++*at;
    return take_identifiers(at, &ignored);
}

static void take_prefix(const char **at, struct semver *version)
{
    version->prefixed = **at == 'v' || **at == 'V';
    *at += version->prefixed;
}

bool semver_parse(const char *text, struct semver *ret_version)
{
    assert(text);
    struct semver version = {0};
    const char *at = text;
    take_prefix(&at, &version);
    while (version.count < 3) {
        if (!take_number(&at, &version.numbers[version.count++]))
            return false;
        if (*at != '.')
            break;
        if (version.count < 3)
            at++;
    }
    if (!take_rest(&at, &version) || *at)
        return false;
    *ret_version = version;
    return true;
}

static bool are_digits(const char *text, size_t len)
{
    return strspn(text, "0123456789") >= len;
}

static int compare_numbers(const char *a, size_t a_len, const char *b, size_t b_len)
{
    for (; a_len > 1 && *a == '0'; a++)
        a_len--;
    for (; b_len > 1 && *b == '0'; b++)
        b_len--;
    return a_len != b_len ? (a_len < b_len ? -1 : 1) : memcmp(a, b, a_len);
}

static int compare_identifiers(const char *a, size_t a_len, const char *b, size_t b_len)
{
    bool a_digits = are_digits(a, a_len);
    bool b_digits = are_digits(b, b_len);
    if (a_digits && b_digits)
        return compare_numbers(a, a_len, b, b_len);
    if (a_digits != b_digits)
        return a_digits ? -1 : 1;
    int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
    return order ? order : (a_len > b_len) - (a_len < b_len);
}

static size_t identifier_len(const char *text, size_t len)
{
    const char *dot = memchr(text, '.', len);
    return dot ? (size_t)(dot - text) : len;
}

static int compare_prereleases(const struct semver *a, const struct semver *b)
{
    if (!a->prerelease_len || !b->prerelease_len)
        return (b->prerelease_len != 0) - (a->prerelease_len != 0);
    size_t i = 0;
    size_t k = 0;
    while (i < a->prerelease_len && k < b->prerelease_len) {
        size_t a_len = identifier_len(a->prerelease + i, a->prerelease_len - i);
        size_t b_len = identifier_len(b->prerelease + k, b->prerelease_len - k);
        int order = compare_identifiers(a->prerelease + i, a_len, b->prerelease + k, b_len);
        if (order)
            return order;
        i += a_len + 1;
        k += b_len + 1;
    }
    return (i < a->prerelease_len) - (k < b->prerelease_len);
}

int semver_compare(const struct semver *a, const struct semver *b)
{
    assert(a);
    assert(b);
    for (size_t i = 0; i < ARRAY_LEN(a->numbers); i++)
        if (a->numbers[i] != b->numbers[i])
            return a->numbers[i] < b->numbers[i] ? -1 : 1;
    return compare_prereleases(a, b);
}

/* --- reading a range ------------------------------------------------------------------------------------ */

static const char lowest[] = "0"; /* of all prereleases */

static const struct {
    const char *sign;
    char meaning;
} signs[] = {{">=", 'G'}, {"<=", 'L'}, {"!=", '!'}, {"==", '='}, {"~>", '~'},
             {">", '>'},  {"<", '<'},  {"=", '='},  {"~", '~'},  {"^", '^'}};

struct reading {
    struct semver_range *range;
    const char *at;
    bool begins;  /* an alternative: no comparator of it has come */
    size_t first; /* comparator of it */
};

static int wrong(const struct reading *reading, const char *expected, struct error *err)
{
    size_t place = (size_t)(reading->at - reading->range->text) + 1;
    if (!*reading->at)
        return error_set(err, ERROR_INVALID, "\"%s\" ends where %s is wanted", reading->range->text,
                         expected);
    return error_set(err, ERROR_INVALID, "\"%s\": %s is wanted at character %zu, \"%.20s\"",
                     reading->range->text, expected, place, reading->at);
}

static void skip_blanks(struct reading *reading)
{
    while (*reading->at == ' ' || *reading->at == '\t')
        reading->at++;
}

static bool is_wildcard(char c)
{
    return c == 'x' || c == 'X' || c == '*';
}

/* A version, or one whose last numbers are left open: count is that of the numbers, 0 for "*". */
static int take_partial(struct reading *reading, struct semver *ret_version, struct error *err)
{
    static const char expected[] = "a version such as 1.2.3 or 1.x";
    struct semver version = {0};
    bool open = false;
    take_prefix(&reading->at, &version);
    for (int i = 0; i < 3; i++) {
        bool wild = is_wildcard(*reading->at);
        if (!wild && (open || !take_number(&reading->at, &version.numbers[i])))
            return wrong(reading, expected, err);
        reading->at += wild;
        open |= wild;
        version.count += !open;
        if (*reading->at != '.' || i == 2)
            break;
        reading->at++;
    }
    if (!open && !take_rest(&reading->at, &version))
        return wrong(reading, "a prerelease such as -rc.1", err);
    if (version.prerelease_len && version.count < 3)
        return wrong(reading, "a prerelease behind three numbers", err);
    if (*reading->at && !strchr(" \t,|", *reading->at))
        return wrong(reading, expected, err);
    *ret_version = version;
    return 0;
}

static void add(struct reading *reading, enum relation relation, const struct semver *version)
{
    struct comparator comparator = {.relation = relation, .version = *version, .begins = reading->begins};
    reading->begins = false;
    vector_push(&reading->range->comparators, comparator);
}

/* The first that is beyond those that agree in `count` numbers, its prereleases among them. */
static struct semver beyond(const struct semver *version, int count)
{
    struct semver next = {.count = 3, .prerelease = lowest, .prerelease_len = 1};
    for (int i = 0; i < count; i++)
        next.numbers[i] = version->numbers[i];
    next.numbers[count - 1]++;
    return next;
}

/* The version itself where it is written out, else all that it leaves open. */
static void add_up_to(struct reading *reading, const struct semver *version)
{
    if (version->count == 3) {
        add(reading, AT_MOST, version);
        return;
    }
    struct semver end = version->count ? beyond(version, version->count) : (struct semver){0};
    add(reading, version->count ? LESS : AT_LEAST, &end);
}

static void add_within(struct reading *reading, const struct semver *version, int count)
{
    add(reading, AT_LEAST, version);
    if (count == 0)
        return;
    struct semver end = beyond(version, count);
    add(reading, LESS, &end);
}

/* How many numbers stay under ^: up to the first that is not 0. */
static int caret_count(const struct semver *version)
{
    int count = 1;
    while (count < version->count && version->numbers[count - 1] == 0)
        count++;
    return version->count ? count : 0;
}

static int add_greater(struct reading *reading, const struct semver *version, struct error *err)
{
    if (version->count == 0)
        return wrong(reading, "a number: nothing is greater than all", err);
    if (version->count == 3) {
        add(reading, GREATER, version);
        return 0;
    }
    struct semver end = beyond(version, version->count);
    end.prerelease_len = 0;
    add(reading, AT_LEAST, &end);
    return 0;
}

static int add_exact(struct reading *reading, char meaning, const struct semver *version, struct error *err)
{
    if (version->count < 3 && meaning == '!')
        return wrong(reading, "three numbers behind !=", err);
    if (version->count == 3)
        add(reading, meaning == '!' ? OTHER : EQUAL, version);
    else
        add_within(reading, version, version->count);
    return 0;
}

static int add_meaning(struct reading *reading, char meaning, const struct semver *version, struct error *err)
{
    if (meaning == '>')
        return add_greater(reading, version, err);
    if (meaning == '=' || meaning == '!')
        return add_exact(reading, meaning, version, err);
    if (meaning == '<')
        add(reading, LESS, version);
    else if (meaning == 'G')
        add(reading, AT_LEAST, version);
    else if (meaning == 'L')
        add_up_to(reading, version);
    else
        add_within(reading, version,
                   meaning == '^'       ? caret_count(version)
                   : version->count < 2 ? version->count
                                        : 2);
    return 0;
}

static bool is_hyphen(const char *at)
{
    return at[0] == '-' && (at[1] == ' ' || at[1] == '\t');
}

static int take_comparator(struct reading *reading, struct error *err)
{
    struct semver version = {0};
    struct semver last = {0};
    size_t i = 0;
    while (i < ARRAY_LEN(signs) && !text_starts_with(reading->at, signs[i].sign))
        i++;
    char meaning = i < ARRAY_LEN(signs) ? signs[i].meaning : 0;
    reading->at += meaning ? strlen(signs[i].sign) : 0;
    skip_blanks(reading);
    int rc = take_partial(reading, &version, err);
    if (rc < 0)
        return rc;
    skip_blanks(reading);
    if (meaning || !is_hyphen(reading->at))
        return add_meaning(reading, meaning ? meaning : '=', &version, err);
    reading->at++;
    skip_blanks(reading);
    rc = take_partial(reading, &last, err);
    if (rc < 0)
        return rc;
    add(reading, AT_LEAST, &version);
    add_up_to(reading, &last);
    return 0;
}

/* The upper bounds that are added here do not count. */
static bool names_prerelease(const struct comparator *comparator)
{
    return comparator->version.prerelease_len && comparator->version.prerelease != lowest;
}

static void end_alternative(struct reading *reading)
{
    struct comparator_vec *all = &reading->range->comparators;
    for (size_t i = reading->first; i < all->len; i++)
        all->items[reading->first].prereleases |= names_prerelease(&all->items[i]);
    reading->first = all->len;
    reading->begins = true;
}

static int read_range(struct reading *reading, struct error *err)
{
    for (;;) {
        skip_blanks(reading);
        int rc = take_comparator(reading, err);
        if (rc < 0)
            return rc;
        skip_blanks(reading);
        if (!*reading->at)
            return 0;
        if (*reading->at == ',') {
            reading->at++;
        } else if (text_starts_with(reading->at, "||")) {
            reading->at += 2;
            end_alternative(reading);
        } else if (*reading->at == '|') {
            return wrong(reading, "||", err);
        }
    }
}

int semver_range_compile(const char *text, struct semver_range **ret_range, struct error *err)
{
    assert(text);
    assert(ret_range);
    if (strlen(text) > LIMIT_SEMVER_RANGE_CHARS)
        return error_set(err, ERROR_LIMIT,
                         "a range of versions has at most %d characters "
                         "(LIMIT_SEMVER_RANGE_CHARS)",
                         LIMIT_SEMVER_RANGE_CHARS);
    struct semver_range *range = NEW(struct semver_range);
    range->text = memory_strdup(text);
    struct reading reading = {.range = range, .at = range->text, .begins = true};
    int rc = read_range(&reading, err);
    if (rc < 0) {
        semver_range_free(range);
        return rc;
    }
    end_alternative(&reading);
    *ret_range = range;
    return 0;
}

void semver_range_free(struct semver_range *range)
{
    if (!range)
        return;
    vector_deinit(&range->comparators);
    free(range->text);
    free(range);
}

/* --- asking --------------------------------------------------------------------------------------------- */

static bool meets(const struct comparator *comparator, const struct semver *version)
{
    int order = semver_compare(version, &comparator->version);
    switch (comparator->relation) {
    case LESS:
        return order < 0;
    case AT_MOST:
        return order <= 0;
    case EQUAL:
        return order == 0;
    case OTHER:
        return order != 0;
    case AT_LEAST:
        return order >= 0;
    case GREATER:
        return order > 0;
    }
    return false;
}

bool semver_range_has(const struct semver_range *range, const struct semver *version)
{
    assert(range);
    assert(version);
    bool all = false;
    for (size_t i = 0; i < range->comparators.len; i++) {
        const struct comparator *comparator = &range->comparators.items[i];
        if (comparator->begins && all)
            return true;
        if (comparator->begins)
            all = !version->prerelease_len || comparator->prereleases;
        all = all && meets(comparator, version);
    }
    return all;
}

bool semver_range_has_prereleases(const struct semver_range *range)
{
    assert(range);
    bool any = false;
    for (size_t i = 0; i < range->comparators.len; i++)
        any |= range->comparators.items[i].prereleases;
    return any;
}
