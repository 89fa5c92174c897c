"""Path relaying between real daemons (RFC 4976 section 6.4): over IPv6, while certificates are replaced,
over two relays with mutual TLS, and in a loop."""
import os
import signal
import threading
import time

import pytest
from standard import Endpoint, deliver
from throwaway import Site, linked

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


def until(what, seconds=10):
    """Waits for something to become true."""
    end = time.monotonic() + seconds
    while not what() and time.monotonic() < end:
        time.sleep(0.05)
    assert what()


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
    b.close()
    time.sleep(0.3)
    tid, message_id = a.send(path, b"x")
    assert a.response(tid)[0][2] == "200" and reported(a, 481)["Message-ID"] == message_id
    b = client(far, "bob")
    deliver(a, b, b"again", 2048)


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
