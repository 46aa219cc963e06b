#include "manifest/file_reference.h"

#include "base/memory.h"
#include "base/text.h"
#include "manifest/environment.h"
#include "manifest/kind.h"
#include "model/json.h"
#include "model/mount.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    const struct file_reference_source *source;
    struct file_references *references;
    struct diagnostics *diagnostics;
};

void file_references_free(struct file_references *references)
{
    if (!references)
        return;
    for (size_t i = 0; i < references->list.len; i++) {
        free(references->list.items[i].path);
        free(references->list.items[i].file);
        free(references->list.items[i].pointer);
    }
    vector_deinit(&references->list);
    json_decref(references->definition);
    diagnostics_deinit(&references->faults);
    free(references);
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* One step down or up from *out, which has room for it. */
static void append_part(char *out, const char *part, size_t len)
{
    size_t have = strlen(out);
    if (len == 0 || (len == 1 && part[0] == '.'))
        return;
    if (len == 2 && part[0] == '.' && part[1] == '.' && have && strcmp(last_part(out), "..") != 0) {
        char *last = out + (last_part(out) - out);
        *(last > out ? last - 1 : out) = '\0';
        return;
    }
    if (have)
        out[have++] = '/';
    memcpy(out + have, part, len);
    out[have + len] = '\0';
}

/* `source` as seen from the directory of `file`. */
static char *path_of(const char *file, const char *source)
{
    char *joined CLEANUP_FREE = memory_printf("%.*s%s", (int)(last_part(file) - file), file, source);
    char *out = memory_calloc(strlen(joined) + 1, 1);
    for (const char *at = joined; *at;) {
        size_t len = strcspn(at, "/");
        append_part(out, at, len);
        at += len + (at[len] == '/');
    }
    return out;
}

static void add(const struct reader *reader, struct file_reference reference, const char *member,
                const char *path)
{
    char *pointer CLEANUP_FREE = memory_printf(
        "%s/containerDefinitions/%zu/%s/%zu/%s", reader->source->base, reference.container,
        reference.use == FILE_CONFIG ? "davit/files" : "environmentFiles", reference.index, member);
    char *patched = NULL;
    const struct environment_step *step = environment_trace_find(reader->source->trace, pointer, &patched);
    reference.file = memory_strdup(step ? step->layer->file : reader->source->file);
    reference.path = path_of(reference.file, path);
    reference.at = document_position(step ? &step->layer->document : reader->source->document,
                                     step ? patched : pointer, DOCUMENT_VALUE);
    reference.pointer = step ? patched : TAKE(pointer);
    vector_push(&reader->references->list, reference);
}

static const struct {
    const char *message; /* before the path */
    const char *hint;
} fates[] = {
    [MOUNT_NO_VOLUME] = {"the engine puts no file into a read-only root file system, and no volume that may "
                         "be written is mounted above",
                         "mount a volume of the task at its directory (volumes, mountPoints): the file is "
                         "put in there"},
    [MOUNT_READ_ONLY] = {"the engine puts no file into a volume that is mounted read-only, which would hold",
                         "mount it without readOnly, or put the file elsewhere"},
    [MOUNT_HIDDEN] = {"a tmpfs, which is empty when the container starts, would hide",
                      "put the file elsewhere, or mount a volume in place of the tmpfs"},
    [MOUNT_ENGINES] = {"engines mount something of their own that would hide",
                       "put the file elsewhere; extraHosts, hostname, dnsServers and systemControls say "
                       "what the engine's own files hold"},
    [MOUNT_TAKEN] = {"a volume is mounted where the file would be, or below it:",
                     "name a file in the volume; a target that ends in a slash keeps the file's name"},
};

bool file_reference_is_lost(const json_t *container, const char *path, const char *target,
                            struct kind_fault *ret_fault)
{
    assert(path && target && ret_fault);
    const char *volume;
    enum mount_fate fate = mount_fate_of(container, path, &volume);
    if (fate == MOUNT_FINE)
        return false;
    *ret_fault = (struct kind_fault){.severity = SEVERITY_ERROR,
                                     .code = "unsupported",
                                     .message = memory_printf("%s \"%s\"", fates[fate].message, target),
                                     .hint = memory_strdup(fates[fate].hint)};
    return true;
}

char *file_reference_below(const char *target)
{
    assert(target);
    return memory_printf("%s%s*", target, text_ends_with(target, "/") ? "" : "/");
}

/* As far as it can be told without the files: the target may be that of a directory. */
static void check_place(const struct reader *reader, size_t container_at, size_t at, const json_t *container)
{
    const json_t *files = json_object_get(json_object_get(container, "davit"), "files");
    const char *target = model_string(json_array_get(files, at), "target"); /* the schema wants one */
    char *below CLEANUP_FREE = file_reference_below(target);
    struct kind_fault fault;
    if (!file_reference_is_lost(container, below, target, &fault))
        return;
    fault.pointer = memory_printf("/containerDefinitions/%zu/davit/files/%zu/target", container_at, at);
    kind_report(reader->diagnostics, fault);
}

static void read_config_files(const struct reader *reader, size_t index, const json_t *container)
{
    const json_t *files = json_object_get(json_object_get(container, "davit"), "files");
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)files, i, item) {
        add(reader, (struct file_reference){.use = FILE_CONFIG, .container = index, .index = i}, "source",
            model_string(item, "source"));
        check_place(reader, index, i, container);
    }
}

/* What an S3 bucket holds cannot be read: said at each place, as the container starts without it. */
static void read_environment_files(const struct reader *reader, size_t index, const json_t *container)
{
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(container, "environmentFiles"), i, item) {
        const char *value = model_string(item, "value");
        if (!text_ends_with(value, ".env"))
            kind_report(
                reader->diagnostics,
                (struct kind_fault){.severity = SEVERITY_ERROR,
                                    .code = "value",
                                    .pointer = memory_printf(
                                        "/containerDefinitions/%zu/environmentFiles/%zu/value", index, i),
                                    .message = memory_strdup("the name of an environment file ends in .env"),
                                    .found = memory_printf("\"%s\"", value)});
        if (!text_starts_with(value, "arn:")) {
            add(reader, (struct file_reference){.use = FILE_ENVIRONMENT, .container = index, .index = i},
                "value", value);
            continue;
        }
        kind_report(
            reader->diagnostics,
            (struct kind_fault){
                .severity = SEVERITY_WARNING,
                .code = "no-effect",
                .pointer = memory_printf("/containerDefinitions/%zu/environmentFiles/%zu/value", index, i),
                .message = memory_strdup("davit does not read S3: the container starts without the "
                                         "variables of this file"),
                .hint = memory_strdup("commit the file, and write its path relative to this "
                                      "manifest as the value")});
    }
}

struct file_references *file_references_read(const struct file_reference_source *source,
                                             const json_t *definition, struct diagnostics *diagnostics)
{
    assert(source && source->document && source->file && source->base && source->trace);
    assert(definition && diagnostics);
    struct file_references *references = NEW(struct file_references);
    const struct reader reader = {source, references, diagnostics};
    size_t i;
    json_t *container;
    json_array_foreach (json_object_get(definition, "containerDefinitions"), i, container) {
        read_config_files(&reader, i, container);
        read_environment_files(&reader, i, container);
    }
    if (references->list.len)
        return references;
    file_references_free(references);
    return NULL;
}
