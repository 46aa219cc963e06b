/* How a remote is reached: who asks, whom he believes, and by which way.
 *
 * The files are read by the fetch helper, anew for each fetch: what is in them is in no argument,
 * environment, log or error, and not in the daemon's memory. NULL chooses what is said. */
#pragma once

#include "base/error.h"

struct source_access {
    char *username;         /* https; "git": hosts that take a token do not look at it */
    char *password_file;    /* https: its first line is a password or a token; no authentication */
    char *key_file;         /* ssh: a private key without passphrase; what ssh finds: agent, ~/.ssh */
    char *known_hosts_file; /* ssh: the only hosts that are believed; ssh's own files */
    char *ca_file;          /* https: PEM, in place of the system's */
    char *proxy;            /* https: "http://host:port"; git's http.proxy, else https_proxy */
    char *proxy_login_file; /* its first line is user:password for the proxy; none */
};

struct source_access source_access_copy(const struct source_access *access);
/* What is not said is as in `from`; the login of a proxy goes to that proxy alone. */
void source_access_fill(struct source_access *access, const struct source_access *from);
void source_access_deinit(struct source_access *access);

/* Whether its files can be read, and keyFile by nobody else: else ssh and the TLS library go on without.
 * ERROR_NOT_FOUND, ERROR_DENIED, ERROR_IO. */
int source_access_check(const struct source_access *way, struct error *err);
/* "Authorization: Basic ...", or NULL in *ret_header where there is no password. Sent before anybody asks: an
 * unchanged remote is one request. Never over http:// but to this machine: ERROR_INVALID. Caller wipes. */
int source_access_header(const struct source_access *access, const char *url, char **ret_header,
                         struct error *err);
/* The proxy with its login in it, NULL in *ret_url where none is named. Caller wipes. */
int source_access_proxy(const struct source_access *access, char **ret_url, struct error *err);
