/* libyaml's events as values: the core schema, anchors and aliases, and what JSON cannot say. Inner header of
 * document_yaml.c. */
#pragma once

#include "base/limits.h"
#include "base/map.h"
#include "manifest/document_build.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

/* An anchored container that is still open. */
struct document_open_anchor {
    char *name; /* NULL for a container without one */
    json_t *container;
    size_t node;
    bool tagged; /* the one member of the object around it stands for its tag */
};

struct document_events {
    struct document_builder *builder; /* borrowed */
    struct document_vec *documents;   /* borrowed; what is finished */
    struct map anchors;               /* of the document, that are finished */
    struct document_open_anchor open[LIMIT_DOCUMENT_DEPTH];
    size_t aliases; /* in the file */
    int lines;      /* of the file before the text that libyaml reads */
};

void document_events_init(struct document_events *events, struct document_builder *builder,
                          struct document_vec *documents);
void document_events_deinit(struct document_events *events);

/* Returns 0, or a negative code with the diagnostic given. */
int document_events_take(struct document_events *events, const yaml_event_t *event);
/* The place in the file of a mark of libyaml. */
struct position document_events_position(const struct document_events *events, const yaml_mark_t *mark);
