"""Images of running processes, searched: the relay never holds a PCK, a GMK, a user's key set or a text."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from throwaway import Site

GROUP = "sip:rescue-1@iops.example"


def opened(path, kek, magic):
    """What a sealed file holds (dpp/keys/keyfile.h)."""
    octets = path.read_bytes()
    assert octets[:8] == magic
    return AESGCM(kek.read_bytes()).decrypt(octets[12:24], octets[24:], octets[:24])


def keys_of(site, user):
    """Key ID -> key octets."""
    plain = opened(site.dir / f"keys/{user}.keys", site.dir / f"keys/{user}.kek", b"MCDATAKF")
    keys, at = {}, 0
    while at < len(plain):
        n, owner, peer = plain[at + 20:at + 23]
        keys[plain[at:at + 4].hex()] = plain[at + 23:at + 23 + n]
        at += 23 + n + owner + peer
    return keys


def secrets_of(site, user):
    """RSK, SSK and PVT of every key set, as octets."""
    text = opened(site.dir / f"keys/{user}.keyset", site.dir / f"keys/{user}.kek", b"MCDATAKS")
    found = re.findall(rb"<User(?:DecryptKey|SigningKeySSK)[^>]*>\s*([0-9A-Fa-f]{64,})\s*<", text)
    assert len(found) >= 2
    return [bytes.fromhex(x.decode()) for x in found]


def image(site, pid):
    """All memory of a process, what it keeps out of core images included."""
    size = int(re.search(r"VmSize:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text())[1])
    if size > 64 * 1024 * 1024:
        pytest.skip("built with a sanitizer, whose shadow memory fills any disk")
    taken = site.dir / "image"
    subprocess.run(["gdb", "-batch", "-nx", "-p", str(pid), "-ex", "set dump-excluded-mappings on", "-ex",
                    "set use-coredump-filter off", "-ex", f"gcore {taken}"],
                   check=True, capture_output=True, timeout=120)
    octets = taken.read_bytes()
    taken.unlink()
    return octets


def words_of(octets):
    """The ways a number can lie in memory: as sent, and as words of a machine, least first."""
    return octets, octets[::-1]


@pytest.mark.skipif(shutil.which("gdb") is None, reason="gdb is not there")
def test_the_relay_holds_no_key_and_no_text_of_users():
    site = Site(kms=True)
    try:
        site.start_kms().start()
        receivers = [site.recv(user) for user in ("alice", "bob", "carol")]
        rekey = site.mcrelay("group", "rekey", *site.as_user("control"), "--group", GROUP, "--members",
                             site.dir / "groups/rescue-1.yaml")
        assert rekey.returncode == 0, rekey.stderr
        canary = "CANARY-" + os.urandom(12).hex()
        assert site.send("alice", "--to", "sip:bob@iops.example", canary).returncode == 0
        assert site.send("alice", "--group", GROUP, canary + " all").returncode == 0
        bob = receivers[1]
        for line in bob.stdout:
            if canary + " all" in line:
                break
        keys = keys_of(site, "bob")
        assert {key_id[0] for key_id in keys} == {"0", "1"}  # a GMK and a PCK
        secrets = [octets[-32:] for octets in secrets_of(site, "bob")]
        client = image(site, bob.pid)
        for octets in keys.values():
            assert octets in client, "the search does not find what must be there"
        for receiver in receivers:
            receiver.terminate()
            receiver.wait(20)
        relay = image(site, site.process.pid)
        assert GROUP.encode() in relay, "the search does not find what must be there"
        assert canary.encode() not in relay
        assert not [key_id for key_id, octets in keys.items() if octets in relay]
        assert not [i for i, octets in enumerate(secrets) for form in words_of(octets) if form in relay]
        erased = site.mcrelay("key", "erase", "--all", "--file", site.dir / "keys/bob.keys", "--keyset",
                              site.dir / "keys/bob.keyset", "--kek", site.dir / "keys/bob.kek")
        assert erased.returncode == 0, erased.stderr
        assert not [name for name in ("kek", "keys", "keyset") if (site.dir / f"keys/bob.{name}").exists()]
    finally:
        site.stop()
        site.stop_kms()
        site.remove()
