/* str.h - borrowed runs of octets: compare, trim, cut, numbers with overflow check.
 *
 * A struct msrp_str owns nothing and need not end with NUL. p may be NULL when n is 0. */
#ifndef MSRP_STR_H
#define MSRP_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MSRP_IDENT_MIN  4
#define MSRP_IDENT_MAX  32
#define MSRP_IDENT_MADE 26 /* characters of msrp_str_ident_make, 5 bits each */
#define MSRP_U63_MAX    ((uint64_t)INT64_MAX)

struct msrp_str {
    const char *p;
    size_t n;
};

/* The run of a string literal. */
#define MSRP_STR(lit) ((struct msrp_str){(lit), sizeof(lit) - 1})

/* Sets of octets, for msrp_str_holds. */
enum msrp_set {
    MSRP_SET_ALNUM = 1 << 0,   /* A-Z a-z 0-9 */
    MSRP_SET_IDENT = 1 << 1,   /* these and . - + % = */
    MSRP_SET_TOKEN = 1 << 2,   /* rfc4975#9 token */
    MSRP_SET_HOST = 1 << 3,    /* letters, digits and - . _ ~ */
    MSRP_SET_SESSION = 1 << 4, /* these and + = / */
    MSRP_SET_USER = 1 << 5,    /* letters, digits and - . _ ~ % ! $ & ' ( ) * + , ; = */
    MSRP_SET_GRAPH = 1 << 6,   /* 0x21-0x7E */
};

/* The run of a NUL-terminated string, without the NUL; borrowed from `text`. NULL gives n 0. */
static inline struct msrp_str msrp_str_of(const char *text)
{
    return (struct msrp_str){text, text ? strlen(text) : 0};
}

/* Equal octet for octet: to another run; to a NUL-terminated text. */
static inline bool msrp_str_is_same(struct msrp_str a, struct msrp_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
static inline bool msrp_str_is(struct msrp_str s, const char *text)
{
    return msrp_str_is_same(s, msrp_str_of(text));
}

/* The same, with A-Z equal to a-z and nothing else folded. */
bool msrp_str_is_same_nocase(struct msrp_str a, struct msrp_str b);
static inline bool msrp_str_is_nocase(struct msrp_str s, const char *text)
{
    return s.n == msrp_str_of(text).n && msrp_str_is_same_nocase(s, msrp_str_of(text));
}

/* True when s begins with `text`; _nocase folds as above. */
static inline bool msrp_str_has_prefix(struct msrp_str s, const char *text)
{
    size_t n = msrp_str_of(text).n;

    return s.n >= n && (n == 0 || memcmp(s.p, text, n) == 0);
}
bool msrp_str_has_prefix_nocase(struct msrp_str s, const char *text);

/* s without spaces and tabs at both ends. */
struct msrp_str msrp_str_trim(struct msrp_str s);

/* Cuts s at the first octet `at`: *left is what stands before it, *right what follows it. Without
 * such an octet: false, *left is s and *right is empty. Either pointer may be NULL. */
static inline bool msrp_str_cut(struct msrp_str s, char at, struct msrp_str *left,
                                struct msrp_str *right)
{
    const char *hit = s.n > 0 ? (const char *)memchr(s.p, at, s.n) : NULL;
    size_t before = hit ? (size_t)(hit - s.p) : s.n;

    if (left) {
        *left = (struct msrp_str){s.p, before};
    }
    if (right) {
        *right = hit ? (struct msrp_str){hit + 1, s.n - before - 1} : (struct msrp_str){NULL, 0};
    }
    return hit != NULL;
}

/* Offset of the first `needle` in s, or SIZE_MAX. Linear time. An empty needle is found at 0. */
size_t msrp_str_find(struct msrp_str s, struct msrp_str needle);

/* Offset of the first place in s where `mark` stands, or where s ends inside it; s.n when there is
 * neither. The first octet of mark must not occur in it again (a CR): then the time is linear in
 * s.n. For end-lines and delimiters in a stream: all before the offset is clear of the mark. */
size_t msrp_str_find_mark(struct msrp_str s, struct msrp_str mark);

/* Reads s as a whole as 1..19 decimal digits into *v, 0..2^63-1; leading zeros count as digits.
 * Returns 0; MSRP_E_NUMBER when s is empty or holds another octet; MSRP_E_RANGE_DIGITS above 19
 * digits; MSRP_E_RANGE_VALUE above 2^63-1. *v is written on success only. */
__attribute__((warn_unused_result)) int msrp_str_u64(struct msrp_str s, uint64_t *v);

/* Every octet is in the set; of 0x20-0x7E. True for an empty run. */
bool msrp_str_holds(struct msrp_str s, enum msrp_set set);
bool msrp_str_is_plain(struct msrp_str s);

/* rfc4975#9 ident: 4..32 characters, the first a letter or digit, the others also . - + % = */
bool msrp_str_is_ident(struct msrp_str s);

/* rfc4975#9 token: at least one character of its set. */
bool msrp_str_is_token(struct msrp_str s);

/* Strict UTF-8 (RFC 3629: no overlong form, no surrogate, at most U+10FFFF); NUL counts as valid.
 */
bool msrp_str_is_utf8(struct msrp_str s);

/* Writes 26 lower-case letters and digits and a NUL that carry all 128 bits of rnd: an ident for
 * transaction ids, Message-IDs and session ids. rfc4975#7.1, rfc4975#14.1 */
void msrp_str_ident_make(char out[MSRP_IDENT_MADE + 1], const uint8_t rnd[16]);

#endif
