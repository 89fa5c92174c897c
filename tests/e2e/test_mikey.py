"""mcrelay mikey: one user's key set makes a message, another's opens it; and somebody else's messages."""
import base64
import json
import os
import subprocess
import time

import pytest

from throwaway import BUILD, ROOT

ALICE, BOB, CAROL = (f"sip:{name}@iops.example" for name in ("alice", "bob", "carol"))
TEAM, FLOOR = "sip:team@iops.example", "sip:floor@iops.example"
KEY = "00112233445566778899aabbccddeeff"
INTEROP = ROOT.parent / "shared" / "vectors" / "interop.json"


def run(*words, stdin=b"", cwd=None):
    return subprocess.run([BUILD / "mcrelay", *words], input=stdin, capture_output=True, timeout=60, cwd=cwd)


@pytest.fixture(scope="module")
def kms(tmp_path_factory):
    """A KMS with three users, and another one with a user of the same name."""
    path = tmp_path_factory.mktemp("kms")
    for kms in ("kms", "other"):
        assert run("kms", "init", "--dir", kms, "--uri", f"{kms}.iops.example", cwd=path).returncode == 0
    for user in (ALICE, BOB, CAROL):
        name = user[4:].split("@")[0]
        done = run("kms", "issue", "--dir", "kms", user, "--out", f"{name}.xml", cwd=path)
        assert done.returncode == 0, done.stderr
    assert run("kms", "issue", "--dir", "other", BOB, "--out", "other-bob.xml", cwd=path).returncode == 0
    return path


def files(who, kms="kms"):
    return ["--kms", f"{kms}/CERT.xml", "--keys", f"{who}.xml"]


def make(kms, *words, who="alice", stdin=b""):
    done = run("mikey", "make", *files(who), *words, stdin=stdin, cwd=kms)
    assert done.returncode == 0, done.stderr
    return done.stdout


def opened(kms, message, *words, who="bob"):
    done = run("mikey", "open", *files(who), "--json", *words, stdin=message, cwd=kms)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refused(kms, message, *words, who="bob", certificate="kms"):
    done = run("mikey", "open", *files(who, certificate), *words, stdin=message, cwd=kms)
    assert (done.returncode, done.stdout) == (3, b""), done.stderr
    return done.stderr.decode()


def test_a_key_that_cannot_be_read(kms):
    """Not another key instead of the one that was meant."""
    folder = os.open("/", os.O_RDONLY)
    done = subprocess.run([BUILD / "mcrelay", "mikey", "make", *files("alice"), "--to", BOB, "--type", "pck"],
                          stdin=folder, capture_output=True, cwd=kms, timeout=60)
    os.close(folder)
    assert (done.returncode, done.stdout) == (1, b""), done.stderr


def test_a_key_that_was_given(kms):
    message = make(kms, "--to", BOB, "--type", "pck", stdin=KEY.encode() + b"\n")
    before = int(time.time())
    got = opened(kms, message, "--show-key")
    assert abs(got.pop("time") - before) < 60
    initiator = got.pop("initiator")
    assert len(initiator) == 64 and int(initiator, 16)  # hidden behind his UID
    assert got.pop("key_id") == got.pop("csb_id")
    assert got == {"type": "pck", "responder": BOB, "status": 1, "groups": [], "key": KEY}
    assert opened(kms, message, "--from", ALICE)["initiator"] == ALICE
    assert "key" not in opened(kms, message)
    done = run("mikey", "open", *files("bob"), stdin=message, cwd=kms)
    assert done.returncode == 0 and KEY.encode() not in done.stdout
    assert b"type:       pck\n" in done.stdout and b"expiry:     never\n" in done.stdout


def test_a_group_key(kms):
    message = make(kms, "--to", BOB, "--type", "gmk", "--group", TEAM, "--group", FLOOR, "--ttl", "600",
                   "--uris", "--text")
    assert message.startswith(b"mikey ") and message.endswith(b"\n")
    got = opened(kms, message)
    assert (got["type"], got["groups"]) == ("gmk", [TEAM, FLOOR])
    assert (got["initiator"], got["responder"]) == (ALICE, BOB)
    assert got["key_id"] != got["csb_id"] and got["key_id"][0] == got["csb_id"][0] == "0"
    raw = base64.b64decode(message[6:])
    assert opened(kms, raw) == opened(kms, message[6:]) == got
    done = run("mikey", "open", *files("bob"), stdin=message, cwd=kms)
    assert f"group:      {TEAM}\n".encode() in done.stdout


def test_a_key_that_was_drawn(kms):
    keys = {opened(kms, make(kms, "--to", BOB, "--type", "csk"), "--show-key")["key"] for _ in range(3)}
    assert len(keys) == 3


def test_other_devices(kms):
    message = make(kms, "--to", BOB, "--type", "pck", "--to-self", stdin=KEY.encode())
    assert opened(kms, message, "--show-key")["key"] == KEY
    got = opened(kms, message, "--own", "--show-key", who="alice")
    assert (got["key"], got["initiator"]) == (KEY, ALICE)
    assert "not from whom it should be" in refused(kms, message, "--own")


def test_refusals(kms):
    message = make(kms, "--to", BOB, "--type", "pck")
    assert "for somebody else" in refused(kms, message, who="carol")
    assert "not from whom" in refused(kms, message, "--from", CAROL)
    assert "a KMS we do not know" in refused(kms, message, who="other-bob", certificate="other")
    assert "no KMS certificate" in refused(kms, message, certificate="other")
    changed = bytearray(message)
    changed[25] ^= 1  # RAND
    assert "does not verify" in refused(kms, bytes(changed))
    assert "malformed" in refused(kms, message[:-1])
    assert "malformed" in refused(kms, b"mikey ???")
    assert "\x1b" not in refused(kms, b"\x01\x1b[31m" + message)  # nothing of it reaches the terminal


def test_expired(kms):
    message = make(kms, "--to", BOB, "--type", "pck", "--ttl", "1")
    time.sleep(2)
    assert "expired" in refused(kms, message)
    assert opened(kms, message, "--any-time")["type"] == "pck"


@pytest.mark.parametrize("words, code", [
    (["mikey"], 2),
    (["mikey", "shut"], 2),
    (["mikey", "open"], 2),
    (["mikey", "open", "--kms", "kms/CERT.xml"], 2),
    (["mikey", "open", *files("bob"), "--to", BOB], 2),
    (["mikey", "open", *files("bob"), "--tolerate", "everything"], 2),
    (["mikey", "open", *files("bob"), "more"], 2),
    (["mikey", "open", *files("nobody")], 1),
    (["mikey", "open", "--kms", "bob.xml", "--keys", "kms/CERT.xml"], 1),
    (["mikey", "make", *files("alice"), "--to", BOB], 2),
    (["mikey", "make", *files("alice"), "--to", BOB, "--type", "spk"], 2),
    (["mikey", "make", *files("alice"), "--to", BOB, "--type", "pck", "--group", TEAM], 2),
    (["mikey", "make", *files("alice"), "--to", BOB, "--type", "pck", "--ttl", "0"], 2),
    (["mikey", "make", *files("alice"), "--to", "b o b", "--type", "pck"], 3),
])
def test_exit_codes(kms, words, code):
    done = run(*words, cwd=kms)
    assert (done.returncode, done.stdout) == (code, b""), done.stderr
    assert b"mcrelay mikey: " in done.stderr


def test_a_key_must_be_hexadecimal(kms):
    for text in (b"0011", b"zz" * 16, KEY.encode() * 2):
        done = run("mikey", "make", *files("alice"), "--to", BOB, "--type", "pck", stdin=text, cwd=kms)
        assert (done.returncode, done.stdout) == (2, b"")
        assert text not in done.stderr


def test_help():
    done = run("mikey", "--help")
    assert done.returncode == 0 and b"example:" in done.stdout


@pytest.mark.skipif(not INTEROP.exists(), reason="the published values are not beside the checkout")
@pytest.mark.parametrize("number", [0, 1])
def test_published_messages(tmp_path, number):
    published = json.loads(INTEROP.read_text())["mikey"]
    message = published["messages"][number]

    def element(name, members, typed=()):
        attribute = ' xsi:type="KeyContentType"'
        lines = "".join(f"<{k}{attribute if k in typed else ''}>{v}</{k}>" for k, v in members.items())
        return (f'<{name} xmlns="urn:3gpp:ns:mcsecKMSInterface:1.0" '
                f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" Version="1.1.0">{lines}</{name}>')

    (tmp_path / "CERT.xml").write_text(element("KmsCertificate", published["kms_init"]))
    keys = {"KmsUri": published["kms_init"]["KmsUri"], **published["keyprov"][message["responder"]]}
    (tmp_path / "KEYSET.xml").write_text(element(
        "KmsKeySet", keys, ("UserDecryptKey", "UserSigningKeySSK", "UserPubTokenPVT")))
    words = ["mikey", "open", "--kms", "CERT.xml", "--keys", "KEYSET.xml", "--json", "--show-key"]
    text = b"mikey " + message["i_message_b64"].encode() + b"\n"
    for stdin in (text, base64.b64decode(message["i_message_b64"])):
        done = run(*words, "--any-time", stdin=stdin, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        got = json.loads(done.stdout)
        for name in ("key", "key_id", "csb_id"):
            assert got[name] == message[name]
        assert got["responder"] == published["keyprov"][message["responder"]]["UserUri"]
        assert got["initiator"] == published["keyprov"][message["initiator"]]["UserID"]
    done = run(*words, stdin=text, cwd=tmp_path)  # the message is old
    assert (done.returncode, done.stdout) == (3, b"")
