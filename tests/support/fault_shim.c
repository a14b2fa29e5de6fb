/* Faults of a process that others decide on, for LD_PRELOAD.
 *
 * The file named by FAULT_SHIM is mapped and shared with who injects the faults (fault_shim.py):
 *
 *   countdown  counts the calls of `point` down; at 0 the process gets `signal`
 *   point      where: before or after a sync or write of a file whose path contains ".sqlite", or a send or receive
 *              of a socket
 *   disk       1: such syncs wait, 2: they fail with EIO; writes fail with 3: ENOSPC, 4: EDQUOT, which SQLite does not
 *              know as "full"
 *   clock_ms   what is added to the wall clock
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { SYNC = 1, WRITE = 3, SEND = 5, RECEIVE = 7 }; /* before; one more is after */
enum { NONE, STALL, EIO_, ENOSPC_, EDQUOT_ };

struct faults {
    int32_t countdown, point, signal, disk;
    int64_t clock_ms;
};

static volatile struct faults *mapped;

static volatile struct faults *faults(void)
{
    static volatile struct faults none;
    const char *path;
    if (!mapped && (path = getenv("FAULT_SHIM"))) {
        int saved = errno, file = open(path, O_RDWR | O_CLOEXEC);
        if (file >= 0) {
            void *at = mmap(NULL, sizeof *mapped, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
            if (at != MAP_FAILED)
                mapped = at;
            close(file);
        }
        errno = saved;
    }
    return mapped ? mapped : &none;
}

static int is_store(int file)
{
    char link[64], path[4096];
    int saved = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    errno = saved;
    if (length <= 0)
        return 0;
    path[length] = 0;
    return strstr(path, ".sqlite") != NULL;
}

static int is_socket(int file)
{
    struct stat found;
    int saved = errno, is = !fstat(file, &found) && S_ISSOCK(found.st_mode);
    errno = saved;
    return is;
}

/* Whether the next call of this point counts: cheap while nothing is asked for. */
static int armed(int point) { return faults()->countdown > 0 && faults()->point == point; }

static void reached(int point)
{
    if (armed(point) && __sync_sub_and_fetch(&faults()->countdown, 1) == 0) {
        int saved = errno;
        kill(getpid(), faults()->signal);
        errno = saved;
    }
}

#define REAL(name) __typeof__(name) *real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

/* Makes a call of which `kind` is the point before it, where `is` holds for its file. */
#define CALL(kind, is, call)                                         \
    int counts = (armed(kind) || armed((kind) + 1)) && is(file);     \
    if (counts)                                                      \
        reached(kind);                                               \
    ssize_t result = call;                                           \
    if (counts)                                                      \
        reached((kind) + 1);                                         \
    return result

static int sync_with(int (*real)(int), int file)
{
    if (faults()->disk && is_store(file)) {
        while (faults()->disk == STALL)
            usleep(5000);
        if (faults()->disk == EIO_) {
            errno = EIO;
            return -1;
        }
    }
    CALL(SYNC, is_store, real(file));
}

static int is_full(int file)
{
    int disk = faults()->disk;
    if ((disk != ENOSPC_ && disk != EDQUOT_) || !is_store(file))
        return 0;
    errno = disk == ENOSPC_ ? ENOSPC : EDQUOT;
    return 1;
}

int fsync(int file)
{
    REAL(fsync);
    return sync_with(real, file);
}

int fdatasync(int file)
{
    REAL(fdatasync);
    return sync_with(real, file);
}

ssize_t pwrite(int file, const void *data, size_t size, off_t at)
{
    REAL(pwrite);
    if (is_full(file))
        return -1;
    CALL(WRITE, is_store, real(file, data, size, at));
}

ssize_t pwrite64(int file, const void *data, size_t size, off64_t at)
{
    REAL(pwrite64);
    if (is_full(file))
        return -1;
    CALL(WRITE, is_store, real(file, data, size, at));
}

ssize_t write(int file, const void *data, size_t size)
{
    REAL(write);
    if (is_full(file))
        return -1;
    CALL(SEND, is_socket, real(file, data, size));
}

ssize_t writev(int file, const struct iovec *parts, int count)
{
    REAL(writev);
    CALL(SEND, is_socket, real(file, parts, count));
}

ssize_t send(int file, const void *data, size_t size, int flags)
{
    REAL(send);
    CALL(SEND, is_socket, real(file, data, size, flags));
}

ssize_t sendmsg(int file, const struct msghdr *message, int flags)
{
    REAL(sendmsg);
    CALL(SEND, is_socket, real(file, message, flags));
}

ssize_t read(int file, void *data, size_t size)
{
    REAL(read);
    CALL(RECEIVE, is_socket, real(file, data, size));
}

ssize_t recv(int file, void *data, size_t size, int flags)
{
    REAL(recv);
    CALL(RECEIVE, is_socket, real(file, data, size, flags));
}

ssize_t recvmsg(int file, struct msghdr *message, int flags)
{
    REAL(recvmsg);
    CALL(RECEIVE, is_socket, real(file, message, flags));
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    REAL(clock_gettime);
    int result = real(clock, now);
    int64_t moved = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE ? faults()->clock_ms : 0;
    if (!result && moved) {
        int64_t ns = now->tv_nsec + moved % 1000 * 1000000;
        now->tv_sec += moved / 1000 + (ns >= 1000000000) - (ns < 0);
        now->tv_nsec = ns >= 1000000000 ? ns - 1000000000 : ns < 0 ? ns + 1000000000 : ns;
    }
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec exact;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *stored)
{
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (stored)
        *stored = exact.tv_sec;
    return exact.tv_sec;
}
