/* What an engine tells about containers and their images. */
#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/client.h"
#include "cli/import.h"
#include "http/client.h"
#include "model/json.h"

#include <string.h>
#include <uv.h>

#define INSPECT_MS 30000

struct inspection {
    struct http_client *client;
    struct error error;
    int status;
    json_t *answer;
};

static void done(void *data, const struct http_reply *reply)
{
    struct inspection *inspection = data;
    inspection->error = reply->error;
    inspection->status = reply->status;
    if (!reply->error.code)
        inspection->answer = json_loadb(reply->body, reply->body_len, 0, NULL);
    http_client_free(TAKE(inspection->client));
}

/* Asks one thing and waits. The answer is the caller's. */
static int ask(const struct http_endpoint *endpoint, const char *path, json_t **ret_answer, struct error *err)
{
    struct inspection inspection = {0};
    uv_loop_t loop;
    if (uv_loop_init(&loop) < 0)
        return error_set(err, ERROR_INTERNAL, "cannot make an event loop");
    inspection.client = http_client_new(&loop, NULL);
    http_request(inspection.client, &(struct http_request){.endpoint = endpoint,
                                                           .path = path,
                                                           .deadline_ms = INSPECT_MS,
                                                           .data = &inspection,
                                                           .done = done});
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    if (inspection.error.code)
        return error_set(err, inspection.error.code,
                         "no engine answers: %s; name it by --engine or DOCKER_HOST",
                         error_text(&inspection.error));
    if (inspection.status == 200 && json_is_object(inspection.answer)) {
        *ret_answer = inspection.answer;
        return 0;
    }
    const char *message = model_string(inspection.answer, "message");
    int code = inspection.status == 404 ? ERROR_NOT_FOUND : ERROR_PROTOCOL;
    if (message)
        error_set(err, code, "%s", message);
    else
        error_set(err, code, "the engine answered with HTTP status %d", inspection.status);
    json_decref(inspection.answer);
    return code;
}

static char *encoded(const char *name)
{
    char *query CLEANUP_FREE = cli_query_add(NULL, "", name);
    return memory_strdup(query + 1);
}

static int inspect(const struct http_endpoint *endpoint, const char *name, json_t *list, struct error *err)
{
    json_t *container = NULL;
    json_t *image = NULL;
    char *safe CLEANUP_FREE = encoded(name);
    char *path CLEANUP_FREE = memory_printf("/containers/%s/json", safe);
    int r = ask(endpoint, path, &container, err);
    if (r < 0)
        return error_wrap(err, r, "%s", name);
    const char *id = model_string(container, "Image");
    char *image_path CLEANUP_FREE = memory_printf("/images/%s/json", id ? id : "");
    struct error gone = ERROR_INIT;
    if (!id || ask(endpoint, image_path, &image, &gone) < 0)
        image = json_null(); /* removed since: what came from it stays in the manifest */
    json_array_append_new(list, json_pack("{s:o,s:o}", "container", container, "image", image));
    return 0;
}

int cli_import_inspect(const struct cli *cli, char *const *names, size_t len, json_t **ret_list,
                       struct error *err)
{
    const char *address = cli_value(cli, "engine");
    if (!address)
        address = getenv("DOCKER_HOST");
    struct http_endpoint endpoint;
    int r =
        http_endpoint_init(&endpoint, address && address[0] ? address : "unix:///var/run/docker.sock", err);
    if (r < 0)
        return error_wrap(err, r, "--engine");
    json_t *list = json_array();
    for (size_t i = 0; i < len && r == 0; i++)
        r = inspect(&endpoint, names[i], list, err);
    http_endpoint_deinit(&endpoint);
    if (r == 0)
        *ret_list = list;
    else
        json_decref(list);
    return r;
}
