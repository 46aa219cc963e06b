#include "history/layout.h"

#include "base/digest.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdbool.h>
#include <string.h>

#define SUFFIX ".json"

static const struct {
    const char *dir;
    const char *form; /* of the name, for a person */
    int parts;        /* of the name, separated by slashes */
    bool fanned_out;
} kinds[HISTORY_KINDS] = {
    [LEDGER_SERVICE] = {"services", "cluster/service", 2, true},
    [LEDGER_FAMILY] = {"families", "family", 1, true},
    [LEDGER_SOURCE] = {"sources", "source", 1, false},
    [LEDGER_SUSPENSION] = {"suspensions", "cluster", 1, true},
    [LEDGER_TASK] = {"tasks", "cluster/task", 2, true},
    [LEDGER_SCHEDULE] = {"schedules", "scheduled-task", 1, true},
};

const char *history_layout_dir(enum ledger_change_kind kind)
{
    return kinds[kind].dir;
}

static bool is_part(const char *s, size_t len)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    return len > 0 && len <= LIMIT_NAME_CHARS && strspn(s, allowed) >= len;
}

static bool is_name(const char *name, int parts)
{
    for (; parts > 1; parts--) {
        const char *slash = strchr(name, '/');
        if (!slash || !is_part(name, (size_t)(slash - name)))
            return false;
        name = slash + 1;
    }
    return is_part(name, strlen(name));
}

int history_layout_path(enum ledger_change_kind kind, const char *name, char **ret_path, struct error *err)
{
    if (!name || !is_name(name, kinds[kind].parts))
        return error_set(
            err, ERROR_INVALID,
            "ledger: \"%s\" is not a %s of letters, digits, '-' and '_', each up to %d characters",
            name ? name : "", kinds[kind].form, LIMIT_NAME_CHARS);
    if (!kinds[kind].fanned_out) {
        *ret_path = memory_printf("%s/%s" SUFFIX, kinds[kind].dir, name);
        return 0;
    }
    struct digest digest = digest_of_bytes(name, strlen(name));
    *ret_path = memory_printf("%s/%02x/%s" SUFFIX, kinds[kind].dir, digest.bytes[0], name);
    return 0;
}

int history_layout_name(enum ledger_change_kind kind, const char *path, char **ret_name)
{
    size_t skip = strlen(kinds[kind].dir) + 1 + (kinds[kind].fanned_out ? 3 : 0);
    size_t len = strlen(path);
    if (len < skip + sizeof SUFFIX || !text_ends_with(path, SUFFIX))
        return ERROR_INVALID;
    char *name CLEANUP_FREE = memory_strndup(path + skip, len - skip - strlen(SUFFIX));
    char *again CLEANUP_FREE = NULL;
    if (history_layout_path(kind, name, &again, NULL) < 0 || !text_equal(path, again))
        return ERROR_INVALID;
    *ret_name = TAKE(name);
    return 0;
}
