#include "registry/name.h"

#include "base/memory.h"
#include "base/text.h"
#include "model/image.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define DOCKER_HUB     "docker.io"
#define HUB_ADDRESS    "registry-1.docker.io"
#define HUB_REPOSITORY "library/"
#define TAG_CHARS      128
#define NAME_CHARS     255

#define DIGITS         "0123456789"
#define LOWER          "abcdefghijklmnopqrstuvwxyz"
#define UPPER          "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

void registry_name_deinit(struct registry_name *name)
{
    free(name->host);
    free(name->address);
    free(name->repository);
    memset(name, 0, sizeof *name);
}

/* A name or an address, and a port where there is one. */
static bool is_host(const char *host)
{
    bool is_v6 = *host == '[';
    size_t len = is_v6 ? 1 + strspn(host + 1, DIGITS LOWER UPPER ":") : strspn(host, DIGITS LOWER UPPER ".-");
    const char *rest = host + len + (is_v6 && host[len] == ']');
    bool is_whole = len > is_v6 && (!is_v6 || rest[-1] == ']');
    if (*rest == ':' && rest[1])
        rest += 1 + strspn(rest + 1, DIGITS);
    return is_whole && !*rest && strlen(host) <= NAME_CHARS;
}

/* Components with slashes between them; none begins with a dot, so that none is "..". */
static bool is_repository(const char *repository)
{
    const char *at = repository;
    for (;;) {
        size_t len = strspn(at, DIGITS LOWER "._-");
        if (len == 0 || !strchr(DIGITS LOWER, *at))
            return false;
        at += len;
        if (!*at)
            return strlen(repository) <= NAME_CHARS;
        if (*at++ != '/')
            return false;
    }
}

/* The length of the host in front; 0: there is none. */
static size_t host_len(const char *repository)
{
    size_t len = strcspn(repository, "/");
    char *host CLEANUP_FREE = memory_strndup(repository, len);
    return repository[len] == '/' && (strpbrk(host, ".:") || text_equal(host, "localhost")) ? len : 0;
}

int registry_name_parse(const char *image, struct registry_name *ret_name, struct error *err)
{
    assert(image);
    char *repository CLEANUP_FREE = image_repository(image);
    size_t len = host_len(repository);
    struct registry_name name CLEANUP(registry_name_deinit) = {.host = len ? memory_strndup(repository, len)
                                                                           : memory_strdup(DOCKER_HUB)};
    const char *rest = repository + len + (len > 0);
    if (text_equal(name.host, "index." DOCKER_HUB)) {
        free(name.host);
        name.host = memory_strdup(DOCKER_HUB);
    }
    bool is_hub = text_equal(name.host, DOCKER_HUB);
    name.address = memory_strdup(is_hub ? HUB_ADDRESS : name.host);
    name.repository = memory_printf("%s%s", is_hub && !strchr(rest, '/') ? HUB_REPOSITORY : "", rest);
    if (!is_host(name.host) || !is_repository(name.repository))
        return error_set(err, ERROR_INVALID, "\"%.200s\" is no name of an image", image);
    *ret_name = name;
    memset(&name, 0, sizeof name);
    return 0;
}

bool registry_is_tag(const char *text)
{
    size_t len = strlen(text);
    return len > 0 && len <= TAG_CHARS && *text != '.' && *text != '-' &&
           strspn(text, DIGITS LOWER UPPER "._-") == len;
}

bool registry_is_digest(const char *text)
{
    bool is_256 = text_starts_with(text, "sha256:");
    if (!is_256 && !text_starts_with(text, "sha512:"))
        return false;
    const char *hex = strchr(text, ':') + 1;
    return strlen(hex) == (is_256 ? 64 : 128) && strspn(hex, DIGITS "abcdef") == strlen(hex);
}
