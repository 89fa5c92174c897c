"""badmsrp_torture - the torture list of the MSRP rules, as faults: what must come out follows from the rows."""
from badmsrp import BODY, END, HEAD, SDS_TYPE, Fault, Step, payload, sds
from badmsrp_path import PING
from badmsrp_sds import EMPTY, UNREAD, chunk, good, whole

TORTURE = []


def torture(name, *steps, **more):
    TORTURE.append(Fault("torture", name, list(steps), **more))


def with_id(text, tid):
    return text.replace("{T}", tid)


def inside(octets):
    """An SDS whose payload ends the message but for the close delimiter, and these octets in it."""
    def body(case):
        case.part = payload(case.fill(octets.decode("latin-1")).encode("latin-1"))
        return sds("sip:victim@iops.example", b"", case.ids, plain=case.part)
    return body


# --- ids and end-lines
for name, tid, is_good in (("3", "abc", 0), ("4", "ab.c", 1), ("32", "a" * 32, 1), ("33", "a" * 33, 0),
                           ("dashes", "a---", 1), ("plus", "ab+c", 1), ("plus at the end", "abc+", 1), ("percent", "a%=.-", 1)):
    def say(case, tid=tid):
        case.names["T"] = tid
        return case.fill(PING).encode()
    torture(f"tid {name}", Step(say, 200) if is_good else Step(say, 0, "msrp_tid"), closes=not is_good)


def two_ids(case):
    """A prefix of it is live: both are answered, each with its own."""
    case.names["T"] = "abcd"
    short = case.fill(PING.replace("{V}", "")).encode()
    case.names["T"] = "abcde"
    return short + case.fill(PING).encode()


torture("tid that is a prefix of a live one", Step(two_ids, 200, first=200, first_id="abcd"))
torture("tid abcd in the body of abcd+", Step(chunk(0, body=inside(b"x\r\n-------{T}+$\r\ny")), 200, hears=good))
for name, octets in (("other tid", b"\r\n-------other$\r\n"), ("right tid, wrong flag", b"\r\n-------{T}!\r\n"),
                     ("right tid, two flags", b"\r\n-------{T}+$\r\n"), ("seven dashes only", b"\r\n-------\r\n"),
                     ("eight dashes", b"\r\n--------{T}$\r\n"), ("no CRLF before", b"x-------{T}$\r\n"),
                     ("CR at the end", b"x\r"), ("CRLF at the end", b"x\r\n"), ("LF at the end", b"x\n"),
                     *((f"{n} dashes at the end", b"x\r\n" + b"-" * n) for n in range(1, 8)),
                     ("half an end-line at the end", b"x\r\n-------{T}"), ("all octets", bytes(range(256)) * 4),
                     ("NULs", bytes(500)), ("high octets", bytes(range(128, 256)) * 3), ("nothing", b"")):
    torture(f"body: {name}", whole(body=inside(octets)))
    torture(f"body alone: {name}", Step(lambda c, o=octets: c.fill(
        HEAD + "Content-Type: text/plain\r\n\r\n" + o.decode("latin-1") + "\r\n" + END).encode("latin-1"), 415, "sds_type"))

# --- Byte-Range
for value, reason in (("0-", "form"), ("1-", "form"), ("5-3/10", "end_low"), ("1-5/9223372036854775808", "value"),
                      ("1-5/18446744073709551616", "digits"), ("1-5/" + "1" * 30, "digits"), ("-5-1/5", "form"),
                      ("1 - 5 / 5", "form"), ("1-5", "form")):
    torture(f"Byte-Range {value}", Step(HEAD + f"Byte-Range: {value}\r\n" + BODY, 400, f"msrp_range_{reason}"))
for value in ("1-0/0", "1-*/*", "1-*/0", "1-0/*", "1-2147483648/*", "9223372036854775807-*/*", "1-0/9223372036854775807"):
    torture(f"Byte-Range {value} without a body", Step(HEAD + f"Byte-Range: {value}\r\n" + END, 200))
torture("Byte-Range 2^31 as total", Step(chunk(0, 100, "1-100/2147483648", "+"), 413, "join_size"))
torture("Byte-Range lies long", Step(chunk(0, 100, "1-{n}/{n}", "+"), 200),
        Step(chunk(100), 200, hears=good))
torture("Byte-Range lies short", Step(chunk(0, 200, "1-100/{n}", "+"), 400, "join_over"))
torture("Byte-Range 1-0/0 with an empty body", Step(
    HEAD + f"Byte-Range: 1-0/0\r\nContent-Type: {SDS_TYPE}\r\n\r\n\r\n" + END, 400, "sds_label_short", more=UNREAD))

# --- chunks
torture("chunks overlap", Step(chunk(0, 300), 200), Step(chunk(200, 400), 200, {"=overlap_octets": 100}),
        Step(chunk(400), 200, hears=good))
torture("chunks reversed", Step(chunk(400), 200), Step(chunk(200, 400), 200), Step(chunk(0, 200), 200, hears=good))
torture("chunks twice", Step(chunk(0, 200), 200), Step(chunk(0, 200), 200, {"=overlap_octets": 200}),
        Step(chunk(200), 200, hears=good))
torture("$ first", Step(chunk(500), 200), Step(chunk(0, 500), 200, hears=good))
torture("# with a body", Step(chunk(0, 300), 200), Step(chunk(300, 400, flag="#"), 200, "aborted"))
torture("# without a body", Step(chunk(0, 300), 200), Step(EMPTY.replace("$", "#"), 200, "aborted"))
torture("every octet its chunk", *[Step(chunk(i, i + 1), 200) for i in range(60)], Step(chunk(60), 200, hears=good))

# --- headers
torture("Content-Type not last", Step(HEAD + "Content-Type: text/plain\r\nX-A: b\r\n\r\nhello\r\n" + END, 400,
                                      "msrp_type_not_last"))
torture("MIME header without Content-Type", Step(HEAD + "Content-ID: <a@b>\r\n\r\nhello\r\n" + END, 400, "msrp_type_none"))
torture("blank line without Content-Type", Step(HEAD + "\r\n\r\n" + END, 400, "msrp_type_none"))
torture("0 headers", Step("MSRP {T} SEND\r\n" + END, 0, "msrp_to_not_first"), closes=True)
torture("65 headers", Step(HEAD + "".join(f"X-{i}: a\r\n" for i in range(62)) + END, 400, "msrp_headers_many"), closes=True)
torture("header of 16 KiB", Step(HEAD + "X-A: " + "a" * 16384 + "\r\n" + END, 400, "msrp_line_long"), closes=True)
torture("20 URIs", Step(HEAD.replace("{P}", "{U}" + " {H}" * 19) + BODY, 400, "msrp_uris_many"))
torture("our URI twice", Step(HEAD.replace("{P}", "{U} {U}") + BODY, 0, "loop_detected"))
torture("LF-only lines", Step(PING.replace("\r", ""), 0, "msrp_bare_lf"), closes=True)
torture("folded header", Step(HEAD + "X-A: a\r\n b\r\n" + END, 400, "msrp_folded"), closes=True)
torture("To-Path twice", Step(HEAD + "To-Path: {P}\r\n" + END, 400, "msrp_dup_to"))
torture("no space behind the colon", Step(HEAD + "X-A:b\r\n" + END, 400, "msrp_colon_space"), closes=True)
torture("colon and space in a value", Step(PING.replace(END, "X-A: b: c\r\n") + END, 200))
torture("HTTP", Step("POST / HTTP/1.1\r\nHost: {E}\r\nContent-Length: 5\r\n\r\nhello", 0, "msrp_prefix"), closes=True)
torture("TLS ClientHello", Step("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03", 0, "msrp_prefix"), closes=True)

# --- URIs: rfc4975#6.1
OURS = "{C}://{E}:{D}/{Z};tcp"
for name, template in (("upper-case host", "{C}://RELAY.iops.EXAMPLE:{D}/{Z};tcp"), ("percent-encoded host", "{C}://%72elay.iops.example:{D}/{Z};tcp"),
                       ("percent-encoded in lower case", "{C}://rel%61y%2eiops.example:{D}/{Z};tcp"),
                       ("userinfo", "{C}://somebody@{E}:{D}/{Z};tcp"), (";TCP", "{C}://{E}:{D}/{Z};TCP"),
                       ("upper-case scheme", "MSRP://{E}:{D}/{Z};tcp"), ("a parameter", "{C}://{E}:{D}/{Z};tcp;x=y")):
    def ours(case, template=template):
        case.names["Z"] = case.line.use.rpartition("/")[2].partition(";")[0]
        case.names["B"] = case.fill(template)
        return case.fill(HEAD.replace("{P}", "{B}") + END).encode()
    torture(f"our URI with {name}", Step(ours, 200, own="{B}"))
torture("session id in upper case", Step(lambda c: c.fill(HEAD.replace("{P}", upper(c)) + END).encode(), 481, "session",
                                         own="{B}"))


def upper(case):
    head, _, tail = case.line.use.rpartition("/")
    case.names["B"] = head + "/" + tail.replace(";tcp", "").upper() + ";tcp"
    return "{B}"


torture("our URI without port", Step(HEAD.replace("{P}", "{C}://{E}/x;tcp {S}") + BODY, 400, "path_port",
                                     own="{C}://{E}/x;tcp"))
torture("unknown transport behind ours", Step(HEAD.replace("{P}", "{U} {C}://h.invalid:9/x;ws") + "Byte-Range: 1-5/5\r\n" + BODY,
                                              0, "path_foreign", report=403))
torture("IPv6 behind ours", Step(HEAD.replace("{P}", "{U} {C}://[2001:db8::1]:9/x;tcp") + "Byte-Range: 1-5/5\r\n" + BODY, 0,
                                 "path_foreign", report=403))

# --- responses and REPORTs
for name, line in (("without phrase", "200"), ("code 99", "99 No"), ("code 1000", "1000 No"), ("a code of ours", "200 OK")):
    torture(f"response {name}", Step(f"MSRP {{T}} {line}\r\nTo-Path: {{U}}\r\nFrom-Path: {{F}}\r\n" + END, 0, "=late_responses",
                                     method="REPORT"))
REPORT = "MSRP {T} REPORT\r\nTo-Path: {P}\r\nFrom-Path: {F}\r\nMessage-ID: {M}\r\n"
for name, rest in (("with Byte-Range", "Byte-Range: 1-5/5\r\nStatus: 000 200 OK\r\n"), ("without Byte-Range", "Status: 000 200 OK\r\n"),
                   ("of namespace 001", "Status: 001 200 OK\r\n"), ("without phrase", "Status: 000 413\r\n"),
                   ("for an unknown id", "Status: 000 408 Timeout\r\n")):
    torture(f"REPORT {name}", Step(REPORT + rest + END, method="REPORT"))
torture("method in lower case", Step("MSRP {T} send\r\nTo-Path: {P}\r\nFrom-Path: {F}\r\n{V}" + END, 400, "msrp_method_form",
                                     method="send"), closes=True)
for method in ("NICKNAME", "A" * 32):
    torture(f"method {method}", Step(f"MSRP {{T}} {method}\r\nTo-Path: {{P}}\r\nFrom-Path: {{F}}\r\n{{V}}" + END, 501, "method",
                                     method=method))
