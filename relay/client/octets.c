#include "relay/client/octets.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "relay/err.h"

enum { KEEP = 16 * 1024 };

int relay_octets_reserve(struct relay_octets *o, size_t room)
{
    if (o->cap - o->n >= room) {
        return 0;
    }
    size_t left = o->n - o->at;
    if (o->cap - left >= room && o->at > 0) {
        memmove(o->p, o->p + o->at, left);
    } else {
        size_t cap = o->cap > 0 ? o->cap : 512;
        while (cap - left < room) {
            cap *= 2;
        }
        char *p = malloc(cap);
        if (p == NULL) {
            return RELAY_E_NOMEM;
        }
        if (left > 0) {
            memcpy(p, o->p + o->at, left);
        }
        /* plaintext may have stood in the old memory */
        OPENSSL_cleanse(o->p, o->cap);
        free(o->p);
        o->p = p;
        o->cap = cap;
    }
    o->at = 0;
    o->n = left;
    return 0;
}

int relay_octets_put(struct relay_octets *o, const void *p, size_t n)
{
    int rc = relay_octets_reserve(o, n);
    if (rc == 0 && n > 0) {
        memcpy(o->p + o->n, p, n);
        o->n += n;
    }
    return rc;
}

size_t relay_octets_left(const struct relay_octets *o)
{
    return o->n - o->at;
}

void relay_octets_eat(struct relay_octets *o, size_t n)
{
    o->at += n;
    if (o->at == o->n) {
        o->at = 0;
        o->n = 0;
        if (o->cap > KEEP) {
            relay_octets_done(o);
        }
    }
}

void relay_octets_done(struct relay_octets *o)
{
    if (o->p != NULL) {
        OPENSSL_cleanse(o->p, o->cap);
        free(o->p);
    }
    *o = (struct relay_octets){0};
}
