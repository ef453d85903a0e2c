from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import LAWS, profile_of, profiles, table_of

from icp.scoring import fold as module
from icp.scoring.fold import KNOWN, MARGIN, NOVELTY, SEGMENTS, fold

if TYPE_CHECKING:
    from icp.profile import Profile


def test_two_tables_are_one_look_up() -> None:
    profile = profile_of(
        [
            table_of("a", "flag", (0, 1, 2, 3), information=5),
            table_of("b", "flag", (0, 10, 20, 30), pooled=(1, 2, 3, 4), information=7),
        ],
        base=100,
    )
    folded = fold(profile, (0, 1))
    (joint,) = folded.joints
    assert (joint.places, joint.sizes) == ((0, 1), (4, 4))
    assert joint.sums[:, MARGIN].tolist() == [
        a + b for a in (0, 1, 2, 3) for b in (0, 10, 20, 30)
    ]
    assert joint.sums[3 * 4 + 2].tolist() == [23, 3, 12]
    assert folded.constant.tolist() == [100, 0, 0]


def test_absent_tables_are_constant() -> None:
    profile = profile_of(
        [table_of("a", "flag", (9, 1, 2, 3), pooled=(8, 0, 0, 0))], base=100
    )
    folded = fold(profile, ())
    assert folded.joints == ()
    assert folded.constant.tolist() == [109, 8, 0]


@pytest.mark.parametrize("most", [1, 16, 100, 10**6])
def test_joints_stay_small(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_CELLS", most)
    tables = [table_of(f"t{i}", "flag", (0,) * 4) for i in range(5)]
    joints = fold(profile_of(tables), range(5)).joints
    assert all(len(j.sums) <= max(most, 4) for j in joints)
    assert sorted(place for j in joints for place in j.places) == [*range(5)]


@LAWS
@given(profiles(), st.data())
def test_any_fold_gives_the_plain_sums(profile: Profile, data: Any) -> None:
    codes = [data.draw(st.integers(0, t.size - 1)) for t in profile.tables]
    folded = fold(profile, range(len(codes)))
    sums = folded.constant.copy()
    for joint in folded.joints:
        held = [codes[place] for place in joint.places]
        sums += joint.sums[np.ravel_multi_index(held, joint.sizes)]
    pairs = list(zip(profile.tables, codes, strict=True))
    assert sums[MARGIN] == profile.base + sum(t.points[c] for t, c in pairs)
    assert sums[NOVELTY] == sum(t.pooled[c] for t, c in pairs)
    assert sums[KNOWN] == sum(t.information for t, c in pairs if c)
    for place, segment in enumerate(profile.segments):
        rows = zip(segment.surprises, codes, strict=True)
        distance, which = divmod(int(sums[SEGMENTS + place]), len(profile.segments))
        assert (distance, which) == (sum(row[code] for row, code in rows), place)
