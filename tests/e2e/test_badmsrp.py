"""Every row of the answer table against the running relay, byte-exact: see badmsrp.py. Rows that need time
stand in test_badmsrp_time.py, those of relaying to a next hop that misbehaves in test_badmsrp_way.py."""
import dataclasses
import re

import badmsrp_auth  # noqa: F401  the tables fill badmsrp.FAULTS
import badmsrp_frame  # noqa: F401
import badmsrp_path  # noqa: F401
import badmsrp_sds  # noqa: F401
import badmsrp_way  # noqa: F401
import pytest
from badmsrp import FAULTS
from rows import row_passed

# rows of the rules that a row of the answer table proves too
ALSO = {("12", "E"): ["P6"], ("52", "E"): ["A1"], ("54", "E"): ["A14"], ("55", "E"): ["A12"],
        ("11", "R"): ["R4", "R5", "R6"], ("14", "R"): ["R2"], ("48", "R"): ["P7"]}
ALSO_BY_NAME = {"message/cpim": "S8", "message/imdn+xml": "S8", "application/pkcs7-mime": "S7", "not for us": "R14"}

CASES = [(one, role) for one in FAULTS for role in one.roles]


@pytest.mark.parametrize("one,role", CASES, ids=[f"{role} {one.id}" for one, role in CASES])
def test_fault(stage, one, role):
    stage.play(one, role)
    if one.row.isdigit() and one.row != "58":  # of Digest there is more to that row
        row_passed("10." + one.row, *ALSO.get((one.row, role), []))
        if one.name in ALSO_BY_NAME:
            row_passed(ALSO_BY_NAME[one.name])


def is_for_tls(one):
    """Not those that name the other, plain connections."""
    return "E" in one.roles and one.who == "user" and \
        not any(isinstance(s.say, str) and re.search(r"\{[OXY]\}", s.say) for s in one.steps)


SAMPLE = [dataclasses.replace(one, who="tls") for one in FAULTS if is_for_tls(one)][::6]


@pytest.mark.parametrize("one", SAMPLE, ids=[one.id for one in SAMPLE])
def test_fault_over_tls(stage, one):
    for drip in (False, True):
        stage.variant(one, "E", "absent", drip)


def test_the_tables_are_whole():
    """Names are unique, every row of the answer table has a fault here or in the two other files."""
    assert len({one.id for one in FAULTS}) == len(FAULTS) >= 120
    assert sum(4 if one.in_bulk else 8 for one, _ in CASES) >= 500
    elsewhere = {26, 39, 44, 45, 46, 47, 51, 57, 59, 60, 61}  # 26: no content is signed by policy
    assert {int(one.row) for one in FAULTS if one.row.isdigit()} | elsewhere == set(range(1, 64))
