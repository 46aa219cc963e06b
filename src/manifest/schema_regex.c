/* ECMA-262 regular expressions, said in PCRE2's words.
 *
 * What the two say differently is rewritten: white space, the dot, Unicode escapes, names of categories,
 * brackets in classes, braces that count nothing. What only PCRE2 has is refused, so that a pattern means the
 * same here as everywhere else: \A \Z \Q, inline flags, recursion, atomic groups, possessive quantifiers,
 * comments, verbs, POSIX classes. Lookbehind has to be of a fixed length, which ECMA-262 does not ask for.
 */
#include "base/buffer.h"
#include "base/text.h"
#include "manifest/schema_node.h"

#include <assert.h>
#include <string.h>

/* Room for a rewritten pattern: the longest rewriting is of \S. */
#define TRANSLATED_BYTES (LIMIT_PATTERN_BYTES * 64)

/* Code points from which and up to which: ECMA-262's white space and line ends. */
#define SPACE                                                                                                \
    "\\t-\\r\\x20\\x{A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}\\x{3000}\\x{FEFF}"
#define NOT_SPACE                                                                                            \
    "\\x00-\\x08\\x0E-\\x1F\\x21-\\x{9F}\\x{A1}-\\x{167F}\\x{1681}-\\x{1FFF}\\x{200B}-\\x{2027}"             \
    "\\x{202A}-\\x{202E}\\x{2030}-\\x{205E}\\x{2060}-\\x{2FFF}\\x{3001}-\\x{FEFE}\\x{FF00}-\\x{10FFFF}"
#define NOT_LINE_END "[^\\n\\r\\x{2028}\\x{2029}]"

/* General categories that ECMA-262 also knows by a long name and PCRE2 does not. */
static const struct {
    const char *name;
    const char *code;
} categories[] = {
    {"Letter", "L"},
    {"Cased_Letter", "L&"},
    {"Uppercase_Letter", "Lu"},
    {"Lowercase_Letter", "Ll"},
    {"Titlecase_Letter", "Lt"},
    {"Modifier_Letter", "Lm"},
    {"Other_Letter", "Lo"},
    {"Mark", "M"},
    {"Combining_Mark", "M"},
    {"Nonspacing_Mark", "Mn"},
    {"Spacing_Mark", "Mc"},
    {"Enclosing_Mark", "Me"},
    {"Number", "N"},
    {"Decimal_Number", "Nd"},
    {"digit", "Nd"},
    {"Letter_Number", "Nl"},
    {"Other_Number", "No"},
    {"Punctuation", "P"},
    {"punct", "P"},
    {"Connector_Punctuation", "Pc"},
    {"Dash_Punctuation", "Pd"},
    {"Open_Punctuation", "Ps"},
    {"Close_Punctuation", "Pe"},
    {"Initial_Punctuation", "Pi"},
    {"Final_Punctuation", "Pf"},
    {"Other_Punctuation", "Po"},
    {"Symbol", "S"},
    {"Math_Symbol", "Sm"},
    {"Currency_Symbol", "Sc"},
    {"Modifier_Symbol", "Sk"},
    {"Other_Symbol", "So"},
    {"Separator", "Z"},
    {"Space_Separator", "Zs"},
    {"Line_Separator", "Zl"},
    {"Paragraph_Separator", "Zp"},
    {"Other", "C"},
    {"Control", "Cc"},
    {"cntrl", "Cc"},
    {"Format", "Cf"},
    {"Surrogate", "Cs"},
    {"Private_Use", "Co"},
    {"Unassigned", "Cn"},
};

struct regex {
    const char *at;
    const char *end;
    struct buffer out;
    bool in_class;
    bool can_repeat; /* what came last may have a quantifier */
    struct error *err;
};

static int fault(const struct regex *regex, const char *why)
{
    return error_set(regex->err, ERROR_INVALID, "%s", why);
}

static char peek(const struct regex *regex, size_t ahead)
{
    return (size_t)(regex->end - regex->at) > ahead ? regex->at[ahead] : '\0';
}

/* --- escapes -------------------------------------------------------------------------------------------- */

/* Hex digits from `from` on: how many of at most `max`, and their value. */
static size_t hex_at(const struct regex *regex, size_t from, size_t max, uint32_t *ret_value)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    size_t len = 0;
    *ret_value = 0;
    for (; len < max && peek(regex, from + len); len++) {
        const char *digit = memchr(digits, peek(regex, from + len), sizeof digits - 1);
        if (!digit)
            break;
        *ret_value = *ret_value * 16 + (uint32_t)((digit - digits) % 16);
    }
    return len;
}

static int write_code_point(struct regex *regex, uint32_t c, size_t len)
{
    if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        return fault(regex, "\\u is no character");
    buffer_printf(&regex->out, "\\x{%X}", c);
    regex->at += len;
    return 0;
}

/* \u0041, \u{41}, \uD83D\uDE00. */
static int escape_unicode(struct regex *regex)
{
    uint32_t c;
    uint32_t low;
    if (peek(regex, 2) == '{') {
        size_t len = hex_at(regex, 3, 8, &c);
        if (len == 0 || peek(regex, 3 + len) != '}')
            return fault(regex, "\\u{ wants hex digits and }");
        return write_code_point(regex, c, 4 + len);
    }
    if (hex_at(regex, 2, 4, &c) != 4)
        return fault(regex, "\\u wants four hex digits");
    if (c < 0xD800 || c > 0xDBFF)
        return write_code_point(regex, c, 6);
    if (peek(regex, 6) != '\\' || peek(regex, 7) != 'u' || hex_at(regex, 8, 4, &low) != 4 || low < 0xDC00 ||
        low > 0xDFFF)
        return fault(regex, "\\u has half of a surrogate pair");
    return write_code_point(regex, 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00), 12);
}

static int escape_hex(struct regex *regex)
{
    uint32_t c;
    if (hex_at(regex, 2, 2, &c) != 2)
        return fault(regex, "\\x wants two hex digits");
    return write_code_point(regex, c, 4);
}

/* \p{Letter}, \p{gc=L}, \p{Script=Greek}, \p{Alphabetic}. */
static int escape_property(struct regex *regex)
{
    static const char *const general[] = {"General_Category=", "gc="};
    const char *close = memchr(regex->at, '}', (size_t)(regex->end - regex->at));
    if (peek(regex, 2) != '{' || !close)
        return fault(regex, "\\p wants a property in braces");
    CLEANUP_FREE char *text = memory_strndup(regex->at + 3, (size_t)(close - regex->at) - 3);
    const char *name = text;
    for (size_t i = 0; i < ARRAY_LEN(general); i++)
        if (text_starts_with(name, general[i]))
            name += strlen(general[i]);
    if (!name[0] ||
        strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_=&") != strlen(name))
        return fault(regex, "\\p has no such property");
    for (size_t i = 0; i < ARRAY_LEN(categories); i++)
        if (text_equal(name, categories[i].name))
            name = categories[i].code;
    buffer_printf(&regex->out, "\\%c{%s}", regex->at[1], name);
    regex->at = close + 1;
    return 0;
}

static void write_space(struct regex *regex, bool space)
{
    const char *inner = space ? SPACE : NOT_SPACE;
    buffer_printf(&regex->out, regex->in_class ? "%s" : "[%s]", inner);
    regex->at += 2;
    /* The hyphen of [\s-x] is itself, and no range from the last of these. */
    if (regex->in_class && peek(regex, 0) == '-' && peek(regex, 1) != ']') {
        buffer_append_str(&regex->out, "\\-");
        regex->at++;
    }
}

/* \1 and \0; \01 would be octal. */
static int escape_digit(struct regex *regex)
{
    bool zero = regex->at[1] == '0';
    if (zero && peek(regex, 2) >= '0' && peek(regex, 2) <= '9')
        return fault(regex, "octal escapes are not in ECMA-262");
    if (zero)
        return write_code_point(regex, 0, 2);
    if (regex->in_class)
        return fault(regex, "a class cannot refer to a group");
    size_t len = 1;
    while (peek(regex, len) >= '0' && peek(regex, len) <= '9')
        len++;
    buffer_append_str(&regex->out, "\\g{");
    buffer_append(&regex->out, regex->at + 1, len - 1);
    buffer_append_str(&regex->out, "}");
    regex->at += len;
    return 0;
}

static int escape_control(struct regex *regex)
{
    char letter = (char)(peek(regex, 2) & ~0x20);
    if (letter < 'A' || letter > 'Z')
        return fault(regex, "\\c wants a letter");
    return write_code_point(regex, (uint32_t)(letter - '@'), 3);
}

static int escape_letter(struct regex *regex)
{
    const char *same = regex->in_class ? "bdDwWfnrtv" : "bBdDwWfnrtv";
    char letter = regex->at[1];
    if (!strchr(same, letter) && !(letter == 'k' && !regex->in_class && peek(regex, 2) == '<'))
        return fault(regex, "the pattern has an escape that ECMA-262 has not");
    if (letter == 'v')
        return write_code_point(regex, 0x0B, 2); /* PCRE2's \v is all vertical space */
    regex->can_repeat = regex->in_class || (letter != 'b' && letter != 'B');
    buffer_append(&regex->out, regex->at, 2);
    regex->at += 2;
    return 0;
}

static int escape(struct regex *regex)
{
    char c = peek(regex, 1);
    regex->can_repeat = true;
    if (regex->end - regex->at < 2)
        return fault(regex, "\\ at end of pattern");
    if (c == 's' || c == 'S') {
        write_space(regex, c == 's');
        return 0;
    }
    if (c >= '0' && c <= '9')
        return escape_digit(regex);
    switch (c) {
    case 'u':
        return escape_unicode(regex);
    case 'x':
        return escape_hex(regex);
    case 'p':
    case 'P':
        return escape_property(regex);
    case 'c':
        return escape_control(regex);
    default:
        break;
    }
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
        return escape_letter(regex);
    /* Of what has no meaning, most dialects let everything be escaped. */
    if (c != '\0' && (unsigned char)c < 0x80)
        buffer_append(&regex->out, regex->at++, 1);
    else
        regex->at++;
    buffer_append(&regex->out, regex->at++, 1);
    return 0;
}

/* --- the rest ------------------------------------------------------------------------------------------- */

static void copy(struct regex *regex, size_t len)
{
    buffer_append(&regex->out, regex->at, len);
    regex->at += len;
}

static void copy_escaped(struct regex *regex)
{
    buffer_append_str(&regex->out, "\\");
    copy(regex, 1);
}

static int step_in_class(struct regex *regex)
{
    char c = *regex->at;
    char next = peek(regex, 1);
    if (c == '\\')
        return escape(regex);
    if (c == ']') {
        regex->in_class = false;
        regex->can_repeat = true;
        copy(regex, 1);
    } else if (c == '[' || (c == '-' && next == '\\' && (peek(regex, 2) | 0x20) == 's')) {
        copy_escaped(regex);
    } else {
        copy(regex, 1);
    }
    return 0;
}

/* {2}, {2,} and {2,3}; 0 for a brace that is itself. */
static size_t quantifier_len(const struct regex *regex)
{
    size_t len = 1;
    size_t digits = 0;
    for (; peek(regex, len) >= '0' && peek(regex, len) <= '9'; len++)
        digits++;
    if (digits == 0)
        return 0;
    if (peek(regex, len) == ',')
        len++;
    while (peek(regex, len) >= '0' && peek(regex, len) <= '9')
        len++;
    return peek(regex, len) == '}' ? len + 1 : 0;
}

static int quantifier(struct regex *regex, size_t len)
{
    if (!regex->can_repeat)
        return fault(regex, "a quantifier has nothing to repeat");
    copy(regex, len);
    if (peek(regex, 0) == '?')
        copy(regex, 1);
    regex->can_repeat = false;
    return 0;
}

static int group(struct regex *regex)
{
    static const char *const openings[] = {"(?:", "(?=", "(?!", "(?<=", "(?<!"};
    regex->can_repeat = false;
    if (peek(regex, 1) != '?') {
        copy(regex, 1);
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(openings); i++) {
        size_t len = strlen(openings[i]);
        if ((size_t)(regex->end - regex->at) < len || memcmp(regex->at, openings[i], len) != 0)
            continue;
        copy(regex, len);
        return 0;
    }
    if (peek(regex, 2) != '<')
        return fault(regex, "a group begins with (?, as no group of ECMA-262 does");
    copy(regex, 3);
    return 0;
}

static int open_class(struct regex *regex)
{
    regex->in_class = true;
    copy(regex, peek(regex, 1) == '^' ? 2 : 1);
    return 0;
}

static int step(struct regex *regex)
{
    char c = *regex->at;
    size_t counted = c == '{' ? quantifier_len(regex) : 0;
    switch (c) {
    case '\\':
        return escape(regex);
    case '[':
        return open_class(regex);
    case '(':
        return group(regex);
    case '*':
    case '+':
    case '?':
        return quantifier(regex, 1);
    case '^':
    case '$':
    case '|':
        regex->can_repeat = false;
        copy(regex, 1);
        return 0;
    default:
        break;
    }
    if (counted)
        return quantifier(regex, counted);
    regex->can_repeat = true;
    if (c == '{' || c == '}' || c == ']') {
        copy_escaped(regex);
    } else if (c == '.') {
        buffer_append_str(&regex->out, NOT_LINE_END);
        regex->at++;
    } else {
        copy(regex, 1);
    }
    return 0;
}

int schema_regex_translate(const char *source, size_t len, char **ret_text, struct error *err)
{
    assert(source);
    struct regex regex = {
        .at = source, .end = source + len, .out = BUFFER_INIT(TRANSLATED_BYTES), .err = err};
    int rc = 0;
    if (len > LIMIT_PATTERN_BYTES)
        return error_set(err, ERROR_LIMIT, "the pattern has more than %d bytes (LIMIT_PATTERN_BYTES)",
                         LIMIT_PATTERN_BYTES);
    while (rc == 0 && regex.at < regex.end) {
        if (*regex.at == '\0') {
            buffer_append_str(&regex.out, "\\x00");
            regex.at++;
            regex.can_repeat = true;
            continue;
        }
        rc = regex.in_class ? step_in_class(&regex) : step(&regex);
    }
    if (rc == 0 && regex.in_class)
        rc = fault(&regex, "missing terminating ] for character class");
    if (rc < 0) {
        buffer_deinit(&regex.out);
        return rc;
    }
    *ret_text = buffer_steal(&regex.out);
    return 0;
}
