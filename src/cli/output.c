#include "cli/output.h"

#include "base/buffer.h"
#include "base/text.h"
#include "model/diagnostic.h"
#include "model/json.h"

#include <ctype.h>
#include <inttypes.h>
#include <time.h>

const json_t *cli_member(const json_t *object, const char *path)
{
    const char *dot = strchr(path, '.');
    if (!dot)
        return json_object_get(object, path);
    char *first CLEANUP_FREE = memory_strndup(path, (size_t)(dot - path));
    return cli_member(json_object_get(object, first), dot + 1);
}

const char *cli_member_string(const json_t *object, const char *path)
{
    const char *text = json_string_value(cli_member(object, path));
    return text ? text : "";
}

char *cli_text(const json_t *value)
{
    if (json_is_string(value))
        return memory_strdup(json_string_value(value));
    if (json_is_integer(value))
        return memory_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    if (json_is_boolean(value))
        return memory_strdup(json_is_true(value) ? "yes" : "no");
    return NULL;
}

void cli_make_printable(json_t *value)
{
    size_t i;
    const char *key;
    json_t *child;
    json_array_foreach (value, i, child)
        cli_make_printable(child);
    json_object_foreach (value, key, child)
        cli_make_printable(child);
    if (!json_is_string(value))
        return;
    char *text CLEANUP_FREE = text_printable(json_string_value(value));
    json_string_set(value, text);
}

int64_t cli_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

char *cli_duration(int64_t ms)
{
    if (ms < 1000 || ms >= 10000)
        return text_from_duration_ms(ms);
    return memory_printf("%d.%ds", (int)(ms / 1000), (int)(ms % 1000 / 100));
}

char *cli_author(const char *author)
{
    const char *address = strstr(author, " <");
    return address && address > author ? memory_strndup(author, (size_t)(address - author))
                                       : memory_strdup(author);
}

char *cli_column_commit(const json_t *row, int64_t now_ms)
{
    (void)now_ms;
    const char *oid = cli_member_string(row, "commit.oid");
    return *oid ? memory_printf("%.12s", oid) : NULL;
}

char *cli_column_author(const json_t *row, int64_t now_ms)
{
    (void)now_ms;
    const char *whole = cli_member_string(row, "commit.author");
    return *whole ? cli_author(whole) : NULL;
}

#define ID_LONG  32 /* hex digits: tasks have so many, commits and containers more */
#define ID_SHORT 12

char *cli_short_ids(const char *text)
{
    static const char prefix[] = "ecs-svc/";
    struct buffer out = BUFFER_INIT(strlen(text) + 1);
    for (const char *at = text; *at;) {
        size_t word = strspn(at, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
        bool is_hex = word >= ID_LONG && strspn(at, "0123456789abcdef") == word;
        bool is_deployment = out.len >= strlen(prefix) && word > ID_SHORT &&
                             strspn(at, "0123456789") == word &&
                             strncmp(at - strlen(prefix), prefix, strlen(prefix)) == 0;
        buffer_append(&out, at, is_hex || is_deployment ? ID_SHORT : word ? word : 1);
        at += word ? word : 1;
    }
    return buffer_steal(&out);
}

char *cli_age(const char *time, int64_t now_ms)
{
    int64_t at_ms;
    if (!time || text_to_time_ms(time, &at_ms) < 0)
        return NULL;
    static const struct {
        int64_t ms;
        char unit;
    } units[] = {{86400000, 'd'}, {3600000, 'h'}, {60000, 'm'}};
    int64_t age_ms = now_ms > at_ms ? now_ms - at_ms : 0;
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (age_ms >= 2 * units[i].ms)
            return memory_printf("%" PRId64 "%c", age_ms / units[i].ms, units[i].unit);
    return memory_printf("%" PRId64 "s", age_ms / 1000);
}

size_t cli_width(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

const char *cli_tone(const struct cli *cli, enum cli_tone tone)
{
    static const char *const sequences[] = {"\033[0m", "\033[32m", "\033[31m", "\033[33m", "\033[1m"};
    return cli->colour ? sequences[tone] : "";
}

void cli_write_diagnostics(FILE *file, const struct diagnostics *diagnostics, const char *before)
{
    for (size_t i = 0; i < diagnostics->list.len; i++) {
        char *text CLEANUP_FREE = diagnostic_to_text(&diagnostics->list.items[i]);
        fprintf(file, "%s%s\n", before, text);
    }
}

void cli_write_answer_diagnostics(FILE *file, const json_t *json, const char *before)
{
    struct diagnostics diagnostics CLEANUP(diagnostics_deinit) = {0};
    if (diagnostics_from_json(json, &diagnostics) == 0)
        cli_write_diagnostics(file, &diagnostics, before);
}

void cli_print_diagnostics(const struct cli *cli, const struct diagnostics *diagnostics)
{
    for (size_t i = 0; i < diagnostics->list.len; i++) {
        const struct diagnostic *diagnostic = &diagnostics->list.items[i];
        char *text CLEANUP_FREE = diagnostic_to_text(diagnostic);
        fprintf(cli->out, "%s%s%s\n",
                cli_tone(cli, diagnostic->severity == SEVERITY_ERROR ? CLI_BAD : CLI_BUSY), text,
                cli_tone(cli, CLI_PLAIN));
    }
}

/* --- tables --------------------------------------------------------------------------------------------- */

void cli_grid_add(struct cli_grid *grid, char *cell)
{
    vector_push(&grid->cells, text_printable(cell && cell[0] ? cell : "-"));
    free(cell);
}

void cli_grid_print(const struct cli_grid *grid, FILE *file)
{
    size_t *widths CLEANUP_FREE = memory_calloc(grid->columns, sizeof *widths);
    for (size_t i = 0; i < grid->cells.len; i++) {
        size_t width = cli_width(grid->cells.items[i]);
        if (width > widths[i % grid->columns])
            widths[i % grid->columns] = width;
    }
    for (size_t i = 0; i < grid->cells.len; i++) {
        const char *cell = grid->cells.items[i];
        bool last = i % grid->columns == grid->columns - 1;
        fputs(cell, file);
        fprintf(file, "%*s", last ? 0 : (int)(widths[i % grid->columns] - cli_width(cell) + 2), "");
        if (last)
            fputc('\n', file);
    }
}

void cli_grid_deinit(struct cli_grid *grid)
{
    string_vec_deinit(&grid->cells);
}

static void add_row(struct cli_grid *grid, const struct cli_column *columns, const json_t *row, bool wide)
{
    int64_t now_ms = cli_now_ms();
    for (const struct cli_column *column = columns; column->title; column++) {
        if (!wide && column->wide)
            continue;
        char *cell CLEANUP_FREE =
            column->text ? column->text(row, now_ms) : cli_text(cli_member(row, column->member));
        cli_grid_add(grid, wide || !cell ? TAKE(cell) : cli_short_ids(cell));
    }
}

static void print_table(const struct cli *cli, const json_t *rows, const struct cli_table *table)
{
    struct cli_grid grid CLEANUP(cli_grid_deinit) = {0};
    bool wide = text_equal(cli_value(cli, "output"), "wide");
    for (const struct cli_column *column = table->columns; column->title; column++) {
        if (!wide && column->wide)
            continue;
        cli_grid_add(&grid, memory_strdup(column->title));
        grid.columns++;
    }
    size_t i;
    json_t *row;
    json_array_foreach ((json_t *)(uintptr_t)rows, i, row) {
        add_row(&grid, table->columns, row, wide);
    }
    cli_grid_print(&grid, cli->out);
}

bool cli_print_data(const struct cli *cli, const json_t *value)
{
    const char *format = cli_value(cli, "output");
    if (text_equal(format, "yaml")) {
        cli_write_yaml(cli->out, value);
        return true;
    }
    if (!text_equal(format, "json"))
        return false;
    char *text CLEANUP_FREE = json_dumps(value, JSON_INDENT(2));
    fprintf(cli->out, "%s\n", text ? text : "null");
    return true;
}

int cli_print(const struct cli *cli, const json_t *answer, const struct cli_table *table)
{
    if (cli_print_data(cli, answer))
        return CLI_OK;
    const json_t *rows = json_object_get(answer, table->list);
    if (json_array_size(rows))
        print_table(cli, rows, table);
    else
        fprintf(cli->err, "%s\n", table->empty);
    return CLI_OK;
}

/* YAML allows 1024 characters before the colon; here bytes, and no escape takes more than 6 of one. */
#define LONGEST_SIMPLE_KEY 128

/* --- YAML ----------------------------------------------------------------------------------------------- */

/* Whether YAML reads the bare word as this very string. Careful: quotes too often rather than too seldom. */
static bool is_plain(const char *text)
{
    static const char *const words[] = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"};
    if (!isalpha((unsigned char)text[0]) && text[0] != '/')
        return false;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcasecmp(text, words[i]) == 0)
            return false;
    for (const char *c = text; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("-_./@+", *c) && !(*c == ':' && c[1] && c[1] != ' ') &&
            !(*c == ' ' && c[1] && c[1] != '#'))
            return false;
    return true;
}

/* One character of UTF-8 text; moves *text behind it. */
static uint32_t next_character(const char **text)
{
    unsigned char lead = (unsigned char)*(*text)++;
    int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
    uint32_t c = more ? lead & (0x3FU >> more) : lead;
    while (more-- && **text)
        c = c << 6 | ((unsigned char)*(*text)++ & 0x3F);
    return c;
}

/* What YAML does not print, and what it takes for the end of a line. */
static bool is_unprintable(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 || c == 0xFEFF || c == 0xFFFE ||
           c == 0xFFFF;
}

static void write_quoted(FILE *file, const char *text)
{
    fputc('"', file);
    while (*text) {
        const char *from = text;
        uint32_t c = next_character(&text);
        if (c == '\n' || c == '\t')
            fputs(c == '\n' ? "\\n" : "\\t", file);
        else if (is_unprintable(c))
            fprintf(file, "\\u%04" PRIX32, c);
        else
            fprintf(file, "%s%.*s", c == '"' || c == '\\' ? "\\" : "", (int)(text - from), from);
    }
    fputc('"', file);
}

static void write_string(FILE *file, const char *text)
{
    if (text[0] && is_plain(text))
        fputs(text, file);
    else
        write_quoted(file, text);
}

/* Lines that a reader of YAML gets back as they are. */
static bool is_block(const char *text)
{
    size_t len = strlen(text);
    if (!strchr(text, '\n') || text[0] == ' ' || text[0] == '\n' || strstr(text, " \n") ||
        text[len - 1] == ' ' || (len > 1 && text[len - 1] == '\n' && text[len - 2] == '\n'))
        return false;
    while (*text) {
        uint32_t c = next_character(&text);
        if (is_unprintable(c) && c != '\n')
            return false;
    }
    return true;
}

static void write_block(FILE *file, const char *text, int depth)
{
    fputs(text_ends_with(text, "\n") ? "|" : "|-", file);
    while (*text) {
        size_t len = strcspn(text, "\n");
        fprintf(file, "\n%*s%.*s", len ? 2 * depth : 0, "", (int)len, text);
        text += len + (text[len] == '\n');
    }
}

static void write_node(FILE *file, const json_t *value, int depth, bool in_line);

static void write_scalar(FILE *file, const json_t *value, int depth)
{
    const char *string = json_string_value(value);
    if (string && depth && is_block(string)) {
        write_block(file, string, depth);
    } else if (string) {
        write_string(file, string);
    } else {
        char *text CLEANUP_FREE = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        fputs(text ? text : "null", file);
    }
    fputc('\n', file);
}

static bool is_nested(const json_t *value)
{
    return (json_is_object(value) && json_object_size(value)) ||
           (json_is_array(value) && json_array_size(value));
}

static void write_object(FILE *file, const json_t *object, int depth, bool in_line)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)object, key, value) {
        fprintf(file, "%*s", in_line ? 0 : 2 * depth, "");
        in_line = false;
        if (strlen(key) > LONGEST_SIMPLE_KEY) {
            fputs("? ", file);
            write_quoted(file, key);
            fprintf(file, "\n%*s", 2 * depth, "");
        } else {
            write_string(file, key);
        }
        fputs(is_nested(value) ? ":\n" : ": ", file);
        /* a list stands as deep as its key */
        write_node(file, value, json_is_array(value) ? depth : depth + 1, false);
    }
}

static void write_array(FILE *file, const json_t *array, int depth)
{
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)(uintptr_t)array, i, item) {
        fprintf(file, "%*s-%s", 2 * depth, "", json_is_array(item) && is_nested(item) ? "\n" : " ");
        write_node(file, item, depth + 1, true);
    }
}

/* in_line: the first member goes on in the line that has begun. */
static void write_node(FILE *file, const json_t *value, int depth, bool in_line)
{
    if (json_is_object(value) && is_nested(value))
        write_object(file, value, depth, in_line);
    else if (json_is_array(value) && is_nested(value))
        write_array(file, value, depth);
    else
        write_scalar(file, value, depth);
}

void cli_write_yaml(FILE *file, const json_t *value)
{
    write_node(file, value, 0, false);
}
