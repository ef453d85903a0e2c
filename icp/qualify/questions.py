"""Questions in words: what asking is worth, and where each answer would lead.

For an attribute that is not known the profile's tables say how likely each answer is
and where it would move the chance; for a reason that nobody asked about the catalogue
says how often it is seen. Asking is worth what decisions after the answer bring more
than the decision now (one-step expected value of information, EVSI):

    EVSI = sum over answers of w max(0, G(p after)) - max(0, G(p)),  G = pursue's money

The shares w are made coherent with the chance p as it is: answers that raise it and
answers that lower it are weighed so that the mean over the answers is p again. Hence
EVSI is never below 0, 0 where no answer changes the decision, and never above the
value of knowing the outcome itself. An answer that would put the account under a rule
in force (`icp.qualify.asking`) counts with the share of best customers seen under
that rule. What is known to stand in the way and can be cured is taken as cured, as for
the verdict. Where an answer would lead is judged like any account: each answer is a
row of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from icp.profile import NEVER_SEEN
from icp.qualify.batch import VERDICTS, Attributes, Cases, OpenQuestion, open_questions
from icp.scoring.words import cell_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from icp.qualify.reasons import VerdictName


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


def questions_of(
    case: Cases, attributes: Attributes | None, /
) -> tuple[tuple[Question, ...], bool]:
    """The questions worth asking a single account, and whether one comes first.

    The most valuable first; ties by code. None says: no question would change this;
    decide now. An account without a score gets the attributes that tell most, whatever
    they are worth.
    """
    worth_asking = [
        question
        for question in open_questions(case, attributes)
        if case.worth_asking(question)[0]
    ]
    worth_asking.sort(key=lambda question: (-case.net(question)[0], question.code))
    verdicts = _verdicts_after(case, worth_asking) if worth_asking else []
    first = any(bool(case.first(question)[0]) for question in worth_asking)
    return tuple(
        _in_words(question, case, attributes, after)
        for question, after in zip(worth_asking, verdicts, strict=True)
    ), first


def _in_words(
    question: OpenQuestion,
    case: Cases,
    attributes: Attributes | None,
    verdicts: Sequence[VerdictName],
) -> Question:
    inquiry = question.inquiry
    return Question(
        code=question.code,
        kind=_kind(question),
        text=question.text,
        value=float(inquiry.value[0]),
        cost=case.asking_cost,
        turns=float(inquiry.turns[0]),
        answers=tuple(
            Answer(text=text, share=share, p=p, verdict=verdict)
            for text, share, p, verdict in zip(
                _answer_words(question, case, attributes),
                inquiry.shares[0].tolist(),
                inquiry.after[0].tolist(),
                verdicts,
                strict=True,
            )
        ),
    )


def _kind(question: OpenQuestion) -> Literal["attribute", "reason"]:
    return "attribute" if question.code.startswith("attribute:") else "reason"


def _answer_words(
    question: OpenQuestion, case: Cases, attributes: Attributes | None
) -> tuple[str, ...]:
    if attributes is not None and _kind(question) == "attribute":
        table = attributes.profile.tables[question.place]
        return tuple(cell_words(table, code) for code in range(_FIRST, table.size))
    title = case.catalogue.reasons[question.place].title
    return (title[:1].lower() + title[1:], "not")


def _verdicts_after(
    case: Cases, questions: Sequence[OpenQuestion]
) -> list[list[VerdictName]]:
    """The verdict after each answer, judged as accounts of which it is known."""
    counts = [question.inquiry.after.shape[1] for question in questions]
    after = case.take(np.zeros(sum(counts), dtype=np.int64))
    start = 0
    for question, count in zip(questions, counts, strict=True):
        answers = slice(start, start + count)
        if _kind(question) == "attribute":
            after.profile_chance[answers] = question.inquiry.chances[0]
            if question.ruled_out is not None:
                after.ruled_out[answers] = question.ruled_out[0]
        else:
            after.signals.holds[answers, question.place] = (True, False)
            after.signals.refuted[answers, question.place] = (False, True)
        start += count
    names = [VERDICTS[rank] for rank in after.verdict()]
    ends = np.cumsum(counts).tolist()
    return [names[end - count : end] for count, end in zip(counts, ends, strict=True)]
