/* The configuration's members that are more than a copy. */
#include "base/text.h"
#include "daemon/config.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* Reads the text as a configuration; leaves the first fault in *fault (caller frees). */
static int read_text(struct config *config, const char *text, char **fault)
{
    char dir[256];
    struct diagnostics diagnostics = {0};
    struct error err = ERROR_INIT;
    unit_make_dir(dir, sizeof dir, "config");
    char *path CLEANUP_FREE = memory_printf("%s/davit.yaml", dir);
    write_file(path, text);
    config_init(config);
    int r = config_read(config, path, &diagnostics, &err);
    *fault = diagnostics.list.len ? memory_strdup(diagnostics.list.items[0].pointer) : NULL;
    diagnostics_deinit(&diagnostics);
    unlink(path);
    rmdir(dir);
    return r;
}

static void test_deletion_budget(void **state)
{
    (void)state;
    struct config config;
    char *fault CLEANUP_FREE = NULL;
    assert_int_equal(read_text(&config, "logLevel: info\n", &fault), 0);
    assert_int_equal(config.deletion_services, 3);
    assert_int_equal(config.deletion_percent, 50);
    config_deinit(&config);
    assert_int_equal(read_text(&config, "deletionBudget: {services: 10, percent: 100}\n", &fault), 0);
    assert_int_equal(config.deletion_services, 10);
    assert_int_equal(config.deletion_percent, 100);
    config_deinit(&config);
    assert_true(read_text(&config, "deletionBudget: {percent: 101}\n", &fault) < 0);
    assert_string_equal(fault, "/deletionBudget/percent");
    config_deinit(&config);
}

static void test_image_updates(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t interval_ms;
        const char *repository; /* NULL: none */
        const char *author;     /* likewise */
    } cases[] = {
        {"source: {origin: /srv/infra}\n", 0, NULL, NULL},
        {"source: {origin: /srv/infra}\nimageUpdates: {}\n", 300000, "/srv/infra", NULL},
        {"source: {origin: \"file:///srv/infra\"}\nimageUpdates: {interval: 1h}\n", 3600000, "/srv/infra",
         NULL},
        {"source: {origin: \"file://localhost/srv/infra\"}\nimageUpdates: {interval: 30}\n", 30000,
         "/srv/infra", NULL},
        {"source: {origin: \"https://git.example.org/a\"}\nimageUpdates: {}\n", 300000, NULL,
         "davit <davit@localhost>"},
        {"source: {origin: \"git@git.example.org:a\"}\nimageUpdates: {author: A <a@b>}\n", 300000, NULL,
         "A <a@b>"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config config;
        struct error err = ERROR_INIT;
        char *fault CLEANUP_FREE = NULL;
        assert_int_equal(read_text(&config, cases[i].text, &fault), 0);
        assert_int_equal(config_finish(&config, &err), 0);
        assert_true(text_equal(config.image_updates.author, cases[i].author));
        assert_int_equal(config.image_updates.interval_ms, cases[i].interval_ms);
        if (cases[i].repository)
            assert_string_equal(config.image_updates.repository, cases[i].repository);
        else
            assert_null(config.image_updates.repository);
        config_deinit(&config);
    }
    static const char *const bad[] = {"{branch: ''}",        "{author: nobody}",        "{every: 5m}",
                                      "{interval: soon}",    "{insecureRegistries: a}", "{caFile: a/b}",
                                      "{signingKeyFile: ''}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct config config;
        char *fault CLEANUP_FREE = NULL;
        char *text CLEANUP_FREE = memory_printf("imageUpdates: %s\n", bad[i]);
        assert_true(read_text(&config, text, &fault) < 0);
        assert_true(strncmp(fault, "/imageUpdates/", 14) == 0);
        config_deinit(&config);
    }
}

static void test_image_updates_of_a_source_that_verifies(void **state)
{
    (void)state;
    static const struct {
        const char *policy;
        const char *updates;
        bool is_refused;
    } cases[] = {
        {"none", "{}", false},
        {"head", "{}", true},
        {"head", "{branch: review}", false},
        {"head", "{signingKeyFile: /k}", false},
        {"all", "{}", true},
        {"all", "{branch: review}", true},
        {"all", "{branch: review, signingKeyFile: /k}", false},
        {"tag", "{}", false},
    };
    setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
    setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config config;
        struct error err = ERROR_INIT;
        char *fault CLEANUP_FREE = NULL;
        char *text CLEANUP_FREE =
            memory_printf("source: {origin: \"https://git.example.org/a\", verify: {policy: %s, "
                          "allowedSignersFile: /s}}\nimageUpdates: %s\n",
                          cases[i].policy, cases[i].updates);
        assert_int_equal(read_text(&config, text, &fault), 0);
        assert_int_equal(config_finish(&config, &err), cases[i].is_refused ? ERROR_INVALID : 0);
        if (cases[i].is_refused)
            assert_non_null(strstr(err.message, "nothing signs them: name a signingKeyFile"));
        config_deinit(&config);
    }
    setenv("GIT_CONFIG_COUNT", "1", 1);
    setenv("GIT_CONFIG_KEY_0", "commit.gpgSign", 1);
    setenv("GIT_CONFIG_VALUE_0", "yes", 1);
    struct config config;
    char *fault CLEANUP_FREE = NULL;
    assert_int_equal(read_text(&config,
                               "source: {origin: /srv/infra, verify: {policy: all, allowedSignersFile: /s}}\n"
                               "imageUpdates: {}\n",
                               &fault),
                     0);
    struct error err = ERROR_INIT;
    assert_int_equal(config_finish(&config, &err), ERROR_INVALID); /* there is no such repository */
    free(config.sources.items[0].origin);
    config.sources.items[0].origin = memory_strdup("https://git.example.org/a");
    assert_int_equal(config_finish(&config, &err), 0);
    unsetenv("GIT_CONFIG_COUNT");
    config_deinit(&config);
}

static void test_since_is_of_the_policy_all(void **state)
{
    (void)state;
    static const char *const policies[] = {"head", "tag", "none", "all"};
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
        struct config config;
        struct error err = ERROR_INIT;
        char *fault CLEANUP_FREE = NULL;
        char *text CLEANUP_FREE =
            memory_printf("source: {origin: \"https://git.example.org/a\", verify: {policy: %s, since: "
                          "0123456789abcdef0123456789abcdef01234567, allowedSignersFile: /s}}\n",
                          policies[i]);
        bool all = text_equal(policies[i], "all");
        assert_int_equal(read_text(&config, text, &fault), 0);
        assert_int_equal(config_finish(&config, &err), all ? 0 : ERROR_INVALID);
        assert_true(all || strstr(err.message, "since"));
        config_deinit(&config);
    }
}

static void test_log_drivers(void **state)
{
    (void)state;
    struct config config;
    char *fault CLEANUP_FREE = NULL;
    assert_int_equal(read_text(&config,
                               "logDrivers:\n  awslogs: journald\n"
                               "  awsfirelens: {driver: fluentd, options: {fluentd-address: 'h:1'}}\n",
                               &fault),
                     0);
    json_t *wanted = json_loads("{\"awslogs\":{\"driver\":\"journald\"},\"awsfirelens\":{\"driver\":"
                                "\"fluentd\",\"options\":{\"fluentd-address\":\"h:1\"}}}",
                                0, NULL);
    assert_true(json_equal(config.log_drivers, wanted));
    json_decref(wanted);
    config_deinit(&config);
}

static void test_log_drivers_that_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "logDrivers: {awslog: journald}",
        "logDrivers: {awslogs: {options: {}}}",
        "logDrivers: {awslogs: {driver: gelf, options: {a: 1}}}",
        "logDrivers: {awslogs: 3}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct config config;
        char *fault CLEANUP_FREE = NULL;
        assert_true(read_text(&config, texts[i], &fault) < 0);
        assert_non_null(fault);
        config_deinit(&config);
    }
}

static void test_region_of_efs(void **state)
{
    (void)state;
    struct config config;
    char *fault CLEANUP_FREE = NULL;
    struct error err = ERROR_INIT;
    setenv("AWS_REGION", "eu-west-3", 1);
    assert_int_equal(read_text(&config, "source: {origin: /tmp}\nefsRegion: eu-central-1", &fault), 0);
    assert_int_equal(config_finish(&config, &err), 0);
    assert_string_equal(config.efs_region, "eu-central-1");
    config_deinit(&config);
    assert_int_equal(read_text(&config, "source: {origin: /tmp}", &fault), 0);
    assert_null(config.efs_region);
    assert_int_equal(config_finish(&config, &err), 0);
    assert_string_equal(config.efs_region, "eu-west-3");
    config_deinit(&config);
}

static void test_notifications(void **state)
{
    (void)state;
    struct config config;
    char *fault CLEANUP_FREE = NULL;
    struct error err = ERROR_INIT;
    setenv("CREDENTIALS_DIRECTORY", "/run/credentials/davit", 1);
    assert_int_equal(read_text(&config,
                               "source: {origin: /tmp}\nnotifications:\n"
                               "  - {kind: gitlab, repository: 42, tokenFile: gitlab-token}\n",
                               &fault),
                     ERROR_INVALID); /* a number is written in quotes */
    config_deinit(&config);
    memory_freep(&fault);
    assert_int_equal(
        read_text(&config,
                  "source: {origin: /tmp}\nnotifications:\n"
                  "  - {kind: github, repository: o/r, tokenFile: github-token, perService: true}\n"
                  "  - {kind: webhook, url: 'https://a/b', secretFile: /etc/secret}\n"
                  "  - {kind: slack, urlFile: /etc/url, events: [commit, deployment]}\n"
                  "  - {kind: slack, url: 'https://a/c'}\n"
                  "  - {kind: slack, url: 'https://a/d', events: [source]}\n",
                  &fault),
        0);
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_int_equal(config_finish(&config, &err), 0);
    assert_int_equal(config.notifications.len, 5);
    const struct report_target *targets = config.notifications.items;
    assert_int_equal(targets[0].kind, REPORT_GITHUB);
    assert_string_equal(targets[0].token_file, "/run/credentials/davit/github-token");
    assert_true(targets[0].per_service);
    assert_int_equal(targets[0].events, REPORT_COMMITS);
    assert_string_equal(targets[1].secret_file, "/etc/secret");
    assert_int_equal(targets[1].events,
                     REPORT_COMMITS | REPORT_DEPLOYMENTS | REPORT_SERVICES | REPORT_SOURCES);
    assert_int_equal(targets[2].events, REPORT_COMMITS | REPORT_DEPLOYMENTS);
    assert_int_equal(targets[3].events, REPORT_COMMITS | REPORT_SOURCES);
    assert_int_equal(targets[4].events, REPORT_SOURCES);
    config_deinit(&config);
}

static void test_notifications_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *fault; /* NULL: told by config_finish() */
    } cases[] = {
        {"{kind: pager}", "/notifications/0/kind"},
        {"{kind: github, repository: o/r}", "/notifications/0"},
        {"{kind: gitea, repository: o/r, tokenFile: t}", "/notifications/0"}, /* which one? */
        {"{kind: github, repository: o/r, tokenFile: t, secretFile: s}", "/notifications/0/secretFile"},
        {"{kind: slack, url: 'https://a', perService: true}", "/notifications/0/perService"},
        {"{kind: webhook, url: 'https://me:secret@a'}", "/notifications/0/url"},
        {"{kind: webhook}", NULL},
        {"{kind: gitea, url: 'http://a', repository: o/r, tokenFile: t}", NULL},
        {"{kind: slack, url: 'https://a'}, {kind: slack, url: 'https://a'}", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config config;
        struct error err = ERROR_INIT;
        char *fault CLEANUP_FREE = NULL;
        char *text CLEANUP_FREE =
            memory_printf("source: {origin: /tmp}\nnotifications: [%s]\n", cases[i].text);
        int r = read_text(&config, text, &fault);
        assert_int_equal(r, cases[i].fault ? ERROR_INVALID : 0);
        if (cases[i].fault)
            assert_string_equal(fault, cases[i].fault);
        else
            assert_int_equal(config_finish(&config, &err), ERROR_INVALID);
        config_deinit(&config);
    }
}

/* Faults are of the file that was given, whatever its name. */
static void test_faults_name_the_file(void **state)
{
    (void)state;
    static const char *const names[] = {"davit.yaml", "davit.yml", "davit", "davit.json", ".json"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char dir[256];
        struct config config;
        struct diagnostics diagnostics = {0};
        struct error err = ERROR_INIT;
        unit_make_dir(dir, sizeof dir, "config");
        char *path CLEANUP_FREE = memory_printf("%s/%s", dir, names[i]);
        write_file(path, "owner: [\n");
        config_init(&config);
        assert_true(config_read(&config, path, &diagnostics, &err) < 0);
        assert_int_equal(diagnostics.list.len, 1);
        assert_string_equal(diagnostics.list.items[0].code, "syntax");
        assert_string_equal(diagnostics.list.items[0].file, path);
        diagnostics_deinit(&diagnostics);
        config_deinit(&config);
        unlink(path);
        rmdir(dir);
    }
}

static void test_a_directory_is_no_configuration(void **state)
{
    (void)state;
    char dir[256];
    struct config config;
    struct diagnostics diagnostics = {0};
    struct error err = ERROR_INIT;
    unit_make_dir(dir, sizeof dir, "config");
    config_init(&config);
    assert_true(config_read(&config, dir, &diagnostics, &err) < 0);
    char *wanted CLEANUP_FREE = memory_printf("cannot read %s: Is a directory", dir);
    assert_string_equal(error_text(&err), wanted);
    diagnostics_deinit(&diagnostics);
    config_deinit(&config);
    rmdir(dir);
}

static char *owner_of(const char *origin)
{
    struct config config;
    struct error err = ERROR_INIT;
    config_init(&config);
    config_only_source(&config)->origin = memory_strdup(origin);
    assert_int_equal(config_finish(&config, &err), 0);
    char *owner = TAKE(config.owner);
    config_deinit(&config);
    return owner;
}

/* Of the path's sha256 and two empty lines: what runs is still davit's after an update. */
static void test_owner_of_a_path(void **state)
{
    (void)state;
    char *plain CLEANUP_FREE = owner_of("/usr");
    char *gone CLEANUP_FREE = owner_of("/no/such/path");
    char *remote CLEANUP_FREE = owner_of("https://git.example.com/infra.git");
    assert_string_equal(plain, "6417364d9af21b01");
    assert_string_equal(gone, "50054c187529603c");
    assert_string_equal(remote, "ba20e323bbafd47b");
}

static void test_owner_of_one_repository_however_spelled(void **state)
{
    (void)state;
    char dir[] = "/tmp/davit-config-XXXXXX";
    assert_non_null(mkdtemp(dir));
    char *make CLEANUP_FREE =
        memory_printf("mkdir -p %s/lab/.git %s/other && ln -s lab %s/link", dir, dir, dir);
    char *clean CLEANUP_FREE = memory_printf("rm -rf %s", dir);
    char *lab CLEANUP_FREE = memory_printf("%s/lab", dir);
    char *other CLEANUP_FREE = memory_printf("%s/other", dir);
    assert_int_equal(system(make), 0);
    static const char *const spellings[] = {
        "%s/lab/",      "%s/link",       "%s/other/../lab",    "%s/lab/.git",
        "%s/lab/.git/", "file://%s/lab", "file://%s/lab/.git", "file://localhost%s/lab/"};
    char *expected CLEANUP_FREE = owner_of(lab);
    char *differs CLEANUP_FREE = owner_of(other);
    assert_string_not_equal(expected, differs);
    for (size_t i = 0; i < ARRAY_LEN(spellings); i++) {
        char *at = strstr(spellings[i], "%s");
        char *origin CLEANUP_FREE =
            memory_printf("%.*s%s%s", (int)(at - spellings[i]), spellings[i], dir, at + 2);
        char *owner CLEANUP_FREE = owner_of(origin);
        assert_string_equal(owner, expected);
    }
    assert_int_equal(chdir(lab), 0);
    char *here CLEANUP_FREE = owner_of(".");
    assert_string_equal(here, expected);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(system(clean), 0);
}

static void finish_text(const char *text, struct config *config)
{
    char *fault CLEANUP_FREE = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(read_text(config, text, &fault), 0);
    if (config_finish(config, &err) < 0)
        fail_msg("%s", error_text(&err));
}

#define PRIVATE "{origin: 'https://h/a', username: u, passwordFile: /p, caFile: /c, proxyLoginFile: /l}"

static void test_ledger(void **state)
{
    (void)state;
    struct config config;
    finish_text("source: " PRIVATE "\nledger: {push: true, passwordFile: /w, host: a.b}\n", &config);
    assert_true(config.ledger.push);
    assert_string_equal(config.ledger.remote, "https://h/a");
    assert_string_equal(config.ledger.host, "a.b");
    assert_string_equal(config.ledger.access.username, "u");
    assert_string_equal(config.ledger.access.password_file, "/w");
    assert_string_equal(config.ledger.access.ca_file, "/c");
    assert_string_equal(config.ledger.access.proxy_login_file, "/l");
    assert_string_equal(config.sources.items[0].access.password_file, "/p");
    assert_int_equal(config.ledger.interval_ms, 60000);
    config_deinit(&config);
    finish_text("source: " PRIVATE "\n", &config);
    assert_false(config.ledger.push);
    config_deinit(&config);
}

/* Whoever gets the ledger is shown a source's password only if he is that source, and a proxy only its own.
 */
static void test_ledger_keeps_passwords(void **state)
{
    (void)state;
    struct config config;
    finish_text("source: " PRIVATE "\nledger: {push: true, remote: 'https://other/x', interval: 5m}\n",
                &config);
    assert_null(config.ledger.access.username);
    assert_null(config.ledger.access.password_file);
    assert_int_equal(config.ledger.interval_ms, 300000);
    config_deinit(&config);
    finish_text("source: " PRIVATE "\nledger: {push: true, proxy: 'http://p:1'}\n", &config);
    assert_string_equal(config.ledger.access.password_file, "/p");
    assert_null(config.ledger.access.proxy_login_file);
    config_deinit(&config);
}

static void test_ledger_of_several_sources(void **state)
{
    (void)state;
    static const char *const sources =
        "owner: me\nsources: [{name: a, origin: /tmp}, {name: b, origin: 'https://h/b', passwordFile: /b}]\n";
    struct config config;
    struct error err = ERROR_INIT;
    char *fault CLEANUP_FREE = NULL;
    char *nowhere CLEANUP_FREE = memory_printf("%sledger: {push: true}\n", sources);
    char *there CLEANUP_FREE = memory_printf("%sledger: {push: true, remote: 'https://h/b'}\n", sources);
    char *elsewhere CLEANUP_FREE = memory_printf("%sledger: {push: true, remote: 'https://h/c'}\n", sources);
    assert_int_equal(read_text(&config, nowhere, &fault), 0);
    assert_int_equal(config_finish(&config, &err), ERROR_INVALID);
    assert_non_null(strstr(error_text(&err), "ledger.remote"));
    config_deinit(&config);
    finish_text(there, &config);
    assert_string_equal(config.ledger.access.password_file, "/b");
    config_deinit(&config);
    finish_text(elsewhere, &config);
    assert_null(config.ledger.access.password_file);
    config_deinit(&config);
}

static void test_ledger_names_that_are_no_ref(void **state)
{
    (void)state;
    static const char *const hosts[] = {"a..b", "a.lock", "a."};
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        struct config config;
        struct error err = ERROR_INIT;
        char *fault CLEANUP_FREE = NULL;
        char *text CLEANUP_FREE =
            memory_printf("source: {origin: /a}\nledger: {push: true, host: %s}\n", hosts[i]);
        assert_int_equal(read_text(&config, text, &fault), 0);
        assert_int_equal(config_finish(&config, &err), ERROR_INVALID);
        assert_non_null(strstr(error_text(&err), "ledger.host"));
        config_deinit(&config);
    }
}

#define TWO                                                                                                  \
    "sources: [{name: a, origin: /tmp}, {name: b, origin: /tmp, path: b, allow: {services: [\"w*\"]}}]\n"

static void test_several_sources(void **state)
{
    (void)state;
    struct config config;
    char *fault CLEANUP_FREE = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(
        read_text(&config,
                  TWO "owner: me\nnotifications: [{kind: slack, url: \"https://x.org/\", source: b}]\n",
                  &fault),
        0);
    assert_int_equal(config_finish(&config, &err), 0);
    assert_int_equal(config.sources.len, 2);
    assert_string_equal(config_source(&config, "b")->path, "b");
    assert_string_equal(config_source(&config, "b")->allowance.services.items[0], "w*");
    assert_int_equal(config_source(&config, "b")->poll_ms, 60000);
    assert_null(config_only_source(&config)); /* a flag would be of which? */
    assert_string_equal(config.notifications.items[0].source, "b");
    config_deinit(&config);
    assert_int_equal(read_text(&config, "source: {origin: /tmp}\n", &fault), 0);
    assert_string_equal(config_only_source(&config)->name, CONFIG_SOURCE_DEFAULT);
    config_deinit(&config);
}

/* Statuses of two sources in one repository have contexts of their own. */
static void test_sources_of_one_repository(void **state)
{
    (void)state;
    static const struct {
        const char *first;
        const char *second;
        bool shared;
    } cases[] = {
        {"kind: github, repository: o/r, source: a", "kind: github, repository: O/r, source: b", true},
        {"kind: github, repository: o/r, source: a", "kind: github, repository: o/s, source: b", false},
        {"kind: github, repository: o/r, source: a", "kind: gitlab, repository: o/r, source: b", false},
        {"kind: github, repository: o/r, source: a",
         "kind: github, repository: o/r, source: b, url: 'https://x.org'", false},
        {"kind: github, repository: o/r, source: a",
         "kind: github, repository: o/r, source: a, perService: true", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct config config;
        char *fault CLEANUP_FREE = NULL;
        struct error err = ERROR_INIT;
        char *text CLEANUP_FREE =
            memory_printf(TWO "owner: me\nnotifications: [{tokenFile: t, %s}, {tokenFile: t, %s}]\n",
                          cases[i].first, cases[i].second);
        assert_int_equal(read_text(&config, text, &fault), 0);
        assert_int_equal(config_finish(&config, &err), 0);
        for (size_t k = 0; k < 2; k++)
            if (config.notifications.items[k].shared != cases[i].shared)
                fail_msg("case %zu", i);
        config_deinit(&config);
    }
}

static void test_several_sources_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *fault; /* a fault of the schema, or NULL and */
        const char *message;
    } rows[] = {
        {TWO "source: {origin: /tmp}\n", "/source", NULL},
        {"sources: [{origin: /tmp}]\n", "/sources/0", NULL},
        {"sources: [{name: a/b, origin: /tmp}]\n", "/sources/0/name", NULL},
        {"sources: [{name: a, origin: /tmp, allow: {services: []}}]\n", "/sources/0/allow/services", NULL},
        {"sources: [{name: a, origin: /tmp, allow: {service: [x]}}]\n", "/sources/0/allow/service", NULL},
        {TWO, NULL, "several sources need an owner"},
        {"owner: me\nsources: [{name: a, origin: /tmp}, {name: a, origin: /x}]\n", NULL,
         "two sources are named a"},
        {TWO "owner: me\nnotifications: [{kind: slack, url: \"https://x.org/\"}]\n", NULL, "name its source"},
        {TWO "owner: me\nnotifications: [{kind: slack, url: \"https://x.org/\", source: c}]\n", NULL,
         "there is no source c"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct config config;
        char *fault CLEANUP_FREE = NULL;
        struct error err = ERROR_INIT;
        int r = read_text(&config, rows[i].text, &fault);
        if (rows[i].fault) {
            assert_true(r < 0);
            assert_string_equal(fault, rows[i].fault);
        } else {
            assert_int_equal(config_finish(&config, &err), ERROR_INVALID);
            assert_non_null(strstr(error_text(&err), rows[i].message));
        }
        config_deinit(&config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_image_updates),
        cmocka_unit_test(test_image_updates_of_a_source_that_verifies),
        cmocka_unit_test(test_deletion_budget),
        cmocka_unit_test(test_ledger),
        cmocka_unit_test(test_ledger_keeps_passwords),
        cmocka_unit_test(test_ledger_of_several_sources),
        cmocka_unit_test(test_ledger_names_that_are_no_ref),
        cmocka_unit_test(test_since_is_of_the_policy_all),
        cmocka_unit_test(test_log_drivers),
        cmocka_unit_test(test_log_drivers_that_are_refused),
        cmocka_unit_test(test_region_of_efs),
        cmocka_unit_test(test_notifications),
        cmocka_unit_test(test_notifications_that_are_refused),
        cmocka_unit_test(test_faults_name_the_file),
        cmocka_unit_test(test_a_directory_is_no_configuration),
        cmocka_unit_test(test_several_sources),
        cmocka_unit_test(test_sources_of_one_repository),
        cmocka_unit_test(test_several_sources_that_are_refused),
        cmocka_unit_test(test_owner_of_a_path),
        cmocka_unit_test(test_owner_of_one_repository_however_spelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
