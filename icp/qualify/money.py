"""Chances as whole numbers, and what pursuing is worth.

A chance is log-odds in millinats, so that evidence adds up exactly and a list and a
single account cannot differ. Money is expected value: with p the chance of a best
customer, pursuing is worth p V - (1 - p) L - C, walking away 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from math import exp, log
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from icp.outcomes import Economics
    from icp.profile import Profile
    from icp.qualify.reasons import HeadToHead, Seen


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
class Terms:
    """What is known about this deal's price and care; None is not known.

    Discounts are shares of the list price (0.12), costs money per customer; `usual_...`
    is that of the best customers of the nearest segment.
    """

    discount: float | None = None
    usual_discount: float | None = None
    cost_to_keep: float | None = None
    usual_cost_to_keep: float | None = None
    #: Months until the incumbent's contract ends.
    incumbent_months: float | None = None

    @property
    def margin_holds(self) -> bool:
        """Whether the discount expected is known to be no more than usual."""
        if self.discount is None or self.usual_discount is None:
            return False
        return self.discount <= self.usual_discount

    @property
    def keeping_holds(self) -> bool:
        """Whether keeping them is known to cost no more than usual."""
        if self.cost_to_keep is None or self.usual_cost_to_keep is None:
            return False
        return self.cost_to_keep <= self.usual_cost_to_keep

    @property
    def kept_share(self) -> float:
        """Share of the usual price that is left after the discount expected."""
        if self.discount is None or self.usual_discount is None:
            return 1.0
        usual = 1 - min(self.usual_discount, 0.99)
        return min(1.0, max(0.0, 1 - self.discount) / usual)

    @property
    def extra_care(self) -> float:
        """Money that keeping them costs beyond what is usual."""
        if self.cost_to_keep is None or self.usual_cost_to_keep is None:
            return 0.0
        return max(0.0, self.cost_to_keep - self.usual_cost_to_keep)


@dataclass(frozen=True, kw_only=True)
class Stakes:
    """V, L and C for one account: a best customer's value after its terms."""

    value: float
    loss: float
    cost: float

    def pursue(self, chance: float, /) -> float:
        """Expected money of pursuing at that probability; walking away is worth 0."""
        return chance * self.value - (1 - chance) * self.loss - self.cost

    @property
    def break_even(self) -> float:
        """Probability above which pursuing pays; 1 or more: never."""
        total = self.value + self.loss
        return (self.loss + self.cost) / total if total > 0 else 1.0

    def head_to_head(self, chance: float, plan: HeadToHead, /, *, near: bool) -> float:
        """Expected money of going against the incumbent, `near` its contract's end."""
        displace = min(1.0, plan.displace * (2 if near else 1))
        won = chance * self.value - (1 - chance) * self.loss
        return displace * won - plan.cost * self.cost

    def stay_present(self, chance: float, plan: HeadToHead, /) -> float:
        """Expected money of staying the second option."""
        won = chance * self.value - (1 - chance) * self.loss
        return plan.called_later * won - plan.presence * self.cost


def stakes_of(economics: Economics, terms: Terms | None = None, /) -> Stakes:
    """The stakes of one account."""
    known = terms or Terms()
    value = max(0.0, economics.V * known.kept_share - known.extra_care)
    return Stakes(value=value, loss=economics.L, cost=economics.C)


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
    stakes: Stakes
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


def money_of(
    stakes: Stakes,
    /,
    *,
    p_profile: float | None,
    p: float | None,
    p_cured: float | None,
    invested: float = 0.0,
) -> Money:
    """The money behind a decision."""
    return Money(
        p_profile=p_profile,
        p=p,
        p_cured=p_cured,
        stakes=stakes,
        pursue=None if p is None else stakes.pursue(p),
        pursue_cured=None if p_cured is None else stakes.pursue(p_cured),
        invested=invested,
        sensitivity=() if p_cured is None else _sensitivity(p_cured, stakes),
    )


def _sensitivity(p: float, stakes: Stakes) -> tuple[Sensitivity, ...]:
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


# ---- What a deal's price and care are, and what is usual in the nearest best segment

#: Columns: discount (per cent or share), money to keep a customer, months to the end.
DISCOUNT: Final = "discount"
CARE: Final = "support_cost"
INCUMBENT: Final = "incumbent_contract_months"


@dataclass(frozen=True, kw_only=True)
class Usual:
    """Medians among the best customers nearest to one segment; None is not known."""

    #: Share of the list price.
    discount: float | None = None
    #: Money.
    care: float | None = None


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
        return self.segments.get(segment or "", Usual())


def usual(labelled: pl.DataFrame | pl.LazyFrame, profile: Profile, /) -> UsualTerms:
    """The medians of discount and care among best customers, by nearest segment.

    Columns that are not there, or are no numbers, leave them unknown.
    """
    from icp.scoring import score

    best = labelled.lazy().filter(pl.col("outcome") == "best").collect()
    types = best.schema
    there = [c for c in (DISCOUNT, CARE) if c in types and types[c].is_numeric()]
    if not there or best.is_empty():
        return UsualTerms.unknown()
    needed = [c for c in {*there, *profile.columns} if c in types]
    amounts = best.select(needed).with_columns(
        pl.col(c).cast(pl.Float64).fill_nan(None) for c in there
    )
    scored = score(amounts, profile)
    most = scored[DISCOUNT].max() if DISCOUNT in there else None
    scale = 100.0 if isinstance(most, int | float) and most > 1 else 1.0
    medians = scored.group_by("nearest_best").agg(pl.col(c).median() for c in there)
    return UsualTerms(
        segments={
            row["nearest_best"] or "": Usual(
                discount=_over(row.get(DISCOUNT), scale), care=row.get(CARE)
            )
            for row in medians.iter_rows(named=True)
        },
        scale=scale,
    )


def terms_of(
    row: Mapping[str, object], segment: str | None, known: UsualTerms, /
) -> Terms:
    """The terms of one account whose nearest best segment is `segment`."""
    common = known.of(segment)
    return Terms(
        discount=_over(_number(row.get(DISCOUNT)), known.scale),
        usual_discount=common.discount,
        cost_to_keep=_number(row.get(CARE)),
        usual_cost_to_keep=common.care,
        incumbent_months=_number(row.get(INCUMBENT)),
    )


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    return float(value) if value == value else None


def _over(value: float | None, scale: float) -> float | None:
    return None if value is None else value / scale
