"""badmsrp_path - faults of paths and sessions: rows 11, 13-21, and what is legal beside them."""
from badmsrp import BODY, END, HEAD, Step, fault

PING = HEAD.replace("{P}", "{U}") + END


def to(path, rest=BODY):
    return HEAD.replace("{P}", path) + rest


def refused(row, name, path, code, reason, rest=BODY, roles="E", own=None, **more):
    fault(row, name, Step(to(path, rest), code, reason, own=own or path.split(" ")[0]), roles=roles, **more)


# 11 and what the table calls legal: no fault, but what others refuse for
for name, text in (("unknown header", PING.replace(END, "X-A: b\r\n") + END),
                   ("unknown header twice", PING.replace(END, "X-A: b\r\nX-A: c\r\n") + END),
                   ("header of odd letters", PING.replace("Message-ID", "mEsSaGe-Id")),
                   ("value with a colon", PING.replace(END, "X-A: b: c:d\r\n") + END),
                   ("value with a tab and UTF-8", PING.replace(END, "X-A: b\tc \xe2\x82\xac\r\n") + END),
                   ("empty value", PING.replace(END, "X-A: \r\n") + END),
                   ("Keep-Alive: yes", PING.replace(END, "Keep-Alive: yes\r\n") + END),
                   ("32 lines", PING.replace(END, "".join(f"X-{i}: a\r\n" for i in range(28))) + END),
                   ("line of 4096", PING.replace(END, "X-A: " + "a" * 4091 + "\r\n") + END),
                   ("1-0/0", PING.replace(END, "Byte-Range: 1-0/0\r\n") + END),
                   ("1-*/*", PING.replace(END, "Byte-Range: 1-*/*\r\n") + END),
                   ("to the service", HEAD + END),
                   ("aborted keep-alive", HEAD + END.replace("$", "#")),
                   ("aborted keep-alive to the Use-Path", PING.replace("$", "#")),
                   ("continued keep-alive", PING.replace("$", "+")),
                   ("Failure-Report in capitals", PING.replace("{V}", "failure-report: YES\r\n"))):
    fixed = "yes" if "capitals" in name else ""
    fault(11, name, Step(text, 200, fixed=fixed))

# 13, 14: sessions that are not there, or somebody else's: the same words for both
for row, uri, reason in ((13, "{N}", "session"), (14, "{O}", "hijack_attempt")):
    refused(row, "to the service", uri + " {S}", 481, reason)
    refused(row, "sign of life", uri, 481, reason, END)
    refused(row, "by a stranger", uri + " {S}", 481, reason, who="stranger")
    fault(row, "REPORT", Step("MSRP {T} REPORT\r\nTo-Path: " + uri + " {S}\r\nFrom-Path: {F}\r\nMessage-ID: {M}\r\n"
                              "Status: 000 200 OK\r\n" + END, 0, reason, method="REPORT"))
refused(13, "the relay itself", "{A}", 481, "session", END)
refused(13, "the service without a session", "{S}", 481, "session")
refused(13, "short id", "{C}://{E}:{D}/x;tcp {S}", 481, "session")
refused(13, "id of other letters", "{I} {S}", 481, "session", names={"I": "{C}://{E}:{D}/" + "A" * 26 + ";tcp"})
refused(13, "content for the Use-Path itself", "{U}", 481, "session")
refused(14, "aborted", "{O} {S}", 481, "hijack_attempt",
        "Content-Type: text/plain\r\n\r\nhello\r\n-------{T}#\r\n")

# 15: exactly one URI towards the service
for name, path in (("beyond the service", "{U} {S} {H}"), ("two beyond", "{U} {S} {H} {C}://far.invalid:9/x;tcp")):
    refused(15, name, path, 481, "path_long")
refused(15, "no body", "{U} {S} {H}", 481, "path_long", END)

# 16: the first URI is another's: closed at once, whatever the method
for name, uri in (("another host", "{H}"), ("another port", "{C}://{E}:1/x;tcp"),
                  ("another transport", "{C}://{E}:{D}/x;ws"), ("an address", "{C}://127.0.0.1:{D}/x;tcp"),
                  ("IPv6", "{C}://[::1]:{D}/x;tcp"), ("a longer host", "{C}://{E}.evil:{D}/x;tcp"),
                  ("a shorter host", "{C}://iops.example:{D}/x;tcp")):
    for role in "ER":
        fault(16, f"{name} {role}", Step(to(uri + (" {S}" if role == "E" else " {X} {Y}")), 0, "not_ours"),
              roles=role, closes=True)
fault(16, "REPORT", Step("MSRP {T} REPORT\r\nTo-Path: {H}\r\nFrom-Path: {F}\r\nMessage-ID: {M}\r\nStatus: 000 200 OK"
                         "\r\n" + END, 0, "not_ours"), roles="R", closes=True)
fault(16, "AUTH", Step("MSRP {T} AUTH\r\nTo-Path: {C}://next.invalid;tcp\r\nFrom-Path: {F}\r\n{V}" + END, 0,
                       "not_ours"), roles="R", closes=True)
fault(16, "unknown method", Step("MSRP {T} MOVE\r\nTo-Path: {H}\r\nFrom-Path: {F}\r\n{V}" + END, 0, "not_ours"),
      roles="R", closes=True)

# 17: ours but unknown, and the path goes on: no response, one REPORT with the true range
RANGE = "Byte-Range: 1-5/5\r\n" + BODY
fault(17, "goes on", Step(to("{N} {H}", RANGE), 0, "path_session", report=481, own="{N}"), roles="R")
fault(17, "goes on to a client of ours", Step(to("{N} {Y}", RANGE), 0, "path_session", report=481, own="{N}"),
      roles="R")
fault(17, "a lying range", Step(to("{N} {H}", "Byte-Range: 11-*/90\r\n" + BODY), 0, "path_session", report=481,
                                own="{N}", range="11-15/90"), roles="R")
fault(17, "a range that is too long", Step(to("{N} {H}", "Byte-Range: 11-40/90\r\n" + BODY), 0, "path_session",
                                           report=481, own="{N}", range="11-15/90"), roles="R")
fault(17, "by a stranger", Step(to("{N} {H}", RANGE), 0, "path_session", report=481, own="{N}"), roles="R",
      who="stranger")
fault(17, "REPORT", Step("MSRP {T} REPORT\r\nTo-Path: {N} {H}\r\nFrom-Path: {F}\r\nMessage-ID: {M}\r\n"
                         "Status: 000 408 Timeout\r\n" + END, 0, "path_session", method="REPORT"), roles="R")

# 18: a foreign next hop, which the relay never dials
for name, path in (("a host", "{U} {H}"), ("two hosts", "{U} {H} {C}://far.invalid:9/x;tcp"),
                   ("an address", "{U} {C}://192.0.2.1:2855/x;tcp"), ("a stranger's session", "{U} {C}://h.invalid:9/y;tcp")):
    fault(18, name, Step(to(path, RANGE), 0, "path_foreign", report=403), roles="R")
fault(18, "REPORT", Step("MSRP {T} REPORT\r\nTo-Path: {U} {H}\r\nFrom-Path: {F}\r\nMessage-ID: {M}\r\n"
                         "Status: 000 200 OK\r\n" + END, 0, "path_foreign", method="REPORT"), roles="R")

# 19: too many URIs, loops
HOPS = "".join(f" {{C}}://h{i}.invalid:9/x;tcp" for i in range(1, 9))
refused(19, "nine URIs", "{U}" + HOPS, 400, "msrp_uris_many", roles="ER", own="{U}")
refused(19, "twenty URIs", "{U}" + HOPS + HOPS.replace("h", "i", 8) + HOPS[:HOPS.index(" ", 1)], 400,
        "msrp_uris_many", roles="ER", own="{U}")
fault(19, "nine URIs in From-Path", Step(HEAD.replace("{F}", "{F}" + HOPS) + BODY, 400, "msrp_uris_many"), roles="ER")
for name, path, back in (("next hop twice", "{U} {H} {H}", "{F}"), ("over both paths", "{U} {H}", "{H} {F}"),
                         ("ourselves", "{U} {U}", "{F}"), ("the sender", "{U} {F}", "{F}"),
                         ("in other letters", "{U} {H} {C}://NEXT.invalid:2855/hop;TCP", "{F}")):
    fault(19, f"loop: {name}", Step(HEAD.replace("{P}", path).replace("{F}", back) + BODY, 0, "loop_detected"),
          roles="R")

# 20: msrp where TLS is spoken
for name, path, back, own in (("our URI", "msrp://{E}:{D}/x;tcp {S}", "{F}", "msrp://{E}:{D}/x;tcp"),
                              ("the service", "{U} msrp://{E}:{D}/sds;tcp", "{F}", "{U}"),
                              ("next hop", "{U} msrp://next.invalid:9/x;tcp", "{F}", "{U}"),
                              ("From-Path", "{P}", "msrp://client.invalid:9/x;tcp", "{U}")):
    fault(20, name, Step(HEAD.replace("{P}", path).replace("{F}", back) + BODY, 403, "path_plain", own=own, to=back),
          who="tls", roles="R" if name == "next hop" else "E")
fault(20, "AUTH", Step("MSRP {T} AUTH\r\nTo-Path: msrp://{E}:{D};tcp\r\nFrom-Path: {F}\r\n{V}" + END, 403, "path_plain",
                       own="msrp://{E}:{D};tcp", method="AUTH"), who="tls")

# 21: the sender is who the session is
EVE = "{C}://eve.invalid:9/s;tcp"
for name, back, to_path in (("another URI", EVE, EVE), ("one more URI", "{F} " + EVE, "{F}"),
                            ("one more in front", EVE + " {F}", EVE),
                            ("the victim's URI", "{Y}", "{Y}")):
    fault(21, name, Step(HEAD.replace("{F}", back) + BODY, 403, "ident_mismatch", to=to_path))
    fault(21, f"sign of life, {name}", Step(PING.replace("{F}", back), 403, "ident_mismatch", to=to_path))
fault(21, "REPORT", Step("MSRP {T} REPORT\r\nTo-Path: {P}\r\nFrom-Path: " + EVE + "\r\nMessage-ID: {M}\r\n"
                         "Status: 000 200 OK\r\n" + END, 0, "ident_mismatch", method="REPORT"))

# a URI of To-Path that does not read: 400, and its sender goes on (threat T18)
for name, uri in (("no scheme", "{E}:{D}/x;tcp"), ("sip", "sip:alice@iops.example"), ("no transport", "{C}://{E}:{D}/x"),
                  ("port 0", "{C}://{E}:0/x;tcp"), ("port 65536", "{C}://{E}:65536/x;tcp"),
                  ("port in words", "{C}://{E}:x/x;tcp"), ("percent NUL", "{C}://%00{E}:{D}/x;tcp"),
                  ("a password", "{C}://a:b@{E}:{D}/x;tcp"), ("unicode host", "{C}://r\xc3\xa9lay.example:{D}/x;tcp"),
                  ("IPv6 with a zone", "{C}://[fe80::1%25lo]:{D}/x;tcp"), ("513 octets", "{C}://{E}:{D}/" + "x" * 500 + ";tcp"),
                  ("empty id", "{C}://{E}:{D}/;tcp"), ("a query", "{C}://{E}:{D}/x?y;tcp"),
                  ("two spaces", "{U}  {S}"), ("a comma", "{U},{S}"), ("a space at the end", "{U} "),
                  ("nothing", "")):
    fault("T18", f"To-Path: {name}", Step(to(uri), 400, "msrp_to_uri", own="{R}"), roles="E")
