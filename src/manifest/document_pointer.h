/* JSON pointers (RFC 6901), token by token. */
#pragma once

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>

/* Appends "/" and the escaped token. The buffer's bound cuts silently: a pointer is for the reader. */
void document_pointer_append_key(struct buffer *pointer, const char *key);
void document_pointer_append_index(struct buffer *pointer, size_t index);

/* Takes the next token off *pointer, unescaped (caller frees). NULL at the end, and for what is no pointer.
 */
char *document_pointer_next(const char **pointer);
/* An array index as RFC 6901 has it: digits without leading zeros. */
bool document_pointer_to_index(const char *token, size_t *ret_index);
