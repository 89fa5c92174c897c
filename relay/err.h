/* err.h - every way the relay refuses, and the answer it earns.
 *
 * One row gives the enum, the text for a person, the metric label, the MSRP status the peer sees
 * (0: no answer is due) and the row of the answer table it obeys. The numbers lie in -7000..-7999,
 * clear of libuv, of msrp/err.h (-5000) and of dpp/err.h (-6000), so that one int carries any of
 * them and one function prints it.
 *
 * X(NAME, value, text, label, status, rows) */
#ifndef RELAY_ERR_H
#define RELAY_ERR_H

#include "dpp/err.h"
#include "msrp/err.h"

/* clang-format off */
#define RELAY_ERRORS(X)                                                                            \
    X(NOMEM,            -7001, "out of memory",                                      "nomem",            413, "") \
    X(RANDOM,           -7002, "the random source failed",                           "random",           413, "") \
    X(CONF,             -7003, "the configuration is wrong",                         "conf",             0, "") \
    X(IO,               -7004, "input or output failed",                             "io",               0, "") \
    X(TLS,              -7005, "the TLS peer failed",                                "tls",              0, "") \
    X(END,              -7006, "the peer ended the connection",                      "end",              0, "") \
    /* tokens and AUTH (reliability rows 52-61; profile 2.4, 2.5) are added by relay/auth */ \
    X(AUTH_NONE,        -7100, "AUTH without credentials",                           "auth_none",        401, "52") \
    X(JSON_SIZE,        -7101, "the JSON text is larger than its cap",               "json_size",        401, "53") \
    X(JSON_UTF8,        -7102, "the JSON text is not valid UTF-8",                   "json_utf8",        401, "53") \
    X(JSON_NUL,         -7103, "the JSON text holds a NUL",                          "json_nul",         401, "53") \
    X(JSON_DEPTH,       -7104, "the JSON text is nested too deeply",                 "json_depth",       401, "53") \
    X(JSON_NODES,       -7105, "the JSON text has too many values",                  "json_nodes",       401, "53") \
    X(JSON_DUPLICATE,   -7106, "a JSON member name stands twice",                    "json_duplicate",   401, "53") \
    X(JSON_TRAILING,    -7107, "octets follow the JSON value",                       "json_trailing",    401, "53") \
    X(JSON_NUMBER,      -7108, "a JSON number is not a plain finite number",         "json_number",      401, "53") \
    X(JSON_SYNTAX,      -7109, "the JSON text does not parse",                       "json_syntax",      401, "53") \
    X(JSON_TYPE,        -7110, "a JSON member has the wrong type",                   "json_type",        401, "53") \
    X(JWS_FORM,         -7120, "the token is not three base64url parts",             "jws_form",         401, "53") \
    X(JWS_BASE64,       -7121, "the token is not strict base64url",                  "jws_base64",       401, "53") \
    X(JWS_SIZE,         -7122, "the token is larger than its cap",                   "jws_size",         401, "53") \
    X(JWS_ALG,          -7123, "the token's algorithm is not that of its key",       "jws_alg",          401, "53") \
    X(JWS_ALG_BARRED,   -7124, "the token's algorithm is never allowed",             "jws_alg_barred",   401, "53") \
    X(JWS_KID,          -7125, "the token names no key we hold",                     "jws_kid",          401, "53") \
    X(JWS_KID_FORM,     -7126, "the token's kid has a forbidden form",               "jws_kid_form",     401, "53") \
    X(JWS_KEY_INSIDE,   -7127, "the token brings or points to its own key",          "jws_key_inside",   401, "53") \
    X(JWS_CRIT,         -7128, "the token marks an extension as critical",           "jws_crit",         401, "53") \
    X(JWS_B64,          -7129, "the token switches base64url off",                   "jws_b64",          401, "53") \
    X(JWS_SIG_SIZE,     -7130, "the token's signature has the wrong length",         "jws_sig_size",     401, "53") \
    X(JWS_SIG_RANGE,    -7131, "the token's signature is out of range",              "jws_sig_range",    401, "53") \
    X(JWS_SIG,          -7132, "the token's signature does not verify",              "jws_sig",          401, "53") \
    X(JWS_TYP,          -7133, "the token is not an access token",                   "jws_typ",          401, "53") \
    X(CLAIM_EXP_NONE,   -7140, "the token has no expiry",                            "claim_exp_none",   401, "53") \
    X(CLAIM_EXP,        -7141, "the token has expired",                              "claim_exp",        401, "53") \
    X(CLAIM_NBF,        -7142, "the token is not valid yet",                         "claim_nbf",        401, "53") \
    X(CLAIM_IAT,        -7143, "the token was issued in the future",                 "claim_iat",        401, "53") \
    X(CLAIM_ISS,        -7144, "the token comes from another issuer",                "claim_iss",        401, "53") \
    X(CLAIM_AUD,        -7145, "the token is for another audience",                  "claim_aud",        401, "53") \
    X(CLAIM_SCOPE,      -7146, "the token lacks the scope of the data service",      "claim_scope",      403, "54") \
    X(CLAIM_CLIENT,     -7147, "the token names no client_id",                       "claim_client",     403, "54") \
    X(CLAIM_MCDATA_ID,  -7148, "the token has no IOPS MCData ID",                    "claim_mcdata_id",  403, "54") \
    X(CLAIM_MCDATA_URI, -7149, "the token's mcdata_id is not a URI",                 "claim_mcdata_uri", 403, "54") \
    X(IOPS_DOMAIN,      -7150, "the mcdata_id is outside the IOPS domains",          "iops_domain",      403, "54") \
    X(IOPS_MCVIDEO,     -7151, "mcvideo_id must not stand in an IOPS token",         "iops_mcvideo",     403, "54") \
    X(IOPS_MCREC,       -7152, "mcrec_id must not stand in an IOPS token",           "iops_mcrec",       403, "54") \
    X(ISSUER_DOMAIN,    -7153, "this issuer may not speak for that domain",          "domain_mismatch",  403, "54") \
    X(REVOKED,          -7154, "the user is revoked",                                "revoked",          403, "54") \
    X(PEER_DOMAIN,      -7155, "this relay may not speak for that domain",           "peer_domain_mismatch", 403, "54") \
    X(PEER_NAME,        -7156, "the first From-Path URI is not that of the relay",   "peer_name_mismatch",403, "54") \
    X(PEER_SESSIONS,    -7157, "too many sessions of clients of the relay",          "peer_sessions",    403, "54") \
    X(AUTH_SCHEME,      -7160, "no scheme of ours in Authorization",                  "auth_scheme",      401, "53") \
    X(AUTH_OTHER_USER,  -7161, "another MCData ID on this connection",               "auth_other_user",  403, "54") \
    X(AUTH_FAILS,       -7162, "too many failed AUTHs in a minute",                  "auth_fails",       0,   "53") \
    X(AUTH_EXPIRES_LOW, -7163, "the asked Expires is below the minimum",             "auth_expires_low", 423, "55") \
    X(AUTH_EXPIRES_HIGH,-7164, "the asked Expires is above the maximum",             "auth_expires_high",423, "55") \
    X(AUTH_EXPIRES_NAN, -7165, "Expires is not a number",                            "auth_expires_nan", 400, "56") \
    X(AUTH_PLAINTEXT,   -7166, "AUTH over a plain connection",                       "auth_plaintext",   403, "57") \
    X(PROBATION,        -7167, "no good request within the time",                    "probation",        0,   "59") \
    X(HEAD_SLOW,        -7168, "the header was not complete in time",                "head_slow",        0,   "60") \
    X(BODY_SLOW,        -7169, "the body is under the minimum rate",                 "body_slow",        0,   "60") \
    X(WRITE_STALL,      -7170, "the peer takes no octet",                            "write_stall",      0,   "") \
    X(IDLE,             -7171, "the peer did not answer the keep-alive",             "idle",             0,   "") \
    X(WRITE_SLOW,       -7176, "the peer takes its octets under the minimum rate",   "write_slow",       0,   "") \
    X(AUTH_RATE,        -7177, "too many AUTHs of this user in a second",            "auth_rate",        403, "54") \
    X(SESSIONS,         -7172, "too many sessions on the connection",                "sessions",         403, "54") \
    X(CONNS_USER,       -7173, "too many connections of this user",                  "conns_user",       403, "54") \
    X(CONNS_TOTAL,      -7174, "too many connections",                               "conns_total",      0,   "") \
    X(CONNS_UNAUTH,     -7175, "too many connections without AUTH",                  "conns_unauth",     0,   "") \
    X(DIGEST_QOP,       -7190, "the qop of the digest is not auth",                  "digest_qop",       401, "58") \
    X(DIGEST_FIELDS,    -7191, "the digest has no cnonce or no nc",                  "digest_fields",    401, "58") \
    X(DIGEST_ALGORITHM, -7192, "the algorithm of the digest is not offered",         "digest_algorithm", 401, "58") \
    X(DIGEST_REALM,     -7193, "the digest is for another realm",                    "digest_realm",     401, "53") \
    X(DIGEST_URI,       -7194, "the uri of the digest is not the last of To-Path",   "digest_uri",       401, "53") \
    X(DIGEST_USER,      -7195, "no such user with that algorithm",                   "digest_user",      401, "53") \
    X(DIGEST_RESPONSE,  -7196, "the response of the digest is wrong",                "digest_response",  401, "53") \
    X(DIGEST_STALE,     -7197, "the nonce is over, the response is right",           "digest_stale",     401, "53") \
    X(DIGEST_REPLAY,    -7198, "the nonce count was used before",                    "digest_replay",    401, "53") \
    X(DIGEST_WAIT,      -7199, "the user has failed too often and has to wait",      "digest_wait",      401, "53") \
    X(DIGEST_HASH,      -7179, "the hash function of the digest is not to be had",   "digest_hash",      403, "54") \
    /* key sets: configuration, no wire answer */ \
    X(JWK_FORM,          -7180, "the key set is not an object with an array keys",   "jwk_form",         0,   "") \
    X(JWK_KTY,           -7181, "a key of a type or curve that is not allowed",      "jwk_kty",          0,   "") \
    X(JWK_ALG,           -7182, "a key without an allowed algorithm of its type",    "jwk_alg",          0,   "") \
    X(JWK_KID,           -7183, "a key whose kid is missing or has a forbidden form","jwk_kid",          0,   "") \
    X(JWK_TWICE,         -7184, "a kid stands twice in the key set",                 "jwk_twice",        0,   "") \
    X(JWK_USE,           -7185, "a key that is not for checking signatures",         "jwk_use",          0,   "") \
    X(JWK_PRIVATE,       -7186, "the key set holds a private or symmetric key",      "jwk_private",      0,   "") \
    X(JWK_POINT,         -7187, "a key whose point is not on its curve",             "jwk_point",        0,   "") \
    X(JWK_RSA,           -7188, "an RSA key of a size or exponent that is not allowed","jwk_rsa",          0,   "") \
    X(JWK_COUNT,         -7189, "the key set has no key, or too many",               "jwk_count",        0,   "") \
    /* paths, sessions, transactions */ \
    X(TID_LIVE,         -7200, "the transaction id is in use on this connection",    "tid_live",         400, "4") \
    X(METHOD,           -7201, "a method we do not know",                            "method",           501, "12,62") \
    X(SESSION,          -7202, "no such session",                                    "session",          481, "13,17") \
    X(HIJACK,           -7203, "the session belongs to another connection",          "hijack_attempt",   481, "14") \
    X(SESSION_EXPIRED,  -7204, "the session has expired",                            "session_expired",  481, "61") \
    X(PATH_LONG,        -7205, "more than one URI towards the service",              "path_long",        481, "15") \
    X(NOT_OURS,         -7206, "the first To-Path URI is not this relay",            "not_ours",         0,   "16") \
    X(PATH_SESSION,     -7207, "no such session, and the path goes on",              "path_session",     481, "17") \
    X(PATH_FOREIGN,     -7208, "neither from nor towards the session's client",      "path_foreign",     403, "18") \
    X(PATH_LOOP,        -7210, "the path loops",                                     "loop_detected",    0,   "19") \
    X(PATH_PLAIN,       -7211, "msrp: where msrps: is required",                     "path_plain",       403, "20") \
    X(IDENT,            -7212, "the sender is not who the session is",               "ident_mismatch",   403, "21") \
    X(PATH_TYPE,        -7214, "content that may not pass between clients",           "path_type",        415, "25,26") \
    X(PEER_RATE,        -7215, "the peer relay is over its quota",                   "peer_rate",        413, "44") \
    X(OVERLOAD,         -7216, "no strangers while memory is short",                 "overload",         0,   "44") \
    X(OVERLOAD_CLOSED,  -7217, "closed because memory is short",                     "overload_closed",  0,   "44") \
    X(PATH_PORT,        -7213, "a path URI without a port",                          "path_port",        400, "63") \
    /* chunks and messages */ \
    X(FLAGS_DIFFER,     -7300, "report flags differ between chunks",                 "flags_differ",     400, "28") \
    X(TOO_LARGE,        -7305, "the message is larger than allowed",                 "too_large",        413, "37") \
    X(TOO_MANY_OPEN,    -7306, "too many open messages",                             "too_many_open",    413, "38") \
    X(TOO_MANY_GAPS,    -7307, "too many gaps in the message",                       "too_many_gaps",    413, "38") \
    X(MEMORY,           -7308, "the memory budget is used up",                       "memory",           413, "44") \
    X(STOPPED,          -7309, "the message was stopped",                            "stopped",          413, "39") \
    X(STOPPED_STILL,    -7310, "a stopped message goes on and on",                   "stopped_still",    0,   "37") \
    X(ABORTED,          -7311, "the sender aborted the message",                     "aborted",          200, "40") \
    X(STALE,            -7312, "the message stood open for too long",                "stale",            413, "38") \
    X(RATE,             -7313, "too many messages in a second",                      "rate",             413, "44") \
    X(FAN_OUT,          -7317, "too many deliveries of this user in a second",       "fan_out",          413, "44") \
    X(DRAINING,         -7314, "the relay is stopping",                              "draining",         413, "44") \
    X(SLOW_RECEIVER,    -7315, "the receiver is too slow",                           "slow_receiver",    413, "") \
    X(UNDELIVERED,      -7316, "no recipient took the message",                      "undelivered",      413, "45,46,47") \
    /* the SDS service */ \
    X(SDS_TYPE,         -7400, "the service takes multipart/mixed only",             "sds_type",         415, "25") \
    X(SDS_PARTS,        -7401, "expected MIME bodies not in the request",            "sds_parts",        400, "") \
    X(SDS_INFO,         -7403, "the mcdata-info does not read",                      "sds_info",         400, "") \
    X(SDS_SIGNALLING,   -7404, "the signalling does not read",                       "sds_signalling",   400, "") \
    X(SDS_LABEL_LONG,   -7405, "the label is longer than its cap",                   "sds_label_long",   413, "37") \
    X(SDS_LABEL_SHORT,  -7406, "the message ended inside its label",                 "sds_label_short",  400, "") \
    X(SDS_ENCRYPTED,    -7407, "encrypted mcdata-info is not supported",             "sds_encrypted",    403, "") \
    X(SDS_TARGET,       -7408, "not exactly one target",                             "sds_target",       403, "42") \
    X(SDS_NOT_ALLOWED,  -7409, "sender may not send one-to-one to the target",       "sds_not_allowed",  403, "42") \
    X(SDS_SIZE_GROUP,   -7410, "over the size limit of the group",                   "sds_size_group",   413, "37") \
    X(SDS_SIZE_ONE,     -7411, "over the size limit of one-to-one",                  "sds_size_one",     413, "37") \
    X(SDS_NO_GROUP,     -7412, "no such group",                                      "sds_no_group",     403, "42") \
    X(SDS_NOT_MEMBER,   -7413, "the sender is not in the group",                     "sds_not_member",   403, "42") \
    X(SDS_GROUP_SDS,    -7414, "SDS is not allowed in the group",                    "sds_group_sds",    403, "42") \
    X(SDS_TRANSMIT,     -7415, "the sender may not transmit in the group",           "sds_transmit",     403, "42") \
    X(SDS_AFFILIATION,  -7416, "the sender is not affiliated to the group",          "sds_affiliation",  403, "42") \
    X(SDS_NOBODY,       -7417, "no other member of the group is there",              "sds_nobody",       403, "42") \
    X(SDS_UNCORRELATED, -7418, "the disposition matches no message",                 "sds_uncorrelated", 403, "42") \
    X(SDS_NOTIFIER,     -7419, "the notifier is not in the group",                   "sds_notifier",     403, "42") \
    X(SDS_ABSENT,       -7420, "the target is not there",                            "sds_absent",       413, "") \
    X(SDS_SIGNAL_PLAIN, -7422, "plain signalling where protection is required",      "sds_signal_plain", 403, "") \
    X(SDS_CSK,          -7423, "the signalling does not open under the CSK",         "sds_csk",          403, "") \
    X(SDS_NO_CSK,       -7424, "the connection has no CSK",                          "sds_no_csk",       403, "") \
    X(SDS_BOUNDARY,     -7427, "the payload holds our boundary",                     "sds_boundary",     400, "") \
    X(SDS_CONFLICT,     -7428, "the same message ID with another content",           "dup_conflict",     403, "43") \
    X(SDS_MIKEY_LONG,   -7429, "the I_MESSAGE is longer than its cap",               "sds_mikey_long",   413, "37") \
    X(SDS_MIKEY_GROUP,  -7430, "an I_MESSAGE serves one user, not a group",          "sds_mikey_group",  400, "") \
    X(SDS_MIKEY_UPLOAD, -7432, "CSK upload is not offered here",                     "sds_mikey_upload", 403, "") \
    X(SDS_OPEN_TWICE,   -7433, "the message is open under another Message-ID",       "dup_open",         413, "") \
    X(CSK_WAITING,      -7434, "too many CSK uploads wait",                          "csk_waiting",      413, "44") \
    /* keying of a client; never answered */ \
    X(KEY_IDENTITY,     -7440, "no MIKEY identity of our own to open a key with",    "key_identity",     0, "") \
    X(KEY_MANAGER,      -7441, "a GMK from a user who is no group manager here",     "key_manager",      0, "")
/* clang-format on */

enum relay_err {
#define X(name, value, text, label, status, rows) RELAY_E_##name = value,
    RELAY_ERRORS(X)
#undef X
};

/* What one error says: to a person, to the metrics, to the peer. */
struct relay_err_row {
    int err;           /* the enum value */
    const char *name;  /* "SDS_TARGET" */
    const char *text;  /* a sentence for log and terminal, no secret, no input echoed */
    const char *label; /* the value of the metric label `reason` */
    int status;        /* MSRP status of the answer; 0: none (close or drop) */
    const char *rows;  /* rows of the answer table, comma separated; "" when it has none */
};

/* The row of any error of the project (msrp, dpp or relay block); an unknown number gives a row
 * "UNKNOWN" with status 400. Never NULL; static storage. */
const struct relay_err_row *relay_err_row(int err);

/* Row `i` of all rows of all three blocks, for tables that need every reason (metrics, docs, the
 * coverage test); NULL past the last. */
const struct relay_err_row *relay_err_at(size_t i);

/* Shorthand for relay_err_row(err)->text. */
const char *relay_strerror(int err);

#endif
