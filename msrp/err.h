/* err.h - every way a stream can be wrong, and the answer it earns.
 *
 * X(NAME, value, text, label, status, rows)
 *   text    a sentence for log and terminal; echoes no input
 *   label   metric label, unique over all blocks
 *   status  MSRP status of the answer; 0: no answer is due (close, or a local error)
 *   rows    rows of the answer table, comma separated; "" when it has none
 *
 * Two classes, told apart by msrp_err_is_fatal():
 *   -50xx  fatal: the stream cannot be trusted any more. Answer `status` when it is not 0 and
 *          msrp_reader_is_answerable() says so, then close.
 *   -51xx  plain: the frame is refused (after its end-line), the connection goes on.
 *   -52xx  one message, body or text is refused (ranges, join, multipart, SDP), the connection goes
 *          on.
 *   -53xx  local: a caller's buffer or argument, never on the wire. */
#ifndef MSRP_ERR_H
#define MSRP_ERR_H

#include <stdbool.h>

/* clang-format off */
#define MSRP_ERRORS(X)                                                                             \
    /* fatal: framing */ \
    X(PREFIX,           -5001, "the frame does not begin with MSRP",                 "msrp_prefix",          0,   "1,2") \
    X(TID,              -5002, "the transaction id is malformed",                    "msrp_tid",             0,   "3") \
    X(METHOD_FORM,      -5003, "the method is not upper-case letters",               "msrp_method_form",     400, "2") \
    X(START_LINE,       -5004, "the start line is malformed",                        "msrp_start_line",      0,   "1") \
    X(BARE_LF,          -5005, "a line ends with LF alone",                          "msrp_bare_lf",         400, "5") \
    X(BARE_CR,          -5006, "a CR without LF in the header section",              "msrp_bare_cr",         400, "5") \
    X(CONTROL,          -5007, "a NUL or control octet in the header section",       "msrp_control",         400, "5") \
    X(LINE_LONG,        -5008, "a header line is longer than its cap",               "msrp_line_long",       400, "6") \
    X(HEADERS_MANY,     -5009, "too many header lines",                              "msrp_headers_many",    400, "6") \
    X(BLOCK_LONG,       -5010, "the header section is longer than its cap",          "msrp_block_long",      400, "6") \
    X(FOLDED,           -5011, "a folded header line",                               "msrp_folded",          400, "7") \
    X(NAME_EMPTY,       -5012, "an empty header name",                               "msrp_name_empty",      400, "7") \
    X(NAME_FORM,        -5013, "an illegal octet in a header name",                  "msrp_name_form",       400, "7") \
    X(NAME_SPACE,       -5014, "a space before the colon of a header",               "msrp_name_space",      400, "7") \
    X(COLON_NONE,       -5015, "a header line without a colon",                      "msrp_colon_none",      400, "7") \
    X(COLON_SPACE,      -5016, "no space after the colon of a header",               "msrp_colon_space",     400, "7") \
    X(UTF8,             -5017, "a header value is not valid UTF-8",                  "msrp_utf8",            400, "8") \
    X(TO_NOT_FIRST,     -5018, "To-Path is not the first header",                    "msrp_to_not_first",    400, "9") \
    X(FROM_NOT_SECOND,  -5019, "From-Path is not the second header",                 "msrp_from_not_second", 400, "9") \
    X(FROM_URI,         -5020, "a URI of From-Path is malformed",                    "msrp_from_uri",        0,   "9") \
    X(BODY_HUGE,        -5021, "a body far over the cap of its method",              "msrp_body_huge",       400, "49") \
    /* plain: the head */ \
    X(TO_URI,           -5101, "a URI of To-Path is malformed",                      "msrp_to_uri",          400, "") \
    X(URIS_MANY,        -5102, "too many URIs in a path",                            "msrp_uris_many",       400, "19") \
    X(DUP_TO,           -5103, "To-Path stands twice",                               "msrp_dup_to",          400, "10") \
    X(DUP_FROM,         -5104, "From-Path stands twice",                             "msrp_dup_from",        400, "10") \
    X(DUP_MESSAGE_ID,   -5105, "Message-ID stands twice",                            "msrp_dup_message_id",  400, "10") \
    X(DUP_RANGE,        -5106, "Byte-Range stands twice",                            "msrp_dup_range",       400, "10") \
    X(DUP_SUCCESS,      -5107, "Success-Report stands twice",                        "msrp_dup_success",     400, "10") \
    X(DUP_FAILURE,      -5108, "Failure-Report stands twice",                        "msrp_dup_failure",     400, "10") \
    X(DUP_TYPE,         -5109, "Content-Type stands twice",                          "msrp_dup_type",        400, "10") \
    X(DUP_STATUS,       -5110, "Status stands twice",                                "msrp_dup_status",      400, "10") \
    X(DUP_HEADER,       -5111, "a header of AUTH stands twice",                      "msrp_dup_header",      400, "10") \
    X(CODE,             -5112, "the status code is not three digits",                "msrp_code",            0,   "50") \
    X(MESSAGE_ID_NONE,  -5113, "no Message-ID",                                      "msrp_message_id_none", 400, "22") \
    X(MESSAGE_ID,       -5114, "the Message-ID is malformed",                        "msrp_message_id",      400, "22") \
    X(TYPE_NONE,        -5115, "a body without Content-Type",                        "msrp_type_none",       400, "23") \
    X(TYPE_NOT_LAST,    -5116, "Content-Type is not the last header",                "msrp_type_not_last",   400, "23") \
    X(MIME_NO_BODY,     -5117, "a MIME header without a body",                       "msrp_mime_no_body",    400, "23") \
    X(ENCODING,         -5118, "Content-Transfer-Encoding is present",               "msrp_encoding",        400, "24") \
    X(TYPE_FORM,        -5119, "the Content-Type is malformed",                      "msrp_type_form",       400, "") \
    X(SUCCESS_VALUE,    -5120, "an illegal Success-Report",                          "msrp_success_value",   400, "27") \
    X(FAILURE_VALUE,    -5121, "an illegal Failure-Report",                          "msrp_failure_value",   400, "27") \
    X(RANGE_FORM,       -5122, "the Byte-Range is malformed",                        "msrp_range_form",      400, "29") \
    X(RANGE_ZERO,       -5123, "the Byte-Range starts at 0",                         "msrp_range_zero",      400, "29") \
    X(RANGE_DIGITS,     -5124, "a number of more than 19 digits in Byte-Range",      "msrp_range_digits",    400, "29") \
    X(RANGE_VALUE,      -5125, "a number over 2^63-1 in Byte-Range",                 "msrp_range_value",     400, "29") \
    X(RANGE_END_LOW,    -5126, "the end of Byte-Range is below its start",           "msrp_range_end_low",   400, "30") \
    X(RANGE_END_HIGH,   -5127, "the end of Byte-Range is above its total",           "msrp_range_end_high",  400, "30") \
    X(RANGE_START_HIGH, -5128, "the start of Byte-Range is above its total",         "msrp_range_start_high",400, "30") \
    X(STATUS_NONE,      -5129, "a REPORT without Status",                            "msrp_status_none",     0,   "48") \
    X(STATUS_FORM,      -5130, "the Status is malformed",                            "msrp_status_form",     400, "48") \
    X(REPORT_FLAGS,     -5131, "a REPORT with a report header",                      "msrp_report_flags",    0,   "48") \
    X(RESPONSE_BODY,    -5132, "a response with a body",                             "msrp_response_body",   0,   "50") \
    X(FLAG,             -5133, "a continuation flag on a frame that is never chunked","msrp_flag",           400, "") \
    X(BODY_LONG,        -5134, "a body over the cap of its method",                  "msrp_body_long",       400, "49") \
    /* one URI, one message, one multipart, one SDP */ \
    X(URI_FORM,         -5201, "the URI is malformed",                               "msrp_uri_form",        400, "") \
    X(URI_SCHEME,       -5202, "the URI is neither msrp nor msrps",                  "msrp_uri_scheme",      400, "") \
    X(URI_LONG,         -5203, "the URI is longer than its cap",                     "msrp_uri_long",        400, "") \
    X(URI_HOST,         -5204, "the host of the URI is malformed",                   "msrp_uri_host",        400, "") \
    X(URI_PORT,         -5205, "the port of the URI is malformed",                   "msrp_uri_port",        400, "") \
    X(URI_PORT_NONE,    -5206, "a numeric host without a port",                      "msrp_uri_port_none",   400, "63") \
    X(URI_SESSION,      -5207, "the session id of the URI is malformed",             "msrp_uri_session",     400, "") \
    X(URI_TRANSPORT,    -5208, "the transport of the URI is missing or malformed",   "msrp_uri_transport",   400, "") \
    X(URI_USERINFO,     -5209, "the userinfo of the URI is malformed",               "msrp_uri_userinfo",    400, "") \
    X(JOIN_TOTAL,       -5220, "the total changes between chunks",                   "join_total",           400, "31") \
    X(JOIN_END,         -5221, "the last chunk does not end at the total",           "join_end",             400, "31") \
    X(JOIN_OVER,        -5222, "the body is longer than its range",                  "join_over",            400, "33") \
    X(JOIN_NO_RANGE,    -5223, "a later chunk without Byte-Range",                   "join_no_range",        400, "35") \
    X(JOIN_SIZE,        -5224, "the message is larger than allowed",                 "join_size",            413, "37") \
    X(JOIN_GAPS,        -5225, "too many gaps in the message",                       "join_gaps",            413, "38") \
    X(JOIN_HELD,        -5226, "too many octets held behind a gap",                  "join_held",            413, "38") \
    X(JOIN_ABORTED,     -5227, "the sender aborted the message",                     "join_aborted",         413, "40") \
    X(MIME_BOUNDARY,    -5240, "the boundary is missing or malformed",               "mime_boundary",        400, "") \
    X(MIME_PREAMBLE,    -5241, "the body does not start with its dash-boundary",     "mime_preamble",        400, "") \
    X(MIME_DELIMITER,   -5242, "octets behind the boundary on its line",             "mime_delimiter",       400, "") \
    X(MIME_HEADER,      -5243, "a header of a part is malformed",                    "mime_header",          400, "") \
    X(MIME_HEADER_LONG, -5244, "the headers of a part are longer than their cap",    "mime_header_long",     400, "") \
    X(MIME_HEADER_DUP,  -5245, "a Content header of a part stands twice",            "mime_header_dup",      400, "") \
    X(MIME_ENCODING,    -5246, "a Content-Transfer-Encoding other than binary",      "mime_encoding",        400, "24") \
    X(MIME_EMPTY,       -5247, "a multipart without a part",                         "mime_empty",           400, "") \
    X(MIME_EPILOGUE,    -5248, "octets behind the close delimiter",                  "mime_epilogue",        400, "") \
    X(MIME_SHORT,       -5249, "the body ends before its close delimiter",           "mime_short",           400, "") \
    X(MIME_TYPE,        -5250, "the media type is malformed",                        "mime_type",            400, "") \
    X(DIGEST_SCHEME,    -5260, "the credentials are not of the scheme Digest",       "digest_scheme",        401, "58") \
    X(DIGEST_FORM,      -5261, "a parameter of the digest is malformed",             "digest_form",          401, "58") \
    X(DIGEST_TWICE,     -5262, "a parameter of the digest stands twice",             "digest_twice",         401, "58") \
    X(DIGEST_LONG,      -5263, "the digest is longer than its caps",                 "digest_long",          401, "58") \
    X(DIGEST_MISSING,   -5264, "a parameter that the digest needs is missing",       "digest_missing",       401, "58") \
    X(SDP_LONG,         -5270, "the SDP is longer than its cap",                     "sdp_long",             0,   "") \
    X(SDP_LINE,         -5271, "a line of the SDP is malformed",                     "sdp_line",             0,   "") \
    X(SDP_LINE_LONG,    -5272, "a line of the SDP is longer than its cap",           "sdp_line_long",        0,   "") \
    X(SDP_LINES_MANY,   -5273, "too many lines in the SDP",                          "sdp_lines_many",       0,   "") \
    X(SDP_CONTROL,      -5274, "a control octet in the SDP",                         "sdp_control",          0,   "") \
    X(SDP_TWICE,        -5275, "a line of the SDP stands twice",                     "sdp_twice",            0,   "") \
    X(SDP_MEDIA,        -5276, "the m= line is not one of MSRP",                     "sdp_media",            0,   "") \
    X(SDP_PORT,         -5277, "the port of the m= line is malformed",               "sdp_port",             0,   "") \
    X(SDP_ADDRESS,      -5278, "the c= line is missing or malformed",                "sdp_address",          0,   "") \
    X(SDP_PATH_NONE,    -5279, "no path in the SDP",                                 "sdp_path_none",        0,   "") \
    X(SDP_PATH,         -5280, "the path in the SDP is malformed",                   "sdp_path",             0,   "") \
    X(SDP_PATH_MANY,    -5281, "too many URIs in the path of the SDP",               "sdp_path_many",        0,   "") \
    X(SDP_SCHEME,       -5282, "the path and the m= line differ about TLS",          "sdp_scheme",           0,   "") \
    X(SDP_TYPES_NONE,   -5283, "no accept-types in the SDP",                         "sdp_types_none",       0,   "") \
    X(SDP_TYPES,        -5284, "a list of media types in the SDP is malformed",      "sdp_types",            0,   "") \
    X(SDP_TYPES_MANY,   -5285, "too many media types in the SDP",                    "sdp_types_many",       0,   "") \
    X(SDP_SIZE,         -5286, "the max-size in the SDP is not a number",            "sdp_size",             0,   "") \
    X(SDP_SETUP,        -5287, "the setup in the SDP is none of the known",          "sdp_setup",            0,   "") \
    X(SDP_FINGERPRINT,  -5288, "a fingerprint in the SDP is malformed",              "sdp_fingerprint",      0,   "") \
    /* local */ \
    X(SPACE,            -5301, "the caller's buffer is too small",                   "msrp_space",           0,   "") \
    X(OCTET,            -5302, "an octet that must not stand in a header",           "msrp_octet",           0,   "") \
    X(NUMBER,           -5303, "not a decimal number in range",                      "msrp_number",          0,   "") \
    X(TID_TAKEN,        -5304, "every offered transaction id stands in the body",    "msrp_tid_taken",       0,   "") \
    X(SPLIT_CUT,        -5305, "the chunk cannot be cut there",                      "msrp_split_cut",       0,   "")
/* clang-format on */

enum msrp_err {
#define X(name, value, text, label, status, rows) MSRP_E_##name = value,
    MSRP_ERRORS(X)
#undef X
};

/* True for the errors after which no octet of the stream may be read any more (-5001..-5099):
 * answer the status when it is not 0 and an answer is possible, then close. False for any other
 * number, also of another block. */
bool msrp_err_is_fatal(int err);

/* The MSRP status the error earns, 0 when none is due. A number outside the table gives 400. */
int msrp_err_status(int err);

/* A sentence for a person; static storage; "unknown error" for a number outside the table. */
const char *msrp_strerror(int err);

#endif
