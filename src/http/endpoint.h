/* Where an HTTP request goes: a unix socket or a URL, with the files TLS needs. */
#pragma once

#include "base/error.h"

/* Strings are owned. Not changed by requests: copied from when a request starts, so it may be freed while one
 * is under way. */
struct http_endpoint {
    char *name; /* "unix:///var/run/docker.sock", "https://host:2376": for messages; never a path that may be
                   secret */
    char *base_url;  /* what a request's path is appended to, without a last slash */
    char *unix_path; /* NULL for TCP */
    char *ca_path;   /* PEM; trusted instead of the system's authorities; NULL: the system's */
    char *cert_path; /* PEM; the client certificate, or NULL */
    char *key_path;  /* PEM; its key, or NULL */
};

/* Understands unix:///path, tcp://host:port (plain HTTP until TLS is asked for; the port is required),
 * http://host[:port][/path] and https://host[:port][/path]. ERROR_INVALID says what is expected. User and
 * password in the URL are refused: they belong in a header. unix:// and tcp:// never use a proxy, http:// and
 * https:// use the one of the environment. */
int http_endpoint_init(struct http_endpoint *endpoint, const char *url, struct error *err);

/* Turns tcp:// and http:// into https and names the PEM files; each may be NULL, but a certificate and its
 * key come together. ERROR_INVALID for a unix socket. Files are read when a connection is made, so a renewed
 * one is taken up. */
int http_endpoint_set_tls(struct http_endpoint *endpoint, const char *ca_path, const char *cert_path,
                          const char *key_path, struct error *err);

void http_endpoint_deinit(struct http_endpoint *endpoint);
