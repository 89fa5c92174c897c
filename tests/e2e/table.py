"""table - the site of the tests of the answer table: users and groups that may not everything."""
import time

from throwaway import Site


PLAIN = """  plaintext_auth: true
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
times:
  drain: 500ms
"""


class Table(Site):
    """A site with one token for each user, made once."""

    def __init__(self):
        super().__init__()
        self.tokens = {}

    def token_of(self, user):
        if user not in self.tokens:
            # issued a while ago: a relay without skew may be a moment behind our clock
            self.tokens[user] = self.token(mcdata_id=f"sip:{user}@iops.example", iat=int(time.time()) - 5)
        return self.tokens[user]

    def group(self, name, *members, more=""):
        """Writes a group; a member is a user or a line of YAML."""
        lines = "".join(f"  - {m}\n" if "{" in m else f"  - sip:{m}@iops.example\n" for m in members)
        (self.dir / f"groups/{name}.yaml").write_text(f"uri: sip:{name}@iops.example\n{more}members:\n{lines}")

    def write_policy(self):
        """Groups and users for row 42."""
        (self.dir / "users.yaml").write_text("- id: sip:grounded@iops.example\n  one_to_one: false\n")
        self.group("quiet", "bad", "away", more="sds: false\n")
        self.group("empty", "bad", "away")
        self.group("mute", "{id: sip:bad@iops.example, may_transmit: false}", "away")
        self.group("team", "bad", "victim")
