/* Entry and system calls of pause.c on aarch64. */
#include <sys/syscall.h>

        .text
        .globl  _start
_start:
        mov     x29, xzr
        mov     x30, xzr
        bl      pause_main
        mov     x8, #SYS_exit_group
        svc     #0

/* long pause_syscall(long number, long a, long b, long c, long d) */
        .globl  pause_syscall
pause_syscall:
        mov     x8, x0
        mov     x0, x1
        mov     x1, x2
        mov     x2, x3
        mov     x3, x4
        svc     #0
        ret

        .section .note.GNU-stack, "", %progbits
