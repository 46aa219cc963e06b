#include "source/git_ssh.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/vector.h"
#include "source/git.h"
#include "source/git_child.h"
#include "source/origin.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <git2/sys/transport.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONNECT_SECONDS "20"
#define SILENCE_SECONDS "15" /* then ssh asks whether anybody is there */
#define COMPLAINT_BYTES 2048 /* of what ssh writes, its end */

struct source_ssh {
    git_smart_subtransport_definition definition;
    git_smart_subtransport_definition here; /* file:// */
    bool pushes;
};

/* --- the URL -------------------------------------------------------------------------------------------- */

void source_ssh_target_deinit(struct source_ssh_target *target)
{
    free(target->host);
    free(target->port);
    free(target->command);
    memset(target, 0, sizeof *target);
}

/* One word for a POSIX shell. Caller frees. */
static char *quote(const char *text)
{
    char *quoted = memory_alloc(strlen(text) * 4 + 3);
    char *at = quoted;
    *at++ = '\'';
    for (; *text; text++) {
        if (*text == '\'')
            at = stpcpy(at, "'\\''");
        else
            *at++ = *text;
    }
    *at++ = '\'';
    *at = '\0';
    return quoted;
}

static int hex_digit(char c)
{
    const char *const digits = "0123456789abcdef";
    const char *found = c ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;
    return found ? (int)(found - digits) : -1;
}

/* In place. */
static void decode_percent(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        int high = *from == '%' ? hex_digit(from[1]) : -1;
        int low = high >= 0 ? hex_digit(from[2]) : -1;
        if (low >= 0 && high * 16 + low) {
            *to++ = (char)(high * 16 + low);
            from += 2;
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
}

/* "git@host", "host:22", "[::1]", "[::1]:22"; the port is cut off. */
static void split_port(char *host, char **ret_port)
{
    char *bracket = strchr(host, ']');
    char *at = strrchr(host, '@');
    char *colon = strrchr(bracket ? bracket : at ? at : host, ':');
    if (colon && colon[1])
        *ret_port = memory_strdup(colon + 1);
    if (colon)
        *colon = '\0';
    char *open = strchr(host, '[');
    if (!open || !bracket)
        return;
    *bracket = '\0';
    memmove(open, open + 1, strlen(open));
}

/* ssh://[user@]host[:port]/path and [user@]host:path, as of git-fetch(1). */
static char *split(const char *url, struct source_ssh_target *target)
{
    const char *scheme_end = strstr(url, "://");
    const char *begin = scheme_end ? scheme_end + strlen("://") : url;
    const char *bracket = *begin == '[' ? strchr(begin, ']') : NULL;
    const char *end = strchr(bracket ? bracket : begin, scheme_end ? '/' : ':');
    if (!end)
        return NULL;
    target->host = memory_strndup(begin, (size_t)(end - begin));
    if (!scheme_end)
        return memory_strdup(end + 1);
    split_port(target->host, &target->port);
    char *path = memory_strdup(text_starts_with(end, "/~") ? end + 1 : end);
    decode_percent(path);
    return path;
}

int source_ssh_parse(const char *url, const char *service, struct source_ssh_target *ret_target,
                     struct error *err)
{
    assert(url);
    assert(ret_target);
    struct source_ssh_target target CLEANUP(source_ssh_target_deinit) = {0};
    char *path CLEANUP_FREE = split(url, &target);
    const char *name = target.host ? target.host : "";
    const char *at = strrchr(name, '@');
    if (!path || !*path || !*name || (at && !at[1]))
        return error_set(err, ERROR_INVALID, "the URL names no host or no path: ssh://git@host/path.git");
    if (at && memchr(name, ':', (size_t)(at - name)))
        return error_set(
            err, ERROR_INVALID,
            "the URL has a password, which ssh does not take: leave it out, and name a key (keyFile)");
    /* CVE-2017-1000117: nothing that comes from a URL is an option. */
    if (name[0] == '-' || (at && at[1] == '-') || path[0] == '-' ||
        (target.port && strspn(target.port, "0123456789") != strlen(target.port)))
        return error_set(err, ERROR_INVALID, "host, port or path of the URL would be an option to ssh");
    char *quoted CLEANUP_FREE = quote(path);
    target.command = memory_printf("%s %s", service, quoted);
    *ret_target = target;
    target = (struct source_ssh_target){0};
    return 0;
}

/* --- the process ---------------------------------------------------------------------------------------- */

struct connection {
    git_smart_subtransport_stream stream;
    pid_t pid;
    int in;  /* to write to */
    int out; /* to read from */
    int complaints;
    const struct source_access *access; /* NULL: it is git on this machine */
};

struct subtransport {
    git_smart_subtransport parent;
    const struct source_access *access; /* likewise */
    struct connection *connection;
};

static void add_option(struct string_vec *argv, const char *name, const char *value)
{
    vector_push(argv, memory_strdup("-o"));
    vector_push(argv, memory_printf("%s=%s", name, value));
}

static void arguments_of(const struct source_access *access, const struct source_ssh_target *target,
                         struct string_vec *argv)
{
    vector_push(argv, memory_strdup("ssh"));
    add_option(argv, "BatchMode", "yes"); /* nobody is there to answer */
    add_option(argv, "StrictHostKeyChecking", "yes");
    add_option(argv, "ConnectTimeout", CONNECT_SECONDS);
    add_option(argv, "ServerAliveInterval", SILENCE_SECONDS);
    add_option(argv, "ClearAllForwardings", "yes");
    if (access->known_hosts_file) {
        char *file CLEANUP_FREE = memory_printf("\"%s\"", access->known_hosts_file);
        add_option(argv, "UserKnownHostsFile", file);
        add_option(argv, "GlobalKnownHostsFile", "/dev/null");
    }
    if (access->key_file) {
        add_option(argv, "IdentitiesOnly", "yes");
        vector_push(argv, memory_strdup("-i"));
        vector_push(argv, memory_strdup(access->key_file));
    }
    if (target->port) {
        vector_push(argv, memory_strdup("-p"));
        vector_push(argv, memory_strdup(target->port));
    }
    vector_push(argv, memory_strdup("--"));
    vector_push(argv, memory_strdup(target->host));
    vector_push(argv, memory_strdup(target->command));
    vector_push(argv, NULL);
}

static void here_arguments(const char *url, const char *service, struct string_vec *argv)
{
    const char *path = source_origin_path(url);
    assert(path);
    vector_push(argv, memory_strdup(service));
    vector_push(argv, memory_strdup("--"));
    vector_push(argv, memory_strdup(path));
    vector_push(argv, NULL);
}

static int ssh_arguments(const struct source_access *access, const char *url, const char *service,
                         struct string_vec *argv, struct error *err)
{
    struct source_ssh_target target CLEANUP(source_ssh_target_deinit) = {0};
    int rc = source_ssh_parse(url, service, &target, err);
    if (rc < 0)
        return rc;
    arguments_of(access, &target, argv);
    return 0;
}

/* In the child: ends with its parent, whatever ended that; git removes its locks before. */
static _Noreturn void become(char **argv, const int in[2], const int out[2], int complaints)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    source_git_forget_repository();
    dup2(in[0], STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    dup2(complaints, STDERR_FILENO);
    execvp(argv[0], argv);
    dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

static int spawn(struct connection *connection, char **argv)
{
    int in[2];
    int out[2];
    connection->complaints = memfd_create("ssh", MFD_CLOEXEC);
    if (connection->complaints < 0 || pipe2(in, O_CLOEXEC) < 0)
        return -1;
    if (pipe2(out, O_CLOEXEC) < 0) {
        close(in[0]);
        close(in[1]);
        return -1;
    }
    connection->pid = fork();
    if (connection->pid == 0)
        become(argv, in, out, connection->complaints);
    close(in[0]);
    close(out[1]);
    connection->in = in[1];
    connection->out = out[0];
    return connection->pid < 0 ? -1 : 0;
}

/* Of a host's key the lines above the last one tell whether it is unknown or another. */
static const char *remedy_of_host_key(const struct source_access *access, const char *text)
{
    bool is_another = strstr(text, "REMOTE HOST IDENTIFICATION HAS CHANGED") != NULL;
    bool is_unknown = !is_another && strstr(text, "host key is known for");
    if (is_another)
        return access->known_hosts_file
                   ? " The host has another key than knownHostsFile says: it was replaced, or somebody is in "
                     "between. Ask the host's owner before you write the new one there."
                   : " The host has another key than known_hosts says: it was replaced, or somebody is in "
                     "between. Ask the host's owner before you write the new one there.";
    if (!access->known_hosts_file)
        return is_unknown ? " known_hosts has no entry for the host: name a knownHostsFile." : "";
    return is_unknown ? " knownHostsFile has no entry for the host: ssh-keyscan writes one, compare it with "
                        "what the host's owner tells."
                      : " Compare the host's key with knownHostsFile.";
}

static const char *remedy_of(const struct source_access *access, const char *text, const char *last)
{
    if (strstr(last, "Host key verification failed"))
        return remedy_of_host_key(access, text);
    if (!strstr(last, "Permission denied"))
        return "";
    return access->key_file ? " The host does not take the key of keyFile." : " Name a keyFile.";
}

/* The last line that it wrote: those above say less, and its own words are what people look for. */
static void tell_complaint(const struct connection *connection)
{
    char text[COMPLAINT_BYTES + 1];
    off_t size = lseek(connection->complaints, 0, SEEK_END);
    off_t begin = size > COMPLAINT_BYTES ? size - COMPLAINT_BYTES : 0;
    ssize_t len = pread(connection->complaints, text, COMPLAINT_BYTES, begin);
    while (len > 0 && strchr("\r\n ", text[len - 1]))
        len--;
    text[len > 0 ? len : 0] = '\0';
    const char *last = strrchr(text, '\n');
    last = last ? last + 1 : text;
    const char *program = connection->access ? "ssh: " : "";
    last += text_starts_with(last, program) ? strlen(program) : 0;
    const char *remedy = connection->access ? remedy_of(connection->access, text, last) : "";
    char *whole CLEANUP_FREE =
        memory_printf("%s%s%s", program, *last ? last : "it ended without a word", remedy);
    git_error_set_str(GIT_ERROR_SSH, whole);
}

static int on_read(git_smart_subtransport_stream *stream, char *buffer, size_t size, size_t *ret_len)
{
    struct connection *connection = (struct connection *)stream;
    ssize_t len;
    do
        len = read(connection->out, buffer, size);
    while (len < 0 && errno == EINTR);
    *ret_len = len > 0 ? (size_t)len : 0;
    if (len > 0)
        return 0;
    int status = 0;
    if (connection->pid > 0 && waitpid(connection->pid, &status, 0) == connection->pid)
        connection->pid = 0;
    tell_complaint(connection);
    return -1;
}

static int on_write(git_smart_subtransport_stream *stream, const char *buffer, size_t len)
{
    struct connection *connection = (struct connection *)stream;
    while (len > 0) {
        ssize_t n = write(connection->in, buffer, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            tell_complaint(connection);
            return -1;
        }
        buffer += n;
        len -= (size_t)n;
    }
    return 0;
}

static void on_stream_free(git_smart_subtransport_stream *stream)
{
    struct connection *connection = (struct connection *)stream;
    ((struct subtransport *)stream->subtransport)->connection = NULL;
    close(connection->in);
    close(connection->out);
    close(connection->complaints);
    if (connection->pid > 0) {
        kill(connection->pid, SIGTERM);
        waitpid(connection->pid, NULL, 0);
    }
    free(connection);
}

/* --- what libgit2 calls --------------------------------------------------------------------------------- */

static int connect_to(struct subtransport *subtransport, const char *url, const char *service)
{
    struct string_vec argv CLEANUP(string_vec_deinit) = {0};
    struct error err = ERROR_INIT;
    int rc = 0;
    if (subtransport->access)
        rc = ssh_arguments(subtransport->access, url, service, &argv, &err);
    else
        here_arguments(url, service, &argv);
    if (rc < 0) {
        git_error_set_str(GIT_ERROR_SSH, error_text(&err));
        return -1;
    }
    struct connection *connection = NEW(struct connection);
    *connection = (struct connection){.stream = {.subtransport = &subtransport->parent,
                                                 .read = on_read,
                                                 .write = on_write,
                                                 .free = on_stream_free},
                                      .in = -1,
                                      .out = -1,
                                      .complaints = -1,
                                      .access = subtransport->access};
    subtransport->connection = connection;
    if (spawn(connection, argv.items) == 0)
        return 0;
    git_error_set_str(GIT_ERROR_OS, strerror(errno));
    on_stream_free(&connection->stream);
    return -1;
}

static int on_action(git_smart_subtransport_stream **ret_stream, git_smart_subtransport *parent,
                     const char *url, git_smart_service_t action)
{
    struct subtransport *subtransport = (struct subtransport *)parent;
    bool pushes = action == GIT_SERVICE_RECEIVEPACK_LS || action == GIT_SERVICE_RECEIVEPACK;
    const char *service = pushes ? "git-receive-pack" : "git-upload-pack";
    if (!subtransport->connection && connect_to(subtransport, url, service) < 0)
        return -1;
    *ret_stream = &subtransport->connection->stream;
    return 0;
}

static int on_close(git_smart_subtransport *parent)
{
    (void)parent;
    return 0;
}

static void on_free(git_smart_subtransport *parent)
{
    free(parent);
}

/* param: a struct source_access, NULL: git on this machine. */
static int on_new(git_smart_subtransport **ret_subtransport, git_transport *owner, void *param)
{
    (void)owner;
    struct subtransport *subtransport = NEW(struct subtransport);
    subtransport->parent = (git_smart_subtransport){on_action, on_close, on_free};
    subtransport->access = param;
    *ret_subtransport = &subtransport->parent;
    return 0;
}

int source_ssh_new(const struct source_access *access, bool pushes, struct source_ssh **ret_ssh,
                   struct error *err)
{
    assert(access);
    assert(ret_ssh);
    signal(SIGPIPE, SIG_IGN); /* an ssh that has ended is an error of write(2) */
    struct source_ssh *ssh = NEW(struct source_ssh);
    *ssh = (struct source_ssh){.definition = {.callback = on_new, .param = (void *)(uintptr_t)access},
                               .here = {.callback = on_new},
                               .pushes = pushes};
    int rc = git_transport_register("ssh", git_transport_smart, &ssh->definition);
    if (rc == 0 && pushes)
        rc = git_transport_register("file", git_transport_smart, &ssh->here);
    if (rc == 0) {
        *ret_ssh = ssh;
        return 0;
    }
    source_git_error(err, rc, "libgit2 takes no ssh");
    source_ssh_free(ssh);
    return err->code;
}

void source_ssh_free(struct source_ssh *ssh)
{
    if (!ssh)
        return;
    git_transport_unregister("ssh");
    if (ssh->pushes)
        git_transport_unregister("file");
    free(ssh);
}
