"""mcrelay token as the keeper of an isolated site uses it: its tokens are checked here without it."""
import base64
import json
import stat
import subprocess
import time

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from throwaway import BUILD, b64

ALICE, ISS = "sip:alice@iops.example", "https://idms.iops.example"


def token(*words, stdin=""):
    return subprocess.run([BUILD / "mcrelay", "token", *words], input=stdin, capture_output=True,
                          text=True, timeout=60)


@pytest.fixture
def pair(tmp_path):
    words = ["--out-key", tmp_path / "k.pem", "--out-jwks", tmp_path / "k.json"]
    done = token("keygen", *words, "--kid", "k1")
    assert done.returncode == 0, done.stderr
    return tmp_path / "k.pem", tmp_path / "k.json"


def issue(pair, *words):
    done = token("issue", "--key", pair[0], "--kid", "k1", "--iss", ISS, "--client-id", "demo", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def judge(pair, text, *words):
    return token("inspect", "--jwks", pair[1], "--iss", ISS, "--json", *words, stdin=text)


def octets(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_keygen_makes_a_pair_and_never_over_one(pair):
    key, jwks = pair
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    row, = json.loads(jwks.read_text())["keys"]
    numbers = serialization.load_pem_private_key(key.read_bytes(), None).public_key().public_numbers()
    assert (row["kty"], row["crv"], row["kid"]) == ("EC", "P-256", "k1") and "d" not in row
    assert octets(row["x"]) == numbers.x.to_bytes(32, "big")
    assert octets(row["y"]) == numbers.y.to_bytes(32, "big")
    before = key.read_bytes(), jwks.read_bytes()
    again = token("keygen", "--out-key", key, "--out-jwks", jwks.with_name("new.json"))
    assert again.returncode == 1 and "File exists" in again.stderr
    assert not jwks.with_name("new.json").exists()
    again = token("keygen", "--out-key", key.with_name("new.pem"), "--out-jwks", jwks)
    assert again.returncode == 1 and not key.with_name("new.pem").exists()
    assert (key.read_bytes(), jwks.read_bytes()) == before


def test_issue_signs_what_it_says(pair):
    now = int(time.time())
    text = issue(pair, "--mcdata-id", ALICE, "--ttl", "60", "--aud", "mcrelay", "--claim", 'x=[1,"2"]',
                 "--claim", 'client_id="other"')
    head, body, signature = text.split(".")
    assert json.loads(octets(head)) == {"typ": "at+jwt", "alg": "ES256", "kid": "k1"}
    claims = json.loads(octets(body))
    assert now <= claims.pop("iat") <= now + 5 and now + 60 <= claims.pop("exp") <= now + 65
    assert claims == {"iss": ISS, "aud": "mcrelay", "scope": "3gpp:mc:data_service",
                      "client_id": "other", "mcdata_id": ALICE, "x": [1, "2"]}
    raw = octets(signature)
    public = serialization.load_pem_private_key(pair[0].read_bytes(), None).public_key()
    der = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    public.verify(der, f"{head}.{body}".encode(), ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        public.verify(der, f"{head}.{body}x".encode(), ec.ECDSA(hashes.SHA256()))


def test_inspect_judges_as_the_relay_does(pair):
    good = issue(pair, "--mcdata-id", ALICE)
    head, body, signature = good.split(".")
    iops = ("--iops-domain", "iops.example")
    assert judge(pair, good, *iops).returncode == 0
    assert json.loads(judge(pair, good, *iops).stdout)["accepted"] is True
    eve = b64(octets(body).replace(b"alice", b"alicf"))
    late = str(int(time.time()) + 3600 + 31)
    for text, words in [(f"{head}.{eve}.{signature}", iops), (good, ("--iops-domain", "other.example")),
                        (good, ("--now", late)), (good, ("--aud", "mcrelay")),
                        (good, ("--scope", "3gpp:mc:data_key_management_service")),
                        (good, (*iops, "--revoked", ALICE)), (issue(pair), iops)]:
        done = judge(pair, text, *words)
        assert done.returncode == 3, (words, done.stdout, done.stderr)
        assert json.loads(done.stdout)["accepted"] is False
    assert judge(pair, good, "--now", late, "--skew", "60").returncode == 0


@pytest.mark.parametrize("words,code", [([], 2), (["make"], 2), (["issue"], 2), (["keygen"], 2),
                                        (["inspect", "/nonexistent"], 1)],
                         ids=["nothing", "unknown", "issue", "keygen", "no-file"])
def test_what_makes_no_sense(words, code):
    done = token(*words)
    assert done.returncode == code and "mcrelay token" in done.stderr and not done.stdout, done


def test_what_is_no_token():
    for text in ("", "a.b", "a.b.c", "{}"):
        done = token("inspect", stdin=text)
        assert done.returncode == 3 and "; the relay answers 401" in done.stdout, text
