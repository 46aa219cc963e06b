#include "manifest/document.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/text.h"
#include "manifest/document_build.h"
#include "manifest/document_node.h"
#include "manifest/document_pointer.h"
#include "manifest/document_text.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

typedef int parse_function(struct document_builder *, const struct document_input *, struct document_vec *);

static const struct {
    const char *ending;
    parse_function *parse;
} formats[] = {
    {".json", document_parse_json},
    {".yaml", document_parse_yaml},
    {".yml", document_parse_yaml},
};

/* What a file begins with when it is not what its name says. */
static const struct {
    const char *bytes;
    size_t len;
    const char *code;
    const char *message;
    const char *hint;
} refused_beginnings[] = {
    {"\xEF\xBB\xBF", 3, "encoding", "the file begins with a byte order mark", "save it as UTF-8 without BOM"},
    {"\xFF\xFE", 2, "encoding", "the file is UTF-16, not UTF-8", "save it as UTF-8"},
    {"\xFE\xFF", 2, "encoding", "the file is UTF-16, not UTF-8", "save it as UTF-8"},
    {"version https://git-lfs.github.com/spec/", 40, "lfs-pointer",
     "the file is a git-LFS pointer, its content is not in the repository",
     "take it out of git-LFS: manifests are read from git"},
};

static parse_function *parser_for(const struct document_builder *builder, const struct document_input *input)
{
    const char *name = input->name;
    size_t len = strlen(name);
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        size_t tail = strlen(formats[i].ending);
        if (len > tail && strcasecmp(name + len - tail, formats[i].ending) == 0)
            return formats[i].parse;
    }
    if (!builder->foreign)
        return NULL;
    size_t first = 0;
    while (first < input->len && strchr(" \t\r\n", input->content[first]))
        first++;
    bool json = first < input->len && (input->content[first] == '{' || input->content[first] == '[');
    return json ? document_parse_json : document_parse_yaml;
}

static size_t sequence_len(unsigned char lead)
{
    return lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
}

/* The place of the first byte that is not UTF-8, or of the first NUL. */
static size_t first_bad_byte(const char *content, size_t len, struct position *ret_at)
{
    size_t i = 0;
    *ret_at = (struct position){1, 1};
    while (i < len) {
        size_t n = sequence_len((unsigned char)content[i]);
        if (n > len - i || !text_is_utf8(content + i, n))
            return i;
        ret_at->column++;
        if (content[i] == '\n')
            *ret_at = (struct position){ret_at->line + 1, 1};
        i += n;
    }
    return len;
}

static int check_text(struct document_builder *builder, const struct document_input *input)
{
    bool is_ascii = document_text_is_ascii(input->content, input->content + input->len);
    if (is_ascii ? !memchr(input->content, '\0', input->len) : text_is_utf8(input->content, input->len))
        return 0;
    struct position at;
    size_t bad = first_bad_byte(input->content, input->len, &at);
    if (bad < input->len && input->content[bad] == '\0')
        return document_builder_fault(
            builder, &(struct document_fault){.at = at,
                                              .code = "encoding",
                                              .message = "the file holds a NUL byte, it is not text",
                                              .hint = "manifests are UTF-8 text"});
    CLEANUP_FREE char *found = memory_printf("byte 0x%02X", (unsigned char)input->content[bad]);
    return document_builder_fault(builder, &(struct document_fault){.at = at,
                                                                    .code = "encoding",
                                                                    .message = "the file is not UTF-8",
                                                                    .found = found,
                                                                    .hint = "save it as UTF-8"});
}

static int check_input(struct document_builder *builder, const struct document_input *input)
{
    struct position none = {0};
    if (!parser_for(builder, input))
        return document_builder_fail(builder, none, "file-name",
                                     "the name ends in none of .json, .yaml, .yml");
    if (input->len > LIMIT_MANIFEST_BYTES)
        return document_builder_fail(builder, none, "limit",
                                     "the file has %zu bytes, more than %d (LIMIT_MANIFEST_BYTES)",
                                     input->len, LIMIT_MANIFEST_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(refused_beginnings); i++) {
        size_t len = refused_beginnings[i].len;
        if (input->len >= len && memcmp(input->content, refused_beginnings[i].bytes, len) == 0)
            return document_builder_fault(builder,
                                          &(struct document_fault){.at = {1, 1},
                                                                   .code = refused_beginnings[i].code,
                                                                   .message = refused_beginnings[i].message,
                                                                   .hint = refused_beginnings[i].hint});
    }
    return check_text(builder, input);
}

enum purpose { TO_USE, TO_FIND_FAULTS, TO_IMPORT };

static int parse(const struct document_input *input, enum purpose purpose, struct document_vec *ret_documents,
                 struct diagnostics *diagnostics)
{
    assert(input);
    assert(input->name);
    assert(input->content || input->len == 0);
    assert(ret_documents);
    assert(diagnostics);
    struct document_builder CLEANUP(document_builder_deinit)
        builder = {.file = input->name, .foreign = purpose == TO_IMPORT, .diagnostics = diagnostics};
    struct document_vec CLEANUP(document_vec_deinit) documents = {0};
    int rc = check_input(&builder, input);
    if (rc == 0)
        rc = parser_for(&builder, input)(&builder, input, &documents);
    if (rc < 0)
        return rc;
    if (builder.duplicates == 0 || purpose == TO_FIND_FAULTS) {
        *ret_documents = documents;
        memset(&documents, 0, sizeof documents);
    }
    return builder.duplicates == 0 ? 0 : ERROR_INVALID;
}

int document_parse(const struct document_input *input, struct document_vec *ret_documents,
                   struct diagnostics *diagnostics)
{
    return parse(input, TO_USE, ret_documents, diagnostics);
}

int document_parse_for_faults(const struct document_input *input, struct document_vec *ret_documents,
                              struct diagnostics *diagnostics)
{
    return parse(input, TO_FIND_FAULTS, ret_documents, diagnostics);
}

int document_parse_foreign(const struct document_input *input, struct document_vec *ret_documents,
                           struct diagnostics *diagnostics)
{
    return parse(input, TO_IMPORT, ret_documents, diagnostics);
}

void document_deinit(struct document *document)
{
    assert(document);
    json_decref(document->value);
    document->value = NULL;
    vector_deinit(&document->nodes);
}

void document_vec_deinit(struct document_vec *documents)
{
    assert(documents);
    for (size_t i = 0; i < documents->len; i++)
        document_deinit(&documents->items[i]);
    vector_deinit(documents);
}

void document_drop_positions(struct document *document)
{
    assert(document);
    vector_deinit(&document->nodes);
}

/* The value's node of the child that `token` names, its key in *ret_key where it has one; 0 when there is
 * none. */
static size_t child_node(const struct document_node_vec *nodes, size_t parent, const char *token,
                         size_t *ret_key)
{
    size_t end = parent + nodes->items[parent].span;
    size_t index;
    size_t member = document_node_member(nodes, parent, end, token);
    if (member < end) {
        *ret_key = member;
        return member + 1;
    }
    if (!document_pointer_to_index(token, &index))
        return 0;
    size_t element = document_node_element(nodes, parent, end, index);
    *ret_key = element;
    return element < end ? element : 0;
}

struct position document_position(const struct document *document, const char *pointer,
                                  enum document_part part)
{
    assert(document);
    assert(pointer);
    const struct document_node_vec *nodes = &document->nodes;
    if (nodes->len == 0)
        return (struct position){0};
    size_t value = 0;
    size_t key = 0;
    for (;;) {
        CLEANUP_FREE char *token = document_pointer_next(&pointer);
        size_t child = token ? child_node(nodes, value, token, &key) : 0;
        if (!child) {
            /* A missing member is told at what holds it, and never at that one's key. */
            const struct document_node *node = &nodes->items[part == DOCUMENT_KEY && !token ? key : value];
            return (struct position){(int)node->line, (int)node->column};
        }
        value = child;
    }
}

void document_place(const struct document *document, const char *file, struct diagnostics *diagnostics)
{
    assert(document);
    assert(file);
    assert(diagnostics);
    for (size_t i = 0; i < diagnostics->list.len; i++) {
        struct diagnostic *diagnostic = &diagnostics->list.items[i];
        if (diagnostic->file && diagnostic->file[0])
            continue;
        enum document_part part =
            text_equal(diagnostic->code, "unknown-member") ? DOCUMENT_KEY : DOCUMENT_VALUE;
        free(diagnostic->file);
        diagnostic->file = memory_strdup(file);
        diagnostic->at = document_position(document, diagnostic->pointer ? diagnostic->pointer : "", part);
    }
}
