#include "cli/offline.h"

#include "base/memory.h"
#include "base/text.h"
#include "cli/output.h"
#include "manifest/manifest.h"
#include "model/json.h"
#include "source/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct reading {
    struct manifest *manifest;
    struct map families;
    struct string_vec changed;
    const struct string_vec *roots; /* that the files are read with; NULL: one file, without others */
    struct manifest_needs *needs;
};

static void reading_deinit(struct reading *reading)
{
    manifest_free(reading->manifest);
    map_deinit(&reading->families);
    string_vec_deinit(&reading->changed);
}

/* What queries with `ends` have read. */
static struct left_vec VECTOR_OF(void *) left;

static void leave_desired(const struct offline_query *query, struct desired *desired)
{
    if (query->ends && desired)
        vector_push(&left, desired_ref(desired));
}

static void leave_reading(const struct offline_query *query, struct reading *reading)
{
    if (!query->ends)
        return;
    struct map *families = NEW(struct map);
    *families = reading->families;
    reading->families = (struct map){0};
    vector_push(&left, families);
    vector_push(&left, TAKE(reading->manifest));
}

/* Of as many as the update has. Caller frees. */
static struct manifest_file *files_of(const struct source_update *update)
{
    static const enum manifest_file_kind kinds[] = {
        [SOURCE_FILE] = MANIFEST_FILE,       [SOURCE_DELETED] = MANIFEST_DELETED,
        [SOURCE_SYMLINK] = MANIFEST_SYMLINK, [SOURCE_SUBMODULE] = MANIFEST_SUBMODULE,
        [SOURCE_LFS] = MANIFEST_LFS,         [SOURCE_TOO_LARGE] = MANIFEST_TOO_LARGE};
    struct manifest_file *files = memory_calloc(update->files.len + 1, sizeof *files);
    for (size_t i = 0; i < update->files.len; i++) {
        const struct source_file *file = &update->files.items[i];
        files[i] = (struct manifest_file){
            .path = file->path,
            .kind = file->too_large ? MANIFEST_TOO_LARGE : kinds[file->kind],
            .content = file->content,
            .len = file->len,
            .other = file->other,
            .oid = file->oid,
            .size_bytes = file->size_bytes,
            .executable = file->executable,
        };
    }
    return files;
}

/* The contents are the manifest's from now on. */
static void take_files(struct reading *reading, struct source_update *update, bool last)
{
    struct manifest_file *files CLEANUP_FREE = files_of(update);
    manifest_set_roots(reading->manifest, reading->roots, update->levels);
    manifest_take(reading->manifest, update->full, files, update->files.len);
    for (size_t i = 0; i < update->files.len; i++)
        update->files.items[i].content = NULL;
    manifest_note_needs(reading->manifest, last, reading->needs);
}

static int on_history(void *data, const struct source_update *update)
{
    struct reading *reading = data;
    struct manifest_file *files CLEANUP_FREE = files_of(update);
    manifest_set_roots(reading->manifest, reading->roots, update->levels);
    manifest_update(reading->manifest, update->full, files, update->files.len);
    manifest_note_needs(reading->manifest, false, reading->needs);
    if (!reading->needs->missing)
        manifest_number(reading->manifest, &update->commit,
                        &(struct manifest_numbering){&reading->families, &reading->changed});
    return 0;
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Where it lies does not matter to a single file, but people want to be told. */
static void tell_file(const struct offline_query *query, struct diagnostics *diagnostics)
{
    char *path CLEANUP_FREE = query->from_root ? source_path_in_repository(query->repository) : NULL;
    const char *told = path ? path : query->repository;
    for (size_t i = 0; i < diagnostics->list.len; i++) {
        struct diagnostic *diagnostic = &diagnostics->list.items[i];
        if (!text_equal(diagnostic->file, name_of(query->repository)))
            continue;
        free(diagnostic->file);
        diagnostic->file = memory_strdup(told);
    }
}

/* One repository does not know the clusters of the others. */
static void tell_clusters(const struct offline_query *query, struct diagnostics *diagnostics)
{
    for (size_t i = 0; query->other_clusters && i < diagnostics->list.len; i++) {
        struct diagnostic *diagnostic = &diagnostics->list.items[i];
        if (!diagnostic->hint && text_equal(diagnostic->code, "reference") &&
            text_starts_with(diagnostic->message, "no cluster \""))
            diagnostic->hint = memory_strdup("one of another repository is named by --other-cluster NAME");
    }
}

static int by_name(const void *a, const void *b)
{
    const struct cluster *const *one = a;
    const struct cluster *const *other = b;
    return strcmp((*one)->name, (*other)->name);
}

static struct manifest *manifest_of(const struct offline_query *query)
{
    struct manifest *manifest = manifest_new();
    struct cluster_vec clusters = {0};
    for (size_t i = 0; query->other_clusters && i < query->other_clusters->len; i++) {
        struct cluster *cluster = NEW(struct cluster);
        *cluster = (struct cluster){.refs = 1, .name = memory_strdup(query->other_clusters->items[i])};
        vector_push(&clusters, cluster);
    }
    if (clusters.len) {
        vector_sort(&clusters, by_name);
        manifest_set_clusters(manifest, &clusters);
    }
    if (query->any_cluster)
        manifest_accept_clusters(manifest);
    for (size_t i = 0; i < clusters.len; i++)
        cluster_unref(clusters.items[i]);
    vector_deinit(&clusters);
    return manifest;
}

struct string_vec offline_other_clusters(const struct cli *cli)
{
    struct string_vec names = {0};
    for (size_t n = 0; cli_nth_value(cli, "other-cluster", n); n++)
        vector_push(&names, (char *)(uintptr_t)cli_nth_value(cli, "other-cluster", n));
    return names;
}

/* One file counts as a directory that holds nothing else. */
static int read_one_file(const char *path, struct source_update *ret_update, struct error *err)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return error_set(err, ERROR_NOT_FOUND, "%s: %s", path, strerror(errno));
    FILE *stream = fopen(path, "re");
    if (!stream)
        return error_set(err, ERROR_IO, "%s: %s", path, strerror(errno));
    struct source_file file = {
        .path = memory_strdup(name_of(path)), .kind = SOURCE_FILE, .size_bytes = st.st_size};
    file.too_large = st.st_size > LIMIT_MANIFEST_BYTES;
    if (!file.too_large) {
        file.content = memory_calloc((size_t)st.st_size + 1, 1);
        file.len = fread(file.content, 1, (size_t)st.st_size, stream);
    }
    bool failed = ferror(stream) != 0;
    fclose(stream);
    *ret_update = (struct source_update){.head = true, .full = true};
    ret_update->commit.subject = memory_strdup("working directory");
    vector_push(&ret_update->files, file);
    if (!failed)
        return 0;
    source_update_deinit(ret_update);
    return error_set(err, ERROR_IO, "%s cannot be read", path);
}

static bool is_one_file(const struct offline_query *query)
{
    struct stat st;
    return !query->revision && stat(query->repository, &st) == 0 && S_ISREG(st.st_mode);
}

static int read_head(const struct offline_query *query, const struct reading *reading,
                     struct source_update *ret_update, struct error *err)
{
    const struct source_tree_query tree = {query->repository, query->revision, query->sub_path,
                                           reading->roots};
    return reading->roots ? source_read_tree(&tree, ret_update, err)
                          : read_one_file(query->repository, ret_update, err);
}

/* Old revisions, for "family:revision" and for numbers. A directory outside git has no history. */
static int read_history(const struct offline_query *query, struct reading *reading, struct error *err)
{
    struct source_history_query history = {.repository_path = query->repository,
                                           .revision = query->revision,
                                           .sub_path = query->sub_path,
                                           .roots = reading->roots,
                                           .on_update = on_history,
                                           .data = reading};
    int r = source_history(&history, err);
    return r < 0 && query->revision ? r : 0;
}

/* What an attempt came to. */
struct outcome {
    struct desired *desired;
    struct diagnostics *diagnostics;
    struct string_vec roots; /* in: to read with; out: `again`, and nothing was built: to read with then */
    struct manifest_needs needs;
    bool again;
};

static void outcome_deinit(struct outcome *outcome)
{
    string_vec_deinit(&outcome->roots);
    manifest_needs_deinit(&outcome->needs);
}

/* A directory in no repository is all there is: whoever names what lies beside it has to say so. */
static void tell_directory(const struct offline_query *query, struct manifest *manifest)
{
    size_t len = strlen(query->repository);
    while (len > 1 && query->repository[len - 1] == '/')
        len--;
    char *given CLEANUP_FREE = memory_strndup(query->repository, len);
    const char *name = name_of(given);
    bool dots = text_equal(name, ".") || text_equal(name, "..");
    char *real CLEANUP_FREE = dots ? realpath(given, NULL) : NULL;
    char *above CLEANUP_FREE = NULL;
    if (dots)
        above = text_equal(given, ".") ? memory_strdup("..") : memory_printf("%s/..", given);
    else if (name > given)
        above = memory_strndup(given, name > given + 1 ? (size_t)(name - given) - 1 : 1);
    name = real ? name_of(real) : name;
    const char *sub_path = query->sub_path ? query->sub_path : "";
    char *remedy CLEANUP_FREE =
        memory_printf("run `davit %s %s --path %s%s%s`, or git init in a directory that holds both",
                      query->command, above ? above : ".", name, *sub_path ? "/" : "", sub_path);
    manifest_set_directory(manifest, name, remedy);
}

/* Of the files at these paths, or of all (NULL). */
static void note_blobs(const struct source_update *update, const struct map *paths, struct map *blobs)
{
    for (size_t i = 0; i < update->files.len; i++) {
        const struct source_file *file = &update->files.items[i];
        if (!paths || map_get(paths, file->path))
            map_put(blobs, file->path, memory_strdup(file->oid));
    }
}

static int attempt(const struct offline_query *query, struct outcome *outcome, struct error *err)
{
    struct reading reading CLEANUP(reading_deinit) = {.manifest = manifest_of(query),
                                                      .families = MAP_INIT(family_ledger_free),
                                                      .roots = is_one_file(query) ? NULL : &outcome->roots,
                                                      .needs = &outcome->needs};
    struct source_update head CLEANUP(source_update_deinit) = {0};
    int r = read_head(query, &reading, &head, err);
    if (r == 0)
        r = read_history(query, &reading, err);
    if (r < 0)
        return r;
    if (!head.commit.time_ms) /* no commit: what is due, or open, is asked of today */
        head.commit.time_ms = cli_now_ms();
    if (head.no_repository)
        tell_directory(query, reading.manifest);
    if (query->ret_directory) {
        free(*query->ret_directory);
        *query->ret_directory = TAKE(head.directory);
    }
    if (query->blobs)
        note_blobs(&head, NULL, query->blobs);
    take_files(&reading, &head, true);
    outcome->again = manifest_ask(reading.manifest, &outcome->needs, &outcome->roots);
    if (outcome->again)
        return 0;
    struct manifest_numbering numbering = {&reading.families, &reading.changed};
    r = manifest_build(reading.manifest, &head.commit, &numbering, &outcome->desired, outcome->diagnostics);
    if (is_one_file(query))
        tell_file(query, outcome->diagnostics);
    tell_clusters(query, outcome->diagnostics);
    if (query->on_families)
        query->on_families(query->data, &reading.families);
    if (r == 0 && query->on_manifest)
        query->on_manifest(query->data, reading.manifest);
    leave_reading(query, &reading);
    leave_desired(query, outcome->desired);
    return r;
}

/* git has hashed the objects when it fetched or made them: it is a third of a walk of the history. */
static int begin_reading(struct error *err)
{
    int r = source_library_init(err);
    if (r == 0)
        source_library_hash_objects(false);
    return r;
}

static void end_reading(void)
{
    source_library_hash_objects(true);
    source_library_deinit();
}

int offline_read(const struct offline_query *query, struct desired **ret_desired,
                 struct diagnostics *diagnostics, struct error *err)
{
    struct outcome outcome CLEANUP(outcome_deinit) = {.diagnostics = diagnostics};
    int r = begin_reading(err);
    if (r < 0)
        return r;
    do
        r = attempt(query, &outcome, err);
    while (r == 0 && outcome.again);
    end_reading();
    if (r == 0)
        *ret_desired = outcome.desired;
    return r;
}

/* --- two revisions -------------------------------------------------------------------------------------- */

void offline_side_deinit(struct offline_side *side)
{
    desired_unref(side->desired);
    diagnostics_deinit(&side->diagnostics);
    map_deinit(&side->blobs);
}

/* Ends in ":3"; an ARN without a number ends in ":task-definition/web". */
static bool names_number(const char *definition)
{
    const char *colon = definition ? strrchr(definition, ':') : NULL;
    return colon && colon[1] && !colon[1 + strspn(colon + 1, "0123456789")];
}

/* Whether what it comes to depends on how revisions are counted. */
static bool counts_revisions(const struct desired *desired)
{
    for (size_t i = 0; i < desired->services.len; i++) {
        const struct service *service = desired->services.items[i];
        if (names_number(service->task_definition_text))
            return true;
        for (size_t j = 0; j < service->pre_deploy.len; j++)
            if (names_number(service->pre_deploy.items[j]))
                return true;
    }
    for (size_t i = 0; i < desired->scheduled_tasks.len; i++) {
        const struct scheduled_run_vec *runs = &desired->scheduled_tasks.items[i]->runs;
        for (size_t j = 0; j < runs->len; j++)
            if (names_number(model_string(runs->items[j].request, "taskDefinition")))
                return true;
    }
    return false;
}

/* What both sides are read into, one after the other. */
struct pair {
    const struct offline_query *query;
    struct offline_side *sides;
    struct string_vec roots;
    struct manifest_needs needs;
    struct source_update change; /* from the first to the second */
    struct map changing;         /* its paths, unless it is full */
    bool again;                  /* with the roots */
    bool apart;                  /* nothing is wrong, but this is no way to read them */
};

static void pair_deinit(struct pair *pair)
{
    string_vec_deinit(&pair->roots);
    manifest_needs_deinit(&pair->needs);
    source_update_deinit(&pair->change);
    map_deinit(&pair->changing);
}

static struct source_tree_query tree_of(const struct pair *pair, size_t side)
{
    return (struct source_tree_query){pair->query->repository, pair->sides[side].revision,
                                      pair->query->sub_path, &pair->roots};
}

static int read_first(struct pair *pair, struct reading *reading, struct error *err)
{
    const struct source_tree_query tree = tree_of(pair, 0);
    struct source_update update CLEANUP(source_update_deinit) = {0};
    struct diagnostics ignored CLEANUP(diagnostics_deinit) = {0};
    int r = source_read_tree(&tree, &update, err);
    if (r < 0)
        return r;
    note_blobs(&update, pair->change.full ? NULL : &pair->changing, &pair->sides[0].blobs);
    take_files(reading, &update, false);
    if (pair->needs.missing)
        return 0;
    const struct manifest_numbering numbering = {&reading->families, &reading->changed};
    pair->apart =
        manifest_build(reading->manifest, &update.commit, &numbering, &pair->sides[0].desired, &ignored) < 0;
    return 0;
}

static int take_second(struct pair *pair, struct reading *reading)
{
    struct diagnostics ignored CLEANUP(diagnostics_deinit) = {0};
    note_blobs(&pair->change, NULL, &pair->sides[1].blobs);
    take_files(reading, &pair->change, true);
    pair->apart = pair->needs.too_many;
    pair->again = !pair->apart && manifest_ask(reading->manifest, &pair->needs, &pair->roots);
    if (pair->apart || pair->again)
        return 0;
    const struct manifest_numbering numbering = {&reading->families, &reading->changed};
    pair->apart = manifest_build(reading->manifest, &pair->change.commit, &numbering, &pair->sides[1].desired,
                                 &ignored) < 0;
    return 0;
}

static void note_changing(struct pair *pair, struct reading *reading)
{
    if (pair->change.full)
        return;
    for (size_t i = 0; i < pair->change.files.len; i++)
        map_put(&pair->changing, pair->change.files.items[i].path, pair);
    manifest_set_changing(reading->manifest, &pair->changing);
}

/* What an earlier attempt has found. */
static void forget(struct pair *pair)
{
    source_update_deinit(&pair->change);
    pair->change = (struct source_update){0};
    map_clear(&pair->changing);
    for (size_t i = 0; i < 2; i++) {
        desired_unref(TAKE(pair->sides[i].desired));
        map_clear(&pair->sides[i].blobs);
    }
}

static int attempt_pair(struct pair *pair, size_t *ret_failed, struct error *err)
{
    struct reading reading CLEANUP(reading_deinit) = {.manifest = manifest_of(pair->query),
                                                      .families = MAP_INIT(family_ledger_free),
                                                      .roots = &pair->roots,
                                                      .needs = &pair->needs};
    struct error second_err = ERROR_INIT;
    forget(pair);
    /* What differs is known before anything is parsed; but of two that cannot be read the first is told. */
    const struct source_tree_query tree = tree_of(pair, 1);
    int second = source_read_difference(&tree, pair->sides[0].revision, &pair->change, &second_err);
    if (second == 0)
        note_changing(pair, &reading);
    *ret_failed = 0;
    int r = read_first(pair, &reading, err);
    if (r < 0 || pair->apart)
        return r;
    *ret_failed = 1;
    if (second < 0) {
        if (err)
            *err = second_err;
        return second;
    }
    r = take_second(pair, &reading);
    if (r < 0 || pair->apart || pair->again)
        return r;
    pair->apart = counts_revisions(pair->sides[0].desired) || counts_revisions(pair->sides[1].desired);
    for (size_t i = 0; i < 2; i++)
        leave_desired(pair->query, pair->sides[i].desired);
    leave_reading(pair->query, &reading);
    return 0;
}

/* Each by itself, with its history. */
static int read_apart(const struct offline_query *query, struct offline_side sides[static 2],
                      size_t *ret_failed, struct error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < 2; i++) {
        struct offline_query one = *query;
        one.revision = sides[i].revision;
        one.blobs = &sides[i].blobs;
        *ret_failed = i;
        map_clear(one.blobs);
        r = offline_read(&one, &sides[i].desired, &sides[i].diagnostics, err);
    }
    return r;
}

int offline_read_two(const struct offline_query *query, struct offline_side sides[static 2],
                     size_t *ret_failed, struct error *err)
{
    struct pair pair CLEANUP(pair_deinit) = {.query = query, .sides = sides};
    int r = begin_reading(err);
    if (r < 0)
        return r;
    do {
        pair.again = false;
        r = attempt_pair(&pair, ret_failed, err);
    } while (r == 0 && pair.again);
    end_reading();
    if (r < 0 || !pair.apart)
        return r;
    forget(&pair);
    return read_apart(query, sides, ret_failed, err);
}

/* --- what came before ----------------------------------------------------------------------------------- */

struct changes {
    struct string_vec *oids; /* oldest first */
    size_t max;
};

static int on_change(void *data, const struct source_update *update)
{
    struct changes *changes = data;
    if (update->head || !update->files.len)
        return 0;
    if (changes->oids->len == changes->max) {
        free(changes->oids->items[0]);
        vector_remove(changes->oids, 0);
    }
    vector_push(changes->oids, memory_strdup(update->commit.oid));
    return 0;
}

static int list_changes(const struct offline_query *query, struct changes *changes, struct error *err)
{
    const struct source_tree_query root = {.repository_path = query->repository, .revision = query->revision};
    struct source_update update CLEANUP(source_update_deinit) = {0};
    struct source_history_query history = {.repository_path = query->repository,
                                           .revision = query->revision,
                                           .sub_path = query->sub_path,
                                           .on_update = on_change,
                                           .data = changes};
    int r = source_read_tree(&root, &update, err);
    if (r < 0)
        return r;
    r = source_history(&history, err);
    return r == ERROR_NOT_FOUND ? 0 : r; /* it is the directory that is not there */
}

int offline_changes(const struct offline_query *query, size_t max, struct string_vec *ret_oids,
                    struct error *err)
{
    struct changes changes = {ret_oids, max};
    int r = begin_reading(err);
    if (r < 0)
        return r;
    r = list_changes(query, &changes, err);
    end_reading();
    for (size_t i = 0; i < ret_oids->len / 2; i++) {
        char *newer = ret_oids->items[ret_oids->len - 1 - i];
        ret_oids->items[ret_oids->len - 1 - i] = ret_oids->items[i];
        ret_oids->items[i] = newer;
    }
    return r;
}
