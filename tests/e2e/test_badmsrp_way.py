"""Relaying when the other end misbehaves (role R): rows 45-47, 51 and R7, R8 over another client and over a
peer relay, and a peer relay that says what it must not say."""
import re
import socket

import pytest
from badmsrp import HEAD, Line, Step, compare, fresh, is_due, report, response
from badmsrp_way import ON, good, piece
from quick import Scene, start
from rows import row_passed

PEER = "peer.example"
RANGE = "Byte-Range: 1-5/5\r\n"
TEXT = "Content-Type: text/plain\r\n\r\nhello\r\n-------{T}$\r\n"
SENT = Step(HEAD + RANGE + TEXT, 200)


class Peer:
    """A relay next door, on loopback without TLS: it is dialled, and says what it is told to say."""

    def __init__(self):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.server.settimeout(10)
        self.port = self.server.getsockname()[1]
        self.uri = f"msrp://{PEER}:{self.port}/far;tcp"
        self.me = self.uri + " msrp://far.example:9/friend;tcp"  # a client of that relay
        self.line = None

    def accept(self, site):
        raw, _ = self.server.accept()
        self.line = Line(site, raw=raw)
        self.line.me = self.uri
        return self.line


@pytest.fixture(scope="module")
def quick():
    peer = Peer()
    site = start(link=(PEER, peer.port))
    try:
        scene = Scene(site)
        scene.peer = peer
        yield scene
        assert site.stop() == 0, site.logged()[-2000:]
    finally:
        site.remove()


def next_hop(quick, kind):
    """(names for the cases, the line on which what they send comes out)."""
    if kind == "client":
        return {}, quick.victim
    names = {"P": "{U} " + quick.peer.me, "Y": quick.peer.me, "Z": ""}
    if quick.peer.line is None:
        case = quick.cases("R", names=names)[0]
        case.line.say(case.octets(SENT))
        line = quick.peer.accept(quick.site)
        line.answer(line.frame())
        assert case.line.fence() == b"".join(case.expected(SENT))
    return names, quick.peer.line


def sent_through(quick, cases, line, kind, step=SENT, rest=RANGE + TEXT):
    """All cases say it, each gets its 200 at once, and the other end gets it moved on; the frames."""
    frames = []
    on = ON.replace("{X} ", "") if kind == "peer" else ON
    for case in cases:
        case.line.say(case.octets(step), case.drip)
        quick.answered([case], step)
        frames.append(line.frame())
        compare(frames[-1].raw, [case.fill("MSRP {t} SEND\r\n" + on + "{V}Message-ID: {M}\r\n" + rest.replace("{T}", "{t}"))
                                 .encode()], "sent on")
    return frames


@pytest.mark.parametrize("kind", ["client", "peer"])
@pytest.mark.parametrize("code", [400, 403, 408, 413, 415, 481, 501, 506])
def test_row_46_the_next_hop_says_no(quick, kind, code):
    """REPORT of that code to the whole From-Path with the true range; partial hears of it, no does not."""
    names, line = next_hop(quick, kind)
    cases = quick.cases("R", names=names)
    before = quick.metrics.refused()
    for case, got in zip(cases, sent_through(quick, cases, line, kind)):
        if case.asked != "no":
            line.answer(got, code, "Whatever It Says")
    quick.told(cases, code, lambda case: "1-5/5")
    assert sum(quick.moved(before).values()) == 6
    row_passed("10.46", "R8", "P9")


@pytest.mark.parametrize("kind", ["client", "peer"])
def test_row_45_the_next_hop_is_silent(quick, kind):
    """REPORT 408 when Failure-Report is yes or absent; partial has no timer. What comes too late is dropped."""
    names, line = next_hop(quick, kind)
    cases = quick.cases("R", names=names)
    timed = [case for case in cases if case.asked in ("absent", "yes")]
    frames = sent_through(quick, cases, line, kind)
    quick.told(timed, 408, lambda case: "1-5/5")
    assert all(case.line.fence() == b"" for case in cases)
    before = quick.metrics.refused()
    for case, got in zip(cases, frames):
        if case in timed:
            line.answer(got)
    if kind == "client":
        assert line.fence() == b""
    assert all(case.line.fence() == b"" for case in cases)
    deadline = 50
    while quick.moved(before) != {"=late_responses": 4} and deadline:
        deadline -= 1
        quick.victim.fence()
    assert quick.moved(before) == {"=late_responses": 4}
    row_passed("10.45", "R7")


@pytest.mark.parametrize("kind", ["client", "peer"])
def test_row_47_the_next_hop_is_gone(quick, kind):
    """Its connection closes with chunks unanswered, or with a chunk only half there."""
    names, line = next_hop(quick, kind)
    cases = quick.cases("R", names=names)
    sent_through(quick, cases, line, kind)
    line.close()
    quick.told(cases, 408, lambda case: "1-5/5")  # partial hears of it too: an error may have been on its way
    if kind == "client":
        for case in cases:  # the session is gone with its connection, and that is no oracle
            case.message = case.names["M"] = fresh("m")
            case.line.say(case.octets(SENT), case.drip)
        quick.told(cases, 481, lambda case: "1-5/5")
        quick.victim = Line(quick.site).auth("victim")
    else:
        quick.peer.line = None
        case = quick.cases("R", names=names)[0]  # it is dialled again
        case.line.say(case.octets(SENT))
        line = quick.peer.accept(quick.site)
        line.answer(line.frame())
        assert case.line.fence() == b"".join(case.expected(SENT))
    row_passed("10.47", "R11")


def test_row_51_a_response_from_elsewhere(quick):
    """The sender himself answers what went to the other client: dropped, and nothing is told."""
    cases = quick.cases("R")
    before = quick.metrics.refused()
    for case, got in zip(cases, sent_through(quick, cases, quick.victim, "client")):
        own = got.get("From-Path").split(b" ")[0].decode()
        tid = got.tid.decode()
        case.line.say((f"MSRP {tid} 413 Stop\r\nTo-Path: {own}\r\nFrom-Path: {quick.victim.me}\r\n"
                       f"-------{tid}$\r\n").encode(), case.drip)
        assert case.line.fence() == b""
        if is_due(200, "SEND", case.asked):
            quick.victim.answer(got)
    assert quick.victim.fence() == b"" and all(case.line.fence() == b"" for case in cases)
    assert quick.moved(before) == {"=late_responses": 8}
    row_passed("10.51")


def test_later_chunks_of_a_failed_message(quick):
    """They get the same code as their response and are swallowed; `#` gets 200."""
    cases = [case for case in quick.cases("R") if case.asked != "no"]
    first = good(0, 100, 300)
    for case in cases:
        case.line.say(case.octets(first), case.drip)
        quick.answered([case], first)
        quick.victim.answer(quick.victim.frame(), 413, "No")
    quick.told(cases, 413, lambda case: "1-100/300")
    later = Step(piece(100, 200, 300), 413)
    quick.say(cases, later)
    quick.answered(cases, later)
    last = Step(piece(200, 250, 300, flag="#"), 200)
    quick.say(cases, last)
    quick.answered(cases, last)
    assert quick.victim.fence() == b""
    row_passed("10.39")


def test_a_fast_sender_does_not_wait(quick):
    """P5: a hundred requests before the first answer, in order, none lost."""
    line = Line(quick.site).auth("bad")
    octets, want = b"", b""
    for i in range(100):
        tid = f"fast{i}"
        octets += (f"MSRP {tid} SEND\r\nTo-Path: {line.use} {quick.victim.use} {quick.victim.me}\r\nFrom-Path: {line.me}\r\n"
                   f"Message-ID: {tid}\r\n{RANGE}" + TEXT.replace("{T}", tid)).encode()
        want += response(tid, 200, line.me, line.use)
    line.say(octets)
    for i in range(100):
        got = quick.victim.frame()
        assert got.get("Message-ID") == f"fast{i}".encode() and got.body == b"hello"
        quick.victim.answer(got)
    assert line.fence() == want
    row_passed("P5", "R10")


@pytest.mark.parametrize("line", ["", "Byte-Range: 1-60000/60000\r\n", "Byte-Range: 1-*/*\r\n"])
def test_trap_9_a_large_chunk_is_split(quick, line):
    """Where we split we say the range, the total only where it is known; split and joined it is the same."""
    case = quick.cases("R")[0]
    body = bytes(i * 7 % 251 for i in range(60000))
    case.line.say(case.octets(Step(lambda c: c.fill(HEAD + line + "Content-Type: application/octet-stream\r\n\r\n").encode() +
                                   body + c.fill("\r\n-------{T}$\r\n").encode())))
    got, frames = b"", []
    while not frames or frames[-1].flag == b"+":
        frames.append(quick.victim.frame())
        start, end, total = re.fullmatch(rb"(\d+)-(\d+|\*)/(\d+|\*)", frames[-1].get("Byte-Range")).groups()
        assert int(start) == len(got) + 1 and frames[-1].body
        got += frames[-1].body
        assert end in (b"*", str(len(got)).encode())
        assert total in ((b"60000",) if "60000" in line else (b"*", b"60000"))
        assert len(frames[-1].body) <= 2048 or end == b"*", "C4: over 2048 it has to be interruptible"
        quick.victim.answer(frames[-1])
    assert frames[-1].flag == b"$" and got == body and len(frames) > 1
    assert case.line.fence() == response(case.names["T"], 200, case.line.me, case.line.use)
    row_passed("b8.9", "R9", "C4")


# --- a peer relay that misbehaves
def peer_says(quick, path, back, more="{V}", body="hello", method="SEND"):
    """The peer's octets for each value of Failure-Report; (asked, tid, message, whole From-Path, octets)."""
    for asked in ("absent", "yes", "partial", "no"):
        tid, message = fresh("p"), fresh("m")
        line_v = "" if asked == "absent" else f"Failure-Report: {asked}\r\n"
        yield asked, tid, message, (f"MSRP {tid} {method}\r\nTo-Path: {path}\r\nFrom-Path: {back}\r\n" + more.replace("{V}", line_v) +
                                    f"Message-ID: {message}\r\nByte-Range: 1-5/5\r\nContent-Type: text/plain\r\n\r\n{body}\r\n"
                                    f"-------{tid}$\r\n").encode()


def peer_fence(quick):
    """What the peer has heard before an answer to something harmless."""
    line = quick.peer.line
    tid = fresh("f")
    line.say((f"MSRP {tid} SEND\r\nTo-Path: {line.relay}\r\nFrom-Path: {line.me}\r\nMessage-ID: {tid}\r\n-------{tid}$\r\n").encode())
    want = response(tid, 481, line.me, line.relay)
    while not line.held.endswith(want):
        assert line.more(10), line.held
    before, line.held = line.held[:-len(want)], b""
    return before


@pytest.mark.parametrize("drip", [False, True])
@pytest.mark.parametrize("name", ["unknown", "foreign", "another peer's name", "to a client", "our client's other URI", "loop"])
def test_the_peer_says(quick, name, drip):
    next_hop(quick, "peer")
    line, back = quick.peer.line, quick.peer.me
    own = f"msrp://relay.iops.example:{quick.site.port}/{'q' * 26};tcp"
    path = {"unknown": f"{own} {quick.victim.me}", "foreign": f"{quick.victim.use} msrp://else.example:9/x;tcp",
            "another peer's name": f"{quick.victim.use} {quick.victim.me}", "to a client": f"{quick.victim.use} {quick.victim.me}",
            "our client's other URI": f"{quick.victim.use} {quick.victim.me} msrp://h.example:9/x;tcp",
            "loop": f"{quick.victim.use} {quick.victim.me} {quick.victim.me}"}[name]
    if name == "another peer's name":
        back = back.replace(PEER, "other.example", 1)
    for asked, tid, message, octets in peer_says(quick, path, back):
        before = quick.metrics.refused()
        line.say(octets, drip)
        heard = peer_fence(quick)
        first = path.split(" ")[0]
        want, moved = [], {}
        if name == "to a client":
            got = quick.victim.frame()
            assert got.get("To-Path").decode() == quick.victim.me and got.get("From-Path").decode() == f"{first} {back}"
            assert got.body == b"hello"
            want = [response(tid, 200, back.split(" ")[0], first)] if is_due(200, "SEND", asked) else []
            if is_due(200, "SEND", asked):
                quick.victim.answer(got)
        elif name == "another peer's name":
            want = [response(tid, 403, back.split(" ")[0], first)] if is_due(403, "SEND", asked) else []
            moved = {"ident_mismatch": 1}
        elif name == "loop":
            moved = {"loop_detected": 1}
        else:
            code = 481 if name == "unknown" else 403
            want = [report("{t}", code, back, first, message, "1-5/5")] if asked != "no" else []
            moved = {"path_session" if code == 481 else "path_foreign": 1}
        compare(heard, want, f"{name} [{asked}]")
        moved["session"] = 1  # the fence
        assert quick.moved(before) == moved, f"{name} [{asked}]"
        assert quick.victim.fence() == b""
    if name == "another peer's name":
        row_passed("10.21")
    elif name == "unknown":
        row_passed("10.17", "R3")
    elif name == "foreign":
        row_passed("10.18")


def test_the_peer_asks_for_the_service(quick):
    """A peer gets path relaying only: no session of a client is his."""
    next_hop(quick, "peer")
    for asked, tid, message, octets in peer_says(quick, f"{quick.victim.use} {quick.victim.service}", quick.peer.me):
        quick.peer.line.say(octets)
        want = [response(tid, 481, quick.peer.uri, quick.victim.use)] if asked != "no" else []
        compare(peer_fence(quick), want, asked)
    row_passed("10.14")


def test_a_report_goes_back_over_the_peer(quick):
    """R16: to the whole path, never answered; b8.8: an answer to it is swallowed."""
    names, line = next_hop(quick, "peer")
    case = quick.cases("R", names=names)[0]
    got = sent_through(quick, [case], line, "peer")[0]
    line.answer(got)
    back = got.get("From-Path").decode()
    tid = fresh("r")
    line.say((f"MSRP {tid} REPORT\r\nTo-Path: {back}\r\nFrom-Path: {quick.peer.me}\r\nMessage-ID: {case.message}\r\n"
              f"Byte-Range: 1-5/5\r\nStatus: 000 200 OK\r\n-------{tid}$\r\n").encode())
    heard = case.line.frame()
    compare(heard.raw, [f"MSRP {{t}} REPORT\r\nTo-Path: {case.line.me}\r\nFrom-Path: {case.line.use} {quick.peer.me}\r\nMessage-ID: "
                        f"{case.message}\r\nByte-Range: 1-5/5\r\nStatus: 000 200 OK\r\n-------{{t}}$\r\n".encode()], "REPORT")
    case.line.answer(heard)
    assert case.line.fence() == b"" and peer_fence(quick) == b""
    row_passed("R16", "b8.8")


CHALLENGE = 'WWW-Authenticate: Bearer realm="relay.iops.example", scope="3gpp:mc:data_service"'
INVALID = CHALLENGE + ', error="invalid_token"\r\n'


@pytest.mark.parametrize("drip", [False, True])
@pytest.mark.parametrize("row,name,lines,claims,code,more", [
    ("52", "no credentials", "", None, 401, CHALLENGE + "\r\n"),
    ("53", "no token", "Authorization: Bearer x\r\n", None, 401, INVALID),
    ("53", "expired", "", {"exp": 1_000_000_000}, 401, INVALID),
    ("54", "no MCData ID", "", {"mcdata_id": None}, 403, ""),
    ("54", "a domain that is not the peer's", "", {"mcdata_id": "sip:far@elsewhere.example"}, 403, ""),
    ("55", "too short", "Expires: 0\r\n", {}, 423, "Min-Expires: 1\r\n"),
    ("55", "too long", "Expires: 86401\r\n", {}, 423, "Max-Expires: 86400\r\n"),
    ("56", "no number", "Expires: soon\r\n", {}, 400, ""),
])
def test_chained_auth_is_refused(quick, row, name, lines, claims, code, more, drip):
    """A client behind the peer: the whole From-Path is answered, and however often it fails, the link of
    the peer stays (row A15)."""
    next_hop(quick, "peer")
    line = quick.peer.line
    if claims is not None:
        lines += f"Authorization: Bearer {quick.site.token(**{'mcdata_id': 'sip:far@iops.example', **claims})}\r\n"
    for asked in ("absent", "yes", "partial", "no"):
        tid = fresh("a")
        line_v = "" if asked == "absent" else f"Failure-Report: {asked}\r\n"
        line.say((f"MSRP {tid} AUTH\r\nTo-Path: {line.relay}\r\nFrom-Path: {quick.peer.me}\r\n{line_v}{lines}-------{tid}$\r\n")
                 .encode(), drip)
        want = [response(tid, code, quick.peer.me, line.relay, more)] if is_due(code, "AUTH", asked) else []
        compare(peer_fence(quick), want, f"{name} [{asked}]")
    row_passed("10." + row)


def test_chained_auth_is_good(quick):
    """Use-Path: the inner relay's URI, then ours (row A11); what is sent over it comes out at the victim, and
    what the victim sends goes over the peer; the service is not for it."""
    next_hop(quick, "peer")
    line = quick.peer.line
    tid = fresh("a")
    line.say((f"MSRP {tid} AUTH\r\nTo-Path: {line.relay}\r\nFrom-Path: {quick.peer.me}\r\nAuthorization: Bearer "
              f"{quick.site.token_of('far')}\r\n-------{tid}$\r\n").encode())
    one = line.frame()
    assert one.word == b"200" and one.get("To-Path").decode() == quick.peer.me
    inner, ours = one.get("Use-Path").decode().split(" ")
    assert inner == quick.peer.uri and ours.startswith(f"msrp://relay.iops.example:{quick.site.port}/")
    for asked, tid, message, octets in peer_says(quick, f"{ours} {quick.victim.use} {quick.victim.me}", quick.peer.me):
        line.say(octets)
        got = quick.victim.frame()
        assert got.get("From-Path").decode() == f"{quick.victim.use} {ours} {quick.peer.me}" and got.body == b"hello"
        if is_due(200, "SEND", asked):
            quick.victim.answer(got)
        compare(peer_fence(quick), [response(tid, 200, quick.peer.uri, ours)] if is_due(200, "SEND", asked) else [], asked)
    tid = fresh("v")
    quick.victim.say((f"MSRP {tid} SEND\r\nTo-Path: {quick.victim.use} {ours} {quick.peer.me}\r\nFrom-Path: {quick.victim.me}\r\n"
                      f"Message-ID: {tid}\r\n{RANGE}" + TEXT.replace("{T}", tid)).encode())
    got = line.frame()
    assert got.get("To-Path").decode() == quick.peer.me and got.get("From-Path").decode() == f"{ours} {quick.victim.use} {quick.victim.me}"
    line.answer(got)
    assert quick.victim.fence() == response(tid, 200, quick.victim.me, quick.victim.use)
    service = line.service
    for asked, tid, message, octets in peer_says(quick, f"{ours} {service}", quick.peer.me):
        line.say(octets)
        compare(peer_fence(quick), [response(tid, 403, quick.peer.uri, ours)] if asked != "no" else [], asked)
    row_passed("10.18")


def test_the_first_uri_is_not_ours(quick):
    """Last: it closes the link, whoever says it."""
    next_hop(quick, "peer")
    line = quick.peer.line
    line.say((f"MSRP last SEND\r\nTo-Path: msrp://else.example:9/x;tcp\r\nFrom-Path: {quick.peer.me}\r\nMessage-ID: last1\r\n"
              "-------last$\r\n").encode())
    assert line.to_end() == b""
    quick.peer.line = None
    row_passed("10.16", "R1")


