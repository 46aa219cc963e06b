#include "odb/commit.h"

#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/vector.h"

#include <ctype.h>
#include <iconv.h>
#include <stdio.h>
#include <string.h>

#define TREE            "tree "
#define PARENT          "parent "
#define PARENT_LINE     (sizeof PARENT - 1 + GIT_OID_HEXSZ + 1)
#define ENCODING_SIZE   32
#define UTF8_MOST_BYTES 4  /* of a character */
#define TAG_DEPTH       16 /* tags of tags */

DEFINE_CLEANUP(git_odb, git_odb_free)
DEFINE_CLEANUP(git_odb_object, git_odb_object_free)

/* Not NUL-terminated. */
struct span {
    const char *at;
    size_t len;
};

/* --- objects -------------------------------------------------------------------------------------------- */

static int read_object(git_repository *repository, const git_oid *oid, git_odb_object **ret_object)
{
    git_odb *odb CLEANUP(git_odb_freep) = NULL;
    int status = git_repository_odb(&odb, repository);
    return status < 0 ? status : git_odb_read(ret_object, odb, oid);
}

static int tell(const char *what)
{
    git_error_set_str(GIT_ERROR_OBJECT, what);
    return GIT_ERROR;
}

/* "<name><id>\n" at the place. */
static bool read_id(const char *at, const char *end, const char *name, git_oid *ret_oid)
{
    size_t len = strlen(name);
    return (size_t)(end - at) > len + GIT_OID_HEXSZ && memcmp(at, name, len) == 0 &&
           at[len + GIT_OID_HEXSZ] == '\n' && git_oid_fromstrn(ret_oid, at + len, GIT_OID_HEXSZ) == 0;
}

/* The value of the first header of that name, which ends in a blank; {NULL} without one. */
static struct span find_header(const struct odb_commit *commit, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = commit->headers; at < commit->headers_end;) {
        const char *end = memchr(at, '\n', (size_t)(commit->headers_end - at));
        if (!end)
            end = commit->headers_end;
        if ((size_t)(end - at) >= len && memcmp(at, name, len) == 0)
            return (struct span){at + len, (size_t)(end - at) - len};
        at = end + 1;
    }
    return (struct span){0};
}

/* Behind the last '>', as git reads it. */
static int64_t time_of(struct span ident)
{
    const char *mark = ident.at ? memrchr(ident.at, '>', ident.len) : NULL;
    int64_t time_s = 0;
    if (!mark)
        return 0;
    const char *end = ident.at + ident.len;
    const char *at = mark + 1;
    while (at < end && *at == ' ')
        at++;
    size_t digits = 0;
    while (at + digits < end && isdigit((unsigned char)at[digits]))
        digits++;
    char *number CLEANUP_FREE = memory_strndup(at, digits);
    return text_to_int64(number, 0, INT64_MAX / 1000, &time_s) == 0 ? time_s : 0; /* counted in ms, too */
}

static bool parse(struct odb_commit *commit)
{
    const char *at = git_odb_object_data(commit->object);
    const char *end = at + git_odb_object_size(commit->object);
    git_oid parent;
    if (!read_id(at, end, TREE, &commit->tree))
        return false;
    at += sizeof TREE - 1 + GIT_OID_HEXSZ + 1;
    commit->parents = at;
    for (; read_id(at, end, PARENT, &parent); at += PARENT_LINE)
        commit->parents_len++;
    commit->headers = at;
    while (at < end && *at != '\n') {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        at = line_end ? line_end + 1 : end;
    }
    commit->headers_end = at;
    commit->message = at + strspn(at, "\n"); /* libgit2 ends each object in a NUL */
    commit->time_s = time_of(find_header(commit, "committer "));
    return true;
}

int odb_commit_read(git_repository *repository, const git_oid *oid, struct odb_commit *ret_commit)
{
    struct odb_commit commit = {0};
    int status = read_object(repository, oid, &commit.object);
    if (status == 0 && git_odb_object_type(commit.object) != GIT_OBJECT_COMMIT)
        status = tell("the object is no commit");
    else if (status == 0 && !parse(&commit))
        status = tell("the commit is damaged: it names no tree");
    if (status < 0)
        odb_commit_deinit(&commit);
    else
        *ret_commit = commit;
    return status;
}

void odb_commit_deinit(struct odb_commit *commit)
{
    git_odb_object_free(commit->object);
    *commit = (struct odb_commit){0};
}

git_oid odb_commit_parent(const struct odb_commit *commit, size_t n)
{
    git_oid oid = {0};
    git_oid_fromstrn(&oid, commit->parents + n * PARENT_LINE + sizeof PARENT - 1, GIT_OID_HEXSZ);
    return oid;
}

/* --- text ----------------------------------------------------------------------------------------------- */

/* False where iconv(3) does not know the encoding, or there are bytes that are none of it. */
static bool convert(const char *encoding, struct span text, char **ret_text)
{
    iconv_t way = iconv_open("UTF-8", encoding);
    if (way == (iconv_t)-1) /* NOLINT(performance-no-int-to-ptr): as iconv_open(3) has it */
        return false;
    size_t room = text.len * UTF8_MOST_BYTES;
    char *converted CLEANUP_FREE = memory_alloc(room + 1);
    char *from = (char *)text.at;
    char *to = converted;
    bool whole = iconv(way, &from, &text.len, &to, &room) != (size_t)-1 &&
                 iconv(way, NULL, NULL, &to, &room) != (size_t)-1;
    iconv_close(way);
    *to = '\0';
    if (whole)
        *ret_text = TAKE(converted);
    return whole;
}

/* Of nothing but what is in a name: behind a slash iconv takes orders. */
static bool find_encoding(const struct odb_commit *commit, char ret_name[static ENCODING_SIZE])
{
    struct span name = find_header(commit, "encoding ");
    if (!name.len || name.len >= ENCODING_SIZE)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (!isalnum((unsigned char)name.at[i]) && !(name.at[i] && strchr("-_.:", name.at[i])))
            return false;
    snprintf(ret_name, ENCODING_SIZE, "%.*s", (int)name.len, name.at);
    return true;
}

static char *to_utf8(const struct odb_commit *commit, struct span text)
{
    char encoding[ENCODING_SIZE];
    char *converted = NULL;
    if (!find_encoding(commit, encoding) || !convert(encoding, text, &converted))
        converted = memory_strndup(text.at, text.len);
    text_mend_utf8(converted);
    return converted;
}

static struct span trim(const char *at, const char *end)
{
    while (at < end && isspace((unsigned char)*at))
        at++;
    while (end > at && isspace((unsigned char)end[-1]))
        end--;
    return (struct span){at, (size_t)(end - at)};
}

static char *person(const struct odb_commit *commit, const char *header)
{
    struct span ident = find_header(commit, header);
    const char *open = ident.at ? memchr(ident.at, '<', ident.len) : NULL;
    const char *close = open ? memchr(open, '>', (size_t)(ident.at + ident.len - open)) : NULL;
    if (!close)
        return memory_strdup("unknown <>");
    struct span name = trim(ident.at, open);
    struct span email = trim(open + 1, close);
    char *raw CLEANUP_FREE = memory_printf("%.*s <%.*s>", (int)name.len, name.at, (int)email.len, email.at);
    return to_utf8(commit, (struct span){raw, strlen(raw)});
}

char *odb_commit_author(const struct odb_commit *commit)
{
    return person(commit, "author ");
}

char *odb_commit_committer(const struct odb_commit *commit)
{
    return person(commit, "committer ");
}

/* Up to a line of nothing but white space. */
static size_t paragraph_len(const char *text)
{
    size_t len = strcspn(text, "\n");
    while (text[len]) {
        size_t blank = strspn(text + len + 1, " \t\r\v\f");
        if (text[len + 1 + blank] == '\n' || !text[len + 1 + blank])
            break;
        len += 1 + strcspn(text + len + 1, "\n");
    }
    return len;
}

char *odb_commit_subject(const struct odb_commit *commit)
{
    struct span paragraph = trim(commit->message, commit->message + paragraph_len(commit->message));
    char *subject = to_utf8(commit, paragraph);
    char *to = subject;
    for (const char *from = subject; *from;) {
        size_t len = strspn(from, " \t\r\v\f\n");
        if (memchr(from, '\n', len)) { /* a line that goes on */
            *to++ = ' ';
            from += len;
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
    return subject;
}

/* --- graph ---------------------------------------------------------------------------------------------- */

int odb_commit_peel(git_repository *repository, const git_oid *oid, git_oid *ret_commit)
{
    git_oid at = *oid;
    for (int depth = 0; depth < TAG_DEPTH; depth++) {
        git_odb_object *object CLEANUP(git_odb_object_freep) = NULL;
        int status = read_object(repository, &at, &object);
        if (status < 0)
            return status;
        *ret_commit = at;
        if (git_odb_object_type(object) == GIT_OBJECT_COMMIT)
            return 0;
        const char *text = git_odb_object_data(object);
        if (git_odb_object_type(object) != GIT_OBJECT_TAG ||
            !read_id(text, text + git_odb_object_size(object), "object ", &at))
            break;
    }
    return tell("the object is no commit");
}

/* Breadth first. */
struct search {
    struct map seen; /* hex oid -> not NULL */
    struct odb_commit_ids found;
};

static void search_deinit(struct search *search)
{
    map_deinit(&search->seen);
    vector_deinit(&search->found);
}

static void note(struct search *search, const git_oid *oid, const struct search *hidden)
{
    char hex[GIT_OID_HEXSZ + 1];
    git_oid_tostr(hex, sizeof hex, oid);
    if (map_get(&search->seen, hex) || (hidden && map_get(&hidden->seen, hex)))
        return;
    map_put(&search->seen, hex, search);
    vector_push(&search->found, *oid);
}

/* Those of the i-th that was found. */
static int note_parents(struct search *search, git_repository *repository, size_t i,
                        const struct search *hidden)
{
    struct odb_commit commit CLEANUP(odb_commit_deinit) = {0};
    int status = odb_commit_read(repository, &search->found.items[i], &commit);
    for (size_t n = 0; status == 0 && n < commit.parents_len; n++) {
        git_oid parent = odb_commit_parent(&commit, n);
        note(search, &parent, hidden);
    }
    return status;
}

bool odb_commit_contains(git_repository *repository, const git_oid *tip, const git_oid *ancestor, size_t most)
{
    struct search search CLEANUP(search_deinit) = {0};
    note(&search, tip, NULL);
    for (size_t i = 0; i < search.found.len && i < most; i++) {
        if (git_oid_equal(&search.found.items[i], ancestor))
            return true;
        note_parents(&search, repository, i, NULL);
    }
    return false;
}

int odb_commit_added(git_repository *repository, const git_oid *tip, const struct odb_commit_ids *bases,
                     size_t most, struct odb_commit_ids *ret_ids)
{
    struct search hidden CLEANUP(search_deinit) = {0};
    struct search search CLEANUP(search_deinit) = {0};
    int status = 0;
    for (size_t i = 0; i < bases->len; i++)
        note(&hidden, &bases->items[i], NULL);
    for (size_t i = 0; i < hidden.found.len && i < most; i++)
        note_parents(&hidden, repository, i, NULL);
    note(&search, tip, &hidden);
    for (size_t i = 0; status == 0 && i < search.found.len && i < most; i++)
        status = note_parents(&search, repository, i, &hidden);
    if (status < 0)
        return status;
    *ret_ids = search.found;
    search.found = (struct odb_commit_ids){0};
    return 0;
}
