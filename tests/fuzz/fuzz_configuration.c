/* The daemon's configuration: what is refused says why, and what is taken has a source. */
#include "base/memory.h"
#include "daemon/config.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void finish(struct config *config)
{
    struct error err = ERROR_INIT;
    int r = config_finish(config, &err);
    assert((r < 0) == (err.message[0] != '\0'));
    if (r < 0)
        return;
    assert(config->sources.len > 0 && config->owner);
    for (size_t i = 0; i < config->sources.len; i++)
        assert(config_source(config, config->sources.items[i].name) == &config->sources.items[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("configuration", MFD_CLOEXEC);
    char *path CLEANUP_FREE = memory_printf("/proc/self/fd/%d", fd);
    struct diagnostics diagnostics = {0};
    struct error err = ERROR_INIT;
    struct config config;
    assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    config_init(&config);
    int r = config_read(&config, path, &diagnostics, &err);
    assert((r < 0) == (err.message[0] != '\0'));
    assert(r < 0 || !diagnostics.errors);
    if (r == 0)
        finish(&config);
    config_deinit(&config);
    diagnostics_deinit(&diagnostics);
    close(fd);
    return 0;
}
