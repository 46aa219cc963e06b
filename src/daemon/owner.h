/* The owner that a state directory has worked as. Under another one davit does not see the containers it
 * started, and would start them all a second time. */
#pragma once

#include "base/error.h"

/* The first start writes the file "owner", durable; an empty one counts as none. ERROR_CONFLICT when it names
 * another; any other error: the file could be neither read nor written. */
int owner_remember(const char *state_directory, const char *owner, struct error *err);
