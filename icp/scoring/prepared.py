"""A profile made ready for scoring: answers by fit step, and all sums as few look-ups.

A margin falls into one of 1,000 fit steps. All that depends on the step (fit, grade,
probability, interval) is a look-up, so that a frame and a single row cannot differ.

A score is a sum over attributes and pairs of look-ups by cell code. Two things make
the look-ups few without changing one integer:

- Attributes share one look-up by their joint code while their combinations are few
  enough for the processor's cache. A pair inside such a joint costs nothing; other
  pairs are joints of their own, for the margin alone.
- The sums lie side by side in the bits of 64-bit words, each in a lane as wide as its
  greatest value, so that one look-up and one addition serve all sums of a word.

```
word 0   [ known | novelty | margin - least ]     word 1   [ ... | segment 1 | 0 ]
```
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache, reduce, wraps
from math import prod
from operator import add
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

from icp.profile import MISSING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from numpy.typing import NDArray

    from icp.profile import PairTable, Profile


@dataclass(frozen=True, kw_only=True)
class Steps:
    """Answers by fit step; the last entry, `none`, is for accounts without a score."""

    fit: tuple[float | None, ...]
    grade: tuple[str | None, ...]
    p_best: tuple[float | None, ...]
    p_low: tuple[float | None, ...]
    p_high: tuple[float | None, ...]
    #: Whether the interval is narrow enough to give a score.
    narrow: tuple[bool, ...]
    #: Novelty p-value by how many closed customers are nearer than the account.
    novelty_p: tuple[float | None, ...]
    #: Whether that is usual enough to give a score.
    usual: tuple[bool, ...]

    @cached_property
    def none(self) -> int:
        """Position of the answer to accounts that get no score."""
        return len(self.fit) - 1


T = TypeVar("T")
_CACHE_SIZE = 32


def per_profile(build: Callable[[Profile], T], /) -> Callable[[Profile], T]:
    """Compute once per profile content; the last few profiles are kept."""

    @lru_cache(maxsize=_CACHE_SIZE)
    def cached(key: _Key) -> T:
        return build(key.profile)

    @wraps(build)
    def of(profile: Profile, /) -> T:
        return cached(_Key(profile))

    return of


class _Key:
    """A profile as a key: equal where the content hash is."""

    __slots__ = ("profile",)

    def __init__(self, profile: Profile) -> None:
        self.profile = profile

    def __hash__(self) -> int:
        return hash(self.profile.id)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.profile.id == other.profile.id


@per_profile
def steps_of(profile: Profile, /) -> Steps:
    """Precompute the answers of a profile.

    Probabilities are rounded half up to the step that the calibration shows, in whole
    per mille; they are null where it shows none. Without thresholds, or where best
    and regrettable cannot be told apart, only `none` is left.
    """
    calibration, abstention = profile.calibration, profile.abstention
    low, high = calibration.low, calibration.high
    if profile.provenance.evidence.level == "none":
        low, high = (), ()
    count, size = len(low), calibration.shown_step
    closed = len(profile.novelty.closed)
    least = abstention.novelty * (1 + closed)
    return Steps(
        fit=(*(step / 10 for step in range(count)), None),
        grade=(*calibration.grades[:count], None),
        p_best=(*(_round(step, size) for step in range(count)), None),
        p_low=(*(_shown(bound, size) for bound in low), None),
        p_high=(*(_shown(bound, size) for bound in high), None),
        narrow=(
            *(h - b <= abstention.width for b, h in zip(low, high, strict=True)),
            False,
        ),
        novelty_p=tuple((1 + closed - b) / (1 + closed) for b in range(closed + 1))
        if closed
        else (None,),
        usual=tuple(1000 * (1 + closed - b) >= least for b in range(closed + 1)),
    )


def _round(per_mille: int, size: int) -> float | None:
    if not size:
        return None
    return min(1000, (2 * per_mille + size) // (2 * size) * size) / 1000


def _shown(per_mille: int, size: int) -> float | None:
    return per_mille / 1000 if size else None


@dataclass(frozen=True, kw_only=True)
class Lane:
    """Where a sum lies: bits `shift` on of a word hold the sum less `least`."""

    word: int
    shift: int
    #: The greatest value that the lane ever holds.
    most: int
    least: int

    @property
    def mask(self) -> int:
        """As many ones as the lane is wide."""
        return (1 << self.most.bit_length()) - 1


@dataclass(frozen=True, kw_only=True)
class Joint:
    """Attributes looked up together; `words` is joint cells x words."""

    places: tuple[int, ...]
    sizes: tuple[int, ...]
    words: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """`constant + sum of joint look-ups` gives the words whose lanes hold the sums.

    A segment's sum is its distance with `position_bits` bits of its position behind,
    so that the least of several names the nearest, the first one where they tie.
    """

    lanes: tuple[Lane, ...]
    constant: tuple[int, ...]
    joints: tuple[Joint, ...]
    position_bits: int


def layout_of(profile: Profile, present: Collection[int], /) -> Layout:
    """Fold the tables at the positions `present`; the others are missing always."""
    sizes = [table.size for table in profile.tables]
    terms = [term.reduced(present) for term in _terms(profile)]
    pairs = [term.places for term in terms if len(term.places) > 1]
    groups = _groups([(place,) for place in sorted(present)], pairs, sizes)
    sums = [total.reshape(-1, total.shape[-1]) for total in _totals(groups, terms)]
    lanes = _lanes(sums)
    (constant, *words) = [_words(total, lanes) for total in sums]
    joints = (
        Joint(places=group, sizes=tuple(sizes[p] for p in group), words=table)
        for group, table in zip(groups, words, strict=True)
    )
    return Layout(
        lanes=lanes,
        constant=tuple(constant[0].tolist()),
        joints=tuple(joints),
        position_bits=_position_bits(profile),
    )


_Group = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class _Term:
    """Sums by the codes of one or two tables: an axis per table, then the sums."""

    places: _Group
    sums: NDArray[np.int64]

    def reduced(self, present: Collection[int]) -> _Term:
        """The same where all other tables are missing."""
        index = tuple(slice(None) if p in present else MISSING for p in self.places)
        places = tuple(place for place in self.places if place in present)
        return _Term(places=places, sums=self.sums[index])

    def among(self, group: Sequence[int]) -> NDArray[np.int64]:
        """The sums with an axis for each table of the group."""
        order = np.argsort([group.index(place) for place in self.places])
        others = [axis for axis, place in enumerate(group) if place not in self.places]
        return np.expand_dims(self.sums.transpose(*order, len(order)), others)


@per_profile
def _terms(profile: Profile) -> list[_Term]:
    places = {table.name: place for place, table in enumerate(profile.tables)}
    singles = (_table_term(profile, place) for place in places.values())
    pairs = (_pair_term(profile, pair, places) for pair in profile.pairs)
    return [_base_term(profile), *singles, *pairs]


def _table_term(profile: Profile, place: int) -> _Term:
    table = profile.tables[place]
    information = [table.information * (code != MISSING) for code in range(table.size)]
    unit = 1 << _position_bits(profile)
    distances = (
        np.array(segment.surprises[place], dtype=np.int64) * unit
        for segment in profile.segments
    )
    sums = np.array(
        [table.points, table.pooled, information, *distances], dtype=np.int64
    )
    return _Term(places=(place,), sums=sums.T)


def _position_bits(profile: Profile) -> int:
    return max(len(profile.segments) - 1, 0).bit_length()


#: Positions of the sums; those from SEGMENTS on are one per segment.
MARGIN, NOVELTY, INFORMATION, SEGMENTS = range(4)


def _pair_term(profile: Profile, pair: PairTable, places: dict[str, int]) -> _Term:
    both = places[pair.first], places[pair.second]
    first, second = (profile.tables[place].size for place in both)
    sums = np.zeros((first, second, SEGMENTS + len(profile.segments)), dtype=np.int64)
    sums[..., MARGIN] = np.reshape(pair.points, (first, second))
    return _Term(places=both, sums=sums)


def _base_term(profile: Profile) -> _Term:
    sums = [profile.base, 0, 0, *range(len(profile.segments))]
    return _Term(places=(), sums=np.array(sums, dtype=np.int64))


def _groups(
    alone: Sequence[_Group], pairs: Sequence[_Group], sizes: Sequence[int]
) -> list[_Group]:
    """Which tables are looked up together: every table once, and every pair."""
    homes = list(alone)
    for pair in pairs:
        touched = [group for group in homes if not {*group}.isdisjoint(pair)]
        union = tuple(place for group in touched for place in group)
        if _few(union, sizes):
            homes = [*(group for group in homes if group not in touched), union]
    homes = _fill(homes, sizes)
    left = (p for p in pairs if not any({*p} <= {*group} for group in homes))
    return [*homes, *_cover(left, sizes)]


_MOST_CELLS: Final = 16_384


def _few(group: _Group, sizes: Sequence[int]) -> bool:
    return _cells(group, sizes) <= _MOST_CELLS


def _cells(group: _Group, sizes: Sequence[int]) -> int:
    return prod(sizes[place] for place in group)


def _fill(groups: Iterable[_Group], sizes: Sequence[int]) -> list[_Group]:
    bins: list[_Group] = []
    for group in sorted(groups, key=lambda group: _cells(group, sizes)):
        if bins and _few(bins[-1] + group, sizes):
            bins[-1] += group
        else:
            bins.append(group)
    return bins


def _cover(pairs: Iterable[_Group], sizes: Sequence[int]) -> list[_Group]:
    covers: list[_Group] = []
    for pair in pairs:
        unions = [group + _beyond(pair, group) for group in covers]
        fits = (i for i, u in enumerate(unions) if u == covers[i] or _few(u, sizes))
        place = next(fits, None)
        if place is None:
            covers.append(pair)
        else:
            covers[place] = unions[place]
    return covers


def _beyond(pair: _Group, group: _Group) -> _Group:
    return tuple(place for place in pair if place not in group)


def _totals(
    groups: Sequence[_Group], terms: Iterable[_Term]
) -> list[NDArray[np.int64]]:
    """The sums of the terms without a table, then those of each group."""
    every = [(), *groups]
    sums_of: list[list[NDArray[np.int64]]] = [[] for _ in every]
    for term in terms:
        place = next(i for i, g in enumerate(every) if {*term.places} <= {*g})
        sums_of[place].append(term.among(every[place]))
    return [reduce(add, sums) for sums in sums_of]


_WORD_BITS: Final = 63


def _lanes(sums: Sequence[NDArray[np.int64]]) -> tuple[Lane, ...]:
    """Lanes side by side, as many in a word as fit beside the sign."""
    least = sum(int(total[:, MARGIN].min()) for total in sums)
    most = sum(_unsigned(total).max(axis=0) for total in sums)
    lanes: list[Lane] = []
    word = shift = 0
    for column, greatest in enumerate(most.tolist()):
        width = greatest.bit_length()
        if shift + width > _WORD_BITS:
            word, shift = word + 1, 0
        low = least if column == MARGIN else 0
        lanes.append(Lane(word=word, shift=shift, most=greatest, least=low))
        shift += width
    return tuple(lanes)


def _unsigned(sums: NDArray[np.int64]) -> NDArray[np.int64]:
    """The sums, points counted from the fewest of the group; all else is from zero."""
    counted = sums.copy()
    counted[:, MARGIN] -= sums[:, MARGIN].min()
    return counted


def _words(sums: NDArray[np.int64], lanes: Sequence[Lane]) -> NDArray[np.int64]:
    words = np.zeros((len(sums), lanes[-1].word + 1), dtype=np.int64)
    for lane, column in zip(lanes, _unsigned(sums).T, strict=True):
        words[:, lane.word] += column << lane.shift
    return words
