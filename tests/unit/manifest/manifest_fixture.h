/* A manifest with its ledger, fed with texts. */
#pragma once

#include "base/limits.h"
#include "base/memory.h"
#include "manifest/manifest.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fixture {
    struct manifest *manifest;
    struct map families;
    struct string_vec changed;
    struct diagnostics diagnostics; /* of the last build */
    struct desired *desired;        /* of the last build; NULL when it failed */
};

static inline struct fixture *fixture_new(void)
{
    struct fixture *fixture = NEW(struct fixture);
    fixture->manifest = manifest_new();
    fixture->families = MAP_INIT(family_ledger_free);
    return fixture;
}

static inline void fixture_free(struct fixture *fixture)
{
    manifest_free(fixture->manifest);
    map_deinit(&fixture->families);
    string_vec_deinit(&fixture->changed);
    diagnostics_deinit(&fixture->diagnostics);
    desired_unref(fixture->desired);
    free(fixture);
}
DEFINE_CLEANUP(struct fixture, fixture_free)

/* NULL deletes. */
static inline void fixture_put(struct fixture *fixture, const char *path, const char *text)
{
    struct manifest_file file = {.path = path,
                                 .kind = text ? MANIFEST_FILE : MANIFEST_DELETED,
                                 .content = text,
                                 .len = text ? strlen(text) : 0};
    manifest_update(fixture->manifest, false, &file, 1);
}

/* What is to be read once more with; nothing when all is there. */
static inline void fixture_asks(struct fixture *fixture, struct string_vec *ret_roots)
{
    struct manifest_needs needs = {0};
    manifest_note_needs(fixture->manifest, true, &needs);
    manifest_ask(fixture->manifest, &needs, ret_roots);
    manifest_needs_deinit(&needs);
}

static inline int fixture_build(struct fixture *fixture)
{
    struct commit commit = {.oid = "c0ffee",
                            .author = (char *)"A <a@example.com>",
                            .subject = (char *)"s",
                            .time_ms = 1795000000000};
    desired_unref(fixture->desired);
    fixture->desired = NULL;
    diagnostics_deinit(&fixture->diagnostics);
    string_vec_deinit(&fixture->changed);
    struct manifest_numbering numbering = {&fixture->families, &fixture->changed};
    return manifest_build(fixture->manifest, &commit, &numbering, &fixture->desired, &fixture->diagnostics);
}

static inline void fixture_print(const struct fixture *fixture)
{
    for (size_t i = 0; i < fixture->diagnostics.list.len; i++) {
        char *text CLEANUP_FREE = diagnostic_to_text(&fixture->diagnostics.list.items[i]);
        print_message("  %s\n", text);
    }
}
