"""What a policy gives before it is used: counts, money and examples per outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, get_args

import polars as pl

from icp.outcomes.policy import Outcome

__all__ = ["OUTCOMES", "LabelPreview", "preview"]

#: The outcomes in the order in which they are shown.
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)

_EXAMPLES = 5


@dataclass(frozen=True, kw_only=True)
class LabelPreview:
    """How many accounts got which label, what they are worth, and some of them."""

    #: Accounts per outcome; every outcome is there.
    counts: dict[str, int]
    #: Sum of the known worth per outcome; null where none is known.
    money: dict[str, float | None]
    #: Median of the known worth per outcome; null where none is known.
    median: dict[str, float | None]
    #: `outcome`, `account_id`, `account_name`, `worth`, `reason`: up to five each, the
    #: best by falling worth, the regrettable by rising worth.
    examples: pl.DataFrame
    #: `outcome`, `reason`, `accounts`: how often each reason was given, most first.
    reasons: pl.DataFrame

    @property
    def total(self) -> int:
        """How many accounts there are."""
        return sum(self.counts.values())

    def sentences(self) -> tuple[str, ...]:
        """One plain sentence per outcome that occurs."""
        return tuple(
            self._sentence(outcome) for outcome in OUTCOMES if self.counts[outcome]
        )

    def _sentence(self, outcome: str) -> str:
        count, worth = self.counts[outcome], self.money[outcome]
        share = f"{count:,} of {self.total:,} accounts ({count / self.total:.1%})"
        earned = "" if worth is None else f", worth {worth:,.0f} together"
        return f"{outcome}: {share}{earned}"


def preview(labelled: pl.DataFrame | pl.LazyFrame, /) -> LabelPreview:
    """Count, sum up and pick examples of a labelled frame, in one pass.

    >>> labelled = pl.DataFrame(
    ...     {"outcome": ["best"], "outcome_reason": ["won"], "worth": [9.5]}
    ... )
    >>> preview(labelled).sentences()
    ('best: 1 of 1 accounts (100.0%), worth 10 together',)
    """
    frame = labelled.lazy().pipe(_shown).collect()
    known = pl.col("worth").drop_nulls()
    summary = frame.group_by("outcome").agg(
        count=pl.len(),
        money=pl.when(known.len() > 0).then(known.sum()),
        median=known.median(),
    )
    rows = {row["outcome"]: row for row in summary.iter_rows(named=True)}
    return LabelPreview(
        counts={name: int(rows.get(name, {}).get("count", 0)) for name in OUTCOMES},
        money={name: rows.get(name, {}).get("money") for name in OUTCOMES},
        median={name: rows.get(name, {}).get("median") for name in OUTCOMES},
        examples=pl.concat([_examples(frame, name) for name in OUTCOMES]),
        reasons=_reasons(frame),
    )


def _shown(frame: pl.LazyFrame) -> pl.LazyFrame:
    there = frame.collect_schema()
    nothing = pl.lit(None, pl.String)
    return frame.select(
        "outcome",
        *(
            pl.col(name).cast(pl.String) if name in there else nothing.alias(name)
            for name in ("account_id", "account_name")
        ),
        "worth",
        pl.col("outcome_reason").alias("reason"),
    )


def _examples(frame: pl.DataFrame, outcome: str) -> pl.DataFrame:
    rows = frame.filter(pl.col("outcome") == outcome)
    falling = outcome != "regrettable"
    ordered = rows.sort(
        "worth", descending=falling, nulls_last=True, maintain_order=True
    )
    return ordered.head(_EXAMPLES)


def _reasons(frame: pl.DataFrame) -> pl.DataFrame:
    plain = pl.col("reason").str.replace_all(r"-?\d[\d,.]*", "…")
    return (
        frame.group_by("outcome", plain)
        .agg(accounts=pl.len().cast(pl.Int64))
        .sort("accounts", "outcome", "reason", descending=[True, False, False])
    )
