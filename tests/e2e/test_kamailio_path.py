"""Kamailio and mcrelayd as relays of one path (RFC 4976 section 6.4): a client of each, the two of
them between. What Kamailio does by itself, quirks included: test_kamailio.py."""
import os
import subprocess
import time

import pytest
from kamailio import PASSWORD, Kamailio, fitting
from rows import row_passed
from standard import Endpoint, deliver
from throwaway import BUILD, NAME, Site, free_ports

KINDS = ["tcp", "tls"]
WISH = [("Success-Report", "yes")]


class Town:
    """A site, its relay, and one Kamailio for TCP and one for TLS."""

    def __init__(self):
        self.site = Site()
        self.site.certificate("kamailio-tls.example")
        tcp, tls = free_ports(2)
        self.site.link("kamailio-tcp.example", tcp, tls=False)
        self.site.link("kamailio-tls.example", tls, ca=self.site.dir / "ca.pem")
        self.kamailios = {"tcp": Kamailio("kamailio-tcp.example", tcp, (NAME, self.site.plain_port)),
                          "tls": Kamailio("kamailio-tls.example", tls, (NAME, self.site.port),
                                          tls=self.site.dir)}

    def start(self):
        for k in self.kamailios.values():
            k.start()
        self.site.start(f"  plaintext_auth: true\nplain:\n  - 127.0.0.1:{self.site.plain_port}\n"
                        "limits:\n  auth_fails: 1000\n")

    def remove(self):
        for k in self.kamailios.values():
            k.remove()
        self.site.remove()


class Both:
    """One Kamailio and our relay; `theirs` and `ours` make authorised clients of the one and the other."""

    def __init__(self, town, kind):
        self.site, self.kamailio, self.kind = town.site, town.kamailios[kind], kind

    def theirs(self, user="alice", **options):
        return self.kamailio.endpoint(user, **options)

    def ours(self, user="bob", **options):
        scheme, port, ca = ("msrps", self.site.port, self.site.dir / "ca.pem") if self.kind == "tls" \
            else ("msrp", self.site.plain_port, None)
        e = Endpoint(("127.0.0.1", port), f"{scheme}://{NAME}:{self.site.port};tcp", ca=ca, **options)
        words, headers = e.auth(self.site.token(mcdata_id=f"sip:{user}@iops.example"))
        assert words[2] == "200", (words, headers)
        return e


@pytest.fixture(scope="module")
def town():
    t = Town()
    try:
        t.start()
        yield t
        assert t.site.stop() == 0, t.site.logged()[-2000:]
    finally:
        t.remove()


@pytest.fixture(params=KINDS)
def both(request, town):
    return Both(town, request.param)


def reported(sender, status):
    """The next frame is a REPORT with this status, from the other end of the path."""
    words, headers, body, flag = sender.frame()
    assert words[2] == "REPORT" and headers["Status"].startswith(f"000 {status}"), (words, headers)
    assert headers["To-Path"] == sender.me and body is None and flag == "$"
    return headers


@pytest.mark.parametrize("way", ["to us", "to them"])
@pytest.mark.parametrize("size,chunk", [(5, 2048), (100_000, 2048), (30_000, 9000), (None, None)])
def test_messages(both, way, size, chunk):
    """Both ways: one chunk, many, chunks of 9,000 octets, and one that is as long as Kamailio takes."""
    sender, receiver = (both.theirs(), both.ours()) if way == "to us" else (both.ours(), both.theirs())
    if size is None:
        size = chunk = fitting(sender, receiver.path, WISH) - 20  # a transaction id of ours may be longer
    body = os.urandom(size)
    frame = deliver(sender, receiver, body, chunk, WISH)
    assert frame[1]["From-Path"] == f"{receiver.use_path} {sender.use_path} {sender.me}"
    receiver.report(frame, octets=size)
    headers = reported(sender, 200)
    assert headers["From-Path"] == f"{sender.use_path} {receiver.use_path} {receiver.me}"
    assert headers["Byte-Range"] == f"1-{size}/{size}"
    row_passed("R4", "R6", "R16", "C13")


def test_headers_and_types_pass_untouched(both):
    """Content types and headers of no interest to a relay (rows R4, S7, S8)."""
    a, b = both.theirs(), both.ours()
    for sender, receiver in ((a, b), (b, a)):
        for content_type in ("message/cpim", "text/plain;charset=utf-8", "application/pkcs7-mime;x=\"y z\""):
            body = b"From: <sip:a@b>\r\n\r\n\0\xff\r\n-------abcdefgh$\r\n"
            tid, _ = sender.send(receiver.path, body, content_type=content_type,
                                 headers=[("X-Own", "a: b, c"), ("Use-Nickname", '"x\\"y"')])
            assert sender.response(tid)[0][2] == "200"
            frame = receiver.frame()
            assert frame[1]["Content-Type"] == content_type and frame[2] == body
            assert frame[1]["X-Own"] == "a: b, c" and frame[1]["Use-Nickname"] == '"x\\"y"'
            receiver.respond(frame)
    row_passed("R4", "S7", "S8")


def test_a_refusal_of_theirs_is_a_report_of_ours(both):
    """row 10.46, R8: Kamailio answers 481 and, to a frame that it cannot see, 501."""
    ours, theirs = both.ours(), both.theirs()
    nobody = theirs.path.replace("/msrp-", "/none-")
    for headers, tells in (([], True), ([("Failure-Report", "yes")], True),
                           ([("Failure-Report", "partial")], True), ([("Failure-Report", "no")], False)):
        tid, message_id = ours.send(nobody, b"who is there?", headers=headers)
        if not headers or headers[0][1] == "yes":
            assert ours.response(tid)[0][2] == "200"
        if tells:
            told = reported(ours, 481)
            assert told["Message-ID"] == message_id and told["Byte-Range"].startswith("1-13/")
        else:
            assert ours.silent()
    # the session goes on
    deliver(ours, theirs, b"you are", 2048)
    row_passed("10.46", "R8")


def test_an_unasked_answer_of_theirs_is_ignored(both):
    """Kamailio answers SENDs with Failure-Report no; nothing of that reaches the sender (row F13)."""
    ours, theirs = both.ours(), both.theirs()
    for i in range(20):
        ours.send(theirs.path, b"%d" % i, headers=[("Failure-Report", "no")])
        assert theirs.frame()[2] == b"%d" % i
    assert ours.silent()
    deliver(ours, theirs, b"still here", 2048)
    row_passed("F13")


def test_a_failure_of_ours_goes_back_through_them(both):
    """A session that we do not have, one that has gone, a receiver that refuses: a REPORT reaches
    Kamailio's client, whose own 200 came long before."""
    ours, theirs = both.ours(), both.theirs()
    nobody = ours.path.replace(ours.use_path.rsplit("/", 1)[1][:8], "AAAAAAAA")
    tid, message_id = theirs.send(nobody, b"x")
    assert theirs.response(tid)[0][2] == "200"
    assert reported(theirs, 481)["Message-ID"] == message_id
    tid, message_id = theirs.send(ours.path, b"x")
    assert theirs.response(tid)[0][2] == "200"
    ours.respond(ours.frame(), 415, "not that")
    assert reported(theirs, 415)["Message-ID"] == message_id
    path = ours.path
    both.site.gone(ours)
    tid, message_id = theirs.send(path, b"x")
    assert theirs.response(tid)[0][2] == "200"
    assert reported(theirs, 481)["Message-ID"] == message_id
    tid, message_id = theirs.send(path, b"x", headers=[("Failure-Report", "no")])
    assert theirs.response(tid)[0][2] == "200" and theirs.silent()


def test_many_clients_share_the_link(both):
    """rows U7, R10, R11: six pairs at once over the links between the relays."""
    pairs = [(both.theirs(f"a{i}"), both.ours("alice")) for i in range(3)] + \
            [(both.theirs(f"b{i}"), both.ours(user)) for i, user in enumerate(("bob", "carol", "dave"))]
    bodies = [os.urandom(20_000) for _ in pairs]
    tids = [(a, b, a.message(b.path, body, 2048)[0], b.message(a.path, body, 2048)[0])
            for (a, b), body in zip(pairs, bodies)]
    for (a, b, to, back), body in zip(tids, bodies):
        for receiver, answers in ((a, set(to)), (b, set(back))):
            got = b""
            while len(got) < len(body) or answers:
                frame = receiver.frame()
                if frame[0][2] == "SEND":
                    got += frame[2]
                    receiver.respond(frame)
                else:
                    assert frame[0][2] == "200"
                    answers.remove(frame[0][1])
            assert got == body
    row_passed("U7", "R10")


def test_kamailio_goes_and_comes_back(both):
    """Its loss is told (408), and when it is back, with new sessions, messages flow again both ways."""
    ours, theirs = both.ours(), both.theirs()
    deliver(ours, theirs, b"before", 2048)
    deliver(theirs, ours, b"before", 2048)
    both.kamailio.stop()
    time.sleep(0.3)
    tid, message_id = ours.send(theirs.path, b"lost")
    assert ours.response(tid)[0][2] == "200"
    assert reported(ours, 408)["Message-ID"] == message_id
    both.kamailio.start()
    theirs = both.theirs()
    deliver(theirs, ours, b"after", 2048)
    deliver(ours, theirs, b"after", 2048)


def test_we_go_and_come_back(town):
    """Kamailio connects anew to a relay that was restarted. Last: it restarts the daemon."""
    pair = [Both(town, kind) for kind in KINDS]
    ends = [(both.theirs(), both.ours()) for both in pair]
    for a, b in ends:
        deliver(a, b, b"before", 2048)
    assert town.site.stop() == 0
    town.site.start()
    for both, (a, _) in zip(pair, ends):
        b = both.ours()
        deliver(b, a, b"after", 2048)
        deliver(a, b, b"after", 2048)


def test_long_chunks_are_cut_for_them(both):
    """row R9: one chunk of 60,000 octets from our client reaches Kamailio as frames that it takes."""
    ours, theirs = both.ours(), both.theirs()
    body = os.urandom(60_000)
    tid, message_id = ours.send(theirs.path, body)
    assert ours.response(tid)[0][2] == "200"
    got = b""
    while len(got) < len(body):
        frame = theirs.frame()
        got += frame[2]
        theirs.respond(frame)
    assert got == body and frame[3] == "$"
    row_passed("R9", "C13")


def words_of(both, side, user):
    """The options with which mcrelay send --path and recv --path have a relay."""
    if side == "ours":
        return ["--relay", f"msrps://{NAME}:{both.site.port}", "--connect", f"127.0.0.1:{both.site.port}",
                "--token", both.site.dir / "tokens" / user, "--ca", both.site.dir / "ca.pem"]
    password = both.site.dir / "password"
    password.write_text(PASSWORD + "\n")
    password.chmod(0o600)
    k = both.kamailio
    return ["--relay", k.uri, "--connect", f"127.0.0.1:{k.port}", "--digest", user, "--password-file",
            password, *(["--ca", k.tls / "ca.pem"] if k.tls else [])]


@pytest.mark.parametrize("sender,receiver", [("ours", "theirs"), ("theirs", "ours"), ("theirs", "theirs")])
def test_our_own_client(town, sender, receiver, tmp_path):
    """mcrelay send --path and recv --path, at either relay: Digest at Kamailio, a token at ours; chunks
    of 8 KiB by --window, as its frames are limited (between its own clients they pass it twice)."""
    both = Both(town, "tls")
    plan, got, path = tmp_path / "plan", tmp_path / "got", tmp_path / "path"
    plan.write_bytes(os.urandom(700_000))
    recv = subprocess.Popen([BUILD / "mcrelay", "recv", "--path", *words_of(both, receiver, "bob"),
                             "--publish", path, "--out", got, "--count", "1", "--timeout", "40"],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        recv.stdout.readline()
        sent = both.site.mcrelay("send", "--path", f"@{path}", *words_of(both, sender, "alice"), "--file",
                                 plan, "--success-report", "--window", "32768", "--retry", "5")
        assert sent.returncode == 0, (sent.stdout, sent.stderr)
        assert recv.wait(60) == 0
        assert got.read_bytes() == plan.read_bytes()
    finally:
        recv.kill()
        recv.communicate()


def test_our_own_client_wants_a_proof_without_tls(town):
    """Kamailio proves nothing itself; without a certificate nobody knows who it is (row A6)."""
    both = Both(town, "tcp")
    done = both.site.mcrelay("recv", "--path", *words_of(both, "theirs", "bob"), "--timeout", "10")
    assert done.returncode != 0 and "does not prove" in done.stderr
