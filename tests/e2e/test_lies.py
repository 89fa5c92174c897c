"""Lies against the running relay: end-lines cut by TLS records, what stands behind an error, headers in disguise,
boundaries, ranges, chunks (threats T20-T25), as far as they are not tested below the socket already."""
import itertools

import badmsrp_frame  # noqa: F401  fills FAULTS
import pytest
from abuse import codes_of, ping, rss
from badmsrp import END, FAULTS, HEAD, SDS_TYPE, Case, Fault, Line, Step, compare, fresh, payload, payload_of, sds
from badmsrp_sds import chunk

# --- T20: an end-line cut anywhere by TLS records
def test_smuggling_across_tls_records(stage):
    line = Line(stage.site, tls=True).auth("bad")
    for at in range(-4, 60):
        tid = "smuggler"
        inner = f"\r\n-------{tid}\r\n-------{tid}! \r\n-------{tid}+\n-------{tid}$".encode()
        body = sds("sip:victim@iops.example", b"a" + inner + b"b")
        said = (f"MSRP {tid} SEND\r\nTo-Path: {line.use} {line.service}\r\nFrom-Path: {line.me}\r\nMessage-ID: {fresh('m')}\r\n"
                f"Content-Type: {SDS_TYPE}\r\n\r\n").encode() + body + f"\r\n-------{tid}$\r\n".encode()
        edge = said.index(inner) + at
        line.say(said[:edge])
        line.say(said[edge:])
        assert codes_of(line, 1) == [200], at
        got, flag = stage.victim.hear()
        assert payload_of(got) == payload(b"a" + inner + b"b") and flag == b"$", at


# --- T21: nothing behind a framing error is ever processed
DESYNC = [one for one in FAULTS if one.closes and one.who == "user" and len(one.steps) == 1]


@pytest.mark.parametrize("one", DESYNC, ids=[one.id for one in DESYNC])
def test_desync(stage, one):
    """A good message stands behind it, in the same segment and octet by octet."""
    for drip in (False, True):
        case = Case(stage, one, "E", "absent", drip)
        said = case.octets(one.steps[0])
        tid = case.names["T"]
        due = case.expected(one.steps[0])
        good = chunk(0)
        case.names["T"] = fresh("good")
        case.line.say(said + good(case) + ping(case.line, fresh("p")), drip)
        compare(case.line.to_end(), due, f"{one.id} {tid}")
        assert stage.victim.fence() == b""


# --- T22: headers in disguise, 200 and more
def disguises():
    names = ("To-Path", "From-Path", "Message-ID", "Byte-Range", "Success-Report", "Failure-Report", "Content-Type", "Status",
             "Authorization", "X-Other")
    values = {"To-Path": "{O} {S}", "From-Path": "{Y}", "Message-ID": "smuggled1", "Byte-Range": "1-5/5", "Success-Report": "yes",
              "Failure-Report": "no", "Content-Type": "text/plain", "Status": "000 200 OK", "Authorization": "Bearer x",
              "X-Other": "a"}
    for name in names:
        value = values[name]
        for what, line in (("space", f"{name} : {value}"), ("tab", f"{name}\t: {value}"), ("two spaces", f"{name}  : {value}"),
                           ("no space", f"{name}:{value}"), ("tab value", f"{name}:\t{value}"), ("NUL in name", f"{name}\0: {value}"),
                           ("NUL in value", f"{name}: {value}\0"), ("CR in value", f"{name}: \r{value}"),
                           ("LF in value", f"{name}: a\n{name}: {value}"), ("folded", f"X-A: a\r\n {name}: {value}"),
                           ("folded by a tab", f"X-A: a\r\n\t{name}: {value}"), ("space before", f" {name}: {value}"),
                           ("no colon", f"{name} {value}"), ("vertical tab", f"{name}:\x0b{value}"), ("form feed", f"{name}\x0c: {value}"),
                           ("no-break space", f"{name}\xa0: {value}"), ("BOM", f"\xef\xbb\xbf{name}: {value}"),
                           ("8 bits", f"{name}: {value}\xff"), ("DEL", f"{name}\x7f: {value}"), ("quoted", f'"{name}": {value}'),
                           ("colon first", f":{name}: {value}"), ("dash first", f"-{name}: {value}")):
            yield f"{name}, {what}", line


def test_header_smuggling(stage):
    """Each is refused as a whole: 400 and closed, nobody else hears of it, nothing is looked up by it."""
    n = 0
    line_of = list(disguises())
    assert len(line_of) >= 200
    reasons = {}
    before = stage.metrics.refused()
    for name, line in line_of:
        step = Step(HEAD + line + "\r\n" + END, 400, fixed="")
        one = Fault("T22", name, [step], closes=True)
        case = Case(stage, one, "E", "absent", False)
        case.line.say(case.octets(step))
        compare(case.line.to_end(), case.expected(step), name)
        case.line.close()
        n += 1
    assert stage.victim.fence() == b""
    for reason, value in stage.metrics.refused().items():
        reasons[reason] = value - before.get(reason, 0)
    assert sum(reasons.values()) == n and all(r.startswith("msrp_") for r, v in reasons.items() if v), reasons
    stage.is_healthy()


# --- T23: every limit that can be reached from outside, one below, at it, one above
def over(limit, say, good, bad):
    return [(limit - 1, say, good), (limit, say, good), (limit + 1, say, bad)]


def pad(text, n):
    """The text with its {x} as long as makes n octets of all of it."""
    return text.replace("{x}", "x" * (n - len(text) + 3))


PING = HEAD.replace("{P}", "{U}")
REPORT = "MSRP {T} REPORT\r\nTo-Path: {P}\r\nFrom-Path: {F}\r\nMessage-ID: {M}\r\nStatus: 000 200 OK\r\nContent-Type: text/plain\r\n\r\n"
BOUNDS = {
    "line": over(4096, lambda n: PING + pad("X-A: {x}", n) + "\r\n" + END, (200, ""), (400, "msrp_line_long", "close")),
    "lines": over(32, lambda n: PING + "X-A: b\r\n" * (n - 3) + END, (200, ""), (400, "msrp_headers_many", "close")),
    "transaction id": [(n, lambda n: (PING + END).replace("{T}", "t" * n), (200, "") if 4 <= n <= 32 else (0, "msrp_tid", "close"))
                       for n in (3, 4, 5, 31, 32, 33)],
    "Message-ID": [(n, lambda n: PING.replace("{M}", "m" * n) + END, (200, "") if 4 <= n <= 32 else (400, "msrp_message_id"))
                   for n in (3, 4, 5, 31, 32, 33)],
    "REPORT body": over(10240, lambda n: REPORT + "x" * n + "\r\n" + END, (0, ""), (0, "msrp_body_long")),
    "huge REPORT body": [(16384, lambda n: REPORT + "x" * n + "\r\n" + END, (0, "msrp_body_long")),
                         (16385, lambda n: REPORT + "x" * n + "\r\n" + END, (0, "msrp_body_huge", "close"))],
    "path URIs": over(8, lambda n: HEAD.replace("{P}", "{U} {S}" + "".join(f" {{C}}://h{i}.invalid:9/x;tcp" for i in range(n - 2))) + END,
                      (481, "path_long"), (400, "msrp_uris_many")),
    "digits of a range": over(19, lambda n: PING + f"Byte-Range: 1-{'1' * n}/*\r\n" + END, (200, ""), (400, "msrp_range_digits")),
    "range value": [(n, lambda n: PING + f"Byte-Range: {n}-*/*\r\n" + END, (200, "") if n < 2**63 else (400, "msrp_range_value"))
                    for n in (2**63 - 2, 2**63 - 1, 2**63)],
}


@pytest.mark.parametrize("name", BOUNDS)
def test_boundary(stage, name):
    for n, say, (code, reason, *closes) in BOUNDS[name]:
        one = Fault("T23", f"{name} {n}", [], closes=bool(closes))
        for role, drip in (("E", False), ("E", True)):
            case = Case(stage, one, role, "absent", drip)
            text = say(n)
            step = Step(text, code, reason, method="REPORT" if " REPORT" in text else "SEND")
            if name == "transaction id":
                case.line.say(case.fill(text).encode(), drip)
                case.names["T"] = "t" * n
            else:
                case.line.say(case.octets(step), drip)
            heard = case.line.to_end() if closes else case.line.fence()
            compare(heard, case.expected(step), f"{name} {n}")


def test_boundary_of_the_block(stage):
    """All header lines together, 16 KiB: the lines from the start line on to the last one."""
    for n, code in ((16383, 200), (16384, 200), (16385, 400)):
        case = Case(stage, Fault("T23", "", []), "E", "absent", False)
        case.names["T"] = fresh("t")
        text = case.fill(PING)
        text += ("X-A: " + "a" * 3993 + "\r\n") * 3
        text += "X-A: " + "a" * (n - len(text) - 7 - 7 - 100) + "\r\n" + "X-B: " + "b" * 100 + "\r\n"
        assert len(text) == n
        case.line.say((text + case.fill(END)).encode())
        step = Step("", code)
        heard = case.line.to_end() if code == 400 else case.line.fence()
        compare(heard, case.expected(step), f"block of {n}")


def test_boundary_of_a_uri(stage):
    """512 octets; one more does not read."""
    for n in (511, 512, 513):
        case = Case(stage, Fault("T23", "", []), "E", "absent", False)
        uri = f"msrp://{'h' * 40}.example:9/;tcp"
        uri = uri.replace("/;", "/" + "x" * (n - len(uri)) + ";")
        assert len(uri) == n
        case.names["T"] = tid = fresh("t")
        case.line.say(case.fill(HEAD.replace("{P}", "{U} " + uri) + "Byte-Range: 1-1/1\r\nContent-Type: text/plain\r\n\r\nx\r\n" + END).encode())
        one = case.line.frame()
        if n <= 512:
            assert one.word == b"REPORT" and one.get("Status") == b"000 403 Forbidden"
        else:
            assert one.word == b"400" and one.tid == tid.encode()


def test_boundary_of_sessions(stage):
    """64 sessions on one connection; one more is 403, the others live on. One that renews is no new one."""
    line = Line(stage.site)
    uses = []
    for i in range(65):
        line.me = f"msrp://many.example:9/s{i};tcp"
        tid = fresh("a")
        line.say((f"MSRP {tid} AUTH\r\nTo-Path: {line.relay}\r\nFrom-Path: {line.me}\r\nAuthorization: Bearer "
                  f"{stage.site.token_of('many')}\r\n-------{tid}$\r\n").encode())
        one = line.frame()
        assert one.word == (b"200" if i < 64 else b"403"), i
        if i < 64:
            uses.append(one.get("Use-Path").decode())
    assert len(set(uses)) == 64
    line.me, line.use = "msrp://many.example:9/s63;tcp", uses[63]
    assert line.fence() == b""
    assert line.auth("many").use == uses[63]


# --- T24: ranges that lie: all of 0..6 with every flag
def range_is_good(start, end, total):
    """Rows 29, 30: the numbers by themselves; None is `*`."""
    return start >= 1 and (end is None or end >= start - 1) and (total is None or start <= total + 1) and \
        (end is None or total is None or end <= total)


def range_code(start, end, total, n, flag):
    """Rows 29-33: what a first chunk of n octets earns that is no message yet (its label is not there)."""
    reached = start - 1 + n
    if not range_is_good(start, end, total) or end is not None and reached > end or total is not None and reached > total:
        return 400
    last = reached if end is None else end
    if flag == "$" and (total is not None and last != total or start == 1):
        return 400  # it says that it does not end at the total; or it is complete with what came, and no SDS
    return 200


def test_range_lies(stage):
    values = (*range(7), None)
    line = Line(stage.site).auth("bad")
    grid = list(itertools.product(range(7), values, values, (0, 1, 3, 6), "+$#"))
    text = {v: "*" if v is None else str(v) for v in values}
    for a in range(0, len(grid), 100):
        octets, want = b"", []
        for i, (start, end, total, n, flag) in enumerate(grid[a:a + 100], a):
            octets += (f"MSRP g{i:05d} SEND\r\nTo-Path: {line.use} {line.service}\r\nFrom-Path: {line.me}\r\nMessage-ID: g{i:05d}\r\n"
                       f"Byte-Range: {start}-{text[end]}/{text[total]}\r\nContent-Type: {SDS_TYPE}\r\n\r\n{'--b0un'[:n]}\r\n"
                       f"-------g{i:05d}{flag}\r\n"
                       f"MSRP h{i:05d} SEND\r\nTo-Path: {line.use} {line.service}\r\nFrom-Path: {line.me}\r\nMessage-ID: g{i:05d}\r\n"
                       f"-------h{i:05d}#\r\n").encode()  # whatever became of it, it is over
            want += [range_code(start, end, total, n, flag), 200]
        line.say(octets)
        got = codes_of(line, len(want))
        for j, (g, w) in enumerate(zip(got, want)):
            assert g == w, f"{grid[a + j // 2]}: {g}, want {w}"
    assert line.fence() == b"" and stage.victim.fence() == b""
    stage.is_healthy()


# --- T25: abuse of chunks
def test_chunk_abuse(stage):
    """10,000 Message-IDs that never end: eight are open, the rest is 413. After `#` an id is dead. What is
    open goes on, and memory is flat."""
    case = Case(stage, Fault("T25", "", []), "E", "absent", False)
    line, memory = case.line, rss(stage.site)
    case.line.say(case.octets(Step(chunk(0, 100))))
    assert codes_of(line, 1) == [200]
    taken = 0
    for block in range(20):
        octets = b""
        for i in range(500):
            tid = f"c{block:02d}{i:04d}"
            octets += (f"MSRP {tid} SEND\r\nTo-Path: {line.use} {line.service}\r\nFrom-Path: {line.me}\r\nMessage-ID: {tid}\r\n"
                       f"Byte-Range: 1-*/*\r\nContent-Type: {SDS_TYPE}\r\n\r\n-\r\n-------{tid}+\r\n").encode()
        line.say(octets)
        codes = codes_of(line, 500)
        assert set(codes) <= {200, 413}, set(codes)
        taken += codes.count(200)
    assert taken == 7
    line.say((f"MSRP dead SEND\r\nTo-Path: {line.use} {line.service}\r\nFrom-Path: {line.me}\r\nMessage-ID: c000000\r\n"
              "-------dead#\r\n").encode())
    line.say((f"MSRP more SEND\r\nTo-Path: {line.use} {line.service}\r\nFrom-Path: {line.me}\r\nMessage-ID: c000000\r\n"
              f"Byte-Range: 2-*/*\r\nContent-Type: {SDS_TYPE}\r\n\r\n-\r\n-------more+\r\n").encode())
    assert codes_of(line, 2) == [200, 413]
    case.line.say(case.octets(Step(chunk(100))))  # the first one still goes on to its end
    assert codes_of(line, 1) == [200]
    body, flag = stage.victim.hear()
    assert flag == b"$" and payload_of(body) == case.part
    assert rss(stage.site) < memory + 8 * 2**20
    assert stage.victim.fence() == b""
    stage.is_healthy()


def test_a_second_last_chunk(stage):
    """`$` again: that message is over, this is another one with the same id; its content was there before."""
    case = Case(stage, Fault("T25", "", []), "E", "absent", False)
    for step in (Step(chunk(0, 300)), Step(chunk(300))):
        case.line.say(case.octets(step))
        assert codes_of(case.line, 1) == [200]
    stage.victim.hear()
    case.line.say(case.octets(Step(chunk(300))))
    assert codes_of(case.line, 1) == [200]
    case.line.say(case.octets(Step(chunk(0, 300))))
    assert codes_of(case.line, 1) == [200]
    assert stage.victim.fence() == b"", "nobody hears it twice"


