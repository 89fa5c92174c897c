"""badmsrp_sds - faults of messages to the SDS service: rows 4, 21, 25, 28, 31-38, 40-43."""
from badmsrp import END, HEAD, SDS_TYPE, Step, fault, payload, sds, warning

UNREAD = warning(199, "expected MIME bodies not in the request")


def chunk(a, b=None, span=None, flag=None, more="", kind=SDS_TYPE, message="{M}", body=None, extra=b"", path="{P}"):
    """Octets [a, b) of the case's SDS as a chunk. span: text of Byte-Range ({n} the length of the message,
    "" none, default the truth); flag: default `$` for the last octets, else `+`."""
    def say(case):
        whole = case.body if body is None else body(case)
        n, to = len(whole), len(whole) if b is None else b
        line = f"{a + 1}-{to}/{n}" if span is None else span.replace("{n}", str(n)).replace("{n+1}", str(n + 1))
        head = (HEAD.replace("{P}", path).replace("{M}", message) + more +
                (f"Byte-Range: {line}\r\n" if line else "") + f"Content-Type: {kind}\r\n\r\n")
        mark = flag or ("$" if to == n else "+")
        return case.fill(head).encode() + whole[a:to] + extra + case.fill(f"\r\n-------{{T}}{mark}\r\n").encode()
    return say


def good(case):
    return case.part


def whole(**more):
    return Step(chunk(0, **more), 200, hears=good)


def altered(case):
    """The same SDS with another end of its payload."""
    return case.body[:LATE - 50] + b"y" * 50 + case.body[LATE:]


EMPTY = HEAD + END
LATE = 590  # an offset in the payload of an SDS of the usual size

# 4: an id whose answer has not left; once it has, the id is free
FIRST = "MSRP {T} SEND\r\nTo-Path: {U}\r\nFrom-Path: {F}\r\nMessage-ID: {M}\r\n" + END
AGAIN = "MSRP {t} SEND\r\nTo-Path: {U}\r\nFrom-Path: {F}\r\n{V}Message-ID: {M}\r\n" + END.replace("T", "t")
TWICE = FIRST + AGAIN.replace("{t}", "{T}")
fault(4, "two in one segment", Step(TWICE, 400, "tid_live", first=200), in_bulk=True)
fault(4, "the same, another method", Step(TWICE.replace("SEND", "PING", 1), 400, {"tid_live": 1, "method": 1}, first=501),
      in_bulk=True)


def again(case):
    """The id of the step before once more."""
    case.names["T"] = case.tid
    return case.fill(AGAIN.replace("{t}", "{T}")).encode()


def first(case):
    case.tid = case.names["T"]
    return case.fill(FIRST).encode()


fault(4, "again after its answer is good", Step(first, 200, fixed="yes", wait=True), Step(again, 200))

# 21: who the sender is, the session says; a message that names another is refused (threat T01)
for name, uri in (("another user", "sip:victim@iops.example"), ("the target's group", "sip:rescue-1@iops.example")):
    more = (f'<mcdata-calling-user-id type="Normal"><mcdataURI>{uri}</mcdataURI></mcdata-calling-user-id>')
    fault(21, f"mcdata-calling-user-id is {name}",
          Step(chunk(0, body=lambda c, m=more: sds("sip:victim@iops.example", c.data, c.ids, more=m)), 403,
               "ident_mismatch"))
fault(21, "mcdata-calling-user-id tells the truth",
      whole(body=lambda c: sds("sip:victim@iops.example", c.data, c.ids, more='<mcdata-calling-user-id type="Normal">'
                               "<mcdataURI>sip:bad@iops.example</mcdataURI></mcdata-calling-user-id>")))

# 25: media types
for kind in ("text/plain", "message/cpim", "multipart/alternative;boundary=b0undary", "multipart/signed;boundary=b0undary",
             "application/vnd.3gpp.mcdata-payload", "application/octet-stream", "multipart/related;boundary=b0undary"):
    fault(25, kind, Step(chunk(0, kind=kind), 415, "sds_type"))
fault(25, "and its next chunk", Step(chunk(0, 20, kind="text/plain"), 415, "sds_type"),
      Step(chunk(20), 415, "sds_type"))
fault(25, "in other letters is good", whole(kind='MULTIPART/Mixed; boundary="b0undary"'))
fault(23, "multipart without boundary", Step(chunk(0, kind="multipart/mixed"), 400, "mime_boundary", more=UNREAD))

# 28: report flags differ
fault(28, "Success-Report", Step(chunk(0, 100), 200), Step(chunk(100, 150, more="Success-Report: yes\r\n"), 400, "flags_differ"),
      Step(chunk(150), 400, "flags_differ"))
fault(28, "Success-Report, delivery under way", Step(chunk(0, 9000), 200, hears="+"),
      Step(chunk(9000, 9100, more="Success-Report: yes\r\n"), 400, "flags_differ", hears="#"),
      Step(chunk(9100), 400, "flags_differ"), size=10000)
fault(28, "said and not said is the same", Step(chunk(0, 100), 200),
      Step(chunk(100, more="Success-Report: no\r\n"), 200, hears=good))

# 31: the total
fault(31, "changes", Step(chunk(0, 100), 200), Step(chunk(100, 200, "101-200/{n+1}"), 400, "join_total"),
      Step(chunk(200), 400, "join_total"))
fault(31, "changes, delivery under way", Step(chunk(0, 9000), 200, hears="+"),
      Step(chunk(9000, None, "9001-*/{n+1}"), 400, "join_total", hears="#"), size=10000)
fault(31, "$ before it", Step(chunk(0, 100, flag="$"), 400, "join_end"), Step(chunk(100), 400, "join_end"))
fault(31, "$ behind what it said", Step(chunk(0, 100, "1-100/150"), 200), Step(chunk(100, 150, "101-150/150", "+"), 200),
      Step(chunk(140, 145, "141-145/150", "$"), 400, {"join_end": 1, "=overlap_octets": 5}))
fault(31, "first unknown, then known", Step(chunk(0, 100, "1-*/*"), 200), Step(chunk(100), 200, hears=good))

# 32-36: ranges and what came
fault(32, "body shorter than its range", Step(chunk(0, 100, "1-{n}/{n}", "+"), 200), Step(chunk(100), 200, hears=good))
fault(32, "empty chunk in the middle", Step(chunk(0, 100), 200), Step(chunk(100, 100, "101-100/{n}", "+"), 200),
      Step(chunk(100), 200, hears=good))
fault(33, "body longer than its range", Step(chunk(0, 101, "1-100/{n}", "+"), 400, "join_over"),
      Step(chunk(101), 400, "join_over"))
fault(33, "by one octet, last chunk", Step(chunk(0, None, extra=b"x"), 400, "join_over"))
fault(33, "empty by its range", Step(chunk(0, 1, "1-0/{n}", "+"), 400, "join_over"))
fault(34, "15000 octets with a numeric end", Step(chunk(0, 15000), 200), Step(chunk(15000), 200, hears=good), size=20000)
fault(34, "in one", whole(), size=20000)
fault(35, "no Byte-Range", Step(chunk(0, 100), 200), Step(chunk(100, span=""), 400, "join_no_range"),
      Step(chunk(100), 400, "join_no_range"))
fault(36, "the first octets win", Step(chunk(0, LATE), 200),
      Step(chunk(LATE - 50, body=altered), 200, {"=overlap_octets": 50}, hears=good))
fault(36, "the same chunk twice", Step(chunk(0, 300), 200), Step(chunk(0, 300), 200, {"=overlap_octets": 300}),
      Step(chunk(300), 200, hears=good))
fault(36, "the whole twice", whole(), Step(chunk(0, message="{M}2"), 200, "=duplicates"))
fault(36, "out of order", Step(chunk(100, 200), 200), Step(chunk(0, 100), 200), Step(chunk(200), 200, hears=good))
fault(36, "$ first", Step(chunk(100), 200), Step(chunk(0, 100), 200, hears=good))
fault(36, "backwards", Step(chunk(300), 200), Step(chunk(200, 300), 200), Step(chunk(100, 200), 200),
      Step(chunk(0, 100), 200, hears=good))

# 37, 38: caps. Nothing is kept for what is only declared (threat T17)
for total in ("15728641", "9223372036854775807"):
    fault(37, f"total {total}", Step(chunk(0, 100, f"1-100/{total}", "+"), 413, "join_size"),
          *[Step(chunk(100, 150, f"101-150/{total}", "+"), 413, "join_size")] * 4)
fault(37, "a start beyond it", Step(chunk(0, 100, "15728700-*/*", "+"), 413, "join_size"))
fault(37, "label of 20000", Step(chunk(0, body=lambda c: sds("sip:victim@iops.example", c.data, c.ids, more=" " * 20000)), 413,
                                 "sds_label_long"))
fault(38, "ninth open message", *[Step(chunk(0, 100, message=f"{{M}}{i}"), 200) for i in range(8)],
      Step(chunk(0, 100, message="{M}9"), 413, "too_many_open"), Step(chunk(100, message="{M}3"), 200, hears=good))
fault(38, "65 gaps", *[Step(chunk(4 * i, 4 * i + 1), 200) for i in range(65)], Step(chunk(260, 261), 413, "join_gaps"),
      Step(chunk(300), 413, "join_gaps"))
fault(38, "too much behind a gap", Step(chunk(10, 60000), 200),
      Step(chunk(60000), 413, "join_held"), size=90000)

# 40: `#`
fault(40, "before the label, no body", Step(chunk(0, 10), 200), Step(EMPTY.replace("$", "#"), 200, "aborted"),
      Step(chunk(10), 413, "stopped"), Step(EMPTY.replace("$", "#"), 200))
fault(40, "in the payload", Step(chunk(0, 9000), 200, hears="+"), Step(chunk(9000, 9100, flag="#"), 200, "aborted", hears="#"),
      Step(chunk(9100), 413, "stopped"), size=10000)
fault(40, "at once", Step(chunk(0, 100, flag="#"), 200, "aborted"), Step(chunk(100), 413, "stopped"))
fault(40, "of a message nobody knows", Step(EMPTY.replace("$", "#"), 200))
fault(40, "with the last octet", Step(chunk(0, None, flag="#"), 200, "aborted"))


# 41: what is not an end-line is content
def inside(text):
    def body(case):
        case.part = payload(case.fill(text).encode("latin-1"))
        return sds("sip:victim@iops.example", b"", case.ids, plain=case.part)
    return body


for name, text in (("another flag", "x\r\n-------{T}!\r\ny"), ("another id", "x\r\n-------{T}0$\r\ny"),
                   ("a shorter id", "x\r\n-------t0$\r\ny"), ("six dashes", "x\r\n------{T}$\r\ny"),
                   ("eight dashes", "x\r\n--------{T}$\r\ny"), ("bare LF before", "x\n-------{T}$\r\ny"),
                   ("bare CR before", "x\r-------{T}$\r\ny"), ("nothing before", "x-------{T}$\r\ny"),
                   ("LF behind", "x\r\n-------{T}$\ny"), ("a space behind", "x\r\n-------{T}$ \r\ny"),
                   ("two flags", "x\r\n-------{T}+$\r\ny"), ("no flag", "x\r\n-------{T}\r\ny"),
                   ("a whole request", "x\r\n\r\nMSRP abcd SEND\r\nTo-Path: {U} {S}\r\nFrom-Path: {F}\r\n-------abcd$\r\ny"),
                   ("dashes all along", "\r\n-------" * 40)):
    fault(41, name, whole(body=inside(text)))


# 42: who may send what to whom
def refused(name, reason, more="", code=403, row=42, who="bad", **letter):
    letter.setdefault("to", "sip:victim@iops.example")
    fault(row, name, Step(chunk(0, body=lambda c: sds(data=c.data, ids=c.ids, **letter)), code, reason,
                          more=warning(*more) if more else ""), as_user=who)


refused("not a member", "sds_not_member", (116, "user is not part of the MCData group"), to="sip:rescue-1@iops.example",
        group=True)
refused("no such group", "sds_no_group", (113, "group document does not exist"), to="sip:nowhere@iops.example", group=True)
refused("no SDS in the group", "sds_group_sds", (206, "short data service not allowed for this group"),
        to="sip:quiet@iops.example", group=True)
refused("listens only", "sds_transmit", (201, "user not authorised to transmit data on this group identity"),
        to="sip:mute@iops.example", group=True)
refused("nobody is there", "sds_nobody", (198, "no users are affiliated to this group"), to="sip:empty@iops.example", group=True)
refused("no one-to-one", "sds_not_allowed", (204, "unable to determine targeted user for one-to-one SDS"), who="grounded")
refused("absent", "sds_absent", (204, "unable to determine targeted user for one-to-one SDS"), 413,
        to="sip:nobody@iops.example")
fault(42, "no target", Step(chunk(0, body=lambda c: sds("X", c.data, c.ids).replace(
    b'<mcdata-request-uri type="Normal"><mcdataURI>X</mcdataURI></mcdata-request-uri>', b"")), 403, "sds_target",
    more=warning(145, "unable to determine called party")))
fault(42, "encrypted mcdata-info", Step(chunk(0, body=lambda c: sds("sip:victim@iops.example", c.data, c.ids).replace(
    b'type="Normal"', b'type="Encrypted"')), 403, "sds_encrypted"))


# the bodies that a kind needs: 400 with warning 199
def unread(name, reason, change, more=UNREAD):
    fault("23", f"parts: {name}", Step(chunk(0, body=lambda c: change(sds("sip:victim@iops.example", c.data, c.ids))), 400,
                                       reason, more=more))


unread("preamble", "mime_preamble", lambda b: b"hello\r\n" + b)
unread("epilogue", "mime_epilogue", lambda b: b + b"\r\nhello")
unread("no close delimiter", "mime_short", lambda b: b[:-2])
unread("no mcdata-info", "sds_parts", lambda b: b.replace(b"mcdata-info+xml", b"mcdata-else+xml"))
unread("no signalling", "sds_parts", lambda b: b.replace(b"mcdata-signalling", b"mcdata-signal"))
unread("no payload", "sds_parts", lambda b: b[:b.rindex(b"\r\n--b0undary\r\n")] + b"\r\n--b0undary--")
unread("another request-type", "sds_info", lambda b: b.replace(b"one-to-one-sds", b"one-to-two-sds"))
unread("a DOCTYPE", "dpp_xml_dtd", lambda b: b.replace(b"?><mcdatainfo", b"?><!DOCTYPE a><mcdatainfo"))
unread("signalling of one octet", "dpp_truncated",
       lambda b: b[:b.index(b"signalling\r\n\r\n") + 15] + b[b.rindex(b"\r\n--b0undary\r\n"):])
fault(24, "in a part", Step(chunk(0, body=lambda c: c.body.replace(
    b"mcdata-payload\r\n", b"mcdata-payload\r\nContent-Transfer-Encoding: base64\r\n")), 400, "mime_encoding", more=UNREAD))
fault(24, "binary in a part is good", whole(body=lambda c: c.body.replace(
    b"mcdata-payload\r\n", b"mcdata-payload\r\nContent-Transfer-Encoding: binary\r\n")))
fault(6, "empty message", Step(HEAD + f"Byte-Range: 1-0/0\r\nContent-Type: {SDS_TYPE}\r\n\r\n\r\n" + END, 400, "sds_label_short",
                               more=UNREAD))


# 43: the same id, another content
def other(case):
    case.other = case.data.swapcase()
    return sds("sip:victim@iops.example", case.other, case.ids)


fault(43, "another content", whole(), Step(chunk(0, message="{M}2", body=other), 403, "dup_conflict"),
      Step(chunk(0, message="{M}3"), 200, "=duplicates"))
fault(43, "another length", whole(), Step(chunk(0, message="{M}2", body=lambda c: sds(
    "sip:victim@iops.example", c.data + b"!", c.ids)), 403, "dup_conflict"))
