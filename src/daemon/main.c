/* davit: the program. One table of commands; help, completion and man pages come from it. */
#include "base/memory.h"
#include "base/wipe.h"
#include "cli/cli.h"
#include "daemon/commands.h"

#include <fcntl.h>
#include <unistd.h>

static const struct command *const commands[] = {
    &daemon_command,
    &daemon_apply_command,
    &cli_validate,
    &cli_render,
    &cli_diff,
    &cli_status,
    &cli_get,
    &cli_history,
    &cli_blame,
    &cli_logs,
    &cli_events,
    &cli_wait,
    &cli_reconcile,
    &cli_approve,
    &cli_retry,
    &cli_rollback,
    &cli_update_images,
    &cli_redeploy,
    &cli_run_task,
    &cli_stop_task,
    &cli_suspend,
    &cli_resume,
    &cli_explain,
    &cli_schema,
    &cli_init,
    &cli_import,
    &cli_replay,
    &cli_version,
    &cli_completion,
    &cli_help,
    &daemon_fetch_helper_command,
    &cli_update_images_remote,
};

/* Whoever closed one of them gave its number to the next file that is opened, and what is printed to that. */
static void open_standard_streams(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    close(fd);
}

int main(int argc, char **argv)
{
    open_standard_streams();
    wipe_json(); /* secrets go through it */
    return cli_main(commands, ARRAY_LEN(commands), argc, argv);
}
