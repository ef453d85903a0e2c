"""Scoring a frame: one lazy plan of look-ups and additions over integer tables.

```
codes      one cell code per attribute, in three steps         (icp.scoring.cells)
joints     several attributes' codes as one                    (icp.scoring.prepared)
words      one look-up per joint: margin, distances, novelty, what is known
places     fit step of the margin, rank of the novelty, nearest segments
answers    look-ups by step: fit, grade, state, probabilities  (icp.scoring.prepared)
```

Every step is elementwise, so that Polars' streaming engine runs it batch by batch and
a row never depends on its neighbours. `docs/decisions/004-scoring-plan.md` has the
measurements behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from itertools import count
from operator import add
from typing import TYPE_CHECKING, Final, overload

import numpy as np
import polars as pl

from icp.disqualifiers import disqualified_by
from icp.errors import SchemaError, counted
from icp.frames import as_polars
from icp.scoring.cells import Coding, codings
from icp.scoring.prepared import (
    INFORMATION,
    MARGIN,
    NOVELTY,
    SEGMENTS,
    Joint,
    Layout,
    Steps,
    layout_of,
    steps_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from polars._typing import PolarsDataType

    from icp.disqualifiers import Disqualifier
    from icp.frames import ArrowTable
    from icp.profile import PairTable, Profile


#: Few words in many rows: kept, compressed and written as one number per row.
_WORDS: Final = pl.Categorical()

#: The columns that `score` appends, in order.
SCORE_COLUMNS: Final[dict[str, PolarsDataType]] = {
    "fit": pl.Float64(),
    "grade": _WORDS,
    "state": _WORDS,
    "margin": pl.Int32(),
    "p_best": pl.Float64(),
    "p_low": pl.Float64(),
    "p_high": pl.Float64(),
    "distance_best": pl.Int32(),
    "nearest_best": _WORDS,
    "distance_regrettable": pl.Int32(),
    "nearest_regrettable": _WORDS,
    "known_fraction": pl.Float64(),
    "novelty_p": pl.Float64(),
    "disqualified_by": pl.List(pl.String()),
}

#: Up to this span of sums a rank is one look-up, beyond it a search.
_MOST_RANKS: Final = 131_072


@overload
def score(
    accounts: pl.LazyFrame,
    profile: Profile,
    /,
    *,
    parts: bool = False,
    disqualifiers: Sequence[Disqualifier] = (),
) -> pl.LazyFrame: ...
@overload
def score(
    accounts: ArrowTable,
    profile: Profile,
    /,
    *,
    parts: bool = False,
    disqualifiers: Sequence[Disqualifier] = (),
) -> pl.DataFrame: ...
def score(
    accounts: pl.LazyFrame | ArrowTable,
    profile: Profile,
    /,
    *,
    parts: bool = False,
    disqualifiers: Sequence[Disqualifier] = (),
) -> pl.LazyFrame | pl.DataFrame:
    """Append the score columns to accounts, row order kept.

    Lazy in, lazy out; any other table comes back as a Polars DataFrame.
    Reads the profile's columns and passes all others through; a column that is not
    there counts as missing in every row. `fit` (0 to 100), `grade` and probabilities
    are null where `state` is `not_evaluable`. `margin` and distances are millinats.
    `disqualified_by` lists the conditions of those `disqualifiers` in force that cover
    the account, policy first; they change nothing else.

    With `parts`, `points__base`, `points__<table>` and `points__<a>*<b>` (Int32)
    follow, whose sum is exactly `margin`. Raises SchemaError where an input column has
    the name of an output column, or a type that the profile cannot read.
    """
    frame = as_polars(accounts)
    if isinstance(frame, pl.DataFrame):
        return score(
            frame.lazy(), profile, parts=parts, disqualifiers=disqualifiers
        ).collect()
    plan = _plan(profile, frame.collect_schema())
    refusing = disqualified_by(disqualifiers, plan.schema)
    added = plan.answers(refusing) + (plan.parts() if parts else [])
    refuse_clashes(plan.schema, (column.meta.output_name() for column in added))
    return (
        frame.with_columns(plan.seats())
        .with_columns(plan.cells())
        .with_columns(plan.codes())
        .with_columns(plan.joints())
        .with_columns(plan.words())
        .with_columns(plan.places())
        .with_columns(plan.step())
        .select(*plan.schema, *added)
    )


def refuse_clashes(schema: pl.Schema, added: Iterable[str], /) -> None:
    """Raise SchemaError where a column of accounts has the name of one to be added."""
    clashes = [name for name in added if name in schema]
    if clashes:
        message = f"{counted(clashes, 'column')} would be overwritten by scoring"
        raise SchemaError(f"{message}; rename them")


def unused(schema: pl.Schema, /) -> str:
    """A text that no column's name starts with, for columns in between."""
    marks = ("_" * length + "icp " for length in count())
    return next(m for m in marks if not any(c.startswith(m) for c in schema))


def _plan(profile: Profile, schema: pl.Schema) -> _Plan:
    present = tuple(
        place for place, t in enumerate(profile.tables) if t.column in schema
    )
    return _Plan(
        profile=profile,
        schema=schema,
        mark=unused(schema),
        codings=codings(schema, profile.tables),
        layout=layout_of(profile, present),
        steps=steps_of(profile),
    )


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """The expressions that score frames of one schema with one profile."""

    profile: Profile
    schema: pl.Schema
    #: Starts the name of every intermediate column and of no input column.
    mark: str
    codings: Sequence[Coding]
    layout: Layout
    steps: Steps

    def _name(self, *parts: object) -> str:
        return f"{self.mark}{' '.join(map(str, parts))}"

    def _col(self, *parts: object) -> pl.Expr:
        return pl.col(self._name(*parts))

    # ------------------------------------------------------------------------- codes

    def seats(self) -> list[pl.Expr]:
        return self._alias("seat", (coding.seat for coding in self.codings))

    def cells(self) -> list[pl.Expr]:
        places = enumerate(self.codings)
        return self._alias("cell", (c.place(self._col("seat", i)) for i, c in places))

    def codes(self) -> list[pl.Expr]:
        places = enumerate(self.codings)
        cells = (c.look_up(self._col("cell", i)) for i, c in places)
        return self._alias("code", cells)

    def _alias(self, prefix: str, columns: Iterable[pl.Expr]) -> list[pl.Expr]:
        return [c.alias(self._name(prefix, place)) for place, c in enumerate(columns)]

    # ------------------------------------------------------------------------- words

    def joints(self) -> list[pl.Expr]:
        return self._alias("joint", map(self._joint, self.layout.joints))

    def _joint(self, joint: Joint) -> pl.Expr:
        code = self._col("code", joint.places[0])
        for place, size in zip(joint.places[1:], joint.sizes[1:], strict=True):
            code = code * pl.lit(size, pl.UInt32) + self._col("code", place)
        return code

    def words(self) -> list[pl.Expr]:
        return self._alias("word", map(self._word, range(len(self.layout.constant))))

    def _word(self, word: int) -> pl.Expr:
        look_ups = (
            look_up(joint.words[:, word], pl.Int64(), self._col("joint", number))
            for number, joint in enumerate(self.layout.joints)
            if joint.words[:, word].any()
        )
        return reduce(add, look_ups, pl.lit(self.layout.constant[word], pl.Int64))

    def _lane(self, column: int) -> pl.Expr:
        """A sum less the least that it can be."""
        lane = self.layout.lanes[column]
        word = self._col("word", lane.word)
        shifted = word // (1 << lane.shift) if lane.shift else word
        return shifted & pl.lit(lane.mask, pl.Int64)

    # ------------------------------------------------------------------------ places

    def places(self) -> list[pl.Expr]:
        places = {
            "margin step": self._rank(MARGIN, self.profile.calibration.thresholds),
            "nearer": self._rank(NOVELTY, self.profile.novelty.closed, below=True),
            "best": self._nearest(self.profile.best_segments),
            "regrettable": self._nearest(self.profile.regrettable_segments),
        }
        return [place.alias(self._name(name)) for name, place in places.items()]

    def _rank(
        self, column: int, ascending: Sequence[int], *, below: bool = False
    ) -> pl.Expr:
        """How many of the ascending numbers are at or below the sum (UInt32)."""
        lane, value = self.layout.lanes[column], self._lane(column)
        if not ascending:
            return (value * 0).cast(pl.UInt32)
        shifted = [number - lane.least + int(below) for number in ascending]
        if lane.most < _MOST_RANKS:
            sums = np.arange(lane.most + 1)
            place = _position(value)
        else:
            distinct = sorted(set(shifted))
            sums = np.array([distinct[0] - 1, *distinct])
            place = value.bin_intervals(distinct, labels=False)
        ranks = np.searchsorted(shifted, sums, side="right")
        return look_up(ranks, pl.UInt32(), place)

    def _nearest(self, segments: tuple[int, ...]) -> pl.Expr:
        lanes = [self._lane(SEGMENTS + segment) for segment in segments]
        return pl.min_horizontal(lanes) if lanes else pl.lit(None, pl.Int64)

    def step(self) -> pl.Expr:
        """The fit step, or that of no answer where the account is not evaluable."""
        abstention, steps = self.profile.abstention, self.steps
        least = abstention.known * self._information
        conditions = []
        if least:
            conditions.append(self._lane(INFORMATION) * 1000 >= least)
        if not all(steps.usual):
            usual = look_up(steps.usual, pl.Boolean(), self._col("nearer"))
            conditions.append(usual)
        if not all(steps.narrow[:-1]):
            narrow = look_up(steps.narrow, pl.Boolean(), self._col("margin step"))
            conditions.append(narrow)
        step = self._col("margin step") if steps.none else pl.lit(0, pl.UInt32)
        scored = pl.all_horizontal(conditions) if conditions else pl.lit(value=True)
        return (
            pl.when(scored)
            .then(step)
            .otherwise(pl.lit(steps.none, pl.UInt32))
            .alias(self._name("step"))
        )

    @property
    def _information(self) -> int:
        return sum(table.information for table in self.profile.tables)

    # ----------------------------------------------------------------------- answers

    def answers(self, refusing: pl.Expr) -> list[pl.Expr]:
        answers = {
            **{name: self._by_step(name) for name in ("fit", "grade")},
            "state": self._state(),
            "margin": self._margin(),
            **{name: self._by_step(name) for name in ("p_best", "p_low", "p_high")},
            **self._segments("best"),
            **self._segments("regrettable"),
            "known_fraction": self._known_fraction(),
            "novelty_p": look_up(
                self.steps.novelty_p, pl.Float64(), self._col("nearer")
            ),
            "disqualified_by": refusing,
        }
        return [answers[name].alias(name) for name in SCORE_COLUMNS]

    def _by_step(self, name: str) -> pl.Expr:
        answers = getattr(self.steps, name)
        return look_up(answers, SCORE_COLUMNS[name], self._col("step"))

    def _state(self) -> pl.Expr:
        states = ("scored",) * self.steps.none + ("not_evaluable",)
        return look_up(states, _WORDS, self._col("step"))

    def _margin(self) -> pl.Expr:
        least = pl.lit(self.layout.lanes[MARGIN].least, pl.Int64)
        return (self._lane(MARGIN) + least).cast(pl.Int32, wrap_numerical=True)

    def _segments(self, kind: str) -> dict[str, pl.Expr]:
        names = [segment.name for segment in self.profile.segments]
        nearest, unit = self._col(kind), 1 << self.layout.position_bits
        distance = (nearest // unit).fill_null(0).cast(pl.Int32, wrap_numerical=True)
        position = _position(nearest & pl.lit(unit - 1, pl.Int64))
        return {
            f"distance_{kind}": distance,
            f"nearest_{kind}": look_up(names, _WORDS, position),
        }

    def _known_fraction(self) -> pl.Expr:
        # Not a float division: Polars divides by one number as times its reciprocal.
        information = self._information
        per_mille = self._lane(INFORMATION) * 1000 // (information or 1)
        shares = [share / 1000 if information else 1.0 for share in range(1001)]
        return look_up(shares, pl.Float64(), _position(per_mille))

    def parts(self) -> list[pl.Expr]:
        tables = (
            look_up(table.points, pl.Int32(), self._col("code", place)).alias(
                f"points__{table.name}"
            )
            for place, table in enumerate(self.profile.tables)
        )
        pairs = (
            self._pair_points(pair).alias(f"points__{pair.name}")
            for pair in self.profile.pairs
        )
        base = pl.lit(self.profile.base, pl.Int32).alias("points__base")
        return [base, *tables, *pairs]

    def _pair_points(self, pair: PairTable) -> pl.Expr:
        places = {table.name: i for i, table in enumerate(self.profile.tables)}
        first, second = places[pair.first], places[pair.second]
        size = pl.lit(self.profile.tables[second].size, pl.UInt32)
        code = self._col("code", first) * size + self._col("code", second)
        return look_up(pair.points, pl.Int32(), code)


def _position(number: pl.Expr) -> pl.Expr:
    # Wrapping, as a check of every row would take longer than the look-up.
    return number.cast(pl.UInt32, wrap_numerical=True)


def look_up(values: object, dtype: PolarsDataType, place: pl.Expr, /) -> pl.Expr:
    """The value at each place of a list."""
    return pl.lit(pl.Series(values, dtype=dtype)).gather(place)  # type: ignore[arg-type]  # sequences and arrays alike
