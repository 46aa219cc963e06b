/* Directories of an environment: paths from the manifest root, "" itself, "base", "../base", "../..". Pure.
 */
#pragma once

#include <stdbool.h>

/* `relative` as seen from `directory`, normalised; caller frees. NULL for an absolute path. */
char *environment_path_join(const char *directory, const char *relative);
/* Whether `inner`, a directory or a file, is `outer` or below it; both normalised. */
bool environment_path_holds(const char *outer, const char *inner);
/* Whether the path leads out of the root. */
bool environment_path_is_outside(const char *path);
/* How many directories above the root it begins. */
int environment_path_climbs(const char *path);
