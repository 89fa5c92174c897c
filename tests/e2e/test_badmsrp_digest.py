"""Digest credentials that are wrong, one way each (rows 53 and 58): 401 with a fresh challenge, whatever is
wrong, and the same connection can still do it right. Written from RFC 2617 and RFC 4976 section 9.1."""
import hashlib
import itertools
import os
import re

import pytest
from badmsrp import ASKED, Line, Metrics, fresh, is_due
from rows import row_passed
from table import PLAIN, Table
from throwaway import NAME

BEARER = f'WWW-Authenticate: Bearer realm="{NAME}", scope="3gpp:mc:data_service"\r\n'
USERS = 400  # each fault in each variant has a user of its own: who fails often has to wait
users = itertools.count()


def md5(*parts):
    return hashlib.md5(":".join(parts).encode()).hexdigest()


@pytest.fixture(scope="module")
def site():
    s = Table()
    try:
        s.write_policy()
        path = s.dir / "digest.yaml"
        path.write_text("".join(f"- user: u{i}\n  password: secret{i}\n  mcdata_id: sip:u{i}@iops.example\n"
                                for i in range(USERS)))
        path.chmod(0o600)
        s.start(PLAIN.format(plain=s.plain_port, dir=s.dir) + f"digest:\n  users: {path}\n")
        yield s
        assert s.stop() == 0, s.logged()[-2000:]
    finally:
        s.remove()


def challenge_of(text):
    """The fields of the Digest challenge that stands last; the form is checked."""
    head, _, line = text.rpartition("WWW-Authenticate: Digest ")
    line = line.split("\r\n")[0]
    fields = dict(re.findall(r'(\w+)=("[^"]*"|[^ ,"]+)', line))
    assert ", ".join(f"{k}={v}" for k, v in fields.items()) == line
    assert fields["realm"] == f'"{NAME}"' and fields["qop"] == '"auth"' and "domain" not in fields  # A3, A4
    assert len(fields["nonce"]) >= 18 and len(fields["opaque"]) > 2  # b8.14
    assert fields.get("algorithm", "MD5") == "MD5" and head.endswith(BEARER)
    return {k: v.strip('"') for k, v in fields.items()}


def said(line, asked, fields=None, more=""):
    """AUTH; its id. fields: of the Authorization, in this order."""
    tid = fresh("a")
    asks = "" if asked == "absent" else f"Failure-Report: {asked}\r\n"
    auth = "Authorization: Digest " + ", ".join(f"{k}={v}" for k, v in fields) + "\r\n" if fields else ""
    return tid, (f"MSRP {tid} AUTH\r\nTo-Path: {line.relay}\r\nFrom-Path: {line.me}\r\n{asks}{auth}{more}-------{tid}$\r\n").encode()


def answer_is_challenge(line, tid):
    one, line.held = take(line)
    head = (f"MSRP {tid} 401 Unauthorized\r\nTo-Path: {line.me}\r\nFrom-Path: {line.relay}\r\n" + BEARER)
    text = one.decode()
    assert text.startswith(head) and text.endswith(f"\r\n-------{tid}$\r\n") and text.count("\r\n") == 6, text
    return challenge_of(text)


def take(line):
    """The octets of one response; the header that stands twice is no business of the strict reader."""
    while not line.held.endswith(b"$\r\n"):
        assert line.more(10), line.held
    return line.held, b""


def credentials(line, i, challenge, count=1):
    """What is right, in the order of RFC 2617."""
    nc, cnonce = f"{count:08x}", os.urandom(8).hex()
    name, realm, nonce = f"u{i}", challenge["realm"], challenge["nonce"]
    answer = md5(md5(name, realm, f"secret{i}"), nonce, nc, cnonce, "auth", md5("AUTH", line.relay))
    return [("username", f'"{name}"'), ("realm", f'"{realm}"'), ("nonce", f'"{nonce}"'), ("uri", f'"{line.relay}"'),
            ("response", f'"{answer}"'), ("opaque", f'"{challenge["opaque"]}"'), ("qop", "auth"), ("nc", nc), ("cnonce", f'"{cnonce}"')]


def change(**what):
    """Replaces fields; None takes one out."""
    return lambda fields: [(k, what.get(k, v)) for k, v in fields if what.get(k, v) is not None]


FAULTS = {
    ("58", "qop auth-int"): (change(qop="auth-int"), "digest_qop"),
    ("58", "two qop in quotes"): (change(qop='"auth,auth-int"'), "digest_form"),
    ("58", "no qop"): (change(qop=None), "digest_qop"),
    ("58", "no cnonce"): (change(cnonce=None), "digest_fields"),
    ("58", "no nc"): (change(nc=None), "digest_fields"),
    ("58", "MD5-sess"): (lambda f: f + [("algorithm", "MD5-sess")], "digest_algorithm"),
    ("58", "SHA-1"): (lambda f: f + [("algorithm", "SHA-1")], "digest_algorithm"),
    ("53", "wrong response"): (change(response='"' + "0" * 32 + '"'), "digest_response"),
    ("53", "another cnonce than was hashed"): (change(cnonce='"other"'), "digest_response"),
    ("53", "another count than was hashed"): (change(nc="00000002"), "digest_response"),
    ("53", "no such user"): (change(username='"nobody"'), "digest_user"),
    ("53", "another realm"): (change(realm='"elsewhere"'), "digest_realm"),
    ("53", "another uri"): (change(uri='"msrp://else.example:9;tcp"'), "digest_uri"),
}


@pytest.mark.parametrize("row,name", FAULTS, ids=[f"{r} {n}" for r, n in FAULTS])
def test_digest_fault(site, row, name):
    spoil, reason = FAULTS[row, name]
    metrics = Metrics(site)
    for asked in ASKED:
        for drip in (False, True):
            i = next(users)
            line = Line(site)
            tid, octets = said(line, "absent")
            line.say(octets)
            challenge = answer_is_challenge(line, tid)
            before = metrics.refused()
            tid, octets = said(line, asked, spoil(credentials(line, i, challenge)))
            line.say(octets, drip)
            if is_due(401, "AUTH", asked):
                again = answer_is_challenge(line, tid)
                assert again["nonce"] != challenge["nonce"] and again.get("stale", "false") == "false"
                challenge = again
            else:
                tid, octets = said(line, "absent")
                line.say(octets)
                challenge = answer_is_challenge(line, tid)
            moved = {k: v - before.get(k, 0) for k, v in metrics.refused().items() if v != before.get(k, 0)}
            moved.pop("auth_none", None)
            assert moved == {reason: 1}, moved
            right(line, i, challenge)
            line.close()
    row_passed("10." + row)


def right(line, i, challenge, count=1):
    """It still can be done right: 200, and the relay proves that it knows the password, too (A6)."""
    fields = credentials(line, i, challenge, count)
    tid, octets = said(line, "absent", fields)
    line.say(octets)
    text = take(line)[0].decode()
    line.held = b""
    given = dict(fields)
    proof = md5(md5(f"u{i}", NAME, f"secret{i}"), challenge["nonce"], given["nc"], given["cnonce"].strip('"'), "auth",
                md5("", line.relay))
    assert text.startswith(f"MSRP {tid} 200 OK\r\nTo-Path: {line.me}\r\nFrom-Path: {line.relay}\r\n"), text
    info = dict(re.findall(r'(\w+)="?([^",\r]*)"?', text.split("Authentication-Info: ")[1].split("\r\n")[0]))
    assert info["rspauth"] == proof and info["nc"] == given["nc"] and info["qop"] == "auth"
    assert info["cnonce"] == given["cnonce"].strip('"')
    line.use = re.search(r"Use-Path: (\S+)\r\n", text)[1]
    tid = fresh("p")
    line.say((f"MSRP {tid} SEND\r\nTo-Path: {line.use}\r\nFrom-Path: {line.me}\r\nMessage-ID: {tid}\r\n-------{tid}$\r\n").encode())
    assert take(line)[0].startswith(f"MSRP {tid} 200 OK\r\n".encode())
    line.held = b""
    return given


def test_each_count_once(site):
    """The same credentials once more are 401, and the next count is good."""
    i = next(users)
    line = Line(site)
    tid, octets = said(line, "absent")
    line.say(octets)
    challenge = answer_is_challenge(line, tid)
    given = right(line, i, challenge)
    tid, octets = said(line, "absent", list(given.items()))
    line.say(octets)
    answer_is_challenge(line, tid)
    right(line, i, challenge, 2)


def test_guesses_have_to_wait(site):
    """Who fails again and again is put off, also with the right password, and nobody else is."""
    i, other = next(users), next(users)
    metrics = Metrics(site)
    line = Line(site)
    tid, octets = said(line, "absent")
    line.say(octets)
    challenge = answer_is_challenge(line, tid)
    for _ in range(20):
        tid, octets = said(line, "absent", change(response='"' + "f" * 32 + '"')(credentials(line, i, challenge)))
        line.say(octets)
        challenge = answer_is_challenge(line, tid)
    assert metrics.refused().get("digest_wait", 0) > 0
    right(line, other, challenge)
