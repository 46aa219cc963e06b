#include "manifest/document_syntax.h"

#include "base/memory.h"
#include "base/text.h"
#include "manifest/document_text.h"

#include <assert.h>
#include <string.h>

#define HINT_TABS     "YAML indents with spaces, not tabs"
#define HINT_TEMPLATE "templates must be rendered before they are committed"
#define HINT_CONFLICT "the file has git's conflict markers: settle the conflict"
#define HINT_COLON    "quote the value if the colon belongs to it, else check the indentation"
#define HINT_BRACKETS "quote a value that has one of , [ ] { } : in it"

/* What libyaml says, by its words, and what is said instead. */
struct syntax_rule {
    const char *problem;
    const char *context;  /* NULL: any */
    const char *message;  /* NULL: "unexpected" and the word that was found */
    const char *expected; /* with `begins` the place where the collection begins comes after it */
    const char *hint;
    bool begins;
    bool at_context; /* the reader looks there, and not at the place where libyaml gave up */
};

static const struct syntax_rule rules[] = {
    {.problem = "could not find expected ':'",
     .message = "the line is no \"key: value\" and continues nothing",
     .hint = "put a colon and a space after the key, or indent the line if it continues a value",
     .at_context = true},
    {.problem = "mapping values are not allowed in this context",
     .message = "a colon where no key may stand",
     .hint = HINT_COLON},
    {.problem = "mapping keys are not allowed in this context",
     .message = "a ? where no key may stand",
     .hint = "quote the value if the ? belongs to it, else check the indentation"},
    {.problem = "block sequence entries are not allowed in this context",
     .message = "a list item cannot begin here",
     .hint = "begin the list on a line of its own"},
    {.problem = "did not find expected key",
     .expected = "a key of the mapping",
     .hint = "all keys of a mapping begin in the same column, and nothing follows a closing quote or bracket",
     .begins = true},
    {.problem = "did not find expected '-' indicator",
     .expected = "an item (\"- \") of the list",
     .hint = "all items of a list begin in the same column",
     .begins = true},
    {.problem = "did not find expected ',' or ']'",
     .expected = "a comma or ] for the list",
     .hint = HINT_BRACKETS,
     .begins = true},
    {.problem = "did not find expected ',' or '}'",
     .expected = "a comma or } for the mapping",
     .hint = HINT_BRACKETS,
     .begins = true},
    {.problem = "did not find expected node content",
     .expected = "a value",
     .hint = "quote a value that begins with such a character"},
    {.problem = "did not find expected <document start>",
     .expected = "the end of the document or a line of \"---\"",
     .hint = "a document holds one value: check the indentation"},
    {.problem = "found unexpected end of stream",
     .message = "the string that begins here is not closed",
     .at_context = true},
    {.problem = "found unexpected document indicator",
     .message = "the string that begins here is not closed in its document",
     .at_context = true},
    {.problem = "did not find expected alphabetic or numeric character",
     .context = "while scanning an alias",
     .message = "a * without the name of an anchor",
     .hint = "quote a value that begins with *",
     .at_context = true},
    {.problem = "did not find expected alphabetic or numeric character",
     .context = "while scanning an anchor",
     .message = "a & without a name for the anchor",
     .hint = "name it with letters, digits, - and _, or quote a value that begins with &",
     .at_context = true},
    {.problem = "found unknown escape character",
     .message = "YAML has no such escape",
     .hint = "a backslash itself is written \\\\ in double quotes, and as it is in single quotes"},
    {.problem = "did not find expected hexdecimal number", .message = "an escape with too few hex digits"},
    {.problem = "found invalid Unicode character escape code",
     .message = "the escape stands for no character",
     .hint = "write the character itself, or \\U and eight hex digits"},
    {.problem = "found undefined tag handle",
     .message = "a tag of a kind that nothing declares",
     .hint = "leave the tag out, or quote a value that begins with !"},
    {.problem = "did not find expected comment or line break",
     .context = "while scanning a block scalar",
     .message = "text behind the | or > of a block",
     .hint = "begin the text on the next line"},
    {.problem = "found unexpected ':'", .message = "a colon inside a value", .hint = HINT_BRACKETS},
    {.problem = "found a tab character that violates indentation",
     .message = "a tab in the indentation",
     .hint = HINT_TABS},
    {.problem = "found a tab character where an indentation space is expected",
     .message = "a tab in the indentation of a block",
     .hint = "text that begins with a tab wants the number of spaces before it after the |, as in |2"},
    {.problem = "could not find expected directive name",
     .message = "a line that begins with % is a directive",
     .hint = HINT_TEMPLATE},
    {.problem = "found unknown directive name",
     .message = "no such directive",
     .hint = "leave the line out: YAML has the directives %YAML and %TAG"},
    {.problem = "found incompatible YAML document",
     .message = "the document wants another version of YAML",
     .hint = "leave the %YAML directive out, or write 1.2"},
    {.problem = "control characters are not allowed",
     .message = "a character that YAML has only as an escape",
     .hint = "write it as an escape in double quotes"},
};

/* Characters that begin nothing. */
static const struct {
    char c;
    const char *message;
    const char *hint;
} strangers[] = {
    {'\t', "a tab in the indentation", HINT_TABS},
    {'%', "a value cannot begin with %", "quote it"},
    {'@', "a value cannot begin with @", "quote it"},
    {'`', "a value cannot begin with `", "quote it"},
};

static const struct syntax_rule *rule_for(const yaml_parser_t *parser)
{
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if (text_equal(parser->problem, rules[i].problem) &&
            (!rules[i].context || text_equal(parser->context, rules[i].context)))
            return &rules[i];
    return NULL;
}

static bool has_conflict(const struct document_strict *strict)
{
    static const char marker[] = "<<<<<<< ";
    size_t len = sizeof marker - 1;
    const char *at = memmem(strict->text, (size_t)(strict->end - strict->text), marker, len);
    return at && (at == strict->text || document_text_is_break(at[-1]));
}

static bool is_template(const struct document_strict *strict, const char *at)
{
    return at > strict->text && at < strict->end && at[-1] == '{' && (*at == '%' || *at == '{');
}

/* Caller frees. */
static char *expectation(const struct document_events *events, const struct syntax_rule *rule,
                         const yaml_parser_t *parser)
{
    struct position began = document_events_position(events, &parser->context_mark);
    if (!rule->expected || !rule->begins)
        return memory_strdup(rule->expected);
    return memory_printf("%s that begins at line %d, column %d", rule->expected, began.line, began.column);
}

static int report_by_rule(struct document_events *events, struct document_strict *strict,
                          const yaml_parser_t *parser, const struct syntax_rule *rule)
{
    const yaml_mark_t *mark = rule->at_context ? &parser->context_mark : &parser->problem_mark;
    const char *at = document_strict_byte(strict, mark);
    struct document_fault fault = {.at = document_events_position(events, mark), .code = "syntax"};
    CLEANUP_FREE char *word = document_text_word(at, strict->end);
    CLEANUP_FREE char *unexpected =
        at < strict->end ? memory_printf("unexpected %s", word) : memory_strdup("the file ends too early");
    CLEANUP_FREE char *expected = expectation(events, rule, parser);
    fault.message = rule->message ? rule->message : unexpected;
    fault.expected = expected;
    fault.hint = has_conflict(strict) ? HINT_CONFLICT : is_template(strict, at) ? HINT_TEMPLATE : rule->hint;
    return document_builder_fault(events->builder, &fault);
}

/* The reader has no marks, only the number of the byte. */
static int report_byte(struct document_events *events, const struct document_strict *strict,
                       const yaml_parser_t *parser, const struct syntax_rule *rule)
{
    size_t len = (size_t)(strict->end - strict->text);
    struct position at = {events->lines + 1, 1};
    document_text_advance(&at, strict->text,
                          strict->text + (parser->problem_offset < len ? parser->problem_offset : len));
    CLEANUP_FREE char *found = memory_printf("U+%04X", (unsigned)parser->problem_value);
    return document_builder_fault(events->builder,
                                  &(struct document_fault){.at = at,
                                                           .code = "syntax",
                                                           .message = rule ? rule->message : parser->problem,
                                                           .found = found,
                                                           .hint = rule ? rule->hint : NULL});
}

static int report_plainly(struct document_events *events, struct document_strict *strict,
                          const yaml_parser_t *parser)
{
    const char *at = document_strict_byte(strict, &parser->problem_mark);
    CLEANUP_FREE char *message = parser->context ? memory_printf("%s %s", parser->context, parser->problem)
                                                 : memory_strdup(parser->problem);
    struct document_fault fault = {
        .at = document_events_position(events, &parser->problem_mark), .code = "syntax", .message = message};
    for (size_t i = 0; i < ARRAY_LEN(strangers); i++) {
        if (text_equal(parser->problem, "found character that cannot start any token") && at < strict->end &&
            *at == strangers[i].c) {
            fault.message = strangers[i].message;
            fault.hint = is_template(strict, at) ? HINT_TEMPLATE : strangers[i].hint;
        }
    }
    return document_builder_fault(events->builder, &fault);
}

int document_syntax_error(struct document_events *events, struct document_strict *strict,
                          const yaml_parser_t *parser)
{
    assert(events);
    assert(strict);
    if (parser->error == YAML_MEMORY_ERROR)
        abort();
    const struct syntax_rule *rule = rule_for(parser);
    if (parser->error == YAML_READER_ERROR)
        return report_byte(events, strict, parser, rule);
    return rule ? report_by_rule(events, strict, parser, rule) : report_plainly(events, strict, parser);
}
