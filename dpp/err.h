/* err.h - every way the data plane's parsers, seals and key stores refuse.
 *
 * One row gives the enum, the text for a person, the metric label, the MSRP status the peer would
 * see when the relay answers for it (0: no answer is due) and the row of the answer table. The
 * numbers lie in -6000..-6999, clear of msrp/err.h (-5000) and of relay/err.h (-7000), so that one
 * int carries any of them. No text holds a secret or echoes input.
 *
 * Every cryptographic refusal is SEALED, whatever failed: a peer that could tell a bad tag from a
 * bad key would have an oracle.
 *
 * X(NAME, value, text, label, status, rows) */
#ifndef DPP_ERR_H
#define DPP_ERR_H

#include <stddef.h>

/* clang-format off */
#define DPP_ERRORS(X)                                                                              \
    X(NOMEM,            -6001, "out of memory",                                      "dpp_nomem",            413, "") \
    X(SHORT,            -6003, "the buffer ends inside a field",                     "dpp_short",            400, "") \
    X(LONG,             -6004, "a field is longer than its cap",                     "dpp_long",             400, "") \
    X(VALUE,            -6005, "a field has a value that is not allowed",            "dpp_value",            400, "") \
    X(SPACE,            -6006, "the output buffer is too small",                     "dpp_space",            413, "") \
    X(UTF8,             -6007, "a text is not valid UTF-8",                          "dpp_utf8",             400, "") \
    /* the messages of TS 24.282 clause 15 */ \
    X(MESSAGE_TYPE,     -6010, "a message type we do not know",                      "dpp_message_type",     400, "") \
    X(IE,               -6011, "an information element is malformed",                "dpp_ie",               400, "") \
    X(TRUNCATED,        -6013, "the message ends before its mandatory part",         "dpp_truncated",        400, "") \
    X(PROTECTED,        -6015, "the message is protected and has no clear fields",   "dpp_protected",        403, "") \
    X(PAYLOAD_COUNT,    -6016, "the number of payloads is not the number announced", "dpp_payload_count",    400, "") \
    /* mcdata-info and resource-lists */ \
    X(XML,              -6020, "the XML is not well formed",                         "dpp_xml",              400, "") \
    X(XML_DTD,          -6021, "the XML has a DOCTYPE",                              "dpp_xml_dtd",          400, "") \
    X(XML_DEPTH,        -6022, "the XML is nested too deeply",                       "dpp_xml_depth",        400, "") \
    X(XML_SIZE,         -6023, "the XML is larger than its cap",                     "dpp_xml_size",         400, "") \
    X(XML_NODES,        -6024, "the XML has too many nodes or attributes",           "dpp_xml_nodes",        400, "") \
    X(XML_NAMESPACE,    -6025, "the XML root is not of the expected namespace",      "dpp_xml_namespace",    400, "") \
    X(XML_ELEMENT,      -6026, "an XML element is missing, doubled or misplaced",    "dpp_xml_element",      400, "") \
    X(XML_URI,          -6027, "an XML value is not a URI",                          "dpp_xml_uri",          400, "") \
    /* the protected payload of TS 33.180 clause 8.5.4 */ \
    X(SEALED,           -6040, "the protected payload does not open",                "dpp_sealed",           403, "") \
    X(FRAME_SHORT,      -6041, "a protected frame is shorter than its fixed part",   "dpp_frame_short",      400, "") \
    X(FRAME_ALGORITHM,  -6042, "a protected frame has an algorithm we do not know",  "dpp_frame_algorithm",  400, "") \
    X(FRAME_LENGTH,     -6043, "a protected frame's length does not fit its message","dpp_frame_length",     400, "") \
    X(FRAME_TYPE,       -6044, "a protected frame has the wrong message type",       "dpp_frame_type",       400, "") \
    X(FRAME_PAYLOAD_ID, -6045, "the payload ID changes between protected frames",    "dpp_frame_payload_id", 400, "") \
    X(FRAME_AUTH,       -6046, "an authenticated payload, which is not supported",   "dpp_frame_auth",       403, "") \
    X(FRAME_TAG,        -6047, "a protected frame's key ID has the wrong purpose tag","dpp_frame_tag",       403, "") \
    X(ROLE,             -6050, "the key may not be used in this role",               "dpp_role",             403, "") \
    X(KEY_ABSENT,       -6051, "no key with this key ID",                            "dpp_key_absent",       403, "") \
    X(KEY_EXPIRED,      -6052, "the key has expired",                                "dpp_key_expired",      403, "") \
    X(KEY_EARLY,        -6053, "the key is not valid yet",                           "dpp_key_early",        403, "") \
    X(KEY_TWICE,        -6054, "a key with this key ID is there already",            "dpp_key_twice",        403, "") \
    X(KEY_FULL,         -6055, "the key store is full",                              "dpp_key_full",         413, "") \
    X(KEY_SPENT,        -6056, "the key has sealed as much as it may",               "dpp_key_spent",        413, "") \
    X(REPLAY,           -6057, "the protected payload was seen before",              "dpp_replay",           403, "") \
    X(SECURE_HEAP,      -6058, "the secure heap is absent or full",                  "dpp_secure_heap",      413, "") \
    X(CRYPTO,           -6059, "the crypto library refused its own set-up",          "dpp_crypto",           413, "") \
    /* key files and key messages */ \
    X(KEYFILE_MAGIC,    -6060, "not a key file of ours",                             "dpp_keyfile_magic",    0, "") \
    X(KEYFILE_VERSION,  -6061, "a key file of another version",                      "dpp_keyfile_version",  0, "") \
    X(KEYFILE_SIZE,     -6062, "a key file of the wrong size",                       "dpp_keyfile_size",     0, "") \
    X(KEYFILE_FORM,     -6063, "a key file is malformed",                            "dpp_keyfile_form",     0, "") \
    X(KEYFILE_SUM,      -6064, "a key file does not open",                           "dpp_keyfile_sum",      0, "") \
    X(KEYFILE_MODE,     -6065, "a key file may be read by others",                   "dpp_keyfile_mode",     0, "") \
    X(KEYFILE_TWICE,    -6066, "a key file names a key twice",                       "dpp_keyfile_twice",    0, "") \
    X(FRAME_UNPROTECTED,-6070, "a payload that must be protected is not",            "dpp_frame_unprotected",403, "") \
    X(FRAME_SEQUENCE,   -6071, "a protected frame is out of sequence",               "dpp_frame_sequence",   400, "") \
    X(FRAME_COUNT,      -6072, "the number of protected frames is not as announced", "dpp_frame_count",      400, "") \
    X(FRAME_KEY,        -6073, "the key ID changes between protected frames",        "dpp_frame_key",        400, "") \
    X(REPLAY_TIME,      -6074, "the protected payload's date is outside the window", "dpp_replay_time",      403, "") \
    X(REPLAY_FULL,      -6075, "the replay window is full",                          "dpp_replay_full",      413, "") \
    X(HEAP_UNLOCKED,    -6076, "the secure heap may be swapped to disk",             "dpp_heap_unlocked",    0, "") \
    /* MIKEY-SAKKE: RFC 6507, RFC 6508, TS 33.180 annexes D and E */ \
    X(RETRY,            -6100, "these random octets do not serve; draw others",      "dpp_retry",            0, "") \
    X(ECCSI,            -6101, "the ECCSI signature does not verify",                "dpp_eccsi",            403, "") \
    X(ECCSI_POINT,      -6102, "KPAK or PVT is not a point of P-256",                "dpp_eccsi_point",      403, "") \
    X(ECCSI_PAIR,       -6103, "SSK and PVT are not of this identity and KMS",       "dpp_eccsi_pair",       0, "") \
    X(SAKKE,            -6104, "the SAKKE data do not open",                         "dpp_sakke",            403, "") \
    X(SAKKE_POINT,      -6105, "Z or RSK is not a point of order q",                 "dpp_sakke_point",      0, "") \
    X(SAKKE_PAIR,       -6106, "the RSK is not of this identity and KMS",            "dpp_sakke_pair",       0, "") \
    X(SAKKE_ID,         -6107, "the identity gives no usable point",                 "dpp_sakke_id",         0, "") \
    X(MIKEY_FORM,       -6110, "the I_MESSAGE is malformed",                         "dpp_mikey_form",       403, "") \
    X(MIKEY_HEADER,     -6111, "not a SAKKE I_MESSAGE of version 1, V 0, PRF 1",     "dpp_mikey_header",     403, "") \
    X(MIKEY_PAYLOAD,    -6112, "a payload of the I_MESSAGE is missing, doubled, unknown or misplaced", "dpp_mikey_payload", 403, "") \
    X(MIKEY_TIME,       -6113, "the I_MESSAGE's time is outside the window",         "dpp_mikey_time",       403, "") \
    X(MIKEY_REPLAY,     -6114, "the I_MESSAGE was seen before",                      "dpp_mikey_replay",     403, "") \
    X(MIKEY_REPLAY_FULL,-6115, "too many I_MESSAGEs within the window",              "dpp_mikey_replay_full",413, "") \
    X(MIKEY_RESPONDER,  -6116, "the I_MESSAGE is for somebody else",                 "dpp_mikey_responder",  403, "") \
    X(MIKEY_INITIATOR,  -6117, "the I_MESSAGE is not from whom it should be",        "dpp_mikey_initiator",  403, "") \
    X(MIKEY_KMS,        -6118, "the I_MESSAGE names a KMS we do not know",           "dpp_mikey_kms",        403, "") \
    X(MIKEY_PERIOD,     -6119, "no key set for the key period of the I_MESSAGE",     "dpp_mikey_period",     403, "") \
    X(MIKEY_SIGN,       -6120, "the I_MESSAGE's signature does not verify",          "dpp_mikey_sign",       403, "") \
    X(MIKEY_SAKKE,      -6121, "the I_MESSAGE's SAKKE payload does not open",        "dpp_mikey_sakke",      403, "") \
    X(MIKEY_TAG,        -6122, "the I_MESSAGE's key ID has the wrong purpose tag",   "dpp_mikey_tag",        403, "") \
    X(MIKEY_PARAMETERS, -6123, "the key parameters are missing or do not open",      "dpp_mikey_parameters", 403, "") \
    X(MIKEY_TYPE,       -6124, "the key type is not that of the key ID",             "dpp_mikey_type",       403, "") \
    X(MIKEY_REVOKED,    -6125, "the key is revoked",                                 "dpp_mikey_revoked",    403, "") \
    X(MIKEY_GROUP,      -6126, "the key's group IDs are malformed or not the expected", "dpp_mikey_group",   403, "") \
    /* KMS certificates and key sets */ \
    X(KMS_FIELD,        -6140, "a field of the KMS document is missing or malformed","dpp_kms_field",        0, "") \
    X(KMS_ENCRYPTED,    -6141, "the KMS document's keys are encrypted with a transport key, which is not supported", "dpp_kms_encrypted", 0, "") \
    X(KMS_ERROR,        -6142, "the KMS answered with an error",                     "dpp_kms_error",        0, "") \
    X(KMS_REVOKED,      -6143, "the KMS certificate or key set is revoked",          "dpp_kms_revoked",      403, "") \
    X(KMS_DATE,         -6144, "the KMS certificate or key set is not valid now",    "dpp_kms_date",         403, "") \
    X(KMS_USER,         -6145, "the KMS document is for another user",               "dpp_kms_user",         0, "") \
    X(KMS_UID,          -6146, "the key set's UserID is not that of its user and period", "dpp_kms_uid",     0, "") \
    X(KMS_ABSENT,       -6147, "no KMS certificate or no key set is held for it",    "dpp_kms_absent",       0, "") \
    /* seal and keys add their rows above this mark */
/* clang-format on */

enum dpp_err {
#define X(name, value, text, label, status, rows) DPP_E_##name = value,
    DPP_ERRORS(X)
#undef X
};

/* The text of an error of this block, for a person: no secret, no input echoed. A number outside
 * the block gives "unknown error". Never NULL; static storage. */
const char *dpp_strerror(int err);

/* The name of an error of this block ("XML_DTD"), "UNKNOWN" for any other number. Never NULL. */
const char *dpp_errname(int err);

#endif
