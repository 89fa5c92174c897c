"""Kamailio 5.6 as an MSRP relay: what it does by itself. With us: test_kamailio_path.py.

What was found out about it with the raw endpoint of standard.py, and what its msrp module's own
examples do as well (each line has a test below):

- AUTH by Digest in its older form: it challenges with realm, nonce and qop (no opaque, no algorithm),
  wants `uri=` in the answer (without it 401 again: trap 13 of RFC 4976's grammar), and says nothing
  of itself: no Authentication-Info. Expires out of bounds is 423 with Min-Expires or Max-Expires.
- Use-Path is one URI, its name and port with ";tcp": `msrp:` by TCP, `msrps:` when its tls module is
  loaded, whatever the connection was. A second AUTH on the connection makes a second one.
- A request goes on with the transaction id that it came with; so does a REPORT. A response carries the
  Message-ID. It answers SENDs with `Failure-Report: no` too.
- Its 200 says that it got the frame; what the next hop answers is thrown away, so its side learns of a
  failure behind it only from REPORTs, and a message for a client that is gone is lost in silence.
- It holds whole frames: its script sees nothing of a frame longer than 11,238 octets, and then takes it
  for an unknown method (501); a frame that does not fit its buffer of 16 KiB ends the connection.
  Chunks to and through it must be smaller (2048 octets are), headers and paths counted in.
- What waits for a connection that is being made, or is slow, is dropped in silence beyond 64 KiB, unless
  tcp_conn_wq_max and tls's con_ct_wq_max say otherwise, as kamailio.cfg here does. There is no back
  pressure: who sends much keeps his window small.
- It cannot take two URIs of its own in one step: between two of its clients it connects to itself.
- To the next relay it uses one connection of its own for all that goes there (never the one that the
  other relay opened to it), and opens a new one when that is lost.
"""
import os
import socket
import time

import pytest
from kamailio import PASSWORD, Kamailio, fitting
from standard import Endpoint, deliver
from throwaway import NAME, Site, free_ports

KINDS = ["tcp", "tls"]


@pytest.fixture(scope="module")
def site():
    s = Site()
    try:
        yield s
    finally:
        s.remove()


@pytest.fixture(scope="module")
def relays(site):
    """Two Kamailios, {"tcp": .., "tls": ..}; each knows the site's relay."""
    site.certificate("kamailio-tls.example")
    ports = dict(zip(KINDS, free_ports(2)))
    made = {"tcp": Kamailio("kamailio-tcp.example", ports["tcp"], (NAME, site.plain_port)),
            "tls": Kamailio("kamailio-tls.example", ports["tls"], (NAME, site.port), tls=site.dir)}
    try:
        for k in made.values():
            k.start()
        yield made
    finally:
        for k in made.values():
            k.remove()


@pytest.fixture(params=KINDS)
def kamailio(request, relays):
    return relays[request.param]


def test_auth(kamailio):
    e = kamailio.endpoint()
    assert sorted(e.challenge) == ["nonce", "qop", "realm"]
    host = kamailio.uri.replace(";tcp", "/")
    assert e.use_path.startswith(host) and e.use_path.endswith(";tcp") and " " not in e.use_path
    e.request("AUTH", [("Authorization", e.authorization("alice", PASSWORD, count=2)), ("Expires", "10")])
    words, headers, _, _ = e.frame()
    assert words[2] == "423" and headers["Min-Expires"] == "60"
    ca = kamailio.tls and kamailio.tls / "ca.pem"
    other = Endpoint(("127.0.0.1", kamailio.port), kamailio.uri, ca=ca)
    assert other.digest("alice", "wrong")[0][2] == "401"
    assert other.digest("alice", PASSWORD, with_uri=False)[0][2] == "401"
    words, headers = other.digest("alice", PASSWORD)
    assert words[2] == "200" and "Authentication-Info" not in headers and headers["Expires"] == "3600"


@pytest.mark.parametrize("body,chunk", [(b"hello", 2048), (bytes(range(256)) * 200, 2048), (None, None)])
def test_between_its_clients(kamailio, body, chunk):
    a, b = kamailio.endpoint("alice"), kamailio.endpoint("bob")
    wish = [("Success-Report", "yes")]
    just_fits = body is None
    for sender, receiver in ((a, b), (b, a)):
        if just_fits:
            chunk = fitting(sender, receiver.path, wish)
            body = os.urandom(chunk)
        frame = deliver(sender, receiver, body, chunk, wish)
        receiver.report(frame, octets=len(body))
        words, headers, _, _ = sender.frame()
        assert words[2] == "REPORT" and headers["Status"] == "000 200 OK"
        assert headers["From-Path"] == f"{sender.use_path} {receiver.use_path} {receiver.me}"


def test_too_long_a_frame(kamailio):
    a, b = kamailio.endpoint("alice"), kamailio.endpoint("bob")
    tid, _ = a.send(b.path, bytes(fitting(a, b.path) + 1))
    assert a.response(tid)[0][2] == "501"
    a.send(b.path, bytes(20000))
    with pytest.raises((EOFError, ConnectionError)):
        a.frame()


def test_what_it_loses(kamailio):
    a, b = kamailio.endpoint("alice"), kamailio.endpoint("bob")
    tid, _ = a.send(b.path, b"x", headers=[("Failure-Report", "no")])
    assert a.response(tid)[0][2] == "200", "it answers though it must not"
    frame = b.frame()
    assert frame[0][1] == tid, "the transaction id goes on"
    b.respond(frame, 415, "not that")
    assert a.silent()
    path = b.path
    b.close()
    time.sleep(0.2)
    tid, _ = a.send(path, b"x")
    assert a.response(tid)[0][2] == "200" and a.silent()
    tid = a.request("NICKNAME", [], to=a.use_path)
    assert a.response(tid)[0][2] == "501"
    # alone it can answer for its own URI
    unknown = a.use_path.replace("/msrp-", "/none-")
    tid = a.request("SEND", [("Message-ID", "abcd1234"), ("Byte-Range", "1-0/0")], to=f"{unknown} {b.me}")
    assert a.response(tid)[0][2] == "481"


class Next:
    """Stands where the other relay would: a listener that takes what Kamailio connects to it."""

    def __init__(self, kamailio, port):
        self.kamailio = kamailio
        self.listener = socket.create_server(("127.0.0.1", port))
        self.listener.settimeout(10)

    def accept(self):
        e = object.__new__(Endpoint)
        e.socket, _ = self.listener.accept()
        e.socket.settimeout(10)
        e.held, e.me = b"", "msrp://far.example:9/c;tcp"
        return e


def test_its_link_to_the_next_relay(site, relays):
    """Plain TCP, the next relay is our own socket: one connection for all, a new one when it is lost."""
    kamailio = relays["tcp"]
    a, b = kamailio.endpoint("alice"), kamailio.endpoint("bob")
    other = Next(kamailio, site.plain_port)
    try:
        path = f"msrp://{NAME}:{site.port}/s1;tcp msrp://far.example:9/c;tcp"
        a.send(path, b"one", headers=[("Success-Report", "yes")])
        link = other.accept()
        frame = link.frame()
        words, headers, body, _ = frame
        assert headers["To-Path"] == path and headers["From-Path"] == f"{a.use_path} {a.me}" and body == b"one"
        link.respond((words, {**headers, "To-Path": path.split(" ")[0]}, body, "$"))
        b.send(path, b"two")
        assert link.frame()[2] == b"two", "the same connection"
        # what comes back over it reaches the client whose URI it names
        link.report(frame)
        assert a.frame()[0][2] == "200"
        assert a.frame()[1]["Status"] == "000 200 OK"
        link.close()
        assert b.frame()[0][2] == "200"
        other.listener.settimeout(1)
        for _ in range(10):  # until it has noticed: what it sends before is lost
            tid, _ = a.send(path, b"three")
            assert a.response(tid)[0][2] == "200"
            try:
                link = other.accept()
                break
            except TimeoutError:
                pass
        assert link.frame()[2] == b"three"
        # a connection that the other relay opened is not used for that
        mine = Endpoint(("127.0.0.1", kamailio.port), kamailio.uri)
        mine.me = f"msrp://{NAME}:{site.port}/s1;tcp"
        tid = mine.request("SEND", [("Message-ID", "abcd1234"), ("Byte-Range", "1-0/0")],
                           to=f"{a.use_path} {a.me}")
        assert mine.response(tid)[0][2] == "200" and a.frame()[1]["From-Path"] == f"{a.use_path} {mine.me}"
        a.send(path, b"four")
        assert link.frame()[2] == b"four" and mine.silent()
        link.close()
        mine.close()
    finally:
        other.listener.close()
