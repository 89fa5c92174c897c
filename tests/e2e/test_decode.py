"""mcrelay decode as a person uses it on a capture."""
import json
import subprocess

import pytest
from throwaway import BUILD

HELLO = "03 01 78 00 06 01 68 65 6c 6c 6f"  # DATA PAYLOAD, one TEXT "hello"
PATHS = (b"To-Path: msrps://b.example:1/x;tcp\r\n"
         b"From-Path: msrps://a.example:1/y;tcp\r\n")
SEND = (b"MSRP a786hjs2 SEND\r\n" + PATHS + b"Message-ID: 87652\r\n"
        b"Content-Type: application/vnd.3gpp.mcdata-payload\r\n\r\n" + bytes.fromhex(HELLO) +
        b"\r\n-------a786hjs2$\r\n")
ANSWER = b"MSRP a786hjs2 200 OK\r\n" + PATHS + b"-------a786hjs2$\r\n"


def decode(octets, *words):
    return subprocess.run([BUILD / "mcrelay", "decode", *words], input=octets, capture_output=True,
                          timeout=60)


def test_a_message_on_its_own():
    done = decode(HELLO.encode(), "--hex")
    assert done.returncode == 0 and not done.stderr
    assert b"message: DATA PAYLOAD\n" in done.stdout and b'text: "hello"\n' in done.stdout
    assert decode(bytes.fromhex(HELLO)).stdout == done.stdout
    got = json.loads(decode(HELLO.encode(), "--hex", "--json").stdout)
    assert got["payloads"] == [{"element": "Payload", "content_type": "TEXT", "text": "hello"}]


def test_frames_with_their_parts(tmp_path):
    capture = tmp_path / "capture"
    capture.write_bytes(SEND + ANSWER)
    done = decode(b"", capture)
    assert done.returncode == 0 and not done.stderr
    assert b"SEND a786hjs2 at octet 0\n" in done.stdout and b"  Message-ID: 87652\n" in done.stdout
    assert b"response a786hjs2 at octet %d: 200 OK\n" % len(SEND) in done.stdout
    send, answer = map(json.loads, decode(b"", "--json", capture).stdout.splitlines())
    assert ["Message-ID", "87652"] in send["headers"] and send["flag"] == "$"
    assert send["parts"][0]["content"]["payloads"][0]["text"] == "hello"
    assert send["parts"][0]["octet"] == SEND.index(bytes.fromhex(HELLO))
    assert answer["status"] == 200 and answer["octet"] == len(SEND)


def test_of_a_protected_one_the_clear_header():
    frame = bytes([0x43]) + (1700000000).to_bytes(5, "big") + bytes.fromhex("0000000700") + b"\x01" + \
        bytes(range(16)) + bytes.fromhex("12345678") + b"\x79\x00\x14" + bytes(20)
    done = decode(frame, "--json")
    assert done.returncode == 0, done.stderr
    assert "12345678" in done.stdout.decode().lower()


@pytest.mark.parametrize("octets,words,code,said", [
    (bytes.fromhex(HELLO)[:7], [], 1, "octet 2: the message ends before its mandatory part"),
    (SEND[:100], [], 1, "octet 100: the input ends inside a frame"),
    (SEND + b"HTTP/1.1 200 OK\r\n", [], 1, f"octet {len(SEND)}:"),
    (b"0g", ["--hex"], 1, ""),
    (b"", ["--what"], 2, ""),
    (b"", ["/nonexistent"], 1, "/nonexistent"),
], ids=["short", "cut", "no-msrp", "no-hex", "option", "no-file"])
def test_what_is_not_understood(octets, words, code, said):
    done = decode(octets, *words)
    assert done.returncode == code, done
    assert "mcrelay decode: " in done.stderr.decode() and said in done.stderr.decode()
