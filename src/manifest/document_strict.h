/* What YAML 1.2 forbids and libyaml lets pass, or reads as something else: looked for in the text of its
 * events and between them. Inner header of document_yaml.c. */
#pragma once

#include "manifest/document_build.h"

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

struct document_strict {
    const char *text; /* what libyaml reads; borrowed */
    const char *end;
    bool is_ascii;      /* a character is a byte */
    const char *cursor; /* the byte at which character number `index` begins */
    size_t index;       /* marks of libyaml count characters */
    const char *seen;   /* the end of the events so far */
    size_t flow_depth;  /* flow collections open */
    const char *flow;   /* the bracket of the outermost one */
    int flow_indent;    /* the column, from 0, of the block collection around it; -1 without one */
    bool has_document;  /* one has begun */
};

struct document_strict_finding {
    const char *at; /* in the text */
    const char *code;
    const char *message;
    const char *hint;
};

void document_strict_init(struct document_strict *strict, const char *text, const char *end);
/* The event that libyaml has given and the column, from 0, of the block collection that is open at its start,
 * -1 without one. False with the finding when the text may not be so. */
bool document_strict_passes(struct document_strict *strict, const yaml_event_t *event, int indent,
                            struct document_strict_finding *ret_finding);

/* The byte at a mark of libyaml; `end` for one beyond. */
const char *document_strict_byte(struct document_strict *strict, const yaml_mark_t *mark);
/* Whether all line breaks are those of YAML 1.2. libyaml takes NEL, LS and PS for breaks as well, as YAML 1.1
 * does. */
bool document_strict_breaks(const char *text, const char *end, struct document_strict_finding *ret_finding);
