import pytest
from badmsrp import Stage
from table import PLAIN, Table
from throwaway import Site


@pytest.fixture(scope="module")
def site():
    s = Site()
    try:
        s.start(f"  plaintext_auth: true\nplain:\n  - 127.0.0.1:{s.plain_port}\n"
                "limits:\n  auth_fails: 1000\n")  # all tests have one address
        yield s
        assert s.stop() == 0, "mcrelayd must end cleanly after SIGTERM:\n" + s.logged()[-2000:]
    finally:
        s.remove()


@pytest.fixture(scope="module")
def stage():
    """A relay with a victim and a healthy pair, for the misbehaving peer (badmsrp.py)."""
    s = Table()
    try:
        s.write_policy()
        s.start(PLAIN.format(plain=s.plain_port, dir=s.dir))
        yield Stage(s)
        assert s.stop() == 0, s.logged()[-2000:]
    finally:
        s.remove()
