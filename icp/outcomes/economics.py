"""The three amounts of money that decide how likely "best" must be to pursue."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import polars as pl

from icp.errors import PolicyError

__all__ = ["Economics"]


@dataclass(frozen=True)
class Economics:
    """V, L and C in money: value of a best customer, loss of a regrettable one, cost.

    Pursuing pays when the probability p of a best customer is above `break_even`:
    p V - (1 - p) L - C > 0, hence p* = (L + C) / (V + L).

    >>> Economics(V=9_000, L=900, C=90).break_even
    0.1
    >>> Economics(V=0, L=0, C=10)
    Traceback (most recent call last):
    ...
    icp.errors.PolicyError: V + L must be above 0, or nothing is at stake; give the \
value of a best customer and the loss of a regrettable one in [economics]
    """

    #: What a best customer is worth.
    V: float
    #: What a regrettable customer costs, as a positive amount.
    L: float
    #: What it costs to pursue one account, won or not.
    C: float = 0.0

    def __post_init__(self) -> None:
        if not all(isfinite(x) and x >= 0 for x in (self.V, self.L, self.C)):
            message = "V, L and C must be amounts of 0 or more; correct [economics]"
            raise PolicyError(message)
        if self.V + self.L <= 0:
            message = (
                "V + L must be above 0, or nothing is at stake; give the value of a "
                "best customer and the loss of a regrettable one in [economics]"
            )
            raise PolicyError(message)

    @property
    def break_even(self) -> float:
        """The probability above which pursuing pays; 1 or more means never."""
        return (self.L + self.C) / (self.V + self.L)

    @classmethod
    def from_labelled(
        cls,
        labelled: pl.DataFrame | pl.LazyFrame,
        /,
        *,
        value: float | None = None,
        loss: float | None = None,
        cost: float = 0.0,
    ) -> Economics:
        """Take what is not given from the data.

        `value` is the median worth of the best. `loss` is the median loss of those
        regrettable customers that lost money, 0 where none did. Null worths do not
        count. Raises PolicyError where no best customer's worth is known.
        """
        frame, outcome = labelled.lazy(), pl.col("outcome")
        there = "worth" in frame.collect_schema()
        amount = pl.col("worth") if there else pl.lit(None)
        worth = amount.cast(pl.Float64).fill_nan(None)
        regretted = outcome == "regrettable"
        row = (
            frame.select(
                best=worth.filter(outcome == "best").median(),
                lost=(-worth).filter(regretted & (worth < 0)).median(),
            )
            .collect()
            .row(0, named=True)
        )
        if value is None and row["best"] is None:
            message = "no best customer's worth is known; give [outcome.worth] a value"
            raise PolicyError(f"{message}, or set value_of_best in [economics]")
        return cls(
            V=float(max(0.0, row["best"])) if value is None else value,
            L=float(row["lost"] or 0.0) if loss is None else loss,
            C=cost,
        )
