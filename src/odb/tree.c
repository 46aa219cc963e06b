#include "odb/tree.h"

#include "base/memory.h"

#include <string.h>

#define MODE_DIGITS 6
#define MODE_TYPE   0170000

DEFINE_CLEANUP(git_odb_object, git_odb_object_free)

bool odb_tree_entry_is_tree(const struct odb_tree_entry *entry)
{
    return (entry->mode & MODE_TYPE) == GIT_FILEMODE_TREE;
}

bool odb_tree_entry_is_commit(const struct odb_tree_entry *entry)
{
    return (entry->mode & MODE_TYPE) == GIT_FILEMODE_COMMIT;
}

static void cursor_init(struct odb_tree_cursor *cursor, git_odb_object *tree)
{
    *cursor = (struct odb_tree_cursor){0};
    if (!tree)
        return;
    cursor->at = git_odb_object_data(tree);
    cursor->end = cursor->at + git_odb_object_size(tree);
}

static int tell_damage(void)
{
    git_error_set_str(GIT_ERROR_TREE, "a tree object is damaged");
    return GIT_ERROR;
}

/* Reads the entry that the cursor stands at, unless it is read. */
static int cursor_read(struct odb_tree_cursor *cursor)
{
    if (cursor->size || cursor->at == cursor->end)
        return 0;
    const char *at = cursor->at;
    unsigned mode = 0;
    for (int i = 0; i < MODE_DIGITS && at < cursor->end && *at >= '0' && *at <= '7'; i++)
        mode = mode * 8 + (unsigned)(*at++ - '0');
    if (at == cursor->at || at == cursor->end || *at++ != ' ')
        return tell_damage();
    const char *nul = memchr(at, '\0', (size_t)(cursor->end - at));
    if (!nul || nul == at || cursor->end - nul <= GIT_OID_RAWSZ)
        return tell_damage();
    cursor->entry = (struct odb_tree_entry){at, (const git_oid *)(nul + 1), mode};
    cursor->size = (size_t)(nul + 1 + GIT_OID_RAWSZ - cursor->at);
    return 0;
}

static const struct odb_tree_entry *entry_of(const struct odb_tree_cursor *cursor)
{
    return cursor->size ? &cursor->entry : NULL;
}

static void cursor_leave(struct odb_tree_cursor *cursor)
{
    cursor->at += cursor->size;
    cursor->size = 0;
}

/* As git sorts: a directory as if its name ended in a slash. */
static int compare(const struct odb_tree_entry *a, const struct odb_tree_entry *b)
{
    size_t i = 0;
    while (a->name[i] && a->name[i] == b->name[i])
        i++;
    unsigned char left = (unsigned char)a->name[i];
    unsigned char right = (unsigned char)b->name[i];
    if (!left && odb_tree_entry_is_tree(a))
        left = '/';
    if (!right && odb_tree_entry_is_tree(b))
        right = '/';
    return left - right;
}

/* The entry of the new tree stands in the old one as it is. */
static bool is_same(const struct odb_tree_cursor *old, const struct odb_tree_cursor *new)
{
    return new->size && (size_t)(old->end - old->at) >= new->size &&memcmp(old->at, new->at, new->size) == 0;
}

void odb_tree_pair_init(struct odb_tree_pair *pair, git_odb_object *old_tree, git_odb_object *new_tree)
{
    *pair = (struct odb_tree_pair){0};
    cursor_init(&pair->old_cursor, old_tree);
    cursor_init(&pair->new_cursor, new_tree);
}

int odb_tree_pair_next(struct odb_tree_pair *pair)
{
    struct odb_tree_cursor *old = &pair->old_cursor;
    struct odb_tree_cursor *new = &pair->new_cursor;
    if (pair->old_entry)
        cursor_leave(old);
    if (pair->new_entry)
        cursor_leave(new);
    int status = cursor_read(new);
    pair->same = status == 0 && is_same(old, new);
    if (pair->same) {
        old->entry = new->entry;
        old->size = new->size;
    } else if (status == 0) {
        status = cursor_read(old);
    }
    if (status < 0)
        return status;
    int order = old->size && new->size && !pair->same ? compare(&old->entry, &new->entry) : 0;
    pair->old_entry = order <= 0 ? entry_of(old) : NULL;
    pair->new_entry = order >= 0 ? entry_of(new) : NULL;
    return pair->old_entry || pair->new_entry;
}

int odb_tree_read(git_odb *odb, const git_oid *oid, git_odb_object **ret_tree)
{
    git_odb_object *tree CLEANUP(git_odb_object_freep) = NULL;
    int status = git_odb_read(&tree, odb, oid);
    if (status < 0)
        return status;
    if (git_odb_object_type(tree) != GIT_OBJECT_TREE) {
        git_error_set_str(GIT_ERROR_TREE, "an object that stands for a directory is none");
        return GIT_ERROR;
    }
    *ret_tree = TAKE(tree);
    return 0;
}
