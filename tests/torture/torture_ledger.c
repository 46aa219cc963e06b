/* Whatever moment the disk fails at: no crash, the ledger on it stays readable, the error has the cause, and
 * the next save works once there is room again.
 *
 * torture-ledger calls: the n-th call that changes a file fails, for every n until all of them were let
 * through. torture-ledger disk: a real disk (tmpfs) with room for n pages, for every n until that is enough
 * (needs root). */
#include "../unit/history/fixture.h"
#include "shim.h"
#include "unit.h"

#include "base/digest.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define SERVICE     "prod/web"
#define NOISE_BYTES 20000
#define CALLS_MAX   5000
#define PAGES_MAX   500
#define DISK_SIZE   "size=8m"
#define SKIPPED     77

/* What became of the save in the child. */
enum {
    CHILD_UNHARMED = 40, /* nothing was in its way */
    CHILD_DONE,          /* saved all the same */
    CHILD_FAILED,        /* with an error that tells why */
    CHILD_SILENT,        /* with one that does not */
    CHILD_NOT_MENDED,    /* and failed again when nothing was in its way any more */
};

/* --- what is done while the disk fails ------------------------------------------------------------------ */

/* What is done while the disk fails. */
struct torture {
    enum shim_fault fault; /* calls only */
    bool large;            /* entries that need several pages however they are compressed */
    bool tidy;             /* packs and trims whenever it can */
    bool go_on;            /* calls only: saves again with the handle that saw the failure */
};

static int save(struct fixture *f, const struct torture *torture, int n, struct error *err)
{
    if (!torture->large)
        return fixture_save(f, SERVICE, n, err);
    char *noise CLEANUP_FREE = memory_alloc(NOISE_BYTES + 1);
    struct id_source ids = {.seed = (uint64_t)n};
    for (size_t i = 0; i < NOISE_BYTES; i++)
        noise[i] = (char)('0' + id_draw_number(&ids) % 64);
    noise[NOISE_BYTES] = '\0';
    struct ledger_change change = fixture_change(
        LEDGER_SERVICE, SERVICE, json_pack("{s:i, s:s}", "n", n, "noise", noise), "prod/web: noise");
    int status = fixture_save_change(f, &change, n * 1000LL, err);
    json_decref(change.entry);
    return status;
}

/* With a new handle, as after a start. Tidies as the daemon does: the error is nobody's, the save counts. */
static int open_and_save(struct fixture *f, const struct torture *torture, int n, bool *ret_tidied,
                         struct error *err)
{
    *ret_tidied = true;
    f->options.pack_threshold = torture->tidy ? 1 : 0;
    f->options.retention = torture->tidy ? 2 : 0;
    f->history = NULL; /* the parent's own */
    int status = history_open(&f->options, &f->history, err);
    if (status == 0)
        status = save(f, torture, n, err);
    if (status == 0 && torture->tidy)
        *ret_tidied = (status = fixture_tidy(f, err)) == 0;
    return status;
}

/* The place and the cause are for the person who has to free it. */
static bool tells(const struct error *err)
{
    static const char *const causes[] = {"No space left", "Input/output error", "disk full", "damaged"};
    for (size_t i = 0; i < ARRAY_LEN(causes); i++)
        if (strstr(err->message, causes[i]))
            return strstr(err->message, "history") != NULL;
    return false;
}

static int wait_for_child(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status))
        fail_msg("killed by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

static int outcome(int status, bool harmed, const struct error *err)
{
    if (status == 0)
        return harmed ? CHILD_DONE : CHILD_UNHARMED;
    if (!tells(err))
        fprintf(stderr, "the error does not tell: %s\n", err->message);
    return tells(err) ? CHILD_FAILED : CHILD_SILENT;
}

/* The ledger as a reader finds it: whole, and as it was before or after the save. */
static int read_ledger(struct fixture *f, int before, int after)
{
    struct history_report report = {0};
    f->options.read_only = true;
    fixture_reopen(f);
    int n = fixture_load(f, SERVICE, &report);
    assert_string_equal(report.text, "");
    assert_in_range(n, before, after);
    history_free(TAKE(f->history));
    f->options.read_only = false;
    return n;
}

static void check_repository(const struct fixture *f)
{
    free(fixture_run(f, "git fsck --strict --no-dangling"));
}

/* --- calls that fail ------------------------------------------------------------------------------------ */

static int save_in_child(struct fixture *f, const struct torture *torture, long call, int n)
{
    pid_t child = fork();
    if (child != 0)
        return wait_for_child(child);
    struct error err = ERROR_INIT;
    bool tidied;
    shim_arm(torture->fault, call);
    int status = open_and_save(f, torture, n, &tidied, &err);
    int result = outcome(status, shim_disarm(), &err);
    if (torture->go_on && status < 0 && f->history && save(f, torture, n, &err) < 0) {
        fprintf(stderr, "does not go on: %s\n", err.message);
        result = CHILD_NOT_MENDED;
    }
    _exit(result);
}

static void save_now(struct fixture *f, const struct torture *torture, int n)
{
    struct error err = ERROR_INIT;
    fixture_reopen(f);
    if (save(f, torture, n, &err) < 0)
        fail_msg("the next save: %s", error_text(&err));
    history_free(TAKE(f->history));
    assert_int_equal(read_ledger(f, n, n), n);
}

/* Returns how many calls there were. */
static long fail_every_call(struct fixture *f, const struct torture *torture)
{
    int last = 1;
    save_now(f, torture, last);
    for (long call = 1; call < CALLS_MAX; call++) {
        int result = save_in_child(f, torture, call, last + 1);
        if (result > CHILD_FAILED || result < CHILD_UNHARMED)
            fail_msg("call %ld: outcome %d", call, result);
        bool certain = result != CHILD_FAILED || torture->go_on;
        last = read_ledger(f, certain ? last + 1 : last, last + 1);
        if (result == CHILD_UNHARMED)
            return call - 1;
        save_now(f, torture, ++last);
    }
    fail_msg("no end");
    return 0;
}

static void test_every_call(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < 8; i++) {
        struct torture torture = {.fault = i & 1 ? SHIM_FULL : SHIM_ONCE, .go_on = i & 2, .tidy = i & 4};
        long calls = fail_every_call(f, &torture);
        print_message("%s, save%s, %s: %ld calls\n", i & 1 ? "full" : "once", torture.tidy ? " and tidy" : "",
                      torture.go_on ? "same handle" : "new handle", calls);
        assert_true(calls > 10);
        check_repository(f);
    }
}

/* The directory itself cannot be made. */
static void test_every_call_of_the_first_start(void **state)
{
    struct fixture *f = *state;
    const struct torture torture = {.fault = SHIM_FULL};
    int result = CHILD_FAILED;
    long call = 0;
    while (result != CHILD_UNHARMED && ++call < CALLS_MAX) {
        snprintf(f->repo, sizeof f->repo, "%s/new-%ld.git", f->dir, call);
        result = save_in_child(f, &torture, call, 1);
        if (result > CHILD_FAILED || result < CHILD_UNHARMED)
            fail_msg("call %ld: outcome %d", call, result);
        save_now(f, &torture, 2);
        check_repository(f);
    }
    print_message("first start: %ld calls\n", call - 1);
    assert_true(call > 20);
}

/* --- a disk that is full -------------------------------------------------------------------------------- */

static int disk_setup(void **state)
{
    fixture_setup(state);
    struct fixture *f = *state;
    history_free(TAKE(f->history));
    char *disk CLEANUP_FREE = memory_printf("%s/disk", f->dir);
    assert_int_equal(mkdir(disk, 0700), 0);
    assert_int_equal(mount("tmpfs", disk, "tmpfs", 0, DISK_SIZE), 0);
    snprintf(f->repo, sizeof f->repo, "%s/mirror.git", disk);
    return 0;
}

static int disk_teardown(void **state)
{
    struct fixture *f = *state;
    char *disk CLEANUP_FREE = memory_printf("%s/disk", f->dir);
    history_free(TAKE(f->history));
    umount2(disk, MNT_DETACH);
    return fixture_teardown(state);
}

/* Leaves room for so many pages. */
static void fill(const struct fixture *f, unsigned pages)
{
    char *path CLEANUP_FREE = memory_printf("%s/disk/filler", f->dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct statvfs disk;
    assert_true(fd >= 0 && fstatvfs(fd, &disk) == 0);
    assert_true(disk.f_bavail > pages);
    assert_int_equal(posix_fallocate(fd, 0, (off_t)((disk.f_bavail - pages) * disk.f_bsize)), 0);
    close(fd);
}

static void empty(const struct fixture *f)
{
    char *path CLEANUP_FREE = memory_printf("%s/disk/filler", f->dir);
    assert_int_equal(unlink(path), 0);
}

static int save_on_full_disk(struct fixture *f, const struct torture *torture, int n)
{
    pid_t child = fork();
    if (child != 0)
        return wait_for_child(child);
    struct error err = ERROR_INIT;
    bool tidied;
    int status = open_and_save(f, torture, n, &tidied, &err);
    _exit(outcome(status, !tidied, &err));
}

static void fill_every_page(struct fixture *f, const struct torture *torture)
{
    int last = 1;
    save_now(f, torture, last);
    for (unsigned pages = 0; pages < PAGES_MAX; pages++) {
        fill(f, pages);
        int result = save_on_full_disk(f, torture, last + 1);
        if (result < CHILD_UNHARMED || result > CHILD_FAILED)
            fail_msg("%u pages: outcome %d", pages, result);
        last = read_ledger(f, result == CHILD_FAILED ? last : last + 1, last + 1);
        empty(f);
        save_now(f, torture, ++last);
        check_repository(f);
        if (result == CHILD_UNHARMED) {
            print_message("a save%s needs %u pages\n", torture->tidy ? " with tidying" : "", pages);
            assert_true(pages > 2);
            return;
        }
    }
    fail_msg("no end");
}

static void test_full_disk(void **state)
{
    fill_every_page(*state, &(struct torture){0});
}

static void test_full_disk_and_large_entries(void **state)
{
    fill_every_page(*state, &(struct torture){.large = true});
}

static void test_full_disk_while_tidying(void **state)
{
    fill_every_page(*state, &(struct torture){.large = true, .tidy = true});
}

/* What was freed is kept for a while to find its late users, and copied by every fork: less of it will do. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=8";
}

int main(int argc, char **argv)
{
    const struct CMUnitTest calls[] = {
        cmocka_unit_test_setup_teardown(test_every_call, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_every_call_of_the_first_start, fixture_setup, fixture_teardown),
    };
    const struct CMUnitTest disk[] = {
        cmocka_unit_test_setup_teardown(test_full_disk, disk_setup, disk_teardown),
        cmocka_unit_test_setup_teardown(test_full_disk_and_large_entries, disk_setup, disk_teardown),
        cmocka_unit_test_setup_teardown(test_full_disk_while_tidying, disk_setup, disk_teardown),
    };
    git_libgit2_init(); /* once for all: its start costs more than a save */
    if (argc == 2 && text_equal(argv[1], "calls"))
        return cmocka_run_group_tests(calls, NULL, NULL);
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
        printf("a mount namespace of its own: %s\n", strerror(errno));
        return SKIPPED;
    }
    return cmocka_run_group_tests(disk, NULL, NULL);
}
