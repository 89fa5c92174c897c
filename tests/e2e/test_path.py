"""Path relaying between real daemons (RFC 4976 section 6.4): over IPv6, while certificates are replaced,
over two and three relays with mutual TLS, in a loop, and past a peer that lies."""
import os
import signal
import threading
import time

import pytest
from rows import row_passed
from standard import Endpoint, deliver
from throwaway import Site, free_ports, linked, until

WISH = [("Success-Report", "yes")]


def client(site, user, address="127.0.0.1", **options):
    """An authorised client of the site's relay."""
    e = Endpoint((address, site.port), f"msrps://{site.name}:{site.port};tcp", ca=site.dir / "ca.pem",
                 **options)
    words, headers = e.auth(site.token(mcdata_id=f"sip:{user}@iops.example"))
    assert words[2] == "200", (words, headers)
    return e


def reported(sender, status):
    """The next frame is a REPORT with this status."""
    words, headers, body, _ = sender.frame()
    assert words[2] == "REPORT" and headers["Status"].startswith(f"000 {status}"), (words, headers)
    assert headers["To-Path"] == sender.me and body is None
    return headers


def dialled(site):
    return site.metric('mcrelay_sockets_total{cause="dialled"')


@pytest.fixture
def two():
    sites = linked()
    try:
        for site in sites:
            site.start("limits:\n  auth_fails: 1000\n")
        yield sites
        for site in sites:
            assert site.stop() == 0, site.logged()[-2000:]
    finally:
        for site in sites:
            site.remove()


def test_ipv6():
    """Two clients of one relay that listens on [::1] only."""
    site = Site()
    try:
        site.config.write_text(site.config.read_text().replace(
            f"  - 127.0.0.1:{site.port}", f'  - "[::1]:{site.port}"'))
        site.start()
        a, b = client(site, "alice", "::1"), client(site, "bob", "::1")
        a.me = f"msrps://[::1]:9/{os.urandom(8).hex()};tcp"
        assert a.auth(site.token(mcdata_id="sip:alice@iops.example"))[0][2] == "200"
        for sender, receiver in ((a, b), (b, a)):
            body = os.urandom(50_000)
            frame = deliver(sender, receiver, body, 2048, WISH)
            # two URIs of ours in the path: both are moved in one step
            assert frame[1]["From-Path"].split(" ") == [receiver.use_path, sender.use_path, sender.me]
            receiver.report(frame, octets=len(body))
            assert reported(sender, 200)["From-Path"].split(" ") == \
                [sender.use_path, receiver.use_path, receiver.me]
        assert site.stop() == 0
    finally:
        site.remove()


def serial(address, site):
    """The serial number of the certificate that the relay shows."""
    e = Endpoint(address, f"msrps://{site.name}:{site.port};tcp", ca=site.dir / "ca.pem")
    number = e.socket.getpeercert()["serialNumber"]
    e.close()
    return number


def test_certificates_are_replaced_under_traffic(two):
    """SIGHUP with a new certificate, five times at each relay, while messages pass both: no connection
    is lost, none of the octets; who comes new sees the new one, peers included."""
    near, far = two
    a, b = client(near, "alice"), client(far, "bob")
    deliver(a, b, b"first", 2048)
    seen = {site.name: {serial(("127.0.0.1", site.port), site)} for site in two}
    stop, failed, passed = threading.Event(), [], []

    def traffic():
        try:
            while not stop.is_set():
                deliver(a, b, os.urandom(20_000), 2048)
                deliver(b, a, os.urandom(20_000), 2048)
                passed.append(time.monotonic())
        except BaseException as e:  # told by the test itself
            failed.append(e)

    thread = threading.Thread(target=traffic)
    thread.start()
    try:
        for _ in range(5):
            for site in two:
                site.certificate(site.name)
                for end in ("pem", "key"):
                    os.replace(site.dir / f"{site.name}.{end}", site.dir / f"relay.{end}")
                before = site.logged().count("files were read again")
                site.process.send_signal(signal.SIGHUP)
                until(lambda: site.logged().count("files were read again") > before)
                seen[site.name].add(serial(("127.0.0.1", site.port), site))
            rounds = len(passed)
            until(lambda: failed or len(passed) > rounds + 1, 20)
    finally:
        stop.set()
        thread.join()
    assert not failed, failed
    assert all(len(numbers) == 6 for numbers in seen.values())
    # a link that is made now shows and takes the new ones
    near.stop()
    near.start()
    a = client(near, "alice")
    deliver(a, b, b"new link", 2048)
    deliver(b, a, b"and back", 2048)


def test_two_relays(two):
    near, far = two
    a, b = client(near, "alice"), client(far, "bob")
    for sender, receiver in ((a, b), (b, a)):
        for body, chunk in ((b"hello", 2048), (os.urandom(150_000), 2048), (os.urandom(100_000), 100_000)):
            frame = deliver(sender, receiver, body, chunk, WISH)
            assert frame[1]["From-Path"] == f"{receiver.use_path} {sender.use_path} {sender.me}"
            receiver.report(frame, octets=len(body))
            assert reported(sender, 200)["Byte-Range"] == f"1-{len(body)}/{len(body)}"
    # the second relay refuses, the receiver refuses: told by REPORT
    nobody = b.path.replace(b.use_path.rsplit("/", 1)[1][:8], "AAAAAAAA")
    tid, message_id = a.send(nobody, b"x")
    assert a.response(tid)[0][2] == "200" and reported(a, 481)["Message-ID"] == message_id
    tid, message_id = a.send(b.path, b"x")
    assert a.response(tid)[0][2] == "200"
    b.respond(b.frame(), 413, "no more")
    assert reported(a, 413)["Message-ID"] == message_id
    # a receiver that goes, and comes with a new URI
    path = b.path
    far.gone(b)
    tid, message_id = a.send(path, b"x")
    assert a.response(tid)[0][2] == "200" and reported(a, 481)["Message-ID"] == message_id
    b = client(far, "bob")
    deliver(a, b, b"again", 2048)
    # all of it over one connection, whoever sent
    deliver(client(far, "carol"), client(near, "dave"), b"the other way", 2048)
    assert [dialled(site) for site in two] == [1, 0]
    row_passed("U7", "R11", "R4", "10.46")


@pytest.fixture
def open_minded():
    """Two relays that let unknown methods pass."""
    sites = linked()
    try:
        for site in sites:
            site.start("path:\n  methods: forward\n")
        yield sites
    finally:
        for site in sites:
            site.remove()


def nickname(sender, receiver):
    """A NICKNAME to a chat's switch, as in RFC 7701; what arrives there, and its id here."""
    tid = sender.request("NICKNAME", [("Use-Nickname", '"Chief \\"A\\""')],
                         to=f"{sender.use_path} {receiver.path}")
    frame = receiver.frame()
    assert frame[0][2] == "NICKNAME" and frame[0][1] != tid
    assert frame[1]["Use-Nickname"] == '"Chief \\"A\\""'
    return tid, frame


def answer(e, frame, code):
    """A response to what is no SEND: along the whole From-Path."""
    e.write((f"MSRP {frame[0][1]} {code} x\r\nTo-Path: {frame[1]['From-Path']}\r\nFrom-Path: {e.me}\r\n"
             f"-------{frame[0][1]}$\r\n").encode())


def test_methods_that_we_do_not_know(open_minded, two):
    """rows R15, S6: NICKNAME passes two relays and its answer comes back over the same connections
    (R13), or is refused by configuration; an answer never opens a connection (R12)."""
    near, far = open_minded
    a, b = client(near, "alice"), client(far, "bob")
    for code in (200, 425):
        tid, frame = nickname(a, b)
        answer(b, frame, code)
        words, headers, _, _ = a.frame()
        assert words[1:3] == [tid, str(code)] and headers["To-Path"] == a.me
        assert headers["From-Path"] == f"{a.use_path} {b.use_path} {b.me}"
    _, frame = nickname(a, b)
    near.process.kill()
    near.process.wait()
    until(lambda: '"PEER_DOWN"' in far.logged())
    answer(b, frame, 200)
    deliver(b, client(far, "carol"), b"still here", 2048)
    assert dialled(far) == 0
    a, b = client(two[0], "alice"), client(two[1], "bob")
    tid = a.request("NICKNAME", [], to=f"{a.use_path} {b.path}")
    assert a.response(tid)[0][2] == "501" and b.silent()
    row_passed("R15", "S6", "R13", "R12")


def test_uris_of_other_transports(two):
    """row S4: URIs with ;ws, which we do not speak, where they are not the next hop."""
    near, far = two
    a = client(near, "alice", me=f"msrps://client.example:9/{os.urandom(8).hex()};ws")
    b = client(far, "bob", me=f"msrps://client.example:9/{os.urandom(8).hex()};WS")
    deliver(a, b, b"over web sockets, it seems", 2048)
    deliver(b, a, b"so it does", 2048)
    row_passed("S4")


def test_session_ids_say_nothing(two):
    """rows R23, U4: sessions of one connection and of two relays have nothing in common."""
    ids = []
    for site in two:
        e = client(site, "alice")
        for _ in range(40):
            e.me = f"msrps://client.example:9/{os.urandom(8).hex()};tcp"
            assert e.auth(site.token(mcdata_id="sip:alice@iops.example"))[0][2] == "200"
            ids.append(e.use_path.rsplit("/", 1)[1].removesuffix(";tcp"))
    assert len(set(ids)) == 80 and {len(i) for i in ids} == {26}
    # no place holds the same in all, or in each next one
    assert all(len({i[at] for i in ids}) > 3 for at in range(26))
    row_passed("R23", "U4")


def test_the_other_relay_goes_and_comes_back(two):
    near, far = two
    a, b = client(near, "alice"), client(far, "bob")
    deliver(a, b, b"before", 2048)
    far.process.kill()
    far.process.wait()
    time.sleep(0.3)
    tid, message_id = a.send(b.path, b"lost")
    assert a.response(tid)[0][2] == "200" and reported(a, 408)["Message-ID"] == message_id
    far.start()
    b = client(far, "bob")
    deliver(b, a, b"after", 2048)
    deliver(a, b, b"after", 2048)


@pytest.fixture
def three():
    """a, b, c: every relay is a peer of every other."""
    sites = [Site(name=f"{name}.iops.example") for name in "abc"]
    try:
        for near in sites:
            for far in sites:
                if near is not far:
                    near.link(far.name, far.port, ca=far.dir / "ca.pem", domains="[iops.example]")
        for site in sites:
            site.start()
        yield sites
        for site in sites:
            assert site.stop() == 0, site.logged()[-2000:]
    finally:
        for site in sites:
            site.remove()


def chained(near, far, user):
    """A client of `near` that has a session at `far` too, through it (rfc4976#5.1, row A11)."""
    e = client(near, user)
    first, e.relay = e.use_path, f"msrps://{far.name}:{far.port};tcp"
    e.request("AUTH", [("Authorization", f"Bearer {far.token(mcdata_id=f'sip:{user}@iops.example')}")],
              to=f"{first} {e.relay}")
    words, headers, _, _ = e.frame()
    assert words[2] == "200", (words, headers)
    e.use_path = headers["Use-Path"]
    assert e.use_path.split(" ")[0] == first and len(e.use_path.split(" ")) == 2
    return e


def test_three_hops(three):
    """alice at a, through b, to bob at c: three relays, both ways."""
    a, b, c = three
    alice, bob = chained(a, b, "alice"), client(c, "bob")
    inner, outer = alice.use_path.split(" ")
    alice_path = f"{outer} {inner} {alice.me}"  # what she publishes
    body = os.urandom(60_000)
    frame = deliver(alice, bob, body, 2048, WISH)
    assert frame[1]["From-Path"] == f"{bob.use_path} {alice_path}"
    bob.report(frame, octets=len(body))
    assert reported(alice, 200)["From-Path"] == f"{inner} {outer} {bob.use_path} {bob.me}"
    tid, message_id = bob.send(alice_path, body[:5000], headers=WISH)
    assert bob.response(tid)[0][2] == "200"
    got = b""
    while len(got) < 5000:
        frame = alice.frame()
        got += frame[2]
        alice.respond(frame)
    assert got == body[:5000]
    alice.report(frame, octets=5000)
    assert reported(bob, 200)["Message-ID"] == message_id
    row_passed("A11", "R4")


def test_loop_3node(three):
    """row T39: a path that comes back to a relay of it is refused by the first one; nothing goes out."""
    a, b, c = three
    alice, at_b, at_c = client(a, "alice"), client(b, "bob"), client(c, "carol")
    loop = f"{alice.use_path} {at_b.use_path} {at_c.use_path} {alice.use_path} {alice.me}"
    for method, rest in (("SEND", [("Message-ID", "loop1"), ("Byte-Range", "1-0/0")]),
                         ("REPORT", [("Message-ID", "loop1"), ("Status", "000 200 OK")])):
        alice.request(method, rest, to=loop)
    # behind the first relay as well: what a peer brings with its own URI in both paths
    assert alice.silent() and at_b.silent(0.2) and at_c.silent(0.2)
    assert [s.metric('mcrelay_refused_total{reason="loop_detected"') for s in three] == [2, 0, 0]
    deliver(alice, client(a, "dave"), b"it goes on", 2048)
    row_passed("10.19", "T39")


LIAR = "liar.iops.example"


@pytest.fixture
def lied_to():
    """A site whose relay has a peer with a quota of 20 messages; the peer is our own socket."""
    site = Site()
    try:
        site.liar_port, = free_ports(1)
        site.certificate(LIAR)
        site.link(LIAR, site.liar_port, ca=site.dir / "ca.pem", messages_per_s=1, messages_burst=20)
        site.start()
        yield site
        assert site.stop() == 0, site.logged()[-2000:]
    finally:
        site.remove()


def liar(site, me=None):
    """A connection of the peer, with its certificate."""
    e = Endpoint(("127.0.0.1", site.port), f"msrps://{site.name}:{site.port};tcp", ca=site.dir / "ca.pem",
                 certificate=(site.dir / f"{LIAR}.pem", site.dir / f"{LIAR}.key"),
                 me=me or f"msrps://{LIAR}:{site.liar_port}/s1;tcp msrps://far.example:9/c;tcp")
    return e


def send_as(e, path, body=b"x", message_id=None, headers=()):
    """A SEND of a relay: nothing stands in front of the path."""
    message_id = message_id or os.urandom(8).hex()
    tid = e.request("SEND", [("Message-ID", message_id), ("Byte-Range", f"1-{len(body)}/{len(body)}"),
                             *headers, ("Content-Type", "text/plain")], body, to=path)
    return tid, message_id


def test_a_peer_that_lies(lied_to):
    """row T11: names that are not its own, sessions that it guesses, answers to nothing. (A REPORT in its
    own name, to a client whose URI it knows, goes on whatever its Message-ID: a relay keeps no list of
    what it sent, the endpoint ignores what it did not send: row P10.)"""
    site = lied_to
    bob, peer = client(site, "bob"), liar(site)
    send_as(peer, bob.path, b"true")
    frame = bob.frame()
    assert frame[2] == b"true" and peer.frame()[0][2] == "200"
    bob.respond(frame)
    # in another relay's name, in that of a client of ours, in ours
    for name in ("honest.iops.example", "client.example", site.name):
        peer.me = f"msrps://{name}:{site.liar_port}/s1;tcp msrps://far.example:9/c;tcp"
        send_as(peer, bob.path, b"false")
        assert peer.frame()[0][2] in ("400", "403")
        peer.request("REPORT", [("Message-ID", "abcd1234"), ("Status", "000 200 OK")], to=bob.path)
    assert bob.silent()
    # as one of our clients: the session is theirs, on their connection
    alice = client(site, "alice")
    peer.me = alice.me
    send_as(peer, f"{alice.use_path} {bob.path}", b"false")
    words, headers, _, _ = peer.frame()
    assert words[2] in ("400", "403", "481", "REPORT") and bob.silent() and alice.silent(0.2)
    peer.close()
    # sessions that it guesses, at a live client's URI; then answers to what it was never asked, and to
    # what somebody else was
    peer = liar(site)
    for _ in range(8):
        guess = f"msrps://{site.name}:{site.port}/{os.urandom(13).hex()};tcp"
        send_as(peer, f"{guess} {bob.me}", b"false")
        words, headers, _, _ = peer.frame()
        while words[2] == "200":
            words, headers, _, _ = peer.frame()
        assert words[2] == "REPORT" and headers["Status"].startswith("000 481")
    assert bob.silent()
    before = site.metric("mcrelay_late_responses_total")
    tid, _ = alice.send(bob.path, b"honest")
    frame = bob.frame()
    for guess in (frame[0][1], tid, "abcdefgh"):
        for code in (200, 481):
            peer.write((f"MSRP {guess} {code} x\r\nTo-Path: {bob.use_path}\r\nFrom-Path: {peer.me}\r\n"
                        f"-------{guess}$\r\n").encode())
    send_as(peer, bob.path, b"it still talks")
    assert bob.frame()[2] == b"it still talks" and peer.frame()[0][2] == "200"
    assert site.metric("mcrelay_late_responses_total") >= before
    bob.respond(frame)
    assert alice.response(tid)[0][2] == "200" and alice.silent(), "nobody else's answer is taken for bob's"
    row_passed("10.51", "T11")


def test_a_peer_that_floods(lied_to):
    """row T11, 10.44: over its quota a peer hears 413; everybody else goes on."""
    site = lied_to
    alice, bob, peer = client(site, "alice"), client(site, "bob"), liar(site)
    tids = [send_as(peer, bob.path, b"%d" % i)[0] for i in range(60)]
    answers = {}
    while len(answers) < len(tids):
        words, _, _, _ = peer.frame()
        answers[words[1]] = words[2]
    passed = [tid for tid in tids if answers[tid] == "200"]
    assert 20 <= len(passed) < 30 and {answers[tid] for tid in tids} == {"200", "413"}
    assert site.metric('mcrelay_refused_total{reason="peer_rate"') == 60 - len(passed)
    for _ in passed:
        bob.respond(bob.frame())
    deliver(alice, bob, b"undisturbed", 2048)
    row_passed("10.44", "T11")


def test_a_peer_needs_its_certificate(lied_to):
    """row R17: the name alone, or with a certificate of nobody we know, is a stranger's."""
    site = lied_to
    bob = client(site, "bob")
    other = Site(name="other.iops.example")
    try:
        other.certificate(LIAR)
        for shown in (None, (other.dir / f"{LIAR}.pem", other.dir / f"{LIAR}.key"),
                      (site.dir / "relay.pem", site.dir / "relay.key")):
            e = Endpoint(("127.0.0.1", site.port), f"msrps://{site.name}:{site.port};tcp",
                         ca=site.dir / "ca.pem", certificate=shown,
                         me=f"msrps://{LIAR}:{site.liar_port}/s1;tcp msrps://far.example:9/c;tcp")
            try:
                send_as(e, bob.path, b"let me in")
                assert e.frame()[0][2] in ("403", "481", "REPORT")
            except (EOFError, OSError):
                pass  # or the connection is refused
            assert bob.silent(0.2)
    finally:
        other.remove()
    row_passed("R17")
