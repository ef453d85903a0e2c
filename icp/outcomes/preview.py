"""What a policy does before it is used: counts, money, examples, moved thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, get_args

import polars as pl

from icp.outcomes.label import label
from icp.outcomes.policy import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from icp.outcomes.policy import OutcomePolicy

__all__ = ["OUTCOMES", "LabelPreview", "preview", "sensitivity"]

#: The outcomes in the order in which they are shown.
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)

_EXAMPLES = 5
_LISTED = 20
_SHIFTS = (-0.5, -0.25, -0.1, 0.1, 0.25, 0.5)


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


def sensitivity(
    accounts: pl.DataFrame | pl.LazyFrame,
    policy: OutcomePolicy,
    /,
    *,
    as_of: date | None = None,
    shifts: tuple[float, ...] = _SHIFTS,
) -> pl.DataFrame:
    """What changes when one threshold moves by each of `shifts` (0.1 is 10 % more).

    One row per threshold and moved value: `threshold`, `value`, one count per outcome,
    `flipped` (accounts whose outcome changes), `flips` (List[String]: up to 20 of them,
    "account: old to new"). The first row is the policy as it is, its threshold empty.
    Thresholds are those of worth and the months to maturity; none gives one row.
    """
    frame = accounts.lazy().collect()
    now = _outcomes(frame, policy, as_of)
    rows = [_row("", None, now, now, frame)]
    for name, value, moved in _moved(policy, frame, shifts, as_of):
        rows.append(_row(name, value, now, _outcomes(frame, moved, as_of), frame))
    return pl.DataFrame(rows, schema_overrides={"value": pl.Float64})


def _outcomes(
    frame: pl.DataFrame, policy: OutcomePolicy, as_of: date | None
) -> pl.Series:
    return label(frame, policy, as_of=as_of)["outcome"]


def _moved(
    policy: OutcomePolicy,
    frame: pl.DataFrame,
    shifts: tuple[float, ...],
    as_of: date | None,
) -> Iterator[tuple[str, float, OutcomePolicy]]:
    cuts = policy.thresholds
    for name in ("best_top", "best_from", "regrettable_below", "regrettable_bottom"):
        value = getattr(cuts, name)
        if value is None:
            continue
        step = _spread(frame, policy, as_of) if value == 0 else abs(value)
        for shift in shifts:
            moved = value + shift * step
            if name in {"best_from", "regrettable_below"} or 0 < moved < 1:
                changed = cuts.model_copy(update={name: moved})
                yield name, moved, policy.model_copy(update={"thresholds": changed})
    if policy.maturity:
        for months in _other_months(policy.maturity.months, shifts):
            changed_age = policy.maturity.model_copy(update={"months": months})
            moved_policy = policy.model_copy(update={"maturity": changed_age})
            yield "maturity_months", float(months), moved_policy


def _other_months(months: int, shifts: tuple[float, ...]) -> list[int]:
    moved = {max(0, round(months * (1 + shift))) for shift in shifts}
    return sorted(moved - {months})


def _spread(frame: pl.DataFrame, policy: OutcomePolicy, as_of: date | None) -> float:
    worth = label(frame, policy, as_of=as_of)["worth"].abs()
    middle: Any = worth.median()
    return float(middle or 1.0)


def _row(
    name: str,
    value: float | None,
    old: pl.Series,
    new: pl.Series,
    frame: pl.DataFrame,
) -> dict[str, object]:
    counts = dict(new.value_counts().iter_rows())
    changed = (old != new).arg_true()
    ids = (
        frame["account_id"].cast(pl.String)
        if "account_id" in frame.columns
        else pl.Series(range(1, len(frame) + 1)).cast(pl.String)
    )
    listed = [f"{ids[i]}: {old[i]} to {new[i]}" for i in changed[:_LISTED]]
    return {
        "threshold": name,
        "value": value,
        **{outcome: counts.get(outcome, 0) for outcome in OUTCOMES},
        "flipped": len(changed),
        "flips": listed,
    }
