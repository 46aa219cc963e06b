#include "cli/annotate.h"

#include "base/digest.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "manifest/environment_path.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* Caller frees; "" for what concerns the commit as a whole. */
static char *path_of(const struct diagnostic *diagnostic, const char *directory)
{
    const char *file = diagnostic->file ? diagnostic->file : "";
    char *path = *file && file[0] != '/' ? environment_path_join(directory, file) : NULL;
    char *printable = text_printable(path ? path : file);
    free(path);
    return printable;
}

/* --- GitHub --------------------------------------------------------------------------------------------- */

/* `more` are escaped besides what ends a command: a property ends at a comma, and its name at a colon.
 * Rule: actions/toolkit, packages/core/src/command.ts, escapeData() and escapeProperty(). */
static void write_escaped(FILE *out, const char *text, const char *more)
{
    for (const char *c = text; *c; c++) {
        if (strchr("%\r\n", *c) || strchr(more, *c))
            fprintf(out, "%%%02X", (unsigned char)*c);
        else
            fputc(*c, out);
    }
}

static void write_github(FILE *out, const struct diagnostics *diagnostics, const char *directory)
{
    for (size_t i = 0; i < diagnostics->list.len; i++) {
        const struct diagnostic *diagnostic = &diagnostics->list.items[i];
        char *path CLEANUP_FREE = path_of(diagnostic, directory);
        char *sentence CLEANUP_FREE = diagnostic_sentence(diagnostic);
        fputs(diagnostic->severity == SEVERITY_ERROR ? "::error title=" : "::warning title=", out);
        write_escaped(out, diagnostic->code, ":,");
        if (*path) {
            fputs(",file=", out);
            write_escaped(out, path, ":,");
        }
        if (*path && diagnostic->at.line)
            fprintf(out, ",line=%d,col=%d", diagnostic->at.line, diagnostic->at.column);
        fputs("::", out);
        write_escaped(out, sentence, "");
        fputc('\n', out);
    }
}

/* --- what the two reports share ------------------------------------------------------------------------- */

/* The same for the same fault while lines above it come and go; `seen` tells equal ones apart, by their
 * order. */
static void fingerprint(const char *code, const char *path, const char *sentence, struct map *seen,
                        char ret_hex[static DIGEST_HEX_SIZE])
{
    json_t *parts CLEANUP(json_decrefp) = json_pack("[s,s,s]", path, code, sentence);
    struct digest digest = digest_of_json(parts);
    digest_to_hex(&digest, ret_hex);
    uintptr_t before = (uintptr_t)map_get(seen, ret_hex);
    map_put(seen, ret_hex, (void *)(before + 1)); // NOLINT(performance-no-int-to-ptr)
    if (!before)
        return;
    json_array_append_new(parts, json_integer((json_int_t)before));
    digest = digest_of_json(parts);
    digest_to_hex(&digest, ret_hex);
}

static void write_json(FILE *out, const json_t *json)
{
    char *text CLEANUP_FREE = json_dumps(json, JSON_INDENT(2));
    fprintf(out, "%s\n", text ? text : "null");
}

/* --- GitLab --------------------------------------------------------------------------------------------- */

/* https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format: path and line are not
 * optional. */
static void write_gitlab(FILE *out, const struct diagnostics *diagnostics, const char *directory)
{
    json_t *report CLEANUP(json_decrefp) = json_array();
    struct map seen CLEANUP(map_deinit) = MAP_INIT(NULL);
    for (size_t i = 0; i < diagnostics->list.len; i++) {
        const struct diagnostic *diagnostic = &diagnostics->list.items[i];
        char *path CLEANUP_FREE = path_of(diagnostic, directory);
        char *sentence CLEANUP_FREE = diagnostic_sentence(diagnostic);
        char hex[DIGEST_HEX_SIZE];
        fingerprint(diagnostic->code, path, sentence, &seen, hex);
        json_array_append_new(report,
                              json_pack("{s:s,s:s,s:s,s:s,s:{s:s,s:{s:i}}}", "description", sentence,
                                        "check_name", diagnostic->code, "fingerprint", hex, "severity",
                                        diagnostic->severity == SEVERITY_ERROR ? "blocker" : "minor",
                                        "location", "path", *path ? path : ".", "lines", "begin",
                                        diagnostic->at.line ? diagnostic->at.line : 1));
    }
    write_json(out, report);
}

/* --- SARIF ---------------------------------------------------------------------------------------------- */

/* A relative reference (RFC 3986); "./" before a colon in the first segment, which else would be a scheme. */
static char *uri_of(const char *path)
{
    size_t len = strlen(path);
    char *uri = memory_alloc(len * 3 + 3);
    char *at = uri;
    const char *colon = strchr(path, ':');
    if (colon && !memchr(path, '/', (size_t)(colon - path)))
        at += sprintf(at, "./");
    for (const char *c = path; *c; c++) {
        if (isalnum((unsigned char)*c) || strchr("-._~/:@!$&'()*+,;=", *c))
            *at++ = *c;
        else
            at += sprintf(at, "%%%02X", (unsigned char)*c);
    }
    *at = '\0';
    return uri;
}

static json_t *sarif_location(const struct diagnostic *diagnostic, const char *path)
{
    char *uri CLEANUP_FREE = uri_of(path);
    json_t *physical = json_pack("{s:{s:s,s:s}}", "artifactLocation", "uri", uri, "uriBaseId", "%SRCROOT%");
    if (diagnostic->at.line)
        json_object_set_new(physical, "region",
                            json_pack("{s:i,s:i}", "startLine", diagnostic->at.line, "startColumn",
                                      diagnostic->at.column ? diagnostic->at.column : 1));
    return json_pack("[{s:o}]", "physicalLocation", physical);
}

static json_t *sarif_result(const struct diagnostic *diagnostic, const char *path, struct map *seen)
{
    char *sentence CLEANUP_FREE = diagnostic_sentence(diagnostic);
    char hex[DIGEST_HEX_SIZE];
    fingerprint(diagnostic->code, path, sentence, seen, hex);
    json_t *result = json_pack("{s:s,s:s,s:{s:s},s:{s:s}}", "ruleId", diagnostic->code, "level",
                               diagnostic->severity == SEVERITY_ERROR ? "error" : "warning", "message",
                               "text", sentence, "partialFingerprints", "davitDiagnostic/v1", hex);
    if (*path)
        json_object_set_new(result, "locations", sarif_location(diagnostic, path));
    return result;
}

static void write_sarif(FILE *out, const struct diagnostics *diagnostics, const char *directory)
{
    json_t *results = json_array();
    json_t *rules = json_array();
    struct map seen CLEANUP(map_deinit) = MAP_INIT(NULL);
    struct map codes CLEANUP(map_deinit) = MAP_INIT(NULL);
    for (size_t i = 0; i < diagnostics->list.len; i++) {
        const struct diagnostic *diagnostic = &diagnostics->list.items[i];
        char *path CLEANUP_FREE = path_of(diagnostic, directory);
        json_array_append_new(results, sarif_result(diagnostic, path, &seen));
        if (map_get(&codes, diagnostic->code))
            continue;
        map_put(&codes, diagnostic->code, &codes);
        json_array_append_new(rules, json_pack("{s:s}", "id", diagnostic->code));
    }
    json_t *driver = json_pack("{s:s,s:s,s:o}", "name", "davit", "version", DAVIT_VERSION, "rules", rules);
    json_t *run = json_pack("{s:{s:o},s:s,s:o}", "tool", "driver", driver, "columnKind", "unicodeCodePoints",
                            "results", results);
    json_t *log CLEANUP(json_decrefp) =
        json_pack("{s:s,s:s,s:[o]}", "$schema", "https://json.schemastore.org/sarif-2.1.0.json", "version",
                  "2.1.0", "runs", run);
    write_json(out, log);
}

static const struct format {
    const char *name;
    void (*write)(FILE *out, const struct diagnostics *diagnostics, const char *directory);
} formats[] = {{"github", write_github}, {"gitlab", write_gitlab}, {"sarif", write_sarif}};

static const struct format *format_of(const struct cli *cli)
{
    for (size_t i = 0; i < ARRAY_LEN(formats); i++)
        if (text_equal(cli_value(cli, "output"), formats[i].name))
            return &formats[i];
    return NULL;
}

bool cli_annotates(const struct cli *cli)
{
    return format_of(cli) != NULL;
}

bool cli_print_annotations(const struct cli *cli, const struct diagnostics *diagnostics,
                           const char *directory)
{
    const struct format *format = format_of(cli);
    if (format)
        format->write(cli->out, diagnostics, directory);
    return format != NULL;
}
