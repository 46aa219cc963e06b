#include "model/service_rename.h"

#include "base/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* By cluster, then content. */
static int compare_contents(const struct service_content *left, const struct service_content *right)
{
    int r = strcmp(left->cluster, right->cluster);
    return r ? r : memcmp(&left->digest, &right->digest, sizeof left->digest);
}

static int compare(const void *a, const void *b)
{
    const struct service_content *left = a;
    const struct service_content *right = b;
    int r = compare_contents(left, right);
    return r ? r : strcmp(left->name, right->name);
}

void service_renames_pair(struct service_content_vec *gone, struct service_content_vec *come,
                          struct service_rename_vec *ret_renames)
{
    assert(gone);
    assert(come);
    assert(ret_renames);
    if (gone->len == 0 || come->len == 0)
        return;
    vector_sort(gone, compare);
    vector_sort(come, compare);
    size_t g = 0;
    size_t c = 0;
    while (g < gone->len && c < come->len) {
        int order = compare_contents(&gone->items[g], &come->items[c]);
        if (order == 0)
            vector_push(ret_renames, (struct service_rename){gone->items[g].cluster, gone->items[g].name,
                                                             come->items[c].name});
        g += order <= 0;
        c += order >= 0;
    }
}

static void add(struct service_content_vec *contents, const struct service *service)
{
    vector_push(contents, (struct service_content){service->cluster, service->name, service->digest});
}

/* Nearly all are the same object, whose names need not be fetched from memory. */
static int compare_places(const struct service *left, const struct service *right)
{
    if (left == right)
        return 0;
    if (!left || !right)
        return left ? -1 : 1;
    return service_compare(left, right);
}

void service_renames_between(const struct desired *old, const struct desired *next,
                             struct service_rename_vec *ret_renames)
{
    assert(old);
    assert(next);
    struct service_content_vec gone = {0};
    struct service_content_vec come = {0};
    size_t o = 0;
    size_t n = 0;
    while (o < old->services.len || n < next->services.len) {
        const struct service *left = o < old->services.len ? old->services.items[o] : NULL;
        const struct service *right = n < next->services.len ? next->services.items[n] : NULL;
        int order = compare_places(left, right);
        if (left && order < 0 && !left->prune_disabled)
            add(&gone, left);
        else if (right && order > 0)
            add(&come, right);
        o += order <= 0;
        n += order >= 0;
    }
    service_renames_pair(&gone, &come, ret_renames);
    vector_deinit(&gone);
    vector_deinit(&come);
}

const struct service_rename *service_rename_from(const struct service_rename_vec *renames,
                                                 const char *cluster, const char *name)
{
    assert(renames);
    for (size_t i = 0; i < renames->len; i++)
        if (text_equal(renames->items[i].from, name) && text_equal(renames->items[i].cluster, cluster))
            return &renames->items[i];
    return NULL;
}

const struct service_rename *service_rename_to(const struct service_rename_vec *renames, const char *cluster,
                                               const char *name)
{
    assert(renames);
    for (size_t i = 0; i < renames->len; i++)
        if (text_equal(renames->items[i].to, name) && text_equal(renames->items[i].cluster, cluster))
            return &renames->items[i];
    return NULL;
}
