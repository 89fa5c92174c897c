"""What we put on the wire, read by somebody else's dissector: tshark takes every frame apart and finds
what stands in it, to the octet.

The transcripts are of a real daemon, taken by a copying proxy on its plain listener (a capture of the
interface may need rights). Each frame becomes one TCP segment of a capture file written here, since
tshark 4.0 takes two in one segment for one."""
import json
import os
import socket
import struct
import subprocess
import threading
import time

import pytest
from rows import row_passed
from standard import Endpoint, deliver
from throwaway import NAME, BUILD, Peer, Site

PORT = 2855  # in the capture files
FRAME_MAX = 65000  # octets of an IP packet are 65,535 at most


class Recorder(threading.Thread):
    """A copying proxy that keeps what went each way, in order: streams[2n] from the n-th client,
    streams[2n + 1] to it."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.target = port
        self.streams = []
        self.lock = threading.Lock()
        self.start()

    def run(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            relay = socket.create_connection(("127.0.0.1", self.target))
            first = len(self.streams)
            self.streams += [b"", b""]
            for i, (a, b) in enumerate(((client, relay), (relay, client))):
                threading.Thread(target=self.copy, args=(a, b, first + i), daemon=True).start()

    def copy(self, a, b, i):
        try:
            while True:
                octets = a.recv(65536)
                if not octets:
                    break
                with self.lock:
                    self.streams[i] += octets
                b.sendall(octets)
        except OSError:
            pass
        for s in (a, b):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def frames(self):
        """All frames of all streams, each cut by the end-line of its own (RFC 4975 section 7.1)."""
        out = []
        for octets in self.streams:
            while octets:
                tid = octets.split(b"\r\n", 1)[0].split(b" ")[1]
                ends = [octets.find(b"\r\n-------" + tid + flag + b"\r\n") for flag in (b"$", b"+", b"#")]
                end = min(e for e in ends if e >= 0) + 2 + 7 + len(tid) + 3
                out.append(octets[:end])
                octets = octets[end:]
        return out


@pytest.fixture
def recorder(site):
    r = Recorder(site.plain_port)
    yield r
    r.server.close()


def capture(path, frames):
    """A capture file (raw IP) with one frame per TCP segment."""
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 101))
        seq = 1
        for i, frame in enumerate(frames):
            tcp = struct.pack(">HHIIBBHHH", 40000, PORT, seq, 1, 0x50, 0x18, 65535, 0, 0)
            ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + len(frame), i & 0xFFFF, 0, 64, 6, 0,
                             b"\x7f\0\0\1", b"\x7f\0\0\2")
            f.write(struct.pack("<IIII", i, 0, 40 + len(frame), 40 + len(frame)))
            f.write(ip + tcp + frame)
            seq += len(frame)


def dissected(path, frames):
    """What tshark finds in each frame: {field: value}, with `octets` of the whole frame and `body`."""
    capture(path, frames)
    done = subprocess.run(["tshark", "-r", path, "-d", f"tcp.port=={PORT},msrp", "-T", "json", "-x", "-o",
                           "tcp.check_checksum:FALSE", "-o", "tcp.desegment_tcp_streams:FALSE"],
                          capture_output=True, text=True)
    packets = json.loads(done.stdout or "[]")
    assert len(packets) == len(frames), done.stderr
    out = []
    for packet in packets:
        layers = packet["_source"]["layers"]
        assert "msrp" in layers, layers.keys()
        assert "malformed" not in json.dumps(layers).lower(), layers["msrp"]
        found = {}
        for where in (layers["msrp"], layers["msrp"]["msrp.msg.hdr"]):
            found |= {k[5:]: v for k, v in where.items() if isinstance(v, str)}
        for tree in ("msrp.request.line_tree", "msrp.response.line_tree"):
            found |= {k[5:]: v for k, v in layers["msrp"].get(tree, {}).items() if isinstance(v, str)}
        end = layers["msrp"]["msrp.end.line_tree"]
        assert end["msrp.transaction.id"] == found["transaction.id"]
        found["flag"] = end["msrp.cnt.flg"]
        found["octets"] = layers["msrp_raw"][2]
        # its data field goes on to the end of the frame
        tail = 2 + 7 + len(found["transaction.id"]) + 3
        data = layers["msrp"].get("msrp.data_raw")
        found["body"] = bytes.fromhex(data[0])[:-tail] if data else None
        out.append(found)
    return out


# what stands in a frame, by its header's name and by tshark's
HEADERS = {"To-Path": "to.path", "From-Path": "from.path", "Message-ID": "messageid",
           "Byte-Range": "byte.range", "Status": "status", "Use-Path": "use.path",
           "Success-Report": "success.report", "Failure-Report": "failure.report",
           "Content-Type": "content.type", "WWW-Authenticate": "www.authenticate",
           "Authorization": "authorization"}


def has_parameter(frame):
    """Is there a ';' among the first octets of the body? tshark 4.0 looks that far for a parameter of the
    Content-Type, and then does not understand the frame."""
    return b";" in (frame.split(b"\r\n\r\n", 1) + [b""])[1][:16]


def agree(tmp_path, frames):
    """Every frame is found as it is; the frames as (start line words, headers, body, flag)."""
    frames = [f for f in frames if len(f) < FRAME_MAX and not has_parameter(f)]
    out = []
    for frame, found in zip(frames, dissected(tmp_path / "capture.pcap", frames)):
        cutter = object.__new__(Peer)
        cutter.held = frame
        words, headers, body, flag = parts = cutter.cut()
        assert found["octets"] == len(frame) and cutter.held == b""
        assert found["transaction.id"] == words[1]
        if words[2].isdigit():
            assert found["status.code"] == words[2] and "method" not in found
        else:
            assert found["method"] == words[2] and "status.code" not in found
        assert found["flag"] == flag
        for name, field in HEADERS.items():
            assert found.get(field) == headers.get(name), (name, frame[:400])
        assert found["body"] == body, frame[:400]
        if "Byte-Range" in headers and words[2] == "SEND":
            first, last = headers["Byte-Range"].split("/")[0].split("-")
            if last != "*":
                assert len(found["body"] or b"") == int(last) - int(first) + 1
        out.append(parts)
    return out


def kinds(frames):
    return {words[2] for words, _, _, _ in frames}


def test_the_service(site, recorder, tmp_path):
    """AUTH, an SDS and a file through the service, with dispositions, by the real programs."""
    relay = ["--relay", f"msrp://{NAME}:{site.port}", "--connect", f"127.0.0.1:{recorder.port}"]

    def words(user):
        return relay + site.as_user(user)[6:]  # without --relay, --connect and --ca
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
    frames = agree(tmp_path, recorder.frames())
    assert len(frames) >= 12 and kinds(frames) >= {"AUTH", "SEND", "200"}
    assert {flag for _, _, _, flag in frames} >= {"$", "+"}


def test_answers(site, recorder, tmp_path):
    """401, 403, 423, 481, 501, 200 with Use-Path, keep-alives and a REPORT."""
    relay = f"msrp://{NAME}:{site.port};tcp"
    e = Endpoint(("127.0.0.1", recorder.port), relay)
    e.request("AUTH", [])
    assert e.frame()[0][2] == "401"
    assert e.auth(site.token())[0][2] == "403"
    token = site.token(mcdata_id="sip:alice@iops.example")
    e.request("AUTH", [("Authorization", f"Bearer {token}"), ("Expires", "1")])
    assert e.frame()[0][2] == "423"
    assert e.auth(token)[0][2] == "200"
    service = relay.replace(";tcp", "/sds;tcp")
    tid = e.request("SEND", [("Message-ID", "abcd1234"), ("Byte-Range", "1-0/0")], to=f"{e.use_path} {service}")
    assert e.response(tid)[0][2] == "200"
    tid = e.request("NICKNAME", [], to=f"{e.use_path} {service}")
    assert e.response(tid)[0][2] == "501"
    gone = e.use_path.replace(e.use_path[-14:-4], "0123456789")
    tid = e.request("SEND", [("Message-ID", "abcd1235"), ("Byte-Range", "1-0/0")], to=f"{gone} {service}")
    assert e.response(tid)[0][2] == "481"
    e.close()
    time.sleep(0.2)
    frames = agree(tmp_path, recorder.frames())
    assert kinds(frames) >= {"AUTH", "SEND", "200", "401", "403", "423", "481", "501"}


def client(site, user, port):
    e = Endpoint(("127.0.0.1", port), f"msrp://{site.name}:{site.port};tcp")
    assert e.auth(site.token(mcdata_id=f"sip:{user}@iops.example"))[0][2] == "200"
    return e


@pytest.fixture
def two():
    """Two relays without TLS between, and what they say to each other."""
    sites = Site(name="a.iops.example"), Site(name="b.iops.example")
    near, far = sites
    link = Recorder(far.plain_port)
    try:
        near.link(far.name, link.port, tls=False, uri_port=far.port)
        far.link(near.name, near.plain_port, tls=False, uri_port=near.port)
        for site in sites:
            site.start(f"  plaintext_auth: true\nplain:\n  - 127.0.0.1:{site.plain_port}\n")
        yield near, far, link
        for site in sites:
            assert site.stop() == 0
    finally:
        link.server.close()
        for site in sites:
            site.remove()


def test_path_relaying(two, tmp_path):
    """Between a client and its relay, and between two relays: chunks as they came and chunks that were
    cut, an abort, REPORTs of success and failure, responses."""
    near, far, link = two
    door = Recorder(near.plain_port)
    try:
        a, b = client(near, "alice", door.port), client(far, "bob", far.plain_port)
        for sender, receiver in ((a, b), (b, a)):
            for body, chunk in ((b"hello", 2048), (os.urandom(20_000), 2048), (os.urandom(40_000), 40_000)):
                frame = deliver(sender, receiver, body, chunk, [("Success-Report", "yes")])
                receiver.report(frame, octets=len(body))
                assert sender.frame()[0][2] == "REPORT"
        tid, message_id = a.send(b.path, b"begun", total=100, flag="+")
        assert a.response(tid)[0][2] == "200"
        b.respond(b.frame())
        tid, _ = a.send(b.path, b"given up", message_id, 6, 100, "#")
        assert a.response(tid)[0][2] == "200"
        assert b.frame()[3] == "#"
        nobody = b.path.replace(b.use_path.rsplit("/", 1)[1][:8], "AAAAAAAA")
        tid, _ = a.send(nobody, b"\0\xff\r\n")
        assert a.response(tid)[0][2] == "200" and a.frame()[1]["Status"].startswith("000 481")
        time.sleep(0.2)
        for folder, recorder in (("door", door), ("link", link)):
            (tmp_path / folder).mkdir()
            frames = agree(tmp_path / folder, recorder.frames())
            assert kinds(frames) >= {"SEND", "REPORT", "200"}
            assert {flag for _, _, _, flag in frames} == {"$", "+", "#"}
            assert {h["Status"][:7] for w, h, _, _ in frames if w[2] == "REPORT"} == {"000 200", "000 481"}
            for words, headers, body, _ in frames:
                if words[2] == "SEND" and headers["Byte-Range"].split("-")[1].startswith("*"):
                    assert len(body) > 2048
        # between the relays each request but a relay's own REPORT has its URI before the client's
        assert all(len(h["From-Path"].split(" ")) == 2 for w, h, _, _ in frames if w[2] == "SEND")
    finally:
        door.server.close()
    row_passed("R4", "C4")
