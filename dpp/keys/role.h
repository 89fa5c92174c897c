/* role.h - which key may do what: the purpose tag in the top four bits of a key ID.
 *
 * ts33180#G: key ID = tag (4 bits) | random (28 bits), big-endian on the wire. One row per tag.
 *
 * X(NAME, tag, "name", uses) */
#ifndef DPP_KEYS_ROLE_H
#define DPP_KEYS_ROLE_H

#include <stdbool.h>
#include <stdint.h>

/* What a key may be used for; bits. */
enum dpp_use {
    DPP_USE_ONE = 1,        /* DPPK of a one-to-one DATA PAYLOAD, end to end */
    DPP_USE_GROUP = 2,      /* DPPK of a group's DATA PAYLOAD, end to end */
    DPP_USE_SIGNALLING = 4, /* DPPK of signalling, client to server or server to server */
    DPP_USE_RELAY = 8,      /* a relay may load it: it must never read a payload */
};

/* clang-format off */
#define DPP_ROLES(X)                                              \
    X(GMK,   0, "gmk",   DPP_USE_GROUP)                           \
    X(PCK,   1, "pck",   DPP_USE_ONE)                             \
    X(CSK,   2, "csk",   DPP_USE_SIGNALLING | DPP_USE_RELAY)      \
    X(SPK,   3, "spk",   DPP_USE_SIGNALLING)                      \
    X(MKFC,  4, "mkfc",  0)                                       \
    X(MSCCK, 5, "mscck", 0)                                       \
    X(MUSIK, 6, "musik", 0)
/* clang-format on */

enum dpp_role {
#define X(name, tag, text, uses) DPP_ROLE_##name = tag,
    DPP_ROLES(X)
#undef X
};

/* The role that the purpose tag of a key ID names: an enum dpp_role, or DPP_E_ROLE for the tags
 * 7 to 15, which are not defined. */
int dpp_role_of_id(uint32_t id) __attribute__((warn_unused_result));

/* A key ID of this role from 28 random bits (the upper four bits of `random` are ignored). */
uint32_t dpp_role_make_id(enum dpp_role role, uint32_t random);

/* May a key of this role be used so? */
bool dpp_role_may(enum dpp_role role, enum dpp_use use);

/* May a relay hold a key of this role? CSK only: with a PCK or GMK it could read payloads
 * (reliability I6). */
bool dpp_role_is_for_relay(enum dpp_role role);

/* "gmk", "pck", ...; "unknown" for any other number. Static storage. */
const char *dpp_role_name(int role);

/* The role of a name as dpp_role_name prints it, or DPP_E_ROLE. */
int dpp_role_parse(const char *name) __attribute__((warn_unused_result));

#endif
