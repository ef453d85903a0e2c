"""What speaks for a rule and against it, in counts, bounds and money."""

from __future__ import annotations

from datetime import date  # noqa: TC003  # pydantic reads it
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from icp.errors import some
from icp.provenance import Count, Frozen

__all__ = ["Evidence"]

_SURE: Final = 0.05
_LISTED: Final = 3

_Share = Annotated[float, Field(ge=0, le=1)]


class Evidence(Frozen):
    """What is known about a rule at one moment.

    Counts are of best and regrettable customers. `low` and `high` bound the share of
    regrettable customers among those that the rule covers; each holds with 95 %, and
    they come only from customers that took no part in finding the rule.
    """

    #: The day up to which was looked.
    on: date | None = None
    source: Literal["search", "shadow", "outcomes"] = "search"
    #: Customers looked at, and how many of them were regrettable.
    customers: Count
    all_regrettable: Count
    #: Customers covered, how many of them were regrettable, and neutral ones besides.
    covered: Count
    regrettable: Count
    neutral: Count = 0
    #: Ids (or names) of best customers that the rule would have cost; the first 50.
    best_lost: tuple[str, ...] = ()
    #: Chance of a rule this telling anywhere in the search if nothing were behind it.
    p_value: _Share
    #: Rules that were tried in that search.
    searched: Count = 0
    #: Customers that took no part in finding the rule: covered, regrettable of them.
    later_covered: Count = 0
    later_regrettable: Count = 0
    #: Chance of the later count if the rule said nothing (Holm over the rules tested).
    later_p_value: _Share = 1.0
    low: _Share = 0.0
    high: _Share = 1.0
    #: Like `low`, among the customers that no stronger rule of its search covers.
    low_beside: _Share = 1.0
    #: Share of regrettable customers above which leaving pays: 1 - p*.
    break_even: _Share
    #: Money: losses and effort avoided on the regrettable, value lost with the best.
    spared: float = 0.0
    cost: float = 0.0
    #: Id of the profile whose cells were searched.
    profile: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        pairs = (
            (self.regrettable, self.covered),
            (self.covered, self.customers),
            (self.regrettable, self.all_regrettable),
            (self.later_regrettable, self.later_covered),
            (self.later_covered, self.covered),
            (self.low, self.high),
        )
        if any(part > whole for part, whole in pairs):
            raise ValueError("evidence counts more than there is")
        return self

    @property
    def best(self) -> int:
        """Best customers that the rule would have cost."""
        return self.covered - self.regrettable

    @property
    def precision(self) -> float:
        """Share of regrettable customers among those covered; NaN where none is."""
        return self.regrettable / self.covered if self.covered else float("nan")

    @property
    def weighted_accuracy(self) -> float:
        """WRAcc: share covered times precision above the share of all regrettable."""
        if not self.customers:
            return 0.0
        due = self.covered * self.all_regrettable / self.customers
        return (self.regrettable - due) / self.customers

    @property
    def found(self) -> bool:
        """Whether chance would not have found a rule like this."""
        return self.p_value <= _SURE

    @property
    def confirmed(self) -> bool:
        """Whether customers that were not searched say the same."""
        return self.later_p_value <= _SURE

    @property
    def pays(self) -> bool:
        """Whether leaving pays even at the lower bound."""
        return self.low > self.break_even

    @property
    def adds(self) -> bool:
        """Whether leaving pays for the customers that stronger rules leave to it."""
        return self.low_beside > self.break_even

    @property
    def strong(self) -> bool:
        """Found beyond chance, confirmed on customers not searched, and worth it."""
        return self.found and self.confirmed and self.pays and self.adds

    @property
    def doubts(self) -> tuple[str, ...]:
        """Why it is not strong, in words; empty where it is."""
        doubts = {
            f"a rule like this turns up by chance in {self.p_value:.0%} of searches": (
                self.found
            ),
            f"customers that were not searched do not confirm it ({self._later})": (
                self.confirmed
            ),
            f"at least {self.low:.0%} regrettable is sure, leaving pays from "
            f"{self.break_even:.0%}": self.pays,
            f"of what it adds to stronger rules at least {self.low_beside:.0%} "
            f"regrettable is sure, leaving pays from {self.break_even:.0%}": (
                self.adds or not self.pays
            ),
        }
        return tuple(text for text, fine in doubts.items() if not fine)

    @property
    def _later(self) -> str:
        return f"{self.later_regrettable} of {self.later_covered} regrettable"

    def same_as(self, other: Evidence, /) -> bool:
        """Whether it says the same, whenever it was looked at."""
        return self == other.model_copy(update={"on": self.on})

    def sentence(self) -> str:
        """What the rule would have done, for instance "would have spared you ...".

        >>> found = Evidence(
        ...     customers=40, all_regrettable=14, covered=12, regrettable=11,
        ...     best_lost=("ACME",), p_value=0.01, break_even=0.5,
        ... )
        >>> found.sentence()
        'would have spared you 11 of 14 regrets, would have cost you 1 best (ACME)'
        """
        spared = f"would have spared you {self.regrettable:,} of "
        spared += some(self.all_regrettable, "regret")
        names = ", ".join(self.best_lost[:_LISTED])
        if self.best > _LISTED and names:
            names += ", ..."
        named = f" ({names})" if names else ""
        return f"{spared}, would have cost you {self.best or 'no'} best{named}"
