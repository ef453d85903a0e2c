"""Generated labelled customers, what is learnt from them, and how to compare it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from icp.learn import FitOptions, fit_profile

if TYPE_CHECKING:
    from icp.profile import Profile

QUICK = FitOptions(refits=4, max_segments=1, min_level=2)
NAMES = ["a", "b", "c", "d"]
TOOLS = ["SAP", "AWS", "Zoho"]
#: Learning takes a tenth of a second; ICP_EXAMPLES=1000 searches longer.
LAWS = settings(
    deadline=None,
    max_examples=int(os.environ.get("ICP_EXAMPLES", "8")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

_ROWS = st.lists(
    st.tuples(
        st.booleans(),
        st.sampled_from([*NAMES, None]),
        st.one_of(st.none(), st.integers(0, 12).map(float)),
        st.one_of(st.none(), st.lists(st.sampled_from(TOOLS), unique=True)),
        st.integers(0, 5),
    ),
    min_size=24,
    max_size=60,
)
_SCHEMA = {
    "best": pl.Boolean,
    "industry": pl.String,
    "staff": pl.Float64,
    "tools": pl.List(pl.String),
    "group": pl.Int64,
}


@st.composite
def customers(draw: st.DrawFn) -> pl.DataFrame:
    """Half the draws are balanced, in which case no outcome is the rarer one."""
    data = draw(_ROWS)
    frame = pl.DataFrame(data, schema=_SCHEMA, orient="row")
    if draw(st.booleans()):
        frame = frame.with_columns(best=pl.int_range(pl.len()) % 2 == 0)
    strong = pl.col("staff").fill_null(6) + 3 * pl.col("industry").eq_missing("a")
    if draw(st.booleans()):
        frame = frame.with_columns(best=pl.col("best") & (strong > 5) | (strong > 9))
    if frame["best"].sum() < 5 or (~frame["best"]).sum() < 5:
        frame = frame.with_columns(best=pl.int_range(pl.len()) % 2 == 0)
    outcome = pl.when("best").then(pl.lit("best")).otherwise(pl.lit("regrettable"))
    return frame.with_columns(outcome=outcome).drop("best")


def learnt(frame: pl.DataFrame, **options) -> Profile:
    accept = tuple(c for c in frame.columns if c != "outcome")
    chosen = QUICK.model_copy(update={"accept": accept})
    return fit_profile(frame, options=chosen, **options)


def numbers(profile: Profile):
    return (
        profile.base,
        [(t.points, t.pooled, t.best, t.regrettable, t.weight) for t in profile.tables],
        [pair.points for pair in profile.pairs],
        [segment.surprises for segment in profile.segments],
        profile.calibration,
        profile.novelty,
        profile.provenance.evidence,
    )


def known_cells(profile: Profile) -> dict[str, list[int]]:
    """The points of every cell that is known, and of every pair of such cells."""
    size = {table.name: table.size for table in profile.tables}
    alone = {table.name: np.array(table.points[2:]) for table in profile.tables}
    both = {
        pair.name: np.reshape(pair.points, (size[pair.first], size[pair.second]))[
            2:, 2:
        ]
        for pair in profile.pairs
    }
    found = {name: points.ravel().tolist() for name, points in (alone | both).items()}
    return {name: points for name, points in found.items() if any(points)}


def negated(points: dict[str, list[int]]) -> dict[str, list[int]]:
    return {name: [-value for value in values] for name, values in points.items()}
