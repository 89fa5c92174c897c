"""Every row of the answer table against the running relay, byte-exact: see badmsrp.py."""
import badmsrp_auth  # noqa: F401  the tables fill badmsrp.FAULTS
import badmsrp_frame  # noqa: F401
import badmsrp_path  # noqa: F401
import badmsrp_sds  # noqa: F401
import pytest
from badmsrp import FAULTS
from rows import row_passed

# rows of the rules that a row of the answer table proves too
ALSO = {"12": ["P6"], "52": ["A1"], "54": ["A14"], "55": ["A12"]}

CASES = [(one, role) for one in FAULTS for role in one.roles]


@pytest.mark.parametrize("one,role", CASES, ids=[f"{role} {one.id}" for one, role in CASES])
def test_fault(stage, one, role):
    stage.play(one, role)
    if one.row.isdigit() and one.row != "58":  # of Digest there is more to that row
        row_passed("10." + one.row, *ALSO.get(one.row, []))
