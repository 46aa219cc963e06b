/* The pause container's program: PID 1 of the namespaces that the containers of a task share. It reaps what
 * is left to it and ends at SIGTERM and SIGINT, and does nothing else. A program of its own, without libc: a
 * few kilobytes that start at once and need nothing of their image; the lines of assembler are in pause_*.S.
 */
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define BIT_OF(signal) (1UL << ((signal)-1)) /* of the kernel's signal set, which has 64 of them */

long pause_syscall(long number, long a, long b, long c, long d);
int pause_main(void);

static void reap(void)
{
    while (pause_syscall(SYS_wait4, -1, 0, WNOHANG, 0) > 0)
        continue;
}

/* What is blocked waits for us even in PID 1, where the kernel drops signals without a handler. */
int pause_main(void)
{
    const unsigned long signals = BIT_OF(SIGTERM) | BIT_OF(SIGINT) | BIT_OF(SIGCHLD);
    pause_syscall(SYS_rt_sigprocmask, SIG_BLOCK, (long)&signals, 0, sizeof signals);
    for (;;) {
        long signal = pause_syscall(SYS_rt_sigtimedwait, (long)&signals, 0, 0, sizeof signals);
        if (signal == SIGTERM || signal == SIGINT)
            return 0;
        reap();
    }
}
