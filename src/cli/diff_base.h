/* What a diff compares with where FROM cannot be that: davit goes on with what the last good commit says.
 *
 *  FROM                                   | compared with
 *  ---------------------------------------|------------------------------------------------------------
 *  can be read                            | it
 *  is not valid, has no manifests, or has | the newest commit below it, along first parents, that can be
 *  no directory --path                    | read, of the DIFF_BASES newest that changed manifests
 *  likewise, and none below it can be     | nothing: all is new
 *  likewise, and more than that many      | none: FROM's own failure is told
 *  is no revision, or git fails           | likewise
 */
#pragma once

#include "cli/offline.h"

#define DIFF_BASES 32

/* Of a `from` that offline_read() has failed with, `failure`. False: there is none. *ret_oid, which the
 * caller frees, is the commit; NULL: nothing. */
bool cli_diff_find_base(const struct offline_query *query, const char *from, int failure, char **ret_oid);
