#include "daemon/owner.h"

#include "base/memory.h"
#include "base/text.h"
#include "daemon/state_file.h"

#include <assert.h>
#include <string.h>

#define OWNER_MAX_CHARS 1024 /* the flag's has no bound, the configuration's is 64 */

int owner_remember(const char *state_directory, const char *owner, struct error *err)
{
    assert(state_directory);
    assert(owner);
    char *path CLEANUP_FREE = memory_printf("%s/owner", state_directory);
    char *line CLEANUP_FREE = memory_printf("%s\n", owner);
    char *before CLEANUP_FREE = NULL;
    struct error cause = ERROR_INIT;
    int r = state_file_read(path, OWNER_MAX_CHARS, &before, &cause);
    if (r == ERROR_NOT_FOUND)
        return state_file_write(path, line, err);
    if (r < 0)
        return error_set(err, r, "%s", error_text(&cause));
    before[strcspn(before, "\n")] = '\0';
    if (!before[0]) /* by hand, or of a disk that lost it: it names nobody */
        return state_file_write(path, line, err);
    if (text_equal(before, owner))
        return 0;
    return error_set(
        err, ERROR_CONFLICT,
        "this state directory worked as owner %s until now (%s), and would go on as owner %s: the "
        "containers of %s would run on beside. Set \"owner: %s\" in the configuration, or --owner "
        "%s, to go on as before; give another repository a state directory of its own; or remove "
        "the file to begin anew",
        before, path, owner, before, before, before);
}
