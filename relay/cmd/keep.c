#include "relay/cmd/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { NAMES_MAX = 1000 };

bool relay_keep_init(struct relay_keep *keep, const char *dir, const char *name, const char *suffix)
{
    static unsigned long serial;
    int n = snprintf(keep->path, sizeof(keep->path), "%s/%s%s", dir, name, suffix);
    int part = snprintf(keep->part, sizeof(keep->part), "%s/.%s.%ld.%lu.part", dir, name,
                        (long)getpid(), ++serial);
    int tail = snprintf(keep->suffix, sizeof(keep->suffix), "%s", suffix);
    keep->fd = -1;
    keep->stem = strlen(dir) + 1 + strlen(name);
    /* room for a number of up to four digits */
    return n > 0 && (size_t)n + 8 < sizeof(keep->path) && part > 0 &&
           (size_t)part < sizeof(keep->part) && (size_t)tail < sizeof(keep->suffix);
}

int relay_keep_write(struct relay_keep *keep, uint64_t at, const void *p, size_t n)
{
    const char *octets = p;
    if (keep->fd < 0) {
        keep->fd = open(keep->part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    }
    if (keep->fd < 0) {
        return -1;
    }
    while (n > 0) {
        ssize_t wrote = pwrite(keep->fd, octets, n, (off_t)at);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote <= 0) {
            return -1;
        }
        octets += wrote;
        at += (uint64_t)wrote;
        n -= (size_t)wrote;
    }
    return 0;
}

/* Gives the file its name, and never takes that of a file that is there. */
static int give_name(struct relay_keep *keep)
{
    for (unsigned i = 1; i <= NAMES_MAX; i++) {
        if (renameat2(AT_FDCWD, keep->part, AT_FDCWD, keep->path, RENAME_NOREPLACE) == 0) {
            return 0;
        }
        /* a file system that cannot */
        if (errno == EINVAL && link(keep->part, keep->path) == 0) {
            return unlink(keep->part);
        }
        if (errno != EEXIST) {
            return -1;
        }
        snprintf(keep->path + keep->stem, sizeof(keep->path) - keep->stem, "-%u%s", i + 1,
                 keep->suffix);
    }
    return -1;
}

static int sync_directory(const struct relay_keep *keep)
{
    char dir[RELAY_KEEP_PATH];
    snprintf(dir, sizeof(dir), "%s", keep->path);
    *(strrchr(dir, '/') + 1) = '\0';
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return ok ? 0 : -1;
}

int relay_keep_done(struct relay_keep *keep)
{
    if (relay_keep_write(keep, 0, NULL, 0) != 0 || fsync(keep->fd) != 0) {
        return -1;
    }
    int fd = keep->fd;
    keep->fd = -1;
    bool ok = close(fd) == 0 && give_name(keep) == 0;
    if (!ok) {
        int err = errno;
        unlink(keep->part);
        errno = err;
        return -1;
    }
    return sync_directory(keep);
}

void relay_keep_drop(struct relay_keep *keep)
{
    if (keep->fd >= 0) {
        close(keep->fd);
        keep->fd = -1;
        unlink(keep->part);
    }
}
