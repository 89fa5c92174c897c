"""AUTH with Digest (RFC 4976) at a real daemon over TLS: challenge, proof, stale nonces, another hash,
guessing, reload, and through a second relay. The digests are computed here."""
import hashlib
import os
import re
import signal
import subprocess
import time

import pytest
from rows import row_passed
from standard import Endpoint, deliver
from test_endpoint import Recv, made, send, there_and_back
from throwaway import BUILD, Site, linked, until

REALM = "digest.example"
SETTINGS = """digest:
  users: {file}
  realm: digest.example
  nonce_time: {nonce_time}
"""


def row(user, password, realm=REALM, algorithm="MD5", mcdata_id=None):
    """A row for the users' file, as mcrelay makes it."""
    done = subprocess.run([BUILD / "mcrelay", "key", "digest", "--user", user, "--realm", realm,
                           "--algorithm", algorithm, "--mcdata-id", mcdata_id or f"sip:{user}@iops.example"],
                          input=password + "\n", capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def users(site, text):
    path = site.dir / "digest.yaml"
    path.touch(0o600)
    path.write_text(text)
    return path


def start(site, nonce_time="5m", more=""):
    path = users(site, row("alice", "secret") + row("carol", "strong", algorithm="SHA-256") +
                 "- user: bob\n  password: in clear\n  mcdata_id: sip:bob@iops.example\n")
    site.start(SETTINGS.format(file=path, nonce_time=nonce_time) + more)
    return site


@pytest.fixture
def site():
    s = Site()
    try:
        yield start(s)
        assert s.stop() == 0, s.logged()[-2000:]
    finally:
        s.remove()


class Client(Endpoint):
    """Sees every WWW-Authenticate, and answers the challenge it is told to."""

    def __init__(self, site):
        super().__init__(("127.0.0.1", site.port), f"msrps://{site.name}:{site.port};tcp",
                         ca=site.dir / "ca.pem")
        self.count = 0

    @property
    def path(self):
        """What stands in its SDP: the Use-Path from its end, then its own (rfc4976#5.1)."""
        return " ".join([*reversed(self.use_path.split(" ")), self.me])

    def answer(self):
        """Reads one response without a body: (code, [(name, value)])."""
        while True:
            end = re.search(rb"\r\n-------[^\r\n]*\$\r\n", self.held)
            if end:
                break
            more = self.socket.recv(65536)
            if not more:
                return None, []
            self.held += more
        text, self.held = self.held[:end.start()].decode(), self.held[end.end():]
        lines = text.split("\r\n")
        return int(lines[0].split(" ")[2]), [tuple(line.split(": ", 1)) for line in lines[1:]]

    def ask(self, to=None):
        """AUTH without credentials; the challenges by (scheme, algorithm)."""
        self.request("AUTH", [], to=to)
        code, headers = self.answer()
        assert code == 401
        return self.take(headers)

    def take(self, headers):
        self.challenges = {}
        for name, value in headers:
            if name == "WWW-Authenticate":
                scheme, _, rest = value.partition(" ")
                fields = dict(re.findall(r'(\w+)=("[^"]*"|[^",]*)', rest))
                self.challenges[scheme, fields.get("algorithm", "MD5")] = fields
        self.count = 0
        return self.challenges

    def log_in(self, user, password, algorithm="MD5", to=None, more=(), change=None, drop=()):
        """AUTH with credentials for the last challenge of that algorithm; (code, {name: value})."""
        def h(text):
            return (hashlib.md5 if algorithm == "MD5" else hashlib.sha256)(text.encode()).hexdigest()

        challenge = self.challenges["Digest", algorithm]
        realm, nonce = challenge["realm"].strip('"'), challenge["nonce"].strip('"')
        self.count += 1
        uri, cnonce, nc = (to or self.relay).split(" ")[-1], os.urandom(8).hex(), f"{self.count:08x}"
        ha1, tail = h(f"{user}:{realm}:{password}"), f"{nonce}:{nc}:{cnonce}:auth"
        fields = {"username": f'"{user}"', "realm": f'"{realm}"', "nonce": f'"{nonce}"', "qop": "auth",
                  "nc": nc, "cnonce": f'"{cnonce}"', "response": f'"{h(f"{ha1}:{tail}:" + h(f"AUTH:{uri}"))}"'}
        if algorithm != "MD5":
            fields["algorithm"] = algorithm
        fields.update(change or {})
        said = "Digest " + ", ".join(f"{k}={v}" for k, v in fields.items() if k not in drop)
        self.request("AUTH", [("Authorization", said), *more], to=to)
        code, headers = self.answer()
        if code == 200:
            info = dict(re.findall(r'(\w+)=("[^"]*"|[^",]*)', dict(headers)["Authentication-Info"]))
            # the relay knows the password as well
            assert info["rspauth"] == f'"{h(f"{ha1}:{tail}:" + h(f":{uri}"))}"'
            assert (info["cnonce"], info["nc"], info["qop"]) == (f'"{cnonce}"', nc, "auth")
            if "nextnonce" in info:
                self.challenges["Digest", algorithm]["nonce"] = info["nextnonce"]
                self.count = 0
            self.use_path = dict(headers)["Use-Path"]
        elif code == 401:
            self.headers = headers
        return code, dict(headers)

    def ping(self):
        self.request("SEND", [("Message-ID", os.urandom(8).hex())], to=self.use_path)
        return self.answer()[0]


def test_challenge_and_proof(site):
    alice, carol, bob = Client(site), Client(site), Client(site)
    challenges = alice.ask()
    assert list(challenges) == [("Bearer", "MD5"), ("Digest", "SHA-256"), ("Digest", "MD5")]
    for key, fields in challenges.items():
        if key[0] == "Digest":
            assert fields["qop"] == '"auth"' and fields["realm"] == f'"{REALM}"'
            assert fields["opaque"] and "domain" not in fields and "stale" not in fields
    code, headers = alice.log_in("alice", "secret")
    assert code == 200
    assert re.fullmatch(rf"msrps://{re.escape(site.name)}:{site.port}/[a-z0-9]{{26}};tcp", alice.use_path)
    assert headers["Expires"] == "3600" and alice.ping() == 200
    # again with the next count: the same session
    use_path = alice.use_path
    assert alice.log_in("alice", "secret")[0] == 200 and alice.use_path == use_path
    carol.ask()
    assert carol.log_in("carol", "strong", "SHA-256")[0] == 200 and carol.ping() == 200
    bob.ask()
    assert bob.log_in("bob", "in clear", change={"uri": f'"{bob.relay}"'})[0] == 200
    # they are clients like those with tokens
    token = Client(site)
    token.request("AUTH", [("Authorization", f"Bearer {site.token(mcdata_id='sip:dave@iops.example')}")])
    code, headers = token.answer()
    assert code == 200 and "Authentication-Info" not in dict(headers)
    token.use_path = dict(headers)["Use-Path"]
    for sender, receiver in ((alice, bob), (bob, alice), (carol, token), (token, alice)):
        deliver(sender, receiver, os.urandom(10_000), 2048)
    assert "user authorised" in site.logged() and "sip:carol@iops.example" in site.logged()
    row_passed("A1", "A5", "A6", "A8")


def test_what_is_refused(site):
    """Row 58 and bad credentials: always the same fresh challenge."""
    cases = [
        dict(change={"qop": "auth-int"}), dict(change={"algorithm": "MD5-sess"}), dict(drop=("cnonce",)),
        dict(drop=("nc",)), dict(drop=("qop",)), dict(change={"nc": "1"}), dict(change={"realm": '"other"'}),
        dict(change={"uri": '"msrps://other.example;tcp"'}), dict(change={"response": f'"{"0" * 32}"'}),
    ]
    nonces = set()
    for case in cases:
        client = Client(site)
        client.ask()
        code, _ = client.log_in("alice", "secret", **case)
        if code is None: # the fifth from this address within a minute
            break
        assert code == 401, case
        fields = client.take(client.headers)["Digest", "MD5"]
        assert "stale" not in fields and fields["nonce"] not in nonces
        nonces.add(fields["nonce"])
    assert len(nonces) == 4
    assert site.metric('mcrelay_refused_total{reason="auth_fails"') == 1
    row_passed("A3", "A15", "10.58")


def test_wrong_password_and_no_user_are_one_answer():
    site = Site()
    try:
        start(site, more="limits:\n  auth_fails: 1000\n")
        answers = []
        for user in ("alice", "nobody"):
            client = Client(site)
            client.ask()
            for _ in range(4):
                assert client.log_in(user, "guess")[0] == 401
                answers.append([(n, re.sub(r'nonce="[^"]*"', "", v)) for n, v in client.headers
                                if n != "To-Path"])
                client.take(client.headers)
        assert all(answer == answers[0] for answer in answers)
        # the fifth makes alice wait, not the others
        client = Client(site)
        client.ask()
        assert client.log_in("alice", "guess")[0] == 401
        client.take(client.headers)
        assert client.log_in("alice", "secret")[0] == 401
        other = Client(site)
        other.ask()
        assert other.log_in("bob", "in clear")[0] == 200

        def comes_in():
            client.ask()
            return client.log_in("alice", "secret")[0] == 200
        until(comes_in)
        assert site.metric('mcrelay_refused_total{reason="digest_wait"') >= 1
        assert site.stop() == 0
    finally:
        site.remove()
    row_passed("A16")


def test_stale_and_counts():
    site = Site()
    try:
        start(site, nonce_time="10s")
        alice = Client(site)
        old = alice.ask()["Digest", "MD5"]["nonce"]
        assert alice.log_in("alice", "secret")[0] == 200
        alice.count = 0
        assert alice.log_in("alice", "secret")[0] == 401 # that count was used
        assert "stale" not in alice.take(alice.headers)["Digest", "MD5"]
        time.sleep(10.5)
        alice.challenges["Digest", "MD5"]["nonce"] = old
        for count in range(6): # not one of these is a failure
            alice.count = 10 + count
            assert alice.log_in("alice", "secret")[0] == 401
            assert alice.headers[-1][1].endswith(", stale=true")
        assert alice.ping() == 200 # the session stands
        alice.take(alice.headers)
        assert alice.log_in("alice", "secret")[0] == 200
        time.sleep(8)
        assert "nextnonce" in alice.log_in("alice", "secret")[1]["Authentication-Info"]
        time.sleep(3)
        assert alice.log_in("alice", "secret")[0] == 200 # with the next nonce
        assert site.stop() == 0
    finally:
        site.remove()
    row_passed("A7")


@pytest.mark.parametrize("algorithm", ["SHA-256", "both"])
def test_the_programs_come_in_with_a_password(site, tmp_path, algorithm):
    """mcrelay recv --path and send --path, which choose what is offered first."""
    users(site, row("anna", "one", algorithm=algorithm) + row("ben", "two", algorithm="both") +
          (row("cleo", "three", algorithm="SHA-256") if algorithm == "both" else ""))
    site.process.send_signal(signal.SIGHUP)
    for name, password in (("anna", "one"), ("ben", "two"), ("wrong", "guess")):
        (tmp_path / name).write_text(password + "\n")
    way = ["--relay", f"msrps://{site.name}:{site.port}", "--connect", f"127.0.0.1:{site.port}",
           "--ca", site.dir / "ca.pem", "--digest"]
    recv = Recv(*way, "ben", "--password-file", tmp_path / "ben", "--out", tmp_path / "out", "--count", "1")
    refused = send(recv.path, *way, "anna", "--password-file", tmp_path / "wrong", "x")
    assert refused.returncode == 3 and "401" in refused.stderr
    plan = made(tmp_path, 200_000)
    there_and_back(tmp_path, recv, plan, *way, "anna", "--password-file", tmp_path / "anna")
    assert recv.end() == 0


def test_expires(site):
    alice = Client(site)
    alice.ask()
    code, headers = alice.log_in("alice", "secret", more=[("Expires", "1")])
    assert code == 423 and headers["Min-Expires"] == "60"
    code, headers = alice.log_in("alice", "secret", more=[("Expires", "999999")])
    assert code == 423 and headers["Max-Expires"] == "86400"
    code, headers = alice.log_in("alice", "secret", more=[("Expires", "120")])
    assert code == 200 and headers["Expires"] == "120"
    row_passed("A12")


def test_reload(site):
    """A changed file holds within a poll, a broken one is told and changes nothing."""
    alice, bob = Client(site), Client(site)
    for client, password in ((alice, "secret"), (bob, "in clear")):
        client.ask()
        assert client.log_in("alice" if client is alice else "bob", password)[0] == 200
    path = site.dir / "digest.yaml"
    right = path.read_text()
    path.write_text("- user: alice\n  ha1: nonsense\n  mcdata_id: sip:alice@iops.example\n")
    until(lambda: "Digest users stay as they were" in site.logged())
    assert f"{path}:1: alice: write a name" in site.logged()
    assert alice.ping() == 200
    path.write_text(right.replace(row("alice", "secret"), row("alice", "changed")))
    until(lambda: alice.ping() == 481)
    assert bob.ping() == 200
    alice.ask()
    assert alice.log_in("alice", "secret")[0] == 401
    alice.take(alice.headers)
    assert alice.log_in("alice", "changed")[0] == 200
    path.write_text(right)
    site.process.send_signal(signal.SIGHUP)
    until(lambda: alice.ping() == 481)
    # nothing secret was ever told
    log = site.logged()
    for secret in ("secret", "in clear", "changed", *re.findall(r'ha1: "(\w+)"', right)):
        assert secret not in log
    path.chmod(0o644)
    done = site.mcrelay("check", "--config", site.config)
    assert done.returncode == 1 and "everybody may read this secret; chmod 600 it" in done.stderr


def test_without_tokens():
    """A relay for standard clients: users with passwords, nobody with tokens."""
    site = Site()
    try:
        text = site.config.read_text()
        block = re.search(r"tokens:\n(?:[ -].*\n)+", text)[0]
        site.config.write_text(text.replace(block, ""))
        start(site)
        alice = Client(site)
        assert list(alice.ask()) == [("Digest", "SHA-256"), ("Digest", "MD5")]
        assert alice.log_in("alice", "secret")[0] == 200 and alice.ping() == 200
        site.stop()
        site.config.write_text(re.sub(r"digest:\n(?: .*\n)+", "", site.config.read_text()))
        done = site.mcrelay("check", "--config", site.config)
        assert done.returncode == 1 and "tokens.issuers is missing" in done.stderr
    finally:
        site.remove()


def test_key_digest():
    assert row("Mufasa", "Circle Of Life", "testrealm@host.com", mcdata_id="sip:m@iops.example") == \
        '- user: "Mufasa"\n  ha1: "939e7578ed9e3c518a452acee763bce9"\n  algorithm: MD5\n' \
        '  mcdata_id: "sip:m@iops.example"\n'
    both = row("a", "x", "r", "both")
    assert both == row("a", "x", "r", "MD5") + row("a", "x", "r", "SHA-256") and both.count("- user") == 2
    want = hashlib.sha256("a:r:pä ss".encode()).hexdigest()
    assert f'ha1: "{want}"\n  algorithm: SHA-256\n' in row("a", "pä ss", "r", "SHA-256")
    words = [BUILD / "mcrelay", "key", "digest", "--user", "a", "--realm", "r", "--mcdata-id"]
    for more, password, told in (
            (["alice"], "x\n", "--mcdata-id a URI"), (["sip:a@b.example"], "", "a password of 1 to 1023"),
            (["sip:a@b.example"], "x" * 1024, "a password of 1 to 1023"),
            (["sip:a@b.example", "--algorithm", "MD5-sess"], "x\n", 'no algorithm "MD5-sess"'),
            (["sip:a@b.example", "--password", "x"], "x\n", "that is not understood"),
            (["sip:a@b.example", "--user", 'a"b'], "x\n", "--user takes a name without quotes")):
        done = subprocess.run([*words, *more], input=password, capture_output=True, text=True, timeout=60)
        assert done.returncode == 2 and told in done.stderr and done.stdout == "", more
    assert "usage: mcrelay key digest" in subprocess.run(
        [BUILD / "mcrelay", "key", "digest", "--help"], capture_output=True, text=True, timeout=60).stdout


def test_through_another_relay():
    """Row A11: a client of relay b AUTHs with relay a through b, and is reached by that path."""
    sites = linked(domains=["iops.example"])
    try:
        a, b = (start(site, more="limits:\n  auth_fails: 1000\n") for site in sites)
        alice, bob = Client(b), Client(a)
        alice.ask()
        assert alice.log_in("alice", "secret")[0] == 200
        inner = alice.use_path
        bob.ask()
        assert bob.log_in("bob", "in clear")[0] == 200
        # with a name, as a client may write it: the digest is over what it wrote
        to = f"{inner} msrps://alice@{a.name}:{a.port};tcp"
        challenges = alice.ask(to)
        assert challenges["Digest", "MD5"]["realm"] == f'"{REALM}"'
        assert alice.log_in("alice", "secret", to=to)[0] == 200
        both = alice.use_path
        assert both.split(" ")[0] == inner and both.count(" ") == 1
        assert both.split(" ")[1].startswith(f"msrps://{a.name}:{a.port}/")
        assert a.metric("mcrelay_sessions") == 2
        # To-Path is Use-Path and then the peer's path; what stands in the SDP is the reverse
        deliver(alice, bob, os.urandom(20_000), 2048)
        deliver(bob, alice, os.urandom(20_000), 2048)
        # renewal by the same way; a wrong password is told by the same way and closes nobody at a
        assert alice.log_in("alice", "secret", to=to)[0] == 200 and alice.use_path == both
        for _ in range(6):
            assert alice.log_in("alice", "guess", to=to)[0] == 401
            alice.take(alice.headers)
        assert bob.ping() == 200
        for site in (a, b):
            assert site.stop() == 0, site.logged()[-2000:]
    finally:
        for site in sites:
            site.remove()
    row_passed("A11")
