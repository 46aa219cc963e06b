/* What ECS's agent, and so davit, leaves out of an environment file without a word. No message quotes a line:
 * it may be a secret. */
#include "manifest/manifest_state.h"

#include "base/memory.h"

#include <assert.h>
#include <string.h>

static void report(struct diagnostics *diagnostics, const char *path, struct position at, const char *message)
{
    struct diagnostic diagnostic = {.severity = SEVERITY_WARNING,
                                    .file = memory_strdup(path),
                                    .at = at,
                                    .pointer = memory_strdup(""),
                                    .code = memory_strdup("no-effect"),
                                    .message = memory_strdup(message),
                                    .hint = memory_strdup("write NAME=VALUE, or # before a comment")};
    diagnostics_add(diagnostics, &diagnostic);
}

/* A comment behind blanks is left out too, as it is meant. */
static void check_line(struct diagnostics *diagnostics, const char *path, int line, const char *text,
                       size_t len)
{
    size_t blanks = 0;
    while (blanks < len && strchr(" \t\r", text[blanks]))
        blanks++;
    if (blanks == len || text[blanks] == '#')
        return;
    if (!memchr(text, '=', len))
        report(diagnostics, path, (struct position){line, (int)blanks + 1},
               "a line without \"=\" gives no variable: it is left out, as ECS leaves it out");
    else if (text[0] == '=')
        report(diagnostics, path, (struct position){line, 1},
               "a line without a name before \"=\" gives no variable: it is left out, as ECS leaves it out");
}

void variable_file_check(const char *path, const char *content, size_t len, struct diagnostics *diagnostics)
{
    assert(path && content && diagnostics);
    const char *end = content + len;
    if (memchr(content, '\0', len)) /* no text: its task says so */
        return;
    for (int line = 1; content < end; line++) {
        const char *newline = memchr(content, '\n', (size_t)(end - content));
        size_t line_len = (size_t)((newline ? newline : end) - content);
        check_line(diagnostics, path, line, content, line_len);
        content += line_len + 1;
    }
}
