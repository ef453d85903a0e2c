"""Why one account scores as it does, in words; a reading of the score's own integers.

Nothing is computed twice: contributions are the points that `score_one` added up, and
what makes an account unusual are the surprises that its novelty is the sum of.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Final, Literal

from icp.profile import MISSING, NEVER_SEEN
from icp.schema import Kind
from icp.scoring.cells import coder
from icp.scoring.similar import similar_customers
from icp.scoring.single import Score, score_one
from icp.scoring.steps import per_profile
from icp.scoring.words import NOT_KNOWN, cell_words, title_of, value_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import polars as pl

    from icp.profile import AttributeTable, PairTable, Profile

__all__ = ["ODD", "Contribution", "Explanation", "Nearest", "Score", "explain"]

#: From this surprise on (millinats) an attribute is called unusual: less than half as
#: common among the closed customers as the most usual cell.
ODD: Final = 700
_FIRST = NEVER_SEEN + 1
_REASONS = 3


@dataclass(frozen=True, kw_only=True)
class Contribution:
    """What one attribute, or two together, add to the margin; points are millinats."""

    #: Table or pair, as in `points__<name>`.
    name: str
    title: str
    #: The account's own value in words, "not known" where it is missing.
    value: str
    points: int
    #: The evidence: "Retail: 41 of your 60 best, 3 of 45 regrettable".
    text: str
    known: bool
    #: Least and most points that any value of the attribute gives.
    lowest: int
    highest: int


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
) -> Explanation:
    """Explain the score of one account, given as column name to value.

    `customers` are past customers with `account_id` and the profile's columns, and
    with `account_name` and `outcome` if known; the five most similar are shown. A
    value of the wrong type raises SchemaError, as in `score_one`.
    """
    score = score_one(row, profile)
    codes = {
        table.name: code_of(row.get(table.column))
        for table, code_of in zip(profile.tables, _coders(profile), strict=True)
    }
    contributions = tuple(
        sorted(_contributions(row, profile, codes, score), key=_importance)
    )
    return Explanation(
        score=score,
        contributions=contributions,
        unknown=tuple(
            sorted(
                (c for c in contributions if not c.known),
                key=lambda c: (c.lowest - c.highest, c.name),
            )
        ),
        nearest=tuple(_nearest(profile, score)),
        similar=None
        if customers is None
        else similar_customers(row, profile, customers),
        unusual=tuple(_unusual(row, profile, codes)),
    )


@per_profile
def _coders(profile: Profile) -> tuple[Callable[[object], int], ...]:
    return tuple(coder(table) for table in profile.tables)


def _importance(one: Contribution) -> tuple[bool, int, str]:
    return (not one.known, -abs(one.points), one.name)


def _contributions(
    row: Mapping[str, object], profile: Profile, codes: dict[str, int], score: Score
) -> Iterator[Contribution]:
    tables = {table.name: table for table in profile.tables}
    for table in profile.tables:
        code, points = codes[table.name], score.points[table.name]
        yield _single(table, code, row.get(table.column), points)
    for pair in profile.pairs:
        both = tables[pair.first], tables[pair.second]
        held = codes[pair.first], codes[pair.second]
        yield _together(pair, both, held, score.points[pair.name])


# ----------------------------------------------------------------------- attributes


def _single(
    table: AttributeTable, code: int, value: object, points: int
) -> Contribution:
    span = table.points[_FIRST:] or (0,)
    return Contribution(
        name=table.name,
        title=title_of(table),
        value=value_words(table, code, value),
        points=points,
        text=_evidence(table, code, value),
        known=code != MISSING,
        lowest=min(span),
        highest=max(span),
    )


def _evidence(table: AttributeTable, code: int, value: object) -> str:
    if code == MISSING:
        return _once_known(table.points[_FIRST:] or (0,))
    if code == NEVER_SEEN:
        return f"{value_words(table, code, value)}: none of your closed customers"
    return (
        f"{_cell(table, code)}: {table.best[code]:,} of your {sum(table.best):,} best, "
        f"{table.regrettable[code]:,} of {sum(table.regrettable):,} regrettable"
    )


def _once_known(points: Sequence[int]) -> str:
    return f"{NOT_KNOWN}; {min(points):+,} to {max(points):+,} points once it is"


def _cell(table: AttributeTable, code: int) -> str:
    return (
        f"{'has' if code > _FIRST else 'without'} {table.value}"
        if table.kind is Kind.MULTI
        else cell_words(table, code)
    )


def _together(
    pair: PairTable,
    tables: tuple[AttributeTable, AttributeTable],
    codes: tuple[int, int],
    points: int,
) -> Contribution:
    first, second = tables
    known = MISSING not in codes
    cells = product(range(_FIRST, first.size), range(_FIRST, second.size))
    span = [pair.points[a * second.size + b] for a, b in cells] or [0]
    value = f"{_cell(first, codes[0])} and {_cell(second, codes[1])}"
    return Contribution(
        name=pair.name,
        title=f"{title_of(first)} and {title_of(second)} together",
        value=value if known else NOT_KNOWN,
        points=points,
        text=f"{value}, beyond what each says alone" if known else _once_known(span),
        known=known,
        lowest=min(span),
        highest=max(span),
    )


# ---------------------------------------------------------------- segments, novelty


def _nearest(profile: Profile, score: Score) -> Iterator[Nearest]:
    found = (
        ("best", score.nearest_best, score.distance_best),
        ("regrettable", score.nearest_regrettable, score.distance_regrettable),
    )
    for segment in profile.segments:
        for kind, name, distance in found:
            if (segment.kind, segment.name) == (kind, name):
                yield Nearest(
                    kind=segment.kind,
                    name=segment.name,
                    distance=distance,
                    size=segment.size,
                    traits=segment.traits,
                )


def _unusual(
    row: Mapping[str, object], profile: Profile, codes: dict[str, int]
) -> list[Contribution]:
    odd = [
        _odd(table, codes[table.name], row.get(table.column))
        for table in profile.tables
        if codes[table.name] != MISSING and table.pooled[codes[table.name]] >= ODD
    ]
    return sorted(odd, key=_importance)


def _odd(table: AttributeTable, code: int, value: object) -> Contribution:
    alike = table.best[code] + table.regrettable[code]
    total = sum(table.best) + sum(table.regrettable)
    return Contribution(
        name=table.name,
        title=title_of(table),
        value=value_words(table, code, value),
        points=table.pooled[code],
        text=f"{_share_words(alike, total)} closed customers are like this",
        known=True,
        lowest=min(table.pooled),
        highest=max(table.pooled),
    )


def _share_words(alike: int, total: int) -> str:
    return f"{alike:,} of {total:,}" if alike else f"none of {total:,}"
