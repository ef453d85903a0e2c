"""Disqualifiers: conditions with evidence, a state and an exit; values that move.

```
        +-> shadow --+
proposed             +-> active <-> probation     any of these -> retired
        +------------+                            retired -> proposed (once more)
policy ------------------------------------------> retired
```

`active` and `policy` rules decide; `shadow` and `probation` rules are only watched. A
person makes every move but three: a search may propose (again), and the machine may
put an active rule on probation and retire one from there. A policy rule is written by
a person, is never learnt, never traded against money and never moved by the machine.
"""

from __future__ import annotations

import hashlib
from datetime import date
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self, get_args

import polars as pl
from pydantic import Field, ValidationError, model_validator

from icp.conditions import ConditionText, parse
from icp.documents import Count, Frozen, fault
from icp.errors import RuleError
from icp.words import amount, capital, percent, percent_range, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from icp.conditions import Condition


# ---- What speaks for a rule and against it, in counts, bounds and money

_SURE: Final = 0.05
_EXAMPLES: Final = 3

_Share = Annotated[float, Field(ge=0, le=1)]


class RuleEvidence(Frozen):
    """What is known about a rule at one moment.

    Counts are of best and regrettable customers. `low` and `high` bound the share of
    regrettable customers among those that the rule covers; each holds with 95%, and
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
            "a rule like this turns up by chance in "
            f"{percent(self.p_value)} of searches": self.found,
            f"customers that were not searched do not confirm it ({self._later})": (
                self.confirmed
            ),
            f"at least {percent(self.low)} regrettable is sure, leaving pays from "
            f"{percent(self.break_even)}": self.pays,
            f"of what it adds to stronger rules at least {percent(self.low_beside)} "
            f"regrettable is sure, leaving pays from {percent(self.break_even)}": (
                self.adds or not self.pays
            ),
        }
        return tuple(text for text, fine in doubts.items() if not fine)

    @property
    def _later(self) -> str:
        return f"{self.later_regrettable} of {self.later_covered} regrettable"

    def same_as(self, other: RuleEvidence, /) -> bool:
        """Whether it says the same, whenever it was looked at."""
        return self == other.model_copy(update={"on": self.on})

    def sentence(self) -> str:
        """What the rule would have done, for instance "would have spared you ...".

        >>> found = RuleEvidence(
        ...     customers=40, all_regrettable=14, covered=12, regrettable=11,
        ...     best_lost=("ACME",), p_value=0.01, break_even=0.5,
        ... )
        >>> found.sentence()
        'would have spared you 11 of 14 regrets, would have cost you 1 best (ACME)'
        """
        spared = f"would have spared you {self.regrettable:,} of "
        spared += plural(self.all_regrettable, "regret")
        names = ", ".join(self.best_lost[:_EXAMPLES])
        if self.best > _EXAMPLES and names:
            names += ", ..."
        end = f" ({names})" if names else ""
        return f"{spared}, would have cost you {self.best or 'no'} best{end}"

    def sentences(self, currency: str = "", /) -> tuple[str, ...]:
        """All of it in words: effect, certainty, money, and what is in doubt."""
        later = f"{self.later_regrettable:,} of {self.later_covered:,}"
        doubts = tuple(f"In doubt: {doubt}" for doubt in self.doubts)
        return (
            capital(self.sentence()),
            f"{percent_range(self.low, self.high)} of those it covers are regrettable: "
            f"{later} customers that took no part in finding it. Walking away pays "
            f"from {percent(self.break_even)}",
            f"Money: {amount(self.spared, currency)} spared, "
            f"{amount(self.cost, currency)} lost with the best",
            *(
                doubts
                or ("Strong: not due to chance, confirmed, and walking away pays",)
            ),
        )


State = Literal["proposed", "shadow", "active", "probation", "retired", "policy"]
#: All states, in the order of a rule's life.
STATES: Final[tuple[State, ...]] = get_args(State)

_MOVES: Final[dict[State, tuple[State, ...]]] = {
    "proposed": ("shadow", "active", "retired"),
    "shadow": ("active", "retired"),
    "active": ("probation", "retired"),
    "probation": ("active", "retired"),
    "retired": ("proposed",),
    "policy": ("retired",),
}
_BY_MACHINE: Final = {
    ("active", "probation"),
    ("probation", "retired"),
    ("retired", "proposed"),
}
_YEAR: Final = 365


class Move(Frozen):
    """One step in a rule's life: to which state, by whom, why and when."""

    state: State
    #: The person; None where the machine moved it.
    by: str | None
    reason: str = Field(min_length=1)
    on: date


class Disqualifier(Frozen):
    """A condition under which we walk away, and why.

    >>> rule = policy_rule("industry = 'Arms'", by="ada", reason="ethics", why="no",
    ...                    on=date(2026, 1, 31))
    >>> rule.state, rule.decides
    ('policy', True)
    >>> rule.move("retired", by=None, reason="old", on=date(2026, 2, 1))
    Traceback (most recent call last):
    ...
    icp.errors.RuleError: only a person may move rule db10e6ac from 'policy' to \
'retired'; sign in and say why
    """

    format: Literal[1] = 1
    #: First eight hexadecimal digits of the SHA-256 of kind and condition.
    id: str = Field(min_length=1)
    condition: ConditionText
    kind: Literal["learned", "policy"]
    state: State
    #: Code of the reason to walk away (design: the catalogue of reasons).
    reason: str = Field(default="outside_profile", min_length=1)
    #: What a person calls it; the condition itself where empty.
    title: str = ""
    #: Code of the exit play; the reason's own where empty.
    exit: str = ""
    #: Policy: when to look at it again.
    review_on: date | None = None
    #: Oldest first.
    evidence: tuple[RuleEvidence, ...] = ()
    moves: tuple[Move, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.state != self.moves[-1].state:
            raise ValueError("a rule's state is that of its last move")
        policy = {"policy", "retired"}
        if (self.kind == "policy") != (self.moves[0].state == "policy"):
            raise ValueError("exactly policy rules begin as policy")
        if self.kind == "policy" and not {m.state for m in self.moves} <= policy:
            raise ValueError("a policy rule is in force or retired, nothing else")
        return self

    @property
    def name(self) -> str:
        """The title, or the condition as text."""
        return self.title or str(self.condition)

    @property
    def decides(self) -> bool:
        """Whether accounts that it covers are disqualified by it."""
        return self.state in {"active", "policy"}

    @property
    def latest(self) -> RuleEvidence | None:
        """The newest evidence, None where there is none (policy)."""
        return self.evidence[-1] if self.evidence else None

    @property
    def open_moves(self) -> tuple[State, ...]:
        """The states to which a person may move it."""
        if self.kind == "policy" and self.state == "retired":
            return ()
        return _MOVES[self.state]

    def move(
        self,
        state: State,
        /,
        *,
        by: str | None,
        reason: str,
        on: date,
        evidence: RuleEvidence | None = None,
    ) -> Disqualifier:
        """The rule in its new state; `by` is the person, None is the machine.

        Raises RuleError where the way is not open, no reason is given, or the machine
        tries what only people may do.
        """
        if state not in self.open_moves:
            ways = ", ".join(repr(way) for way in self.open_moves) or "nothing else"
            message = f"rule {self.id} is {self.state!r}; it can become {ways}"
            raise RuleError(message)
        way = f"from {self.state!r} to {state!r}"
        if not by and ((self.state, state) not in _BY_MACHINE or self.kind == "policy"):
            message = (
                f"only a person may move rule {self.id} {way}; sign in and say why"
            )
            raise RuleError(message)
        if not reason.strip():
            raise RuleError(f"a reason is required for rule {self.id} to move {way}")
        move = Move(state=state, by=by or None, reason=reason.strip(), on=on)
        snapshots = (*self.evidence, evidence) if evidence else self.evidence
        return self.model_copy(
            update={
                "state": state,
                "moves": (*self.moves, move),
                "evidence": snapshots,
            }
        )

    def seen(self, evidence: RuleEvidence, /) -> Disqualifier:
        """The rule with newer evidence, in the same state."""
        return self.model_copy(update={"evidence": (*self.evidence, evidence)})

    def words(self, titles: Mapping[str, str] | None = None, /) -> str:
        """The title, or the condition as people say it."""
        return self.title or self.condition.words(titles)

    def to_json(self) -> str:
        """The rule as JSON."""
        return self.model_dump_json()

    @classmethod
    def from_json(cls, text: str | bytes, /) -> Disqualifier:
        """Read a rule; raises RuleError."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            reason = fault(error, cls, action="correct it")
            raise RuleError(f"not a valid disqualifier: {reason}") from error


class RuleException(Frozen):
    """A person pursues an account although a rule says to walk away."""

    rule: str = Field(min_length=1)
    account_id: str = Field(min_length=1)
    asked_by: str = Field(min_length=1)
    #: Who allows it; policy rules need one, and never the person who asks.
    approver: str | None = None
    reason: str = Field(min_length=1)
    on: date

    def of(self, rule: Disqualifier, /) -> RuleException:
        """Itself, if it is allowed for this rule; raises RuleError."""
        if self.rule != rule.id:
            message = (
                f"the exception is for rule {self.rule}, not {rule.id}; correct it"
            )
            raise RuleError(message)
        if rule.kind == "policy" and self.approver in {None, "", self.asked_by}:
            message = (
                f"rule {rule.id} is policy; name somebody else who approves the "
                "exception"
            )
            raise RuleError(message)
        return self


# ----------------------------------------------------------------------- new rules


def proposed_rule(
    condition: Condition | str,
    evidence: RuleEvidence,
    /,
    *,
    on: date,
    reason: str = "outside_profile",
) -> Disqualifier:
    """A rule that a search found, waiting for a person."""
    why = "found by the search: " + evidence.sentence()
    return _new(
        condition, "learned", Move(state="proposed", by=None, reason=why, on=on)
    ).model_copy(update={"evidence": (evidence,), "reason": reason})


def policy_rule(
    condition: Condition | str,
    /,
    *,
    by: str,
    reason: str,
    why: str,
    on: date,
    title: str = "",
    exit: str = "",
    review_on: date | None = None,
) -> Disqualifier:
    """A rule that a person lays down; `reason` is its code, `why` the words.

    Raises RuleError where the person or the words are missing, or the condition
    cannot be read.
    """
    if not (by and by.strip() and why.strip()):
        raise RuleError("a policy rule needs a person and a reason; give both")
    rule = _new(condition, "policy", Move(state="policy", by=by, reason=why, on=on))
    return rule.model_copy(
        update={"reason": reason, "title": title, "exit": exit, "review_on": review_on}
    )


def _new(
    condition: Condition | str, kind: Literal["learned", "policy"], move: Move
) -> Disqualifier:
    read = parse(condition) if isinstance(condition, str) else condition
    return Disqualifier(
        id=hashlib.sha256(f"{kind}: {read}".encode()).hexdigest()[:8],
        condition=read,
        kind=kind,
        state=move.state,
        moves=(move,),
    )


def held_back(rule: Disqualifier, evidence: RuleEvidence, /, *, on: date) -> bool:
    """Whether it is too soon to propose a retired rule again.

    It is for twelve months, unless twice as many customers speak for it by then.
    """
    retired = rule.moves[-1]
    if retired.state != "retired" or (on - retired.on).days >= _YEAR:
        return False
    return rule.latest is not None and evidence.covered < 2 * rule.latest.covered


# --------------------------------------------------------------------------- scoring


def deciding(rules: Iterable[Disqualifier], /) -> tuple[Disqualifier, ...]:
    """The rules that disqualify, policy first, then in the order given."""
    active = [rule for rule in rules if rule.decides]
    return tuple(sorted(active, key=lambda rule: rule.kind != "policy"))


def disqualified_by(
    rules: Iterable[Disqualifier], schema: Mapping[str, pl.DataType], /
) -> pl.Expr:
    """Per account the conditions of the deciding rules that cover it, as texts.

    List[String], policy first, empty where none does; never null.
    """
    texts = [
        pl.when(rule.condition.covers(schema)).then(pl.lit(str(rule.condition)))
        for rule in deciding(rules)
    ]
    if not texts:
        return pl.lit([], pl.List(pl.String))
    return pl.concat_list(texts).list.drop_nulls()


def disqualified_by_one(
    rules: Iterable[Disqualifier], row: Mapping[str, object], /
) -> tuple[str, ...]:
    """The same for one account."""
    return tuple(
        str(rule.condition) for rule in deciding(rules) if rule.condition.holds(row)
    )
