"""Which answer is worth most: the one-step expected value of asking (EVSI).

For an attribute that is not known the profile's tables say how likely each answer is
and where it would move the chance; for a reason that nobody asked about the catalogue
says how often it is seen. Asking is worth what decisions after the answer bring more
than the decision now:

    EVSI = sum over answers of w max(0, G(p after)) - max(0, G(p)),  G = pursue's money

The shares w are made coherent with the chance p as it is: answers that raise it and
answers that lower it are weighed so that the mean over the answers is p again. Hence
EVSI is never below 0, 0 where no answer changes the decision, and never above the
value of knowing the outcome itself. An answer that would put the account under a rule
in force (`icp.qualify.asking`) counts with the share of best customers seen under
that rule. What is known to stand in the way and can be cured is taken as cured, as for
the verdict.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from icp.profile import MISSING, NEVER_SEEN
from icp.qualify.asking import (
    Asked,
    Places,
    ask_attribute,
    ask_reason,
    bounds_of,
    covered_by_answer,
    reading,
)
from icp.qualify.signals import Signal
from icp.schema import Kind
from icp.scoring.single import scorer_of
from icp.scoring.words import cell_words, title_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from icp.disqualifiers import Disqualifier
    from icp.profile import AttributeTable, Profile
    from icp.qualify.reasons import Catalogue, Reason, VerdictName
    from icp.qualify.standing import Standing
    from icp.scoring import Score


_FIRST: Final = NEVER_SEEN + 1


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One possible answer, how likely it is, and what would follow."""

    text: str
    #: Share of the answers, coherent with the chance now.
    share: float
    #: Probability of best after it.
    p: float
    verdict: VerdictName


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question, what asking is worth, how each answer would move the verdict."""

    #: `attribute:<table>` or `reason:<code>`.
    code: str
    kind: Literal["attribute", "reason"]
    text: str
    #: Expected money gained by asking (EVSI), what asking costs, and the difference.
    value: float
    cost: float
    #: Share of the answers that would change the decision.
    turns: float
    answers: tuple[Answer, ...]

    @property
    def net(self) -> float:
        """What asking is worth after its cost."""
        return self.value - self.cost

    def first(self, least: float, /) -> bool:
        """Whether to ask it before deciding."""
        return self.net > 0 and self.turns >= least

    def moves(self, now: VerdictName, /) -> tuple[str, ...]:
        """How answers would move the verdict, in words; empty where none does."""
        return tuple(
            f"if {answer.text}: {answer.verdict.replace('_', ' ')}"
            for answer in self.answers
            if answer.verdict != now
        )


# ------------------------------------------------------------------------- questions


def questions_of(
    stood: Standing, unknown: Unknown | None = None, /
) -> tuple[Question, ...]:
    """The questions worth asking, the most valuable first; ties by code.

    Empty says: no question would change this; decide now. An account that cannot be
    evaluated gets the unknown attributes that tell most, whatever they are worth.
    """
    places = _place(stood)
    if places is None or stood.disqualified:
        return ()
    found = (
        [unknown.ask(place, stood, places) for place in unknown.open] if unknown else []
    )
    if not stood.scored:
        return tuple(unknown.telling(found)) if unknown else ()
    found += [_ask_reason(reason, stood, places) for reason in open_reasons(stood)]
    worth = [question for question in found if question.net > 0]
    return tuple(sorted(worth, key=lambda q: (-q.net, q.code)))


def _place(stood: Standing) -> Places | None:
    if stood.chance_cured is None or stood.profile_chance is None:
        return None
    return Places(
        profile_chance=np.array([stood.profile_chance], dtype=np.int64),
        chance=np.array([stood.chance_cured], dtype=np.int64),
        value=np.array([stood.stakes.value]),
        loss=stood.stakes.loss,
        cost=stood.stakes.cost,
    )


def _question(
    code: str, text: str, stood: Standing, asked: Asked, answers: list[_Case]
) -> Question:
    value, cost = float(asked.value[0]), asking_cost(stood)
    told = value > cost or not stood.scored
    return Question(
        code=code,
        kind="attribute" if code.startswith("attribute:") else "reason",
        text=text,
        value=value,
        cost=cost,
        turns=float(asked.turns[0]),
        answers=tuple(
            Answer(
                text=case.text,
                share=float(asked.shares[0, place]),
                p=float(asked.after[0, place]),
                verdict=case.stood.verdict(),
            )
            for place, case in enumerate(answers)
        )
        if told
        else (),
    )


def asking_cost(stood: Standing, /) -> float:
    """What an answer costs, in money."""
    return stood.catalogue.asking.cost_share * stood.stakes.cost


@dataclass(frozen=True, kw_only=True)
class _Case:
    """A possible answer, and where the account would stand after it."""

    text: str
    stood: Standing


# ------------------------------------------------------------------------ attributes


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """The attributes that are not known of one account."""

    profile: Profile
    codes: tuple[int, ...]
    margin: int
    #: What is known, and the rules in force that no exception sets aside.
    row: Mapping[str, object] = field(default_factory=dict)
    rules: tuple[Disqualifier, ...] = ()

    @property
    def open(self) -> tuple[int, ...]:
        """Places of the tables whose value is not known and could be asked."""
        return tuple(
            place
            for place, table in enumerate(self.profile.tables)
            if self.codes[place] == MISSING and len(table.cells) > 1
        )

    def ask(self, place: int, stood: Standing, places: Places, /) -> Question:
        """The question for the table at that place."""
        table = self.profile.tables[place]
        codes = np.array([self.codes], dtype=np.int64)
        margins = np.array([self.margin], dtype=np.int64)
        rules = reading(self.rules, table)
        covers = covered_by_answer(rules, table, self.row)
        most = bounds_of(rules, covers)[None, :] if rules else None
        asked = ask_attribute(self.profile, place, codes, margins, places, most=most)
        cases = [
            _Case(
                text=cell_words(table, code),
                stood=replace(
                    stood, profile_chance=int(chance), disqualified=bool(rule.any())
                ),
            )
            for code, (chance, rule) in enumerate(
                zip(asked.chances[0], covers, strict=True), start=_FIRST
            )
        ]
        text = attribute_words(table, stood.catalogue)
        return _question(f"attribute:{table.name}", text, stood, asked, cases)

    def telling(self, asked: list[Question], /) -> list[Question]:
        """The questions about attributes that tell anything, the most telling first."""
        told = {f"attribute:{t.name}": t.information for t in self.profile.tables}
        kept = [question for question in asked if told[question.code]]
        return sorted(kept, key=lambda q: (-told[q.code], q.code))


def unknown_attributes(
    row: Mapping[str, object],
    profile: Profile,
    score: Score,
    /,
    *,
    rules: tuple[Disqualifier, ...] = (),
) -> Unknown:
    """What the profile looks at and is not known of an account.

    `rules` are those in force that no exception sets aside.
    """
    codes = tuple(scorer_of(profile).codes(row))
    return Unknown(
        profile=profile, codes=codes, margin=score.margin, row=row, rules=rules
    )


def attribute_words(table: AttributeTable, catalogue: Catalogue, /) -> str:
    """The question for an attribute: the workspace's own words, or plain ones."""
    own = catalogue.questions.get(table.name) or catalogue.questions.get(table.column)
    title = title_of(table)
    if own:
        return own
    if table.kind is Kind.MULTI:
        return f"Does their {table.column.replace('_', ' ')} include {table.value}?"
    if table.kind is Kind.FLAG:
        return f"{title[:1].upper()}{title[1:]}: yes or no?"
    unit = f" (in {table.unit})" if table.unit and table.kind is Kind.NUMBER else ""
    return f"{title[:1].upper()}{title[1:]}{unit}: what is it?"


# --------------------------------------------------------------------------- reasons


def open_reasons(stood: Standing, /) -> tuple[Reason, ...]:
    """The reasons that can be asked for and about which nothing is known."""
    return tuple(
        reason
        for reason in stood.catalogue.reasons
        if reason.asked
        and reason.code not in stood.signals
        and not stood.relaxed(reason)
    )


def _ask_reason(reason: Reason, stood: Standing, places: Places) -> Question:
    words = reason.title[:1].lower() + reason.title[1:]
    cases = [
        _Case(
            text=words if holds else "not",
            stood=stood.with_signal(Signal(reason=reason.code, holds=holds)),
        )
        for holds in (True, False)
    ]
    asked = ask_reason(reason, places)
    return _question(f"reason:{reason.code}", reason.question, stood, asked, cases)
