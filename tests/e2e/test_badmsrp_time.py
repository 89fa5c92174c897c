"""Rows of the answer table that need time or a small limit: a second relay with short times. All variants
of a row wait together."""
import signal
import time

import pytest
from badmsrp import (ASKED, BODY, END, HEAD, SDS_TYPE, Line, Step, cut, is_due, payload_of, response,
                     sds, sealed, warning)
from badmsrp_sds import chunk
from quick import Scene, start
from rows import row_passed
from throwaway import until


@pytest.fixture(scope="module")
def quick():
    site = None
    try:
        site = start()
        yield Scene(site)
        assert site.stop() == 0, site.logged()[-2000:]
    finally:
        if site:
            site.remove()


def test_row_37_the_ninth_late_chunk_closes(quick):
    before = quick.metrics.refused()
    cases = quick.cases()
    large = Step(chunk(0, 100, "1-100/15728641", "+"), 413)
    for pause in (0, 0, 1.6, 1.7):  # what nobody says for 3 s is forgotten, and 3 s are put up with
        quick.say(cases, large)
        quick.answered(cases, large)
        time.sleep(pause)
    for _ in range(8):
        quick.say(cases, large)
        quick.answered(cases, large)
    quick.say(cases, large)
    quick.closed(cases, 20)
    assert quick.moved(before) == {"join_size": 12 * 8, "stopped_still": 8}
    row_passed("10.37")


def test_row_37_running_size(quick):
    """No total is told: it is stopped when it grows too large, with the warning of its kind."""
    before = quick.metrics.refused()
    cases = quick.cases(size=8000)
    more = warning(218, "user not authorised for one-to-one SDS communications due to message size")
    for step in (Step(chunk(0, 1500, "1-*/*"), 200), Step(chunk(1500, 5001, "1501-*/*"), 413, more=more),
                 Step(chunk(5001, 6000, "5001-*/*"), 413, more=more)):
        quick.say(cases, step)
        quick.answered(cases, step)
        if step.code == 200:  # so much has been delivered already
            assert quick.moved(before) == {}
    assert quick.moved(before) == {"sds_size_one": 16}
    heard, flags = quick.victim.fence(), {}
    while heard:
        one, heard = cut(heard)
        flags.setdefault(one.get("Message-ID"), []).append(one.flag)
    assert all(f[-1:] == [b"#"] and set(f[:-1]) <= {b"+"} for f in flags.values()), flags
    row_passed("10.37")


def test_row_41_no_end_line_then_deadline(quick):
    """What is not an end-line is body: the frame never ends, and its time does (row 60)."""
    before = quick.metrics.refused()
    cases = quick.cases()
    for case in cases:
        case.line.say(case.octets(Step(HEAD + "Content-Type: text/plain\r\n\r\nhello\r\n-------{T}!\r\n")), case.drip)
    quick.closed(cases, 20)
    assert quick.moved(before) == {"body_slow": 8}
    row_passed("10.41")


def test_row_60_slow_header(quick):
    """From its first octet on a header has its time, wherever it stops."""
    before = quick.metrics.refused()
    stops = ["M", "MSRP tidx", HEAD, HEAD[:-1], HEAD + "X-A: "]
    groups = [quick.cases() for _ in stops]
    for cases, said in zip(groups, stops):
        quick.say(cases, Step(said))
    for cases in groups:
        quick.closed(cases, 20)
    assert quick.moved(before) == {"head_slow": 8 * len(stops)}
    row_passed("10.60")


def test_row_60_slow_body(quick):
    """An octet now and then keeps no body alive."""
    before = quick.metrics.refused()
    cases = quick.cases()
    quick.say(cases, Step(HEAD + f"Content-Type: {SDS_TYPE}\r\n\r\n--b0"))
    for _ in range(15):
        time.sleep(0.3)
        for case in cases:
            case.line.say(b"x")
    quick.closed(cases, 20)
    assert quick.moved(before) == {"body_slow": 8}
    row_passed("10.60")


def test_row_59_probation(quick):
    """No request, and several of which none was good. Counted from the accept."""
    before = quick.metrics.refused()
    cases = quick.cases(who="stranger")
    bad = Step("MSRP {T} AUTH\r\nTo-Path: {A}\r\nFrom-Path: {F}\r\n{V}" + END, 401, method="AUTH", own="{A}",
               more=f'WWW-Authenticate: Bearer realm="relay.iops.example", scope="3gpp:mc:data_service"\r\n')
    quick.say(cases[::2], bad)
    for i, case in enumerate(cases):
        want = b"".join(case.expected(bad)) if i % 2 == 0 else b""
        assert case.line.to_end(20) == want
    assert quick.moved(before) == {"probation": 8, "auth_none": 4}
    # a good one ends it
    line = Line(quick.site).auth("bad")
    time.sleep(2.6)
    assert line.fence() == b""
    row_passed("10.59", "R19")


def test_row_61_after_expiry(quick):
    before = quick.metrics.refused()
    cases = quick.cases()
    for case in cases:  # renewed for two seconds, profile 2.7
        use = case.line.use
        case.line.auth("bad", "Expires: 2\r\n")
        assert case.line.use == use
        case.names["U"] = use
    half = Step(chunk(0, 100), 200)
    quick.say(cases, half)
    quick.answered(cases, half)
    time.sleep(2.6)
    for step, reason in ((Step(HEAD.replace("{P}", "{U}") + END, 481), "session_expired"),
                         (Step(chunk(100), 481), "session_expired"),
                         (Step(HEAD + BODY, 481), "session_expired"),
                         (Step(HEAD.replace("{P}", "{U} {H}") + "Byte-Range: 1-5/5\r\n" + BODY, report=481), "path_session")):
        quick.say(cases, step)
        for case in cases:
            heard = heard_until_challenge(case.line)
            wants = case.expected(step)
            assert len(wants) == (1 if heard else 0)
            for want in wants:
                tid = heard.split(b" ")[1]
                assert heard == want.replace(b"{t}", tid), (heard, want)
        got = quick.moved(before)
        assert got.pop(reason) == 8 and got.pop("auth_none") == 8, got
        assert not got, got
        before = quick.metrics.refused()
    for case in cases:  # AUTH opens a new one
        old = case.line.use
        assert case.line.auth("bad").use != old
        assert case.line.fence() == b""
    row_passed("10.61")


def heard_until_challenge(line):
    """A fence for a connection whose session is dead."""
    use, line.use = line.use, None
    try:
        return line.fence()
    finally:
        line.use = use


def test_row_38_idle_message_is_given_up(quick):
    """An incomplete message that nobody continues is told once, then its chunks get the same code."""
    cases = quick.cases()
    half, rest = Step(chunk(0, 100), 200), Step(chunk(100), 413)
    quick.say(cases, half)
    quick.answered(cases, half)
    time.sleep(4.2)
    before = quick.metrics.refused()
    quick.say(cases, rest)
    for case in cases:
        heard = case.line.fence()
        want = b"".join(case.expected(rest))
        assert heard.endswith(want), (heard, want)
        told = heard[:len(heard) - len(want)]
        assert bool(told) == (case.asked != "no") and told.count(b" REPORT\r\n") == (case.asked != "no")
    assert quick.moved(before) == {"stale": 8}
    row_passed("10.38")


def whole(case):
    return f"1-{len(case.body)}/{len(case.body)}"


def take_all(quick, cases, code):
    """Each case sends its SDS, one after the other; the victim answers each with `code`, or with nothing."""
    frames = []
    for case in cases:
        step = Step(chunk(0), 200)
        case.line.say(case.octets(step), case.drip)
        quick.answered([case], step)
        frames.append(quick.victim.frame())
        assert payload_of(frames[-1].body) == case.part
        if code:
            quick.victim.answer(frames[-1], code)
    return frames


@pytest.mark.parametrize("code", [0, 400, 403, 408, 413, 415, 481, 501, 506])
def test_rows_45_46_the_recipient(quick, code):
    """The sender had its 200 at the end-line; what becomes of the delivery is a REPORT: 408 for silence,
    else the code of the refusal; with Failure-Report no, nothing."""
    cases = quick.cases()
    frames = take_all(quick, cases, code)
    quick.told(cases, code or 408, whole)
    before = quick.metrics.refused()
    for got in frames if not code else []:
        quick.victim.answer(got)  # too late: dropped
    assert quick.victim.fence() == b""
    assert all(case.line.fence() == b"" for case in cases)
    assert quick.moved(before) == ({} if code else {"=late_responses": 8})
    row_passed("10.46" if code else "10.45")


def test_row_47_the_recipient_is_gone(quick):
    """Its connection is lost before it has answered: REPORT 408."""
    cases = quick.cases()
    take_all(quick, cases, 0)
    quick.victim.close()
    quick.told(cases, 408, whole)
    quick.victim = Line(quick.site).auth("victim")
    row_passed("10.47")


def test_row_51_response_from_the_wrong_connection(quick):
    """Somebody else's refusal of a delivery under way changes nothing."""
    for case in quick.cases():
        before = quick.metrics.all()
        step = Step(chunk(0), 200)
        case.line.say(case.octets(step))
        got = quick.victim.frame()
        assert case.line.fence() == b"".join(case.expected(step))
        own = got.get("From-Path").split(b" ")[0].decode()
        case.line.say((f"MSRP {got.tid.decode()} 413 Stop\r\nTo-Path: {own}\r\nFrom-Path: {quick.victim.me}\r\n"
                       f"{case.line_v}-------{got.tid.decode()}$\r\n").encode(), case.drip)
        assert case.line.fence() == b""
        quick.victim.answer(got)
        assert quick.victim.fence() == b"" and case.line.fence() == b""
        after = quick.metrics.all()
        for name, n in (("late_responses", 1), ("deliveries", 1), ("deliveries_failed", 0)):
            name = f"mcrelay_{name}_total"
            assert after[name] - before[name] == n, name
    row_passed("10.51")


def test_row_39_stopped_in_progress(quick):
    """The sender is put out of the group in mid-message: one REPORT, `#` to the recipients, and 403 for
    what comes later. It holds within a second of the reload."""
    cases = quick.cases(size=4000)
    step = Step(chunk(0, 4000, body=in_group), 200)
    quick.say(cases, step)
    quick.answered(cases, step)
    for _ in cases:
        got = quick.victim.frame()
        assert got.flag == b"+"
        quick.victim.answer(got)
    quick.site.group("team", "victim", "away")
    quick.site.process.send_signal(signal.SIGHUP)
    more = warning(116, "user is not part of the MCData group")
    quick.told(cases, 403, lambda case: f"1-4000/{len(in_group(case))}", more)
    for _ in cases:
        got = quick.victim.frame()
        assert got.flag == b"#"
        quick.victim.answer(got)
    rest = Step(chunk(4000, body=in_group), 403, more=more)
    quick.say(cases, rest)
    quick.answered(cases, rest)
    assert quick.victim.fence() == b""
    row_passed("10.39")


def in_group(case):
    """The same octets each time: an SDS to the group."""
    if not hasattr(case, "whole"):
        case.whole = sds("sip:team@iops.example", b"", case.ids, group=True, plain=sealed(case.data, 0))
    return case.whole


def test_row_57_plaintext():
    """AUTH or any token over a plain connection: 403 and close, unless it is loopback and allowed."""
    site = start(auth=False)
    try:
        scene = Scene(site, tls=True)
        for said, method, own in (
                ("MSRP {T} AUTH\r\nTo-Path: {A}\r\nFrom-Path: {F}\r\n{V}Authorization: Bearer {K}\r\n" + END, "AUTH", "{A}"),
                ("MSRP {T} AUTH\r\nTo-Path: {A}\r\nFrom-Path: {F}\r\n{V}" + END, "AUTH", "{A}"),
                (HEAD + "Authorization: Bearer {K}\r\n" + END, "SEND", "{U}")):
            before = scene.metrics.refused()
            for case in scene.cases(who="stranger"):
                step = Step(said, 403, method=method, own=own)
                case.line.say(case.octets(step), case.drip)
                assert case.line.to_end() == b"".join(case.expected(step))
            assert scene.moved(before) == {"auth_plaintext": 8}
        Line(site, tls=True).auth("bad").fence()
        assert site.stop() == 0
    finally:
        site.remove()
    row_passed("10.57", "A2")


def test_rows_44_53_rate_draining_failed_auths():
    """A small relay: more messages than allowed are 413, the fifth failed AUTH of a source closes, and while
    the relay stops nothing new begins."""
    site = start(fails=5, rate=1, burst=8, idle="60s", drain="20s")
    try:
        scene = Scene(site)
        before = scene.metrics.refused()
        cases = scene.cases()
        for case in cases:  # the burst is used up
            step = Step(chunk(0, 100), 200)
            case.line.say(case.octets(step))
        scene.answered(cases, step)
        refusals = 0
        for case in cases:
            case.message += "r"
            case.names["M"] = case.message
            step = Step(chunk(0), 413)
            case.line.say(case.octets(step), case.drip)
            heard = case.line.fence()
            if heard.startswith(b"MSRP") and b" 200 " in heard.split(b"\r\n")[0] + b" ":
                continue  # a token came back in the meantime
            assert heard == b"".join(case.expected(step))
            refusals += 1
        assert refusals >= 4 and scene.moved(before).get("rate", 0) >= 4
        # row 53: by the source, over all its connections
        for asked in ASKED:
            source = f"127.0.0.{20 + ASKED.index(asked)}"
            asks = "" if asked == "absent" else f"Failure-Report: {asked}\r\n"
            before = scene.metrics.refused()
            for i in range(5):
                line = Line(site, source=source)
                line.say((f"MSRP tid{i} AUTH\r\nTo-Path: {line.relay}\r\nFrom-Path: {line.me}\r\n{asks}Authorization: Bearer "
                          f"x\r\n-------tid{i}$\r\n").encode())
                want = response(f"tid{i}", 401, line.me, line.relay, 'WWW-Authenticate: Bearer realm="relay.iops.example", '
                                'scope="3gpp:mc:data_service", error="invalid_token"\r\n')
                if i == 4:
                    assert line.to_end() == b""
                elif is_due(401, "AUTH", asked):
                    assert line.frame().raw == want
            moved = scene.moved(before)
            assert moved == {"jws_form": 4, "auth_fails": 1}, moved
        assert Line(site).auth("bad").fence() == b"", "another source is not concerned"
        row_passed("10.53")
        # row 44: draining
        held = cases[0].line
        site.process.send_signal(signal.SIGTERM)
        until(lambda: "draining for at most" in site.logged())
        case = cases[1]
        case.names["M"] = case.message = "draining1"
        step = Step(chunk(0), 413)
        case.asked, case.names["V"] = "absent", ""
        case.line.say(case.octets(step))
        assert case.line.fence() == b"".join(case.expected(step))
        case = cases[0]  # the old one goes on to its end
        assert case.asked == "absent"
        case.message = case.message[:-1]
        case.names["M"] = case.message
        step = Step(chunk(100), 200)
        held.say(case.octets(step))
        assert held.frame().raw == b"".join(case.expected(step))
        got = scene.victim.frame()
        scene.victim.answer(got)
        assert payload_of(got.body) == case.part
        assert site.stop() == 0
    finally:
        site.remove()
    row_passed("10.44")

