"""kamailio - Debian's Kamailio as an MSRP relay on loopback: its files, its start, its end."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from standard import Endpoint

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = shutil.which("kamailio", path="/usr/sbin:/usr/local/sbin:/usr/bin")
PASSWORD = "xyz123"
FRAME_MAX = 11238  # octets of a whole frame; of longer ones its script sees nothing


def modules():
    """The folder of its modules, as the program names it."""
    said = subprocess.run([PROGRAM, "-I"], capture_output=True, text=True).stdout
    return next(line.split(": ", 1)[1].strip() for line in said.splitlines()
                if "paths to modules" in line)


def fitting(sender, path, headers=()):
    """The longest body with which a SEND of one chunk is a frame that Kamailio's script can see."""
    sizes = []
    write, sender.write = sender.write, lambda octets: sizes.append(len(octets))
    sender.send(path, bytes(10000), headers=headers)
    sender.write = write
    return 10000 + FRAME_MAX - sizes[0]


class Kamailio:
    """One Kamailio on a loopback port. relay: (name, port) of the relay that it is linked with, the port
    being the one to connect to; tls: a folder with ca.pem, NAME.pem and NAME.key, or None for TCP."""

    def __init__(self, name, port, relay=("nobody.example", 9), tls=None):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="kamailio-"))
        self.name, self.port, self.tls = name, port, tls
        self.scheme = "msrps" if tls else "msrp"
        self.uri = f"{self.scheme}://{name}:{port};tcp"
        words = {"PROTO": "tls" if tls else "tcp", "SCHEME": self.scheme, "PORT": port, "NAME": name,
                 "MODULES": modules(), "DIR": self.dir, "PASSWORD": PASSWORD, "RELAY": relay[0],
                 "RELAY_PORT": relay[1]}
        text = (HERE / "kamailio.cfg").read_text()
        if tls:
            text = text.replace("#tls ", "")
        for word, value in words.items():
            text = text.replace(f"@{word}@", str(value))
        (self.dir / "kamailio.cfg").write_text(text)
        if tls:
            certificate = (f"certificate = {tls}/{name}.pem\nprivate_key = {tls}/{name}.key\n"
                           f"ca_list = {tls}/ca.pem\nmethod = TLSv1.2+\n")
            # clients show no certificate, relays do: it asks, and whoever shows one is verified
            (self.dir / "tls.cfg").write_text(
                f"[server:default]\nverify_certificate = yes\nrequire_certificate = no\n{certificate}"
                f"[client:default]\nverify_certificate = yes\nrequire_certificate = yes\n"
                f"server_name = {relay[0]}\n{certificate}")
        self.process = None

    def start(self):
        self.log = open(self.dir / "kamailio.log", "ab")
        self.process = subprocess.Popen(
            [PROGRAM, "-DD", "-E", "-f", self.dir / "kamailio.cfg", "-Y", self.dir, "-w", self.dir,
             "-P", self.dir / "kamailio.pid", "-m", "64", "-M", "8"],
            stdout=self.log, stderr=self.log, start_new_session=True)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.1)
        raise RuntimeError("kamailio does not start:\n" + self.logged())

    def stop(self):
        """Ends it and its children, which are a process group of their own."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.process = None
        self.log.close()

    def endpoint(self, user="alice", **options):
        """A client of it, authorised."""
        e = Endpoint(("127.0.0.1", self.port), self.uri, ca=self.tls and self.tls / "ca.pem", **options)
        words, headers = e.digest(user, PASSWORD)
        assert words[2] == "200", (words, headers)
        return e

    def logged(self):
        return (self.dir / "kamailio.log").read_text(errors="replace")

    def remove(self):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)
