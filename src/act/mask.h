/* Takes values that nobody may see out of an engine's words: it may quote what it was sent. */
#pragma once

#include "base/error.h"
#include "base/vector.h"

struct mask {
    struct string_vec values;
};

void mask_deinit(struct mask *mask);
/* Copies; NULL is fine. A value of fewer than three bytes is in every message and is passed over. Its lines
 * count one by one as well, and so does what becomes of it within quotes. */
void mask_add(struct mask *mask, const char *value);
/* "***" in place of each, also of one that the end of a message that is too long has cut. */
void mask_apply(const struct mask *mask, struct error *error);
