"""Abuse from outside against the running relay: threats T15-T25 of the threat list, as far as they are not
tested below the socket already (tests/msrp, tests/relay). Sizes are moderate, loops end by themselves."""
import itertools
import os
import select
import socket
import time

import pytest
from badmsrp import END, FAULTS, HEAD, SDS_TYPE, Case, Fault, Line, Stage, Step, compare, fresh, payload, payload_of, sds
from badmsrp_sds import chunk
from table import PLAIN, Table

import badmsrp_frame  # noqa: F401  fills FAULTS


def rss(site):
    for line in open(f"/proc/{site.process.pid}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024


def descriptors(site):
    return len(os.listdir(f"/proc/{site.process.pid}/fd"))


def ping(line, tid, to=None):
    return (f"MSRP {tid} SEND\r\nTo-Path: {to or line.use}\r\nFrom-Path: {line.me}\r\nMessage-ID: {tid}\r\n"
            f"-------{tid}$\r\n").encode()


def codes_of(line, n):
    """The codes of the next n responses, in order."""
    out = []
    for _ in range(n):
        out.append(int(line.frame().word))
    return out


# --- T15: slow ones. A relay with short times
@pytest.fixture(scope="module")
def hasty():
    site = Table()
    try:
        site.write_policy()
        text = PLAIN.replace("  drain: 500ms\n", "  drain: 500ms\n  handshake: 1s\n  header: 1s\n  body_window: 1s\n  write_stall: 1s\n"
                             "  probation: 3s\n")
        site.start(text.format(plain=site.plain_port, dir=site.dir))
        yield Stage(site)
        assert site.stop() == 0, site.logged()[-2000:]
    finally:
        site.remove()


@pytest.mark.parametrize("what", ["hello", "header", "body", "between"])
def test_slowloris(hasty, what):
    """A hundred connections that dribble are closed in time; a healthy pair does not notice, and nothing is
    left of them."""
    before, memory = descriptors(hasty.site), rss(hasty.site)
    lines = []
    for i in range(100):
        if what == "hello":
            raw = socket.create_connection(("127.0.0.1", hasty.site.port), 10)
            raw.sendall(b"\x16\x03\x01\x02")
            lines.append(raw)
            continue
        line = Line(hasty.site)
        if what != "between":
            line.auth(f"slow{i % 10}")
            head = f"MSRP slow SEND\r\nTo-Path: {line.use} {line.service}\r\nFrom-Path: {line.me}\r\nMessage-ID: slow\r\n"
            line.say((head + ("X-A: " if what == "header" else f"Content-Type: {SDS_TYPE}\r\n\r\n--b")).encode())
        lines.append(line.socket)
    end = time.monotonic() + 12
    waiting = list(lines)
    while waiting and time.monotonic() < end:
        hasty.is_healthy()
        readable, _, _ = select.select(waiting, [], [], 0.2)
        for s in readable:
            try:
                while s.recv(4096):
                    pass
            except OSError:
                pass
            waiting.remove(s)
        for s in waiting:
            try:
                if what != "between":
                    s.send(b"x")
            except OSError:
                pass
    assert not waiting, f"{len(waiting)} of 100 still open"
    for s in lines:
        s.close()
    hasty.is_healthy()
    assert descriptors(hasty.site) <= before + 2
    assert rss(hasty.site) < memory + 8 * 2**20


def test_never_reading(hasty):
    """A recipient who reads nothing is closed; the sender hears of it, the relay keeps little of it."""
    deaf = Line(hasty.site).auth("deaf")
    memory = rss(hasty.site)
    line = Line(hasty.site).auth("bad")
    failed = 0
    for i in range(200):
        body = sds("sip:deaf@iops.example", b"x" * 60000)
        tid = fresh("d")
        line.say((f"MSRP {tid} SEND\r\nTo-Path: {line.use} {line.service}\r\nFrom-Path: {line.me}\r\nMessage-ID: {tid}\r\n"
                  f"Byte-Range: 1-{len(body)}/{len(body)}\r\nContent-Type: {SDS_TYPE}\r\n\r\n").encode() + body +
                 f"\r\n-------{tid}$\r\n".encode())
        if i % 20 == 19:
            hasty.is_healthy()
        line.socket.setblocking(False)
        try:
            line.held += line.socket.recv(65536)
        except BlockingIOError:
            pass
        line.socket.settimeout(10)
        if b" 413 " in line.held or b"REPORT" in line.held:
            failed = 1
            break
        line.held = line.held[-200:]
    assert failed, "the sender was never told"
    time.sleep(2.5)
    hasty.is_healthy()
    assert rss(hasty.site) < memory + 24 * 2**20
    deaf.close()
    line.close()


# --- T16: floods
def test_flood_of_connections():
    """More connections of one address without AUTH than allowed are turned away; who is in stays, and there
    is room again afterwards."""
    site = Table()
    try:
        site.start(PLAIN.replace("source_connections: 1000", "source_connections: 20").replace("users: {dir}/users.yaml\n", "")
                   .format(plain=site.plain_port))
        stage = Stage(site)
        first = [Line(site, source="127.0.0.9") for _ in range(20)]
        assert first[-1].fence() == b""
        for _ in range(30):
            assert Line(site, source="127.0.0.9").to_end() == b""
        assert stage.metrics.refused()["conns_unauth"] == 30
        assert Line(site, source="127.0.0.10").fence() == b"", "another address is not concerned"
        assert all(line.fence() == b"" for line in first)
        first[0].auth("bad")  # no stranger any more: one place is free
        assert Line(site, source="127.0.0.9").fence() == b""
        stage.is_healthy()
        assert site.stop() == 0
    finally:
        site.remove()


@pytest.mark.parametrize("what", ["empty SENDs", "unknown sessions", "unknown methods", "strange responses", "bad REPORTs"])
def test_flood_of_small_frames(stage, what):
    """20,000 of them: each answered as one alone, and memory stays flat."""
    line = Line(stage.site).auth("bad")
    nobody = line.relay.replace(";tcp", "/" + "q" * 26 + ";tcp")

    def one(i):
        if what == "empty SENDs":
            return ping(line, f"f{i:06d}"), 200
        if what == "unknown sessions":
            return ping(line, f"f{i:06d}", nobody + " " + line.service), 481
        if what == "unknown methods":
            return ping(line, f"f{i:06d}").replace(b"SEND", b"NICKNAME", 1), 501
        if what == "bad REPORTs":
            return ping(line, f"f{i:06d}").replace(b"SEND", b"REPORT", 1), 0
        return (f"MSRP f{i:06d} 200 OK\r\nTo-Path: {line.use}\r\nFrom-Path: {line.me}\r\n-------f{i:06d}$\r\n").encode(), 0
    memory = 0
    for block in range(40):
        octets, code = b"", 0
        for i in range(500):
            said, code = one(block * 500 + i)
            octets += said
        line.say(octets)
        if code:
            assert set(codes_of(line, 500)) == {code}
        assert line.fence() == b""
        if block == 9:
            memory = rss(stage.site)
            stage.is_healthy()
    assert rss(stage.site) < memory + 2 * 2**20
    stage.is_healthy()


# --- T17: declared sizes, sparse chunks, dribbled chunks
def test_memory_of_what_is_declared_or_sparse(stage):
    line = Line(stage.site).auth("bad")
    memory = rss(stage.site)

    def said(start, end, total, n, message, flag="+"):
        tid = fresh("m")
        return (f"MSRP {tid} SEND\r\nTo-Path: {line.use} {line.service}\r\nFrom-Path: {line.me}\r\nMessage-ID: {message}\r\n"
                f"Byte-Range: {start}-{end}/{total}\r\nContent-Type: {SDS_TYPE}\r\n\r\n{'-' * n}\r\n-------{tid}{flag}\r\n").encode()
    for total, code in (("9223372036854775807", 413), ("15728641", 413), ("18446744073709551615", 400)):
        line.say(b"".join(said(1, "*", total, 1, fresh("big")) for _ in range(200)))
        assert set(codes_of(line, 200)) == {code}
    for i in range(8):  # as many as may be open, each says it is as large as may be, and is full of holes
        message = fresh("hole")
        line.say(b"".join(said(1 + 200000 * k, 1 + 200000 * k, 15728640, 1, message) for k in range(64)))
        assert set(codes_of(line, 64)) == {200}
        line.say(said(15728640, 15728640, 15728640, 1, message, "#"))
        assert codes_of(line, 1) == [200]
    assert rss(stage.site) < memory + 4 * 2**20
    stage.is_healthy()


def test_a_message_of_one_octet_chunks(stage):
    """20,000 chunks of one octet: it is delivered, in chunks of a decent size, and memory stays flat."""
    line = Line(stage.site).auth("bad")
    data = os.urandom(10) * 2000
    body = sds("sip:victim@iops.example", data)
    message, memory = fresh("one"), rss(stage.site)
    for a in range(0, len(body), 500):
        octets = b""
        for i in range(a, min(a + 500, len(body))):
            octets += (f"MSRP o{i:06d} SEND\r\nTo-Path: {line.use} {line.service}\r\nFrom-Path: {line.me}\r\nMessage-ID: {message}\r\n"
                       f"Byte-Range: {i + 1}-{i + 1}/{len(body)}\r\nContent-Type: {SDS_TYPE}\r\n\r\n").encode() + body[i:i + 1] + \
                f"\r\n-------o{i:06d}{'$' if i + 1 == len(body) else '+'}\r\n".encode()
        line.say(octets)
        assert set(codes_of(line, min(500, len(body) - a))) == {200}
    got, n, flag = b"", 0, b"+"
    while flag == b"+":
        one = stage.victim.frame()
        stage.victim.answer(one)
        got, n, flag = got + one.body, n + 1, one.flag
    assert flag == b"$" and payload_of(got) == payload(data)
    assert n <= len(body) // 2048 + 2
    assert rss(stage.site) < memory + 4 * 2**20


# --- T19: next hops that only a message names are never dialled
def ssrf_forms(port):
    hosts = ["0.0.0.0", "127.0.0.1", "127.1.2.3", "127.255.255.254", "169.254.169.254", "10.0.0.1", "192.168.0.1", "172.16.0.1",
             "224.0.0.1", "255.255.255.255", "100.64.0.1", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
             "[64:ff9b::7f00:1]", "[fe80::1]", "[fc00::1]", "[ff02::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:169.254.169.254]",
             "localhost", "LOCALHOST", "localhost.", "ip6-localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1",
             "metadata.google.internal", "%6cocalhost", "127.0.0.1.nip.io", "relay.iops.example.", "relay.iops.example",
             "user@127.0.0.1", "127.0.0.1@localhost"]
    return [f"{scheme}://{host}:{p}/x;tcp" for scheme, host, p in
            [("msrp", h, port) for h in hosts] + [("msrps", "127.0.0.1", port), ("msrp", "127.0.0.1", 22), ("msrps", "localhost", port),
                                                  ("msrp", "[::1]", 1)]]


def test_ssrf_next_hops(stage):
    canary = socket.create_server(("127.0.0.1", 0))
    canary.settimeout(0.3)
    line = Line(stage.site).auth("bad")
    forms = ssrf_forms(canary.getsockname()[1])
    forms += [f.replace(str(canary.getsockname()[1]), str(stage.site.metrics_port)) for f in forms[:4]]
    assert len(forms) >= 40
    before = descriptors(stage.site)
    for form in forms:
        for path in (f"{line.use} {form}", f"{line.use} {stage.victim.use} {form}", form):
            one = Line(stage.site).auth("bad") if path == form else line
            path = path.replace(line.use, one.use)
            tid = fresh("s")
            one.say((f"MSRP {tid} SEND\r\nTo-Path: {path}\r\nFrom-Path: {one.me}\r\nMessage-ID: {tid}\r\nByte-Range: 1-1/1\r\n"
                     f"Content-Type: text/plain\r\n\r\nx\r\n-------{tid}$\r\n").encode())
            if path == form:  # a stranger's URI first is closed; one that does not read is 400
                heard = one.held + (one.to_end() if not one.more(0.5) or b" 400 " not in one.held else b"")
                assert heard == b"" or b" 400 " in heard.split(b"\r\n")[0], form
                one.close()
            else:
                heard = one.frame()
                status = heard.get("Status")
                assert heard.word == b"400" or status and status.split(b" ")[1] in (b"403", b"481"), (form, heard.raw)
    with pytest.raises(TimeoutError):
        canary.accept()
    canary.close()
    assert descriptors(stage.site) <= before + 1 and stage.victim.fence() == b""
    stage.is_healthy()


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


