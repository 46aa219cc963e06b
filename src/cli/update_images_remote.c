/* For the daemon, in a process of its own: newer images for a remote. */
#include "base/text.h"
#include "cli/update_images.h"
#include "source/source.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

/* libgit2 waits as long as the remote likes. */
static void on_alarm(int number)
{
    static const char text[] = "davit: the remote took longer than source.fetchTimeout allows\n";
    (void)number;
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
        _exit(CLI_TIMEOUT);
    _exit(CLI_ERROR);
}

int image_update_fetch(const struct image_update *update, struct error *err)
{
    alarm(update->remote->deadline_s);
    int rc = source_remote_fetch(update->remote->source, cli_value(update->cli, "branch"), err);
    alarm(0);
    return rc;
}

/* What is deployed goes forward only; what waits for review may be made anew. */
int image_update_push(const struct image_update *update, const char *name, struct error *err)
{
    alarm(update->remote->deadline_s);
    int rc = source_remote_push(update->remote->source, name, update->review_name != NULL, err);
    alarm(0);
    return rc;
}

static int run(const struct cli *cli)
{
    struct source_remote *source CLEANUP(source_remote_freep) = NULL;
    struct error err = ERROR_INIT;
    int64_t deadline_ms;
    if (text_to_int64(cli->argv[0], 1, INT32_MAX, &deadline_ms) < 0)
        return cli_usage(cli, "\"%s\" is no number of milliseconds", cli->argv[0]);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* the repository is the next daemon's, when this one has died */
    signal(SIGALRM, on_alarm);
    if (source_remote_new(stdin, &source, &err) < 0 || source_library_init(&err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    const struct image_update_remote remote = {source, (unsigned)(deadline_ms / 1000) + 1};
    int r = image_update_run(cli, &remote);
    source_library_deinit();
    return r;
}

const struct command cli_update_images_remote = {
    .name = "update-images-remote",
    .summary = "commit newer images to a remote (the daemon runs this itself)",
    .args = "DEADLINE-MS",
    .flags = image_update_flags,
    .words = "",
    .args_min = 1,
    .args_max = 1,
    .hidden = true,
    .run = run,
};
