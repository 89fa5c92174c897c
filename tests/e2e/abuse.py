"""abuse - what the tests of abuse look at: memory and descriptors of the daemon, codes in a row."""
import os


def rss(site):
    for line in open(f"/proc/{site.process.pid}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024


def descriptors(site):
    return len(os.listdir(f"/proc/{site.process.pid}/fd"))


def ping(line, tid, to=None):
    return (f"MSRP {tid} SEND\r\nTo-Path: {to or line.use}\r\nFrom-Path: {line.me}\r\nMessage-ID: {tid}\r\n"
            f"-------{tid}$\r\n").encode()


def codes_of(line, n):
    """The codes of the next n responses, in order."""
    out = []
    for _ in range(n):
        out.append(int(line.frame().word))
    return out
