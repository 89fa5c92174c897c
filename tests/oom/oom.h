/* oom.h - refuses allocations in turn.
 *
 * Include once in an oom test; the linker sends malloc and its kin here (--wrap). A test runs its
 * call with oom_after = 0, 1, 2, ... until the call succeeds without a refusal:
 *
 *     for (long i = 0;; i++) {
 *         oom_start(i);
 *         int err = call();
 *         if (!oom_stop())
 *             break;              // nothing was refused: err must be 0, and the loop is over
 *         assert_int_equal(err, X_E_NOMEM);
 *     }
 *
 * Shared libraries do not call through the wrappers: give oom_malloc, oom_realloc and free to
 * xmlMemSetup or CRYPTO_set_mem_functions. */
#ifndef TESTS_OOM_OOM_H
#define TESTS_OOM_OOM_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *s);
void *__real_aligned_alloc(size_t to, size_t n);

static long oom_left = -1; /* allocations still granted; -1: no limit */
static long oom_refused;
static bool oom_once;

/* Grants `n` allocations and refuses every later one. */
static inline void oom_start(long n)
{
    oom_left = n;
    oom_refused = 0;
    oom_once = false;
}

/* As oom_start, but only one allocation is refused. */
static inline void oom_start_once(long n)
{
    oom_start(n);
    oom_once = true;
}

static inline void oom_begin(long n, bool once)
{
    if (once)
        oom_start_once(n);
    else
        oom_start(n);
}

/* Grants everything again; returns whether any allocation was refused since oom_start. */
static inline bool oom_stop(void)
{
    oom_left = -1;
    return oom_refused > 0;
}

static inline bool oom_refuses(void)
{
    if (oom_left < 0)
        return false;
    if (oom_left > 0) {
        oom_left--;
        return false;
    }
    oom_refused++;
    if (oom_once)
        oom_left = -1;
    return true;
}

void *__wrap_malloc(size_t n)
{
    return oom_refuses() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return oom_refuses() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    return oom_refuses() ? NULL : __real_realloc(p, n);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
    return oom_refuses() ? NULL : __real_reallocarray(p, n, size);
}

void *__wrap_aligned_alloc(size_t to, size_t n)
{
    return oom_refuses() ? NULL : __real_aligned_alloc(to, n);
}

char *__wrap_strdup(const char *s)
{
    return oom_refuses() ? NULL : __real_strdup(s);
}

/* For xmlMemSetup: same rules, plain signatures. */
static inline void *oom_malloc(size_t n)
{
    return __wrap_malloc(n);
}

static inline void *oom_realloc(void *p, size_t n)
{
    return __wrap_realloc(p, n);
}

static inline char *oom_strdup(const char *s)
{
    return __wrap_strdup(s);
}

#endif
