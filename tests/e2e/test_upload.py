"""CSK uploads to a real daemon, and the keys with which it opens them: loaded, fetched, rolled over."""
import json
import os
import pathlib
import re
import subprocess
import time

import pytest

from test_kms import HOST, SCOPE, Kms
from throwaway import BUILD, Peer, Site

ALICE, BOB, RELAY = (f"sip:{name}@iops.example" for name in ("alice", "bob", "relay"))
KEY = "c5c5c5a1b2c3d4e5f60718293a4b5c5c"  # no other octets of the process look like this


def run(site, *words, stdin=b"", code=0):
    done = subprocess.run([BUILD / "mcrelay", *map(str, words)], input=stdin, capture_output=True, timeout=60,
                          cwd=site.dir)
    assert done.returncode == code, done
    return done.stdout


def issue(site, user, name):
    """The key sets of a user, of now: plain, for mikey make."""
    out = site.dir / f"{name}.xml"
    out.unlink(missing_ok=True)
    run(site, "kms", "issue", "--dir", "kms", user, "--out", out)


def seal(site, user, out):
    """The same sealed, as the daemon reads them; replaced in one step."""
    run(site, "kms", "issue", "--dir", "kms", user, "--out", f"{out}.new", "--seal-kek", "keys/relay.kek")
    (site.dir / f"{out}.new").rename(site.dir / out)


def make(site, who, to=RELAY, kind="csk", *more, key=b""):
    return run(site, "mikey", "make", "--kms", "kms/CERT.xml", "--keys", f"{who}.xml", "--to", to, "--type",
               kind, *more, stdin=key)


def connect(site, user):
    peer = Peer(site)
    assert peer.auth(site.token(mcdata_id=user))[0][2] == "200"
    return peer


def upload(peer, message, chunks=1):
    """Says it in so many chunks: the codes of the answers."""
    name, step, codes = os.urandom(8).hex(), -(-len(message) // chunks), []
    for at in range(0, len(message), step):
        part = message[at:at + step]
        last = at + step >= len(message)
        peer.request("SEND", [("Message-ID", name), ("Byte-Range", f"{at + 1}-{at + len(part)}/{len(message)}"),
                              ("Content-Type", "application/mikey")], part, flag="$" if last else "+",
                     to=f"{peer.use_path} {peer.service}")
        codes.append(peer.frame()[0][2])
    return codes


def plain_sds(peer):
    """An SDS whose signalling is not protected: the code of its answer."""
    info = ('<mcdatainfo xmlns="urn:3gpp:ns:mcdataInfo:1.0"><mcdata-Params><request-type>one-to-one-sds'
            "</request-type><mcdata-request-uri type=\"Normal\"><mcdataURI>sip:dave@iops.example</mcdataURI>"
            "</mcdata-request-uri></mcdata-Params></mcdatainfo>")
    signalling = b"\x01\x00" + int(time.time()).to_bytes(4, "big") + os.urandom(32)
    frame = b"\x43\x00" + bytes(4) + bytes(4) + bytes(2) + bytes(16) + b"\x10\0\0\x01" + bytes(1)
    body = (b"--bnd\r\nContent-Type: application/vnd.3gpp.mcdata-info+xml\r\n\r\n" + info.encode() +
            b"\r\n--bnd\r\nContent-Type: application/vnd.3gpp.mcdata-signalling\r\n\r\n" + signalling +
            b"\r\n--bnd\r\nContent-Type: application/vnd.3gpp.mcdata-payload\r\n\r\n" + frame +
            b"\r\n--bnd--")
    peer.request("SEND", [("Message-ID", os.urandom(8).hex()), ("Byte-Range", f"1-{len(body)}/{len(body)}"),
                          ("Content-Type", "multipart/mixed;boundary=bnd")], body,
                 to=f"{peer.use_path} {peer.service}")
    return peer.frame()[0][2]


def wait(site, what, seconds=20):
    """Until what() is true."""
    end = time.time() + seconds
    while not what():
        assert time.time() < end, site.logged()[-3000:]
        time.sleep(0.1)


def keys_in(pid, octets):
    """How often these octets stand in the memory of a process."""
    found = 0
    with open(f"/proc/{pid}/mem", "rb") as mem:
        for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
            m = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
            if not m or "[vvar" in line:
                continue
            begin, end = int(m[1], 16), int(m[2], 16)
            if end - begin > 1 << 30:
                continue  # the shadow of a sanitizer
            try:
                mem.seek(begin)
                found += mem.read(end - begin).count(octets)
            except OSError:
                continue
    return found


@pytest.fixture(scope="module")
def site():
    """A site whose relay has key sets of its own; nothing is provisioned for alice and bob."""
    s = Site()
    try:
        text = s.config.read_text()
        s.config.write_text(re.sub(r"csk:\n.*\n.*\n", "", text))
        run(s, "kms", "init", "--dir", "kms", "--uri", HOST)
        seal(s, RELAY, "relay.set")
        issue(s, ALICE, "alice")
        issue(s, BOB, "bob")
        s.start(f"mdsi: {RELAY}\nkeyset: {{file: {s.dir}/relay.set, kek: {s.dir}/keys/relay.kek}}\n")
        yield s
        assert s.stop() == 0, s.logged()[-2000:]
    finally:
        s.remove()


def refused(site, reason):
    """Waits until this is the reason of the last refusal: an answer may be there before its log line."""
    wait(site, lambda: json.loads(next(line for line in reversed(site.logged().splitlines())
                                       if '"REFUSED"' in line))["reason"] == reason)


def test_check(site):
    done = site.mcrelay("check", "--config", site.config)
    assert (done.returncode, done.stderr) == (0, "")
    assert site.metric("mcrelay_keyset_periods") == 2
    assert site.metric("mcrelay_keyset_seconds_left") > 2592000


@pytest.mark.parametrize("chunks", [1, 3])
def test_good(site, chunks):
    peer = connect(site, ALICE)
    before = site.metric("mcrelay_csk_uploads_total")
    assert plain_sds(peer) != "403"  # dave is absent, and that is all
    assert upload(peer, make(site, "alice"), chunks) == ["200"] * chunks
    assert site.metric("mcrelay_csk_uploads_total") == before + 1
    assert site.metric("mcrelay_csk_uploads_waiting") == 0
    assert plain_sds(peer) == "403"  # from now on it must be protected
    refused(site, "sds_signal_plain")
    assert upload(peer, make(site, "alice")) == ["200"]  # replaced
    peer.close()


def test_refusals(site):
    message = make(site, "alice")
    cases = [
        (message[:-1] + bytes([message[-1] ^ 1]), "dpp_mikey_sign"),
        (make(site, "bob"), "dpp_mikey_initiator"),
        (make(site, "alice", BOB), "dpp_mikey_responder"),
        (make(site, "alice", RELAY, "pck"), "dpp_mikey_tag"),
        (b"nonsense", "dpp_mikey_form"),
    ]
    peer = connect(site, ALICE)
    answers = set()
    for octets, reason in cases:
        assert upload(peer, octets) == ["403"], reason
        refused(site, reason)
        assert site.metric(f'mcrelay_refused_total{{reason="{reason}"') >= 1
        assert plain_sds(peer) != "403"  # nothing stored
    assert upload(peer, bytes(8193)) == ["413"]
    assert upload(peer, message) == ["200"]
    assert upload(peer, message) == ["403"]
    refused(site, "dpp_mikey_replay")
    other = connect(site, ALICE)
    assert upload(other, message) == ["403"]
    for p in (peer, other):
        p.close()


def test_a_key_is_gone_with_its_connection(site):
    octets = bytes.fromhex(KEY)
    peer = connect(site, ALICE)
    assert keys_in(site.process.pid, octets) == 0
    assert upload(peer, make(site, "alice", key=KEY.encode())) == ["200"]
    assert keys_in(site.process.pid, octets) == 1  # in the secure heap and nowhere else
    peer.close()
    wait(site, lambda: site.metric("mcrelay_connections ") == 0)
    assert keys_in(site.process.pid, octets) == 0


def test_a_new_file_is_taken_and_a_wrong_one_is_not(site):
    done = site.metric('mcrelay_keyset_renewals_total{result="done"')
    failed = site.metric('mcrelay_keyset_renewals_total{result="failed"')
    seal(site, RELAY, "relay.set")
    wait(site, lambda: site.metric('mcrelay_keyset_renewals_total{result="done"') == done + 1)
    seal(site, ALICE, "relay.set")  # of another user
    wait(site, lambda: site.metric('mcrelay_keyset_renewals_total{result="failed"') == failed + 1)
    assert "the relay's keys stay as they were" in site.logged()
    peer = connect(site, ALICE)
    assert upload(peer, make(site, "alice")) == ["200"]  # the old ones are in force
    peer.close()
    told = site.mcrelay("check", "--config", site.config)
    assert told.returncode == 1 and "it holds keys of another user than mdsi" in told.stderr
    assert subprocess.run([BUILD / "mcrelayd", "--config", site.config], capture_output=True,
                          timeout=60).returncode == 1
    (site.dir / "relay.set").write_bytes(b"nonsense")
    wait(site, lambda: site.metric('mcrelay_keyset_renewals_total{result="failed"') == failed + 2)
    seal(site, RELAY, "relay.set")
    wait(site, lambda: site.metric('mcrelay_keyset_renewals_total{result="done"') == done + 2)


PERIOD = 15


def test_roll_over():
    """Key periods of 15 s: fetched at the start, rolled over twice, kept when the KMS is gone, over when
    they are over; and the daemon is the same process all the time."""
    kms = Kms("--period", str(PERIOD))
    site = kms.site
    try:
        text = site.config.read_text()
        site.config.write_text(re.sub(r"csk:\n.*\n.*\n", "", text))
        (site.dir / "relay.jwt").write_text(kms.token(RELAY) + "\n")
        extra = (f"mdsi: {RELAY}\nkeyset: {{file: {site.dir}/relay.set, kek: {site.dir}/keys/relay.kek}}\n"
                 f"kms: {{url: \"https://{HOST}:{kms.port}\", connect: \"127.0.0.1:{kms.port}\", "
                 f"ca: {site.dir}/ca.pem, token: {site.dir}/relay.jwt}}\n")
        site.start(extra)
        pid = site.process.pid
        wait(site, lambda: site.metric("mcrelay_keyset_periods") == 2)
        assert (site.dir / "relay.set").stat().st_mode & 0o777 == 0o600

        def upload_one():
            issue(site, ALICE, "alice")
            peer = connect(site, ALICE)
            code = upload(peer, make(site, "alice"))
            peer.close()
            return code

        end, uploads = time.time() + 3 * PERIOD, 0
        while time.time() < end:
            assert upload_one() == ["200"], site.logged()[-3000:]
            uploads += 1
            time.sleep(1)
        renewals = site.metric('mcrelay_keyset_renewals_total{result="done"')
        assert renewals >= 2 and uploads > 5

        wait(site, lambda: site.metric("mcrelay_keyset_seconds_left") > PERIOD // 2, 2 * PERIOD)
        assert kms.stop() == 0
        wait(site, lambda: site.metric('mcrelay_keyset_renewals_total{result="failed"') > 0, 3 * PERIOD)
        assert site.metric("mcrelay_keyset_periods") == 2
        assert "the relay's keys stay as they were" in site.logged()
        wait(site, lambda: site.metric("mcrelay_keyset_seconds_left") == 0, 3 * PERIOD)
        wait(site, lambda: "no key set for this key period" in site.logged())
        time.sleep(PERIOD / 10 + 1)  # the neighbour period is tolerated for so long
        assert upload_one() == ["403"]
        refused(site, "dpp_mikey_period")

        kms.start()  # and it is there again
        wait(site, lambda: site.metric("mcrelay_keyset_seconds_left") > 0, 2 * PERIOD)
        assert upload_one() == ["200"]
        assert site.process.pid == pid and site.process.poll() is None
        assert site.stop() == 0, site.logged()[-3000:]
        done = site.mcrelay("check", "--config", site.config)
        assert done.returncode == 0  # what was fetched is on disk
    finally:
        kms.remove()
