"""Keys over the wire: the real programs, with key sets of the site's KMS and no PCK, GMK or CSK to
start with. Profile sections 6 and 7; "control" is the group's manager."""
import json
import os
import shutil
import subprocess

import pytest
from throwaway import Site

GROUP = "sip:rescue-1@iops.example"


def uri(user):
    return f"sip:{user}@iops.example"


@pytest.fixture(scope="module")
def keyed():
    s = KeyedSite(kms=True)
    try:
        yield s.start_kms().start()
        assert s.stop() == 0, s.logged()[-2000:]
    finally:
        s.stop_kms()
        s.remove()


@pytest.fixture(autouse=True)
def first_day(keyed):
    """Nobody has a key but his key set."""
    for user in ("alice", "bob", "carol", "control"):
        keyed.keys(user).unlink(missing_ok=True)


class KeyedSite(Site):
    def run(self, *words, code=0):
        done = self.mcrelay(*words)
        assert done.returncode == code, (words, done.stdout, done.stderr)
        return done

    def kek(self, user):
        return self.dir / f"keys/{user}.kek"

    def keys(self, user):
        return self.dir / f"keys/{user}.keys"

    def held(self, user, role):
        """The IDs of the keys of this role in a user's file."""
        if not self.keys(user).exists():
            return []
        rows = json.loads(self.run("key", "list", "--file", self.keys(user), "--kek", self.kek(user),
                                   "--json").stdout)
        return sorted(row["id"] for row in rows if row["role"] == role)

    def rekey(self, user, *words):
        return self.mcrelay("group", "rekey", *self.as_user(user), "--group", GROUP, *words)


def texts(process):
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return [event["text"] for event in map(json.loads, out.splitlines()) if event["event"] == "message"]


def wait_for(process, event):
    """The next event of this kind that a receiver tells."""
    for line in process.stdout:
        told = json.loads(line)
        if told["event"] == event:
            return told
    raise AssertionError(f"no {event}: " + process.stderr.read())


def test_pair_is_keyed_and_stays_so(keyed):
    bob = keyed.recv("bob", "--json", "--count", "1")
    assert keyed.send("alice", "--to", uri("bob"), "one").returncode == 0
    assert texts(bob) == ["one"]
    pck = keyed.held("alice", "pck")
    assert len(pck) == 1 and keyed.held("bob", "pck") == pck
    # both start again: the keys are in the files, no I_MESSAGE is needed
    bob = keyed.recv("bob", "--json", "--count", "1")
    assert keyed.send("alice", "--to", uri("bob"), "two").returncode == 0
    assert texts(bob) == ["two"]
    alice = keyed.recv("alice", "--json", "--count", "1")
    assert keyed.send("bob", "--to", uri("alice"), "three").returncode == 0
    assert texts(alice) == ["three"]
    assert keyed.held("alice", "pck") == keyed.held("bob", "pck") == pck


def test_key_that_nobody_got_is_dropped(keyed):
    sent = keyed.send("alice", "--to", uri("bob"), "anybody?")
    assert sent.returncode == 3 and "413" in sent.stderr
    assert keyed.held("alice", "pck") == []


def test_running_receiver_sees_what_send_added(keyed):
    """Two programs of one user share the key file."""
    alice = keyed.recv("alice", "--json", "--count", "1")
    bob = keyed.recv("bob", "--json", "--count", "1")
    assert keyed.send("alice", "--to", uri("bob"), "under a key that my receiver has not met").returncode == 0
    assert len(texts(bob)) == 1
    assert keyed.send("bob", "--to", uri("alice"), "back").returncode == 0
    assert texts(alice) == ["back"]
    assert len(keyed.held("alice", "pck")) == 1


def test_lost_key_file_is_healed_by_the_peer(keyed):
    bob = keyed.recv("bob", "--json", "--count", "1")
    assert keyed.send("alice", "--to", uri("bob"), "before").returncode == 0
    assert texts(bob) == ["before"]
    old = keyed.held("alice", "pck")
    keyed.keys("bob").unlink()
    bob = keyed.recv("bob", "--json", "--count", "1")
    alice = keyed.recv("alice", "--json")
    assert keyed.send("alice", "--to", uri("bob"), "not readable").returncode == 0
    assert wait_for(bob, "lost")["from"] == uri("alice")
    told = wait_for(alice, "keyed")
    assert told["role"] == "pck" and told["id"] not in old
    assert keyed.send("alice", "--to", uri("bob"), "after").returncode == 0
    assert texts(bob) == ["after"]
    alice.terminate()
    alice.communicate(timeout=20)
    assert keyed.held("bob", "pck") == [told["id"]]


def test_group_is_keyed_by_its_manager(keyed):
    members = keyed.dir / "groups/rescue-1.yaml"
    assert keyed.rekey("control", "--member", uri("bob")).returncode == 3  # there is no GMK yet
    alice = keyed.recv("alice", "--json")
    bob = keyed.recv("bob", "--json", "--count", "1")
    partly = keyed.rekey("control", "--members", members)
    assert partly.returncode == 3, partly.stderr
    assert f"reached: {uri('bob')}" in partly.stdout
    assert f"missed: {uri('carol')}: absent" in partly.stdout
    gmk = keyed.held("control", "gmk")
    assert len(gmk) == 1 and keyed.held("alice", "gmk") == keyed.held("bob", "gmk") == gmk

    carol = keyed.recv("carol", "--json", "--count", "1")
    again = keyed.rekey("control", "--member", uri("carol"), "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["event"] == "reached"
    assert keyed.held("control", "gmk") == gmk and keyed.held("carol", "gmk") == gmk
    assert keyed.send("alice", "--group", GROUP, "to all").returncode == 0
    assert texts(bob) == ["to all"] and texts(carol) == ["to all"]

    # Carol loses her file; she knows whom to ask, and gets the key that the group has
    keyed.keys("carol").unlink()
    carol = keyed.recv("carol", "--json", "--count", "1")
    bob = keyed.recv("bob", "--json", "--count", "1")
    assert keyed.send("alice", "--group", GROUP, "lost for one").returncode == 0
    assert "group rekey --member" in wait_for(carol, "lost")["reason"]
    assert texts(bob) == ["lost for one"]
    assert keyed.rekey("control", "--member", uri("carol")).returncode == 0
    assert keyed.send("alice", "--group", GROUP, "all again").returncode == 0
    assert texts(carol) == ["all again"]
    assert keyed.held("carol", "gmk") == gmk
    # a fresh one takes its place; the one before stays for what is on its way
    bob, carol = keyed.recv("bob", "--json", "--count", "1"), keyed.recv("carol", "--json", "--count", "1")
    assert keyed.rekey("control", "--members", members, "--ttl", "3600").returncode == 0
    assert keyed.send("alice", "--group", GROUP, "under the new one").returncode == 0
    assert texts(bob) == texts(carol) == ["under the new one"]
    assert len(keyed.held("carol", "gmk")) == 2
    alice.terminate()
    alice.communicate(timeout=20)


def test_stranger_keys_no_group(keyed):
    bob = keyed.recv("bob", "--json", "--timeout", "6")
    done = keyed.rekey("alice", "--member", uri("bob"), "--new")
    assert done.returncode == 0, done.stderr  # delivered; taken it is not
    _, err = bob.communicate(timeout=30)
    assert "no group manager" in err
    assert keyed.held("bob", "gmk") == []


def test_erase(keyed, tmp_path):
    bob = keyed.recv("bob", "--json", "--count", "1")
    assert keyed.send("alice", "--to", uri("bob"), "one").returncode == 0
    texts(bob)
    file, kek, keyset = keyed.keys("bob"), tmp_path / "kek", tmp_path / "keyset"
    shutil.copy(keyed.kek("bob"), kek)
    shutil.copy(keyed.dir / "keys/bob.keyset", keyset)
    before = file.read_bytes()
    inode = os.open(file, os.O_RDONLY)
    done = keyed.run("key", "erase", "--file", file, "--kek", kek, "--role", "pck")
    assert done.stdout == "1 key erased\n"
    assert os.pread(inode, len(before), 0) == bytes(len(before))  # the old octets are gone
    os.close(inode)
    assert keyed.held("bob", "pck") == []
    keyed.run("key", "erase", "--file", file, "--kek", kek, "--role", "pck", code=3)
    keyed.run("key", "erase", "--file", file, "--kek", kek, code=2)
    opened = [os.open(path, os.O_RDONLY) for path in (kek, file, keyset)]
    keyed.run("key", "erase", "--all", "--kek", kek, "--file", file, "--keyset", keyset)
    for fd in opened:
        octets = os.pread(fd, 1 << 20, 0)
        assert len(octets) >= 32 and octets == bytes(len(octets))
        os.close(fd)
    assert not kek.exists() and not file.exists() and not (keyset).exists()


def test_key_sets_of_two_kmss(keyed):
    """A user of two KMSs has four key sets: the secure heap has room for all of them."""
    head = '<Kms{} xmlns="urn:3gpp:ns:mcsecKMSInterface:1.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    certs, sets = head.format("CertCache"), head.format("KeyProv")
    for kms in ("north", "south"):
        keyed.run("kms", "init", "--dir", keyed.dir / kms, "--uri", f"{kms}.example", "--domain", f"{kms}.example")
        issued = keyed.run("kms", "issue", "--dir", keyed.dir / kms, uri("alice")).stdout
        sets += issued[issued.index("<KmsKeySet"):issued.index("</KmsKeyProv>")]
        certs += (keyed.dir / kms / "CERT.xml").read_text().split("?>")[1]
    (keyed.dir / "two-certs.xml").write_text(certs + "</KmsCertCache>")
    (keyed.dir / "two-sets.xml").write_text(sets + "</KmsKeyProv>")
    (keyed.dir / "two-sets.xml").chmod(0o600)
    fetched = keyed.run("key", "fetch", "--kms-file", keyed.dir / "two-certs.xml", "--keyset-file",
                        keyed.dir / "two-sets.xml", "--keyset", keyed.dir / "two.set", "--kek", keyed.kek("alice"),
                        "--json")
    assert json.loads(fetched.stdout)["sets"] == 4
    words = [str(word) for word in keyed.as_user("alice")]
    words[words.index("--keyset") + 1] = str(keyed.dir / "two.set")
    at = words.index("--mdsi")
    del words[at:at + 2]  # neither KMS serves the relay
    done = keyed.mcrelay("recv", *words, "--timeout", "1")
    assert done.returncode == 0, done.stderr
