from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from generators.strategies import LAWS, profile_of, profiles, table_of
from hypothesis import given
from hypothesis import strategies as st

from icp.profile import PairTable, Segment
from icp.scoring import prepared as module
from icp.scoring.prepared import (
    INFORMATION,
    MARGIN,
    NOVELTY,
    SEGMENTS,
    Layout,
    layout_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from icp.profile import Profile

A = table_of("a", "flag", (0, -1, 2, 3), information=5)
B = table_of("b", "flag", (0, 10, 20, 30), pooled=(1, 2, 3, 4), information=7)


def flags(count: int) -> list[Any]:
    return [table_of(f"t{i}", "flag", (0, 1, 10 * i, -i)) for i in range(count)]


def pair(first: int, second: int) -> PairTable:
    points = tuple(100 * first + second + cell for cell in range(16))
    return PairTable(first=f"t{first}", second=f"t{second}", points=points)


def sums_of(layout: Layout, codes: Sequence[int]) -> list[int]:
    """What the lanes say of an account with those cell codes."""
    words = list(layout.constant)
    for joint in layout.joints:
        held = [codes[place] for place in joint.places]
        cell = np.ravel_multi_index(held, joint.sizes)
        words = [a + int(b) for a, b in zip(words, joint.words[cell], strict=True)]
    return [
        (words[lane.word] >> lane.shift & lane.mask) + lane.least
        for lane in layout.lanes
    ]


def test_two_tables_are_one_look_up() -> None:
    layout = layout_of(profile_of([A, B], base=100), (0, 1))
    (joint,) = layout.joints
    assert (joint.places, joint.sizes) == ((0, 1), (4, 4))
    assert joint.words.shape == (16, 1)
    assert sums_of(layout, (3, 2)) == [123, 3, 12]
    assert sums_of(layout, (1, 0)) == [99, 1, 5]


def test_lanes_are_as_wide_as_their_greatest_value() -> None:
    lanes = layout_of(profile_of([A, B], base=100), (0, 1)).lanes
    assert [(lane.word, lane.shift, lane.most) for lane in lanes] == [
        (0, 0, 34),
        (0, 6, 4),
        (0, 9, 12),
    ]
    assert [lane.least for lane in lanes] == [99, 0, 0]
    assert [lane.mask for lane in lanes] == [63, 7, 15]


def test_a_word_that_is_full_is_followed_by_another() -> None:
    wide = table_of(
        "a", "flag", (-1_000_000,) * 4, pooled=(0, 1_000_000, 0, 0), information=2**30
    )
    segments = [
        Segment(name=name, kind="best", size=1, surprises=((0, 0, 1_000_000, 1),))
        for name in "xyz"
    ]
    layout = layout_of(profile_of([wide], segments=segments), (0,))
    assert [lane.word for lane in layout.lanes] == [0, 0, 0, 1, 1, 2]
    assert layout.position_bits == 2
    assert sums_of(layout, (2,)) == [
        -1_000_000,
        0,
        2**30,
        *(1_000_000 * 4 + place for place in range(3)),
    ]


def test_absent_tables_are_constant() -> None:
    gone = table_of("a", "flag", (9, 1, 2, 3), pooled=(8, 0, 0, 0))
    layout = layout_of(profile_of([gone], base=100), ())
    assert layout.joints == ()
    assert sums_of(layout, ()) == [109, 8, 0]


@pytest.mark.parametrize("most", [1, 16, 100, 10**6])
def test_joints_stay_small(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_CELLS", most)
    joints = layout_of(profile_of(flags(5)), range(5)).joints
    assert all(len(j.words) <= max(most, 4) for j in joints)
    assert sorted(place for j in joints for place in j.places) == [*range(5)]


@pytest.mark.parametrize(
    ("most", "groups"),
    [
        (1, [(0,), (1,), (2,), (3,), (0, 2), (1, 3), (2, 3)]),
        (16, [(0, 2), (1, 3), (3, 2)]),
        (64, [(0, 2), (1, 3), (3, 2)]),
        (256, [(0, 1, 2, 3)]),
    ],
)
def test_pairs_are_inside_a_joint_where_they_fit(
    most: int, groups: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_CELLS", most)
    profile = profile_of(flags(4), pairs=[pair(2, 0), pair(3, 1), pair(3, 2)])
    found = [sorted(joint.places) for joint in layout_of(profile, range(4)).joints]
    assert sorted(found) == sorted(map(sorted, groups))


@pytest.mark.parametrize("most", [1, 64, 10**6])
@pytest.mark.parametrize("present", [(), (1,), (0, 2), (0, 1, 2)])
def test_pairs_count_once_whatever_is_absent(
    most: int, present: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_CELLS", most)
    tables, pairs = flags(3), [pair(0, 1), pair(2, 0), pair(1, 2), pair(2, 1)]
    layout = layout_of(profile_of(tables, base=-7, pairs=pairs), present)
    for codes in product(*(range(4) if i in present else [0] for i in range(3))):
        named = {table.name: code for table, code in zip(tables, codes, strict=True)}
        expected = -7 + sum(t.points[c] for t, c in zip(tables, codes, strict=True))
        expected += sum(p.points[named[p.first] * 4 + named[p.second]] for p in pairs)
        assert sums_of(layout, codes)[MARGIN] == expected


@LAWS
@given(profiles(), st.data())
def test_any_fold_gives_the_plain_sums(profile: Profile, data: Any) -> None:
    codes = [data.draw(st.integers(0, t.size - 1)) for t in profile.tables]
    layout = layout_of(profile, range(len(codes)))
    sums = sums_of(layout, codes)
    held = {t.name: (t, c) for t, c in zip(profile.tables, codes, strict=True)}
    margin = profile.base + sum(t.points[c] for t, c in held.values())
    for one in profile.pairs:
        (_, first), (table, second) = held[one.first], held[one.second]
        margin += one.points[first * table.size + second]
    assert sums[MARGIN] == margin
    assert sums[NOVELTY] == sum(t.pooled[c] for t, c in held.values())
    assert sums[INFORMATION] == sum(t.information for t, c in held.values() if c)
    for place, segment in enumerate(profile.segments):
        distance = sum(row[c] for row, c in zip(segment.surprises, codes, strict=True))
        assert sums[SEGMENTS + place] >> layout.position_bits == distance
        assert sums[SEGMENTS + place] & (1 << layout.position_bits) - 1 == place
