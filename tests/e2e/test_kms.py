"""The embedded KMS over TLS: who gets keys, who does not, and that what was got opens."""
import http.client
import os
import re
import signal
import socket
import ssl
import subprocess
import time
import warnings
import xml.etree.ElementTree as xml

import pytest

from throwaway import BUILD, Site, free_ports

HOST = "kms.iops.example"
ROOT = "/keymanagement/identity/v1"
NS = "{urn:3gpp:ns:mcsecKMSInterface:1.0}"
SCOPE = "openid 3gpp:mc:data_key_management_service"
ALICE = "sip:alice@iops.example"


class Kms:
    """A KMS beside a throw-away site: the same CA and token issuer."""

    def __init__(self, *more):
        self.site = Site()
        self.dir = self.site.dir
        self.port = free_ports(1)[0]
        self.certificate("ca", "kms", HOST)
        self.run("kms", "init", "--dir", "kms", "--uri", HOST, *more)
        self.start()

    def certificate(self, ca, name, host):
        def openssl(*words):
            subprocess.run(["openssl", *words], cwd=self.dir, check=True, capture_output=True)
        old = os.umask(0o077)
        if not (self.dir / f"{ca}.key").exists():
            openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{ca}.key")
            openssl("req", "-x509", "-new", "-key", f"{ca}.key", "-subj", f"/CN={ca}", "-days", "2",
                    "-out", f"{ca}.pem", "-addext", "basicConstraints=critical,CA:TRUE")
        if host:
            (self.dir / "kms.ext").write_text(f"subjectAltName=DNS:{host}\n")
            openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key")
            openssl("req", "-new", "-key", f"{name}.key", "-subj", f"/CN={host}", "-out", f"{name}.csr")
            openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key",
                    "-CAcreateserial", "-days", "2", "-extfile", "kms.ext", "-out", f"{name}.pem")
        os.umask(old)

    def start(self):
        self.log = open(self.dir / "kms.log", "ab")
        self.process = subprocess.Popen(
            [BUILD / "mcrelay", "kms", "serve", "--dir", "kms", "--listen", f"127.0.0.1:{self.port}",
             "--certificate", "kms.pem", "--key", "kms.key", "--issuer", "https://idms.iops.example",
             "--jwks", "jwks.json", "--audience", "mcrelay"], cwd=self.dir, stderr=self.log)
        for _ in range(100):
            if "serving" in self.logged():
                return
            assert self.process.poll() is None, self.logged()
            time.sleep(0.1)
        raise RuntimeError("kms serve does not start")

    def logged(self):
        return (self.dir / "kms.log").read_text()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(20)
        self.process = None
        return code

    def remove(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        self.site.remove()

    def run(self, *words, code=0):
        p = subprocess.run([BUILD / "mcrelay", *map(str, words)], cwd=self.dir, capture_output=True,
                           text=True, timeout=60)
        assert p.returncode == code, p
        return p

    def fetch(self, token, user=ALICE, ca="ca.pem", host=HOST, code=0, out="alice.set"):
        (self.dir / "fetch.jwt").write_text(token)
        return self.run("key", "fetch", "--kms", f"https://{host}:{self.port}", "--connect",
                        f"127.0.0.1:{self.port}", "--ca", ca, "--token", "fetch.jwt", "--user", user,
                        "--kms-uri", HOST, "--keyset", out, "--kek", "keys/alice.kek", "--json", code=code)

    def token(self, user=ALICE, scope=SCOPE, **claims):
        return self.site.token(mcdata_id=user, scope=scope, **claims)

    def http(self, method, path, token=None, body=None, version=None):
        """A request of our own: (status, headers, body)."""
        context = ssl.create_default_context(cafile=self.dir / "ca.pem")
        if version:
            context.set_ciphers("ALL@SECLEVEL=0")  # it is the server that must refuse
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = context.maximum_version = version
        raw = socket.create_connection(("127.0.0.1", self.port), 10)
        c = http.client.HTTPSConnection(HOST, self.port, context=context)
        c.sock = context.wrap_socket(raw, server_hostname=HOST)
        headers = {"Content-Type": "application/xml"}
        if token:
            headers["Authorization"] = "Bearer " + token
        c.request(method, path, body=body, headers=headers)
        r = c.getresponse()
        got = r.status, r.headers, r.read()
        c.close()
        return got

    def post(self, path, token=None, user=ALICE, url=None, kms=HOST, when=None):
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(when))
        return self.http("POST", path, token,
                         f'<KmsRequest xmlns="{NS[1:-1]}" Version="1.1.0"><UserUri>{user}</UserUri>'
                         f"<KmsUri>{kms}</KmsUri><Time>{when}</Time><ClientReqUrl>"
                         f"{url or 'https://' + HOST + path}</ClientReqUrl></KmsRequest>")


@pytest.fixture(scope="module")
def kms():
    k = Kms()
    yield k
    k.remove()


def test_no_core(kms):
    """The master secrets must not reach the disk."""
    with open(f"/proc/{kms.process.pid}/limits", encoding="ascii") as limits:
        assert re.search(r"^Max core file size +0 +0 ", limits.read(), re.M)


def test_fetch(kms):
    p = kms.fetch(kms.token())
    assert '"sets":2' in p.stdout and ALICE in p.stdout
    path = kms.dir / "alice.set"
    assert path.stat().st_mode & 0o777 == 0o600
    sealed = path.read_bytes()
    assert sealed.startswith(b"MCDATAKS") and b"Kms" not in sealed and b"alice" not in sealed
    assert f"who={ALICE} method=\"POST\" path=\"{ROOT}/keyprov\" status=200" in kms.logged()
    assert "Bearer" not in kms.logged() and kms.token().split(".")[1] not in kms.logged()


@pytest.mark.parametrize("claims, reason", [
    ({"scope": "3gpp:mc:data_service"}, "scope"),
    ({"scope": "3gpp:mc:data_key_management_service_x"}, "scope"),
    ({"scope": "x3gpp:mc:data_key_management_service"}, "scope"),
    ({"exp": 1000}, "expired"),
    ({"iss": "https://other.example"}, "issuer"),
    ({"aud": "somebody"}, "audience"),
    ({"mcdata_id": None}, "MCData ID"),
])
def test_token_refused(kms, claims, reason):
    token = kms.site.token(**{"mcdata_id": ALICE, "scope": SCOPE, **claims})
    for path in ("/init", "/keyprov"):
        status, headers, body = kms.post(ROOT + path, token)
        assert (status, body) == (403, b"")
        assert headers["Cache-Control"] == "no-store"
    assert reason in kms.logged().splitlines()[-1]
    assert not (kms.dir / "no.set").exists()
    p = kms.fetch(token, code=3, out="no.set")
    assert "403" in p.stderr
    assert not (kms.dir / "no.set").exists()


def test_changed_token(kms):
    token = kms.token()
    assert kms.post(ROOT + "/init", token[:-4] + "AAAA")[0] == 403
    assert kms.post(ROOT + "/init", None)[0] == 403


def test_other_user(kms):
    """A good token, and keys of somebody else asked for."""
    p = kms.fetch(kms.token("sip:mallory@iops.example"), code=3, out="no.set")
    assert "another user" in p.stderr
    assert not (kms.dir / "no.set").exists()
    token = kms.token()
    status, headers, body = kms.post(f"{ROOT}/keyprov/sip%3Abob%40iops.example", token)
    assert status == 403 and b"KmsKeySet" not in body and b"<ErrorCode>403" in body
    assert headers["Cache-Control"] == "no-store"
    assert kms.post(ROOT + "/keyprov", token, user="sip:bob@iops.example")[0] == 403


def test_methods_and_paths(kms):
    for token in (None, kms.token()):
        for method in ("GET", "PUT", "DELETE", "HEAD"):
            for path in ("/init", "/keyprov"):
                status, headers, _ = kms.http(method, ROOT + path, token)
                assert (status, headers["Allow"]) == (405, "POST")
                assert headers["Cache-Control"] == "no-store"
        for path in ("/", ROOT, ROOT + "/certcache", ROOT + "/init/x", "/init"):
            status, headers, _ = kms.post(path, token)
            assert (status, headers["Cache-Control"]) == (404, "no-store")


def test_request(kms):
    token = kms.token()
    path = ROOT + "/keyprov"
    assert kms.post(path, token)[0] == 200
    assert kms.post(path, token, kms="kms.other.example")[0] == 400
    assert kms.post(path, token, url=f"https://{HOST}{ROOT}/init")[0] == 400
    assert kms.post(path, token, when=time.time() - 400)[0] == 400
    assert kms.http("POST", path, token, "no XML")[0] == 400
    assert kms.http("POST", path, token, b"<!DOCTYPE a [<!ENTITY a 'b'>]><KmsRequest/>")[0] == 400
    assert kms.http("POST", path, token, b" " * 17000)[0] == 413


def test_documents(kms):
    token = kms.token()
    status, headers, body = kms.post(ROOT + "/init", token)
    assert (status, headers["Content-Type"]) == (200, "application/xml")
    assert headers["Cache-Control"] == "no-store"
    certificate = xml.fromstring(body).find(f".//{NS}KmsInit/{NS}KmsCertificate")
    assert certificate.get("Role") == "Root"
    assert len(certificate.findtext(NS + "PubEncKey")) == 514
    assert len(certificate.findtext(NS + "PubAuthKey")) == 130
    ntp = int(time.time()) + 2208988800
    numbers = [ntp // 2592000, ntp // 2592000 + 1]

    def sets(path):
        status, _, body = kms.post(ROOT + path, token)
        assert status == 200
        return xml.fromstring(body).findall(f".//{NS}KmsKeyProv/{NS}KmsKeySet")

    user = "/keyprov/sip%3Aalice%40iops.example"
    for path in ("/keyprov", user):
        assert [int(s.findtext(NS + "KeyPeriodNo")) for s in sets(path)] == numbers
    one, = sets(f"{user}/{ntp << 32:016X}")
    assert int(one.findtext(NS + "KeyPeriodNo")) == numbers[0]
    assert one.findtext(NS + "UserUri") == ALICE
    assert kms.post(f"{ROOT}{user}/{(ntp + 3 * 2592000) << 32:016X}", token)[0] == 404


def test_tls(kms):
    kms.certificate("other", "none", None)
    p = kms.fetch(kms.token(), ca="other.pem", code=3, out="no.set")
    assert "certificate" in p.stderr
    kms.fetch(kms.token(), host="other.iops.example", code=3, out="no.set")
    assert not (kms.dir / "no.set").exists()
    kms.fetch(kms.token(), ca="absent.pem", code=1, out="no.set")
    with pytest.raises(ssl.SSLError, match="closed|ALERT"):
        kms.http("GET", "/", version=ssl.TLSVersion.TLSv1_1)
    assert kms.http("GET", "/", version=ssl.TLSVersion.TLSv1_2)[0] == 404
    p = kms.run("key", "fetch", "--kms", f"http://127.0.0.1:{kms.port}", "--token", "fetch.jwt", "--user",
                ALICE, "--keyset", "no.set", "--kek", "keys/alice.kek", code=1)
    assert "https" in p.stderr


def test_by_hand(kms):
    """Files carried by hand, and all that can be wrong with them."""
    kms.run("kms", "issue", "--dir", "kms", "sip:bob@iops.example", "--out", "bob.xml")
    assert (kms.dir / "bob.xml").stat().st_mode & 0o777 == 0o600
    words = ("key", "fetch", "--kms-file", "kms/CERT.xml", "--keyset-file", "bob.xml", "--keyset",
             "bob.set", "--kek", "keys/bob.kek")
    assert "2 key sets" in kms.run(*words).stdout
    assert "another user" in kms.run(*words, "--user", ALICE, code=3).stderr
    good = (kms.dir / "bob.xml").read_text()

    def changed(tag):
        def other(m):
            return m[1] + m[2][:-1] + ("0" if m[2][-1] != "0" else "1")
        return re.sub(rf"(<{tag}[^>]*>)([0-9a-f]+)", other, good, count=1)

    for tag in ("UserDecryptKey", "UserSigningKeySSK", "UserPubTokenPVT", "UserID"):
        (kms.dir / "bob.xml").write_text(changed(tag))
        kms.run(*words, code=3)
    (kms.dir / "bob.xml").write_text(good)
    os.chmod(kms.dir / "bob.xml", 0o644)
    kms.run(*words, code=1)
    # a certificate of another domain
    os.chmod(kms.dir / "bob.xml", 0o600)
    kms.run("kms", "init", "--dir", "kms2", "--uri", HOST)
    kms.run(*[w.replace("kms/CERT", "kms2/CERT") for w in words], code=3)


def test_domain_rests_sealed(kms):
    assert kms.run("kms", "init", "--dir", "kms", "--uri", HOST, code=3)
    sealed = kms.dir / "kms/domain.sealed"
    for name in ("domain.sealed", "domain.kek", "CERT.xml"):
        assert (kms.dir / "kms" / name).stat().st_mode & 0o777 == 0o600
    assert kms.run("kms", "issue", "--dir", "kms", ALICE, "--kek", "keys/alice.kek", code=3)
    os.chmod(sealed, 0o640)
    assert "chmod 600" in kms.run("kms", "issue", "--dir", "kms", ALICE, code=3).stderr
    os.chmod(sealed, 0o600)
    kms.run("kms", "issue", "--dir", "kms", "alice", code=2)
    kms.run("kms", "init", "--uri", HOST, code=2)
    kms.run("kms", "nothing", code=2)


def test_stops(kms):
    assert kms.stop() == 0
    kms.start()
