/* Entry and system calls of pause.c on x86_64. */
#include <sys/syscall.h>

        .text
        .globl  _start
_start:
        xorl    %ebp, %ebp
        andq    $-16, %rsp
        call    pause_main
        movl    %eax, %edi
        movl    $SYS_exit_group, %eax
        syscall

/* long pause_syscall(long number, long a, long b, long c, long d) */
        .globl  pause_syscall
pause_syscall:
        movq    %rdi, %rax
        movq    %rsi, %rdi
        movq    %rdx, %rsi
        movq    %rcx, %rdx
        movq    %r8, %r10
        syscall
        ret

        .section .note.GNU-stack, "", @progbits
