#include "odb/signed.h"

#include "base/buffer.h"
#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SIGNATURE "gpgsig"

struct line {
    const char *at;
    size_t len; /* with its end */
};

static struct line next_line(const char *at, const char *end)
{
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    return (struct line){at, (size_t)((newline ? newline + 1 : end) - at)};
}

static bool begins(struct line line, const char *word)
{
    size_t len = strlen(word);
    return line.len >= len && memcmp(line.at, word, len) == 0;
}

/* The headers after the parents: two that git always writes, and what may follow. */
static bool is_in_order(struct line line, size_t number)
{
    static const char *const first[] = {"author ", "committer "};
    static const char *const never_again[] = {"tree ", "parent ", "author ", "committer "};
    if (number < ARRAY_LEN(first))
        return begins(line, first[number]);
    for (size_t i = 0; i < ARRAY_LEN(never_again); i++)
        if (begins(line, never_again[i]))
            return false;
    return true;
}

/* Appends each line of the headers to what it belongs to. Returns how many signatures there are, or -1. */
static int sort_headers(const struct odb_commit *commit, struct buffer *payload, struct buffer *signature)
{
    int count = 0;
    bool is_ours = false; /* the header that the line is of */
    bool is_left_out = false;
    struct line line;
    size_t number = 0;
    for (const char *at = commit->headers; at < commit->headers_end; at += line.len, number++) {
        line = next_line(at, commit->headers_end);
        bool goes_on = number >= 2 && *line.at == ' ';
        if (!goes_on && !is_in_order(line, number))
            return -1;
        if (!goes_on) {
            is_ours = begins(line, SIGNATURE " ");
            is_left_out = begins(line, SIGNATURE);
            count += is_ours;
        }
        size_t name_len = goes_on ? 1 : strlen(SIGNATURE " ");
        if (is_ours)
            buffer_append(signature, line.at + name_len, line.len - name_len);
        else if (!is_left_out)
            buffer_append(payload, line.at, line.len);
    }
    return number < 2 ? -1 : count;
}

enum odb_signed_kind odb_signed_read(const struct odb_commit *commit, struct odb_signed *ret_signed)
{
    assert(commit && commit->object);
    assert(ret_signed);
    const char *text = git_odb_object_data(commit->object);
    size_t len = git_odb_object_size(commit->object);
    struct buffer payload CLEANUP(buffer_deinit) = BUFFER_INIT(len + 1);
    struct buffer signature CLEANUP(buffer_deinit) = BUFFER_INIT(len + 1);
    if (memchr(text, '\0', len))
        return ODB_ODD;
    buffer_append(&payload, text, (size_t)(commit->headers - text));
    int count = sort_headers(commit, &payload, &signature);
    if (count != 1)
        return count == 0 ? ODB_UNSIGNED : ODB_ODD;
    buffer_append(&payload, commit->headers_end, len - (size_t)(commit->headers_end - text));
    *ret_signed = (struct odb_signed){buffer_steal(&payload), buffer_steal(&signature)};
    return ODB_SIGNED;
}

void odb_signed_deinit(struct odb_signed *signed_commit)
{
    assert(signed_commit);
    free(signed_commit->payload);
    free(signed_commit->signature);
    *signed_commit = (struct odb_signed){0};
}
