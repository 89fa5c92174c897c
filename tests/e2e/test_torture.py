"""The torture list of the MSRP rules against the running relay, and the traps where RFC text contradicts
itself (rows b8.*), as far as they concern the relay."""
import re
import ssl
import socket

import pytest
from badmsrp import END, HEAD, SDS_TYPE, Case, Fault, Line, Step, cut, fresh, payload_of, response, sds
from badmsrp_sds import chunk
from badmsrp_torture import TORTURE
from rows import row_passed
from throwaway import NAME


@pytest.mark.parametrize("one", TORTURE, ids=[f.name for f in TORTURE])
def test_torture(stage, one):
    stage.play(one, "E")


def ping(line, tid, more=""):
    return (f"MSRP {tid} SEND\r\nTo-Path: {line.use}\r\nFrom-Path: {line.me}\r\n{more}Message-ID: {tid}\r\n"
            f"-------{tid}$\r\n").encode()


def an_sds(line, tid, data, ids=None):
    body = sds("sip:victim@iops.example", data, ids)
    return (f"MSRP {tid} SEND\r\nTo-Path: {line.use} {line.service}\r\nFrom-Path: {line.me}\r\nMessage-ID: {tid}\r\n"
            f"Byte-Range: 1-{len(body)}/{len(body)}\r\nContent-Type: {SDS_TYPE}\r\n\r\n").encode() + body + \
        f"\r\n-------{tid}$\r\n".encode()


SEEDS = {
    "keep-alive": lambda line: (ping(line, "seed"), [200]),
    "an SDS": lambda line: (an_sds(line, "seed", b"x\r\n-------seed\r\n-------see$\r\ny"), [200]),
    "another method": lambda line: (ping(line, "seed").replace(b"SEND", b"NICKNAME"), [501]),
    "two requests": lambda line: (ping(line, "see1") + ping(line, "see2"), [200, 200]),
    "a bad range": lambda line: (ping(line, "seed", "Byte-Range: 5-3/9\r\n"), [400]),
}


@pytest.mark.parametrize("name", SEEDS)
def test_every_cut(stage, name):
    """torture: every 1-octet cut of each seed. Between the two parts the relay has answered somebody else,
    so it has taken the first one."""
    line = Line(stage.site).auth("bad")
    n = len(SEEDS[name](line)[0])
    for at in range(1, n):
        octets, codes = SEEDS[name](line)
        line.say(octets[:at])
        stage.well.fence()
        line.say(octets[at:])
        if name == "an SDS":
            body, flag = stage.victim.hear()
            assert flag == b"$" and payload_of(body).endswith(b"y")
        frames = line.fence()
        for code in codes:
            one, frames = cut(frames)
            assert one is not None and one.word == str(code).encode(), f"cut at {at}"
        assert frames == b"", f"cut at {at}"


@pytest.mark.parametrize("n", [2, 3, 10, 50])
def test_pipelined(stage, n):
    """torture: 2-50 messages in one segment, answered in order; some of them wrong."""
    line = Line(stage.site).auth("bad")
    octets, want = b"", b""
    for i in range(n):
        tid = f"pipe{i}"
        if i % 3 == 2:
            octets += ping(line, tid, "Byte-Range: 0-0/0\r\n")
            want += response(tid, 400, line.me, line.use)
        else:
            octets += ping(line, tid)
            want += response(tid, 200, line.me, line.use)
    line.say(octets)
    assert line.fence() == want


@pytest.mark.parametrize("end", [b"", b"x", b"x\r", b"x\r\n", b"x\r\n---", b"x\r\n-------", b"x\r\n-------{T}", b"x\r\n-------{T}$",
                                 b"x\r\n-------{T}$\r"])
def test_half_an_end_line_then_eof(stage, end):
    """torture: the message is never whole: nothing is delivered, nobody is answered."""
    line = Line(stage.site).auth("bad")
    tid = fresh("t")
    whole = an_sds(line, tid, b"data")
    line.say(whole[:whole.rindex(b"\r\n-------")] + end.replace(b"{T}", tid.encode()))
    line.socket.shutdown(socket.SHUT_WR)
    assert line.to_end() == b""
    heard = stage.victim.fence()
    assert not heard or heard.endswith(b"#\r\n")
    stage.is_healthy()


# --- traps (rows b8.*)
def test_trap_1_no_header_besides_the_paths(stage):
    line = Line(stage.site)
    line.say(f"MSRP trap AUTH\r\nTo-Path: {line.relay}\r\nFrom-Path: {line.me}\r\n-------trap$\r\n".encode())
    assert line.frame().word == b"401"
    line.auth("bad")
    line.say(ping(line, "trap"))
    assert line.frame().headers == [("To-Path", line.me.encode()), ("From-Path", line.use.encode())]
    before = stage.metrics.all()["mcrelay_deliveries_total"]
    line.say(an_sds(line, "trap2", b"data"))
    stage.victim.hear()  # its answers have no other header either
    stage.victim.fence()
    assert stage.metrics.all()["mcrelay_deliveries_total"] == before + 1
    row_passed("b8.1")


def test_trap_2_one_crlf_per_header(stage):
    """A second CRLF is the blank line before a body, in what is heard and what is said."""
    line = Line(stage.site).auth("bad")
    line.say(ping(line, "trap", "X-A: b\r\n\r\n"))
    assert line.fence() == response("trap", 400, line.me, line.use)
    assert b"\r\n\r\n" not in response("trap", 400, line.me, line.use)
    row_passed("b8.2")


def test_trap_3_the_range_end_lies(stage):
    """25 octets are announced, 23 come: what came counts (RFC 4975 section 5.1, example)."""
    for drip in (False, True):
        case = Case(stage, Fault("b8.3", "", []), "E", "absent", drip)
        n = len(case.body)
        for step in (Step(chunk(0, 23, f"1-25/{n}", "+"), 200), Step(chunk(23), 200)):
            case.line.say(case.octets(step), drip)
            assert case.line.fence() == b"".join(case.expected(step))
        body, flag = stage.victim.hear()
        assert flag == b"$" and payload_of(body) == case.part
    row_passed("b8.3")


def test_trap_4_use_path(stage):
    line = Line(stage.site)
    line.say((f"MSRP trap AUTH\r\nTo-Path: {line.relay}\r\nFrom-Path: {line.me}\r\nAuthorization: Bearer "
              f"{stage.site.token_of('bad')}\r\n-------trap$\r\n").encode())
    one = line.frame()
    uri = one.get("Use-Path").decode()
    assert re.fullmatch(rf"msrp://{re.escape(NAME)}:{stage.site.port}/[a-z0-9]+;tcp", uri)
    assert one.raw.count(uri.encode()) == 1 and b"\r\n " not in one.raw and b"\r\n\t" not in one.raw
    row_passed("b8.4")


def test_trap_5_no_bodiless_flags(stage):
    """An abort is told with an empty body: some peers cannot read `#` without one."""
    case = Case(stage, Fault("b8.5", "", [], size=10000), "E", "absent", False)
    case.line.say(case.octets(Step(chunk(0, 9000), 200)))
    got = stage.victim.frame()
    assert got.flag == b"+" and got.body
    stage.victim.answer(got)
    case.line.say(case.octets(Step(chunk(9000, 9100, flag="#"), 200)))
    got = stage.victim.frame()
    stage.victim.answer(got)
    assert got.flag == b"#" and got.body == b"" and got.headers[-1][0] == "Content-Type"
    stage.victim.fence()
    row_passed("b8.5")


def test_trap_7_tokens_in_any_case(stage):
    line = Line(stage.site).auth("bad")
    line.say(ping(line, "trap1", "Failure-Report: NO\r\n") + ping(line, "trap2", "Failure-Report: Partial\r\n") +
             ping(line, "trap3", "Failure-Report: YeS\r\nSuccess-Report: No\r\n"))
    assert line.fence() == response("trap3", 200, line.me, line.use)
    line.say(an_sds(line, "trap4", b"data"))
    got = stage.victim.frame()
    assert got.get("Failure-Report") == b"yes" and got.get("Success-Report") == b"no"
    stage.victim.answer(got)
    row_passed("b8.7")


def test_trap_8_response_to_a_report(stage):
    line = Line(stage.site).auth("bad")
    line.say((HEAD.replace("{P}", f"{line.use} msrp://next.invalid:9/x;tcp").replace("{T}", "trap").replace("{F}", line.me)
              .replace("{V}", "").replace("{M}", "trap") + "Content-Type: text/plain\r\n\r\nx\r\n" +
              END.replace("{T}", "trap")).encode())
    got = line.frame()
    assert got.word == b"REPORT"
    before = stage.metrics.refused()
    line.answer(got)
    assert line.fence() == b""
    after = stage.metrics.refused()
    assert after.pop("=late_responses") == before.pop("=late_responses") + 1 and after == before
    row_passed("b8.8")


def test_trap_10_report_with_the_id_of_its_send(stage):
    """Before and after the response: ids of the two directions have nothing to do with each other."""
    line = Line(stage.site).auth("bad")
    for is_first in (True, False):
        line.say(an_sds(line, fresh("t"), b"data"))
        got = stage.victim.frame()
        tid = got.tid.decode()
        own = got.get("From-Path").decode()
        before = stage.metrics.refused()
        told = (f"MSRP {tid} REPORT\r\nTo-Path: {own}\r\nFrom-Path: {stage.victim.me}\r\nMessage-ID: "
                f"{got.get('Message-ID').decode()}\r\nByte-Range: 1-5/5\r\nStatus: 000 200 OK\r\n-------{tid}$\r\n").encode()
        if is_first:
            stage.victim.say(told)
        stage.victim.answer(got)
        if not is_first:
            stage.victim.say(told)
        assert stage.victim.fence() == b"" and stage.metrics.refused() == before
        line.fence()
    row_passed("b8.10")


def test_trap_11_keep_alive(stage):
    line = Line(stage.site).auth("bad")
    line.say(ping(line, "trap", "Keep-Alive: yes\r\n"))
    assert line.fence() == response("trap", 200, line.me, line.use)
    assert stage.victim.fence() == b"" and stage.well.fence() == b""
    row_passed("b8.11")


class Records:
    """A TLS client that keeps what came in each record by itself."""

    def __init__(self, site):
        self.socket = socket.create_connection(("127.0.0.1", site.port), 10)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context(cafile=site.dir / "ca.pem")
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=NAME)
        self.octets, self.records = b"", []
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.flush()
                self.one_record()
        self.flush()

    def flush(self):
        self.socket.sendall(self.outgoing.read())

    def one_record(self):
        while len(self.octets) < 5 or len(self.octets) < 5 + int.from_bytes(self.octets[3:5], "big"):
            more = self.socket.recv(65536)
            assert more, "closed"
            self.octets += more
        n = 5 + int.from_bytes(self.octets[3:5], "big")
        self.incoming.write(self.octets[:n])
        self.octets = self.octets[n:]

    def sendall(self, octets):
        self.tls.write(octets)
        self.flush()

    def recv(self, n):
        while True:
            try:
                record = self.tls.read(n)
                self.records.append(record)
                return record
            except ssl.SSLWantReadError:
                self.one_record()

    def settimeout(self, seconds):
        self.socket.settimeout(seconds)

    def setsockopt(self, *what):
        self.socket.setsockopt(*what)

    def close(self):
        self.socket.close()


def test_trap_15_an_end_line_in_one_record(stage):
    """Some peers lose an end-line that is cut: it leaves in one write, so in one TLS record."""
    raw = Records(stage.site)
    taker = Line(stage.site, raw=raw)
    taker.scheme, taker.tls = "msrps", True
    taker.relay = f"msrps://{NAME}:{stage.site.port};tcp"
    taker.me = "msrps://taker.example:9/s;tcp"
    taker.auth("taker")
    line = Line(stage.site).auth("bad")
    for size in (10, 1000, 5000, 20000, 60000):
        body = sds("sip:taker@iops.example", b"x" * size)
        tid = fresh("t")
        line.say((f"MSRP {tid} SEND\r\nTo-Path: {line.use} {line.service}\r\nFrom-Path: {line.me}\r\nMessage-ID: {tid}\r\n"
                  f"Byte-Range: 1-{len(body)}/{len(body)}\r\nContent-Type: {SDS_TYPE}\r\n\r\n").encode() + body +
                 f"\r\n-------{tid}$\r\n".encode())
        got, flag = taker.hear()
        assert flag == b"$"
        line.fence()
    stream = b"".join(raw.records)
    edges, at = set(), 0
    for record in raw.records:
        at += len(record)
        edges.add(at)
    ends = [m.span() for m in re.finditer(rb"\r\n-------[A-Za-z0-9]{4,32}[$+#]\r\n", stream)]
    assert len(ends) >= 6
    for a, b in ends:
        assert not any(a + 2 < edge < b for edge in edges), stream[a:b]
    row_passed("b8.15")
