#include "relay/cmd/sum.h"

#include <stdio.h>
#include <unistd.h>

#include <openssl/evp.h>

enum { SLICE = 32 * 1024 };

static void start(struct relay_sum *sum)
{
    relay_sum_drop(sum);
    sum->at = 0;
    sum->md = EVP_MD_CTX_new();
    sum->is_broken = sum->md == NULL || EVP_DigestInit_ex(sum->md, EVP_sha256(), NULL) != 1;
}

void relay_sum_add(struct relay_sum *sum, uint64_t at, const void *p, size_t n, bool is_same)
{
    if (sum->md == NULL && !sum->is_broken) {
        start(sum);
    }
    if (sum->is_broken || n == 0) {
        return;
    }
    if (at > sum->at || (at < sum->at && !is_same)) {
        sum->is_broken = true;
        return;
    }
    if (at + n <= sum->at) {
        return;
    }
    size_t skip = (size_t)(sum->at - at);
    sum->is_broken = EVP_DigestUpdate(sum->md, (const char *)p + skip, n - skip) != 1;
    sum->at += n - skip;
}

static bool read_again(struct relay_sum *sum, uint64_t total, int fd)
{
    char octets[SLICE];
    start(sum);
    while (!sum->is_broken && sum->at < total) {
        ssize_t n = pread(fd, octets, sizeof(octets), (off_t)sum->at);
        if (n <= 0) {
            return false;
        }
        relay_sum_add(sum, sum->at, octets, (size_t)n, true);
    }
    return !sum->is_broken;
}

bool relay_sum_done(struct relay_sum *sum, uint64_t total, int fd, char hex[RELAY_SUM_HEX + 1])
{
    unsigned char md[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    hex[0] = '\0';
    if (sum->md == NULL && total == 0) {
        start(sum);
    }
    bool ok = (sum->md != NULL && !sum->is_broken && sum->at == total) ||
              (fd >= 0 && read_again(sum, total, fd));
    ok = ok && EVP_DigestFinal_ex(sum->md, md, &n) == 1;
    for (unsigned i = 0; ok && i < n; i++) {
        snprintf(hex + 2 * i, 3, "%02x", md[i]);
    }
    relay_sum_drop(sum);
    return ok;
}

void relay_sum_drop(struct relay_sum *sum)
{
    EVP_MD_CTX_free(sum->md);
    *sum = (struct relay_sum){0};
}
