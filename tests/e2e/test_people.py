"""People write to each other through the real daemon, with the real client."""
import hashlib
import json
import os
import shutil
import time

GROUP = "sip:rescue-1@iops.example"


def lines(process, timeout=60):
    out, err = process.communicate(timeout=timeout)
    assert process.returncode == 0, err
    return [json.loads(line) for line in out.splitlines()]


def test_one_to_one_with_dispositions(site):
    bob = site.recv("bob", "--count", "1", "--read", "--json")
    sent = site.send("alice", "--to", "sip:bob@iops.example", "--disposition", "both", "--wait", "20",
                     "--json", "Größe 12 °C")
    assert sent.returncode == 0, sent.stderr
    assert "READ" in sent.stdout and "DELIVERED" in sent.stdout
    got = lines(bob)
    assert any(m.get("text") == "Größe 12 °C" and m.get("from") == "sip:alice@iops.example" for m in got)


def test_group_many_frames(site, tmp_path):
    plan = tmp_path / "plan"
    plan.write_bytes(os.urandom(3_000_000))
    receivers = {}
    for user in ("bob", "carol"):
        (tmp_path / user).mkdir()
        receivers[user] = site.recv(user, "--count", "1", "--out", tmp_path / user)
    sent = site.send("alice", "--group", GROUP, "--file", plan)
    assert sent.returncode == 0, sent.stderr
    for user, process in receivers.items():
        process.communicate(timeout=60)
        files = list((tmp_path / user).iterdir())
        assert [hashlib.sha256(f.read_bytes()).digest() for f in files] == \
            [hashlib.sha256(plan.read_bytes()).digest()], user


def test_no_file_takes_the_name_of_another(site, tmp_path):
    """One message ID, two messages for the same directory: both stay."""
    plan = os.urandom(70_000)
    (tmp_path / "plan").write_bytes(plan)
    (tmp_path / "in").mkdir()
    receivers = [site.recv(user, "--count", "1", "--out", tmp_path / "in") for user in ("bob", "carol")]
    sent = site.send("alice", "--group", GROUP, "--file", tmp_path / "plan")
    assert sent.returncode == 0, sent.stderr
    said = "".join(p.communicate(timeout=60)[0] for p in receivers)
    files = sorted((tmp_path / "in").iterdir())
    assert [f.read_bytes() for f in files] == [plan, plan]
    assert files[0].name == files[1].name[:36] + "-2.bin" and files[1].name[36:] == ".bin"
    assert all(f"in {f}\n" in said for f in files)


def test_delivered_is_said_of_what_is_kept(site, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "plan").write_bytes(bytes(1000))
    for gone in (False, True):
        bob = site.recv("bob", "--count", "1", "--out", tmp_path / "in")
        if gone:
            shutil.rmtree(tmp_path / "in")
        sent = site.send("alice", "--to", "sip:bob@iops.example", "--file", tmp_path / "plan",
                         "--disposition", "delivered", "--wait", "2")
        bob.communicate(timeout=60)
        assert bob.returncode == gone
        assert ("DELIVERED" in sent.stdout) == (not gone)


def test_absent_recipient(site):
    sent = site.send("alice", "--to", "sip:bob@iops.example", "anybody?")
    assert sent.returncode == 3
    assert "413" in sent.stderr and "204" in sent.stderr


def test_outsiders(site):
    bob = site.recv("bob", "--timeout", "5")
    no_id = site.send("mallory", "--to", "sip:bob@iops.example", "let me in")
    assert no_id.returncode == 3 and "403" in no_id.stderr
    no_member = site.send("dave", "--group", GROUP, "hello?")
    assert no_member.returncode == 3 and "116" in no_member.stderr
    out, _ = bob.communicate(timeout=30)
    assert out.strip() == ""
    assert site.metric("mcrelay_refused_total{reason=\"claim_mcdata_id\"") == 1
    assert site.metric("mcrelay_refused_total{reason=\"sds_not_member\"") == 1


def test_group_change_holds_within_a_second(site):
    """profile 2.8: a removed member is out, on a session that already stands."""
    path = site.dir / "groups/rescue-1.yaml"
    before = path.read_text()
    carol = site.recv("carol", "--timeout", "8", "--json")
    bob = site.recv("bob", "--count", "1")
    new = site.dir / "rescue-1.new"
    new.write_text(before.replace("  - sip:carol@iops.example\n", ""))
    os.rename(new, path)
    time.sleep(2.2)  # the poll is a second; one more for a busy machine
    try:
        sent = site.send("alice", "--group", GROUP, "not for carol")
        assert sent.returncode == 0, sent.stderr
        bob.communicate(timeout=30)
        out, _ = carol.communicate(timeout=30)
        assert "not for carol" not in out
    finally:
        path.write_text(before)
        time.sleep(2.2)


def test_bad_group_file_keeps_the_old_one(site):
    """T41: a bad file on reload changes nothing and is an alarm that names file and line."""
    path = site.dir / "groups/rescue-1.yaml"
    before = path.read_text()
    path.write_text("uri: sip:rescue-1@iops.example\nmembers: 7\n")
    try:
        time.sleep(2.2)
        bob = site.recv("bob", "--count", "1")
        sent = site.send("alice", "--group", GROUP, "still a group")
        assert sent.returncode == 0, sent.stderr
        out, _ = bob.communicate(timeout=30)
        assert "still a group" in out
        assert "rescue-1.yaml:2" in site.logged()
    finally:
        path.write_text(before)
        time.sleep(2.2)


def test_log_holds_no_secret(site):
    """T31: no token, no Use-Path session id, no payload in the log."""
    log = site.logged()
    for user in ("alice", "bob", "mallory"):
        token = (site.dir / "tokens" / user).read_text().strip()
        assert token not in log and token.split(".")[2] not in log
    assert "not for carol" not in log and "/sds;tcp" not in log
    for line in log.splitlines():
        if line.startswith("{"):
            json.loads(line)
