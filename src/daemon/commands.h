/* The commands that run the whole program. */
#pragma once

#include "cli/cli.h"

extern const struct command daemon_command;
extern const struct command daemon_apply_command;
extern const struct command daemon_fetch_helper_command;

struct config;
struct error;

/* Reads the configuration file and the flags over it. An exit code; what is wrong has been printed. */
int daemon_configure(const struct cli *cli, const char *file, struct config *config);
/* The path of this program. Caller frees. */
char *daemon_executable(void);
