"""The daemon and `mcrelay check` as an operator meets them."""
import json
import re
import secrets
import signal
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from throwaway import BUILD, NAME, Peer, Site


@pytest.fixture(scope="module")
def files():
    """A site whose daemon does not run."""
    s = Site()
    yield s
    s.remove()


def run(program, *words):
    return subprocess.run([BUILD / program, *words], capture_output=True, text=True, timeout=60)


# --- mcrelay check ------------------------------------------------------------------------------------

# A change to a right configuration, a text in the line that is named then, and what is said behind it.
BROKEN = [
    ("name: relay", "nmae: relay", "nmae", "unknown key nmae; did you mean name"),
    ("name: relay.iops.example", "name: 192.0.2.1", "name:", 'name is "192.0.2.1"; write a full host name '
     "in lower case, as relay.iops.example (no IP address: clients take --connect)"),
    ("metrics:", "limits: {message: 15MB}\nmetrics:", "limits", 'limits.message is "15MB"; write a size '
     "with its unit (B, KiB, MiB, GiB), 1KiB to 4095MiB"),
    ("metrics:", "times:\n  probation: 30\nmetrics:", "probation", 'times.probation is "30"; write a time '
     "with its unit (ms, s, m, h, d), 100ms to 10m"),
    ("metrics:", "limits:\n  open_messages: 0\nmetrics:", "open_messages", "limits.open_messages is 0; "
     "write a value from 1 to 1024"),
    ("metrics: 127.0.0.1", "metrics: 0.0.0.0", "metrics", "metrics is 0.0.0.0:{metrics}; write a loopback "
     "address, as 127.0.0.1:9855"),
    ("allow_core: true", "allow_core: yes", "allow_core", 'test.allow_core is "yes"; write true or false'),
    ("metrics:", "name: other.example\nmetrics:", "name: other",
     "name stands already in line 1; keep one of them"),
    ("metrics:", "plain:\n  - 10.0.0.1:2856\nmetrics:", "plain:", "plain listener 10.0.0.1:2856 is not on "
     "loopback; use listen for TLS, or write allow_plaintext: true"),
    ("metrics:", "realm: !!str x\nmetrics:", "realm", "a tag; write the value without !"),
    ("metrics:", "realm: &x y\nmetrics:", "&x", "an anchor; write the value without &"),
    ("metrics:", "affiliation: sometimes\nmetrics:", "affiliation", 'affiliation is "sometimes"; write one '
     "of implicit|explicit"),
    ("  kek:", "  keks:", "keks", "unknown key csk.keks; did you mean csk.kek"),
    ("test:\n", "---\nname: x\ntest:\n", "---", "a second document; keep one"),
]


@pytest.mark.parametrize("old,new,marked,said", BROKEN, ids=[row[2] for row in BROKEN])
def test_check_names_file_and_line(files, tmp_path, old, new, marked, said):
    right = files.config.read_text()
    assert right.count(old) == 1
    path = tmp_path / "broken.yaml"
    path.write_text(right.replace(old, new))
    line = 1 + next(i for i, text in enumerate(path.read_text().splitlines()) if marked in text)
    expected = f"{path}:{line}: " + said.replace("{metrics}", str(files.metrics_port))
    done = run("mcrelay", "check", "--config", path)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", expected + "\n")
    done = run("mcrelay", "check", "--json", "--config", path)
    assert done.returncode == 1 and done.stderr == ""
    assert json.loads(done.stdout) == {"ok": False, "error": expected}
    # the daemon says the same and does not start
    done = run("mcrelayd", "--config", path)
    assert done.returncode == 1 and f"mcrelayd: {expected}\n" in done.stderr


def test_check_reads_every_file(files, tmp_path):
    """A file that the configuration names is as wrong as the configuration."""
    path = tmp_path / "broken.yaml"
    bad = tmp_path / "bad"
    bad.write_text("nonsense")
    bad.chmod(0o600)
    here = str(files.dir)
    for name in ("relay.pem", "relay.key", "jwks.json", "keys/relay.keys", "keys/relay.kek"):
        for other, told in ((tmp_path / "missing", "No such file"), (bad, "")):
            path.write_text(files.config.read_text().replace(f"{here}/{name}\n", f"{other}\n"))
            done = run("mcrelay", "check", "--config", path)
            assert done.returncode == 1, name
            assert str(other) in done.stderr and told in done.stderr, name
            assert done.stderr.count("\n") == 1, done.stderr
    done = run("mcrelay", "check", "--config", tmp_path / "missing")
    assert done.returncode == 1
    assert done.stderr == \
        f"{tmp_path}/missing: No such file or directory; give the path of a file that exists\n"


def test_check_right(files):
    done = run("mcrelay", "check", "--config", files.config)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{files.config}: right (1 TLS and 0 plain listeners, 1 issuers, 0 peers)\n"
    done = run("mcrelay", "check", "--config", files.config, "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"ok": True})
    assert run("mcrelayd", "--config", files.config, "--check").returncode == 0


def test_reference_loads_when_filled(files, tmp_path):
    reference = run("mcrelay", "check", "--reference")
    assert (reference.returncode, reference.stderr) == (0, "")
    text = reference.stdout
    for name in ("relay.pem", "relay.key", "jwks.json"):
        assert f"/etc/mcdata-relay/{name}" in text
        text = text.replace(f"/etc/mcdata-relay/{name}", str(files.dir / name))
    path = tmp_path / "filled.yaml"
    path.write_text(text)
    done = run("mcrelay", "check", "--config", path)
    assert done.returncode == 0, done.stderr


def test_the_heap_is_as_large_as_the_key_file(tmp_path):
    """20,000 CSKs, and once more at every reload: more than the 16,384 keys of 1 MiB."""
    site = Site()
    text = site.config.read_text()
    kek, csks, n = secrets.token_bytes(32), b"", 20000
    for i in range(n):
        owner = b"sip:user%d@iops.example" % i
        csks += (0x20000000 + i).to_bytes(4, "big") + bytes(16) + bytes([16, len(owner), 0])
        csks += secrets.token_bytes(16) + owner
    head = b"MCDATAKF" + bytes([1, 2]) + n.to_bytes(2, "big") + secrets.token_bytes(12)
    (tmp_path / "csk.keys").write_bytes(head + AESGCM(kek).encrypt(head[12:], csks, head))
    (tmp_path / "csk.kek").write_bytes(kek)
    for name in ("csk.keys", "csk.kek"):
        (tmp_path / name).chmod(0o600)
    section = re.search(r"^csk:\n(  .*\n)+", text, re.M).group(0)
    site.config.write_text(text.replace(section, f"csk:\n  file: {tmp_path}/csk.keys\n"
                                                 f"  kek: {tmp_path}/csk.kek\n"))
    try:
        assert run("mcrelay", "check", "--config", site.config).returncode == 0
        site.start()
        site.process.send_signal(signal.SIGHUP)
        for _ in range(100):
            if "files were read again" in site.logged():
                break
            time.sleep(0.1)
        assert "files were read again" in site.logged()
        assert "stay as they were" not in site.logged()
    finally:
        site.remove()


@pytest.mark.parametrize("words", [[], ["--config"], ["--nonsense"], ["--config", "x", "y"]])
def test_check_usage(words):
    done = run("mcrelay", "check", *words)
    assert done.returncode == 2 and done.stdout == "" and "mcrelay check: " in done.stderr


def test_daemon_usage():
    done = run("mcrelayd")
    assert done.returncode == 2 and done.stderr.startswith("usage: mcrelayd --config FILE")
    done = run("mcrelayd", "--help")
    assert done.returncode == 0 and done.stdout.startswith("usage: mcrelayd --config FILE")
    done = run("mcrelayd", "--version")
    assert done.returncode == 0 and re.fullmatch(r"mcrelayd \d+\.\d+\.\d+\n", done.stdout)


# --- certificates -------------------------------------------------------------------------------------

def certificate(site, name, pem):
    """A certificate of the site's CA for the relay's key, valid for `name`, as file `pem`."""
    ext = site.dir / "new.ext"
    ext.write_text(f"subjectAltName=DNS:{name}\nextendedKeyUsage=serverAuth\n")
    subprocess.run(["openssl", "x509", "-req", "-in", "relay.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                    "-CAcreateserial", "-days", "2", "-extfile", ext, "-out", pem],
                   cwd=site.dir, check=True, capture_output=True)


def test_wrong_name_is_refused_at_start(files, tmp_path):
    certificate(files, "other.iops.example", tmp_path / "other.pem")
    path = tmp_path / "mcrelayd.yaml"
    path.write_text(files.config.read_text().replace(f"{files.dir}/relay.pem", f"{tmp_path}/other.pem"))
    done = run("mcrelayd", "--config", path)
    assert done.returncode == 1
    assert f"mcrelayd: {tmp_path}/other.pem: " in done.stderr and NAME in done.stderr


def test_key_that_everybody_may_read_is_refused(files):
    (files.dir / "relay.key").chmod(0o644)
    done = run("mcrelay", "check", "--config", files.config)
    (files.dir / "relay.key").chmod(0o600)
    assert done.returncode == 1
    assert done.stderr == f"{files.dir}/relay.key: everybody may read this secret; chmod 600 it\n"


def serial(peer):
    return peer.socket.getpeercert()["serialNumber"]


def still_there(peer):
    """A request on a session that was authorised before."""
    tid = peer.request("SEND", [("Message-ID", "abcd1234"), ("Byte-Range", "1-0/0")],
                       to=f"{peer.use_path} {peer.service}")
    words, _, _, _ = peer.frame()
    return words[1:3] == [tid, "200"]


def reload(site):
    before = site.logged().count('"reload"')
    site.process.send_signal(signal.SIGHUP)
    for _ in range(100):
        if site.logged().count('"reload"') > before:
            return
        time.sleep(0.1)
    raise AssertionError("no reload:\n" + site.logged())


def test_reload_of_the_certificate(site):
    old = Peer(site)
    assert old.auth(site.token(mcdata_id="sip:alice@iops.example"))[0][2] == "200"
    first = serial(old)
    good = (site.dir / "relay.pem").read_bytes()

    certificate(site, NAME, site.dir / "relay.pem")
    reload(site)
    new = Peer(site)
    second = serial(new)
    assert second != first, "new handshakes see the new certificate"
    assert still_there(old), "connections live through a reload"

    # what is wrong is told and changes nothing
    for text in (b"nonsense\n", b""):
        (site.dir / "relay.pem").write_bytes(text)
        reload(site)
        assert serial(Peer(site)) == second
    certificate(site, "other.iops.example", site.dir / "relay.pem")
    reload(site)
    assert serial(Peer(site)) == second
    told = [json.loads(line) for line in site.logged().splitlines() if "certificate stays" in line]
    assert [t["level"] for t in told] == ["error"] * 3
    assert all(f"{site.dir}/relay.pem" in t["text"] for t in told)

    (site.dir / "relay.pem").write_bytes(good)
    reload(site)
    assert serial(Peer(site)) == first
    assert still_there(old) and site.metric('mcrelay_sockets_total{cause="reloads"}') >= 5


# --- TLS ----------------------------------------------------------------------------------------------

def handshake(site, change):
    context = ssl.create_default_context(cafile=site.dir / "ca.pem")
    context.set_ciphers("ALL:@SECLEVEL=0")
    change(context)
    with socket.create_connection(("127.0.0.1", site.port), 10) as raw:
        with context.wrap_socket(raw, server_hostname=NAME) as s:
            return s.version(), s.cipher()[0]


def only(context, version, ciphers=None):
    context.minimum_version = context.maximum_version = version
    if ciphers:
        context.set_ciphers(ciphers + ":@SECLEVEL=0")


def refused(site, change, cause):
    """Nobody but the relay refuses: it sends an alert, and counts why."""
    name = f'mcrelay_tls_failed_total{{cause="{cause}"}}'
    before = site.metric(name)
    with pytest.raises(ssl.SSLError) as told:
        handshake(site, change)
    assert "ALERT" in told.value.reason
    assert site.metric(name) == before + 1


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_tls_is_refused(site, version):
    refused(site, lambda c: only(c, version), "version")


@pytest.mark.parametrize("ciphers", ["ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA", "AES128-SHA",
                                     "AES128-GCM-SHA256"])
def test_weak_suites_are_refused(site, ciphers):
    refused(site, lambda c: only(c, ssl.TLSVersion.TLSv1_2, ciphers), "cipher")


def test_what_is_offered(site):
    assert handshake(site, lambda c: None)[0] == "TLSv1.3"
    for suite in ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"):
        assert handshake(site, lambda c: only(c, ssl.TLSVersion.TLSv1_2, suite)) == ("TLSv1.2", suite)


# --- metrics and health -------------------------------------------------------------------------------

def http(site, path, method="GET", data=None):
    request = urllib.request.Request(f"http://127.0.0.1:{site.metrics_port}{path}", data, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.headers, e.read().decode()


SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
                    r'(?:,[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*")*\})? (\d+)')


def test_metrics(site):
    status, headers, page = http(site, "/metrics")
    assert status == 200 and page.endswith("\n")
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    kinds, samples = {}, {}
    for line in page.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in kinds, "all samples of a name stand together"
            kinds[name] = kind
        elif not line.startswith("# HELP "):
            m = SAMPLE.fullmatch(line)
            assert m, line
            assert kinds[m[1]] in ("counter", "gauge")
            assert m[1] + (m[2] or "") not in samples
            samples[m[1] + (m[2] or "")] = int(m[3])
    assert samples['mcrelay_sockets_total{cause="accepted"}'] >= \
        samples['mcrelay_sockets_total{cause="handshake_ok"}']
    assert len(samples) > 30


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/metrics", "/healthz"])
def test_http_reads_only(site, path, method):
    status, headers, _ = http(site, path, method, b"x" * 1000 if method in ("POST", "PUT") else None)
    assert status == 405 and headers["Allow"] == "GET, HEAD"


def test_health(site):
    assert http(site, "/healthz")[::2] == (200, "ok\n")
    assert http(site, "/healthz", "HEAD")[::2] == (200, "")
    assert http(site, "/")[0] == 404


# --- start and stop -----------------------------------------------------------------------------------

def test_a_port_in_use_is_told(site):
    done = run("mcrelayd", "--config", site.config)
    assert done.returncode == 1
    assert f"mcrelayd: cannot listen on 127.0.0.1:{site.port}: address already in use; stop the program " \
        "that has it, or change the port\n" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop(number):
    """An idle connection is told and closed; the exit code is 0; nothing listens any more."""
    site = Site()
    try:
        site.start()
        peer = Peer(site)
        assert peer.auth(site.token(mcdata_id="sip:alice@iops.example"))[0][2] == "200"
        raw = socket.create_connection(("127.0.0.1", site.port), 10)  # its handshake never begins
        began = time.monotonic()
        site.process.send_signal(number)
        with pytest.raises(EOFError):  # close_notify; without it Python would raise another error
            peer.frame()
        peer.close()
        raw.settimeout(10)
        assert raw.recv(1) == b""
        raw.close()
        assert site.process.wait(20) == 0
        assert time.monotonic() - began < 6, "times.drain is 5s"
        site.process = None
        for port in (site.port, site.metrics_port):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port), 5)
        last = [json.loads(line) for line in site.logged().splitlines() if line.startswith("{")][-1]
        assert (last["event"], last["text"]) == ("stop", "mcrelayd has stopped")
    finally:
        site.remove()


def test_log_file_is_opened_anew(tmp_path):
    """logrotate: rename, SIGHUP."""
    site = Site()
    try:
        site.start(f"log:\n  file: {tmp_path}/log\n")
        (tmp_path / "log").rename(tmp_path / "log.1")
        site.process.send_signal(signal.SIGHUP)
        for _ in range(100):
            if (tmp_path / "log").exists() and "reload" in (tmp_path / "log").read_text():
                break
            time.sleep(0.1)
        assert site.stop() == 0
        old, new = (tmp_path / "log.1").read_text(), (tmp_path / "log").read_text()
        assert "is ready" in old and "has stopped" not in old
        assert "reload" in new and "has stopped" in new
    finally:
        site.remove()
