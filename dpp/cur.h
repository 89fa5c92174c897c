/* cur.h - bounded cursors: read ten fields, check once.
 *
 * A cursor remembers its first error and where it happened. After an error every read gives zero
 * (or NULL), every write writes nothing, and neither moves; so a parser reads its whole head and
 * looks at `err` once. All numbers are big-endian. */
#ifndef DPP_CUR_H
#define DPP_CUR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Octets that somebody else owns. `p` may be NULL only when `n` is 0. */
struct dpp_span {
    const uint8_t *p;
    size_t n;
};

/* A reading cursor over borrowed octets. */
struct dpp_cur {
    const uint8_t *p; /* the first octet of the buffer, not of what is left */
    size_t n;         /* octets in the buffer */
    size_t at;        /* octets read */
    size_t base;      /* where the buffer lies in the outermost one, for `err_at` */
    int err;          /* 0, or the first error */
    size_t err_at;    /* its offset in the outermost buffer */
};

/* Starts reading at the first of `n` octets at `p`, which must outlive the cursor and every span
 * taken from it. */
void dpp_cur_init(struct dpp_cur *c, const void *p, size_t n);

/* The next 1, 2, 4 or 5 octets as a number. Past the end: 0, and the error is DPP_E_TRUNCATED at
 * the offset of the number's first octet. */
uint8_t dpp_cur_u8(struct dpp_cur *c);
uint16_t dpp_cur_u16(struct dpp_cur *c);
uint32_t dpp_cur_u32(struct dpp_cur *c);
uint64_t dpp_cur_u40(struct dpp_cur *c);

/* The next `n` octets, borrowed; NULL (error DPP_E_TRUNCATED) when fewer are left. Not NULL for
 * n = 0 on a cursor without error over a buffer that is not NULL. */
const uint8_t *dpp_cur_bytes(struct dpp_cur *c, size_t n);

/* The next `n` octets as a span; an empty one after an error. */
struct dpp_span dpp_cur_span(struct dpp_cur *c, size_t n);

/* Copies the next `n` octets to `to`, which is zeroed after an error. */
void dpp_cur_copy(struct dpp_cur *c, void *to, size_t n);

/* A cursor over the next `n` octets, which this one passes. Its errors are its own but count
 * offsets in the same outermost buffer; after an error here it is empty and has that error too. */
struct dpp_cur dpp_cur_sub(struct dpp_cur *c, size_t n);

/* Octets not read yet; 0 after an error. */
size_t dpp_cur_left(const struct dpp_cur *c);

/* Records `err` (negative) at the present offset unless there is an error already. Returns the
 * first error, so that `return dpp_cur_fail(c, DPP_E_IE);` reads well. */
int dpp_cur_fail(struct dpp_cur *c, int err);

/* A writing cursor over the caller's buffer: for messages, for XML and for printed text. */
struct dpp_out {
    uint8_t *p;
    size_t cap;
    size_t n; /* octets written; no octet at or after p + n has been touched */
    int err;  /* 0, DPP_E_SPACE when something did not fit, or what dpp_cur_refuse set */
};

/* Starts writing at `p`, which has room for `cap` octets. Nothing is ever terminated with NUL. */
void dpp_cur_out(struct dpp_out *o, void *p, size_t cap);

/* Write a number of 1, 2, 4 or 5 octets; all of it or nothing (DPP_E_SPACE). Of `v` the low 40 bits
 * are written by _u40. */
void dpp_cur_put_u8(struct dpp_out *o, uint8_t v);
void dpp_cur_put_u16(struct dpp_out *o, uint16_t v);
void dpp_cur_put_u32(struct dpp_out *o, uint32_t v);
void dpp_cur_put_u40(struct dpp_out *o, uint64_t v);

/* Writes `n` octets at `p` (which may be NULL when n is 0), or a string without its NUL. */
void dpp_cur_put(struct dpp_out *o, const void *p, size_t n);
void dpp_cur_put_str(struct dpp_out *o, const char *s);

/* Records `err` (negative) unless there is an error already; returns the first error. */
int dpp_cur_refuse(struct dpp_out *o, int err);

#endif
