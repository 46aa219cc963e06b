/* RFC 3986 (URI) and RFC 3987 (IRI), by their grammars. */
#include "manifest/schema_format.h"

#include <ctype.h>
#include <string.h>

struct uri {
    const char *at;
    const char *end;
    bool international;
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Length of one character of a component: unreserved, escaped, one of `more`, or beyond ASCII in an IRI. 0
 * for anything else. */
static size_t character_len(const struct uri *uri, const char *more)
{
    char c = *uri->at;
    if (c == '%')
        return uri->end - uri->at >= 3 && isxdigit((unsigned char)uri->at[1]) &&
                       isxdigit((unsigned char)uri->at[2])
                   ? 3
                   : 0;
    if ((unsigned char)c >= 0x80)
        return uri->international ? 1 : 0;
    return c && (is_letter(c) || is_digit(c) || strchr("-._~", c) || strchr(more, c)) ? 1 : 0;
}

#define SUB_DELIMITERS "!$&'()*+,;="

static void skip(struct uri *uri, const char *more)
{
    for (size_t len; uri->at < uri->end && (len = character_len(uri, more)) > 0;)
        uri->at += len;
}

/* [address], IPv6 or of the future. */
static bool take_literal(struct uri *uri)
{
    const char *close = memchr(uri->at, ']', (size_t)(uri->end - uri->at));
    if (!close)
        return false;
    const char *inside = uri->at + 1;
    size_t len = (size_t)(close - inside);
    uri->at = close + 1;
    if (len < 4 || (*inside | 0x20) != 'v')
        return schema_format_ipv6(inside, len);
    struct uri future = {.at = inside + 1, .end = close};
    while (future.at < close && isxdigit((unsigned char)*future.at))
        future.at++;
    if (future.at == inside + 1 || future.at == close || *future.at++ != '.' || future.at == close)
        return false;
    skip(&future, SUB_DELIMITERS ":");
    return future.at == close;
}

/* user@host:port, behind the two slashes. */
static bool take_authority(struct uri *uri)
{
    const char *start = uri->at;
    skip(uri, SUB_DELIMITERS ":");
    if (uri->at < uri->end && *uri->at == '@')
        uri->at++;
    else
        uri->at = start;
    if (uri->at < uri->end && *uri->at == '[') {
        if (!take_literal(uri))
            return false;
    } else {
        skip(uri, SUB_DELIMITERS);
    }
    if (uri->at < uri->end && *uri->at == ':')
        for (uri->at++; uri->at < uri->end && is_digit(*uri->at);)
            uri->at++;
    return uri->at == uri->end || strchr("/?#", *uri->at);
}

/* Length of `scheme:` at the start, 0 without one. */
static size_t scheme_len(const char *text, size_t len)
{
    size_t at = 0;
    while (at < len && text[at] &&
           (is_letter(text[at]) || (at > 0 && (is_digit(text[at]) || strchr("+-.", text[at])))))
        at++;
    return at > 0 && at < len && text[at] == ':' ? at + 1 : 0;
}

static bool holds(const char *text, size_t len, bool absolute, bool international)
{
    struct uri uri = {text, text + len, international};
    size_t scheme = scheme_len(text, len);
    if (absolute && scheme == 0)
        return false;
    uri.at += scheme;
    if (uri.end - uri.at >= 2 && uri.at[0] == '/' && uri.at[1] == '/') {
        uri.at += 2;
        if (!take_authority(&uri))
            return false;
    } else if (scheme == 0) {
        skip(&uri, SUB_DELIMITERS "@"); /* the first segment has no colon: it would be a scheme */
        if (uri.at < uri.end && *uri.at == ':')
            return false;
    }
    skip(&uri, SUB_DELIMITERS ":@/");
    if (uri.at < uri.end && *uri.at == '?') {
        uri.at++;
        skip(&uri, SUB_DELIMITERS ":@/?");
    }
    if (uri.at < uri.end && *uri.at == '#') {
        uri.at++;
        skip(&uri, SUB_DELIMITERS ":@/?");
    }
    return uri.at == uri.end;
}

bool schema_format_uri(const char *text, size_t len)
{
    return holds(text, len, true, false);
}

bool schema_format_uri_reference(const char *text, size_t len)
{
    return holds(text, len, false, false);
}

bool schema_format_iri(const char *text, size_t len)
{
    return holds(text, len, true, true);
}

bool schema_format_iri_reference(const char *text, size_t len)
{
    return holds(text, len, false, true);
}
