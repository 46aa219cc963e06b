/* Errors that a person will read: a code for the program, one line for the reader.
 *
 * A fallible function returns 0 or a negative enum error_code and, where a user will read the cause, takes
 * `struct error *err` last. err may be NULL. On failure the function that finds the cause calls error_set();
 * callers add context by error_wrap(). Log or return, never both.
 */
#pragma once

#include "base/limits.h"

enum error_code {
    ERROR_INVALID = -1,      /* the input breaks a rule; the message names place and remedy */
    ERROR_NOT_FOUND = -2,    /* the thing named does not exist */
    ERROR_EXISTS = -3,       /* the name is taken */
    ERROR_CONFLICT = -4,     /* the state of the other side forbids it now */
    ERROR_LIMIT = -5,        /* a bound of base/limits.h; the message names it */
    ERROR_IO = -6,           /* disk or socket */
    ERROR_TIMEOUT = -7,      /* a deadline passed */
    ERROR_DENIED = -8,       /* authentication or permission */
    ERROR_UNAVAILABLE = -9,  /* the other side does not answer; worth a retry */
    ERROR_PROTOCOL = -10,    /* the other side answered, but not what the protocol says */
    ERROR_CANCELED = -11,    /* withdrawn by the caller */
    ERROR_UNSUPPORTED = -12, /* understood, but davit or the engine cannot do it */
    ERROR_INTERNAL = -13,    /* a bug of ours or of a library */
};

struct error {
    int code; /* 0 while nothing failed */
    char message[LIMIT_ERROR_CHARS];
};

#define ERROR_INIT ((struct error){0})

/* Sets *err and returns code, so that `return error_set(...)` reads as one step. A message that is too long
 * is cut at the end of a character. Whatever is put in, an engine's words among it, the message is
 * well-formed UTF-8. */
int error_set(struct error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts "context: " before the message and returns the code that err holds. A NULL err returns `code`. */
int error_wrap(struct error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The code's own word in the style of log fields: "not-found". Static storage. */
const char *error_code_name(int code);

/* The message, or the code's word where none was set. Borrowed. */
const char *error_text(const struct error *err);
