"""Links between relays: two daemons as peers of each other, and peers that are not what they seem."""
import json
import signal
import socket
import ssl
import time

import pytest
from rows import row_passed
from throwaway import Peer, Site, free_ports, linked, until


def login(site, user, **options):
    peer = Peer(site, **options)
    assert peer.auth(site.token(mcdata_id=f"sip:{user}@iops.example"))[0][2] == "200"
    return peer


def pass_on(near, far, text):
    """A message from a client of one relay to a client of another, and the answer to it."""
    tid = near.request("SEND", [("Message-ID", "m" + text), ("Byte-Range", f"1-{len(text)}/{len(text)}"),
                                ("Content-Type", "text/plain")], text.encode(),
                       to=f"{near.use_path} {far.use_path} {far.me}")
    words, headers, body, _ = far.frame()
    assert words[2] == "SEND" and body == text.encode()
    assert headers["To-Path"] == far.me
    assert headers["From-Path"] == f"{far.use_path} {near.use_path} {near.me}"
    far.write(f"MSRP {words[1]} 200 OK\r\nTo-Path: {far.use_path}\r\nFrom-Path: {far.me}\r\n"
              f"-------{words[1]}$\r\n".encode())
    assert near.frame()[0][1:3] == [tid, "200"]


def events(site, name):
    lines = (line for line in site.logged().splitlines() if line.startswith("{"))
    return [e for e in map(json.loads, lines) if e["event"] == name]


@pytest.fixture
def sites():
    """Makes sites, and takes all of them away at the end."""
    made = []

    def keep(*more):
        made.extend(more)
        return more
    yield keep
    for site in made:
        site.remove()


class Far:
    """A relay of another make, as far as one can tell on the street."""

    def __init__(self, port, certificate, ca):
        self.sni, self.socket = [], socket.create_server(("127.0.0.1", port))
        self.socket.settimeout(10)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*certificate)
        self.context.load_verify_locations(ca)
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.context.sni_callback = lambda s, name, context: self.sni.append(name)

    def accept(self):
        raw = self.socket.accept()[0]
        peer = Peer.__new__(Peer)
        peer.held = b""
        peer.socket = self.context.wrap_socket(raw, server_side=True)
        peer.socket.settimeout(10)
        return peer

    def close(self):
        self.socket.close()


def send_to(near, uri, message_id="abcd1234"):
    """A message that our relay takes. REPORTs about earlier ones may come first."""
    tid = near.request("SEND", [("Message-ID", message_id), ("Byte-Range", "1-5/5"),
                                ("Content-Type", "text/plain")], b"hello", to=f"{near.use_path} {uri}")
    words = near.frame()[0]
    while words[2] == "REPORT":
        words = near.frame()[0]
    assert words[1:3] == [tid, "200"]


# --- what works -------------------------------------------------------------------------------------

def use_v6(site):
    site.config.write_text(site.config.read_text()
                           .replace(f"- 127.0.0.1:{site.port}", f"- '[::1]:{site.port}'")
                           .replace("connect: '127.0.0.1:", "connect: '[::1]:"))
    site.host = "::1"


@pytest.mark.parametrize("v6", [False, True])
def test_two_relays(sites, v6):
    a, b = sites(*linked())
    for site in (a, b):
        if v6:
            use_v6(site)
        site.start()
    alice, bob = login(a, "alice"), login(b, "bob")
    pass_on(alice, bob, "there")
    pass_on(bob, alice, "back")
    pass_on(alice, bob, "again")
    # one link, dialled by the first that needed it, used both ways
    assert a.metric('mcrelay_sockets_total{cause="dialled"}') == 1
    assert b.metric('mcrelay_sockets_total{cause="dialled"}') == 0
    for site in (a, b):
        up = events(site, "PEER_UP")
        assert len(up) == 1 and up[0]["source"] == site.host
        assert site.metric("mcrelay_tls_failed_total") == 0
        assert site.stop() == 0
    row_passed("R11", "R17")


def test_two_relays_without_tls_on_loopback(sites):
    a, b = sites(*linked(tls=False))
    for site in (a, b):
        site.start(f"  plaintext_auth: true\nplain:\n  - 127.0.0.1:{site.plain_port}\n")
    alice, bob = login(a, "alice", plain=True), login(b, "bob", plain=True)
    for peer in (alice, bob):
        assert peer.use_path.startswith("msrp://")
    pass_on(alice, bob, "there")
    pass_on(bob, alice, "back")


# --- we dial ----------------------------------------------------------------------------------------

def test_what_a_dialled_peer_sees(sites):
    (a,) = sites(Site())
    port = free_ports(1)[0]
    far = Far(port, a.certificate("far.example"), a.dir / "ca.pem")
    far.context.set_alpn_protocols(["h2"])
    a.link("far.example", port, ca=a.dir / "ca.pem")
    a.start()
    alice = login(a, "alice")
    send_to(alice, f"msrps://far.example:{port}/s1;tcp")
    link = far.accept()
    words, headers, body, _ = link.frame()
    assert words[2] == "SEND" and body == b"hello"
    assert headers["To-Path"] == f"msrps://far.example:{port}/s1;tcp"
    assert far.sni == ["far.example"]
    assert link.socket.selected_alpn_protocol() is None
    assert link.socket.version() == "TLSv1.3"
    assert ("DNS", a.name) in link.socket.getpeercert()["subjectAltName"]
    far.close()
    row_passed("R21")


def test_peers_that_are_not_ours(sites):
    """None of them gets a message, the operator reads what is wrong, and the sender gets a REPORT."""
    a, b = sites(Site(), Site(name="b.iops.example"))
    told = {
        "name.example": "the certificate of {} is not taken (hostname mismatch); it needs DNS:name.example in its "
                        "subjectAltName, and a CA that stands in peers_ca",
        "old.example": "the certificate of {} is not taken (certificate has expired); it needs DNS:old.example",
        "ca.example": "the certificate of {} is not taken (unable to get local issuer certificate); it needs ",
        "plain.example": "TLS with {} fails (wrong version number); see that connect and port are those of its TLS "
                         "listener, and that its CA for relays is that of our certificate",
        "nobody.example": "{} does not answer (connection refused); see that the relay runs there, and that no "
                          "firewall is in between"}
    pairs = {"name.example": a.certificate("other.example"), "old.example": a.certificate("old.example", -1),
             "ca.example": b.certificate("ca.example")}
    ports = dict(zip(told, free_ports(len(told))))
    fars = {name: Far(ports[name], pair, a.dir / "ca.pem") for name, pair in pairs.items()}
    for name, port in ports.items():
        a.link(name, port, ca=a.dir / "ca.pem")
    a.start()
    alice = login(a, "alice")
    with socket.create_server(("127.0.0.1", ports["plain.example"])) as plain:
        for name, port in ports.items():
            send_to(alice, f"msrps://{name}:{port}/s1;tcp", f"to-{name}")
        raw = plain.accept()[0]
        raw.sendall(b"220 mail.example\r\n")
        for far in fars.values():
            with pytest.raises((ssl.SSLError, ConnectionResetError)):
                far.accept()
        assert until(lambda: len({e["text"].split(":")[0] for e in events(a, "peer")}) == len(told)), a.logged()
    for name, text in told.items():
        notes = [e for e in events(a, "peer") if e["text"].startswith(name + ": ")]
        assert notes[0]["level"] == "warn"
        assert notes[0]["text"].startswith(f"{name}: " + text.format(f"127.0.0.1:{ports[name]}")), notes[0]
    assert not events(a, "PEER_UP")
    alice.socket.settimeout(20) # what waits for a link does so for 10 s
    lost = set()
    for _ in told:
        words, headers, _, _ = alice.frame()
        assert words[2] == "REPORT" and headers["Status"].startswith("000 408"), headers
        lost.add(headers["Message-ID"])
    assert lost == {f"to-{name}" for name in told}
    for far in fars.values():
        far.close()
    row_passed("U11")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_peer_that_does_not_know_us(sites, version):
    (a, b) = sites(Site(), Site(name="b.iops.example"))
    port = free_ports(1)[0]
    far = Far(port, b.certificate("far.example"), b.dir / "ca.pem") # not our CA
    far.context.maximum_version = version
    a.link("far.example", port, ca=b.dir / "ca.pem")
    a.start()
    alice = login(a, "alice")
    send_to(alice, f"msrps://far.example:{port}/s1;tcp")
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        far.accept()
    assert until(lambda: events(a, "peer")), a.logged()
    text = events(a, "peer")[0]["text"]
    # its alert, unless the end of the connection was there first
    assert text.startswith("far.example: ") and any(w in text for w in ("unknown ca", "reset", "breaks the con"))
    assert text.endswith("its CA for relays is that of our certificate"), text
    far.close()


def test_a_peer_that_comes_back(sites):
    """While it is away it is dialled seldom; what waits for it goes out when it is there again."""
    (a,) = sites(Site())
    port = free_ports(1)[0]
    pair = a.certificate("far.example")
    a.link("far.example", port, ca=a.dir / "ca.pem")
    a.start()
    alice = login(a, "alice")
    uri = f"msrps://far.example:{port}/s1;tcp"
    begun = time.time()
    for i in range(20):
        send_to(alice, uri, f"away{i:04}")
        time.sleep(0.1)
    tried = a.metric('mcrelay_sockets_total{cause="dial_failed"}')
    assert 1 <= tried <= 2 + (time.time() - begun), "each wait is twice the one before"
    far = Far(port, pair, a.dir / "ca.pem")
    link = far.accept()
    seen = {link.frame()[1]["Message-ID"] for _ in range(20)}
    assert seen == {f"away{i:04}" for i in range(20)}

    # the link breaks: the next message dials anew
    link.close()
    assert until(lambda: events(a, "PEER_DOWN"))
    send_to(alice, uri, "later0001")
    link = far.accept()
    while link.frame()[1]["Message-ID"] != "later0001":
        pass
    far.close()


# --- they dial --------------------------------------------------------------------------------------

def test_who_is_taken_for_a_peer(sites):
    """A certificate that is none of a peer's is ignored: its owner is a client like all others."""
    a, b, other = sites(*linked(), Site(name="b.iops.example"))
    a.start()
    ours = b.dir / "relay.pem", b.dir / "relay.key"
    rows = [(ours, True, None), # the name of a peer, from the CA of the peers
            (b.certificate("c.iops.example"), False, "it says c.iops.example"), # a name that is none of a peer's
            (b.certificate("B.iops.EXAMPLE"), True, None),
            (b.certificate("*.iops.example"), False, None),
            (b.certificate("old.iops.example", -1), False, "certificate has expired"),
            ((other.dir / "relay.pem", other.dir / "relay.key"), False, "unable to get"),
            (None, False, None)]
    for certificate, is_peer, told in rows:
        ups, notes = len(events(a, "PEER_UP")), len(events(a, "tls"))
        peer = Peer(a, certificate=certificate)
        words, headers = peer.auth(a.token(mcdata_id="sip:alice@iops.example"))
        if not is_peer:
            assert words[2] == "200" and headers["Use-Path"], "a client may log in"
        assert len(events(a, "PEER_UP")) - ups == is_peer, certificate
        new = events(a, "tls")[notes:]
        assert [told in n["text"] and "it is a client" in n["text"] for n in new] == [True] * bool(told), new
        peer.close()
    row_passed("R17", "R18")


# --- reload -----------------------------------------------------------------------------------------

def reload(site):
    before = len(events(site, "reload"))
    site.process.send_signal(signal.SIGHUP)
    assert until(lambda: len(events(site, "reload")) > before)


def test_certificates_are_replaced_while_links_stand(sites):
    a, b = sites(*linked())
    port = free_ports(1)[0]
    a.link("far.example", port, ca=b.dir / "ca.pem")
    for site in (a, b):
        site.start()
    alice, bob, carol = login(a, "alice"), login(b, "bob"), login(a, "carol")
    pass_on(alice, bob, "before")
    old = (a.dir / "relay.pem").read_bytes(), (a.dir / "relay.key").read_bytes()

    # a new certificate: the next dial shows it, the link that stands is not touched
    new = a.certificate(a.name)
    (a.dir / "relay.pem").write_bytes(new[0].read_bytes())
    (a.dir / "relay.key").write_bytes(new[1].read_bytes())
    reload(a)
    far = Far(port, b.certificate("far.example"), a.dir / "ca.pem")
    send_to(carol, f"msrps://far.example:{port}/s1;tcp")
    link = far.accept()
    assert link.socket.getpeercert(True) == ssl.PEM_cert_to_DER_cert(new[0].read_text())
    pass_on(alice, bob, "after")
    link.close()

    # what is wrong is told, and changes nothing: neither for the listener nor for the next dial
    peers = (a.dir / "peers.pem").read_bytes()
    client_only = a.dir / "relay.pem", old[0]
    for path, text in ((a.dir / "peers.pem", b"nonsense\n"), (a.dir / "peers.pem", b""), client_only):
        good = path.read_bytes()
        path.write_bytes(text)
        told = a.logged().count("certificate stays as it was")
        reload(a)
        assert a.logged().count("certificate stays as it was") == told + 1
        path.write_bytes(good)
        send_to(carol, f"msrps://far.example:{port}/s1;tcp")
        link = far.accept()
        assert link.socket.getpeercert(True) == ssl.PEM_cert_to_DER_cert(new[0].read_text())
        assert Peer(a).socket.getpeercert(True) == link.socket.getpeercert(True)
        link.close()
        assert until(lambda: len(events(a, "PEER_UP")) == len(events(a, "PEER_DOWN")) + 1)
    assert (a.dir / "peers.pem").read_bytes() == peers
    pass_on(bob, alice, "still")

    # a new CA for peers: the old one is no longer good
    (a.dir / "peers.pem").write_bytes((a.dir / "ca.pem").read_bytes())
    reload(a)
    send_to(carol, f"msrps://far.example:{port}/s1;tcp")
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        far.accept()
    far.close()
    pass_on(alice, bob, "ends")
    assert b.stop() == 0
