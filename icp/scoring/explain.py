"""Why one account scores as it does, in words; a reading of the score's own integers.

Nothing is computed twice: contributions are the points that `score_one` added up, and
what makes an account unusual are the surprises that its novelty is the sum of.
"""

from __future__ import annotations

from operator import getitem, itemgetter
from typing import TYPE_CHECKING, Literal, NamedTuple

from icp.profile import MISSING
from icp.scoring.reasons import Contribution, Reasons, Together
from icp.scoring.similar import similar_customers
from icp.scoring.single import Score, refused, scorer_of
from icp.scoring.steps import per_profile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import polars as pl

    from icp.disqualifiers import Disqualifier
    from icp.profile import Profile

__all__ = ["Contribution", "Explanation", "Nearest", "Score", "explain"]

_REASONS = 3
_Kind = Literal["best", "regrettable"]
_rank, _told = itemgetter(0), itemgetter(1)


class Nearest(NamedTuple):
    """The segment of one kind that the account is nearest to."""

    kind: _Kind
    name: str
    #: Millinats; 0 is the segment's most typical customer.
    distance: int
    size: int
    traits: tuple[str, ...]

    def __str__(self) -> str:
        """One sentence with size and traits."""
        traits = f" ({'; '.join(self.traits)})" if self.traits else ""
        size = "1 customer" if self.size == 1 else f"{self.size:,} customers"
        return f"Nearest {self.kind} segment: {self.name}, {size}{traits}"


class Explanation(NamedTuple):
    """A score with everything that a person needs to believe or doubt it."""

    score: Score
    #: All tables and pairs, the largest first, those not known last.
    contributions: tuple[Contribution, ...]
    #: Those not known, the widest range first.
    unknown: tuple[Contribution, ...]
    #: The nearest best and the nearest regrettable segment, where there are any.
    nearest: tuple[Nearest, ...]
    #: The most similar past customers; see `similar_customers`.
    similar: pl.DataFrame | None
    #: Attributes that make it odd among all closed; `points` are their surprise.
    unusual: tuple[Contribution, ...]

    def sentences(self) -> tuple[str, ...]:
        """At most three reasons for the account, then three against it."""
        moving = [c for c in self.contributions if c.known and c.points]
        good = [f"For: {c.title}: {c.text}" for c in moving if c.points > 0]
        bad = [f"Against: {c.title}: {c.text}" for c in moving if c.points < 0]
        return (*good[:_REASONS], *bad[:_REASONS])


def explain(
    row: Mapping[str, object],
    profile: Profile,
    /,
    *,
    customers: pl.DataFrame | None = None,
    disqualifiers: Sequence[Disqualifier] = (),
) -> Explanation:
    """Explain the score of one account, given as column name to value.

    `customers` are past customers with `account_id` and the profile's columns, and
    with `account_name` and `outcome` if known; the five most similar are shown. A
    value of the wrong type raises SchemaError, as in `score_one`.
    """
    reader = _reader(profile)
    cells = reader.scorer.cells(row)
    score = refused(reader.scorer.score(cells), row, disqualifiers)
    contributions = reader.contributions(row, cells)
    return Explanation(
        score=score,
        contributions=contributions,
        unknown=reader.unknown(contributions),
        nearest=tuple(reader.nearest(score)),
        similar=None
        if customers is None
        else similar_customers(row, profile, customers),
        unusual=reader.unusual(row, cells),
    )


@per_profile
def _reader(profile: Profile) -> _Reader:
    return _Reader(profile)


class _Reader:
    """A profile's words laid out for one account at a time."""

    def __init__(self, profile: Profile) -> None:
        self.scorer = scorer_of(profile)
        tables, pairs = profile.tables, profile.pairs
        names = sorted([*(t.name for t in tables), *(p.name for p in pairs)])
        order = {name: place for place, name in enumerate(names)}
        reasons = [Reasons(table=table, order=order[table.name]) for table in tables]
        self._columns = tuple(table.column for table in tables)
        self._contributions = tuple(one.contribution for one in reasons)
        self._odd = tuple(one.odd for one in reasons)
        by_name = {table.name: table for table in tables}
        self._pairs = tuple(
            Together(p, (by_name[p.first], by_name[p.second]), order[p.name])
            for p in pairs
        )
        self._segments = {(s.kind, s.name): s for s in profile.segments}
        unknown = [tell(MISSING, None)[1] for tell in self._contributions]
        unknown += [told[MISSING][1] for told in self._pairs]
        unknown.sort(key=lambda one: (one.lowest - one.highest, one.name))
        self._narrower = {one.name: float(i) for i, one in enumerate(unknown)}

    def contributions(
        self, row: Mapping[str, object], cells: Sequence[int]
    ) -> tuple[Contribution, ...]:
        """What every table and pair adds, the largest first, those not known last."""
        values = map(row.get, self._columns)
        told = zip(self._contributions, cells, values, strict=False)
        entries = [tell(cell, value) for tell, cell, value in told]
        entries += map(getitem, self._pairs, cells[len(entries) :])
        return _in_order(entries)

    def unknown(
        self, contributions: Sequence[Contribution]
    ) -> tuple[Contribution, ...]:
        """Those not known, which come last, the widest range first."""
        found = []
        for one in reversed(contributions):
            if one.known:
                break
            found.append((self._narrower[one.name], one))
        return _in_order(found)

    def unusual(
        self, row: Mapping[str, object], cells: Sequence[int]
    ) -> tuple[Contribution, ...]:
        """What is odd among the closed customers, the most surprising first."""
        held = zip(self._odd, cells, self._columns, strict=False)
        return _in_order([o[c](c, row.get(column)) for o, c, column in held if c in o])

    def nearest(self, score: Score) -> Iterator[Nearest]:
        """The nearest segment of each kind, best first."""
        found: tuple[tuple[_Kind, str | None, int], ...] = (
            ("best", score.nearest_best, score.distance_best),
            ("regrettable", score.nearest_regrettable, score.distance_regrettable),
        )
        for kind, name, distance in found:
            if name is not None:
                segment = self._segments[kind, name]
                yield Nearest(kind, name, distance, segment.size, segment.traits)


def _in_order(entries: list[tuple[float, Contribution]]) -> tuple[Contribution, ...]:
    entries.sort(key=_rank)
    return tuple(map(_told, entries))
