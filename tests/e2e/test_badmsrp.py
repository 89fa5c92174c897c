"""Every row of the answer table against the running relay, byte-exact: see badmsrp.py."""
import time

import badmsrp_auth  # noqa: F401  the tables fill badmsrp.FAULTS
import badmsrp_frame  # noqa: F401
import badmsrp_path  # noqa: F401
import badmsrp_sds  # noqa: F401
import pytest
from badmsrp import FAULTS, Stage
from rows import row_passed
from throwaway import Site

CONFIG = """  plaintext_auth: true
plain:
  - 127.0.0.1:{plain}
users: {dir}/users.yaml
protection:
  payload: allowed
  signalling: allowed
limits:
  auth_fails: 1000
  user_connections: 1000
  source_connections: 1000
  messages_per_s: 1000000
  messages_burst: 1000000
"""


class Table(Site):
    """A site with one token for each user, made once."""

    def __init__(self):
        super().__init__()
        self.tokens = {}

    def token_of(self, user):
        if user not in self.tokens:
            self.tokens[user] = self.token(mcdata_id=f"sip:{user}@iops.example")
        return self.tokens[user]

    def write_policy(self):
        """Groups and users for row 42."""
        (self.dir / "users.yaml").write_text("- id: sip:grounded@iops.example\n  one_to_one: false\n")
        for name, more, member in (("quiet", "sds: false\n", "bad"), ("empty", "", "bad"),
                                   ("mute", "", "{id: sip:bad@iops.example, may_transmit: false}")):
            member = member if "{" in member else f"sip:{member}@iops.example"
            (self.dir / f"groups/{name}.yaml").write_text(
                f"uri: sip:{name}@iops.example\n{more}members:\n  - {member}\n  - sip:away@iops.example\n")


@pytest.fixture(scope="module")
def stage():
    site = Table()
    try:
        site.write_policy()
        site.start(CONFIG.format(plain=site.plain_port, dir=site.dir))
        yield Stage(site)
        assert site.stop() == 0, site.logged()[-2000:]
    finally:
        site.remove()


CASES = [(one, role) for one in FAULTS for role in one.roles]


@pytest.mark.parametrize("one,role", CASES, ids=[f"{role} {one.id}" for one, role in CASES])
def test_fault(stage, one, role):
    stage.play(one, role)
    if one.row.isdigit():
        row_passed("10." + one.row)
