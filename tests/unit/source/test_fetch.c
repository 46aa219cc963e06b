/* This program is its own fetch helper: source_new() is given its path. */
#include "fixture.h"

#include "base/memory.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* By its name: /proc/self/exe is valgrind under valgrind. */
static const char *this_program(void)
{
    static char path[4096];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    assert_true(len > 0);
    path[len] = '\0';
    return path;
}

static void set_url(struct fixture *f, char *url)
{
    free(f->origin);
    f->origin = url;
    f->options.origin = url;
    f->options.executable = this_program();
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* of the helper: libgit2 1.5 loses match data of pcre2 */
}

static void use_file_url(struct fixture *f)
{
    set_url(f, memory_printf("file://%s/repo", f->dir));
    f->options.poll_ms = 50;
}

/* Of a repository with one commit. */
static void start_at_one(struct fixture *f)
{
    fixture_repository(f);
    use_file_url(f);
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    fixture_await_ok(f);
}

static void test_file_url_is_fetched_and_polled(void **state)
{
    struct fixture *f = *state;
    start_at_one(f);
    assert_string_equal(source_get_status(f->source)->branch, "main");
    assert_int_equal(source_get_status(f->source)->kind, SOURCE_REMOTE);
    fixture_sh(
        f,
        "cd repo; printf two >web.yaml; git commit -qam second; printf 3 >web.yaml; git commit -qam third");
    fixture_await_head(f, "web.yaml=3;");
    fixture_sh(f, "cd repo; printf four >web.yaml; git commit -q --amend -am fourth");
    fixture_await_head(f, "web.yaml=four;");
    assert_true(fixture_last(f)->rewritten);
}

/* The remote's HEAD: to a branch with the same commit, and to one that lacks it. */
static void test_another_branch_is_no_rewrite(void **state)
{
    struct fixture *f = *state;
    start_at_one(f);
    const struct source_status *status = source_get_status(f->source);
    assert_null(status->move.from);
    fixture_sh(f, "cd repo; git checkout -qb trunk");
    for (int i = 0; i < 200 && !status->move.from; i++)
        fixture_idle(f, 50);
    assert_string_equal(status->move.from, "main");
    assert_string_equal(status->branch, "trunk");
    assert_string_equal(status->rewrite.from, "");
    fixture_sh(f, "cd repo; git checkout -q --orphan other; printf two >web.yaml; git commit -qam other");
    fixture_await_head(f, "web.yaml=two;");
    assert_string_equal(status->move.from, "trunk");
    assert_string_equal(status->branch, "other");
    assert_true(status->rewrite.moved);
    fixture_sh(f, "cd repo; printf three >web.yaml; git commit -q --amend -am amended");
    fixture_await_head(f, "web.yaml=three;");
    assert_false(status->rewrite.moved);
}

/* The commits are there: that the remote is gone holds nobody back, and nobody is told that it is well. */
static void test_new_roots_need_no_fetch(void **state)
{
    struct fixture *f = *state;
    char *root = (char *)"a.conf";
    const struct string_vec roots = {&root, 1, 1};
    fixture_repository(f);
    fixture_sh(f, "cd repo; printf a >a.conf; git add .; git commit -qm second");
    use_file_url(f);
    f->options.poll_ms = 3600000;
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    fixture_await_ok(f);
    fixture_sh(f, "mv repo away");
    source_set_roots(f->source, &(struct source_question){&roots, 1, NULL});
    fixture_await_head(f, "a.conf:1;web.yaml=one;");
    source_poke(f->source); /* while that look is under way: it is not forgotten */
    assert_int_equal(source_get_status(f->source)->asked, 1);
    assert_int_equal(source_get_status(f->source)->answered, 0); /* a look at the mirror is no answer */
    fixture_await_error(f, "cannot connect");
    assert_int_equal(source_get_status(f->source)->answered, 1);
    fixture_forget(f);
    source_set_roots(f->source, &(struct source_question){&roots, 2, NULL});
    fixture_await_head(f, "a.conf:1;web.yaml=one;");
    fixture_sh(f, "mv away repo");
    source_poke(f->source);
    fixture_await_ok(f);
    assert_int_equal(f->errors.len, 1);
}

/* What an earlier life fetched goes on, as it would have without the restart; and the outage is told. */
static void test_a_start_while_the_remote_is_away(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    use_file_url(f);
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    char *since CLEANUP_FREE = memory_strdup(fixture_last(f)->commit.oid);
    fixture_stop(f);
    fixture_forget(f);
    fixture_sh(f, "mv repo away");
    f->options.since = since;
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    fixture_await_error(f, "cannot connect");
    assert_true(fixture_last(f)->full && !fixture_last(f)->rewritten);
    fixture_idle(f, 300);
    assert_int_equal(f->seen.len, 1);
    fixture_sh(f, "mv away repo; cd repo; printf two >web.yaml; git commit -qam second");
    fixture_await_head(f, "web.yaml=two;");
    fixture_await_ok(f);
    assert_false(fixture_last(f)->full || fixture_last(f)->rewritten);
    assert_int_equal(f->seen.len, 2);
}

/* It may be that another branch is wanted now. */
static void test_a_start_while_the_branch_is_away(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    use_file_url(f);
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    fixture_stop(f);
    fixture_forget(f);
    f->options.branch = "production";
    fixture_start(f);
    fixture_await_error(f, "has no branch refs/heads/production");
    assert_int_equal(f->seen.len, 0);
}

static void test_branch_of_a_remote(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    use_file_url(f);
    f->options.branch = "live";
    fixture_sh(f, "git -C repo branch live-next");
    fixture_start(f);
    fixture_await_error(f, "the remote has no branch refs/heads/live");
    fixture_sh(
        f,
        "cd repo; git checkout -qb live; printf two >web.yaml; git commit -qam second; git checkout -q main");
    fixture_await_head(f, "web.yaml=two;");
    fixture_await_ok(f);
    fixture_sh(f, "mv repo away");
    fixture_await_error(f, "cannot connect");
    fixture_sh(f, "mv away repo; cd repo; git checkout -q live; printf 3 >web.yaml; git commit -qam third");
    source_poke(f->source);
    fixture_await_head(f, "web.yaml=3;");
}

/* Nobody is asked, no key is guessed, no host is believed, and nothing lasts for ever. */
static void test_what_ssh_is_told(void **state)
{
    struct fixture *f = *state;
    char *path CLEANUP_FREE = memory_strdup(getenv("PATH"));
    char *fake CLEANUP_FREE = memory_printf("%s/bin:%s", f->dir, path);
    const struct source_access access = {.key_file = memory_printf("%s/key", f->dir),
                                         .known_hosts_file = memory_printf("%s/known hosts", f->dir)};
    char *expected CLEANUP_FREE = memory_printf(
        "-o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=20 -o ServerAliveInterval=15 -o "
        "ClearAllForwardings=yes -o UserKnownHostsFile=\"%s\" -o GlobalKnownHostsFile=/dev/null -o "
        "IdentitiesOnly=yes -i %s -p 2222 -- git@h git-upload-pack '/x'",
        access.known_hosts_file, access.key_file);
    fixture_sh(
        f,
        "touch key 'known hosts'; chmod 600 key; mkdir bin; printf '#!/bin/sh\\necho \"$@\" >%s/told\\n' "
        ">bin/ssh; chmod +x bin/ssh",
        f->dir);
    setenv("PATH", fake, 1);
    set_url(f, memory_strdup("ssh://git@h:2222/x"));
    f->options.access = &access;
    fixture_start(f);
    fixture_await_error(f, "ssh: it ended without a word");
    setenv("PATH", path, 1);
    fixture_sh(f, "cat >expected <<'END'\n%s\nEND\ndiff expected told", expected);
    fixture_stop(f);
    f->options.access = NULL;
    free(access.key_file);
    free(access.known_hosts_file);
}

static void test_empty_remote(void **state)
{
    struct fixture *f = *state;
    fixture_sh(f, "git init -q -b main repo");
    use_file_url(f);
    fixture_start(f);
    fixture_await_error(f, "the remote is empty");
    assert_int_equal(f->seen.len, 0);
}

static void test_broken_mirror_of_a_remote(void **state)
{
    static const char *const damages[] = {"for o in $(find objects -type f); do : >$o; done",
                                          "printf '[[[' >config", "head -c 300 /dev/urandom >config",
                                          "head -c 300 /dev/urandom >packed-refs"};
    struct fixture *f = *state;
    fixture_repository(f);
    use_file_url(f);
    for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
        fixture_start(f);
        fixture_await_head(f, "web.yaml=one;");
        fixture_await_ok(f);
        fixture_stop(f);
        fixture_forget(f);
        fixture_sh(f, "cd state/a/mirror.git; chmod -R u+w .; %s", damages[i]);
        fixture_start(f);
        fixture_await_head(f, "web.yaml=one;");
        fixture_await_ok(f);
        fixture_stop(f);
        fixture_forget(f);
    }
}

/* In the middle of a life, and with a commit that is new. */
static void test_a_mirror_breaks_while_running(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    use_file_url(f);
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    fixture_sh(f, "cd state/a/mirror.git; echo '[[[' >config; cd ../../../repo; printf two >web.yaml; "
                  "git commit -qam second");
    fixture_await_head(f, "web.yaml=two;");
    fixture_await_ok(f);
    assert_false(fixture_last(f)->rewritten);
}

static void test_too_large_a_fetch(void **state)
{
    struct fixture *f = *state;
    fixture_sh(f,
               "git init -q -b main repo; cd repo; head -c 3000000 /dev/urandom >noise; printf 1 >web.yaml; "
               "git add .; git commit -qm first");
    use_file_url(f);
    f->options.fetch_bytes = 100000;
    fixture_start(f);
    fixture_await_error(f, "LIMIT_FETCH_BYTES");
    assert_int_equal(f->seen.len, 0);
    fixture_sh(f, "cd repo; oid=$(git rev-parse HEAD:noise); rm -f .git/objects/$(echo $oid | cut -c1-2)/*");
    source_poke(f->source);
    for (int i = 0; i < 600 && source_get_status(f->source)->failures < 2; i++)
        fixture_idle(f, 100);
    fixture_await_error(f, "LIMIT_FETCH_BYTES"); /* it was not asked for again */
}

#define ODD                                                                                                  \
    "{ printf 'tree %%s\\nparent %%s\\nauthor A\\ncommitter B\\n\\nodd\\n' $(git write-tree) "               \
    "$(git rev-parse HEAD); } >../odd; git reset -q $(git hash-object -t commit --literally -w ../odd); "

/* Of the branch, and of another one. */
static void test_malformed_commits_are_fetched(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    fixture_sh(f, "cd repo; git switch -qc side; printf s >s.txt; git add .; " ODD "git switch -q main");
    use_file_url(f);
    fixture_start(f);
    fixture_await_head(f, "web.yaml=one;");
    fixture_await_ok(f);
    fixture_sh(f, "cd repo; printf 2 >web.yaml; git add .; " ODD "printf 3 >web.yaml; git commit -qam third");
    fixture_await_head(f, "web.yaml=3;");
    fixture_await_ok(f);
    fixture_sh(f, "cd repo; printf 4 >web.yaml; git commit -qam 4");
    fixture_await_head(f, "web.yaml=4;");
    assert_false(fixture_last(f)->rewritten);
    fixture_sh(f, "git -C state/a/mirror.git fsck --connectivity-only");
}

/* A few KiB on the way, more than memory is there for once they are unpacked. */
static void test_too_large_to_unpack(void **state)
{
    struct fixture *f = *state;
#ifdef __SANITIZE_ADDRESS__
    skip(); /* its allocator ends a process that comes to a limit; test_remote.py tries a release build
             */
#endif
    fixture_sh(f, "git init -q -b main repo; cd repo; printf 1 >web.yaml; git add .; git commit -qm first; "
                  "head -c 300M /dev/zero >zeros; git add .; git commit -qm second");
    use_file_url(f);
    f->options.executable = this_program();
    f->options.fetch_bytes = 1024 * 1024;
    fixture_start(f);
    fixture_await_error(f, "takes more than 257 MiB of memory to unpack");
    fixture_sh(f, "cd repo; git reset -q --hard HEAD~1; printf 2 >web.yaml; git commit -qam third");
    fixture_await_head(f, "web.yaml=2;");
    fixture_await_ok(f);
}

/* A port of this machine that somebody may listen at. */
static int listen_at(int *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

/* Answers each request with a redirect, in a child process that ends with this one. */
static pid_t redirect_from(int fd, const char *location)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    char request[4096];
    while (true) {
        int peer = accept(fd, NULL, NULL);
        if (peer < 0 || read(peer, request, sizeof request) <= 0)
            _exit(1);
        dprintf(peer, "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                location);
        close(peer);
    }
}

/* The password is sent with each request: to the address that is configured, and to no other. */
static void test_a_redirect_to_another_address_is_refused(void **state)
{
    struct fixture *f = *state;
    struct source_access access = {.password_file = memory_printf("%s/password", f->dir)};
    int port;
    int other_port;
    int other = listen_at(&other_port);
    int first = listen_at(&port);
    struct {
        const char *host;
        const char *login;
        const char *said;
    } places[] = {{"127.0.0.1", "", "redirects to http://127.0.0.1:"},
                  {"127.0.0.1", "eve:s3cret@", "redirects to http://***@127.0.0.1:"},
                  {"localhost", "", "cannot redirect from '127.0.0.1' to 'localhost'"}};
    fixture_sh(f, "echo s3cret >password");
    f->options.access = &access;
    set_url(f, memory_printf("http://127.0.0.1:%d/repo.git", port));
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char *location CLEANUP_FREE =
            memory_printf("http://%s%s:%d/repo.git/info/refs?service=git-upload-pack", places[i].login,
                          places[i].host, other_port);
        pid_t server = redirect_from(first, location);
        fixture_start(f);
        fixture_await_error(f, places[i].said);
        fixture_await_error(f, "name that address in source.origin");
        fixture_stop(f);
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
        for (size_t n = 0; n < f->errors.len; n++)
            assert_null(strstr(f->errors.items[n], "s3cret"));
        fixture_forget(f);
    }
    assert_int_equal(poll(&(struct pollfd){.fd = other, .events = POLLIN}, 1, 0), 0); /* nobody came */
    close(first);
    close(other);
    free(access.password_file);
}

/* A repository that has moved within its host. */
static void test_a_redirect_to_another_path_is_followed(void **state)
{
    struct fixture *f = *state;
    int port;
    int fd = listen_at(&port);
    pid_t server = redirect_from(fd, "/moved.git/info/refs?service=git-upload-pack");
    set_url(f, memory_printf("http://127.0.0.1:%d/repo.git", port));
    fixture_start(f);
    fixture_await_error(f, "too many redirects");
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    close(fd);
}

static void test_deadline_kills_and_nothing_is_told_of_the_password(void **state)
{
    struct fixture *f = *state;
    int port;
    int silent = listen_at(&port);
    set_url(f, memory_printf("http://ada:s3cret@127.0.0.1:%d/repo.git", port));
    f->options.fetch_ms = 300;
    fixture_start(f);
    fixture_await_error(f, "longer than 300 ms");
    assert_non_null(strstr(source_get_status(f->source)->origin, "http://***@127.0.0.1"));
    assert_null(strstr(source_get_status(f->source)->origin, "s3cret"));
    fixture_stop(f);
    close(silent);
    fixture_forget(f);
    f->options.fetch_ms = 60000;
    fixture_start(f); /* refused now: libgit2's own text comes through */
    fixture_await_error(f, "cannot connect");
    for (size_t i = 0; i < f->errors.len; i++)
        assert_null(strstr(f->errors.items[i], "s3cret"));
}

/* A byte now and then is no list of branches. */
static void test_a_remote_that_does_not_get_on(void **state)
{
    struct fixture *f = *state;
    int port;
    int fd = listen_at(&port);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const struct timespec moment = {.tv_nsec = 20000000};
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int peer = accept(fd, NULL, NULL);
        signal(SIGPIPE, SIG_DFL);
        dprintf(peer,
                "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\n\r\nfff0");
        while (true) {
            dprintf(peer, "x");
            nanosleep(&moment, NULL);
        }
    }
    set_url(f, memory_printf("http://127.0.0.1:%d/repo.git", port));
    f->options.fetch_stall_ms = 400;
    fixture_start(f);
    fixture_await_error(f, "less than 65536 bytes in 400 ms (fetchStallTimeout)");
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(fd);
}

static void test_free_during_a_fetch_and_without_a_helper(void **state)
{
    struct fixture *f = *state;
    fixture_repository(f);
    use_file_url(f);
    fixture_start(f);
    fixture_stop(f);
    f->options.executable = "/nonexistent/davit";
    fixture_start(f);
    fixture_await_error(f, "cannot start the fetch helper");
    fixture_stop(f);
    f->options.executable = NULL;
    fixture_start(f);
    fixture_await_error(f, "no program is given");
    fixture_stop(f);
    f->options.executable = "/bin/false";
    fixture_start(f);
    fixture_await_error(f, "nothing of use");
}

int main(int argc, char **argv)
{
    if (argc > 1 && text_equal(argv[1], "fetch-helper"))
        return source_fetch_helper_main(argc - 1, argv + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_file_url_is_fetched_and_polled, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_another_branch_is_no_rewrite, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_new_roots_need_no_fetch, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_start_while_the_remote_is_away, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_start_while_the_branch_is_away, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_branch_of_a_remote, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_what_ssh_is_told, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_empty_remote, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_broken_mirror_of_a_remote, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_malformed_commits_are_fetched, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_too_large_to_unpack, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_mirror_breaks_while_running, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_too_large_a_fetch, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_redirect_to_another_address_is_refused, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_redirect_to_another_path_is_followed, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_deadline_kills_and_nothing_is_told_of_the_password,
                                        fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_remote_that_does_not_get_on, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_free_during_a_fetch_and_without_a_helper, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
