/* Reading and judging: a recursive descent into a tree of tests. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "model/query.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/vector.h"

#include <assert.h>
#include <ctype.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

enum verb { VERB_EQUAL, VERB_IN, VERB_MATCH, VERB_EXIST, VERB_ORDER };

enum order { ORDER_LESS = 1, ORDER_EQUAL = 2, ORDER_GREATER = 4 }; /* of a value to the argument */

struct query_operator {
    const char *symbol;
    const char *word; /* the same, spelt out; NULL: the symbol is a word */
    enum verb verb;
    bool negated;
    unsigned orders; /* of ORDER: those that are meant */
};

static const struct query_operator operators[] = {
    {"==", "equals", VERB_EQUAL, false, 0},
    {"!=", "not_equals", VERB_EQUAL, true, 0},
    {"=~", "matches", VERB_MATCH, false, 0},
    {"!~", "not_matches", VERB_MATCH, true, 0},
    {">=", "greater_than_equal", VERB_ORDER, false, ORDER_EQUAL | ORDER_GREATER},
    {"<=", "less_than_equal", VERB_ORDER, false, ORDER_LESS | ORDER_EQUAL},
    {">", "greater_than", VERB_ORDER, false, ORDER_GREATER},
    {"<", "less_than", VERB_ORDER, false, ORDER_LESS},
    {"!exists", "not_exists", VERB_EXIST, true, 0},
    {"exists", NULL, VERB_EXIST, false, 0},
    {"!in", "not_in", VERB_IN, true, 0},
    {"in", NULL, VERB_IN, false, 0},
};

enum scale { SCALE_NONE, SCALE_NUMBER, SCALE_VERSION, SCALE_TIME };

static const struct query_subject {
    const char *name; /* what ends in ":" is a prefix */
    bool may_be_absent;
    bool may_match; /* ==, in and =~; ECS has only == and the ordering for the others */
    enum scale scale;
} subjects[] = {
    {"attribute:", true, true, SCALE_NUMBER},          {"task:group", true, true, SCALE_NONE},
    {"agentConnected", false, true, SCALE_NONE},       {"ec2InstanceId", false, true, SCALE_NONE},
    {"agentVersion", false, false, SCALE_VERSION},     {"registeredAt", false, false, SCALE_TIME},
    {"runningTasksCount", false, false, SCALE_NUMBER},
};

enum node_kind { NODE_AND, NODE_OR, NODE_NOT, NODE_TEST };

struct query {
    enum node_kind kind;
    struct query *left; /* NOT: the only one */
    struct query *right;
    char *subject; /* the rest: of TEST */
    enum scale scale;
    const struct query_operator *operator;
    struct string_vec arguments;
    pcre2_code *pattern; /* of MATCH */
};

void query_each_test(const struct query *query, void (*visit)(void *data, const struct query_test *test),
                     void *data)
{
    if (!query)
        return;
    query_each_test(query->left, visit, data);
    query_each_test(query->right, visit, data);
    if (query->kind != NODE_TEST)
        return;
    enum verb verb = query->operator->verb;
    bool named = verb == VERB_EQUAL || verb == VERB_IN;
    visit(data, &(struct query_test){.subject = query->subject,
                                     .existence = verb == VERB_EXIST,
                                     .negated = query->operator->negated,
                                     .names = (const char *const *)query->arguments.items,
                                     .names_len = named ? query->arguments.len : 0});
}

void query_free(struct query *query)
{
    if (!query)
        return;
    query_free(query->left);
    query_free(query->right);
    free(query->subject);
    string_vec_deinit(&query->arguments);
    pcre2_code_free(query->pattern);
    free(query);
}

/* --- reading -------------------------------------------------------------------------------------------- */

struct reader {
    const char *text;
    const char *at;
    int depth;
    struct error *err;
};

static int expression(struct reader *reader, struct query **ret_query);

static void skip_space(struct reader *reader)
{
    while (isspace((unsigned char)*reader->at))
        reader->at++;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || strchr("_-.:/\\", c);
}

/* Takes the symbol, or the word where a word ends. */
static bool take(struct reader *reader, const char *symbol)
{
    if (!symbol || !text_starts_with(reader->at, symbol))
        return false;
    size_t len = strlen(symbol);
    if (is_word(symbol[len - 1]) && reader->at[len] && is_word(reader->at[len]))
        return false;
    reader->at += len;
    return true;
}

static bool take_either(struct reader *reader, const char *symbol, const char *word)
{
    skip_space(reader);
    return take(reader, symbol) || take(reader, word);
}

static const struct query_subject *subject_of(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(subjects); i++) {
        const struct query_subject *subject = &subjects[i];
        bool prefix = text_ends_with(subject->name, ":");
        if (prefix ? text_starts_with(name, subject->name) && name[strlen(subject->name)]
                   : text_equal(name, subject->name))
            return subject;
    }
    return NULL;
}

static int read_subject(struct reader *reader, struct query *test, const struct query_subject **ret_subject)
{
    size_t len = 0;
    while (reader->at[len] && is_word(reader->at[len]))
        len++;
    test->subject = memory_strndup(reader->at, len);
    *ret_subject = subject_of(test->subject);
    if (!*ret_subject)
        return error_set(reader->err, ERROR_INVALID,
                         "%s%.64s%s; expected attribute:NAME, task:group, agentConnected, agentVersion, "
                         "ec2InstanceId, registeredAt or runningTasksCount",
                         len ? "nothing is called \"" : "something is missing here", test->subject,
                         len ? "\"" : "");
    test->scale = (*ret_subject)->scale;
    reader->at += len;
    return 0;
}

static bool allows(const struct query_subject *subject, const struct query_operator *operator)
{
    switch (operator->verb) {
    case VERB_EQUAL:
        return true;
    case VERB_EXIST:
        return subject->may_be_absent;
    case VERB_ORDER:
        return subject->scale != SCALE_NONE;
    default:
        return subject->may_match;
    }
}

static int read_operator(struct reader *reader, struct query *test, const struct query_subject *subject)
{
    skip_space(reader);
    const char *begin = reader->at;
    for (size_t i = 0; i < ARRAY_LEN(operators) && !test->operator; i++)
        if (take_either(reader, operators[i].symbol, operators[i].word))
            test->operator= & operators[i];
    if (!test->operator)
        return error_set(reader->err, ERROR_INVALID,
                         "an operator is missing after \"%.64s\"; expected ==, !=, in, !in, =~, !~, exists, "
                         "!exists, >, >=, < or <=",
                         test->subject);
    if (allows(subject, test->operator))
        return 0;
    reader->at = begin;
    return error_set(reader->err, ERROR_INVALID, "\"%.64s\" is never asked for with \"%s\"", test->subject,
                     test->operator->symbol);
}

/* Up to what ends a literal without quotes. */
static size_t bare_len(const char *text, bool in_list)
{
    size_t len = 0;
    while (text[len] && !isspace((unsigned char)text[len]) && !strchr(in_list ? ",]'" : "()'", text[len]) &&
           !text_starts_with(text + len, "&&") && !text_starts_with(text + len, "||"))
        len++;
    return len;
}

static int read_literal(struct reader *reader, bool in_list, struct string_vec *to)
{
    skip_space(reader);
    bool quoted = *reader->at == '\'';
    const char *begin = reader->at + quoted;
    const char *end = quoted ? strchr(begin, '\'') : begin + bare_len(begin, in_list);
    if (!end)
        return error_set(reader->err, ERROR_INVALID, "the quote is not closed");
    if (!quoted && end == begin)
        return error_set(reader->err, ERROR_INVALID, "a value is missing here");
    vector_push(to, memory_strndup(begin, (size_t)(end - begin)));
    reader->at = end + quoted;
    return 0;
}

static int read_list(struct reader *reader, struct string_vec *to)
{
    if (!take_either(reader, "[", NULL))
        return error_set(reader->err, ERROR_INVALID, "a list is missing here, such as [a, b]");
    do {
        int r = read_literal(reader, true, to);
        if (r < 0)
            return r;
    } while (take_either(reader, ",", NULL));
    return take_either(reader, "]", NULL)
               ? 0
               : error_set(reader->err, ERROR_INVALID, "the list is not closed with \"]\"");
}

static int compile_pattern(struct reader *reader, struct query *test)
{
    int code;
    PCRE2_SIZE offset;
    PCRE2_UCHAR message[128];
    const uint32_t options = PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_NEVER_BACKSLASH_C;
    const char *pattern = test->arguments.items[0];
    test->pattern = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options, &code, &offset, NULL);
    if (test->pattern)
        return 0;
    pcre2_get_error_message(code, message, sizeof message);
    return error_set(reader->err, ERROR_INVALID, "pattern %.200s: %s", pattern, (const char *)message);
}

static bool compare(enum scale scale, const char *value, const char *argument, enum order *ret_order);

static int read_arguments(struct reader *reader, struct query *test)
{
    enum verb verb = test->operator->verb;
    if (verb == VERB_EXIST)
        return 0;
    skip_space(reader);
    const char *begin = reader->at;
    int r =
        verb == VERB_IN ? read_list(reader, &test->arguments) : read_literal(reader, false, &test->arguments);
    if (r < 0)
        return r;
    enum order order;
    const char *argument = test->arguments.items[0];
    if (verb == VERB_MATCH)
        r = compile_pattern(reader, test);
    else if (verb == VERB_ORDER && !compare(test->scale, argument, argument, &order))
        r = error_set(reader->err, ERROR_INVALID, "\"%.64s\" is no %s", argument,
                      test->scale == SCALE_TIME      ? "time, such as 2026-01-31T12:00:00Z"
                      : test->scale == SCALE_VERSION ? "version, such as 1.2.3"
                                                     : "number");
    if (r < 0)
        reader->at = begin;
    return r;
}

static int simple(struct reader *reader, struct query **ret_query)
{
    struct query *test = *ret_query = NEW(struct query);
    const struct query_subject *subject;
    test->kind = NODE_TEST;
    int r = read_subject(reader, test, &subject);
    if (r == 0)
        r = read_operator(reader, test, subject);
    return r < 0 ? r : read_arguments(reader, test);
}

static int inside(struct reader *reader, struct query **ret_query)
{
    if (++reader->depth > LIMIT_QUERY_DEPTH)
        return error_set(reader->err, ERROR_LIMIT, "parentheses are nested too deeply (LIMIT_QUERY_DEPTH)");
    int r = expression(reader, ret_query);
    reader->depth--;
    if (r < 0)
        return r;
    return take_either(reader, ")", NULL) ? 0
                                          : error_set(reader->err, ERROR_INVALID, "\")\" is missing here");
}

static int factor(struct reader *reader, struct query **ret_query)
{
    if (take_either(reader, "(", NULL))
        return inside(reader, ret_query);
    if (!take_either(reader, "!", "not"))
        return simple(reader, ret_query);
    struct query *not = *ret_query = NEW(struct query);
    not ->kind = NODE_NOT;
    return take_either(reader, "(", NULL)
               ? inside(reader, &not ->left)
               : error_set(reader->err, ERROR_INVALID, "\"(\" is missing after \"not\"");
}

/* One or more that are joined: of factors by "and", of those by "or". */
static int joined(struct reader *reader, enum node_kind kind, struct query **ret_query)
{
    for (struct query *left = NULL;;) {
        int r = kind == NODE_OR ? joined(reader, NODE_AND, ret_query) : factor(reader, ret_query);
        if (left) {
            struct query *join = NEW(struct query);
            *join = (struct query){.kind = kind, .left = left, .right = *ret_query};
            *ret_query = join;
        }
        if (r < 0 || !(kind == NODE_OR ? take_either(reader, "||", "or") : take_either(reader, "&&", "and")))
            return r;
        left = *ret_query;
        *ret_query = NULL;
    }
}

static int expression(struct reader *reader, struct query **ret_query)
{
    return joined(reader, NODE_OR, ret_query);
}

static int whole(struct reader *reader, struct query **ret_query)
{
    if (strlen(reader->text) > LIMIT_QUERY_CHARS)
        return error_set(reader->err, ERROR_LIMIT, "an expression has at most %d characters (ECS)",
                         LIMIT_QUERY_CHARS);
    int r = expression(reader, ret_query);
    skip_space(reader);
    if (r == 0 && *reader->at)
        r = error_set(reader->err, ERROR_INVALID, "\"and\" or \"or\" is missing here");
    return r;
}

int query_compile(const char *text, struct query **ret_query, size_t *ret_offset, struct error *err)
{
    assert(text);
    assert(ret_query);
    struct reader reader = {text, text, 0, err};
    struct query *query = NULL;
    int r = whole(&reader, &query);
    if (ret_offset)
        *ret_offset = (size_t)(reader.at - text);
    if (r < 0)
        query_free(query);
    *ret_query = r < 0 ? NULL : query;
    return r;
}

/* --- judging -------------------------------------------------------------------------------------------- */

static enum order order_of(int64_t a, int64_t b)
{
    return a < b ? ORDER_LESS : a > b ? ORDER_GREATER : ORDER_EQUAL;
}

static bool to_number(const char *text, double *ret_number)
{
    char *end;
    *ret_number = strtod(text, &end);
    return end != text && !*end && *ret_number - *ret_number == 0; /* neither infinite nor NaN */
}

static bool compare_numbers(const char *left, const char *right, enum order *ret_order)
{
    double a;
    double b;
    if (!to_number(left, &a) || !to_number(right, &b))
        return false;
    *ret_order = a < b ? ORDER_LESS : a > b ? ORDER_GREATER : ORDER_EQUAL;
    return true;
}

/* One part of a version with its dot. */
static bool next_part(const char **text, int64_t *ret_part)
{
    *ret_part = 0;
    if (!**text)
        return true; /* 1.2 is 1.2.0 */
    const char *at = *text;
    while (isdigit((unsigned char)*at) && *ret_part < 1000000000)
        *ret_part = *ret_part * 10 + (*at++ - '0');
    if (at == *text || (*at && (*at != '.' || !at[1])))
        return false;
    *text = *at ? at + 1 : at;
    return true;
}

static bool compare_versions(const char *left, const char *right, enum order *ret_order)
{
    *ret_order = ORDER_EQUAL;
    if (!*left || !*right)
        return false;
    while (*left || *right) {
        int64_t a;
        int64_t b;
        if (!next_part(&left, &a) || !next_part(&right, &b))
            return false;
        if (*ret_order == ORDER_EQUAL)
            *ret_order = order_of(a, b);
    }
    return true;
}

/* ECS's forms: with a zone, without one (UTC), a date alone. */
static bool to_time(const char *text, int64_t *ret_ms)
{
    if (text_to_time_ms(text, ret_ms) == 0)
        return true;
    char *zoned CLEANUP_FREE = memory_printf("%s%s", text, strchr(text, 'T') ? "Z" : "T00:00:00Z");
    return text_to_time_ms(zoned, ret_ms) == 0;
}

static bool compare_times(const char *left, const char *right, enum order *ret_order)
{
    int64_t a;
    int64_t b;
    if (!to_time(left, &a) || !to_time(right, &b))
        return false;
    *ret_order = order_of(a, b);
    return true;
}

/* False where one of them is not on the scale. */
static bool compare(enum scale scale, const char *value, const char *argument, enum order *ret_order)
{
    switch (scale) {
    case SCALE_NUMBER:
        return compare_numbers(value, argument, ret_order);
    case SCALE_VERSION:
        return compare_versions(value, argument, ret_order);
    case SCALE_TIME:
        return compare_times(value, argument, ret_order);
    default:
        return false;
    }
}

static bool matches_pattern(const pcre2_code *pattern, const char *value)
{
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    pcre2_match_context *context = pcre2_match_context_create(NULL);
    if (!data || !context)
        abort();
    pcre2_set_match_limit(context, LIMIT_PATTERN_MATCH_STEPS);
    pcre2_set_depth_limit(context, LIMIT_PATTERN_MATCH_STEPS);
    pcre2_set_heap_limit(context, LIMIT_PATTERN_HEAP_KIB);
    int r = pcre2_match(pattern, (PCRE2_SPTR)value, strlen(value), 0, 0, data, context);
    pcre2_match_data_free(data);
    pcre2_match_context_free(context);
    return r >= 0; /* what takes too many steps does not match */
}

static bool holds(const void *taker, const char *value)
{
    const struct query *test = taker;
    enum order order;
    switch (test->operator->verb) {
    case VERB_EXIST:
        return true;
    case VERB_MATCH:
        return matches_pattern(test->pattern, value);
    case VERB_ORDER:
        return compare(test->scale, value, test->arguments.items[0], &order) &&
               (order & test->operator->orders);
    default:
        for (size_t i = 0; i < test->arguments.len; i++)
            if (text_equal(value, test->arguments.items[i]))
                return true;
        return false;
    }
}

bool query_matches(const struct query *query, const struct query_instance *instance)
{
    assert(query);
    assert(instance);
    switch (query->kind) {
    case NODE_AND:
        return query_matches(query->left, instance) && query_matches(query->right, instance);
    case NODE_OR:
        return query_matches(query->left, instance) || query_matches(query->right, instance);
    case NODE_NOT:
        return !query_matches(query->left, instance);
    default:
        return instance->values(instance->data, query->subject, holds, query) != query->operator->negated;
    }
}

struct guess {
    const struct query_instance *instance;
    bool (*knows)(const void *data, const char *subject);
};

/* Whether it may come out as is wanted. */
static bool may_be(const struct guess *guess, const struct query *query, bool wanted)
{
    if (query->kind == NODE_NOT)
        return may_be(guess, query->left, !wanted);
    if (query->kind == NODE_TEST)
        return !guess->knows(guess->instance->data, query->subject) ||
               query_matches(query, guess->instance) == wanted;
    bool left = may_be(guess, query->left, wanted);
    bool both = (query->kind == NODE_AND) == wanted;
    return left == both ? may_be(guess, query->right, wanted) : left;
}

bool query_may_match(const struct query *query, const struct query_instance *instance,
                     bool (*knows)(const void *data, const char *subject))
{
    assert(query);
    assert(instance);
    assert(knows);
    const struct guess guess = {instance, knows};
    return may_be(&guess, query, true);
}
