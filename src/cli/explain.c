/* What davit does with a member of a manifest, from the tables that it validates by. */
#include "base/buffer.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/vector.h"
#include "cli/cli.h"
#include "cli/explain_document.h"
#include "cli/explain_member.h"
#include "cli/explain_reference.h"
#include "cli/output.h"

#include <string.h>
#include <strings.h>

#define WIDTH 92

/* Paragraph of words, each line with the indent. */
static void print_words(FILE *file, const char *text, int indent)
{
    int column = 0;
    while (*text) {
        int len = (int)strcspn(text, " ");
        if (column && column + 1 + len > WIDTH) {
            fputc('\n', file);
            column = 0;
        }
        column += fprintf(file, "%*s%.*s", column ? 1 : indent, "", len, text);
        text += len;
        text += strspn(text, " ");
    }
    fputc('\n', file);
}

static char *compact(const json_t *value)
{
    return json_is_string(value) ? memory_strdup(json_string_value(value))
                                 : json_dumps(value, JSON_ENCODE_ANY);
}

static char *list_of(const json_t *values)
{
    char *list = memory_strdup("");
    size_t i;
    json_t *value;
    json_array_foreach ((json_t *)values, i, value) {
        char *text CLEANUP_FREE = compact(value);
        char *longer = memory_printf("%s%s%s", list, i ? ", " : "", text);
        free(list);
        list = longer;
    }
    return list;
}

/* "honoured", "no effect: the container ..." */
static char *effect_of(const json_t *json)
{
    const char *reason = cli_member_string(json, "reason");
    const char *refused = cli_member_string(json, "refused");
    const char *effect = cli_member_string(json, "effect");
    if (*refused)
        return memory_printf("%s, %s is refused: %s", effect, refused, reason);
    return *reason ? memory_printf("%s: %s", effect, reason) : memory_strdup(effect);
}

static void print_one(FILE *file, const json_t *json, const char *title, const char *member)
{
    char *text CLEANUP_FREE = compact(json_object_get(json, member));
    if (json_object_get(json, member))
        fprintf(file, "%-9s %s\n", title, text);
}

static void print_facts(FILE *file, const json_t *json)
{
    char *effect CLEANUP_FREE = effect_of(json);
    fprintf(file, "%-9s %s\n%-9s ", "PATH", cli_member_string(json, "path"), "TYPE");
    fprintf(file, "%s%s\n", cli_member_string(json, "type"),
            json_object_get(json, "required") ? ", required" : "");
    fprintf(file, "%-9s %s\n", "EFFECT", effect);
    print_one(file, json, "DOCKER", "docker");
    print_one(file, json, "DEFAULT", "default");
    if (json_object_get(json, "values")) {
        char *values CLEANUP_FREE = list_of(json_object_get(json, "values"));
        fprintf(file, "%-9s %s\n", "VALUES", values);
    } else {
        print_one(file, json, "EXPECTED", "expected");
    }
    size_t i;
    json_t *example;
    json_array_foreach (json_object_get(json, "examples"), i, example) {
        char *text CLEANUP_FREE = json_dumps(example, JSON_ENCODE_ANY);
        fprintf(file, "%-9s %s\n", "EXAMPLE", text);
    }
    fputc('\n', file);
    print_words(file, cli_member_string(json, "description"), 0);
}

static void print_member(const struct cli *cli, const json_t *member)
{
    char *effect CLEANUP_FREE = effect_of(member);
    const char *docker = cli_member_string(member, "docker");
    fprintf(cli->out, "\n  %s%s%s  %s%s%s%s\n", cli_tone(cli, CLI_STRONG), cli_member_string(member, "name"),
            cli_tone(cli, CLI_PLAIN), cli_member_string(member, "type"),
            json_object_get(member, "required") ? ", required" : "", *docker ? "  " : "", docker);
    print_words(cli->out, effect, 4);
    print_words(cli->out, cli_member_string(member, "description"), 4);
    char *fallback CLEANUP_FREE = compact(json_object_get(member, "default"));
    char *values CLEANUP_FREE = list_of(json_object_get(member, "values"));
    char *choice CLEANUP_FREE = memory_printf("one of %s", values);
    if (*values)
        print_words(cli->out, choice, 4);
    if (json_object_get(member, "default"))
        fprintf(cli->out, "    default %s\n", fallback);
}

static int print_place(const struct cli *cli, const struct explanation *explanation,
                       const struct explain_place *place, const char *path)
{
    json_t *json = explain_to_json(explanation, place, path);
    if (!cli_print_data(cli, json)) {
        print_facts(cli->out, json);
        size_t i;
        json_t *member;
        if (json_object_get(json, "members"))
            fputs("\nMEMBERS\n", cli->out);
        json_array_foreach (json_object_get(json, "members"), i, member)
            print_member(cli, member);
    }
    json_decref(json);
    return CLI_OK;
}

/* --- the command ---------------------------------------------------------------------------------------- */

static int print_kinds(const struct cli *cli, const struct explanation *explanation)
{
    json_t *list = json_array();
    for (int i = 0; i < KIND_COUNT; i++) {
        struct explain_place place;
        char *path CLEANUP_FREE = explain_kind_text((enum kind)i);
        explain_root(explanation, (enum kind)i, &place);
        json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:O}", "kind", kind_names[i], "path", path,
                                              "effect", explain_effect(place.effect), "description",
                                              json_object_get(place.schema, "description")));
    }
    explain_documents(list);
    if (!cli_print_data(cli, list)) {
        struct cli_grid grid = {.columns = 3};
        size_t i;
        json_t *item;
        json_array_foreach (list, i, item) {
            cli_grid_add(&grid, memory_strdup(cli_member_string(item, "path")));
            cli_grid_add(&grid, memory_strdup(cli_member_string(item, "effect")));
            cli_grid_add(&grid, memory_strdup(cli_member_string(item, "description")));
        }
        cli_grid_print(&grid, cli->out);
        cli_grid_deinit(&grid);
    }
    json_decref(list);
    return CLI_OK;
}

#define OFFERS      5
#define OFFER_DEPTH 8 /* members that are looked below */

/* Members that a path such as "changeWindows" may mean. */
struct offers {
    const struct explanation *explanation;
    const char *end; /* ".changeWindows", in any case */
    struct string_vec paths;
};

static void offer_below(struct offers *offers, const struct explain_place *place, const char *path, int depth)
{
    const struct kind_member *member = place->inside;
    for (; member && member->name && depth < OFFER_DEPTH && offers->paths.len < OFFERS; member++) {
        struct explain_place below;
        char *own CLEANUP_FREE = memory_printf("%s.%s", path, member->name);
        if (!explain_step(offers->explanation, place, member->name, &below))
            continue;
        size_t len = strlen(own);
        size_t end_len = strlen(offers->end);
        if (len > end_len && strcasecmp(own + len - end_len, offers->end) == 0)
            vector_push(&offers->paths, memory_strdup(own));
        offer_below(offers, &below, own, depth + 1);
    }
}

/* Says which paths end in what was given; false: none does. */
static bool offer(const struct cli *cli, const struct explanation *explanation, const char *text)
{
    char *end CLEANUP_FREE = memory_printf(".%s", text);
    struct offers offers = {.explanation = explanation, .end = end};
    struct buffer list CLEANUP(buffer_deinit) = BUFFER_INIT(LIMIT_ERROR_CHARS);
    for (int i = 0; i < KIND_COUNT; i++) {
        struct explain_place place;
        char *path CLEANUP_FREE = explain_kind_text((enum kind)i);
        explain_root(explanation, (enum kind)i, &place);
        offer_below(&offers, &place, path, 0);
    }
    for (size_t i = 0; i < offers.paths.len; i++)
        buffer_printf(&list, "%s%s",
                      i == 0                      ? ""
                      : i + 1 == offers.paths.len ? " or "
                                                  : ", ",
                      offers.paths.items[i]);
    if (offers.paths.len)
        cli_usage(cli, "there is no kind \"%s\"; did you mean %s?", text, buffer_str(&list));
    bool any = offers.paths.len > 0;
    string_vec_deinit(&offers.paths);
    return any;
}

static int unknown_kind(const struct cli *cli, const char *name)
{
    struct string_vec names = {0};
    for (int i = 0; i < KIND_COUNT; i++)
        vector_push(&names, explain_kind_text((enum kind)i));
    const char *near = text_nearest(name, (const char *const *)names.items, names.len);
    int r = near ? cli_usage(cli, "there is no kind \"%s\"; did you mean \"%s\"?", name, near)
                 : cli_usage(cli, "there is no kind \"%s\"; \"davit explain\" lists them", name);
    string_vec_deinit(&names);
    return r;
}

static int unknown_member(const struct cli *cli, const struct explain_place *place, const char *path,
                          const char *name)
{
    struct string_vec names = {0};
    for (const struct kind_member *member = place->inside; member && member->name; member++)
        vector_push(&names, memory_strdup(member->name));
    const char *near = text_nearest(name, (const char *const *)names.items, names.len);
    int r = near ? cli_usage(cli, "%s has no member \"%s\"; did you mean \"%s\"?", path, name, near)
                 : cli_usage(cli, "%s has no member \"%s\"", path, name);
    string_vec_deinit(&names);
    return r;
}

static int print_path(const struct cli *cli, const struct explanation *explanation, const char *text)
{
    size_t len = strcspn(text, ".");
    char *kind_name CLEANUP_FREE = memory_strndup(text, len);
    int kind = explain_kind(kind_name);
    int r;
    if (strcasecmp(text, "davit") == 0)
        return explain_additions(cli, explanation);
    if (text_equal(text, "davit.yaml"))
        return cli_usage(cli,
                         "davit.yaml among manifests is \"environment\", the daemon's is \"configuration\"");
    if (explain_document(cli, text, &r))
        return r;
    if (kind < 0)
        return offer(cli, explanation, text) ? CLI_ERROR : unknown_kind(cli, kind_name);
    struct explain_place place;
    struct buffer path CLEANUP(buffer_deinit) = BUFFER_INIT(LIMIT_ERROR_CHARS);
    char *root CLEANUP_FREE = explain_kind_text((enum kind)kind);
    buffer_append_str(&path, root);
    explain_root(explanation, (enum kind)kind, &place);
    while (text[len]) {
        text += len + 1;
        len = strcspn(text, ".");
        char *name CLEANUP_FREE = memory_strndup(text, len);
        struct explain_place below;
        if (!explain_step(explanation, &place, name, &below))
            return unknown_member(cli, &place, buffer_str(&path), name);
        place = below;
        buffer_printf(&path, ".%s", place.member->name);
    }
    return print_place(cli, explanation, &place, buffer_str(&path));
}

static int run(const struct cli *cli)
{
    struct explanation explanation;
    explanation_init(&explanation);
    int r = CLI_OK;
    if (text_equal(cli_value(cli, "output"), "markdown"))
        explain_write_reference(cli->out, &explanation);
    else
        r = cli->argc ? print_path(cli, &explanation, cli->argv[0]) : print_kinds(cli, &explanation);
    explanation_deinit(&explanation);
    return r;
}

static const struct cli_flag flags[] = {
    {"output", 'o', "FORMAT", "text", "how to print; markdown is the whole reference",
     "text json yaml markdown"},
    CLI_FLAG_END,
};

static const char *const examples[] = {
    "what davit knows",
    "davit explain",
    "what becomes of a member, and of those inside it",
    "davit explain task-definition.containerDefinitions.healthCheck",
    "what davit adds to ECS",
    "davit explain davit",
    "what a davit.yaml may say that is among manifests, and the daemon's",
    "davit explain environment; davit explain configuration",
    NULL,
};

const struct command cli_explain = {
    .name = "explain",
    .summary = "say what a member of a manifest is, and what davit does with it",
    .args = "[KIND[.MEMBER...]]",
    .description =
        "Each member is honoured, honoured partly, accepted with no effect, or refused, with the reason and "
        "the\n"
        "field of the Docker Engine API that it becomes. Without a kind it lists the kinds; \"davit\" lists "
        "what stands below davit: in each of them.\n\n"
        "Kinds may be written in any case, with or without hyphens, and cut short where that is clear.",
    .flags = flags,
    .examples = examples,
    .words =
        "capacity-provider cluster configuration davit environment listener run-task scheduled-task service "
        "target-group task-definition",
    .args_max = 1,
    .run = run,
};
