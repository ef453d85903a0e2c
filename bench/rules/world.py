"""Customers whose truth is known: what a rule's share of regrets really is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from icp.conditions import And, Compare, Condition
from icp.learn.cells import draft_tables
from icp.profile import Calibration, Evidence, Profile, Provenance
from icp.schema import AccountSchema

if TYPE_CHECKING:
    from numpy.typing import NDArray

NUMBERS, LEVELS, FLAGS = 4, 4, 4
#: Share of customers that a planted rule covers.
SUPPORT = 0.12


@dataclass(frozen=True, kw_only=True)
class World:
    """Rules with the share of regrets under each, and the share elsewhere."""

    rules: tuple[tuple[Condition, float], ...]
    elsewhere: float

    def chance(self, frame: pl.DataFrame, /) -> NDArray[np.float64]:
        """Each account's true chance of being regretted; the first rule wins."""
        chance = np.full(frame.height, self.elsewhere)
        for rule, share in reversed(self.rules):
            chance[covered(rule, frame)] = share
        return chance


def covered(rule: Condition, frame: pl.DataFrame, /) -> NDArray[np.bool_]:
    """Which rows a rule covers."""
    return frame.select(rule.covers(frame.schema)).to_series().to_numpy()


def overlap(one: NDArray[np.bool_], other: NDArray[np.bool_], /) -> float:
    """Jaccard's index of two sets of rows."""
    return float((one & other).sum() / max(1, (one | other).sum()))


def drawn_accounts(
    rng: np.random.Generator, rows: int, /, *, times: int = 1
) -> pl.DataFrame:
    """Numbers (skewed and counts), levels and flags, none of which depend."""
    columns: dict[str, object] = {}
    for place in range(NUMBERS * times):
        skewed = 20 * np.exp(rng.standard_normal(rows))
        columns[f"number_{place}"] = rng.poisson(4, rows) * 1.0 if place % 2 else skewed
    for place in range(LEVELS * times):
        columns[f"level_{place}"] = rng.choice(list("ABCDEFG")[: 3 + place % 5], rows)
    for place in range(FLAGS * times):
        columns[f"flag_{place}"] = rng.random(rows) < 0.5
    return pl.DataFrame(columns)


def planted(frame: pl.DataFrame, place: int, /, *, conditions: int) -> Condition:
    """A rule of one or two conditions that covers about an eighth of the rows."""
    number = f"number_{2 * place}"
    share = SUPPORT if conditions == 1 else 2 * SUPPORT
    cut = Compare(number, ">=", round(float(frame[number].quantile(1 - share)), 3))
    flag = Compare(f"flag_{place}", "=", value=True)
    return cut if conditions == 1 else And((flag, cut))


def labelled(
    frame: pl.DataFrame, chance: NDArray[np.float64], rng: np.random.Generator, /
) -> pl.DataFrame:
    """The accounts with an outcome drawn from each one's chance."""
    bad = rng.random(frame.height) < chance
    outcome = np.where(bad, "regrettable", "best")
    return frame.with_columns(outcome=pl.Series(outcome))


def cells_only(
    frame: pl.DataFrame, /, *, schema: AccountSchema | None = None
) -> Profile:
    """A profile that knows cells and no points: all that a search reads."""
    described = schema or AccountSchema.infer(frame)
    drafts = draft_tables(
        frame,
        described.without(set(described.names) - set(frame.columns)),
        min_level=4,
        max_levels=100,
    )
    evidence = Evidence(
        level="none",
        auc=0.5,
        auc_low=0.0,
        auc_high=1.0,
        log_loss=0.7,
        base_log_loss=0.7,
        brier=0.25,
        method="not measured",
    )
    return Profile(
        base=0,
        tables=tuple(draft.table for draft in drafts),
        segments=(),
        calibration=Calibration(method="none"),
        provenance=Provenance(best=0, regrettable=0, evidence=evidence),
    )
