/* mikey.h - the MIKEY-SAKKE I_MESSAGE: parse, print, make, open. ts33180#E, rfc3830, rfc6043,
 * rfc6509. The one message that carries a PCK, GMK or CSK to whom it is for.
 *
 *   HDR T RAND IDR... [SP] SAKKE and general extensions in either order, SIGN
 *
 * No clock and no random source: both are arguments. */
#ifndef DPP_KEYS_MIKEY_H
#define DPP_KEYS_MIKEY_H

#include "dpp/keys/ring.h"

enum {
    DPP_MIKEY_MAX = 8192,      /* octets of an I_MESSAGE (profile section 4, part 5) */
    DPP_MIKEY_RAND = 16,       /* octets of RAND that we send */
    DPP_MIKEY_SETS_MAX = 8,    /* entries of the CS ID map */
    DPP_MIKEY_GROUPS_MAX = 16, /* group IDs of a GMK */
    DPP_MIKEY_WINDOW_S = 3600, /* default of how far T may lie from our clock */
};

/* IDR roles. ts33180#E.7, rfc6043#6.6 */
enum dpp_mikey_role {
    DPP_MIKEY_INITIATOR = 1,     /* URI */
    DPP_MIKEY_RESPONDER = 2,     /* URI */
    DPP_MIKEY_KMS_INITIATOR = 6, /* URI */
    DPP_MIKEY_KMS_RESPONDER = 7, /* URI; absent: the KMS of the initiator */
    DPP_MIKEY_UID_INITIATOR = 8, /* 32 octets */
    DPP_MIKEY_UID_RESPONDER = 9, /* 32 octets */
    DPP_MIKEY_ROLES = 10,
};

/* Payload types. rfc3830#6.1, rfc6043#6.1, rfc6509#7 */
enum dpp_mikey_payload {
    DPP_MIKEY_P_SIGN = 4,
    DPP_MIKEY_P_T = 5,
    DPP_MIKEY_P_SP = 10,
    DPP_MIKEY_P_RAND = 11,
    DPP_MIKEY_P_IDR = 14,
    DPP_MIKEY_P_EXTENSION = 21,
    DPP_MIKEY_P_SAKKE = 26,
};

/* What the SAKKE payload says before the data, and the general extensions that we know. */
enum {
    DPP_MIKEY_SAKKE_SET = 1,    /* parameter set 1 of rfc6509#A */
    DPP_MIKEY_SAKKE_SCHEME = 2, /* the identity is the UID of ts33180#F.2.1 */
    DPP_MIKEY_EXT_SELF = 6,
    DPP_MIKEY_EXT_PARAMETERS = 7,
};

/* The key itself protects its parameters, whatever it is for. */
#define DPP_MIKEY_USES ((enum dpp_use)(DPP_USE_ONE | DPP_USE_GROUP | DPP_USE_SIGNALLING))

struct dpp_mikey_span {
    const uint8_t *p; /* NULL: absent */
    size_t n;
};

/* A parsed I_MESSAGE: borrowed runs of the octets parsed. */
struct dpp_mikey {
    uint32_t csb_id;
    uint8_t sets_n;            /* #CS */
    uint8_t map_type;          /* 0 SRTP-ID, 1 empty, 2 GENERIC-ID */
    struct dpp_mikey_span map; /* its octets */
    bool ntp_given;            /* T was there: always after _parse */
    uint8_t time_type;         /* 0 NTP-UTC, 1 NTP */
    uint64_t ntp;              /* seconds since 1900 << 32 | fraction */
    struct dpp_mikey_span rand;
    struct dpp_mikey_span id[DPP_MIKEY_ROLES]; /* by role */
    uint8_t id_type[DPP_MIKEY_ROLES];
    struct dpp_mikey_span policy; /* SP, its TLVs; absent: NULL */
    uint8_t policy_no, policy_type;
    uint8_t sakke_set, sakke_scheme;  /* 1 and 2 */
    struct dpp_mikey_span sakke;      /* SED */
    struct dpp_mikey_span to_self;    /* general extension 6 */
    struct dpp_mikey_span parameters; /* general extension 7: the key parameters, protected */
    uint8_t order[32];                /* payload types as they stood, for dpp_mikey_print */
    uint8_t order_ext[32];            /* ... role of an IDR, type of a general extension */
    uint8_t order_n;
    struct dpp_mikey_span other[4]; /* general extensions of other types, skipped, in order */
    uint8_t other_n;
    struct dpp_mikey_span signed_part; /* up to and including the 2-octet SIGN header */
    const uint8_t *signature;          /* 129 octets */
};

/* Parses n octets. Every length is checked against what is left; SIGN stands last and nothing
 * follows it. 0, or DPP_E_MIKEY_HEADER, DPP_E_MIKEY_FORM, DPP_E_MIKEY_PAYLOAD, DPP_E_LONG (over
 * DPP_MIKEY_MAX, a URI over DPP_URI_MAX, or one of the counts). No cryptography. */
int dpp_mikey_parse(struct dpp_mikey *mikey, const uint8_t *p, size_t n)
    __attribute__((warn_unused_result));

/* Whether octets may stand as a URI in a message: printable ASCII without spaces, some and at most
 * DPP_URI_MAX. */
bool dpp_mikey_is_uri(const void *p, size_t n);

/* Writes a parsed message again: the same octets. Returns them, or DPP_E_SPACE. */
ssize_t dpp_mikey_print(const struct dpp_mikey *mikey, uint8_t *out, size_t cap)
    __attribute__((warn_unused_result));

/* The octets themselves or "mikey BASE64" (with or without the word, white space and line breaks
 * anywhere): whichever `p` is. Returns the octets in out, or DPP_E_MIKEY_FORM, DPP_E_SPACE.
 * rfc4567#3.1 */
ssize_t dpp_mikey_text(const char *p, size_t n, uint8_t *out, size_t cap)
    __attribute__((warn_unused_result));

/* --- making --- */

/* Fresh randomness for one message, drawn by the caller with a cryptographic source. */
struct dpp_mikey_random {
    uint8_t rand[DPP_MIKEY_RAND];
    uint8_t iv[16];              /* of the key parameters */
    uint8_t j[DPP_ECCSI_SCALAR]; /* of the signature: secret, wiped by the caller */
};

/* What to send. Strings and key are borrowed for the call. */
struct dpp_mikey_draft {
    const struct dpp_key *key; /* the key to carry: PCK, GMK or CSK by its role; 16 octets. Its
                                  activation and expiry go into the key parameters */
    const char *responder;     /* MC service ID, or the MDSI for a CSK */
    const char *const *groups; /* GMK: its group URIs */
    size_t groups_n;
    int64_t time_s;           /* T, unix seconds; decides the key period of both UIDs */
    uint32_t fraction;        /* of a second, as NTP has it */
    bool is_revoked;          /* status: the key must not be used any more */
    bool shares_with_gateway; /* status: a security gateway holds it too */
    bool to_self;             /* with the SAKKE-to-self extension */
    bool uris;                /* identity hiding off: roles 1, 2 with URIs instead of 8, 9 */
};

/* Makes and signs an I_MESSAGE from the ring's user. CSB-ID: the key ID; for a GMK the GUK-ID of
 * the responder (ts33180#F.1.3). Signed with the set of the period of time_s or, where that is
 * missing, with the tolerated neighbour's (not with uris: they cannot name a period). Returns the
 * octets (about 650, the URIs included), or
 *   DPP_E_KMS_ABSENT    no KMS serves the responder
 *   DPP_E_MIKEY_PERIOD  no own key set for time_s
 *   DPP_E_ROLE          neither PCK, GMK nor CSK
 *   DPP_E_VALUE         not 16 octets, groups that do not fit the role, no URI
 *   DPP_E_RETRY (another random), DPP_E_SAKKE_ID, DPP_E_SPACE, DPP_E_LONG, DPP_E_NOMEM,
 * DPP_E_SECURE_HEAP, DPP_E_CRYPTO. May run on any thread. */
ssize_t dpp_mikey_make(const struct dpp_ring *ring, const struct dpp_mikey_draft *draft,
                       const struct dpp_mikey_random *random, uint8_t *out, size_t cap)
    __attribute__((warn_unused_result));

/* --- opening --- */

/* Known deviations of products in the field; all off by default. */
enum dpp_mikey_tolerance {
    DPP_MIKEY_SIGN_SHORT = 1,  /* signature without the two octets of the SIGN header */
    DPP_MIKEY_STATUS_ZERO = 2, /* status 0 for a live key: not taken for revoked */
    DPP_MIKEY_CLEAR = 4,       /* key parameters not protected */
    DPP_MIKEY_STRIPPED = 8,    /* g^r hashed without leading zero octets */
    DPP_MIKEY_NO_PARAMETERS =
        16, /* no key parameters at all: the key is usable at once, for ever */
};

struct dpp_mikey_replay;

/* What the receiver expects. */
struct dpp_mikey_want {
    int64_t now_s;
    uint32_t window_s;     /* how far T may lie from now_s, both ways; 0: DPP_MIKEY_WINDOW_S */
    bool any_time;         /* analysis: no check of T, key validity or certificate dates */
    unsigned roles;        /* bits 1 << enum dpp_role that are welcome */
    const char *initiator; /* MC service ID that it must come from; NULL: whoever signed it */
    unsigned tolerance;    /* enum dpp_mikey_tolerance */
    struct dpp_mikey_replay *replay; /* asked before and told after the signature; NULL: none */
};

/* What came out. */
struct dpp_mikey_got {
    struct dpp_key *key; /* the caller's; its ID is the GMK-ID for a GMK, else the CSB-ID; its
                            activation is T where the parameters say 0, or now_s where T lies
                            ahead of it. NULL when is_revoked, and on any error */
    enum dpp_role role;
    uint32_t key_id, csb_id;
    uint32_t status;
    bool is_revoked;
    int64_t time_s, activation_s, expiry_s;
    char initiator[DPP_URI_MAX + 1]; /* the URI of role 1, or want.initiator when its UID is the
                                        initiator's; else "" */
    char responder[DPP_URI_MAX + 1]; /* the ring's user */
    uint8_t initiator_uid[32], responder_uid[32];
    size_t groups_n;
    char groups[DPP_MIKEY_GROUPS_MAX][DPP_URI_MAX + 1];
    uint8_t digest[32]; /* SHA-256 of the signed octets: the name of the message for replay */
};

/* The receiver's procedure, step by step (ts33180#5.2.6, #E; mcdata-security.md 4.10); nothing is
 * decapsulated before the signature is good:
 *   1 form             what dpp_mikey_parse says
 *   2 time, replay     DPP_E_MIKEY_TIME, DPP_E_MIKEY_REPLAY, DPP_E_MIKEY_REPLAY_FULL
 *   3 KMS, responder   DPP_E_MIKEY_KMS, DPP_E_KMS_DATE, DPP_E_MIKEY_PERIOD, DPP_E_MIKEY_RESPONDER;
 *                      the period of T, or the tolerated neighbour (dpp_ring_neighbour) where the
 *                      UID says so; with any_time any period; without IDRkmsi the user's own KMS
 *   4 signature        DPP_E_MIKEY_SIGN
 *   5 initiator        DPP_E_MIKEY_INITIATOR (not want.initiator)
 *   6 SAKKE            DPP_E_MIKEY_SAKKE
 *   7 tag and type     DPP_E_MIKEY_TAG (not one of want.roles), DPP_E_MIKEY_TYPE
 *   8 key parameters   DPP_E_MIKEY_PARAMETERS, DPP_E_MIKEY_GROUP, DPP_E_KEY_EARLY,
 *                      DPP_E_KEY_EXPIRED
 * A revoked key opens with is_revoked and without key, so that the caller can drop what he holds.
 * 0, one of these, or DPP_E_NOMEM, DPP_E_SECURE_HEAP, DPP_E_CRYPTO. To the peer all of them are one
 * answer. May run on any thread when want.replay is NULL. */
int dpp_mikey_open(const struct dpp_ring *ring, const uint8_t *p, size_t n,
                   const struct dpp_mikey_want *want, struct dpp_mikey_got *got)
    __attribute__((warn_unused_result));

/* A message that the initiator sent to the ring's user's other devices: opens the SAKKE-to-self
 * extension of an I_MESSAGE whose initiator is the ring's user. As dpp_mikey_open, with initiator
 * and responder exchanged: DPP_E_MIKEY_INITIATOR when it is from somebody else; got.responder is
 * the URI of role 2, else "". A GMK opens only with that URI (its GMK-ID hangs on it), else
 * DPP_E_MIKEY_RESPONDER. */
int dpp_mikey_open_own(const struct dpp_ring *ring, const uint8_t *p, size_t n,
                       const struct dpp_mikey_want *want, struct dpp_mikey_got *got)
    __attribute__((warn_unused_result));

/* --- replay --- */

/* Digests of at most `cap` messages seen within the window (0: DPP_MIKEY_WINDOW_S); it must not be
 * smaller than the window_s of the messages it is asked about. When it is full the window gets
 * narrower from its old end, down to an eighth: what it forgets is refused by its time. Then new
 * messages are refused. A look takes time in proportion to cap: meant for some ten thousand. */
struct dpp_mikey_replay *dpp_mikey_replay_new(size_t cap, uint32_t window_s)
    __attribute__((warn_unused_result)); /* NULL without memory */
void dpp_mikey_replay_free(struct dpp_mikey_replay *replay);
/* 0, or DPP_E_MIKEY_REPLAY, DPP_E_MIKEY_REPLAY_FULL; _add also DPP_E_MIKEY_TIME (from before the
 * narrowed window). _ask only looks; _add remembers, and has the last word. */
int dpp_mikey_replay_ask(struct dpp_mikey_replay *replay, const uint8_t digest[32], int64_t now_s)
    __attribute__((warn_unused_result));
int dpp_mikey_replay_add(struct dpp_mikey_replay *replay, const uint8_t digest[32], int64_t time_s,
                         int64_t now_s) __attribute__((warn_unused_result));

/* SHA-256 of the signed octets of a parsed message. 0 or DPP_E_CRYPTO. */
int dpp_mikey_digest(const struct dpp_mikey *mikey, uint8_t digest[32])
    __attribute__((warn_unused_result));

/* The SRTP master key (16) and salt (12) of a TGK: the MIKEY PRF of rfc3830#4.1.2 with
 * HMAC-SHA-256. `label` is the constant: 0x2AD01C64 for a key, 0x39A2C14B for a salt, ... 0 or
 * DPP_E_CRYPTO, DPP_E_LONG (tgk or out over 256 octets, rand over 255). `out` is secret. */
int dpp_mikey_prf(const uint8_t *tgk, size_t tgk_n, uint32_t label, uint8_t cs_id, uint32_t csb_id,
                  const uint8_t *rand, size_t rand_n, uint8_t *out, size_t out_n)
    __attribute__((warn_unused_result));

#endif
