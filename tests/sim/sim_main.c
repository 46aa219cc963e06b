/* sim [--seeds N] [--from S] [--list FILE] [--trace]: runs seeds S ... S+N-1, or those that the lines of FILE
 * begin with; a seed that fails is run again with its trace. */
#include "base/text.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct report {
    const char *program;
    bool trace;
    struct world_totals totals;
    int64_t seeds; /* done */
};

static bool number(const char *text, int64_t *ret_number)
{
    return text && text_to_int64(text, 0, INT64_MAX / 2, ret_number) == 0;
}

static bool run_seed(struct report *report, int64_t seed)
{
    char *failure CLEANUP_FREE = NULL;
    report->seeds++;
    if (world_run((uint64_t)seed, report->trace, &report->totals, &failure))
        return true;
    char *again CLEANUP_FREE = NULL;
    if (!report->trace)
        world_run((uint64_t)seed, true, &report->totals, &again);
    printf("seed %lld: %s\nreproduce: %s --from %lld --seeds 1 --trace\n", (long long)seed, failure,
           report->program, (long long)seed);
    return false;
}

static bool run_list(struct report *report, const char *path)
{
    char line[256];
    bool good = true;
    FILE *file = fopen(path, "re");
    if (!file)
        perror(path);
    while (good && file && fgets(line, sizeof line, file)) {
        int64_t seed;
        line[strcspn(line, " \n")] = '\0';
        if (line[0] == '#')
            continue;
        good = number(line, &seed);
        if (!good)
            printf("%s: \"%s\" is no seed\n", path, line);
        good = good && run_seed(report, seed);
    }
    if (file)
        fclose(file);
    return good && report->seeds > 0;
}

int main(int argc, char **argv)
{
    int64_t seeds = 2000;
    int64_t from = 1;
    const char *list = NULL;
    struct report report = {.program = argv[0]};
    for (int i = 1; i < argc; i++) {
        bool good = true;
        if (text_equal(argv[i], "--seeds"))
            good = number(argv[++i], &seeds);
        else if (text_equal(argv[i], "--from"))
            good = number(argv[++i], &from);
        else if (text_equal(argv[i], "--list"))
            good = (list = argv[++i]) != NULL;
        else if (text_equal(argv[i], "--trace"))
            report.trace = true;
        else
            good = false;
        if (!good) {
            fprintf(stderr, "usage: %s [--seeds N] [--from S] [--list FILE] [--trace]\n", argv[0]);
            return 2;
        }
    }
    bool good = true;
    if (list)
        good = run_list(&report, list);
    for (int64_t seed = from; good && !list && seed < from + seeds; seed++)
        good = run_seed(&report, seed);
    if (!good)
        return EXIT_FAILURE;
    char *time CLEANUP_FREE = text_from_duration_ms(report.totals.ms);
    printf("%lld seeds, %llu steps, %s of virtual time\n", (long long)report.seeds,
           (unsigned long long)report.totals.steps, time);
    return EXIT_SUCCESS;
}
