"""throwaway - a throw-away site with a running mcrelayd, for tests that use the real programs."""
import base64
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.request

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("MC_BUILD", ROOT / "build"))
NAME = "relay.iops.example"

def linked(a="a.iops.example", b="b.iops.example", tls=True, **more):
    """Two sites whose relays are peers of each other; neither runs yet."""
    sites = Site(name=a), Site(name=b)
    for near, far in (sites, sites[::-1]):
        if tls:
            near.link(far.name, far.port, ca=far.dir / "ca.pem", **more)
        else:
            near.link(far.name, far.plain_port, tls=False, uri_port=far.port, **more)
    return sites

handed_out = set()

def free_ports(n):
    """Ports that nobody listens on, below those that the system gives to connections: one of these
    may be taken at any time."""
    ports = []
    while len(ports) < n:
        port = random.randrange(10240, 32768)
        try:
            with socket.socket() as s:
                s.bind(("127.0.0.1", port))
        except OSError:
            continue
        if port not in handed_out:
            handed_out.add(port)
            ports.append(port)
    return ports

def until(what, seconds=10):
    """Waits until something is true; True."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it does not come true"
        time.sleep(0.05)
    return True

def b64(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()

class Site:
    """Files of a site as relay/dist/site makes them; start() and stop() run the daemon. With kms it has
    a KMS, which start_kms() serves, and its users fetch their key sets from there; without, their
    keys were made by hand."""

    def __init__(self, kms=False, name=NAME):
        self.name = name
        self.host = "127.0.0.1" # where its listeners are
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="mcrelay-"))
        self.port, self.metrics_port, self.plain_port, self.kms_port = free_ports(4)
        ports = [self.port, self.metrics_port] + ([self.kms_port] if kms else [])
        subprocess.run([ROOT / "relay/dist/site", *([] if kms else ["--provisioned"]), "--name", name,
                        self.dir, *map(str, ports)],
                       check=True, env={**os.environ, "MCRELAY": str(BUILD / "mcrelay")})
        self.config = self.dir / "mcrelayd.yaml"
        self.has_kms = kms
        self.process = self.kms = None
        self.peers = []
        self.issuer = serialization.load_pem_private_key((self.dir / "issuer.pem").read_bytes(), None)

    def token(self, **claims):
        """A token of the site's issuer with these claims, signed here and not by mcrelay."""
        now = int(time.time())
        body = {"iss": "https://idms.iops.example", "aud": "mcrelay", "iat": now, "exp": now + 3600,
                "scope": "3gpp:mc:data_service", "client_id": "mcdata-client"}
        body.update(claims)
        body = {k: v for k, v in body.items() if v is not None}
        signed = b64(json.dumps({"alg": "ES256", "typ": "at+jwt", "kid": "site-1"}).encode()) + "." + \
            b64(json.dumps(body).encode())
        r, s = utils.decode_dss_signature(self.issuer.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return signed + "." + b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))

    def certificate(self, name, days=2):
        """NAME.pem and NAME.key of our CA, for a relay that is not ours; the paths of both."""
        subprocess.run(
            ["bash", "-euc", r"""
             openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"
             openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr"
             printf 'subjectAltName=DNS:%s\nextendedKeyUsage=serverAuth,clientAuth\n' "$1" >"$1.ext"
             openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days "$2" \
                 -extfile "$1.ext" -out "$1.pem" """, "certificate", name, str(days)],
            cwd=self.dir, check=True, capture_output=True)
        return self.dir / f"{name}.pem", self.dir / f"{name}.key"

    def link(self, name, port, connect=None, ca=None, tls=True, uri_port=None, **more):
        """Makes the relay `name`, which listens on loopback at `port`, a peer, before start(). ca: the
        PEM file that its certificate must chain to (without TLS: none). uri_port: the port in its URIs
        where that is another one. More keys of the peer as they are."""
        if ca is not None:
            with open(self.dir / "peers.pem", "ab") as f:
                f.write(pathlib.Path(ca).read_bytes())
        keys = {"name": name, "port": uri_port or port, "connect": connect or f"127.0.0.1:{port}",
                "tls": "on" if tls else "off", **more}
        self.peers.append("  - {" + ", ".join(f"{k}: '{v}'" if k == "connect" else f"{k}: {v}"
                                              for k, v in keys.items()) + "}\n")
        base = self.config.read_text().rpartition("# links above\n")[2]
        ca_line = f"peers_ca: {self.dir}/peers.pem\n" if (self.dir / "peers.pem").exists() else ""
        self.config.write_text(ca_line + "peers:\n" + "".join(self.peers) + "# links above\n" + base)

    def start(self, extra=""):
        if extra:
            with open(self.config, "a") as f:
                f.write(extra)
        self.log = open(self.dir / "mcrelayd.log", "ab")
        self.process = subprocess.Popen([BUILD / "mcrelayd", "--config", self.config], stderr=self.log)
        for _ in range(100):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/healthz", timeout=1)
                self.wait_for_keys()
                return self
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.1)
        raise RuntimeError("mcrelayd does not start:\n" + (self.dir / "mcrelayd.log").read_text())

    def wait_for_keys(self):
        """Where a KMS runs the relay fetches its keys after it has started."""
        for _ in range(300 if self.kms is not None else 0):
            if '"event":"keyset"' in self.logged():
                break
            time.sleep(0.1)

    def stop(self):
        """Stops the daemon with SIGTERM; its exit code."""
        if self.process is None:
            return 0
        self.tell_reasons()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(20)
        self.process = None
        return code

    def tell_reasons(self):
        """Appends the refusals that the daemon has counted to the file that MC_REASONS names."""
        if "MC_REASONS" not in os.environ or self.process.poll() is not None:
            return
        try:
            page = urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=5)
            reasons = re.findall(r'refused_total{reason="(\w+)"', page.read().decode())
        except OSError:
            return
        with open(os.environ["MC_REASONS"], "a") as out:
            out.writelines(f"{reason}\n" for reason in reasons)

    def start_kms(self):
        """Serves the KMS and fetches a key set for everybody but the relay, which does so itself."""
        self.kms_log = open(self.dir / "kms.log", "ab")
        self.kms = subprocess.Popen(
            [BUILD / "mcrelay", "kms", "serve", "--dir", self.dir / "kms", "--listen",
             f"127.0.0.1:{self.kms_port}", "--certificate", self.dir / "kms.pem", "--key",
             self.dir / "kms.key", "--issuer", "https://idms.iops.example", "--jwks",
             self.dir / "jwks.json", "--audience", "mcrelay"], stderr=self.kms_log)
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.kms_port), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        for user in ("alice", "bob", "carol", "dave", "control"):
            done = self.fetch(user)
            if done.returncode != 0:
                raise RuntimeError(f"{user} gets no key set: {done.stderr}")
        return self

    def fetch(self, user):
        return self.mcrelay("key", "fetch", "--kms", f"https://kms.iops.example:{self.kms_port}",
                            "--connect", f"127.0.0.1:{self.kms_port}", "--ca", self.dir / "ca.pem",
                            "--token", self.dir / f"tokens/{user}.kms", "--user",
                            f"sip:{user}@iops.example", "--keyset", self.dir / f"keys/{user}.keyset",
                            "--kek", self.dir / f"keys/{user}.kek")

    def stop_kms(self):
        if self.kms is not None:
            self.kms.send_signal(signal.SIGTERM)
            self.kms.wait(20)
            self.kms = None

    def remove(self):
        for process in (self.process, self.kms):
            if process is not None:
                process.kill()
                process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def as_user(self, user):
        return ["--relay", f"msrps://{self.name}:{self.port}", "--connect", f"127.0.0.1:{self.port}",
                "--ca", self.dir / "ca.pem", "--me", f"sip:{user}@iops.example",
                "--token", self.dir / "tokens" / user, "--keys", self.dir / f"keys/{user}.keys",
                "--kek", self.dir / f"keys/{user}.kek",
                *(["--keyset", self.dir / f"keys/{user}.keyset", "--mdsi", "sip:relay@iops.example",
                   "--manager", "sip:control@iops.example"] if self.has_kms else [])]

    def mcrelay(self, *words, timeout=60, **options):
        return subprocess.run([BUILD / "mcrelay", *words], capture_output=True, text=True,
                              timeout=timeout, **options)

    def send(self, user, *words, **options):
        return self.mcrelay("send", *self.as_user(user), *words, **options)

    def recv(self, user, *words):
        """A receiver that is on the air when this returns."""
        p = subprocess.Popen([BUILD / "mcrelay", "recv", *self.as_user(user), "--timeout", "60", *words],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        said = ""
        for line in p.stderr:
            said += line
            if "listening as" in line:
                return p
        raise RuntimeError("recv does not get on the air: " + said)

    def metric(self, name):
        """The sum of all samples of a metric whose text begins so."""
        text = urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=5).read()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.decode().splitlines()
                   if line.startswith(name))

    def gone(self, client):
        """Closes a client's connection and waits until the relay has seen it."""
        before = self.metric("mcrelay_sessions ")
        client.close()
        until(lambda: self.metric("mcrelay_sessions ") < before)

    def logged(self):
        return (self.dir / "mcrelayd.log").read_text(errors="replace")

class Peer:
    """A raw MSRP peer: octets over TLS, frames cut by rules of its own (RFC 4975 section 9)."""

    def __init__(self, site, plain=False, certificate=None):
        raw = socket.create_connection((site.host, site.plain_port if plain else site.port), 10)

        if plain:
            self.socket = raw
        else:
            context = ssl.create_default_context(cafile=site.dir / "ca.pem")
            if certificate: # a chain and its key
                context.load_cert_chain(*certificate)
            self.socket = context.wrap_socket(raw, server_hostname=site.name)
        self.socket.settimeout(10)
        self.scheme = "msrp" if plain else "msrps"
        self.relay = f"{self.scheme}://{site.name}:{site.port};tcp"
        self.service = self.relay.replace(";tcp", "/sds;tcp")
        self.me = f"{self.scheme}://client.example:9/{os.urandom(6).hex()};tcp"
        self.held = b""
        self.use_path = None

    def write(self, octets):
        self.socket.sendall(octets)

    def frame(self):
        """The next whole frame as (start line words, {header: value}, body or None, flag)."""
        while True:
            parsed = self.cut()
            if parsed:
                return parsed
            more = self.socket.recv(65536)
            if not more:
                raise EOFError(self.held)
            self.held += more

    def cut(self):
        """Cuts one frame off the front of what was received; None while it is not whole."""
        start, newline, _ = self.held.partition(b"\r\n")
        if not newline:
            return None
        words = start.decode().split(" ")
        mark = b"\r\n-------" + words[1].encode()
        at = self.held.find(mark)
        while at >= 0:
            tail = self.held[at + len(mark):at + len(mark) + 3]
            if len(tail) < 3:
                return None
            if tail[:1] in b"$+#" and tail[1:] == b"\r\n":
                break
            at = self.held.find(mark, at + 1)
        if at < 0:
            return None
        text = self.held[len(start):at]
        self.held = self.held[at + len(mark) + 3:]
        head, blank, body = text.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if line)
        return words, headers, body if blank else None, tail[:1].decode()

    def request(self, method, headers, body=None, tid=None, flag="$", to=None):
        """Writes a request and returns its transaction id."""
        tid = tid or os.urandom(8).hex()
        lines = [f"MSRP {tid} {method}", f"To-Path: {to or self.relay}", f"From-Path: {self.me}"]
        lines += [f"{name}: {value}" for name, value in headers]
        text = "\r\n".join(lines).encode() + b"\r\n"
        if body is not None:
            text += b"\r\n" + body + b"\r\n"
        self.write(text + f"-------{tid}{flag}\r\n".encode())
        return tid

    def auth(self, token):
        """AUTH with a token; the words of the response's start line and its headers."""
        self.request("AUTH", [("Authorization", f"Bearer {token}")])
        words, headers, _, _ = self.frame()
        self.use_path = headers.get("Use-Path")
        return words, headers

    def close(self):
        self.socket.close()
