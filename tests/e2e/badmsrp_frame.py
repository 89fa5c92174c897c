"""badmsrp_frame - faults that framing and head decide: rows 1-12, 22-24, 27, 29, 30, 48-50, 62, 63."""
from badmsrp import BODY, END, HEAD, Step, fault

ER = "ER"


def fatal(row, name, text, reason, **more):
    """400 where transaction id and From-Path are good, then close."""
    fault(row, name, Step(text, 400, reason, **more), roles=ER, closes=True)


def closes(row, name, text, reason, **more):
    fault(row, name, Step(text, 0, reason), closes=True, **more)


def plain(row, name, text, reason, code=400, roles=ER, **more):
    fault(row, name, Step(text, code, reason, **more), roles=roles)


# 1: no MSRP: nothing can be answered
closes(1, "HTTP", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "msrp_prefix")
closes(1, "TLS ClientHello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "msrp_prefix")
closes(1, "MSRP without space", "MSRP{T} SEND\r\n\r\n", "msrp_prefix")
closes(1, "a stranger's greeting", "hello\r\n", "msrp_prefix", who="stranger")
closes(1, "empty line", "\r\n", "msrp_prefix")
closes(1, "no method", "MSRP {T}\r\nTo-Path: {P}\r\nFrom-Path: {F}\r\n{V}" + END, "msrp_start_line")
closes(1, "two spaces before the method", "MSRP {T}  SEND\r\nTo-Path: {P}\r\nFrom-Path: {F}\r\n{V}" + END,
       "msrp_start_line")
closes(1, "junk between requests", "x" + HEAD + END, "msrp_prefix")

# 2: literals are case-sensitive, methods are UPALPHA. No SEND: the whole From-Path is answered
closes(2, "msrp in lower case", "msrp {T} SEND\r\nTo-Path: {P}\r\nFrom-Path: {F}\r\n{V}" + END, "msrp_prefix")
for method in ("send", "SENd", "SEND2", "SE-ND"):
    fatal(2, f"method {method}", f"MSRP {{T}} {method}\r\nTo-Path: {{P}}\r\nFrom-Path: {{F}}\r\n{{V}}"
          "Message-ID: {M}\r\n" + END, "msrp_method_form", method="other")
fatal(2, "two words of method", "MSRP {T} SEND it\r\nTo-Path: {P}\r\nFrom-Path: {F}\r\n{V}Message-ID: {M}\r\n" +
      END, "msrp_method_form")

# 3: the id
for name, tid in (("3 characters", "abc"), ("33 characters", "a" * 33), ("slash", "ab/cd"), ("colon", "ab:cd"),
                  ("dash first", "-abc"), ("plus first", "+abc"), ("8 bits", "abc\xe9"), ("dollar", "ab$cd"),
                  ("tab", "ab\tcd"), ("empty", "")):
    closes(3, name, f"MSRP {tid} SEND\r\nTo-Path: {{P}}\r\nFrom-Path: {{F}}\r\n{{V}}Message-ID: {{M}}\r\n"
           f"-------{tid}$\r\n", "msrp_tid", who="stranger" if tid == "abc" else "user")

# 5: octets that no header may hold
for name, octet in (("NUL", "\0"), ("1", "\1"), ("ESC", "\x1b"), ("DEL", "\x7f"), ("BEL", "\x07")):
    fatal(5, f"control {name}", HEAD + f"X-A: a{octet}b\r\n" + END, "msrp_control")
fatal(5, "bare CR", HEAD + "X-A: a\rb\r\n" + END, "msrp_bare_cr")
fatal(5, "CR CR LF", HEAD + "X-A: a\r\r\n" + END, "msrp_bare_cr")
fatal(5, "bare LF", HEAD + "X-A: a\nX-B: b\r\n" + END, "msrp_bare_lf")
fatal(5, "NUL in a name", HEAD + "X-\0A: a\r\n" + END, "msrp_control")
closes(5, "LF alone all along", ("MSRP {T} SEND\r\nTo-Path: {P}\r\nFrom-Path: {F}\r\n" + END).replace("\r", ""),
       "msrp_bare_lf")

# 6: caps
fatal(6, "line of 4097", HEAD + "X-A: " + "a" * 4092 + "\r\n" + END, "msrp_line_long")
fatal(6, "33 lines", HEAD + "".join(f"X-{i}: a\r\n" for i in range(31)) + END, "msrp_headers_many")
fatal(6, "block of 20000", HEAD + ("X-A: " + "a" * 3990 + "\r\n") * 5 + END, "msrp_block_long")
fatal(6, "line without end", HEAD + "X-A: " + "a" * 6000, "msrp_line_long")

# 7: one space behind the colon, none before, no folding
for name, line, reason in (
        ("folded by a space", "X-A: a\r\n b\r\n", "msrp_folded"),
        ("folded by a tab", "X-A: a\r\n\tb\r\n", "msrp_folded"),
        ("space before the colon", "X-A : a\r\n", "msrp_name_space"),
        ("tab before the colon", "X-A\t: a\r\n", "msrp_name_space"),
        ("no space behind the colon", "X-A:a\r\n", "msrp_colon_space"),
        ("tab behind the colon", "X-A:\ta\r\n", "msrp_colon_space"),
        ("nothing behind the colon", "X-A:\r\n", "msrp_colon_space"),
        ("empty name", ": a\r\n", "msrp_name_empty"),
        ("no colon", "X-A\r\n", "msrp_colon_none"),
        ("a name with parentheses", "X(A): a\r\n", "msrp_name_form"),
        ("a name that begins with a digit", "1X: a\r\n", "msrp_name_form"),
        ("an end-line of another id", "-------other$\r\n", "msrp_name_form"),
        ("To-Path with a space before the colon, again", "To-Path : {P}\r\n", "msrp_name_space")):
    fatal(7, name, HEAD + line + END, reason)

# 8: UTF-8
for name, octets in (("0xFF", "\xff"), ("overlong", "\xc0\xaf"), ("surrogate", "\xed\xa0\x80"),
                     ("cut short", "\xe2\x82"), ("over U+10FFFF", "\xf4\x90\x80\x80"),
                     ("lone continuation", "\x80")):
    fatal(8, name, HEAD + f"X-A: a{octets}\r\n" + END, "msrp_utf8")

# 9: To-Path first, From-Path second. Without a To-Path our URI is that of the relay
fault(9, "no To-Path", Step("MSRP {T} SEND\r\nFrom-Path: {F}\r\n{V}Message-ID: {M}\r\n" + END, 400,
                            "msrp_to_not_first", own="{R}"), roles=ER, closes=True)
fault(9, "To-Path second", Step("MSRP {T} SEND\r\nFrom-Path: {F}\r\nTo-Path: {P}\r\n{V}Message-ID: {M}\r\n" + END,
                                400, "msrp_to_not_first", own="{R}"), roles=ER, closes=True)
fatal(9, "From-Path third", "MSRP {T} SEND\r\nTo-Path: {P}\r\nMessage-ID: {M}\r\nFrom-Path: {F}\r\n{V}" + END,
      "msrp_from_not_second")
closes(9, "no From-Path", "MSRP {T} SEND\r\nTo-Path: {P}\r\nMessage-ID: {M}\r\n{V}" + END, "msrp_from_not_second")
closes(9, "no header at all", "MSRP {T} SEND\r\n" + END, "msrp_to_not_first")
closes(9, "From-Path is no URI", "MSRP {T} SEND\r\nTo-Path: {P}\r\nFrom-Path: me\r\n{V}Message-ID: {M}\r\n" + END,
       "msrp_from_uri")
closes(9, "From-Path is empty", "MSRP {T} SEND\r\nTo-Path: {P}\r\nFrom-Path: \r\n{V}Message-ID: {M}\r\n" + END,
       "msrp_from_uri")

# 10: twice
for name, line, reason in (
        ("To-Path", "To-Path: {P}\r\n", "msrp_dup_to"),
        ("From-Path", "From-Path: {F}\r\n", "msrp_dup_from"),
        ("Message-ID", "Message-ID: {M}\r\n", "msrp_dup_message_id"),
        ("message-id", "message-id: other\r\n", "msrp_dup_message_id"),
        ("Byte-Range", "Byte-Range: 1-5/5\r\nByte-Range: 1-5/5\r\n", "msrp_dup_range"),
        ("Success-Report", "Success-Report: no\r\nSuccess-Report: yes\r\n", "msrp_dup_success"),
        ("Content-Type", "Content-Type: text/plain\r\n", "msrp_dup_type")):
    plain(10, name, HEAD + line + BODY, reason)
plain(10, "Failure-Report", HEAD.replace("{V}", "{W}") + "Failure-Report: yes\r\n" + BODY, "msrp_dup_failure")

# 12, 62: methods that we do not know; no SEND, so the whole From-Path is answered
for row, method in ((12, "PING"), (12, "M" * 32), (12, "SENDX"), (62, "NICKNAME")):
    plain(row, method, f"MSRP {{T}} {method}\r\nTo-Path: {{P}}\r\nFrom-Path: {{F}}\r\n{{V}}" + END, "method", 501,
          method=method)
plain(12, "two From-Path URIs", "MSRP {T} PING\r\nTo-Path: {P}\r\nFrom-Path: {F} {C}://far.invalid:9/x;tcp\r\n{V}" +
      END, "method", 501, method="PING", to="{F} {C}://far.invalid:9/x;tcp")
plain(62, "with a name and a body", "MSRP {T} NICKNAME\r\nTo-Path: {P}\r\nFrom-Path: {F}\r\n{V}"
      'Use-Nickname: "a"\r\n' + BODY, "method", 501, method="NICKNAME")

# 22: Message-ID
NO_ID = HEAD.replace("Message-ID: {M}\r\n", "")
plain(22, "none", NO_ID + BODY, "msrp_message_id_none")
plain(22, "none, no body", NO_ID + END, "msrp_message_id_none")
for name, value in (("3 characters", "abc"), ("33 characters", "a" * 33), ("with a space", "abc def"),
                    ("with a slash", "abcd/e"), ("empty", "")):
    plain(22, name, NO_ID + f"Message-ID: {value}\r\n" + BODY, "msrp_message_id")

# 23, 24: MIME headers
plain(23, "body without Content-Type", HEAD + "\r\nhello\r\n" + END, "msrp_type_none")
plain(23, "Content-Type not last", HEAD + "Content-Type: text/plain\r\nX-A: a\r\n\r\nhello\r\n" + END,
      "msrp_type_not_last")
plain(23, "Content-Type without body", HEAD + "Content-Type: text/plain\r\n" + END, "msrp_mime_no_body")
plain(23, "Content-Description without body", HEAD + "Content-Description: a\r\n" + END, "msrp_mime_no_body")
for value in ("binary", "base64", "8bit"):
    plain(24, value, HEAD + f"Content-Transfer-Encoding: {value}\r\n" + BODY, "msrp_encoding")

# 27: values of the report headers; a Failure-Report that does not read is as if it were not there
for value in ("maybe", "partial", "yes no"):
    plain(27, f"Success-Report: {value}", HEAD + f"Success-Report: {value}\r\n" + BODY, "msrp_success_value")
for value in ("maybe", "", "no,yes"):
    plain(27, f"Failure-Report: {value or 'nothing'}", HEAD.replace("{V}", "") + f"Failure-Report: {value}\r\n" +
          BODY, "msrp_failure_value", fixed="yes")

# 29, 30: Byte-Range
for value, reason in (
        ("1-5", "form"), ("1/5", "form"), ("a-b/c", "form"), ("-1-5/5", "form"), ("1-5/", "form"),
        ("1 -5/5", "form"), ("1-5/5/5", "form"), ("", "form"), ("*-5/5", "form"), ("1-5/5 ", "form"),
        ("0x1-5/5", "form"), ("+1-5/5", "form"), ("0-5/5", "zero"), ("0-0/0", "zero"),
        ("1-5/" + "9" * 20, "digits"), ("1-" + "9" * 30 + "/*", "digits"),
        ("1-9223372036854775808/*", "value"), ("9223372036854775808-*/*", "value")):
    plain(29, value or "nothing", HEAD + f"Byte-Range: {value}\r\n" + BODY, f"msrp_range_{reason}")
plain(29, "2^64", HEAD + "Byte-Range: 1-5/18446744073709551616\r\n" + BODY, "msrp_range_digits")
for value, reason in (("5-3/10", "end_low"), ("7-5/*", "end_low"), ("1-11/10", "end_high"),
                      ("12-*/10", "start_high"), ("3-3/1", "end_high")):
    plain(30, value, HEAD + f"Byte-Range: {value}\r\n" + BODY, f"msrp_range_{reason}")

# 48, G2: a REPORT is never answered, whatever is wrong with it
REPORT = "MSRP {T} REPORT\r\nTo-Path: {P}\r\nFrom-Path: {F}\r\n{V}"
MID = "Message-ID: {M}\r\n"
for name, text, reason in (
        ("no Status", MID, "msrp_status_none"),
        ("Status of one digit", MID + "Status: 0 2\r\n", "msrp_status_form"),
        ("Status without a code", MID + "Status: 000\r\n", "msrp_status_form"),
        ("code of four digits", MID + "Status: 000 2000\r\n", "msrp_status_form"),
        ("Status in words", MID + "Status: all well\r\n", "msrp_status_form"),
        ("Success-Report", MID + "Status: 000 200 OK\r\nSuccess-Report: yes\r\n", "msrp_report_flags"),
        ("no Message-ID", "Status: 000 200 OK\r\n", "msrp_message_id_none"),
        ("Status twice", MID + "Status: 000 200 OK\r\nStatus: 000 413 No\r\n", "msrp_dup_status"),
        ("bad Byte-Range", MID + "Byte-Range: 5-3/10\r\nStatus: 000 200 OK\r\n", "msrp_range_end_low")):
    # a Failure-Report is a fault of its own in a REPORT, but what is wrong with its form comes first
    fault(48, name, Step(REPORT.replace("{V}", "") + text + END, 0, reason, method="REPORT"), roles=ER)
fault(48, "Failure-Report", Step(REPORT.replace("{V}", "{W}") + MID + "Status: 000 200 OK\r\n" + END, 0,
                                 "msrp_report_flags", method="REPORT"), roles=ER)
fault(48, "continued", Step(REPORT.replace("{V}", "") + MID + "Status: 000 200 OK\r\n-------{T}+\r\n", 0,
                            "msrp_flag", method="REPORT"), roles=ER)
fault(48, "fatal", Step(REPORT.replace("{V}", "") + "Message-ID:{M}\r\nStatus: 000 200 OK\r\n" + END, 0,
                        "msrp_colon_space", method="REPORT"), roles=ER, closes=True)
fault(48, "to an unknown session", Step("MSRP {T} REPORT\r\nTo-Path: {N}\r\nFrom-Path: {F}\r\n" + MID +
                                        "Status: 000 200 OK\r\n" + END, 0, "session", method="REPORT"))

# 49: bodies of what is no SEND
fault(49, "REPORT with 10241", Step(REPORT.replace("{V}", "") + MID + "Status: 000 200 OK\r\nContent-Type: "
                                    "text/plain\r\n\r\n" + "x" * 10241 + "\r\n" + END, 0, "msrp_body_long",
                                    method="REPORT"), roles=ER)
fault(49, "REPORT with 16385", Step(REPORT.replace("{V}", "") + MID + "Status: 000 200 OK\r\nContent-Type: "
                                    "text/plain\r\n\r\n" + "x" * 16385 + "\r\n" + END, 0, "msrp_body_huge",
                                    method="REPORT"), roles=ER, closes=True)
OTHER = "MSRP {T} NICKNAME\r\nTo-Path: {P}\r\nFrom-Path: {F}\r\n{V}Content-Type: text/plain\r\n\r\n"
plain(49, "NICKNAME with 10241", OTHER + "x" * 10241 + "\r\n" + END, "msrp_body_long", method="NICKNAME")
fatal(49, "NICKNAME with 16385", OTHER + "x" * 16385 + "\r\n" + END, "msrp_body_huge", method="NICKNAME")

# 50: responses that fit nothing are dropped, and counted
LATE = "=late_responses"
for name, text in (
        ("unknown id", "MSRP {T} 200 OK\r\nTo-Path: {U}\r\nFrom-Path: {F}\r\n" + END),
        ("no phrase", "MSRP {T} 200\r\nTo-Path: {U}\r\nFrom-Path: {F}\r\n" + END),
        ("not for us", "MSRP {T} 200 OK\r\nTo-Path: {H}\r\nFrom-Path: {F}\r\n" + END),
        ("an error", "MSRP {T} 413 Stop\r\nTo-Path: {U}\r\nFrom-Path: {F}\r\n{V}" + END),
        ("code 99", "MSRP {T} 99 No\r\nTo-Path: {U}\r\nFrom-Path: {F}\r\n" + END),
        ("code 1000", "MSRP {T} 1000 No\r\nTo-Path: {U}\r\nFrom-Path: {F}\r\n" + END),
        ("with a body", "MSRP {T} 200 OK\r\nTo-Path: {U}\r\nFrom-Path: {F}\r\n" + BODY),
        ("continued", "MSRP {T} 200 OK\r\nTo-Path: {U}\r\nFrom-Path: {F}\r\n-------{T}+\r\n")):
    fault(50, name, Step(text, 0, LATE, method="REPORT"))
closes(50, "unreadable", "MSRP {T} 200 OK\r\nTo-Path:{U}\r\nFrom-Path: {F}\r\n" + END, "msrp_colon_space")

# 63: every path URI has a port
for name, to, reason in (("our URI", "{C}://{E}/x;tcp {S}", "path_port"),
                         ("the service", "{U} {C}://{E}/sds;tcp", "path_port"),
                         ("next hop", "{U} {C}://next.invalid/x;tcp", "path_port"),
                         ("an address without port", "{U} {C}://127.0.0.1/x;tcp", "msrp_to_uri")):
    own = to.split(" ")[0] if reason == "path_port" else "{R}"  # a path that does not read names nobody
    fault(63, name, Step(HEAD.replace("{P}", to) + BODY, 400, reason, own=own),
          roles="R" if name == "next hop" else "E")
fault(63, "From-Path", Step(HEAD.replace("{F}", "{C}://client.invalid/x;tcp") + BODY, 400, "path_port",
                            to="{C}://client.invalid/x;tcp"), roles=ER)
closes(63, "From-Path, an address without port", HEAD.replace("{F}", "{C}://192.0.2.1/x;tcp") + BODY,
       "msrp_from_uri")
