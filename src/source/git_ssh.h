/* ssh by OpenSSH's own client, as git does it: keys of every kind, agents, certificates, ssh_config and
 * known_hosts are its business. (libgit2's own way, libssh2, knows no ed25519 in Debian 12.) In the
 * processes that talk to remotes only. */
#pragma once

#include "base/error.h"
#include "base/memory.h"
#include "source/access.h"

#include <stdbool.h>

struct source_ssh;

/* From now on libgit2 talks ssh this way, ssh:// and git@host:path alike, until it is freed; to push, also
 * file:// (the rest is a path as it is), by git-receive-pack(1), since libgit2's own way to a directory does
 * not compare and swap, runs no hooks and leaves the tidying to others. `access` is borrowed so long.
 * ERROR_INTERNAL. */
int source_ssh_new(const struct source_access *access, bool pushes, struct source_ssh **ret_ssh,
                   struct error *err);
void source_ssh_free(struct source_ssh *ssh);
DEFINE_CLEANUP(struct source_ssh, source_ssh_free)

/* What a URL says to ssh and to the shell at the other end. */
struct source_ssh_target {
    char *host; /* with "user@" in front, if any */
    char *port; /* NULL: ssh's own choice */
    char *command;
};
/* service: "git-upload-pack" or "git-receive-pack". ERROR_INVALID: no host or no path, or one that ssh would
 * take for an option. */
int source_ssh_parse(const char *url, const char *service, struct source_ssh_target *ret_target,
                     struct error *err);
void source_ssh_target_deinit(struct source_ssh_target *target);
