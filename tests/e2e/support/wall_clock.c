/* Preloaded into davit: a wall clock that a test sets, by the milliseconds in the file WALL_CLOCK_SKEW. The
 * machine's own clock is everybody's, and stays. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

static long long skew_ms(void)
{
    const char *path = getenv("WALL_CLOCK_SKEW");
    FILE *file = path ? fopen(path, "re") : NULL;
    char text[32] = "";
    if (!file)
        return 0;
    if (!fgets(text, sizeof text, file))
        text[0] = '\0';
    fclose(file);
    return strtoll(text, NULL, 10);
}

__attribute__((visibility("default"))) int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    int (*real)(struct timeval *, void *) =
        (int (*)(struct timeval *, void *))dlsym(RTLD_NEXT, "gettimeofday");
    int r = real(now, zone);
    long long ms = skew_ms();
    now->tv_sec += ms / 1000;
    now->tv_usec += ms % 1000 * 1000;
    if (now->tv_usec < 0) {
        now->tv_usec += 1000000;
        now->tv_sec--;
    } else if (now->tv_usec >= 1000000) {
        now->tv_usec -= 1000000;
        now->tv_sec++;
    }
    return r;
}
