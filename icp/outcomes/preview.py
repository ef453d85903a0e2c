"""What a policy gives before it is used, and what changes when a threshold moves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, get_args

import polars as pl

from icp.outcomes.label import label
from icp.outcomes.policy import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from icp.outcomes.policy import OutcomePolicy

#: The outcomes in the order in which they are shown.
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)
_EXAMPLES = 5
_MOST_FLIPS = 20
_SHIFTS = (-0.5, -0.25, -0.1, 0.1, 0.25, 0.5)
_AMOUNTS: Final = {"best_from", "regrettable_below"}
#: A column compared with a number, as in "worth >= 8000".
_COMPARED = re.compile(
    r"\b([A-Za-z_]\w*)(\s*(?:<=|>=|<|>)\s*)(-?\d+(?:\.\d+)?)(?![\w.])"
)
_Variant = tuple[str, float, "OutcomePolicy"]


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
    worth = pl.col("worth").drop_nulls()
    summary = frame.group_by("outcome").agg(
        count=pl.len(),
        money=pl.when(worth.len() > 0).then(worth.sum()),
        median=worth.median(),
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
    columns = frame.collect_schema()
    nothing = pl.lit(None, pl.String)
    return frame.select(
        "outcome",
        *(
            pl.col(name).cast(pl.String) if name in columns else nothing.alias(name)
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

    Thresholds are those on worth, numbers that rules compare a column with, and the
    months to maturity; a threshold of 0 moves by that share of the median amount.
    One row per threshold and moved value: `threshold`, `value`, one count per outcome,
    `flipped` (accounts whose outcome changes), `flips` (List[String]: up to 20 of them,
    "account: old to new"). The first row is the policy as it is, its threshold empty.

    >>> from icp.outcomes.policy import OutcomePolicy, Rule
    >>> rule = Rule(outcome="best", when="paid >= 10", reason="pays")
    >>> accounts = pl.DataFrame({"account_id": ["a", "b"], "paid": [12.0, 20.0]})
    >>> moved = sensitivity(accounts, OutcomePolicy(rules=(rule,)), shifts=(0.5,))
    >>> moved.select("threshold", "value", "best").rows()
    [('', None, 2), ('paid >= 10', 15.0, 1)]
    >>> moved["flips"][1].to_list()
    ['a: best to neutral']
    """
    frame = accounts.lazy().collect()
    labelled = label(frame, policy, as_of=as_of)
    now = labelled["outcome"]
    rows = [_row("", None, now, now, labelled)]
    variants = (
        *_amounts_and_shares(policy, labelled, shifts),
        *_compared_numbers(policy, labelled, shifts),
        *_months(policy, shifts),
    )
    for name, value, variant in variants:
        then = label(frame, variant, as_of=as_of)["outcome"]
        rows.append(_row(name, value, now, then, labelled))
    return pl.DataFrame(rows, schema_overrides={"value": pl.Float64})


def _amounts_and_shares(
    policy: OutcomePolicy, labelled: pl.DataFrame, shifts: tuple[float, ...]
) -> Iterator[_Variant]:
    cuts = policy.thresholds
    for name in ("best_top", "best_from", "regrettable_below", "regrettable_bottom"):
        value = getattr(cuts, name)
        if value is None:
            continue
        step = abs(value) or _usual(labelled["worth"])
        for amount in (value + shift * step for shift in shifts):
            if name in _AMOUNTS or 0 < amount < 1:
                cuts_after = cuts.model_copy(update={name: amount})
                yield name, amount, policy.model_copy(update={"thresholds": cuts_after})


def _compared_numbers(
    policy: OutcomePolicy, labelled: pl.DataFrame, shifts: tuple[float, ...]
) -> Iterator[_Variant]:
    for position, rule in enumerate(policy.rules):
        for match in _COMPARED.finditer(rule.when):
            column, value = match[1], float(match[3])
            if column not in labelled.columns:
                continue
            step = abs(value) or _usual(labelled[column])
            for number in (value + shift * step for shift in shifts):
                start, end = match.span(3)
                text = f"{rule.when[:start]}{number:.10g}{rule.when[end:]}"
                rules = list(policy.rules)
                rules[position] = rule.model_copy(update={"when": text})
                yield match[0], number, policy.model_copy(update={"rules": rules})


def _months(policy: OutcomePolicy, shifts: tuple[float, ...]) -> Iterator[_Variant]:
    if policy.maturity is None:
        return
    now = policy.maturity.months
    for months in sorted(
        {max(0, round(now * (1 + shift))) for shift in shifts} - {now}
    ):
        maturity = policy.maturity.model_copy(update={"months": months})
        policy_after = policy.model_copy(update={"maturity": maturity})
        yield "maturity_months", float(months), policy_after


def _usual(amounts: pl.Series) -> float:
    """The median size of the amounts; 1 where there is none."""
    if not amounts.dtype.is_numeric():
        return 1.0
    middle = amounts.cast(pl.Float64).abs().median()
    return float(middle) if isinstance(middle, float) and middle > 0 else 1.0


def _row(
    name: str,
    value: float | None,
    old: pl.Series,
    new: pl.Series,
    labelled: pl.DataFrame,
) -> dict[str, object]:
    counts = dict(new.value_counts().iter_rows())
    changed = (old != new).arg_true()
    flips = [
        f"{_account(labelled, row)}: {old[row]} to {new[row]}"
        for row in changed[:_MOST_FLIPS]
    ]
    return {
        "threshold": name,
        "value": value,
        **{outcome: counts.get(outcome, 0) for outcome in OUTCOMES},
        "flipped": len(changed),
        "flips": flips,
    }


def _account(labelled: pl.DataFrame, row: int) -> str:
    if "account_id" in labelled.columns:
        return str(labelled["account_id"][row])
    return f"row {row + 1}"
