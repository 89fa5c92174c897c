"""badmsrp - a misbehaving MSRP peer, and what section by section it must hear for it.

Written from RFC 4975, RFC 4976 and the answer table alone: no line of it comes from the product, and
no expected octet was ever recorded from it. A Fault is one thing done wrong, as one or more Steps;
each Step says octets and knows the one answer they earn (a response, a REPORT, silence, a close),
the counter that moves, and what the other side may hear. Faults stand in badmsrp_*.py; Stage plays
them against a running relay and compares every octet.

Templates are texts with one-letter names in braces, see Case.names; characters are octets."""
import os
import re
from dataclasses import dataclass, field

# what the files of faults and the tests need of the wire comes from here, too
from badmsrp_wire import (ASKED, IDENT, INFO, SDS_TYPE, TEXTS, Frame, Line, Malformed, Metrics, cut, fresh,  # noqa: F401
                          is_due, payload, payload_of, report, response, sds, sealed, warning)
from throwaway import NAME

HEAD = "MSRP {T} SEND\r\nTo-Path: {P}\r\nFrom-Path: {F}\r\n{V}Message-ID: {M}\r\n"
END = "-------{T}$\r\n"
BODY = "Content-Type: text/plain\r\n\r\nhello\r\n" + END


# --- faults -------------------------------------------------------------------------------------------
@dataclass
class Step:
    say: object              # template, or a function of the case that gives octets
    code: int = 0            # of the response; 0: none
    reason: object = ""      # what counts it: a reason, =NAME of another counter, {reason: times}, "" none
    report: int = 0          # code of a REPORT
    range: str = "1-5/5"     # its Byte-Range
    to: str = "{F}"          # To-Path of the response
    own: str = "{U}"         # From-Path of response and REPORT: our URI
    more: str = ""           # further lines of either
    method: str = "SEND"
    forward: str = ""        # template of the frame that the other end gets, {t} its transaction id
    silent: bool = False     # the other end gives no answer to that: it is a REPORT
    hears: object = None     # payload (function of the case) of the SDS delivered; "+" one that has
                             # begun, "#" one aborted
    first: int = 0           # code of a response before, to a request that asks for all
    first_id: str = ""       # its transaction id where that is another one
    wait: bool = False       # its answer comes before the next step
    fixed: str = ""          # Failure-Report is this whatever the variant: the fault is in it


@dataclass
class Fault:
    row: str                 # of the answer table, or the threat it is about
    name: str
    steps: list
    roles: str = "E"         # of E (the service, the own Use-Path) and R (relaying to another client)
    closes: bool = False
    who: str = "user"        # user | stranger | tls
    as_user: str = "bad"
    in_bulk: bool = False    # only so: octet by octet it would be another thing
    size: int = 100          # octets of data in its SDS
    names: dict = field(default_factory=dict)

    @property
    def id(self):
        return f"{self.row} {self.name}"


FAULTS = []


def fault(row, name, *steps, **more):
    if isinstance(steps[0], str):
        raise TypeError("steps, not text")
    FAULTS.append(Fault(str(row), name, list(steps), **more))


class Case:
    """One fault in one role, with one Failure-Report, in bulk or octet by octet."""

    def __init__(self, stage, one, role, asked, drip):
        self.stage, self.fault, self.role, self.asked, self.drip = stage, one, role, asked, drip
        tls = one.who == "tls"
        self.line = Line(stage.site, tls=tls)
        if one.who != "stranger":
            self.line.auth(one.as_user)
        victim = stage.victim
        self.line_v = "" if asked == "absent" else f"Failure-Report: {asked}\r\n"
        self.message = fresh("m")
        self.data = f"data {self.message} ".encode() + b"x" * one.size
        self.part = sealed(self.data[:65000]) if one.size > 1000 else payload(self.data)  # part 4
        self.ids = os.urandom(32)
        self.names = {
            "U": self.line.use or f"{self.line.scheme}://{NAME}:{stage.site.port}/{'n' * 26};tcp",
            "F": self.line.me, "S": self.line.service, "R": f"msrps://{NAME}:{stage.site.port};tcp",
            "A": self.line.relay, "X": victim.use, "Y": victim.me, "O": victim.use, "M": self.message,
            "V": self.line_v, "W": self.line_v or "Failure-Report: yes\r\n",
            "C": self.line.scheme, "D": str(stage.site.port), "E": NAME,
            "N": f"{self.line.scheme}://{NAME}:{stage.site.port}/{'a' * 26};tcp",
            "H": f"{self.line.scheme}://next.invalid:2855/hop;tcp",
            "K": stage.site.token_of("bad")}
        self.names["P"] = self.names["U"] + " " + \
            (self.names["S"] if role == "E" else f"{victim.use} {victim.me}")
        self.names.update(one.names)

    @property
    def body(self):
        """The SDS of the case, the same octets each time."""
        if not hasattr(self, "_body"):
            self._body = sds("sip:victim@iops.example", self.data, self.ids, plain=self.part) + self.data[65000:]
        return self._body

    def fill(self, template):
        """The template with all its names; a name may stand for text with names."""
        while True:
            text = re.sub(r"\{([A-Z])\}", lambda m: self.names[m[1]], template)
            if text == template:
                return text
            template = text

    def octets(self, step):
        self.names["T"] = fresh("t")
        said = step.say(self) if callable(step.say) else step.say
        return said if isinstance(said, bytes) else self.fill(said).encode("latin-1")

    def expected(self, step):
        """The octets of the answer: written here, from the table. A REPORT has {t} for its id."""
        code = step.code
        asked = step.fixed or self.asked
        to, own, more = (self.fill(t) for t in (step.to, step.own, step.more))
        first = [response(step.first_id or self.names["T"], step.first, to, own)] if step.first else []
        if code and is_due(code, step.method, asked):
            return first + [response(self.names["T"], code, to, own, more)]
        if step.report and asked != "no":
            return [report("{t}", step.report, to, own, self.message, self.fill(step.range), more)]
        return first

    def counts(self, step):
        reason = step.reason
        return dict(reason) if isinstance(reason, dict) else {reason: 1} if reason else {}


def compare(heard, expected, what):
    """Octet for octet; {t} in an expected frame stands for a fresh transaction id of the relay's own."""
    for want in expected:
        got = heard[:len(want)]
        if b"{t}" in want:
            tid = heard.split(b" ", 2)[1] if heard.count(b" ") > 1 else b""
            assert IDENT.fullmatch(tid) and len(tid) >= 16, f"{what}: no good id in {heard!r}"
            want = want.replace(b"{t}", tid)
            got = heard[:len(want)]
        assert got == want, f"{what}:\nheard {heard!r}\nwant  {want!r}"
        heard = heard[len(want):]
    assert heard == b"", f"{what}: more than is due: {heard!r}"


class Stage:
    """A running relay, a victim that is the other end, and a healthy pair elsewhere."""

    def __init__(self, site):
        self.site = site
        self.metrics = Metrics(site)
        self.victim = Line(site).auth("victim")
        self.well = Line(site).auth("well")
        self.fine = Line(site).auth("fine")
        self.cases = 0

    def play(self, one, role):
        """All variants of a fault: {absent, yes, partial, no} x {bulk, 1-octet}."""
        for asked in ASKED:
            for drip in (False,) if one.in_bulk else (False, True):
                self.variant(one, role, asked, drip)
                self.cases += 1
        self.is_healthy()

    def variant(self, one, role, asked, drip):
        what = f"{one.id} [{role} {asked} {'1-octet' if drip else 'bulk'}]"
        case = Case(self, one, role, asked, drip)
        before = self.metrics.refused()
        counted = {}
        wanted = []
        for step in one.steps:
            said = case.octets(step)
            due = case.expected(step)
            for reason, n in case.counts(step).items():
                counted[reason] = counted.get(reason, 0) + n
            case.line.say(said, drip)
            wanted += due
            if step.wait:
                while len(case.line.held) < len(b"".join(wanted)) and case.line.more(10):
                    pass
            if step.forward:
                self.forwarded(case, step, what)
            if step.hears:
                if step.hears == "+":
                    got = self.victim.frame()
                    assert got.flag == b"+", f"{what}: {got.raw!r}"
                    self.victim.answer(got)
                    continue
                body, flag = self.victim.hear()
                if step.hears == "#":
                    assert flag == b"#", f"{what}: the delivery ends with {flag}"
                else:
                    assert flag == b"$" and payload_of(body) == step.hears(case), f"{what}: {body!r}"
        heard = case.line.to_end() if one.closes else case.line.fence()
        if not one.closes and one.who == "stranger":
            counted["auth_none"] = counted.get("auth_none", 0) + 1
        compare(heard, wanted, what)
        assert self.victim.fence() == b"", f"{what}: the victim heard of it"
        assert self.well.fence() == b"", f"{what}: a healthy session heard of it"
        after = self.metrics.refused()
        moved = {r: n - before.get(r, 0) for r, n in after.items() if n != before.get(r, 0)}
        assert moved == counted, f"{what}: counters {moved}, want {counted}"
        case.line.close()

    def forwarded(self, case, step, what):
        got = self.victim.frame()
        compare(got.raw, [case.fill(step.forward).encode("latin-1")], what + " forwarded")
        if not step.silent and is_due(200, "SEND", case.asked):
            self.victim.answer(got)

    def is_healthy(self):
        """Somebody else's message arrives as ever."""
        data = fresh("healthy").encode()
        body = sds("sip:fine@iops.example", data)
        tid = fresh("w")
        self.well.say((f"MSRP {tid} SEND\r\nTo-Path: {self.well.use} {self.well.service}\r\nFrom-Path: "
                       f"{self.well.me}\r\nMessage-ID: {tid}\r\nByte-Range: 1-{len(body)}/{len(body)}\r\n"
                       f"Content-Type: {SDS_TYPE}\r\n\r\n").encode() + body +
                      f"\r\n-------{tid}$\r\n".encode())
        assert self.well.frame().raw == response(tid, 200, self.well.me, self.well.use)
        got, flag = self.fine.hear()
        assert flag == b"$" and payload_of(got) == payload(data)
