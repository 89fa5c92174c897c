#include "relay/ops/keydir.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "relay/err.h"

/* The largest key file: header, tag, and 65535 entries of the largest size. */
#define FILE_MAX ((size_t)40 + 65535 * (23 + 32 + 2 * DPP_URI_MAX))

/* Nobody else may read or write it, and its owner is us or root (a systemd credential is root's or
 * ours). Looked at through the descriptor: the path may change under us. */
static int open_private(const char *path, size_t *size)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0)
        return RELAY_E_IO;
    int rc = 0;
    if (fstat(fd, &st) != 0) {
        rc = RELAY_E_IO;
    } else if (!S_ISREG(st.st_mode)) {
        errno = EINVAL;
        rc = RELAY_E_IO;
    } else if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0 ||
               (st.st_uid != geteuid() && st.st_uid != 0)) {
        rc = DPP_E_KEYFILE_MODE;
    } else if ((uintmax_t)st.st_size > FILE_MAX) {
        rc = DPP_E_KEYFILE_SIZE;
    }
    if (rc != 0) {
        int why = errno;
        close(fd);
        errno = why;
        return rc;
    }
    *size = (size_t)st.st_size;
    return fd;
}

/* Reads exactly n octets and no more: a file that shrank or grew meanwhile is not what we saw. */
static int read_all(int fd, uint8_t *p, size_t n)
{
    size_t at = 0;

    while (at < n) {
        ssize_t got = read(fd, p + at, n - at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return RELAY_E_IO;
        if (got == 0)
            return DPP_E_KEYFILE_SIZE;
        at += (size_t)got;
    }
    return 0;
}

static int write_all(int fd, const uint8_t *p, size_t n)
{
    while (n > 0) {
        ssize_t put = write(fd, p, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return RELAY_E_IO;
        p += put;
        n -= (size_t)put;
    }
    return fsync(fd) == 0 ? 0 : RELAY_E_IO;
}

int relay_keydir_kek(const char *path, uint8_t kek[DPP_KEYFILE_KEK])
{
    size_t size = 0;
    int fd = open_private(path, &size);

    if (fd < 0)
        return fd;
    int rc = size == DPP_KEYFILE_KEK ? read_all(fd, kek, DPP_KEYFILE_KEK) : DPP_E_KEYFILE_SIZE;
    close(fd);
    return rc;
}

int relay_keydir_make_kek(const char *path, const uint8_t kek[DPP_KEYFILE_KEK])
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);

    if (fd < 0)
        return RELAY_E_IO;
    int rc = write_all(fd, kek, DPP_KEYFILE_KEK);
    int why = errno;
    close(fd);
    if (rc != 0)
        unlink(path); /* half a KEK is worse than none */
    errno = why;
    return rc;
}

/* The whole of a sealed file: ciphertext, the caller's to free. */
static int read_file(const char *path, uint8_t **p, size_t *n)
{
    int fd = open_private(path, n);

    *p = NULL;
    if (fd < 0)
        return fd;
    *p = malloc(*n ? *n : 1);
    int rc = *p ? read_all(fd, *p, *n) : RELAY_E_NOMEM;
    int why = errno;
    close(fd);
    if (rc != 0) {
        free(*p);
        *p = NULL;
    }
    errno = why;
    return rc;
}

int relay_keydir_read(const char *path, const uint8_t kek[DPP_KEYFILE_KEK], size_t room,
                      struct dpp_store **store)
{
    uint8_t *p;
    size_t n = 0;
    int rc = read_file(path, &p, &n);

    *store = NULL;
    if (rc != 0)
        return rc;
    rc = dpp_keyfile_open(store, room, kek, p, n);
    free(p);
    return rc;
}

int relay_keydir_lock(const char *path)
{
    char *beside;

    if (asprintf(&beside, "%s.lock", path) < 0)
        return RELAY_E_NOMEM;
    int fd = open(beside, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    int why = errno;
    free(beside);
    errno = why;
    while (fd >= 0 && flock(fd, LOCK_EX) != 0) {
        if (errno == EINTR)
            continue;
        why = errno;
        close(fd);
        errno = why;
        fd = -1;
    }
    return fd < 0 ? RELAY_E_IO : fd;
}

void relay_keydir_unlock(int lock)
{
    if (lock < 0)
        return;
    (void)flock(lock, LOCK_UN); /* a child may hold the descriptor too */
    close(lock);
}

size_t relay_keydir_keys_max(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0 || st.st_size < 0)
        return 0;
    size_t n = (size_t)st.st_size / DPP_KEYFILE_ENTRY_MIN;
    return n < DPP_KEYFILE_KEYS_MAX ? n : DPP_KEYFILE_KEYS_MAX;
}

int relay_keydir_read_relay(const char *path, const uint8_t kek[DPP_KEYFILE_KEK],
                            struct dpp_store **store)
{
    int rc = relay_keydir_read(path, kek, 0, store);

    if (rc != 0)
        return rc;
    for (size_t i = 0; i < dpp_store_count(*store); i++) {
        /* reliability I6: a relay that held a PCK or GMK could read payloads */
        if (!dpp_role_is_for_relay(dpp_key_role(dpp_store_at(*store, i)->key))) {
            dpp_store_free(*store);
            *store = NULL;
            return DPP_E_ROLE;
        }
    }
    return 0;
}

/* The rename is on disk only when its directory is. */
static int sync_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *dir = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");

    if (!dir)
        return RELAY_E_NOMEM;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(dir);
    if (fd < 0)
        return RELAY_E_IO;
    int rc = fsync(fd) == 0 ? 0 : RELAY_E_IO;
    close(fd);
    return rc;
}

int relay_keydir_replace(const char *path, const void *p, size_t n)
{
    char *temporary = NULL;

    if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
        return RELAY_E_NOMEM;
    int fd = mkostemp(temporary, O_CLOEXEC); /* 0600 */
    int rc = fd < 0 ? RELAY_E_IO : write_all(fd, p, n);
    if (fd >= 0 && close(fd) != 0 && rc == 0)
        rc = RELAY_E_IO;
    if (rc == 0 && rename(temporary, path) != 0)
        rc = RELAY_E_IO;
    int why = errno;
    if (rc != 0 && fd >= 0)
        unlink(temporary);
    errno = why;
    free(temporary);
    return rc == 0 ? sync_directory(path) : rc;
}

int relay_keydir_write(const char *path, const uint8_t kek[DPP_KEYFILE_KEK],
                       const struct dpp_store *store)
{
    uint8_t nonce[DPP_KEYFILE_NONCE];
    size_t cap = dpp_keyfile_size(store);
    uint8_t *p = malloc(cap);
    int rc = RELAY_E_NOMEM;

    if (!p)
        return rc;
    if (RAND_bytes(nonce, sizeof nonce) != 1) {
        rc = RELAY_E_RANDOM;
    } else {
        ssize_t n = dpp_keyfile_seal(store, kek, nonce, p, cap);
        rc = n < 0 ? (int)n : relay_keydir_replace(path, p, (size_t)n);
    }
    free(p);
    return rc;
}

int relay_keydir_write_texts(const char *path, const uint8_t kek[DPP_KEYFILE_KEK],
                             const struct dpp_span *texts, size_t n)
{
    uint8_t nonce[DPP_KEYFILE_NONCE];
    size_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += texts[i].n <= RELAY_KEYDIR_SET_MAX ? texts[i].n : RELAY_KEYDIR_SET_MAX;
    if (DPP_KEYFILE_TEXTS_SIZE(sum) > RELAY_KEYDIR_SET_MAX)
        return DPP_E_KEYFILE_SIZE;
    uint8_t *p = malloc(DPP_KEYFILE_TEXTS_SIZE(sum));
    int rc = RELAY_E_NOMEM;
    if (!p)
        return rc;
    if (RAND_bytes(nonce, sizeof nonce) != 1) {
        rc = RELAY_E_RANDOM;
    } else {
        ssize_t sealed =
            dpp_keyfile_seal_text(texts, n, kek, nonce, p, DPP_KEYFILE_TEXTS_SIZE(sum));
        rc = sealed < 0 ? (int)sealed : relay_keydir_replace(path, p, (size_t)sealed);
    }
    free(p);
    return rc;
}

ssize_t relay_keydir_read_texts(const char *path, const uint8_t kek[DPP_KEYFILE_KEK],
                                uint8_t **plain, size_t *plain_n,
                                struct dpp_span texts[DPP_KEYFILE_TEXTS_MAX])
{
    uint8_t *p;
    ssize_t count = read_file(path, &p, plain_n);

    *plain = NULL;
    if (count < 0)
        return count;
    *plain = *plain_n <= RELAY_KEYDIR_SET_MAX ? malloc(*plain_n ? *plain_n : 1) : NULL;
    if (*plain)
        count = dpp_keyfile_open_text(kek, p, *plain_n, *plain, texts);
    else
        count = *plain_n <= RELAY_KEYDIR_SET_MAX ? RELAY_E_NOMEM : DPP_E_KEYFILE_SIZE;
    free(p);
    if (count < 0) {
        free(*plain); /* wiped */
        *plain = NULL;
    }
    return count;
}

int relay_keydir_write_set(const char *path, const uint8_t kek[DPP_KEYFILE_KEK],
                           const char *const *xml, const size_t *xml_n, size_t n)
{
    struct dpp_span texts[DPP_KEYFILE_TEXTS_MAX];

    if (n == 0 || n > DPP_KEYFILE_TEXTS_MAX)
        return DPP_E_LONG;
    for (size_t i = 0; i < n; i++)
        texts[i] = (struct dpp_span){.p = (const uint8_t *)xml[i], .n = xml_n[i]};
    return relay_keydir_write_texts(path, kek, texts, n);
}

/* Zeros over all of an open file. */
static int blank(int fd)
{
    static const uint8_t zeros[4096];
    struct stat st;

    if (fstat(fd, &st) != 0)
        return RELAY_E_IO;
    if (!S_ISREG(st.st_mode)) {
        errno = EINVAL;
        return RELAY_E_IO;
    }
    for (off_t at = 0; at < st.st_size; at += (off_t)sizeof zeros) {
        off_t left = st.st_size - at;
        size_t n = left < (off_t)sizeof zeros ? (size_t)left : sizeof zeros;
        if (write_all(fd, zeros, n) != 0)
            return RELAY_E_IO;
    }
    return 0;
}

static int open_old(const char *path)
{
    return open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

static int blank_and_close(int fd)
{
    int rc = blank(fd), why = errno;

    close(fd);
    errno = why;
    return rc;
}

int relay_keydir_wipe(const char *path)
{
    int fd = open_old(path);

    if (fd < 0 || blank_and_close(fd) != 0 || unlink(path) != 0)
        return RELAY_E_IO;
    return sync_directory(path);
}

int relay_keydir_rewrite(const char *path, const uint8_t kek[DPP_KEYFILE_KEK],
                         const struct dpp_store *store)
{
    int old = open_old(path);

    if (old < 0)
        return RELAY_E_IO;
    int rc = relay_keydir_write(path, kek, store);
    if (rc == 0)
        return blank_and_close(old); /* the rename has left it without a name */
    int why = errno;
    close(old);
    errno = why;
    return rc;
}
