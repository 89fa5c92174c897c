"""Abuse from outside against the running relay: slow ones, floods, memory, next hops (threats T15-T17, T19), as
far as they are not tested below the socket already. Sizes are moderate, loops end by themselves."""
import os
import select
import socket
import time

import pytest
from abuse import codes_of, descriptors, ping, rss
from badmsrp import SDS_TYPE, Line, Stage, fresh, payload, payload_of, sds
from table import PLAIN, Table


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
    end = time.monotonic() + 40
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
    """10,000 of them: each answered as one alone, and memory stays flat."""
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
    for block in range(20):
        octets, code = b"", 0
        for i in range(500):
            said, code = one(block * 500 + i)
            octets += said
        line.say(octets)
        if code:
            assert set(codes_of(line, 500)) == {code}
        assert line.fence() == b""
        if block == 4:
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
