#include "manifest/document_strict.h"

#include "base/text.h"
#include "manifest/document_text.h"

#include <assert.h>
#include <string.h>

/* One event and its place in the text. */
struct strict_event {
    struct document_strict *strict;
    const yaml_event_t *event;
    int indent;
    const char *start;
    const char *end;
};

typedef const char *strict_check(const struct strict_event *);

void document_strict_init(struct document_strict *strict, const char *text, const char *end)
{
    assert(strict);
    assert(text);
    *strict = (struct document_strict){.text = text,
                                       .end = end,
                                       .is_ascii = document_text_is_ascii(text, end),
                                       .cursor = text,
                                       .seen = text};
}

static bool continues_character(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* Marks come nearly in order, so the cursor never goes far. */
const char *document_strict_byte(struct document_strict *strict, const yaml_mark_t *mark)
{
    if (strict->is_ascii)
        return mark->index < (size_t)(strict->end - strict->text) ? strict->text + mark->index : strict->end;
    for (; strict->index < mark->index && strict->cursor < strict->end; strict->index++) {
        strict->cursor++;
        while (strict->cursor < strict->end && continues_character(*strict->cursor))
            strict->cursor++;
    }
    for (; strict->index > mark->index && strict->cursor > strict->text; strict->index--) {
        strict->cursor--;
        while (strict->cursor > strict->text && continues_character(*strict->cursor))
            strict->cursor--;
    }
    return strict->cursor;
}

bool document_strict_breaks(const char *text, const char *end, struct document_strict_finding *ret_finding)
{
    static const char *const breaks[] = {"\xC2\x85", "\xE2\x80\xA8", "\xE2\x80\xA9"};
    if (document_text_is_ascii(text, end))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(breaks); i++) {
        const char *at = memmem(text, (size_t)(end - text), breaks[i], strlen(breaks[i]));
        if (!at)
            continue;
        *ret_finding = (struct document_strict_finding){
            at, "unsupported", "a character that is a line break in YAML 1.1 and none in YAML 1.2",
            "write it as \\N, \\L or \\P in double quotes"};
        return false;
    }
    return true;
}

static bool is_start(const yaml_event_t *event)
{
    return event->type == YAML_SEQUENCE_START_EVENT || event->type == YAML_MAPPING_START_EVENT;
}

static bool is_end(const yaml_event_t *event)
{
    return event->type == YAML_SEQUENCE_END_EVENT || event->type == YAML_MAPPING_END_EVENT;
}

static bool is_scalar(const yaml_event_t *event, yaml_scalar_style_t style)
{
    return event->type == YAML_SCALAR_EVENT && event->data.scalar.style == style;
}

static bool is_quoted(const yaml_event_t *event)
{
    return is_scalar(event, YAML_SINGLE_QUOTED_SCALAR_STYLE) ||
           is_scalar(event, YAML_DOUBLE_QUOTED_SCALAR_STYLE);
}

static bool opens_flow(const yaml_event_t *event)
{
    return (event->type == YAML_SEQUENCE_START_EVENT &&
            event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE) ||
           (event->type == YAML_MAPPING_START_EVENT &&
            event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE);
}

static const char *skip_separation(const char *at, const char *end)
{
    for (; at < end; at++) {
        if (*at == '#')
            at = document_text_line_end(at, end) - 1;
        else if (!document_text_is_blank(*at) && !document_text_is_break(*at))
            break;
    }
    return at;
}

static const char *skip_word(const char *at, const char *end)
{
    while (at < end && !document_text_is_blank(*at) && !document_text_is_break(*at))
        at++;
    return at;
}

/* Where the value itself begins, after its tag and its anchor. */
static const char *skip_properties(const char *at, const char *end)
{
    while (at < end && (*at == '!' || *at == '&'))
        at = skip_separation(skip_word(at, end), end);
    return at;
}

/* Each check returns the place of the fault, or NULL. */

static const char *check_directives(const struct strict_event *at)
{
    bool begins = at->start < at->end && *at->start == '%';
    return begins && at->strict->has_document ? at->start : NULL;
}

/* From the last event up to this one; a document's start includes its directives. */
static const char *check_comments(const struct strict_event *at)
{
    const struct document_strict *strict = at->strict;
    const char *end = at->event->type == YAML_DOCUMENT_START_EVENT ? at->end : at->start;
    const char *p = strict->seen;
    while (p < end && (p = memchr(p, '#', (size_t)(end - p)))) {
        if (p > strict->text && !document_text_is_blank(p[-1]) && !document_text_is_break(p[-1]))
            return p;
        p = document_text_line_end(p, end);
    }
    return NULL;
}

static const char *check_question_mark(const struct strict_event *at)
{
    bool touches = at->start > at->strict->text && at->start < at->end && at->start[-1] == '?';
    return touches && at->strict->flow_depth > 0 ? at->start - 1 : NULL;
}

static const char *check_dash(const struct strict_event *at)
{
    bool plain = is_scalar(at->event, YAML_PLAIN_SCALAR_STYLE) && at->strict->flow_depth > 0;
    return plain && text_equal((const char *)at->event->data.scalar.value, "-") ? at->start : NULL;
}

static const char *anchor_of(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return (const char *)event->data.alias.anchor;
    case YAML_SCALAR_EVENT:
        return (const char *)event->data.scalar.anchor;
    case YAML_SEQUENCE_START_EVENT:
        return (const char *)event->data.sequence_start.anchor;
    case YAML_MAPPING_START_EVENT:
        return (const char *)event->data.mapping_start.anchor;
    default:
        return NULL;
    }
}

/* libyaml ends a name where a value may begin: for it &a:b is the anchor &a and the value ":b". */
static const char *check_anchor(const struct strict_event *at)
{
    const char *anchor = anchor_of(at->event);
    const char *end = at->strict->end;
    const char *name = at->start;
    if (!anchor)
        return NULL;
    if (*name == '!')
        name = skip_separation(skip_word(name, end), end);
    const char *after = name + 1 + strlen(anchor);
    if (after >= end || document_text_is_blank(*after) || document_text_is_break(*after))
        return NULL;
    return at->strict->flow_depth > 0 && strchr(",]}", *after) ? NULL : after;
}

static bool is_block_scalar(const yaml_event_t *event)
{
    return is_scalar(event, YAML_LITERAL_SCALAR_STYLE) || is_scalar(event, YAML_FOLDED_SCALAR_STYLE);
}

/* The | or > and the indicators after it; whether one of them gives the indentation. */
static const char *skip_header(const struct strict_event *at, bool *ret_indented)
{
    const char *p = skip_properties(at->start, at->end);
    *ret_indented = false;
    for (; p < at->end && strchr("|>+-123456789", *p); p++)
        *ret_indented = *ret_indented || (*p >= '1' && *p <= '9');
    return p;
}

static const char *check_block_header(const struct strict_event *at)
{
    bool indented;
    const char *p = is_block_scalar(at->event) ? skip_header(at, &indented) : at->end;
    return p < at->end && *p == '#' ? p : NULL;
}

static const char *skip_spaces(const char *at, const char *end)
{
    while (at < end && *at == ' ')
        at++;
    return at;
}

/* The first line of a block scalar that is not empty sets its indentation; libyaml takes the longest before
 * it. */
static const char *check_leading_lines(const struct strict_event *at)
{
    const char *end = at->strict->end;
    bool indented = true;
    const char *header = is_block_scalar(at->event) ? skip_header(at, &indented) : end;
    if (indented)
        return NULL;
    long most = 0;
    for (const char *line = document_text_next_line(header, end); line < end;
         line = document_text_next_line(line, end)) {
        const char *first = skip_spaces(line, end);
        long spaces = first - line;
        if (first < end && !document_text_is_break(*first))
            return spaces > at->indent && spaces < most ? first : NULL;
        most = spaces > most ? spaces : most;
    }
    return NULL;
}

/* Whether a line that continues a flow collection or a quoted scalar is indented by more than `indent`
 * spaces, or need not be. A closing bracket may stand at the indentation of what holds it, as everybody
 * writes it: libyaml's leniency is kept there. */
static bool is_indented(const char *line, const char *end, int indent, bool in_flow)
{
    const char *first = skip_spaces(line, end);
    if (first - line > indent)
        return true;
    first = document_text_skip_blanks(first, end);
    return first >= end || document_text_is_break(*first) || (in_flow && strchr("#]}", *first));
}

static const char *unindented_line(const char *from, const char *end, int indent, bool in_flow)
{
    const char *line = document_text_next_line(from, end);
    while (line < end && is_indented(line, end, indent, in_flow))
        line = document_text_next_line(line, end);
    return line < end ? line : NULL;
}

static const char *check_continuation(const struct strict_event *at)
{
    const struct document_strict *strict = at->strict;
    if (strict->flow_depth == 0 && is_quoted(at->event))
        return unindented_line(skip_properties(at->start, at->end), at->end, at->indent, false);
    if (strict->flow_depth == 1 && is_end(at->event))
        return unindented_line(strict->flow, at->end, strict->flow_indent, true);
    return NULL;
}

#define ON(type) (1U << YAML_##type##_EVENT)
#define ON_NODE  (ON(ALIAS) | ON(SCALAR) | ON(SEQUENCE_START) | ON(MAPPING_START))
#define ON_END   (ON(SEQUENCE_END) | ON(MAPPING_END))

static const struct {
    strict_check *check;
    unsigned events; /* that it looks at */
    const char *code;
    const char *message;
    const char *hint;
} checks[] = {
    {check_comments, ~0U, "syntax", "a # that touches what stands before it",
     "a comment needs a space before its #"},
    {check_directives, ON(DOCUMENT_START), "syntax", "a directive inside a document",
     "end the document before it with a line of \"...\""},
    {check_question_mark, ON_NODE, "unsupported", "a ? that touches the value after it",
     "quote the value if the ? belongs to it, else put a space between them"},
    {check_dash, ON(SCALAR), "syntax", "a lone - inside brackets", "quote it if it is meant as a string"},
    {check_anchor, ON_NODE, "unsupported", "the name of an anchor or alias has letters, digits, - and _ only",
     "put a space after it, or choose another name"},
    {check_block_header, ON(SCALAR), "syntax", "a # that touches what stands before it",
     "a comment needs a space before its #"},
    {check_leading_lines, ON(SCALAR), "syntax", "an empty line before this one has more spaces than it",
     "take the spaces out of the empty line, or give the indentation after the | or >"},
    {check_continuation, ON(SCALAR) | ON_END, "syntax",
     "the line continues a value but is not indented more than what holds the value",
     "indent it with more spaces"},
};

static void go_on(const struct strict_event *at)
{
    struct document_strict *strict = at->strict;
    if (at->event->type == YAML_DOCUMENT_START_EVENT)
        strict->has_document = true;
    if (is_start(at->event) && (strict->flow_depth > 0 || opens_flow(at->event))) {
        if (strict->flow_depth++ == 0) {
            strict->flow = at->end - 1;
            strict->flow_indent = at->indent;
        }
    } else if (is_end(at->event) && strict->flow_depth > 0) {
        strict->flow_depth--;
    }
    if (at->end > strict->seen)
        strict->seen = at->end;
}

bool document_strict_passes(struct document_strict *strict, const yaml_event_t *event, int indent,
                            struct document_strict_finding *ret_finding)
{
    struct strict_event at = {.strict = strict,
                              .event = event,
                              .indent = indent,
                              .start = document_strict_byte(strict, &event->start_mark),
                              .end = document_strict_byte(strict, &event->end_mark)};
    for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
        const char *place = (checks[i].events & (1U << event->type)) ? checks[i].check(&at) : NULL;
        if (!place)
            continue;
        *ret_finding =
            (struct document_strict_finding){place, checks[i].code, checks[i].message, checks[i].hint};
        return false;
    }
    go_on(&at);
    return true;
}
