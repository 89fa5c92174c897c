"""quick - a relay with short times, and cases that wait together: for the rows that need time."""
import time

from badmsrp import ASKED, Case, Fault, Line, Metrics, report
from table import Table

CONFIG = """plain:
  - 127.0.0.1:{plain}
{auth}users: {dir}/users.yaml
protection:
  payload: allowed
  signalling: allowed
limits:
  message: 5000B
  auth_fails: {fails}
  user_connections: 1000
  source_connections: 1000
  messages_per_s: {rate}
  messages_burst: {burst}
times:
  probation: 2s
  header: 2s
  body_window: 2s
  stopped: 3s
  expires_min: 1s
  message_idle: {idle}
  transaction: 2s
  drain: {drain}
"""


def start(auth=True, fails=1000, rate=1000000, burst=1000000, link=None, idle="3s", drain="500ms"):
    site = Table()
    if link:
        site.link(*link, tls=False, domains="[iops.example]")
    site.write_policy()
    text = site.config.read_text().replace("tokens:\n", "tokens:\n  skew: 0s\n")
    site.config.write_text(text)
    config = CONFIG.format(
        plain=site.plain_port, auth="", dir=site.dir, fails=fails, rate=rate, burst=burst, idle=idle,
        drain=drain)
    return site.start(("  plaintext_auth: true\n" if auth else "") + config)


class Scene:
    """What a Case needs of a Stage."""

    def __init__(self, site, tls=False):
        self.site = site
        self.metrics = Metrics(site)
        self.victim = Line(site, tls=tls).auth("victim")

    def cases(self, role="E", **fault):
        """All eight variants at once, each with a connection of its own."""
        one = Fault("0", "time", [], **fault)
        return [Case(self, one, role, asked, drip) for asked in ASKED for drip in (False, True)]

    def say(self, cases, step):
        for case in cases:
            case.line.say(case.octets(step), case.drip)

    def answered(self, cases, step):
        """Every variant has heard what is due to it for the step that was said, and nothing else."""
        for case in cases:
            want = b"".join(case.expected(step))
            heard = case.line.fence()
            assert heard == want, f"[{case.asked} {case.drip}] heard {heard!r}, want {want!r}"

    def told(self, cases, code, span, more=""):
        """Each case has heard one REPORT of this code about these octets, but for Failure-Report no."""
        for case in cases:
            if case.asked != "no":
                while not case.line.held.endswith(b"$\r\n") and case.line.more(6):
                    pass
                assert case.line.held.count(b" ") > 1, f"[{case.asked}] no REPORT"
                tid = case.line.held.split(b" ")[1].decode()
                want = report(tid, code, case.line.me, case.line.use, case.message, span(case), more)
                assert case.line.held == want, f"[{case.asked}] heard {case.line.held!r}, want {want!r}"
            case.line.held = b""
            assert case.line.fence() == b""

    def closed(self, cases, seconds):
        end = time.monotonic() + seconds
        for case in cases:
            assert case.line.to_end(max(1, end - time.monotonic())) == b"", "closed without a word"

    def moved(self, before):
        return {r: n - before.get(r, 0) for r, n in self.metrics.refused().items() if n != before.get(r, 0)}
