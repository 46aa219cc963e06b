#include "source/fetch_order.h"

#include "base/memory.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#define ORDER_BYTES 32768 /* less than a pipe holds */

/* The lines before them are max_bytes, stall_ms, whether tags are wanted, and the errand. */
#define NUMBERS 4
static const size_t members[] = {
    offsetof(struct source_fetch_order, url),
    offsetof(struct source_fetch_order, branch),
    offsetof(struct source_fetch_order, mirror_dir),
    offsetof(struct source_fetch_order, too_large),
    offsetof(struct source_fetch_order, local_ref),
    offsetof(struct source_fetch_order, expected),
    offsetof(struct source_fetch_order, access.username),
    offsetof(struct source_fetch_order, access.password_file),
    offsetof(struct source_fetch_order, access.key_file),
    offsetof(struct source_fetch_order, access.known_hosts_file),
    offsetof(struct source_fetch_order, access.ca_file),
    offsetof(struct source_fetch_order, access.proxy),
    offsetof(struct source_fetch_order, access.proxy_login_file),
};
_Static_assert(ARRAY_LEN(members) + NUMBERS == SOURCE_ORDER_LINES, "a line for each member");

int source_order_write(const struct source_fetch_order *order, struct buffer *text, struct error *err)
{
    assert(order);
    int r = buffer_printf(text, "%" PRId64 "\n%" PRId64 "\n%d\n%d\n", order->max_bytes, order->stall_ms,
                          order->tags, (int)order->errand);
    for (size_t i = 0; i < ARRAY_LEN(members) && r >= 0; i++) {
        const char *value = *(const char *const *)((const char *)order + members[i]);
        if (value && strchr(value, '\n'))
            return error_set(err, ERROR_INVALID, "a line break in \"%.40s\"", value);
        r = buffer_printf(text, "%s\n", value ? value : "");
    }
    return r < 0 ? error_set(err, ERROR_LIMIT, "URL, branch and the names of files are too long together")
                 : 0;
}

static int read_line(FILE *file, char **line, struct error *err)
{
    size_t size = 0;
    ssize_t len = getline(line, &size, file);
    if (len <= 0 || (*line)[len - 1] != '\n')
        return error_set(err, ERROR_INVALID, "the fetch helper was given no whole order");
    (*line)[len - 1] = '\0';
    return 0;
}

static int read_number(FILE *file, char **line, int64_t *ret_number, struct error *err)
{
    int r = read_line(file, line, err);
    if (r == 0 && text_to_int64(*line, 1, INT64_MAX, ret_number) < 0)
        r = error_set(err, ERROR_INVALID, "the fetch helper was given no limit");
    return r;
}

static int read_errand(FILE *file, char **line, enum source_errand *ret_errand, struct error *err)
{
    int64_t errand;
    int r = read_line(file, line, err);
    if (r < 0)
        return r;
    if (text_to_int64(*line, SOURCE_FETCH_BRANCH, SOURCE_PUSH_REF, &errand) < 0)
        return error_set(err, ERROR_INVALID, "the fetch helper was given no errand");
    *ret_errand = (enum source_errand)errand;
    return 0;
}

int source_order_read(FILE *file, char *lines[static SOURCE_ORDER_LINES],
                      struct source_fetch_order *ret_order, struct error *err)
{
    assert(file);
    assert(ret_order);
    struct source_fetch_order order = {0};
    int r = read_number(file, &lines[0], &order.max_bytes, err);
    if (r == 0)
        r = read_number(file, &lines[1], &order.stall_ms, err);
    if (r == 0)
        r = read_line(file, &lines[2], err);
    order.tags = r == 0 && text_equal(lines[2], "1");
    if (r == 0)
        r = read_errand(file, &lines[3], &order.errand, err);
    for (size_t i = 0; i < ARRAY_LEN(members) && r == 0; i++) {
        r = read_line(file, &lines[i + NUMBERS], err);
        if (r == 0 && lines[i + NUMBERS][0])
            *(char **)((char *)&order + members[i]) = lines[i + NUMBERS];
    }
    if (r == 0)
        *ret_order = order;
    return r;
}

int source_order_open(const struct source_fetch_order *order, struct error *err)
{
    int ends[2];
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT(ORDER_BYTES);
    int r = source_order_write(order, &text, err);
    if (r < 0)
        return r;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return error_set(err, ERROR_UNAVAILABLE, "cannot make a pipe: %s", strerror(errno));
    ssize_t written = write(ends[1], text.data, text.len);
    close(ends[1]);
    if (written == (ssize_t)text.len)
        return ends[0];
    close(ends[0]);
    return error_set(err, ERROR_UNAVAILABLE, "cannot fill a pipe");
}
