"""mcrelay key and mcrelay selftest as a user runs them: exit codes, output, what is on disk."""
import json
import os
import stat
import subprocess

import pytest
from throwaway import BUILD, ROOT

MCRELAY = BUILD / "mcrelay"
SECRET = "00112233445566778899aabbccddeeff"
ALICE, BOB, TEAM = "sip:alice@iops.example", "sip:bob@iops.example", "sip:team@iops.example"


def mcrelay(*words, stdin=""):
    return subprocess.run([MCRELAY, *words], input=stdin, capture_output=True, text=True, timeout=60)


class Files:
    def __init__(self, path):
        self.path = path

    def pair(self, who):
        return ["--file", self.path / f"{who}.keys", "--kek", self.path / f"{who}.kek"]

    def list(self, who):
        done = mcrelay("key", "list", "--json", *self.pair(who))
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def files(tmp_path):
    f = Files(tmp_path)
    for who in ("alice", "bob"):
        assert mcrelay("key", "make-kek", "--kek", tmp_path / f"{who}.kek").returncode == 0
    return f


def test_one_key_in_two_files(files):
    done = mcrelay("key", "make", "--role", "pck", "--user", ALICE, "--peer", BOB,
                   *files.pair("alice"), *files.pair("bob"))
    assert done.returncode == 0, done.stderr
    key_id = done.stdout.strip()
    assert len(key_id) == 8 and key_id[0] == "1"  # purpose tag of a PCK
    for who in ("alice", "bob"):
        (row,) = files.list(who)
        assert (row["id"], row["role"], row["owner"], row["peer"]) == (key_id, "pck", ALICE, BOB)
        assert row["octets"] == 16 and row["valid"] is True
    for name in os.listdir(files.path):
        assert stat.S_IMODE(os.stat(files.path / name).st_mode) == 0o600, name


def test_import_keeps_the_secret_to_itself(files):
    done = mcrelay("key", "import", "--role", "csk", "--id", "2abcdef0", "--user", ALICE, "--ttl", "60",
                   *files.pair("alice"), stdin=SECRET + "\n")
    assert (done.returncode, done.stdout) == (0, "2abcdef0\n"), done.stderr
    done = mcrelay("key", "export", "--id", "2abcdef0", *files.pair("alice"),
                   "--to", files.path / "bob.keys", "--to-kek", files.path / "bob.kek")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert files.list("bob") == files.list("alice")
    shown = mcrelay("key", "list", *files.pair("bob"))
    assert "2abcdef0" in shown.stdout and SECRET not in shown.stdout + shown.stderr
    for name in os.listdir(files.path):
        assert bytes.fromhex(SECRET) not in (files.path / name).read_bytes()
    assert mcrelay("key", "remove", "--id", "2abcdef0", *files.pair("bob")).returncode == 0
    assert files.list("bob") == []
    assert mcrelay("key", "remove", "--id", "2abcdef0", *files.pair("bob")).returncode == 1


@pytest.mark.parametrize("words, code", [
    ([], 2),
    (["frob"], 2),
    (["make"], 2),
    (["make", "--role", "spk", "--user", ALICE], 2),
    (["make", "--role", "pck", "--user", ALICE], 2),
    (["make", "--role", "gmk", "--user", ALICE, "--peer", BOB], 2),
    (["make", "--role", "csk", "--user", "alice"], 2),
    (["make", "--role", "csk", "--user", ALICE, "--id", "20000001"], 2),
    (["make", "--role", "csk", "--user", ALICE, "--ttl", "soon"], 2),
    (["import", "--role", "csk", "--user", ALICE, "--id", "1abcdef0"], 2),
    (["list", "--nonsense"], 2),
    (["list"], 1),
])
def test_what_makes_no_sense(files, words, code):
    done = mcrelay("key", *words, *(files.pair("alice") if words else []), stdin=SECRET)
    assert done.returncode == code, done.stderr
    assert done.stdout == "" and "mcrelay key: " in done.stderr
    assert not (files.path / "alice.keys").exists()


@pytest.mark.parametrize("text", ["", "00", SECRET[:-1], SECRET + "0", SECRET[:-1] + "g", SECRET * 3])
def test_import_reads_hex_only(files, text):
    done = mcrelay("key", "import", "--role", "gmk", "--user", ALICE, "--group", TEAM,
                   *files.pair("alice"), stdin=text)
    assert done.returncode == 2
    assert not (files.path / "alice.keys").exists()


def test_refused(files):
    assert mcrelay("key", "make", "--role", "gmk", "--user", ALICE, "--group", TEAM,
                   *files.pair("alice")).returncode == 0
    keys, kek = files.path / "alice.keys", files.path / "alice.kek"
    other = files.path / "bob.kek"
    assert mcrelay("key", "list", "--file", keys, "--kek", other).returncode == 3  # wrong KEK
    for path in (keys, kek):
        path.chmod(0o640)
        done = mcrelay("key", "list", *files.pair("alice"))
        assert done.returncode == 3 and "chmod 600" in done.stderr
        path.chmod(0o600)
    octets = bytearray(keys.read_bytes())
    octets[-1] ^= 1
    keys.write_bytes(octets)
    assert mcrelay("key", "list", *files.pair("alice")).returncode == 3
    assert mcrelay("key", "make-kek", "--kek", kek).returncode == 1  # never replaced


def test_selftest():
    done = mcrelay("selftest", "--json")
    rows = json.loads(done.stdout)
    assert done.returncode == 0
    assert all(row["name"] and row["source"] for row in rows)
    results = [row["result"] for row in rows]
    assert results.count("PASS") >= 39 and "FAIL" not in results
    named = {row["name"] for row in rows}
    vectors = json.loads((ROOT / "tests/vectors/rfc.json").read_text())
    assert {v["name"] for v in vectors} <= named


def test_selftest_fails_on_a_wrong_value(tmp_path):
    vectors = json.loads((ROOT / "tests/vectors/rfc.json").read_text())
    for name in ("eccsi.HS", "sakke.r", "sakke.H", "jws.A3.es256.x"):
        changed = [dict(v) for v in vectors]
        for v in changed:
            if v["name"] == name:
                v["hex"] = ("0" if v["hex"][0] != "0" else "1") + v["hex"][1:]
        path = tmp_path / "rfc.json"
        path.write_text(json.dumps(changed))
        done = mcrelay("selftest", "--vectors", path)
        assert done.returncode == 1 and "FAIL" in done.stdout, name


@pytest.mark.parametrize("command", ["key", "selftest"])
def test_help(command):
    done = mcrelay(command, "--help")
    assert done.returncode == 0 and "example: mcrelay " in done.stdout and done.stderr == ""
