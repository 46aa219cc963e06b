/* Values that must not stay behind in memory that is given back: secrets, and what is made of them.
 *
 * Not in our hands are the copies of others: libcurl's and the kernel's buffers of what is sent and received,
 * stdio's of a Docker configuration that is read, davit's own environment; nor the answers of an engine while
 * they are bytes, where an inspection tells all variables of a container again.
 */
#pragma once

#include <stddef.h>

/* Overwrites up to the NUL and frees. NULL is fine. */
void wipe_free(char *text);
void wipe_freep(char **text);
/* "<head><tail>" without copies on the way, which printing makes. Caller frees. */
char *wipe_join(const char *head, const char *tail);
/* From now on all memory of JSON values, of their parser and of their writer is overwritten before it is
 * given back. Before the first of them is made. */
void wipe_json(void);
