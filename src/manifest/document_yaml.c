/* YAML 1.2 over libyaml.
 *
 * A line of "..." ends the document wherever it stands, and only after one may directives follow, or a
 * document without "---". libyaml knows one such beginning, the first: so each part of the file between those
 * lines is a stream to it, with a parser of its own.
 */
#include "base/error.h"
#include "manifest/document_build.h"
#include "manifest/document_event.h"
#include "manifest/document_strict.h"
#include "manifest/document_syntax.h"
#include "manifest/document_text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* A part of the file between document end markers. */
struct yaml_stream {
    const char *text;
    const char *end;
    const char *unread;
    bool ends_open; /* the last line has no break: one is supplied, so that `|` means the same everywhere */
};

/* A yaml_read_handler_t. */
static int read_stream(void *data, unsigned char *buffer, size_t size, size_t *ret_len)
{
    struct yaml_stream *stream = data;
    size_t left = (size_t)(stream->end - stream->unread);
    if (left == 0 && stream->ends_open) {
        stream->ends_open = false;
        buffer[0] = '\n';
        *ret_len = 1;
        return 1;
    }
    *ret_len = left < size ? left : size;
    memcpy(buffer, stream->unread, *ret_len);
    stream->unread += *ret_len;
    return 1;
}

static int report(struct document_events *events, const struct yaml_stream *stream,
                  const struct document_strict_finding *finding)
{
    struct position at = {events->lines + 1, 1};
    document_text_advance(&at, stream->text, finding->at);
    return document_builder_fault(events->builder, &(struct document_fault){.at = at,
                                                                            .code = finding->code,
                                                                            .message = finding->message,
                                                                            .hint = finding->hint});
}

static int read_events(struct document_events *events, const struct yaml_stream *stream,
                       yaml_parser_t *parser)
{
    struct document_strict strict;
    struct document_strict_finding finding;
    document_strict_init(&strict, stream->text, stream->end);
    for (;;) {
        yaml_event_t CLEANUP(yaml_event_delete) event = {0};
        if (!yaml_parser_parse(parser, &event))
            return document_syntax_error(events, &strict, parser);
        if (event.type == YAML_STREAM_END_EVENT)
            return 0;
        /* The scanner is not beyond the first line of the event, and that is where its indentation holds. */
        bool passes = document_strict_passes(&strict, &event, parser->indent, &finding);
        if (!passes && !events->builder->foreign) /* another tool's parser is as lenient as libyaml */
            return report(events, stream, &finding);
        int rc = document_events_take(events, &event);
        if (rc < 0)
            return rc;
    }
}

static int parse_stream(struct document_events *events, struct yaml_stream *stream)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        abort();
    yaml_parser_set_input(&parser, read_stream, stream);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    int rc = read_events(events, stream, &parser);
    yaml_parser_delete(&parser);
    return rc;
}

/* Nothing but a comment may stand on the marker's line. */
static int check_marker(struct document_events *events, const struct yaml_stream *stream, const char *end)
{
    const char *after = document_text_skip_blanks(stream->end + strlen("..."), end);
    if (after >= end || document_text_is_break(*after) || *after == '#')
        return 0;
    return report(events, stream,
                  &(struct document_strict_finding){
                      after, "syntax", "only a comment may follow the document end marker", NULL});
}

static int parse_streams(struct document_events *events, const struct document_input *input)
{
    const char *end = input->content + input->len;
    const char *at = input->content;
    while (at < end) {
        const char *marker = document_text_end_marker(at, end);
        bool ends_open = marker == end && !document_text_is_break(end[-1]);
        struct yaml_stream stream = {.text = at, .end = marker, .unread = at, .ends_open = ends_open};
        int rc = parse_stream(events, &stream);
        if (rc < 0 || marker == end)
            return rc;
        rc = check_marker(events, &stream, end);
        if (rc < 0)
            return rc;
        struct position position = {events->lines + 1, 1};
        at = document_text_next_line(marker, end);
        document_text_advance(&position, stream.text, at);
        events->lines = position.line - 1;
    }
    return 0;
}

int document_parse_yaml(struct document_builder *builder, const struct document_input *input,
                        struct document_vec *documents)
{
    assert(builder);
    const char *end = input->content + input->len;
    struct document_strict_finding finding;
    struct document_events CLEANUP(document_events_deinit) events;
    document_events_init(&events, builder, documents);
    if (!document_strict_breaks(input->content, end, &finding)) {
        struct yaml_stream whole = {.text = input->content, .end = end};
        return report(&events, &whole, &finding);
    }
    return parse_streams(&events, input);
}
