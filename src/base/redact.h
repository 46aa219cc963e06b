/* What of a text may be shown to people who may not know its passwords: "***" stands in place of the rest.
 *
 * By RFC 3986 a login ends at the first '/', '?' or '#'. Who writes a password as it is, with such a
 * character or an '@' in it, has a secret in the text all the same: therefore the login goes to the last '@'
 * of the URL. Where that hides part of a path as well, it does no harm.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* "user:password" of "scheme://user:password@host"; without a colon the user may be a token. ssh's user is an
 * account's name, and no secret. */
struct redact_login {
    const char *start; /* borrowed */
    size_t len;        /* 0: there is none */
};
/* Of one URL, which ends at `len`. No "://": none. */
struct redact_login redact_login(const char *url, size_t len);

/* One URL without its login and what is in its query. Caller frees. */
char *redact_url(const char *url, size_t len);

/* A name of an option, a variable or a label whose value is likely a secret, by the words in it: password,
 * passwd, passphrase, secret, credential, basicauth (Traefik's labels) anywhere, and at the end pass, pwd,
 * token, api key, access key, private key or authorization; -, _, ., case and digits behind it do not count.
 * A name whose last word is "file" or "parameter" says where a secret is. */
bool redact_is_secret_name(const char *name, size_t len);

/* One argument of a command, or a whole command line. Hidden are what redact_url hides of every URL, up to a
 * blank or quote, and everything from the first value on that follows a secret name or the words Bearer and
 * Basic: "NAME=value", "--name=value", "--name value", "Name: value" with a blank or without, and '"name":
 * "value"' of JSON. Where that value ends nobody can tell: a text may be one argument with blanks, a shell's
 * script or JSON within one, and what is taken for the end of a value shows the rest of it. *announced, which
 * begins as false: the argument before ended in a name, so this one is its value. Caller frees. */
char *redact_argument(const char *text, bool *announced);
