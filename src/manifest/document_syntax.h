/* libyaml's errors in words that name the remedy. Inner header of document_yaml.c. */
#pragma once

#include "manifest/document_event.h"
#include "manifest/document_strict.h"

#include <yaml.h>

/* Reports why the parser has stopped; returns the code. `strict` has the text. */
int document_syntax_error(struct document_events *events, struct document_strict *strict,
                          const yaml_parser_t *parser);
