"""Hypothesis strategies for profiles and for accounts that meet them."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

import polars as pl
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from icp.profile import (
    Abstention,
    AttributeTable,
    Calibration,
    Evidence,
    Novelty,
    PairTable,
    Profile,
    Provenance,
    Segment,
)
from icp.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hypothesis.strategies import DrawFn, SearchStrategy

#: How laws are searched; ICP_EXAMPLES=10000 searches longer.
LAWS = settings(
    deadline=None,
    max_examples=int(os.environ.get("ICP_EXAMPLES", "30")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
KINDS = (Kind.CATEGORY, Kind.NUMBER, Kind.FLAG, Kind.MULTI)
POINTS = st.integers(-3_000, 3_000)
SURPRISES = st.integers(0, 4_000)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
FINITE = st.floats(allow_nan=False, allow_infinity=False)


def profile_of(
    tables: Sequence[AttributeTable] = (),
    *,
    base: int = 0,
    pairs: Sequence[PairTable] = (),
    segments: Sequence[Segment] = (),
    calibration: Calibration | None = None,
    closed: Sequence[int] = (),
    abstention: Abstention | None = None,
    level: str = "strong",
) -> Profile:
    return Profile(
        base=base,
        tables=tuple(tables),
        pairs=tuple(pairs),
        segments=tuple(segments),
        calibration=calibration or steady_calibration(),
        novelty=Novelty(closed=tuple(sorted(closed))),
        abstention=abstention or Abstention(known=0, novelty=0),
        provenance=Provenance(
            best=60,
            regrettable=45,
            evidence=Evidence(
                level=level,  # type: ignore[arg-type]  # one of the four words
                auc=0.8,
                auc_low=0.7,
                auc_high=0.9,
                log_loss=0.5,
                base_log_loss=0.7,
                brier=0.2,
                method="five folds",
            ),
        ),
    )


def steady_calibration(*, shown_step: int = 10, scale: int = 10) -> Calibration:
    """A fit of 50 at margin 0, `scale` millinats per step, an interval of +-10 %."""
    return Calibration(
        method="platt",
        thresholds=tuple(scale * (step - 500) for step in range(1, 1000)),
        low=tuple(max(0, step - 100) for step in range(1000)),
        high=tuple(min(1000, step + 100) for step in range(1000)),
        shown_step=shown_step,
    )


def table_of(
    name: str,
    kind: Kind | str,
    points: Sequence[int],
    *,
    pooled: Sequence[int] | None = None,
    best: Sequence[int] | None = None,
    regrettable: Sequence[int] | None = None,
    information: int = 100,
    cells: Sequence[str] | None = None,
    **rest: Any,
) -> AttributeTable:
    """A table with plausible contents wherever a test does not care."""
    kind = Kind(kind)
    if kind is Kind.CATEGORY and "levels" not in rest:
        names = cells or [f"level {code}" for code in range(2, len(points))]
        rest["levels"] = tuple(sorted((n, c) for c, n in enumerate(names, start=2)))
        cells = names
    if kind in {Kind.FLAG, Kind.MULTI}:
        cells = ("no", "yes")
    blank = (0,) * len(points)
    return AttributeTable(
        name=name,
        column=rest.pop("column", name.partition("=")[0]),
        kind=kind,  # type: ignore[arg-type]  # dates and texts are not asked for
        points=tuple(points),
        pooled=tuple(pooled or blank),
        best=tuple(best or blank),
        regrettable=tuple(regrettable or blank),
        information=information,
        cells=tuple(cells or (f"cell {code}" for code in range(2, len(points)))),
        **rest,
    )


# -------------------------------------------------------------------------- profiles


@st.composite
def tables(draw: DrawFn, name: str, kind: Kind) -> AttributeTable:
    rest: dict[str, Any] = {}
    count = 2
    if kind is Kind.NUMBER:
        edges = draw(st.lists(FINITE, max_size=6, unique=True))
        rest["edges"] = tuple(sorted({edge + 0.0 for edge in edges}))
        count = len(rest["edges"]) + 1
    if kind is Kind.CATEGORY:
        levels = draw(st.lists(TEXTS, max_size=6, unique=True))
        count = draw(st.integers(1, max(1, len(levels))))
        codes = [draw(st.sampled_from([0, *range(2, 2 + count)])) for _ in levels]
        rest["levels"] = tuple(sorted(zip(levels, codes, strict=True)))
    if kind is Kind.MULTI:
        rest["value"] = name.partition("=")[2]
    size = 2 + count
    return table_of(
        name,
        kind,
        draw(_rows(size, POINTS)),
        pooled=draw(_rows(size, SURPRISES)),
        best=draw(_rows(size, st.integers(0, 50))),
        regrettable=draw(_rows(size, st.integers(0, 50))),
        information=draw(st.integers(0, 900)),
        cells=tuple(f"cell {code}" for code in range(2, size)),
        **rest,
    )


def _rows(size: int, values: SearchStrategy[int]) -> SearchStrategy[tuple[int, ...]]:
    return st.lists(values, min_size=size, max_size=size).map(tuple)


@st.composite
def table_sets(draw: DrawFn, max_size: int = 5) -> tuple[AttributeTable, ...]:
    kinds = draw(st.lists(st.sampled_from(KINDS), max_size=max_size))
    drawn: list[AttributeTable] = []
    for place, kind in enumerate(kinds):
        name = f"column {place}"
        values = ("aws", "azure") if kind is Kind.MULTI else ("",)
        names = [f"{name}={value}" if value else name for value in values]
        drawn.extend(draw(tables(n, kind)) for n in names)
    return tuple(drawn)


@st.composite
def pair_tables(draw: DrawFn, chosen: Sequence[AttributeTable]) -> PairTable:
    first, second = draw(st.permutations(chosen))[:2]
    points = draw(_rows(first.size * second.size, st.integers(-300, 300)))
    return PairTable(first=first.name, second=second.name, points=points)


@st.composite
def segments(draw: DrawFn, name: str, sizes: Sequence[int]) -> Segment:
    return Segment(
        name=name,
        kind=draw(st.sampled_from(["best", "regrettable"])),
        size=draw(st.integers(0, 60)),
        surprises=tuple(draw(_rows(size, SURPRISES)) for size in sizes),
    )


@st.composite
def calibrations(draw: DrawFn) -> Calibration:
    if draw(st.integers(0, 9)) == 0:
        return Calibration(method="none")
    few = draw(st.lists(st.integers(-9_000, 9_000), min_size=1, max_size=9))
    thresholds = sorted(few[step % len(few)] + step % 7 for step in range(999))
    width = draw(st.integers(0, 400))
    return Calibration(
        method="platt",
        thresholds=tuple(thresholds),
        low=tuple(max(0, step - width) for step in range(1000)),
        high=tuple(min(1000, step + width // 2) for step in range(1000)),
        shown_step=draw(st.sampled_from([0, 1, 5, 10, 50, 100])),
    )


@st.composite
def profiles(draw: DrawFn, max_tables: int = 5) -> Profile:
    chosen = draw(table_sets(max_tables))
    pairs: list[PairTable] = []
    if len(chosen) > 1 and draw(st.booleans()):
        pairs.append(draw(pair_tables(chosen)))
    sizes = [table.size for table in chosen]
    count = draw(st.integers(0, 4))
    return profile_of(
        chosen,
        base=draw(POINTS),
        pairs=pairs,
        segments=[draw(segments(f"segment {i}", sizes)) for i in range(count)],
        calibration=draw(calibrations()),
        closed=draw(st.lists(st.integers(0, 16_000), max_size=20)),
        abstention=draw(
            st.builds(
                Abstention,
                known=st.sampled_from([0, 400, 1000]),
                novelty=st.sampled_from([0, 10, 200]),
                width=st.sampled_from([100, 500, 1000]),
            )
        ),
        level=draw(st.sampled_from(["none", "weak", "moderate", "strong"])),
    )


# -------------------------------------------------------------------------- accounts


def values(table: AttributeTable) -> SearchStrategy[object]:
    """Values of a column: usual ones, missing, never seen and the nasty ones."""
    if table.kind is Kind.NUMBER:
        near = [x for edge in table.edges for x in neighbours(edge)]
        nasty = [math.nan, math.inf, -math.inf, -0.0, 0.0, 5e-324, 1.8e308, *near]
        return st.one_of(st.none(), st.sampled_from(nasty), FINITE)
    if table.kind is Kind.CATEGORY:
        levels = [level for level, _ in table.levels]
        known = st.sampled_from(levels) if levels else st.nothing()
        return st.one_of(st.none(), known, TEXTS)
    if table.kind is Kind.FLAG:
        return st.sampled_from([None, False, True])
    held = st.sampled_from(["aws", "azure", "gcp", None])
    return st.one_of(st.none(), st.lists(held, max_size=3))


def neighbours(edge: float) -> tuple[float, ...]:
    return (math.nextafter(edge, -math.inf), edge, math.nextafter(edge, math.inf))


@st.composite
def accounts(
    draw: DrawFn, profile: Profile, max_size: int = 8, min_size: int = 0
) -> list[dict[str, object]]:
    columns = {table.column: values(table) for table in profile.tables}
    row = st.fixed_dictionaries(columns)
    return draw(st.lists(row, min_size=min_size, max_size=max_size))


def frame_of(rows: Iterable[dict[str, object]], profile: Profile) -> pl.DataFrame:
    """Rows as a typed accounts frame, with an account_id in front."""
    rows = list(rows)
    data = {"account_id": [f"a{place}" for place in range(len(rows))]}
    columns = {
        column: pl.Series(column, [row[column] for row in rows], dtype=kind.dtype)
        for column, kind in profile.columns.items()
    }
    return pl.DataFrame({**data, **columns}, schema_overrides={"account_id": pl.String})


@st.composite
def scored_cases(draw: DrawFn) -> tuple[Profile, list[dict[str, object]]]:
    profile = draw(profiles())
    return profile, draw(accounts(profile))
