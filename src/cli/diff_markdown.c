#include "cli/diff_print.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/output.h"
#include "model/diagnostic.h"
#include "model/json.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

/* GitHub takes 65,536 characters in a comment ("body is too long"); GitLab and Forgejo take more. What a
 * pipeline writes around it has room too. */
#define COMMENT_BYTES 60000
#define TABLES_BYTES  36000 /* of them, and most of a row: twelve pieces, six bytes for each of theirs */
#define ITEM_BYTES    4000  /* a row, or the changes of one service */
#define PIECE_BYTES   400   /* of what others have written */
#define VALUE_BYTES   120
#define SHOWN_REASONS 3 /* of a row: the rest is below it */

/* Pieces that are written whole or not at all: after the first that finds no room, they are counted. */
struct pieces {
    struct buffer text;
    size_t left_out;
};

static void pieces_deinit(struct pieces *pieces)
{
    buffer_deinit(&pieces->text);
}

static bool pieces_add(struct pieces *pieces, const struct buffer *piece)
{
    if (pieces->left_out || buffer_append(&pieces->text, buffer_str(piece), piece->len) < 0)
        pieces->left_out++;
    return pieces->left_out == 0;
}

/* --- what others have written --------------------------------------------------------------------------- */

/* As code: a code span where its rules are simple, else the element with every sign as a character reference.
 * Neither markup nor links nor mentions are looked for in either, and no "|" ends a cell of a table.
 * (CommonMark 6.1, 2.5; GitHub Flavored Markdown 4.10.) */
static void put_whole_code(struct buffer *out, const char *text)
{
    if (*text && !strpbrk(text, "`|\\\n\r") && text[strspn(text, " ")]) {
        buffer_printf(out, "`%s`", text);
        return;
    }
    buffer_append_str(out, "<code>");
    for (const char *c = text; *c; c++) {
        if (isalnum((unsigned char)*c) || ((unsigned char)*c & 0x80) || *c == ' ')
            buffer_append(out, c, 1);
        else
            buffer_printf(out, "&#%d;", (unsigned char)*c);
    }
    buffer_append_str(out, "</code>");
}

static void put_code(struct buffer *out, const char *text)
{
    char *piece CLEANUP_FREE = memory_strndup(text, PIECE_BYTES);
    text_mend_utf8(piece);
    put_whole_code(out, piece);
    if (strlen(text) > PIECE_BYTES)
        buffer_append_str(out, "...");
}

static bool is_harmless(const char *text)
{
    static const char signs[] = " ,.;:()/%\"'-";
    for (const char *c = text; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr(signs, *c))
            return false;
    return !strstr(text, "//") && !strstr(text, "www.");
}

/* A sentence of davit's, which may have a name in it. */
static void put_sentence(struct buffer *out, const char *text)
{
    if (strlen(text) <= PIECE_BYTES && is_harmless(text))
        buffer_append_str(out, text);
    else
        put_code(out, text);
}

static void put_detail(struct buffer *out, const json_t *detail)
{
    char *from CLEANUP_FREE = NULL;
    char *to CLEANUP_FREE = NULL;
    const char *change = model_string(detail, "change");
    cli_diff_values(detail, VALUE_BYTES, &from, &to);
    put_code(out, cli_member_string(detail, "what"));
    if (change) {
        buffer_append_str(out, " ");
        put_sentence(out, change);
    } else {
        buffer_append_str(out, from && to ? " " : to ? " added " : " removed");
        if (from && to) {
            put_code(out, from);
            buffer_append_str(out, " → ");
        }
        if (to)
            put_code(out, to);
    }
}

static void put_commit(struct buffer *out, const char *before, const json_t *commit)
{
    char *oid CLEANUP_FREE = memory_strndup(cli_member_string(commit, "oid"), 12);
    buffer_printf(out, "%s`%s` ", before, oid);
    put_code(out, cli_member_string(commit, "subject"));
}

/* --- rows ----------------------------------------------------------------------------------------------- */

static void put_line(struct buffer *cell, size_t begin, const char *before, const char *sentence)
{
    if (!sentence || !*sentence)
        return;
    buffer_append_str(cell, cell->len > begin ? "<br>" : "");
    buffer_append_str(cell, before);
    put_sentence(cell, sentence);
}

static void put_rollout(struct buffer *cell, const json_t *difference)
{
    size_t begin = cell->len;
    const json_t *rollout = json_object_get(difference, "rollout");
    char *first CLEANUP_FREE = cli_diff_join(json_object_get(difference, "preDeploy"), ", then ");
    char *others CLEANUP_FREE = cli_diff_join(json_object_get(difference, "dependsOn"), ", ");
    char *needs CLEANUP_FREE = cli_diff_join(json_object_get(difference, "needs"), "; ");
    char *tasks CLEANUP_FREE = cli_diff_tasks(difference);
    char *downtime CLEANUP_FREE = cli_diff_downtime(difference);
    put_line(cell, begin, "",
             model_bool(difference, "suspended") ? "suspended: nothing happens until that ends" : NULL);
    put_line(cell, begin, "waits ", model_string(difference, "waits"));
    put_line(cell, begin, "held ", model_string(difference, "held"));
    put_line(cell, begin, "waits until healthy: ", others);
    put_line(cell, begin, "runs first: ", first);
    put_line(cell, begin, "", tasks);
    put_line(cell, begin, "", downtime);
    put_line(cell, begin, "needs ", needs);
    if (rollout)
        buffer_printf(cell, "%s%" PRId64 " of %" PRId64 " task%s new", cell->len > begin ? "<br>" : "",
                      model_int(rollout, "newTasks"), model_int(rollout, "wantedTasks"),
                      model_int(rollout, "wantedTasks") == 1 ? " is" : "s are");
}

static void put_scale(struct buffer *out, const json_t *details)
{
    size_t i;
    json_t *detail;
    json_array_foreach ((json_t *)(uintptr_t)details, i, detail)
        if (cli_diff_is_scale(detail))
            buffer_printf(out, ", scale %" PRId64 " → %" PRId64, model_int(detail, "from"),
                          model_int(detail, "to"));
}

static void put_reasons(struct buffer *out, const json_t *details)
{
    size_t i;
    json_t *detail;
    int count = 0;
    json_array_foreach ((json_t *)(uintptr_t)details, i, detail) {
        if (cli_diff_is_scale(detail) || ++count > SHOWN_REASONS)
            continue;
        buffer_append_str(out, count > 1 ? "<br>" : "");
        put_detail(out, detail);
    }
    if (count > SHOWN_REASONS)
        buffer_printf(out, "<br>and %d more", count - SHOWN_REASONS);
}

/* "demo" of a service, so that a table has one cluster. */
static const char *group_of(const json_t *difference)
{
    return model_string(difference, "service") ? cli_member_string(difference, "cluster") : NULL;
}

static void put_heading(struct buffer *out, const json_t *before, const json_t *difference)
{
    const char *group = group_of(difference);
    if (before && text_equal(group, group_of(before)))
        return;
    buffer_append_str(out, before ? "\n" : "");
    if (group) {
        buffer_append_str(out, "Cluster ");
        put_code(out, group);
        buffer_append_str(out, "\n\n");
    }
    buffer_printf(out, "| %s | what happens | because | how |\n|---|---|---|---|\n",
                  group ? "service" : "what");
}

static void put_rename(struct buffer *out, const char *from, const json_t *details)
{
    if (!from)
        return;
    buffer_append_str(out, "renamed from ");
    put_code(out, from);
    buffer_append_str(out, json_array_size(details) ? ", " : "");
}

static void put_row(struct buffer *out, const json_t *before, const json_t *difference)
{
    const char *service = model_string(difference, "service");
    const char *schedule = model_string(difference, "scheduledTask");
    const json_t *details = json_object_get(difference, "details");
    put_heading(out, before, difference);
    buffer_append_str(out, service ? "| " : schedule ? "| scheduled task " : "| cluster ");
    put_code(out, service ? service : schedule ? schedule : cli_member_string(difference, "cluster"));
    buffer_append_str(out, " | ");
    put_sentence(out, cli_diff_change(difference));
    if (!text_equal(model_string(difference, "change"), "create"))
        put_scale(out, details);
    buffer_append_str(out, " | ");
    put_rename(out, model_string(difference, "renamedFrom"), details);
    put_reasons(out, details);
    buffer_append_str(out, " | ");
    put_rollout(out, difference);
    buffer_append_str(out, " |\n");
}

static void put_more(struct buffer *out, size_t left_out, const char *what)
{
    if (left_out)
        buffer_printf(out,
                      "\n**and %zu more %s%s**, for which a comment has no room: `davit diff` shows all.\n",
                      left_out, what, text_plural((int64_t)left_out));
}

static void put_tables(struct buffer *out, const json_t *differences)
{
    struct pieces rows CLEANUP(pieces_deinit) = {.text = BUFFER_INIT(TABLES_BYTES)};
    const json_t *before = NULL;
    size_t i;
    json_t *difference;
    json_array_foreach ((json_t *)(uintptr_t)differences, i, difference) {
        struct buffer row = BUFFER_INIT(TABLES_BYTES);
        put_row(&row, before, difference);
        pieces_add(&rows, &row);
        buffer_deinit(&row);
        before = difference;
    }
    buffer_append(out, buffer_str(&rows.text), rows.text.len);
    put_more(out, rows.left_out, "change");
}

/* --- what is folded away -------------------------------------------------------------------------------- */

static void put_members(struct pieces *list, const json_t *difference)
{
    const char *service = model_string(difference, "service");
    const char *schedule = model_string(difference, "scheduledTask");
    const char *cluster = cli_member_string(difference, "cluster");
    char *key CLEANUP_FREE =
        memory_printf("%s%s%s", schedule ? schedule : cluster, service ? "/" : "", service ? service : "");
    struct pieces members CLEANUP(pieces_deinit) = {.text = BUFFER_INIT(ITEM_BYTES)};
    struct buffer whole = BUFFER_INIT(2 * ITEM_BYTES);
    size_t i;
    json_t *detail;
    json_array_foreach (json_object_get(difference, "details"), i, detail) {
        struct buffer line = BUFFER_INIT(ITEM_BYTES);
        buffer_append_str(&line, "  - ");
        put_detail(&line, detail);
        buffer_append_str(&line, "\n");
        pieces_add(&members, &line);
        buffer_deinit(&line);
    }
    buffer_append_str(&whole, "- ");
    put_code(&whole, key);
    buffer_printf(&whole, ": %s\n%s", cli_diff_change(difference), buffer_str(&members.text));
    if (members.left_out)
        buffer_printf(&whole, "  - and %zu more\n", members.left_out);
    pieces_add(list, &whole);
    buffer_deinit(&whole);
}

static void put_details(struct buffer *out, const json_t *differences)
{
    static const char head[] = "\n<details><summary>Every change</summary>\n\n";
    static const char foot[] = "\n</details>\n";
    size_t reserved = out->len + 400;
    if (!json_array_size(differences) || reserved >= COMMENT_BYTES)
        return;
    struct pieces list CLEANUP(pieces_deinit) = {.text = BUFFER_INIT(COMMENT_BYTES - reserved)};
    size_t i;
    json_t *difference;
    json_array_foreach ((json_t *)(uintptr_t)differences, i, difference)
        put_members(&list, difference);
    buffer_printf(out, "%s%s", head, buffer_str(&list.text));
    put_more(out, list.left_out, "change");
    buffer_append_str(out, foot);
}

/* --- the whole ------------------------------------------------------------------------------------------ */

/* Its errors. */
static void put_diagnostics(struct buffer *out, const json_t *json)
{
    struct diagnostics diagnostics CLEANUP(diagnostics_deinit) = {0};
    struct pieces list CLEANUP(pieces_deinit) = {.text = BUFFER_INIT(TABLES_BYTES)};
    if (diagnostics_from_json(json, &diagnostics) < 0)
        return;
    for (size_t i = 0; i < diagnostics.list.len; i++) {
        if (diagnostics.list.items[i].severity != SEVERITY_ERROR)
            continue;
        char *text CLEANUP_FREE = diagnostic_to_text(&diagnostics.list.items[i]);
        struct buffer line = BUFFER_INIT(COMMENT_BYTES);
        buffer_append_str(&line, "- ");
        put_code(&line, text);
        buffer_append_str(&line, "\n");
        pieces_add(&list, &line);
        buffer_deinit(&line);
    }
    buffer_printf(out, "\n%s", buffer_str(&list.text));
    put_more(out, list.left_out, "error");
}

static void put_failure(struct buffer *out, const json_t *answer)
{
    buffer_append_str(
        out, "### davit: the diff could not be computed\n\n> **What this would deploy is not known**: ");
    put_code(out, cli_member_string(answer, "error"));
    buffer_append_str(out, "\n");
    put_diagnostics(out, json_object_get(answer, "diagnostics"));
}

/* The newest commit is refused: what follows is about the one before. */
static void put_refusal(struct buffer *out, const json_t *answer)
{
    if (!model_bool(answer, "refused"))
        return;
    put_commit(out, "\n> **Refused**: ", json_object_get(answer, "head"));
    put_commit(out, "; what follows is about ", json_object_get(answer, "commit"));
    buffer_append_str(out, ", the last good commit\n");
    put_diagnostics(out, json_object_get(answer, "diagnostics"));
}

static void put_base(struct buffer *out, const json_t *answer)
{
    const json_t *fault = json_object_get(answer, "insteadOf");
    if (!fault)
        return;
    buffer_append_str(out, "\n> ");
    put_code(out, cli_member_string(fault, "error"));
    buffer_append_str(out, json_object_get(answer, "from")
                               ? ": this is compared with the last good commit before it\n"
                               : ", nor is there a good commit before it: all is new\n");
    put_diagnostics(out, json_object_get(fault, "diagnostics"));
}

static void put_held(struct buffer *out, const json_t *answer)
{
    const char *held = model_string(answer, "held");
    if (!held)
        return;
    buffer_append_str(out, "\n> **Held** by the deletion budget: the commit ");
    put_sentence(out, held);
    buffer_printf(out, "; %s\n", cli_diff_held_remedy);
}

static void put_unchanged(struct buffer *out, const json_t *unchanged)
{
    struct pieces names CLEANUP(pieces_deinit) = {.text = BUFFER_INIT(ITEM_BYTES)};
    size_t i;
    json_t *name;
    json_array_foreach ((json_t *)(uintptr_t)unchanged, i, name) {
        struct buffer piece = BUFFER_INIT(ITEM_BYTES);
        buffer_append_str(&piece, i ? ", " : "");
        put_code(&piece, json_string_value(name));
        pieces_add(&names, &piece);
        buffer_deinit(&piece);
    }
    if (names.text.len)
        buffer_printf(out, "\nOnly comments, order or formatting changed, so nothing happens: %s",
                      buffer_str(&names.text));
    if (names.left_out)
        buffer_printf(out, " and %zu more", names.left_out);
    buffer_append_str(out, names.text.len ? "\n" : "");
}

static void put_answer(struct buffer *out, const json_t *answer)
{
    const json_t *differences = json_object_get(answer, "differences");
    char *summary CLEANUP_FREE = cli_diff_summary(answer);
    bool any = json_array_size(differences) > 0;
    buffer_append_str(out, "### davit: what this deploys\n\n");
    if (summary)
        buffer_printf(out, "**%s**\n", summary);
    else if (!any)
        buffer_append_str(out, "**No differences**: nothing is deployed, started or stopped.\n");
    if (json_object_get(answer, "from")) {
        put_commit(out, "\nFrom ", json_object_get(answer, "from"));
        put_commit(out, " to ", json_object_get(answer, "to"));
        buffer_append_str(out, "\n");
    }
    put_refusal(out, answer);
    put_base(out, answer);
    put_held(out, answer);
    buffer_append_str(out, any ? "\n" : "");
    put_tables(out, differences);
    put_unchanged(out, json_object_get(answer, "unchanged"));
    put_details(out, differences);
}

void cli_diff_print_markdown(const struct cli *cli, const json_t *answer)
{
    struct buffer out = BUFFER_INIT(2 * COMMENT_BYTES);
    if (model_string(answer, "error"))
        put_failure(&out, answer);
    else
        put_answer(&out, answer);
    fwrite(buffer_str(&out), 1, out.len, cli->out);
    buffer_deinit(&out);
}
