#include "signing.h"

#include "base/memory.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>

static char directory[64];
static char *script;

static const char make_keys[] =
    "set -e; export GNUPGHOME=$PWD/gnupg; mkdir -m 700 gnupg trusted\n"
    "make() { gpg --quiet --batch --passphrase '' \"$@\"; }\n"
    "for k in ada eve rev; do make --quick-gen-key \"$k <$k@example.org>\" ed25519 sign never; done\n"
    "make --faked-system-time 20200101T000000 --quick-gen-key 'old <old@example.org>' ed25519 sign 1y\n"
    "gpg --quiet --export ada@example.org old@example.org rev@example.org >some\n"
    "fpr=$(gpg --with-colons --list-keys rev@example.org | sed -n 's/^fpr:*\\([0-9A-F]*\\):.*/\\1/p')\n"
    "gpg --quiet --homedir trusted --no-autostart --import some\n"
    "sed 's/^:---/---/' gnupg/openpgp-revocs.d/$fpr.rev >revocation\n"
    "gpg --quiet --homedir trusted --no-autostart --import revocation\n"
    "gpg --quiet --homedir trusted --no-autostart --armor --export >keyring.asc\n"
    "printf '#!/bin/sh\\nexec gpg --faked-system-time 20200201T000000 \"$@\"\\n' >gpg-2020; chmod +x "
    "gpg-2020\n"
    "for k in ada eve old young rev; do ssh-keygen -q -t ed25519 -N '' -C $k -f $k; done\n"
    "line() { printf '%s@example.org %s%s\\n' $1 \"$2\" \"$(cat $1.pub)\"; }\n"
    "{ line ada; line old 'valid-before=\"20210101\" '; line young 'valid-after=\"20900101\" '; line rev; } "
    ">allowed\n"
    "cp rev.pub revoked\n";

static const char functions[] =
    "K=%s; export GNUPGHOME=$K/gnupg\n"
    "gpg() { k=$1; shift; git -c user.signingkey=$k@example.org \"$@\"; }\n"
    "gpg_2020() { k=$1; shift; git -c gpg.program=$K/gpg-2020 -c user.signingkey=$k@example.org \"$@\"; }\n"
    "ssh() { k=$1; shift; git -c gpg.format=ssh -c user.signingkey=$K/$k \"$@\"; }\n";

bool signing_setup(const char **why)
{
    *why = "gpg, gpg-agent or ssh-keygen is not installed";
    if (system("command -v gpg gpg-agent ssh-keygen >/dev/null"))
        return false;
    unit_make_dir(directory, sizeof directory, "signing");
    char *text CLEANUP_FREE = memory_printf("cd %s; exec >log 2>&1; %s", directory, make_keys);
    *why = "the keys cannot be made";
    script = memory_printf(functions, directory);
    return system(text) == 0;
}

void signing_teardown(void)
{
    char *text CLEANUP_FREE =
        memory_printf("GNUPGHOME=%s/gnupg gpgconf --kill all; rm -rf %s", directory, directory);
    if (directory[0] && system(text))
        print_message("%s is left\n", directory);
    free(script);
    script = NULL;
}

const char *signing_dir(void)
{
    return directory;
}

const char *signing_script(void)
{
    return script;
}
