#include "relay/ops/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

static const char *advice(int error)
{
    switch (error) {
    case ENOENT:
        return "; give the path of a file that exists";
    case EACCES:
        return "; let the relay's user read it";
    default:
        return "";
    }
}

static int check(int fd, const char *path, size_t max, bool is_secret, size_t *n, char *why,
                 size_t why_n)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        snprintf(why, why_n, "%s: %s", path, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        snprintf(why, why_n, "%s: is not a regular file", path);
    else if ((uint64_t)st.st_size > max)
        snprintf(why, why_n, "%s: is larger than %zu octets", path, max);
    else if (is_secret && (st.st_mode & (S_IROTH | S_IWOTH)))
        snprintf(why, why_n, "%s: everybody may read this secret; chmod 600 it", path);
    else {
        *n = (size_t)st.st_size;
        return 0;
    }
    return RELAY_E_IO;
}

int relay_file_read(const char *path, size_t max, bool is_secret, char **p, size_t *n, char *why,
                    size_t why_n)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), err = RELAY_E_IO;
    size_t size = 0, at = 0;
    char *text = NULL;
    ssize_t got;

    *p = NULL;
    *n = 0;
    if (fd < 0) {
        snprintf(why, why_n, "%s: %s%s", path, strerror(errno), advice(errno));
        return RELAY_E_IO;
    }
    if ((err = check(fd, path, max, is_secret, &size, why, why_n)) < 0)
        goto out;
    if (!(text = malloc(size + 1))) {
        snprintf(why, why_n, "%s: out of memory", path);
        err = RELAY_E_NOMEM;
        goto out;
    }
    while (at < size && (got = read(fd, text + at, size - at)) != 0) {
        if (got < 0 && errno != EINTR) {
            snprintf(why, why_n, "%s: %s", path, strerror(errno));
            err = RELAY_E_IO;
            goto out;
        }
        at += got > 0 ? (size_t)got : 0;
    }
    text[at] = '\0';
    *p = text;
    *n = at;
    text = NULL;
out:
    relay_file_free(text, size);
    close(fd);
    return err;
}

void relay_file_free(char *p, size_t n)
{
    if (!p)
        return;
    OPENSSL_cleanse(p, n);
    free(p);
}

struct relay_stamp relay_file_stamp(const char *path)
{
    struct relay_stamp stamp = {0};
    struct stat st;

    if (stat(path, &st) == 0) {
        stamp.sec = st.st_mtim.tv_sec;
        stamp.nsec = st.st_mtim.tv_nsec;
        stamp.size = st.st_size;
        stamp.inode = st.st_ino;
    }
    return stamp;
}

uint64_t relay_stamp_mix(uint64_t sum, const char *path)
{
    struct relay_stamp stamp = path ? relay_file_stamp(path) : (struct relay_stamp){0};
    const uint64_t parts[] = {(uint64_t)stamp.sec, (uint64_t)stamp.nsec, (uint64_t)stamp.size,
                              stamp.inode};

    /* FNV-1a over the four: nobody gains by a collision of his own files */
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        sum = (sum ^ parts[i]) * 0x100000001b3u;
    return sum;
}
