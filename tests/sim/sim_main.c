/* sim [--seeds N] [--from S] [--trace]: runs seeds S ... S+N-1; a seed that fails is run again with its
 * trace. */
#include "base/text.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool number(const char *text, int64_t *ret_number)
{
    return text && text_to_int64(text, 0, INT64_MAX / 2, ret_number) == 0;
}

int main(int argc, char **argv)
{
    int64_t seeds = 2000;
    int64_t from = 1;
    bool trace = false;
    uint64_t steps = 0;
    for (int i = 1; i < argc; i++) {
        bool good = true;
        if (text_equal(argv[i], "--seeds"))
            good = number(argv[++i], &seeds);
        else if (text_equal(argv[i], "--from"))
            good = number(argv[++i], &from);
        else if (text_equal(argv[i], "--trace"))
            trace = true;
        else
            good = false;
        if (!good) {
            fprintf(stderr, "usage: %s [--seeds N] [--from S] [--trace]\n", argv[0]);
            return 2;
        }
    }
    for (int64_t seed = from; seed < from + seeds; seed++) {
        char *failure CLEANUP_FREE = NULL;
        if (world_run((uint64_t)seed, trace, &steps, &failure))
            continue;
        char *again CLEANUP_FREE = NULL;
        if (!trace)
            world_run((uint64_t)seed, true, &steps, &again);
        printf("seed %lld: %s\nreproduce: %s --from %lld --seeds 1 --trace\n", (long long)seed, failure,
               argv[0], (long long)seed);
        return EXIT_FAILURE;
    }
    printf("%lld seeds, %llu steps\n", (long long)seeds, (unsigned long long)steps);
    return EXIT_SUCCESS;
}
