#include "world.h"

#include "base/buffer.h"
#include "engine/docker.h"
#include "http/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define IMAGE       "davit-contract:latest" /* podman's import knows no other tag */
#define TURN_MS     50
#define IMAGE_BYTES (32 * 1024 * 1024)
#define TAR_BLOCK   512

struct docker_world {
    uv_loop_t loop;
    uv_timer_t turn_timer;
};

static void wake(uv_timer_t *timer)
{
    (void)timer;
}

static void turn(struct contract_world *world)
{
    struct docker_world *docker = world->implementation;
    uv_timer_start(&docker->turn_timer, wake, TURN_MS, 0);
    uv_run(&docker->loop, UV_RUN_ONCE);
}

static int64_t now_ms(struct contract_world *world)
{
    (void)world;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static const char *image(struct contract_world *world, enum contract_kind kind)
{
    (void)world;
    (void)kind;
    return IMAGE;
}

static void world_free(struct contract_world *world)
{
    struct docker_world *docker = world->implementation;
    engine_free(world->engine);
    uv_close((uv_handle_t *)&docker->turn_timer, NULL);
    uv_run(&docker->loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&docker->loop) != 0)
        fprintf(stderr, "handles are left on the loop\n");
    free(docker);
    free(world);
}

/* --- an image out of busybox: a tar of one file and links to it ----------------------------------------- */

static void tar_member(struct buffer *tar, const char *name, const char *link, const struct buffer *content)
{
    char header[TAR_BLOCK] = {0};
    size_t len = content ? content->len : 0;
    snprintf(header, 100, "%s", name);
    snprintf(header + 100, 8, "%07o", 0755);
    snprintf(header + 108, 8, "%07o", 0);
    snprintf(header + 116, 8, "%07o", 0);
    snprintf(header + 124, 12, "%011zo", len);
    snprintf(header + 136, 12, "%011o", 0);
    header[156] = link ? '1' : '0';
    if (link)
        snprintf(header + 157, 100, "%s", link);
    memcpy(header + 257, "ustar\00000", 8);
    memset(header + 148, ' ', 8);
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof header; i++)
        sum += (unsigned char)header[i];
    snprintf(header + 148, 8, "%06o", sum);
    buffer_append(tar, header, sizeof header);
    if (!content)
        return;
    static const char zeros[TAR_BLOCK];
    buffer_append(tar, content->data, len);
    buffer_append(tar, zeros, (TAR_BLOCK - len % TAR_BLOCK) % TAR_BLOCK);
}

static bool read_file(const char *path, struct buffer *out)
{
    FILE *file = fopen(path, "rb");
    char chunk[65536];
    if (!file)
        return false;
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, file)) > 0;)
        buffer_append(out, chunk, n);
    fclose(file);
    return out->len > 0;
}

static bool demo_tar(struct buffer *tar)
{
    static const char *const programs[] = {"sh", "echo", "true", "false", "sleep", "cat"};
    static const char end[2 * TAR_BLOCK];
    struct buffer busybox CLEANUP(buffer_deinit) = BUFFER_INIT(IMAGE_BYTES);
    if (!read_file("/bin/busybox", &busybox))
        return false;
    tar_member(tar, "bin/busybox", NULL, &busybox);
    for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
        char name[32];
        snprintf(name, sizeof name, "bin/%s", programs[i]);
        tar_member(tar, name, "bin/busybox", NULL);
    }
    return buffer_append(tar, end, sizeof end) == 0;
}

struct import {
    bool done;
    bool ok;
};

static void on_imported(void *data, const struct http_reply *reply)
{
    struct import *import = data;
    import->done = true;
    import->ok = reply->error.code == 0 && reply->status == 200 && !strstr(reply->body, "\"error\"");
    if (!import->ok)
        printf("cannot import the demo image: %s%s\n", reply->error.message, reply->body ? reply->body : "");
}

static bool import_image(struct contract_world *world, const struct http_endpoint *endpoint)
{
    struct docker_world *docker = world->implementation;
    struct buffer tar CLEANUP(buffer_deinit) = BUFFER_INIT(IMAGE_BYTES);
    if (!demo_tar(&tar)) {
        printf("no /bin/busybox to make an image of\n");
        return false;
    }
    struct import import = {0};
    struct http_client *client = http_client_new(&docker->loop, NULL);
    const struct http_request request = {.endpoint = endpoint,
                                         .method = "POST",
                                         .path = "/images/create?fromSrc=-&repo=davit-contract&tag=latest",
                                         .body = tar.data,
                                         .body_len = tar.len,
                                         .content_type = "application/x-tar",
                                         .deadline_ms = 60000,
                                         .data = &import,
                                         .done = on_imported};
    http_request(client, &request);
    while (!import.done)
        turn(world);
    http_client_free(client);
    return import.ok;
}

struct contract_world *contract_docker_new(const char *socket)
{
    struct docker_world *docker = NEW(struct docker_world);
    struct contract_world *world = NEW(struct contract_world);
    struct http_endpoint endpoint;
    struct error err = ERROR_INIT;
    char *url CLEANUP_FREE = memory_printf("unix://%s", socket);
    uv_loop_init(&docker->loop);
    uv_timer_init(&docker->loop, &docker->turn_timer);
    *world = (struct contract_world){.is_real = true,
                                     .implementation = docker,
                                     .turn = turn,
                                     .now_ms = now_ms,
                                     .image = image,
                                     .free = world_free};
    bool ok = http_endpoint_init(&endpoint, url, &err) == 0;
    if (ok) {
        ok = import_image(world, &endpoint);
        http_endpoint_deinit(&endpoint);
    }
    ok =
        ok && docker_new(&docker->loop, &(struct docker_options){.endpoint = url}, &world->engine, &err) == 0;
    if (ok)
        return world;
    if (err.code)
        printf("%s\n", error_text(&err));
    world->free(world);
    return NULL;
}
