"""All sums of a profile as few look-up tables.

A score is a sum over attributes of look-ups by cell code. Several attributes together
are one look-up by their joint code, as long as their combinations stay few enough for
the processor's cache: fewer look-ups, exactly the same integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Final

import numpy as np

from icp.profile import MISSING
from icp.scoring.steps import per_profile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from icp.profile import AttributeTable, Profile

__all__ = ["KNOWN", "MARGIN", "NOVELTY", "SEGMENTS", "Fold", "Joint", "fold"]

#: Columns of the sums; those from SEGMENTS on are one per segment.
MARGIN, NOVELTY, KNOWN, SEGMENTS = range(4)

_MOST_CELLS: Final = 4_096


@dataclass(frozen=True, kw_only=True)
class Joint:
    """Attributes looked up together; `sums` is joint cells x sums."""

    places: tuple[int, ...]
    sizes: tuple[int, ...]
    sums: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Fold:
    """`constant + sum of joint look-ups` gives every sum of an account.

    A segment's sum is `distance * number of segments + its position`, so that the
    least of several names the nearest, the first one where they tie.
    """

    constant: NDArray[np.int64]
    joints: tuple[Joint, ...]


def fold(profile: Profile, present: Sequence[int], /) -> Fold:
    """Fold the tables at the positions `present`; the others are missing always."""
    rows = _rows(profile)
    absent = set(range(len(rows))).difference(present)
    constant = _constants(profile) + sum(rows[place][MISSING] for place in absent)
    sizes = [len(row) for row in rows]
    joints = (
        Joint(
            places=tuple(group),
            sizes=tuple(sizes[place] for place in group),
            sums=reduce(_outer_sum, (rows[place] for place in group)),
        )
        for group in _groups(present, sizes)
    )
    return Fold(constant=constant, joints=tuple(joints))


def _groups(places: Iterable[int], sizes: Sequence[int]) -> list[list[int]]:
    groups: list[list[int]] = []
    cells = _MOST_CELLS + 1
    for place in sorted(places, key=sizes.__getitem__):
        cells *= sizes[place]
        if cells > _MOST_CELLS:
            groups.append([])
            cells = sizes[place]
        groups[-1].append(place)
    return groups


def _outer_sum(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    return (a[:, None, :] + b[None, :, :]).reshape(-1, a.shape[1])


@per_profile
def _rows(profile: Profile) -> list[NDArray[np.int64]]:
    return [_row(profile, place) for place in range(len(profile.tables))]


def _row(profile: Profile, place: int) -> NDArray[np.int64]:
    table, segments = profile.tables[place], profile.segments
    surprises = (segment.surprises[place] for segment in segments)
    distances = (np.array(row, dtype=np.int64) * len(segments) for row in surprises)
    columns = (table.points, table.pooled, _known(table), *distances)
    return np.array(columns, dtype=np.int64).T


def _known(table: AttributeTable) -> list[int]:
    return [table.information * (code != MISSING) for code in range(table.size)]


def _constants(profile: Profile) -> NDArray[np.int64]:
    return np.array([profile.base, 0, 0, *range(len(profile.segments))], dtype=np.int64)
