"""What "best" and "regrettable" mean, as written in `icp.toml`, and the money at stake.

The first of these that applies to an account decides:

1. a manual override;
2. an early regret (a rule with `early`, or a regrettable value of the label column);
3. the maturity window: too young is `unknown`;
4. the label column; 5. the rules in order; 6. the worth thresholds;
7. `otherwise`, if anything is known about the account at all, else `unknown`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from math import isfinite
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeVar

import polars as pl
from pydantic import Field, model_validator

from icp.documents import Frozen
from icp.errors import PolicyError
from icp.expressions import columns_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

#: One account's amount, or a column of them.
Amount = TypeVar("Amount", float, "NDArray[np.float64]")

Outcome = Literal["best", "regrettable", "neutral", "unknown"]
_Share = Annotated[float, Field(gt=0, lt=1)]


class Cost(Frozen):
    """What an account costs to keep, in money; a null amount costs nothing."""

    #: What people call it: support, discounts, refunds, late payment.
    name: str = Field(min_length=1)
    #: SQL expression over the account's columns.
    amount: str


class Worth(Frozen):
    """Worth of an account in money: value less costs; a null value is not known."""

    #: SQL expression over the account's columns.
    value: str
    costs: tuple[Cost, ...] = ()


class LabelColumn(Frozen):
    """A column that already says how an account turned out."""

    column: str
    #: Outcome per value, as text ("true" and "false" for yes/no columns).
    values: dict[str, Outcome] = Field(min_length=1)
    #: Reason in words, with {column} placeholders; empty means "column is value".
    reason: str = ""
    #: Whether a regrettable value counts for young customers too.
    early: bool = True


class Rule(Frozen):
    """A condition that decides an outcome, with the reason in words."""

    outcome: Outcome
    #: SQL condition over the account's columns and `worth`; null means no.
    when: str
    #: Words, with {column} placeholders filled in per account.
    reason: str = Field(min_length=1)
    #: Whether it counts for customers too young to judge otherwise.
    early: bool = False


class Thresholds(Frozen):
    """Outcomes by worth; the regrettable ones are taken first.

    A share is of the mature customers whose worth is known, rounded down, at least one;
    customers of equal worth get the same outcome.
    """

    #: Share of the customers, by worth, that is best.
    best_top: _Share | None = None
    #: Worth from which a customer is best, in money.
    best_from: float | None = None
    #: Worth below which a customer is regrettable, in money.
    regrettable_below: float | None = None
    #: Share of the customers, by worth, that is regrettable.
    regrettable_bottom: _Share | None = None


class Maturity(Frozen):
    """How long a customer must have been one before the outcome counts.

    A customer without a start date is judged like a mature one.
    """

    #: Date column: when the customer became one.
    start: str
    months: int = Field(default=12, ge=0, le=240)


class Override(Frozen):
    """A person's decision on one account; the latest one counts."""

    account_id: str = Field(min_length=1)
    outcome: Outcome
    reason: str = Field(min_length=1)
    author: str = Field(min_length=1)
    at: date


class OutcomePolicy(Frozen):
    """How an account's outcome follows from its columns.

    >>> OutcomePolicy(worth=Worth(value="revenue")).says_nothing
    True
    >>> policy = OutcomePolicy(label=LabelColumn(column="s", values={"Won": "best"}))
    >>> policy.describe()
    ("s 'Won' is best",)
    """

    worth: Worth | None = None
    label: LabelColumn | None = None
    rules: tuple[Rule, ...] = ()
    thresholds: Thresholds = Thresholds()
    maturity: Maturity | None = None
    overrides: tuple[Override, ...] = ()
    #: For customers that nothing else decides but about whom something is known.
    otherwise: Outcome = "neutral"
    #: Why, where `otherwise` decides.
    otherwise_reason: str = "neither clearly best nor regrettable"
    #: Currency of all money, for instance "EUR"; only shown.
    currency: str = ""
    #: Day on which maturity is judged; null means today.
    as_of: date | None = None
    #: Why the policy is as it is, in words; set where it was proposed.
    notes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _has_worth(self) -> Self:
        if self.worth is None and self.by_worth:
            raise ValueError("thresholds on worth need [outcome.worth] with a value")
        return self

    @property
    def by_worth(self) -> bool:
        """Whether any threshold on worth is set."""
        return self.thresholds != Thresholds()

    @property
    def says_nothing(self) -> bool:
        """Whether no account can become best or regrettable."""
        return not (self.label or self.rules or self.by_worth or self.overrides)

    def describe(self) -> tuple[str, ...]:
        """The policy in plain sentences, in the order in which it decides."""
        return (
            *self._about_people_and_age(),
            *self._about_columns(),
            *self._about_worth(),
        )

    def _about_people_and_age(self) -> list[str]:
        sentences = []
        if self.overrides:
            sentences.append(f"{len(self.overrides)} decided by hand")
        if self.maturity:
            months, start = self.maturity.months, self.maturity.start
            sentences.append(
                f"unknown before {months} months from {start}, except for early regret"
            )
        return sentences

    def _about_columns(self) -> list[str]:
        sentences = [f"{rule.outcome} when {rule.when}" for rule in self.rules]
        if self.label:
            column = self.label.column
            values = self.label.values.items()
            sentences = [*(f"{column} {v!r} is {o}" for v, o in values), *sentences]
        return sentences

    def _about_worth(self) -> list[str]:
        sentences, cuts = [], self.thresholds
        if self.worth:
            costs = "".join(f" less {cost.name}" for cost in self.worth.costs)
            sentences.append(f"worth is {self.worth.value}{costs}")
        if cuts.regrettable_below is not None:
            sentences.append(
                f"regrettable when worth is below {cuts.regrettable_below:,.0f}"
            )
        if cuts.regrettable_bottom is not None:
            sentences.append(
                f"the {cuts.regrettable_bottom:.0%} worth least are regrettable"
            )
        if cuts.best_from is not None:
            sentences.append(f"best from a worth of {cuts.best_from:,.0f}")
        if cuts.best_top is not None:
            sentences.append(f"the {cuts.best_top:.0%} worth most are best")
        return sentences


def pursue(p: Amount, value: Amount, loss: float, cost: float, /) -> Amount:
    """Expected money of pursuing at probability p of best; walking away is worth 0.

    >>> pursue(0.5, 9_000.0, 1_000.0, 500.0)
    3500.0
    """
    return p * value - (1 - p) * loss - cost


def break_even(value: Amount, loss: float, cost: float, /) -> Amount:
    """The probability p* above which pursuing pays; 1 or more means never.

    `pursue` is 0 at p* = (L + C) / (V + L). Where nothing is at stake it is 1.

    >>> break_even(9_000.0, 1_000.0, 500.0), break_even(0.0, 0.0, 500.0)
    (0.15, 1.0)
    """
    stake = value + loss
    nothing = stake <= 0
    # Plain arithmetic, so that amounts and columns of them share the formula.
    return (loss + cost * (1 - nothing) + nothing) / (stake + nothing)


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
        return break_even(self.V, self.L, self.C)

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
        """Take from the data any amount that is left out.

        `value` is the median worth of the best. `loss` is the median loss of those
        regrettable customers that lost money, 0 where none did. Null worths do not
        count. Raises PolicyError where no best customer's worth is known.
        """
        frame, outcome = labelled.lazy(), pl.col("outcome")
        has_worth = "worth" in frame.collect_schema()
        amount = pl.col("worth") if has_worth else pl.lit(None)
        worth = amount.cast(pl.Float64).fill_nan(None)
        is_regrettable = outcome == "regrettable"
        row = (
            frame.select(
                best=worth.filter(outcome == "best").median(),
                lost=(-worth).filter(is_regrettable & (worth < 0)).median(),
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


def columns_read(policy: OutcomePolicy, /) -> frozenset[str]:
    """The columns from which the policy tells best from regrettable.

    Those of the label column, of worth and its costs, and of every rule: learning from
    them would be circular. The date that maturity counts from is not one of them: it
    says whether, not how, to judge. PolicyError where an expression cannot be read.

    >>> from icp.outcomes.policy import OutcomePolicy, Rule, Worth
    >>> lost = Rule(outcome="regrettable", when="worth < 0 OR left_us", reason="left")
    >>> policy = OutcomePolicy(worth=Worth(value="12 * monthly_fee"), rules=(lost,))
    >>> sorted(columns_read(policy))
    ['left_us', 'monthly_fee']
    >>> columns_read(OutcomePolicy(worth=Worth(value="fee *")))
    Traceback (most recent call last):
    ...
    icp.errors.PolicyError: worth: cannot use "fee *": ...
    """
    read = set().union(
        *(columns_in(text, subject=subject) for subject, text in _texts(policy))
    )
    label = {policy.label.column} if policy.label else set()
    return frozenset((read - {"worth"}) | label)


def _texts(policy: OutcomePolicy) -> Iterator[tuple[str, str]]:
    if policy.worth:
        yield "worth", policy.worth.value
        yield from ((f"cost {cost.name!r}", cost.amount) for cost in policy.worth.costs)
    for rule in policy.rules:
        yield f"rule {rule.reason!r}", rule.when
