"""Small seeded customer tables with a known truth."""

from __future__ import annotations

import numpy as np
import polars as pl

from icp.learn.cells import build_cells, draft_tables
from icp.schema import AccountSchema


def closed_customers(
    count: int, *, seed: int = 0, strength: float = 1.0
) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    industry = draw.choice(["Retail", "Bank", "Health", "Energy"], count)
    employees = np.ceil(np.exp(draw.normal(4, 1.2, count)))
    unknown = draw.random(count) < 0.1
    logit = strength * (
        1.5 * (industry == "Retail")
        - 1.2 * (industry == "Bank")
        + 0.8 * (np.log(employees) - 4)
    )
    best = draw.random(count) < 1 / (1 + np.exp(-logit))
    return pl.DataFrame(
        {
            "account_id": [f"a{i:04}" for i in range(count)],
            "industry": industry,
            "employees": [
                None if u else e for u, e in zip(unknown, employees, strict=True)
            ],
            "partner": draw.random(count) < 0.5,
            "colour": draw.choice(["red", "green", "blue"], count),
            "outcome": np.where(best, "best", "regrettable"),
        }
    )


def segmented_customers(
    count: int, *, segments: int, columns: int = 6, levels: int = 4, seed: int = 0
) -> tuple[pl.DataFrame, np.ndarray]:
    draw = np.random.default_rng(seed)
    member = draw.integers(segments, size=count)
    data = {}
    for column in range(columns):
        favourite = (member + column) % levels
        chance = draw.random(count)
        other = draw.integers(levels, size=count)
        data[f"c{column}"] = [
            f"L{f if c < 0.8 else o}"
            for f, c, o in zip(favourite, chance, other, strict=True)
        ]
    return pl.DataFrame(data), member


def prepared(frame: pl.DataFrame):
    schema = AccountSchema.infer(
        frame, roles={"account_id": "identifier", "outcome": "outcome"}
    )
    best = (frame["outcome"] == "best").to_numpy()
    drafts = draft_tables(frame, schema, min_level=4, max_levels=50)
    cells = build_cells(frame, drafts, best.astype(np.int8))
    nothing = np.zeros(len(cells.tables), dtype=bool)
    return cells, np.arange(frame.height), best[cells.rows], nothing
