#include "model/service_rename.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

/* "cluster/name content", parted by commas; an upper case content has davit.prune disabled. */
static struct desired *desired_of(const char *text)
{
    struct desired *desired = desired_new();
    char *copy CLEANUP_FREE = memory_strdup(text);
    char *rest = NULL;
    for (char *one = strtok_r(copy, ",", &rest); one; one = strtok_r(NULL, ",", &rest)) {
        char *name = strchr(one, '/');
        char *content = strchr(one, ' ');
        assert_true(name && content);
        *name++ = *content++ = '\0';
        struct service *service = NEW(struct service);
        *service = (struct service){.refs = 1,
                                    .cluster = memory_strdup(one),
                                    .name = memory_strdup(name),
                                    .digest = digest_of_bytes(content, 1),
                                    .prune_disabled = *content < 'a'};
        vector_push(&desired->services, service);
    }
    desired_seal(desired);
    return desired;
}

static void test_pairs(void **state)
{
    (void)state;
    static const struct {
        const char *old, *next, *renames;
    } rows[] = {
        {"c/web x", "c/shop x", "web>shop "},
        {"c/web x", "c/shop y", ""},
        {"c/web x", "d/shop x", ""},
        {"c/web x", "c/web x,c/shop x", ""},
        {"c/web x,c/shop y", "c/web y,c/shop x", ""}, /* both are there: they swap their contents */
        {"c/web X", "c/shop X", ""},                  /* it stays */
        {"c/b x,c/a x,c/d y", "c/z x,c/y x,c/e y", "a>y b>z d>e "},
        {"c/a x,c/b x,c/m x", "c/m x,c/z x", "a>z "},
        {"c/a x", "c/y x,c/z x", "a>y "},
        {"", "c/web x", ""},
        {"c/web x", "", ""},
        {"c/a x,d/a x", "c/b x,d/b x", "a>b a>b "},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct desired *old CLEANUP(desired_unrefp) = desired_of(rows[i].old);
        struct desired *next CLEANUP(desired_unrefp) = desired_of(rows[i].next);
        struct service_rename_vec renames = {0};
        service_renames_between(old, next, &renames);
        char *text = memory_strdup("");
        for (size_t r = 0; r < renames.len; r++) {
            const struct service_rename *rename = &renames.items[r];
            char *longer = memory_printf("%s%s>%s ", text, rename->from, rename->to);
            free(text);
            text = longer;
            assert_ptr_equal(service_rename_from(&renames, rename->cluster, rename->from), rename);
            assert_ptr_equal(service_rename_to(&renames, rename->cluster, rename->to), rename);
            assert_null(service_rename_from(&renames, "e", rename->from));
            assert_null(service_rename_to(&renames, "e", rename->to));
        }
        assert_string_equal(text, rows[i].renames);
        free(text);
        vector_deinit(&renames);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pairs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
