"""standard - a standard MSRP endpoint (RFC 4975) behind a relay (RFC 4976), octet by octet: written
from the RFCs, with nothing of the product's own code."""
import hashlib
import os
import re
import socket
import ssl

from throwaway import Peer


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


class Endpoint(Peer):
    """An endpoint with one connection, to `address`, of the relay whose URI (with port) is `relay`. ca:
    the file to verify the relay with, which makes it TLS. certificate: (pem, key) to show."""

    def __init__(self, address, relay, ca=None, certificate=None, me=None):
        raw = socket.create_connection(address, 10)
        self.scheme, host = re.match(r"(msrps?)://\[?([^\]:;/]+)", relay).groups()
        if ca:
            context = ssl.create_default_context(cafile=ca)
            if certificate:
                context.load_cert_chain(*certificate)
            raw = context.wrap_socket(raw, server_hostname=host)
        self.socket = raw
        self.socket.settimeout(20)
        self.relay = relay
        self.me = me or f"{self.scheme}://client.example:9/{os.urandom(10).hex()};tcp"
        self.held = b""
        self.use_path = None

    def digest(self, user, password, with_uri=True):
        """AUTH by Digest (rfc4976#5.1); the headers of the last response. with_uri: the field that
        RFC 2617 knows and RFC 4976 does not ask for."""
        tid = self.request("AUTH", [])
        words, headers, _, _ = self.frame()
        assert words[1:3] == [tid, "401"], (words, headers)
        self.challenge = dict(re.findall(r'(\w+)="?([^",]*)"?', headers["WWW-Authenticate"]))
        tid = self.request("AUTH", [("Authorization", self.authorization(user, password, with_uri))])
        words, headers, _, _ = self.frame()
        assert words[1] == tid
        self.use_path = headers.get("Use-Path")
        return words, headers

    def authorization(self, user, password, with_uri=True, count=1):
        realm, nonce, cnonce = self.challenge["realm"], self.challenge["nonce"], os.urandom(8).hex()
        answer = md5(":".join((md5(f"{user}:{realm}:{password}"), nonce, f"{count:08x}", cnonce, "auth",
                               md5(f"AUTH:{self.relay}"))))
        opaque = f', opaque="{self.challenge["opaque"]}"' if "opaque" in self.challenge else ""
        uri = f', uri="{self.relay}"' if with_uri else ""
        return (f'Digest username="{user}", realm="{realm}", nonce="{nonce}"{uri}, qop=auth, '
                f'nc={count:08x}, cnonce="{cnonce}", response="{answer}"{opaque}')

    @property
    def path(self):
        """What stands in its SDP: its relay's URIs, nearest to the peer first, then its own."""
        return f"{self.use_path} {self.me}"

    def send(self, peer, body, message_id=None, first=1, total=None, flag="$", tid=None, headers=(),
             content_type="application/octet-stream"):
        """One chunk of a message to a peer's path; its transaction id and Message-ID."""
        message_id = message_id or os.urandom(8).hex()
        total = len(body) if total is None else total
        tid = self.request("SEND", [
            ("Message-ID", message_id), ("Byte-Range", f"{first}-{first + len(body) - 1}/{total}"),
            *headers, ("Content-Type", content_type)], body, tid=tid, flag=flag,
            to=f"{self.use_path} {peer}")
        return tid, message_id

    def message(self, peer, body, chunk, headers=()):
        """A message in chunks of so many octets; ([transaction ids], Message-ID)."""
        tids, message_id = [], None
        for at in range(0, len(body), chunk):
            piece = body[at:at + chunk]
            flag = "$" if at + chunk >= len(body) else "+"
            tid, message_id = self.send(peer, piece, message_id, at + 1, len(body), flag, headers=headers)
            tids.append(tid)
        return tids, message_id

    def respond(self, frame, code=200, text="OK"):
        """Answers a SEND: to the first URI of its From-Path, from the last of its To-Path."""
        words, headers, _, _ = frame
        self.write((f"MSRP {words[1]} {code} {text}\r\nTo-Path: {headers['From-Path'].split(' ')[0]}\r\n"
                    f"From-Path: {headers['To-Path'].split(' ')[-1]}\r\n-------{words[1]}$\r\n").encode())

    def report(self, frame, status="000 200 OK", octets=None):
        """A REPORT on a SEND, along its whole From-Path."""
        _, headers, body, _ = frame
        octets = octets or len(body or b"")
        return self.request("REPORT", [("Message-ID", headers["Message-ID"]),
                                       ("Byte-Range", f"1-{octets}/{octets}"), ("Status", status)],
                            to=headers["From-Path"])

    def response(self, tid):
        """The response to a transaction; other frames are put back for frame_but()."""
        words, headers, body, flag = self.frame()
        assert words[1] == tid and words[2].isdigit(), (words, headers)
        return words, headers

    def silent(self, seconds=0.5):
        """Nothing comes for so long."""
        if self.held:
            return False
        self.socket.settimeout(seconds)
        try:
            more = self.socket.recv(65536)
            self.held += more
            return not more
        except (TimeoutError, ssl.SSLError):
            return True
        finally:
            self.socket.settimeout(20)


def deliver(sender, receiver, body, chunk, headers=()):
    """One message in chunks; every chunk gets 200 from the sender's relay, the body arrives."""
    tids, message_id = sender.message(receiver.path, body, chunk, headers)
    assert [sender.response(tid)[0][1:3] for tid in tids] == [[tid, "200"] for tid in tids]
    got = b""
    while True:
        frame = receiver.frame()
        words, header, octets, flag = frame
        assert words[2] == "SEND" and header["Message-ID"] == message_id
        assert header["To-Path"] == receiver.me and header["From-Path"].endswith(" " + sender.me)
        first = int(header["Byte-Range"].split("-")[0])
        assert first == len(got) + 1, "chunks arrive in order"
        got += octets
        receiver.respond(frame)
        if flag == "$":
            break
    assert got == body
    return frame
