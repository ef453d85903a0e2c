"""Chances as whole numbers, what pursuing is worth, and a deal's terms.

A chance is log-odds in millinats, so that evidence adds up exactly. Money is expected
value: with p the chance of a best customer, pursuing is worth p V - (1 - p) L - C,
walking away 0. A deal's price and the cost of keeping the customer lower V.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from math import exp, log
from typing import TYPE_CHECKING, Final, Generic

import numpy as np
import polars as pl

from icp.outcomes.policy import Amount, break_even, pursue
from icp.qualify.signals import aged

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from numpy.typing import NDArray

    from icp.outcomes import Economics
    from icp.profile import Profile
    from icp.qualify.reasons import HeadToHead, Seen

    Flags = NDArray[np.bool_]
    Floats = NDArray[np.float64]


#: Log-odds are kept within this many millinats, probabilities of 6e-6 to 1 - 6e-6.
LIMIT: Final = 12_000
#: Probability by log-odds, from -LIMIT to LIMIT; the one table for every engine.
CHANCES: Final = tuple(1 / (1 + exp(-c / 1000)) for c in range(-LIMIT, LIMIT + 1))
#: Log-odds by fit step: step i stands for the probability (i + 1/2) / 1000.
LOG_ODDS: Final = tuple(
    round(1000 * log((step + 0.5) / (999.5 - step))) for step in range(1000)
)
_LEAST_SHARE: Final = 0.001
_HALF: Final = (0.5, 1.0, 1.5)


def probability(log_odds: int, /) -> float:
    """The probability of a chance in millinats.

    >>> probability(0), round(probability(1099), 3)
    (0.5, 0.75)
    """
    return CHANCES[max(-LIMIT, min(LIMIT, log_odds)) + LIMIT]


def evidence_of(seen: Seen, /, *, holds: bool) -> int:
    """What a signal adds to a chance, in millinats: the logarithm of its odds.

    At most 0 where the reason holds, at least 0 where it is known not to.
    """
    best = min(max(seen.best, _LEAST_SHARE), 1 - _LEAST_SHARE)
    bad = min(max(seen.regrettable, _LEAST_SHARE), 1 - _LEAST_SHARE)
    odds = best / bad if holds else (1 - best) / (1 - bad)
    return round(1000 * log(odds))


@dataclass(frozen=True, kw_only=True)
class Stakes(Generic[Amount]):
    """V, L and C after a deal's terms: of one account, or with V as a column."""

    value: Amount
    loss: float
    cost: float

    def pursue(self, chance: Amount, /) -> Amount:
        """Expected money of pursuing at that probability; walking away is worth 0."""
        return pursue(chance, self.value, self.loss, self.cost)

    @property
    def break_even(self) -> Amount:
        """Probability above which pursuing pays; 1 or more: never."""
        return break_even(self.value, self.loss, self.cost)


def incumbent_returns(
    stakes: Stakes[Floats], chance: Floats, plan: HeadToHead, near: Flags, /
) -> tuple[Floats, Floats]:
    """Expected money of going head-to-head, and of staying the second option.

    `near` says whose incumbent's contract is about to end.
    """
    won = pursue(chance, stakes.value, stakes.loss, 0.0)
    displace = np.minimum(1.0, plan.displace * np.where(near, 2, 1))
    return (
        displace * won - plan.cost * stakes.cost,
        plan.called_later * won - plan.presence * stakes.cost,
    )


@dataclass(frozen=True, kw_only=True)
class Sensitivity:
    """The same decision with V and L off by half."""

    value_factor: float
    loss_factor: float
    break_even: float
    pursue: float

    @property
    def pays(self) -> bool:
        """Whether pursuing still pays."""
        return self.pursue > 0


@dataclass(frozen=True, kw_only=True)
class Money:
    """What the decision is worth, with everything it was worked out from."""

    #: Chance of a best customer by the profile alone; None where it gives none.
    p_profile: float | None
    #: The same after what the deal taught.
    p: float | None
    #: The same once everything is cured that can be.
    p_cured: float | None
    stakes: Stakes[float]
    #: Expected money of pursuing as things are; None without a chance. Walking away is
    #: worth 0.
    pursue: float | None
    #: The same once everything is cured that can be: this is what decides.
    pursue_cured: float | None
    #: Spent already; shown, and of no influence.
    invested: float = 0.0
    #: V and L in steps of half.
    sensitivity: tuple[Sensitivity, ...] = ()

    @property
    def break_even(self) -> float:
        """Probability above which pursuing pays."""
        return self.stakes.break_even

    @property
    def steady(self) -> bool:
        """Whether the sign stays when V and L are off by half."""
        return len({case.pays for case in self.sensitivity}) == 1

    @property
    def most_to_spend(self) -> float | None:
        """Stop-loss: money from here on after which staying costs more than the deal.

        What was invested already does not count.
        """
        if self.pursue is None:
            return None
        return max(0.0, self.pursue + self.stakes.cost)


def sensitivity(p: float, stakes: Stakes[float], /) -> tuple[Sensitivity, ...]:
    """Pursuing at that probability, with V and L half, as they are, half as much more.

    Ordered by V, then by L.
    """
    cases = [
        (v, w, Stakes(value=v * stakes.value, loss=w * stakes.loss, cost=stakes.cost))
        for v in _HALF
        for w in _HALF
    ]
    return tuple(
        Sensitivity(
            value_factor=v,
            loss_factor=w,
            break_even=case.break_even,
            pursue=case.pursue(p),
        )
        for v, w, case in cases
    )


# ---- A deal's price and cost to keep, beside what is usual in the nearest best segment

#: Columns: discount (per cent or share), money to keep a customer, months to the end.
DISCOUNT: Final = "discount"
CARE: Final = "support_cost"
INCUMBENT: Final = "incumbent_contract_months"
_MOST_USUAL_DISCOUNT: Final = 0.99


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What is known about this deal's price and cost to keep; None is not known.

    Discounts are shares of the list price (0.12), costs money per customer; `usual_...`
    is that of the best customers of the nearest segment.
    """

    discount: float | None = None
    usual_discount: float | None = None
    cost_to_keep: float | None = None
    usual_cost_to_keep: float | None = None
    #: Months until the incumbent's contract ends.
    incumbent_months: float | None = None


@dataclass(frozen=True, kw_only=True)
class TermColumns:
    """The same for many deals, as columns; NaN is not known."""

    discount: Floats
    usual_discount: Floats
    cost_to_keep: Floats
    usual_cost_to_keep: Floats
    incumbent_months: Floats

    @classmethod
    def of(cls, terms: Sequence[Terms], /) -> TermColumns:
        """One row per deal."""
        return cls(
            **{
                field.name: _column(getattr(one, field.name) for one in terms)
                for field in fields(Terms)
            }
        )

    @classmethod
    def of_frame(cls, frame: pl.DataFrame, usual: UsualTerms, /) -> TermColumns:
        """One row per account of a scored frame; as `terms_of`."""
        names = frame["nearest_best"].fill_null("").to_list()
        segments = [usual.of(name) for name in names]
        return cls(
            discount=_numbers(frame, DISCOUNT) / usual.scale,
            usual_discount=_column(segment.discount for segment in segments),
            cost_to_keep=_numbers(frame, CARE),
            usual_cost_to_keep=_column(segment.care for segment in segments),
            incumbent_months=_numbers(frame, INCUMBENT),
        )

    def take(self, rows: NDArray[np.int64], /) -> TermColumns:
        """Those rows."""
        return TermColumns(
            **{field.name: getattr(self, field.name)[rows] for field in fields(self)}
        )

    @property
    def usual_price(self) -> Flags:
        """Whether the discount expected is known to be no more than usual."""
        return self.discount <= self.usual_discount

    @property
    def usual_keeping(self) -> Flags:
        """Whether keeping them is known to cost no more than usual."""
        return self.cost_to_keep <= self.usual_cost_to_keep

    @property
    def price_share(self) -> Floats:
        """Share of the usual price that is left after the discount expected."""
        usual = 1 - np.minimum(self.usual_discount, _MOST_USUAL_DISCOUNT)
        share = np.minimum(1.0, np.maximum(0.0, 1 - self.discount) / usual)
        return np.where(np.isnan(share), 1.0, share)

    @property
    def extra_cost(self) -> Floats:
        """Money that keeping them costs beyond what is usual."""
        extra = np.maximum(0.0, self.cost_to_keep - self.usual_cost_to_keep)
        return np.where(np.isnan(extra), 0.0, extra)

    def stakes(self, economics: Economics, /) -> Stakes[Floats]:
        """V, L and C after these terms."""
        value = np.maximum(0.0, economics.V * self.price_share - self.extra_cost)
        return Stakes(value=value, loss=economics.L, cost=economics.C)

    def near_end(self, months: int, /) -> Flags:
        """Whether the incumbent's contract is known to end within so many months."""
        return self.incumbent_months <= months


def _column(values: Iterable[float | None]) -> Floats:
    return np.array(
        [np.nan if value is None else value for value in values], dtype=float
    )


def _numbers(frame: pl.DataFrame, column: str) -> Floats:
    dtype = frame.schema.get(column, pl.Null())
    if not dtype.is_numeric():
        return np.full(frame.height, np.nan)
    return frame[column].cast(pl.Float64).fill_null(np.nan).to_numpy()


@dataclass(frozen=True, kw_only=True)
class Usual:
    """Medians among the best customers nearest to one segment; None is not known."""

    #: Share of the list price.
    discount: float | None = None
    #: Money.
    care: float | None = None


_NOT_KNOWN: Final = Usual()


@dataclass(frozen=True, kw_only=True)
class UsualTerms:
    """What is usual, by segment, and how discounts are written."""

    segments: Mapping[str, Usual]
    #: 100 where discounts are written in per cent, 1 where as shares.
    scale: float = 100.0

    @classmethod
    def unknown(cls) -> UsualTerms:
        """Nothing is known about what is usual."""
        return cls(segments={})

    def of(self, segment: str | None, /) -> Usual:
        """What is usual in a segment."""
        return self.segments.get(segment or "", _NOT_KNOWN)


def usual(labelled: pl.DataFrame | pl.LazyFrame, profile: Profile, /) -> UsualTerms:
    """The medians of discount and cost to keep among best customers, by segment.

    A column that is missing, or holds no numbers, leaves its medians unknown.
    """
    from icp.scoring import score

    best = labelled.lazy().filter(pl.col("outcome") == "best").collect()
    types = best.schema
    terms = [c for c in (DISCOUNT, CARE) if c in types and types[c].is_numeric()]
    if not terms or best.is_empty():
        return UsualTerms.unknown()
    columns = [c for c in {*terms, *profile.columns} if c in types]
    amounts = best.select(columns).with_columns(
        pl.col(c).cast(pl.Float64).fill_nan(None) for c in terms
    )
    scored = score(amounts, profile)
    most = scored[DISCOUNT].max() if DISCOUNT in terms else None
    scale = 100.0 if isinstance(most, int | float) and most > 1 else 1.0
    medians = scored.group_by("nearest_best").agg(pl.col(c).median() for c in terms)
    return UsualTerms(
        segments={
            row["nearest_best"] or "": Usual(
                discount=_share(row.get(DISCOUNT), scale), care=row.get(CARE)
            )
            for row in medians.iter_rows(named=True)
        },
        scale=scale,
    )


def terms_of(
    row: Mapping[str, object],
    segment: str | None,
    usual_terms: UsualTerms,
    /,
    *,
    on: date | None = None,
) -> Terms:
    """The terms of one account whose nearest best segment is `segment`.

    With `on`, the day the columns were exported, the months until the incumbent's
    contract ends may follow from its date.
    """
    row, common = aged(row, on) if on else row, usual_terms.of(segment)
    return Terms(
        discount=_share(_number(row.get(DISCOUNT)), usual_terms.scale),
        usual_discount=common.discount,
        cost_to_keep=_number(row.get(CARE)),
        usual_cost_to_keep=common.care,
        incumbent_months=_number(row.get(INCUMBENT)),
    )


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    return float(value) if value == value else None


def _share(value: float | None, scale: float) -> float | None:
    return None if value is None else value / scale
