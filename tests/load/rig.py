"""rig - what the load commands share: boxes in the middle on one core, generators on the other."""
import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from throwaway import BUILD, NAME, Site, free_ports  # noqa: E402

BOX_CORE, LOAD_CORE = 0, 1
CIPHER = "TLS_AES_128_GCM_SHA256"
# The rates of a user are no part of what is measured; every timer is armed as by default.
CONFIG = """  plaintext_auth: true
plain: ["127.0.0.1:{plain}"]
limits:
  messages_per_s: 1000000
  messages_burst: 1000000
log:
  level: warn
"""


def build(*targets):
    subprocess.run(["cmake", "--build", BUILD, "--target", *targets], check=True,
                   stdout=subprocess.DEVNULL)


def pinned(core):
    """For Popen: the child runs on this core, where there is more than one."""
    cores = sorted(os.sched_getaffinity(0))
    return lambda: os.sched_setaffinity(0, {cores[core % len(cores)]})


def cpu_ns(pid):
    """CPU time of all threads of a process, by the operating system's account."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total


def memory(pid, field):
    """VmRSS or VmHWM, in octets."""
    for line in open(f"/proc/{pid}/status"):
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise KeyError(field)


def restart_peak(pid):
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")


def load_site(users):
    """A site whose daemon takes load, with a file of tokens for so many users; not started."""
    site = Site()
    with open(site.config, "a") as f:
        f.write(CONFIG.format(plain=site.plain_port))
    site.tokens = site.dir / "load.tokens"
    names = [f"sip:load{i}@iops.example" for i in range(users)]
    site.tokens.write_text("".join(f"{u} {site.token(mcdata_id=u)}\n" for u in names))
    return site


class Daemon:
    """Our relay, running on the box core."""

    def __init__(self, pairs):
        self.site = load_site(2 * pairs)
        try:
            self.site.start()
        except RuntimeError:
            self.site.remove()
            raise
        self.pid = self.site.process.pid
        subprocess.run(["taskset", "-acp", str(sorted(os.sched_getaffinity(0))[BOX_CORE]),
                        str(self.pid)], check=True, stdout=subprocess.DEVNULL)

    def door(self, tls):
        """The words that tell a generator where it is: port and URI, and the file of tokens."""
        return (f"{self.site.port} msrps://{NAME}:{self.site.port};tcp" if tls else
                f"{self.site.plain_port} msrp://{NAME}:{self.site.port};tcp") + f" {self.site.tokens}"

    def join(self, generator):
        generator.ask(f"relay {self.door(generator.tls)}")

    def stop(self):
        self.site.stop()
        self.site.remove()


class Copy:
    """The proxy that only copies."""

    def __init__(self, target, seconds=3600):
        self.process = subprocess.Popen([BUILD / "load_copy_proxy", "0", str(target), str(seconds)],
                                        stdout=subprocess.PIPE, text=True, preexec_fn=pinned(BOX_CORE))
        self.pid = self.process.pid
        self.port = int(self.process.stdout.readline())

    def join(self, generator):
        generator.ask(f"proxy {self.port}")

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Haproxy:
    """HAProxy with one thread, TCP to TCP or (with a site's certificate) TLS to TLS."""

    def __init__(self, target, folder, tls_site=None):
        self.port, = free_ports(1)
        bind = server = ""
        if tls_site:
            pem = folder / "haproxy.pem"
            pem.write_text((tls_site.dir / "relay.pem").read_text() +
                           (tls_site.dir / "relay.key").read_text())
            bind = f"ssl crt {pem} ssl-min-ver TLSv1.3 ciphersuites {CIPHER}"
            server = f"ssl verify none ssl-min-ver TLSv1.3 ciphersuites {CIPHER}"
        config = folder / "haproxy.cfg"
        config.write_text(f"""global
    nbthread 1
    maxconn 9000
defaults
    mode tcp
    timeout connect 10s
    timeout client 1h
    timeout server 1h
listen box
    bind 127.0.0.1:{self.port} {bind}
    server sink 127.0.0.1:{target} {server}
""")
        self.process = subprocess.Popen(["haproxy", "-db", "-q", "-f", config],
                                        preexec_fn=pinned(BOX_CORE))
        self.pid = self.process.pid
        time.sleep(0.5)
        if self.process.poll() is not None:
            raise RuntimeError("haproxy does not start")

    join = Copy.join

    def stop(self):
        self.process.kill()
        self.process.wait()


class Driven:
    """A program on the load core that answers each line of input with a line."""

    def __init__(self, *command):
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True,
                                        preexec_fn=pinned(LOAD_CORE))

    def ask(self, words):
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        if not answer:
            raise RuntimeError(f"the load generator ended at: {words}")
        return answer

    def stop(self):
        self.process.kill()
        self.process.wait()


class Generator(Driven):
    """load_pairs, TLS with a site's certificates."""

    def __init__(self, pairs, tls_site=None):
        self.tls = tls_site is not None
        files = [tls_site.dir / "ca.pem", tls_site.dir / "relay.pem", tls_site.dir / "relay.key",
                 NAME] if tls_site else []
        super().__init__(BUILD / "load_pairs", pairs, *files)

    def listen(self):
        return int(self.ask("listen")[1])

    def run(self, **words):
        """(chunks, seconds, {percentile: microseconds})"""
        answer = self.ask("run " + " ".join(f"{k}={int(v)}" for k, v in words.items()))
        times = {answer[i]: float(answer[i + 1]) for i in range(3, len(answer), 2)}
        return int(answer[1]), float(answer[2]), times
