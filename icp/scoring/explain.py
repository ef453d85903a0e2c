"""Why one account scores as it does, in words; a reading of the score's own integers.

Nothing is computed twice: contributions are the points that `score_one` added up, and
what makes an account unusual are the surprises that its novelty is the sum of.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import getitem, itemgetter
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeVar

import numpy as np
import polars as pl

from icp.errors import SchemaError
from icp.markup import html_table, notebook
from icp.profile import MISSING, NEVER_SEEN
from icp.scoring.cells import coder, codes
from icp.scoring.plan import SCORE_COLUMNS, look_up, refuse_clashes, score, unused
from icp.scoring.prepared import per_profile
from icp.scoring.single import Score, scorer_of, with_refusals
from icp.scoring.words import (
    ODD,
    Contribution,
    Reasons,
    Together,
    cell_words,
    title_of,
    value_words,
)
from icp.words import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from icp.disqualifiers import Disqualifier
    from icp.profile import AttributeTable, Profile


_Kind = Literal["best", "regrettable"]


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
        size = plural(self.size, "customer")
        return f"Nearest {self.kind} segment: {self.name}, {size}{traits}"


_REASONS = 3


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

    def _repr_html_(self) -> str:
        """What a notebook shows: fit, grade, and points that add up to the margin."""
        moving = (c for c in self.contributions if c.points)
        rows = [
            ("base", "", f"{self.score.base:+,}", "before anything is known"),
            *((c.title, c.value, f"{c.points:+,}", c.text) for c in moving),
            ("margin", "", f"{self.score.margin:+,}", "the sum"),
        ]
        headers = ("attribute", "value", "points", "why")
        return notebook(self.score.headline, [], html_table(headers, rows))


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
    score = with_refusals(reader.scorer.score(cells), row, disqualifiers)
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
        unknown += [entries[MISSING][1] for entries in self._pairs]
        unknown.sort(key=lambda one: (one.lowest - one.highest, one.name))
        self._narrower = {one.name: float(i) for i, one in enumerate(unknown)}

    def contributions(
        self, row: Mapping[str, object], cells: Sequence[int]
    ) -> tuple[Contribution, ...]:
        """What every table and pair adds, the largest first, those not known last."""
        values = map(row.get, self._columns)
        tellers = zip(self._contributions, cells, values, strict=False)
        entries = [tell(cell, value) for tell, cell, value in tellers]
        entries += map(getitem, self._pairs, cells[len(entries) :])
        return _in_order(entries)

    def unknown(
        self, contributions: Sequence[Contribution]
    ) -> tuple[Contribution, ...]:
        """Those not known, which come last, the widest range first."""
        entries = []
        for one in reversed(contributions):
            if one.known:
                break
            entries.append((self._narrower[one.name], one))
        return _in_order(entries)

    def unusual(
        self, row: Mapping[str, object], cells: Sequence[int]
    ) -> tuple[Contribution, ...]:
        """What is odd among the closed customers, the most surprising first."""
        oddities = zip(self._odd, cells, self._columns, strict=False)
        return _in_order(
            [o[c](c, row.get(column)) for o, c, column in oddities if c in o]
        )

    def nearest(self, score: Score) -> Iterator[Nearest]:
        """The nearest segment of each kind, best first."""
        segments: tuple[tuple[_Kind, str | None, int], ...] = (
            ("best", score.nearest_best, score.distance_best),
            ("regrettable", score.nearest_regrettable, score.distance_regrettable),
        )
        for kind, name, distance in segments:
            if name is not None:
                segment = self._segments[kind, name]
                yield Nearest(kind, name, distance, segment.size, segment.traits)


_rank, _contribution = itemgetter(0), itemgetter(1)


def _in_order(entries: list[tuple[float, Contribution]]) -> tuple[Contribution, ...]:
    entries.sort(key=_rank)
    return tuple(map(_contribution, entries))


@per_profile
def _reader(profile: Profile) -> _Reader:
    return _Reader(profile)


#: The columns of `similar_customers`, in order.
SIMILAR_COLUMNS: Final = {
    "account_id": pl.String(),
    "account_name": pl.String(),
    "outcome": pl.String(),
    "similarity": pl.Float64(),
    "shared": pl.List(pl.String()),
    "different": pl.List(pl.String()),
}
_WHOLE = 1000


# Two accounts agree on an attribute where they are in the same cell; number cells agree
# less the further apart they are, and not at all from a third of the cells on. Each
# agreement counts with the attribute's information. What the account does not tell does
# not count; what a customer does not tell counts as no agreement.


def similar_customers(
    row: Mapping[str, object],
    profile: Profile,
    customers: pl.DataFrame,
    /,
    *,
    count: int = 5,
) -> pl.DataFrame:
    """The past customers most like an account, the most similar first.

    `similarity` runs from 0 to 1 (0 where the account tells nothing); ties go by
    `account_id`. `shared` and `different` name at most three attributes each, with the
    customer's own values. The account itself is left out. `customers` without
    `account_id` raise SchemaError; missing `account_name` or `outcome` become null.
    """
    if "account_id" not in customers.columns:
        message = "customers have no column 'account_id'; name the identifier so"
        raise SchemaError(message)
    comparisons = _comparisons(row, profile)
    mark = unused(customers.schema)
    places = {f"{mark}{place}": one for place, one in enumerate(comparisons)}
    cells = codes(customers.schema, [one.table for one in comparisons])
    others = customers.filter(
        pl.col("account_id").cast(pl.String).ne_missing(_id_of(row))
    )
    nearest = (
        others.with_columns(
            code.alias(name) for name, code in zip(places, cells, strict=True)
        )
        .with_columns(
            pl.sum_horizontal(
                pl.lit(0, pl.Int64),
                *(_agreement_points(one, pl.col(name)) for name, one in places.items()),
            ).alias(mark)
        )
        .sort(mark, "account_id", descending=[True, False])
        .head(count)
    )
    most = sum(one.weight for one in comparisons) * _WHOLE
    rows = [
        _describe(customer, comparisons, customer[mark] / most if most else 0.0)
        for customer in nearest.to_dicts()
    ]
    return pl.DataFrame(rows, schema=SIMILAR_COLUMNS)


_FIRST = NEVER_SEEN + 1


@dataclass(frozen=True, kw_only=True)
class _Comparison:
    """An attribute that the account tells, with its agreement per customer code."""

    table: AttributeTable
    code: int
    weight: int
    agreement: tuple[int, ...]

    @property
    def idle(self) -> int | None:
        """The cell not worth naming: that both lack one of many values."""
        return _FIRST if self.table.kind.per_value else None


def _comparisons(row: Mapping[str, object], profile: Profile) -> list[_Comparison]:
    informed = any(table.information for table in profile.tables)
    comparisons = []
    for table in profile.tables:
        code = coder(table)(row.get(table.column))
        if code != MISSING:
            comparisons.append(
                _Comparison(
                    table=table,
                    code=code,
                    weight=table.information if informed else 1,
                    agreement=agreement(table, code),
                )
            )
    return comparisons


def _id_of(row: Mapping[str, object]) -> str | None:
    own = row.get("account_id")
    return None if own is None else str(own)


def _agreement_points(one: _Comparison, code: pl.Expr) -> pl.Expr:
    points = pl.Series([one.weight * part for part in one.agreement], dtype=pl.Int64)
    return pl.lit(points).gather(code)


_MOST_TRAITS = 3
_ALIKE = 800
_UNLIKE = 500


def _describe(
    customer: dict[str, Any], comparisons: list[_Comparison], similarity: float
) -> dict[str, Any]:
    alike, unlike = [], []
    for one in sorted(comparisons, key=lambda one: (-one.weight, one.table.name)):
        value = customer.get(one.table.column)
        code = coder(one.table)(value)
        words = f"{title_of(one.table)}: {value_words(one.table, code, value)}"
        if one.agreement[code] >= _ALIKE and code != one.idle:
            alike.append(words)
        elif code != MISSING and one.agreement[code] < _UNLIKE:
            unlike.append(words)
    return {
        "account_id": _id_of(customer),
        "account_name": customer.get("account_name"),
        "outcome": customer.get("outcome"),
        "similarity": similarity,
        "shared": alike[:_MOST_TRAITS],
        "different": unlike[:_MOST_TRAITS],
    }


def agreement(table: AttributeTable, code: int, /) -> tuple[int, ...]:
    """Per cell code of the other account: how far the two agree, in per mille."""
    return tuple(_agreement(table, code, other) for other in range(table.size))


def _agreement(table: AttributeTable, one: int, other: int) -> int:
    if min(one, other) <= NEVER_SEEN:
        return 0
    if not table.kind.ordered:
        return _WHOLE * (one == other)
    reach = max(1, len(table.cells) // 3)
    return max(0, _WHOLE - _WHOLE * abs(one - other) // reach)


#: The columns that `outliers` adds to the accounts, in order.
OUTLIER_COLUMNS: Final = {
    "distance_best": pl.Int32(),
    "nearest_best": SCORE_COLUMNS["nearest_best"],
    "best_p": pl.Float64(),
    "distance_closed": pl.Int32(),
    "novelty_p": pl.Float64(),
    "quadrant": pl.String(),
    "odd": pl.List(pl.String()),
}
FrameT = TypeVar("FrameT", pl.DataFrame, pl.LazyFrame)


def outliers(accounts: FrameT, profile: Profile, /) -> FrameT:
    """Say how far each account is from the best and from all closed customers.

    Appends `distance_best` and `nearest_best` as in `score`; `best_p`, the share of
    best customers at least as far from their nearest segment (one added to both
    counts); `distance_closed` and its share `novelty_p`; `quadrant`, where far means a
    share below 5%; and `odd`, the at most three attributes that are most surprising
    among the closed customers, as "title: cell". Columns of these names and score
    columns that are already there are replaced, but for those that the profile reads:
    they raise SchemaError, as in `score`. `best_p` and `novelty_p` are null where the
    profile has no distances.
    """
    if isinstance(accounts, pl.DataFrame):
        return outliers(accounts.lazy(), profile).collect()
    columns = {*SCORE_COLUMNS, *OUTLIER_COLUMNS} - profile.columns.keys()
    plain = accounts.drop(*columns, strict=False)
    schema, tables = plain.collect_schema(), profile.tables
    refuse_clashes(schema, OUTLIER_COLUMNS)
    places = [f"{unused(schema)}{place}" for place in range(len(tables))]
    cells = zip(codes(schema, tables), places, strict=True)
    surprises = [
        look_up(table.pooled, pl.Int32(), pl.col(place))
        for table, place in zip(tables, places, strict=True)
    ]
    return (
        plain.pipe(score, profile)
        .with_columns(cell.alias(place) for cell, place in cells)
        .with_columns(
            pl.sum_horizontal(pl.lit(0, pl.Int32), *surprises).alias("distance_closed"),
            _odd(tables, places).alias("odd"),
            _best_p(profile).alias("best_p"),
        )
        .with_columns(_quadrant().alias("quadrant"))
        .select(*schema, *OUTLIER_COLUMNS)
    )


_MOST_NAMES = 3
#: More cells than any profile may have, so that a surprise and a cell fit one integer.
_CELLS = 2**17


def _odd(tables: Sequence[AttributeTable], places: Sequence[str]) -> pl.Expr:
    """The words of the most surprising cells: surprise and cell as one integer."""
    words: list[str] = []
    ranks = []
    for table, place in zip(tables, places, strict=True):
        cells = [
            surprise * _CELLS + _CELLS - 1 - len(words) - code
            if surprise >= ODD and code != MISSING
            else None
            for code, surprise in enumerate(table.pooled)
        ]
        ranks.append(look_up(cells, pl.Int64(), pl.col(place)))
        words += [
            f"{title_of(table)}: {cell_words(table, c)}" for c in range(table.size)
        ]
    if not ranks:
        return pl.lit([], pl.List(pl.String))
    ordered = pl.concat_list(ranks).list.drop_nulls().list.sort(descending=True)
    cell = _CELLS - 1 - pl.element() % _CELLS
    return ordered.list.head(_MOST_NAMES).list.eval(
        pl.lit(pl.Series(words)).gather(cell)
    )


def _best_p(profile: Profile) -> pl.Expr:
    own = sorted(set(profile.novelty.best))
    if not own:
        return pl.lit(None, pl.Float64)
    count = len(profile.novelty.best)
    nearer = np.searchsorted(profile.novelty.best, [-1, *own], side="right")
    shares = pl.Series((1 + count - nearer) / (1 + count))
    place = (pl.col("distance_best") - 1).bin_intervals(own, labels=False)
    return pl.lit(shares).gather(place)


#: Far from the best (+1) and far from all closed (+2), in words.
QUADRANTS: Final = (
    "ordinary",
    "far from best only",
    "far from all closed only",
    "far from both",
)
_FAR = 0.05


def _quadrant() -> pl.Expr:
    far_from_best = (pl.col("best_p") < _FAR).fill_null(value=False)
    far_from_closed = (pl.col("novelty_p") < _FAR).fill_null(value=False)
    place = far_from_best.cast(pl.UInt32) + 2 * far_from_closed.cast(pl.UInt32)
    return pl.lit(pl.Series(QUADRANTS)).gather(place)
