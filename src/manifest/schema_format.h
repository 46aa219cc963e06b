/* Parts of formats that others are made of. Inner header of schema*.c. All take text that need not end in a
 * NUL. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

bool schema_format_ipv4(const char *text, size_t len);
bool schema_format_ipv6(const char *text, size_t len);
bool schema_format_hostname(const char *text, size_t len);
bool schema_format_email(const char *text, size_t len);
bool schema_format_date_time(const char *text, size_t len);
bool schema_format_date(const char *text, size_t len);
bool schema_format_time(const char *text, size_t len);
bool schema_format_duration(const char *text, size_t len);
bool schema_format_uri(const char *text, size_t len);
bool schema_format_uri_reference(const char *text, size_t len);
bool schema_format_iri(const char *text, size_t len);
bool schema_format_iri_reference(const char *text, size_t len);
