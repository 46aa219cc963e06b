/* What is wrong in a commit, and where: the product of validation. A diagnostic is a value; cli/ and api/
 * print it. */
#pragma once

#include "base/vector.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum severity { SEVERITY_ERROR, SEVERITY_WARNING };

/* Where something stands. Lines and columns count from 1, columns in characters (code points); 0 is unknown.
 */
struct position {
    int line;
    int column;
};

struct diagnostic {
    enum severity severity;
    char *file; /* path in the repository; "" for the commit as a whole */
    struct position at;
    char *pointer;  /* JSON pointer (RFC 6901) within the document; "" for its root */
    char *code;     /* stable word: "syntax", "unknown-member", "type", "reference", "duplicate" ... */
    char *message;  /* one line, says what is wrong */
    char *found;    /* NULL when the message says it all */
    char *expected; /* NULL likewise */
    char *hint;     /* remedy, e.g. `did you mean "image"?`; NULL without one */
};

struct diagnostics {
    struct diagnostic_vec VECTOR_OF(struct diagnostic) list;
    size_t errors; /* counted beyond LIMIT_DIAGNOSTICS as well */
    size_t warnings;
};

void diagnostic_deinit(struct diagnostic *diagnostic);
void diagnostics_deinit(struct diagnostics *diagnostics);
/* Takes over the strings of *diagnostic; beyond LIMIT_DIAGNOSTICS it only counts. */
void diagnostics_add(struct diagnostics *diagnostics, struct diagnostic *diagnostic);
/* The plain case: message by format; code and file are copied, pointer may be NULL. */
void diagnostics_error(struct diagnostics *diagnostics, const char *file, struct position at,
                       const char *code, const char *format, ...) __attribute__((format(printf, 5, 6)));
void diagnostics_append(struct diagnostics *diagnostics, const struct diagnostics *more); /* copies */
/* By file, line, column, message. */
void diagnostics_sort(struct diagnostics *diagnostics);
json_t *diagnostic_to_json(const struct diagnostic *diagnostic);
json_t *diagnostics_to_json(const struct diagnostics *diagnostics);
int diagnostics_from_json(const json_t *json, struct diagnostics *ret_diagnostics);
/* What comes behind the place and the severity, printable likewise. Caller frees. */
char *diagnostic_sentence(const struct diagnostic *diagnostic);
/* "web.yaml:12:5: error: unknown member "imge" at /containerDefinitions/0/imge; did you mean "image"?",
 * printable as text_printable() has it. Caller frees. */
char *diagnostic_to_text(const struct diagnostic *diagnostic);
