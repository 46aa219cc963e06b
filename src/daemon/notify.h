/* sd_notify(3) in a few lines: readiness and the watchdog, when systemd asks for them. */
#pragma once

#include <uv.h>

/* Sends "READY=1" or the like to NOTIFY_SOCKET; does nothing without one. */
void notify_send(const char *state);
/* Half of WATCHDOG_USEC in milliseconds; 0: no watchdog wanted. */
uint64_t notify_watchdog_ms(void);
