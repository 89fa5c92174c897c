"""The wire as a stranger sees it: a raw peer written from the RFC."""
import time

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from throwaway import NAME, Peer


def test_challenge_then_use_path(site):
    peer = Peer(site)
    peer.request("AUTH", [])
    words, headers, body, flag = peer.frame()
    assert words[2] == "401" and flag == "$" and body is None
    assert headers["WWW-Authenticate"] == \
        f'Bearer realm="{NAME}", scope="3gpp:mc:data_service"' or \
        headers["WWW-Authenticate"].startswith("Bearer realm=")
    assert "error" not in headers["WWW-Authenticate"]
    words, headers = peer.auth(site.token(mcdata_id="sip:alice@iops.example"))
    assert words[2] == "200"
    assert headers["Use-Path"].startswith(f"msrps://{NAME}:{site.port}/")
    assert 60 <= int(headers["Expires"]) <= 3600


@pytest.mark.parametrize("claims,status", [
    ({}, "403"), ({"mcdata_id": "sip:alice@elsewhere.example"}, "403"),
    ({"mcdata_id": "sip:alice@iops.example", "mcvideo_id": "sip:a@b"}, "403"),
    ({"mcdata_id": "sip:alice@iops.example", "mcrec_id": "sip:a@b"}, "403"),
    ({"mcdata_id": "sip:alice@iops.example", "mcptt_id": "sip:a@b"}, "200"),
    ({"mcdata_id": "sip:alice@iops.example", "scope": "3gpp:mc:data_services"}, "403"),
    ({"mcdata_id": "sip:alice@iops.example", "exp": int(time.time()) - 120}, "401"),
    ({"mcdata_id": "sip:alice@iops.example", "iss": "https://else"}, "401"),
    ({"mcdata_id": "sip:alice@iops.example", "aud": "else"}, "401"),
    ({"mcdata_id": "sip:alice@iops.example", "client_id": None}, "403"),
])
def test_iops_rule(site, claims, status):
    peer = Peer(site)
    words, headers = peer.auth(site.token(**claims))
    assert words[2] == status
    if status == "401":
        assert 'error="invalid_token"' in headers["WWW-Authenticate"]


def test_keep_alive_is_answered(site):
    peer = Peer(site)
    peer.auth(site.token(mcdata_id="sip:alice@iops.example"))
    tid = peer.request("SEND", [("Message-ID", "abcd1234"), ("Byte-Range", "1-0/0")],
                       to=f"{peer.use_path} {peer.service}")
    words, headers, _, _ = peer.frame()
    assert words[1:3] == [tid, "200"] and headers["To-Path"] == peer.me


def test_framing_error_closes(site):
    peer = Peer(site)
    peer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    with pytest.raises(EOFError):
        peer.frame()


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(cuts=st.lists(st.integers(1, 400), max_size=12))
def test_any_split_gives_the_same_answers(site, cuts):
    """row F18 on a real socket: three pipelined requests, cut anywhere."""
    peer = Peer(site, plain=True)
    token = site.token(mcdata_id="sip:alice@iops.example")
    peer.auth(token)
    to = f"{peer.use_path} {peer.service}"
    octets = b""
    for tid, method, status in (("first001", "SEND", "200"), ("second02", "NICKNAME", "501"),
                                ("third003", "SEND", "481")):
        target = to if tid != "third003" else to.replace(peer.use_path[-14:-4], "0123456789")
        octets += (f"MSRP {tid} {method}\r\nTo-Path: {target}\r\nFrom-Path: {peer.me}\r\n"
                   f"Message-ID: m{tid}\r\n-------{tid}$\r\n").encode()
    at = 0
    for n in cuts:
        peer.write(octets[at:at + n])
        at += n
        time.sleep(0.001)
    peer.write(octets[at:])
    assert [peer.frame()[0][1:3] for _ in range(3)] == \
        [["first001", "200"], ["second02", "501"], ["third003", "481"]]
    peer.close()
