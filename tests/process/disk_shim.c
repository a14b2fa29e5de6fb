/* A disk that misbehaves on command, for LD_PRELOAD.
 *
 * Looks at the file named by DISK_FAULT before every sync and write of a file whose path contains
 * ".sqlite". It holds one word:
 *   stall   fsync and fdatasync wait until the word changes or the file is gone
 *   eio     fsync and fdatasync fail with EIO
 *   enospc  write, pwrite and pwrite64 fail with ENOSPC
 *   edquot  the same with EDQUOT, which SQLite does not know as "full"
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int fault_is(const char *word)
{
    char text[16] = {0};
    const char *path = getenv("DISK_FAULT");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return 0;
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    return length > 0 && strncmp(text, word, strlen(word)) == 0;
}

static int is_store(int file)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0)
        return 0;
    path[length] = 0;
    return strstr(path, ".sqlite") != NULL;
}

static int sync_with(const char *name, int file)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    if (is_store(file)) {
        while (fault_is("stall"))
            usleep(5000);
        if (fault_is("eio")) {
            errno = EIO;
            return -1;
        }
    }
    return real(file);
}

static int is_full(int file)
{
    int saved = errno;
    int store = is_store(file);
    int fault = store && fault_is("enospc") ? ENOSPC : store && fault_is("edquot") ? EDQUOT : 0;
    errno = fault ? fault : saved;
    return fault;
}

int fsync(int file) { return sync_with("fsync", file); }
int fdatasync(int file) { return sync_with("fdatasync", file); }

ssize_t write(int file, const void *data, size_t size)
{
    ssize_t (*real)(int, const void *, size_t) = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    return is_full(file) ? -1 : real(file, data, size);
}

ssize_t pwrite(int file, const void *data, size_t size, off_t at)
{
    ssize_t (*real)(int, const void *, size_t, off_t) =
        (ssize_t(*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite");
    return is_full(file) ? -1 : real(file, data, size, at);
}

ssize_t pwrite64(int file, const void *data, size_t size, off64_t at)
{
    ssize_t (*real)(int, const void *, size_t, off64_t) =
        (ssize_t(*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");
    return is_full(file) ? -1 : real(file, data, size, at);
}
