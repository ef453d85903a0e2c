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
from datetime import date  # noqa: TC003  # pydantic reads it
from typing import TYPE_CHECKING, Final, Literal, Self, get_args

import polars as pl
from pydantic import Field, ValidationError, model_validator

from icp.conditions import ConditionText, parse
from icp.errors import RuleError
from icp.provenance import Frozen
from icp.rule_evidence import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from icp.conditions import Condition

__all__ = [
    "STATES",
    "Disqualifier",
    "Evidence",
    "Move",
    "Override",
    "State",
    "deciding",
    "disqualified_by",
    "disqualified_by_one",
    "held_back",
    "policy_rule",
    "proposed_rule",
]

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
    evidence: tuple[Evidence, ...] = ()
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
    def latest(self) -> Evidence | None:
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
        evidence: Evidence | None = None,
    ) -> Disqualifier:
        """The rule in its new state; `by` is the person, None is the machine.

        Raises RuleError where the way is not open, nobody says why, or the machine
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
            raise RuleError(
                f"nobody says why rule {self.id} moves {way}; give a reason"
            )
        move = Move(state=state, by=by or None, reason=reason.strip(), on=on)
        snapshots = (*self.evidence, evidence) if evidence else self.evidence
        return self.model_copy(
            update={
                "state": state,
                "moves": (*self.moves, move),
                "evidence": snapshots,
            }
        )

    def seen(self, evidence: Evidence, /) -> Disqualifier:
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
            first = error.errors(include_input=False, include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"]) or "document"
            message = f"not a valid disqualifier: {place}: {first['msg']}"
            raise RuleError(message) from error


class Override(Frozen):
    """A person pursues an account although a rule says to walk away."""

    rule: str = Field(min_length=1)
    account_id: str = Field(min_length=1)
    asked_by: str = Field(min_length=1)
    #: Who allows it; policy rules need one, and never the person who asks.
    approver: str | None = None
    reason: str = Field(min_length=1)
    on: date

    def of(self, rule: Disqualifier, /) -> Override:
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
    evidence: Evidence,
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
    made = _new(condition, "policy", Move(state="policy", by=by, reason=why, on=on))
    return made.model_copy(
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


def held_back(rule: Disqualifier, evidence: Evidence, /, *, on: date) -> bool:
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
    found = [rule for rule in rules if rule.decides]
    return tuple(sorted(found, key=lambda rule: rule.kind != "policy"))


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
