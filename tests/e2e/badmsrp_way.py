"""badmsrp_way - faults of messages that are relayed to another client (role R): rows 11, 13, 14, 18, 21, 25, 28,
31-38, 40, 41, and what must come through them unharmed. rfc4976#6.4"""
from badmsrp import BODY, END, HEAD, SDS_TYPE, Step, fault

ON = "To-Path: {Y}\r\nFrom-Path: {X} {U} {F}\r\n"  # the URIs that were ours have moved
RANGE = "Byte-Range: 1-5/5\r\n"


def on(rest):
    """What the other end gets of a SEND with these lines behind its paths."""
    return "MSRP {t} SEND\r\n" + ON + "{V}Message-ID: {M}\r\n" + rest.replace("{T}", "{t}")


def relayed(row, name, step, *more, **also):
    fault(row, name, step, *more, roles="R", **also)


def through(row, name, rest, **also):
    """Legal, and sent on: own URIs moved, a fresh id, and not one octet else."""
    relayed(row, name, Step(HEAD + rest, 200, forward=on(rest)), **also)


def piece(a, b, total, span=None, flag=None, more="", extra="", message="{M}", kind="text/plain"):
    """Octets [a, b) of a message of x as a chunk, and what of it must be sent on."""
    flag = flag or ("$" if b == total else "+")
    line = "" if span == "" else f"Byte-Range: {span or f'{a + 1}-{b}/{total}'}\r\n"
    rest = f"{more}{line}Content-Type: {kind}\r\n\r\n{'x' * (b - a)}{extra}\r\n-------{{T}}{flag}\r\n"
    return HEAD.replace("{M}", message) + rest


def sent_on(a, b, span, flag, more="", message="{M}"):
    return ("MSRP {t} SEND\r\n" + ON + "{V}Message-ID: " + message + f"\r\n{more}Byte-Range: {span}\r\nContent-Type: text/plain"
            f"\r\n\r\n{'x' * (b - a)}\r\n-------{{t}}{flag}\r\n")


def good(a, b, total, flag=None, message="{M}"):
    flag = flag or ("$" if b == total else "+")
    return Step(piece(a, b, total, flag=flag, message=message), 200,
                forward=sent_on(a, b, f"{a + 1}-{b}/{total}", flag, message=message))


# 11, b8.9: as it came
through(11, "text, range as it came", RANGE + BODY)
through(11, "text, no range", BODY)
through(11, "unknown headers", "X-A: b\r\nx-a: c: d\r\nX-Empty: \r\n" + RANGE + BODY)
through(11, "odd names and spaces", "sUCCESS-rEPORT: yes\r\nX-A:   b  c \r\n" + RANGE + BODY)
through(11, "UTF-8", "X-A: \xe2\x82\xac\r\n" + RANGE + BODY)
through(11, "other MIME headers", RANGE + "Content-ID: <a@b>\r\nContent-Disposition: inline\r\nContent-Description: a b\r\n" + BODY)
through(11, "no body", END)
through(11, "no body, Keep-Alive", "Keep-Alive: yes\r\n" + END)
through(11, "empty body", "Byte-Range: 1-0/0\r\nContent-Type: text/plain\r\n\r\n\r\n" + END)
for kind in ("message/cpim", "message/imdn+xml", "multipart/signed;boundary=a", "application/pkcs7-mime",
             "application/octet-stream", "text/x-msrp-heartbeat", "multipart/mixed;boundary=a"):
    through(11, kind, RANGE + BODY.replace("text/plain", kind))
through(11, "all octets", "Byte-Range: 1-256/256\r\nContent-Type: text/plain\r\n\r\n" +
        "".join(map(chr, range(256))) + "\r\n" + END)

# 13, 14, 18: not from its owner, or not to him
for row, name, path in ((13, "an unknown session", "{N} {Y}"), (14, "somebody else's session to its owner", "{X} {Y}"),
                        (14, "somebody else's session first", "{X} {U} {Y}"), (13, "unknown as second", "{U} {N} {Y}")):
    own = path.split(" ")[0]
    relayed(row, f"R {name}", Step(HEAD.replace("{P}", path) + RANGE + BODY, 0, "path_session", report=481, own=own))
for name, path in (("another client behind his session", "{U} {X} {C}://h.invalid:9/x;tcp"),
                   ("one more behind the receiver", "{U} {X} {Y} {H}"), ("ends at his session", "{U} {X}"),
                   ("the receiver without his session", "{U} {Y}")):
    relayed(18, name, Step(HEAD.replace("{P}", path) + RANGE + BODY, 0, "path_foreign", report=403))

# 21: who sends, the session says
EVE = "{C}://eve.invalid:9/s;tcp"
relayed(21, "R another URI", Step(HEAD.replace("{F}", EVE) + RANGE + BODY, 403, "ident_mismatch", to=EVE))
relayed(21, "R one more URI", Step(HEAD.replace("{F}", EVE + " {F}") + RANGE + BODY, 403, "ident_mismatch", to=EVE))
relayed(21, "R the receiver's URI", Step(HEAD.replace("{F}", "{Y}") + RANGE + BODY, 0, "loop_detected"))

# 25, 26: what the service would have to see does not go around it (profile 3)
for kind in ("application/mikey", "application/vnd.3gpp.mcdata-payload", "Application/VND.3GPP.mcdata-signalling",
             "application/vnd.3gpp.mcdata-info+xml"):
    relayed(25, f"R {kind}", Step(HEAD + RANGE + BODY.replace("text/plain", kind), 415, "path_type"))


def letter(kind=SDS_TYPE, more=b""):
    def say(case):
        body = more + case.body
        return case.fill(HEAD + f"Byte-Range: 1-{len(body)}/{len(body)}\r\nContent-Type: {kind}\r\n\r\n").encode() + body + \
            case.fill("\r\n" + END).encode()
    return say


relayed(25, "R an SDS", Step(letter(), 415, "path_type"))
relayed(25, "R an SDS as multipart/related", Step(letter("multipart/related;boundary=b0undary"), 415, "path_type"))
relayed(25, "R an SDS behind a preamble", Step(letter(more=b"hello\r\n"), 415, "path_type"))

# 28, 31-36: chunks that do not fit. What was sent on before ends with `#`, or its receiver waits in vain
MORE = "Success-Report: yes\r\n"
relayed(28, "R Success-Report", good(0, 100, 200), Step(piece(100, 150, 200, more=MORE), 400, "flags_differ"),
        Step(piece(150, 200, 200), 400, "flags_differ"))
relayed(31, "R total changes", good(0, 100, 200), Step(piece(100, 150, 200, "101-150/201"), 400, "join_total"),
        Step(piece(150, 200, 200), 400, "join_total"))
relayed(31, "R $ before it", good(0, 100, 200), Step(piece(100, 150, 200, flag="$"), 400, "join_end"))
relayed(33, "R longer than its range", good(0, 100, 200), Step(piece(100, 150, 200, "101-149/200"), 400, "join_over"),
        Step(piece(150, 200, 200), 400, "join_over"))
relayed(35, "R no range", good(0, 100, 200), Step(piece(100, 200, 200, ""), 400, "join_no_range"), good(100, 200, 200))
relayed(32, "R shorter than its range", Step(piece(0, 100, 200, "1-150/200"), 200,
                                             forward=sent_on(0, 100, "1-100/200", "+")), good(100, 200, 200))
relayed(32, "R shorter, last", good(0, 100, 200), Step(piece(100, 150, 200, "101-200/200", "$"), 200,
                                                       forward=sent_on(100, 150, "101-150/200", "$")))
relayed(36, "R overlap is not judged here", good(0, 100, 200), good(50, 150, 200), good(150, 200, 200))
relayed(36, "R out of order", good(100, 150, 200), good(0, 100, 200), good(150, 200, 200))
relayed(38, "R ninth open message", *[good(0, 100, 200, message=f"{{M}}{i}") for i in range(8)],
        Step(piece(0, 100, 200, message="{M}9"), 413, "too_many_open"), good(100, 200, 200, message="{M}3"))

# 40: `#`
relayed(40, "R with a body", good(0, 100, 200), good(100, 150, 200, "#"))
relayed(40, "R without a body", good(0, 100, 200), Step(HEAD + END.replace("$", "#"), 200, forward=on(END.replace("$", "#"))))
relayed(40, "R at once", good(0, 100, 200, "#"))

# 41: what is not an end-line is content
for name, text in (("another flag", "x\r\n-------{T}!\r\ny"), ("another id", "x\r\n-------{T}0$\r\ny"),
                   ("eight dashes", "x\r\n--------{T}$\r\ny"), ("bare LF before", "x\n-------{T}$\r\ny")):
    def say(case, text=text):
        case.names["I"] = case.fill(text)
        return case.fill(HEAD + "Content-Type: text/plain\r\n\r\n{I}\r\n" + END).encode("latin-1")
    relayed(41, f"R {name}", Step(say, 200, forward="MSRP {t} SEND\r\n" + ON + "{V}Message-ID: {M}\r\nContent-Type: text/plain"
                                  "\r\n\r\n{I}\r\n-------{t}$\r\n"))

# 48: REPORTs go on as they are, and are never answered
REPORT = "MSRP {T} REPORT\r\nTo-Path: {P}\r\nFrom-Path: {F}\r\n"
for name, rest in (("success", "Message-ID: {M}\r\nByte-Range: 1-5/5\r\nStatus: 000 200 OK\r\n" + END),
                   ("namespace 001", "Message-ID: {M}\r\nStatus: 001 200\r\n" + END),
                   ("for an unknown id, with unknown headers", "Message-ID: {M}\r\nX-A: b\r\nStatus: 000 408 Timeout\r\n" + END),
                   ("with a body", "Message-ID: {M}\r\nStatus: 000 200 OK\r\n" + BODY)):
    relayed(48, f"R {name}", Step(REPORT + rest, method="REPORT", silent=True,
                                  forward="MSRP {t} REPORT\r\n" + ON + rest.replace("{T}", "{t}")))
