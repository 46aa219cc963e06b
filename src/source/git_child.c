#include "source/git_child.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/vector.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT_BYTES 4096 /* of what it says, the beginning */

/* Files in memory in the place of its standard streams; a child that talks to the terminal has none. */
struct streams {
    int in;
    int out;
    int complaints;
};

static void streams_deinit(struct streams *streams)
{
    const int all[] = {streams->in, streams->out, streams->complaints};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i] >= 0)
            close(all[i]);
}

static int write_all(int fd, const char *text)
{
    for (size_t len = strlen(text); len > 0;) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno != EINTR)
            return -1;
        text += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return lseek(fd, 0, SEEK_SET) == 0 ? 0 : -1;
}

static int open_streams(const struct source_git_call *call, struct streams *streams)
{
    if (call->shown)
        return 0;
    streams->in = memfd_create("git-in", MFD_CLOEXEC);
    streams->out = memfd_create("git-out", MFD_CLOEXEC);
    streams->complaints = memfd_create("git-err", MFD_CLOEXEC);
    if (streams->in < 0 || streams->out < 0 || streams->complaints < 0)
        return -1;
    return write_all(streams->in, call->input ? call->input : "");
}

void source_git_forget_repository(void)
{
    static const char *const others[] = {"GIT_DIR",        "GIT_WORK_TREE",        "GIT_INDEX_FILE",
                                         "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE",
                                         "GIT_PREFIX"};
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        unsetenv(others[i]);
}

static void set_environment(const struct source_git_call *call)
{
    source_git_forget_repository();
    if (!call->name)
        return;
    setenv("GIT_AUTHOR_NAME", call->name, 1);
    setenv("GIT_AUTHOR_EMAIL", call->mail, 1);
    setenv("GIT_COMMITTER_NAME", call->name, 1);
    setenv("GIT_COMMITTER_EMAIL", call->mail, 1);
}

static _Noreturn void become(const struct source_git_call *call, char **argv, const struct streams *streams)
{
    set_environment(call);
    if (!call->shown) {
        dup2(streams->in, STDIN_FILENO);
        dup2(streams->out, STDOUT_FILENO);
        dup2(streams->complaints, STDERR_FILENO);
    } else {
        dup2(STDERR_FILENO, STDOUT_FILENO); /* ours is for data */
    }
    execvp(argv[0], argv);
    dprintf(STDERR_FILENO, "git: %s\n", strerror(errno));
    _exit(127);
}

/* Caller frees. */
static char *read_text(int fd)
{
    char *text = memory_calloc(TEXT_BYTES + 1, 1);
    if (fd >= 0 && pread(fd, text, TEXT_BYTES, 0) < 0)
        *text = '\0';
    return text;
}

static char *first_line(char *text)
{
    text[strcspn(text, "\n")] = '\0';
    return text;
}

/* In one line. Caller frees. */
static char *one_line(char *text)
{
    for (size_t len = strlen(text); len > 0 && strchr(" \n\t", text[len - 1]);)
        text[--len] = '\0';
    return text_printable(text);
}

static int tell(const struct source_git_call *call, const struct streams *streams, int status,
                struct error *err)
{
    char *text CLEANUP_FREE = read_text(streams->complaints);
    char *line CLEANUP_FREE = one_line(text);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    if (code == 127)
        return error_set(err, ERROR_UNAVAILABLE, "git(1) is wanted for this: %s",
                         *line ? line : "it cannot be run");
    if (WIFSIGNALED(status))
        return error_set(err, ERROR_CONFLICT, "git %s was ended by signal %d", call->arguments[0],
                         WTERMSIG(status));
    return error_set(err, ERROR_CONFLICT, "git %s: %s", call->arguments[0],
                     *line         ? line
                     : call->shown ? "it says why above"
                                   : "it failed without a word");
}

int source_git_child(const struct source_git_call *call, char **ret_output, struct error *err)
{
    struct streams streams CLEANUP(streams_deinit) = {-1, -1, -1};
    struct string_vec argv = {0};
    int status = 0;
    if (open_streams(call, &streams) < 0)
        return error_set(err, ERROR_UNAVAILABLE, "cannot run git: %s", strerror(errno));
    const char *const begin[] = {"git", "-C", call->directory};
    for (size_t i = 0; i < ARRAY_LEN(begin); i++)
        vector_push(&argv, (char *)(uintptr_t)begin[i]);
    for (size_t i = 0; call->settings && call->settings[i]; i++) {
        vector_push(&argv, (char *)(uintptr_t) "-c");
        vector_push(&argv, (char *)(uintptr_t)call->settings[i]);
    }
    for (size_t i = 0; call->arguments[i]; i++)
        vector_push(&argv, (char *)(uintptr_t)call->arguments[i]);
    vector_push(&argv, NULL);
    pid_t pid = fork();
    if (pid == 0)
        become(call, argv.items, &streams);
    vector_deinit(&argv);
    if (pid < 0)
        return error_set(err, ERROR_UNAVAILABLE, "cannot run git: %s", strerror(errno));
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (status != 0)
        return tell(call, &streams, status, err);
    if (ret_output)
        *ret_output = call->whole ? read_text(streams.out) : first_line(read_text(streams.out));
    return 0;
}
