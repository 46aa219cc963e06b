/* When a service has arrived where the repository wants it, and when it cannot: one answer for api/, wait and
 * apply. */
#pragma once

#include "core/core.h"

#include <stdbool.h>

/* Exactly what is wanted runs and is healthy, and nothing else is left. A service that is being removed never
 * is: it disappears. */
bool view_service_is_steady(const struct view_service *view);
/* What the repository asks for has been tried and has failed, whatever runs now. */
bool view_service_has_failed(const struct view_service *view);
