/* Addresses, names of hosts and mailboxes. */
#include "manifest/schema_format.h"

#include <ctype.h>
#include <string.h>

static bool is_letter_or_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Four decimal bytes without leading zeros. */
bool schema_format_ipv4(const char *text, size_t len)
{
    size_t at = 0;
    for (int part = 0; part < 4; part++) {
        size_t start = at;
        int value = 0;
        for (; at < len && at - start < 3 && text[at] >= '0' && text[at] <= '9'; at++)
            value = value * 10 + text[at] - '0';
        if (at == start || value > 255 || (at - start > 1 && text[start] == '0'))
            return false;
        if (part < 3 && (at == len || text[at++] != '.'))
            return false;
    }
    return at == len;
}

/* Groups of up to four hex digits; `::` stands for one or more groups of zeros, once. */
bool schema_format_ipv6(const char *text, size_t len)
{
    size_t at = 0;
    int groups = 0;
    bool gap = false;
    if (len >= 2 && text[0] == ':' && text[1] == ':') {
        gap = true;
        at = 2;
    }
    while (at < len && groups < 8) {
        size_t digits = 0;
        while (at + digits < len && digits < 4 && isxdigit((unsigned char)text[at + digits]))
            digits++;
        if (at + digits < len && text[at + digits] == '.')
            return schema_format_ipv4(text + at, len - at) && (gap ? groups < 6 : groups == 6);
        if (digits == 0)
            return false;
        groups++;
        at += digits;
        if (at == len)
            break;
        if (text[at++] != ':' || at == len)
            return false;
        if (text[at] != ':')
            continue;
        if (gap)
            return false;
        gap = true;
        at++;
    }
    return at == len && (gap ? groups < 8 : groups == 8);
}

/* RFC 1123. Labels of other scripts come as xn--..., whose inside is not looked at. */
bool schema_format_hostname(const char *text, size_t len)
{
    size_t label = 0;
    if (len == 0 || len > 253)
        return false;
    for (size_t i = 0; i <= len; i++) {
        if (i < len && text[i] != '.') {
            if (!is_letter_or_digit(text[i]) && (text[i] != '-' || label == 0))
                return false;
            label++;
            continue;
        }
        if (label == 0 || label > 63 || text[i - 1] == '-')
            return false;
        label = 0;
    }
    return true;
}

/* The length of the local part: words of RFC 5321's atext between dots, or a quoted string. 0 for none. */
static size_t local_len(const char *text, size_t len)
{
    size_t at = 0;
    if (len > 0 && text[0] == '"') {
        for (at = 1; at < len && text[at] != '"'; at++) {
            if (text[at] == '\\')
                at++;
            if (at >= len || (unsigned char)text[at] < 0x20 || (unsigned char)text[at] > 0x7E)
                return 0;
        }
        return at < len ? at + 1 : 0;
    }
    for (; at < len && text[at] != '@'; at++) {
        bool dot = text[at] == '.';
        if (dot && (at == 0 || text[at - 1] == '.' || at + 1 == len || text[at + 1] == '@'))
            return 0;
        if (!dot && !is_letter_or_digit(text[at]) && (!text[at] || !strchr("!#$%&'*+/=?^_`{|}~-", text[at])))
            return 0;
    }
    return at;
}

bool schema_format_email(const char *text, size_t len)
{
    static const char ipv6[] = "IPv6:";
    size_t local = local_len(text, len);
    if (local == 0 || local >= len || text[local] != '@')
        return false;
    const char *domain = text + local + 1;
    size_t domain_len = len - local - 1;
    if (domain_len < 2 || domain[0] != '[')
        return schema_format_hostname(domain, domain_len);
    if (domain[domain_len - 1] != ']')
        return false;
    domain++;
    domain_len -= 2;
    if (domain_len >= sizeof ipv6 && memcmp(domain, ipv6, sizeof ipv6 - 1) == 0)
        return schema_format_ipv6(domain + sizeof ipv6 - 1, domain_len - (sizeof ipv6 - 1));
    return schema_format_ipv4(domain, domain_len);
}
