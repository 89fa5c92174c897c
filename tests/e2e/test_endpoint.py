"""Plain MSRP sessions with the real programs (send --path, recv --path): directly, through one relay, through
two, through Kamailio; large, small and refused; the connection cut and resumed."""
import hashlib
import json
import os
import pathlib
import pty
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest
from kamailio import PASSWORD, PROGRAM, Kamailio
from rows import row_passed
from throwaway import BUILD, Site, free_ports, linked

WINDOW = 65536
# a small program between, for its children's memory: a child begins with what its parent has
MEASURE = """import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)"""


class Recv:
    """mcrelay recv --path; path: the first one that it printed."""

    def __init__(self, *words):
        self.process = subprocess.Popen([BUILD / "mcrelay", "recv", "--path", "--json", "--timeout", "120",
                                         *map(str, words)],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.path = self.next("path")["path"]

    def next(self, event):
        """The next thing of this kind that it says."""
        for line in self.process.stdout:
            said = json.loads(line)
            if said["event"] == event:
                return said
        raise AssertionError("recv has ended: " + self.process.stderr.read())

    def end(self):
        """Waits for it; its exit code."""
        self.process.communicate(timeout=60)
        return self.process.returncode

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)


def send(path, *words, **options):
    return subprocess.run([BUILD / "mcrelay", "send", "--path", path, "--json", *map(str, words)],
                          capture_output=True, text=True, timeout=120, **options)


def said(done, event):
    assert done.returncode == 0, done.stderr
    return next(e for e in map(json.loads, done.stdout.splitlines()) if e["event"] == event)


def sha256(octets):
    return hashlib.sha256(octets).hexdigest()


@pytest.fixture(scope="module")
def keys():
    """A site for its CA alone."""
    s = Site()
    try:
        yield s
    finally:
        s.remove()


def made(tmp_path, size):
    """A file of so many octets."""
    octets = os.urandom(min(size, 1 << 20)) * (size // (1 << 20) + 1)
    (tmp_path / "plan").write_bytes(octets[:size])
    return octets[:size]


def there_and_back(tmp_path, recv, plan, *words):
    """Sends the file; it must come whole, and both sides name its sum."""
    out = said(send(recv.path, "--file", tmp_path / "plan", "--success-report", *words), "sent")
    came = recv.next("message")
    assert out["sha256"] == came["sha256"] == sha256(plan)
    assert out["id"] == came["id"] and came["bytes"] == len(plan)
    assert pathlib.Path(came["file"]).read_bytes() == plan
    return out


@pytest.mark.parametrize("address", ["127.0.0.1:0", "[::1]:0"])
def test_tcp(tmp_path, address):
    plan = made(tmp_path, 5_000_000)
    recv = Recv("--listen", address, "--out", tmp_path / "out", "--count", "1")
    assert recv.path.startswith(f"msrp://{address.rpartition(':')[0]}:")
    out = there_and_back(tmp_path, recv, plan)
    assert out["carried"] == len(plan)
    assert recv.end() == 0
    row_passed("U8", "P8")


def test_tls(tmp_path, keys):
    certificate, key = keys.certificate("bob.example")
    plan = made(tmp_path, 3_000_000)
    recv = Recv("--listen", "127.0.0.1:0", "--name", "bob.example", "--certificate", certificate, "--key",
                key, "--out", tmp_path, "--count", "1")
    assert recv.path.startswith("msrps://bob.example:")
    port = recv.path.split(":")[2].split("/")[0]
    there = ["--connect", f"127.0.0.1:{port}", "--ca", keys.dir / "ca.pem"]
    # another name than the certificate's, and another CA: nothing is sent (row U11)
    wrong = send(recv.path.replace("bob.example", "eve.example"), *there, "text")
    assert wrong.returncode == 1 and "TLS" in wrong.stderr
    wrong = send(recv.path, "--connect", f"127.0.0.1:{port}", "text")
    assert wrong.returncode == 1 and "TLS" in wrong.stderr
    there_and_back(tmp_path, recv, plan, *there)
    assert recv.end() == 0
    row_passed("U11")


def test_small_ones(tmp_path):
    """A text, nothing at all, standard input; each session has a path of its own (row A10)."""
    recv, paths = Recv("--listen", "127.0.0.1:0", "--count", "3"), set()
    try:
        path = recv.path
        for words, text in ((["Größe 12 °C"], "Größe 12 °C"), ([""], ""), (["-"], "from a pipe")):
            paths.add(path)
            assert said(send(path, *words, input="from a pipe"), "sent")["bytes"] == len(text.encode())
            came = recv.next("message")
            assert came["text"] == text and came["type"] == "text/plain"
            if len(paths) < 3:
                path = recv.next("path")["path"]
        assert len(paths) == 3
        assert recv.end() == 0
    finally:
        recv.stop()
    row_passed("A10")


def test_sdp(tmp_path):
    """The path travels in an SDP section (RFC 4975 section 8, RFC 6135)."""
    recv = Recv("--listen", "127.0.0.1:0", "--sdp", "--publish", tmp_path / "offer", "--accept", "text/plain",
                "--accept", "image/*", "--max-size", "5000", "--count", "1")
    offer = (tmp_path / "offer").read_bytes().decode()
    port = recv.path.split(":")[2].split("/")[0]
    lines = offer.split("\r\n")
    assert lines[0] == f"m=message {port} TCP/MSRP *" and f"a=path:{recv.path}" in lines
    for line in ("c=IN IP4 127.0.0.1", "a=accept-types:text/plain image/*", "a=max-size:5000", "a=setup:actpass"):
        assert line in lines, offer
    (tmp_path / "whole").write_bytes(b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
                                     b"m=audio 5004 RTP/AVP 0\r\n" + offer.encode())
    assert send(f"@{tmp_path}/whole", "text").returncode == 0
    assert recv.next("message")["text"] == "text"
    assert recv.end() == 0
    row_passed("S1", "S2")


def test_refusals(tmp_path):
    recv = Recv("--listen", "127.0.0.1:0", "--max-size", "1000", "--accept", "text/plain")
    try:
        for words, status in ((["x" * 1001], 413), (["--content-type", "text/html", "x"], 415)):
            refused = send(recv.path, *words)
            assert refused.returncode == 3 and f"{status}:" in refused.stderr, refused.stderr
            recv.path = recv.next("path")["path"]
        unknown = send(recv.path.replace("/", "/x", 3).replace("/x/x", "//"), "x")
        assert unknown.returncode == 3 and "481:" in unknown.stderr
        assert send(recv.path, "fits").returncode == 0
    finally:
        recv.stop()
    nobody = send(f"msrp://127.0.0.1:{free_ports(1)[0]}/abc;tcp", "x")
    assert nobody.returncode == 1 and "connect" in nobody.stderr
    row_passed("C15", "10.13", "10.25", "10.37")


def test_second_connection(tmp_path):
    """The session of one connection is nobody else's: 506."""
    recv = Recv("--listen", "127.0.0.1:0")
    port = int(recv.path.split(":")[2].split("/")[0])
    try:
        first, second = (socket.create_connection(("127.0.0.1", port), 10) for _ in range(2))
        for s, status in ((first, b"200"), (second, b"506"), (first, b"200")):
            s.sendall(f"MSRP tid1 SEND\r\nTo-Path: {recv.path}\r\nFrom-Path: msrp://p.example:1/x;tcp\r\n"
                      "Message-ID: m123\r\n-------tid1$\r\n".encode())
            assert s.recv(4096).startswith(b"MSRP tid1 " + status)
        first.close()
        second.close()
    finally:
        recv.stop()
    row_passed("U9")


def test_no_secret_without_tls(tmp_path):
    (tmp_path / "token").write_text("a.b.c")
    for relay in ("msrp://relay.example:2855", "msrp://192.0.2.1:2855", "msrp://relay.example",
                  "msrp://127.0.0.1.example:2855", "msrp://localhost.example:2855", "msrp://localhost@192.0.2.1:2855"):
        done = send("msrp://p.example:1/x;tcp", "--relay", relay, "--token", tmp_path / "token", "text")
        assert done.returncode == 2 and "msrps:" in done.stderr
    row_passed("A2")


def test_usage_says_why(tmp_path):
    (tmp_path / "audio").write_text("v=0\r\ns=-\r\nm=audio 5004 RTP/AVP 0\r\n")
    path, relay = "msrp://127.0.0.1:1/x;tcp", ["--relay", "msrps://r.example:1"]
    for done, code, why in ((send(path, *3 * relay, "x"), 2, "at most 2 relays"),
                            (send(path, *relay, *3 * ["--token", "none"], "x"), 2, "at most 2 tokens"),
                            (send(f"@{tmp_path}/none", "x"), 1, "No such file"),
                            (send(f"@{tmp_path}/audio", "x"), 1, "no path of a message session"),
                            (send(path, "--content-type", "text", "x"), 2, "--content-type")):
        assert done.returncode == code and why in done.stderr, done.stderr
    done = subprocess.run([BUILD / "mcrelay", "recv", "--path", "--listen", "127.0.0.1:0", "--accept", "text",
                           "--timeout", "20"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and "--accept is a media type" in done.stderr


def test_files_are_never_replaced(tmp_path):
    (tmp_path / "there").write_text("mine")
    done = subprocess.run([BUILD / "mcrelay", "recv", "--path", "--listen", "127.0.0.1:0", "--out",
                           tmp_path / "there"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and (tmp_path / "there").read_text() == "mine"
    recv = Recv("--listen", "127.0.0.1:0", "--out", tmp_path / "new", "--count", "1")
    (tmp_path / "new").write_text("mine")  # made meanwhile
    assert send(recv.path, "theirs").returncode == 0
    assert recv.next("message")["file"] == str(tmp_path / "new-2")
    assert recv.end() == 0
    assert (tmp_path / "new").read_text() == "mine" and (tmp_path / "new-2").read_text() == "theirs"


def test_what_cannot_be_kept_is_refused(tmp_path):
    """No 200 for octets that are not on the disk."""
    (tmp_path / "in").mkdir()
    recv = Recv("--listen", "127.0.0.1:0", "--out", tmp_path / "in", "--count", "1")
    (tmp_path / "in").rmdir()
    refused = send(recv.path, "text")
    assert refused.returncode == 3 and "413:" in refused.stderr
    assert recv.end() == 1


def test_octets_where_no_file_reaches(tmp_path):
    """A peer that lies about the place is refused; it does not end the receiver."""
    (tmp_path / "in").mkdir()
    recv = Recv("--listen", "127.0.0.1:0", "--out", tmp_path / "in", "--count", "1")
    try:
        port = int(recv.path.split(":")[2].split("/")[0])
        with socket.create_connection(("127.0.0.1", port), 10) as s:
            for i, start in enumerate((2**63 - 2, 2**62)):
                s.sendall(f"MSRP tid{i} SEND\r\nTo-Path: {recv.path}\r\nFrom-Path: msrp://p.example:1/x;tcp\r\n"
                          f"Message-ID: m12{i}\r\nByte-Range: {start}-*/*\r\nContent-Type: text/plain\r\n\r\n"
                          f"x\r\n-------tid{i}+\r\n".encode())
                assert s.recv(4096).startswith(f"MSRP tid{i} 413 ".encode())
        path = recv.next("path")["path"]
        assert send(path, "text").returncode == 0
        assert [file.read_text() for file in (tmp_path / "in").iterdir()] == ["text"]
        assert recv.end() == 0
    finally:
        recv.stop()
    row_passed("F15")


def test_100_megabytes(tmp_path):
    """Memory does not grow with the file."""
    most = {}
    for size in (1 << 20, 100 << 20):
        plan = made(tmp_path, size)
        recv = Recv("--listen", "127.0.0.1:0", "--out", tmp_path / f"out{size}")
        try:
            done = subprocess.run(["/usr/bin/python3", "-c", MEASURE, BUILD / "mcrelay", "send", "--path",
                                   recv.path, "--file", tmp_path / "plan"], capture_output=True, text=True)
            assert done.returncode == 0 and f"sha256 {sha256(plan)}" in done.stdout
            assert recv.next("message")["sha256"] == sha256(plan)
            assert (tmp_path / f"out{size}").read_bytes() == plan
            status = pathlib.Path(f"/proc/{recv.process.pid}/status").read_text()
            most[size] = [int(done.stderr.split()[-1]), int(status.split("VmHWM:")[1].split()[0])]
        finally:
            recv.stop()
    assert all(b < 1.5 * a for a, b in zip(*most.values())), most
    row_passed("C5")


class Cutter:
    """Stands between; each connection is cut after so many octets, the last one is left alone."""

    def __init__(self, port, limits):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.target, self.limits, self.passed = port, limits, []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        for limit in [*self.limits, None]:
            try:
                near = self.listener.accept()[0]
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.target), 10)
            threading.Thread(target=self.back, args=(far, near), daemon=True).start()
            passed = 0
            try:
                while limit is None or passed < limit:
                    octets = near.recv(16384)
                    if not octets:
                        break
                    passed += len(octets)
                    far.sendall(octets)
            except OSError:  # reset by an end that was done
                pass
            self.passed.append(passed)
            for s in (near, far):
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                s.close()

    def back(self, far, near):
        try:
            while octets := far.recv(16384):
                near.sendall(octets)
        except OSError:
            pass


def test_cut_and_resumed(tmp_path):
    """The connection is cut three times: each time with new URIs, only what was missing is sent."""
    plan = made(tmp_path, 8_000_000)
    recv = Recv("--listen", "127.0.0.1:0", "--out", tmp_path / "out", "--count", "1", "--publish",
                tmp_path / "path")
    port = int(recv.path.split(":")[2].split("/")[0])
    cutter = Cutter(port, [500_000, 2_000_000, 3_000_000])
    out = said(send(f"@{tmp_path}/path", "--connect", f"127.0.0.1:{cutter.port}", "--file",
                    tmp_path / "plan", "--window", WINDOW, "--success-report"), "sent")
    came = recv.next("message")
    assert recv.end() == 0
    assert out["losses"] == 3 and out["sha256"] == came["sha256"] == sha256(plan)
    assert (tmp_path / "out").read_bytes() == plan
    assert out["id"] == came["id"]
    # what goes twice: a window for each cut
    assert len(plan) <= out["carried"] <= len(plan) + 3 * WINDOW
    row_passed("C17", "U10")


def cut_send(tmp_path, *words, **options):
    """Sends 8 MB whose connection is cut three times; how the sender ended."""
    made(tmp_path, 8_000_000)
    recv = Recv("--listen", "127.0.0.1:0", "--out", tmp_path / "out", "--count", "1", "--publish",
                tmp_path / "path")
    try:
        cutter = Cutter(int(recv.path.split(":")[2].split("/")[0]), [500_000, 2_000_000, 3_000_000])
        done = subprocess.run([BUILD / "mcrelay", "send", "--path", f"@{tmp_path}/path", "--connect",
                               f"127.0.0.1:{cutter.port}", "--file", tmp_path / "plan", "--window", str(WINDOW),
                               *words], timeout=120, stdout=subprocess.DEVNULL, **options)
        assert recv.end() == 0
        return done
    finally:
        recv.stop()


def test_progress_in_a_pipe(tmp_path):
    """Whole lines, rising, up to 100."""
    done = cut_send(tmp_path, "--progress", stderr=subprocess.PIPE, text=True)
    lines = done.stderr.splitlines()
    percents = [int(line.removesuffix(" %")) for line in lines if not line.startswith("mcrelay send: ")]
    assert done.returncode == 0 and len(lines) == len(percents) + 3
    assert percents == sorted(set(percents)) and len(percents) >= 3 and percents[-1] == 100
    assert "\r" not in done.stderr and "[" not in done.stderr


def test_progress_on_a_terminal(tmp_path):
    """A bar that is drawn over itself; what else is told begins on a line of its own."""
    near, far = pty.openpty()
    said = b""

    def read():
        nonlocal said
        try:
            while octets := os.read(near, 4096):
                said += octets
        except OSError:  # nobody has the other end any more
            pass

    reader = threading.Thread(target=read)
    reader.start()
    done = cut_send(tmp_path, stderr=far)
    os.close(far)
    reader.join(20)
    os.close(near)
    assert done.returncode == 0 and said.count(b"\rsending [") >= 3 and said.count(b"100 %") == 1
    assert said.endswith(b"7.6 of 7.6 MiB\r\n")
    assert said.count(b"session lost") == 3
    assert all(before.endswith(b"\n") or not before for before in said.split(b"mcrelay send:")[:-1]), said


def test_a_path_is_not_used_again(tmp_path):
    """Without a new path a lost session is not resumed (RFC 4975 section 5.4)."""
    made(tmp_path, 3_000_000)
    recv = Recv("--listen", "127.0.0.1:0", "--out", tmp_path / "out")
    try:
        port = int(recv.path.split(":")[2].split("/")[0])
        cutter = Cutter(port, [500_000])
        lost = send(recv.path, "--connect", f"127.0.0.1:{cutter.port}", "--file", tmp_path / "plan",
                    "--window", WINDOW)
        assert lost.returncode == 1 and "octets were answered" in lost.stderr
    finally:
        recv.stop()


def at(site, user, directory):
    """The options of a user of a site's relay."""
    token = directory / f"{user}.{site.name}.jwt"
    token.write_text(site.token(mcdata_id=f"sip:{user}@iops.example"))
    return ["--relay", f"msrps://{site.name}:{site.port}", "--connect", f"127.0.0.1:{site.port}", "--ca",
            site.dir / "ca.pem", "--token", token]


def test_one_relay(tmp_path):
    site = Site()
    try:
        site.start()
        plan = made(tmp_path, 20_000_000)
        recv = Recv(*at(site, "bob", tmp_path), "--out", tmp_path / "out", "--count", "2")
        first, own = recv.path.split(" ")
        assert first.startswith(f"msrps://{site.name}:{site.port}/") and "client.invalid" in own
        there_and_back(tmp_path, recv, plan, *at(site, "alice", tmp_path))
        # the path stands as long as its connection: another sender may use it
        assert send(recv.path, *at(site, "carol", tmp_path), "text").returncode == 0
        assert recv.end() == 0
        bad = tmp_path / "bad.jwt"
        bad.write_text("a.b.c")
        refused = send(recv.path, *at(site, "alice", tmp_path)[:-1], bad, "text")
        assert refused.returncode == 3 and "401" in refused.stderr
        assert site.stop() == 0
    finally:
        site.remove()
    row_passed("A9")


def test_two_relays(tmp_path):
    a, b = linked()
    try:
        for site in (a, b):
            site.start()
        plan = made(tmp_path, 20_000_000)
        recv = Recv(*at(b, "bob", tmp_path), "--out", tmp_path / "out", "--count", "1")
        there_and_back(tmp_path, recv, plan, *at(a, "alice", tmp_path))
        assert recv.end() == 0
        for site in (a, b):
            assert site.stop() == 0, site.logged()[-2000:]
    finally:
        for site in (a, b):
            site.remove()
    row_passed("A9", "C13")


def test_cut_before_a_relay(tmp_path):
    """The sender's own connection to the relay is cut: it authorises again, and goes on."""
    site = Site()
    try:
        site.start()
        plan = made(tmp_path, 8_000_000)
        recv = Recv(*at(site, "bob", tmp_path), "--out", tmp_path / "out", "--count", "1")
        cutter = Cutter(site.port, [1_000_000, 2_000_000])
        words = at(site, "alice", tmp_path)
        words[3] = f"127.0.0.1:{cutter.port}"
        out = there_and_back(tmp_path, recv, plan, *words, "--window", WINDOW)
        assert out["losses"] == 2
        assert len(plan) <= out["carried"] <= len(plan) + 2 * WINDOW
        assert recv.end() == 0
        assert site.stop() == 0
    finally:
        site.remove()
    row_passed("C17")


@pytest.mark.skipif(PROGRAM is None, reason="no Kamailio here")
def test_kamailio(tmp_path, keys):
    """Digest with another maker's relay, which holds whole frames, and loses them when many are under
    way."""
    keys.certificate("kamailio.example")
    relay = Kamailio("kamailio.example", free_ports(1)[0], tls=keys.dir)
    try:
        relay.start()
        (tmp_path / "password").write_text(PASSWORD + "\n")
        (tmp_path / "wrong").write_text("wrong\n")
        way = ["--relay", relay.uri, "--connect", f"127.0.0.1:{relay.port}", "--ca", keys.dir / "ca.pem",
               "--digest"]
        recv = Recv(*way, "bob", "--password-file", tmp_path / "password", "--out", tmp_path / "out",
                    "--count", "1")
        refused = send(recv.path, *way, "alice", "--password-file", tmp_path / "wrong", "x")
        assert refused.returncode == 3 and "401" in refused.stderr
        plan = made(tmp_path, 200_000)
        there_and_back(tmp_path, recv, plan, *way, "alice", "--password-file", tmp_path / "password",
                       "--chunk", "2048", "--window", "8192")
        assert recv.end() == 0
    finally:
        relay.remove()
    row_passed("A4", "A5", "b8.13")
