#include "base/text.h"
#include "engine/docker_call.h"
#include "model/image.h"
#include "model/json.h"

#include <string.h>

/* --- version -------------------------------------------------------------------------------------------- */

static void on_info(struct docker_call *call, const struct docker_answer *answer)
{
    struct instance_info info = {0};
    struct error err = ERROR_INIT;
    if (docker_decode_info(answer->json, &call->docker->version, &info, &err) < 0) {
        docker_fail(call, &err);
        return;
    }
    struct engine_version version = {memory_strdup(call->docker->version.api),
                                     memory_strdup(call->docker->version.min_api),
                                     memory_strdup(call->docker->version.max_api)};
    struct engine_reply reply = {.version = &version, .info = &info};
    docker_done(call, &reply);
    docker_version_deinit(&version);
    instance_info_deinit(&info);
}

uint64_t docker_version(struct engine *engine, const struct engine_call *call)
{
    /* The request that follows negotiates anew. */
    docker_version_deinit(&docker_of(engine)->version);
    return docker_send(docker_call_new(engine, NULL, call, LIMIT_ENGINE_CALL_MS),
                       (struct docker_send){.path = "/info", .on_answer = on_info});
}

/* --- networks ------------------------------------------------------------------------------------------- */

struct network_vec VECTOR_OF(struct engine_network);

static void on_networks(struct docker_call *call, const struct docker_answer *answer)
{
    struct network_vec networks = {0};
    size_t i;
    json_t *item;
    if (!json_is_array(answer->json)) {
        docker_fail_as(call, ERROR_PROTOCOL, "the engine's list of networks is no list");
        return;
    }
    json_array_foreach (answer->json, i, item)
        vector_push(&networks, (struct engine_network){memory_strdup(model_string(item, "Id")),
                                                       memory_strdup(model_string(item, "Name"))});
    struct engine_reply reply = {.networks = networks.items, .networks_len = networks.len};
    docker_done(call, &reply);
    for (i = 0; i < networks.len; i++) {
        free(networks.items[i].id);
        free(networks.items[i].name);
    }
    vector_deinit(&networks);
}

uint64_t docker_networks(struct engine *engine, const char *owner, const struct engine_call *call)
{
    char *path CLEANUP_FREE = docker_filters(
        "/networks?", json_pack("{s:[o]}", "label", json_sprintf("%s=%s", LABEL_OWNER, owner)));
    return docker_send(docker_call_new(engine, owner, call, LIMIT_ENGINE_CALL_MS),
                       (struct docker_send){.path = path, .on_answer = on_networks});
}

static void tell_network(struct docker_call *call, const char *id)
{
    char *id_copy CLEANUP_FREE = memory_strdup(id);
    char *name CLEANUP_FREE = memory_strdup(call->text);
    struct engine_network network = {id_copy, name};
    struct engine_reply reply = {.networks = &network, .networks_len = 1};
    docker_done(call, &reply);
}

static void on_network_holder(struct docker_call *call, const struct docker_answer *answer)
{
    const char *id = model_string(answer->json, "Id");
    const char *owner = model_string(json_object_get(answer->json, "Labels"), LABEL_OWNER);
    struct error err = ERROR_INIT;
    if (!answer->error.code && id && text_equal(owner, call->target)) {
        tell_network(call, id);
        return;
    }
    error_set(&err, ERROR_EXISTS, "a network %s exists that davit did not make (label %s is not %s)",
              call->text, LABEL_OWNER, call->target);
    docker_fail(call, &err);
}

/* The engine's words for "no subnet is left" do not say what to do. */
static void fail_network(struct docker_call *call, const struct error *cause)
{
    struct error error = *cause;
    if (strstr(cause->message, "address pool") || strstr(cause->message, "could not find free subnet"))
        error_set(&error, cause->code,
                  "%s; remove networks that nobody uses, or widen default-address-pools in the engine's "
                  "configuration",
                  cause->message);
    docker_fail(call, &error);
}

static void on_network_created(struct docker_call *call, const struct docker_answer *answer)
{
    const char *id = model_string(answer->json, "Id");
    if (answer->error.code == ERROR_CONFLICT) {
        char *path CLEANUP_FREE = docker_path("/networks/", call->text, "");
        docker_send(
            call, (struct docker_send){.path = path, .takes_failures = true, .on_answer = on_network_holder});
    } else if (answer->error.code) {
        fail_network(call, &answer->error);
    } else if (!id) {
        docker_fail_as(call, ERROR_PROTOCOL, "the engine's answer to network create has no Id");
    } else {
        tell_network(call, id);
    }
}

uint64_t docker_network_create(struct engine *engine, const char *owner, const char *name,
                               const struct engine_call *call)
{
    struct docker_call *new = docker_call_new(engine, owner, call, LIMIT_ENGINE_CALL_MS);
    new->text = memory_strdup(name);
    /* CheckDuplicate is what engines before API 1.44 need to refuse a second network of the name. */
    json_t *body =
        json_pack("{s:s,s:b,s:{s:s}}", "Name", name, "CheckDuplicate", true, "Labels", LABEL_OWNER, owner);
    return docker_send(new, (struct docker_send){.method = "POST",
                                                 .path = "/networks/create",
                                                 .body = body,
                                                 .takes_failures = true,
                                                 .on_answer = on_network_created});
}

static void on_network_removed(struct docker_call *call, const struct docker_answer *answer)
{
    struct engine_reply reply = {0};
    if (answer->error.code && answer->status != 404)
        reply.error = answer->error;
    /* Docker says 403 for a network that containers still use. */
    if (answer->status == 403)
        reply.error.code = ERROR_CONFLICT;
    docker_done(call, &reply);
}

uint64_t docker_network_remove(struct engine *engine, const char *name, const struct engine_call *call)
{
    char *path CLEANUP_FREE = docker_path("/networks/", name, "");
    return docker_send(
        docker_call_new(engine, NULL, call, LIMIT_ENGINE_CALL_MS),
        (struct docker_send){
            .method = "DELETE", .path = path, .takes_failures = true, .on_answer = on_network_removed});
}

/* --- images --------------------------------------------------------------------------------------------- */

struct image_vec VECTOR_OF(struct engine_image);

static char *first_string(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_array_get(json_object_get(object, key), 0));
    return text && !text_starts_with(text, "<none>") ? memory_strdup(text) : NULL;
}

static void push_image(struct image_vec *images, const json_t *item, const char *tag)
{
    vector_push(images, (struct engine_image){.id = memory_strdup(model_string(item, "Id")),
                                              .tag = memory_strdup(tag),
                                              .digest = first_string(item, "RepoDigests"),
                                              .size_bytes = model_int(item, "Size")});
}

/* Podman writes out what Docker leaves away, and what a task definition leaves away as well. */
static const char *short_name(const char *tag)
{
    static const char *const prefixes[] = {"docker.io/library/", "docker.io/"};
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
        if (text_starts_with(tag, prefixes[i]))
            return tag + strlen(prefixes[i]);
    return tag;
}

static void push_tags(struct image_vec *images, const json_t *item)
{
    size_t i;
    json_t *tag;
    size_t before = images->len;
    json_array_foreach (json_object_get(item, "RepoTags"), i, tag)
        if (json_is_string(tag) && !text_starts_with(json_string_value(tag), "<none>"))
            push_image(images, item, short_name(json_string_value(tag)));
    if (images->len == before)
        push_image(images, item, NULL);
}

static void on_images(struct docker_call *call, const struct docker_answer *answer)
{
    struct image_vec images = {0};
    size_t i;
    json_t *item;
    if (!json_is_array(answer->json)) {
        docker_fail_as(call, ERROR_PROTOCOL, "the engine's list of images is no list");
        return;
    }
    json_array_foreach (answer->json, i, item)
        push_tags(&images, item);
    struct engine_reply reply = {.images = images.items, .images_len = images.len};
    docker_done(call, &reply);
    for (i = 0; i < images.len; i++) {
        free(images.items[i].id);
        free(images.items[i].tag);
        free(images.items[i].digest);
    }
    vector_deinit(&images);
}

uint64_t docker_images(struct engine *engine, const struct engine_call *call)
{
    return docker_send(docker_call_new(engine, NULL, call, LIMIT_ENGINE_CALL_MS),
                       (struct docker_send){.path = "/images/json", .on_answer = on_images});
}

/* Podman's own word for it, which of several is that of the tag. Docker does not know the path. */
static void on_libpod_image(struct docker_call *call, const struct docker_answer *answer)
{
    const char *digest = answer->error.code ? NULL : model_string(answer->json, "Digest");
    bool known = digest && image_digest_is_valid(digest);
    docker_done(call, &(struct engine_reply){.image_digest = known ? digest : call->text});
}

/* Of one repository there may be several: of all that the image was ever known by, or of a list for several
 * platforms and of what it has for this one. */
static void on_image(struct docker_call *call, const struct docker_answer *answer)
{
    size_t found = 0;
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(answer->json, "RepoDigests"), i, item) {
        const char *name = json_string_value(item);
        const char *digest = name && image_is_of(call->target, name) ? image_digest(name) : NULL;
        if (!digest || !image_digest_is_valid(digest))
            continue;
        if (found++ == 0)
            call->text = memory_strdup(digest);
    }
    if (found < 2) {
        docker_done(call, &(struct engine_reply){.image_digest = call->text});
        return;
    }
    char *path CLEANUP_FREE = docker_path("/libpod/images/", call->target, "/json");
    docker_send(call,
                (struct docker_send){.path = path, .takes_failures = true, .on_answer = on_libpod_image});
}

uint64_t docker_image_inspect(struct engine *engine, const char *reference, const struct engine_call *call)
{
    char *path CLEANUP_FREE = docker_path("/images/", reference, "/json");
    return docker_send(docker_call_new(engine, reference, call, LIMIT_ENGINE_CALL_MS),
                       (struct docker_send){.path = path, .on_answer = on_image});
}
