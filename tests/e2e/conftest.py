import pytest
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
