#include "dpp/cur.h"

#include <string.h>

#include "dpp/err.h"

void dpp_cur_init(struct dpp_cur *c, const void *p, size_t n)
{
    *c = (struct dpp_cur){.p = p, .n = n};
}

static uint64_t number(struct dpp_cur *c, size_t n)
{
    const uint8_t *p = dpp_cur_bytes(c, n);
    uint64_t v = 0;

    for (size_t i = 0; p && i < n; i++)
        v = v << 8 | p[i];
    return v;
}

uint8_t dpp_cur_u8(struct dpp_cur *c)
{
    return (uint8_t)number(c, 1);
}

uint16_t dpp_cur_u16(struct dpp_cur *c)
{
    return (uint16_t)number(c, 2);
}

uint32_t dpp_cur_u32(struct dpp_cur *c)
{
    return (uint32_t)number(c, 4);
}

uint64_t dpp_cur_u40(struct dpp_cur *c)
{
    return number(c, 5);
}

const uint8_t *dpp_cur_bytes(struct dpp_cur *c, size_t n)
{
    if (c->err)
        return NULL;
    if (n > c->n - c->at) {
        dpp_cur_fail(c, DPP_E_TRUNCATED);
        return NULL;
    }
    /* NULL + 0 is undefined in C */
    const uint8_t *p = c->p ? c->p + c->at : NULL;
    c->at += n;
    return p;
}

struct dpp_span dpp_cur_span(struct dpp_cur *c, size_t n)
{
    const uint8_t *p = dpp_cur_bytes(c, n);

    return (struct dpp_span){.p = p, .n = p ? n : 0};
}

void dpp_cur_copy(struct dpp_cur *c, void *to, size_t n)
{
    const uint8_t *p = dpp_cur_bytes(c, n);

    if (p)
        memcpy(to, p, n);
    else
        memset(to, 0, n);
}

struct dpp_cur dpp_cur_sub(struct dpp_cur *c, size_t n)
{
    struct dpp_cur sub = {.base = c->base + c->at};
    struct dpp_span span = dpp_cur_span(c, n);

    sub.p = span.p;
    sub.n = span.n;
    sub.err = c->err;
    sub.err_at = c->err_at;
    return sub;
}

size_t dpp_cur_left(const struct dpp_cur *c)
{
    return c->err ? 0 : c->n - c->at;
}

int dpp_cur_fail(struct dpp_cur *c, int err)
{
    if (!c->err) {
        c->err = err;
        c->err_at = c->base + c->at;
    }
    return c->err;
}

void dpp_cur_out(struct dpp_out *o, void *p, size_t cap)
{
    *o = (struct dpp_out){.p = p, .cap = cap};
}

static void put_number(struct dpp_out *o, uint64_t v, size_t n)
{
    uint8_t octets[8];

    for (size_t i = 0; i < n; i++)
        octets[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
    dpp_cur_put(o, octets, n);
}

void dpp_cur_put_u8(struct dpp_out *o, uint8_t v)
{
    put_number(o, v, 1);
}

void dpp_cur_put_u16(struct dpp_out *o, uint16_t v)
{
    put_number(o, v, 2);
}

void dpp_cur_put_u32(struct dpp_out *o, uint32_t v)
{
    put_number(o, v, 4);
}

void dpp_cur_put_u40(struct dpp_out *o, uint64_t v)
{
    put_number(o, v, 5);
}

void dpp_cur_put(struct dpp_out *o, const void *p, size_t n)
{
    if (o->err || n == 0)
        return;
    if (n > o->cap - o->n) {
        o->err = DPP_E_SPACE;
        return;
    }
    memcpy(o->p + o->n, p, n);
    o->n += n;
}

void dpp_cur_put_str(struct dpp_out *o, const char *s)
{
    dpp_cur_put(o, s, strlen(s));
}

int dpp_cur_refuse(struct dpp_out *o, int err)
{
    if (!o->err)
        o->err = err;
    return o->err;
}
