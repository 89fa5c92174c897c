"""The wire as a stranger sees it: a raw peer written from the RFC, and tshark."""
import json
import os
import struct
import subprocess
import threading
import socket
import time

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from throwaway import NAME, BUILD, Peer


def test_challenge_then_use_path(site):
    peer = Peer(site)
    peer.request("AUTH", [])
    words, headers, body, flag = peer.frame()
    assert words[2] == "401" and flag == "$" and body is None
    assert headers["WWW-Authenticate"] == \
        f'Bearer realm="{NAME}", scope="3gpp:mc:data_service"' or \
        headers["WWW-Authenticate"].startswith("Bearer realm=")
    assert "error" not in headers["WWW-Authenticate"]
    words, headers = peer.auth(site.token(mcdata_id="sip:alice@iops.example"))
    assert words[2] == "200"
    assert headers["Use-Path"].startswith(f"msrps://{NAME}:{site.port}/")
    assert 60 <= int(headers["Expires"]) <= 3600


@pytest.mark.parametrize("claims,status", [
    ({}, "403"), ({"mcdata_id": "sip:alice@elsewhere.example"}, "403"),
    ({"mcdata_id": "sip:alice@iops.example", "mcvideo_id": "sip:a@b"}, "403"),
    ({"mcdata_id": "sip:alice@iops.example", "mcrec_id": "sip:a@b"}, "403"),
    ({"mcdata_id": "sip:alice@iops.example", "mcptt_id": "sip:a@b"}, "200"),
    ({"mcdata_id": "sip:alice@iops.example", "scope": "3gpp:mc:data_services"}, "403"),
    ({"mcdata_id": "sip:alice@iops.example", "exp": int(time.time()) - 120}, "401"),
    ({"mcdata_id": "sip:alice@iops.example", "iss": "https://else"}, "401"),
    ({"mcdata_id": "sip:alice@iops.example", "aud": "else"}, "401"),
    ({"mcdata_id": "sip:alice@iops.example", "client_id": None}, "403"),
])
def test_iops_rule(site, claims, status):
    peer = Peer(site)
    words, headers = peer.auth(site.token(**claims))
    assert words[2] == status
    if status == "401":
        assert 'error="invalid_token"' in headers["WWW-Authenticate"]


def test_keep_alive_is_answered(site):
    peer = Peer(site)
    peer.auth(site.token(mcdata_id="sip:alice@iops.example"))
    tid = peer.request("SEND", [("Message-ID", "abcd1234"), ("Byte-Range", "1-0/0")],
                       to=f"{peer.use_path} {peer.service}")
    words, headers, _, _ = peer.frame()
    assert words[1:3] == [tid, "200"] and headers["To-Path"] == peer.me


def test_framing_error_closes(site):
    peer = Peer(site)
    peer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    with pytest.raises(EOFError):
        peer.frame()


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(cuts=st.lists(st.integers(1, 400), max_size=12))
def test_any_split_gives_the_same_answers(site, cuts):
    """row F18 on a real socket: three pipelined requests, cut anywhere."""
    peer = Peer(site, plain=True)
    token = site.token(mcdata_id="sip:alice@iops.example")
    peer.auth(token)
    to = f"{peer.use_path} {peer.service}"
    octets = b""
    for tid, method, status in (("first001", "SEND", "200"), ("second02", "NICKNAME", "501"),
                                ("third003", "SEND", "481")):
        target = to if tid != "third003" else to.replace(peer.use_path[-14:-4], "0123456789")
        octets += (f"MSRP {tid} {method}\r\nTo-Path: {target}\r\nFrom-Path: {peer.me}\r\n"
                   f"Message-ID: m{tid}\r\n-------{tid}$\r\n").encode()
    at = 0
    for n in cuts:
        peer.write(octets[at:at + n])
        at += n
        time.sleep(0.001)
    peer.write(octets[at:])
    assert [peer.frame()[0][1:3] for _ in range(3)] == \
        [["first001", "200"], ["second02", "501"], ["third003", "481"]]
    peer.close()


class Recorder(threading.Thread):
    """A copy proxy that keeps what went each way, in order."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.target = port
        self.octets = []
        self.lock = threading.Lock()

    def run(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            relay = socket.create_connection(("127.0.0.1", self.target))
            streams = len(self.octets)
            self.octets += [b"", b""]
            for i, (a, b) in enumerate(((client, relay), (relay, client))):
                threading.Thread(target=self.copy, args=(a, b, streams + i), daemon=True).start()

    def copy(self, a, b, i):
        try:
            while True:
                octets = a.recv(65536)
                if not octets:
                    break
                with self.lock:
                    self.octets[i] += octets
                b.sendall(octets)
        except OSError:
            pass
        for s in (a, b):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def capture(path, frames):
    """A capture file with one frame per TCP segment (tshark 4.0 takes two in one for one)."""
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 101))
        seq = 1
        for i, frame in enumerate(frames):
            tcp = struct.pack(">HHIIBBHHH", 40000, 2855, seq, 1, 0x50, 0x18, 65535, 0, 0)
            ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + len(frame), i & 0xFFFF, 0, 64, 6, 0,
                             b"\x7f\0\0\1", b"\x7f\0\0\2")
            f.write(struct.pack("<IIII", i, 0, 40 + len(frame), 40 + len(frame)))
            f.write(ip + tcp + frame)
            seq += len(frame)


def frames_of(octets):
    """Cuts a stream into frames, by the end-line of each (RFC 4975 section 7.1)."""
    out = []
    while octets:
        tid = octets.split(b"\r\n", 1)[0].split(b" ")[1]
        ends = [octets.find(b"\r\n-------" + tid + flag + b"\r\n") for flag in (b"$", b"+", b"#")]
        end = min(e for e in ends if e >= 0) + 2 + 7 + len(tid) + 3
        out.append(octets[:end])
        octets = octets[end:]
    return out


def test_tshark_decodes_what_we_send(site, tmp_path):
    recorder = Recorder(site.plain_port)
    recorder.start()
    relay = ["--relay", f"msrp://{NAME}:{site.port}", "--connect", f"127.0.0.1:{recorder.port}"]

    def words(user):
        rest = site.as_user(user)
        return relay + rest[6:]  # without --relay, --connect and --ca
    plan = tmp_path / "plan"
    plan.write_bytes(os.urandom(40_000))
    bob = subprocess.Popen([BUILD / "mcrelay", "recv", *words("bob"), "--count", "2", "--timeout", "60",
                            "--out", tmp_path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in bob.stderr:
        if "listening as" in line:
            break
    for what in (["--disposition", "delivered", "--wait", "20", "short"], ["--file", str(plan)]):
        sent = site.mcrelay("send", *words("alice"), "--to", "sip:bob@iops.example", *what)
        assert sent.returncode == 0, sent.stderr
    bob.communicate(timeout=60)
    time.sleep(0.5)
    total = 0
    for i, stream in enumerate(recorder.octets):
        frames = [f for f in frames_of(stream) if len(f) < 65000]
        total += len(frames)
        capture(tmp_path / f"{i}.pcap", frames)
        done = subprocess.run(["tshark", "-r", tmp_path / f"{i}.pcap", "-d", "tcp.port==2855,msrp", "-T",
                               "json", "-o", "tcp.check_checksum:FALSE", "-o",
                               "tcp.desegment_tcp_streams:FALSE"], capture_output=True, text=True)
        packets = json.loads(done.stdout or "[]")
        assert len(packets) == len(frames)
        for packet, frame in zip(packets, frames):
            layers = packet["_source"]["layers"]
            assert "msrp" in layers, frame[:200]
            text = json.dumps(layers["msrp"])
            assert frame.split(b" ", 2)[1].decode() in text
            assert "malformed" not in json.dumps(layers).lower()
            for header in (b"Message-ID: ", b"Byte-Range: "):
                if header in frame.split(b"\r\n\r\n")[0]:
                    value = frame.split(header, 1)[1].split(b"\r\n", 1)[0].decode()
                    assert value in text
    assert total >= 12
