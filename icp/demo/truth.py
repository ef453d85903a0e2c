"""What was planted, written beside the exports so that recovery can be tested."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from icp.demo.history import BEST_FROM, HOUR_COST, LEAKS, History
from icp.demo.population import ARCHETYPES, DISQUALIFIERS, DRIFTING, NOISE

if TYPE_CHECKING:
    from datetime import date

__all__ = ["truth_document", "with_duplicates", "with_oddities"]

_DUPLICATES: Final = 24
_ODDITIES: Final = 12


def with_duplicates(customers: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Append some companies a second time: other id and spelling, same web domain.

    `duplicate_of` is the first id, null elsewhere. Nothing was ever billed to them.
    """
    places = np.sort(rng.permutation(customers.height)[:_DUPLICATES])
    again = customers[places].with_columns(
        account_id=pl.format("C-9{}", pl.col("account_id").str.slice(3)),
        account_name=pl.col("account_name").str.to_uppercase().str.replace(" ", "  "),
        duplicate_of="account_id",
        funding=pl.lit(None, dtype=pl.String),
        annual_revenue=pl.lit(None, dtype=pl.Float64),
        worth=pl.lit(None, dtype=pl.Float64),
        outcome=pl.lit("unknown"),
    )
    return pl.concat([customers, again], how="diagonal")


def with_oddities(prospects: pl.DataFrame) -> pl.DataFrame:
    """Make a few prospects unlike anything closed before; `odd` says which."""
    step = max(1, prospects.height // _ODDITIES)
    odd = pl.int_range(pl.len()) % step == step - 1
    strange = {
        "industry": pl.lit("Deep Sea Mining"),
        "employees": pl.lit(240_000.0),
        "sites": pl.lit(900.0),
        "year_founded": pl.lit(1851.0),
        "headcount_growth": pl.lit(-38.5),
        "funding": pl.lit("Series C+"),
        "buying_process": pl.lit("Founder"),
    }
    return prospects.with_columns(odd=odd).with_columns(
        pl.when("odd").then(value).otherwise(name).alias(name)
        for name, value in strange.items()
    )


def truth_document(history: History, prospects: pl.DataFrame, /, *, as_of: date) -> str:
    """JSON: who is in which segment, how each customer turned out, and the traps."""
    customers = history.customers
    twins = customers.drop_nulls("duplicate_of")
    document = {
        "as_of": as_of.isoformat(),
        "worth": "sum of invoices and credit notes - collection cost - "
        f"{HOUR_COST} x support hours",
        "best_from": BEST_FROM,
        "segments": _segments(customers, prospects),
        "outcomes": dict(
            customers.group_by("outcome", maintain_order=True)
            .agg("account_id")
            .sort("outcome")
            .rows()
        ),
        "duplicates": dict(twins.select("account_id", "duplicate_of").rows()),
        "odd_prospects": prospects.filter("odd")["account_id"].to_list(),
        "disqualifiers": dict(DISQUALIFIERS),
        "leaks": list(LEAKS),
        "noise": list(NOISE),
        "drift": {"column": DRIFTING, "since_days": 365},
    }
    return json.dumps(document, separators=(",", ":")).replace('],"', '],\n"') + "\n"


def _segments(
    customers: pl.DataFrame, prospects: pl.DataFrame
) -> dict[str, dict[str, object]]:
    first = customers.filter(pl.col("duplicate_of").is_null())
    return {
        archetype.name: {
            "outcome": archetype.outcome,
            "customers": _members(first, position),
            "prospects": _members(prospects.filter(~pl.col("odd")), position),
        }
        for position, archetype in enumerate(ARCHETYPES)
        if archetype.outcome != "mixed"
    }


def _members(frame: pl.DataFrame, position: int) -> list[str]:
    return frame.filter(pl.col("archetype") == position)["account_id"].to_list()
