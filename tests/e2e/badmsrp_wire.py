"""badmsrp_wire - the wire for the misbehaving peer: a strict reader, a writer of what is expected, one
connection, the relay's counters. Written from RFC 4975 and RFC 4976 alone."""
import http.client
import itertools
import os
import re
import select
import socket
import ssl
import struct
import time
from dataclasses import dataclass

from throwaway import NAME

ASKED = ("absent", "yes", "partial", "no")
TEXTS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 408: "Timeout",
         413: "Stop Sending This Message", 415: "Unsupported Media Type",
         423: "Interval Out Of Bounds", 481: "No Such Session", 501: "Unknown Method",
         506: "Session On Another Connection"}
IDENT = re.compile(rb"[A-Za-z0-9][A-Za-z0-9.\-+%=]{3,31}")  # rfc4975#9 ident
METHOD = re.compile(rb"[A-Z]+")

counter = itertools.count(1)


def fresh(prefix):
    """An id that nobody else uses."""
    return f"{prefix}{next(counter):07d}{os.urandom(4).hex()}"


# --- reading, strictly --------------------------------------------------------------------------------
class Malformed(Exception):
    """The relay said something that RFC 4975 section 9 has no words for."""


@dataclass
class Frame:
    raw: bytes
    tid: bytes
    word: bytes  # method or code
    headers: list
    body: bytes  # None: there is none
    flag: bytes

    def get(self, name):
        return next((v for n, v in self.headers if n == name), None)


def cut(held):
    """(the first frame of the octets, the rest), or (None, held) while it is not whole."""
    start, line, _ = held.partition(b"\r\n")
    if not line:
        if not b"MSRP ".startswith(held[:5]):
            raise Malformed(held[:80])
        return None, held
    words = start.split(b" ", 3)
    if len(words) < 3 or words[0] != b"MSRP" or not IDENT.fullmatch(words[1]):
        raise Malformed(start)
    tid, word = words[1], words[2]
    is_response = re.fullmatch(rb"[0-9]{3}", word) is not None
    if not is_response and (not METHOD.fullmatch(word) or len(words) > 3):
        raise Malformed(start)
    found = re.search(rb"\r\n-------" + re.escape(tid) + rb"([$+#])\r\n", held[len(start):])
    if not found:
        return None, held
    text = held[len(start) + 2:len(start) + found.start() + 2]
    end = len(start) + found.end()
    head, blank, body = text.partition(b"\r\n\r\n")
    if blank and not body.endswith(b"\r\n"):
        raise Malformed(held[:end])
    headers = []
    for one in head.split(b"\r\n"):
        if not one:
            continue
        name, colon, value = one.partition(b": ")
        if not colon or not re.fullmatch(rb"[A-Za-z][A-Za-z0-9\-]*", name) or \
                re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", value):
            raise Malformed(one)
        value.decode("utf-8")
        headers.append((name.decode(), value))
    names = [n for n, _ in headers]
    if names[:2] != ["To-Path", "From-Path"] or len(set(names)) != len(names):
        raise Malformed(head)
    if blank and names[-1] != "Content-Type" or not blank and any(n.startswith("Content-") for n in names):
        raise Malformed(head)
    if word != b"SEND" and found[1] != b"$":
        raise Malformed(held[:end])
    return Frame(held[:end], tid, word, headers, body[:-2] if blank else None, found[1]), held[end:]


# --- writing ------------------------------------------------------------------------------------------
def response(tid, code, to, own, more=""):
    """A response as G3 wants it: fixed text, To-Path, From-Path, `more`, `$`."""
    return (f"MSRP {tid} {code} {TEXTS[code]}\r\nTo-Path: {to}\r\nFrom-Path: {own}\r\n{more}"
            f"-------{tid}$\r\n").encode("latin-1")


def report(tid, code, to, own, message, span, more=""):
    return (f"MSRP {tid} REPORT\r\nTo-Path: {to}\r\nFrom-Path: {own}\r\nMessage-ID: {message}\r\n"
            f"Byte-Range: {span}\r\nStatus: 000 {code} {TEXTS[code]}\r\n{more}"
            f"-------{tid}$\r\n").encode("latin-1")


def is_due(code, method, asked):
    """G1, G2: is this answer given at all?"""
    if method == "REPORT":
        return False
    if code == 200:
        return method != "SEND" or asked in ("absent", "yes")
    return asked != "no"


def warning(code, text):
    return f'Warning: 399 {NAME} "{code} {text}"\r\n'


INFO = ('<?xml version="1.0" encoding="UTF-8"?><mcdatainfo xmlns="urn:3gpp:ns:mcdataInfo:1.0"><mcdata-Params>'
        '<request-type>{kind}</request-type><mcdata-request-uri type="Normal"><mcdataURI>{to}</mcdataURI>'
        '</mcdata-request-uri>{more}</mcdata-Params></mcdatainfo>')


def sds(to, data, ids=None, group=False, boundary="b0undary", more="", plain=None):
    """An SDS in the clear: mcdata-info, SDS SIGNALLING PAYLOAD, DATA PAYLOAD (TS 24.282 clause 15)."""
    ids = ids or os.urandom(32)
    parts = (("vnd.3gpp.mcdata-info+xml",
              INFO.format(kind="group-sds" if group else "one-to-one-sds", to=to, more=more).encode()),
             ("vnd.3gpp.mcdata-signalling", b"\x01" + struct.pack(">Q", int(time.time()))[3:] + ids),
             ("vnd.3gpp.mcdata-payload", plain or payload(data)))
    return b"\r\n".join(f"--{boundary}\r\nContent-Type: application/{t}\r\n\r\n".encode() + o
                        for t, o in parts) + f"\r\n--{boundary}--".encode()


def payload(data):
    return b"\x03\x01\x78" + struct.pack(">H", len(data) + 1) + b"\x01" + data


def sealed(data, tag=1):
    """A protected DATA PAYLOAD in one frame (TS 33.180 8.5.4.1): the relay, which holds no key, cannot
    tell that what follows the header is no ciphertext."""
    return (b"\x43" + struct.pack(">Q", int(time.time()))[3:] + os.urandom(4) + b"\0\1" + os.urandom(16) +
            struct.pack(">I", tag << 28 | 1) + b"\0" + struct.pack(">H", len(data) + 16) + data + b"t" * 16)


SDS_TYPE = "multipart/mixed;boundary=b0undary"


def payload_of(body):
    """Part 4 of a delivered multipart."""
    boundary = body[2:body.index(b"\r\n")]
    parts = (b"\r\n" + body).split(b"\r\n--" + boundary)
    assert parts[-1] == b"--", parts[-1]
    part = next(p for p in parts if b"mcdata-payload" in p.split(b"\r\n\r\n")[0])
    return part.split(b"\r\n\r\n", 1)[1]


# --- a connection -------------------------------------------------------------------------------------
class Line:
    """One connection of the peer, plain or with TLS, in bulk or octet by octet."""

    def __init__(self, site, tls=False, source="127.0.0.1", port=None, raw=None):
        self.site = site
        if raw is None:
            port = port or (site.port if tls else site.plain_port)
            raw = socket.create_connection(("127.0.0.1", port), 10, source_address=(source, 0))
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.tls = tls
        if tls:
            context = ssl.create_default_context(cafile=site.dir / "ca.pem")
            raw = context.wrap_socket(raw, server_hostname=NAME)
        self.socket = raw
        self.socket.settimeout(10)
        self.scheme = "msrps" if tls else "msrp"
        self.relay = f"{self.scheme}://{NAME}:{site.port};tcp"
        self.service = f"{self.scheme}://{NAME}:{site.port}/sds;tcp"
        self.me = f"{self.scheme}://{fresh('h')}.example:9/{fresh('s')};tcp"
        self.use = None
        self.held = b""

    def say(self, octets, drip=False):
        """Writes; one octet a segment with drip (of a long text only its ends). A close by the relay
        in the middle is not our concern here."""
        try:
            if not drip:
                self.socket.sendall(octets)
                return
            edge = len(octets) if len(octets) < 1500 else 500
            for i in range(edge):
                self.socket.send(octets[i:i + 1])
            if edge < len(octets):
                self.socket.sendall(octets[edge:-300])
                for i in range(len(octets) - 300, len(octets)):
                    self.socket.send(octets[i:i + 1])
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            pass

    def more(self, seconds):
        """Reads once into held; False at the end of the stream or when nothing comes."""
        self.socket.settimeout(seconds)
        try:
            octets = self.socket.recv(262144)
        except (TimeoutError, ConnectionResetError, ssl.SSLError):
            return False
        self.held += octets
        return bool(octets)

    def frame(self, seconds=10):
        while True:
            one, self.held = cut(self.held)
            if one:
                return one
            if not self.more(seconds):
                raise EOFError(self.held)

    def to_end(self, seconds=10):
        """Everything up to the close by the relay, which has to come in time."""
        end = time.monotonic() + seconds
        while self.more(max(0.01, end - time.monotonic())):
            pass
        assert time.monotonic() < end, f"not closed: {self.held!r}"
        octets, self.held = self.held, b""
        return octets

    def is_closed(self, seconds=0.0):
        readable, _, _ = select.select([self.socket], [], [], seconds)
        return bool(readable) and not self.more(1)

    def auth(self, user, more=""):
        tid = fresh("a")
        token = self.site.token_of(user)
        self.say((f"MSRP {tid} AUTH\r\nTo-Path: {self.relay}\r\nFrom-Path: {self.me}\r\n{more}"
                  f"Authorization: Bearer {token}\r\n-------{tid}$\r\n").encode())
        one = self.frame()
        assert one.word == b"200", one.raw
        self.use = one.get("Use-Path").decode()
        return self

    def fence(self):
        """A sign of life, answered; returns what was heard before the answer."""
        tid = fresh("f")
        to = self.use or self.relay
        if self.use:
            self.say((f"MSRP {tid} SEND\r\nTo-Path: {to}\r\nFrom-Path: {self.me}\r\nMessage-ID: {tid}\r\n"
                      f"-------{tid}$\r\n").encode())
            want = response(tid, 200, self.me, to)
        else:  # a stranger is challenged
            self.say((f"MSRP {tid} AUTH\r\nTo-Path: {to}\r\nFrom-Path: {self.me}\r\n"
                      f"-------{tid}$\r\n").encode())
            want = response(tid, 401, self.me, to, "WWW-Authenticate: Bearer "
                            f'realm="{NAME}", scope="3gpp:mc:data_service"\r\n')
        while not self.held.endswith(want):
            if not self.more(10):
                raise AssertionError(f"no sign of life: {self.held!r}")
        before, self.held = self.held[:-len(want)], b""
        return before

    def hear(self, code=200):
        """Takes one whole message that is delivered, answering each chunk; its body and last flag."""
        body = b""
        while True:
            one = self.frame()
            assert one.word == b"SEND", one.raw
            start = int((one.get("Byte-Range") or b"1-").split(b"-")[0])
            body = body[:start - 1] + (one.body or b"")
            self.answer(one, code)
            if one.flag != b"+":
                return body, one.flag

    def answer(self, one, code=200, text=None):
        to = one.get("From-Path").split(b" ")[0].decode()
        tid = one.tid.decode()
        text = TEXTS.get(code, "") if text is None else text
        self.say((f"MSRP {tid} {code}{' ' if text else ''}{text}\r\nTo-Path: {to}\r\nFrom-Path: {self.me}\r\n"
                  f"-------{tid}$\r\n").encode())

    def close(self):
        self.socket.close()


class Metrics:
    """The counters of the relay, over one connection that is kept."""

    def __init__(self, site):
        self.http = http.client.HTTPConnection("127.0.0.1", site.metrics_port, timeout=10)

    def all(self):
        self.http.request("GET", "/metrics")
        out = {}
        for line in self.http.getresponse().read().decode().splitlines():
            name, _, value = line.rpartition(" ")
            if name and not name.startswith("#"):
                out[name] = float(value)
        return out

    def refused(self):
        """{reason: how often}, and the counters that no refusal has, as `=NAME`."""
        out = {}
        for name, value in self.all().items():
            reason = re.fullmatch(r'mcrelay_refused_total\{reason="([^"]*)",answer="\d+"\}', name)
            if reason:
                out[reason[1]] = value
            elif name in ("mcrelay_late_responses_total", "mcrelay_overlap_octets_total",
                          "mcrelay_duplicates_total"):
                out["=" + name[8:-6]] = value
        return out
