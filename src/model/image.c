#include "model/image.h"

#include "base/text.h"
#include "model/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

const char *image_digest(const char *reference)
{
    assert(reference);
    const char *at = strchr(reference, '@');
    return at ? at + 1 : NULL;
}

bool image_digest_is_valid(const char *digest)
{
    assert(digest);
    return text_starts_with(digest, "sha256:") && strlen(digest) == strlen("sha256:") + 64 &&
           strspn(digest + strlen("sha256:"), "0123456789abcdef") == 64;
}

/* A colon before the last slash belongs to the registry's port. */
static size_t repository_len(const char *reference)
{
    size_t len = strcspn(reference, "@");
    size_t start = len;
    while (start > 0 && reference[start - 1] != '/')
        start--;
    const char *colon = memchr(reference + start, ':', len - start);
    return colon ? (size_t)(colon - reference) : len;
}

char *image_repository(const char *reference)
{
    assert(reference);
    return memory_strndup(reference, repository_len(reference));
}

char *image_tag(const char *reference)
{
    assert(reference);
    const char *end = reference + strcspn(reference, "@");
    const char *colon = reference + repository_len(reference);
    return colon < end ? memory_strndup(colon + 1, (size_t)(end - colon) - 1) : NULL;
}

char *image_at(const char *reference, const char *digest)
{
    assert(reference);
    assert(digest);
    return memory_printf("%.*s@%s", (int)repository_len(reference), reference, digest);
}

/* Docker Hub's long names, and what they are short for. */
static const char *short_name(const char *name)
{
    static const char *const prefixes[] = {"docker.io/", "index.docker.io/", "library/"};
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
        if (text_starts_with(name, prefixes[i]))
            name += strlen(prefixes[i]);
    return name;
}

bool image_is_of(const char *reference, const char *repo_digest)
{
    assert(reference);
    assert(repo_digest);
    if (text_starts_with(repo_digest, "localhost/") || !image_digest(repo_digest))
        return false;
    const char *left = short_name(reference);
    const char *right = short_name(repo_digest);
    size_t len = repository_len(left);
    return len == repository_len(right) && strncmp(left, right, len) == 0;
}

static const json_t *container_of(const struct task_definition *definition, const char *name)
{
    size_t i;
    const json_t *container;
    json_array_foreach (json_object_get(definition->json, "containerDefinitions"), i, container)
        if (text_equal(model_string(container, "name"), name))
            return container;
    return NULL;
}

const char *image_of(const struct task_definition *definition, const char *container)
{
    assert(definition);
    assert(container);
    return model_string(container_of(definition, container), "image");
}

const char *image_to_resolve(const struct task_definition *definition, const char *container)
{
    assert(definition);
    assert(container);
    const json_t *json = container_of(definition, container);
    const char *image = model_string(json, "image");
    bool wanted =
        image && !image_digest(image) && !text_equal(model_string(json, "versionConsistency"), "disabled");
    return wanted ? image : NULL;
}
