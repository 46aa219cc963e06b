#include "fixture.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void test_what_is_saved_is_loaded(void **state)
{
    struct fixture *f = *state;
    struct ledger_change items[] = {
        fixture_change(LEDGER_SERVICE, "prod/web", json_pack("{s:i}", "n", 1), "prod/web: COMPLETED"),
        fixture_change(LEDGER_FAMILY, "web", json_pack("{s:i}", "n", 2), "web: revision 2"),
        fixture_change(LEDGER_SOURCE, "main", json_pack("{s:i}", "n", 3), NULL),
        fixture_change(LEDGER_SERVICE, "prod/web", json_pack("{s:i}", "n", 4), "prod/web: again"),
    };
    struct ledger_change_vec changes = {.items = items, .len = 4};
    assert_int_equal(history_save(f->history, &changes, 1700000000000, NULL), 0);
    fixture_reopen(f);
    struct history_report report;
    assert_int_equal(fixture_load(f, "prod/web", &report), 4);
    assert_int_equal(fixture_count(f), 3);
    assert_string_equal(report.text, "");
    for (size_t i = 0; i < 4; i++) {
        json_decref(items[i].entry);
        items[i].entry = NULL;
    }
    changes.len = 1;
    assert_int_equal(history_save(f->history, &changes, 1700000001000, NULL), 0);
    assert_int_equal(fixture_load(f, "prod/web", NULL), -1);
    assert_int_equal(fixture_count(f), 2);
}

/* One commit takes the entry from the one name to the other; the last word on a name counts. */
static void test_a_new_name(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_save(f, "prod/web", 1, NULL), 0);
    struct ledger_change items[] = {
        fixture_change(LEDGER_SERVICE, "prod/web", json_pack("{s:i}", "n", 2), "prod/web: COMPLETED"),
        fixture_change(LEDGER_SERVICE, "prod/shop", json_pack("{s:i}", "n", 3),
                       "prod/shop: renamed from web"),
        fixture_change(LEDGER_SERVICE, "prod/web", json_pack("{s:i}", "n", 4), "prod/web: anew"),
    };
    char former[] = "prod/web";
    items[1].former = former;
    struct ledger_change_vec changes = {.items = items, .len = 2};
    assert_int_equal(history_save(f->history, &changes, 1700000000000, NULL), 0);
    assert_int_equal(fixture_load(f, "prod/web", NULL), -1);
    assert_int_equal(fixture_load(f, "prod/shop", NULL), 3);
    changes.len = 3;
    assert_int_equal(history_save(f->history, &changes, 1700000001000, NULL), 0);
    assert_int_equal(fixture_load(f, "prod/web", NULL), 4);
    assert_int_equal(fixture_load(f, "prod/shop", NULL), 3);
    char bad[] = "no such name";
    items[1].former = bad;
    assert_int_equal(history_save(f->history, &changes, 1700000002000, NULL), ERROR_INVALID);
    for (size_t i = 0; i < 3; i++)
        json_decref(items[i].entry);
}

static void test_git_shows_the_history_of_deployments(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_save(f, "prod/web", 1, NULL), 0);
    assert_int_equal(fixture_save(f, "prod/web", 2, NULL), 0);
    assert_int_equal(fixture_save(f, "prod/web", 2, NULL), 0); /* nothing new, no commit */
    struct ledger_change items[] = {
        fixture_change(LEDGER_SERVICE, "prod/db", json_object(), "prod/db: \033[31mred\nline"),
        fixture_change(LEDGER_SERVICE, "prod/web", NULL, NULL),
        fixture_change(LEDGER_FAMILY, "db", json_object(), "db: revision 1")};
    struct ledger_change_vec changes = {.items = items, .len = 3};
    assert_int_equal(history_save(f->history, &changes, 1700000003000, NULL), 0);
    json_decref(items[0].entry);
    json_decref(items[2].entry);
    char *log = fixture_run(f, "git log --format='%%ad %%an <%%ae> %%B' --date=unix refs/davit/state");
    assert_string_equal(log, "1700000003 davit <davit@localhost> 3 changes: prod/db, prod/web and 1 more\n\n"
                             "prod/db:  [31mred line\nprod/web: removed\ndb: revision 1\n\n"
                             "1700000002 davit <davit@localhost> prod/web: deployment 2 COMPLETED\n\n"
                             "1700000001 davit <davit@localhost> prod/web: deployment 1 COMPLETED\n\n");
    free(log);
    char *diff = fixture_run(f, "git diff refs/davit/state~2 refs/davit/state~1 | grep '^[-+] '");
    assert_string_equal(diff, "-  \"n\": 1,\n+  \"n\": 2,\n");
    free(diff);
    free(fixture_run(f, "git fsck --strict --no-dangling"));
}

struct seen {
    size_t count;
    char first[128];
};

static int on_log(void *data, const struct history_log_entry *entry)
{
    struct seen *seen = data;
    if (seen->count++ == 0)
        snprintf(seen->first, sizeof seen->first, "%s", entry->message);
    return 0;
}

static void test_log_of_a_service(void **state)
{
    struct fixture *f = *state;
    for (int n = 1; n <= 5; n++) {
        assert_int_equal(fixture_save(f, "prod/web", n, NULL), 0);
        assert_int_equal(fixture_save(f, "prod/db", n, NULL), 0);
    }
    struct seen seen = {0};
    struct history_log_query query = {.on_entry = on_log, .data = &seen};
    assert_int_equal(history_log(f->history, &query, NULL), 0);
    assert_int_equal(seen.count, 10);
    seen = (struct seen){0};
    query.service = "prod/web";
    query.limit = 3;
    assert_int_equal(history_log(f->history, &query, NULL), 0);
    assert_int_equal(seen.count, 3);
    assert_string_equal(seen.first, "prod/web: deployment 5 COMPLETED\n");
    query.limit = 0;
    seen = (struct seen){0};
    assert_int_equal(history_log(f->history, &query, NULL), 0);
    assert_int_equal(seen.count, 5);
    query.service = "../etc";
    assert_int_equal(history_log(f->history, &query, NULL), ERROR_INVALID);
}

static void test_bad_names_and_large_entries_change_nothing(void **state)
{
    struct fixture *f = *state;
    struct error err = ERROR_INIT;
    assert_int_equal(fixture_save(f, "prod/web", 1, NULL), 0);
    assert_int_equal(fixture_save(f, "prod/../web", 2, &err), ERROR_INVALID);
    char *large = memory_alloc(LIMIT_LEDGER_ENTRY_BYTES + 1);
    memset(large, 'x', LIMIT_LEDGER_ENTRY_BYTES);
    large[LIMIT_LEDGER_ENTRY_BYTES] = '\0';
    struct ledger_change change =
        fixture_change(LEDGER_SERVICE, "prod/web", json_pack("{s:s}", "x", large), "large");
    struct ledger_change_vec changes = {.items = &change, .len = 1};
    assert_int_equal(history_save(f->history, &changes, 0, &err), ERROR_LIMIT);
    assert_non_null(strstr(err.message, "LIMIT_LEDGER_ENTRY_BYTES"));
    json_decref(change.entry);
    free(large);
    fixture_reopen(f);
    assert_int_equal(fixture_load(f, "prod/web", NULL), 1);
}

static void test_a_ref_moved_by_another_is_a_conflict(void **state)
{
    struct fixture *f = *state;
    struct error err = ERROR_INIT;
    assert_int_equal(fixture_save(f, "prod/web", 1, NULL), 0);
    assert_int_equal(fixture_save(f, "prod/web", 2, NULL), 0);
    free(fixture_run(f, "git update-ref refs/davit/state refs/davit/state~1"));
    assert_int_equal(fixture_save(f, "prod/web", 3, &err), ERROR_CONFLICT);
    fixture_reopen(f);
    assert_int_equal(fixture_load(f, "prod/web", NULL), 1);
    assert_int_equal(fixture_save(f, "prod/web", 3, NULL), 0);
    free(fixture_run(f, "git pack-refs --all"));
    assert_int_equal(fixture_save(f, "prod/web", 4, &err), 0);
    assert_int_equal(fixture_load(f, "prod/web", NULL), 4);
}

/* The ref has moved, and its directory cannot be synced: it cannot even be opened. */
static void test_a_save_that_was_not_synced_is_saved_again(void **state)
{
    struct fixture *f = *state;
    struct error err = ERROR_INIT;
    if (geteuid() == 0) {
        print_message("skipped: root may open a directory that is closed to everybody\n");
        skip();
    }
    assert_int_equal(fixture_save(f, "prod/web", 1, NULL), 0);
    free(fixture_run(f, "chmod 0300 refs/davit"));
    assert_int_equal(fixture_save(f, "prod/web", 2, &err), ERROR_IO);
    assert_int_equal(fixture_save(f, "prod/web", 2, &err), ERROR_IO);
    free(fixture_run(f, "chmod 0700 refs/davit"));
    assert_int_equal(fixture_save(f, "prod/web", 2, NULL), 0);
    fixture_reopen(f);
    assert_int_equal(fixture_load(f, "prod/web", NULL), 2);
}

static void test_a_reader_makes_nothing_and_saves_nothing(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_save(f, "prod/web", 1, NULL), 0);
    f->options.read_only = true;
    fixture_reopen(f);
    assert_int_equal(fixture_load(f, "prod/web", NULL), 1);
    assert_int_equal(fixture_save(f, "prod/web", 2, NULL), ERROR_DENIED);
    struct history_options nowhere = {.path = "/tmp/davit-history-nowhere", .read_only = true};
    struct history *history = NULL;
    assert_int_equal(history_open(&nowhere, &history, NULL), ERROR_NOT_FOUND);
}

static void test_a_newer_layout_is_refused(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_save(f, "prod/web", 1, NULL), 0);
    free(fixture_run(f, "B=$(echo 2 | git hash-object -w --stdin) && "
                        "T=$(printf '100644 blob %%s\\tformat\\n' $B | git mktree) && "
                        "C=$(git -c user.name=x -c user.email=x commit-tree -m x $T) && "
                        "git update-ref refs/davit/state $C"));
    struct history *history = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(history_open(&f->options, &history, &err), ERROR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "format 2"));
}

static struct ledger_change_vec make_many(int many)
{
    struct ledger_change_vec changes = {0};
    for (int i = 0; i < many; i++)
        vector_push(&changes, (struct ledger_change){.kind = LEDGER_SERVICE,
                                                     .name = memory_printf("cluster-%d/service-%d", i % 8, i),
                                                     .entry = json_pack("{s:i}", "n", i),
                                                     .message = memory_strdup("first")});
    return changes;
}

static void free_many(struct ledger_change_vec *changes)
{
    for (size_t i = 0; i < changes->len; i++) {
        free(changes->items[i].name);
        free(changes->items[i].message);
        json_decref(changes->items[i].entry);
    }
    vector_deinit(changes);
}

/* A loose object of the same content may be there: whole, as a save that failed leaves it, or cut short. */
static void test_a_save_is_one_pack_and_mends_what_it_needs(void **state)
{
    struct fixture *f = *state;
    struct ledger_change_vec changes = make_many(300);
    free(fixture_run(f, "printf '{\\n  \"n\": 7\\n}\\n' | git hash-object -w --stdin && "
                        "O=$(printf '{\\n  \"n\": 8\\n}\\n' | git hash-object -w --stdin) && "
                        "F=objects/$(echo $O | cut -c1-2)/$(echo $O | cut -c3-) && chmod u+w $F && : > $F"));
    assert_int_equal(history_save(f->history, &changes, 1700000000000, NULL), 0);
    free_many(&changes);
    free(fixture_run(f,
                     "test $(ls objects/pack/*.pack | wc -l) = 1 && test -z \"$(ls objects/pack-davit)\" && "
                     "git count-objects | grep '^1 ' && git fsck --strict --no-dangling"));
    assert_int_equal(fixture_load(f, "cluster-0/service-8", NULL), 8);
    fixture_reopen(f);
    assert_int_equal(fixture_load(f, "cluster-7/service-7", NULL), 7);
    assert_int_equal(fixture_count(f), 300);
}

static long object_bytes(const struct fixture *f)
{
    char *out = fixture_run(f, "find objects -type f -printf '%%s\\n' | awk '{s+=$1} END {print s+0}'");
    long bytes = strtol(out, NULL, 10);
    free(out);
    return bytes;
}

/* One commit of many services, one of them changed: what that writes does not grow with their number. */
static void test_one_change_among_many_writes_kilobytes(void **state)
{
    struct fixture *f = *state;
    int many = unit_rounds(5000, 1000);
    struct ledger_change_vec changes = make_many(many);
    assert_int_equal(history_save(f->history, &changes, 1700000000000, NULL), 0);
    free_many(&changes);
    fixture_reopen(f);
    assert_int_equal(fixture_count(f), many);
    long before = object_bytes(f);
    assert_int_equal(fixture_save(f, "cluster-1/service-1", 77, NULL), 0);
    long written = object_bytes(f) - before;
    print_message("one change among %d services: %ld bytes of objects\n", many, written);
    assert_in_range(written, 1, 16384);
    free(fixture_run(f, "git fsck --strict --no-dangling"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_saved_is_loaded),
        TEST(test_a_new_name),
        TEST(test_git_shows_the_history_of_deployments),
        TEST(test_log_of_a_service),
        TEST(test_bad_names_and_large_entries_change_nothing),
        TEST(test_a_ref_moved_by_another_is_a_conflict),
        TEST(test_a_save_that_was_not_synced_is_saved_again),
        TEST(test_a_reader_makes_nothing_and_saves_nothing),
        TEST(test_a_newer_layout_is_refused),
        TEST(test_a_save_is_one_pack_and_mends_what_it_needs),
        TEST(test_one_change_among_many_writes_kilobytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
