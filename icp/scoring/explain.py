"""Why one account scores as it does, in words; a reading of the score's own integers.

Nothing is computed twice: contributions are the points that `score_one` added up, and
what makes an account unusual are the surprises that its novelty is the sum of.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Literal

from icp.profile import MISSING
from icp.scoring.copies import changed
from icp.scoring.reasons import Contribution, Reasons, together
from icp.scoring.similar import similar_customers
from icp.scoring.single import Score, refused, scorer_of
from icp.scoring.steps import per_profile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import polars as pl

    from icp.disqualifiers import Disqualifier
    from icp.profile import Profile, Segment

__all__ = ["Contribution", "Explanation", "Nearest", "Score", "explain"]

_REASONS = 3
_rank = itemgetter(0)


@dataclass(frozen=True, kw_only=True)
class Nearest:
    """The segment of one kind that the account is nearest to."""

    kind: Literal["best", "regrettable"]
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


@dataclass(frozen=True, kw_only=True)
class Explanation:
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
    codes = reader.scorer.codes(row)
    score = refused(reader.scorer.score(codes), row, disqualifiers)
    contributions = reader.contributions(row, codes)
    return Explanation(
        score=score,
        contributions=contributions,
        unknown=reader.unknown(contributions),
        nearest=tuple(reader.nearest(score)),
        similar=None
        if customers is None
        else similar_customers(row, profile, customers),
        unusual=reader.unusual(row, codes),
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
        places = {table.name: place for place, table in enumerate(tables)}
        both = [(places[pair.first], places[pair.second]) for pair in pairs]
        self._pairs = tuple(
            (together(pair, (tables[a], tables[b]), order[pair.name]), a, b)
            for pair, (a, b) in zip(pairs, both, strict=True)
        )
        self._near = {(s.kind, s.name): _typical(s) for s in profile.segments}
        unknown = [tell(MISSING, None)[1] for tell in self._contributions]
        unknown += [tell(MISSING, MISSING)[1] for tell, _, _ in self._pairs]
        unknown.sort(key=lambda one: (one.lowest - one.highest, one.name))
        self._narrower = {one.name: float(i) for i, one in enumerate(unknown)}

    def contributions(
        self, row: Mapping[str, object], codes: Sequence[int]
    ) -> tuple[Contribution, ...]:
        """What every table and pair adds, the largest first, those not known last."""
        values = map(row.get, self._columns)
        told = zip(self._contributions, codes, values, strict=True)
        entries = [tell(code, value) for tell, code, value in told]
        entries += [tell(codes[a], codes[b]) for tell, a, b in self._pairs]
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
        self, row: Mapping[str, object], codes: Sequence[int]
    ) -> tuple[Contribution, ...]:
        """What is odd among the closed customers, the most surprising first."""
        held = zip(self._odd, codes, self._columns, strict=True)
        return _in_order([o[c](c, row.get(column)) for o, c, column in held if c in o])

    def nearest(self, score: Score) -> Iterator[Nearest]:
        """The nearest segment of each kind, best first."""
        if score.nearest_best is not None:
            typical = self._near["best", score.nearest_best]
            yield changed(typical, distance=score.distance_best)
        if score.nearest_regrettable is not None:
            typical = self._near["regrettable", score.nearest_regrettable]
            yield changed(typical, distance=score.distance_regrettable)


def _in_order(entries: list[tuple[float, Contribution]]) -> tuple[Contribution, ...]:
    entries.sort(key=_rank)
    return tuple([one for _, one in entries])


def _typical(segment: Segment) -> Nearest:
    return Nearest(
        kind=segment.kind,
        name=segment.name,
        distance=0,
        size=segment.size,
        traits=segment.traits,
    )
