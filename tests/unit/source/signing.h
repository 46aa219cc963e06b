/* Keys of GPG and SSH that tests sign with, made once a program, and git(1) that signs with them. */
#pragma once

#include <stdbool.h>

/* Makes them in a directory of their own, also: `allowed` and `revoked` for ssh-keygen, `keyring.asc` for
 * gpg. False: gpg, its agent or ssh-keygen is not installed; `why` (static storage) says it.
 *
 *  GPG      | SSH      | is
 *  ---------|----------|--------------------------------------------------------
 *  ada      | ada      | trusted
 *  eve      | eve      | in neither file
 *  old      | old      | expired in 2021
 *           | young    | valid from 2090 on
 *  rev      | rev      | revoked
 */
bool signing_setup(const char **why);
void signing_teardown(void);
/* Where they are. Borrowed. */
const char *signing_dir(void);
/* Shell functions: `gpg KEY git-arguments...` and `ssh KEY git-arguments...` are git with that key;
 * `gpg_2020` is so in that year. */
const char *signing_script(void);
