/* The program's log: one line an entry on standard error, "level: message"; under systemd with its <N>
 * prefixes. */
#pragma once

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_set_level(enum log_level level);
/* ERROR_INVALID for a name that is none of error, warning, info, debug. */
int log_level_parse(const char *name, enum log_level *ret_level);
void log_message(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
