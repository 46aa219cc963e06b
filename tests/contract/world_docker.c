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
    struct http_client *http;
    struct http_endpoint endpoint;
    json_t *log_drivers;
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
    http_client_free(docker->http);
    http_endpoint_deinit(&docker->endpoint);
    json_decref(docker->log_drivers);
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

struct answer {
    bool done;
    int status;
    char *body;
    struct error error;
};

static void on_answer(void *data, const struct http_reply *reply)
{
    struct answer *answer = data;
    answer->done = true;
    answer->status = reply->status;
    answer->error = reply->error;
    answer->body = reply->body ? memory_strndup(reply->body, reply->body_len) : NULL;
}

static void ask(struct contract_world *world, struct http_request request, struct answer *ret_answer)
{
    struct docker_world *docker = world->implementation;
    *ret_answer = (struct answer){0};
    request.endpoint = &docker->endpoint;
    request.deadline_ms = 60000;
    request.data = ret_answer;
    request.done = on_answer;
    http_request(docker->http, &request);
    while (!ret_answer->done)
        turn(world);
}

static json_t *request(struct contract_world *world, const char *method, const char *path, const char *body)
{
    struct answer answer;
    ask(world,
        (struct http_request){.method = method,
                              .path = path,
                              .body = body,
                              .body_len = body ? strlen(body) : 0,
                              .content_type = "application/json"},
        &answer);
    json_t *json = answer.status == 204 ? json_object() : json_loads(answer.body ? answer.body : "", 0, NULL);
    free(answer.body);
    return json;
}

static bool import_image(struct contract_world *world)
{
    struct buffer tar CLEANUP(buffer_deinit) = BUFFER_INIT(IMAGE_BYTES);
    struct answer answer;
    if (!demo_tar(&tar)) {
        printf("no /bin/busybox to make an image of\n");
        return false;
    }
    ask(world,
        (struct http_request){.method = "POST",
                              .path = "/images/create?fromSrc=-&repo=davit-contract&tag=latest",
                              .body = tar.data,
                              .body_len = tar.len,
                              .content_type = "application/x-tar"},
        &answer);
    bool ok = answer.error.code == 0 && answer.status == 200 && !strstr(answer.body, "\"error\"");
    if (!ok)
        printf("cannot import the demo image: %s%s\n", answer.error.message, answer.body ? answer.body : "");
    free(answer.body);
    return ok;
}

struct contract_world *contract_docker_new(const char *socket)
{
    struct docker_world *docker = NEW(struct docker_world);
    struct contract_world *world = NEW(struct contract_world);
    struct error err = ERROR_INIT;
    char *url CLEANUP_FREE = memory_printf("unix://%s", socket);
    uv_loop_init(&docker->loop);
    uv_timer_init(&docker->loop, &docker->turn_timer);
    docker->http = http_client_new(&docker->loop, NULL);
    /* splunk stays what it is */
    docker->log_drivers =
        json_pack("{s:{s:s,s:{s:s}}}", "awslogs", "driver", "json-file", "options", "max-size", "1m");
    *world = (struct contract_world){.is_real = true,
                                     .implementation = docker,
                                     .turn = turn,
                                     .now_ms = now_ms,
                                     .image = image,
                                     .request = request,
                                     .free = world_free};
    const struct docker_options options = {
        .endpoint = url, .log_drivers = docker->log_drivers, .efs_region = "eu-central-1"};
    if (http_endpoint_init(&docker->endpoint, url, &err) == 0 && import_image(world) &&
        docker_new(&docker->loop, &options, &world->engine, &err) == 0)
        return world;
    if (err.code)
        printf("%s\n", error_text(&err));
    world->free(world);
    return NULL;
}
