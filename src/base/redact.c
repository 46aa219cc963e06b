#include "base/redact.h"

#include "base/buffer.h"
#include "base/memory.h"

#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MASK                "***"
#define AUTHORITY           "://"
#define BLANKS              " \t\r\n"
#define QUOTES              "\"'`"
#define SEPARATORS_OF_NAMES "-_."
#define OF_NAMES            "-_.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
/* Between a name and its value: "name": "value", name=value, names[name]=value, name := value, name => value.
 */
#define ASSIGNMENTS ":="
#define SEPARATORS  BLANKS QUOTES ASSIGNMENTS "\\]+>"

/* --- URLs ----------------------------------------------------------------------------------------------- */

static const char *authority_of(const char *url, size_t len)
{
    const char *separator = memmem(url, len, AUTHORITY, strlen(AUTHORITY));
    return separator ? separator + strlen(AUTHORITY) : NULL;
}

static bool is_ssh(const char *url, const char *authority)
{
    static const char scheme[] = "ssh" AUTHORITY;
    size_t len = strlen(scheme);
    return (size_t)(authority - url) >= len && strncasecmp(authority - len, scheme, len) == 0;
}

struct redact_login redact_login(const char *url, size_t len)
{
    assert(url);
    const char *authority = authority_of(url, len);
    const char *at = authority ? memrchr(authority, '@', (size_t)(url + len - authority)) : NULL;
    if (!at)
        return (struct redact_login){0};
    const char *start = authority;
    if (is_ssh(url, authority)) {
        const char *colon = memchr(authority, ':', (size_t)(at - authority));
        start = colon ? colon + 1 : at;
    }
    return (struct redact_login){start, (size_t)(at - start)};
}

char *redact_url(const char *url, size_t len)
{
    struct redact_login login = redact_login(url, len);
    const char *end = url + len;
    const char *rest = login.len ? login.start + login.len : url;
    int before = login.len ? (int)(login.start - url) : 0;
    /* Nobody can tell a password with a '?' from a query with an '@'. */
    if (login.len && memchr(login.start, '?', login.len))
        return memory_printf("%.*s" MASK, before, url);
    const char *query = authority_of(url, len) ? memchr(rest, '?', (size_t)(end - rest)) : NULL;
    return memory_printf("%.*s%s%.*s%s", before, url, login.len ? MASK : "",
                         (int)((query ? query + 1 : end) - rest), rest, query ? MASK : "");
}

/* Of every URL of a text. */
static char *without_logins(const char *text)
{
    struct buffer out = BUFFER_INIT(SIZE_MAX);
    for (const char *authority; (authority = strstr(text, AUTHORITY));) {
        const char *url = authority;
        while (url > text && !strchr(BLANKS QUOTES, url[-1]))
            url--;
        size_t len = (size_t)(authority - url) + strcspn(authority, BLANKS QUOTES);
        char *shown CLEANUP_FREE = redact_url(url, len);
        buffer_append(&out, text, (size_t)(url - text));
        buffer_append_str(&out, shown);
        text = url + len;
    }
    buffer_append_str(&out, text);
    return buffer_steal(&out);
}

/* --- values that follow their names --------------------------------------------------------------------- */

/* Caller frees. */
static char *plain_name(const char *name, size_t len)
{
    char *plain = memory_alloc(len + 1);
    size_t used = 0;
    for (size_t i = 0; i < len; i++)
        if (!strchr(SEPARATORS_OF_NAMES, name[i]))
            plain[used++] = (char)tolower((unsigned char)name[i]);
    plain[used] = '\0';
    return plain;
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text);
    size_t end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* Ends in a word for a secret; `anywhere`: or has one that is enough wherever it stands. */
static bool has_secret_word(const char *plain, bool anywhere)
{
    static const char *const strong[] = {"password", "passwd",     "passphrase",
                                         "secret",   "credential", "basicauth"};
    static const char *const weak[] = {"pass",      "pwd",        "token",        "apikey",
                                       "accesskey", "privatekey", "authorization"};
    for (size_t i = 0; i < ARRAY_LEN(strong); i++)
        if (anywhere ? strstr(plain, strong[i]) != NULL : ends_with(plain, strong[i]))
            return true;
    for (size_t i = 0; i < ARRAY_LEN(weak); i++)
        if (ends_with(plain, weak[i]))
            return true;
    return false;
}

/* The last word is that one: "_file", "File", or behind a secret's: "passwordfile", but not "profile". */
static bool is_about(const char *name, size_t len, const char *word)
{
    size_t word_len = strlen(word);
    if (len <= word_len || strncasecmp(name + len - word_len, word, word_len) != 0)
        return false;
    char before = name[len - word_len - 1];
    char first = name[len - word_len];
    char *plain CLEANUP_FREE = plain_name(name, len - word_len);
    return strchr(SEPARATORS_OF_NAMES, before) ||
           (isupper((unsigned char)first) && islower((unsigned char)before)) || has_secret_word(plain, false);
}

bool redact_is_secret_name(const char *name, size_t len)
{
    assert(name);
    while (len && (isdigit((unsigned char)name[len - 1]) || strchr(SEPARATORS_OF_NAMES, name[len - 1])))
        len--; /* TOKEN_2 */
    char *plain CLEANUP_FREE = plain_name(name, len);
    return has_secret_word(plain, true) && !is_about(name, len, "file") && !is_about(name, len, "parameter");
}

static bool is_scheme(const char *word, size_t len)
{
    static const char *const schemes[] = {"Bearer", "Basic"}; /* of the header Authorization */
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
        if (len == strlen(schemes[i]) && strncasecmp(word, schemes[i], len) == 0)
            return true;
    return false;
}

static bool is_option(const char *word, size_t len)
{
    return word[0] == '-' && redact_is_secret_name(word, len);
}

static bool announces(const char *word, size_t len, size_t gap)
{
    const char *after = word + len;
    if (is_scheme(word, len))
        return gap || !*after;
    bool assigned = memchr(after, ':', gap) || memchr(after, '=', gap);
    return assigned ? redact_is_secret_name(word, len) : is_option(word, len);
}

/* From a word that announces a secret to the secret, which may itself begin with any of SEPARATORS but for
 * blanks and quotes. */
static size_t to_secret(const char *word, size_t len, size_t gap)
{
    bool at_once = is_option(word, len) || is_scheme(word, len); /* or its value begins with a "=" */
    size_t assignment = at_once ? 0 : strcspn(word + len, ASSIGNMENTS);
    bool assigned = assignment < gap && strchr(ASSIGNMENTS, word[len + assignment]);
    size_t shown = len + (assigned ? assignment + 1 : 0);
    return shown + strspn(word + shown, BLANKS QUOTES);
}

/* Up to where the first secret of a text begins, its whole length: there is none. *announced: it would come
 * next. */
static size_t shown_len(const char *text, bool *announced)
{
    *announced = false;
    for (const char *at = text; *at;) {
        size_t len = strspn(at, OF_NAMES);
        size_t gap = strspn(at + len, SEPARATORS);
        if (len && announces(at, len, gap)) {
            const char *secret = at + to_secret(at, len, gap);
            /* "NAME=" at the end is empty, "Name:" is half a header. */
            *announced = !*secret && !memchr(at, '=', len + gap);
            return (size_t)(secret - text);
        }
        at += len + gap ? len + gap : 1;
    }
    return strlen(text);
}

char *redact_argument(const char *text, bool *announced)
{
    assert(text && announced);
    size_t name = strspn(text, OF_NAMES);
    if (*announced && (text[name] || !(is_scheme(text, name) || is_option(text, name)))) {
        *announced = false;
        return memory_strdup(MASK);
    }
    char *plain CLEANUP_FREE = without_logins(text);
    size_t len = shown_len(plain, announced);
    return memory_printf("%.*s%s", (int)len, plain, plain[len] ? MASK : "");
}
