/* crypto.h - OpenSSL's allocations are refused too. Include after cmocka.h, beside oom.h. */
#ifndef TESTS_OOM_CRYPTO_H
#define TESTS_OOM_CRYPTO_H

#include <openssl/crypto.h>

#include "tests/oom/oom.h"

static long oom_crypto_asked; /* allocations that libcrypto wanted so far */

static void *oom_crypto_malloc(size_t n, const char *file, int line)
{
    (void)file, (void)line;
    oom_crypto_asked++;
    return oom_malloc(n);
}

static void *oom_crypto_realloc(void *p, size_t n, const char *file, int line)
{
    (void)file, (void)line;
    oom_crypto_asked++;
    return oom_realloc(p, n);
}

static void oom_crypto_free(void *p, const char *file, int line)
{
    (void)file, (void)line;
    free(p);
}

/* First of all in main. False when libcrypto has allocated already: then nothing would be refused.
 */
static inline bool oom_crypto(void)
{
    return CRYPTO_set_mem_functions(oom_crypto_malloc, oom_crypto_realloc, oom_crypto_free) == 1;
}

#endif
