/* Runs a fuzz target over the files of a directory, and over every truncation of them: the corpus as a plain
 * test. */
#include "base/memory.h"

#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_FILE_BYTES  65536
#define MAX_TRUNCATIONS 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In memory of just that size, so that the sanitizer sees a read beyond it. */
static void run_prefix(const uint8_t *data, size_t size)
{
    CLEANUP_FREE uint8_t *copy = memory_alloc(size);
    for (size_t i = 0; i < size; i++)
        copy[i] = data[i];
    LLVMFuzzerTestOneInput(copy, size);
}

static int run_file(const char *path)
{
    static const size_t max = MAX_FILE_BYTES;
    CLEANUP_FREE uint8_t *data = memory_alloc(max);
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return EXIT_FAILURE;
    }
    size_t size = fread(data, 1, max, file);
    fclose(file);
    run_prefix(data, size);
    for (size_t cut = 0; cut < size && cut < MAX_TRUNCATIONS; cut++)
        run_prefix(data, cut);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct dirent **entries;
    int status = EXIT_SUCCESS;
    if (argc != 2) {
        fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return EXIT_FAILURE;
    }
    int len = scandir(argv[1], &entries, NULL, alphasort);
    if (len < 0) {
        perror(argv[1]);
        return EXIT_FAILURE;
    }
    int files = 0;
    for (int i = 0; i < len; i++) {
        CLEANUP_FREE struct dirent *entry = entries[i];
        CLEANUP_FREE char *path = memory_printf("%s/%s", argv[1], entry->d_name);
        if (entry->d_name[0] == '.')
            continue;
        files++;
        if (run_file(path) != EXIT_SUCCESS)
            status = EXIT_FAILURE;
    }
    free(entries);
    printf("%d files\n", files);
    return files > 0 ? status : EXIT_FAILURE;
}
