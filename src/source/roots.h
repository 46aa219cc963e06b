/* Roots as paths in the repository. Pure. */
#pragma once

#include "base/vector.h"

#include <stdbool.h>

/* Where the root (see source_options) is, without slashes at the ends; "" is the repository's root. NULL when
 * it leads out of the repository or into a .git, or when what is to be other files ends in "..", "." or
 * nothing: that holds the manifests, or so it may be. Caller frees. */
char *source_root_path(const char *sub_path, const char *root);
/* How many directories of the repository the sub-path (NULL: none) is below. */
int source_path_levels(const char *sub_path);
/* The root names a directory of manifests, not other files. */
bool source_root_has_manifests(const char *root);
/* The paths of those that name other files. */
void source_root_paths(const char *sub_path, const struct string_vec *roots, struct string_vec *ret_paths);
