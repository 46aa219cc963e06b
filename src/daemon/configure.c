#include "base/memory.h"
#include "base/text.h"
#include "cli/output.h"
#include "daemon/commands.h"
#include "daemon/config.h"
#include "daemon/log.h"
#include "source/source.h"

#include <assert.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void take_flag(const struct cli *cli, const char *flag, char **target)
{
    const char *value = cli_value(cli, flag);
    if (!value)
        return;
    free(*target);
    *target = memory_strdup(value);
}

static int read_config(const struct cli *cli, const char *file, struct config *config)
{
    struct diagnostics diagnostics = {0};
    struct error err = ERROR_INIT;
    int r = config_read(config, file, &diagnostics, &err);
    cli_write_diagnostics(cli->err, &diagnostics, "");
    diagnostics_deinit(&diagnostics);
    return r < 0 ? cli_fail(cli, "%s", error_text(&err)) : CLI_OK;
}

/* They are of the only source. */
static int take_source_flags(const struct cli *cli, struct config *config)
{
    static const char *const names[] = {"source", "branch", "path"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (!cli_value(cli, names[i]))
            continue;
        struct config_source *source = config_only_source(config);
        if (!source)
            return cli_usage(cli, "--%s: the configuration has several sources", names[i]);
        char **targets[] = {&source->origin, &source->branch, &source->path};
        take_flag(cli, names[i], targets[i]);
    }
    return CLI_OK;
}

/* It is seen by whoever reads the configuration, or of --source the list of processes. */
static void warn_of_secrets(const struct config *config)
{
    for (size_t i = 0; i < config->sources.len; i++) {
        const struct config_source *source = &config->sources.items[i];
        char *shown CLEANUP_FREE = source_redact(source->origin);
        if (!text_equal(shown, source->origin))
            log_message(
                LOG_LEVEL_WARNING,
                "source %s: there is a secret in the address %s: put it into a file, and name that as "
                "passwordFile of the source",
                source->name, shown);
    }
}

/* As of an ssh key, but that goes on. Two groups are nobody else: root's, which systemd's credentials show
 * their ACL, and davit's own, by which it may read the file. */
static void warn_of_mode(const char *key, const char *path)
{
    struct stat st;
    if (!path || stat(path, &st) < 0) /* who reads it tells that */
        return;
    bool is_ours = st.st_gid == 0 || st.st_gid == getegid();
    if ((st.st_mode & 07) || ((st.st_mode & 070) && !is_ours))
        log_message(LOG_LEVEL_WARNING, "%s %s may be read by others (mode %04o): chmod 600 %s", key, path,
                    st.st_mode & 07777, path);
    else if (st.st_uid != 0 && st.st_uid != geteuid())
        log_message(LOG_LEVEL_WARNING, "%s %s belongs to another user, who may read and change it: chown it",
                    key, path);
}

static void warn_of_access(const struct source_access *access)
{
    warn_of_mode("passwordFile", access->password_file);
    warn_of_mode("proxyLoginFile", access->proxy_login_file);
}

static void warn_of_files(const struct config *config)
{
    bool known = false; /* the ledger's way is its own, or a source's */
    for (size_t i = 0; i < config->sources.len; i++) {
        const struct source_access *access = &config->sources.items[i].access;
        warn_of_access(access);
        known |= text_equal(access->password_file, config->ledger.access.password_file);
    }
    if (!known)
        warn_of_access(&config->ledger.access);
    for (size_t i = 0; i < config->notifications.len; i++) {
        const struct report_target *target = &config->notifications.items[i];
        warn_of_mode("urlFile", target->url_file);
        warn_of_mode("tokenFile", target->token_file);
        warn_of_mode("secretFile", target->secret_file);
    }
    warn_of_mode("secretFile", config->webhook_secret_file);
}

int daemon_configure(const struct cli *cli, const char *file, struct config *config)
{
    assert(cli);
    assert(config);
    int r = file ? read_config(cli, file, config) : CLI_OK;
    if (r == CLI_OK)
        r = take_source_flags(cli, config);
    if (r)
        return r;
    take_flag(cli, "state-directory", &config->state_directory);
    take_flag(cli, "owner", &config->owner);
    const char *level = cli_value(cli, "log-level");
    if (level)
        log_level_parse(level, &config->log_level); /* the flag's choices are the levels */
    struct error err = ERROR_INIT;
    if (config_finish(config, &err) < 0)
        return cli_usage(cli, "%s", error_text(&err));
    log_set_level(config->log_level);
    warn_of_secrets(config);
    warn_of_files(config);
    return CLI_OK;
}

char *daemon_executable(void)
{
    char path[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    return len > 0 ? memory_strndup(path, (size_t)len) : NULL;
}
